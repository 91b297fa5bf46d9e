"""Files that imports keep below the external root, until they may go."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from campaigns import files, importing, lifecourse
from campaigns.models import ImportFile, RecipientGroup
from gateway.caller import Caller
from gateway.incoming import Incoming
from jobs.models import Job
from sending.stores.base import Document, Owner, StoreRefusal
from sending.stores.fs import FileStore
from tests.campaigns.factories import make_group, put_file
from tests.factories import make_caller
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

CONTENT = b"name;email\nAnn;no address\n"


@pytest.fixture
def client(external_root: Path) -> Caller:
    (external_root / "mine").mkdir()
    return make_caller(external_folder="mine")


@pytest.fixture
def group(client: Caller) -> RecipientGroup:
    return make_group(client)


def uploaded(caller: Caller, group: RecipientGroup) -> str:
    with Incoming() as incoming:
        return importing.keep_upload(caller=caller, group=group, stored=incoming.receive([CONTENT], most=1000))


def imported(caller: Caller, group: RecipientGroup, path: str) -> Job:
    job = importing.begin(caller=caller, group=group, path=path, file_name="people.csv")
    work("long")
    job.refresh_from_db()
    return job


def ended_days_ago(job: Job, days: int) -> None:
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days))


def there(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*.csv"))


def test_an_upload_and_its_result_go_when_their_time_is_over(
    client: Caller, group: RecipientGroup, external_root: Path, settings: Any
) -> None:
    settings.HAMMY_IMPORT_FILE_DAYS = 30
    job = imported(client, group, uploaded(client, group))
    both = there(external_root)
    ended_days_ago(job, 29)
    early = files.prune()
    kept = there(external_root)
    ended_days_ago(job, 31)

    assert (job.status, len(both), early, kept) == ("FINISHED", 2, 0, both)
    assert (files.prune(), files.prune()) == (2, 0)
    assert there(external_root) == []
    assert not ImportFile.objects.exists()


def test_they_go_with_their_job_where_no_time_is_set(
    client: Caller, group: RecipientGroup, external_root: Path, settings: Any
) -> None:
    settings.HAMMY_IMPORT_FILE_DAYS = -1
    job = imported(client, group, uploaded(client, group))
    ended_days_ago(job, 4000)
    lifecourse.update()
    kept = len(there(external_root))
    job.delete()
    lifecourse.update()

    assert (kept, there(external_root)) == (2, [])


def test_what_its_sender_put_there_stays(client: Caller, group: RecipientGroup, external_root: Path) -> None:
    put_file(CONTENT, "mine/people.csv")
    ended_days_ago(imported(client, group, "people.csv"), 91)
    both = there(external_root)

    assert (both, files.prune()) == (["people.csv", "people.csv-invalid-addresses.csv"], 1)
    assert there(external_root) == ["people.csv"]


def test_an_upload_that_nobody_imported_goes_after_eight_days(
    client: Caller, group: RecipientGroup, external_root: Path
) -> None:
    uploaded(client, group)
    early = files.prune()
    ImportFile.objects.update(created_at=timezone.now() - timedelta(days=9))

    assert (early, files.prune(), there(external_root)) == (0, 1, [])


def test_an_upload_is_kept_while_its_import_waits(client: Caller, group: RecipientGroup, external_root: Path) -> None:
    importing.begin(caller=client, group=group, path=uploaded(client, group), file_name="people.csv")
    ImportFile.objects.update(created_at=timezone.now() - timedelta(days=400))

    assert (files.prune(), len(there(external_root))) == (0, 1)


def test_another_file_in_the_place_of_a_result_stays(
    client: Caller, group: RecipientGroup, external_root: Path
) -> None:
    job = imported(client, group, uploaded(client, group))
    ended_days_ago(job, 91)
    result = external_root / "mine" / dict(job.params)["RESULT_RELATIVE_FILE_PATH"]
    result.write_text("somebody's notes")

    assert (files.prune(), there(external_root)) == (1, [result.name])
    assert not ImportFile.objects.exists()


def test_a_result_that_two_imports_share_goes_with_the_later(
    client: Caller, group: RecipientGroup, external_root: Path
) -> None:
    put_file(CONTENT, "mine/people.csv")
    first, second = imported(client, group, "people.csv"), imported(client, group, "people.csv")
    first.delete()

    assert (files.prune(), len(there(external_root))) == (0, 2)
    second.delete()
    assert (files.prune(), there(external_root)) == (1, ["people.csv"])


class Killed(BaseException):
    """What ends a process and lets nothing be tidied up."""


@pytest.mark.django_db(transaction=True)
def test_a_file_of_an_upload_that_died_is_known_and_goes(
    client: Caller, group: RecipientGroup, external_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = FileStore.keep

    def keep_and_die(self: FileStore, document: Document, owner: Owner) -> str:
        keep(self, document, owner)
        raise Killed

    monkeypatch.setattr(FileStore, "keep", keep_and_die)
    with pytest.raises(Killed):
        uploaded(client, group)
    ImportFile.objects.update(created_at=timezone.now() - timedelta(days=9))

    assert (len(there(external_root)), files.prune(), there(external_root)) == (1, 1, [])


def test_an_upload_that_cannot_be_kept_leaves_nothing_behind(
    client: Caller, group: RecipientGroup, external_root: Path
) -> None:
    (external_root / "mine" / f"{timezone.localdate():%Y%m%d}").write_text("no folder")

    with pytest.raises(StoreRefusal):
        uploaded(client, group)
    assert not ImportFile.objects.exists()


def test_files_that_cannot_be_removed_do_not_keep_the_others(
    client: Caller, group: RecipientGroup, external_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        uploaded(client, group)
    ImportFile.objects.update(created_at=timezone.now() - timedelta(days=9))
    stuck = ImportFile.objects.earliest("id").place
    remove = FileStore.remove

    def remove_others(self: FileStore, ref: str, owner: Owner, *, digest: str) -> bool:
        if ref == stuck:
            raise PermissionError(ref)
        return remove(self, ref, owner, digest=digest)

    monkeypatch.setattr(FileStore, "remove", remove_others)
    monkeypatch.setattr(files, "_MOST", 1)
    # Each takes the one or the other.
    assert any(files.prune() for _ in range(60))
    assert [row.place for row in ImportFile.objects.all()] == [stuck]


def test_of_two_that_keep_the_same_result_at_once_one_is_known(
    client: Caller, external_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = FileStore.keep

    def kept(job_id: int) -> str:
        with Incoming() as incoming:
            stored = incoming.receive([CONTENT], most=1000)
            return files.keep(caller=client, folder="f", file_name="result.csv", stored=stored, job_id=job_id)

    def keep_after_the_other(self: FileStore, document: Document, owner: Owner) -> str:
        monkeypatch.setattr(FileStore, "keep", keep)
        kept(2)
        return keep(self, document, owner)

    monkeypatch.setattr(FileStore, "keep", keep_after_the_other)
    assert kept(1) == "f/result.csv"
    assert [row.job_id for row in ImportFile.objects.all()] == [2]
    assert there(external_root) == ["result.csv"]

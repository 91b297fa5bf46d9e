"""Imports in the console: a file is taken, looked at, and its lines come in by a job."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns import looking
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from gateway.caller import Caller
from jobs.models import Job
from tests.campaigns.console import GROUPS, JOBS, NASTY, SAFE, offered
from tests.campaigns.factories import make_group
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

CSV = "név;E-mail cím;szerződés\nKiss Éva;eva@example.com;A-1\nNagy Pál;nothing;\n"


@pytest.fixture(autouse=True)
def external(settings: Any, tmp_path: Path) -> Path:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    return settings.HAMMY_EXTERNAL_ROOT


@pytest.fixture
def group() -> RecipientGroup:
    return make_group(Caller.house("anna"))


@pytest.fixture
def editor() -> Client:
    return client_of("Administrator")


def upload(client: Client, group: RecipientGroup, content: bytes, name: str = "people.csv") -> Any:
    return client.post(f"{GROUPS}{group.pk}/import/", {"file": SimpleUploadedFile(name, content)})


def columns(*meanings: str) -> dict[str, str]:
    chosen = {f"column-{number}": meaning for number, meaning in enumerate(meanings)}
    return chosen | {"shown": ";", "separator": ";", "duplicates": "SKIP_DUPLICATIONS"}


def test_an_upload_leads_to_what_is_in_it(editor: Client, group: RecipientGroup) -> None:
    place = upload(editor, group, CSV.encode("cp1250"))["Location"]
    response = editor.get(place)
    sample = response.context["sample"]
    assert (sample.sheet.encoding, sample.sheet.separator, sample.total) == ("cp1250", ";", 2)
    assert [field.value() for field in response.context["form"].columns] == ["name", "email_address", "property"]
    assert [(line.number, line.problem) for line in sample.lines] == [
        (2, ""),
        (3, "E-mail cím: not a valid e-mail address"),
    ]
    assert (response.context["invalid"], response.context["duplicates"], sample.properties) == ("1", "0", ["szerződés"])
    page = response.content.decode()
    assert [words for words in ("Kiss Éva", "<dd>Windows-1250</dd>", "<dd>szerződés</dd>") if words not in page] == []
    assert not Job.objects.exists()
    assert not Recipient.objects.exists()


def test_faults_below_the_first_records_are_shown(
    editor: Client, group: RecipientGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_MOST_LOOKED_AT", 20)
    good = b"".join(b"ann%d@example.com\n" % number for number in range(15))
    place = upload(editor, group, b"email\n" + good + b"x\nann3@example.com\n" + b"y\n" * 5)["Location"]
    response = editor.get(place)
    assert [line.number for line in response.context["later_faults"]] == [17, 19, 20, 21]
    assert (response.context["invalid"], response.context["duplicates"]) == (
        "4 (of the first 20)", "1 (of the first 20)",
    )  # fmt: skip


def test_the_import_runs_as_a_job_whose_page_leads_back(editor: Client, group: RecipientGroup) -> None:
    place = upload(editor, group, CSV.encode())["Location"]
    answer = editor.post(place, columns("name", "email_address", "property") | {"begin": ""})
    job = Job.objects.get()
    assert answer["Location"] == f"{JOBS}{job.pk}/change/"
    work("long")
    job.refresh_from_db()
    assert (job.status, job.reason) == ("FINISHED", "")
    assert list(Recipient.objects.values_list("name", "properties")) == [("Kiss Éva", {"szerződés": "A-1"})]
    assert trail() == [(str(group.pk), f"import: job {job.pk}")]

    page = editor.get(f"{JOBS}{job.pk}/change/")
    assert offered(page)[:2] == ["Recipient group", "Invalid lines"]
    lines = editor.get(f"{GROUPS}invalid/{job.pk}/").content.decode()
    assert tuple(words for words in ("Nagy Pál", "1 line could not be taken.") if words in lines) == (
        "Nagy Pál",
        "1 line could not be taken.",
    )
    saved: Any = editor.get(f"{GROUPS}invalid/{job.pk}/download/")
    assert b"".join(saved.streaming_content).decode().splitlines() == [
        "\ufeffline;reason;név;E-mail cím;szerződés",
        "3;E-mail cím: not a valid e-mail address;Nagy Pál;nothing;",
    ]
    (result,) = [block for block in page.context["groups"] if block["title"] == "Result"]
    assert result["facts"] == [
        ("New recipients", "1"), ("Changed", "0"), ("Duplicates skipped", "0"), ("Invalid lines", "1"),
    ]  # fmt: skip
    group_page = editor.get(f"{GROUPS}{group.pk}/change/").content.decode()
    assert f'<a class="console-link" href="{GROUPS}invalid/{job.pk}/">1 new, 1 invalid</a>' in group_page
    assert f'href="{JOBS}{job.pk}/change/"' in group_page


def test_the_meaning_of_a_column_can_be_changed(editor: Client, group: RecipientGroup) -> None:
    place = upload(editor, group, b"a;b;c\nAnn;ann@example.com;x\n")["Location"]
    first = editor.get(place)
    assert first.status_code == 409
    assert first.context["sample"].problem == "no column is the e-mail address or the postal address"
    refused = editor.post(place, columns("name", "property", "property") | {"begin": ""})
    assert (refused.status_code, Job.objects.exists()) == (409, False)

    assert editor.post(place, columns("name", "email_address", "") | {"begin": ""}).status_code == 302
    work("long")
    person = Recipient.objects.get()
    assert (person.name, person.email_address, person.properties) == ("Ann", "ann@example.com", {})


def test_another_separator_is_tried_before_anything_begins(editor: Client, group: RecipientGroup) -> None:
    place = upload(editor, group, b"name,x;email\nAnn;ann@example.com\n")["Location"]
    response = editor.post(place, columns("name", "email_address") | {"separator": ",", "begin": ""})
    assert response.context["sample"].sheet.headers == ("name", "x;email")
    response = editor.post(place, columns("name", "email_address") | {"separator": ";", "shown": ",", "begin": ""})
    assert response.context["sample"].sheet.headers == ("name,x", "email")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The submitted file is empty."),
        (b"PK\x03\x04\0\0", "it is no text: it has control characters"),
        (b"\xff\xfen\0a\0", "it is UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_no_such_file_is_told_and_not_kept(
    editor: Client, group: RecipientGroup, external: Path, content: bytes, words: str
) -> None:
    response = upload(editor, group, content)
    assert (response.status_code, response.context["form"].errors["file"]) == (409, [words])
    assert [path for path in external.rglob("*") if path.is_file()] == []


def test_a_file_larger_than_the_site_takes_is_not_kept(
    editor: Client, group: RecipientGroup, external: Path, settings: Any
) -> None:
    settings.HAMMY_MAX_UPLOAD_BYTES = 1000
    response = upload(editor, group, b"email\n" + b"ann@example.com\n" * 10_000)
    assert (response.status_code, list(response.context["form"].errors)) == (409, ["file"])
    assert [path for path in external.rglob("*") if path.is_file()] == []
    assert list(Path(django_settings.HAMMY_INCOMING).iterdir()) == []


def test_a_large_file_is_taken(editor: Client, group: RecipientGroup) -> None:
    content = b"email\n" + b"".join(b"ann%d@example.com\n" % number for number in range(200_000))
    assert len(content) > django_settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    place = upload(editor, group, content)["Location"]
    assert editor.get(place).context["sample"].total == 200_000


def test_a_forged_upload_is_refused(group: RecipientGroup) -> None:
    client = client_of("Administrator", enforce_csrf_checks=True)
    assert upload(client, group, CSV.encode()).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("role", ["Viewer", "Operator"])
def test_who_may_not_import_leaves_no_file(role: str, group: RecipientGroup, external: Path) -> None:
    assert upload(client_of(role), group, CSV.encode()).status_code == 403
    assert upload(Client(), group, CSV.encode()).status_code == 302
    assert list(external.rglob("*.csv")) == []


def test_an_upload_is_known_only_by_its_signed_word_and_for_its_group(editor: Client, group: RecipientGroup) -> None:
    word = upload(editor, group, CSV.encode())["Location"].rstrip("/").rpartition("/")[2]
    other = make_group(Caller.house("anna"))
    for address in (f"{GROUPS}{other.pk}/import/{word}/", f"{GROUPS}{group.pk}/import/{word[:-2]}/"):
        assert editor.get(address).status_code == 404


def test_what_a_file_says_is_shown_as_text(editor: Client, group: RecipientGroup) -> None:
    place = upload(editor, group, f"email;{NASTY}\n{NASTY};{NASTY}\n".encode(), name=f"{NASTY}.csv")["Location"]
    page = editor.get(place).content.decode()
    assert (SAFE in page, NASTY in page) == (True, False)


def test_invalid_lines_are_shown_to_who_may_see_recipients(group: RecipientGroup, editor: Client) -> None:
    place = upload(editor, group, b"email\n" + b"x\n" * 150)["Location"]
    editor.post(place, columns("email_address") | {"begin": ""})
    work("long")
    job = Job.objects.get()
    assert InvalidLine.objects.count() == 150
    response = client_of("Operator").get(f"{GROUPS}invalid/{job.pk}/")
    assert (response.context["total"], len(response.context["lines"])) == (150, 100)
    viewer = client_of("Viewer")
    assert viewer.get(f"{GROUPS}invalid/{job.pk}/").status_code == 403
    assert viewer.get(f"{GROUPS}invalid/{job.pk}/download/").status_code == 403
    assert "Invalid lines" not in offered(viewer.get(f"{JOBS}{job.pk}/change/"))


def test_who_may_import_learns_what_came_of_it_without_seeing_jobs(group: RecipientGroup) -> None:
    client = client_of("Template editor")
    place = upload(client, group, CSV.encode())["Location"]
    answer = client.post(place, columns("name", "email_address", "property") | {"begin": "1"})
    work("long")
    job = Job.objects.get()
    lines = f"{GROUPS}invalid/{job.pk}/"

    page = client.get(answer["Location"]).content.decode()

    assert f'<a class="console-link" href="{lines}">1 new, 1 invalid</a>' in page
    assert (f"{JOBS}{job.pk}/" in page, client.get(lines).status_code) == (False, 200)
    assert [offered(one.get(lines)) for one in (client, client_of("Operator"))] == [
        ["Download"],
        ["Download", "The job"],
    ]

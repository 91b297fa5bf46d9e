"""The command over operations in bulk."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Job
from tests.sending.factories import submitted

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("messages_in_bulk", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_dry_run_counts_and_begins_nothing() -> None:
    submitted(batch_id="b")
    submitted(batch_id="b")

    assert said("requeue", "--batch-id", "b", "--dry-run") == "match: 2, eligible: 0 (ACCEPTED: 2)"
    counted = said("CANCEL", "--batch-id", "b", "--status", "ACCEPTED", "--status", "HELD,RETRY", "--dry-run", "--json")
    assert json.loads(counted) == {"count": 2, "eligible": 2, "statuses": {"ACCEPTED": 2}}
    assert said("CANCEL", "--batch-id", "c", "--dry-run") == "match: 0, eligible: 0"
    assert not Job.objects.exists()


@pytest.mark.parametrize("as_json", [False, True])
def test_it_begins_the_job(as_json: bool) -> None:
    more = ["--json"] if as_json else []
    words = said("hold", "--id", "3", "--id", "4", "--opened", "true", "--reason", "wait", "--expected", "2", *more)

    job = Job.objects.get()
    assert [tuple(pair) for pair in job.params] == [
        ("OPERATION", "HOLD"),
        ("FILTER", '{"ids":[3,4],"opened":true}'),
        ("REASON", "wait"),
        ("EXPECTED", "2"),
    ]
    if as_json:
        assert json.loads(words) == {"jobId": job.pk, "jobUuid": str(job.uuid)}
    else:
        assert words == f"started: job {job.pk}  {job.uuid}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name messages by at least one of the filters; without any it would be all there are"),
        (["--created-from", "soon", "--id", "x"], "--id: must be a whole number above 0; --created-from: must be a mo"),
        (["--batch-id", "b"], "--reason: required"),
        (["--client", "nobody", "--reason", "x"], "--client: there is no client nobody"),
        (["--channel", "NOPE", "--dry-run"], "--channel: there is no channel NOPE; known are ARCHIVE, EMAIL, "),
        (["--channel", "NOPE", "--reason", "x"], "--channel: there is no channel NOPE; known are ARCHIVE, EMAIL, "),
    ],
)
def test_what_is_wrong_is_told_by_option(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as error:
        said("cancel", *arguments)
    assert str(error.value).startswith(sentence)
    assert not Job.objects.exists()


def test_an_unknown_operation_is_told_which_there_are() -> None:
    with pytest.raises(CommandError) as error:
        said("drop", "--id", "1")
    assert "invalid choice: 'DROP'" in str(error.value)
    assert "<" not in str(error.value)
    assert not Job.objects.exists()

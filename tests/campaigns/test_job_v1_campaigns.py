"""Campaigns and imports started by their triggers and followed as jobs (contract job_v1)."""

from hashlib import sha1
from typing import Any

import pytest

from campaigns.models import Campaign, Recipient
from gateway.caller import Caller as CoreCaller
from gateway.lookup import caller_of
from jobs.models import Job, Trigger
from sending.models import Message
from tests.campaigns.factories import make_campaign, make_group, put_file
from tests.jobs.conftest import work
from tests.jobs.job_v1_calls import Caller, problems, soap_status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_root")]

IMPORT = "hu.dbx.hammy.processor.recipient.csv.ImportRecipientsJobRunner"
RIGHTS = ["campaigns", "send", "jobs.read", "jobs.run"]
CSV = b"name;email\nAnn;ann@example.com\nBob;nobody\n"
# As the documents' samples have them.
KEYS = {
    "RESULT_RELATIVE_FILE_PATH", "RELATIVE_FILE_PATH", "RECIPIENT_GROUP_UUID", "FILE_NAME", "FILE_CONTENT_CHECKSUM",
    "CSV_SEPARATOR", "RECIPIENT_DUPLICATION_HANDLING_TYPE",
}  # fmt: skip


@pytest.fixture
def api() -> Caller:
    return Caller(rights=RIGHTS, external_folder="mine")


@pytest.fixture
def campaign(api: Caller) -> Campaign:
    core = core_of(api)
    return make_campaign(core, make_group(core, size=2), make_group(core, size=1))


def core_of(api: Caller) -> CoreCaller:
    """As the services know it."""
    return caller_of(api.client)


def run(api: Caller, face: str, name: str, leg_ids: list[str] | None = None, **params: str) -> list[tuple[int, str]]:
    """Trigger a job over a face; what was refused."""
    if face == "REST":
        body = {"jobName": name, "params": [{"key": key, "value": value} for key, value in params.items()]}
        answer = api.post("/jobs", body | ({"legIds": leg_ids} if leg_ids else {}))
        return [] if answer.status_code == 200 else problems(answer)
    legs = f"<legIds>{''.join(f'<legId>{leg}</legId>' for leg in leg_ids)}</legIds>" if leg_ids else ""
    pairs = "".join(f"<param><key>{key}</key><value>{value}</value></param>" for key, value in params.items())
    code, sentences = soap_status(api.soap("triggerJob", f"<jobName>{name}</jobName>{legs}<params>{pairs}</params>"))
    return [(code, sentence) for sentence in sentences]


@pytest.mark.parametrize("face", ["REST", "SOAP"])
def test_a_trigger_sends_the_legs_that_its_caller_names(api: Caller, campaign: Campaign, face: str) -> None:
    first, second = campaign.parts.all()

    assert run(api, face, "campaignJob", [str(second.pk), str(first.pk)]) == []
    work()

    assert Message.objects.count() == 3
    (job,) = Job.objects.filter(parent=None)
    assert (dict(job.params), job.client) == ({"legIds": f"{second.pk},{first.pk}"}, api.client)


@pytest.mark.parametrize("face", ["REST", "SOAP"])
def test_a_trigger_sends_nobody_elses_legs(api: Caller, campaign: Campaign, face: str) -> None:
    stranger = Caller(rights=RIGHTS)
    mine = make_campaign(core_of(stranger), make_group(core_of(stranger), size=1)).parts.get()
    theirs = campaign.parts.earliest("id")

    refused = run(stranger, face, "campaignJob", [str(mine.pk), str(theirs.pk), "x"])

    assert refused == [(1002, f"legIds: there is no leg {theirs.pk}, x")]
    assert run(stranger, face, "campaignJob") == [(1001, "legIds: required: the ids of the legs to send")]
    assert not Job.objects.exists()


def test_a_trigger_of_campaigns_takes_their_right(campaign: Campaign) -> None:
    other = Caller()
    assert run(other, "REST", "campaignJob", [str(campaign.parts.earliest("id").pk)]) == [
        (2002, "the client lacks the right campaigns")
    ]
    assert not Job.objects.exists()


@pytest.fixture
def importer() -> Trigger:
    return Trigger.objects.create(name="importRecipients", job_class=IMPORT)


@pytest.mark.parametrize("face", ["REST", "SOAP"])
def test_a_trigger_imports_a_file_of_its_callers_own(
    api: Caller, external_root: Any, importer: Trigger, face: str
) -> None:
    (external_root / "mine").mkdir()
    put_file(CSV, "mine/people.csv")
    group = make_group(core_of(api))
    params = {
        "RELATIVE_FILE_PATH": "people.csv", "FILE_NAME": "Cimzett 2024.09.csv", "CSV_SEPARATOR": ";",
        "FILE_CONTENT_CHECKSUM": sha1(CSV).hexdigest(), "RECIPIENT_GROUP_UUID": str(group.uuid),
        "RECIPIENT_DUPLICATION_HANDLING_TYPE": "ALLOW_DUPLICATIONS",
    }  # fmt: skip

    assert run(api, face, "importRecipients", **params) == []
    work("long")

    (job,) = Job.objects.all()
    assert (job.status, job.reason, Recipient.objects.get().group) == ("FINISHED", "", group)
    shown = api.get(f"/jobs/{job.uuid}").json()["data"]["attributes"]
    expected = params | {"RESULT_RELATIVE_FILE_PATH": "people.csv-invalid-addresses.csv"}
    assert (shown["total"], shown["completed"]) == (2, 2)
    assert {pair["key"]: pair["value"] for pair in shown["jobParams"]} == expected
    info = api.get(f"/jobInfos/{job.uuid}").json()["data"]["attributes"]["jobInfo"]
    assert info["progressPct"] == 100
    assert [pair["key"] for pair in info["jobParams"]][:2] == ["TOTAL", "FINISHED"]
    assert {pair["key"] for pair in info["jobParams"]} == KEYS | {"TOTAL", "FINISHED"}


@pytest.mark.parametrize("face", ["REST", "SOAP"])
def test_what_an_import_cannot_be_given_is_told_in_plain_words(api: Caller, importer: Trigger, face: str) -> None:
    params = {"RELATIVE_FILE_PATH": "a.csv", "FILE_CONTENT_CHECKSUM": "1", "RECIPIENT_GROUP_UUID": "x"}

    assert run(api, face, "importRecipients", **params) == [
        (1002, "params.FILE_CONTENT_CHECKSUM: must be a SHA-1 in hex"),
        (1002, "params.RECIPIENT_GROUP_UUID: must be a uuid"),
    ]
    assert not Job.objects.exists()


def test_a_trigger_imports_no_file_of_another(api: Caller, external_root: Any, importer: Trigger) -> None:
    for folder in ("mine", "theirs"):
        (external_root / folder).mkdir()
    put_file(CSV, "theirs/people.csv")
    group = str(make_group(core_of(api)).uuid)

    for path in ("theirs/people.csv", "../theirs/people.csv"):
        assert run(api, "REST", "importRecipients", RELATIVE_FILE_PATH=path, RECIPIENT_GROUP_UUID=group) == []
    work("long")

    assert {(job.status, job.reason) for job in Job.objects.all()} == {
        ("FAILED", "theirs/people.csv: it names nothing that is there"),
        ("FAILED", "../theirs/people.csv: it must not contain an empty name, . or .."),
    }
    assert not Recipient.objects.exists()


def test_a_trigger_imports_into_no_group_of_another(api: Caller, importer: Trigger) -> None:
    theirs = str(make_group(core_of(Caller(rights=RIGHTS))).uuid)

    refused = run(api, "REST", "importRecipients", RELATIVE_FILE_PATH="a.csv", RECIPIENT_GROUP_UUID=theirs)

    assert refused == [(1002, "params.RECIPIENT_GROUP_UUID: there is no such recipient group")]
    assert not Job.objects.exists()

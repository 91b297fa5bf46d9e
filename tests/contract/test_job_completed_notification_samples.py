"""The samples of the originals of job completed notifications and of URL callbacks (contracts
job_completed_notifications, dpf_url_callback; golden files as printed).

What the contracts decide otherwise is mended here, and nowhere else: the white space that the print put round values
and between elements is not on the wire; of the callback's samples the text, not the print, says that unused members are
null, and the tracker's address is our own. The notification that the original prints is an extract (two roots, no
date): what goes over the wire is in payload*.xml and payload*.json as our contract writes it.
"""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.credentials.aws_v2 import SignedRequest, signature
from gateway.models import ApiClient
from jobs.states import Status
from jobs.undone import Undone
from notifications.models import Registration
from notifications.payloads import News, Style, payloads
from notifications.payloads.naming import Naming, spelt
from notifications.states import EventKind
from tests.notifications.ds3_calls import PATH, Ds3, call

GOLDEN = Path(__file__).parent / "golden"
SPECTRA, DPF = GOLDEN / "job_completed_notifications", GOLDEN / "dpf_url_callback"
MOMENT = datetime.fromisoformat("2014-10-02T11:40:25.683+00:00")
JOB = UUID("d7f5e47c-fbe6-4067-b834-9f829f150333")
OBJECTS = [
    Undone(uuid=UUID(number), name="o1", length=10)
    for number in ("6d0c304e-8609-4f69-8e57-ad61787c2172", "628a1df8-d440-4caf-9e31-089b95b5cbe7")
]
# The names of elements, attributes and keys in each convention (the contract's table, and on from there).
CONVENTIONS = {
    "CONCAT_LOWERCASE": "notification event canceloccurred jobid notificationgenerationdate objectsnotpersisted type "
    "object id latest length name offset versionid",
    "CONSTANT": "NOTIFICATION EVENT CANCEL_OCCURRED JOB_ID NOTIFICATION_GENERATION_DATE OBJECTS_NOT_PERSISTED TYPE "
    "OBJECT ID LATEST LENGTH NAME OFFSET VERSION_ID",
    "UNDERSCORED": "notification event cancel_occurred job_id notification_generation_date objects_not_persisted type "
    "object id latest length name offset version_id",
    "CAMEL_CASE_WITH_FIRST_LETTER_LOWERCASE": "notification event cancelOccurred jobId notificationGenerationDate "
    "objectsNotPersisted type object id latest length name offset versionId",
    "CAMEL_CASE_WITH_FIRST_LETTER_UPPERCASE": "Notification Event CancelOccurred JobId NotificationGenerationDate "
    "ObjectsNotPersisted Type Object Id Latest Length Name Offset VersionId",
}


def _printed_answer() -> tuple[int, bytes]:
    """Status and body, without the print's white space."""
    head, _, body = (SPECTRA / "create.response.http").read_text().partition("\n")
    return int(head.split()[1]), re.sub(r"\s*(<[^>]+>)\s*", r"\1", body).encode()


@pytest.mark.django_db
def test_the_sample_request_is_answered_as_printed() -> None:
    request = re.sub(r"\s*\n\?", "?", (SPECTRA / "create.request.http").read_text())
    found = re.fullmatch(r"(\w+) http://[^/]+(/[^?]+)\?(\S+) HTTP/1.1\n", request)
    assert found is not None
    method, path, query = found.groups()
    assert path == PATH
    status, body = _printed_answer()
    number = re.search(rb"<UserId>([^<]+)", body)
    assert number is not None
    api = Ds3()
    ApiClient.objects.filter(pk=api.client.pk).update(uuid=UUID(number[1].decode()))
    answer = call(method, path, query, **api.headers)
    assert (answer.status_code, answer.reason_phrase.upper()) == (status, "CREATED")
    assert answer["Content-Type"] == "text/xml"
    id_printed = re.search(rb"<Id>([^<]+)", body)
    assert id_printed is not None
    Registration.objects.update(uuid=UUID(id_printed[1].decode()), created_at=MOMENT)
    assert api.call("GET", f"/{id_printed[1].decode()}").content == body
    made = re.sub(rb"(<CreationDate>)[^<]+", rb"\g<1>2014-10-02T11:40:25.683Z", answer.content)
    assert re.sub(rb"(<Id>)[^<]+", rb"\g<1>" + id_printed[1], made) == body


@pytest.mark.parametrize(
    ("method", "expected"), [("POST", "QqNKVAEhW7lTNbCjNlNPTH/7tVc="), ("GET", "qlhqyVY6ZxXroy4+BHTpLadRx0s=")]
)
def test_the_signatures_of_the_contract(method: str, expected: str) -> None:
    request = SignedRequest(method=method, path=PATH, headers={"date": "Sat, 21 Nov 2026 21:54:21 -0000"})
    assert signature(secret="mysecret", request=request) == expected


def _news(**how: Any) -> News:
    values = {"kind": EventKind.JOB_COMPLETED, "at": MOMENT, "job_id": 4711, "job_uuid": JOB, "status": Status.FINISHED}
    return News(**values | how)


def _body(news: News, format_: str, naming: str = Naming.UPPER) -> bytes:
    return payloads()["job_completed"].body(news, Style(format=format_, naming=naming))


@pytest.mark.parametrize("format_", ["XML", "DEFAULT", "JSON"])
@pytest.mark.parametrize("name", ["payload", "payload_undone"])
def test_the_notification_is_the_contracts_to_the_byte(name: str, format_: str) -> None:
    # R37
    news = _news() if name == "payload" else _news(undone=OBJECTS)
    suffix = "json" if format_ == "JSON" else "xml"
    assert _body(news, format_) == (SPECTRA / f"{name}.{suffix}").read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("format_", ["XML", "JSON"])
@pytest.mark.parametrize("naming", [*Naming])
def test_every_name_follows_the_convention_and_no_value_does(naming: Naming, format_: str) -> None:
    # R37
    body = _body(_news(undone=OBJECTS), format_, naming).decode()
    expected = (SPECTRA / f"payload_undone.{'json' if format_ == 'JSON' else 'xml'}").read_text().rstrip("\n")
    for default, name in zip(CONVENTIONS[Naming.UPPER].split(), CONVENTIONS[naming].split(), strict=True):
        if format_ == "JSON":
            expected = expected.replace(f'"{default}":', f'"{name}":')
        else:
            expected = re.sub(rf"(?<=[</ ]){default}(?=[>/ =])", name, expected)
    assert body == expected
    assert "JobCompletedNotificationPayload" in body


@pytest.mark.parametrize("naming", [*Naming])
def test_the_contracts_table_of_names(naming: Naming) -> None:
    names = CONVENTIONS[naming].split()
    assert [spelt(words, naming) for words in ("job id", "cancel occurred", "objects not persisted")] == [
        names[3], names[2], names[5],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("how", "occurred"),
    [
        ({"status": Status.FINISHED}, False), ({"status": Status.FAILED}, False), ({"status": Status.CANCELLED}, True),
        ({"status": Status.FAILED, "undone": OBJECTS}, True), ({"status": Status.FINISHED, "undone": OBJECTS}, True),
    ],
)  # fmt: skip
def test_cancel_occurred_where_it_was_cancelled_or_anything_is_undone(how: Any, occurred: bool) -> None:
    event = json.loads(_body(_news(**how), "JSON"))["Notification"]["Event"]
    assert event["CancelOccurred"] is occurred
    assert f"<CancelOccurred>{str(occurred).lower()}<".encode() in _body(_news(**how), "XML")


@pytest.mark.parametrize(("format_", "media_type"), [("XML", "xml"), ("DEFAULT", "xml"), ("JSON", "json")])
def test_the_media_type_is_applications(format_: str, media_type: str) -> None:
    assert payloads()["job_completed"].content_type(Style(format=format_)) == f"application/{media_type}"


def test_names_that_xml_cannot_carry_are_mended_and_others_escaped() -> None:
    undone = [Undone(uuid=JOB, name='a"<&>\x01\ufffeő', length=0)]
    assert 'Name="a&quot;&lt;&amp;&gt;??ő"' in _body(_news(undone=undone), "XML").decode()
    told = json.loads(_body(_news(undone=undone), "JSON"))["Notification"]["Event"]["ObjectsNotPersisted"]
    assert told[0]["Name"] == undone[0].name


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("sending", {"kind": EventKind.JOB_SENDING, "status": ""}),
        ("finished", {"status": Status.FINISHED}),
        (
            "error",
            {
                "status": Status.FAILED,
                "failure": "ERR_EXTERN_PROG_CALL",
                "reason": "Error: This CURRFILETYPE -bat- is not supported!",
            },
        ),
    ],
)
def test_the_callback_is_the_printed_one_with_every_key(name: str, how: Any, settings: Any) -> None:
    # R37
    settings.HAMMY_PUBLIC_URL = "https://hammy.example"
    printed = json.loads((DPF / f"{name}.json").read_text())
    expected = {
        "jobId": printed["jobId"],
        "jobIdFs": printed["jobIdFs"],
        "jobState": printed["jobState"],
        "exitStatus": printed.get("exitStatus"),
        "errorReason": printed.get("errorReason"),
        "dpfTrackerUrl": f"https://hammy.example/track?job={printed['jobIdFs']}",
    }
    payload = payloads()["dpf"]
    body = payload.body(_news(job_name=printed["jobIdFs"], **how), Style(format="JSON"))
    assert body.decode() == json.dumps(expected)
    assert payload.content_type(Style(format="JSON")) == "application/json"

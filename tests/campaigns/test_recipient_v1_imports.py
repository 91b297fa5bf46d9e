"""Imports over REST: uploads, files below the external root, looks beforehand, and what could not be taken."""

import json
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Recipient, RecipientGroup
from jobs.models import Job
from tests.campaigns.calls import (
    JSON_API,
    MULTIPART,
    RECIPIENT,
    UNKNOWN,
    Caller,
    document,
    problems,
    read,
    rows,
    streamed,
)
from tests.campaigns.factories import make_group, put_file
from tests.jobs.conftest import work
from tests.multiparts import NAME, a_body, a_part

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_root")]

IMPORTS = f"{RECIPIENT}/imports"
CSV = "név;E-mail cím;szerződés\nKiss Éva;eva@example.com;A-1\nNagy Pál;nobody;=2\n".encode()


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def group(api: Caller) -> RecipientGroup:
    return make_group(api.core)


def job_of(answer: Any) -> Job:
    assert read(answer)["type"] == "jobResponses"
    ((key, uuid),) = [(pair["key"], pair["value"]) for pair in answer.json()["meta"]["params"]]
    assert key == "jobUuid"
    return Job.objects.get(uuid=uuid)


def kept(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_an_upload_is_imported_by_a_job(api: Caller, group: RecipientGroup, external_root: Path) -> None:
    fields = {"recipientGroupId": str(group.uuid), "csvSeparator": ";", "checksum": sha1(CSV).hexdigest()}

    job = job_of(api.upload(CSV, file_name="Címzett 2024.09.csv", **fields))

    path = dict(job.params)["RELATIVE_FILE_PATH"]
    assert (external_root / path).read_bytes() == CSV
    assert dict(job.params) == {
        "RELATIVE_FILE_PATH": path, "FILE_NAME": "Címzett 2024.09.csv", "CSV_SEPARATOR": ";",
        "FILE_CONTENT_CHECKSUM": sha1(CSV).hexdigest(), "RECIPIENT_GROUP_UUID": str(group.uuid),
        "RECIPIENT_DUPLICATION_HANDLING_TYPE": "ALLOW_DUPLICATIONS",
    }  # fmt: skip
    work("long")
    shown = read(api.get(f"{IMPORTS}/{job.uuid}"))["attributes"]
    assert (shown["status"], shown["total"], shown["completed"], shown["invalidLineCount"]) == ("FINISHED", 2, 2, 1)
    assert (shown["newLineCount"], shown["changedLineCount"], shown["duplicateLineCount"]) == (1, 0, 0)
    (row,) = Recipient.objects.all()
    assert (row.name, row.properties, row.group) == ("Kiss Éva", {"szerződés": "A-1"}, group)
    answer = api.get(f"{IMPORTS}/{job.uuid}/invalidLines")
    assert answer["Content-Disposition"] == 'attachment; filename="invalid-lines.csv"'
    assert streamed(answer) == [
        "\ufeffline;reason;név;E-mail cím;szerződés",
        "3;E-mail cím: not a valid e-mail address;Nagy Pál;nobody;'=2",
    ]


@pytest.mark.parametrize("is_document", [True, False])
def test_the_settings_may_be_one_part_of_json(api: Caller, group: RecipientGroup, is_document: bool) -> None:
    settings = {
        "recipientGroupId": str(group.uuid), "duplicationHandlingType": "SKIP_DUPLICATIONS",
        "columns": {"szerződés": "partnerRef", "név": "property", "E-mail cím": "name", "cím": "emailAddress"},
    }  # fmt: skip
    content = "név;E-mail cím;szerződés;cím\nx;Éva;P-1;eva@example.com\n".encode()
    described = document("imports", **settings) if is_document else settings
    body = a_body(
        a_part(f'{NAME}"import"\r\nContent-Type: application/json', json.dumps(described).encode()),
        a_part(f'{NAME}"file"; filename="a.csv"', content),
    )

    job = job_of(api.post(IMPORTS, body, content_type=MULTIPART))
    work("long")

    job.refresh_from_db()
    assert (job.status, job.reason) == ("FINISHED", "")
    (row,) = Recipient.objects.all()
    assert (row.name, row.partner_ref, row.email_address, row.properties) == (
        "Éva", "P-1", "eva@example.com", {"név": "x"},
    )  # fmt: skip


@pytest.mark.parametrize("way", ["query", "field"])
def test_a_look_says_what_an_import_would_do_and_does_nothing(
    api: Caller, group: RecipientGroup, external_root: Path, way: str
) -> None:
    before = rows()
    fields = {"recipientGroupId": str(group.uuid)} | ({"dryRun": "true"} if way == "field" else {})

    shown = read(api.upload(CSV.decode().encode("cp1250"), query="?dryRun=true" if way == "query" else "", **fields))

    assert (shown["type"], shown["attributes"]) == ("importPreviews", {
        "encoding": "cp1250", "csvSeparator": ";", "total": 2,
        "columns": [
            {"name": "név", "meaning": "name"}, {"name": "E-mail cím", "meaning": "emailAddress"},
            {"name": "szerződés", "meaning": "property"},
        ],
        "records": [
            {"line": 2, "fields": ["Kiss Éva", "eva@example.com", "A-1"], "reason": None},
            {
                "line": 3, "fields": ["Nagy Pál", "nobody", "=2"],
                "reason": "E-mail cím: not a valid e-mail address",
            },
        ],
        "lookedAtCount": 2, "duplicateLineCount": 0, "invalidLineCount": 1,
        "invalidRecords": [
            {
                "line": 3, "fields": ["Nagy Pál", "nobody", "=2"],
                "reason": "E-mail cím: not a valid e-mail address",
            },
        ],
    })  # fmt: skip
    assert rows() == before
    assert kept(external_root) == []


def test_a_file_below_the_clients_own_folder_is_imported(settings: Any, external_root: Path) -> None:
    api = Caller(external_folder="mine")
    group = make_group(api.core)
    (external_root / "mine").mkdir()
    put_file(CSV, "mine/people.csv")
    asked = {"recipientGroupId": str(group.uuid), "relativeFilePath": "people.csv"}

    look = read(api.post(IMPORTS, asked | {"dryRun": True}))
    job = job_of(api.post(IMPORTS, document("imports", **asked), content_type=JSON_API))
    work("long")

    assert look["attributes"]["total"] == 2
    assert dict(job.params)["FILE_NAME"] == "people.csv"
    assert list(Recipient.objects.values_list("name", "group")) == [("Kiss Éva", group.pk)]
    assert (external_root / "mine" / "people.csv-invalid-addresses.csv").exists()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("theirs/people.csv", (3003, "relativeFilePath: names nothing that is there")),
        ("../theirs/people.csv", (3003, "relativeFilePath: must not contain an empty name, . or ..")),
        ("/people.csv", (3003, "relativeFilePath: must be relative, without a slash at its beginning")),
    ],
)
def test_anothers_file_is_not_there(external_root: Path, path: str, expected: tuple[int, str]) -> None:
    api = Caller(external_folder="mine")
    group = make_group(api.core)
    for folder in ("mine", "theirs"):
        (external_root / folder).mkdir()
    put_file(CSV, "theirs/people.csv")
    before = rows()

    answer = api.post(IMPORTS, {"recipientGroupId": str(group.uuid), "relativeFilePath": path})

    assert problems(answer) == [expected]
    assert rows() == before


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        (CSV, {"recipientGroupId": UNKNOWN}, [(1002, "recipientGroupId: there is no such recipient group")]),
        (
            CSV,
            {"csvSeparator": "x", "duplicationHandlingType": "NONE", "columns": "[]", "checksum": "1", "dryRun": "?"},
            [
                (1002, "csvSeparator: must be one of ; , | or a tab"),
                (
                    1002,
                    "duplicationHandlingType: must be one of ALLOW_DUPLICATIONS, SKIP_DUPLICATIONS,"
                    " UPDATE_DUPLICATIONS",
                ),
                (1002, 'columns: must be an object as {"E-mail cím": "emailAddress"}'),
                (1002, "checksum: must be a SHA-1 in hex"),
                (1002, "dryRun: must be true or false"),
            ],
        ),
        (CSV, {"colour": "red", "size": "1"}, [(1004, "colour: unknown field"), (1004, "size: unknown field")]),
        (
            CSV,
            {"columns": '{"név": "email_address"}'},
            [
                (
                    1002,
                    "columns: név must be one of name, emailAddress, postalAddress, partnerRef, language, timeZone,"
                    " property or empty",
                )
            ],
        ),
        (CSV, {"columns": '{"x": "name"}'}, [(1002, "columns: there is no column x")]),
        (
            CSV,
            {"columns": '{"név": "emailAddress"}'},
            [(1002, "columns: név and E-mail cím would both be the e-mail address")],
        ),
        (CSV, {"relativeFilePath": "a.csv"}, [(1003, "relativeFilePath: not together with the part file")]),
        (
            CSV,
            {"import": '{"size": 1 2}', "size": "1"},
            [
                (1000, "import: the body is not JSON: Expecting ',' delimiter at line 1, column 12"),
                (1004, "size: unknown field"),
            ],
        ),
        (
            CSV,
            {"checksum": "0" * 40},
            [(1002, f"checksum: is not that of the file, whose SHA-1 is {sha1(CSV).hexdigest()}")],
        ),
        (b"", {}, [(1002, "file: it is empty: its first line must name the columns")]),
        (b"\x00\x01", {}, [(1002, "file: it is no text: it has control characters")]),
        (b"name\nAnn\n", {}, [(1002, "file: no column is the e-mail address or the postal address")]),
    ],
)
def test_what_cannot_be_imported_is_refused_and_leaves_nothing(
    api: Caller,
    group: RecipientGroup,
    external_root: Path,
    content: bytes,
    fields: dict[str, str],
    expected: list[tuple[int, str]],
) -> None:
    before = rows()

    answer = api.upload(content, **{"recipientGroupId": str(group.uuid)} | fields)

    assert problems(answer) == expected
    assert rows() == before
    assert kept(external_root) == []


def test_a_request_without_a_file_is_told_what_it_lacks(api: Caller, group: RecipientGroup) -> None:
    fields = {"recipientGroupId": str(group.uuid)}
    without = a_body(a_part(f'{NAME}"recipientGroupId"', b"x"))

    assert problems(api.post(IMPORTS, fields)) == [(1001, "relativeFilePath: required where no file is uploaded")]
    assert problems(api.post(IMPORTS, {})) == [
        (1001, "recipientGroupId: required"),
        (1001, "relativeFilePath: required where no file is uploaded"),
    ]
    assert problems(api.post(IMPORTS, without, content_type=MULTIPART)) == [
        (1001, "file: required: the part with the file")
    ]


def test_an_upload_is_held_to_what_the_client_may_bring(external_root: Path) -> None:
    api = Caller(max_upload_bytes=100)
    group = make_group(api.core)
    before = rows()

    answer = api.upload(b"email\n" + b"a@example.com\n" * 10, recipientGroupId=str(group.uuid))

    assert (answer.status_code, problems(answer)) == (413, [(1002, "the body is larger than 100 bytes")])
    assert rows() == before


def test_s30_anothers_group_and_import_look_like_what_never_was(api: Caller, group: RecipientGroup) -> None:
    job = job_of(api.upload(CSV, recipientGroupId=str(group.uuid)))
    stranger = Caller()
    before = rows()

    answer = stranger.upload(CSV, recipientGroupId=str(group.uuid))

    assert problems(answer) == [(1002, "recipientGroupId: there is no such recipient group")]
    for path in ("", "/invalidLines"):
        assert problems(stranger.get(f"{IMPORTS}/{job.uuid}{path}")) == [(3000, f"import {job.uuid} not found")]
        assert problems(stranger.get(f"{IMPORTS}/{UNKNOWN}{path}")) == [(3000, f"import {UNKNOWN} not found")]
        assert problems(stranger.get(f"{IMPORTS}/x{path}")) == [(3000, "import x not found")]
    assert rows() == before


def test_it_takes_the_right_campaigns(group: RecipientGroup) -> None:
    other = Caller(rights=["send", "jobs.run"])
    refused = [(2002, "the client lacks the right campaigns")]

    assert problems(other.upload(CSV, recipientGroupId=str(group.uuid))) == refused
    assert problems(other.get(f"{IMPORTS}/{UNKNOWN}")) == refused
    assert problems(other.get(f"{IMPORTS}/{UNKNOWN}/invalidLines")) == refused

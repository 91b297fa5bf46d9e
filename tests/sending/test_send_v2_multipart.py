"""A letter whose attachments are parts of its request (contract send_v2, "Faces", REST; S19, S22–S24)."""

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from sending.models import Attachment, Blob, Message
from tests.factories import headers_for, make_client, make_user
from tests.multiparts import NAME, a_body, a_part
from tests.sending.send_v2_calls import (
    BASE,
    JSON,
    JSON_API,
    LETTER,
    Caller,
    document,
    files,
    keep_files_in,
    nothing_happened,
    problems,
)

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 5000
INLINE = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}


@pytest.fixture(autouse=True)
def incoming(settings: Any, tmp_path: Path) -> Path:
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    return tmp_path / "incoming"


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path / "files", settings)
    return Caller()


@pytest.fixture
def nothing_is_left(incoming: Path) -> Callable[[], bool]:
    """No row, no file, and nothing on its way in."""
    return lambda: nothing_happened() and not any(incoming.glob("*"))


def post(
    api: Caller, *parts: bytes, media_type: str = "multipart/form-data", path: str = "/v2/send", **more: Any
) -> Any:
    return api.post(path, a_body(*parts), content_type=f"{media_type}; boundary=X", **more)


def message(data: Any, *headers: str) -> bytes:
    return a_part("\r\n".join([f'{NAME}"message"', *headers]), json.dumps(data).encode())


def as_plain(*refs: str, **members: Any) -> bytes:
    """LETTER with attachments in the parts ``refs``, as plain JSON."""
    attachments = [{"fileName": f"{ref}.pdf", "attachmentRef": ref, "properties": [INLINE]} for ref in refs]
    return message(LETTER | {"attachments": attachments} | members, f"Content-Type: {JSON}")


def as_document(*refs: str, **attributes: Any) -> dict[str, Any]:
    """The same as JSON:API."""
    made = document(**attributes)
    made["data"]["relationships"] = {"attachments": {"data": [{"type": "attachments", "id": ref} for ref in refs]}}
    made["included"] = [
        {
            "type": "attachments",
            "id": ref,
            "attributes": {"fileName": f"{ref}.pdf", "attachmentRef": ref},
            "relationships": {"properties": {"data": [{"type": "properties", "id": "inline"}]}},
        }
        for ref in refs
    ] + [{"type": "properties", "id": "inline", "attributes": INLINE}]
    return made


def upload(name: str, content: bytes = CONTENT) -> bytes:
    return a_part(f'{NAME}"{name}"; filename="ignored.exe"\r\nContent-Type: application/octet-stream', content)


@pytest.mark.parametrize("path", ["/v2/send", "/v2/send/", "/v1/send", "/v1/send/"])
@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/mixed"])
@pytest.mark.parametrize("is_last", [False, True])
def test_a_letter_with_an_upload_is_stored_and_answered_as_json_api(
    api: Caller, path: str, media_type: str, is_last: bool, incoming: Path
) -> None:
    parts = [message(as_document("a")), upload("a")]
    answer = post(api, *(reversed(parts) if is_last else parts), media_type=media_type, path=path)
    number = Message.objects.get().pk
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    assert answer.content == (
        b'{"data":{"type":"sendResponse","id":"%d","attributes":{}},"meta":{"total":null,"params":[],'
        b'"responseStatus":{"code":0,"messages":[]}}}' % number
    )
    attachment = Attachment.objects.get()
    assert (attachment.file_name, attachment.media_type) == ("a.pdf", "application/pdf")
    assert (attachment.blob_id, attachment.blob.size) == (sha256(CONTENT).hexdigest(), len(CONTENT))
    assert files() == [Blob.path(attachment.blob_id)]
    assert default_storage.open(files()[0]).read() == CONTENT
    assert list(incoming.iterdir()) == []


def test_multipart_and_json_leave_equal_rows(api: Caller) -> None:
    inline = {"fileName": "a.pdf", "content": b64encode(CONTENT).decode(), "properties": [INLINE]}
    # The reference is the request's own, and no part of the letter.
    api.sent(attachments=[inline])
    for parts in ((as_plain("a"), upload("a")), (message(as_document("a")), upload("a"))):
        assert post(api, *parts).status_code == 200
    fields = ("content", "digest", "client", "status", "user_name", "attachment_count", "channel", "subject")
    first, *others = Message.objects.order_by("id").values(*fields)
    assert others == [first, first]
    columns = [field.attname for field in Attachment._meta.concrete_fields if field.name not in ("id", "message")]
    first, *others = Attachment.objects.order_by("id").values(*columns)
    assert others == [first, first]
    assert Blob.objects.count() == len(files()) == 1


def test_the_same_request_id_is_one_message_over_json_and_multipart(api: Caller) -> None:
    inline = {"fileName": "a.pdf", "content": b64encode(CONTENT).decode(), "properties": [INLINE]}
    number = api.sent(requestId="r1", attachments=[inline]).pk
    for _ in range(2):
        answer = post(api, as_plain("a", requestId="r1"), upload("a"))
        assert (answer.status_code, answer.json()["data"]["id"]) == (200, str(number))
    answer = post(api, as_plain("a", requestId="r1"), upload("a", b"other"))
    sentence = f"requestId: already used for message {number} with different content; use a new request id"
    assert (answer.status_code, problems(answer)) == (409, [(1005, sentence)])
    assert Message.objects.count() == len(files()) == 1


@pytest.mark.parametrize(
    "content_type", ["", "text/plain; charset=utf-8", JSON_API, "application/vnd.api+json; charset=UTF-8"]
)
def test_a_message_that_does_not_say_so_is_json_api(api: Caller, content_type: str) -> None:
    headers = [f"Content-Type: {content_type}"] if content_type else []
    assert post(api, message(as_document("a"), *headers), upload("a")).status_code == 200


def test_a_letter_without_uploads_may_come_as_multipart(api: Caller) -> None:
    answer = post(api, message(LETTER, f"Content-Type: {JSON}"))
    assert (answer.status_code, answer["Content-Type"], list(answer.json())) == (200, JSON_API, ["data", "meta"])


def test_empty_uploads_many_and_equal_ones_are_kept_once_each(api: Caller) -> None:
    refs = [f"p{number}" for number in range(200)]
    answer = post(api, as_plain(*refs), *(upload(ref, b"" if number % 2 else b"x") for number, ref in enumerate(refs)))
    assert answer.status_code == 200
    assert Attachment.objects.count() == 200
    assert sorted(Blob.objects.values_list("size", flat=True)) == [0, 1]
    assert len(files()) == 2


def test_two_attachments_may_share_a_part_and_inline_ones_stand_beside_it(api: Caller) -> None:
    attachments = [
        {"fileName": "1.pdf", "attachmentRef": "a", "properties": [INLINE]},
        {"fileName": "2.pdf", "attachmentRef": "a", "properties": [INLINE]},
        {"fileName": "3.pdf", "content": "SGVsbG8=", "properties": [INLINE]},
    ]
    assert (
        post(api, message(LETTER | {"attachments": attachments}, f"Content-Type: {JSON}"), upload("a")).status_code
        == 200
    )
    assert list(Attachment.objects.values_list("file_name", "blob__size")) == [
        ("1.pdf", len(CONTENT)),
        ("2.pdf", len(CONTENT)),
        ("3.pdf", 5),
    ]


# ── what is refused, and leaves nothing ─────────────────────────────────────────────────────────

REFUSED: list[tuple[list[bytes], int, list[tuple[int, str]]]] = [
    ([upload("a")], 400, [(1001, "message: required: the part with the letter's JSON")]),
    ([], 400, [(1001, "message: required: the part with the letter's JSON")]),
    ([as_plain("a"), upload("a"), as_plain("a")], 400, [(1002, "message: is the name of two parts")]),
    ([as_plain("a")], 400, [(1002, "attachments[0].attachmentRef: names a part that the request does not have")]),
    ([as_plain("message")], 400, [(1002, "attachments[0].attachmentRef: names a part that the request does not have")]),
    (
        [as_plain("a"), upload("A")],
        400,
        [
            (1002, "attachments[0].attachmentRef: names a part that the request does not have"),
            (1002, "A: no attachment names this part"),
        ],
    ),
    ([as_plain("a"), upload("a"), upload("a")], 400, [(1002, "a: is the name of two parts")]),
    ([as_plain("a"), upload("a"), upload("channel")], 400, [(1002, "channel: no attachment names this part")]),
    (
        [
            as_plain("a"),
            a_part(f"{NAME}a\r\nContent-Type: multipart/mixed; boundary=Y", a_body(upload("a"), boundary=b"Y")),
        ],
        415,
        [
            (1000, "a: a part must not be multipart itself"),
        ],
    ),
    (
        [as_plain("a"), a_part(f"{NAME}a\r\nContent-Transfer-Encoding: base64", b"SGVsbG8=")],
        415,
        [
            (1000, "a: Content-Transfer-Encoding must be absent or one of binary, 7bit, 8bit"),
        ],
    ),
    (
        [as_plain("a"), a_part(f"{NAME}a\r\nContent-Encoding: gzip", b"\x1f\x8b")],
        415,
        [
            (1000, "a: Content-Encoding must be absent or identity"),
        ],
    ),
    (
        [message({}, "Content-Type: application/octet-stream")],
        415,
        [
            (1000, "message: Content-Type must be application/vnd.api+json or application/json"),
        ],
    ),
    ([message({}, f"Content-Type: {JSON}; charset=iso-8859-2")], 415, [(1000, "message: the charset must be utf-8")]),
    ([message({}, "Content-Encoding: gzip")], 415, [(1000, "message: Content-Encoding must be absent or identity")]),
    ([a_part(f"{NAME}message")], 400, [(1000, "message: the body is empty")]),
    ([a_part(f"{NAME}message", b"\xff")], 400, [(1000, "message: the body is not UTF-8: byte 0")]),
    ([a_part(f"{NAME}message", b'{"a": 1, "a": 2}')], 400, [(1000, "a: given twice in one object")]),
    ([message([])], 400, [(1000, "data: must be one resource object")]),
    (
        [a_part(f"{NAME}message", b"{"), a_part("Content-ID: <>", b"x"), upload("a")],
        400,
        [
            (1000, "part 2 must have a name: one line of at most 255 characters"),
            (
                1000,
                "message: the body is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
            ),
        ],
    ),
    # All that is wrong, of the parts and of the letter, in one answer.
    (
        [as_plain("a", "b", recipientName="", nope=1), a_part(f"{NAME}a\r\nContent-Encoding: br", b"x"), upload("c")],
        415,
        [
            (1000, "a: Content-Encoding must be absent or identity"),
            (1001, "recipientName: required"),
            (1002, "attachments[1].attachmentRef: names a part that the request does not have"),
            (1004, "nope: unknown field"),
            (1002, "c: no attachment names this part"),
        ],
    ),
    (
        [
            message(
                LETTER
                | {
                    "attachments": [
                        {"fileName": "../a", "attachmentRef": "a", "content": "QQ==", "properties": [INLINE]}
                    ]
                },
                f"Content-Type: {JSON}",
            ),
            upload("a"),
        ],
        400,
        [
            (1002, "attachments[0].fileName: must be a file name without a path"),
            (1003, "attachments[0].attachmentRef: not together with content"),
        ],
    ),
]


@pytest.mark.parametrize(("parts", "status", "found"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/mixed"])
def test_s24_what_is_wrong_is_named_and_nothing_is_left(
    api: Caller, parts: list[bytes], status: int, found: Any, media_type: str, nothing_is_left: Callable[[], bool]
) -> None:
    answer = post(api, *parts, media_type=media_type)
    assert (answer.status_code, answer["Content-Type"], problems(answer)) == (status, JSON_API, found)
    assert nothing_is_left()


def test_a_problem_points_to_the_part_or_into_the_document(api: Caller, nothing_is_left: Callable[[], bool]) -> None:
    answer = post(api, message(as_document("a", mailSubject="x" * 601)), upload("b"))
    assert [(error["detail"], error["source"]) for error in answer.json()["errors"]] == [
        ("mailSubject: must be at most 600 characters", {"pointer": "/data/attributes/mailSubject"}),
        (
            "attachments[0].attachmentRef: names a part that the request does not have",
            {"pointer": "/included/0/attributes/attachmentRef"},
        ),
        ("b: no attachment names this part", {"parameter": "b"}),
    ]
    assert nothing_is_left()


@pytest.mark.parametrize(
    "content", [b"--X\r\n", a_body(as_plain("a"), upload("a"))[:-6], a_body(as_plain()).replace(b"\r\n", b"\n")]
)
def test_s24_a_body_that_is_no_multipart_is_refused(
    api: Caller, content: bytes, nothing_is_left: Callable[[], bool]
) -> None:
    answer = Client().generic(
        "POST", f"{BASE}/v2/send", content, content_type="multipart/form-data; boundary=X", headers=api.headers
    )
    assert (answer.status_code, problems(answer)[0][0]) == (400, 1000)
    assert nothing_is_left()


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/mixed; boundary=", "multipart/form-data; boundary=X; boundary=Y"]
)
def test_s24_a_boundary_that_is_none(api: Caller, content_type: str, nothing_is_left: Callable[[], bool]) -> None:
    answer = api.post("/v2/send", a_body(as_plain()), content_type=content_type)
    sentence = "Content-Type: needs one boundary of 1 to 70 printable ASCII characters"
    assert (answer.status_code, problems(answer)) == (400, [(1000, sentence)])
    assert answer.json()["errors"][0]["source"] == {"parameter": "Content-Type"}
    assert nothing_is_left()


def test_s22_a_compressed_request_is_not_inflated(api: Caller, nothing_is_left: Callable[[], bool]) -> None:
    answer = post(api, as_plain("a"), upload("a"), Content_Encoding="gzip")
    assert (answer.status_code, problems(answer)) == (415, [(1000, "Content-Encoding: must be absent or identity")])
    assert nothing_is_left()


def test_s23_each_bound_is_told_and_nothing_is_left(
    api: Caller, settings: Any, nothing_is_left: Callable[[], bool]
) -> None:
    settings.HAMMY_MAX_UPLOAD_BYTES, settings.HAMMY_MAX_ATTACHMENT_BYTES = 50_000, 20_000
    settings.HAMMY_MAX_REQUEST_BYTES = 2000
    refused = {
        "the body is larger than 50000 bytes": [as_plain("a"), upload("a", b"x" * 50_000)],
        "a: is larger than 20000 bytes": [as_plain("a"), upload("b", b"x" * 20_000), upload("a", b"x" * 20_001)],
        "message: is larger than 2000 bytes": [as_plain("a", mailBody="x" * 2000), upload("a", b"x" * 20_000)],
        "more than 201 parts": [as_plain(), *[a_part(f"{NAME}a")] * 201],
    }
    for sentence, parts in refused.items():
        answer = post(api, *parts)
        assert (answer.status_code, problems(answer)) == (413, [(1002, sentence)])
    assert nothing_is_left()
    assert post(api, as_plain("a", "b"), upload("a", b"x" * 20_000), upload("b", b"y" * 20_000)).status_code == 200


def test_s23_a_client_may_have_a_lower_bound_than_the_site(settings: Any, nothing_is_left: Callable[[], bool]) -> None:
    settings.HAMMY_MAX_UPLOAD_BYTES = 50_000
    for own, told in ((10_000, 10_000), (60_000, 50_000)):
        api = Caller(max_upload_bytes=own)
        answer = post(api, as_plain("a"), upload("a", b"x" * 50_000))
        assert (answer.status_code, problems(answer)) == (413, [(1002, f"the body is larger than {told} bytes")])
    assert nothing_is_left()


def test_s23_a_mail_too_large_is_refused_when_all_is_read(
    api: Caller, settings: Any, nothing_is_left: Callable[[], bool]
) -> None:
    settings.HAMMY_MAX_MAIL_BYTES = 100_000
    answer = post(api, as_plain("a"), upload("a"))
    assert (answer.status_code, problems(answer)[0][0]) == (413, 1002)
    assert nothing_is_left()


# ── who calls ───────────────────────────────────────────────────────────────────────────────────


def test_the_client_is_known_before_anything_is_read(nothing_is_left: Callable[[], bool]) -> None:
    client, keys = make_client(needs_user_token=False, rights=["send"])
    named = as_plain("a", requestMeta={"clientHashKey": keys.client_hash_key})
    body = a_body(named, upload("a"))
    answer = Client().post(f"{BASE}/v2/send", body, content_type="multipart/form-data; boundary=X")
    assert (answer.status_code, problems(answer)[0][0]) == (401, 2000)
    assert nothing_is_left()
    answer = Client().post(
        f"{BASE}/v2/send?clientHashKey={keys.client_hash_key}", body, content_type="multipart/form-data; boundary=X"
    )
    assert answer.status_code == 200
    assert Message.objects.get().client_id == client.pk


def test_who_may_not_send_uploads_nothing(nothing_is_left: Callable[[], bool]) -> None:
    answer = post(Caller(rights=["portal"]), as_plain("a"), upload("a"))
    assert (answer.status_code, problems(answer)) == (403, [(2002, "the client lacks the right send")])
    assert nothing_is_left()


def test_s29_the_message_may_not_name_another_client_or_user(api: Caller, nothing_is_left: Callable[[], bool]) -> None:
    answer = post(api, as_plain("a", clientHashKey=Caller().keys.client_hash_key), upload("a"))
    assert problems(answer) == [(2000, "clientHashKey: is not the client of this request")]
    _, keys = make_client(rights=["send"])
    answer = Client().post(
        f"{BASE}/v2/send",
        a_body(as_plain("a", userName="bela"), upload("a")),
        content_type="multipart/form-data; boundary=X",
        headers=headers_for(keys, make_user(username="anna")),
    )
    assert problems(answer) == [(2000, "userName: is not the user of this request")]
    assert nothing_is_left()


def test_a_disk_that_takes_nothing_is_9001(api: Caller, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.HAMMY_INCOMING = tmp_path / "file"
    answer = post(api, as_plain("a"), upload("a"))
    assert (answer.status_code, answer["Retry-After"], problems(answer)) == (
        503,
        "60",
        [(9001, "the uploads cannot be kept at present; send the request again")],
    )
    assert nothing_happened()

"""Multipart bodies read piece by piece: what comes through, and that everything else is named and refused (S22–S24)."""

import contextlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.test import RequestFactory
from hypothesis import strategies as st

from gateway import multipart
from gateway.errors import Refusal
from gateway.incoming import Incoming
from gateway.multipart import Bounds, Received
from tests.multiparts import NAME, a_body, a_part

BOUNDS = Bounds(request=1_000_000, upload=400_000, held=1000, parts=5)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    return tmp_path / "incoming"


MESSAGE = a_part(f'{NAME}"message"', b"{}")
FILE = a_part(f'{NAME}"file"', b"bytes")


class Slowly(BytesIO):
    """Gives a few bytes at a time, as a network does."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


class Unread(BytesIO):
    """Must not be read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("the body was read")


def a_request(body: bytes, content_type: str = "multipart/form-data; boundary=X", **meta: Any) -> Any:
    given = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    return RequestFactory().generic("POST", "/", **given | meta)


def read(request: Any, bounds: Bounds = BOUNDS) -> tuple[Received, dict[str, bytes]]:
    """What was received, and the uploads' bytes."""
    with Incoming() as incoming:
        received = multipart.read(request, incoming, held="message", bounds=bounds)
        return received, {name: Path(one.path).read_bytes() for name, one in received.uploads.items() if one.path}


def refused(request: Any, folder: Path, bounds: Bounds = BOUNDS) -> tuple[int, int, str]:
    with pytest.raises(Refusal) as caught:
        read(request, bounds)
    assert left(folder) == []
    (problem,) = caught.value.problems
    return int(problem.code), problem.http_status, problem.detail


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def problems(body: bytes) -> list[tuple[int, int, str]]:
    """Of single parts, told when all is read."""
    return [(int(one.code), one.http_status, one.detail) for one in read(a_request(body))[0].problems]


def test_the_held_part_is_in_memory_and_each_other_in_a_file_that_goes(folder: Path) -> None:
    with Incoming() as incoming:
        received = multipart.read(
            a_request(a_body(a_part(f'{NAME}"message"\r\nContent-Type: Application/JSON; charset=UTF-8', b"[]"), FILE)),
            incoming,
            held="message",
            bounds=BOUNDS,
        )
        held, upload = received.held, received.uploads["file"]
        assert held is not None
        assert (held.content, held.media_type, held.charset) == (b"[]", "application/json", "utf-8")
        assert (upload.digest, upload.size) == (sha256(b"bytes").hexdigest(), 5)
        assert Path(upload.path).stat().st_mode & 0o777 == 0o600
        assert left(folder) == [Path(upload.path)]
    assert left(folder) == []


@pytest.mark.parametrize("most", [1, 2, 7, 64, 1000])
def test_pieces_of_any_size_make_the_same_parts(most: int) -> None:
    tricky = b"\r\n--\r\n--Y\r\n-\r\r\n--x" * 20 + b"\r\n--"
    body = a_body(a_part(f'{NAME}"file"', tricky), MESSAGE, a_part(f'{NAME}"empty"'))
    received, uploads = read(a_request(body, **{"wsgi.input": Slowly(body, most)}))
    assert received.problems == []
    assert received.held is not None
    assert (received.held.content, uploads) == (b"{}", {"file": tricky, "empty": b""})


def test_the_name_that_a_file_was_sent_under_is_told() -> None:
    received, _ = read(a_request(a_body(MESSAGE, a_part(f'{NAME}"file"; filename="Címzett.csv"', b"bytes"))))
    assert received.file_names == {"file": "Címzett.csv"}
    assert read(a_request(a_body(MESSAGE, FILE)))[0].file_names == {}


def test_the_order_of_parts_is_free() -> None:
    for parts in ((MESSAGE, FILE), (FILE, MESSAGE)):
        received, uploads = read(a_request(a_body(*parts)))
        assert received.held is not None
        assert (received.held.content, uploads) == (b"{}", {"file": b"bytes"})


def test_a_chunked_body_is_read_to_its_end() -> None:
    body = a_body(MESSAGE, FILE)
    request = a_request(body, HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert read(request)[1] == {"file": b"bytes"}


def test_preamble_and_epilogue_are_read_over() -> None:
    body = b"This is a message in MIME format.\r\n" + a_body(MESSAGE, FILE) + b"And this is its end.\r\n--X--\r\n"
    assert read(a_request(body))[1] == {"file": b"bytes"}


@pytest.mark.parametrize(
    "headers",
    [
        f'{NAME}"fájl"',
        f'{NAME}"fájl"; filename="C:\\\\x.bin"',
        f"{NAME}\"fájl\"; filename*=utf-8''%2e%2e%2fx",
        f'{NAME}"fájl"; filename="a"; filename*0*=iso-8859-1\'\'%FF; filename*1=x',
        'Content-Disposition: attachment; filename="x"; NAME="fájl"',
        "content-disposition: inline;\r\n name=fájl".replace("fájl", '"fájl"'),
        "Content-ID: <fájl>",
        "Content-ID: fájl",
        "Content-ID: <other>\r\n" + f'{NAME}"fájl"',
        f'{NAME}"fájl"\r\nContent-Type: image/png\r\nContent-Length: 5\r\nContent-Transfer-Encoding: Binary',
    ],
)
@pytest.mark.parametrize("media_type", multipart.MEDIA_TYPES)
def test_s24_a_part_is_named_by_its_disposition_else_by_its_id_and_its_file_name_means_nothing(
    headers: str, media_type: str
) -> None:
    request = a_request(a_body(MESSAGE, a_part(headers, b"bytes")), f"{media_type}; boundary=X")
    assert read(request)[1] == {"fájl": b"bytes"}


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("Multipart/Form-Data; charset=UTF-8; boundary=X", b"X"),
        ('multipart/mixed; boundary="a b:c=d/e?"', b"a b:c=d/e?"),
        ("multipart/mixed; boundary=----=_Part_1_2.3", b"----=_Part_1_2.3"),
        (
            "multipart/form-data; BOUNDARY=-----------------------------9051914041544843365972754266",
            b"-" * 29 + b"9051914041544843365972754266",
        ),
        ("multipart/form-data; boundary={{x}}", b"{{x}}"),
        ("multipart/form-data; boundary=" + "b" * 70, b"b" * 70),
    ],
)
def test_boundaries_as_clients_write_them_are_taken(content_type: str, boundary: bytes) -> None:
    assert read(a_request(a_body(MESSAGE, FILE, boundary=boundary), content_type))[1] == {"file": b"bytes"}


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "; boundary=",
        '; boundary=""',
        "; boundary=X; boundary=X",
        "; boundary=X; BOUNDARY=Y",
        '; boundary="X "',
        "; boundary=" + "b" * 71,
        "; boundary=\xe1",
        '; boundary="a\x01b"',
        "; boundary*=utf-8''%00",
    ],
)
def test_s24_a_boundary_that_is_none_is_refused_before_anything_is_read(parameters: str, folder: Path) -> None:
    request = a_request(a_body(MESSAGE), f"multipart/form-data{parameters}", **{"wsgi.input": Unread()})
    sentence = "Content-Type: needs one boundary of 1 to 70 printable ASCII characters"
    assert refused(request, folder) == (1000, 400, sentence)


def test_s22_a_compressed_body_is_refused(folder: Path) -> None:
    request = a_request(b"\x1f\x8b", HTTP_CONTENT_ENCODING="gzip")
    assert refused(request, folder) == (1000, 415, "Content-Encoding: must be absent or identity")


def test_another_charset_is_refused(folder: Path) -> None:
    request = a_request(a_body(MESSAGE), "multipart/form-data; charset=iso-8859-2; boundary=X")
    assert refused(request, folder) == (1000, 415, "Content-Type: the charset must be utf-8")


NO_MULTIPART = "the body is no multipart: "
CTE = "Content-Transfer-Encoding must be absent or one of binary, 7bit, 8bit"
NO_END = "the body ends before its last boundary"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", NO_END),
        (b"{}", NO_END),
        (b"--Y\r\n\r\n\r\n--Y--", NO_END),
        (a_body(FILE)[:-4], NO_END),
        (a_body(FILE)[:-8], NO_END),
        (b"--X\r\n", NO_END),
        (b"--X\r\nContent-Disposition: form", NO_END),
        (b"--X \r\n\r\n\r\n--X--", f"{NO_MULTIPART}unexpected byte after first boundary"),
        (b"--X\r\n\r\nabc\r\n--X \r\n", f"{NO_MULTIPART}unexpected bytes after boundary"),
        (b"--X\r\n\r\nabc\r\n--Xy\r\n", f"{NO_MULTIPART}unexpected bytes after boundary"),
        (b"y--X\r\n\r\nabc\r\n--X--", f"{NO_MULTIPART}unexpected byte in front of first boundary"),
        (a_body(FILE).replace(b"\r\n", b"\n"), f"{NO_MULTIPART}invalid line break after first boundary"),
        (b"--X\r\na: b\n\nabc\r\n--X--", NO_END),
        (b"--X\r\na: b\n\nabc", f"{NO_MULTIPART}invalid line break in part header"),
        (a_body(a_part("nonsense")), f"{NO_MULTIPART}malformed part header"),
        (a_body(a_part("a b: c")), f"{NO_MULTIPART}invalid part header name"),
        (a_body(b'Content-Disposition: form-data; name="\xff"\r\n\r\n'), f"{NO_MULTIPART}part header failed to decode"),
        (a_body(a_part(f"{NAME}a\r\nContent-Length: 4", b"12345")), f"{NO_MULTIPART}part Content-Length exceeded"),
        (
            a_body(a_part(f"{NAME}a\r\nContent-Length: 9", b"12345")),
            f"{NO_MULTIPART}part size does not match Content-Length header",
        ),
    ],
    ids=range(19),
)
def test_s24_what_is_no_multipart_body_is_refused_and_leaves_no_file(body: bytes, sentence: str, folder: Path) -> None:
    for most in (1, 1000):
        assert refused(a_request(body, **{"wsgi.input": Slowly(body, most)}), folder)[:2] == (1000, 400)
    assert refused(a_request(body), folder) == (1000, 400, sentence)


def test_a_body_shorter_than_its_length_is_refused(folder: Path) -> None:
    body = a_body(FILE, MESSAGE)
    request = a_request(body, CONTENT_LENGTH=str(len(body) + 1))
    assert refused(request, folder) == (1000, 400, "the body ends before its Content-Length")


def test_a_body_that_breaks_off_is_refused(folder: Path) -> None:
    class Broken(BytesIO):
        def read(self, *args: Any) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(100)

    body = a_body(a_part(f"{NAME}a", b"x" * 1000))
    request = a_request(body, **{"wsgi.input": Broken(body)})
    assert refused(request, folder) == (1000, 400, "the body could not be read")


# ── too much ────────────────────────────────────────────────────────────────────────────────────


def test_s23_a_large_request_is_refused_before_it_is_read(folder: Path) -> None:
    request = a_request(b"", CONTENT_LENGTH="1000001", **{"wsgi.input": Unread()})
    assert refused(request, folder) == (1002, 413, "the body is larger than 1000000 bytes")


def test_s23_a_chunked_request_is_read_so_far_and_no_further(folder: Path) -> None:
    body = BytesIO(a_body(*(a_part(f"{NAME}{name}", b"x" * 300_000) for name in "abcd")))
    meta = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert refused(a_request(b"", **meta), folder) == (1002, 413, "the body is larger than 1000000 bytes")
    assert body.tell() == 1_000_001


def test_a_chunked_request_whose_end_nobody_sees_is_refused(folder: Path) -> None:
    request = a_request(b"", HTTP_TRANSFER_ENCODING="chunked")
    assert refused(request, folder) == (1000, 411, "Content-Length: required")


def test_s23_an_upload_and_the_held_part_have_bounds_of_their_own(folder: Path) -> None:
    assert read(a_request(a_body(a_part(f"{NAME}a", b"x" * 400_000))))[1] == {"a": b"x" * 400_000}
    body = a_body(FILE, a_part(f"{NAME}a", b"x" * 400_001))
    assert refused(a_request(body), folder) == (1002, 413, "a: is larger than 400000 bytes")
    assert read(a_request(a_body(a_part(f"{NAME}message", b"x" * 1000))))[0].held is not None
    body = a_body(FILE, a_part(f"{NAME}message", b"x" * 1001))
    assert refused(a_request(body), folder) == (1002, 413, "message: is larger than 1000 bytes")


def test_s23_ten_thousand_parts_are_refused_at_the_first_too_many(folder: Path) -> None:
    body = a_body(*(a_part(f"{NAME}p{number}", b"x" * 1000) for number in range(900)))
    stream = BytesIO(body)
    assert refused(a_request(body, **{"wsgi.input": stream}), folder) == (1002, 413, "more than 5 parts")
    assert stream.tell() < len(body) / 2
    empty = a_body(*[b"\r\n"] * 10_000)
    assert refused(a_request(empty), folder) == (1002, 413, "more than 5 parts")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        (f"{NAME}a\r\nX: {'y' * 5000}", "part 2: a header is longer than 4096 bytes"),
        (f"{NAME}{'y' * 900_000}", "part 2: a header is longer than 4096 bytes"),
        (f"{NAME}a\r\nX: y" + "\r\n y" * 4000, "part 2: a header is longer than 4096 bytes"),
        (f"{NAME}a" + "\r\nX: y" * 16, "part 2: more than 16 headers"),
    ],
    ids=range(4),
)
def test_s23_huge_headers_are_refused(headers: str, sentence: str, folder: Path) -> None:
    assert refused(a_request(a_body(FILE, a_part(headers))), folder) == (1002, 413, sentence)


def test_a_disk_that_takes_nothing_is_a_matter_of_time(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.HAMMY_INCOMING = tmp_path / "file"
    with pytest.raises(Refusal) as caught:
        read(a_request(a_body(FILE)))
    assert (int(caught.value.code), caught.value.retry_after) == (9001, 60)


# ── what is wrong with single parts ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ("", (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        ("Content-Disposition: form-data", (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f'{NAME}""', (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f"{NAME[:-1]}*=utf-8''a", (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f'{NAME}"a%0D%0Ab"', (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f'{NAME}"a\nX: y"', (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f'{NAME}"{"a" * 256}"', (1000, 400, "part 2 must have a name: one line of at most 255 characters")),
        (f"{NAME}a\r\n{NAME}b", (1000, 400, "b: Content-Disposition is given twice")),
        (f"{NAME}a\r\nContent-Type: a/b\r\nContent-Type: a/b", (1000, 400, "a: Content-Type is given twice")),
        (
            f"{NAME}a\r\nContent-Type: Multipart/Mixed; boundary=Y",
            (1000, 415, "a: a part must not be multipart itself"),
        ),
        (f"{NAME}a\r\nContent-Encoding: gzip", (1000, 415, "a: Content-Encoding must be absent or identity")),
        (f"{NAME}a\r\nContent-Transfer-Encoding: base64", (1000, 415, f"a: {CTE}")),
        (f"{NAME}file", (1002, 400, "file: is the name of two parts")),
        (f"{NAME}message\r\nContent-Transfer-Encoding: x", (1000, 415, f"message: {CTE}")),
    ],
    ids=range(14),
)
def test_s24_what_is_wrong_with_a_part_is_said_of_it(headers: str, found: tuple[int, int, str], folder: Path) -> None:
    wrong = a_part(headers, b"x" * 300_000) if headers else b"\r\n" + b"x" * 300_000
    assert problems(a_body(FILE, wrong, a_part(f"{NAME}last"))) == [found]
    assert left(folder) == []


def test_s24_all_parts_with_something_wrong_are_told_at_once() -> None:
    body = a_body(MESSAGE, a_part("Content-ID: <>"), MESSAGE, a_part(f"{NAME}a\r\nContent-Encoding: br"))
    assert problems(body) == [
        (1000, 400, "part 2 must have a name: one line of at most 255 characters"),
        (1002, 400, "message: is the name of two parts"),
        (1000, 415, "a: Content-Encoding must be absent or identity"),
    ]


def test_no_parts_at_all_are_no_problem_of_the_reading() -> None:
    assert read(a_request(b"--X--\r\n")) == (Received(), {})


# ── whatever comes ──────────────────────────────────────────────────────────────────────────────

PIECES = [
    b"--X",
    b"--X--",
    b"--",
    b"\r\n",
    b"\n",
    b"\r",
    b"X",
    b" ",
    b":",
    b";",
    b'"',
    b"=",
    b"%22",
    b"\\",
    b"\xff",
    b"\0",
]
PIECES += [b"Content-Disposition", b"Content-ID", b"Content-Type", b"Content-Length", b"form-data", b"name", b"message"]
PIECES += [b"multipart/mixed", b"boundary", b"charset", b"9" * 1000, NAME.encode(), b"\r\n\r\n", b"\r\n--X\r\n"]


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None)
@hypothesis.given(
    begin=st.sampled_from([b"", b"--X\r\n", f"--X\r\n{NAME}".encode()]),
    rest=st.lists(st.sampled_from(PIECES), max_size=30),
    most=st.sampled_from([1, 3, 1000]),
)
def test_s24_any_body_is_read_or_refused_and_leaves_no_file(
    begin: bytes, rest: list[bytes], most: int, folder: Path
) -> None:
    body = begin + b"".join(rest)
    with contextlib.suppress(Refusal):
        read(a_request(body, **{"wsgi.input": Slowly(body, most)}))
    assert left(folder) == []


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None)
@hypothesis.given(
    contents=st.dictionaries(
        st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20).filter(lambda name: name != "message"),
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"X", b"\r\n-", b"\r\n--", b"\r\n--Y", b"\0"])).map(b"".join),
        max_size=5,
    ),
    most=st.integers(1, 50),
)
def test_any_bytes_come_through_whatever_they_look_like(contents: dict[str, bytes], most: int) -> None:
    body = a_body(*(a_part(f'{NAME}"{name}"', content) for name, content in contents.items()))
    hypothesis.assume(not any(b"\r\n--X" in content for content in contents.values()))
    received, uploads = read(a_request(body, **{"wsgi.input": Slowly(body, most)}))
    assert (received.problems, uploads) == ([], contents)

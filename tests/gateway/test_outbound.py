"""S1–S5: what may be called, and that nothing else is, whatever the name resolves to and whatever answers."""

import asyncio
import gzip
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest
from pytest_django import Settings

from gateway.outbound import ANSWER_KEPT, Answer, Client
from gateway.outbound_rules import is_allowed, read_url

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REFUSED = "leads to an address that may not be called"


@pytest.fixture
def loopback(settings: Settings) -> Settings:
    """An operator who lets callbacks go to this machine."""
    settings.HAMMY_OUTBOUND_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.HAMMY_OUTBOUND_PORTS = list(range(1024, 65536))
    return settings


@asynccontextmanager
async def receiver(answer: bytes | Handler, **options: Any) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server of plain bytes: its port and the requests' heads it was sent."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            if callable(answer):
                await answer(reader, writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


def call(answer: bytes | Handler, *, host: str = "127.0.0.1", seconds: float = 2.0) -> tuple[Answer, list[bytes]]:
    async def run() -> tuple[Answer, list[bytes]]:
        async with receiver(answer) as (port, heads), Client() as client:
            url = f"http://{host}:{port}/hook?x=1"
            return await client.call("PUT", url, body=b"{}", headers={"X-A": "b"}, seconds=seconds), heads

    return asyncio.run(run())


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd12::1", "fe80::1",
        "fe80::1%lo", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_s1_no_address_of_ours_or_of_nobody_may_be_called(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "192.167.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_allowed(ip_address(address))


def test_s6_an_operator_allows_a_network_and_no_more(settings: Settings) -> None:
    settings.HAMMY_OUTBOUND_NETWORKS = ["10.20.0.0/16"]
    assert read_url("http://10.20.1.1/x").host == "10.20.1.1"
    with pytest.raises(ValueError, match=REFUSED):
        read_url("http://10.21.1.1/x")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.com/", "must be a URL as https://host/path"),
        ("javascript:alert(1)", "must be a URL as https://host/path"),
        ("https:///path", "must be a URL as https://host/path"),
        ("example.com/path", "must be a URL as https://host/path"),
        ("https://example.com:99999/", "must be a URL as https://host/path"),
        ("https://[::1", "must be a URL as https://host/path"),
        ("https://user@example.com/", "must not hold a user or password"),
        ("https://:secret@example.com/", "must not hold a user or password"),
        ("https://example.com:22/", "the port must be one of 80, 443, 8080, 8443"),
        ("https://example.com:0/", "the port must be one of 80, 443, 8080, 8443"),
        ("http://127.0.0.1/", REFUSED),
        ("http://127.0.0.1./", REFUSED),
        ("http://[::ffff:127.0.0.1]/", REFUSED),
        ("http://169.254.169.254/latest/meta-data/", REFUSED),
        ("http://0x7f.1/", "the host is an address in an unusual spelling"),
        ("http://2130706433/", "the host is an address in an unusual spelling"),
        ("http://017700000001/", "the host is an address in an unusual spelling"),
        ("http://127.1/", "the host is an address in an unusual spelling"),
        ("http://0/", "the host is an address in an unusual spelling"),
        ("http://0x7f000001/", "the host is an address in an unusual spelling"),
        ("https://exa mple.com/", "must be a URL without spaces, control characters or backslashes"),
        ("https://example.com\\@evil.org/", "must be a URL without spaces, control characters or backslashes"),
        ("https://example.com/\r\nX: y", "must be a URL without spaces, control characters or backslashes"),
        ("https://a..example.com/", "the host is not a valid name"),
        ("https://" + "a" * 64 + ".com/", "the host is not a valid name"),
        ("https://example.com/" + "x" * 2000, "must be at most 2000 characters"),
    ],
)  # fmt: skip
def test_s2_s5_a_url_that_is_none_or_leads_astray_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "called", "host", "port"),
    [
        ("https://Example.COM./a?b=c#d", "https://example.com/a?b=c", "example.com", 443),
        ("http://example.com:8080", "http://example.com:8080", "example.com", 8080),
        ("https://bücher.example/ő", "https://xn--bcher-kva.example/ő", "xn--bcher-kva.example", 443),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/", "2606:4700::1111", 80),
    ],
)
def test_a_good_url_is_called_by_its_plain_name(url: str, called: str, host: str, port: int) -> None:
    target = read_url(url)
    assert (target.url, target.host, target.port) == (called, host, port)


def test_a_call_carries_method_body_and_headers_and_nothing_of_the_environment(
    loopback: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    answer, heads = call(b"HTTP/1.1 204 No Content\r\nRetry-After: 7\r\n\r\n")
    assert (answer.status, answer.is_success, answer.body, answer.retry_after) == (204, True, b"", "7")
    assert heads[0].startswith(b"PUT /hook?x=1 HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in heads[0]


def test_s4_a_redirect_is_not_followed(loopback: Settings) -> None:
    answer, heads = call(b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    assert (answer.status, answer.is_success, len(heads)) == (307, False, 1)


def _resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Every look-up answers with the next list of addresses; the names that were looked up."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_s3_one_bad_address_among_good_ones_is_a_trap(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving_to(monkeypatch, ["8.8.8.8", "10.0.0.1"])

    async def run() -> Answer:
        async with Client() as client:
            return await client.call("POST", "http://trap.example/", body=b"", headers={})

    answer = asyncio.run(run())
    assert (answer.status, answer.failure) == (None, REFUSED)


def test_s3_the_address_that_was_checked_is_the_one_that_is_called(
    loopback: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> tuple[Answer, Answer, list[bytes]]:
        async with receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok") as (port, heads):
            asked = _resolving_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
            async with Client() as client:
                url = f"http://rebinding.example:{port}/"
                first = await client.call("POST", url, body=b"", headers={})
                assert asked == ["rebinding.example"]
                second = await client.call("POST", url, body=b"", headers={})
            return first, second, heads

    first, second, heads = asyncio.run(run())
    assert (first.status, first.body) == (200, b"ok")
    assert (second.status, second.failure) == (None, REFUSED)
    assert len(heads) == 1
    assert b"Host: rebinding.example:" in heads[0]


def test_r32_an_answer_that_never_ends_is_read_as_far_as_is_kept(loopback: Settings) -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    answer, _ = call(flood)
    assert (answer.status, len(answer.body)) == (200, ANSWER_KEPT)


def test_r32_a_bomb_is_not_inflated(loopback: Settings) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)[:2000]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    answer, _ = call(head + bomb)
    assert (answer.status, answer.body) == (200, bomb)


def test_r32_a_body_that_drips_after_its_status_does_not_undo_it(loopback: Settings) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    answer, _ = call(drip, seconds=0.5)
    assert answer.status == 200
    assert answer.seconds < 1.5


def test_r32_a_status_that_drips_is_no_answer_in_time(loopback: Settings) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    answer, _ = call(drip, seconds=0.5)
    assert (answer.status, answer.failure) == (None, "no answer within 0.5 s")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the answer was no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "the answer was no HTTP"),
        (b"", "the connection was cut"),
    ],
)
def test_what_is_no_answer_is_said_in_our_words(loopback: Settings, answer: bytes, failure: str) -> None:
    got, _ = call(answer)
    assert (got.status, got.failure) == (None, failure)


def test_nobody_there_and_no_such_name_are_told_apart(loopback: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> list[str]:
        async with Client() as client:
            urls = (f"http://127.0.0.1:{port}/", "http://nobody.invalid:8080/")
            return [(await client.call("POST", url, body=b"", headers={})).failure for url in urls]

    assert asyncio.run(run()) == ["no connection", "the host's name could not be resolved"]


def test_a_certificate_for_another_is_refused(loopback: Settings, tmp_path: Any) -> None:
    certificate, key = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def run() -> Answer:
        async with receiver(b"HTTP/1.1 200 OK\r\n\r\n", ssl=context) as (port, _), Client() as client:
            return await client.call("POST", f"https://127.0.0.1:{port}/", body=b"", headers={})

    assert asyncio.run(run()).failure == "the host's certificate is not valid for it"


def _certificate(folder: Any) -> tuple[str, str]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")

"""The only HTTP client of the house (contract webhook_practice, "Outbound guard").

A name is resolved once for each call, every address it has is checked, and the connection goes to those very
addresses, with the name in Host and SNI. Redirects are not followed, proxies of the environment not used, cookies not
kept, answers not inflated and read up to a cap, and a call ends when its time is over, however slowly it is answered.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.outbound_rules import Target, all_allowed, read_url

ANSWER_KEPT = 4 * 1024
_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call came to. ``status`` None: there was no answer, and ``failure`` says why; ``body`` is the first part
    of the answer, ``seconds`` how long it took, ``retry_after`` the header of that name."""

    status: int | None
    failure: str = ""
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


# The first that fits; a wider kind stands below the narrower.
_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "the host's name could not be resolved"),
    ((aiohttp.ClientConnectorCertificateError,), "the host's certificate is not valid for it"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "no secure connection could be made"),
    ((aiohttp.ConnectionTimeoutError,), "no connection in time"),
    ((TimeoutError,), "no answer within {seconds:g} s"),
    ((aiohttp.ClientConnectorError, ConnectionRefusedError), "no connection"),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError), "the connection was cut"),
)


class _Refused(OSError):
    """A name that leads where nobody may call."""


class _Resolver(AbstractResolver):
    """Answers with addresses that were checked, all of them or none."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        # In the loop's own threads, of which whoever makes the loop says how many: other loops have a few of theirs.
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        found = await loop.run_in_executor(None, ask)
        addresses = list(dict.fromkeys((str(sockaddr[0]), kind) for kind, _, _, _, sockaddr in found))
        if not all_allowed([address for address, _ in addresses]):
            raise _Refused("leads to an address that may not be called")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address, kind in addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is kept."""


class Client:
    """Calls within one event loop; ``async with`` it. ``most`` calls at once, ``most_per_host`` of them to one host and
    port."""

    def __init__(self, *, most: int = 100, most_per_host: int = 4, context: ssl.SSLContext | None = None) -> None:
        self._most, self._most_per_host, self._context = most, most_per_host, context
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(),
            use_dns_cache=False,
            limit=self._most,
            limit_per_host=self._most_per_host,
            # Servers close what was idle for five seconds or so, and a call that meets that moment is lost.
            keepalive_timeout=_IDLE_SECONDS,
            ssl=self._context or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=8190,
            max_field_size=8190,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, method: str, place: str | Target, *, body: bytes, headers: Mapping[str, str], seconds: float = 15.0
    ) -> Answer:
        """Call a URL, or where ``read_url`` found that one leads, once; never raises for what the other side does, nor
        for an address that may not be called."""
        began = time.monotonic()
        try:
            target = read_url(place) if isinstance(place, str) else place
        except ValueError as error:
            return Answer(status=None, failure=str(error))
        try:
            answer = await self._call(method, target, body, headers, seconds)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Answer(status=None, failure=_said(error, seconds), seconds=time.monotonic() - began)
        return Answer(**answer, seconds=time.monotonic() - began)

    async def _call(
        self, method: str, target: Target, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("the client is used outside its async with")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds))
        async with self._session.request(
            method, target.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return {
                "status": response.status,
                "retry_after": response.headers.get("Retry-After", "")[:100],
                "body": await _beginning(response),
            }


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The first bytes of an answer. Its status stands by now: a body that breaks off or drips changes nothing."""
    kept = bytearray()
    try:
        while len(kept) < ANSWER_KEPT and (piece := await response.content.read(ANSWER_KEPT - len(kept))):
            kept += piece
    except (aiohttp.ClientError, OSError, TimeoutError):
        return bytes(kept)
    finally:
        # What else may come is not waited for.
        if not response.content.at_eof():
            response.close()
    return bytes(kept)


def _said(error: Exception, seconds: float) -> str:
    """A failure in our words: those of libraries are long, and may name addresses within our network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Refused):
            return str(cause)
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words.format(seconds=seconds)
    return "the answer was no HTTP"

"""Whoever wants to be told: a real HTTP server that notes what it gets and answers as it is told to."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Reply:
    """What is answered: after ``wait`` seconds, ``pieces`` of the body ``pause`` seconds apart."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: float = 0.0
    pieces: int = 1
    pause: float = 0.0


class Receiver:
    """``with Receiver() as receiver``: listens on 127.0.0.1; ``replies`` by path, else ``reply``."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.reply: Reply | Callable[[Heard], Reply] = Reply()
        self.replies: dict[str, Reply | Callable[[Heard], Reply]] = {}
        self.most_at_once: dict[str, int] = {}
        self.port = 0
        self._at_once: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="receiver", daemon=True)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def bodies(self, path: str = "/hook") -> list[bytes]:
        return [one.body for one in self.heard if one.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._is_ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _listen(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        heard = Heard(method=request.method, path=request.path_qs, headers=headers, body=await request.read())
        self.heard.append(heard)
        self._at_once[heard.path] = self._at_once.get(heard.path, 0) + 1
        self.most_at_once[heard.path] = max(self.most_at_once.get(heard.path, 0), self._at_once[heard.path])
        try:
            wanted = self.replies.get(heard.path, self.reply)
            reply = wanted(heard) if callable(wanted) else wanted
            await asyncio.sleep(reply.wait)
            response = web.StreamResponse(status=reply.status, headers=reply.headers)
            await response.prepare(request)
            for _ in range(reply.pieces if reply.body else 0):
                await response.write(reply.body)
                await asyncio.sleep(reply.pause)
            return response
        finally:
            self._at_once[heard.path] -= 1

"""A headless Chromium, driven by the DevTools protocol over a pipe; tests that need it are skipped where it is not
installed."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--mute-audio",
    # Its own notifications: it would wait for a desktop's.
    "--disable-features=SystemNotifications", "--lang=en-GB", "about:blank",
)  # fmt: skip
_SECONDS = 60.0


def program() -> str:
    """Where it is; skips the test where it is not."""
    for name in _PROGRAMS:
        if found := shutil.which(name):
            return found
    pytest.skip("Chromium is not installed")


class Chromium:
    """``with Chromium() as chromium``: ``page(address)`` opens one; a fresh profile each."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._rest = b""

    def __enter__(self) -> Self:
        chromium = program()
        self._folder = tempfile.mkdtemp(prefix="chromium-", dir=os.environ.get("HAMMY_TEST_DIR"))
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()
        # It reads from 3 and writes to 4.
        shell = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash"]
        with (Path(self._folder) / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*shell, chromium, f"--user-data-dir={self._folder}/profile", *_OPTIONS],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(theirs_in, theirs_out),
                env={**os.environ, "HOME": self._folder, "TZ": "Europe/Budapest"},
                start_new_session=True,
            )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._folder, ignore_errors=True)

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The result of a command, to the browser or within a session; what happened meanwhile is in ``events``."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        os.write(self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                result: dict[str, Any] = told["result"]
                return result
            self.events.append(told)

    def event(self, method: str, session: str = "") -> list[dict[str, Any]]:
        """What was told of this, in order."""
        return [
            one["params"]
            for one in self.events
            if one.get("method") == method and (not session or one.get("sessionId") == session)
        ]

    def page(self, address: str, *, before: str = "") -> "Page":
        """A page at an address, in which a script ran ``before`` any of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, target)
        page.call("Page.enable")
        page.call("Runtime.enable")
        page.call("ServiceWorker.enable")
        if before:
            page.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        page.go(address)
        return page

    def targets(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == kind]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select([self._in], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self._in, 1 << 20) if ready else b""
            assert piece, f"Chromium says nothing\n{(Path(self._folder) / 'log').read_text(errors='replace')[-2000:]}"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Page:
    """A page, or a worker."""

    def __init__(self, chromium: Chromium, target: str) -> None:
        self.chromium = chromium
        self.session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.chromium.call(method, self.session, **params)

    def go(self, address: str) -> None:
        answer = self.call("Page.navigate", url=address)
        assert "errorText" not in answer, answer
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, expression: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        told = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )  # fmt: skip
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, expression: str, *, seconds: float = _SECONDS) -> Any:
        """The first true value of an expression."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.ask(expression):
                return value
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds:g} s in vain for {expression}\n{self.ask('document.body.innerText')}")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))


def _pipe() -> tuple[int, int]:
    """Both ends above those that Chromium wants for itself."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]

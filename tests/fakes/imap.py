"""A small IMAP server with one mailbox: real sockets, no more of RFC 3501 than reading bounces needs."""

import re
import socketserver
import threading
from typing import Any


class FakeImap:
    """``mails`` by UID; ``flags`` and ``commands`` for tests to look at. Used in a ``with`` block."""

    def __init__(self, *mails: bytes, password: str = "secret", folder: str = "INBOX") -> None:
        self.mails = {str(number): mail for number, mail in enumerate(mails, start=1)}
        self.flags: dict[str, set[str]] = {uid: set() for uid in self.mails}
        self.password, self.folder = password, folder
        self.commands: list[str] = []
        self.breaks_after = 10**9
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.fake = self

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> "FakeImap":
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    fake: FakeImap


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        fake: FakeImap = self.server.fake  # type: ignore[attr-defined]
        self.wfile.write(b"* OK ready\r\n")
        while line := self.rfile.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            fake.commands.append(rest)
            if len(fake.commands) > fake.breaks_after:
                return
            word = "_".join(rest.split(" ")[: 2 if rest.startswith("UID") else 1]).lower()
            outcome = getattr(self, f"_{word}")(fake, rest)
            self.wfile.write(f"{tag} {outcome}\r\n".encode())
            if word == "logout":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"* {text}\r\n".encode())

    def _capability(self, fake: FakeImap, rest: str) -> str:
        self._say("CAPABILITY IMAP4REV1")
        return "OK done"

    def _login(self, fake: FakeImap, rest: str) -> str:
        return "OK done" if rest.endswith(f'"{fake.password}"') else "NO wrong password"

    def _select(self, fake: FakeImap, rest: str) -> str:
        if rest != f'SELECT "{fake.folder}"':
            return "NO no such mailbox"
        self._say(f"{len(fake.mails)} EXISTS")
        return "OK [READ-WRITE] done"

    def _uid_search(self, fake: FakeImap, rest: str) -> str:
        unread = [uid for uid in fake.mails if not fake.flags[uid] & {"\\Seen", "\\Deleted"}]
        self._say(" ".join(["SEARCH", *unread]))
        return "OK done"

    def _uid_fetch(self, fake: FakeImap, rest: str) -> str:
        uid, size = re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest).groups()  # type: ignore[union-attr]
        part: Any = fake.mails[uid][: int(size)]
        self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(part)}}}\r\n".encode() + part + b")\r\n")
        return "OK done"

    def _uid_store(self, fake: FakeImap, rest: str) -> str:
        uid, flag = re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((.+)\)", rest).groups()  # type: ignore[union-attr]
        fake.flags[uid].add(flag)
        return "OK done"

    def _close(self, fake: FakeImap, rest: str) -> str:
        for uid in [uid for uid, flags in fake.flags.items() if "\\Deleted" in flags]:
            del fake.mails[uid], fake.flags[uid]
        return "OK done"

    def _logout(self, fake: FakeImap, rest: str) -> str:
        self._say("BYE")
        return "OK done"

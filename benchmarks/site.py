"""One installation of the product for measuring: a database, a vhost and a folder of its own, run as it is shipped."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.backing import Backing
from benchmarks.processes import ROOT, Process, free_port, wait_for_port
from benchmarks.receivers import Receivers
from benchmarks.sink import Sink
from benchmarks.stores import EmbeddedStore, ServerStore, Store

_USER, _PASSWORD = "bench", "a password for measuring only"
# The limit is counted for each request and never reached.
_REQUESTS_PER_MINUTE = 1_000_000_000
SETTINGS = "hammy_project.settings"
_COMMAND_OF = (
    "import json, sys; from hammy_project import programs; print(json.dumps(getattr(programs, sys.argv[1])().command))"
)


class Site:
    """Its processes are started one by one by who measures; all are stopped with ``stack``."""

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        stack: ExitStack,
        backing: Backing | None,
        sink: Sink | None = None,
        receivers: Receivers | None = None,
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self._stack = stack
        self.port = free_port()
        self.environment = {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "VAR_DIR": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "only for measuring, and therefore known to all",
            "PORT": str(self.port),
            "WEB_HOST": "127.0.0.1",
            "WEB_WORKERS": "2",
            "WORKER_PROCESSES": "2",
            "NOTIFIER_PROCESSES": "2",
            "HAMMY_TOKEN_MINUTES": "600",
            "HAMMY_JOB_CLASSES": "benchmarks.inside.job_classes",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port if sink else 25}",
        }
        if receivers is not None:
            self.environment["HAMMY_OUTBOUND_NETWORKS"] = "127.0.0.0/8"
            self.environment["HAMMY_OUTBOUND_PORTS"] = ",".join(map(str, receivers.ports))
        self.store: Store
        if backing is None:
            # The addresses that the run itself was given are for the other sites.
            self.environment |= {
                "DATABASE_URL": f"sqlite:///{self.folder / 'hammy.sqlite3'}",
                "BROKER_URL": "filesystem://",
                "CACHE_URL": f"filecache://{self.folder / 'cache'}",
            }
            self.store = EmbeddedStore(self.folder / "hammy.sqlite3")
        else:
            database = stack.enter_context(backing.fresh_database(name))
            self.store = ServerStore(database)
            self.environment |= {
                "DATABASE_URL": database,
                "BROKER_URL": stack.enter_context(backing.fresh_vhost(name)),
                "CACHE_URL": backing.cache_url,
            }
        self.manage("migrate", "--verbosity", "0")
        self._client = json.loads(self.manage("create_client", "bench", "--rights", "all", "--json"))
        self.store.write(f"UPDATE gateway_apiclient SET requests_per_minute = {_REQUESTS_PER_MINUTE}")
        self.environment["DJANGO_SUPERUSER_PASSWORD"] = _PASSWORD
        self.manage("createsuperuser", "--noinput", "--username", _USER, "--email", "bench@example.com")

    def manage(self, *arguments: str) -> str:
        """What a management command prints; raises RuntimeError with its complaint."""
        return self._python("manage.py", *arguments)

    def run_inside(self, module: str, *arguments: str) -> Any:
        """What a module of ``benchmarks.inside`` finds; raises as ``manage`` does."""
        return json.loads(self._python("-m", f"benchmarks.inside.{module}", *arguments).splitlines()[-1])

    def command(self, program: str) -> list[str]:
        """The arguments for Python with which this site runs ``web``, ``worker`` or ``beat``, as `make run` does."""
        command: list[str] = json.loads(self._python("-c", _COMMAND_OF, program))
        return command[1:]

    def start_web(self) -> Process:
        """The web server, answering."""
        web = self.start("web")
        wait_for_port(self.port)
        return web

    def start(self, program: str, *, arguments: Sequence[str] = ()) -> Process:
        """One of the site's programs; it may not be ready yet."""
        return self._stack.enter_context(
            Process([*self.command(program), *arguments], log=self.log(program), environment=self.environment)
        )

    def log(self, program: str) -> Path:
        """Where a program says what it does."""
        return self.folder / f"{program}.log"

    def headers(self) -> dict[str, str]:
        """What a request needs to be let in: the client's key and a user's token."""
        key = {"X-Client-Hash-Key": self._client["clientHashKey"]}
        body = json.dumps({"userName": _USER, "password": _PASSWORD}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/hammy/json/auth/v1/login",
            data=body,
            headers={**key, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return {**key, "Authorization": f"JWT {json.load(answer)['token']}"}

    def headers_of_queue(self) -> dict[str, str]:
        """What a message of a queue needs: the client's key."""
        return {"X-Client-Hash-Key": self._client["clientHashKey"]}

    def basic_headers(self) -> dict[str, str]:
        """What the doors need that ask for the client's access id and secret."""
        pair = f"{self._client['accessId']}:{self._client['secret']}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def waiting(self) -> int:
        """How many messages are not yet settled."""
        # By the indexes of what is open: looking through a million closed ones would cost what is to be measured.
        return sum(
            self.store.count(f"SELECT count(*) FROM sending_message WHERE status {which}")
            for which in ("IN ('ACCEPTED', 'RETRY')", "= 'SENDING'", "= 'HELD'")
        )

    def sent(self) -> int:
        """How many messages are SENT."""
        return self.store.count("SELECT count(*) FROM sending_message WHERE status = 'SENT'")

    def wait_until_settled(self, seconds: float) -> float:
        """Until no message waits; the moment it was seen. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while waiting := self.waiting():
            if time.monotonic() > until:
                raise TimeoutError(f"{waiting} messages still wait after {seconds} s\n{self.tail('worker')}")
            time.sleep(0.02)
        return time.monotonic()

    def tail(self, program: str) -> str:
        """The end of a program's log."""
        log = self.log(program)
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout

"""The supervisor: what it starts runs, what dies starts again, and nothing is left behind."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hammy_project.supervisor import Program, Supervisor


def _program(name: str, code: str, *arguments: object, is_support: bool = False) -> Program:
    return Program(name=name, command=[sys.executable, "-S", "-c", code, *map(str, arguments)], is_support=is_support)


def _eventually(holds: Callable[[], object], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


_NOTE = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n');"


def test_a_program_that_dies_starts_again_after_a_pause_that_doubles(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    code = "import sys, time; open(sys.argv[1], 'a').write(f'{time.monotonic()}\\n'); sys.exit(3)"
    supervisor = Supervisor([_program("mayfly", code, log)], first_pause_seconds=0.2, longest_pause_seconds=0.4)
    supervisor.start()
    supervisor.wait(20, lambda: supervisor.deaths["mayfly"] >= 4)
    supervisor.stop()

    starts = [float(line) for line in log.read_text().split()]
    assert len(starts) == 4
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert [gap >= pause for gap, pause in zip(gaps, (0.2, 0.4, 0.4), strict=True)] == [True, True, True]


def test_r4_stop_asks_first_and_kills_what_does_not_listen(tmp_path: Path) -> None:
    deaf = _NOTE + "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    polite = (
        "import signal, sys, time\n"
        "def leave(*_):\n    open(sys.argv[2], 'w').write('done'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nopen(sys.argv[1], 'w').write('ready')\ntime.sleep(600)"
    )
    supervisor = Supervisor(
        [_program("deaf", deaf, tmp_path / "deaf"), _program("polite", polite, tmp_path / "ready", tmp_path / "done")],
        grace_seconds=0.5,
    )
    supervisor.start()
    assert _eventually(lambda: (tmp_path / "ready").exists() and _pids(tmp_path / "deaf"))
    time.sleep(0.1)
    supervisor.stop()

    assert (tmp_path / "done").read_text() == "done"
    assert not _is_alive(_pids(tmp_path / "deaf")[0])


def test_what_the_others_lean_on_stops_after_them(tmp_path: Path) -> None:
    log = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        "def leave(*_):\n"
        "    time.sleep(float(sys.argv[3])); open(sys.argv[1], 'a').write(sys.argv[2] + '\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nopen(sys.argv[1] + sys.argv[2], 'w')\ntime.sleep(600)"
    )
    supervisor = Supervisor(
        [_program("mailbox", code, log, "mailbox", 0, is_support=True), _program("worker", code, log, "worker", 0.3)]
    )
    supervisor.start()
    assert _eventually(lambda: all((tmp_path / f"order{name}").exists() for name in ("mailbox", "worker")))
    supervisor.stop()

    assert log.read_text().split() == ["worker", "mailbox"]


def test_r3_what_a_killed_program_left_running_ends_before_it_starts_again(tmp_path: Path) -> None:
    log = tmp_path / "leaders"
    code = (
        _NOTE + "import subprocess;"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)']);"
        "open(sys.argv[2], 'a').write(f'{child.pid}\\n'); child.wait()"
    )
    supervisor = Supervisor(
        [_program("leader", code, log, tmp_path / "orphans")], first_pause_seconds=0.05, orphan_seconds=0.2
    )
    supervisor.start()
    assert _eventually(lambda: _pids(tmp_path / "orphans"))
    os.kill(_pids(log)[0], signal.SIGKILL)
    supervisor.wait(10, lambda: len(_pids(tmp_path / "orphans")) == 2)
    first, second = _pids(tmp_path / "orphans")

    assert not _is_alive(first)
    assert _is_alive(second)
    supervisor.stop()
    assert not _is_alive(second)


_SITE = """
import sys
from hammy_project.supervisor import Program, Supervisor
code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
supervisor = Supervisor([Program(name=name, command=[sys.executable, "-S", "-c", code, f"{sys.argv[1]}/{name}"])
                         for name in ("web", "worker")])
with supervisor.signals():
    supervisor.start()
    supervisor.run()
    supervisor.stop()
print("stopped")
"""


@pytest.mark.parametrize(
    ("number", "code", "output"),
    [
        (signal.SIGTERM, 0, "stopped\n"),
        (signal.SIGINT, 0, "stopped\n"),
        pytest.param(
            signal.SIGKILL,
            -signal.SIGKILL,
            "",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent death signal is Linux's"),
        ),
    ],
)
def test_r4_no_program_outlives_the_supervisor(tmp_path: Path, number: int, code: int, output: str) -> None:
    site = subprocess.Popen([sys.executable, "-c", _SITE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    names = ("web", "worker")
    assert _eventually(lambda: all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in names))
    pids = [int((tmp_path / name).read_text()) for name in names]
    site.send_signal(number)
    said, _ = site.communicate(timeout=20)

    assert (site.returncode, said) == (code, output)
    assert _eventually(lambda: not any(map(_is_alive, pids)))

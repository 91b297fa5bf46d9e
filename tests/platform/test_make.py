"""The Makefile and the CI script: they explain themselves, and say what is missing."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

_FILES = ("Makefile", "requirements.txt", "requirements-dev.txt")
_PROMISED = {
    "help",
    "demo",
    "run",
    "worker",
    "long-worker",
    "notifier",
    "beat",
    "test",
    "test-services",
    "soak",
    "bench",
    "lint",
    "types",
}


def _run(*command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """In an environment that has nothing but a path and a home."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the Makefile needs of a fresh clone; no git, no .venv."""
    for name in _FILES:
        shutil.copy(settings.BASE_DIR / name, tmp_path)
    return tmp_path


def _program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_help_explains_every_target(clone: Path) -> None:
    done = _run("make", folder=clone)
    explained = re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.MULTILINE)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(explained) >= _PROMISED
    phony = re.search(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == {*explained, "clean"}


@pytest.mark.parametrize(
    "text", ["echo 'pyenv: python3: command not found' >&2; exit 127", "exit 1"], ids=["dead shim", "too old"]
)
def test_an_interpreter_that_does_not_do_is_named(clone: Path, text: str) -> None:
    python = _program(clone / "bin", "python", text)
    done = _run("make", "test", f"PYTHON={python}", folder=clone)
    assert done.returncode == 2
    assert f"No Python 3.11 or later that runs among: {python}." in done.stderr
    assert "make test PYTHON=/path/to/python3" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_shim_that_fails_is_passed_over(clone: Path) -> None:
    bin_folder = clone / "bin"
    for name in ("python3", "python3.13"):
        _program(bin_folder, name, "exit 127")
    _program(
        bin_folder,
        "python3.12",
        'case "$1" in -c) exit 0 ;; -V) echo Python 3.12.1 ;; -m) echo "made with $0" >&2; exit 1 ;; esac',
    )
    done = _run("make", "demo", folder=clone, PATH=f"{bin_folder}:{os.environ['PATH']}")
    assert "Making .venv with python3.12 (Python 3.12.1)" in done.stdout
    assert "made with" in done.stderr
    assert "install its venv package" in done.stderr
    assert done.returncode == 2


def test_the_demo_takes_its_switches(clone: Path) -> None:
    def command(*arguments: str) -> str:
        done = _run("make", "-n", "demo", *arguments, folder=clone)
        assert done.returncode == 0
        return done.stdout.splitlines()[-1].strip()

    assert command() == ".venv/bin/python manage.py demo"
    assert command("ONCE=0") == ".venv/bin/python manage.py demo"
    assert (
        command("ONCE=1", "PORT=8111", "VAR_DIR=/tmp/v")
        == 'VAR_DIR="/tmp/v" .venv/bin/python manage.py demo --once --port 8111'
    )


@pytest.mark.parametrize("name", ["run", "services"])
def test_the_ci_scripts_are_sound_and_executable(name: str) -> None:
    script = settings.BASE_DIR / ".ci" / name
    assert os.access(script, os.X_OK)
    assert _run("bash", "-n", str(script), folder=settings.BASE_DIR).returncode == 0
    assert "set -euo pipefail" in script.read_text()


def test_a_service_that_is_not_there_is_named(tmp_path: Path) -> None:
    # Of what the script calls, without anything that could start a service.
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("bash", "seq", "sleep"):
        (bin_folder / name).symlink_to(str(shutil.which(name)))
    done = _run(
        str(bin_folder / "bash"),
        str(settings.BASE_DIR / ".ci" / "services"),
        folder=tmp_path,
        PATH=str(bin_folder),
        HAMMY_SERVICE_PATHS="",
        DATABASE_URL="postgres://postgres@127.0.0.1:1/hammy",
        BROKER_URL="amqp://guest:guest@192.0.2.1:2//",
        CACHE_URL="redis://127.0.0.1:3/0",
    )
    assert done.returncode == 1
    assert "Missing: PostgreSQL is not installed (postgres not found) and nothing answers on 127.0.0.1:1" in done.stderr
    assert "Missing: Redis is not installed (redis-server not found) and nothing answers on 127.0.0.1:3" in done.stderr
    assert "Missing: RabbitMQ does not answer on 192.0.2.1:2" in done.stderr

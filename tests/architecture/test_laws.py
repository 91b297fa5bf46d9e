"""The laws of the house that no other tool checks; each failure names where."""

import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from tests.architecture.sources import EVERYTHING, PRODUCT, functions, python_files, tree

_LONGEST_FILE = 400
_DRAWERS = {"utils", "util", "common", "helpers", "helper", "core", "misc", "shared", "lib"}
_SIGNALS = ("django.db.models.signals", "django.dispatch", "django.core.signals")
_DOORS = [path.parent for path in python_files(*PRODUCT) if path.name == "request.py"]
_FACES = {"rest", "soap", "amqp"}
_OPEN_ENDS = tuple(a + b for a, b in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")))


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_imports_point_down_only() -> None:
    program = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run(
        [str(program), "--no-logo", "--no-cache"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path: len((settings.BASE_DIR / path).read_text().splitlines()) for path in python_files(*PRODUCT)}
    assert {str(path): length for path, length in lengths.items() if length > _LONGEST_FILE} == {}


def test_no_module_is_a_drawer() -> None:
    names = {path: {*path.parts[:-1], path.stem} & _DRAWERS for path in python_files(*EVERYTHING)}
    assert {str(path): found for path, found in names.items() if found} == {}


def test_nothing_is_imported_inside_a_function() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in python_files(*PRODUCT)
        for function, names in functions(path)
        # Django loads apps before their models; ready() is the one place for what must wait for them.
        if not (path.name == "apps.py" and function.name == "ready")
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_no_signals_of_django_in_the_core() -> None:
    found = {
        str(path): sorted(name for name in _imported(path) if name.startswith(_SIGNALS))
        for path in python_files("gateway", "jobs", "sending", "notifications", "campaigns", "schedules")
    }
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("door", _DOORS, ids=str)
def test_the_faces_of_a_door_never_import_each_other(door: Path) -> None:
    package = ".".join(door.parts)
    for face in _FACES:
        path = door / f"{face}.py"
        if (settings.BASE_DIR / path).exists():
            others = {f"{package}.{other}" for other in _FACES - {face}}
            assert _imported(path) & others == set(), path


def test_no_error_is_swallowed_in_silence() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in python_files(*PRODUCT, "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and [type(line) for line in node.body] == [ast.Pass]
    ]
    assert found == []


def test_nothing_is_a_stub_or_an_open_end() -> None:
    texts = {path: (settings.BASE_DIR / path).read_text() for path in python_files(*EVERYTHING)}
    words = (*_OPEN_ENDS, "NotImplemented" + "Error")
    found = {str(path): [word for word in words if word in text] for path, text in texts.items()}
    assert {path: words for path, words in found.items() if words} == {}


def test_every_command_has_a_test() -> None:
    ours = [name for name, app in get_commands().items() if str(app).partition(".")[0] in PRODUCT]
    # Not by this folder, nor where make's targets are named alike.
    silent = {Path("tests/platform/test_make.py"), *python_files("tests/architecture")}
    files = [path for path in python_files("tests") if path not in silent]
    texts = [(settings.BASE_DIR / path).read_text() for path in files]
    untested = [name for name in ours if not any(f'"{name}"' in text for text in texts)]
    assert {"demo", "doctor", "run", "mailbox", "create_client", "settle"} <= set(ours)
    assert untested == []


def test_no_model_lacks_its_migration() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "No changes detected\n"), done.stderr

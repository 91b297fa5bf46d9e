"""The documents tell of everything there is, and point at nothing that is not."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from gateway.credentials import aws_v2
from gateway.errors import TITLES
from jobs.states import Failure
from notifications.ds3.answer import ERROR_CODES
from notifications.ds3.request import CREATE_PARAMETERS, LIST_PARAMETERS
from notifications.payloads.naming import Naming
from schedules.orders import orders
from schedules.orders.push import PushBody
from schedules.timing import Unit
from schedules.v4.request import MEMBERS, Kind
from sending.devices_v4.answer import CODES as SCHEDULE_CODES
from sending.send_v2.model import ALIASES, ORDER
from sending.states import Status

ROOT: Path = settings.BASE_DIR
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Whose machine it was written on, and where its packages came from, is nobody's business.
_FORBIDDEN = re.compile(
    r"(?<![\w/])/(?:work|root|home|tmp)/[\w.]|pypi\.org|files\.pythonhosted|artifactory|index-url", re.I
)
_CONSTANT = (ast.Constant, ast.BinOp, ast.Mult, ast.UnaryOp, ast.USub, ast.List, ast.Load)


def documents() -> list[Path]:
    """Every Markdown file that is, or is about to be, part of the project."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = (
        listed.stdout.split() if listed.returncode == 0 else map(str, [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    )
    return sorted({ROOT / name for name in names if (ROOT / name).exists()})


def anchors(path: Path) -> set[str]:
    """The headings of a document as its readers' browsers name them."""
    headings = _HEADING.findall(_CODE.sub(lambda code: code[0] if code[0][:3] != "```" else "", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for link in _LINK.findall(_CODE.sub("", path.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_tells_of_somebodys_machine(path: Path) -> None:
    assert _FORBIDDEN.findall(path.read_text()) == []


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a document's tables, cell by cell."""
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("| `") or re.match(r"\| (\d|hammy)", line):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def documented_settings() -> dict[str, str]:
    """Each variable with what the document says is its default."""
    found = {}
    for cells in rows("docs/operators/settings.md"):
        names = re.findall(r"`([A-Z_]+)`", cells[0])
        defaults = re.findall(r"`([^`]*)`", cells[1]) or [cells[1]]
        found.update(zip(names, defaults if len(defaults) == len(names) else [defaults[0]] * len(names), strict=True))
    return found


def read_settings() -> dict[str, ast.expr | None]:
    """Each variable that the settings read, with the expression of its default."""
    tree = ast.parse((ROOT / "hammy_project" / "settings.py").read_text())
    found: dict[str, ast.expr | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.fullmatch(r"env\.\w+", ast.unparse(node.func)):
            given = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "default")]
            found[ast.literal_eval(node.args[0])] = given[0] if given else None
    return found


def test_the_document_of_settings_names_each_and_no_other() -> None:
    assert sorted(documented_settings()) == sorted(read_settings())


def test_the_document_of_settings_tells_their_defaults() -> None:
    documented = documented_settings()
    wrong = {}
    for name, default in read_settings().items():
        if default is None or not all(isinstance(part, _CONSTANT) for part in ast.walk(default)):
            continue
        value = eval(ast.unparse(default), {"__builtins__": {}})
        shown = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        shown = shown.lower() if isinstance(value, bool) else shown
        if shown and documented[name] != shown:
            wrong[name] = f"{documented[name]} instead of {shown}"
    assert wrong == {}


def test_every_check_is_told() -> None:
    source = (ROOT / "hammy_project" / "checks.py").read_text()
    told = "\n".join(cells[0] for cells in rows("docs/operators/settings.md") if cells[0].startswith("hammy"))
    assert set(re.findall(r"\b[EW]\d{3}\b", told)) == set(re.findall(r'id="hammy\.([EW]\d{3})"', source))


def test_every_code_is_told_with_its_http_status() -> None:
    told = {int(cells[0]): cells[1] for cells in rows("docs/api/errors.md") if cells[0].isdigit()}
    assert sorted(told) == sorted(TITLES)
    for code, (_, status) in TITLES.items():
        assert str(int(status)) in told[code].split(", "), code


def test_every_command_of_ours_is_told() -> None:
    ours = {
        name
        for name, app in get_commands().items()
        if str(app) in ("gateway", "jobs", "sending", "notifications", "campaigns", "schedules", "hammy_project")
    }
    text = (ROOT / "docs" / "operators.md").read_text()
    assert {name for name in ours if not re.search(rf"\b{name}\b", text)} == set()


def test_every_field_and_status_is_told_to_integrators() -> None:
    text = (ROOT / "docs" / "integrators.md").read_text()
    assert {name for name in (*ORDER, *ALIASES) if not re.search(rf"\b{name}\b", text)} == set()
    assert {status for status in Status if not re.search(rf"\b{status}\b", text)} == set()


def test_every_parameter_member_and_error_of_registrations_is_told() -> None:
    text = (ROOT / "docs" / "api" / "job-completed-notifications.md").read_text()
    names = {*CREATE_PARAMETERS, *LIST_PARAMETERS, *Naming, *aws_v2.Fault, *ERROR_CODES}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_every_code_member_and_unit_of_schedules_is_told() -> None:
    text = (ROOT / "docs" / "api" / "schedules.md").read_text()
    assert tuple(int(code) for code in re.findall(r"^\| (28\d{3}) \|", text, re.MULTILINE)) == SCHEDULE_CODES
    names = {*MEMBERS, *Kind, *Unit, *orders(), *PushBody.model_json_schema(by_alias=True)["properties"]}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_every_kind_of_failure_is_told_to_who_is_called_back() -> None:
    text = (ROOT / "docs" / "api" / "job-callbacks.md").read_text()
    assert set(re.findall(r"^\| `(ERR_\w+)`", text, re.MULTILINE)) == set(Failure)


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_says_a_thing_twice(path: Path) -> None:
    blocks = re.split(r"\n{2,}", re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL))
    twice = []
    for block in blocks:
        rows_of = [line.split("|")[1].strip() for line in block.splitlines() if line.startswith("|")]
        twice += [cell for cell in rows_of if cell and rows_of.count(cell) > 1]
    beginnings = [line[:50] for block in blocks for line in block.splitlines() if len(line) > 80 and line[0] != "|"]
    assert twice + [line for line in beginnings if beginnings.count(line) > 1] == []

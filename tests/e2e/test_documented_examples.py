"""The documents' examples do what they say: run against a live site, answers compared with those printed.

A ```bash or ```python block is run; a ```json, ```http, ```xml or ```text block that follows it is what it must print.
The blocks of one document share a shell (or an interpreter). Dates, uuids, message numbers and workers' names are
masked, and ``…`` stands for anything. A ```py block needs a broker: tests/faults/test_queue_face.py runs it.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import ROOT, Site

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = ("bash", "python")
_EXPECTED = ("json", "http", "text", "xml")
_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}([+-]\d\d:\d\d|Z)"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\bmessage \d{1,5}\b"), "message <number>"),
    (re.compile(r"^[\w.-]+:\d+ #\d+$"), "<worker>"),
)
_END = "--- end of example ---"
_SETUP = """
import json
from django.contrib.auth.models import User
from gateway import clients
from jobs.models import Trigger
from sending.models import Template, TemplateVersion
Trigger.objects.create(name="nightlyReport", job_class="tests.Nothing")
User.objects.create_user("your-user", password="your-password")
make = lambda name, **values: clients.create_client(name=name, **{"rights": ["send"], **values})[1].client_hash_key
renewal = Template.objects.create(name="RENEWAL")
TemplateVersion.objects.create(
    template=renewal, version=1, status="ENABLED", subject="Tisztelt {{ recipientName }}!",
    text='Kódja: {{ properties["kód"] }}',
)
template = Template.objects.create(name="CONTRACT_READY")
TemplateVersion.objects.create(
    template=template, version=1, status="ENABLED", subject="{{ xmlData.DATA.contractNumber }}",
    text='Tisztelt {{ recipientName }}! Ügyintéző: {{ properties["clerk"] }}',
)
archive = clients.create_client(name="archive", rights=["notifications"])[1]
scheduling = clients.create_client(name="scheduling", rights=["schedules", "send", "jobs.run"])[1]
print(json.dumps({
    "your-access-id": archive.access_id,
    "your-signing-secret": archive.secret,
    "your-scheduling-id": scheduling.access_id,
    "your-scheduling-secret": scheduling.secret,
    "hk_portal-key": make("portal", needs_user_token=False, rights=["portal"]),
    "hk_campaigns-key": make("campaigns", needs_user_token=False, rights=["campaigns", "send"]),
    "hk_your-client-key": make("invoicing", rights=["send", "jobs.read", "jobs.run"], portals=["portal"]),
    "hk_open-client-key": make("open", needs_user_token=False),
    "hk_reporting-key": make("reporting", needs_user_token=False, rights=["jobs.read"]),
    "hk_slow-key": make("slow", needs_user_token=False, requests_per_minute=2),
}))
"""


@dataclass(frozen=True)
class Example:
    """One block to run, and the block that it must print, if any."""

    place: str
    code: str
    kind: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Live:
    """A running site, and what to write in the examples for what they leave open."""

    site: Site
    words: dict[str, str]

    def fill_in(self, text: str) -> str:
        for placeholder, value in self.words.items():
            text = text.replace(placeholder, value)
        return text


@contextmanager
def live_site(folder: Path) -> Iterator[Live]:
    with Site(folder, HAMMY_JOB_CLASSES="tests.jobs.classes") as site:
        site.start_sink()
        site.start_worker()
        site.start_long_worker(processes=1)
        keys = json.loads(site.manage("shell", "--no-imports", "-c", _SETUP))
        site.start_beat()
        site.start_web()
        address = f"http://127.0.0.1:{site.web_port}"
        yield Live(site, {"https://letters.example.org": address, "http://localhost:8000": address, **keys})


def examples(name: str, language: str) -> list[Example]:
    """The document's blocks of a language, in order, each with what it must print."""
    text = (ROOT / name).read_text()
    blocks = list(_BLOCK.finditer(text))
    found = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] == language:
            place = f"{name}:{text.count(chr(10), 0, block.start()) + 1}"
            is_answered = following is not None and following[1] in _EXPECTED
            answer = (following[1], following[2]) if is_answered else ("", "")
            found.append(Example(place, block[2], *answer))
    return found


def masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Where an answer is not the printed one."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            yield f"{path}: members {sorted(actual)} instead of {sorted(expected)}"
        for name in expected.keys() & actual.keys():
            yield from differences(expected[name], actual[name], f"{path}/{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif path.endswith(("/id", "/messageId")) and masked(str(expected)) != "<uuid>":
        if type(expected) is not type(actual) or not str(actual).isdigit():
            yield f"{path}: {actual!r} instead of a number as {expected!r}"
    elif isinstance(expected, str) and isinstance(actual, str):
        if not is_as_printed(expected, actual):
            yield f"{path}: {actual!r} instead of {expected!r}"
    elif expected != actual:
        yield f"{path}: {actual!r} instead of {expected!r}"


def is_as_printed(expected: str, actual: str) -> bool:
    pattern = re.sub(r"([\[\]*?])", r"[\1]", masked(expected).strip()).replace("…", "*")
    return masked(expected).strip() == masked(actual).strip() or fnmatchcase(masked(actual).strip(), pattern)


def check(example: Example, printed: str) -> None:
    """The example printed what the document says."""
    found: list[str] = []
    if example.kind == "xml":
        # Printed for people; on the wire nothing stands between elements.
        expected = re.sub(r">\s+<", "><", example.expected)
        found = [] if is_as_printed(expected, printed) else [f"{printed!r} instead of {expected!r}"]
    elif example.kind == "text":
        found = [] if is_as_printed(example.expected, printed) else [f"{printed!r} instead of {example.expected!r}"]
    elif example.kind == "json":
        found = list(differences(json.loads(example.expected), json.loads(printed)))
    elif example.kind == "http":
        status, headers, body = parsed_http(printed)
        wanted_status, wanted_headers, wanted_body = parsed_http(example.expected)
        found = list(differences(wanted_body, body))
        if status != wanted_status:
            found.append(f"{status} instead of {wanted_status}")
        found += [
            f"{name}: {headers.get(name)!r} instead of {value!r}"
            for name, value in wanted_headers.items()
            if not is_as_printed(value, headers.get(name, ""))
        ]
    assert not found, f"{example.place} printed {printed}\n" + "\n".join(found)


def parsed_http(text: str) -> tuple[str, dict[str, str], Any]:
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return status, headers, json.loads(body)


def run(command: list[str], script: str, live: Live, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": live.site.environment["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    return subprocess.run(
        command, input=live.fill_in(script), cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


# One test, because one site serves them all, and parallel runs would start it for each.
@pytest.mark.timeout(300)
def test_the_examples_print_what_the_documents_say(tmp_path: Path) -> None:
    with live_site(tmp_path / "site") as live:
        for name in ("docs/integrators.md", "docs/api/errors.md", "docs/api/schedules.md", "docs/api/devices.md"):
            check_shell(live, tmp_path, examples(name, "bash"))
        for name in ("docs/integrators.md", "docs/api/job-completed-notifications.md"):
            check_python(live, tmp_path, examples(name, "python"))
        check_readme(live, tmp_path)


def check_shell(live: Live, folder: Path, found: list[Example]) -> None:
    assert found
    script = "".join(f"{example.code}printf '\\n%s\\n' {shlex.quote(_END)}\n" for example in found)
    done = run(["bash", "-u"], script, live, folder)
    outputs = done.stdout.split(_END + "\n")
    for example, printed in zip(found, outputs, strict=False):
        check(example, printed)
    assert (done.returncode, done.stderr, len(outputs)) == (0, "", len(found) + 1)


def check_python(live: Live, folder: Path, found: list[Example]) -> None:
    assert found
    script = "".join(f"{example.code}\nprint({_END!r}, flush=True)\n" for example in found)
    done = run([sys.executable, "-"], script, live, folder)
    assert (done.returncode, done.stderr) == (0, "")
    for example, printed in zip(found, done.stdout.split(_END + "\n"), strict=False):
        check(example, printed)


def check_readme(live: Live, folder: Path) -> None:
    """Its client is made and its letter sent as it says."""
    console = next(block[2] for block in _BLOCK.finditer((ROOT / "README.md").read_text()) if "curl" in block[2])
    _, create, send = re.split(r"^\$ ", console, flags=re.MULTILINE)
    printed = live.site.manage(*shlex.split(create)[2:])
    key = re.search(r"^clientHashKey\s+(\S+)$", printed, re.MULTILINE)
    assert key is not None, printed
    command, answer = send.rsplit("\n{", 1)
    done = run(["bash", "-u"], command.replace("X-Client-Hash-Key: …", f"X-Client-Hash-Key: {key[1]}"), live, folder)
    assert done.returncode == 0
    check(Example("README.md", command, "json", "{" + answer), done.stdout)


def test_a_document_that_says_something_else_would_be_noticed() -> None:
    printed = '{"messageId": 7, "at": "2026-11-22T08:47:33.742+01:00", "token": "eyJabc", "why": "message 7 is SENT"}'
    said = '{"messageId": 18, "at": "2025-01-01T00:00:00.000+02:00", "token": "eyJ…", "why": "message 18 is SENT"}'
    check(Example("here", "", "json", said), printed)
    for wrong in (said.replace("18,", '"18",'), said.replace("SENT", "HELD"), said.replace("eyJ…", "hk_…"), "{}"):
        with pytest.raises(AssertionError):
            check(Example("here", "", "json", wrong), printed)


@pytest.mark.parametrize(
    "name",
    [
        "docs/integrators.md", "docs/api/errors.md", "docs/api/job-completed-notifications.md", "docs/api/schedules.md",
        "README.md",
    ],
)  # fmt: skip
def test_every_block_is_closed_and_of_a_known_kind(name: str) -> None:
    text = (ROOT / name).read_text()
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(_BLOCK.findall(text))
    assert {kind for kind, _ in _BLOCK.findall(text)} <= {*_RUN, *_EXPECTED, "console", "js", "py", ""}

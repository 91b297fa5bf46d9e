"""What is written in two places says the same in both."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from celery import current_app
from django.conf import settings

from hammy_project import celery, programs
from jobs import states as job_states
from notifications import states as delivery_states
from sending.channels import channels
from sending.states import CLOSED, EDGES
from tests import once

_CATALOGUES = sorted((settings.BASE_DIR / "locale").glob("*/LC_MESSAGES/*.po"))


def _ours() -> list[str]:
    current_app.loader.import_default_modules()
    return sorted(
        name
        for name in current_app.tasks
        if name.partition(".")[0] in {"gateway", "jobs", "sending", "notifications", "campaigns", "schedules"}
    )


@pytest.mark.parametrize(
    ("document", "edges", "begins"),
    [
        ("message-states.md", EDGES, {"ACCEPTED", "HELD", "CANCELLED"}),
        ("job-states.md", job_states.EDGES, {"NEW", "RUNNING"}),
        ("delivery-states.md", delivery_states.EDGES, {"PENDING", "MISSED"}),
    ],
)
def test_a_diagram_is_the_table_of_its_edges(document: str, edges: Any, begins: set[str]) -> None:
    text = (settings.BASE_DIR / "docs" / document).read_text()
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    assert diagram is not None
    drawn = set(re.findall(r"^ *(\[\*\]|\w+) --> (\[\*\]|\w+)", diagram[1], re.MULTILINE))
    expected = {(source.value, target.value) for source, targets in edges.items() for target in targets}
    assert drawn == expected | {("[*]", begin) for begin in begins}


@pytest.mark.parametrize(
    ("document", "word", "closed"),
    [
        ("message-states.md", "Closed", CLOSED),
        ("job-states.md", "Final", job_states.FINAL),
        ("delivery-states.md", "Closed", delivery_states.CLOSED),
    ],
)
def test_what_is_said_to_be_closed_is_closed(document: str, word: str, closed: Any) -> None:
    text = (settings.BASE_DIR / "docs" / document).read_text()
    sentence = re.search(rf"^{word} are ([A-Z, and]+)\.", text, re.MULTILINE)
    assert sentence is not None
    assert set(re.findall(r"[A-Z]+", sentence[1])) == set(closed)


def test_the_table_of_a_jobs_events_names_each() -> None:
    text = (settings.BASE_DIR / "docs" / "job-states.md").read_text()
    table = text.partition("| event | when |")[2].partition("\n\n")[0]
    named = {
        name
        for line in table.splitlines()
        for name in re.findall(r"[A-Z]{4,}", line.split("|")[1] if "|" in line else "")
    }
    assert named == set(job_states.EventName)


def test_every_queue_is_consumed_and_every_task_has_one() -> None:
    declared = set(current_app.amqp.queues.consume_from)
    assert declared == set(celery.queue_names())
    # Without --queues a worker consumes all that are declared, but for those it leaves to others.
    worker = programs.worker().command
    left = set(worker[worker.index("--exclude-queues") + 1].split(","))
    others = [programs.long_worker().command, programs.notifier().command]
    assert left == {other[other.index("--queues") + 1] for other in others} == {celery.LONG_JOBS, celery.NOTIFICATIONS}
    calls = [(name, ("EMAIL",)) for name in _ours() if name != "jobs.tasks.run"]
    calls += [("sending.tasks.dispatch", (channel,)) for channel in channels()]
    calls += [("jobs.tasks.run", (queue,)) for queue in job_states.Queue]
    assert {celery.route(name, args, {}, {})["queue"] for name, args in calls} == declared


def test_what_beat_sends_is_a_task_of_ours() -> None:
    sent = {entry["task"] for entry in celery.configuration()["beat_schedule"].values()}
    assert sent <= set(_ours())


def test_the_example_names_every_variable_of_the_settings() -> None:
    source = (settings.BASE_DIR / "hammy_project" / "settings.py").read_text()
    read = set(re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", source))
    example = (settings.BASE_DIR / "deploy" / "environment.example").read_text()
    named = re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(named) == sorted(read)


@pytest.mark.parametrize("path", _CATALOGUES, ids=lambda path: path.parts[-3])
def test_the_compiled_words_are_the_written_ones(path: Path) -> None:
    expected = io.BytesIO()
    write_mo(expected, read_po(io.BytesIO(path.read_bytes())))
    expected.seek(0)
    catalogues = [read_mo(expected), read_mo(io.BytesIO(path.with_suffix(".mo").read_bytes()))]
    written, compiled = ({(str(m.id), m.context): m.string for m in found if m.id} for found in catalogues)
    assert compiled == written


def test_both_languages_of_the_console_are_there() -> None:
    assert [path.parts[-3] for path in _CATALOGUES] == sorted(code for code, _ in settings.LANGUAGES)


def test_a_file_that_runs_once_is_there() -> None:
    assert sorted(name for name in once.FILES if not (settings.BASE_DIR / name).is_file()) == []

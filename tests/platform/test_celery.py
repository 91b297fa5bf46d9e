"""The queues and their workers, on every broker there is (R3, R8, S34)."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from hammy_project import celery as site
from hammy_project.celery import app
from sending.channels import channels

AMQP = os.environ.get("HAMMY_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672")
REDIS = os.environ.get("HAMMY_TEST_REDIS", "redis://127.0.0.1:6379")
on_services = [
    pytest.mark.services,
    pytest.mark.skipif(not os.environ.get("HAMMY_TEST_SERVICES"), reason="make test-services"),
]


def wait_until(is_true: Callable[[], object], seconds: float = 45) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Site:
    """Worker and wakers of one site, each a process, with one broker."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.folder = folder
        self.is_embedded = broker_url.startswith("filesystem:")
        self.broker_url = "filesystem://localhost" if self.is_embedded else broker_url
        self.environment = {
            **os.environ,
            "VAR_DIR": str(folder / "var"),
            "BROKER_URL": broker_url,
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "hammy_project.settings",
        }
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a worker with two processes, and wait until it works."""
        command = [sys.executable, "-m", "celery", "-A", "hammy_project", "--quiet", "worker", "--concurrency", "2"]
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [*command, "--include", "tests.platform.worker_tasks"], env=self.environment, stdout=log, stderr=log
            )
        wait_until(lambda: " ready." in self.log())

    def stop(self) -> None:
        """Stop it in order."""
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(30)

    def wake(self, name: str, *args: str) -> None:
        """Publish as the product does, over a connection for this once."""
        options = {"folder": str(self.folder / "var" / "broker")} if self.is_embedded else {"confirm_publish": True}
        with Connection(self.broker_url, transport_options=options) as connection:
            # This process may have another broker, whose queues are declared otherwise.
            app.send_task(name, args=args, connection=connection, retry=False, ignore_result=True, declare=[])

    def notes(self) -> list[list[str]]:
        """What the tasks wrote down: text, process, time."""
        path = self.folder / "notes"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def texts(self) -> list[str]:
        return [note[0] for note in self.notes()]

    def log(self) -> str:
        return (self.folder / "worker.log").read_text()


@pytest.fixture(scope="module")
def virtual_host() -> Iterator[str]:
    name = f"hammy_celery_{uuid.uuid4().hex[:8]}"
    subprocess.run(["rabbitmqctl", "-q", "add_vhost", name], check=True)
    subprocess.run(["rabbitmqctl", "-q", "set_permissions", "-p", name, "guest", ".*", ".*", ".*"], check=True)
    yield name
    subprocess.run(["rabbitmqctl", "-q", "delete_vhost", name], check=True)


@pytest.fixture(
    scope="module",
    params=["filesystem", pytest.param("amqp", marks=on_services), pytest.param("redis", marks=on_services)],
)
def running_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if request.param == "filesystem":
        broker_url = "filesystem://"
    elif request.param == "amqp":
        broker_url = f"{AMQP}/{request.getfixturevalue('virtual_host')}"
    else:
        broker_url = f"{REDIS}/3"
        with Connection(broker_url) as connection:
            connection.default_channel.client.flushdb()
    running = Site(tmp_path_factory.mktemp("site"), broker_url)
    running.start()
    yield running
    running.stop()


def test_every_channel_and_weight_of_jobs_has_a_queue_of_its_own_and_all_else_shares_one() -> None:
    others = {"jobs.quick", "jobs.long", "notifications", "maintenance"}
    wanted = {f"sending.{name.lower()}" for name in channels()} | others
    assert set(site.queue_names()) == wanted
    assert set(app.amqp.queues) == wanted
    for name in channels():
        assert site.route("sending.tasks.dispatch", [name], {}, {}) == {"queue": f"sending.{name.lower()}"}
        assert site.route("sending.tasks.dispatch", [], {"channel": name}, {}) == {"queue": f"sending.{name.lower()}"}
    assert site.route("jobs.tasks.run", ["long"], {}, {}) == {"queue": "jobs.long"}
    assert site.route("notifications.tasks.deliver", (), {}, {}) == {"queue": "notifications"}
    assert site.route("notifications.tasks.tick", (), {}, {}) == {"queue": "maintenance"}
    assert site.route("schedules.tasks.fire", (), {}, {}) == {"queue": "maintenance"}
    assert site.route("sending.tasks.tick", (), {}, {}) == {"queue": "maintenance"}
    assert site.route("jobs.tasks.fire", ["7"], {}, {}) == {"queue": "maintenance"}


def test_what_beat_says_is_a_task_there_is_and_goes_stale() -> None:
    app.loader.import_default_modules()
    entries = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in entries} <= set(app.tasks)
    said = [(entry["schedule"], entry["options"]["expire_seconds"]) for entry in entries]
    assert sorted(said) == [(1.0, 10)] * 4 + [(3600.0, 1800)] * 4


def test_s34_nothing_but_json_is_accepted_or_sent() -> None:
    assert app.conf.accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.result_backend) == ("json", None)


def test_a_task_is_acknowledged_when_done_and_given_back_when_its_process_dies() -> None:
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1


def test_rabbitmq_gets_short_quorum_queues_and_confirms(settings: Any) -> None:
    settings.BROKER_URL, settings.IS_EMBEDDED_BROKER = "amqp://rabbit//", False
    configuration = site.configuration()
    assert configuration["broker_transport_options"] == {"confirm_publish": True}
    for queue in configuration["task_queues"]:
        assert queue.queue_arguments == {
            "x-queue-type": "quorum",
            "x-max-length": 16,
            "x-overflow": "drop-head",
            "x-delivery-limit": 3,
        }


def test_a_wake_up_is_worked_on_in_a_moment(running_site: Site) -> None:
    started = time.time()
    running_site.wake("tests.note", str(running_site.folder), "here")
    wait_until(lambda: "here" in running_site.texts())
    ((_, process, at),) = [note for note in running_site.notes() if note[0] == "here"]
    assert int(process) != running_site.worker.pid
    assert float(at) - started < 15


def test_r3_a_killed_child_gives_its_task_back_and_another_does_it(running_site: Site) -> None:
    running_site.wake("tests.linger", str(running_site.folder), "3")
    wait_until(lambda: "begun" in running_site.texts())
    (victim,) = [int(note[1]) for note in running_site.notes() if note[0] == "begun"]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: "ended" in running_site.texts(), 15)
    processes = [int(note[1]) for note in running_site.notes() if note[0] in {"begun", "ended"}]
    assert processes[0] == victim
    assert processes[1] == processes[2] != victim


def test_r4_a_worker_told_to_stop_ends_its_task_first(running_site: Site) -> None:
    before = running_site.texts().count("begun")
    running_site.wake("tests.linger", str(running_site.folder), "1.5")
    wait_until(lambda: running_site.texts().count("begun") > before)
    running_site.stop()
    assert running_site.texts()[-2:] == ["begun", "ended"]
    assert running_site.worker.returncode == 0


def test_garbled_and_foreign_messages_do_not_stop_a_worker(tmp_path: Path) -> None:
    running = Site(tmp_path, "filesystem://")
    running.start()
    folder = tmp_path / "var" / "broker" / "maintenance"
    foreign = {
        "body": "gASVBAAAAAAAAABLAS4=",
        "content-type": "application/x-python-serialize",
        "headers": {"task": "tests.note"},
        "properties": {
            "delivery_tag": "2",
            "body_encoding": "base64",
            "delivery_info": {"routing_key": "maintenance"},
        },
    }
    for number, content in enumerate(
        [
            '{"body": "ha',
            "[]",
            "{}",
            '{"properties": {}}',
            '{"properties": {"delivery_tag": "1"}, "body": "!!!", "headers": {}}',
            json.dumps(foreign),
        ]
    ):
        (folder / f"0-{number}.json").write_text(content)
    running.wake("tests.note", str(tmp_path), "after")
    running.wake("tests.unknown", str(tmp_path))
    running.wake("tests.note", str(tmp_path), "last")
    wait_until(lambda: "last" in running.texts())
    assert running.texts() == ["after", "last"]
    assert running.worker.poll() is None
    running.stop()


class Line:
    """A forwarder to a broker that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self, *, and_refuse: bool = True) -> None:
        if and_refuse and self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        while self._sockets:
            end = self._sockets.pop()
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=[source, target], daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            return
        finally:
            source.close()
            target.close()


@pytest.mark.services
@pytest.mark.skipif(not os.environ.get("HAMMY_TEST_SERVICES"), reason="make test-services")
def test_r8_a_worker_resumes_by_itself_after_the_line_to_rabbitmq_was_cut(tmp_path: Path, virtual_host: str) -> None:
    line = Line("127.0.0.1", 5672)
    line.mend()
    running = Site(tmp_path, f"amqp://guest:guest@127.0.0.1:{line.port}/{virtual_host}")
    running.start()
    for _ in range(5):
        line.cut(and_refuse=False)
        time.sleep(0.4)
    running.wake("tests.note", str(tmp_path), "after_five_cuts")
    wait_until(lambda: "after_five_cuts" in running.texts())
    line.cut()
    time.sleep(5)
    line.mend()
    running.wake("tests.note", str(tmp_path), "after_the_outage")
    wait_until(lambda: "after_the_outage" in running.texts())
    assert running.worker.poll() is None
    running.stop()
    line.cut()


@pytest.mark.services
@pytest.mark.skipif(not os.environ.get("HAMMY_TEST_SERVICES"), reason="make test-services")
def test_rabbitmq_has_our_queues_and_none_of_celerys_delayed_ones(tmp_path: Path, virtual_host: str) -> None:
    running = Site(tmp_path, f"{AMQP}/{virtual_host}")
    running.start()
    listed = subprocess.run(
        ["rabbitmqctl", "-q", "--no-table-headers", "list_queues", "-p", virtual_host, "name", "type"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert sorted(listed.split("\n")[:-1]) == sorted(f"{name}\tquorum" for name in site.queue_names())
    running.stop()


@pytest.mark.services
@pytest.mark.skipif(not os.environ.get("HAMMY_TEST_SERVICES"), reason="make test-services")
@pytest.mark.parametrize("broker", ["amqp", "redis"])
def test_a_queue_without_a_worker_keeps_its_newest_sixteen(
    broker: str, settings: Any, request: pytest.FixtureRequest
) -> None:
    settings.IS_EMBEDDED_BROKER = False
    settings.BROKER_URL = f"{REDIS}/3" if broker == "redis" else f"{AMQP}/{request.getfixturevalue('virtual_host')}"
    (declared,) = [queue for queue in site.configuration()["task_queues"] if queue.name == "maintenance"]
    with Connection(settings.BROKER_URL, transport_options={"confirm_publish": True}) as connection:
        queue = declared(connection.default_channel)
        queue.declare()
        queue.purge()
        for number in range(50):
            connection.Producer().publish({"number": number}, routing_key="maintenance")
        wait_until(lambda: queue.queue_declare(passive=True).message_count == 16)
        assert [queue.get(no_ack=True).payload["number"] for _ in range(16)] == list(range(34, 50))

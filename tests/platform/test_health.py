"""Health and metrics: what load balancers and Prometheus see."""

import socket
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from gateway import metrics
from gateway.caller import Caller
from hammy_project import health, vital_signs
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.models import Job
from jobs.states import Queue
from sending import services
from sending.letter import Letter
from sending.models import Message
from tests.sending import authority


@pytest.fixture(autouse=True)
def nothing_known_of_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital_signs, "remembered", vital_signs.Remembered())


def _accept(caller: Caller, number: int) -> int:
    letter = Letter(
        channel="EMAIL",
        recipient_name="Anna",
        recipient_email_address="anna@example.org",
        mail_subject=f"Letter {number}",
        mail_body="Hello",
    )
    return services.submit(caller=caller, letter=letter).message_id


def _break_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("no connection to 10.0.0.7")

    monkeypatch.setattr(vital_signs.connection, "cursor", fail)


def test_alive_needs_no_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_can_be_posted(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_ready_tells_the_age_of_the_oldest_due_message(client: Client, caller: Caller) -> None:
    first, second = (_accept(caller, number) for number in range(2))
    now = timezone.now()
    Message.objects.filter(pk=first).update(due_at=now - timedelta(seconds=100))
    Message.objects.filter(pk=second).update(due_at=now + timedelta(seconds=100))

    response = client.get("/readyz")
    answer = response.json()
    age = answer.pop("oldestDueSeconds")
    assert (response.status_code, answer) == (200, {"status": "ready", "database": "ok", "broker": "ok"})
    assert 100 <= age < 160


@pytest.mark.django_db
def test_ready_with_nothing_waiting_has_no_age(client: Client) -> None:
    assert client.get("/readyz").json()["oldestDueSeconds"] == 0.0


@pytest.mark.django_db
def test_r5_not_ready_without_the_broker_and_says_no_more(client: Client, settings: Any) -> None:
    settings.IS_EMBEDDED_BROKER = True
    settings.BROKER_DIR = settings.BASE_DIR / "manage.py" / "broker"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "database": "ok",
        "broker": "unreachable",
        "oldestDueSeconds": 0.0,
    }


@pytest.mark.django_db
def test_r7_not_ready_without_the_database_and_says_no_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _break_database(monkeypatch)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "database": "unreachable",
        "broker": "ok",
        "oldestDueSeconds": None,
    }


def test_the_broker_is_asked_at_most_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "gone", "back"])
    now = [100.0]
    monkeypatch.setattr(vital_signs, "broker_failure", lambda: next(answers))
    monkeypatch.setattr(vital_signs.time, "monotonic", lambda: now[0])
    remembered = vital_signs.Remembered()
    seen = []
    for now[0] in (100.0, 104.9, 105.0, 109.9, 110.0):
        seen.append(remembered.broker_failure())
    assert seen == ["", "", "gone", "gone", "back"]


def test_metrics_sum_the_processes_and_count_what_waits(client: Client, caller: Caller) -> None:
    metrics.MESSAGES.labels(channel="EMAIL", event="accepted").inc(0)
    ids = [_accept(caller, number) for number in range(3)]
    Message.objects.filter(pk=ids[0]).update(due_at=timezone.now() - timedelta(seconds=50))

    response = client.get("/metrics")
    lines = response.content.decode().splitlines()
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert 'hammy_messages_waiting{channel="EMAIL",status="ACCEPTED"} 3.0' in lines
    assert "hammy_print_batch_oldest_seconds 0.0" in lines
    assert "hammy_database_up 1.0" in lines
    assert any(line.startswith('hammy_messages_total{channel="EMAIL",event="accepted"} ') for line in lines)
    (age,) = [line for line in lines if line.startswith("hammy_messages_waiting_oldest_seconds{")]
    assert 50 <= float(age.rpartition(" ")[2]) < 110


@pytest.mark.django_db
def test_metrics_count_the_jobs_of_each_queue(client: Client, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        job_services.submit(caller=Caller.house(), job_class="tests.Nothing")
    job_queue.claim(queue=Queue.QUICK, worker="w", size=1)
    Job.objects.filter(status="RUNNING").update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    Job.objects.filter(status="NEW").update(due_at=timezone.now() - timedelta(seconds=50))
    with django_assert_num_queries(3):
        (quick, _long) = vital_signs.jobs()
    assert 50 <= quick.seconds < 110
    lines = client.get("/metrics").content.decode().splitlines()
    assert {
        line for line in lines if line.startswith("hammy_jobs_") and "oldest" not in line and "_total" not in line
    } == {
        'hammy_jobs_waiting{queue="quick"} 2.0',
        'hammy_jobs_waiting{queue="long"} 0.0',
        'hammy_jobs_running{queue="quick"} 1.0',
        'hammy_jobs_running{queue="long"} 0.0',
        'hammy_jobs_silent{queue="quick"} 1.0',
        'hammy_jobs_silent{queue="long"} 0.0',
    }


def _days_to_sign(client: Client) -> list[float]:
    lines = client.get("/metrics").content.decode().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("hammy_signing_certificate_days ")]


@pytest.mark.django_db
def test_metrics_say_for_how_long_the_site_can_sign(client: Client, settings: Any, tmp_path: Path) -> None:
    assert _days_to_sign(client) == []
    authority.made("Own", ends=timedelta(days=12)).settle(settings, tmp_path)
    (days,) = _days_to_sign(client)
    assert 11.9 < days < 12
    settings.HAMMY_SIGNING_KEY = str(tmp_path / "nowhere.pem")
    assert _days_to_sign(client) == [0.0]


@pytest.mark.django_db
def test_metrics_are_read_when_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[vital_signs.Waiting]:
        raise OperationalError("no connection")

    monkeypatch.setattr(vital_signs, "waiting", fail)
    response = client.get("/metrics")
    assert response.status_code == 200
    assert "hammy_database_up 0.0" in response.content.decode().splitlines()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "authorization", "status"),
    [
        ("127.0.0.1", "", 200),
        ("::1", "", 200),
        ("::ffff:127.0.0.1", "", 200),
        ("10.1.2.3", "", 403),
        ("10.1.2.3", "Bearer right", 200),
        ("10.1.2.3", "bearer right", 200),
        ("10.1.2.3", "Bearer wrong", 403),
        ("10.1.2.3", "Bearer ", 403),
        ("10.1.2.3", "Basic right", 403),
        ("", "", 403),
    ],
)
def test_metrics_are_for_the_token_or_the_networks(
    client: Client, settings: Any, address: str, authorization: str, status: int
) -> None:
    settings.HAMMY_METRICS_TOKEN = "right"
    settings.HAMMY_METRICS_NETWORKS = ["127.0.0.0/8", "::1/128"]
    headers = {"Authorization": authorization} if authorization else {}
    assert client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code == status


@pytest.mark.django_db
def test_an_empty_token_opens_nothing(client: Client, settings: Any) -> None:
    settings.HAMMY_METRICS_TOKEN = ""
    settings.HAMMY_METRICS_NETWORKS = []
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


@pytest.mark.django_db
def test_behind_a_proxy_the_caller_counts_not_the_proxy(client: Client, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    response = client.get("/metrics", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "127.0.0.1, 203.0.113.9"})
    assert response.status_code == 403


def test_a_worker_without_a_web_server_shows_what_is_counted_here() -> None:
    metrics.MESSAGES.labels(channel="EMAIL", event="sent").inc()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            health.show_counters(f"127.0.0.1:{port}")
    health.show_counters(f"127.0.0.1:{port}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        assert b'hammy_messages_total{channel="EMAIL",event="sent"} ' in response.read()


def test_what_is_closed_costs_the_gauges_nothing(caller: Caller, django_assert_num_queries: Any) -> None:
    _accept(caller, 1)
    with django_assert_num_queries(4):
        found = vital_signs.waiting()
    assert [(item.channel, item.status, item.count) for item in found] == [("EMAIL", "ACCEPTED", 1)]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_probes_may_ask_by_an_address_that_no_host_name_allows(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/admin/", headers={"Host": "10.1.2.3:8000"}).status_code == 400

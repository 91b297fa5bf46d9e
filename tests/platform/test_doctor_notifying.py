"""What the doctor says of those who must be told."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.models import Credential
from hammy_project import vital_signs
from hammy_project.doctor import notifying
from notifications import services
from notifications.models import Delivery, Registration, Target

pytestmark = pytest.mark.django_db


@pytest.fixture
def registration(caller: Caller) -> Registration:
    return services.register(caller=caller, wish=services.Wish(end_point="https://billing.example.org/done"))


def _seen(probe: Any) -> list[tuple[str, str, str]]:
    return [(one.level.value, one.subject, one.words) for one in probe()]


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0, "ok", "1 wait, 0 targets do not listen"),
        (61, "warning", "1 deliveries wait, the oldest that could be brought for 61 s: does a notifier run?"),
        (
            901,
            "failure",
            "1 deliveries wait, the oldest that could be brought for 901 s: no notifier takes them: "
            "manage.py run notifier",
        ),
    ],
)
def test_deliveries_that_wait_are_told(registration: Registration, seconds: int, level: str, words: str) -> None:
    services.test(registration=registration)
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=seconds))
    assert _seen(notifying.deliveries) == [(level, "deliveries", words)]


def test_what_waits_for_a_target_that_rests_is_nobodys_fault(registration: Registration) -> None:
    services.test(registration=registration)
    now = timezone.now()
    Delivery.objects.update(due_at=now - timedelta(hours=1))
    Target.objects.update(failures=3, failing_since=now, held_until=now + timedelta(minutes=1))
    assert vital_signs.deliveries() == vital_signs.Deliveries(waiting=1, seconds=0.0, failing=1)


def test_a_disabled_registration_is_told(registration: Registration) -> None:
    Target.objects.update(disabled_at=timezone.now(), disabled_for="answered 410 Gone")
    assert _seen(notifying.deliveries)[1:] == [
        ("warning", "registrations", "1 are disabled and told nothing: see the console")
    ]


def test_a_client_whose_secret_cannot_be_read_is_named(registration: Registration, caller: Caller) -> None:
    assert _seen(notifying.secrets) == [("ok", "webhook secrets", "all can be read")]
    Credential.objects.filter(client_id=caller.client_id, kind=Credential.WEBHOOK).update(secret="sealed by nobody")
    ((level, _, words),) = _seen(notifying.secrets)
    assert (level, words) == (
        "failure", f"nothing can be signed for {caller.client_name}: rotate_client makes a fresh one",
    )  # fmt: skip


def test_networks_that_reach_this_machine_and_addresses_that_are_forbidden_are_told(
    registration: Registration, settings: Any
) -> None:
    settings.HAMMY_OUTBOUND_NETWORKS, settings.HAMMY_OUTBOUND_PORTS = ["10.20.0.0/16", "127.0.0.0/24"], [8443]
    assert _seen(notifying.outbound) == [
        ("warning", "outbound networks", "127.0.0.0/24 lets whoever names an address call this machine or its cloud's"),
        (
            "warning",
            "outbound",
            "the settings forbid https://billing.example.org/done (the port must be one of 8443)",
        ),
    ]

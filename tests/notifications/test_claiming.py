"""What couriers take up: nothing that another holds, whatever their clocks say, and little of what is long."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.models import Job
from notifications import claiming, delivery, picking
from notifications.models import Delivery, Registration, Target
from tests.fakes.receiver import Receiver
from tests.notifications.conftest import deliver, end

pytestmark = pytest.mark.django_db
Register = Callable[..., Registration]
Submit = Callable[..., Job]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="one host, one clock")
@pytest.mark.parametrize("hours", [-1, 1])
def test_r23_a_courier_whose_clock_is_an_hour_off_leaves_alone_what_another_holds(
    register: Register, submit: Submit, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    register()
    end(submit())
    (held,) = claiming.claim(healthy=10, failing=10)
    wrong: Callable[[], datetime] = lambda: datetime.now(tz=timezone.get_default_timezone()) + timedelta(hours=hours)  # noqa: E731
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", wrong)
        assert claiming.claim(healthy=10, failing=10) == []
        assert not delivery.is_due()
    assert Target.objects.values_list("claim", flat=True).get() == held.claim


def test_what_a_dead_courier_held_is_taken_up_by_another(register: Register, submit: Submit) -> None:
    register()
    end(submit())
    (first,) = claiming.claim(healthy=10, failing=10)
    assert claiming.claim(healthy=10, failing=10) == []
    Target.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (second,) = claiming.claim(healthy=10, failing=10)
    assert [one.message_id for one in second.parcels] == [one.message_id for one in first.parcels]


def test_of_a_long_row_the_first_fifty_are_taken_and_of_one_that_fails_the_first(
    register: Register, submit: Submit
) -> None:
    well, failing = register(path="/well").target, register(path="/failing").target
    end(*[submit() for _ in range(60)])
    Target.objects.filter(pk=failing.pk).update(failures=1, failing_since=timezone.now())
    rounds = {one.target_id: one for one in claiming.claim(healthy=10, failing=10)}
    for target, most in ((well, 50), (failing, 1)):
        first = Delivery.objects.filter(target=target).order_by("due_at", "id").values_list("id", flat=True)[:most]
        assert [one.delivery_id for one in rounds[target.pk].parcels] == list(first)


def test_the_row_of_a_target_is_read_along_its_index(register: Register) -> None:
    of_one = picking._OF_ONE.format(columns=picking._COLUMNS, target="%s", most="%s")
    moment = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # So few rows would be read one by one.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            ("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + of_one, [1, moment, 50]
        )
        plan = str(cursor.fetchall())
    assert "delivery_due" in plan
    assert "Sort" not in plan


def test_a_payload_that_nobody_can_make_fails_and_holds_up_none(
    register: Register, submit: Submit, receiver: Receiver, caplog: Any
) -> None:
    register(path="/a"), register(path="/b")
    end(submit())
    odd = Delivery.objects.get(url=receiver.url("/a"))
    Delivery.objects.filter(pk=odd.pk).update(payload="of_another_version")
    deliver()
    assert [one.path for one in receiver.heard] == ["/b"]
    odd.refresh_from_db()
    assert (odd.status, odd.reason, odd.failures) == ("PENDING", "its payload cannot be made", 1)

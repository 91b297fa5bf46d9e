"""How many schedules a client may have: those still to come count, and of two for the last place one gets it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from schedules.models import Schedule
from tests.schedules.v4_calls import V4, body, error, rows, soon


def full(most: int) -> str:
    return f"there are {most} valid schedules already, and no more may be; delete one first"


def fill(api: V4, count: int) -> None:
    """More of the one that is there."""
    one = Schedule.objects.get()
    fields = {field.attname: getattr(one, field.attname) for field in Schedule._meta.fields}
    for name in ("id", "uuid"):
        del fields[name]
    Schedule.objects.bulk_create([Schedule(**fields) for _ in range(count - 1)])


@pytest.mark.django_db
def test_the_thousand_and_first_is_refused() -> None:
    api = V4()
    api.create(soon())
    fill(api, 999)
    api.create(soon())
    before = rows()
    assert error(api.call("POST", data=body(soon()))) == (400, 28100, full(1000))
    assert rows() == before
    assert len(before[0]) == 1000


@pytest.mark.django_db
@pytest.mark.parametrize(("own", "site", "most"), [(2, 1, 2), (1, 2, 1), (None, 2, 2)])
def test_a_clients_own_limit_goes_before_the_sites(own: int | None, site: int, most: int, settings: Any) -> None:
    settings.HAMMY_MAX_SCHEDULES = site
    api = V4(max_schedules=own)
    for _ in range(most):
        api.create(soon())
    assert error(api.call("POST", data=body(soon()))) == (400, 28100, full(most))
    assert Schedule.objects.count() == most


@pytest.mark.django_db
def test_a_client_may_be_given_none() -> None:
    assert error(V4(max_schedules=0).call("POST", data=body(soon()))) == (400, 28100, full(0))


@pytest.mark.django_db
def test_what_is_over_or_deleted_makes_room_and_what_is_paused_does_not() -> None:
    api = V4(max_schedules=1)
    for _ in range(2):
        made = api.create(soon())
        api.call("PUT", f"/v4/schedules/{made.uuid}", {"enabled": False})
        assert error(api.call("POST", data=body(soon())))[2] == full(1)
        api.call("DELETE", f"/v4/schedules/{made.uuid}")
    made = api.create(soon())
    Schedule.objects.filter(pk=made.pk).update(due_at=None, ended_at=timezone.now() - timedelta(days=1))
    assert api.call("POST", data=body(soon())).status_code == 200


@pytest.mark.django_db
def test_a_change_needs_no_new_place() -> None:
    api = V4(max_schedules=1)
    made = api.create(soon())
    assert api.call("PUT", f"/v4/schedules/{made.uuid}", {"name": "x"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_for_the_last_place_one_gets_it() -> None:
    api = V4(max_schedules=3)
    for _ in range(2):
        api.create(soon())
    barrier = threading.Barrier(4)
    told: list[int] = []

    def one_more() -> None:
        try:
            barrier.wait()
            told.append(api.call("POST", data=body(soon())).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one_more) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == [200, 400, 400, 400]
    assert Schedule.objects.count() == 3

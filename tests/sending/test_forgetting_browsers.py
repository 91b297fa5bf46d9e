"""S36: a person whose browsers are told is forgotten by an alias or a registration id; what a push said stays."""

from typing import Any

import pytest

from gateway.caller import Caller
from jobs import runner
from jobs.models import Job
from jobs.states import Queue
from sending import forgetting, pushing
from sending.audiences import Audience
from sending.models import Message, Push, Subscription, SubscriptionTag
from sending.pushing import PushOrder
from sending.states import Status
from tests.factories import make_caller
from tests.jobs.conftest import work
from tests.sending.test_forgetting import _everything

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = Caller.house("operator")
HELLO = {"notification": {"alert": "Hello all"}}


def subscribe(caller: Caller, alias: str, *tags: str, **columns: Any) -> Subscription:
    one = Subscription.objects.create(
        client_id=caller.client_id,
        alias=alias,
        endpoint="https://push.example/1",
        time_zone="Europe/Budapest",
        **columns,
    )
    SubscriptionTag.objects.bulk_create([SubscriptionTag(subscription=one, tag=tag) for tag in tags])
    return one


def told(caller: Caller, **overrides: Any) -> Push:
    push = pushing.submit(caller=caller, order=PushOrder(**{"content": HELLO, "time_to_live": 60} | overrides))
    work()
    return push


def forget(**whom: str) -> Job:
    job = forgetting.start(caller=HOUSE, reason="asked for on paper", **whom)
    runner.work(Queue.LONG)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("known_by", ["alias", "registration_id"])
def test_nothing_of_them_is_left_and_others_keep_everything(caller: Caller, known_by: str) -> None:
    first = subscribe(caller, "elek-4711", "members", "budapest")
    second = subscribe(caller, "elek-4711")
    other = subscribe(caller, "eva", "members")
    push = told(caller, audience=Audience(alias=("elek-4711", "eva")))
    old = first.registration_id
    job = forget(**{known_by: getattr(first, known_by)})
    assert {key: value for key, value in job.params if key.startswith(("ERASED", "WITHDRAWN")) and value != "0"} == {
        "ERASED_MESSAGES": "2",
        "WITHDRAWN_MESSAGES": "2",
        "ERASED_SUBSCRIPTIONS": "2",
    }
    pseudonym = f"erased-{job.uuid.hex[:12]}"
    everything = _everything()
    assert ("elek-4711" in everything, old in everything) == (False, False)
    for gone in (first, second):
        gone.refresh_from_db()
        assert gone.removed_at is not None
        assert (gone.alias, gone.time_zone, gone.endpoint, gone.removed_for) == ("", "", "", "erased on request")
        message = Message.objects.get(content__subscription_id=gone.pk)
        assert (message.status, message.recipient_name) == (Status.CANCELLED, pseudonym)
        assert message.erased_at is not None
        assert message.is_push
    other.refresh_from_db()
    assert (other.removed_at, other.alias, list(other.tags.values_list("tag", flat=True))) == (None, "eva", ["members"])
    untouched = Message.objects.get(content__subscription_id=other.pk)
    assert (untouched.status, untouched.recipient_name, untouched.erased_at) == (Status.ACCEPTED, "eva", None)
    push.refresh_from_db()
    assert (push.content, push.audience) == (HELLO, {"alias": [pseudonym, "eva"]})
    assert dict(job.params)[known_by.upper()] == pseudonym


def test_an_alias_that_is_their_address_or_reference_is_theirs(caller: Caller) -> None:
    by_address, by_reference = subscribe(caller, "elek@example.com"), subscribe(caller, "P-4711")
    other = subscribe(caller, "P-4712")
    forget(email_address="Elek@Example.com", partner_ref="P-4711")
    assert set(Subscription.objects.standing().values_list("pk", flat=True)) == {other.pk}
    assert {row.alias for row in Subscription.objects.filter(pk__in=[by_address.pk, by_reference.pk])} == {""}


def test_one_clients_person_is_not_anothers(caller: Caller) -> None:
    stranger = make_caller(name="stranger")
    mine, theirs = subscribe(caller, "elek"), subscribe(stranger, "elek")
    told(stranger)
    forget(alias="elek", client_name=caller.client_name)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.alias, theirs.alias, theirs.removed_at) == ("", "elek", None)
    assert Message.objects.get().recipient_name == "elek"


def test_a_letter_to_somebody_of_that_name_is_no_push(caller: Caller) -> None:
    from_letter = Message.objects.create(
        client_id=caller.client_id, channel="EMAIL", recipient_name="elek", digest=b"", content={"mail_body": "x"},
        status=Status.CANCELLED, closed_at="2026-11-03T00:00Z",
    )  # fmt: skip
    forget(alias="elek")
    from_letter.refresh_from_db()
    assert (from_letter.recipient_name, from_letter.erased_at) == ("elek", None)

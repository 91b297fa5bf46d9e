"""What a campaign would come to, by each channel, and that it comes to that."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import estimating, recipients, services
from campaigns.estimating import Basis
from campaigns.models import Campaign, SkippedRecipient
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from sending import suppressing
from sending.models import Message
from tests.campaigns.console import CAMPAIGNS
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages  # noqa: F401
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

_PEOPLE = (
    Person(name="Mail", email_address="mail@example.com"),
    Person(name="Paper", postal_address="1 Fő utca\n1011 Budapest"),
    Person(name="Partner", postal_address="2 Fő utca\n1011 Budapest", partner_ref="P-1"),
    Person(name="Both", email_address="BOTH@example.com", postal_address="3 Fő utca\n1011 Budapest"),
)


@pytest.fixture
def house() -> Caller:
    return Caller.house("anna")


def made(house: Caller, channel: str, **leg: object) -> Campaign:
    group = make_group(house)
    for person in _PEOPLE:
        recipients.add(caller=house, group_uuid=group.uuid, person=person)
    suppressing.suppress(caller=house, address="both@example.com", reason="asked")
    return make_campaign(house, group, channel=channel, **leg)


@pytest.mark.parametrize(
    ("channel", "lacking", "suppressed", "letters"), [("EMAIL", 2, 1, 1), ("PORTAL", 1, 0, 3), ("POST", 1, 0, 3)]
)
def test_the_estimate_is_what_comes_of_it(
    house: Caller, channel: str, lacking: int, suppressed: int, letters: int
) -> None:
    campaign = made(house, channel)
    (one,) = estimating.estimate(campaign)
    assert (one.recipients, one.without_address, one.suppressed, one.letters) == (4, lacking, suppressed, letters)

    services.start(caller=house, uuid=campaign.uuid)
    work()
    assert SkippedRecipient.objects.count() == lacking
    assert Message.objects.filter(status="CANCELLED").count() == suppressed
    assert Message.objects.exclude(status="CANCELLED").count() == letters


def test_the_time_is_that_of_the_throttle_and_of_the_last_leg(house: Caller) -> None:
    throttled = made(house, "POST", messages_per_minute=6)
    assert estimating.total_seconds(estimating.estimate(throttled)) == 30.0
    later = made(house, "POST", messages_per_minute=6, send_at=timezone.now() + timedelta(hours=1))
    (one,) = estimating.estimate(later)
    assert (one.seconds, round(one.wait_seconds, -2)) == (30.0, 3600)
    assert estimating.total_seconds(estimating.estimate(made(house, "POST"))) is None


@pytest.mark.parametrize(
    ("throttle", "expected"),
    [
        (None, (1.5, Basis.LAST_HOUR, 120.0)),
        (100, (1.5, Basis.LAST_HOUR, 120.0)),
        (1, (1, Basis.THROTTLE, 180.0)),
    ],
)
def test_the_pace_is_the_slower_of_throttle_and_the_minutes_in_which_the_channel_sent(
    house: Caller, throttle: int | None, expected: tuple[float, Basis, float]
) -> None:
    campaign = made(house, "POST", messages_per_minute=throttle)
    services.start(caller=house, uuid=campaign.uuid)
    work()
    minute = timezone.now().replace(second=0, microsecond=0)
    first = Message.objects.order_by("id").first()
    assert first is not None
    Message.objects.update(status="SENT", closed_at=minute, due_at=None)
    Message.objects.filter(pk=first.pk).update(closed_at=minute - timedelta(minutes=20))
    (one,) = estimating.estimate(campaign)
    assert (one.per_minute, one.basis, one.seconds) == expected


def test_the_console_says_which_pace_it_is(house: Caller) -> None:
    campaign = made(house, "POST", messages_per_minute=6)
    page = client_of("Viewer").get(f"{CAMPAIGNS}{campaign.pk}/estimate/").content.decode()
    words = (
        "The time is reckoned from the messages a minute of each leg, or from what its channel sent in the last hour in"
        " the minutes in which it sent, whichever is slower."
    )
    assert words in page

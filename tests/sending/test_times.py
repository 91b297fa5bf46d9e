"""SEND_AT and EXPIRES_AT hold whatever else happens to a letter meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from sending import editorial, maintenance, services
from sending.channels.base import OutcomeKind
from sending.models import Message, Template
from sending.states import HeldFor, Status, TemplateStatus
from tests.factories import make_caller
from tests.sending.factories import an_outcome, event_names, make_template, make_uncertain, submitted

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("operator")
HOUR = timedelta(hours=1)


def _typed(**overrides: Any) -> Message:
    return submitted(make_caller(), mail_subject="", mail_body="", message_type="TEST.MAIL", **overrides)


def _state(message: Message) -> tuple[str, str, datetime | None]:
    message.refresh_from_db()
    return message.status, message.held_for, message.due_at


def _expire(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(expires_at=timezone.now())
    maintenance.tick()
    message.refresh_from_db()


@pytest.fixture
def suspended(db: None) -> Template:
    template = make_template(text="x").template
    Template.objects.filter(pk=template.pk).update(status=TemplateStatus.SUSPENDED)
    return template


def test_a_letter_of_a_suspended_template_keeps_its_time_when_the_template_goes_on(
    suspended: Template, worker: Any
) -> None:
    send_at = timezone.now() + HOUR
    message = _typed(send_at=send_at)
    assert _state(message) == ("HELD", HeldFor.TEMPLATE, send_at)
    # Its time alone does not let it go.
    maintenance.tick()
    assert _state(message) == ("HELD", HeldFor.TEMPLATE, send_at)
    Template.objects.update(status=TemplateStatus.ENABLED)
    editorial.release_held(suspended, [message.pk], reason="r", actor="a")
    assert _state(message) == ("ACCEPTED", "", send_at)
    assert worker().parcels == []
    Message.objects.update(due_at=timezone.now())
    assert len(worker().parcels) == 1


def test_a_letter_whose_time_comes_while_its_template_is_suspended_goes_when_that_goes_on(
    suspended: Template, worker: Any
) -> None:
    message = _typed(send_at=timezone.now() + HOUR)
    Message.objects.update(due_at=timezone.now() - HOUR)
    maintenance.tick()
    assert _state(message)[0] == "HELD"
    Template.objects.update(status=TemplateStatus.ENABLED)
    editorial.release_held(suspended, [message.pk], reason="r", actor="a")
    assert len(worker().parcels) == 1


def test_by_hand_a_letter_goes_before_its_time(worker: Any) -> None:
    message = submitted(send_at=timezone.now() + HOUR)
    services.release(caller=HOUSE, message_ids=[message.pk], reason="r")
    assert len(worker().parcels) == 1


def test_what_somebody_holds_waits_for_somebody_whatever_its_time(worker: Any) -> None:
    message = submitted()
    services.hold(caller=HOUSE, message_ids=[message.pk], reason="r")
    maintenance.tick()
    assert _state(message) == ("HELD", HeldFor.PERSON, None)
    assert worker().parcels == []


def test_a_held_letter_expires_whatever_it_is_held_for(suspended: Template) -> None:
    expires_at = timezone.now() + HOUR
    by_template = _typed(expires_at=expires_at)
    by_time = submitted(send_at=expires_at - HOUR / 2, expires_at=expires_at)
    by_hand = submitted(expires_at=expires_at)
    services.hold(caller=HOUSE, message_ids=[by_hand.pk], reason="r")
    for message in (by_template, by_time, by_hand):
        _expire(message)
        assert (message.status, message.reason, message.held_for) == ("CANCELLED", "expired", "")


def test_a_letter_that_is_retried_expires_between_two_tries(worker: Any) -> None:
    message = submitted(expires_at=timezone.now() + HOUR)
    worker(an_outcome(OutcomeKind.RETRY))
    _expire(message)
    assert event_names(message) == ["ACCEPTED", "SENDING", "RETRY", "CANCELLED"]


def test_an_expired_letter_is_not_claimed_although_nobody_has_withdrawn_it_yet(worker: Any) -> None:
    message = submitted(expires_at=timezone.now() + HOUR)
    Message.objects.update(expires_at=timezone.now())
    assert worker().parcels == []
    assert event_names(message) == ["ACCEPTED"]


def test_a_letter_that_is_claimed_when_it_expires_still_goes_out(worker: Any) -> None:
    message = submitted(expires_at=timezone.now() + HOUR)

    def expire(parcel: Any) -> Any:
        _expire(message)
        return an_outcome(OutcomeKind.SENT)

    worker(expire)
    assert event_names(message) == ["ACCEPTED", "SENDING", "SENT"]


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNCERTAIN])
def test_a_letter_that_is_to_go_again_after_its_time_is_withdrawn_instead(worker: Any, status: Status) -> None:
    message = make_uncertain()
    Message.objects.update(status=status, expires_at=timezone.now())
    if status == Status.FAILED:
        services.requeue(caller=HOUSE, message_ids=[message.pk], reason="r")
    else:
        services.settle(caller=HOUSE, message_id=message.pk, verdict="send_again", reason="r")
    assert worker().parcels == []
    maintenance.tick()
    assert (_state(message)[0], event_names(message)[-2:]) == ("CANCELLED", ["ACCEPTED", "CANCELLED"])

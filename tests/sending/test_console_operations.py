"""What operators do to messages: asked why, all of it or nothing, and kept."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from sending.models import Dispatcher, Lane, Message, MessageEvent
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.sending.console import MESSAGES, UNCERTAIN, operate
from tests.sending.factories import event_names, make_uncertain, submitted

pytestmark = pytest.mark.django_db


def _in(status: str, **columns) -> Message:
    message = submitted()
    closed_at = timezone.now() if status in ("FAILED", "SENT", "CANCELLED", "UNCERTAIN") else None
    due_at = None if closed_at else timezone.now()
    Message.objects.filter(pk=message.pk).update(status=status, closed_at=closed_at, due_at=due_at, **columns)
    message.refresh_from_db()
    return message


CASES = [
    ("cancel", "ACCEPTED", "CANCELLED"),
    ("cancel", "HELD", "CANCELLED"),
    ("hold", "ACCEPTED", "HELD"),
    ("release", "HELD", "ACCEPTED"),
    ("requeue", "FAILED", "ACCEPTED"),
    ("was-sent", "UNCERTAIN", "SENT"),
    ("send-again", "UNCERTAIN", "ACCEPTED"),
    ("give-up", "UNCERTAIN", "FAILED"),
]


@pytest.mark.parametrize(("verb", "before", "after"), CASES)
def test_an_operation_asks_and_then_moves_with_the_reason(verb: str, before: str, after: str) -> None:
    message = _in(before)
    client = client_of("Operator")
    assert "Reason" in client.get(f"{MESSAGES}operate/{verb}/?ids={message.pk}").content.decode()
    assert "the reason is kept" in operate(client, verb, message, reason="").content.decode()
    message.refresh_from_db()
    assert (message.status, trail()) == (before, [])
    response = operate(client, verb, message, reason="kérte az ügyfél")
    assert (response.status_code, response["Location"]) == (302, f"{MESSAGES}{message.pk}/change/")
    message.refresh_from_db()
    user = User.objects.get()
    event = MessageEvent.objects.filter(message=message).latest("id")
    assert (message.status, message.reason) == (after, "kérte az ügyfél")
    assert (event.name, event.reason, event.actor) == (after, "kérte az ügyfél", user.username)
    assert trail() == [(str(message.pk), f"{verb}: kérte az ügyfél")]


@pytest.mark.parametrize(("verb", "before", "after"), CASES)
def test_s33_who_may_only_look_moves_nothing(verb: str, before: str, after: str) -> None:
    message = _in(before)
    for client in (client_of("Viewer"), client_of("Template editor"), client_of()):
        assert client.get(f"{MESSAGES}operate/{verb}/?ids={message.pk}").status_code == 403
        assert operate(client, verb, message).status_code == 403
    message.refresh_from_db()
    assert (message.status, event_names(message), trail()) == (before, ["ACCEPTED"], [])


def test_s33_a_post_from_elsewhere_moves_nothing() -> None:
    message = submitted()
    assert operate(client_of("Operator", enforce_csrf_checks=True), "cancel", message).status_code == 403
    message.refresh_from_db()
    assert message.status == "ACCEPTED"


def test_one_message_that_cannot_move_keeps_all_and_is_named() -> None:
    good, sent = submitted(), _in("SENT")
    response = operate(client_of("Operator"), "cancel", good, sent)
    assert response.status_code == 409
    assert f"cannot become CANCELLED: message {sent.pk} is SENT" in response.content.decode()
    good.refresh_from_db()
    assert (good.status, event_names(good), trail()) == ("ACCEPTED", ["ACCEPTED"], [])


def test_settling_several_is_all_or_nothing_too() -> None:
    doubtful, sent = _in("UNCERTAIN"), _in("SENT")
    assert operate(client_of("Operator"), "give-up", doubtful, sent).status_code == 409
    doubtful.refresh_from_db()
    assert (doubtful.status, trail()) == ("UNCERTAIN", [])


def test_the_lists_action_asks_about_the_ticked_ones_and_finds_its_way_back() -> None:
    one, other = submitted(), submitted()
    client = client_of("Operator")
    page = client.post(f"{MESSAGES}?status=ACCEPTED", {"action": "cancel", "_selected_action": [one.pk, other.pk]})
    question = page.context["question"]
    assert [subject.pk for subject in question.subjects] == [one.pk, other.pk]
    hidden = dict(question.hidden)
    response = operate(client, "cancel", one, other, back=hidden["back"])
    assert response["Location"] == f"{MESSAGES}?status=ACCEPTED"
    assert set(Message.objects.values_list("status", flat=True)) == {"CANCELLED"}


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "admin:logout", "sending_message_changelist/../x"]
)
def test_s33_the_way_back_never_leaves_the_console(back: str) -> None:
    message = submitted()
    assert operate(client_of("Operator"), "cancel", message, back=back)["Location"] == f"{MESSAGES}{message.pk}/change/"


def test_the_list_offers_a_viewer_no_action() -> None:
    submitted()
    page = client_of("Viewer").get(MESSAGES).content.decode()
    assert 'name="action"' not in page


def test_more_than_a_transactions_worth_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sending.admin.messages.MessageAdmin.most_at_once", 2)
    messages = [submitted() for _ in range(3)]
    client = client_of("Operator")
    response = client.post(MESSAGES, {"action": "cancel", "_selected_action": [message.pk for message in messages]})
    assert response.status_code == 302
    assert operate(client, "cancel", *messages).status_code == 404
    assert set(Message.objects.values_list("status", flat=True)) == {"ACCEPTED"}


@pytest.mark.parametrize(
    "address", ["nonsense/?ids=1", "cancel/", "cancel/?ids=abc", "cancel/?ids=99999999999999999999", "cancel/?ids=4242"]
)
def test_an_operation_on_nothing_is_not_found(address: str) -> None:
    assert client_of("Operator").get(f"{MESSAGES}operate/{address}").status_code == 404


def test_messages_in_doubt_are_a_list_of_their_own() -> None:
    submitted()
    doubtful = _in("UNCERTAIN")
    client = client_of("Operator")
    response = client.get(UNCERTAIN)
    assert [row.pk for row in response.context["cl"].result_list] == [doubtful.pk]
    page = response.content.decode()
    for verb in ("was-sent", "send-again", "give-up"):
        assert f"operate/{verb}/?ids={doubtful.pk}&amp;back=sending_uncertainmessage_changelist" in page
    back = operate(client, "give-up", doubtful, back="sending_uncertainmessage_changelist")
    assert back["Location"] == f"{UNCERTAIN}?"
    assert client.get(f"{UNCERTAIN}{doubtful.pk}/change/")["Location"] == f"{MESSAGES}{doubtful.pk}/change/"


def test_a_viewer_sees_what_is_in_doubt_without_the_verdicts() -> None:
    make_uncertain()
    page = client_of("Viewer").get(UNCERTAIN).content.decode()
    assert "worker gone died" in page
    assert "operate/" not in page
    assert client_of("Template editor").get(UNCERTAIN).status_code == 403


def test_the_page_of_a_message_offers_what_its_status_allows() -> None:
    offered = {"ACCEPTED": ["cancel", "hold"], "HELD": ["cancel", "release"], "FAILED": ["requeue", "resend"],
               "SENT": ["resend"], "CANCELLED": ["resend"],
               "RETRY": ["cancel"], "UNCERTAIN": ["was-sent", "send-again", "give-up"]}  # fmt: skip
    client = client_of("Operator")
    for status, verbs in offered.items():
        message = _in(status)
        links = client.get(f"{MESSAGES}{message.pk}/change/").context["offered"]
        assert [link["path"] for link in links] == [f"{MESSAGES}operate/{verb}/?ids={message.pk}" for verb in verbs]


def test_a_resend_asks_and_then_makes_new_messages_of_the_same_client_with_the_reason() -> None:
    messages = [_in(status) for status in ("SENT", "FAILED")]
    client = client_of("Operator")
    assert "once more" in client.get(f"{MESSAGES}operate/resend/?ids={messages[0].pk}").content.decode()
    assert Message.objects.count() == 2
    response = operate(client, "resend", *messages, reason="kérte az ügyfél")
    assert (response.status_code, response["Location"]) == (302, f"{MESSAGES}{messages[0].pk}/change/")
    made = Message.objects.order_by("id")[2:]
    assert [(one.related_message_id, one.client_id, one.status, one.reason) for one in made] == [
        (message.pk, message.client_id, "ACCEPTED", "kérte az ügyfél") for message in messages
    ]
    assert [one.events.get().actor for one in made] == [User.objects.get().username] * 2
    for message in messages:
        before = (message.status, message.reason)
        message.refresh_from_db()
        assert (message.status, message.reason) == before
    assert sorted(trail()) == sorted((str(message.pk), "resend: kérte az ügyfél") for message in messages)


def test_s33_who_may_only_look_resends_nothing() -> None:
    message = _in("SENT")
    for client in (client_of("Viewer"), client_of("Template editor"), client_of()):
        assert operate(client, "resend", message).status_code == 403
    assert (Message.objects.count(), trail()) == (1, [])


def test_a_resend_of_what_is_still_under_way_is_refused_and_named() -> None:
    good, waiting = _in("SENT"), submitted()
    response = operate(client_of("Operator"), "resend", good, waiting)
    assert response.status_code == 409
    assert f"cannot be sent again: message {waiting.pk} is ACCEPTED" in response.content.decode()
    assert (Message.objects.count(), trail()) == (2, [])


def test_a_resting_lane_is_tried_now_and_its_workers_told(
    wakes: list[tuple[str, ...]], django_capture_on_commit_callbacks
) -> None:
    Lane.objects.create(channel="EMAIL", paused_until=timezone.now() + timedelta(hours=1), failures=3, reason="421")
    client = client_of("Operator")
    assert "421" in client.get("/admin/sending/lane/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/admin/sending/lane/EMAIL/try/", {"reason": "megjavult"})
    assert response["Location"] == "/admin/sending/lane/"
    lane = Lane.objects.get()
    assert (lane.paused_until, lane.failures) == (None, 3)
    assert wakes == [("sending.tasks.dispatch", "EMAIL")]
    assert trail() == [("EMAIL", "try now: megjavult")]


def test_s33_a_viewer_tries_no_lane() -> None:
    until = timezone.now() + timedelta(hours=1)
    Lane.objects.create(channel="EMAIL", paused_until=until)
    client = client_of("Viewer")
    assert "/try/" not in client.get("/admin/sending/lane/").content.decode()
    assert client.post("/admin/sending/lane/EMAIL/try/", {"reason": "x"}).status_code == 403
    assert Lane.objects.get().paused_until == until


def test_dispatchers_show_what_they_hold() -> None:
    dispatcher = Dispatcher.objects.create(host="gep-1", pid=77, lease_until=timezone.now())
    caller = make_caller()
    for _ in range(2):
        message = submitted(caller)
        Message.objects.filter(pk=message.pk).update(status="SENDING", dispatcher=dispatcher)
    page = client_of("Viewer").get("/admin/sending/dispatcher/")
    assert [row.claimed_count for row in page.context["cl"].result_list] == [2]

"""The operators' commands over messages."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sending import queue, services
from sending.management.commands.cancel import Command as cancel_command
from sending.models import Dispatcher, Message
from sending.states import Status
from tests.factories import make_caller
from tests.sending.factories import event_names, make_uncertain, submitted

pytestmark = pytest.mark.django_db


def _run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_cancel_names_messages_and_keeps_the_reason() -> None:
    message = submitted()
    assert json.loads(_run("cancel", message.pk, "--reason", "wrong list", "--json")) == {
        "done": "cancelled",
        "count": 1,
    }
    message.refresh_from_db()
    assert (message.status, message.reason) == ("CANCELLED", "wrong list")
    assert message.events.get(name="CANCELLED").actor.endswith("(command)")


def test_cancel_refuses_what_is_gone_and_says_what_it_is() -> None:
    message = submitted()
    _run("cancel", message.pk)
    with pytest.raises(CommandError, match=f"cannot become CANCELLED: message {message.pk} is CANCELLED"):
        _run("cancel", message.pk)


def test_cancel_withdraws_all_of_a_batch_that_still_waits_and_leaves_what_is_going_out() -> None:
    caller = make_caller()
    going, waiting, held, refused = (submitted(caller, batch_id="B") for _ in range(4))
    dispatcher = Dispatcher.objects.create(host="busy", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    services.hold(caller=caller, message_ids=[held.pk], reason="wait")
    Message.objects.filter(pk=refused.pk).update(status=Status.RETRY)
    assert _run("cancel", "--batch-id", "B") == "cancelled: 3\n"
    assert Message.objects.get(pk=going.pk).status == "SENDING"
    assert set(Message.objects.exclude(pk=going.pk).values_list("status", flat=True)) == {"CANCELLED"}
    assert event_names(waiting) == ["ACCEPTED", "CANCELLED"]


def test_a_choice_is_not_kept_back_by_what_a_worker_took_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    messages = [submitted(caller, batch_id="B") for _ in range(5)]
    dispatcher = Dispatcher.objects.create(host="busy", pid=1, lease_until=timezone.now())
    real, calls = services.cancel, []

    def cancel(**options: Any) -> int:
        calls.append(options["message_ids"])
        if len(calls) == 1:
            queue.claim(channel="EMAIL", dispatcher=dispatcher, size=2)
        return real(**options)

    monkeypatch.setattr(cancel_command, "service", staticmethod(cancel))
    assert _run("cancel", "--batch-id", "B") == "cancelled: 3\n"
    statuses = list(Message.objects.order_by("id").values_list("status", flat=True))
    assert statuses == ["SENDING", "SENDING", "CANCELLED", "CANCELLED", "CANCELLED"]
    assert calls[0] == [message.pk for message in messages]


def test_resend_makes_new_messages_and_tells_their_numbers() -> None:
    first, second = submitted(), submitted()
    with pytest.raises(CommandError, match=f"cannot be sent again: message {first.pk} is ACCEPTED"):
        _run("resend", first.pk)
    Message.objects.update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    told = _run("resend", second.pk, first.pk, second.pk, "--reason", "lost")
    made = Message.objects.order_by("id")[2:]
    assert [(one.related_message_id, one.client_id, one.reason) for one in made] == [
        (second.pk, second.client_id, "lost"), (first.pk, first.client_id, "lost")
    ]  # fmt: skip
    assert told == f"{second.pk} is sent again as {made[0].pk}\n{first.pk} is sent again as {made[1].pk}\n"
    assert made[0].events.get().actor.endswith("(command)")
    told = _run("resend", first.pk, "--recipient-email-address", "uj@example.com", "--json")
    third = Message.objects.order_by("-id")[0]
    assert json.loads(told) == [{"messageId": third.pk, "relatedMessageId": first.pk}]
    assert third.recipient_email_address == "uj@example.com"


def test_commands_want_messages_or_a_choice_never_both() -> None:
    for arguments in (["cancel"], ["cancel", "1", "--batch-id", "B"]):
        with pytest.raises(CommandError, match="name messages by id, or choose them"):
            _run(*arguments)


def test_requeue_takes_the_failed_of_a_batch_with_fresh_attempts() -> None:
    caller = make_caller()
    failed, fine = submitted(caller, batch_id="B"), submitted(caller, batch_id="B")
    Message.objects.filter(pk=failed.pk).update(status=Status.FAILED, closed_at=failed.created_at, attempts=12)
    assert _run("requeue", "--batch-id", "B") == "requeued: 1\n"
    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.closed_at) == ("ACCEPTED", 0, None)
    assert event_names(fine) == ["ACCEPTED"]


def test_release_lets_held_messages_go() -> None:
    caller = make_caller()
    message = submitted(caller)
    Message.objects.update(status=Status.HELD, held_for="PERSON", due_at=None)
    assert _run("release", message.pk) == "released: 1\n"
    message.refresh_from_db()
    assert (message.status, message.held_for, message.due_at is not None) == ("ACCEPTED", "", True)


def test_settle_lists_the_uncertain_and_decides_them() -> None:
    message = make_uncertain()
    (row,) = json.loads(_run("settle", "--json"))
    assert (row["messageId"], row["recipient"]) == (message.pk, "elek@example.com")
    assert _run("settle").endswith("1 uncertain\n")
    with pytest.raises(CommandError, match="--verdict: must be one of sent, send_again, give_up"):
        _run("settle", message.pk)
    assert _run("settle", message.pk, "--verdict", "sent", "--reason", "asked her") == "settled: 1\n"
    message.refresh_from_db()
    assert (message.status, message.reason) == ("SENT", "asked her")


def test_settle_refuses_what_is_not_uncertain() -> None:
    message = submitted()
    with pytest.raises(CommandError, match=f"cannot become SENT: message {message.pk} is ACCEPTED"):
        _run("settle", message.pk, "--verdict", "sent")


def test_show_message_tells_its_life_but_not_what_it_says() -> None:
    message = submitted(mail_body="titkos")
    shown = json.loads(_run("show_message", message.pk, "--json"))
    assert (shown["messageId"], shown["status"]) == (message.pk, "ACCEPTED")
    assert [event["eventName"] for event in shown["events"]] == ["ACCEPTED"]
    text = _run("show_message", message.pk)
    assert "ACCEPTED" in text
    assert "titkos" not in text
    message.events.update(facts={"signed": "letter", "archived.0": "FS out/a.pdf"})
    assert json.loads(_run("show_message", message.pk, "--json"))["events"][0]["facts"]["signed"] == "letter"
    assert "\n".join(f"{'':>31}{line}" for line in ("archived.0: FS out/a.pdf", "signed: letter")) in _run(
        "show_message", message.pk
    )
    with pytest.raises(CommandError, match="message 0 not found"):
        _run("show_message", 0)


def test_purge_messages_needs_an_age(settings: Any) -> None:
    message = submitted()
    _run("cancel", message.pk)
    with pytest.raises(CommandError, match="HAMMY_RETENTION_DAYS keeps messages for ever; name --days"):
        _run("purge_messages")
    assert json.loads(_run("purge_messages", "--days", "1", "--json")) == {"done": "purged", "count": 0, "files": 0}
    assert _run("purge_messages", "--days", "0") == "purged: 1 messages, 0 files\n"
    assert not Message.objects.exists()


def test_hold_keeps_all_of_a_channel_back_until_it_is_released() -> None:
    caller = make_caller()
    messages = [submitted(caller) for _ in range(2)]
    assert _run("hold", "--channel", "EMAIL", "--reason", "restored from a backup") == "held: 2\n"
    assert [(one.status, one.held_for) for one in Message.objects.all()] == [("HELD", "PERSON")] * 2
    assert _run("release", "--channel", "EMAIL") == "released: 2\n"
    assert event_names(messages[0]) == ["ACCEPTED", "HELD", "ACCEPTED"]


def test_a_resend_names_what_is_wrong_as_it_was_typed() -> None:
    message = submitted()
    Message.objects.filter(pk=message.pk).update(status=Status.SENT, closed_at=timezone.now(), due_at=None)
    with pytest.raises(CommandError) as refused:
        _run("resend", message.pk, "--recipient-email-address", "nobody")
    assert str(refused.value) == "--recipient-email-address: not a valid e-mail address: nobody"
    assert Message.objects.count() == 1

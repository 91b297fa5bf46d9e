"""What a bounce does to its message and to the address it came back from (proof R13, R15)."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from gateway.caller import Caller
from sending import bounces, queue, suppressing
from sending.addresses import wire_form
from sending.bounces import Action, Report
from sending.mailboxes import Mailbox
from sending.models import Message, MessageEvent
from sending.states import EDGES, Happening, Status

_log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What became of a mail that was read."""

    # Its message is BOUNCED now.
    BOUNCED = "bounced"
    # Kept with the message: a delay, a copy that came back.
    NOTED = "noted"
    # Said before, too late, or good news.
    KNOWN = "known"
    # Its message is being sent just now: to be read again later.
    EARLY = "early"
    # A bounce of a message that is not there.
    UNMATCHED = "unmatched"
    # No bounce of ours at all.
    STRANGE = "strange"


# Of a mail that reports on several recipients the first of these that is true of one of them.
_WEIGHT = list(Verdict)
_BOUNCING = frozenset(status for status, targets in EDGES.items() if Status.BOUNCED in targets)


def take_in(caller: Caller, data: bytes) -> Verdict:
    """Take in one mail, all of it or nothing; reading it again changes nothing."""
    reports = bounces.read(data, domain=settings.HAMMY_MESSAGE_ID_DOMAIN)
    if not reports:
        return Verdict.STRANGE
    with transaction.atomic():
        message = Message.objects.select_for_update(of=("self",)).filter(uuid=reports[0].message_uuid).first()
        if message is None:
            _log.warning("bounce of no message", extra={"uuid": str(reports[0].message_uuid)})
            return Verdict.UNMATCHED
        if message.status == Status.SENDING:
            return Verdict.EARLY
        return min((_take_in(caller, message, report) for report in reports), key=_WEIGHT.index)


def read(caller: Caller, box: Mailbox, *, after_each: Callable[[], None] = lambda: None) -> Counter[Verdict]:
    """Take in what nobody has read yet of a mailbox: what was understood is removed from it, what was not stays there
    for people, and what came too early is left for the next time. How many mails came to what. Raises MailboxError."""
    counts: Counter[Verdict] = Counter()
    for key, data in box.unread(bounces.MOST_BYTES):
        try:
            verdict = take_in(caller, data)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One mail that nobody foresaw must not keep back all behind it, now and the next time.
            _log.exception("bounce not taken in")
            verdict = Verdict.STRANGE
        if verdict in (Verdict.STRANGE, Verdict.UNMATCHED):
            box.mark_read(key)
        elif verdict != Verdict.EARLY:
            box.remove(key)
        counts[verdict] += 1
        after_each()
    return counts


def _take_in(caller: Caller, message: Message, report: Report) -> Verdict:
    if report.action == Action.DONE:
        return Verdict.KNOWN
    told = MessageEvent.objects.filter(message=message, facts__isnull=False).values_list("facts", flat=True)
    if any(facts and facts.get("report") == report.key for facts in told):
        return Verdict.KNOWN
    address = _known_address(message, report)
    is_copy = address != "" and not _same(address, message.recipient_email_address)
    if is_copy or report.action == Action.DELAYED:
        verdict = _note(message, report, address)
    elif message.status in _BOUNCING:
        moved = queue.move(
            Message.objects.filter(pk=message.pk),
            Status.BOUNCED,
            reason=_reason(report),
            actor=caller.actor,
            facts=_facts(report),
        )
        message.status = Status.BOUNCED
        verdict = Verdict.BOUNCED if moved else Verdict.KNOWN
    else:
        # FAILED, CANCELLED or BOUNCED already, or waiting for another try: what was decided stays.
        _log.info("late bounce", extra={"message_id": message.pk, "status": message.status})
        verdict = Verdict.KNOWN
    if report.is_hard and address and verdict != Verdict.KNOWN:
        suppressing.after_bounce(caller=caller, message=message, address=address, reason=_reason(report))
    return verdict


def _note(message: Message, report: Report, address: str) -> Verdict:
    MessageEvent.objects.create(
        message=message,
        name=Happening.REPORTED,
        reason=_reason(report),
        recipients={address: _reason(report)} if address else None,
        facts=_facts(report),
    )
    return Verdict.NOTED


def _reason(report: Report) -> str:
    """``failed: 5.1.1 <elek@example.com> user unknown``."""
    words = report.words if report.status in report.words else f"{report.status} {report.words}".strip()
    return f"{report.action}: {words}" if words else str(report.action)


def _facts(report: Report) -> dict[str, Any]:
    given = {"status": report.status, "finalRecipient": report.address, "diagnostic": report.words}
    return {name: value for name, value in given.items() if value} | {"report": report.key}


def _known_address(message: Message, report: Report) -> str:
    """Which of the letter's own addresses is meant: a stranger must not have others suppressed, and a mail that was
    forwarded comes back from where it was forwarded to. "" when it is none of them."""
    ours = _addresses(message)
    for said in (report.original_address, report.address):
        for address in ours:
            if said and _same(said, address):
                return address
    # Without a word on whom it concerns it concerns the only one there is.
    return ours[0] if len(ours) == 1 and not report.address and not report.original_address else ""


def _addresses(message: Message) -> list[str]:
    copies: Iterable[Collection[str]] = (
        message.content.get(name, ()) for name in ("recipient_email_address_cc", "bcc_address")
    )
    return [message.recipient_email_address, *(address for found in copies for address in found)]


def _same(one: str, other: str) -> bool:
    try:
        return wire_form(one).lower() == wire_form(other).lower()
    except ValueError:
        return False

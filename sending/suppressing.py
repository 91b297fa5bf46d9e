"""The suppression list: addresses that letters are not sent to, each for one client or for all (proof R15)."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found
from gateway.recent import Recent
from sending.addresses import wire_form
from sending.channels import channels
from sending.models import Message, Suppression
from sending.models.suppression import digest_of_address
from sending.states import Status

LONGEST_REASON = 1000
_COPIES = ("recipient_email_address_cc", "bcc_address")
_log = logging.getLogger(__name__)
# Most sites have none for most of the time; then letters cost no look.
_has_any: Recent[str, bool] = Recent(size=1)


def suppress(
    *,
    caller: Caller,
    address: str,
    reason: str,
    client_id: int | None = None,
    expires_at: datetime | None = None,
    source: Message | None = None,
) -> Suppression:
    """Send no more letters of a client, or with None of anybody, to an address; until ``expires_at``, or for ever. One
    that is suppressed already stays so at least as long as it was. Raises 1002 with all that is wrong."""
    if problems := list(_problems(address, reason, expires_at)):
        raise Refusal(problems)
    digest = digest_of_address(address)
    with transaction.atomic():
        # Whoever adds the same address at the same time waits here, or fails at the constraint and adds nothing.
        same = Suppression.objects.select_for_update().filter(digest=digest, client_id=client_id)
        before = same.standing().first()
        if before is not None:
            is_for_ever = before.expires_at is None or expires_at is None
            expires_at = None if is_for_ever else max(before.expires_at, expires_at)  # type: ignore[type-var]
        found, _ = Suppression.objects.update_or_create(
            digest=digest,
            client_id=client_id,
            defaults={
                "address": wire_form(address).lower(),
                "reason": reason,
                "source_message_id": source.pk if source else None,
                "expires_at": expires_at,
                "created_by": caller.actor,
            },
        )
    _has_any.clear()
    return found


def _problems(address: str, reason: str, expires_at: datetime | None) -> Iterable[Problem]:
    try:
        wire_form(address)
    except ValueError as error:
        yield Problem(code=Code.INVALID, sentence=str(error), field=("address",))
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        words = f"must be one line of at most {LONGEST_REASON} printable characters"
        yield Problem(code=Code.INVALID, sentence=words, field=("reason",))
    if expires_at is not None and expires_at <= timezone.now():
        yield Problem(code=Code.INVALID, sentence="must be in the future", field=("expires_at",))


def after_bounce(*, caller: Caller, message: Message, address: str, reason: str) -> None:
    """Suppress, for the client of a message, an address that it came back from for good; for HAMMY_SUPPRESS_DAYS."""
    days = settings.HAMMY_SUPPRESS_DAYS
    if days == 0:
        return
    expires_at = timezone.now() + timedelta(days=days) if days > 0 else None
    words = "".join(character if character.isprintable() else " " for character in reason)[:LONGEST_REASON]
    suppress(
        caller=caller,
        address=address,
        reason=words,
        client_id=message.client_id,
        expires_at=expires_at,
        source=message,
    )


def unsuppress(*, caller: Caller, ids: Sequence[int], reason: str) -> int:
    """Let letters go to these addresses again; all of them or, with 3000, none. How many."""
    wanted = sorted(set(ids))
    with transaction.atomic():
        found = Suppression.objects.select_for_update().filter(id__in=wanted)
        there = set(found.values_list("id", flat=True))
        if missing := [str(pk) for pk in wanted if pk not in there]:
            raise not_found(f"suppression {', '.join(missing)}")
        Suppression.objects.filter(id__in=wanted).delete()
    # The row is gone, and with it the address: only its number is told.
    _log.info("no longer suppressed", extra={"suppressions": wanted, "actor": caller.actor, "reason": reason})
    return len(wanted)


def matching(*, address: str = "", client_id: int | None = None) -> Collection[Suppression]:
    """The entries of an address (raises ValueError for one that is none), of a client, or of both; else all."""
    wanted = Suppression.objects.select_related("client").order_by("id")
    if address:
        wanted = wanted.filter(digest=digest_of_address(address))
    if client_id is not None:
        wanted = wanted.filter(client_id=client_id)
    return wanted


def honour(rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """Have rows of new messages of one client, by column, be CANCELLED at once where their recipient is suppressed, and
    go without copies that are. One look for all of them, and none while nobody is suppressed."""
    if not _has_any.get("", Suppression.objects.exists):
        return
    concerned = [row for row in rows if row["channel"] in _minding()]
    if not concerned:
        return
    digests = {address: digest_of_address(address) for row in concerned for address in _addresses(row)}
    entries = Suppression.objects.standing().filter(
        Q(client_id=None) | Q(client_id__in={row["client_id"] for row in concerned}), digest__in=set(digests.values())
    )
    reasons = dict(entries.values_list("digest", "reason"))
    if reasons:
        suppressed = {address: reasons[digest] for address, digest in digests.items() if digest in reasons}
        for row in concerned:
            _honour(row, suppressed, now)


def _honour(row: dict[str, Any], suppressed: Mapping[str, str], now: datetime) -> None:
    recipient = row["recipient_email_address"]
    if recipient in suppressed:
        reason = f"the recipient is suppressed: {suppressed[recipient]}"
        row |= {"status": Status.CANCELLED, "reason": reason, "held_for": "", "due_at": None, "closed_at": now}
        return
    left_out: list[str] = []
    for name in _COPIES:
        copies = row["content"].get(name, ())
        if kept := [address for address in copies if address not in suppressed]:
            row["content"][name] = kept
        else:
            row["content"].pop(name, None)
        left_out += [address for address in copies if address in suppressed]
    if left_out:
        row["reason"] = f"goes without suppressed copies: {', '.join(left_out)}"


def _addresses(row: Mapping[str, Any]) -> Iterable[str]:
    if row["recipient_email_address"]:
        yield row["recipient_email_address"]
    for name in _COPIES:
        yield from row["content"].get(name, ())


@cache
def _minding() -> frozenset[str]:
    return frozenset(name for name, kind in channels().items() if kind.minds_suppressions)


def sweep() -> int:
    """Forget those whose time is over; how many."""
    return Suppression.objects.filter(expires_at__lte=timezone.now()).delete()[0]

"""Forgetting a person: what was written to them is erased, and a name that tells nothing takes their place (proof S36).
The rows stay, so that what was sent can still be counted."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import product
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gateway.caller import Caller
from jobs import forgetting as job_forgetting
from jobs import services as job_services
from jobs.models import Job
from sending import in_bulk, queue
from sending.models import Attachment, Message, MessageEvent, Suppression
from sending.models.message import MessageQuerySet
from sending.models.suppression import digest_of_address
from sending.persons import Person
from sending.states import Status

JOB_CLASS = "hu.dbx.hammy.processor.erasure.ErasePersonJobRunner"
EMAIL_ADDRESS, PARTNER_REF, CLIENT, REASON = "EMAIL_ADDRESS", "PARTNER_REF", "CLIENT", "REASON"
ALIAS, REGISTRATION_ID = "ALIAS", "REGISTRATION_ID"
_COPIES = ("recipient_email_address_cc", "bcc_address")
# Of a forgotten person's letter this stays, which says nothing of them.
_KEPT = ("channel", "message_type", "message_type_version", "letter_type", "send_at", "expires_at", "from_address",
         "from_name", "runs_as_job", "push_id", "subscription_id")  # fmt: skip
# Facts that say nothing of anybody, though digits of theirs may be somebody's reference.
_OURS = ("file", "digest")
# Shorter names stand in too many words.
_SHORTEST = 3


Forgetter = Callable[[Person], int]
_forgetters: dict[str, Forgetter] = {}


def register(name: str, forgetter: Forgetter) -> None:
    """Have ``forgetter(person)`` forget them too, in one transaction with the end of the job that does; it answers how
    many rows went."""
    _forgetters[name] = forgetter


def forget_elsewhere(person: Person) -> dict[str, int]:
    """What was registered: how many rows of each kind went, where any did."""
    return {name: count for name, forgetter in _forgetters.items() if (count := forgetter(person))}


def start(
    *,
    caller: Caller,
    email_address: str = "",
    partner_ref: str = "",
    alias: str = "",
    registration_id: str = "",
    client_name: str = "",
    reason: str,
) -> Job:
    """Begin a job that forgets a person; raises 1001 and 1002."""
    given = {
        EMAIL_ADDRESS: email_address,
        PARTNER_REF: partner_ref,
        ALIAS: alias,
        REGISTRATION_ID: registration_id,
        CLIENT: client_name,
        REASON: reason,
    }
    params = [(key, value) for key, value in given.items() if value]
    return job_services.submit(caller=caller, job_class=JOB_CLASS, params=params, reason="")


def letters_of(caller: Caller, person: Person) -> MessageQuerySet:
    """Every message that may hold them: written to them, or with a copy to them. It reads every row there is."""
    wanted = Q()
    for spelling in person.spellings:
        wanted |= Q(recipient_email_address__iexact=spelling)
        # As SQLite keeps what is beyond ASCII. Rows that only hold it within another's address are passed over later.
        for form, name in product({spelling, json.dumps(spelling).strip('"')}, _COPIES):
            wanted |= Q(**{f"content__{name}__icontains": form})
    if person.partner_ref:
        wanted |= Q(partner_ref=person.partner_ref)
    wanted |= Q(recipient_name__in=person.told_as, content__has_key="push_id")
    return _of_client(Message.objects.visible_to(caller), person).filter(wanted)


def counted(caller: Caller, person: Person) -> dict[str, int]:
    """What the job would find, without doing anything. It reads every row there is."""
    done: Counter[str] = Counter()
    columns = ("recipient_email_address", "recipient_name", "partner_ref", "content", "closed_at")
    for row in letters_of(caller, person).only(*columns).iterator():
        if _is_recipient(row, person):
            done["messages"] += 1
            done["open"] += row.closed_at is None
        else:
            done["copies"] += _has_copy(row, person)
    names = ("messages", "open", "copies")
    return {name: done[name] for name in names} | _beside(person)


def quickly_counted(caller: Caller, person: Person) -> dict[str, int]:
    """How many messages, suppressions and browsers an index finds at once; the job itself looks further: at any
    spelling, at copies, and at pushes."""
    spelt = {form for spelling in person.spellings for form in (spelling, spelling.lower())}
    wanted = Q(recipient_email_address__in=spelt) if spelt else Q(pk__in=[])
    if person.partner_ref:
        wanted |= Q(partner_ref=person.partner_ref)
    messages = _of_client(Message.objects.visible_to(caller), person).filter(wanted)
    return {
        "messages": messages.count(),
        "open": messages.filter(closed_at=None).count(),
    } | _beside(person)


def _beside(person: Person) -> dict[str, int]:
    return {"suppressions": _suppressions(person).count(), "subscriptions": person.browsers().count()}


def _of_client(messages: MessageQuerySet, person: Person) -> MessageQuerySet:
    return messages if person.client_id is None else messages.filter(client_id=person.client_id)


def _suppressions(person: Person) -> Any:
    if not person.email_address:
        return Suppression.objects.none()
    found = Suppression.objects.filter(digest=digest_of_address(person.email_address)).exclude(address="")
    return found if person.client_id is None else found.filter(client_id=person.client_id)


def withdraw(caller: Caller, person: Person, message_ids: Sequence[int], *, reason: str) -> tuple[Collection[int], int]:
    """Withdraw what of a person's messages did not go out, in the caller's transaction: the ids of theirs that are
    over, and how many were withdrawn. Those that are being sent just now, or wait in a print run, are left out."""
    free, _ = _locked(message_ids)
    own = Message.objects.filter(id__in=[row.pk for row in free if _is_recipient(row, person)])
    moved = queue.move(own, Status.CANCELLED, reason=reason, actor=caller.actor)
    return set(own.exclude(closed_at=None).values_list("id", flat=True)), len(moved)


def forget(person: Person, message_ids: Sequence[int], *, over: Collection[int]) -> Counter[str]:
    """Forget a person in these messages, in the caller's transaction: what was done to how many. What lies elsewhere of
    those that are ``over`` is gone already. Those that are being sent just now, or wait in a print run, are left:
    ``sending`` counts them."""
    done: Counter[str] = Counter()
    free, others = _locked(message_ids)
    done["sending"] += others
    erased: list[int] = []
    for row in free:
        if row.status == Status.SENDING:
            done["sending"] += _is_recipient(row, person) or _has_copy(row, person)
        elif _is_recipient(row, person):
            if row.pk in over and row.closed_at is not None:
                _erase(row, person)
                erased.append(row.pk)
            else:
                # Somebody had it tried anew in between.
                done["sending"] += 1
        elif _has_copy(row, person):
            _leave_out(row, person)
            done["copies"] += 1
    done["messages"] += len(erased)
    done["attachments"] += Attachment.objects.filter(message_id__in=erased).delete()[0]
    return done


def _locked(message_ids: Sequence[int]) -> tuple[list[Message], int]:
    """Those that may be changed, and how many wait to be listed for the print house."""
    mine = Message.objects.filter(id__in=message_ids)
    rows = list(mine.select_for_update(of=("self",)).order_by("id"))
    free = set(mine.not_to_be_listed().values_list("id", flat=True))
    return [row for row in rows if row.pk in free], len(rows) - len(free)


def _is_recipient(row: Message, person: Person) -> bool:
    is_partner = bool(person.partner_ref) and row.partner_ref == person.partner_ref
    is_told = row.is_push and row.recipient_name in person.told_as
    return is_partner or is_told or person.is_named(row.recipient_email_address)


def _has_copy(row: Message, person: Person) -> bool:
    return any(person.is_named(address) for name in _COPIES for address in row.content.get(name, ()))


def _erase(row: Message, person: Person) -> None:
    """A letter to them: its words go, and their name from all that is kept of it."""
    words = _Words(person, row.recipient_email_address, row.recipient_name, person.partner_ref, person.alias)
    _clean_events(row, words)
    if row.job_id:
        job_forgetting.rewrite([row.job_id], words.cleaned)
    row.content = {name: row.content[name] for name in _KEPT if name in row.content}
    row.recipient_name, row.recipient_email_address, row.subject = person.pseudonym, "", ""
    row.partner_ref = person.pseudonym if row.partner_ref else ""
    if words.cleaned(row.request_id) != row.request_id:
        row.request_id, row.idempotency_key = "", None
    row.batch_id, row.reason = words.cleaned(row.batch_id)[:100], words.cleaned(row.reason)
    row.erased_at = timezone.now()
    row.save(
        update_fields=[
            "content", "recipient_name", "recipient_email_address", "subject", "partner_ref", "request_id",
            "idempotency_key", "batch_id", "reason", "erased_at",
        ]
    )  # fmt: skip


def _leave_out(row: Message, person: Person) -> None:
    """A letter to somebody else: only their address goes."""
    words = _Words(person)
    _clean_events(row, words)
    for name in _COPIES:
        copies = row.content.get(name, ())
        kept = [address for address in copies if not person.is_named(address)]
        if len(copies) == 1 and not kept and name == "recipient_email_address_cc":
            row.content.pop("recipient_name_cc", None)
        row.content.pop(name, None)
        if kept:
            row.content[name] = kept
    row.reason = words.cleaned(row.reason)
    row.save(update_fields=["content", "reason"])


def _clean_events(row: Message, words: "_Words") -> None:
    for event in MessageEvent.objects.filter(message=row):
        before = (event.reason, event.recipients, event.facts)
        event.reason = words.cleaned(event.reason)
        event.recipients, event.facts = words.cleaned_values(event.recipients), words.cleaned_values(event.facts)
        if before != (event.reason, event.recipients, event.facts):
            event.save(update_fields=["reason", "recipients", "facts"])


class _Words:
    """What names a person, to be replaced wherever it stands in a text, in any case."""

    def __init__(self, person: Person, *more: str) -> None:
        named = {word for word in (*person.spellings, *more) if len(word) >= _SHORTEST}
        # The longest first: a name may stand within an address.
        longest_first = sorted(named, key=lambda word: (-len(word), word))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
        self._pseudonym = person.pseudonym

    def cleaned(self, text: str) -> str:
        return self._pattern.sub(self._pseudonym, text)

    def cleaned_values(self, values: dict[str, Any] | None) -> dict[str, Any] | None:
        if values is None:
            return None
        return {
            self.cleaned(name): self.cleaned(value) if isinstance(value, str) and name not in _OURS else value
            for name, value in values.items()
        }


def forget_suppressions(person: Person) -> int:
    """The address goes from the suppression list, and stays suppressed: it is still known by its digest."""
    words = _Words(person)
    with transaction.atomic():
        entries = list(_suppressions(person).select_for_update())
        for entry in entries:
            entry.address, entry.reason = "", words.cleaned(entry.reason)
            entry.save(update_fields=["address", "reason"])
    return len(entries)


def forget_operations(person: Person) -> None:
    """What operations in bulk were asked to look for tells of the person no more."""
    in_bulk.forget(_Words(person, person.partner_ref, person.alias).cleaned, client_id=person.client_id)

"""What may be done with groups and their recipients, whoever asks over whichever face."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns import storing
from campaigns.models import Recipient, RecipientGroup
from campaigns.models.recipient import RecipientGroupQuerySet
from campaigns.recipient_rules import Person, problems_of
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse

_LONGEST_NAME = 100
_PORTION = 1000


def create_group(*, caller: Caller, name: str, description: str = "") -> RecipientGroup:
    """Make an empty group; raises 1001 and 1002."""
    caller.require("campaigns")
    _check_name(name)
    try:
        with transaction.atomic():
            return RecipientGroup.objects.create(client_id=caller.client_id, name=name, description=description)
    except IntegrityError as error:
        raise _named_alike(caller.client_id, name) from error


def check_new_group(*, caller: Caller, name: str) -> None:
    """Raise what ``create_group`` would raise now."""
    caller.require("campaigns")
    _check_name(name)
    if RecipientGroup.objects.filter(client_id=caller.client_id, name=name).exists():
        raise _named_alike(caller.client_id, name)


def _named_alike(client_id: int | None, name: str) -> Refusal:
    """Of a name that another group of the client's has: which, unless that is gone just now."""
    other = RecipientGroup.objects.filter(client_id=client_id, name=name).values_list("uuid", flat=True).first()
    return refuse(Code.INVALID, f"is the name of another group{f', {other}' if other else ''}", "name")


def rename_group(*, caller: Caller, uuid: UUID, name: str | None = None, description: str | None = None) -> Any:
    """Change what is given; raises 1001, 1002 and 3000."""
    group = group_of(caller=caller, uuid=uuid)
    if name is not None:
        _check_name(name)
        group.name = name
    if description is not None:
        group.description = description
    group.updated_at = timezone.now()
    try:
        with transaction.atomic():
            group.save(update_fields=["name", "description", "updated_at"])
    except IntegrityError as error:
        raise _named_alike(group.client_id, group.name) from error
    return group


def delete_group(*, caller: Caller, uuid: UUID) -> None:
    """Forget a group with its recipients; raises 3000, and 3001 while a campaign's leg names it."""
    group = group_of(caller=caller, uuid=uuid)
    with transaction.atomic():
        group = RecipientGroup.objects.select_for_update().get(pk=group.pk)
        if part := group.parts.select_related("campaign").first():
            raise refuse(Code.STATE_CONFLICT, f"the group is in use by the campaign {part.campaign}")
        Recipient.objects.filter(group=group)._raw_delete("default")
        group.delete()


def groups(*, caller: Caller) -> RecipientGroupQuerySet:
    """The groups that the caller may see."""
    caller.require("campaigns")
    return RecipientGroup.objects.visible_to(caller)


def group_of(*, caller: Caller, uuid: UUID) -> RecipientGroup:
    """One group; raises 3000."""
    group = groups(caller=caller).filter(uuid=uuid).first()
    if group is None:
        raise not_found(f"recipient group {uuid}")
    return group


def recipients(*, caller: Caller) -> QuerySet[Recipient]:
    """The recipients that the caller may see."""
    caller.require("campaigns")
    found = Recipient.objects.all()
    return found if caller.sees_all else found.filter(group__client_id=caller.client_id)


def recipient_of(*, caller: Caller, pk: int) -> Recipient:
    """One recipient; raises 3000."""
    recipient = recipients(caller=caller).select_related("group").filter(pk=pk).first()
    if recipient is None:
        raise not_found(f"recipient {pk}")
    return recipient


def add(*, caller: Caller, group_uuid: UUID, person: Person) -> Recipient:
    """Put a recipient into a group; raises 1001 and 1002."""
    group = groups(caller=caller).filter(uuid=group_uuid).first()
    problems = list(_problems(person))
    if group is None:
        no_group = Problem(code=Code.INVALID, sentence="there is no such recipient group", field=("group_uuid",))
        raise Refusal([no_group, *problems])
    if problems:
        raise Refusal(problems)
    return Recipient.objects.create(group=group, **storing.columns(person))


def change(*, caller: Caller, pk: int, values: dict[str, Any]) -> Recipient:
    """Change what is given of a recipient (members of Person); raises 1001, 1002 and 3000."""
    with transaction.atomic():
        recipient = recipient_of(caller=caller, pk=pk)
        recipient = Recipient.objects.select_for_update(of=("self",)).select_related("group").get(pk=recipient.pk)
        names = [name for name in storing.columns(Person()) if name != "identity"]
        person = Person(**({name: getattr(recipient, name) for name in names} | values))
        if problems := list(_problems(person)):
            raise Refusal(problems)
        for name, value in storing.columns(person).items():
            setattr(recipient, name, value)
        recipient.updated_at = timezone.now()
        recipient.save()
    return recipient


def remove(*, caller: Caller, pk: int) -> None:
    """Forget a recipient; raises 3000."""
    recipient_of(caller=caller, pk=pk).delete()


def _check_name(name: str) -> None:
    if not name.strip():
        raise refuse(Code.REQUIRED, "required", "name")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise refuse(Code.INVALID, f"must be one line of at most {_LONGEST_NAME} characters", "name")


def _problems(person: Person) -> Iterator[Problem]:
    for member, sentence in problems_of(person):
        if not member:
            yield Problem(code=Code.REQUIRED, sentence=f"required: it {sentence}", field=("email_address",))
            continue
        code = Code.REQUIRED if sentence == "required" else Code.INVALID
        yield Problem(code=code, sentence=sentence, field=(member,) if member else ())

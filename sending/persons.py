"""Who a person is to us: by what letters and pushes to them are known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import idna
from django.db.models import Q

from gateway.errors import Code, not_found, refuse
from gateway.models import ApiClient
from sending.addresses import is_valid, wire_form
from sending.models import Message, Subscription
from sending.models.push import SubscriptionQuerySet

_LONGEST_NAME = Message._meta.get_field("recipient_name").max_length


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever has that address or is known by that partner reference, and whose browsers are known by that alias, or
    one of them by that registration id; to one client or, with None, to any. ``told_as`` is how pushes to these
    browsers name whom they tell. ``pseudonym`` takes their place."""

    email_address: str = ""
    partner_ref: str = ""
    alias: str = ""
    registration_id: str = ""
    client_id: int | None = None
    pseudonym: str = ""
    told_as: frozenset[str] = frozenset()

    @property
    def spellings(self) -> tuple[str, ...]:
        """The address as letters may spell it, but for its case."""
        return tuple(dict.fromkeys(_spellings(self.email_address))) if self.email_address else ()

    @property
    def aliases(self) -> frozenset[str]:
        """What may be the alias of their browsers: clients take addresses and references for it, too."""
        known = (self.alias, self.partner_ref, *self.spellings, *(spelling.lower() for spelling in self.spellings))
        return frozenset(filter(None, known))

    def is_named(self, address: str) -> bool:
        """Whether it is their address."""
        return address.lower() in (spelling.lower() for spelling in self.spellings)

    def browsers(self) -> SubscriptionQuerySet:
        """Their subscriptions, removed ones too."""
        # With what the index of aliases leaves out, or it would not be taken; each way for itself, for the same reason.
        ways = [Subscription.objects.filter(~Q(alias=""), alias__in=self.aliases)]
        if self.registration_id:
            ways.append(Subscription.objects.filter(registration_id=self.registration_id))
        ids = [way.values("id") for way in ways]
        mine = Subscription.objects.filter(id__in=ids[0].union(*ids[1:]) if len(ids) > 1 else ids[0])
        return mine if self.client_id is None else mine.filter(client_id=self.client_id)

    def met(self) -> Self:
        """The same who knows as what they were told: for one known by a registration id, also by that browser's
        alias."""
        known = self
        if self.registration_id and not self.alias:
            known = replace(self, alias=self.browsers().values_list("alias", flat=True).first() or "")
        ids = known.browsers().values_list("registration_id", flat=True)
        named = {*known.aliases, *ids, *filter(None, [self.registration_id])}
        return replace(known, told_as=frozenset(name[:_LONGEST_NAME] for name in named))


def _spellings(address: str) -> Iterable[str]:
    yield address
    wire = wire_form(address)
    yield wire
    local, _, domain = wire.rpartition("@")
    yield f"{local}@{idna.decode(domain)}" if "xn--" in domain else wire


def named(
    *,
    email_address: str = "",
    partner_ref: str = "",
    alias: str = "",
    registration_id: str = "",
    client_name: str = "",
    pseudonym: str = "",
) -> Person:
    """Whoever is meant; raises 1001 where nobody is named, 1002 for an address that is none, 3000 for a client."""
    if not (email_address or partner_ref or alias or registration_id):
        raise refuse(Code.REQUIRED, "required where neither a partner nor a browser is named", "email_address")
    if email_address and not is_valid(email_address):
        raise refuse(Code.INVALID, "not a valid e-mail address", "email_address")
    client_id = ApiClient.objects.filter(name=client_name).values_list("id", flat=True).first()
    if client_name and client_id is None:
        raise not_found(f"client {client_name}")
    return Person(
        email_address=email_address,
        partner_ref=partner_ref,
        alias=alias,
        registration_id=registration_id,
        client_id=client_id,
        pseudonym=pseudonym,
    ).met()

"""Clients and their keys: made, rotated, revoked. Each key is shown once, by the call that makes it."""

import secrets
from base64 import b32encode, b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone, translation

from gateway.dates import format_moment
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.lookup import digest_of
from gateway.models import ApiClient, Credential
from gateway.recent import forget_all
from gateway.sealing import seal, unseal

LONGEST_OVERLAP_HOURS = 24 * 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a client needs to call and to be called; the only moment at which it is all in clear."""

    name: str
    client_hash_key: str = field(repr=False)
    access_id: str
    secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)

    def as_json(self) -> dict[str, str]:
        return {
            "name": self.name,
            "clientHashKey": self.client_hash_key,
            "accessId": self.access_id,
            "secret": self.secret,
            "webhookSecret": self.webhook_secret,
        }


def create_client(
    *, name: str, users: Iterable[User] = (), portals: Collection[str] = (), **values: Any
) -> tuple[ApiClient, Keys]:
    """A client with fresh keys; ``portals`` are the names of clients, ``values`` the model's fields.

    Raises a Refusal of every value that cannot be (unknown right, name taken, no network …), fields by the model's
    names; nothing is left behind then.
    """
    client = ApiClient(name=name, **values)
    shown_by = ApiClient.objects.in_bulk(list(portals), field_name="name")
    problems = [
        Problem(code=Code.INVALID, sentence=f"there is no client {portal}", field=("portals",))
        for portal in portals
        if portal not in shown_by
    ]
    # Whatever language the process speaks: these sentences are for commands and logs.
    with translation.override("en"):
        try:
            client.full_clean()
        except ValidationError as error:
            raise Refusal([*_problems(error), *problems]) from error
    if problems:
        raise Refusal(problems)
    try:
        with transaction.atomic():
            client.save()
            client.users.set(list(users))
            client.portals.set(shown_by.values())
            return client, issue_keys(client=client)
    except IntegrityError as error:
        # Another process took the name since it was looked up.
        raise refuse(Code.INVALID, "is taken by another client", "name") from error


def issue_keys(*, client: ApiClient) -> Keys:
    """A fresh set of keys beside those there are."""
    keys = Keys(
        name=client.name,
        client_hash_key="hk_" + secrets.token_urlsafe(32),
        access_id="HA" + b32encode(secrets.token_bytes(10)).decode("ascii"),
        secret=secrets.token_urlsafe(32),
        # Standard Webhooks: "whsec_" and the base64 of 24 to 64 random bytes.
        webhook_secret="whsec_" + b64encode(secrets.token_bytes(32)).decode("ascii"),
    )
    Credential.objects.bulk_create(
        [
            Credential(client=client, kind=Credential.HASH_KEY, lookup=digest_of(keys.client_hash_key)),
            Credential(client=client, kind=Credential.ACCESS, lookup=keys.access_id, secret=seal(keys.secret)),
            Credential(client=client, kind=Credential.WEBHOOK, secret=seal(keys.webhook_secret)),
        ]
    )
    return keys


def rotate_client(*, name: str, overlap_hours: float | None = None) -> Keys:
    """Fresh keys for a client; the old ones still serve for ``overlap_hours`` (HAMMY_KEY_OVERLAP_HOURS).

    Raises 3000 for an unknown name.
    """
    hours = settings.HAMMY_KEY_OVERLAP_HOURS if overlap_hours is None else overlap_hours
    with transaction.atomic():
        client = _locked(name)
        now = timezone.now()
        ends_at = now + timedelta(hours=hours)
        # Keys of an earlier rotation keep their earlier end.
        client.credentials.usable(now).filter(Q(expires_at=None) | Q(expires_at__gt=ends_at)).update(expires_at=ends_at)
        keys = issue_keys(client=client)
    forget_all()
    return keys


def revoke_client(*, name: str) -> int:
    """End every key of the client at once and deactivate it; the number of keys ended. Raises 3000."""
    with transaction.atomic():
        client = _locked(name)
        count = client.credentials.filter(revoked_at=None).update(revoked_at=timezone.now())
        client.is_active = False
        client.save(update_fields=["is_active"])
    forget_all()
    return count


def list_clients() -> list[dict[str, Any]]:
    """Every client by name, without anything secret."""
    usable = Q(credentials__revoked_at=None) & (
        Q(credentials__expires_at=None) | Q(credentials__expires_at__gt=timezone.now())
    )
    hash_key = Q(credentials__kind=Credential.HASH_KEY)
    rows = ApiClient.objects.annotate(usable_keys=Count("credentials", filter=usable & hash_key)).order_by("name")
    return [
        {
            "name": client.name,
            "uuid": str(client.uuid),
            "isActive": client.is_active,
            "rights": client.rights,
            "needsUserToken": client.needs_user_token,
            "allowedNetworks": client.allowed_networks,
            "requestsPerMinute": client.requests_per_minute,
            "maxUploadBytes": client.max_upload_bytes,
            "maxSchedules": client.max_schedules,
            "externalFolder": client.external_folder,
            "origins": client.origins,
            "usableKeys": client.usable_keys,
            "createdAt": format_moment(client.created_at),
        }
        for client in rows
    ]


def webhook_secrets(*, client_id: int) -> list[str]:
    """The secrets to sign with, newest first: more than one while a rotation overlaps."""
    usable = Credential.objects.usable().filter(client_id=client_id, kind=Credential.WEBHOOK)
    return [unseal(secret) for secret in usable.order_by("-created_at", "-pk").values_list("secret", flat=True)]


def _locked(name: str) -> ApiClient:
    client = ApiClient.objects.select_for_update().filter(name=name).first()
    if client is None:
        raise not_found(f"client {name}")
    return client


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(code=Code.INVALID, sentence=sentence, field=(field,))
        for field, sentences in error.message_dict.items()
        for sentence in sentences
    ]

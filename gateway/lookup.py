"""Who a key or a token belongs to: the one place that asks the database, remembered for a second."""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q

from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.models import ApiClient, Credential
from gateway.rate_limit import check_rate
from gateway.recent import Recent
from gateway.sealing import unseal

# An office behind one address has many; who makes browsers up has more.
_BROWSERS_OF_AN_ADDRESS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClient:
    """An active client, found by one of its credentials; ``secret`` is that of an access id."""

    id: int
    caller: Caller
    needs_user_token: bool
    networks: tuple[IPv4Network | IPv6Network, ...]
    requests_per_minute: int | None
    secret: str = field(default="", repr=False)
    origins: frozenset[str] = frozenset()

    def admit(self, address: str | None) -> None:
        """Raise 2002 when ``address`` is outside the allowed networks, 2003 when it calls too often.

        None = the face knows no address (a queue), whose own access rules hold there.
        """
        if self.networks and address is not None:
            place = ip_address(address) if address else None
            if place is None or not any(place in network for network in self.networks):
                raise refuse(Code.FORBIDDEN, "the client may not call from this address")
        check_rate(counter=str(self.id), requests_per_minute=self.requests_per_minute)

    def admit_browser(self, origin: str, address: str) -> None:
        """Raise 2002 for a page that is none of the client's, 2003 when its pages' browsers call too often, together
        or from one address. They come from anywhere, and take nothing from what the client itself may call."""
        if origin not in self.origins:
            raise refuse(Code.FORBIDDEN, "must be an origin of the client's", "Origin", parameter=True)
        most = settings.HAMMY_BROWSERS_PER_MINUTE
        # Over a Unix socket nobody has one.
        if address:
            counter = f"{self.id}.browsers.{_place(address)}"
            check_rate(counter=counter, requests_per_minute=min(most, _BROWSERS_OF_AN_ADDRESS))
        check_rate(counter=f"{self.id}.browsers", requests_per_minute=most)

    def caller_for(self, user_name: str) -> Caller:
        return replace(self.caller, user_name=user_name) if user_name else self.caller


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUser:
    """An active user who may call through the client; ``stamp`` changes with the password."""

    id: int
    name: str
    stamp: str


_by_credential: Recent[tuple[str, str], KnownClient] = Recent()
_origins: Recent[tuple[()], frozenset[str]] = Recent()
_users: Recent[tuple[int, int], KnownUser] = Recent()


def digest_of(client_hash_key: str) -> str:
    """How a clientHashKey is stored and looked up."""
    return sha256(client_hash_key.encode()).hexdigest()


def client_by_hash_key(client_hash_key: str) -> KnownClient | None:
    """The active client of this key, if there is one."""
    digest = digest_of(client_hash_key)
    return _by_credential.get((Credential.HASH_KEY, digest), lambda: _load_client(Credential.HASH_KEY, digest))


def client_by_access_id(access_id: str) -> KnownClient | None:
    """The active client of this access id, with the secret that goes with it."""
    # No id of ours is longer or holds a NUL, and PostgreSQL refuses to be asked for one.
    if len(access_id) > 64 or "\0" in access_id or not access_id:
        return None
    return _by_credential.get((Credential.ACCESS, access_id), lambda: _load_client(Credential.ACCESS, access_id))


def is_some_clients(origin: str) -> bool:
    """Whether the pages of this origin are an active client's."""
    return origin in (_origins.get((), _load_origins) or ())


def user_of(client: KnownClient, user_id: int) -> KnownUser | None:
    """The active user of this id, if the client admits him."""
    return _users.get((client.id, user_id), lambda: _load_user(client.id, user_id))


def admits(client: KnownClient, user: AbstractBaseUser) -> bool:
    """Whether the client lists this user, or nobody (= every active user)."""
    return _load_user(client.id, user.pk) is not None


def stamp_of(user: AbstractBaseUser) -> str:
    """Ties tokens to the password they were given for: after a change they are worth nothing."""
    # The stored password is itself a salted hash; unlike Django's session hash this survives a new SECRET_KEY.
    return sha256(f"hammy.stamp {user.password}".encode()).hexdigest()[:16]


def _place(address: str) -> str:
    """Whose an address is: of IPv6 everybody has 2 to the 64th (RFC 4291, 2.5.4), so all of those are one."""
    found = ip_address(address)
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else address


def _load_origins() -> frozenset[str]:
    lists = ApiClient.objects.filter(is_active=True).exclude(origins=[]).values_list("origins", flat=True)
    return frozenset(origin for origins in lists for origin in origins)


def _load_client(kind: str, lookup: str) -> KnownClient | None:
    credential = (
        Credential.objects.usable()
        .filter(kind=kind, lookup=lookup, client__is_active=True)
        .select_related("client")
        .first()
    )
    if credential is None:
        return None
    client = credential.client
    return KnownClient(
        id=client.pk,
        caller=caller_of(client),
        needs_user_token=client.needs_user_token,
        networks=tuple(ip_network(text) for text in client.allowed_networks),
        requests_per_minute=client.requests_per_minute,
        secret=unseal(credential.secret) if credential.secret else "",
        origins=frozenset(client.origins),
    )


def caller_of(client: ApiClient) -> Caller:
    """The client as the services know it, no user named."""
    return Caller(
        client_id=client.pk,
        client_uuid=str(client.uuid),
        client_name=client.name,
        rights=frozenset(client.rights),
        request_id_unique=client.request_id_unique,
        from_address=client.from_address,
        from_name=client.from_name,
        sender_domains=tuple(domain.lower() for domain in client.sender_domains),
        max_upload_bytes=client.max_upload_bytes,
        external_folder=client.external_folder,
    )


def _load_user(client_id: int, user_id: int) -> KnownUser | None:
    listed = ApiClient.users.through.objects.filter(apiclient_id=client_id)
    user = (
        get_user_model()
        .objects.filter(pk=user_id, is_active=True)
        .filter(~Exists(listed) | Q(Exists(listed.filter(user_id=OuterRef("pk")))))
        .first()
    )
    return None if user is None else KnownUser(id=user.pk, name=user.get_username(), stamp=stamp_of(user))

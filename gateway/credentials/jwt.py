"""User tokens: short-lived, signed by us for us, bound to one client and one user."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from gateway.errors import Code, Refusal, refuse
from gateway.lookup import KnownClient, KnownUser, stamp_of, user_of
from gateway.recent import Recent
from gateway.sealing import derived_keys

FIELD = "Authorization"
_ALGORITHM = "HS256"
_ISSUER = "hammy"
_AUDIENCE = "hammy/json"
_REQUIRED = ["exp", "iat", "sub", "iss", "aud", "client", "stamp", "auth_time"]
# Clocks of our own hosts may differ by so much.
_LEEWAY = timedelta(seconds=10)
_LONGEST = 4096
_EXPIRED = "expired, refresh it in time or log in again"

# Checking a signature costs more than everything else on the way in. Only tokens that were ours get in here.
_checked: Recent[str, dict[str, Any]] = Recent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A fresh token and the moment it ends."""

    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a valid token proves: the user, and when the password was last given."""

    user: KnownUser
    authenticated_at: datetime


def issue(*, client: KnownClient, user: AbstractBaseUser) -> Token:
    """A token for a user who has just proved himself, good for HAMMY_TOKEN_MINUTES."""
    return _sign(client, user.pk, stamp_of(user), timezone.now())


def renew(*, client: KnownClient, proof: Proof) -> Token:
    """A fresh token for the bearer of a valid one; raises 2001 when the last login is over HAMMY_LOGIN_HOURS ago."""
    if timezone.now() - proof.authenticated_at > timedelta(hours=settings.HAMMY_LOGIN_HOURS):
        raise _refuse("the login is too old to be refreshed, log in again")
    return _sign(client, proof.user.id, proof.user.stamp, proof.authenticated_at)


def verify(*, token: str, client: KnownClient) -> Proof:
    """What the token proves for this client; raises 2001 for anything not exactly right."""
    claims = _checked.get(token, lambda: _claims(token))
    if claims is None or claims["exp"] + _LEEWAY.seconds <= time():
        raise _refuse(_EXPIRED)
    user = user_of(client, int(claims["sub"])) if _is_number(claims["sub"]) else None
    if claims["client"] != client.caller.client_uuid or user is None or claims["stamp"] != user.stamp:
        raise _refuse("invalid")
    return Proof(user=user, authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC))


def _sign(client: KnownClient, user_id: int, stamp: str, authenticated_at: datetime) -> Token:
    now = timezone.now().replace(microsecond=0)
    expires_at = now + timedelta(minutes=settings.HAMMY_TOKEN_MINUTES)
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": str(user_id),
        "client": client.caller.client_uuid,
        "stamp": stamp,
        "auth_time": int(authenticated_at.timestamp()),
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    text = jwt.encode(claims, derived_keys("hammy.user-token")[0], algorithm=_ALGORITHM)
    return Token(text=text, expires_at=expires_at)


def _claims(token: str) -> dict[str, Any]:
    if len(token) > _LONGEST:
        raise _refuse("invalid")
    for key in derived_keys("hammy.user-token"):
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except jwt.InvalidSignatureError:
            # Perhaps signed with a key that SECRET_KEY_FALLBACKS still honours.
            continue
        except jwt.ExpiredSignatureError as error:
            raise _refuse(_EXPIRED) from error
        except (jwt.InvalidTokenError, ValueError) as error:
            raise _refuse("invalid") from error
        if not isinstance(claims["auth_time"], int):
            raise _refuse("invalid")
        return claims
    raise _refuse("invalid")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _refuse(sentence: str) -> Refusal:
    return refuse(Code.TOKEN, sentence, FIELD, parameter=True)

"""Keys derived from the site's secret key, each for one purpose, and secrets encrypted at rest with them."""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealBroken(Exception):
    """A stored secret cannot be read: SECRET_KEY has changed and the old one is not in SECRET_KEY_FALLBACKS"""


def derived_keys(purpose: str) -> tuple[bytes, ...]:
    """32 bytes for ``purpose`` from SECRET_KEY first, then from each of SECRET_KEY_FALLBACKS."""
    return _derived(purpose, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(text: str) -> str:
    """``text`` encrypted and authenticated, as ASCII."""
    return _fernet(derived_keys("hammy.sealing")).encrypt(text.encode()).decode("ascii")


def unseal(text: str) -> str:
    """What was sealed; ``SealBroken`` when no key of the site opens it."""
    try:
        return _fernet(derived_keys("hammy.sealing")).decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise SealBroken(SealBroken.__doc__) from error


def resealed(text: str) -> str:
    """What an earlier key of the site's sealed, sealed by the present one; "" for what is, or cannot be opened."""
    first, *others = derived_keys("hammy.sealing")
    try:
        _fernet((first,)).decrypt(text.encode())
    except InvalidToken:
        try:
            return _fernet((first, *others)).rotate(text.encode()).decode("ascii")
        except InvalidToken:
            return ""
    return ""


@lru_cache(maxsize=32)
def _derived(purpose: str, secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hmac.digest(secret.encode(), purpose.encode(), "sha256") for secret in secrets)


@lru_cache(maxsize=8)
def _fernet(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])

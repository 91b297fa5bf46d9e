"""PDF documents signed: PAdES, baseline B, invisible, added behind what they are."""

from functools import lru_cache

from django.conf import settings

from sending.channels.base import NotReady
from sending.signing.cms import signature
from sending.signing.confined import Preparer, Unprepared
from sending.signing.identity import Identity, identity

_preparer = Preparer()


def sign_pdf(content: bytes, *, reason: str = "") -> bytes:
    """The document with our signature; ``reason`` is shown with it.

    Raises NotReady: lasting for a document that cannot be signed (broken, encrypted, changes forbidden, too large or
    too much work), not lasting while the site's key is not to be used.
    """
    own = identity()
    if len(content) > settings.HAMMY_SIGNING_MAX_BYTES:
        words = f"the document has {len(content)} bytes, at most {settings.HAMMY_SIGNING_MAX_BYTES} are signed"
        raise NotReady(words, is_lasting=True)
    try:
        prepared = _preparer.prepared(
            content,
            room=_room(own),
            reason=reason,
            seconds=settings.HAMMY_SIGNING_SECONDS,
            memory=_memory(),
        )
    except Unprepared as error:
        raise NotReady(str(error), is_lasting=error.is_lasting) from error
    signed = signature(own, prepared.digest).hex().upper().encode()
    return b"".join((prepared.data[: prepared.start], signed, prepared.data[prepared.start + len(signed) :]))


@lru_cache(maxsize=1)
def _room(own: Identity) -> int:
    """How long its signatures are; those of elliptic curves differ by a few bytes."""
    return len(signature(own, bytes(32))) + 16


def _memory() -> int:
    """Enough to read the largest document that we take, which the library holds several times over."""
    return 512 * 1024**2 + 8 * int(settings.HAMMY_SIGNING_MAX_BYTES)

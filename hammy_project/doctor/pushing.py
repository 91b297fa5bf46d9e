"""Pushes to browsers: the keys by which push services know us can be read."""

from collections.abc import Iterator

from gateway.sealing import SealBroken, unseal
from hammy_project.doctor.findings import Finding, failure, ok
from sending.models import VapidKey

_SHOWN = 5


def push_keys() -> Iterator[Finding]:
    """Each client's keys, retired ones too; nothing where there are none."""
    rows = VapidKey.objects.values_list("client__name", "private_key")
    if not rows:
        return
    broken = sorted({name for name, sealed in rows if not _is_whole(sealed)})
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        names = ", ".join(broken[:_SHOWN]) + more
        words = f"of {names} cannot be read: nobody who subscribed with them is reached until SECRET_KEY_FALLBACKS has"
        yield failure("push keys", f"{words} the key they were sealed with; or rotate_push_key, and all subscribe anew")
    else:
        yield ok("push keys", "all can be read")


def _is_whole(sealed: str) -> bool:
    try:
        unseal(sealed)
    except SealBroken:
        return False
    return True

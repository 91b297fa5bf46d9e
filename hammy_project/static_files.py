"""The console's files, collected for the web server when they changed since the last time."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

# Shipped beside the page we use, and as large as all else together.
_UNUSED = ["drf_spectacular_sidecar/redoc"]


def collect() -> bool:
    """Collect and compress what apps bring, unless that is what lies there already; whether it was needed."""
    mark = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = _fingerprint()
    if mark.exists() and mark.read_text() == fingerprint:
        return False
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=_UNUSED)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(_UNUSED):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()

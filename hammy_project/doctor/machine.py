"""This machine: room on its disks, and a storage that keeps what it is given."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from hammy_project.doctor.findings import Finding, failure, ok, warning

_WARNING_BYTES = 2 * 1024**3
_FAILURE_BYTES = 200 * 1024**2


def secret_key() -> Iterator[Finding]:
    """Whether the key that seals the clients' secrets is one that other hosts can have too."""
    if settings.IS_SECRET_KEY_GIVEN:
        yield ok("secret key", "given by the environment")
    elif settings.IS_EMBEDDED_DATABASE:
        yield ok("secret key", "kept beside the database")
    else:
        yield warning("secret key", "kept on this host alone: set SECRET_KEY before there is a second one")


def disk() -> Iterator[Finding]:
    """Free space where our own files lie."""
    for name in ("VAR_DIR", "HAMMY_EXTERNAL_ROOT", "HAMMY_SPOOL"):
        path = Path(getattr(settings, name))
        nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        free = shutil.disk_usage(nearest).free
        words = f"{free / 1024**3:.1f} GiB free at {nearest}"
        if free < _FAILURE_BYTES:
            yield failure(f"disk {name}", words)
        else:
            yield warning(f"disk {name}", words) if free < _WARNING_BYTES else ok(f"disk {name}", words)


def storage() -> Iterator[Finding]:
    """Whether attachments can be written, read back and removed."""
    yield _examined("storage", "default")


def spool() -> Iterator[Finding]:
    """Whether printed letters can."""
    yield _examined("spool", "spool")


def _examined(subject: str, alias: str) -> Finding:
    place, content = storages[alias], uuid4().bytes
    name = place.save(f"doctor/{uuid4()}", ContentFile(content))
    try:
        with place.open(name) as file:
            is_same = file.read() == content
    finally:
        place.delete(name)
    backend = settings.STORAGES[alias]["BACKEND"].rpartition(".")[2]
    if is_same:
        return ok(subject, f"{backend}: a file was written, read and removed")
    return failure(subject, f"{backend}: a file was not read back as it was written")

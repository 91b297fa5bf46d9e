"""The embedded default's own secret key, made once and kept readable by its owner alone."""

import os
import secrets
from pathlib import Path


def kept_at(path: Path) -> str:
    """The key in the file at ``path``, made first where there is none; two starters at once agree on one."""
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)
        except FileExistsError:
            # Another process was first: its key is the site's.
            return path.read_text()
        finally:
            fresh.unlink()
    return path.read_text()

"""Paths below a folder of ours, as callers and people write them (values only)."""

_LONGEST_PATH = 1024
_LONGEST_NAME = 255


def parts_of(path: str) -> tuple[str, ...]:
    """The names that ``path`` is made of, "" being none; raises ValueError, in a sentence for whoever wrote it, for
    what could lead elsewhere or that no file system would take. Lengths are in bytes of UTF-8."""
    if not path:
        return ()
    if path.startswith("/"):
        raise ValueError("must be relative, without a slash at its beginning")
    if "\\" in path:
        raise ValueError("must not contain a backslash; folders are separated by /")
    if not path.isprintable():
        raise ValueError("must not contain control characters")
    if len(path.encode()) > _LONGEST_PATH:
        raise ValueError(f"must be at most {_LONGEST_PATH} bytes long")
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError("must not contain an empty name, . or ..")
        if len(part.encode()) > _LONGEST_NAME:
            raise ValueError(f"must not contain a name of more than {_LONGEST_NAME} bytes")
    return parts

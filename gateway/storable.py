"""Text from anywhere, as every database takes it (values only)."""


def storable(text: str) -> str:
    """The same without NUL, and with a question mark for each half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()

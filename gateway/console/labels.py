"""Coloured labels and moments, as every page shows them."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString


def label(words: Any, colour: str) -> SafeString:
    """A coloured label; ``colour`` is one of unfold's names."""
    return _label(str(words), colour)


# A template for each row of a list would take longer than finding the rows.
@lru_cache(maxsize=200)
def _label(words: str, colour: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": words, "type": colour})


def moment(value: datetime, *, milliseconds: bool = False) -> str:
    """A moment in local time, the same in every language and as wide in every row: ``2026-11-22 08:18:05``."""
    local = timezone.localtime(value).replace(tzinfo=None)
    return local.isoformat(" ", "milliseconds" if milliseconds else "seconds")

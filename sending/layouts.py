"""A template version's own layout for printed letters: tried on sample data before letters may use it."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from sending.channels.base import NotReady
from sending.letters import letter_preview
from sending.models import TemplateVersion
from sending.previewing import sample_parcel
from sending.templating import LONGEST_SOURCE, TemplateError, TemplateSyntax


def check(version: TemplateVersion, data: Mapping[str, Any]) -> None:
    """Raise TemplateError unless the version's letter can be set with these data."""
    if len(version.letter) > LONGEST_SOURCE:
        raise TemplateSyntax(f"the letter layout is longer than {LONGEST_SOURCE:,} characters")
    try:
        letter_preview(sample_parcel(version, data), day=timezone.localdate())
    except NotReady as error:
        raise TemplateError(error.words) from error

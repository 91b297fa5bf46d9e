"""Printed letters: they can be set, and print runs come to their end."""

import json
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from hammy_project.doctor.findings import Finding, failure, ok, warning
from sending.letters.press import PressError, press
from sending.models import PrintBatch
from sending.states import BatchStatus

# A run may wait for a letter in a worker's hands, no longer than that worker's lease.
_LATE = timedelta(minutes=20)
_SPECIMEN = """
#let data = json(bytes(sys.inputs.data))
#let shown = text(font: data.font, fallback: false)[őű]
#context assert(measure(shown).width > 0pt, message: "no font is called " + data.font)
"""


def press_works() -> Iterator[Finding]:
    """Whether a page can be set in the site's font."""
    try:
        press.work("set", source=_SPECIMEN, data=json.dumps({"font": settings.HAMMY_LETTER_FONT}), timestamp=0)
    except PressError as error:
        yield failure("letters", f"no page can be set: {error.words}")
    else:
        yield ok("letters", f"a page was set in {settings.HAMMY_LETTER_FONT}")
    finally:
        press.close()


def batches() -> Iterator[Finding]:
    """Print runs that should have gone to the print house."""
    now = timezone.now()
    found = False
    for batch in PrintBatch.objects.filter(handed_over_at=None).order_by("id"):
        age = now - batch.opened_at - timedelta(minutes=settings.HAMMY_PRINT_BATCH_MINUTES)
        if batch.status == BatchStatus.CLOSED:
            found = True
            yield failure(f"print batch {batch}", batch.reason or "its manifest is not written")
        elif age > _LATE:
            found = True
            yield warning(f"print batch {batch}", f"{batch.status} for {age.total_seconds() / 60:.0f} minutes too long")
    if not found:
        yield ok("print batches", "all go to the print house in time")

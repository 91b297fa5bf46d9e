"""The process that sets letters: what it does not spend."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sending.letters import press as presses
from sending.letters import set_letter
from tests.sending.printed import a_parcel

DAY = date(2026, 11, 29)


@pytest.fixture(autouse=True)
def press_ended() -> Iterator[None]:
    yield
    presses.press.close()


def test_letters_are_set_in_a_thread_whose_stack_is_known_without_opening_a_file() -> None:
    for number in range(5):
        set_letter(a_parcel(subject=f"Levél {number}"), day=DAY)
    process = presses.press._process
    assert process is not None
    # How long the first thread ran, whose stack only a file tells.
    ran = Path(f"/proc/{process.pid}/task/{process.pid}/schedstat")
    before = ran.read_text()
    set_letter(a_parcel(subject="A többi után"), day=DAY)
    assert presses.press._process is process
    assert ran.read_text() == before

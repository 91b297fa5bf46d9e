"""Print runs: letters gathered, closed and handed to the print house (docs/adr/0019-how-a-print-batch-closes.md)."""

from sending.printing.closing import close, close_open, look_after, sweep
from sending.printing.gathering import bind, facts_of_item, letters_of

__all__ = ["bind", "close", "close_open", "facts_of_item", "letters_of", "look_after", "sweep"]

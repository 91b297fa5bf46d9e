"""Whether this worker was asked to stop, told by its first process to the children that run the jobs."""

import mmap

# One byte that children forked later share.
_asked = mmap.mmap(-1, 1)


def ask() -> None:
    """Have running jobs that may be resumed let go at their next checkpoint."""
    _asked[0] = 1


def is_asked() -> bool:
    """Whether the worker is stopping."""
    return _asked[0] == 1

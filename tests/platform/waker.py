"""A process of the product that wakes a worker: ``python -m tests.platform.waker SECONDS TASK [ARGUMENT …]``.

Prints how long ``wake`` took, in milliseconds, and whether ``flush(SECONDS)`` saw everything sent. The environment
says which broker.
"""

import os
import sys
import time

import django

from gateway import wakeups


def main(seconds: str, *wanted: str) -> None:
    """Do as the module's docstring says."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "hammy_project.settings"
    django.setup()
    started = time.monotonic()
    wakeups.wake(*wanted)
    taken = time.monotonic() - started
    print(round(taken * 1000), wakeups.flush(float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])

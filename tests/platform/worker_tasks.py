"""Tasks that show what became of them in files, for a worker started with ``--include tests.platform.worker_tasks``."""

import os
import time
from pathlib import Path

from celery import shared_task


@shared_task(name="tests.note")
def note(folder: str, text: str) -> None:
    """Write down that it ran, and in which process."""
    with Path(folder, "notes").open("a") as file:
        file.write(f"{text} {os.getpid()} {time.time()}\n")


@shared_task(name="tests.linger")
def linger(folder: str, seconds: str) -> None:
    """Write down when it begins and when it ends."""
    note(folder, "begun")
    time.sleep(float(seconds))
    note(folder, "ended")

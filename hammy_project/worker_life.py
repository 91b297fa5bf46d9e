"""What happens in a worker's processes round its tasks."""

import gc
import logging
import logging.config
import os
from typing import Any

from celery import signals
from django.conf import settings
from django.db import close_old_connections, connections
from prometheus_client import multiprocess

from gateway import wakeups
from hammy_project import health
from jobs import stopping

logger = logging.getLogger(__name__)


@signals.setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Log as Django's settings say, instead of as Celery would."""
    logging.config.dictConfig(settings.LOGGING)


@signals.worker_init.connect
def share_no_connection(**_: Any) -> None:
    """Close what the first process opened while it started: its children must not inherit a connection."""
    connections.close_all()


@signals.worker_ready.connect
def show_metrics(**_: Any) -> None:
    """On a host without a web server: show what its processes count. The first worker does it for all."""
    if settings.HAMMY_METRICS_LISTEN:
        try:
            health.show_counters(settings.HAMMY_METRICS_LISTEN)
        except OSError as error:
            logger.warning("Metrics are not shown at %s by this worker: %s", settings.HAMMY_METRICS_LISTEN, error)


@signals.worker_shutting_down.connect
def let_jobs_go(**_: Any) -> None:
    """Have long jobs that can go on elsewhere stop here."""
    stopping.ask()


@signals.worker_process_init.connect
def collect_garbage_seldom(**_: Any) -> None:
    """What was loaded before the fork stays as long as the process, and a batch's letters need no collector: to look
    through them at the usual rate took a tenth of their time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@signals.task_prerun.connect
@signals.task_postrun.connect
def renew_connections(**_: Any) -> None:
    """Drop database connections that broke or grew old, as Django does around each request."""
    close_old_connections()


@signals.worker_process_shutdown.connect
def leave(pid: int | None = None, **_: Any) -> None:
    """Send what still waits to be sent, and take this process's gauges out of the sums."""
    wakeups.flush(timeout=1)
    multiprocess.mark_process_dead(pid or os.getpid())

"""The programs a site consists of, as command lines: written once for `run`, the demo, make, systemd and containers."""

import json
import os
import socket
import sys

from django.conf import settings

from hammy_project import celery
from hammy_project.supervisor import Program

# -P: what lies in the folder we were started in is no module of ours.
_MODULE = [sys.executable, "-P", "-m"]
_CELERY = [*_MODULE, "celery", "-A", "hammy_project", "--quiet"]
_ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")])),
    # Whoever starts a program by `manage.py` has checked the settings just then; for a worker that is half its start.
    "CELERY_SKIP_CHECKS": "1",
}


def web(*, host: str = "", port: int = 0) -> Program:
    """The web server: the contracts' REST face, the console, health and metrics."""
    log_settings = settings.VAR_DIR / "web_logging.json"
    # Whole or not at all: another web server may be reading it.
    fresh = log_settings.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(settings.LOGGING))
    fresh.replace(log_settings)
    command = [
        *(*_MODULE, "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host or settings.WEB_HOST, "--port", str(port or settings.WEB_PORT)),
        *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)),
        # A worker that dies is replaced; one that does not stop is killed.
        *("--respawn-failed-workers", "--workers-kill-timeout", "15"),
        *("--http1-buffer-size", "65536"),
        *("--no-access-log", "--log-config", str(log_settings), "--log-level", "warning"),
        "hammy_project.wsgi:application",
    ]
    return Program(name="web", command=command, environment=_ENVIRONMENT)


def worker() -> Program:
    """The worker: hands letters over, runs quick jobs, and does what beat wakes."""
    command = [*_CELERY, "worker", "--exclude-queues", f"{celery.LONG_JOBS},{celery.NOTIFICATIONS}"]
    command += ["--concurrency", str(settings.WORKER_PROCESSES)]
    return Program(name="worker", command=command, environment=_ENVIRONMENT)


def long_worker() -> Program:
    """The worker for long jobs, which may keep its processes busy for hours."""
    command = [*_CELERY, "worker", "--queues", celery.LONG_JOBS, "--hostname", "long@%h"]
    command += ["--concurrency", str(settings.LONG_WORKER_PROCESSES)]
    return Program(name="long-worker", command=command, environment=_ENVIRONMENT)


def notifier() -> Program:
    """The courier: tells those who must know, and waits for slow ones where that holds up nothing else."""
    command = [*_CELERY, "worker", "--queues", celery.NOTIFICATIONS, "--hostname", "notifier@%h"]
    command += ["--concurrency", str(settings.NOTIFIER_PROCESSES)]
    return Program(name="notifier", command=command, environment=_ENVIRONMENT)


def consumer(number: int = 1) -> Program:
    """The consumer: takes letters that come by queue. One or several side by side."""
    command = [*_MODULE, "django", "consume_send_requests", "--settings", "hammy_project.settings"]
    return Program(name=f"consumer-{number}" if number > 1 else "consumer", command=command, environment=_ENVIRONMENT)


def beat() -> Program:
    """The clock: wakes what is due each second. One or several, what they wake is done once."""
    return Program(name="beat", command=[*_CELERY, "beat", "--pidfile="], environment=_ENVIRONMENT)


def mailbox(*, port: int) -> Program:
    """The local mail server that keeps all it is given."""
    # Without Django: it is there in a blink.
    folder = str(settings.VAR_DIR / "mailbox")
    command = [*_MODULE, "hammy_project.mailbox", "--port", str(port), "--folder", folder]
    return Program(name="mailbox", command=command, environment=_ENVIRONMENT, is_support=True)


def is_port_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, wanted: int, *, but: int = 0) -> int:
    """``wanted``, or the next one above it that is free and not ``but``."""
    return next(port for port in range(wanted, 65536) if port != but and is_port_free(host, port))

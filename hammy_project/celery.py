"""Celery: the queues, who goes where, how brokers are spoken to, and what beat says each second.

A message in a queue is only a wake-up; the database knows what there is to do. So queues are short, results are
not kept, and nothing is scheduled in the broker.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from celery import Celery
from celery.worker import consumer
from django.conf import settings
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from jobs import states as job_states
from sending import channels

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hammy_project.settings")
TRANSPORT_ALIASES["filesystem"] = "hammy_project.filesystem_broker:Transport"
TRANSPORT_ALIASES["redis"] = "hammy_project.redis_broker:Transport"
TRANSPORT_ALIASES["rediss"] = "hammy_project.redis_broker:Transport"

MAINTENANCE = "maintenance"
_DISPATCH = "sending.tasks.dispatch"
_RUN_JOBS = "jobs.tasks.run"
_DELIVER = "notifications.tasks.deliver"
# More wake-ups than this are no use; the oldest go first. A wake-up whose worker died three times is let go too.
_QUORUM = {"x-queue-type": "quorum", "x-max-length": 16, "x-overflow": "drop-head", "x-delivery-limit": 3}


def queue_of(channel: str) -> str:
    """The queue in which a channel's wake-ups wait."""
    return f"sending.{channel.lower()}"


def job_queue(name: str) -> str:
    """The queue in which wake-ups for jobs of one weight wait."""
    return f"jobs.{name}"


# Consumed by workers of their own: a job that runs for hours must hold up nothing.
LONG_JOBS = job_queue(job_states.Queue.LONG)
# By couriers of their own: they wait for slow targets.
NOTIFICATIONS = "notifications"


def queue_names() -> list[str]:
    """Every queue there is: one for each channel and each weight of jobs, so that none delays another, one for
    deliveries, and one for what beat looks after."""
    by_channel = (queue_of(name) for name in sorted(channels.channels()))
    return [*by_channel, *(job_queue(name) for name in job_states.Queue), NOTIFICATIONS, MAINTENANCE]


def route(name: str, args: Iterable[Any], kwargs: Mapping[str, Any], options: Any, **_: Any) -> dict[str, str]:
    """Celery's router: a dispatch goes to its channel's queue, a run to its jobs', deliveries to
    theirs, all else to maintenance."""
    first = next(iter(args or ()), None) or next(iter((kwargs or {}).values()), None)
    if name == _DISPATCH and first:
        return {"queue": queue_of(first)}
    if name == _DELIVER:
        return {"queue": NOTIFICATIONS}
    return {"queue": job_queue(first) if name == _RUN_JOBS and first else MAINTENANCE}


def _broker() -> dict[str, Any]:
    if settings.IS_EMBEDDED_BROKER:
        return {"folder": str(settings.BROKER_DIR), "polling_interval": 0.02}
    if settings.BROKER_URL.startswith("redis"):
        # A worker that was killed gives its wake-ups back after visibility_timeout; beat does not wait for that.
        return {
            "visibility_timeout": 900,
            "socket_connect_timeout": 4,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "retry_on_timeout": True,
        }
    # Without confirms RabbitMQ may lose what it was just given.
    return {"confirm_publish": True}


def _queues() -> list[Queue]:
    exchange = Exchange("hammy", type="direct")
    arguments = _QUORUM if settings.BROKER_URL.startswith("amqp") else None
    return [Queue(name, exchange, routing_key=name, queue_arguments=arguments) for name in queue_names()]


def configuration() -> dict[str, Any]:
    """Celery's settings, made of Django's when Celery first needs them."""
    return {
        # kombu warns of an address without a host.
        "broker_url": "filesystem://localhost" if settings.IS_EMBEDDED_BROKER else settings.BROKER_URL,
        "broker_transport_options": _broker(),
        "broker_connection_timeout": 4,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": 20,
        "timezone": settings.TIME_ZONE,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_queues": _queues(),
        "task_create_missing_queues": False,
        "task_default_queue": MAINTENANCE,
        "task_default_exchange": "hammy",
        "task_default_routing_key": MAINTENANCE,
        "task_routes": (route,),
        "task_ignore_result": True,
        "result_expires": None,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # How long after a child's death its wake-up is given to another.
        "worker_lost_wait": 1,
        "worker_consumer": "hammy_project.celery:Consumer",
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_scheduler": "hammy_project.beat:Scheduler",
        "beat_max_loop_interval": 1,
        # A tick may wait for a busy worker; what waited longer is done by a later one.
        "beat_schedule": {
            "sending: tick": {"task": "sending.tasks.tick", "schedule": 1.0, "options": {"expire_seconds": 10}},
            "jobs: tick": {"task": "jobs.tasks.tick", "schedule": 1.0, "options": {"expire_seconds": 10}},
            "notifications: tick": {
                "task": "notifications.tasks.tick",
                "schedule": 1.0,
                "options": {"expire_seconds": 10},
            },
            "notifications: clean": {
                "task": "notifications.tasks.clean",
                "schedule": 3600.0,
                "options": {"expire_seconds": 1800},
            },
            "schedules: tick": {"task": "schedules.tasks.fire", "schedule": 1.0, "options": {"expire_seconds": 10}},
            "jobs: clean": {"task": "jobs.tasks.clean", "schedule": 3600.0, "options": {"expire_seconds": 1800}},
            "schedules: clean": {
                "task": "schedules.tasks.clean",
                "schedule": 3600.0,
                "options": {"expire_seconds": 1800},
            },
            "sending: clean": {"task": "sending.tasks.clean", "schedule": 3600.0, "options": {"expire_seconds": 1800}},
        },
        # Reconnecting for each wake-up costs more than most of them; close_old_connections follows CONN_MAX_AGE.
        "CELERY_DB_REUSE_MAX": 2**60,
    }


_Blueprint: Any = consumer.Consumer.Blueprint


class Consumer(consumer.Consumer):
    """Celery's consumer without gossip, mingle and events, and without the 28 queues of delayed delivery."""

    class Blueprint(_Blueprint):
        default_steps = [step for step in _Blueprint.default_steps if "delayed_delivery" not in step]

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **options: Any) -> None:
        quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **quiet}, **options)


app = Celery("hammy")
app.set_default()
app.add_defaults(configuration)
app.autodiscover_tasks()

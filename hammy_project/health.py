"""What machines ask of a running site: is it alive, is it ready, what does it count."""

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from campaigns import watching
from gateway.remote import remote_address
from hammy_project import vital_signs


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """``GET /healthz``: this process answers. 200 ``{"status": "alive"}``."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """``GET /readyz``: 200 when database and broker can be reached, else 503 that says which cannot.

    ``{"status": "ready"|"not ready", "database": "ok"|"unreachable", "broker": …, "oldestDueSeconds": 0.0}``; the
    age is null while the database cannot be asked. Details of a failure are for the doctor, not for the public.
    """
    database = not vital_signs.database_failure()
    broker = not vital_signs.remembered.broker_failure()
    age = None
    if database:
        try:
            age = round(vital_signs.oldest_due_seconds(), 3)
        except DatabaseError:
            database = False
    is_ready = database and broker
    return JsonResponse(
        {
            "status": "ready" if is_ready else "not ready",
            "database": "ok" if database else "unreachable",
            "broker": "ok" if broker else "unreachable",
            "oldestDueSeconds": age,
        },
        status=200 if is_ready else 503,
    )


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """``GET /metrics``: Prometheus' text format, summed over the processes of this host, and what waits in the
    database. For ``Authorization: Bearer <HAMMY_METRICS_TOKEN>`` or an address in HAMMY_METRICS_NETWORKS, else 403."""
    if not _may_read(request):
        return JsonResponse({"status": "forbidden"}, status=403)
    registry = _counted_here()
    registry.register(_Queue())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def show_counters(address: str) -> None:
    """Serve what this host's processes count at ``host:port``, from a thread; OSError when that is taken."""
    host, _, port = address.rpartition(":")
    start_http_server(int(port), addr=host.strip("[]"), registry=_counted_here())


def _counted_here() -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


class _Queue(Collector):
    """Depth and age of what waits, asked of the database when Prometheus asks us."""

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "hammy_messages_waiting", "Messages that are not closed, or in doubt", labels=["channel", "status"]
        )
        age = GaugeMetricFamily(
            "hammy_messages_waiting_oldest_seconds",
            "How long ago the oldest of them became due, or came to this status",
            labels=["channel", "status"],
        )
        print_batch = GaugeMetricFamily(
            "hammy_print_batch_oldest_seconds",
            "How long ago the oldest print batch that is not with the print house was opened",
        )
        told = {
            name: GaugeMetricFamily(f"hammy_{name}", words)
            for name, words in (
                ("deliveries_waiting", "Deliveries that are not closed"),
                ("deliveries_waiting_oldest_seconds", "How long ago the oldest that could be brought became due"),
                ("targets_failing", "Targets of some of them that did not listen when last called"),
            )
        }
        planned = {
            name: GaugeMetricFamily(f"hammy_schedules_{name}", words)
            for name, words in (
                ("due", "Schedules whose time has come and that nobody has fired yet"),
                ("overdue", "Those of them whose time came more than a minute ago"),
                ("due_oldest_seconds", "How long ago the time of the oldest of them came"),
            )
        }
        campaigns = {
            name: GaugeMetricFamily(f"hammy_campaigns_{name}", words)
            for name, words in (
                ("running", "Campaigns that are being sent"),
                ("stranded", "Those of them that no job has sent for a quarter of an hour"),
                ("paused", "Campaigns that are paused"),
                ("paused_oldest_seconds", "How long ago the oldest of them was paused"),
            )
        }
        browsers = GaugeMetricFamily("hammy_subscriptions", "Browsers that pushes reach", labels=["client"])
        is_up = GaugeMetricFamily("hammy_database_up", "1 when the database answers")
        jobs = {
            name: GaugeMetricFamily(f"hammy_jobs_{name}", words, labels=["queue"])
            for name, words in (
                ("waiting", "Jobs that have not begun"),
                ("waiting_oldest_seconds", "How long ago the oldest of them became due"),
                ("running", "Jobs that are at work or wait for others"),
                ("silent", "Jobs at work whose worker gave no heartbeat for HAMMY_JOB_LOST_SECONDS"),
            )
        }
        try:
            for item in vital_signs.waiting():
                depth.add_metric([item.channel, item.status], item.count)
                age.add_metric([item.channel, item.status], item.seconds)
            for queue in vital_signs.jobs():
                jobs["waiting"].add_metric([queue.queue], queue.waiting)
                jobs["waiting_oldest_seconds"].add_metric([queue.queue], queue.seconds)
                jobs["running"].add_metric([queue.queue], queue.running)
                jobs["silent"].add_metric([queue.queue], queue.silent)
            deliveries = vital_signs.deliveries()
            told["deliveries_waiting"].add_metric([], deliveries.waiting)
            told["deliveries_waiting_oldest_seconds"].add_metric([], deliveries.seconds)
            told["targets_failing"].add_metric([], deliveries.failing)
            schedules = vital_signs.schedules()
            planned["due"].add_metric([], schedules.due)
            planned["overdue"].add_metric([], schedules.overdue)
            planned["due_oldest_seconds"].add_metric([], schedules.seconds)
            sent = watching.standing()
            campaigns["running"].add_metric([], sent.running)
            campaigns["stranded"].add_metric([], sent.stranded)
            campaigns["paused"].add_metric([], sent.paused)
            campaigns["paused_oldest_seconds"].add_metric([], sent.paused_seconds)
            for client, count in vital_signs.subscriptions().items():
                browsers.add_metric([client], count)
            print_batch.add_metric([], vital_signs.oldest_print_batch_seconds())
            is_up.add_metric([], 1)
        except DatabaseError:
            # The counters are still worth reading, then more than ever.
            is_up.add_metric([], 0)
        tick = GaugeMetricFamily("hammy_tick_seconds", "How long ago a worker last heard beat")
        if (seconds := vital_signs.tick_seconds()) is not None:
            tick.add_metric([], seconds)
        certificate = GaugeMetricFamily(
            "hammy_signing_certificate_days", "For how many days more the certificate that signs is good"
        )
        if (days := vital_signs.signing_days()) is not None:
            certificate.add_metric([], days)
        consumer = GaugeMetricFamily("hammy_consumer_seconds", "How long ago a consumer of queues was last well")
        if (seconds := vital_signs.consumer_seconds()) is not None:
            consumer.add_metric([], seconds)
        yield from (depth, age, *jobs.values(), *told.values(), *planned.values(), *campaigns.values())
        yield from (print_batch, browsers, is_up, tick, certificate, consumer)

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.HAMMY_METRICS_TOKEN
    if expected and scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), expected.encode()):
        return True
    address = remote_address(request)
    if not address:
        return False
    return any(
        ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in settings.HAMMY_METRICS_NETWORKS
    )

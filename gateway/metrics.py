"""What Prometheus reads, summed over all processes of a host (PROMETHEUS_MULTIPROC_DIR)."""

from prometheus_client import Counter, Histogram

_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)

MESSAGES = Counter("hammy_messages_total", "Messages by what happened to them", ["channel", "event"])
HAND_OVER_SECONDS = Histogram("hammy_hand_over_seconds", "One hand-over to the outside", ["channel"], buckets=_BUCKETS)
QUEUE_SECONDS = Histogram("hammy_queue_seconds", "From due to its outcome", ["channel"], buckets=_BUCKETS)
REQUEST_SECONDS = Histogram(
    "hammy_request_seconds", "One request over HTTP", ["route", "method", "status"], buckets=_BUCKETS
)
QUEUE_MESSAGES = Counter(
    "hammy_queue_messages_total", "Messages of a queue face by their outcome", ["queue", "outcome"]
)
DELIVERIES = Counter("hammy_deliveries_total", "Calls to those who must know, by outcome", ["event", "outcome"])
JOBS = Counter("hammy_jobs_total", "Jobs by what happened to them", ["job_class", "event"])
JOB_SECONDS = Histogram(
    "hammy_job_seconds", "One run of a job", ["job_class"], buckets=(0.01, 0.1, 1, 10, 60, 600, 3600)
)

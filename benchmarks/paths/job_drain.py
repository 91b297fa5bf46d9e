"""Submitted jobs that do nothing, run by two worker processes: each a row with its three events."""

from collections.abc import Iterator

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.peers import queues
from benchmarks.peers.queues import BARE_CELERY, PROCRASTINATE
from benchmarks.site import Site

_STARTED = "SELECT (extract(epoch FROM min(created_at)) * 1000000)::bigint FROM jobs_jobevent WHERE name = 'STARTED'"
_OPEN = "SELECT count(*) FROM jobs_job WHERE finished_at IS NULL"
# Jobs of which some event is missing, or there twice.
_ODD = """
SELECT count(*) FROM jobs_job AS job WHERE status <> 'FINISHED' OR ARRAY['CREATED', 'STARTED', 'FINISHED'] <> ARRAY(
    SELECT name::text FROM jobs_jobevent WHERE job_id = job.id ORDER BY id
)
"""


def measure(bench: Bench) -> Iterator[Figure]:
    count = 2_000 if bench.is_quick else 10_000
    rates: dict[str, list[float]] = {"": [], "one by one": [], PROCRASTINATE: [], BARE_CELERY: []}
    flaws: list[str] = []
    with bench.site() as site, queues.procrastinate(bench) as procrastinate, queues.bare_celery(bench) as celery:
        for _ in range(bench.rounds):
            rates[""].append(_drain(site, "bench.Nothing", count, flaws))
            rates[PROCRASTINATE].append(procrastinate.drain(count))
            rates["one by one"].append(_drain(site, "bench.Careful", count // 4, flaws))
            rates[BARE_CELERY].append(celery.drain(count))
    for ours, peer, bar in (
        ("", PROCRASTINATE, Bar(value=1.0, is_ratio=True)),
        ("", BARE_CELERY, Bar(value=0.5, is_ratio=True)),
        ("one by one", PROCRASTINATE, None),
    ):
        yield Figure(
            name=f"job drain {ours}".strip(),
            unit="jobs/s",
            ours=rates[ours],
            peer=rates[peer],
            peer_name=peer,
            bar=bar,
            flaws=flaws,
        )


def _drain(site: Site, job_class: str, count: int, flaws: list[str]) -> float:
    stored_jobs.empty(site)
    stored_jobs.submit(site, count, job_class=job_class)
    worker = site.start("worker")
    beat = site.start("beat")
    ended = queues.until(lambda: not site.store.count(_OPEN), site.log("worker"))
    beat.stop()
    worker.stop()
    if odd := site.store.count(_ODD):
        flaws.append(f"{odd} jobs are not FINISHED with the events of one run")
    return count / (ended - site.store.count(_STARTED) / 1e6)

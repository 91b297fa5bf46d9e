"""Submitted jobs that do nothing, run by two worker processes: each a row with its three events."""

from collections.abc import Iterator

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure
from benchmarks.peers import queues
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
    ours: list[float] = []
    celery: list[float] = []
    procrastinate: list[float] = []
    flaws: list[str] = []
    with bench.site() as site, queues.procrastinate(bench) as peer, queues.bare_celery(bench) as bare:
        for _ in range(bench.rounds):
            ours.append(_drain(site, count, flaws))
            procrastinate.append(peer.drain(count))
            celery.append(bare.drain(count))
    for name, rates, bar in ((queues.PROCRASTINATE, procrastinate, 1.0), (queues.BARE_CELERY, celery, 0.5)):
        yield Figure(
            name="job drain",
            unit="jobs/s",
            ours=ours,
            peer=rates,
            peer_name=name,
            bar=Bar(value=bar, is_ratio=True),
            flaws=flaws,
        )


def _drain(site: Site, count: int, flaws: list[str]) -> float:
    stored_jobs.empty(site)
    stored_jobs.submit(site, count)
    worker = site.start("worker")
    beat = site.start("beat")
    ended = queues.until(lambda: not site.store.count(_OPEN), site.log("worker"))
    beat.stop()
    worker.stop()
    if odd := site.store.count(_ODD):
        flaws.append(f"{odd} jobs are not FINISHED with the events of one run")
    return count / (ended - site.store.count(_STARTED) / 1e6)

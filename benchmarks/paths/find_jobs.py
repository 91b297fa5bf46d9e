"""Pages of 20 jobs with their total, of 1,000,000, over REST, beside the two statements that a hand would write."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from urllib.parse import urlencode

import psycopg

from benchmarks import stored_jobs
from benchmarks.bench import Bench
from benchmarks.door import JOBS, Door
from benchmarks.measuring import Bar, Figure

_DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: ``asked`` as a caller asks, ``where`` as a hand writes it."""

    name: str
    asked: Mapping[str, Any]
    where: LiteralString = "TRUE"
    offset: int = 0


def _searches(many: int) -> list[Search]:
    season = {"createdAtFrom": (_DAY - timedelta(days=120)).isoformat(), "createdAtTo": _DAY.isoformat()}
    month = {"createdAtFrom": (_DAY - timedelta(days=60)).isoformat(), "createdAtTo": _DAY.isoformat()}
    in_time: LiteralString = "created_at >= %(createdAtFrom)s AND created_at < %(createdAtTo)s"
    of_kind: LiteralString = "job_class = ANY(%(jobClasses)s) AND status = ANY(%(statuses)s) AND "
    return [
        Search(name="all", asked={}),
        Search(name="all from a time", asked=season, where=in_time),
        Search(
            name="FINISHED of two classes from a time",
            asked={"jobClasses": stored_jobs.CLASSES[:2], "statuses": ["FINISHED"], **season},
            where=of_kind + in_time,
        ),
        Search(
            name="FAILED of one class from a time",
            asked={"jobClasses": stored_jobs.CLASSES[2:3], "statuses": ["FAILED"], **month},
            where=of_kind + in_time,
        ),
        Search(name=f"all, offset {many // 2:,}", asked={}, offset=many // 2),
    ]


def measure(bench: Bench) -> Iterator[Figure]:
    stored, seconds = (100_000, 2.0) if bench.is_quick else (1_000_000, 6.0)
    with bench.site() as site:
        bench.say(f"storing {stored:,} jobs")
        stored_jobs.store(site, stored)
        site.start_web()
        door = Door(site)
        # Planned with its values each time, as ours is: a plan for any values may be twice or half as good.
        with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True, prepare_threshold=None) as connection:
            for search in _searches(stored):
                yield _compare(search, door, connection, bench.rounds * seconds)


def _compare(search: Search, door: Door, connection: psycopg.Connection[Any], seconds: float) -> Figure:
    """Both in turn, one request and one look at a time, so that what else the machine does touches both."""
    page: LiteralString = (
        "SELECT uuid, job_class, status, created_at, started_at, finished_at, updated_at, total, completed, params "
        "FROM jobs_job WHERE " + search.where + " ORDER BY created_at DESC, id DESC LIMIT 20 OFFSET %(offset)s"
    )
    count: LiteralString = "SELECT count(*) FROM jobs_job WHERE " + search.where
    values = {**search.asked, "offset": search.offset}
    asked = urlencode({**search.asked, "limit": _LIMIT, "offset": search.offset}, doseq=True)
    ours: list[float] = []
    raw: list[float] = []
    flaws: set[str] = set()
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(ours) < 10:
        began = time.perf_counter()
        rows = connection.execute(page, values).fetchall()
        (total,) = connection.execute(count, values).fetchone() or (0,)
        ended = time.perf_counter()
        answer = door.get(f"{JOBS}?{asked}")
        answered = time.perf_counter()
        raw.append(1000 * (ended - began))
        ours.append(1000 * (answered - ended))
        document = json.loads(answer)
        found = [job["id"] for job in document["data"]], document["meta"]["total"]
        if found != ([str(row[0]) for row in rows], total):
            flaws.add("not the jobs or not the total that the statements found")
    return Figure(
        name=f"find jobs: {search.name}",
        unit="ms",
        # The first looks warm both up.
        ours=ours[3:],
        peer=raw[3:],
        peer_name="two statements",
        bar=Bar(value=1.5, is_ratio=True, is_ceiling=True),
        flaws=sorted(flaws),
    )

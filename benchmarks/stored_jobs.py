"""Jobs stored as if they had come and gone: a year of them, a third in trees of ten, most of them FINISHED."""

from benchmarks.site import Site

# In which file of its site bench.Noting writes down when it was started.
STARTS = "job_starts"
# Twenty of them, each next one rarer.
CLASSES = [f"bench.stored.Class{number:02d}" for number in range(20)]
_YEAR_SECONDS = 365 * 86_400

# Row n of n: its number is its id, so that trees can be named in the same statement.
_JOBS = """
INSERT INTO jobs_job (
    id, uuid, job_class, queue, status, reason, params, client_id, user_name, root_id, parent_id, concurrency_key,
    life, parent_life, attempts, worker, total, completed, due_at, created_at, started_at, finished_at, updated_at
)
SELECT
    id, gen_random_uuid(), 'bench.stored.Class' || lpad(class::text, 2, '0'), 'quick', status, '',
    jsonb_build_array(
        jsonb_build_array('RELATIVE_FILE_PATH', '/import/2026/11/recipients-' || id || '.csv'),
        jsonb_build_array('RECIPIENT_GROUP_UUID', md5(id::text)),
        jsonb_build_array('CSV_SEPARATOR', ';')
    ),
    CASE WHEN id % 10 = 9 THEN NULL ELSE 1 + id / 10 % 10 END, 'user' || id % 50, root, root, '',
    0, 0, 1, 'host:1', 100, 100, created_at, created_at,
    CASE WHEN status <> 'NEW' THEN created_at + interval '1 second' END,
    CASE WHEN status <> 'NEW' THEN created_at + interval '1 minute' END,
    created_at + interval '1 minute'
FROM (
    SELECT
        id,
        floor(20 * power(hashed, 2))::int AS class,
        CASE WHEN id > 10 AND id / 10 % 3 = 0 AND id % 10 <> 0 THEN id - id % 10 END AS root,
        CASE WHEN other < 0.94 THEN 'FINISHED' WHEN other < 0.97 THEN 'FAILED'
             WHEN other < 0.99 THEN 'CANCELLED' ELSE {open} END AS status,
        now() - ({count} - id) * ({seconds}.0 / {count}) * interval '1 second' AS created_at
    FROM (
        SELECT id, (hashint8(id) & 65535) / 65536.0 AS hashed, (hashint8(id + 100000000) & 65535) / 65536.0 AS other
        FROM generate_series({first}, {count}) AS id
    ) AS numbers
) AS rows
"""
_EVENTS = """
INSERT INTO jobs_jobevent (uuid, job_id, created_at, name, reason, actor)
SELECT gen_random_uuid(), id, created_at, name, '', 'host:1'
FROM jobs_job, unnest(ARRAY['CREATED', 'STARTED', status]) AS name WHERE status <> 'NEW'
"""


def store(site: Site, count: int, *, has_open: bool = True) -> None:
    """Have ``count`` jobs, numbered from 1 in the order in which they were created; one in a hundred is NEW, unless
    without ``has_open``. The site's own are forgotten."""
    empty(site)
    values = {"first": 1, "count": count, "seconds": _YEAR_SECONDS}
    site.store.write(_JOBS.format(open="'NEW'" if has_open else "'FINISHED'", **values))
    site.store.write(_EVENTS)
    site.store.write(f"SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), {count})")
    site.store.write("VACUUM ANALYZE jobs_job, jobs_jobevent")


def empty(site: Site) -> None:
    """Forget all jobs."""
    site.store.write("TRUNCATE jobs_jobevent, jobs_joblogline, jobs_triggerfiring, jobs_job")


def submit(site: Site, count: int, *, job_class: str = "bench.Nothing", seconds: float = 0.0) -> dict[int, float]:
    """Have ``count`` jobs submitted, so many seconds apart; from each id to the moment at which it was asked for."""
    moments = site.run_inside("submit_jobs", str(count), job_class, str(seconds))
    return {int(pk): moment for pk, moment in moments.items()}

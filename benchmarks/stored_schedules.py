"""Schedules stored as if clients had made them: letters of about 600 bytes, each once, at times to come or at one."""

import json

from benchmarks import letters
from benchmarks.site import Site

# Whose they are: the site's own client, or one of a thousand others, as a million belong to many.
_STORE = """
INSERT INTO schedules_schedule (
    uuid, client_id, name, is_enabled, is_repeated, trigger, times, asked_zoning, zoning, slot, kind, push, size,
    due_at, planned_at, created_at, updated_at
)
SELECT
    gen_random_uuid(), {client}, 'reminder ' || number, true, false,
    json_build_object('single', json_build_object('time', slot, 'zone_type', 1))::text,
    jsonb_build_object('time', slot), 'SITE', 'SITE', slot, 'send',
    replace('{push}', '@@@@@@@@@@', lpad(number::text, 10, '0')), {size}, due_at, now() - interval '1 day', now(), now()
FROM (
    SELECT number, due_at, to_char(due_at AT TIME ZONE 'Europe/Budapest', 'YYYY-MM-DD HH24:MI:SS') AS slot
    FROM (SELECT number, date_trunc('second', now()) + {due} AS due_at FROM generate_series({first}, {last}) AS number)
    AS numbers
) AS rows
"""
_OTHERS = """
INSERT INTO gateway_apiclient ({columns})
SELECT {values} FROM gateway_apiclient AS seed, generate_series(2, 1001) AS number WHERE seed.id = 1
"""
_FIRST_OWN = 10_000_000
_OWN = {"id": "number", "uuid": "gen_random_uuid()", "name": "'client ' || number"}


def push(number: str = letters.NUMBER) -> dict[str, object]:
    """What is to be done: a letter without a request id, since it has the schedule's."""
    letter = letters.short_letter(number)
    del letter["requestId"]
    return {"send": letter}


def _text() -> str:
    return json.dumps(push(), ensure_ascii=False, separators=(",", ":")).replace("'", "''")


def store_waiting(site: Site, count: int) -> None:
    """Have ``count`` of a thousand clients, due in the year to come."""
    unique = {name: _OWN.get(name, f"seed.{name}") for name in site.store.columns("gateway_apiclient")}
    site.store.write(_OTHERS.format(columns=", ".join(unique), values=", ".join(unique.values())))
    due = "interval '1 day' + number % 31000000 * interval '1 second'"
    _store(site, count, client="2 + number % 1000", due=due)
    site.store.write("VACUUM ANALYZE schedules_schedule")


def store_due(site: Site, count: int, *, seconds: float, apart: float = 0.0) -> None:
    """Have ``count`` of the site's own client, due so many seconds from now, and so far ``apart``."""
    due = f"interval '{seconds} seconds' + (number - {_FIRST_OWN}) * interval '{apart} seconds'"
    _store(site, count, client="1", due=due, first=_FIRST_OWN)


def _store(site: Site, count: int, *, client: str, due: str, first: int = 1) -> None:
    text = _text()
    statement = _STORE.format(client=client, due=due, first=first, last=first + count - 1, push=text, size=len(text))
    site.store.write(statement)


def forget_own(site: Site) -> None:
    """The site's own client never had any."""
    site.store.write("TRUNCATE schedules_firing")
    site.store.write("DELETE FROM schedules_schedule WHERE client_id = 1")
    for table in ("sending_messageevent", "sending_message", "jobs_jobevent", "jobs_job"):
        site.store.write(f"TRUNCATE {table} CASCADE")

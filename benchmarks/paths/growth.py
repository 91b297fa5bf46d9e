"""What one message costs with 1,000 and with 1,000,000 stored: accepting it, and handing it over."""

from collections.abc import Iterator

from benchmarks import filling, letters, load
from benchmarks.accepting import CONNECTIONS, ROUND
from benchmarks.bench import Bench
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.sink import Sink
from benchmarks.site import Site

_COPY_MESSAGES = """
INSERT INTO sending_message ({columns})
SELECT {values} FROM sending_message AS seed, generate_series(1, {count}) AS number
WHERE seed.id = (SELECT min(id) FROM sending_message)
"""
# What tells the copies apart; all other columns are the seed's.
_OWN = {
    "uuid": "gen_random_uuid()",
    "request_id": "'stored-' || number",
    "idempotency_key": "'stored-' || number",
    "partner_ref": "'partner-' || number",
    "recipient_email_address": "'stored' || number || '@example.com'",
    "created_at": "seed.created_at - number * interval '1 second'",
}
_COPY_EVENTS = """
INSERT INTO sending_messageevent (message_id, created_at, name, reason, actor)
SELECT id, created_at, name, '', '' FROM sending_message, unnest(ARRAY['ACCEPTED', 'SENDING', 'SENT']) AS name
WHERE request_id LIKE 'stored-%'
"""


def measure(bench: Bench) -> Iterator[Figure]:
    few, many = (1_000, 100_000) if bench.is_quick else (1_000, 1_000_000)
    with bench.sink() as sink, bench.site(sink=sink) as small, bench.site(sink=sink) as large:
        for site, stored in ((small, few), (large, many)):
            site.start_web()
            _store(bench, site, sink, stored)
        yield _accept(bench, small, large, many)
        yield _dispatch(bench, small, large, many, sink)


def _accept(bench: Bench, small: Site, large: Site, many: int) -> Figure:
    flaws: list[str] = []

    def cost(site: Site, number: int) -> float:
        result = load.closed(
            port=site.port,
            shot=letters.plain(site.headers()),
            connections=CONNECTIONS,
            seconds=bench.seconds(5, 3),
            first_number=(number + 1) * ROUND,
        )
        flaws.extend(result.flaws)
        return 1000 / result.rate

    costs, few_costs = alternate(bench.rounds, lambda number: cost(large, number), lambda number: cost(small, number))
    return _figure("accept", many, costs, few_costs, flaws)


def _dispatch(bench: Bench, small: Site, large: Site, many: int, sink: Sink) -> Figure:
    count = 2_000 if bench.is_quick else 5_000
    for site in (small, large):
        # Only what the rounds add is to be sent.
        site.store.write(
            "DELETE FROM sending_messageevent WHERE message_id IN "
            "(SELECT id FROM sending_message WHERE closed_at IS NULL)"
        )
        site.store.write("DELETE FROM sending_message WHERE closed_at IS NULL")
        site.store.write("VACUUM ANALYZE")

    def cost(site: Site, number: int) -> float:
        filling.accept(site, site.headers(), count, first_number=100 + number)
        sink.clear()
        worker = site.start("worker")
        sink.wait_for(1, 60)
        ended = site.wait_until_settled(300)
        worker.stop()
        return 1000 * (ended - sink.mails()[0][0]) / count

    costs, few_costs = alternate(bench.rounds, lambda number: cost(large, number), lambda number: cost(small, number))
    return _figure("dispatch", many, costs, few_costs, [])


def _figure(what: str, many: int, costs: list[float], few_costs: list[float], flaws: list[str]) -> Figure:
    return Figure(
        name=f"growth: {what} with {many:,} stored",
        unit="ms each",
        ours=costs,
        peer=few_costs,
        peer_name="with 1,000",
        bar=Bar(value=1.2, is_ratio=True, is_ceiling=True),
        flaws=flaws,
    )


def _store(bench: Bench, site: Site, sink: Sink, count: int) -> None:
    """Have one letter sent, then copy it until ``count`` are stored."""
    worker = site.start("worker")
    load.shots(port=site.port, shot=letters.plain(site.headers(), letters.mail()), count=1)
    sink.wait_for(1, 60)
    site.wait_until_settled(60)
    worker.stop()
    bench.say(f"storing {count:,} messages")
    names = site.store.columns("sending_message")
    names.remove("id")
    values = ", ".join(_OWN.get(name, f"seed.{name}") for name in names)
    site.store.write(_COPY_MESSAGES.format(columns=", ".join(names), values=values, count=count))
    site.store.write(_COPY_EVENTS)
    site.store.write("VACUUM ANALYZE")

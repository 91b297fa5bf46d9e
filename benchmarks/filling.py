"""Letters taken over the bulk face before or while something else is measured."""

from benchmarks import letters, load
from benchmarks.site import Site

BATCH = 1000


def accept(site: Site, headers: dict[str, str], count: int, *, first_number: int = 0) -> None:
    """Have ``count`` mails of 2 KB accepted; raises RuntimeError when one was not."""
    before = site.store.count("SELECT count(*) FROM sending_message")
    size = min(BATCH, count)
    shot = letters.batch(headers, size, content=letters.mail)
    # Batches are numbered from first_number * 1,000,000 on.
    result = load.shots(port=site.port, shot=shot, count=count // size, first_number=first_number * 1_000_000)
    taken = site.store.count("SELECT count(*) FROM sending_message") - before
    if taken != count:
        raise RuntimeError(f"{taken} of {count} letters were taken: {result.flaws or result.complaint}")

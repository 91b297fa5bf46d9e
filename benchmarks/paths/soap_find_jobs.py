"""A page of 20 of 1,000 jobs over SOAP, beside a bare Spyne service that answers with rows made beforehand."""

import urllib.request
from collections.abc import Iterator

from benchmarks import load, stored_jobs
from benchmarks.bench import Bench
from benchmarks.load import Result, Shot
from benchmarks.measuring import Bar, Figure, alternate
from benchmarks.peers import sides

_STORED = 1_000
_PAGE = 20
_CONNECTIONS = 8
_ENVELOPE = """\
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v1="http://chaingun.dbx.hu/api/job/v1">
<soapenv:Header/><soapenv:Body><v1:findJobs><request>
<requestMeta><clientHashKey>{key}</clientHashKey><userName>admin</userName></requestMeta>
<limit>{page}</limit><offset>0</offset><statuses><status>FINISHED</status></statuses>
</request></v1:findJobs></soapenv:Body></soapenv:Envelope>
"""


def measure(bench: Bench) -> Iterator[Figure]:
    seconds = bench.seconds(6, 3)
    with bench.site() as site, sides.bare_spyne(bench, site) as peer_port:
        stored_jobs.store(site, _STORED)
        site.start_web()
        body = _ENVELOPE.format(page=_PAGE, key=site.headers()["X-Client-Hash-Key"]).encode()
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}

        def flat_out(port: int, path: str) -> Result:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                if (found := answer.read().count(b"jobClass>") / 2) != _PAGE:
                    raise RuntimeError(f"{found} jobs were answered at {path}")
            shot = Shot(path=path, body=body, headers=headers)
            return load.closed(port=port, shot=shot, connections=_CONNECTIONS, seconds=seconds)

        ours, peers = alternate(
            bench.rounds,
            lambda _: flat_out(site.port, "/hammy/ws/job/v1"),
            lambda _: flat_out(peer_port, "/"),
        )
        yield Figure(
            name="findJobs over SOAP",
            unit="requests/s",
            ours=[result.rate for result in ours],
            peer=[result.rate for result in peers],
            peer_name=sides.BARE_SPYNE,
            bar=Bar(value=0.7, is_ratio=True),
            flaws=[flaw for result in (*ours, *peers) for flaw in result.flaws],
        )

"""A site's REST face as one careful caller uses it: a request after the other on a connection that stays open."""

import http.client

from benchmarks.site import Site

JOBS = "/hammy/json/job/v1/jobs"


class Door:
    """One kept-open connection to a site's REST face."""

    def __init__(self, site: Site, headers: dict[str, str] | None = None) -> None:
        self._headers = headers or site.headers()
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)

    def get(self, path: str) -> bytes:
        """The body of an answer; raises RuntimeError for one that is no success."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered {answer.status}: {body[-600:].decode()}")
        return body

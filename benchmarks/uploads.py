"""Letters with a file of their own, sent over one kept-open connection by a client that holds the file in memory."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import letters
from benchmarks.site import Site

MEGABYTE = 1024 * 1024
# As long as those that clients make up.
_BOUNDARY = b"-" * 24 + b"9051914041544843"
_MULTIPART = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
_INLINE = {"key": "ATTACHMENT_SOURCE", "value": "INLINE"}


def letter_with(number: int, **attachment: str) -> dict[str, Any]:
    """A short letter with one attachment, as plain JSON."""
    return letters.short_letter(f"{number:010d}") | {
        "attachments": [{"fileName": "file.bin", "properties": [_INLINE], **attachment}]
    }


class Uploader:
    """One client's connection."""

    def __init__(self, site: Site) -> None:
        self._headers = site.headers()
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)

    def send(self, content_type: str, *pieces: bytes) -> None:
        """One request of these pieces; raises RuntimeError unless the letter is taken."""
        length = str(sum(map(len, pieces)))
        headers = {**self._headers, "Content-Type": content_type, "Content-Length": length}
        self._connection.request("POST", letters.SEND, body=iter(pieces), headers=headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {said.decode()}")

    def upload(self, number: int, content: bytes) -> None:
        """A letter with ``content`` as a part, made another file by its first bytes."""
        message = json.dumps(letter_with(number, attachmentRef="file")).encode()
        head = (
            b'--%b\r\nContent-Disposition: form-data; name="message"\r\nContent-Type: application/json\r\n\r\n%b'
            b'\r\n--%b\r\nContent-Disposition: form-data; name="file"\r\n\r\n%016x'
        ) % (_BOUNDARY, message, _BOUNDARY, number)
        self.send(_MULTIPART, head, content, b"\r\n--%b--\r\n" % _BOUNDARY)


def per_second(times: int, *acts: Callable[[int], None], numbers: Iterator[int]) -> float:
    """How often in a second all ``acts`` together are done, each in a thread of its own and ``times`` times, each time
    with a number of its own."""

    def repeat(act: Callable[[int], None]) -> None:
        for _ in range(times):
            act(next(numbers))

    with ThreadPoolExecutor(len(acts)) as pool:
        began = time.perf_counter()
        for done in [pool.submit(repeat, act) for act in acts]:
            done.result()
        return times * len(acts) / (time.perf_counter() - began)


def random_bytes(megabytes: int) -> bytes:
    """What no disk or cache can make smaller."""
    return os.urandom(megabytes * MEGABYTE)

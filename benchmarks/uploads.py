"""Letters with a file of their own, sent over one kept-open connection by a client that holds the file in memory."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import letters
from benchmarks.site import Site

MEGABYTE = 1024 * 1024
_MULTIPART = "multipart/form-data; boundary=bench"
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
            b'--bench\r\nContent-Disposition: form-data; name="message"\r\nContent-Type: application/json\r\n\r\n%b'
            b'\r\n--bench\r\nContent-Disposition: form-data; name="file"\r\n\r\n%016x'
        ) % (message, number)
        self.send(_MULTIPART, head, content, b"\r\n--bench--\r\n")


def per_second(count: int, act: Callable[[int], None], numbers: Iterator[int]) -> float:
    """How often ``act`` is done in a second, each time with a number of its own."""
    began = time.perf_counter()
    for _ in range(count):
        act(next(numbers))
    return count / (time.perf_counter() - began)


def random_bytes(megabytes: int) -> bytes:
    """What no disk or cache can make smaller."""
    return os.urandom(megabytes * MEGABYTE)

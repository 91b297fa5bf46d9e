"""A letter as a multipart request: its JSON in the part ``message``, its attachments' bytes in parts of their own.

Contract send_v2, "Faces", REST.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.http import HttpRequest

from gateway import multipart
from gateway.body import JSON, JSON_API, JsonBody, decode_json
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from gateway.incoming import Incoming, StoredBytes
from gateway.multipart import Bounds, Held, at_part
from sending.send_v2.model import MOST_ATTACHMENTS
from sending.send_v2.problems import MOST_REPORTED
from sending.send_v2.request import Reading

_MESSAGE = "message"
# A part that does not say what it is is text/plain (RFC 7578), and so do clients call any text.
_UNSAID = ("", "text/plain")


@dataclass(frozen=True, slots=True)
class Upload:
    """A request received: the letter's JSON, the files, and what is wrong with parts of it."""

    body: JsonBody
    files: Mapping[str, StoredBytes]
    problems: tuple[Problem, ...] = field(default=())

    def read(self, letter: Callable[[JsonBody, Mapping[str, StoredBytes]], Reading]) -> Reading:
        """The letter as ``letter`` reads it; raises Refusal with the problems of the parts and those of the letter."""
        try:
            reading = letter(self.body, self.files)
        except Refusal as refusal:
            raise Refusal([*self.problems, *refusal.problems][:MOST_REPORTED]) from refusal
        if self.problems:
            raise Refusal(self.problems[:MOST_REPORTED])
        return reading


def receive(request: HttpRequest, incoming: Incoming, *, caller: Caller) -> Upload:
    """Read the whole request, its files into ``incoming``; raises Refusal for what is no letter with uploads, is more
    than caller and site allow, or cannot be kept."""
    most = settings.HAMMY_MAX_UPLOAD_BYTES
    received = multipart.read(
        request,
        incoming,
        held=_MESSAGE,
        bounds=Bounds(
            request=most if caller.max_upload_bytes is None else min(most, caller.max_upload_bytes),
            upload=settings.HAMMY_MAX_ATTACHMENT_BYTES,
            held=settings.HAMMY_MAX_REQUEST_BYTES,
            parts=MOST_ATTACHMENTS + 1,
        ),
    )
    problems = received.problems
    if received.held is None:
        if not any(problem.field == (_MESSAGE,) for problem in problems):
            problems.append(at_part(Code.REQUIRED, "required: the part with the letter's JSON", _MESSAGE))
        raise Refusal(problems[:MOST_REPORTED])
    try:
        body = _decoded(received.held)
    except Refusal as refusal:
        raise Refusal([*problems, *refusal.problems][:MOST_REPORTED]) from refusal
    return Upload(body, received.uploads, tuple(problems))


def _decoded(held: Held) -> JsonBody:
    if held.media_type not in (JSON, JSON_API, *_UNSAID):
        sentence = f"Content-Type must be {JSON_API} or {JSON}"
        raise Refusal(at_part(Code.MALFORMED, sentence, _MESSAGE, status=415))
    if held.charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise Refusal(at_part(Code.MALFORMED, "the charset must be utf-8", _MESSAGE, status=415))
    try:
        data = decode_json(held.content)
    except Refusal as refusal:
        # What stands at no member of the document stands at the part.
        raise Refusal([
            problem if problem.field else replace(problem, field=(_MESSAGE,), parameter=True)
            for problem in refusal.problems
        ]) from refusal  # fmt: skip
    return JsonBody(data, JSON if held.media_type == JSON else JSON_API)

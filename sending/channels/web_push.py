"""WEB_PUSH: what browsers are told, encrypted for each (RFC 8030, 8291, 8292; contract schedules_v4, ``push``)."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import uvloop
from django.conf import settings
from django.utils import timezone
from py_vapid import Vapid, VapidException
from py_vapid.utils import b64urldecode
from pywebpush import WebPusher

from gateway.backoff import asked_wait
from gateway.errors import Code, Problem
from gateway.outbound import Answer, Client
from gateway.outbound_rules import origin_of, read_url
from sending.channels.base import Channel, Outcome, OutcomeKind, Parcel, WebPush
from sending.channels.rests import Rests
from sending.letter import Addressee, Letter

CALL_SECONDS = 15.0
# A signature may be shown for a day (RFC 8292, 2); ours is made anew long before that.
_TOKEN_SECONDS, _FRESH_SECONDS = 12 * 3600, 6 * 3600
_MOST_TOKENS = 10_000
_GONE = {404, 410}
# A push service that leaves so many calls in a row unanswered is tried again a while later, by all.
_MOST_UNANSWERED, _SILENT_SECONDS = 5, 30.0


_NO_PUSH = Outcome(kind=OutcomeKind.FAILED, words="it is no push")
_log = logging.getLogger(__name__)


class _Flight:
    """Pushes under way, and those that came to something."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.landed: deque[tuple[Parcel, Outcome]] = deque()
        self._is_landed = asyncio.Event()

    def land(self, parcel: Parcel, outcome: Outcome) -> None:
        """Called by a push's own task, at its end."""
        if (task := asyncio.current_task()) is not None:
            self.tasks.discard(task)
        self.landed.append((parcel, outcome))
        self._is_landed.set()

    async def landing(self) -> None:
        """Until at least one came to something."""
        await self._is_landed.wait()
        self._is_landed.clear()


class WebPushChannel(Channel):
    """Tells browsers by their push services. A push that arrives twice is shown once, for our worker in the browser
    knows its id (docs/adr/0029)."""

    name: ClassVar[str] = "WEB_PUSH"
    takes_letters: ClassVar[bool] = False
    is_repeatable: ClassVar[bool] = True
    reads_enclosures: ClassVar[bool] = False
    most_at_once: ClassVar[int] = 50

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        # Names are asked for in threads, and one that nobody answers holds its own for long.
        self._loop.set_default_executor(ThreadPoolExecutor(self.most_at_once, thread_name_prefix="names"))
        self._client: Client | None = None
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}
        self._rests = Rests()
        self._unanswered: Counter[str] = Counter()

    def check(self, letter: Letter) -> Iterator[Problem]:
        """No letter goes this way."""
        yield Problem(code=Code.INVALID, sentence="takes no letters: pushes are its own kind", field=("channel",))

    def recipient_problems(self, to: Letter | Addressee) -> Iterator[Problem]:
        """None of whom it could go to."""
        return iter(())

    def hand_over(self, parcel: Parcel) -> Outcome:
        """One push to one browser."""
        ((_, outcome),) = self.hand_over_all([parcel])
        return outcome

    def hand_over_all(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, Outcome]]:
        """Many pushes side by side: a push service answers in a tenth of a second or so, and takes many meanwhile."""
        waiting = iter(parcels)
        flight = _Flight()
        try:
            while True:
                while len(flight.tasks) < self.most_at_once and (parcel := next(waiting, None)) is not None:
                    flight.tasks.add(self._loop.create_task(self._fly(parcel, flight)))
                if not flight.tasks and not flight.landed:
                    return
                self._loop.run_until_complete(flight.landing())
                while flight.landed:
                    yield flight.landed.popleft()
        finally:
            for task in flight.tasks:
                task.cancel()
            if flight.tasks:
                self._loop.run_until_complete(asyncio.wait(flight.tasks))

    async def _fly(self, parcel: Parcel, flight: _Flight) -> None:
        try:
            outcome = await self._push(parcel.web_push) if parcel.web_push else _NO_PUSH
        except Exception:
            _log.exception("push broke", extra={"message_id": parcel.message_id})
            outcome = Outcome(kind=OutcomeKind.RETRY, words="internal failure while handing over, see the log")
        flight.land(parcel, outcome)

    async def _push(self, push: WebPush) -> Outcome:
        try:
            target = read_url(push.endpoint)
        except ValueError as error:
            return Outcome(kind=OutcomeKind.RETRY, words=str(error))
        origin = origin_of(target)
        if rest := self._rests.left(origin, push.private_key):
            return Outcome(kind=OutcomeKind.THROTTLED, words=f"{target.host} is left in peace", after=rest)
        try:
            body = _encrypted(push)
            authorization = self._authorization(origin, push.private_key)
        except (ValueError, VapidException) as error:
            return Outcome(kind=OutcomeKind.FAILED, words=f"cannot be encrypted and signed: {error}")
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(push.time_to_live),
            **({"Urgency": push.urgency} if push.urgency else {}),
            **({"Topic": push.topic} if push.topic else {}),
        }
        client = self._client or await self._opened()
        answer = await client.call("POST", target, body=body, headers=headers, seconds=CALL_SECONDS)
        return self._outcome(answer, push, origin)

    async def _opened(self) -> Client:
        # Before the first wait, so that no two are made.
        self._client = Client(most=self.most_at_once, most_per_host=self.most_at_once)
        return await self._client.__aenter__()

    def _outcome(self, answer: Answer, push: WebPush, origin: str) -> Outcome:
        """RFC 8030, 5 to 7.3: taken, gone, never to be taken, or to be tried again."""
        if answer.status is not None:
            self._unanswered.pop(origin, None)
        if answer.is_success:
            return Outcome(kind=OutcomeKind.SENT, words=f"{answer.status}")
        words = _words(answer)
        after = asked_wait(answer.retry_after, now=timezone.now())
        if answer.status is None:
            self._unanswered[origin] += 1
            if self._unanswered[origin] >= _MOST_UNANSWERED:
                del self._unanswered[origin]
                self._rests.begin(origin, "", _SILENT_SECONDS)
            return Outcome(kind=OutcomeKind.RETRY, words=words)
        if answer.status == 429 or (answer.status >= 500 and after):
            after = after or settings.HAMMY_RETRY_FIRST_SECONDS
            self._rests.begin(origin, push.private_key, after)
            return Outcome(kind=OutcomeKind.THROTTLED, words=words, after=after)
        if answer.status >= 500:
            return Outcome(kind=OutcomeKind.RETRY, words=words)
        gone = push.endpoint if answer.status in _GONE else ""
        return Outcome(kind=OutcomeKind.FAILED, words=words, gone=gone)

    def _authorization(self, origin: str, private_key: str) -> str:
        """VAPID (RFC 8292), signed once for hours: it names the push service and no push."""
        made_at, token = self._tokens.get((origin, private_key), (0.0, ""))
        now = time.time()
        if now - made_at > _FRESH_SECONDS:
            if len(self._tokens) >= _MOST_TOKENS:
                self._tokens.clear()
            claims = {"aud": origin, "exp": int(now) + _TOKEN_SECONDS, "sub": _contact()}
            key = Vapid.from_string(private_key)
            # The library's idea of whom one may turn to is narrower than the standard's.
            key.conf = {"no-strict": True}
            token = key.sign(claims)["Authorization"]
            self._tokens[origin, private_key] = now, token
        return token

    def close(self) -> None:
        """Leave the push services; the next push connects anew."""
        if self._client is not None:
            self._loop.run_until_complete(self._client.__aexit__(None, None, None))
            self._client = None
        self._tokens.clear()


class _Browser(WebPusher):
    """One that is encrypted for; the library's own beginning copies and checks what is checked when it subscribes."""

    def __init__(self, push: WebPush) -> None:
        self.receiver_key, self.auth_key = b64urldecode(push.p256dh.encode()), b64urldecode(push.auth.encode())


def _encrypted(push: WebPush) -> bytes:
    """The body (RFC 8291); raises ValueError for keys that are none."""
    body: bytes = _Browser(push).encode(push.payload)["body"]
    return body


def _contact() -> str:
    """Whom a push service may turn to, as a URI."""
    given = settings.HAMMY_PUSH_CONTACT or settings.HAMMY_FROM_ADDRESS
    return given if given.startswith(("https:", "mailto:")) else f"mailto:{given}"


def _words(answer: Answer) -> str:
    """What the push service said, as one line."""
    if answer.status is None:
        return answer.failure
    said = "".join(c if c.isprintable() else " " for c in answer.body.decode(errors="replace"))[:200].strip()
    return f"{answer.status} {said}".strip()

"""Send V2 over AMQP: decode, call, encode (contract send_v2, "Faces", AMQP).

The messages of a batch are read one by one, their letters submitted by caller in one transaction, and each is answered
in kind.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from django.db import InterfaceError, OperationalError

from gateway.amqp.delivery import Answer, Delivery
from gateway.caller import Caller
from gateway.credentials.hash_key import known_client
from gateway.errors import Code, Refusal, refuse
from gateway.failures import refusal_for
from gateway.incoming import Incoming
from gateway.logs import Trace, current_trace, note_caller
from sending import services
from sending.acceptance import examine
from sending.send_v2 import answer
from sending.send_v2.queue_forms import RESEND, Form
from sending.send_v2.request import Reading

_KEY, _USER = "X-Client-Hash-Key", "X-User-Name"
_LONGEST_NAME = 150
_NO_DATABASE = (OperationalError, InterfaceError)
_LATER = Answer(is_to_wait=True)

_log = logging.getLogger(__name__)


def answers(deliveries: Sequence[Delivery]) -> list[Answer]:
    """An answer for each message; never raises. Where the database cannot be used, they are to wait."""
    calls = [_Call(delivery) for delivery in deliveries]
    by_caller: dict[Caller, list[tuple[_Call, Reading]]] = {}
    with Incoming() as incoming:
        for call in calls:
            call.attempt(partial(call.begin, incoming))
            if call.reading is not None and call.caller is not None:
                by_caller.setdefault(call.caller, []).append((call, call.reading))
        for caller, group in by_caller.items():
            _submit(caller, group)
    if waiting := sum(call.answer is _LATER for call in calls):
        _log.warning("the database cannot be used: %d messages wait", waiting)
    return [call.answer for call in calls]


def _submit(caller: Caller, group: Sequence[tuple["_Call", Reading]]) -> None:
    try:
        results = services.submit_many(caller=caller, letters=[reading.letter for _, reading in group])
    except _NO_DATABASE:
        return
    except Exception as error:
        if len(group) == 1:
            group[0][0].refuse(refusal_for(error))
            return
        # Whatever one of them did, it must not be the others' fault.
        _log.exception("a batch failed; its %d messages are taken one by one", len(group))
        for one in group:
            _submit(caller, [one])
        return
    for (call, reading), result in zip(group, results, strict=True):
        if isinstance(result, Refusal):
            call.refuse(reading.outward(result))
        else:
            call.accept(result.message_id, answer.params(result))


class _Call:
    """One message on its way to its answer, which is to wait until there is another one."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._form = Form(delivery)
        self.caller: Caller | None = None
        self.reading: Reading | None = None
        self.answer = _LATER

    def attempt(self, step: Callable[[], None]) -> None:
        """Do it; what goes wrong becomes the answer."""
        token = current_trace.set(Trace(request_id=self._delivery.property("message_id")))
        try:
            step()
        except _NO_DATABASE:
            self.reading = None
        except Exception as error:
            self.refuse(refusal_for(error))
        finally:
            current_trace.reset(token)

    def begin(self, incoming: Incoming) -> None:
        """Find out who calls, and read the letter; a resend is carried out at once."""
        self._form.decode(incoming)
        caller = self._caller()
        caller.require("send")
        message_id = self._delivery.property("message_id")
        if self._form.method == RESEND:
            self.accept(*answer.resent(self._form.read().submit(caller, delivery_id=message_id)))
            return
        self.caller = caller
        self.reading = self._form.read(examine=partial(examine, caller), delivery_id=message_id)

    def accept(self, message_id: int, params: Iterable[tuple[str, str]]) -> None:
        """Tell what was done."""
        self.answer = Answer(body=self._form.accepted(message_id, params), media_type=self._form.media_type)

    def refuse(self, refusal: Refusal) -> None:
        """Tell why it was not; what cannot be done at present may wait."""
        is_large = any(problem.status == 413 for problem in refusal.problems)
        self.answer = Answer(
            body=self._form.refused(refusal),
            media_type=self._form.media_type,
            code=int(refusal.code),
            refusal="; ".join(problem.detail for problem in refusal.problems),
            is_dead=is_large or refusal.code in (Code.MALFORMED, Code.INTERNAL),
            is_to_wait=refusal.code == Code.UNAVAILABLE,
        )

    def _caller(self) -> Caller:
        """Who calls: the client proved by its key, the user recorded as named; raises 2000 and 2003."""
        client = known_client(self._said(_KEY, "clientHashKey"), field=_KEY)
        # A queue knows no address; who may write to it, the broker decides.
        client.admit(None)
        user_name = self._said(_USER, "userName")
        if len(user_name) > _LONGEST_NAME or not user_name.isprintable():
            raise refuse(Code.CLIENT, f"must be at most {_LONGEST_NAME} printable characters", _USER, parameter=True)
        caller = client.caller_for(user_name)
        note_caller(caller)
        return caller

    def _said(self, header: str, name: str) -> str:
        """What the header and the body say, which must be the same."""
        fields = self._form.fields
        meta = fields.get("requestMeta")
        values = [self._delivery.header(header), fields.get(name), meta.get(name) if isinstance(meta, dict) else None]
        found = {value.strip() for value in values if isinstance(value, str)} - {""}
        if len(found) > 1:
            raise refuse(Code.CLIENT, f"{name} and {header} say different things", header, parameter=True)
        return found.pop() if found else ""

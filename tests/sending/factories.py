"""Letters, templates and a channel under the test's control."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Problem
from sending import queue, services
from sending.channels.base import Channel, Outcome, OutcomeKind, Parcel
from sending.letter import Addressee, Letter, LetterAttachment
from sending.models import Dispatcher, Message, MessageEvent, Template, TemplateVersion
from sending.states import VersionStatus
from tests.factories import make_caller


def a_letter(**overrides: Any) -> Letter:
    """A good e-mail letter."""
    values: dict[str, Any] = {
        "recipient_name": "Teszt Elek",
        "recipient_email_address": "elek@example.com",
        "mail_subject": "Teszt levél tárgy",
        "mail_body": "Teszt levél szöveg",
    }
    return Letter(**values | overrides)


def an_attachment(content: bytes = b"%PDF-1.4 minta", **overrides: Any) -> LetterAttachment:
    return LetterAttachment(**{"file_name": "minta.pdf", "content": content} | overrides)


def make_template(name: str = "TEST.MAIL", **overrides: Any) -> TemplateVersion:
    """An enabled version of a template; words overridable by name."""
    template, _ = Template.objects.get_or_create(name=name)
    values: dict[str, Any] = {
        "version": template.versions.count() + 1,
        "status": VersionStatus.ENABLED,
        "subject": "Kedves {{ recipientName }}!",
        "text": 'Szerződés: {{ properties["AZON"] }}',
    }
    return TemplateVersion.objects.create(template=template, **values | overrides)


def submitted(caller: Caller | None = None, **overrides: Any) -> Message:
    """A letter taken by the service, as its row."""
    accepted = services.submit(caller=caller or make_caller(), letter=a_letter(**overrides))
    return Message.objects.get(pk=accepted.message_id)


def make_uncertain() -> Message:
    """A message whose worker died over it."""
    message = submitted()
    dispatcher = Dispatcher.objects.create(host="gone", pid=1, lease_until=timezone.now())
    queue.claim(channel="EMAIL", dispatcher=dispatcher, size=1)
    queue.recover(dispatcher, why="worker gone died")
    message.refresh_from_db()
    return message


def event_names(message: Message) -> list[str]:
    return [event.name for event in MessageEvent.objects.filter(message=message).order_by("id")]


def an_outcome(kind: OutcomeKind, words: str = "words", **recipients: str) -> Outcome:
    return Outcome(kind=kind, words=words, recipients=recipients)


class ScriptedChannel(Channel):
    """Plays the outside: one outcome for each parcel in turn, SENT when the script is over."""

    name: ClassVar[str] = "EMAIL"

    def __init__(self, *script: Outcome | Callable[[Parcel], Outcome]) -> None:
        self.script = list(script)
        self.parcels: list[Parcel] = []

    def check(self, letter: Letter) -> Iterable[Problem]:
        return ()

    def recipient_problems(self, to: Letter | Addressee) -> Iterable[Problem]:
        return ()

    def hand_over(self, parcel: Parcel) -> Outcome:
        self.parcels.append(parcel)
        step = self.script.pop(0) if self.script else Outcome(kind=OutcomeKind.SENT, words="250 ok")
        return step(parcel) if callable(step) else step

"""What must be true of a letter before it is taken: its channel, its template, its sender."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal
from sending import certifying, sources
from sending.channels import channel, letter_channels
from sending.letter import Letter, digest_of
from sending.models import Template, TemplateVersion
from sending.rendering import compiled, template_data
from sending.states import HeldFor, Status, TemplateStatus, VersionStatus

_USABLE = (TemplateStatus.ENABLED, TemplateStatus.SUSPENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A letter found good, with what it was resolved to; ``content`` is Letter.content."""

    letter: Letter
    content: dict[str, Any]
    version_id: int | None
    held_for: str


# What the letters of one chunk name, looked up once: a template's name and the version asked for.
Versions = dict[tuple[str, int | None], TemplateVersion | Problem]


def examine(caller: Caller, letter: Letter, versions: Versions | None = None, *, is_again: bool = False) -> Examined:
    """Everything that can be known before the letter is stored; raises Refusal with all that is wrong.

    ``versions`` remembers template versions between the letters of one caller that are stored together. ``is_again``:
    the letter went out before, and a version of its template that is retired since still serves it.
    """
    problems: list[Problem] = []
    version: TemplateVersion | None = None
    held_for = ""
    content = letter.content()
    if letter.channel not in letter_channels():
        supported = ", ".join(letter_channels())
        problems.append(Problem(code=Code.INVALID, sentence=f"must be one of {supported}", field=("channel",)))
    else:
        by = channel(letter.channel)
        problems.extend(by.check(letter))
        problems.extend(certifying.problems_of(letter, by))
    problems.extend(_sender_problems(caller, letter))
    problems.extend(sources.problems_of(caller, letter))
    if letter.message_type:
        found = _remembered_version(caller, letter, {} if versions is None else versions, is_again=is_again)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            version = found
            problems.extend(_data_problems(version, letter.message_type, content))
            held_for = HeldFor.TEMPLATE if version.template.status == TemplateStatus.SUSPENDED else ""
    if letter.expires_at and letter.expires_at <= timezone.now():
        problems.append(Problem(code=Code.INVALID, sentence="must be in the future", field=("params", "EXPIRES_AT")))
    if problems:
        raise Refusal(problems)
    if not held_for and letter.send_at and letter.send_at > timezone.now():
        held_for = HeldFor.TIME
    return Examined(letter=letter, content=content, version_id=version.pk if version else None, held_for=held_for)


def _sender_problems(caller: Caller, letter: Letter) -> list[Problem]:
    """A client limited to sender domains may not write in another's name, but for the one it gets by saying none."""
    domain = letter.from_address.rpartition("@")[2].lower()
    if not domain or not caller.sender_domains or domain in caller.sender_domains:
        return []
    if letter.from_address == _own_address(caller):
        return []
    allowed = ", ".join(caller.sender_domains)
    return [Problem(code=Code.INVALID, sentence=f"must be an address at {allowed}", field=("from_address",))]


def _own_address(caller: Caller) -> str:
    return caller.from_address or settings.HAMMY_FROM_ADDRESS


def usable_version(caller: Caller, *, message_type: str, version: int | None) -> TemplateVersion:
    """The template's version that a letter of this caller's would be made of now; raises 3002."""
    letter = Letter(message_type=message_type, message_type_version=version)
    found = _template_version(caller, letter, is_again=False)
    if isinstance(found, Problem):
        raise Refusal(found)
    return found


def usable_templates(client_id: int | None) -> QuerySet[Template]:
    """The templates of which a client's letters can be made now, by name; None is the house."""
    enabled = TemplateVersion.objects.filter(template_id=OuterRef("pk"), status=VersionStatus.ENABLED)
    return _templates_of(client_id).filter(Exists(enabled), status__in=_USABLE).order_by("name")


def _templates_of(client_id: int | None) -> QuerySet[Template]:
    """Those that are not kept to other clients; all for the house."""
    if client_id is None:
        return Template.objects.all()
    named = Template.clients.through.objects.filter(template_id=OuterRef("pk"))
    return Template.objects.filter(~Exists(named) | Exists(named.filter(apiclient_id=client_id)))


def _remembered_version(
    caller: Caller, letter: Letter, versions: Versions, *, is_again: bool
) -> TemplateVersion | Problem:
    key = (letter.message_type, letter.message_type_version)
    if key not in versions:
        versions[key] = _template_version(caller, letter, is_again=is_again)
    return versions[key]


def _template_version(caller: Caller, letter: Letter, *, is_again: bool) -> TemplateVersion | Problem:
    template = _templates_of(caller.client_id).filter(name=letter.message_type).first()
    # A template kept to other clients looks like one that does not exist.
    if template is None:
        return _unusable("no such template", "message_type")
    if template.status not in _USABLE:
        return _unusable("the template is disabled", "message_type", status=409)
    # Its words are not read here: they are compiled once (sending.rendering).
    versions = template.versions.select_related("template").defer("subject", "text", "html", "letter", "sample")
    if letter.message_type_version is None:
        newest = versions.filter(status=VersionStatus.ENABLED).order_by("-version").first()
        return newest or _unusable("the template has no enabled version", "message_type", status=409)
    version = versions.filter(version=letter.message_type_version).first()
    if version is None or version.status == VersionStatus.DRAFT:
        return _unusable("the template has no such version", "message_type_version")
    if version.status != VersionStatus.ENABLED and not is_again:
        return _unusable("this version of the template is retired", "message_type_version", status=409)
    return version


def _unusable(sentence: str, field: str, *, status: int | None = None) -> Problem:
    return Problem(code=Code.UNUSABLE_NAME, sentence=sentence, field=(field,), status=status)


def _data_problems(version: TemplateVersion, message_type: str, content: dict[str, Any]) -> list[Problem]:
    missing = compiled(version.pk).missing(template_data(content))
    return [
        Problem(
            code=Code.REQUIRED,
            sentence=f"the template {message_type} needs {name}",
            field=("xml_data",) if name.startswith("xmlData") else ("properties",),
        )
        for name in missing
    ]


def key_of(caller: Caller, letter: Letter) -> str | None:
    """What tells this sending from the caller's others, so that it is taken once: the request id, where the caller's
    are unique, else the message of the queue that brought it; None where nothing does."""
    if letter.request_id and caller.request_id_unique:
        return letter.request_id
    # A digest, for such an id may be longer than the column; no request id begins with a control character.
    return delivery_key(letter.delivery_id)


def delivery_key(delivery_id: str) -> str | None:
    """The key of what has no request id; None where it has nothing."""
    return f"\x1f{sha256(delivery_id.encode()).hexdigest()}" if delivery_id else None


def due_at(held_for: str, *, common: Letter, own: datetime | None, now: datetime) -> datetime | None:
    """When a letter is due that waits for ``held_for``, with ``own`` as its due_at and otherwise as ``common``."""
    if held_for == HeldFor.TEMPLATE:
        return common.send_at
    return max(filter(None, (common.send_at, own)), default=now)


def add_sender(caller: Caller, content: dict[str, Any]) -> None:
    """Put in whose name a letter goes out that names nobody (sending.letter.Letter.content)."""
    if "from_address" not in content:
        content["from_address"] = _own_address(caller)
        content.setdefault("from_name", caller.from_name or settings.HAMMY_FROM_NAME)


def to_row(caller: Caller, examined: Examined, *, now: datetime, job_id: int | None = None) -> dict[str, Any]:
    """The row of Message to insert for an examined letter, by column; a plain mapping, since making a model of it
    would cost as much as all the rest."""
    letter = examined.letter
    digest = digest_of(examined.content)
    content = dict(examined.content)
    add_sender(caller, content)
    is_held = bool(examined.held_for)
    return {
        "uuid": uuid4(),
        "client_id": caller.client_id,
        "user_name": caller.user_name,
        "request_id": letter.request_id,
        "idempotency_key": key_of(caller, letter),
        "digest": digest,
        "batch_id": letter.batch_id,
        "partner_ref": letter.partner_ref,
        "channel": letter.channel,
        "status": Status.HELD if is_held else Status.ACCEPTED,
        "held_for": examined.held_for,
        "recipient_name": letter.recipient_name,
        "recipient_email_address": letter.recipient_email_address,
        "subject": letter.mail_subject,
        "template_version_id": examined.version_id,
        "related_message_id": letter.related_message_id,
        "campaign_part_id": letter.campaign_part_id,
        "job_id": job_id if letter.job_id is None else letter.job_id,
        "content": content,
        "attachment_count": len(letter.attachments),
        "created_at": now,
        "updated_at": now,
        "due_at": due_at(examined.held_for, common=letter, own=letter.due_at, now=now),
        "expires_at": letter.expires_at,
    }

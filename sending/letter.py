"""A letter as every face hands it over: the normalised command of Send V2, free of any protocol's names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Self

from pydantic_core import to_json

from gateway.incoming import StoredBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """Data for the template; with ``is_meta_data`` it travels with archived documents too."""

    key: str
    value: str
    is_meta_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterAttachment:
    """One attachment (contract send_v2, "Attachment" and "Control properties"). Its bytes came with the letter, as
    ``content`` or, where they are many, as ``stored``; or they lie in the store ``source`` under ``source_ref``, and
    are known once they were fetched from there. Sizes in bytes, digest SHA-256 in hex, both empty until then."""

    file_name: str
    content: bytes = b""
    stored: StoredBytes | None = None
    source: str = ""
    source_ref: str = ""
    media_type: str = "application/octet-stream"
    internal_file_name: str = ""
    document_type: str = ""
    object_type: str = ""
    object_ref: str = ""
    archiving_expected: bool = False
    archive_target: str = ""
    archive_path: str = ""
    certification_expected: bool = False
    delete_source_expected: bool = False
    postable_without_certificate: bool = False
    properties: tuple[Property, ...] = ()
    digest: str = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        # Once: it is asked for on the way to the file, the row, the content and the letter's own digest.
        if self.stored is not None:
            digest, size = self.stored.digest, self.stored.size
        elif self.source:
            digest, size = "", 0
        else:
            digest, size = sha256(self.content).hexdigest(), len(self.content)
        object.__setattr__(self, "digest", digest)
        object.__setattr__(self, "size", size)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter to one recipient by one channel (contract send_v2, "sendMail: fields"). Empty string = not given.
    ``runs_as_job``: its sender follows it as a job, which calls ``callback_url``, where that is given.

    ``delivery_id`` is no part of what the letter says: it names the message of a queue that brought it, which may be
    brought again, and serves where ``request_id`` does not. Nor are ``job_id``, the job that sends it, and ``due_at``,
    before which no worker takes it."""

    channel: str = "EMAIL"
    request_id: str = ""
    batch_id: str = ""
    partner_ref: str = ""
    message_type: str = ""
    message_type_version: int | None = None
    mail_subject: str = ""
    mail_body: str = ""
    mail_html_body: str = ""
    recipient_name: str = ""
    recipient_email_address: str = ""
    recipient_postal_address: str = ""
    recipient_email_address_cc: tuple[str, ...] = ()
    recipient_name_cc: str = ""
    reply_to_address: str = ""
    reply_to_name: str = ""
    from_address: str = ""
    from_name: str = ""
    bcc_address: tuple[str, ...] = ()
    xml_data: str = ""
    archiving_expected: bool = False
    certification_expected: bool = False
    related_message_id: int | None = None
    reply_envelope_attached: bool = False
    payment_slip_attached: bool = False
    campaign_part_id: int | None = None
    letter_type: str = ""
    properties: tuple[Property, ...] = ()
    params: tuple[Property, ...] = ()
    attachments: tuple[LetterAttachment, ...] = ()
    send_at: datetime | None = None
    expires_at: datetime | None = None
    runs_as_job: bool = False
    callback_url: str = ""
    delivery_id: str = ""
    job_id: int | None = None
    due_at: datetime | None = None

    def content(self) -> dict[str, Any]:
        """What was given, as JSON holds it: absent fields left out, attachments by their digests."""
        return {name: _plain(value) for name, value in vars(self).items() if value and name not in _BESIDE}

    def to(self, addressee: "Addressee") -> Self:
        """The same letter to somebody."""
        values = addressee._asdict()
        values["properties"] = tuple(Property(key=key, value=value) for key, value in addressee.properties.items())
        return replace(self, **values)

    @classmethod
    def again(cls, content: Mapping[str, Any]) -> Self:
        """The letter of a content that was accepted, to go out once more, now: its attachments are the bytes kept
        then, wherever they came from, and neither its request id nor its times are its own any more."""
        values = {name: content[name] for name in _NAMES if name in content and name not in _OF_THE_FIRST}
        for name in ("recipient_email_address_cc", "bcc_address"):
            values[name] = tuple(values.get(name, ()))
        values["properties"] = tuple(Property(**item) for item in values.get("properties", ()))
        values["attachments"] = tuple(_kept(item) for item in values.get("attachments", ()))
        return cls(**values)


class Addressee(NamedTuple):
    """To whom one of many letters that are alike goes (sending.alike), and what it knows of him: members of a Letter,
    ``properties`` by their keys."""

    recipient_name: str
    recipient_email_address: str
    recipient_postal_address: str
    partner_ref: str
    properties: Mapping[str, str]
    delivery_id: str
    due_at: datetime | None

    def content(self) -> dict[str, Any]:
        """These members as ``Letter.content`` has them."""
        given = {name: value for name in _TEXTS if (value := getattr(self, name))}
        if self.properties:
            given["properties"] = [{"key": key, "value": value} for key, value in self.properties.items()]
        return given


# What comes with a letter and is no part of it.
_BESIDE = frozenset({"delivery_id", "job_id", "due_at"})
# What a letter says that depends on whom it goes to, and the texts of it.
OF_ADDRESSEE = tuple(name for name in Addressee._fields if name not in _BESIDE)
_TEXTS = tuple(name for name in OF_ADDRESSEE if name != "properties")
_NAMES = tuple(member.name for member in fields(Letter) if member.name not in _BESIDE)
_ATTACHMENT_NAMES = tuple(
    member.name for member in fields(LetterAttachment) if member.name not in ("content", "stored", "size")
)
_ABSENT = ("", None, (), False)
_NESTED = (dict, list)
# What a letter that goes out again does not take over; a source was read, and may have been emptied, once.
_OF_THE_FIRST = frozenset(
    {"request_id", "send_at", "expires_at", "params", "related_message_id", "runs_as_job", "callback_url"}
)
_OF_A_SOURCE = frozenset({"source", "source_ref", "delete_source_expected"})
_KEPT_NAMES = frozenset(_ATTACHMENT_NAMES) - {"digest"} - _OF_A_SOURCE


def _kept(attachment: Mapping[str, Any]) -> LetterAttachment:
    values = {name: value for name, value in attachment.items() if name in _KEPT_NAMES}
    values["properties"] = tuple(Property(**item) for item in attachment.get("properties", ()))
    return LetterAttachment(**values, stored=StoredBytes(digest=attachment["digest"], size=attachment["size"]))


def digest_of(content: Mapping[str, Any]) -> bytes:
    """Equal for equal content (Letter.content), whoever sends it over whichever face.

    An attachment's media type follows from its name by a table that changes with Python: it does not count. Nor do
    the bytes of one that lies in a store: the caller named the place, and may have had it emptied since.
    """
    if "attachments" in content:
        content = {**content, "attachments": [_as_sent(attachment) for attachment in content["attachments"]]}
    return sha256(to_json(_ordered(content))).digest()


def _ordered(value: Any) -> Any:
    """The same with the members of each object in the order of their names."""
    if type(value) is dict:
        return {name: _ordered(item) if type(item) in _NESTED else item for name, item in sorted(value.items())}
    return [_ordered(item) for item in value] if type(value) is list else value


def _as_sent(attachment: Mapping[str, Any]) -> dict[str, Any]:
    fetched = {"digest": "", "size": 0} if attachment.get("source") else {}
    return {**attachment, "media_type": "", **fetched}


def _plain(value: Any) -> Any:
    # First, for most are texts.
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Property):
        return {"key": value.key, "value": value.value, **({"is_meta_data": True} if value.is_meta_data else {})}
    if isinstance(value, LetterAttachment):
        given = {name: _plain(item) for name in _ATTACHMENT_NAMES if (item := getattr(value, name)) not in _ABSENT}
        return {**given, "size": value.size}
    return value

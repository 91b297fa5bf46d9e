"""What messages leave in archives before they go out: attachments, and subject and text (contract send_v2, "Control
properties" and archivingExpected). Each part is archived once, however often its message is made ready."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from django.conf import settings
from django.db.models import Q

from sending import blobs
from sending.channels.base import Channel, Enclosure, NotReady, Parcel
from sending.models import ArchivedPart, Attachment, Message
from sending.stores import stores
from sending.stores.base import Document, Owner, Store, StoreRefusal

TARGET, FOLDER = "ARCHIVE_TARGET", "ARCHIVE_RELATIVE_PATH"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One thing to archive. ``sent_as``: the enclosure it is, by its place in the parcel; ``accepted_as`` the digest of
    the attachment that came with the letter, other bytes than which it has when it was signed."""

    name: str
    target: str
    path: str
    file_name: str
    media_type: str
    opener: Callable[[], BinaryIO]
    about: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    sent_as: int | None = None
    accepted_as: str = ""


def archived(message: Message, attachments: Sequence[Attachment], parcel: Parcel, channel: Channel) -> Parcel:
    """The parcel with what is to be archived of it in its place, durably, and where that is among its facts. What was
    archived by an earlier try goes out as it lies there. Raises NotReady."""
    wanted = list(_wanted(message, attachments, parcel, channel))
    if not wanted:
        return parcel
    earlier = {row.part: row for row in ArchivedPart.objects.filter(message=message)}
    owner = _owner(message)
    enclosures, facts = list(parcel.enclosures), dict(parcel.facts)
    for part in wanted:
        try:
            row = earlier.get(part.name) or _begun(message, part)
            if not row.ref:
                row.ref = stores()[row.store].keep(_document(message, part, row), owner)
                row.save(update_fields=["ref"])
        except StoreRefusal as refusal:
            raise NotReady(f"{part.file_name} not archived: {refusal.sentence}", is_lasting=True) from refusal
        except OSError as error:
            _log.exception("not archived", extra={"message_id": message.pk, "part": part.name})
            words = f"{part.file_name} not archived: {error.strerror or error}"
            raise NotReady(words, is_lasting=False) from error
        facts[f"archived.{part.name}"] = f"{row.store} {row.ref}"
        if part.sent_as is not None and row.digest != part.accepted_as:
            # Signed; and signed again it would not be what lies in the archive.
            enclosures[part.sent_as] = _as_archived(enclosures[part.sent_as], row)
    return replace(parcel, enclosures=tuple(enclosures), facts=facts)


def erase(message_ids: Collection[int]) -> int:
    """Take what these messages archived out of its stores, as far as it still is what was put there and no others
    archived the same there; how many parts there were. Done again it is the same. Raises OSError while a store cannot
    be used."""
    parts = list(ArchivedPart.objects.filter(message_id__in=message_ids).select_related("message__client"))
    for part in parts:
        store = stores().get(part.store)
        if part.ref and store is not None and not _is_others_too(part, store, message_ids):
            store.remove(part.ref, _owner(part.message), digest=part.digest)
    ArchivedPart.objects.filter(id__in=[part.pk for part in parts]).delete()
    return len(parts)


def _is_others_too(part: ArchivedPart, store: Store, message_ids: Collection[int]) -> bool:
    """Whether other messages archived the same content in the same place, as terms that go out with every letter."""
    folder = _owner(part.message).folder
    is_theirs = Q(message__client__external_folder=folder)
    if not folder:
        is_theirs |= Q(message__client=None)
    same = ArchivedPart.objects.filter(is_theirs, digest=part.digest, store=part.store, ref=part.ref)
    return store.is_left_to_others(part.ref, message_ids) or same.exclude(message_id__in=message_ids).exists()


def _owner(message: Message) -> Owner:
    return Owner(client_id=message.client_id, folder=message.client.external_folder if message.client else "")


def target_of_words(properties: Mapping[str, str]) -> tuple[str, str]:
    """Where subject and text go: a store's name and a folder there, by the message's own properties."""
    folder = properties.get(FOLDER, "")
    return properties.get(TARGET) or settings.HAMMY_ARCHIVE_TARGET, folder.removeprefix("/").removesuffix("/")


def _begun(message: Message, part: _Part) -> ArchivedPart:
    """Its bytes are kept here before they are anywhere else, so that the next try archives the same."""
    digest = blobs.keep(part.opener)
    return ArchivedPart.objects.create(
        message=message, part=part.name, blob_id=digest, digest=digest, store=part.target
    )


def _document(message: Message, part: _Part, row: ArchivedPart) -> Document:
    return Document(
        message_id=message.pk,
        part=part.name,
        file_name=part.file_name,
        media_type=part.media_type,
        digest=row.digest,
        opener=partial(blobs.opened, row.digest),
        path=part.path,
        metadata=part.metadata,
        user_name=message.user_name,
        **part.about,
    )


def _as_archived(enclosure: Enclosure, row: ArchivedPart) -> Enclosure:
    opener = partial(blobs.opened, row.digest)
    if enclosure.opener:
        return replace(enclosure, opener=opener)
    return replace(enclosure, content=blobs.read(row.digest))


def _wanted(message: Message, attachments: Sequence[Attachment], parcel: Parcel, channel: Channel) -> Iterator[_Part]:
    given = message.content.get("attachments", ())
    for place, (attachment, enclosure) in enumerate(zip(attachments, parcel.enclosures, strict=True)):
        asked = given[attachment.position]
        if not (asked.get("archiving_expected") or channel.archives_all):
            continue
        yield _Part(
            name=str(attachment.position),
            target=asked["archive_target"],
            path=asked.get("archive_path", ""),
            file_name=attachment.internal_file_name or attachment.file_name,
            media_type=enclosure.media_type,
            opener=enclosure.open,
            about={name: getattr(attachment, name) for name in ("document_type", "object_type", "object_ref")},
            metadata=_metadata(attachment.properties),
            sent_as=place,
            accepted_as=attachment.blob_id,
        )
    if message.content.get("archiving_expected"):
        yield from _words(message, parcel)


def _words(message: Message, parcel: Parcel) -> Iterator[_Part]:
    """Subject and text as one file, and the HTML, if there is one, as it is."""
    properties = message.content.get("properties", ())
    target, path = target_of_words({item["key"]: item["value"] for item in properties})
    forms = [("text", "txt", "text/plain", f"{parcel.subject}\n\n{parcel.text}")]
    if parcel.html:
        forms.append(("html", "html", "text/html", parcel.html))
    for name, suffix, media_type, words in forms:
        yield _Part(
            name=name,
            target=target,
            path=path,
            file_name=f"message-{message.pk}.{suffix}",
            media_type=media_type,
            opener=partial(BytesIO, words.encode()),
            about={"document_type": message.content.get("message_type", "")},
            metadata=_metadata(properties),
        )


def _metadata(properties: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in properties if item.get("is_meta_data")}

"""Signing what is to go out certified: PDF documents one by one, and all else with the letter that it lies in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import transaction

from gateway.errors import Code, Problem
from sending import blobs
from sending.channels.base import Channel, Enclosure, NotReady, Parcel
from sending.letter import Letter, LetterAttachment
from sending.models import Attachment
from sending.signing import identity, is_configured, sign_pdf

_LETTER = "letter"
_PDF = "application/pdf"


@dataclass(slots=True)
class _Found:
    """What carries a signature, and what goes without one, and why."""

    signed: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, str]:
        found = {"signed": ", ".join(self.signed), "unsigned": "; ".join(self.unsigned)}
        return {name: words for name, words in found.items() if words}


def problems_of(letter: Letter, channel: Channel) -> Iterator[Problem]:
    """What a letter wants signed that neither the site nor the channel can sign, nor may go without."""
    for path, sentence, status in _refused(letter, channel):
        field_name = (*path, "certification_expected")
        yield Problem(code=Code.INVALID, sentence=f"must be false: {sentence}", field=field_name, status=status)


def _refused(letter: Letter, channel: Channel) -> Iterator[tuple[tuple[str | int, ...], str, int | None]]:
    missing = "signing is not available"
    most = settings.HAMMY_SIGNING_MAX_BYTES
    if letter.certification_expected and not is_configured():
        yield (), missing, None
    elif letter.certification_expected and not channel.signs_letter:
        yield (), f"{channel.name} has no letter to sign", None
    for index, attachment in enumerate(letter.attachments):
        if not attachment.certification_expected or attachment.postable_without_certificate:
            continue
        path = ("attachments", index)
        if not is_configured():
            yield path, missing, None
        elif not _is_signed_alone(attachment) and not channel.signs_all:
            yield path, f"with {channel.name} only PDF documents are signed", None
        elif _is_signed_alone(attachment) and attachment.size > most:
            yield path, f"the document has {attachment.size} bytes, at most {most} are signed", 413


def certified(parcel: Parcel, attachments: Sequence[Attachment], channel: Channel) -> Parcel:
    """The parcel with its certified documents signed, and certified itself where one of its other attachments is; what
    is signed and what goes without is in its ``facts``.

    A document is signed once: later tries, the archive and the console have the same bytes. Raises NotReady for what
    cannot be signed (lasting) or cannot be signed now, and may not go without; OSError.
    """
    if not parcel.is_certified and not any(enclosure.is_certified for enclosure in parcel.enclosures):
        return parcel
    found = _Found()
    is_certified = _letter(parcel, channel, found)
    enclosures = tuple(
        _document(number, enclosure, attachment, found)
        for number, (enclosure, attachment) in enumerate(zip(parcel.enclosures, attachments, strict=True), start=1)
    )
    return replace(parcel, is_certified=is_certified, enclosures=enclosures, facts={**parcel.facts, **found.facts()})


def as_handed_over(parcel: Parcel, channel: Channel, facts: Mapping[str, Any] | None) -> Parcel:
    """The parcel, certified itself as it was when these facts were noted, or would be if none were yet."""
    if facts is None:
        return replace(parcel, is_certified=_wants_letter(parcel, channel))
    return replace(parcel, is_certified=_LETTER in facts.get("signed", "").split(", "))


def _letter(parcel: Parcel, channel: Channel, found: _Found) -> bool:
    """Whether the letter itself is to be signed."""
    if parcel.is_certified and not channel.signs_letter:
        raise NotReady(f"{channel.name} has no letter to sign", is_lasting=True)
    why, is_lasting = ("", False) if channel.signs_all else ("only PDF documents are signed", True)
    if _wants_letter(parcel, channel):
        try:
            identity()
        except NotReady as error:
            if parcel.is_certified:
                raise
            why = error.words
        else:
            found.signed.append(_LETTER)
    for number, enclosure in _others(parcel):
        if why:
            _go_without(number, enclosure, why, found, is_lasting=is_lasting)
        else:
            found.signed.append(_attachment(number))
    return _LETTER in found.signed


def _document(number: int, enclosure: Enclosure, attachment: Attachment, found: _Found) -> Enclosure:
    if not enclosure.is_certified or not _is_signed_alone(enclosure):
        return enclosure
    if attachment.signed_blob_id is None:
        try:
            data = sign_pdf(enclosure.read())
        except NotReady as error:
            _go_without(number, enclosure, error.words, found, is_lasting=error.is_lasting)
            return enclosure
        with transaction.atomic():
            attachment.signed_blob_id = blobs.keep(partial(BytesIO, data))
            attachment.save(update_fields=["signed_blob"])
        enclosure = replace(enclosure, content=data, opener=None)
    found.signed.append(_attachment(number))
    return enclosure


def _go_without(number: int, enclosure: Enclosure, why: str, found: _Found, *, is_lasting: bool) -> None:
    words = f"{_attachment(number)}: {why}"
    if not enclosure.may_go_uncertified:
        raise NotReady(words, is_lasting=is_lasting)
    found.unsigned.append(words)


def _wants_letter(parcel: Parcel, channel: Channel) -> bool:
    return parcel.is_certified or bool(channel.signs_all and _others(parcel))


def _others(parcel: Parcel) -> list[tuple[int, Enclosure]]:
    """The certified attachments that carry no signature of their own."""
    numbered = enumerate(parcel.enclosures, start=1)
    return [(number, one) for number, one in numbered if one.is_certified and not _is_signed_alone(one)]


def _is_signed_alone(part: Enclosure | LetterAttachment) -> bool:
    return part.media_type == _PDF


def _attachment(number: int) -> str:
    # By its place, not its name: events outlive what letters say.
    return f"attachment {number}"

"""The attachments of a letter, with the control properties that say where their bytes are and go.

Contract send_v2, "Attachment" and "Control properties". Only INLINE sources can be used: each other source and every
archive target needs a store, and this house has none.
"""

import binascii
import mimetypes
from collections.abc import Callable, Sequence

from gateway.errors import Code
from sending.letter import LetterAttachment, Property
from sending.send_v2.model import AttachmentPart, PropertyPart
from sending.send_v2.problems import Path

Report = Callable[[Code, str, Path], None]

SOURCES = ("INLINE", "FS", "DMS")
_CONTROL = (
    "ATTACHMENT_SOURCE",
    "RELATIVE_FILE_PATH",
    "DMS_DOCUMENT_ID",
    "INTERNAL_FILE_NAME",
    "ARCHIVE_TARGET",
    "ARCHIVE_RELATIVE_PATH",
)
# Which source a property belongs to: beside another one it would be lost silently.
_BELONGS_TO = {"RELATIVE_FILE_PATH": "FS", "DMS_DOCUMENT_ID": "DMS"}
# Embeddings, overrides and isolates: they make exe.pdf of fdp.exe.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Python's own table and not the machine's, so that every process names a file alike.
_MEDIA_TYPES = mimetypes.MimeTypes()
for _suffix, _application in (
    (".docx", "wordprocessingml.document"),
    (".xlsx", "spreadsheetml.sheet"),
    (".pptx", "presentationml.presentation"),
):
    _MEDIA_TYPES.add_type(f"application/vnd.openxmlformats-officedocument.{_application}", _suffix)


def read_properties(parts: Sequence[PropertyPart] | None, path: Path, report: Report) -> tuple[Property, ...]:
    """Properties as the core keeps them; one without a key is a problem."""
    properties = []
    for index, part in enumerate(parts or ()):
        if not part.key:
            report(Code.REQUIRED, "required", (*path, index, "key"))
            continue
        properties.append(Property(key=part.key, value=part.value or "", is_meta_data=part.is_meta_data or False))
    return tuple(properties)


def read_attachment(part: AttachmentPart, path: Path, report: Report) -> LetterAttachment:
    """One attachment; what is wrong with it goes to ``report``, and an empty place stands for what is missing."""
    controls = _controls(part, path, report)
    file_name = part.file_name or ""
    if not file_name.strip():
        report(Code.REQUIRED, "required", (*path, "fileName"))
    _check_name(file_name, (*path, "fileName"), report)
    attachment = LetterAttachment(
        file_name=file_name,
        content=_content(part, path, report),
        media_type=media_type(file_name),
        internal_file_name=_internal_name(part, controls, path, report),
        document_type=part.document_type or "",
        object_type=part.object_type or "",
        object_ref=part.object_ref or "",
        properties=read_properties(part.properties, (*path, "properties"), report),
    )
    _check_source(controls, path, report)
    _check_expectations(part, controls, path, report)
    return attachment


def media_type(file_name: str) -> str:
    """What a file is by its name; bytes of some kind when that says nothing."""
    found, encoding = _MEDIA_TYPES.guess_type(file_name)
    return found if found and not encoding else "application/octet-stream"


def _controls(part: AttachmentPart, path: Path, report: Report) -> dict[str, tuple[str, Path]]:
    """Control properties by key: their value and where it stands."""
    controls: dict[str, tuple[str, Path]] = {}
    for index, one in enumerate(part.properties or ()):
        if one.key not in _CONTROL:
            continue
        if one.key in controls:
            report(Code.INVALID, f"{one.key} is given twice", (*path, "properties", index, "key"))
        elif one.value:
            controls[one.key] = (one.value, (*path, "properties", index, "value"))
    return controls


def _check_name(name: str, path: Path, report: Report) -> None:
    if "/" in name or "\\" in name or name.strip() in (".", ".."):
        report(Code.INVALID, "must be a file name without a path", path)
    if not _BIDI_CONTROLS.isdisjoint(name):
        report(Code.INVALID, "must not contain characters that change the direction of text", path)


def _internal_name(part: AttachmentPart, controls: dict[str, tuple[str, Path]], path: Path, report: Report) -> str:
    by_property, place = controls.get("INTERNAL_FILE_NAME", ("", path))
    member = part.internal_file_name or ""
    if by_property and member and by_property != member:
        report(Code.EXCLUSIVE, "must not differ from the property INTERNAL_FILE_NAME", (*path, "internalFileName"))
    if member:
        _check_name(member, (*path, "internalFileName"), report)
    elif by_property:
        _check_name(by_property, place, report)
        if not by_property.isprintable() or len(by_property) > 255:
            report(Code.INVALID, "must be one line of at most 255 characters", place)
    return member or by_property


def _content(part: AttachmentPart, path: Path, report: Report) -> bytes:
    if part.attachment_ref:
        sentence = "names a part of a multipart request, and this is none; give the bytes as content"
        report(Code.INVALID, sentence, (*path, "attachmentRef"))
        return b""
    text = part.content or ""
    if not text.isascii():
        report(Code.INVALID, "must be base64", (*path, "content"))
        return b""
    try:
        return binascii.a2b_base64("".join(text.split()) if text else "", strict_mode=True)
    except ValueError:
        report(Code.INVALID, "must be base64", (*path, "content"))
        return b""


def _check_source(controls: dict[str, tuple[str, Path]], path: Path, report: Report) -> None:
    source, place = controls.get("ATTACHMENT_SOURCE", ("", path))
    if not source:
        report(Code.REQUIRED, "ATTACHMENT_SOURCE is required; INLINE is available", (*path, "properties"))
    elif source not in SOURCES:
        report(Code.INVALID, "ATTACHMENT_SOURCE must be INLINE", place)
    elif source != "INLINE":
        report(Code.STORE, f"the attachment source {source} is not available; INLINE is", place)
    for key, owner in _BELONGS_TO.items():
        if key in controls and source in SOURCES and source != owner:
            report(Code.EXCLUSIVE, f"{key} goes with ATTACHMENT_SOURCE {owner} alone", controls[key][1])


def _check_expectations(
    part: AttachmentPart, controls: dict[str, tuple[str, Path]], path: Path, report: Report
) -> None:
    source = controls.get("ATTACHMENT_SOURCE", ("", path))[0]
    if source in ("", "INLINE") and not part.content and not part.attachment_ref:
        report(Code.REQUIRED, "required", (*path, "content"))
    elif source in SOURCES and source != "INLINE" and part.content:
        report(Code.EXCLUSIVE, f"not together with ATTACHMENT_SOURCE {source}", (*path, "content"))
    if part.archiving_expected:
        report(Code.STORE, "must be false: no archive store is available", (*path, "archivingExpected"))
    if part.certification_expected:
        report(Code.INVALID, "must be false: signing is not available", (*path, "certificationExpected"))
    if part.delete_source_expected:
        report(Code.INVALID, "must be false: an INLINE attachment has no source", (*path, "deleteSourceExpected"))
    for key in ("ARCHIVE_TARGET", "ARCHIVE_RELATIVE_PATH"):
        if key in controls:
            value, place = controls[key]
            report(
                Code.STORE,
                f"the archive store {value} is not available"
                if key == "ARCHIVE_TARGET"
                else "no archive store is available",
                place,
            )

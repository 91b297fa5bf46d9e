"""The attachments of a letter, with the control properties that say where their bytes are and go.

Contract send_v2, "Attachment" and "Control properties".
"""

import binascii
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from gateway.errors import Code
from gateway.incoming import StoredBytes
from sending.letter import LetterAttachment, Property
from sending.send_v2.model import AttachmentPart, PropertyPart
from sending.send_v2.problems import Path
from sending.stores import stores

Report = Callable[[Code, str, Path], None]

INLINE = "INLINE"
# Control properties by key: their value and where it stands.
Controls = dict[str, tuple[str, Path]]
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


@dataclass(slots=True, kw_only=True)
class Attachments:
    """The attachments of one request on their way to the core.

    ``parts`` are the uploads by the names of their parts, ``named`` those that some attachment named. ``places`` says
    where in the request a control property stands that the core knows by ("attachments", index, key).
    """

    report: Report
    parts: Mapping[str, StoredBytes] | None = None
    named: set[str] = field(default_factory=set)
    places: dict[Path, Path] = field(default_factory=dict)

    def read(self, part: AttachmentPart, index: int) -> LetterAttachment:
        """One attachment; what is wrong with it goes to ``report``, and an empty place stands for what is missing."""
        path, report = ("attachments", index), self.report
        controls = _controls(part, path, report)
        self.places |= {(*path, key): place for key, (_, place) in controls.items()}
        file_name = part.file_name or ""
        if not file_name.strip():
            report(Code.REQUIRED, "required", (*path, "fileName"))
        _check_name(file_name, (*path, "fileName"), report)
        source, source_ref = _source(controls, path, report)
        content, stored = self._bytes(part, source, path)
        archive_target, archive_path = _archive(part, controls, path, report)
        if part.delete_source_expected and source in ("", INLINE):
            report(Code.INVALID, "must be false: an INLINE attachment has no source", (*path, "deleteSourceExpected"))
        return LetterAttachment(
            file_name=file_name,
            content=content,
            stored=stored,
            source="" if source == INLINE else source,
            source_ref=source_ref,
            media_type=media_type(file_name),
            internal_file_name=_internal_name(part, controls, path, report),
            document_type=part.document_type or "",
            object_type=part.object_type or "",
            object_ref=part.object_ref or "",
            archiving_expected=part.archiving_expected or False,
            archive_target=archive_target,
            archive_path=archive_path,
            certification_expected=part.certification_expected or False,
            delete_source_expected=part.delete_source_expected or False,
            postable_without_certificate=part.postable_without_certificate or False,
            properties=read_properties(part.properties, (*path, "properties"), report),
        )

    def _bytes(self, part: AttachmentPart, source: str, path: Path) -> tuple[bytes, StoredBytes | None]:
        """What came with the request, which only INLINE attachments have."""
        ref = part.attachment_ref or ""
        if ref:
            self.named.add(ref)
        if source not in ("", INLINE):
            for name, given in (("content", part.content), ("attachmentRef", ref)):
                if given:
                    self.report(Code.EXCLUSIVE, f"not together with ATTACHMENT_SOURCE {source}", (*path, name))
        elif ref and part.content:
            self.report(Code.EXCLUSIVE, "not together with content", (*path, "attachmentRef"))
        elif ref:
            return b"", self._part(ref, (*path, "attachmentRef"))
        elif isinstance(part.content, StoredBytes):
            return b"", part.content
        elif part.content:
            return _decoded(part.content, (*path, "content"), self.report), None
        else:
            self.report(Code.REQUIRED, "required", (*path, "content"))
        return b"", None

    def _part(self, ref: str, path: Path) -> StoredBytes | None:
        if self.parts is None:
            sentence = "names a part of a multipart request, and this is none; give the bytes as content"
            self.report(Code.INVALID, sentence, path)
            return None
        if ref not in self.parts:
            self.report(Code.INVALID, "names a part that the request does not have", path)
            return None
        return self.parts[ref]


def media_type(file_name: str) -> str:
    """What a file is by its name; bytes of some kind when that says nothing."""
    found, encoding = _MEDIA_TYPES.guess_type(file_name)
    return found if found and not encoding else "application/octet-stream"


@cache
def _control_keys() -> frozenset[str]:
    by_stores = {store.source_property for store in stores().values()}
    return frozenset({"ATTACHMENT_SOURCE", "INTERNAL_FILE_NAME", "ARCHIVE_TARGET", "ARCHIVE_RELATIVE_PATH"} | by_stores)


def _controls(part: AttachmentPart, path: Path, report: Report) -> Controls:
    controls: Controls = {}
    for index, one in enumerate(part.properties or ()):
        if one.key not in _control_keys():
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


def _internal_name(part: AttachmentPart, controls: Controls, path: Path, report: Report) -> str:
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


def _decoded(text: str, path: Path, report: Report) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        # Also for what is not ASCII.
        report(Code.INVALID, "must be base64", path)
        return b""


def _source(controls: Controls, path: Path, report: Report) -> tuple[str, str]:
    """Where the bytes are: INLINE or a store's name, and what names them there; both "" where that is not said."""
    source, place = controls.get("ATTACHMENT_SOURCE", ("", path))
    known = (INLINE, *stores())
    if not source:
        report(Code.REQUIRED, f"ATTACHMENT_SOURCE is required: {', '.join(known)}", (*path, "properties"))
        return "", ""
    if source not in known:
        report(Code.INVALID, f"ATTACHMENT_SOURCE must be one of {', '.join(known)}", place)
        return "", ""
    for name, store in stores().items():
        key = store.source_property
        if name != source and key in controls:
            # Beside another source it would be lost silently.
            report(Code.EXCLUSIVE, f"{key} goes with ATTACHMENT_SOURCE {name} alone", controls[key][1])
    if source == INLINE:
        return source, ""
    key = stores()[source].source_property
    if key not in controls:
        report(Code.REQUIRED, f"{key} is required with ATTACHMENT_SOURCE {source}", (*path, "properties"))
        return "", ""
    return source, controls[key][0]


def _archive(part: AttachmentPart, controls: Controls, path: Path, report: Report) -> tuple[str, str]:
    """Where it is to be archived: a store's name and a folder there."""
    target, place = controls.get("ARCHIVE_TARGET", ("", path))
    known = ", ".join(stores())
    if part.archiving_expected and not target:
        report(Code.REQUIRED, f"ARCHIVE_TARGET is required with archivingExpected: {known}", (*path, "properties"))
    elif target and target not in stores():
        report(Code.STORE, f"ARCHIVE_TARGET must be one of {known}", place)
        return "", ""
    folder, place = controls.get("ARCHIVE_RELATIVE_PATH", ("", path))
    if folder and target and not stores()[target].has_paths:
        report(Code.EXCLUSIVE, f"not together with ARCHIVE_TARGET {target}, which has no folders", place)
    return target, folder.removeprefix("/").removesuffix("/")

"""Building the mail itself: a parcel in, the bytes of RFC 5322 out, 7-bit and CRLF throughout.

Written by hand because the standard library's EmailMessage takes longer than sending the mail does.
"""

import re
from binascii import b2a_base64, b2a_qp
from datetime import datetime
from email.utils import format_datetime
from string import punctuation
from urllib.parse import quote

from sending.addresses import wire_form
from sending.channels.base import Address, Enclosure, Parcel
from sending.signing import signed_entity

_CRLF = b"\r\n"
_LINE_LIMIT = 998
_FOLD_AT = 76
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# Left-to-right and right-to-left marks, embeddings, overrides and isolates: "fdp.exe" must not look like "exe.pdf".
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FOLDABLE = re.compile(r"[!-~]{1,60}(?: [!-~]{1,60})*")
_MEDIA_TYPE = re.compile(r"(?!message/|multipart/)[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
# Mailboxes put a ">" before the first, and gateways drop the blanks of the others (RFC 8551, 3.1.3).
_CHANGED_ON_THE_WAY = (b"\r\nFrom ", b" \r\n", b"\t\r\n")
_FILE_NAME_LIMIT = 255


def build_mail(parcel: Parcel, *, domain: str, date: datetime) -> bytes:
    """The whole mail. The same parcel and date give the same bytes; only header addresses with a non-ASCII local
    part leave ASCII (then the server must offer SMTPUTF8).

    ``domain`` is ours and ends the Message-ID, which depends on the parcel's uuid alone: stable across tries.
    Blind copies appear nowhere. A certified parcel's mail is signed (S/MIME), all but the headers written here. Raises
    ValueError for an address that is none, NotReady when it cannot be signed.
    """
    headers = [
        f"Date: {format_datetime(date)}",
        f"From: {_mailbox(parcel.sender)}",
        f"To: {_mailbox(parcel.recipient)}",
    ]
    if parcel.cc:
        headers.append("Cc: " + ",\r\n ".join(map(_mailbox, parcel.cc)))
    if parcel.reply_to:
        headers.append(f"Reply-To: {_mailbox(parcel.reply_to)}")
    headers.append(f"Subject: {_unstructured(parcel.subject, used=9)}")
    headers.append(f"Message-ID: <{parcel.uuid}@{domain}>")
    if unsubscribe := _unsubscribe(parcel.list_unsubscribe):
        headers.append(f"List-Unsubscribe: {unsubscribe}")
    headers.append("MIME-Version: 1.0\r\n")
    content = _content(parcel)
    if parcel.is_certified:
        content = signed_entity(content, boundary=f"=_s_{parcel.uuid.hex}", signed_at=date)
    return "\r\n".join(headers).encode() + content


def safe_file_name(name: str) -> str:
    """A name a recipient may save under: no folder, no control or direction-changing character, never empty."""
    name = _BIDI.sub("", _CONTROLS.sub("", name)).replace("\\", "/").rpartition("/")[2].strip(" .")
    return name[-_FILE_NAME_LIMIT:] or "attachment"


def _content(parcel: Parcel) -> bytes:
    is_signed = parcel.is_certified
    parts = [_text_part(parcel.html, "html", is_signed=is_signed)] if parcel.html else []
    if parcel.text or not parcel.html:
        parts.insert(0, _text_part(parcel.text, "plain", is_signed=is_signed))
    body = parts[0] if len(parts) == 1 else _multipart("alternative", f"=_a_{parcel.uuid.hex}", parts)
    if not parcel.enclosures:
        return body
    return _multipart("mixed", f"=_m_{parcel.uuid.hex}", [body, *map(_enclosure_part, parcel.enclosures)])


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    mark = boundary.encode()
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    return head + b"".join(b"--" + mark + _CRLF + part + _CRLF for part in parts) + b"--" + mark + b"--\r\n"


def _text_part(text: str, kind: str, *, is_signed: bool) -> bytes:
    # A bare CR or LF that reaches the wire is what SMTP smuggling is made of.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    if not text.endswith("\r\n"):
        text += "\r\n"
    data = text.encode("utf-8", "replace")
    # What others on the way are known to change, no signature outlives.
    is_safe = not is_signed or _stays(data)
    if is_safe and len(data) == len(text) and _fits_as_is(data):
        return f"Content-Type: text/{kind}; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n".encode() + data
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
    # Quoted-printable triples every non-ASCII byte: beyond two in five base64 is the shorter.
    if not is_safe or (len(data) - len(text)) * 5 > len(data) * 2:
        return f"{head}base64\r\n\r\n".encode() + _base64(data)
    encoded = b2a_qp(data, istext=True)
    if is_signed and not _stays(encoded):
        return f"{head}base64\r\n\r\n".encode() + _base64(data)
    return f"{head}quoted-printable\r\n\r\n".encode() + encoded


def _fits_as_is(data: bytes) -> bool:
    return b"\0" not in data and max(map(len, data.split(_CRLF))) <= _LINE_LIMIT


def _stays(data: bytes) -> bool:
    """Whether nobody on the way has a reason to change it."""
    return not data.startswith(b"From ") and not any(mark in data for mark in _CHANGED_ON_THE_WAY)


def _enclosure_part(enclosure: Enclosure) -> bytes:
    media_type = enclosure.media_type.lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "application/octet-stream"
    head = (
        f"Content-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {_file_name(safe_file_name(enclosure.file_name))}\r\n\r\n"
    )
    return head.encode() + _base64(enclosure.read())


def _base64(data: bytes) -> bytes:
    encoded = b2a_base64(data, newline=False)
    return b"".join([encoded[at : at + 76] + _CRLF for at in range(0, len(encoded), 76)])


def _file_name(name: str) -> str:
    """The parameter, plain or cut into the numbered, percent-encoded pieces of RFC 2231."""
    if name.isascii():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{escaped}"'
    pieces, piece = [], "utf-8''"
    for character in name:
        quoted = quote(character, safe="")
        if len(piece) + len(quoted) > 60:
            pieces.append(piece)
            piece = ""
        piece += quoted
    pieces.append(piece)
    if len(pieces) == 1:
        return f"filename*={piece}"
    return ";\r\n ".join(f"filename*{number}*={piece}" for number, piece in enumerate(pieces))


def _mailbox(address: Address) -> str:
    where = wire_form(address.address)
    name = _CONTROLS.sub(" ", address.name).strip()
    if not name:
        return where
    if not name.isascii() or "=?" in name or len(name) > _LINE_LIMIT // 2:
        return f"{_encoded_words(name, used=10)}\r\n <{where}>"
    if not _PLAIN_PHRASE.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{where}>"


def _unstructured(text: str, *, used: int) -> str:
    text = _CONTROLS.sub(" ", text)
    if not text.isascii() or "=?" in text:
        return _encoded_words(text, used=used)
    if len(text) + used <= _FOLD_AT and text == text.strip():
        return text
    if not _FOLDABLE.fullmatch(text):
        return _encoded_words(text, used=used)
    line, lines = "", []
    for word in text.split(" "):
        if line and used + len(line) + 1 + len(word) > _FOLD_AT:
            lines.append(line)
            line, used = "", 1
        line += f" {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(text: str, *, used: int) -> str:
    """RFC 2047, base64: words of at most 75 characters that never cut a character in two."""
    words, piece, room = [], b"", (_FOLD_AT - used - 12) // 4 * 3
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(piece) + len(encoded) > room:
            words.append(piece)
            piece, room = b"", 45
        piece += encoded
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{b2a_base64(word, newline=False).decode()}?=" for word in words)


def _unsubscribe(value: str) -> str:
    value = quote(_CONTROLS.sub("", value).strip(), safe=punctuation + " ")
    if value and not value.startswith("<"):
        value = f"<{value}>"
    return value.replace(">, <", ">,\r\n <") if len(value) < _LINE_LIMIT - 20 else ""

"""Reading bounces: delivery status notifications (RFC 3464) and what older mail servers write instead. Values only.

A bounce counts by the Message-ID that we made: it holds the UUID of a message, which nobody guesses. Everything else in
it is a stranger's word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.errors import HeaderParseError
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import compat32
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

# So much of a mail is looked at; what it reports stands at its beginning, and of a letter that came back its headers.
MOST_BYTES = 256 * 1024
# Real ones have four parts or five. The parser goes as deep as a mail tells it to, so a deep one is not given to it.
_MOST_PARTS = 50
_LONGEST_TEXT = 1000
_LONGEST_HEADER = 2000
_NESTING = re.compile(rb"content-type\s*:\s*(?:multipart|message)/", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<!\d)([45]\d\d)[ -]")
_ADDRESS = re.compile(r"[^\s<>;,\"]+@[^\s<>;,\"]+")
_ROBOTS = re.compile(r"\b(?:mailer-daemon|postmaster|mail-daemon)\b", re.IGNORECASE)
# RFC 3463: of what is reported about an address these say that it is none, or takes mail no more.
_HARD = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})


class Action(StrEnum):
    """What became of one recipient's mail."""

    FAILED = "failed"
    DELAYED = "delayed"
    # Delivered, relayed or expanded: good news, which nobody waits for.
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a bounce says of one recipient. ``status`` is that of RFC 3463, "" where it gives none; ``address`` may be
    empty; ``words`` are the other side's, on one line."""

    message_uuid: UUID
    action: Action
    status: str = ""
    address: str = ""
    original_address: str = ""
    words: str = ""

    @property
    def is_hard(self) -> bool:
        """Whether the address itself is at fault, so that no later letter will reach it either."""
        return self.action == Action.FAILED and self.status in _HARD

    @property
    def key(self) -> str:
        """The same for the same report, however often it is read."""
        said = "\0".join((str(self.message_uuid), self.action, self.status, self.address, self.words))
        return sha256(said.encode()).hexdigest()[:32]


def read(data: bytes, *, domain: str) -> list[Report]:
    """What a mail reports of one of our messages, recipient by recipient; empty for one that reports nothing of ours.
    ``domain`` ends our Message-IDs. Never raises, whatever the mail is; only its first MOST_BYTES are looked at."""
    data = data[:MOST_BYTES]
    if len(_NESTING.findall(data)) > _MOST_PARTS:
        return []
    try:
        mail = BytesParser(policy=compat32).parsebytes(data)
        parts = list(_parts(mail))
    except (ValueError, LookupError, RecursionError, HeaderParseError):
        return []
    uuid = _message_uuid(data, parts, domain)
    if uuid is None:
        return []
    reports = [replace(report, message_uuid=uuid) for report in _standard(parts)]
    return reports or [replace(report, message_uuid=uuid) for report in _of_old(mail, parts)]


_NOBODY = UUID(int=0)


def _parts(mail: Mail) -> Iterator[Mail]:
    for count, part in enumerate(mail.walk()):
        if count > _MOST_PARTS:
            return
        yield part


def _message_uuid(data: bytes, parts: list[Mail], domain: str) -> UUID | None:
    """The message meant: that of the letter returned, else the only one that is named anywhere."""
    ours = re.compile(rf"<\s*([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})@{re.escape(domain)}\s*>", re.I)
    for part in parts[1:]:
        returned = part.get_payload() if part.get_content_type() == "text/rfc822-headers" else part["Message-ID"]
        if found := ours.search(str(returned or "")):
            return UUID(found[1])
    texts = [data.decode("latin-1"), *(_text(part) for part in parts if part.get_content_maintype() == "text")]
    named = {match[1].lower() for text in texts for match in ours.finditer(text)}
    return UUID(named.pop()) if len(named) == 1 else None


def _standard(parts: list[Mail]) -> Iterator[Report]:
    """RFC 3464: the fields of each recipient, a block of its own in the part for machines."""
    for part in parts:
        if part.get_content_type() != "message/delivery-status" or not isinstance(part.get_payload(), list):
            continue
        for block in part.get_payload():
            action = str(block["Action"] or "").strip().lower() if isinstance(block, Mail) else ""
            if not action or not isinstance(block, Mail):
                continue
            diagnosis = str(block.get("Diagnostic-Code", ""))[:_LONGEST_HEADER].partition(";")[2]
            yield Report(
                message_uuid=_NOBODY,
                action=_action(action),
                status=_status(str(block.get("Status", "")), diagnosis),
                address=_typed(block.get("Final-Recipient", "")),
                original_address=_typed(block.get("Original-Recipient", "")),
                words=_line(diagnosis or block.get("Status", "")),
            )


def _status(given: str, diagnosis: str) -> str:
    """As given, unless that says nothing (5.0.0) and the words say more."""
    status, said = _STATUS.search(given), _STATUS.search(diagnosis)
    if status and said and status[0].endswith(".0.0") and status[1] == said[1]:
        return said[0]
    return status[0] if status else ""


def _action(word: str) -> Action:
    if word.startswith("failed"):
        return Action.FAILED
    return Action.DELAYED if word.startswith("delayed") else Action.DONE


def _of_old(mail: Mail, parts: list[Mail]) -> Iterator[Report]:
    """Without that part: a mail server's own words, which say 5.1.1 or 550 and whom it concerns."""
    failed = [
        _line(found[0])
        for line in mail.get_all("X-Failed-Recipients", [])
        for found in _ADDRESS.finditer(str(line)[:_LONGEST_HEADER])
    ]
    if not failed and not _ROBOTS.search(str(mail.get("From", ""))):
        # A person who answers, or a machine that says they are away, may quote anything.
        return
    text = "\n".join(_text(part) for part in parts if part.get_content_type() == "text/plain")
    status, reply = _STATUS.search(text), _REPLY.search(text)
    kind = status[1] if status else reply[1][0] if reply else "5" if failed else ""
    if kind not in ("4", "5"):
        return
    where = status or reply
    line_end = text.find("\n", where.start()) if where else 0
    words = _line(text[where.start() : line_end if line_end > 0 else None]) if where else ""
    for address in failed or [""]:
        yield Report(
            message_uuid=_NOBODY,
            action=Action.FAILED if kind == "5" else Action.DELAYED,
            status=status[0] if status else "",
            address=address,
            words=words,
        )


def _typed(value: object) -> str:
    """The address of ``rfc822; elek@example.com``."""
    found = _ADDRESS.search(str(value)[:_LONGEST_HEADER].rpartition(";")[2])
    return _line(found[0]) if found else ""


def _text(part: Mail) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _line(text: object) -> str:
    """As an event keeps it."""
    return "".join(one if one.isprintable() else " " for one in " ".join(str(text).split()))[:_LONGEST_TEXT]

"""What the columns of a file mean: the members of a recipient by the names that people give them, all others its
properties."""

import unicodedata
from collections.abc import Mapping, Sequence

from campaigns.recipient_rules import Person

PROPERTY, IGNORED = "property", ""
# By the names without case, accents and what stands between words.
_NAMES = {
    "name": ("name", "recipientname", "fullname", "nev", "cimzett", "cimzettneve", "teljesnev"),
    "email_address": ("emailaddress", "email", "mail", "recipientemailaddress", "emailcim"),
    "postal_address": ("postaladdress", "address", "recipientpostaladdress", "cim", "postacim", "levelezesicim"),
    "partner_ref": ("partnerref", "partner", "partnerid", "ugyfelszam", "partnerkod"),
    "language": ("language", "lang", "locale", "nyelv"),
    "time_zone": ("timezone", "zone", "idozona"),
}
_MEMBERS = {name: member for member, names in _NAMES.items() for name in names}
MEMBERS = tuple(_NAMES)


def meaning_of(header: str) -> str:
    """What a header means by itself: a member of a recipient, PROPERTY, or IGNORED for one without a name."""
    return _MEMBERS.get(_plain(header), PROPERTY) if header else IGNORED


def meanings(headers: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What each header means: a member of a recipient, PROPERTY, or IGNORED for one without a name. ``given`` says it
    for some; raises ValueError for a header that is not there, a member that none is, or one that two would be."""
    found = {header: meaning_of(header) for header in headers}
    for header, meaning in (given or {}).items():
        if header not in found:
            raise ValueError(f"there is no column {header[:100]}")
        if meaning not in (*MEMBERS, PROPERTY, IGNORED):
            raise ValueError(f"{header[:100]}: must be one of {', '.join(MEMBERS)}, {PROPERTY} or empty")
        found[header] = meaning
    for member in MEMBERS:
        columns = [header for header, meaning in found.items() if meaning == member]
        if len(columns) > 1:
            raise ValueError(f"{columns[0][:100]} and {columns[1][:100]} would both be {member}")
    if not {"email_address", "postal_address"} & set(found.values()):
        raise ValueError("no column is the e-mail address or the postal address")
    return found


class Reader:
    """Makes recipients of records."""

    def __init__(self, headers: Sequence[str], meaning: Mapping[str, str]) -> None:
        self._count = len(headers)
        self._members = [(index, meaning[name]) for index, name in enumerate(headers) if meaning[name] in MEMBERS]
        self._properties = [(index, name) for index, name in enumerate(headers) if meaning[name] == PROPERTY]

    def person(self, fields: Sequence[str]) -> Person:
        """Raises ValueError for a record that has other columns than the header."""
        if len(fields) != self._count:
            raise ValueError(f"has {len(fields)} columns, and the header {self._count}")
        values = {member: _cleaned(fields[index]) for index, member in self._members}
        properties = {name: value for index, name in self._properties if (value := fields[index])}
        return Person(**values, properties=properties)


def _cleaned(text: str) -> str:
    """As people meant it: spaces of any kind are spaces, lines end in one way."""
    text = text.strip()
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)


def _plain(header: str) -> str:
    decomposed = unicodedata.normalize("NFKD", header.casefold())
    return "".join(character for character in decomposed if character.isalnum())

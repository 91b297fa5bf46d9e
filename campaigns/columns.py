"""What the columns of a file mean: the members of a recipient by the names that people give them, all others its
properties."""

import unicodedata
from collections.abc import Mapping, Sequence

from campaigns.recipient_rules import Person
from gateway.spreadsheets import as_meant

PROPERTY, IGNORED = "property", ""
# Before the heads of an import's own file, in the one of its invalid lines.
RESULT_HEADS = ("line", "reason")
# By the names without case, accents and what stands between words.
_NAMES = {
    "name": (
        "name", "recipientname", "fullname", "customername", "nev", "cimzett", "cimzettneve", "teljesnev", "ugyfelneve",
        "ugyfelnev", "partnerneve", "partnernev",
    ),
    "email_address": ("emailaddress", "email", "mail", "recipientemailaddress", "emailcim", "emailcime"),
    "postal_address": (
        "postaladdress", "address", "recipientpostaladdress", "mailingaddress", "cim", "postacim", "postaicim",
        "levelezesicim",
    ),
    "partner_ref": (
        "partnerref", "partner", "partnerid", "partnernumber", "customerid", "customernumber", "ugyfelszam",
        "ugyfelazonosito", "ugyfelkod", "partnerkod", "partnerszam", "partnerazonosito",
    ),
    "language": ("language", "lang", "locale", "nyelv"),
    "time_zone": ("timezone", "zone", "idozona"),
}  # fmt: skip
# In sentences for people.
WORDS = {
    "name": "the name",
    "email_address": "the e-mail address",
    "postal_address": "the postal address",
    "partner_ref": "the partner",
    "language": "the language",
    "time_zone": "the time zone",
}
_MEMBERS = {name: member for member, names in _NAMES.items() for name in names}
MEMBERS = tuple(_NAMES)


def meaning_of(header: str) -> str:
    """What a header means by itself: a member of a recipient, PROPERTY, or IGNORED for one without a name."""
    return _MEMBERS.get(_plain(header), PROPERTY) if header else IGNORED


def is_result(headers: Sequence[str]) -> bool:
    """Whether a file with these columns is one of invalid lines, corrected to be imported."""
    return tuple(headers[: len(RESULT_HEADS)]) == RESULT_HEADS


def meant_by(headers: Sequence[str]) -> dict[str, str]:
    """What each header means by itself beside the others: what a file of invalid lines says of them is left out."""
    found = {header: meaning_of(header) for header in headers}
    return found | dict.fromkeys(RESULT_HEADS, IGNORED) if is_result(headers) else found


def properties_in(meaning: Mapping[str, str]) -> list[str]:
    """Which columns become properties of recipients."""
    return [header for header, what in meaning.items() if what == PROPERTY]


def meanings(headers: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What each header means: a member of a recipient, PROPERTY, or IGNORED for one without a name. ``given`` says it
    for some; raises ValueError for a header that is not there, a member that none is, or one that two would be."""
    found = meant_by(headers)
    for header, meaning in (given or {}).items():
        if header not in found:
            raise ValueError(f"there is no column {header[:100]}")
        if meaning not in (*MEMBERS, PROPERTY, IGNORED):
            raise ValueError(f"{header[:100]}: must be one of {', '.join(MEMBERS)}, {PROPERTY} or empty")
        found[header] = meaning
    for member in MEMBERS:
        columns = [header for header, meaning in found.items() if meaning == member]
        if len(columns) > 1:
            raise ValueError(f"{columns[0][:100]} and {columns[1][:100]} would both be {WORDS[member]}")
    if not {"email_address", "postal_address"} & set(found.values()):
        raise ValueError("no column is the e-mail address or the postal address")
    return found


class Reader:
    """Makes recipients of records."""

    def __init__(self, headers: Sequence[str], meaning: Mapping[str, str]) -> None:
        self._count = len(headers)
        self._headers = {meaning[name]: name for name in headers if meaning[name] in MEMBERS}
        self._members = [(index, meaning[name]) for index, name in enumerate(headers) if meaning[name] in MEMBERS]
        self._properties = [(index, name) for index, name in enumerate(headers) if meaning[name] == PROPERTY]

    def header_of(self, member: str) -> str:
        """What the file calls a member of a recipient; the member's own name where no column is it."""
        return self._headers.get(member, member)[:100]

    def person(self, fields: Sequence[str]) -> Person:
        """Raises ValueError for a record that has other columns than the header."""
        if len(fields) != self._count:
            raise ValueError(f"has {len(fields)} columns, and the header {self._count}")
        together = "".join(fields)
        if "'" in together:
            # Hardly ever.
            fields = [as_meant(field) for field in fields]
        clean = str.strip if together.isprintable() else _cleaned
        values = {member: clean(fields[index]) for index, member in self._members}
        properties = {name: value for index, name in self._properties if (value := fields[index])}
        return Person(**values, properties=properties)


def _cleaned(text: str) -> str:
    """As people meant it: spaces of any kind are spaces, lines end in one way."""
    text = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)


def _plain(header: str) -> str:
    decomposed = unicodedata.normalize("NFKD", header.casefold())
    return "".join(character for character in decomposed if character.isalnum())

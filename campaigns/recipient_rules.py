"""What makes a recipient, whoever brings it: a line of a file, a caller or the console."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.dates import zone_names
from sending.addresses import is_valid

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
LONGEST = {
    "name": 100,
    "email_address": 100,
    "postal_address": 1000,
    "partner_ref": 100,
    "language": 35,
    "time_zone": 64,
}
# Where all texts together are no longer than any of the first four may be, none of them is too long.
_SHORT = 100
MOST_PROPERTIES = 100
LONGEST_KEY, LONGEST_VALUE = 100, 10_000


@dataclass(slots=True, kw_only=True)
class Person:
    """A recipient as it is kept; "" = not known."""

    name: str = ""
    email_address: str = ""
    postal_address: str = ""
    partner_ref: str = ""
    language: str = ""
    time_zone: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Equal for who counts as the same in a group: by e-mail address, else by name and postal address. 128 bits in
        hex."""
        text = self.email_address.lower() or f"{self.name}\n{self.postal_address}".lower()
        return sha256(text.encode()).hexdigest()[:32]


def problem_of(person: Person) -> tuple[str, str] | None:
    """The first thing wrong with a recipient, as ``problems_of`` tells it; None when it is good."""
    found = problems_of(person)
    return found[0] if found else None


def problems_of(person: Person) -> list[tuple[str, str]]:
    """What is wrong with a recipient: which of its members ("" = all of it), and a sentence. One without a name is
    called by its e-mail address."""
    found: list[tuple[str, str]] = []
    if not person.email_address and not person.postal_address:
        found.append(("", "needs an e-mail address or a postal address"))
    if not person.name:
        person.name = person.email_address
    if not person.name and person.postal_address:
        found.append(("name", "required"))
    if person.email_address and not is_valid(person.email_address):
        found.append(("email_address", "not a valid e-mail address"))
    together = f"{person.name}{person.email_address}{person.postal_address}{person.partner_ref}"
    if len(together) > _SHORT or not together.isprintable():
        # As hardly any are.
        found += _problems_of_texts(person)
    if person.language and not (len(person.language) <= LONGEST["language"] and _LANGUAGE.fullmatch(person.language)):
        found.append(("language", "must be a language as hu or en-GB"))
    if person.time_zone and person.time_zone not in zone_names():
        found.append(("time_zone", "must be a time zone as Europe/Budapest"))
    if person.properties and not _are_short(person.properties):
        found += _problems_of_properties(person.properties)
    return found


def _problems_of_texts(person: Person) -> Iterator[tuple[str, str]]:
    for member, longest in LONGEST.items():
        text = getattr(person, member)
        if len(text) > longest:
            yield member, f"must be at most {longest} characters long"
        if not text.isprintable() and (member != "postal_address" or not text.replace("\n", "").isprintable()):
            yield member, "must not contain control characters"


def _are_short(properties: Mapping[str, str]) -> bool:
    """Whether all together are no more than each may be, so that nothing is wrong with any; as nearly all are."""
    keys, values = "".join(properties), "".join(properties.values())
    return (
        len(properties) <= MOST_PROPERTIES
        and "" not in properties
        and len(keys) <= LONGEST_KEY
        and keys.isprintable()
        and len(values) <= LONGEST_VALUE
        and "\0" not in values
    )


def _problems_of_properties(properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if len(properties) > MOST_PROPERTIES:
        yield "properties", f"must be at most {MOST_PROPERTIES}"
        return
    for key, value in properties.items():
        if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
            yield "properties", f"a key must be 1 to {LONGEST_KEY} printable characters"
        if len(value) > LONGEST_VALUE or "\0" in value:
            yield "properties", f"{key}: must be at most {LONGEST_VALUE} characters, without NUL"

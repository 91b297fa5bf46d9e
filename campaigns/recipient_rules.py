"""What makes a recipient, whoever brings it: a line of a file, a caller or the console."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from zoneinfo import available_timezones

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
_ZONES = frozenset(available_timezones())


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
        return blake2b(text.encode(), digest_size=16).hexdigest()


def problem_of(person: Person) -> tuple[str, str] | None:
    """The first thing wrong with a recipient: which of its members ("" = all of it), and a sentence; None when it is
    good. One without a name is called by its e-mail address."""
    if not person.email_address and not person.postal_address:
        return "", "needs an e-mail address or a postal address"
    if not person.name:
        person.name = person.email_address
    if not person.name:
        return "name", "required"
    if person.email_address and not is_valid(person.email_address):
        return "email_address", "not a valid e-mail address"
    if problem := _problem_of_texts(person):
        return problem
    if person.language and not _LANGUAGE.fullmatch(person.language):
        return "language", "must be a language as hu or en-GB"
    if person.time_zone and person.time_zone not in _ZONES:
        return "time_zone", "must be a time zone as Europe/Budapest"
    return _problem_of_properties(person.properties)


def _problem_of_texts(person: Person) -> tuple[str, str] | None:
    together = f"{person.name}{person.email_address}{person.postal_address}{person.partner_ref}"
    if len(together) <= _SHORT and together.isprintable() and not person.language and not person.time_zone:
        # As nearly all are.
        return None
    for member, longest in LONGEST.items():
        text = getattr(person, member)
        if len(text) > longest:
            return member, f"must be at most {longest} characters long"
        if not text.isprintable() and (member != "postal_address" or not text.replace("\n", "").isprintable()):
            return member, "must not contain control characters"
    return None


def _problem_of_properties(properties: Mapping[str, str]) -> tuple[str, str] | None:
    if len(properties) > MOST_PROPERTIES:
        return "properties", f"must be at most {MOST_PROPERTIES}"
    for key, value in properties.items():
        if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
            return "properties", f"a key must be 1 to {LONGEST_KEY} printable characters"
        if len(value) > LONGEST_VALUE or "\0" in value:
            return "properties", f"{key}: must be at most {LONGEST_VALUE} characters, without NUL"
    return None

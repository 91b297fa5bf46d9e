"""The naming conventions of receivers (contract job_completed_notifications): a name of several words, in each."""

from collections.abc import Callable
from enum import StrEnum


class Naming(StrEnum):
    """As registrations spell them."""

    CONCAT_LOWERCASE = "CONCAT_LOWERCASE"
    CONSTANT = "CONSTANT"
    UNDERSCORED = "UNDERSCORED"
    UPPER = "CAMEL_CASE_WITH_FIRST_LETTER_UPPERCASE"
    LOWER = "CAMEL_CASE_WITH_FIRST_LETTER_LOWERCASE"


_SPELT: dict[Naming, Callable[[list[str]], str]] = {
    Naming.CONCAT_LOWERCASE: "".join,
    Naming.CONSTANT: lambda words: "_".join(words).upper(),
    Naming.UNDERSCORED: "_".join,
    Naming.UPPER: lambda words: "".join(word.capitalize() for word in words),
    Naming.LOWER: lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
}


def spelt(words: str, naming: Naming) -> str:
    """``"job id"`` as jobId, JOB_ID …"""
    return _SPELT[naming](words.split(" "))

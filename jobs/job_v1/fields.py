"""What a value may look like in a Job V1 request, with every tolerance (contract job_v1).

A list may be one value, several, or stand in its wrapper; text may arrive as a whole number, a number as text; null and
the empty string are the same as nothing.
"""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from gateway.listing import LARGEST_ID
from jobs.services import MOST_IDS, JobId
from jobs.states import Status

_MOST_LEGS = 1000
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def job_id(text: str) -> JobId | None:
    """A job's number or its uuid; None for what is neither."""
    if _UUID.fullmatch(text):
        return UUID(text)
    if _NUMBER.fullmatch(text) and 0 < int(text) <= LARGEST_ID:
        return int(text)
    return None


def unwrapped(value: Any, wrapper: str) -> list[Any]:
    """The items of a list in any of its spellings: ``A``, ``[A, B]``, ``{wrapper: A}``, ``{wrapper: [A, B]}``."""
    if value is None or value == "":
        return []
    if isinstance(value, dict) and set(value) <= {wrapper}:
        return unwrapped(value.get(wrapper), wrapper)
    if isinstance(value, list):
        return [item for one in value for item in unwrapped(one, wrapper)]
    return [value]


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("invalid", "{sentence}", {"sentence": sentence})


def _read_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _wrong("must be text, given once")
    return value


def _read_word(value: Any) -> str:
    return _read_text(value).strip()


def _read_status(value: Any) -> str:
    word = _read_word(value)
    if word and word not in set(Status):
        raise _wrong(f"must be one of {', '.join(Status)}")
    return word


def _read_job_id(value: Any) -> JobId:
    found = job_id(_read_word(value))
    if found is None:
        raise _wrong("must be a job's number or uuid")
    return found


def listed(wrapper: str, most: int, what: str) -> BeforeValidator:
    """A list in any of its spellings; a longer one is refused before its items are looked at."""

    def unwrap(value: Any) -> list[Any]:
        items = unwrapped(value, wrapper)
        if len(items) > most:
            raise _wrong(f"must be at most {most} {what}")
        return items

    return BeforeValidator(unwrap)


Text = Annotated[str, PlainValidator(_read_text)]
Word = Annotated[str, PlainValidator(_read_word)]
StatusName = Annotated[str, PlainValidator(_read_status)]
LegIds = Annotated[list[Word], listed("legId", _MOST_LEGS, "legs")]
Uuids = Annotated[list[Annotated[Any, PlainValidator(_read_job_id)]], listed("uuid", MOST_IDS, "jobs")]
JobIds = Annotated[list[Annotated[Any, PlainValidator(_read_job_id)]], listed("jobId", MOST_IDS, "jobs")]

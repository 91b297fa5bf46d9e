"""A job's parameters: ordered pairs of text outside, a typed model inside (contract job_v1, "Job classes")."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from gateway.dates import parse_moment
from gateway.errors import Code, Problem, Refusal
from jobs import callbacks

Pairs = Sequence[tuple[str, str]]
M = TypeVar("M", bound="JobParams")

LONGEST_KEY = 100
LONGEST_VALUE = 10_000
MOST_PARAMS = 100
# The parameter under which a trigger's chosen legs reach its job.
LEGS = "legIds"


class JobParams(BaseModel):
    """The parameters that one job class takes; each field's alias is its key in the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class NoParams(JobParams):
    """For a class that takes none."""


# A moment in any spelling of the contract (hammy_common, "Dates").
Moment = Annotated[datetime, BeforeValidator(lambda value: parse_moment(value) if isinstance(value, str) else value)]


def parse(model: type[M], pairs: Pairs, *, outputs: Iterable[str] = ()) -> M:
    """The pairs as the class's own model; raises Refusal with every problem (1001, 1002, 1004), each naming its key.

    ``outputs`` are keys that the class writes itself: they may stand among the stored pairs of a job that ran before.
    Where a job's end is called back is no business of its class (jobs.callbacks).
    """
    known = frozenset(outputs)
    check(pairs)
    own = {key: value for key, value in pairs if key not in known and not callbacks.is_callback_url(key)}
    try:
        return model.model_validate(own)
    except ValidationError as error:
        raise Refusal([_problem(model, found) for found in error.errors(include_url=False)]) from error


def check(pairs: Pairs) -> None:
    """Raise Refusal with all that makes pairs unfit for any class: missing, doubled and endless keys and values."""
    if problems := list(_shape(pairs)):
        raise Refusal(problems)


def merged(defaults: Pairs, given: Pairs) -> list[tuple[str, str]]:
    """The defaults with what was given in their place, then what was given beyond them, in order."""
    is_called_back = any(callbacks.is_callback_url(key) for key, _ in given)
    # However the two spell it, what was given takes its place.
    result = {key: value for key, value in defaults if not (is_called_back and callbacks.is_callback_url(key))}
    result.update(given)
    return list(result.items())


def _shape(pairs: Pairs) -> Iterable[Problem]:
    if len(pairs) > MOST_PARAMS:
        yield Problem(code=Code.INVALID, sentence=f"must be at most {MOST_PARAMS} parameters", field=("params",))
        return
    seen = set()
    for index, (key, value) in enumerate(pairs):
        if not key:
            yield Problem(code=Code.REQUIRED, sentence="required", field=("params", index, "key"))
        elif key in seen:
            yield Problem(code=Code.INVALID, sentence="is given twice", field=("params", key))
        elif len(key) > LONGEST_KEY or "\0" in key:
            words = f"must be at most {LONGEST_KEY} characters long, without NUL"
            yield Problem(code=Code.INVALID, sentence=words, field=("params", index, "key"))
        if len(value) > LONGEST_VALUE or "\0" in value:
            words = f"must be at most {LONGEST_VALUE} characters long, without NUL"
            yield Problem(code=Code.INVALID, sentence=words, field=("params", key))
        seen.add(key)


def _problem(model: type[JobParams], found: Mapping[str, Any]) -> Problem:
    key = str(found["loc"][0]) if found["loc"] else ""
    field = ("params", key) if key else ("params",)
    match found["type"]:
        case "missing":
            return Problem(code=Code.REQUIRED, sentence="required", field=field)
        case "extra_forbidden":
            known = ", ".join(name for name in keys(model)) or "none"
            return Problem(code=Code.UNKNOWN_FIELD, sentence=f"unknown parameter; known are {known}", field=field)
        case _:
            sentence = str(found["msg"]).removeprefix("Value error, ")
            return Problem(code=Code.INVALID, sentence=sentence[:1].lower() + sentence[1:], field=field)


def keys(model: type[JobParams]) -> list[str]:
    """The keys that a class takes, in its order."""
    return [field.alias or name for name, field in model.model_fields.items()]

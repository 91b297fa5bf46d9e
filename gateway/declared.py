"""What callers wrote into declared models, with every problem at once (values only)."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from gateway.errors import Code, Problem, Refusal
from gateway.plain_text import is_one_line

M = TypeVar("M", bound=BaseModel)

_LONGEST_NAME = 100
_MOST_REPORTED = 100
_SENTENCES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "literal_error": "must be {expected}",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def wrong(sentence: str) -> PydanticCustomError:
    """What a validator of ours raises."""
    return PydanticCustomError("invalid", "{sentence}", {"sentence": sentence})


def one_line(text: str) -> str:
    """A validator: text without what could end its line."""
    if not is_one_line(text):
        raise wrong("must not contain control characters")
    return text


def exclusive(sentence: str) -> PydanticCustomError:
    """The same for what excludes each other."""
    return PydanticCustomError("exclusive", "{sentence}", {"sentence": sentence})


def read(model: type[M], data: Any) -> M:
    """The model; raises Refusal with each thing that is wrong, at its place in ``data``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        raise Refusal(found[:_MOST_REPORTED]) from error


def _problem(detail: Mapping[str, Any]) -> Problem:
    field = tuple(part if isinstance(part, int) else part[:_LONGEST_NAME] for part in detail["loc"])
    ctx = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return Problem(code=Code.REQUIRED, sentence="required", field=field)
        case "extra_forbidden":
            return Problem(code=Code.UNKNOWN_FIELD, sentence="unknown field", field=field)
        case "exclusive":
            return Problem(code=Code.EXCLUSIVE, sentence=ctx["sentence"], field=field)
        case "string_too_short" | "too_short":
            return Problem(code=Code.INVALID, sentence="must not be empty", field=field)
        case "string_too_long":
            words = f"must be at most {ctx['max_length']} characters long"
            return Problem(code=Code.INVALID, sentence=words, field=field)
        case "too_long":
            return Problem(code=Code.INVALID, sentence=f"must be at most {ctx['max_length']} items", field=field)
        case "greater_than_equal" | "less_than_equal":
            bound = ctx.get("ge", ctx.get("le"))
            word = "least" if "ge" in ctx else "most"
            return Problem(code=Code.INVALID, sentence=f"must be at {word} {bound}", field=field)
        case kind:
            sentence = ctx.get("sentence") or _SENTENCES.get(kind, "is not valid").format_map(ctx)
            return Problem(code=Code.INVALID, sentence=sentence, field=field)

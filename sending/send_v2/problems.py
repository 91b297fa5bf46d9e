"""From what pydantic, a channel or a service finds wrong to what the caller reads.

Fields in the caller's own spelling, problems in the contract's order of fields.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from gateway.errors import Code, Problem, Refusal, refuse
from sending.send_v2.fields import ONE_LINE
from sending.send_v2.model import ALIASES, INNER_ORDER, ORDER, OUTWARD_NAMES

Path = tuple[str | int, ...]

# Nobody reads more, and building them all would cost more than any honest request.
MOST_REPORTED = 100
MOST_COUNTED = 1000
MOST_HINTED = 10
_LONGEST_NAME = 100
_SENTENCES = {
    "text": "must be text",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode text",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def of_validation(error: ValidationError) -> tuple[list[Problem], list[Path]]:
    """A problem for each thing pydantic found, with the contract's names, and where in the data each stands.

    Raises Refusal where there is no end, or where a name cannot even be repeated.
    """
    if error.error_count() > MOST_COUNTED:
        raise endless()
    details = error.errors(include_url=False, include_input=False)
    if not all(detail["loc"] for detail in details):
        raise refuse(Code.MALFORMED, "a name in the request is not valid Unicode text")
    return (
        # A hint costs more than all else about an unknown name: only as many as anybody gets to read.
        [
            _of_detail(detail["type"], detail["loc"], detail.get("ctx", {}), is_hinted=index < MOST_HINTED)
            for index, detail in enumerate(details)
        ],
        [detail["loc"] for detail in details],
    )


def endless(counted: int = MOST_COUNTED) -> Refusal:
    """For a request in which more is wrong than anybody would count."""
    return refuse(Code.MALFORMED, f"more than {counted} things are wrong with this request")


def _of_detail(kind: str, path: Path, context: Mapping[str, Any], *, is_hinted: bool) -> Problem:
    if kind == "extra_forbidden":
        *outer, name = path
        shown = printable(str(name))
        hint = _hint(shown) if is_hinted else ""
        return Problem(code=Code.UNKNOWN_FIELD, sentence=f"unknown field{hint}", field=(*outer, shown))
    if kind == "string_too_long":
        sentence = f"must be at most {context['max_length']} characters"
    elif kind == "too_long":
        sentence = f"must hold at most {context['max_length']}"
    elif kind == "string_pattern_mismatch" and context["pattern"] == ONE_LINE:
        sentence = "must be one line without control characters"
    else:
        sentence = context.get("sentence") or _SENTENCES[kind]
    return Problem(code=Code.INVALID, sentence=sentence, field=path)


def printable(name: str) -> str:
    """An unknown name is the caller's own text: cut to what a sentence bears, with nothing that cannot be encoded."""
    cut = name[:_LONGEST_NAME].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)


@lru_cache(maxsize=1000)
def _hint(name: str) -> str:
    known = {outward.lower(): outward for outward in (*ORDER, *INNER_ORDER)}
    found = get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    return f"; did you mean {known[found[0]]}?" if found and known[found[0]] != name else ""


def without(data: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """A copy of ``data`` that lacks what stands at ``paths``, so that the rest can be looked at."""
    rest = deepcopy(data)
    for *outer, last in paths:
        inner: Any = rest
        try:
            for part in outer:
                inner = inner[part]
            if isinstance(inner, dict):
                inner.pop(last, None)
            else:
                inner[last] = {}
        except (KeyError, IndexError, TypeError):
            continue  # gone with something around it
    return rest


def in_contract(problem: Problem) -> Problem:
    """The same problem with the contract's names for the core's."""
    path = tuple(OUTWARD_NAMES.get(part, part) if isinstance(part, str) else part for part in problem.field)
    return replace(problem, field=path)


def spelt(problem: Problem, spelling: Mapping[str, str]) -> Problem:
    """The same problem with the caller's own spelling where they used an alias."""
    if not problem.field or problem.field[0] not in spelling:
        return problem
    return replace(problem, field=(spelling[str(problem.field[0])], *problem.field[1:]))


def refusal(problems: Iterable[Problem], *, canonical: Mapping[str, str], order: Mapping[str, int] = ORDER) -> Refusal:
    """All problems, each once, in the contract's order of fields. ``canonical`` maps the caller's spelling back."""

    def place(problem: Problem) -> tuple[int, ...]:
        first, *inner = problem.field or ("",)
        return (
            order.get(canonical.get(str(first), str(first)), len(order)),
            *(part if isinstance(part, int) else INNER_ORDER.get(part, len(INNER_ORDER)) for part in inner),
        )

    ordered = sorted(dict.fromkeys(problems), key=place)
    kept = ordered[:MOST_REPORTED]
    if more := len(ordered) - len(kept):
        kept.append(Problem(code=kept[-1].code, sentence=f"and {more} more problems"))
    return Refusal(kept)


def canonical(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[Problem]]:
    """The data under the names of V2, how the caller spelt them, and what was given under both."""
    spelling: dict[str, str] = {}
    found: list[Problem] = []
    for alias, name in ALIASES.items():
        if alias not in data:
            continue
        data = dict(data)
        value = data.pop(alias)
        if value in (None, ""):
            continue
        if data.get(name) not in (None, ""):
            sentence = f"not together with {name}, which means the same"
            found.append(Problem(code=Code.EXCLUSIVE, sentence=sentence, field=(alias,)))
            continue
        data[name] = value
        spelling[name] = alias
    return data, spelling, found


class Places:
    """Where something was found wrong; asking takes the same time however many there are."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._named = {path for path in paths if path}
        self._above = {path[:length] for path in self._named for length in range(len(path) + 1)}

    def cover(self, path: Path) -> bool:
        """Whether something was already said of ``path``, of what holds it or of what it holds."""
        return path in self._above or any(path[:length] in self._named for length in range(1, len(path) + 1))

"""What a template may say: its filters, tests and methods, each with what it costs at most.

Jinja's own, less those that leave the room (``safe``, ``attr``, ``random``), that cost more than their input shows
(``striptags``, ``urlize``, ``pprint``) or that fit no letter (``xmlattr``, ``tojson``). Added: ``as_list``.
"""

from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import Namespace

from sending.sandbox import costs
from sending.sandbox.budget import ITEM_WEIGHT, Budget, TemplateData, checked_number, require_defined, weight
from sending.sandbox.costs import LONGEST_LIST, LONGEST_NUMERAL, PIECE_WEIGHT, Cost

# ── filters on texts: the value is turned into text first, arguments are texts and numbers ──────────────────────────
TEXT_FILTERS: dict[str, Cost] = {
    "capitalize": costs.case,
    "center": costs.padded,
    "e": costs.escaped,
    "escape": costs.escaped,
    "format": costs.printf,
    "indent": costs.indented,
    "lower": costs.case,
    "replace": costs.replaced,
    "string": costs.same,
    "title": costs.case,
    "trim": costs.trimmed,
    "truncate": costs.truncated,
    "upper": costs.case,
    "urlencode": costs.urlencoded,
    "wordcount": costs.case,
    "wordwrap": costs.wrapped,
}
# ── filters on lists, texts (their characters) and mappings (their keys): None = all the value holds is paid for ────
LIST_FILTERS: dict[str, Cost | None] = {
    "batch": costs.parts,
    "count": costs.free,
    "first": costs.free,
    "groupby": None,
    "last": costs.free,
    "length": costs.free,
    "list": None,
    "map": None,
    "max": None,
    "min": None,
    "reject": None,
    "rejectattr": None,
    "reverse": None,
    "select": None,
    "selectattr": None,
    "slice": costs.parts,
    "sort": None,
    "unique": None,
}
MAPPING_FILTERS = ("dictsort", "items")
STRING_METHODS: dict[str, Cost] = {
    "capitalize": costs.case,
    "center": costs.padded,
    "count": costs.same,
    "endswith": costs.same,
    "find": costs.same,
    "isalnum": costs.same,
    "isalpha": costs.same,
    "isdigit": costs.same,
    "islower": costs.same,
    "isupper": costs.same,
    "ljust": costs.padded,
    "lower": costs.case,
    "lstrip": costs.trimmed,
    "removeprefix": costs.same,
    "removesuffix": costs.same,
    "replace": costs.replaced,
    "rjust": costs.padded,
    "rstrip": costs.trimmed,
    "split": costs.split,
    "splitlines": costs.lines,
    "startswith": costs.same,
    "strip": costs.trimmed,
    "title": costs.case,
    "upper": costs.case,
    "zfill": costs.padded,
}
MAPPING_METHODS = ("get", "items", "keys", "values")
LOOP_METHODS = ("changed", "cycle")
HIDDEN_TESTS = ("callable", "filter", "test", "escaped")


def _require_simple(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    for item in (*args, *options.values()):
        if not (item is None or isinstance(item, (str, bool, int, float))):
            require_defined(item)
            raise TemplateData("texts and numbers are expected here")


def _paid(budget: Budget, result: Any) -> Any:
    budget.spend(
        weight(result) if isinstance(result, str) else PIECE_WEIGHT * len(result) if isinstance(result, list) else 0
    )
    return result


def _from_jinja(name: str) -> Callable[..., Any]:
    """Jinja's filter, called with the context first, whatever it asks for; its answer is never a generator."""
    function = JINJA_FILTERS[name]
    asked = getattr(function, "jinja_pass_arg", None)
    first: Callable[[Context], tuple[Any, ...]] = {
        None: lambda context: (),
        "context": lambda context: (context,),
        "eval_context": lambda context: (context.eval_ctx,),
        "environment": lambda context: (context.environment,),
    }[asked and asked.name]

    def apply(context: Context, value: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        result = function(*first(context), value, *args, **options)
        return list(result) if isinstance(result, Iterator) else result

    return apply


def _text_filter(name: str, cost: Cost) -> Callable[..., Any]:
    apply = _from_jinja(name)

    @pass_context
    def filter_text(context: Any, value: Any, /, *args: Any, **options: Any) -> Any:
        budget: Budget = context.budget
        text = budget.text(value)
        _require_simple(args, options)
        budget.afford(cost(text, *args, **options))
        return _paid(budget, apply(context, text, args, options))

    return filter_text


def _list_filter(name: str, cost: Cost | None) -> Callable[..., Any]:
    apply = _from_jinja(name)

    @pass_context
    def filter_list(context: Any, value: Any, /, *args: Any, **options: Any) -> Any:
        items, budget = require_items(value), context.budget
        if cost is None:
            costs.at_most(LONGEST_LIST, len(items))
            budget.unfolded(items)
            # Attribute names are looked up part by part for each item.
            per_item = sum(len(item) for item in (*args, *options.values()) if isinstance(item, str))
            budget.spend(len(items) * (per_item + (PIECE_WEIGHT if isinstance(items, str) else ITEM_WEIGHT)))
        else:
            budget.spend(cost(items, *args, **options))
        return apply(context, items, args, options)

    return filter_list


def _mapping_filter(name: str) -> Callable[..., Any]:
    apply = _from_jinja(name)

    @pass_context
    def filter_mapping(context: Any, value: Any, /, *args: Any, **options: Any) -> Any:
        if not isinstance(value, dict):
            require_items(value)
            raise TemplateData("a mapping is expected here")
        context.budget.unfolded(value)
        context.budget.spend(PIECE_WEIGHT * len(value))
        return apply(context, value, args, options)

    return filter_mapping


def require_items(value: Any) -> Any:
    """The value itself when it can be gone through: a list, a mapping (its keys), a range or a text."""
    if not isinstance(value, (list, tuple, dict, str, range)):
        require_defined(value)
        raise TemplateData("a list is expected here")
    return value


def require_number(value: Any) -> Any:
    """A number, or a text short enough to be one."""
    require_defined(value)
    if isinstance(value, str) and len(value) > LONGEST_NUMERAL:
        raise TemplateData("a number is expected here")
    if not (value is None or isinstance(value, (str, bool, int, float))):
        raise TemplateData("a number is expected here")
    return value


@pass_context
def join_items(context: Any, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    """The items as one text, ``d`` between them."""
    items = require_items(value)
    if attribute is not None:
        items = context.environment.filters["map"](context, items, attribute=attribute)
    if isinstance(items, str) and not d:
        return items
    costs.at_most(LONGEST_LIST, len(items))
    separated: list[Any] = []
    context.budget.spend(2 * ITEM_WEIGHT * len(items))
    for item in items:
        separated += (d, item)
    joined: str = context.budget.concat(separated[1:])
    return joined


@pass_context
def sum_items(context: Any, value: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    """The sum of numbers."""
    items = require_items(value)
    context.budget.spend(ITEM_WEIGHT * costs.at_most(LONGEST_LIST, len(items)))
    if attribute is not None:
        items = context.environment.filters["map"](context, items, attribute=attribute)
    total = start
    for item in (start, *items):
        if not isinstance(item, (int, float)):
            require_defined(item)
            raise TemplateData("only numbers can be summed; use the filter float or int first")
    for item in items:
        total = checked_number(total + item)
    return total


@pass_context
def as_list(context: Any, value: Any) -> list[Any]:
    """A list as it is, a single value as a list of one, a missing one as an empty list: for XML siblings."""
    context.budget.spend()
    if isinstance(value, Undefined):
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pass_context
def default_value(context: Any, value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """The value, or another where it is missing (or empty, with ``boolean``)."""
    context.budget.spend()
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


def _number_filter(name: str) -> Callable[..., Any]:
    function = JINJA_FILTERS[name]

    @pass_context
    def filter_number(context: Any, value: Any, /, *args: Any, **options: Any) -> Any:
        context.budget.spend()
        _require_simple(args, options)
        if name == "round":
            for item in (*args, *options.values()):
                if isinstance(item, int):
                    costs.at_most(30, abs(item))
        return checked_number(function(require_number(value), *args, **options))

    return filter_number


def filters() -> dict[str, Any]:
    """Every filter of the room by its name."""
    found = {name: _text_filter(name, cost) for name, cost in TEXT_FILTERS.items()}
    found |= {name: _list_filter(name, cost) for name, cost in LIST_FILTERS.items()}
    found |= {name: _mapping_filter(name) for name in MAPPING_FILTERS}
    found |= {name: _number_filter(name) for name in ("abs", "float", "int", "round")}
    return found | {
        "as_list": as_list,
        "d": default_value,
        "default": default_value,
        "join": join_items,
        "sum": sum_items,
    }


def _counted_test(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def test(context: Any, value: Any, /, *args: Any) -> bool:
        context.budget.spend()
        return bool(function(value, *args))

    return test


def tests() -> dict[str, Any]:
    """Every test of the room by its name; Jinja's own, counted."""
    found: dict[str, Any] = {**JINJA_TESTS}
    return {name: _counted_test(function) for name, function in found.items() if name not in HIDDEN_TESTS}


def call_method(context: Any, value: Any, name: str, path: str, /, *args: Any, **options: Any) -> Any:
    """What a method of a text, mapping or loop answers; others do not exist."""
    budget: Budget = context.budget
    if isinstance(value, str) and name == "join":
        return join_items(context, args[0] if len(args) == 1 and not options else None, d=value)
    if isinstance(value, str) and name in STRING_METHODS:
        _require_simple(args, options)
        budget.afford(STRING_METHODS[name](value, *args, **options))
        return _paid(budget, getattr(value, name)(*args, **options))
    if isinstance(value, dict) and name in MAPPING_METHODS:
        budget.spend(PIECE_WEIGHT * len(value) if name != "get" else 0)
        answer = getattr(value, name)(*args, **options)
        return answer if name == "get" else list(answer)
    if isinstance(value, LoopContext) and name in LOOP_METHODS:
        budget.spend()
        return getattr(value, name)(*args)
    if isinstance(value, Namespace):
        return context.environment.call(context, context.environment.fetch(value, name, path), path, *args, **options)
    require_defined(value)
    raise TemplateData(f"{path} cannot be called")

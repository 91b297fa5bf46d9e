"""Loops that nothing bounds but the data, told to editors before a long list makes a letter fail in them.

A loop over the data is as long as they are, and one over a part of each of its items too: together they see every
item once. A loop that begins anew in each round of another, over something else, multiplies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeGuard

from jinja2 import nodes

from sending.sandbox.budget import STEPS

Doubt = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the reading stands: the loops around it, the names that hold part of their items, the macros it is in.

    ``around`` holds each loop's line and, where it is written down, how often it runs. ``lengths`` are the names that
    the template itself gave a list of its own.
    """

    around: tuple[tuple[int, int | None], ...] = ()
    parts: frozenset[str] = frozenset()
    within: tuple[str, ...] = ()
    lengths: dict[str, int] = field(default_factory=dict)

    @property
    def data_loop(self) -> int | None:
        """The line of the innermost loop that is as long as the data."""
        return next((line for line, rounds in reversed(self.around) if rounds is None), None)

    def holding(self, *names: str) -> "_Place":
        return replace(self, parts=self.parts | {*names})


def unbounded_loops(tree: nodes.Template) -> list[Doubt]:
    """The line and a sentence for each loop of which nobody can say how often it runs, or that runs too often."""
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    return sorted(set(_of_body(tree.body, _Place(), macros)))


def _of_body(body: list[nodes.Node], place: _Place, macros: Mapping[str, nodes.Macro]) -> Iterator[Doubt]:
    for node in body:
        if isinstance(node, nodes.For):
            yield from _of_loop(node, place, macros)
        elif isinstance(node, nodes.Macro):
            # What it is given may be a part of anything: who calls it says.
            inside = place.holding(*(argument.name for argument in node.args))
            yield from _of_body(node.body, replace(inside, around=(), within=(*place.within, node.name)), macros)
        elif isinstance(node, nodes.Assign):
            place = _after_assignment(node.target, node.node, place)
            yield from _of_calls(node.node, place, macros)
        elif isinstance(node, nodes.With):
            inside = place
            for target, value in zip(node.targets, node.values, strict=True):
                inside = _after_assignment(target, value, inside)
            yield from _of_body(node.body, inside, macros)
        elif isinstance(node, nodes.If):
            yield from _of_calls(node.test, place, macros)
            for branch in (node.body, list[nodes.Node](node.elif_), node.else_):
                yield from _of_body(branch, place, macros)
        elif isinstance(node, (nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)):
            if isinstance(node, nodes.CallBlock):
                yield from _of_calls(node.call, place, macros)
            yield from _of_body(node.body, place, macros)
        else:
            yield from _of_calls(node, place, macros)


def _of_loop(loop: nodes.For, place: _Place, macros: Mapping[str, nodes.Macro]) -> Iterator[Doubt]:
    rounds = _rounds(loop.iter, place.lengths)
    if rounds is not None:
        known = [other for _, other in place.around if other is not None]
        if prod([*known, rounds]) > STEPS:
            yield loop.lineno, f"this loop takes more than {STEPS:,} rounds, more than a letter may take"
    elif _is_range(loop.iter):
        yield loop.lineno, "how often this loop runs is a number of the data: nothing bounds it"
    elif place.data_loop is not None and _root(loop.iter) not in place.parts:
        yield loop.lineno, _again(place.data_loop)
    yield from _of_calls(loop.iter, place, macros)
    inside = place.holding(*_names(loop.target))
    yield from _of_body(loop.body, replace(inside, around=(*place.around, (loop.lineno, rounds))), macros)
    yield from _of_body(loop.else_, place, macros)


def _of_calls(node: nodes.Node, place: _Place, macros: Mapping[str, nodes.Macro]) -> Iterator[Doubt]:
    """What the macros called here loop over, when this is itself in a loop over the data."""
    for call in [node] if isinstance(node, nodes.Call) else node.find_all(nodes.Call):
        macro = macros.get(call.node.name) if isinstance(call.node, nodes.Name) else None
        if macro is None:
            continue
        if macro.name in place.within:
            yield call.lineno, f"the macro {macro.name} calls itself: nothing bounds how often"
        elif place.data_loop is not None:
            yield from _of_macro(macro, call, place)


def _of_macro(macro: nodes.Macro, call: nodes.Call, place: _Place) -> Iterator[Doubt]:
    given = dict(zip((argument.name for argument in macro.args), call.args, strict=False))
    given |= {keyword.key: keyword.value for keyword in call.kwargs}
    inner = {name for loop in macro.find_all(nodes.For) for name in _names(loop.target)}
    for loop in macro.find_all(nodes.For):
        root = _root(loop.iter)
        source = given.get(root)
        is_part = root in inner or (source is not None and _is_short(source, place))
        if _rounds(loop.iter, place.lengths) is None and not is_part and place.data_loop is not None:
            yield call.lineno, f"{macro.name} loops in line {loop.lineno}; {_again(place.data_loop)}"


def _is_short(source: nodes.Node, place: _Place) -> bool:
    return _root(source) in place.parts or _rounds(source, place.lengths) is not None


def _again(line: int) -> str:
    return f"this loop begins anew in each round of the loop in line {line}: with long lists the letter fails"


def _after_assignment(target: nodes.Node, value: nodes.Node, place: _Place) -> _Place:
    names = _names(target)
    if _root(value) in place.parts:
        return place.holding(*names)
    rounds = _rounds(value, place.lengths)
    return place if rounds is None else replace(place, lengths=place.lengths | dict.fromkeys(names, rounds))


def _names(target: nodes.Node) -> list[str]:
    found = [name.name for name in target.find_all(nodes.Name)]
    return [target.name, *found] if isinstance(target, nodes.Name) else found


def _rounds(node: nodes.Node, lengths: Mapping[str, int]) -> int | None:
    """How often a loop over this runs, where the template itself says so."""
    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return len(node.value)
    if isinstance(node, (nodes.List, nodes.Tuple, nodes.Dict)):
        return len(node.items)
    if isinstance(node, nodes.Name):
        return lengths.get(node.name)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        stop = node.arg.stop
        if isinstance(stop, nodes.Const) and isinstance(stop.value, int) and stop.value >= 0:
            return stop.value
        return _rounds(node.node, lengths)
    return _range_length(node.args) if _is_range(node) else None


def _is_range(node: nodes.Node) -> TypeGuard[nodes.Call]:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range"


def _range_length(given: list[nodes.Expr]) -> int | None:
    bounds = [argument.value for argument in given if isinstance(argument, nodes.Const)]
    is_known = len(bounds) == len(given) and all(type(bound) is int for bound in bounds)
    return len(range(*bounds)) if is_known and 0 < len(bounds) < 4 and bounds[2:] != [0] else None


def _root(node: nodes.Node | None) -> str:
    """The name that an expression is a part of, "" when it is of none."""
    while node is not None and not isinstance(node, nodes.Name):
        if isinstance(node, nodes.CondExpr):
            node = node.expr1
        elif isinstance(node, (nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Call)):
            node = node.node
        else:
            return ""
    return "" if node is None else node.name

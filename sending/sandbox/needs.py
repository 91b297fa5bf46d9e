"""What a template needs whatever its data are: the paths it uses outside every branch, loop, default and test.

Told too little rather than too much: a letter that would have rendered is never refused for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from sending.sandbox.environment import spell


@dataclass(frozen=True, slots=True)
class Need:
    """A path into the data, as keys and as the template spells it."""

    keys: tuple[str | int, ...]
    path: str


def needs_of(tree: nodes.Template, own_names: frozenset[str]) -> tuple[Need, ...]:
    """The needs of a template in its order, each once; names it gives itself and ``own_names`` aside."""
    given = own_names | names_given(tree)
    return tuple(dict.fromkeys(need for need in _of_body(tree.body) if need.keys[0] not in given))


def names_given(tree: nodes.Template) -> frozenset[str]:
    """Every name that the template itself gives a value anywhere: variables, loop variables, arguments, macros."""
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    return frozenset(macros | {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"})


def _of_body(body: list[nodes.Node]) -> Iterator[Need]:
    for node in body:
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                yield from _of(child)
        elif isinstance(node, nodes.If):
            yield from _of(node.test)
        elif isinstance(node, nodes.For):
            yield from _of(node.iter)
        elif isinstance(node, nodes.Assign):
            yield from _inside(node.node)
        elif isinstance(node, (nodes.With, nodes.AssignBlock, nodes.FilterBlock)):
            yield from _of_body(node.body)


def _inside(node: nodes.Node) -> Iterator[Need]:
    """What an expression needs when its own result may be missing, as in ``{% set a = b %}``."""
    if _keys(node) is None:
        yield from _of(node)


def _of(node: nodes.Node) -> Iterator[Need]:
    """What an expression needs when its result is used."""
    keys = _keys(node)
    if keys:
        yield Need(keys, spell(node))
    elif isinstance(node, nodes.BinExpr):
        yield from _of(node.left)
        if not isinstance(node, (nodes.And, nodes.Or)):
            yield from _of(node.right)
    elif isinstance(node, nodes.UnaryExpr):
        yield from _of(node.node)
    elif isinstance(node, nodes.Concat):
        for child in node.nodes:
            yield from _of(child)
    elif isinstance(node, nodes.Compare):
        first = node.ops[0]
        if first.op not in ("in", "notin"):
            yield from _of(node.expr)
        yield from _of(first.expr)
    elif isinstance(node, nodes.CondExpr):
        yield from _of(node.test)
    elif isinstance(node, nodes.Filter) and node.node and node.name not in ("default", "d", "as_list"):
        yield from _of(node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        yield from _of(node.node.node)


def _keys(node: nodes.Node) -> tuple[str | int, ...] | None:
    """The keys of a constant path, outermost first; None for any other expression."""
    keys: list[str | int] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            if not isinstance(node.arg.value, (str, int)):
                return None
            keys.append(node.arg.value)
        else:
            return None
        node = node.node
    return (node.name, *reversed(keys))

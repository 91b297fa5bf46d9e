"""The Jinja environment of letters: every construct of a template becomes code that counts what it spends.

Values are texts, numbers, lists and mappings; a template reaches what they hold and the few methods of ``words``,
never a Python attribute. Nothing is computed while compiling, nothing is loaded from anywhere.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_context

from sending.sandbox import words
from sending.sandbox.budget import (
    CALL_DEPTH,
    ESCAPED_GROWTH,
    ITEM_WEIGHT,
    NUMBER_BITS,
    Budget,
    TemplateBudget,
    TemplateData,
    checked_number,
    require_defined,
    weight,
)

# No template can spell it: names hold no space.
LOOP_FILTER = "counted loop"
MOST_TOKENS = 20_000
LONGEST_RANGE = 100_000
NAMESPACE_WEIGHT = 512
LOOP_ATTRIBUTES = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem", "nextitem")
)
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


class Missing(StrictUndefined):
    """A value that the data lack: may be asked about and defaulted, anything else names its path."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"{self._undefined_name} is missing"


class CountedContext(Context):
    """The variables of one rendering, and its budget."""

    budget: Budget


class CountedItems:
    """What a loop goes through, one step spent for each turn."""

    __slots__ = ("_budget", "_items")

    def __init__(self, items: Any, budget: Budget) -> None:
        self._items = items
        self._budget = budget

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        spend = self._budget.spend
        for item in self._items:
            spend()
            yield item


@pass_context
def _counted_loop(context: Any, value: Any) -> CountedItems:
    return CountedItems(words.require_items(value), context.budget)


def spell(node: nodes.Node) -> str:
    """The path of an expression as a template writes it, with … for what is computed."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{spell(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem):
        key = node.arg
        if isinstance(key, nodes.Const):
            inside = f'"{key.value}"' if isinstance(key.value, str) else str(key.value)
        else:
            inside = key.name if isinstance(key, nodes.Name) else "…"
        return f"{spell(node.node)}[{inside}]"
    return "…"


class CountingCode(CodeGenerator):
    """Writes Python in which output, comparisons, lookups, literals, calls and ``~`` go through the budget."""

    def write_commons(self) -> None:
        super().write_commons()
        self.writeline("budget = context.budget")
        self.writeline("spend = budget.spend")
        self.writeline(f"show = budget.{'show_html' if self.environment.autoescape else 'show_text'}")
        self.writeline("fetch = environment.fetch")

    def _make_finalize(self) -> CodeGenerator._FinalizeInfo:
        # No constant is printed at compile time: {{ "a" * 500000000 }} is one.
        return self._FinalizeInfo(None, None)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write("show(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(")")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        fixed = sum(weight(child.data) for child in node.nodes if isinstance(child, nodes.TemplateData))
        # At the top each text is written once at most, and the source is bounded.
        if fixed and not frame.toplevel:
            self.writeline(f"spend({fixed})", node)
        super().visit_Output(node, frame)

    def visit_Operand(self, node: nodes.Operand, frame: Frame) -> None:
        self.write(f" {OPERATORS[node.op]} (spend() and ")
        self.visit(node.expr, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self._call_with("budget.concat((", node.nodes, frame)
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("budget.made(")
        super().visit_List(node, frame)
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("budget.made(")
        super().visit_Dict(node, frame)
        self.write(")")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        self.write("budget.made(" if node.ctx == "load" else "")
        super().visit_Tuple(node, frame)
        self.write(")" if node.ctx == "load" else "")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        self._call_with("fetch(", [node.node], frame)
        self.write(f"{node.attr!r}, {spell(node)!r})")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if isinstance(node.arg, nodes.Slice):
            bounds = (node.arg.start, node.arg.stop, node.arg.step)
            self._call_with("environment.cut(budget, ", [node.node], frame)
            self._call_with("", [bound or nodes.Const(None) for bound in bounds], frame)
            self.write(")")
        else:
            self._call_with("fetch(", [node.node, node.arg], frame)
            self.write(f"{spell(node)!r})")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        called = node.node
        if isinstance(called, nodes.Getattr):
            self._call_with("environment.call_method(context, ", [called.node], frame)
            self.write(f"{called.attr!r}, ")
        else:
            self._call_with("environment.call(context, ", [called], frame)
        self.write(repr(spell(called)))
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")

    def _call_with(self, opening: str, arguments: list[Any], frame: Frame) -> None:
        self.write(opening)
        for argument in arguments:
            self.visit(argument, frame)
            self.write(", ")


OPERATORS = {"eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in", "notin": "not in"}


class LetterEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox; one for text and one for HTML serve all templates and all threads."""

    code_generator_class = CountingCode
    context_class = CountedContext
    intercepted_binops = frozenset(ARITHMETIC)
    call_method = staticmethod(words.call_method)

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(
            autoescape=is_html, undefined=Missing, optimized=False, keep_trailing_newline=True, cache_size=0
        )
        self.filters = words.filters() | {LOOP_FILTER: _counted_loop}
        self.tests = words.tests()
        self.globals = {"range": _range, "namespace": _namespace}

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        # Counted before they are parsed: parsing half a million characters of {{a}} takes seconds.
        return TokenStream(self._few_enough(super()._tokenize(source, name, filename, state)), name, filename)

    @staticmethod
    def _few_enough(tokens: TokenStream) -> Iterator[Token]:
        for number, token in enumerate(tokens):
            if number >= MOST_TOKENS:
                raise TemplateSyntaxError(f"the template has more than {MOST_TOKENS:,} parts", token.lineno)
            yield token

    @staticmethod
    def fetch(value: Any, key: Any, path: str) -> Any:
        """What ``value`` holds under ``key``, or Missing with its ``path``; what is missing holds nothing."""
        if isinstance(value, dict):
            try:
                return value[key]
            except (KeyError, TypeError):
                return Missing(name=path)
        if isinstance(value, Undefined):
            return value
        if isinstance(value, (list, tuple, str, range)):
            if isinstance(key, int) and -len(value) <= key < len(value):
                return value[key]
            return getattr(value, key) if key in getattr(value, "_fields", ()) else Missing(name=path)
        if isinstance(key, str) and (
            (isinstance(value, LoopContext) and key in LOOP_ATTRIBUTES)
            or (isinstance(value, Namespace) and not key.startswith("_"))
        ):
            return getattr(value, key, Missing(name=path))
        return Missing(name=path)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.fetch(obj, attribute, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.fetch(obj, argument, str(argument))

    def cut(self, budget: Budget, value: Any, start: Any, stop: Any, step: Any) -> Any:
        """A slice of a text or list."""
        items = words.require_items(value)
        budget.spend(weight(items) if isinstance(items, str) else ITEM_WEIGHT * len(items))
        return items[start:stop:step]

    def call(self, context: Any, called: Any, path: str, /, *args: Any, **options: Any) -> Any:
        """What a macro or one of the two functions answers; nothing else can be called."""
        budget: Budget = context.budget
        if called is _range or called is _namespace:
            budget.spend(NAMESPACE_WEIGHT)
            return called(*args, **options)
        if not isinstance(called, Macro):
            require_defined(called)
            raise TemplateData(f"{path} cannot be called")
        budget.spend(ITEM_WEIGHT)
        if called.catch_varargs or called.catch_kwargs:
            budget.unfolded((args, options))
        if budget.depth >= CALL_DEPTH:
            raise TemplateBudget(f"macros call each other more than {CALL_DEPTH} deep")
        budget.depth += 1
        answer = called(*args, **options)
        budget.depth -= 1
        return answer

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers; ``+``, ``*`` and ``%`` also on texts, ``+`` and ``*`` on lists."""
        budget: Budget = context.budget
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            if operator == "**" and _power_bits(left, right) > NUMBER_BITS:
                raise TemplateBudget("a number grows too large")
        elif isinstance(left, Undefined) or isinstance(right, Undefined):
            require_defined(left, right)
        elif operator == "%" and isinstance(left, str):
            named = right if isinstance(right, dict) else {}
            args = () if named else right if isinstance(right, tuple) else (right,)
            return self.filters["format"](context, left, *args, **named)
        elif operator == "+":
            growth = ESCAPED_GROWTH if hasattr(left, "__html__") or hasattr(right, "__html__") else 1
            budget.afford(growth * (_length(left) + _length(right)))
        elif operator == "*":
            times = left if isinstance(left, int) else right if isinstance(right, int) else 0
            budget.afford(max(times, 0) * (_length(right) if isinstance(left, int) else _length(left)))
        result = ARITHMETIC[operator](left, right)
        if isinstance(result, (list, tuple)):
            return budget.made(result)
        budget.spend(_length(result))
        return checked_number(result)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return weight(value)
    return ITEM_WEIGHT * len(value) if isinstance(value, (list, tuple)) else 0


def _power_bits(base: Any, exponent: Any) -> int:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        return base.bit_length() * exponent
    return 0


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    # len() itself fails beyond the machine's word.
    if max(map(abs, (*bounds, 0))) > LONGEST_RANGE or len(numbers) > LONGEST_RANGE:
        raise TemplateBudget(f"a range may hold at most {LONGEST_RANGE:,} numbers")
    return numbers


def _namespace(**values: Any) -> Namespace:
    return Namespace(**values)

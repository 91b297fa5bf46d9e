"""Letter templates: Jinja2 in a sandbox with a budget of steps, time and text (contract send_v2, "Templates").

Beyond plain Jinja2: what is missing is an error that names its path (``|default`` and ``is defined`` work at any
depth), ``|as_list`` makes a list of one of a single value, and a mapping is never confused with its methods:
``{{ xmlData.DATA.items }}`` is the element, ``{{ properties.items() }}`` the method.
Not offered: include, import, extends, block, autoescape, recursive loops, ``|safe``, ``*`` and ``**`` in calls.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from types import TracebackType
from typing import Any

from jinja2 import Template, TemplateRuntimeError, TemplateSyntaxError, nodes

from sending.sandbox.budget import (
    NUMBER_BITS,
    Budget,
    TemplateBudget,
    TemplateData,
    TemplateError,
    TemplateSyntax,
)
from sending.sandbox.environment import LOOP_FILTER, CountedContext, LetterEnvironment, Missing
from sending.sandbox.loops import unbounded_loops
from sending.sandbox.needs import Need, names_given, needs_of

__all__ = [
    "CompiledTemplate",
    "TemplateBudget",
    "TemplateData",
    "TemplateError",
    "TemplateSyntax",
    "check_source",
    "compile_template",
]

SECONDS = 1.0
OUTPUT = 2 * 1024 * 1024
LONGEST_SOURCE = 512 * 1024
DEEPEST_SOURCE = 60
DEEPEST_DATA = 110
MOST_BRANCHES = 200
# What Python and Jinja answer to values used for what they are not; their words name kinds, never internals.
WRONG_USE = (
    TemplateRuntimeError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
)
PLAIN = frozenset((str, int, float, bool, type(None)))

TEXT, HTML = LetterEnvironment(is_html=False), LetterEnvironment(is_html=True)
# Names that a template has without anybody giving them.
OWN_NAMES = frozenset(("loop", "caller", "varargs", "kwargs", *TEXT.globals))
OFFERED = {
    "statements": "Template Output TemplateData For If Macro CallBlock FilterBlock With Assign AssignBlock",
    "values": "Name NSRef Const Tuple List Dict Pair Keyword Call Filter Test Getattr Getitem Slice",
    "operators": "CondExpr Compare Operand Concat And Or Not Neg Pos Add Sub Mul Div FloorDiv Mod Pow",
}
OFFERED_NODES = tuple(getattr(nodes, name) for names in OFFERED.values() for name in names.split())


class CompiledTemplate:
    """A template ready to be rendered, any number of times and in any thread."""

    def __init__(self, template: Template, environment: LetterEnvironment, needs: tuple[Need, ...]) -> None:
        self._template = template
        self._environment = environment
        self.needs = needs

    @property
    def variables(self) -> frozenset[str]:
        """What the template cannot do without, as it spells it: ``recipientName``, ``properties["K"]``."""
        return frozenset(need.path for need in self.needs)

    def missing(self, data: Mapping[str, Any]) -> list[str]:
        """The ``variables`` that the data lack, in the template's order; what only some branches need is left out."""
        found: list[str] = []
        if not self.needs:
            return found
        plain = dict(data)
        for need in self.needs:
            value: Any = plain
            for key in need.keys:
                value = self._environment.fetch(value, key, need.path)
            if isinstance(value, Missing):
                found.append(need.path)
        return found

    def render(self, data: Mapping[str, Any], *, seconds: float = SECONDS, output: int = OUTPUT) -> str:
        """The text of the template with ``data`` (texts, numbers, lists and mappings with text keys).

        Stops with TemplateBudget when it takes longer than ``seconds`` or gives more than ``output`` characters;
        TemplateData when the data lack something or are of the wrong kind.
        """
        variables = self._environment.globals | _plain(dict(data))
        context = CountedContext(self._environment, variables, None, {})
        context.budget = Budget(seconds=seconds, output=output, is_html=self._environment.autoescape is True)
        pieces, room = [], output
        try:
            for piece in self._template.root_render_func(context):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    raise TemplateBudget(f"the text is longer than {output:,} characters")
        except TemplateError as error:
            raise type(error)(error.sentence, self._line(error.__traceback__)) from None
        except OverflowError as error:
            raise TemplateBudget("a number grows too large", self._line(error.__traceback__)) from None
        except (RecursionError, MemoryError) as error:
            raise TemplateBudget("the template goes too deep", self._line(error.__traceback__)) from None
        except KeyError as error:
            raise TemplateData(f"{error.args[0]} is missing", self._line(error.__traceback__)) from None
        except WRONG_USE as error:
            sentence = str(error) or "the template cannot use these data"
            raise TemplateData(sentence, self._line(error.__traceback__)) from None
        return "".join(pieces)

    def _line(self, traceback: TracebackType | None) -> int | None:
        line = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == "<template>":
                line = self._template.get_corresponding_lineno(traceback.tb_lineno)
            traceback = traceback.tb_next
        return line


def compile_template(source: str, *, html: bool) -> CompiledTemplate:
    """The template of a source text, values escaped when ``html``; TemplateSyntax names the line. Costly: keep it."""
    environment = HTML if html else TEXT
    try:
        tree = _parsed(source, environment)
        needs = needs_of(tree, OWN_NAMES)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, LOOP_FILTER, [], [], None, None, lineno=loop.iter.lineno)
        code = environment.compile(tree)
    except TemplateSyntaxError as error:
        raise TemplateSyntax(error.message or "the template is not well written", error.lineno) from None
    except (RecursionError, MemoryError):
        raise TemplateSyntax("the template is nested too deeply") from None
    except (SyntaxError, ValueError, OverflowError) as error:
        # What Jinja lets through and Python does not: more than twenty loops in each other, numerals of 5,000 digits.
        raise TemplateSyntax(f"the template cannot be compiled: {str(error).partition('(')[0].strip()}") from None
    return CompiledTemplate(Template.from_code(environment, code, {}), environment, needs)


def check_source(source: str, *, html: bool, known_names: frozenset[str]) -> list[str]:
    """What an editor should be told about a template: what keeps it from compiling, or the names nobody gives and the
    loops that nothing bounds, each with its line."""
    try:
        compile_template(source, html=html)
    except TemplateSyntax as error:
        return [str(error)]
    tree = _parsed(source, HTML if html else TEXT)
    own = OWN_NAMES | known_names | names_given(tree)
    first_lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name not in own:
            first_lines.setdefault(name.name, name.lineno)
    unknown = [str(TemplateSyntax(f"{name} is not known", line)) for name, line in first_lines.items()]
    return [*unknown, *(str(TemplateSyntax(sentence, line)) for line, sentence in unbounded_loops(tree))]


def _parsed(source: str, environment: LetterEnvironment) -> nodes.Template:
    """The tree of a source in which everything is something letters offer; TemplateSyntax otherwise."""
    if len(source) > LONGEST_SOURCE:
        raise TemplateSyntax(f"the template is longer than {LONGEST_SOURCE:,} characters")
    tree = environment.parse(source)
    # Level by level and not by recursion: the depth is what is being judged.
    level: list[nodes.Node] = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > DEEPEST_SOURCE:
            raise TemplateSyntax("the template is nested too deeply", level[0].lineno)
        for node in level:
            problem = next(_problems(node, environment), None)
            if problem:
                raise TemplateSyntax(problem, node.lineno)
        level = [child for node in level for child in node.iter_child_nodes()]
    return tree


def _problems(node: nodes.Node, environment: LetterEnvironment) -> Iterator[str]:
    """Why this node, its children aside, cannot be part of a letter's template."""
    if not isinstance(node, OFFERED_NODES):
        word = "autoescape" if isinstance(node, nodes.Scope) else type(node).__name__.lower()
        yield f"{word} is not offered in letter templates"
    elif isinstance(node, (nodes.Getattr, nodes.NSRef)) and node.attr.startswith("_"):
        yield f"{node.attr} cannot be reached: its name begins with _"
    elif isinstance(node, nodes.For) and node.recursive:
        yield "recursive loops are not offered in letter templates"
    elif isinstance(node, nodes.If) and len(node.elif_) > MOST_BRANCHES:
        yield f"an if has more than {MOST_BRANCHES} branches"
    elif isinstance(node, nodes.Const) and _is_huge(node.value):
        yield "a number is too large"
    elif isinstance(node, (nodes.Call, nodes.Filter, nodes.Test)):
        if node.dyn_args or node.dyn_kwargs:
            yield "* and ** are not offered in letter templates"
        elif isinstance(node, nodes.Filter) and node.name not in environment.filters:
            yield f"there is no filter {node.name}"
        elif isinstance(node, nodes.Test) and node.name not in environment.tests:
            yield f"there is no test {node.name}"


def _is_huge(value: Any) -> bool:
    if isinstance(value, float):
        return not isfinite(value)
    return isinstance(value, int) and value.bit_length() > NUMBER_BITS


def _plain(value: Any, path: tuple[Any, ...] = (), depth: int = 0) -> Any:
    """A copy of the data that is nothing but texts, numbers, lists and mappings; TemplateData names what is not."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if depth > DEEPEST_DATA:
        raise TemplateData(f"{_path(path)} is nested too deeply")
    if kind is dict or isinstance(value, dict):
        copy = {}
        for key, item in value.items():
            if type(key) is not str:
                raise TemplateData(f"{_path(path)} has a key that is no text")
            copy[key] = item if type(item) in PLAIN else _plain(item, (path, key), depth + 1)
        return copy
    if isinstance(value, (list, tuple)):
        return [item if type(item) in PLAIN else _plain(item, (path, "…"), depth + 1) for item in value]
    if isinstance(value, str):
        # Markup is a text that claims to be HTML: data never are.
        return str.__str__(value)
    raise TemplateData(f"{_path(path)} is neither text, number, list nor mapping")


def _path(path: tuple[Any, ...]) -> str:
    keys: list[str] = []
    while path:
        path, key = path
        keys.append(key)
    return ".".join(reversed(keys)) or "the data"

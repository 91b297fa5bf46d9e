"""The project's own Python files, read as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

PRODUCT = ("gateway", "jobs", "sending", "notifications", "campaigns", "schedules", "hammy_project")
EVERYTHING = (*PRODUCT, "benchmarks", "tests")


def python_files(*folders: str) -> list[Path]:
    """Every Python file below the folders, relative to the project, without migrations."""
    root = settings.BASE_DIR
    return sorted(
        path.relative_to(root)
        for folder in folders
        for path in (root / folder).rglob("*.py")
        if "migrations" not in path.parts
    )


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse((settings.BASE_DIR / path).read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, tuple[str, ...]]]:
    """Each function of a file with the names of what it stands in."""

    def below(
        node: ast.AST, names: tuple[str, ...]
    ) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, tuple[str, ...]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child, names
            inner = (*names, child.name) if isinstance(child, ast.ClassDef | ast.FunctionDef) else names
            yield from below(child, inner)

    yield from below(tree(path), ())

"""What an editor is told of loops before a letter fails in them (proof S26)."""

import pytest

from sending.sandbox.budget import STEPS
from sending.templating import check_source

KNOWN = frozenset({"xmlData", "properties", "attachments"})
AGAIN = "this loop begins anew in each round of the loop in line 1: with long lists the letter fails"


def told(source: str) -> list[str]:
    return check_source(source, html=False, known_names=KNOWN)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in xmlData.A %}{{ a }}{% endfor %}{% for b in xmlData.A %}{{ b }}{% endfor %}",
        "{% for a in xmlData.A %}{% for b in a.B|as_list %}{% for c in b.C %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in xmlData.A %}{% for m in range(12) %}{% for s in 'ab' %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for m in range(12) %}{% for a in xmlData.A %}{{ a }}{% endfor %}{% endfor %}",
        "{% set months = ['jan', 'feb'] %}{% for a in xmlData.A %}{% for m in months %}{{ m }}{% endfor %}{% endfor %}",
        "{% for a in xmlData.A %}{% set rows = a.rows %}{% for r in rows %}{{ r }}{% endfor %}{% endfor %}",
        "{% for a in xmlData.A %}{% with r = a.rows %}{% for s in r %}{{ s }}{% endfor %}{% endwith %}{% endfor %}",
        "{% for a in xmlData.A %}{% for b in xmlData.B[:10] %}{{ b }}{% endfor %}{% endfor %}",
        "{% for key, value in properties.items() %}{% for c in value %}{{ c }}{% endfor %}{% endfor %}",
        "{% macro list(rows) %}{% for r in rows %}{{ r }}{% endfor %}{% endmacro %}"
        "{% for a in xmlData.A %}{{ list(a.rows) }}{{ list(rows=a.rows) }}{{ list([1, 2]) }}{% endfor %}",
        "{% macro list(rows) %}{% for r in rows %}{% for c in r %}{{ c }}{% endfor %}{% endfor %}{% endmacro %}"
        "{{ list(xmlData.A) }}",
        "{% for a in xmlData.A %}x{% else %}{% for b in xmlData.B %}{{ b }}{% endfor %}{% endfor %}",
    ],
)  # fmt: skip
def test_loops_that_see_every_item_once_are_fine(source: str) -> None:
    assert told(source) == []


@pytest.mark.parametrize(
    ("source", "sentences"),
    [
        ("{% for a in xmlData.A %}\n{% for b in xmlData.B %}{{ b }}{% endfor %}{% endfor %}", [f"Line 2: {AGAIN}"]),
        ("{% for a in xmlData.A %}\n{% for b in xmlData.A %}{{ b }}{% endfor %}{% endfor %}", [f"Line 2: {AGAIN}"]),
        (
            "{% for a in attachments %}\n{% if a %}{% for b in xmlData.B|sort %}x{% endfor %}{% endif %}{% endfor %}",
            [f"Line 2: {AGAIN}"],
        ),
        (
            "{% for a in xmlData.A %}{% for m in range(12) %}\n{% for b in xmlData.B %}{{ b }}{% endfor %}"
            "{% endfor %}{% endfor %}",
            [f"Line 2: {AGAIN}"],
        ),
        (
            "{% for i in range(xmlData.n|int) %}{{ i }}{% endfor %}",
            ["Line 1: how often this loop runs is a number of the data: nothing bounds it"],
        ),
        (
            "{% for i in range(2000) %}\n{% for j in range(2000) %}x{% endfor %}{% endfor %}",
            [f"Line 2: this loop takes more than {STEPS:,} rounds, more than a letter may take"],
        ),
        (
            "{% for a in xmlData.A %}{{ list(xmlData.B) }}{% endfor %}\n"
            "{% macro list(rows) %}{% for r in rows %}{{ r }}{% endfor %}{% endmacro %}",
            [f"Line 1: list loops in line 2; {AGAIN}"],
        ),
        (
            "{% for a in xmlData.A %}{% call all() %}x{% endcall %}{% endfor %}\n"
            "{% macro all() %}{% for r in xmlData.B %}{{ caller() }}{% endfor %}{% endmacro %}",
            [f"Line 1: all loops in line 2; {AGAIN}"],
        ),
        (
            "{% macro tree(node) %}\n{% for n in node %}{{ tree(n) }}{% endfor %}{% endmacro %}{{ tree(xmlData) }}",
            ["Line 2: the macro tree calls itself: nothing bounds how often"],
        ),
    ],
)  # fmt: skip
def test_s26_loops_that_nothing_bounds_are_told_with_their_line(source: str, sentences: list[str]) -> None:
    assert told(source) == sentences

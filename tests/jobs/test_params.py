"""Parameters of jobs: pairs of text outside, a typed model inside."""

import pytest

from gateway.errors import Code, Refusal
from jobs.params import merged, parse
from tests.jobs.classes import CountParams


def _problems(pairs: list[tuple[str, str]]) -> list[tuple[Code, str]]:
    with pytest.raises(Refusal) as refused:
        parse(CountParams, pairs)
    return [(problem.code, problem.detail) for problem in refused.value.problems]


def test_pairs_become_the_classes_own_values() -> None:
    params = parse(CountParams, [("STEPS", "3"), ("LIMIT_DATE", "2024-05-08T08:20:20+02")])
    assert params.steps == 3
    assert params.limit_date is not None
    assert params.limit_date.isoformat() == "2024-05-08T06:20:20+00:00"


def test_what_a_job_wrote_itself_is_no_parameter_of_its_next_run() -> None:
    assert parse(CountParams, [("STEPS", "3"), ("RESULT", "x")], outputs=["RESULT"]).steps == 3


def test_every_problem_is_said_at_once() -> None:
    assert _problems([("SECONDS", "soon"), ("LIMIT_DATE", "yesterday"), ("COLOUR", "red")]) == [
        (Code.REQUIRED, "params.STEPS: required"),
        (Code.INVALID, "params.SECONDS: input should be a valid number, unable to parse string as a number"),
        (
            Code.INVALID,
            "params.LIMIT_DATE: must be a moment as 2025-02-10T23:55:00.190+01:00 (offset Z, +01:00, +0100 or +01) "
            "or a date as 2025-02-10",
        ),
        (Code.UNKNOWN_FIELD, "params.COLOUR: unknown parameter; known are STEPS, SECONDS, LIMIT_DATE"),
    ]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("", "1")], "params[0].key: required"),
        ([("STEPS", "1"), ("STEPS", "2")], "params.STEPS: is given twice"),
        ([("S" * 101, "1")], "params[0].key: must be at most 100 characters long, without NUL"),
        ([("STEPS", "1\0")], "params.STEPS: must be at most 10000 characters long, without NUL"),
        ([("STEPS", "1" * 10_001)], "params.STEPS: must be at most 10000 characters long, without NUL"),
        ([(str(number), "") for number in range(101)], "params: must be at most 100 parameters"),
    ],
)
def test_pairs_that_nobody_can_store_are_refused(pairs: list[tuple[str, str]], said: str) -> None:
    assert [detail for _, detail in _problems(pairs)] == [said]


def test_what_is_given_takes_the_place_of_the_default_and_the_rest_follows() -> None:
    assert merged([("A", "1"), ("B", "2")], [("C", "3"), ("A", "4")]) == [("A", "4"), ("B", "2"), ("C", "3")]

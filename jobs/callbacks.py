"""The parameter that asks for callbacks of a job to an address (contract dpf_url_callback). Every job class takes it,
and none hears of it."""

from collections.abc import Iterable, Sequence

from gateway.errors import Code, Problem
from gateway.outbound_rules import read_url

CALLBACK_URL = "DpfControlCallbackUrl"


def is_callback_url(key: str) -> bool:
    """Whether a parameter of that name is meant; names are compared without case and underscores."""
    return key.replace("_", "").lower() == CALLBACK_URL.lower()


def checked(url: str) -> str:
    """The address itself; raises ValueError that says what would be right, also for one that may not be called."""
    read_url(url)
    return url


def url_of(params: Iterable[Sequence[str]]) -> str:
    """The address that a job's parameters ask to be called; "" when they ask for none."""
    return next((value for key, value in params if is_callback_url(key)), "")


def problems(params: Iterable[Sequence[str]]) -> Iterable[Problem]:
    """What makes such a parameter unfit: given twice under two spellings, or an address that may not be called. An
    empty one asks for nothing."""
    given = [(key, value) for key, value in params if is_callback_url(key)]
    for key, _ in given[1:]:
        yield Problem(code=Code.INVALID, sentence=f"is given twice, also as {given[0][0]}", field=("params", key))
    for key, value in given[:1]:
        try:
            checked(value) if value else None
        except ValueError as error:
            yield Problem(code=Code.INVALID, sentence=str(error), field=("params", key))

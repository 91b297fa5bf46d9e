"""Which part of a list an address below ``/v4/`` asks for (contract schedules_v4, "list")."""

import re
from math import ceil
from typing import Any

from django.db.models import QuerySet
from django.utils.datastructures import MultiValueDict

from gateway.errors import Code, refuse

PAGE = "page"
_PAGE_SIZE = 50
# Past the end of every list, and a number to every JSON reader and database.
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_LONGEST_NAME = 100


def read_page(query: MultiValueDict[str, str], *others: str) -> tuple[int, dict[str, str]]:
    """The page, from 1, the first where none is named, and what is asked for by ``others``, "" where it is not. Raises
    1002 and 1004 for what is not understood."""
    known = (PAGE, *others)
    for name in query:
        if name not in known:
            sentence = f"unknown parameter, use {', '.join(known)}"
            raise refuse(Code.UNKNOWN_FIELD, sentence, name[:_LONGEST_NAME], parameter=True)
        if len(set(query.getlist(name))) > 1:
            raise refuse(Code.INVALID, "given more than once with different values", name, parameter=True)
    for name in others:
        if "\0" in query.get(name, ""):
            raise refuse(Code.INVALID, "must not contain NUL", name, parameter=True)
    page = query.get(PAGE) or "1"
    if not _NUMBER.fullmatch(page) or int(page) < 1:
        raise refuse(Code.INVALID, "must be a number from 1", PAGE, parameter=True)
    return int(page), {name: query.get(name) or "" for name in others}


def rows_on(page: int, found: QuerySet[Any]) -> list[Any]:
    """Those on a page; none past the end."""
    start = (page - 1) * _PAGE_SIZE
    return list(found[start : start + _PAGE_SIZE])


def numbers(*, total: int, page: int) -> dict[str, int]:
    """What a list says of its pages, the page as it was asked for."""
    return {"total_count": total, "total_pages": ceil(total / _PAGE_SIZE), "page": page}

"""Long base64 of XML bodies: what it says whatever its layout, and that nothing else passes for it."""

import os
from base64 import b64decode, b64encode, encodebytes
from collections.abc import Callable

import pytest

from gateway.long_texts import LONG, LongText, LongTexts

CONTENT = os.urandom(1_000_000)
DIGITS = b64encode(CONTENT)
NAMES = frozenset({"content"})


def decoded(text: bytes) -> bytes:
    return b"".join(LongText(b"<" + text + b"<", 1, 1 + len(text)).decoded())


@pytest.mark.parametrize("length", [0, 1, 2, 3, 196_607, 196_608, 196_609, 786_432, 1_000_000])
@pytest.mark.parametrize(
    "layout",
    [
        lambda digits: digits,
        lambda digits: encodebytes(b64decode(digits)),
        lambda digits: encodebytes(b64decode(digits)).replace(b"\n", b"&#13;\n"),
        lambda digits: b"&#xD;&#xA;".join(digits[place : place + 9] for place in range(0, len(digits), 9)) + b"&#9;",
        lambda digits: b" \t" + digits + b" " * 600_000,
        lambda digits: digits.replace(b"=", b" " * 300_000 + b"="),
    ],
    ids=["one line", "lines", "escaped ends", "escaped everywhere", "white space", "white space in the padding"],
)
def test_it_says_the_same_in_every_layout(length: int, layout: Callable[[bytes], bytes]) -> None:
    assert decoded(layout(b64encode(CONTENT[:length]))) == CONTENT[:length]


@pytest.mark.parametrize("piece", [b"*", b"&", b"&#13", b"&amp;", b"\xc3\xa9", b"\x00", b"-", b"_", b"]]>"])
@pytest.mark.parametrize("place", [0, 262_143, 262_144, 700_001, len(DIGITS)])
def test_what_is_no_digit_is_never_skipped(piece: bytes, place: int) -> None:
    with pytest.raises(ValueError, match="."):
        decoded(DIGITS[:place] + piece + DIGITS[place:])


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("after", [b"AAAA", b"====", b"=", b" " * 600_000 + b"A"])
def test_nothing_follows_the_padding(length: int, after: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        decoded(b64encode(CONTENT[:length]) + after)
    with pytest.raises(ValueError, match="."):
        decoded(b64encode(CONTENT[: 199_998 + length]) + after)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_no_digit_may_be_missing(missing: int) -> None:
    with pytest.raises(ValueError, match="."):
        decoded(b64encode(CONTENT[:300_000])[:-missing])


RUN = b"QUJD" * (LONG // 4) + b"QUJD"


@pytest.mark.parametrize(
    ("before", "is_cut"),
    [
        (b"<content>", True), (b"<a:content>", True), (b'<content x="1" xmlns:y="http://u/">', True),
        (b"<content\n>", True), (b"<a><content>", True),
        (b"<contents>", False), (b"<mycontent>", False), (b"<content/>", False), (b"<content />", False),
        (b"</content>", False), (b"<Content>", False), (b"<content><![CDATA[", False), (b"<!--<content>-->", False),
        (b'<content x=">">', False), (b"", False),
    ],
)  # fmt: skip
def test_only_the_text_of_the_elements_named_is_left_where_it_lies(before: bytes, is_cut: bool) -> None:
    body = before + RUN + b"</x>"
    texts = LongTexts()
    rest = texts.cut(body, NAMES)
    assert (rest != body, len(texts.texts)) == (is_cut, int(is_cut))
    if is_cut:
        token = rest.removeprefix(before).removesuffix(b"</x>").decode()
        found = texts.of(token)
        assert found is not None
        assert body[found.start : found.end] == RUN
    assert texts.restored(rest.decode(), "utf-8") == body.decode()


@pytest.mark.parametrize(("length", "is_cut"), [(LONG, False), (LONG + 1, True)])
def test_short_ones_are_left_to_the_parser(length: int, is_cut: bool) -> None:
    body = b"<content>" + b"A" * length + b"</content>"
    assert (LongTexts().cut(body, NAMES) != body) is is_cut


def test_many_are_found_between_others_and_places_are_those_of_the_body() -> None:
    body, starts = b"<a>", []
    for index in range(20):
        starts.append(len(body) + len("<content>"))
        body += b"<content>" + RUN + b"A" * (index * 997) + b"</content>" + b"<b>x</b>" * (index * 1000)
    texts = LongTexts()
    rest = texts.cut(body, NAMES)
    assert [one.start for one in texts.texts] == starts
    assert texts.restored(rest.decode(), "utf-8").encode() == body
    assert texts.place(0) == 0
    for piece in (b"<content>", b"</content>", b"<b>x</b><content>"):
        for place in (rest.find(piece), rest.rfind(piece)):
            assert body[texts.place(place) :].startswith(piece)
    assert texts.place(len(rest)) == len(body)


def test_nobody_can_send_what_stands_for_another_text() -> None:
    texts, others = LongTexts(), LongTexts()
    texts.cut(b"<content>" + RUN + b"</content>", NAMES)
    token = others.cut(b"<content>" + RUN + b"</content>", NAMES)[9:-10].decode()
    assert texts.of(token) is None
    assert texts.restored(token, "utf-8") == token
    assert texts.of("0") is None
    assert texts.of(f"{texts.prefix}x") is None

"""Printed letters: what stands on their pages and where, and what no layout and no data can make of them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.conf import settings as settings_of_django

from sending.channels.base import NotReady
from sending.letters import letter_preview, page_image, set_letter
from sending.letters import press as presses
from sending.letters.bodies import blocks_of_text
from sending.letters.html_bodies import blocks_of_html
from tests.sending.printed import a_parcel, a_pdf, enclosed, pages_of, place_of

# How PDFium tells that a word goes on in the next line.
BROKEN = "\x02"
DAY = date(2026, 11, 29)


@pytest.fixture(scope="module", autouse=True)
def press_ended() -> Iterator[None]:
    """No process of ours outlives these tests."""
    yield
    presses.press.close()


def words_of(pdf: bytes, page: int = 0) -> str:
    """A page's words, broken ones whole again."""
    return " ".join(pages_of(pdf)[page].replace(BROKEN, "").replace("\u200b", "").split())


# ── what is on paper ────────────────────────────────────────────────────────────────────────────
def test_the_address_stands_in_the_window_of_the_envelope() -> None:
    pdf = set_letter(a_parcel(letter_type="REGISTERED"), day=DAY).pdf
    for line in ("Szőke Tűnde", "1117 Budapest,", "Őszibarack utca 12."):
        left, top, right, bottom = place_of(pdf, line)
        # DIN 5008 form B: 20 mm from the left, 45 mm from the top, 85 by 45 mm, the first 17.7 for notes.
        assert 20 <= left < right <= 105, line
        assert 62.7 <= top < bottom <= 90, line
    _, top, _, bottom = place_of(pdf, "AJÁNLOTT")
    assert 45 <= top < bottom <= 62.7


def test_the_longest_address_stays_in_the_window(settings: Any) -> None:
    lines = ["W" * 44, "Őrmező-lakótelep, " * 3, "harmadik", "negyedik", "ötödik sor vége"]
    parcel = a_parcel(postal_address="\n".join(lines))
    pdf = set_letter(parcel, day=DAY).pdf
    assert place_of(pdf, "W" * 44)[2] <= 105
    assert place_of(pdf, "ötödik sor vége")[3] <= 90


def test_an_address_in_one_line_is_broken_at_its_commas() -> None:
    pdf = set_letter(a_parcel(postal_address="1117 Budapest, Fő utca 1., 2. em."), day=DAY).pdf
    tops = [place_of(pdf, line)[1] for line in ("1117 Budapest,", "Fő utca 1.,", "2. em.")]
    assert tops == sorted(set(tops))


def test_a_letter_bears_sender_date_reference_and_page_number(settings: Any) -> None:
    settings.HAMMY_LETTER_SENDER = ["Minta Biztosító Zrt.", "1051 Budapest, Minta tér 1."]
    words = words_of(set_letter(a_parcel(partner_ref="P-0081"), day=DAY).pdf)
    assert "Minta Biztosító Zrt. · 1051 Budapest, Minta tér 1." in words
    assert "2026. november 29." in words
    assert "Kelt 2026. november 29. Hivatkozási szám 18342" in words
    assert "Partnerszám P-0081" in words
    assert words.endswith("1051 Budapest, Minta tér 1. 1 / 1")


def test_a_letter_speaks_the_sites_language(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    words = words_of(set_letter(a_parcel(letter_type="PRIORITY", has_payment_slip=True), day=DAY).pdf)
    assert "Nov. 29, 2026" in words
    assert "PRIORITY" in words
    assert "Enclosures: payment slip" in words


def test_what_goes_with_a_letter_is_named(settings: Any) -> None:
    parcel = a_parcel(has_reply_envelope=True, has_payment_slip=True, enclosures=(enclosed(a_pdf()),))
    assert "Mellékletek: válaszboríték csekk szerződés.pdf" in words_of(set_letter(parcel, day=DAY).pdf)


def test_hungarian_words_are_hyphenated_and_quoted() -> None:
    text = 'Azt írta: "megszentségteleníthetetlenségeskedéseitekért" ' * 12
    pdf = set_letter(a_parcel(text=text), day=DAY).pdf
    assert f"megszentségteleníthetetlenségeskedéseite{BROKEN}kért" in pages_of(pdf)[0]
    assert words_of(pdf).count("„megszentségteleníthetetlenségeskedéseitekért”") == 12


def test_fonts_are_embedded_with_every_hungarian_letter() -> None:
    alphabet = "árvíztűrő tükörfúrógép ÁRVÍZTŰRŐ TÜKÖRFÚRÓGÉP"
    pdf = set_letter(a_parcel(text=alphabet), day=DAY).pdf
    assert alphabet in words_of(pdf)
    with pikepdf.open(BytesIO(pdf)) as document:
        fonts = document.pages[0].Resources.Font
        descriptors = [font.DescendantFonts[0].FontDescriptor for _, font in fonts.items()]
        assert len(descriptors) >= 2
        for descriptor in descriptors:
            assert any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def test_the_same_letter_is_the_same_to_the_byte() -> None:
    parcel = a_parcel(enclosures=(enclosed(a_pdf(2)),))
    first = set_letter(parcel, day=DAY)
    presses.press.close()
    assert set_letter(parcel, day=DAY) == first
    assert set_letter(parcel, day=date(2026, 11, 30)) != first


def test_text_is_preferred_to_html_and_html_serves_alone() -> None:
    both = set_letter(a_parcel(text="Szöveg", html="<p>HTML</p>"), day=DAY).pdf
    assert "Szöveg" in words_of(both)
    assert "HTML" not in words_of(both)
    assert "HTML" in words_of(set_letter(a_parcel(text="", html="<p>HTML</p>"), day=DAY).pdf)


# ── data are data ───────────────────────────────────────────────────────────────────────────────
EVIL = '#read("/etc/passwd") #{panic()} $x$ *b* _i_ `c` @ref <l> // nothing \\ [a] "q" = H\n= Heading\n+ item\n- item'


def test_s27_nothing_a_letter_says_is_read_as_typst() -> None:
    parcel = a_parcel(
        subject=EVIL, text=EVIL, postal_address=EVIL.replace("\n", " ")[:200], partner_ref=EVIL[:90],
        recipient=a_parcel().recipient.__class__(address="", name=EVIL[:90]),
        sender=a_parcel().sender.__class__(address="x@y.hu", name=EVIL[:90]),
    )  # fmt: skip
    words = words_of(set_letter(parcel, day=DAY).pdf)
    for piece in ("#read(„/etc/passwd”)", "#{panic()}", "$x$", "*b*", "_i_", "`c`", "@ref", "<l>", "// nothing", "[a]"):
        assert piece in words


def test_what_is_in_a_language_or_no_letter_at_all_breaks_nothing() -> None:
    text = "مرحبا بالعالم שלום 😀 Привет \u202e\x00\x07\u2028" + "a" * 3000 + "\ud800 vége"
    letter = set_letter(a_parcel(text=text, subject="😀"), day=DAY)
    assert letter.pages == 1
    assert "Привет" in words_of(letter.pdf)
    assert words_of(letter.pdf).count("a" * 3000 + " vége") == 1


def test_a_very_long_word_stays_on_the_paper() -> None:
    pdf = set_letter(a_parcel(text="W" * 500), day=DAY).pdf
    assert place_of(pdf, "W" * 20)[2] <= 190.5
    assert max(place_of(pdf, words)[2] for words in ("WWW",)) <= 190.5


def test_four_thousand_lines_are_set_page_by_page() -> None:
    letter = set_letter(a_parcel(text="\n".join(f"{number}. sor" for number in range(1, 4001))), day=DAY)
    pages = pages_of(letter.pdf)
    assert letter.pages == len(pages) > 50
    assert "4000. sor" in pages[-1]
    assert f"{len(pages)} / {len(pages)}" in pages[-1]


def test_more_pages_than_the_site_prints_are_refused(settings: Any) -> None:
    settings.HAMMY_LETTER_PAGES = 3
    with pytest.raises(NotReady, match="the letter has 5 pages, and at most 3 are printed") as refused:
        set_letter(a_parcel(enclosures=(enclosed(a_pdf(4)),)), day=DAY)
    assert refused.value.is_lasting


# ── enclosures ──────────────────────────────────────────────────────────────────────────────────
def test_enclosures_follow_the_letter_in_their_order() -> None:
    parcel = a_parcel(enclosures=(enclosed(a_pdf(2, size=(300, 300))), enclosed(a_pdf(1, size=(400, 400)))))
    letter = set_letter(parcel, day=DAY)
    with pikepdf.open(BytesIO(letter.pdf)) as document:
        widths = [round(float(page.mediabox[2])) for page in document.pages]
    assert widths == [595, 300, 300, 400]
    assert (letter.pages, letter.sheets) == (4, 4)


def test_on_both_sides_each_document_begins_on_a_fresh_sheet(settings: Any) -> None:
    settings.HAMMY_PRINT_DUPLEX = True
    letter = set_letter(a_parcel(enclosures=(enclosed(a_pdf(1)), enclosed(a_pdf(1)))), day=DAY)
    assert (letter.pages, letter.sheets) == (5, 3)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (a_pdf(password="titok"), "it is protected by a password"),
        (b"%PDF-1.7\nbroken", "it is no PDF document, or a broken one"),
        (b"", "it is no PDF document, or a broken one"),
        (a_pdf(0), "it has no pages"),
    ],
    ids=["encrypted", "broken", "empty", "no pages"],
)
def test_s22_an_enclosure_that_cannot_be_printed_is_named(content: bytes, why: str) -> None:
    with pytest.raises(NotReady) as refused:
        set_letter(a_parcel(enclosures=(enclosed(a_pdf()), enclosed(content, "rossz.pdf"))), day=DAY)
    assert refused.value.words == f"rossz.pdf cannot be printed: {why}"
    assert refused.value.is_lasting


# ── HTML and text ───────────────────────────────────────────────────────────────────────────────
def _paragraph(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "paragraph", "runs": list(runs)}


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>egy</p><p>két</p>", [_paragraph({"text": "egy"}), _paragraph({"text": "két"})]),
        ("csak szöveg", [_paragraph({"text": "csak szöveg"})]),
        ("<p> sok   \n köz </p>", [_paragraph({"text": "sok köz"})]),
        ("a<br>b", [_paragraph({"text": "a"}, {"text": "\n"}, {"text": "b"})]),
        ("<p>x <b>y</b> <i>z</i></p>", [
            _paragraph({"text": "x "}, {"text": "y", "bold": True}, {"text": " "}, {"text": "z", "italic": True})]),
        ("<h1>A</h1><h5>B</h5>", [
            {"kind": "heading", "level": 1, "runs": [{"text": "A"}]},
            {"kind": "heading", "level": 3, "runs": [{"text": "B"}]}]),
        ("<ul><li>a</li><li><p>b</p><ol><li>c</li></ol></li></ul>", [
            {"kind": "list", "ordered": False, "items": [
                [_paragraph({"text": "a"})],
                [_paragraph({"text": "b"}),
                 {"kind": "list", "ordered": True, "items": [[_paragraph({"text": "c"})]]}]]}]),
        ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", [
            {"kind": "table", "columns": 2, "cells": [
                {"heading": True, "runs": [{"text": "a"}]}, {"heading": False, "runs": [{"text": "b"}]},
                {"heading": False, "runs": [{"text": "c"}]}, {"heading": False, "runs": []}]}]),
        ("<table><tr><td><p>egy oszlop</p></td></tr></table>", [_paragraph({"text": "egy oszlop"})]),
        ("<table><tr><td>k</td><td><table><tr><td>b</td></tr></table></td></tr></table>", [
            _paragraph({"text": "k"}), _paragraph({"text": "b"})]),
        ('<a href="https://x.hu/a">ide</a>', [_paragraph({"text": "ide"}, {"text": " (https://x.hu/a)"})]),
        ('<a href="https://x.hu">https://x.hu</a>', [_paragraph({"text": "https://x.hu"})]),
        ('<a href="mailto:a@x.hu">a@x.hu</a>', [_paragraph({"text": "a@x.hu"})]),
        ('<a href="javascript:alert(1)">ide</a>', [_paragraph({"text": "ide"})]),
        ("<style>p{}</style><script>x()</script><p>jó</p><img src='http://x/y.png'>", [_paragraph({"text": "jó"})]),
        ("a<hr>b", [_paragraph({"text": "a"}), {"kind": "rule"}, _paragraph({"text": "b"})]),
        ("&lt;b&gt; &amp; \x00", [_paragraph({"text": "<b> &"})]),
        ("", []),
        ("  ", []),
    ],
)  # fmt: skip
def test_html_becomes_blocks(html: str, blocks: list[Any]) -> None:
    assert blocks_of_html(html) == blocks


def test_html_nested_without_end_keeps_its_words() -> None:
    assert "mély" in str(blocks_of_html("<div>" * 5000 + "mély" + "</div>" * 5000))
    assert len(blocks_of_html("<ul><li>" * 200 + "mély")) == 1


def test_text_becomes_paragraphs_between_empty_lines() -> None:
    assert blocks_of_text("a\r\nb\r\n \r\n\r\nc\n") == [_paragraph({"text": "a\nb"}), _paragraph({"text": "c"})]
    assert blocks_of_text(" \n\n ") == []


# ── a layout of one's own, confined ─────────────────────────────────────────────────────────────
OWN = "#let data = json(bytes(sys.inputs.data))\n#data.recipientName: #data.xmlData.DATA.number #data.letter.date"


def test_a_layout_of_ones_own_reaches_the_letters_data() -> None:
    data = {"recipientName": "Szőke Tűnde", "xmlData": {"DATA": {"number": "#7"}}}
    assert words_of(set_letter(a_parcel(letter_source=OWN, letter_data=data), day=DAY).pdf) == (
        "Szőke Tűnde: #7 2026. november 29."
    )


def test_the_documented_layout_can_be_set() -> None:
    document = (settings_of_django.BASE_DIR / "docs" / "console.md").read_text()
    (source,) = [block for block in re.findall(r"```\n(.*?)```", document, re.DOTALL) if "sys.inputs" in block]
    data = {"xmlData": {"DATA": {"contractNumber": "K-7"}}, "properties": {"clerk": "Kiss Éva"}}
    words = words_of(set_letter(a_parcel(letter_source=source, letter_data=data), day=DAY).pdf)
    assert words.startswith("2026. november 29. Szőke Tűnde 1117 Budapest, Őszibarack utca 12. Értesítés")
    assert words.endswith("Szerződés: K-7, ügyintéző: Kiss Éva")


def test_its_process_goes_on_until_its_owner_ends() -> None:
    set_letter(a_parcel(), day=DAY)
    process = presses.press._process
    assert process is not None
    for asked in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(asked)
    assert set_letter(a_parcel(), day=DAY).pages == 1
    assert presses.press._process is process


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('#read("/etc/passwd")', "line 1: file not found"),
        ('\n#read("../../../etc/passwd")', 'line 2: path `"../../../etc/passwd"` would escape the project root'),
        ('#image("/proc/self/environ")', "line 1: file not found"),
        ('#plugin("evil.wasm")', "line 1: file not found"),
        ('#include "/proc/self/cmdline"', "line 1: file not found"),
        ('#import "@preview/cetz:0.3.0"', "line 1: failed to download package"),
        ('#import "@local/x:0.3.0"', "line 1: package not found"),
        ("#unknown", "line 1: unknown variable: unknown"),
        ('#text(font: "No Such Font")[a warning]\n\n#unknown', "line 3: unknown variable: unknown"),
        ("#let f(n) = f(n + 1)\n#f(0)", "line 1: maximum function call depth exceeded"),
    ],
)
def test_s20_a_layout_reaches_no_file_and_no_network(source: str, why: str) -> None:
    with pytest.raises(NotReady) as refused:
        set_letter(a_parcel(letter_source=source), day=DAY)
    assert refused.value.words.startswith(f"letter layout: {why}")
    assert refused.value.is_lasting


def test_its_process_cannot_open_anything_and_knows_no_secret() -> None:
    set_letter(a_parcel(), day=DAY)
    process = presses.press._process
    assert process is not None
    itself = Path(f"/proc/{process.pid}")
    limits = (itself / "limits").read_text()
    assert "Max open files            3                    3" in limits
    assert "Max file size             0                    0" in limits
    assert sorted(path.name for path in (itself / "fd").iterdir()) == ["0", "1", "2"]
    assert b"SECRET_KEY" not in (itself / "environ").read_bytes()


def test_s26_a_layout_that_takes_too_long_is_stopped(settings: Any) -> None:
    set_letter(a_parcel(), day=DAY)
    settings.HAMMY_LETTER_SECONDS = 0.5
    source = "#for i in range(100000) { for j in range(100000) { let x = calc.pow(1.1, 5) } }"
    began = time.monotonic()
    with pytest.raises(NotReady, match=r"letter layout: it takes longer than 0\.5 s") as refused:
        set_letter(a_parcel(letter_source=source), day=DAY)
    assert 0.5 <= time.monotonic() - began < 10
    assert not refused.value.is_lasting
    settings.HAMMY_LETTER_SECONDS = 10
    assert set_letter(a_parcel(), day=DAY).pages == 1


@pytest.mark.parametrize("source", ['#("x" * 4000000000)', '#let a = ("x",) * 400000000'])
def test_s26_a_layout_that_takes_too_much_memory_is_stopped(source: str) -> None:
    with pytest.raises(NotReady, match="it needs too much memory, or its process was ended"):
        set_letter(a_parcel(letter_source=source), day=DAY)
    assert set_letter(a_parcel(), day=DAY).pages == 1


def test_a_press_that_was_killed_is_begun_anew() -> None:
    set_letter(a_parcel(), day=DAY)
    process = presses.press._process
    assert process is not None
    process.kill()
    process.wait()
    assert set_letter(a_parcel(), day=DAY).pages == 1


def test_a_forked_child_has_a_press_of_its_own() -> None:
    set_letter(a_parcel(), day=DAY)
    mine = presses.press._process
    assert mine is not None
    child = os.fork()
    if child == 0:
        is_own = presses.press._process is None and set_letter(a_parcel(), day=DAY).pages == 1
        presses.press.close()
        os._exit(0 if is_own else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert mine.poll() is None
    assert set_letter(a_parcel(), day=DAY).pages == 1


def test_a_press_ends_with_its_owner() -> None:
    program = (
        "import django; django.setup()\n"
        "from sending.letters.press import press\n"
        "press.work('set', source='x', data='', timestamp=0)\n"
        "import os, signal; print(press._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "hammy_project.settings"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        # Ended, though nobody may have asked how: it has no parent any more.
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")


# ── pictures ────────────────────────────────────────────────────────────────────────────────────
def test_a_page_is_shown_as_a_picture() -> None:
    pdf = letter_preview(a_parcel(), day=DAY)
    picture = page_image(pdf)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_what_is_no_page_is_told() -> None:
    with pytest.raises(ValueError, match="there is no page 3 of 1"):
        page_image(a_pdf(), 2)
    with pytest.raises(ValueError, match="this is no PDF document that can be shown"):
        page_image(b"GIF89a")


def test_s22_a_page_however_large_makes_a_small_picture() -> None:
    from PIL import Image

    picture = page_image(a_pdf(size=(14400, 14400)))
    assert max(Image.open(BytesIO(picture)).size) <= 2000

"""The process in which documents are set, put together and pictured: it does what it is sent and reaches nothing else.

Run as a program. Before its first work it gives away the right to open anything: with not one file descriptor left to
be had there is no file to read and no network to fetch a package from, whatever a layout or a document asks for. A
request is a line of JSON and the documents it speaks of, an answer likewise; ``sizes`` are theirs in bytes.
"""

import json
import logging
import re
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import typst

# Of the error: warnings may stand before it.
_LINE = re.compile(r"^error: .*?\.typ:(\d+):\d+", re.DOTALL | re.MULTILINE)
_STANDARD_FILES = 3
_LARGEST_EDGE = 2000
_STACK = 8 * 1024 * 1024


class _Unfit(Exception):
    """What is wrong with what we were given, in words for people; ``document`` is the number of the culprit."""

    def __init__(self, words: str, document: int | None = None) -> None:
        super().__init__(words)
        self.document = document


class Press:
    """What this process can do, by the names that requests use."""

    def __init__(self, fonts_folder: str) -> None:
        # Never the machine's own fonts: a letter is the same wherever it is set.
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[fonts_folder] if fonts_folder else [])
        root = tempfile.mkdtemp(prefix="hammy-letters-")
        self._typst = typst.Compiler(root=root, font_paths=fonts, ignore_system_fonts=True)
        # Every font is read now, and the root that layouts may read below is gone.
        specimens = "\n".join(_specimen(font) for font in fonts.fonts() if font.path)
        self._typst.compile(input=specimens.encode(), format="pdf")
        Path(root).rmdir()

    def set(
        self, documents: Sequence[bytes], *, source: str, data: str, timestamp: int
    ) -> tuple[dict[str, Any], bytes]:
        """A layout with its data, as a PDF document."""
        try:
            pdf: Any = self._typst.compile(
                input=source.encode(), format="pdf", sys_inputs={"data": data}, timestamp=timestamp
            )
        except typst.TypstError as error:
            line = _LINE.search(error.diagnostic)
            words = error.message.partition(" (searched at")[0].partition(" (https:")[0]
            raise _Unfit(f"line {line[1]}: {words}" if line else words) from None
        with pikepdf.open(BytesIO(pdf)) as document:
            return {"pages": len(document.pages)}, pdf

    def join(self, documents: Sequence[bytes], *, is_duplex: bool) -> tuple[dict[str, Any], bytes]:
        """The documents as one, each on a fresh sheet of paper; the same bytes for the same documents."""
        with ExitStack() as opened:
            whole = opened.enter_context(pikepdf.open(BytesIO(documents[0])))
            for number, content in enumerate(documents[1:], start=1):
                try:
                    # Until all is saved: what is taken over is read only then.
                    document = opened.enter_context(pikepdf.open(BytesIO(content)))
                    if not document.pages:
                        raise _Unfit("it has no pages", number)
                    if is_duplex and len(whole.pages) % 2:
                        whole.add_blank_page(page_size=_size(whole.pages[-1]))
                    whole.pages.extend(document.pages)
                except pikepdf.PasswordError:
                    raise _Unfit("it is protected by a password", number) from None
                except (pikepdf.PdfError, ValueError, TypeError, RuntimeError):
                    raise _Unfit("it is no PDF document, or a broken one", number) from None
            file = BytesIO()
            whole.save(file, deterministic_id=True)
            return {"pages": len(whole.pages)}, file.getvalue()

    def picture(self, documents: Sequence[bytes], *, page: int, dpi: int) -> tuple[dict[str, Any], bytes]:
        """One page, counted from 0, as a PNG picture."""
        try:
            document = pypdfium2.PdfDocument(documents[0])
            if not 0 <= page < len(document):
                raise _Unfit(f"there is no page {page + 1} of {len(document)}")
            shown = document[page]
        except pypdfium2.PdfiumError:
            raise _Unfit("this is no PDF document that can be shown") from None
        # However large a page says it is, its picture is not.
        scale = min(dpi / 72, _LARGEST_EDGE / max(*shown.get_size(), 1.0))
        file = BytesIO()
        shown.render(scale=scale).to_pil().save(file, "PNG")
        pages = len(document)
        document.close()
        return {"pages": pages}, file.getvalue()


def _specimen(font: typst.FontInfo) -> str:
    options = f"style: {json.dumps(font.style)}, weight: {font.weight}, stretch: {font.stretch * 100}%"
    return f"#text(font: {json.dumps(font.family, ensure_ascii=False)}, {options}, fallback: false)[x]"


def _size(page: pikepdf.Page) -> tuple[float, float]:
    left, bottom, right, top = (float(edge) for edge in page.mediabox)
    return right - left, top - bottom


def serve(press: Press) -> None:
    """Answer each request until there are no more."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        request = json.loads(line)
        documents = [requests.read(size) for size in request.pop("sizes")]
        _allow(request.pop("seconds"))
        try:
            found, document = getattr(press, request.pop("work"))(documents, **request)
        except _Unfit as error:
            found, document = {"why": str(error), "document": error.document}, b""
        except BaseException as error:
            # A panic within Typst arrives as one: it is no Exception.
            found, document = {"why": f"internal failure: {type(error).__name__}", "document": None}, b""
        answers.write(json.dumps(found | {"sizes": [len(document)]}).encode() + b"\n" + document)
        answers.flush()


def _allow(seconds: float) -> None:
    """End this process should nobody be left to end it: who asked may have died meanwhile."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Of all its threads together.
    most = int(used.ru_utime + used.ru_stime + 4 * seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _give_away(memory: int) -> None:
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, present + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _STANDARD_FILES),
    ):
        resource.setrlimit(limit, (value, value))


def main() -> None:
    """``press_process.py FONTS_FOLDER MEMORY_BYTES``"""
    # Who asks all processes to stop means its owner, which finishes the letter in its hands; then the input ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.disable()
    press = Press(sys.argv[1])
    # What is imported when it is first used must be used before: afterwards nothing can be opened.
    page = press.set([], source="x", data="", timestamp=0)[1]
    press.picture([press.join([page, page], is_duplex=True)[1]], page=0, dpi=10)
    _give_away(int(sys.argv[2]))
    # Typst asks how much stack is left. The C library reads that of the first thread from a file, and with no file to
    # be opened Typst takes a new stack at call after call, which cost a letter a quarter more.
    threading.stack_size(_STACK)
    server = threading.Thread(target=serve, args=(press,))
    server.start()
    server.join()


if __name__ == "__main__":
    main()

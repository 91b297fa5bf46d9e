"""The process in which Typst runs: it sets what it is sent and can reach nothing else.

Run by its path, not imported. Before the first layout it gives away the right to open anything: with not one file
descriptor left to be had there is no file to read and no network to fetch a package from, whatever a layout asks for.
Frames either way: four bytes of length, then the bytes; the answer begins with "+" (a PDF document) or "-" (words).
"""

import json
import re
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import typst

_LINE = re.compile(r"\.typ:(\d+):\d+")
_STANDARD_FILES = 3


def main(fonts_folder: str, memory: int) -> None:
    """Serve until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    compiler = _compiler(fonts_folder)
    _give_away(memory)
    while head := sys.stdin.buffer.read(4):
        request = json.loads(sys.stdin.buffer.read(int.from_bytes(head, "big")))
        answer = _set(compiler, request)
        sys.stdout.buffer.write(len(answer).to_bytes(4, "big") + answer)
        sys.stdout.buffer.flush()


def _compiler(fonts_folder: str) -> typst.Compiler:
    """With every font in memory, and a root that does not exist any more."""
    # Never the machine's own fonts: a letter is the same wherever it is set.
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[fonts_folder] if fonts_folder else [])
    root = tempfile.mkdtemp(prefix="hammy-letters-")
    compiler = typst.Compiler(root=root, font_paths=fonts, ignore_system_fonts=True)
    compiler.compile(input="\n".join(_specimen(font) for font in fonts.fonts() if font.path).encode(), format="pdf")
    Path(root).rmdir()
    return compiler


def _specimen(font: typst.FontInfo) -> str:
    options = f"style: {json.dumps(font.style)}, weight: {font.weight}, stretch: {font.stretch * 100}%"
    return f"#text(font: {json.dumps(font.family, ensure_ascii=False)}, {options}, fallback: false)[x]"


def _give_away(memory: int) -> None:
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in (
        (resource.RLIMIT_AS, present + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _STANDARD_FILES),
    ):
        resource.setrlimit(limit, (value, value))


def _set(compiler: typst.Compiler, request: dict[str, Any]) -> bytes:
    try:
        pdf: Any = compiler.compile(
            input=request["source"].encode(),
            format="pdf",
            sys_inputs={"data": request["data"]},
            timestamp=request["timestamp"],
        )
    except typst.TypstError as error:
        # The first place named is where it happened; where the trace leads to, after it.
        line = _LINE.search(error.diagnostic)
        words = error.message.partition(" (searched at")[0].partition(" (https:")[0]
        return f"-{f'line {line[1]}: ' if line else ''}{words}".encode()
    except BaseException as error:
        # A panic within Typst arrives as one: it is no Exception.
        return f"-Typst failed: {type(error).__name__}".encode()
    return b"+" + pdf


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

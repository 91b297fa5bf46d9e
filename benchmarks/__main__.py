"""``python -m benchmarks [names…] [--quick] [--json FILE] [--keep]``; docs/benchmarks.md says what each measures."""

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks.bench import Bench
from benchmarks.measuring import Figure
from benchmarks.registry import Benchmark, benchmarks
from benchmarks.report import as_json, table


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, or all; 1 when something could not be measured. A slow figure fails nothing."""
    known = benchmarks()
    options = _options(arguments, known)
    # So that what was started is stopped as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    found: dict[str, list[Figure]] = {}
    broken: dict[str, str] = {}
    bench = Bench(is_quick=options.quick, keeps_files=options.keep)
    try:
        with bench.stack:
            for name in options.names or known:
                _measure(known[name], bench, found, broken)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    print("\n" + table([figure for figures in found.values() for figure in figures]))
    for name, complaint in broken.items():
        print(f"! {name} could not be measured: {complaint}")
    if options.json:
        result = as_json(found, broken=broken, is_quick=options.quick)
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if options.keep:
        print(f"files: {bench.folder}")
    return 1 if broken else 0


def _measure(benchmark: Benchmark, bench: Bench, found: dict[str, list[Figure]], broken: dict[str, str]) -> None:
    print(f"{benchmark.name}: {benchmark.title}", flush=True)
    found[benchmark.name] = []
    try:
        for figure in benchmark.measure(bench):
            found[benchmark.name].append(figure)
            print("  " + table([figure]).split("\n", 1)[1].replace("\n", "\n  "), flush=True)
    except Exception as error:
        traceback.print_exc()
        broken[benchmark.name] = str(error)


def _options(arguments: Sequence[str], known: dict[str, Benchmark]) -> argparse.Namespace:
    width = max(map(len, known))
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{one.name:{width}}  {one.title}" for one in known.values()),
    )
    parser.add_argument("names", nargs="*", metavar="name", help="what to measure (default: everything)")
    parser.add_argument("--quick", action="store_true", help="one short round of each, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there too")
    parser.add_argument("--keep", action="store_true", help="keep logs and files, and say where they are")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return options


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""All speed benchmarks: `python -m benchmarks.run [NAME…] [--work DIR] [--pdfs DIR] [--scale 0.1]`.

Prints the table and, for a run at full size, writes it between the marks of benchmarks/README.md. Names: starting, adding,
asking, searching, papers, verbs, serving, agents. Every figure stands beside a floor of the same run; absolute times belong to one
machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Figure
from benchmarks.prepared import Place

NAMES = (
    "starting",
    "asking",
    "adding",
    "searching",
    "papers",
    "verbs",
    "serving",
    "agents",
)
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- {name}: begin -->", "<!-- {name}: end -->"
HEAD = "| what | took | floor | ratio | by processor | target | met |\n|---|---|---|---|---|---|---|"


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--work", type=Path, help="keep notes and stores here for the next run"
    )
    parser.add_argument(
        "--pdfs", type=Path, help="a folder of PDFs; without it they are left out"
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="0.1: a tenth of everything, nothing written",
    )
    given = parser.parse_args(words)
    if unknown := set(given.names) - set(NAMES):
        parser.error(
            f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(
            (given.work or Path(temporary)).absolute(), given.scale, given.pdfs
        )
        place.work.mkdir(parents=True, exist_ok=True)
        for name in given.names or NAMES:
            table = [HEAD]
            print(f"\n## {name}\n\n{HEAD}")
            for figure in import_module(f"benchmarks.{name}").figures(place):
                table.append(line(figure))
                print(table[-1], flush=True)
                if (
                    given.scale == 1.0
                ):  # after every line: a run that is cut off leaves what it measured
                    written(name, f"{circumstances()}\n\n" + "\n".join(table))


def line(figure: Figure) -> str:
    """One row of Markdown."""
    target = (
        "—"
        if figure.target is None
        else f"{figure.better} {figure.target:g}{figure.unit}"
    )
    cells = (
        figure.name,
        figure.value,
        figure.floor,
        _number(figure.ratio),
        _number(figure.cpu_ratio),
        target,
        figure.met,
    )
    return f"| {' | '.join(cells)} |"


def _number(ratio: float | None) -> str:
    if ratio is None:
        return "—"
    return f"{ratio:,.0f}" if abs(ratio) >= 100 else f"{ratio:.2f}"


def circumstances() -> str:
    """Where and when: the load says how far wall times can be trusted."""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    today = datetime.datetime.now(datetime.UTC).date()
    return f"{today}, Python {platform.python_version()}, {os.cpu_count()} processors, load {load}."


def written(name: str, text: str) -> None:
    """Put the table between its marks."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before = README.read_text("utf-8")
    if begin not in before:
        sys.exit(f"{README} has no {begin}")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", before), "utf-8")


if __name__ == "__main__":
    main()

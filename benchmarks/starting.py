"""How long a person waits for a command that has just started: help, search by words, search by words and meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.measure import (
    BRAIN,
    PYTHON,
    Figure,
    Spent,
    alternate,
    compared,
    duration,
    spend,
)
from benchmarks.prepared import Place

TIMES = 9
QUESTION = "the purpose of the tea account"
TYPER = "import typer"
TYPER_SQLITE = "import typer, sqlite3"
WORDLLAMA = (
    "import sqlite3, numpy, wordllama; from pathlib import Path; "
    "wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)"
)
MORE_SECONDS = 0.4  # what a hybrid search may cost beyond importing and loading (docs/RETRIEVAL.md, "Speed targets")


def figures(place: Place) -> Iterator[Figure]:
    """Help, search by words in a folder of a few notes and of many, hybrid search over 100,000 chunks."""
    few, many = place.home(1_000), place.home(100_000)

    def python(code: str) -> Spent:
        return spend([*PYTHON, "-c", code])

    search = [*BRAIN, "search", QUESTION]
    cases: dict[str, Callable[[], Spent]] = {
        "typer": lambda: python(TYPER),
        "typer, sqlite3": lambda: python(TYPER_SQLITE),
        "wordllama": lambda: python(WORDLLAMA),
        "help": lambda: spend([*BRAIN, "--help"], few),
        "words": lambda: spend([*search, "--lexical"], few),
        "words, many": lambda: spend([*search, "--lexical"], many),
        "hybrid": lambda: spend(search, many),
        "ask": lambda: spend(
            [*BRAIN, "ask", "--no-record", "--anyway", QUESTION], many, codes=(0, 3)
        ),
    }
    for case in cases.values():
        case()  # compiled files and the page cache are warm from here on
    took = alternate(cases, TIMES)
    yield compared("`brain --help`", took["help"], took["typer"], f"`{TYPER}`", 2.5)
    name = "`brain search --lexical`, cold"
    yield compared(
        f"{name}, 1,000 chunks",
        took["words"],
        took["typer, sqlite3"],
        f"`{TYPER_SQLITE}`",
        4,
    )
    yield compared(
        f"{name}, {place.count(100_000):,} chunks",
        took["words, many"],
        took["typer, sqlite3"],
        f"`{TYPER_SQLITE}`",
        None,
    )
    more = (
        took["hybrid"].wall - took["wordllama"].wall,
        took["hybrid"].cpu - took["wordllama"].cpu,
    )
    yield compared(
        f"`brain search`, cold, {place.count(100_000):,} chunks",
        took["hybrid"],
        took["wordllama"],
        "sqlite3, numpy, wordllama loaded",
        None,
    )
    yield Figure(
        "… beyond that floor, in seconds",
        f"{duration(more[0])} / {duration(more[1])}",
        "—",
        *more,
        "≤",
        MORE_SECONDS,
    )
    yield Figure(
        "`brain ask`, cold, whole answer in quotes, in seconds",
        duration(took["ask"].wall),
        "—",
        took["ask"].wall,
        took["ask"].cpu,
        "≤",
        1.0,
    )

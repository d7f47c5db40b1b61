"""`brain add` of 10,000 notes against the bare pipeline on the same files, its memory, and adding them again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import (
    PYTHON,
    Figure,
    Spent,
    alternate,
    compared,
    seconds,
    spend,
)
from benchmarks.prepared import Place

NOTES = 10_000
TIMES = 3
FILES_PER_SECOND = (
    5_000.0  # of the unchanged folder again (docs/RETRIEVAL.md, "Speed targets")
)
MEGABYTES = 400.0  # … and the most memory
GROWTH = 1.2  # what counts as flat for 4.3 times the notes: the list of paths grows, by less than 1 KB a note
WORDS = ("read", "parse", "tokens", "fts5")  # the first four stages
VECTORS = (*WORDS, "embed")


def figures(place: Place) -> Iterator[Figure]:
    """Speed as ratios to the stages of the floor, memory, and files per second of a second look."""
    count = place.count(NOTES)
    notes, home, bare = (
        place.notes(count),
        place.work / "adding-home",
        place.work / "adding-bare",
    )

    def floor() -> Spent:
        shutil.rmtree(bare, ignore_errors=True)
        return spend([*PYTHON, "-m", "benchmarks.bare_add", str(notes), str(bare)])

    def product() -> Spent:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        return spend([*PYTHON, "-m", "benchmarks.stages", str(notes)], home)

    took = alternate({"floor": floor, "product": product}, TIMES)
    stages: dict[str, Any] = json.loads(took["floor"].output)["stages"]
    done = json.loads(took["product"].output)
    marks = {name: Spent(*values[:3]) for name, values in done["marks"].items()}
    first, upto, whole = (
        _sum(stages, names) for names in (WORDS, VECTORS, tuple(stages))
    )
    title = f"{done['added']:,} notes, {done['chunks']:,} chunks"
    yield compared(
        f"`brain add`, {title}: found by words",
        marks["words"],
        first,
        "read, parse, tokens, FTS5",
        2,
    )
    yield compared(
        "… by meaning: words and vectors stored, exact index",
        marks["vectors"],
        whole,
        "all six, Chroma among them",
        2,
    )
    yield compared(
        "… the same without Chroma in the floor",
        marks["vectors"],
        upto,
        "the first five",
        None,
    )
    yield compared(
        "… all, Chroma filled by its child", marks["all"], whole, "all six", None
    )
    again = alternate(
        {
            "again": lambda: spend(
                [*PYTHON, "-m", "benchmarks.stages", str(notes)], home
            )
        },
        TIMES,
    )["again"]
    spent = json.loads(again.output)["marks"]["all"]
    speed = count / spent[0], count / spent[1]
    yield Figure(
        "… again, nothing changed: files a second",
        f"{speed[0]:,.0f}",
        "—",
        *speed,
        "≥",
        FILES_PER_SECOND,
    )
    yield from memory(place, marks["all"].megabytes, count)


def _sum(stages: dict[str, Any], names: tuple[str, ...]) -> Spent:
    return Spent(
        sum(stages[name][0] for name in names),
        sum(stages[name][1] for name in names),
        0.0,
    )


def memory(place: Place, megabytes: float, count: int) -> Iterator[Figure]:
    """The most memory of the process that reads, stores and embeds, and whether it grows with the folder."""
    yield Figure(
        f"… memory at {count:,} notes, MB",
        f"{megabytes:.0f}",
        "—",
        megabytes,
        None,
        "≤",
        MEGABYTES,
    )
    more = place.added(200_000)
    large, notes = more["marks"]["all"][2], more["added"]
    yield Figure(
        f"… memory at {notes:,} notes, MB",
        f"{large:.0f}",
        f"{megabytes:.0f} at {count:,}",
        large / megabytes,
        None,
        "≤",
        GROWTH,
    )
    took = Spent(*more["marks"]["vectors"])
    yield Figure(f"… words and vectors of {notes:,} notes", seconds(took), "—", None)
    yield Figure(
        "… in notes a second",
        f"{notes / took.wall:,.0f} / {notes / took.cpu:,.0f}",
        "—",
        None,
    )

"""Every verb over 200,000 chunks, a large personal life: one cold command each, against importing typer and sqlite3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import BRAIN, PYTHON, Figure, compared, spend
from benchmarks.prepared import Place
from benchmarks.starting import QUESTION, TYPER_SQLITE

CHUNKS = 200_000
TIMES = 3


def figures(place: Place) -> Iterator[Figure]:
    """The verbs in an order in which each finds what it needs; those that write come last."""
    home = place.home(CHUNKS)
    notes = place.notes_for(CHUNKS)
    floor = min((spend([*PYTHON, "-c", TYPER_SQLITE]) for _ in range(TIMES)), key=lambda spent: spent.cpu)
    title = f"{place.count(CHUNKS):,} chunks"
    for name, words, times in _commands(place, home, notes):
        took = min((spend([*BRAIN, *words], home, codes=(0, 1, 3)) for _ in range(times)), key=lambda spent: spent.wall)
        yield compared(f"`brain {name}`, {title}", took, floor, f"`{TYPER_SQLITE}`", None)
        title = "…"


def _commands(place: Place, home: Path, notes: Path) -> Iterator[tuple[str, list[str], int]]:
    """(name, words, how often): reading verbs three times, the best counts; those that change something once."""
    one = sorted(notes.rglob("*.md"))[0]
    note = place.work / "one-more"
    note.mkdir(exist_ok=True)
    (note / "note.md").write_text("# One more\n\nThe kettle came on 2026-03-02 and cost 49 euros.\n")
    yield "search --lexical", ["search", "--lexical", QUESTION], TIMES
    yield "search", ["search", QUESTION], TIMES
    yield "ask", ["ask", QUESTION], TIMES
    yield "recall", ["recall", "tea account"], TIMES
    yield "list", ["list", "-n", "20"], TIMES
    yield "get", ["get", f"{one}:1:20"], TIMES
    yield "status", ["status"], TIMES
    yield "sync, nothing changed", ["sync"], TIMES
    yield "add, one note", ["add", str(note / "note.md")], 1
    yield "remember", ["remember", "the landlord called about the boiler"], 1
    yield "forget, one note", ["forget", "--yes", str(note / "note.md")], 1
    yield "undo", ["undo"], 1
    yield "doctor", ["doctor"], 1
    yield "doctor --deep", ["doctor", "--deep"], 1
    target = place.work / "exported"
    shutil.rmtree(target, ignore_errors=True)
    yield "export", ["export", str(target)], 1
    shutil.rmtree(target, ignore_errors=True)
    backups = place.work / "backups"
    yield "backup", ["backup", str(backups)], 1
    shutil.rmtree(backups, ignore_errors=True)



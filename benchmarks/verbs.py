"""Every verb over 200,000 chunks, a large personal life: one command each, as a person starts it.

Each stands beside a floor of the same run: starting Python with typer and sqlite3 where nothing else is needed, or what
SQLite and the disk alone take for the same bytes (floors.py). The store also holds 1,000 episodes and a few skills. What a
person would wait for is judged by processor time. Leaves out models of Ollama and `eval`, which have times of their own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.floors import Floors
from benchmarks.measure import BRAIN, Figure, Spent, compared, spend
from benchmarks.prepared import Place
from benchmarks.starting import QUESTION

CHUNKS = 200_000
EPISODES = 1_000
TIMES = 3
SOON = 1.0  # seconds that a person waits for a question or an overview before it counts as slow
NOTE_SECONDS = 1.5  # … for one note
CHECK_SECONDS = 10.0  # … for the quick doctor
SKILL = """---
name: weekly-review-{n}
description: How to review week {n}; use when the week ends or the inbox is full.
---

1. Read the journal.
2. Move what is open.
"""


class Step(NamedTuple):
    """One command. `floor` names what it is compared with; `limit` in seconds; the home is another one for a copy."""

    name: str
    words: list[str]
    floor: str = "start"
    limit: float | None = None
    times: int = 1
    home: Path | None = None


def figures(place: Place) -> Iterator[Figure]:
    """The verbs in an order in which each finds what it needs; those that write come later."""
    life = _Life(place)
    floors = Floors(place, life.home, life.notes, CHUNKS)
    most, which = 0.0, ""
    for step in life.steps():
        home = step.home or life.home
        took = min(
            (
                spend([*BRAIN, *step.words], home, codes=(0, 1, 3))
                for _ in range(step.times)
            ),
            key=lambda run: run.wall,
        )
        life.heard(step, took)
        if took.megabytes > most:
            most, which = took.megabytes, step.name
        figure = compared(
            f"`brain {step.name}`",
            took,
            floors.spent(step.floor),
            floors.says(step.floor),
            None,
        )
        yield (
            figure
            if step.limit is None
            else replace(figure, judged=took.cpu, target=step.limit, unit=" s")
        )
    yield Figure("the most memory of any verb, MB", f"{most:.0f}", f"`{which}`", None)


class _Life:
    """The store, its folder, and the commands."""

    def __init__(self, place: Place) -> None:
        self.work = place.work / "verbs"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.home, self.notes = place.life(CHUNKS, EPISODES), place.notes_for(CHUNKS)
        self.one = sorted(self.notes.rglob("*.md"))[0]
        self._heard: dict[str, str] = {}

    def heard(self, step: Step, took: Spent) -> None:
        """Keep what a command said: a later one may need it."""
        self._heard[step.name] = took.output

    def steps(self) -> Iterator[Step]:
        """All of them."""
        yield from self._questions()
        yield from self._overview()
        yield from self._small_changes()
        yield from self._upkeep()
        yield from self._whole()

    def _questions(self) -> Iterator[Step]:
        search = ["search", QUESTION]
        yield Step("search --lexical", [*search, "--lexical"], "start", SOON, TIMES)
        yield Step("search", search, "meaning", SOON, TIMES)
        yield Step(
            "search --since 2020 --source '*/00*'",
            [*search, "--since", "2020", "--source", "*/00*"],
            "meaning",
            SOON,
            TIMES,
        )
        yield Step(
            "search --tag notes", [*search, "--tag", "notes"], "meaning", SOON, TIMES
        )
        yield Step("ask", ["ask", "--anyway", QUESTION], "meaning", SOON, TIMES)
        yield Step("recall", ["recall", "tea account"], "meaning", SOON, TIMES)
        yield Step(
            "recall --since 2025", ["recall", "--since", "2025"], "start", SOON, TIMES
        )
        yield Step(
            "why-not", ["why-not", QUESTION, str(self.one)], "meaning", None, TIMES
        )

    def _overview(self) -> Iterator[Step]:
        yield Step("status", ["status"], "start", SOON, TIMES)
        yield Step("models list", ["models", "list"], "start", SOON, TIMES)
        yield Step("list -n 20", ["list", "-n", "20"], "start", SOON, TIMES)
        yield Step("list --tag notes", ["list", "--tag", "notes"], "start", None, TIMES)
        yield Step("get PATH:1:20", ["get", f"{self.one}:1:20"], "start", SOON, TIMES)
        yield Step(
            "show, by the end of a path",
            ["show", "/".join(self.one.parts[-2:])],
            "start",
            SOON,
            TIMES,
        )
        yield Step(
            "get, 500 notes", ["get", f"{self.one.parent}/*"], "start", None, TIMES
        )
        yield Step(
            "skill find", ["skill", "find", "review the week"], "start", SOON, TIMES
        )
        yield Step("skill list", ["skill", "list"], "start", SOON, TIMES)

    def _small_changes(self) -> Iterator[Step]:
        note = self.work / "note.md"
        note.write_text(
            "# One more\n\nThe kettle came on 2026-03-02 and cost 49 euros.\n"
        )
        yield Step("add FILE", ["add", str(note)], "meaning", NOTE_SECONDS)
        yield Step(
            "add --note",
            ["add", "--note", "Call Ana about the lease of the bakery"],
            "meaning",
            NOTE_SECONDS,
        )
        yield Step(
            "search, after that",
            ["search", "what did the kettle cost"],
            "meaning",
            SOON,
        )
        yield Step(
            "add FOLDER, nothing changed", ["add", str(self.notes)], "walk", None, TIMES
        )
        yield Step("sync, nothing changed", ["sync"], "walk", None, TIMES)
        yield Step(
            "remember",
            ["remember", "the landlord called about the boiler"],
            "meaning",
            NOTE_SECONDS,
        )
        yield Step("feedback good", ["feedback", "good"], "start", SOON)
        yield Step("tag", ["tag", str(note), "+kitchen"], "start", SOON)
        yield Step(
            "context add",
            ["context", "add", str(self.notes), "notes of many years"],
            "start",
            SOON,
        )
        skill = self.work / "weekly-review-99"
        skill.mkdir()
        (skill / "SKILL.md").write_text(SKILL.format(n=99))
        yield Step("skill add", ["skill", "add", str(skill)], "start", SOON)
        yield Step(
            "forget, one note", ["forget", "--yes", str(note)], "start", NOTE_SECONDS
        )
        yield Step("undo", ["undo"], "start", NOTE_SECONDS)
        yield Step(
            "forget --erase, one note",
            ["forget", "--yes", "--erase", str(note)],
            "rewrite",
        )

    def _upkeep(self) -> Iterator[Step]:
        yield Step("doctor", ["doctor"], "check", CHECK_SECONDS)
        yield Step("doctor --deep", ["doctor", "--deep"], "hashes")
        yield Step("backup", ["backup", "--json", str(self.work / "backups")], "copy")
        file = json.loads(self._heard["backup"])["path"]
        yield Step("restore --dry-run", ["restore", "--dry-run", file], "check")
        yield Step(
            "restore --to HOME",
            ["restore", "--yes", "--to", str(self.work / "restored"), file],
            "copy",
        )
        shutil.rmtree(self.work / "restored", ignore_errors=True)
        shutil.rmtree(self.work / "backups", ignore_errors=True)
        yield Step("rebuild", ["rebuild"], "derived")

    def _whole(self) -> Iterator[Step]:
        target = self.work / "exported"
        yield Step("export", ["export", str(target)], "files")
        yield Step("export, again", ["export", str(target)], "files")
        other = self.work / "imported"
        other.mkdir()
        yield Step(
            "import, into an empty home", ["import", str(target)], "bare", home=other
        )
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(other, ignore_errors=True)

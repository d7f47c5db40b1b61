"""How the state of the house reads: `status`, `doctor`, `models`.

Leaves out every judgement about it: levels and reasons come with the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Line, columns, count, duration, line, moment, size
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.types import Check, Generation, ModelTable, Root, Status

MARKS = {"ok": ("ok", "good"), "warning": ("warning", "warn"), "error": ("error", "bad")}


def status(facts: Status) -> list[Line]:
    """The table of `status`: where, how much, which parts serve and why, what waits."""
    rows = [
        ("home", f"{facts.home} ({size(facts.database_bytes)})"),
        ("holds", ", ".join(_holds(facts))),
        ("embedder", _because(facts.embedder, facts.embedder_reason)),
        ("answers", _because(facts.generator, facts.generator_reason)),
        ("index", _because(facts.index, facts.index_reason)),
        *(("vectors", generation(item)) for item in facts.generations),
        ("ollama", facts.ollama),
        *(("root", root(item)) for item in facts.roots),
        ("waiting", ", ".join(_waiting(facts)) or "nothing"),
    ]
    done = columns([row for row in rows if row[1]], ("dim", ""))
    return done + [line((one_line(text), "warn")) for text in facts.notices]


def generation(item: Generation) -> str:
    """`nomic-embed-text 768: building, 3,200 of 8,114 chunks, about 4 min`."""
    amount = f"{item.done:,} of {count(item.total, 'chunk')}"
    eta = f", about {duration(item.eta_seconds)} to go" if item.eta_seconds else ""
    return f"{item.embedder} {item.dimensions}: {item.state}, {amount}{eta}"


def root(item: Root) -> str:
    """A registered folder with its number of documents and when it was looked at."""
    looked = f", looked at {moment(item.looked_at)}" if item.looked_at else ""
    state = "" if item.state == "ok" else f", {item.state}"
    return f"{item.path}: {count(item.documents, 'document')}{state}{looked}"


def checks(found: Sequence[Check]) -> list[Line]:
    """One line for each check, its cure below it, and the count at the end."""
    done: list[Line] = []
    for item in found:
        word, style = MARKS[item.level]
        message = f": {one_line(item.message)}" if item.message else ""
        done.append(
            line(
                (f"{word:<8}", style),
                (f"{one_line(item.id)}  ", "dim"),
                f"{one_line(item.title)}{message}",
            )
        )
        if item.hint and item.level != "ok":
            done.append(line((f"         {one_line(item.hint)}", "dim")))
    counts = {level: sum(item.level == level for item in found) for level in MARKS}
    total = f"{count(len(found), 'check')}: {count(counts['error'], 'error')}, {count(counts['warning'], 'warning')}"
    return [*done, line((total, "bad" if counts["error"] else "good"))]


def models(table: ModelTable) -> list[Line]:
    """Name, provider, what it is used for, what it could be used for, size."""
    cells = [
        (
            item.name,
            item.provider,
            f"in use: {', '.join(item.use)}"
            if item.use
            else f"could {' and '.join(item.roles)}"
            if item.roles
            else "",
            size(item.bytes) if item.bytes else "–",
            item.note,
        )
        for item in table.models
    ]
    done = columns(cells, ("title", "dim", "", "dim", ""))
    return done + [line((one_line(text), "dim")) for text in (table.ollama, *table.notices) if text]


def _holds(facts: Status) -> list[str]:
    return [
        count(facts.documents, "document"),
        count(facts.chunks, "chunk"),
        count(facts.episodes, "episode"),
        count(facts.skills, "skill"),
    ]


def _waiting(facts: Status) -> list[str]:
    parts = (
        [f"{count(facts.waiting, 'chunk')} without embeddings (brain sync)"]
        if facts.waiting
        else []
    )
    parts += (
        [f"{count(facts.newer, 'file')} newer than the index (brain sync)"] if facts.newer else []
    )
    parts += (
        [f"{count(facts.index_lag, 'change')} not in the vector index yet"]
        if facts.index_lag
        else []
    )
    return parts + ([f"{count(facts.skipped, 'file')} skipped"] if facts.skipped else [])


def _because(name: str, reason: str) -> str:
    return f"{name} ({reason})" if name and reason else name

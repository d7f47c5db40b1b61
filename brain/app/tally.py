"""What one taking in did so far, counted as it goes; at its end the report that a person gets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from brain.app.labelling import labelled
from brain.app.resources import Resources
from brain.store.documents import Origin
from brain.store.skipped import LeftOut
from brain.types import AddReport, Change, Skipped
from ingest.document import Document

COUNTED = ("added", "updated", "unchanged", "renamed", "removed", "chunks")
ERASED = "erased"  # kind of a file that a person erased for good


@dataclass(slots=True)
class Tally:
    """Counts, what was left out and why, and what to tell. `noted`: for later looks; `cleared`: addresses
    that are no longer left out; `vanished`: files that were gone when they were to be read; `unread`: those that an
    interruption left, None when their number is not known.
    """

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    noted: list[LeftOut] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    of_files: list[tuple[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    vanished: int = 0
    unread: int | None = 0
    interrupted: bool = False

    def save(self, resources: Resources, document: Document, origin: Origin) -> str:
        """Hand a document to the store and count what came of it; the id that it has there."""
        documents = resources.store.documents
        origin = labelled(resources, document, origin)
        outcome, document_id = documents.save(document, origin, now=resources.now())
        self.counts[outcome] += 1
        if outcome != "unchanged":
            self.counts["chunks"] += len(document.chunks)
            self.changes.append(Change(outcome, origin.source))
        self.documents.append(document_id)
        return document_id

    def report(self, **more: Any) -> AddReport:
        """The frozen form."""
        counts: dict[str, Any] = {name: self.counts[name] for name in COUNTED}
        of_files = [f"{source}: {notice}" for source, notice in self.of_files]
        return AddReport(
            **counts,
            skipped=tuple(self.skipped),
            notices=(*self.notices, *of_files),
            of_files=tuple(self.of_files),
            interrupted=self.interrupted,
            unread=self.unread,
            changes=tuple(self.changes),
            documents=tuple(self.documents),
            **more,
        )


def erased(source: str, *, new: bool) -> Skipped:
    """What is said of a file that was erased and lies in a folder still."""
    return Skipped(
        source,
        ERASED,
        "you erased it, so it stays out",
        "to take it in again, add it by its own path with --yes",
        new,
    )

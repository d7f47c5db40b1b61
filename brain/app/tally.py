"""What one taking in did so far, counted as it goes; at its end the report that a person gets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from brain.app.resources import Resources
from brain.store.documents import Origin
from brain.types import AddReport, Skipped
from ingest.document import Document

COUNTED = ("added", "updated", "unchanged", "renamed", "removed", "chunks")


@dataclass(slots=True)
class Tally:
    """Counts, what was left out and why, and what to tell. `cleared`: addresses that are no longer left out."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, Skipped, int | None, int | None]] = field(
        default_factory=list
    )
    notices: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    interrupted: bool = False

    def save(self, resources: Resources, document: Document, origin: Origin) -> str:
        """Hand a document to the store and count what came of it; the id that it has there."""
        documents = resources.store.documents
        outcome, document_id = documents.save(document, origin, now=resources.now())
        self.counts[outcome] += 1
        if outcome != "unchanged":
            self.counts["chunks"] += len(document.chunks)
        self.documents.append(document_id)
        return document_id

    def skip(
        self,
        uri: str,
        why: Skipped,
        size: int | None = None,
        mtime_ns: int | None = None,
    ) -> None:
        """Note what did not go in; with the facts of its file it is not tried again before that changes."""
        self.skipped.append((uri, why, size, mtime_ns))

    def report(self, **more: Any) -> AddReport:
        """The frozen form."""
        counts: dict[str, Any] = {name: self.counts[name] for name in COUNTED}
        return AddReport(
            **counts,
            skipped=tuple(why for _uri, why, _size, _mtime_ns in self.skipped),
            notices=tuple(self.notices),
            interrupted=self.interrupted,
            documents=tuple(self.documents),
            **more,
        )

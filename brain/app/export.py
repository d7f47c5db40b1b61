"""`export`, `import` and `skill add`: joins the store and memory with `brain.keeping.export`, which knows neither.

Leaves out the files themselves. An import saves in batches, as `add` does: what was taken in before a failure stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.capture import finish
from brain.app.intake import BATCH_DOCUMENTS, Tally
from brain.app.parts import Parts
from brain.reports import Judgment
from brain.types import AddReport, ExportReport, Skill, Skipped

if TYPE_CHECKING:
    from brain.keeping.export.reading import Stored
    from brain.keeping.export.rows import StoredDocument

INSIDE_A_ROOT = (
    "episodes",
    "notes",
    "skills",
    "feedback",
)  # MEMORY.md: there the documents are files already


def export(
    parts: Parts, directory: Path, *, only: Sequence[str] | None, force: bool
) -> ExportReport:
    """Everything as Markdown; inside an added folder only what is no file there already, unless asked."""
    from brain.keeping.export.writing import Source
    from brain.keeping.export.writing import export as write
    from brain.store.judgments import JudgmentTable

    library = parts.store.library
    source = Source(
        library.export_rows,
        parts.episodes.export_rows,
        parts.skills.export_rows,
        JudgmentTable(parts.store.connection).all,
        library.contexts(),
        library.roots(),
    )
    place = Path(os.path.abspath(directory.expanduser()))
    if only is None and any(Path(root["path"]) in place.parents for root in library.roots()):
        only = INSIDE_A_ROOT
    return write(source, place, only=only, force=force, progress=parts.progress)


def import_from(parts: Parts, directory: Path) -> AddReport:
    """What `export` wrote, ids, tags, dates and labels included. Raises `NotFound` when it is no export."""
    from brain.keeping.export import reading

    manifest = reading.manifest(directory)
    tally, ids = Tally(), dict[str, str]()
    try:
        for batch in _in_batches(reading.read_export(directory)):
            with parts.store.write():
                for item in batch:
                    _take(parts, item, tally, ids)
            parts.progress("reading", sum(tally.counts.values()), 0)
        for source, description in manifest.contexts.items():
            parts.store.library.set_context(source, description)
        for root in manifest.roots:
            if Path(root["path"]).is_dir():
                parts.store.library.add_root(
                    root["uri"], root["path"], dict(root.get("options") or {}), parts.now()
                )
    except KeyboardInterrupt:
        tally.interrupted = True
    return finish(parts, tally)


def _in_batches(items: Iterable[Stored | Skipped]) -> Iterator[list[Stored | Skipped]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_DOCUMENTS)):
        yield batch


def _take(parts: Parts, item: Stored | Skipped, tally: Tally, ids: dict[str, str]) -> None:
    """One thing of an export. `ids`: documents that were here under another id, as it was there -> as it is here."""
    from brain.keeping.export.rows import StoredDocument, StoredEpisode
    from brain.store.episodes import Circumstances
    from brain.store.judgments import JudgmentTable
    from brain.store.skills import Belongings

    if isinstance(item, Skipped):
        tally.skipped.append((item.source, item, None, None))
    elif isinstance(item, StoredDocument):
        ids[item.id] = _take_document(parts, item, tally)
    elif isinstance(item, StoredEpisode):
        document_id = item.document_id and ids.get(item.document_id, item.document_id)
        facts = Circumstances(
            item.confidence, item.route, item.model, item.compartment, item.outcome, document_id
        )
        parts.episodes.record(item.episode, facts)
    elif isinstance(item, Judgment):
        documents = tuple(ids.get(name, name) for name in item.documents)
        moved = replace(
            item, document_id=ids.get(item.document_id, item.document_id), documents=documents
        )
        JudgmentTable(parts.store.connection).take_back(moved)
    else:
        belongings = Belongings(
            item.files, item.label, item.version, item.added_at, item.updated_at
        )
        parts.skills.add(item.skill, belongings)


def _take_document(parts: Parts, item: StoredDocument, tally: Tally) -> str:
    """One document as it was; one that a person edited in the export is read anew and keeps its identity. Returns the id
    that it has here.
    """
    import ingest
    from brain.store.documents import Origin
    from ingest.document import rebind

    document = item.document
    if item.edited:
        read = ingest.load_text(
            item.text,
            uri=item.uri,
            title=item.title,
            dated_at=item.dated_at or None,
            chunk_tokens=parts.config.ingest.chunk_tokens,
        )
        document = rebind(read, item.id)
    origin = Origin(
        item.source,
        entry=item.entry,
        label=item.label,
        compartment=item.compartment,
        trust=item.trust,
        tags=tuple(tag for tag, by in item.tags if by != "document"),
        added_at=item.added_at,
        updated_at=item.updated_at,
    )
    outcome, document_id = parts.store.documents.save(document, origin, now=parts.now())
    tally.counts[outcome] += 1
    tally.counts["chunks"] += len(document.chunks)
    tally.documents.append(document_id)
    return document_id


def skill_add(parts: Parts, path: Path) -> Skill:
    """A skill from its folder; the same again changes nothing."""
    from brain.keeping.export.skills import read_skill
    from brain.store.skills import Belongings

    found = read_skill(path)
    for warning in found.warnings:
        parts.progress(f"notice: {warning}", 0, 0)
    return parts.skills.add(found.skill, Belongings(found.files))

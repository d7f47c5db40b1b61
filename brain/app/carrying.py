"""`export`, `import` and `skill add`: joins the store and memory with `brain.export`, which knows neither.

Leaves out the files themselves. An import saves in batches, as `add` does: what was taken in before a failure stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.capture import finish
from brain.app.intake import BATCH_DOCUMENTS, Tally
from brain.app.parts import Parts
from brain.types import AddReport, ExportReport, Skill, Skipped

if TYPE_CHECKING:
    from brain.export.rows import StoredDocument, StoredEpisode, StoredSkill

INSIDE_A_ROOT = ("episodes", "notes", "skills")  # MEMORY.md: there the documents are files already


def export(parts: Parts, directory: Path, *, only: Sequence[str] | None, force: bool) -> ExportReport:
    """Everything as Markdown; inside an added folder only what is no file there already, unless asked."""
    from brain.export.writing import Source
    from brain.export.writing import export as write

    library = parts.store.library
    source = Source(
        library.export_rows, parts.episodes.export_rows, parts.skills.export_rows, library.contexts(), library.roots()
    )
    place = Path(os.path.abspath(directory.expanduser()))
    if only is None and any(Path(root["path"]) in place.parents for root in library.roots()):
        only = INSIDE_A_ROOT
    return write(source, place, only=only, force=force, progress=parts.progress)


def import_from(parts: Parts, directory: Path) -> AddReport:
    """What `export` wrote, ids, tags, dates and labels included. Raises `NotFound` when it is no export."""
    from brain.export import reading

    manifest = reading.manifest(directory)
    tally = Tally()
    try:
        for batch in _in_batches(reading.read_export(directory)):
            with parts.store.write():
                for item in batch:
                    _take(parts, item, tally)
            parts.progress("reading", sum(tally.counts.values()), 0)
        for source, description in manifest.contexts.items():
            parts.store.library.set_context(source, description)
        for root in manifest.roots:
            if Path(root["path"]).is_dir():
                parts.store.library.add_root(root["uri"], root["path"], dict(root.get("options") or {}), parts.now())
    except KeyboardInterrupt:
        tally.interrupted = True
    return finish(parts, tally)


def _in_batches(
    items: Iterable[StoredDocument | StoredEpisode | StoredSkill | Skipped],
) -> Iterator[list[StoredDocument | StoredEpisode | StoredSkill | Skipped]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_DOCUMENTS)):
        yield batch


def _take(parts: Parts, item: StoredDocument | StoredEpisode | StoredSkill | Skipped, tally: Tally) -> None:
    from brain.export.rows import StoredDocument, StoredEpisode
    from brain.memory import Belongings, Circumstances

    if isinstance(item, Skipped):
        tally.skipped.append((item.source, item, None, None))
    elif isinstance(item, StoredDocument):
        _take_document(parts, item, tally)
    elif isinstance(item, StoredEpisode):
        facts = Circumstances(
            item.confidence, item.route, item.model, item.compartment, item.outcome, item.document_id
        )  # fmt: skip
        parts.episodes.record(item.episode, facts)
    else:
        belongings = Belongings(item.files, item.label, item.version, item.added_at, item.updated_at)
        parts.skills.add(item.skill, belongings)


def _take_document(parts: Parts, item: StoredDocument, tally: Tally) -> None:
    """One document as it was; one that a person edited in the export is read anew and keeps its identity."""
    import ingest
    from brain.store.documents import Origin
    from ingest.document import rebind

    document = item.document
    if item.edited:
        read = ingest.load_text(
            item.text, uri=item.uri, title=item.title, dated_at=item.dated_at or None,
            chunk_tokens=parts.config.ingest.chunk_tokens,
        )  # fmt: skip
        document = rebind(read, item.id)
    origin = Origin(
        item.source, entry=item.entry, label=item.label, compartment=item.compartment, trust=item.trust,
        tags=tuple(tag for tag, by in item.tags if by != "document"), added_at=item.added_at, updated_at=item.updated_at,
    )  # fmt: skip
    outcome, document_id = parts.store.documents.save(document, origin, now=parts.now())
    tally.counts[outcome] += 1
    tally.counts["chunks"] += len(document.chunks)
    tally.documents.append(document_id)


def skill_add(parts: Parts, path: Path) -> Skill:
    """A skill from its folder; the same again changes nothing."""
    from brain.export.skills import read_skill
    from brain.memory import Belongings

    found = read_skill(path)
    for warning in found.warnings:
        parts.progress(f"notice: {warning}", 0, 0)
    return parts.skills.add(found.skill, Belongings(found.files))

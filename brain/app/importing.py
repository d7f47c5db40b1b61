"""`import`: what an export holds, back into the store with its ids, tags, dates and labels.

Saves in batches, as `add` does: what was taken in before a failure stays. Leaves reading the files to
`brain.keeping.export`, which knows of the store only its values, and vectors to the end of every taking in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.intake import BATCH_DOCUMENTS
from brain.app.resources import Resources
from brain.app.tally import Tally
from brain.reports import Judgment
from brain.types import Skipped

if TYPE_CHECKING:
    from brain.keeping.export.reading import Stored
    from brain.keeping.export.rows import StoredDocument, StoredEpisode, StoredSkill


class Import:
    """One import. Documents that are here under another id get that one wherever they are named."""

    def __init__(self, resources: Resources, tally: Tally) -> None:
        self._resources = resources
        self._tally = tally
        self._ids: dict[str, str] = {}  # of documents: as in the export -> as here

    def everything(self, directory: Path) -> None:
        """All that the folder holds. Raises `NotFound` when it is no export."""
        from brain.keeping.export import reading

        resources = self._resources
        library = resources.store.library
        manifest = reading.manifest(directory)
        # In batches, so that what is read before a damaged file stays, and no lock is held for long
        for batch in _in_batches(reading.read_export(directory)):
            with resources.store.write():
                for item in batch:
                    self._take(item)
            resources.progress("reading", sum(self._tally.counts.values()), 0)
        for source, description in manifest.contexts.items():
            library.set_context(source, description)
        for root in manifest.roots:
            if Path(root["path"]).is_dir():
                options = dict(root.get("options") or {})
                library.add_root(root["uri"], root["path"], options, resources.now())

    def _take(self, item: Stored | Skipped) -> None:
        from brain.keeping.export.rows import StoredDocument, StoredEpisode

        if isinstance(item, Skipped):
            self._tally.skipped.append(item)
        elif isinstance(item, StoredDocument):
            self._ids[item.id] = self._document(item)
        elif isinstance(item, StoredEpisode):
            self._episode(item)
        elif isinstance(item, Judgment):
            self._judgment(item)
        else:
            self._skill(item)

    def _document(self, item: StoredDocument) -> str:
        """One document as it was; one that a person edited in the export is read anew and keeps its identity.

        Returns the id that it has here.
        """
        import ingest
        from brain.store.documents import Origin
        from ingest.document import rebind

        resources = self._resources
        document = item.document
        if item.edited:
            read = ingest.load_text(
                item.text,
                uri=item.uri,
                title=item.title,
                dated_at=item.dated_at or None,
                limits=ingest.Limits(chunk_tokens=resources.config.ingest.chunk_tokens),
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
        return self._tally.save(resources, document, origin)

    def _episode(self, item: StoredEpisode) -> None:
        facts = item.circumstances
        if facts.document_id:
            facts = replace(facts, document_id=self._here(facts.document_id))
        self._resources.store.episodes.record(item.episode, facts)

    def _judgment(self, item: Judgment) -> None:
        documents = tuple(self._here(name) for name in item.documents)
        moved = replace(
            item, document_id=self._here(item.document_id), documents=documents
        )
        self._resources.judgments.take_back(moved)

    def _skill(self, item: StoredSkill) -> None:
        self._resources.store.skills.add(item.skill, item.belongings)

    def _here(self, document_id: str) -> str:
        return self._ids.get(document_id, document_id)


def _in_batches(items: Iterable[Stored | Skipped]) -> Iterator[list[Stored | Skipped]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_DOCUMENTS)):
        yield batch

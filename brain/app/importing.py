"""`import`: what an export holds, back into the store with its ids, tags, dates and labels.

An export may come from elsewhere, so it is not believed: nothing here is replaced but by what is newer, and then the
older text waits in the trash; a document is never found by its id or its content alone; a file of this disk is known
by its bytes; folders are looked at only when the person says so; and what comes in is marked as imported. The same
walk, writing nothing, is the plan that a person sees first.

Saves in batches, as `add` does: what was taken in before a failure stays. Leaves judging one document to
`brain.app.incoming`, reading the files to `brain.keeping.export`, and vectors to the end of every taking in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.incoming import ELSEWHERE, HERE, OLDER, SAME, Incoming
from brain.app.intake import BATCH_DOCUMENTS
from brain.app.resources import Resources
from brain.app.tally import ERASED, Tally
from brain.errors import BrainError, StoreError
from brain.faults import reach
from brain.inbox import Proposal
from brain.labels import FolderLabel
from brain.reports import ImportReport, Judgment
from brain.store.documents import Origin
from brain.store.tombstones import Erased
from brain.types import AddReport, Skipped
from ingest.errors import IngestError

if TYPE_CHECKING:
    from brain.keeping.export.folder import Manifest
    from brain.keeping.export.reading import Read
    from brain.keeping.export.rows import StoredDocument, StoredEpisode, StoredSkill

# The setting that holds folders which an import named and nobody looks at here, so that the next export names them too
CARRIED_ROOTS = "import.roots"
# The setting that holds where exports lie that were taken in
IMPORTED_FROM = "import.folders"
COUNTED = ("episodes", "skills", "feedback", "contexts", "inbox")
EXPORTS_REMEMBERED = 5
# What a value of a file can do at worst: the file is told, and the rest goes on.
UNUSABLE = (BrainError, IngestError, ValueError, OverflowError)


class Import:
    """One import, or with `dry_run` the plan of one.

    Documents that are here under another id get that one wherever they are named.
    """

    def __init__(self, resources: Resources, *, dry_run: bool = False) -> None:
        self.tally = Tally()
        self._resources = resources
        self._store = resources.store
        self._dry_run = dry_run
        self._incoming = Incoming(resources)
        self._ids: dict[str, str] = {}  # of documents: as in the export -> as here
        self._now = resources.now()
        self._replaced: list[str] = []
        self._kept: list[str] = []
        self._counts = dict.fromkeys(COUNTED, 0)
        self._roots: list[str] = []
        self._registered = False
        self._labels_chosen = True

    def everything(self, directory: Path, *, roots: bool = False) -> None:
        """All that the folder holds; with `roots` the folders that it names are looked at. Raises `NotFound`."""
        from brain.keeping.export import reading

        manifest = reading.manifest(directory)
        self._labels_chosen = manifest.labels_chosen
        # First, since the words by which a document is found name its place below a folder that was added
        self._folders(manifest, register=roots)
        done = 0
        # In batches, so that what is read before a damaged file stays, and no lock is held for long
        for batch in _in_batches(reading.read_export(directory)):
            self._take_all(batch)
            done += len(batch)
            self._resources.progress("reading", done, 0)
        self._remember(directory)
        self._contexts(manifest.contexts)
        self._folder_labels(manifest.folder_labels)

    def report(self, directory: Path, taken: AddReport) -> ImportReport:
        """What was done, or with `dry_run` would be; `taken` counts its documents."""
        return ImportReport(
            str(directory),
            taken,
            tuple(self._replaced),
            tuple(self._kept),
            roots=tuple(self._roots),
            registered=self._registered,
            done=not self._dry_run,
            **self._counts,
        )

    # -- one thing after the other --------------------------------------------------------------------

    def _take_all(self, batch: list[Read]) -> None:
        if self._dry_run:
            for path, item in batch:
                self._take(path, item)
            return
        with self._store.write():
            for path, item in batch:
                self._take(path, item)

    def _take(self, path: Path, item: object) -> None:
        """One thing; what it says that nothing can be made of is told with the name of its file."""
        from brain.keeping.export.rows import (
            StoredDocument,
            StoredEpisode,
            without_label,
        )

        if not self._labels_chosen:
            item = without_label(item)
        try:
            if isinstance(item, Skipped):
                self.tally.skipped.append(item)
            elif isinstance(item, StoredDocument):
                self._ids[item.id] = self._document(path, item)
            elif isinstance(item, StoredEpisode):
                self._episode(item)
            elif isinstance(item, Judgment):
                self._judgment(item)
            elif isinstance(item, Proposal):
                self._proposal(item)
            else:
                self._skill(item)  # type: ignore[arg-type]
        except StoreError:
            raise
        except UNUSABLE as error:
            reason = getattr(error, "message", "") or str(error)
            self._leave_out(path, f"cannot be kept: {reason}")

    def _leave_out(self, path: Path, reason: str, hint: str = "mend the file") -> None:
        why = Skipped(str(path), "unreadable", reason, hint)
        self.tally.skipped.append(why)

    def _document(self, path: Path, item: StoredDocument) -> str:
        """One document as it was; one that a person edited in the export is read anew and keeps its identity.

        Returns the id that it has here.
        """
        found = self._incoming.judge(item)
        if found.verdict == ELSEWHERE:
            why = "a file of this place is on this disk and says something else"
            self._leave_out(path, why, f"`brain add` takes it: {found.source}")
            return item.id
        here = found.here
        if here is None:
            if self._was_erased(found.item):
                hint = f"`brain add` takes it in again: {path}"
                erased = Skipped(str(path), ERASED, "it was erased here", hint)
                self.tally.skipped.append(erased)
            else:
                self._save(found.item, found.origin)
            return found.item.id
        if found.verdict == SAME:
            self.tally.counts["unchanged"] += 1
            self._tag(here["id"], found.origin.tags)
        elif found.verdict in (OLDER, HERE):
            self.tally.counts["unchanged"] += 1
            self._kept.append(found.source)
        else:
            self._replaced.append(found.source)
            self._replace(here["id"], found.item, found.origin)
        return str(here["id"])

    def _was_erased(self, item: StoredDocument) -> bool:
        """An export from before must not bring back by itself what was erased since."""
        return self._store.tombstones.came_back(Erased(item.uri, item.content_hash))

    def _tag(self, document_id: str, tags: Iterable[str]) -> None:
        if not self._dry_run:
            self._store.library.tag(document_id, tags, ())

    def _save(self, item: StoredDocument, origin: Origin) -> None:
        if self._dry_run:
            self.tally.counts["added"] += 1
            self.tally.counts["chunks"] += len(item.chunks)
        else:
            document = self._incoming.document(item)
            self.tally.save(self._resources, document, origin)

    def _replace(self, document_id: str, item: StoredDocument, origin: Origin) -> None:
        """The newer text in place of the one here, which goes to the trash; both or neither."""
        from ingest.document import rebind

        if self._dry_run:
            self.tally.counts["updated"] += 1
            return
        document = rebind(self._incoming.document(item), document_id)
        with self._store.connection.savepoint():
            self._store.trash.keep_version(document_id, now=self._now)
            reach("import.between")
            self.tally.save(self._resources, document, origin)

    def _episode(self, item: StoredEpisode) -> None:
        """A round that is here stays as it is: what happened does not change."""
        episode_id = item.episode.id
        here = self._store.episodes.many([episode_id]).get(episode_id)
        if here is not None:
            if here.text != item.episode.text:
                self._kept.append(f"episode:{here.id}")
            return
        facts = item.circumstances
        if facts.document_id:
            facts = replace(facts, document_id=self._here(facts.document_id))
        if not self._dry_run:
            self._store.episodes.record(item.episode, facts)
        self._counts["episodes"] += 1

    def _judgment(self, item: Judgment) -> None:
        documents = tuple(self._here(name) for name in item.documents)
        moved = replace(
            item, document_id=self._here(item.document_id), documents=documents
        )
        judgments = self._resources.judgments
        if judgments.knows(moved):
            return
        if not self._dry_run:
            judgments.take_back(moved)
        self._counts["feedback"] += 1

    def _proposal(self, item: Proposal) -> None:
        """What was accepted here since waits no more."""
        known = [one.id for one in self._store.inbox.all()]
        if item.id in known or self._store.episodes.many([item.id]):
            return
        if not self._dry_run:
            self._store.inbox.keep(item)
        self._counts["inbox"] += 1

    def _skill(self, item: StoredSkill) -> None:
        """A skill of a name that is here already stays as it is: nothing would bring it back."""
        from brain.store.skills import check, version_of

        check(item.skill.name, item.skill.description)
        here = self._store.skills.versions().get(item.skill.name)
        if here is not None:
            if here != version_of(item.skill, item.belongings.files):
                self._kept.append(f"skill {item.skill.name}")
            return
        if not self._dry_run:
            self._store.skills.add(item.skill, item.belongings)
        self._counts["skills"] += 1

    def _here(self, document_id: str) -> str:
        return self._ids.get(document_id, document_id)

    def _remember(self, directory: Path) -> None:
        """Keep where the export lies: the next one finds originals there that are not on this disk."""
        place = directory.expanduser().resolve()
        places = [place]
        for known in imported_from(self._resources):
            if known != place:
                places.append(known)
        remembered = map(str, places[:EXPORTS_REMEMBERED])
        said = json.dumps(list(remembered))
        library = self._store.library
        if not self._dry_run and library.setting(IMPORTED_FROM) != said:
            library.keep_setting(IMPORTED_FROM, said)

    # -- folders --------------------------------------------------------------------------------------

    def _contexts(self, contexts: Mapping[str, str]) -> None:
        """Descriptions of folders that have none here."""
        known = self._store.library.contexts()
        for source, description in contexts.items():
            if source not in known:
                self._counts["contexts"] += 1
                if not self._dry_run:
                    self._store.library.set_context(source, description)
            elif known[source] != description:
                self._kept.append(f"the description of {source}")

    def _folder_labels(self, labels: Mapping[str, str]) -> None:
        """Labels of folders where they are stricter than those here."""
        if self._dry_run:
            return
        now = self._resources.seconds()
        for source, label in labels.items():
            folder = FolderLabel(source, label, now, "an export that was taken in")
            self._store.labels.raise_folder(folder)

    def _folders(self, manifest: Manifest, *, register: bool) -> None:
        """Folders that the export names: looked at only when the person wants it, and carried on to the next export."""
        library = self._store.library
        known = {root["uri"] for root in library.roots()}
        carried: dict[str, Mapping[str, object]] = {**carried_roots(self._resources)}
        for root in manifest.roots:
            uri = root["uri"]
            path = root["path"]
            if uri in known:
                continue
            there = os.path.isdir(path)
            if there:
                self._roots.append(path)
            if there and register and not self._dry_run:
                library.add_root(uri, path, root["options"], self._now)
                carried.pop(uri, None)
                self._registered = True
            else:
                carried[uri] = root
        if not self._dry_run:
            _carry(self._resources, carried)


def imported_from(resources: Resources) -> list[Path]:
    """The folders of exports that were taken in, the last first."""
    kept = resources.store.library.setting_json(IMPORTED_FROM, list)
    return [Path(path) for path in kept if isinstance(path, str)]


def carried_roots(resources: Resources) -> dict[str, dict[str, object]]:
    """The folders that an import named and that are no roots here, by their address: uri, path, options."""
    kept = resources.store.library.setting_json(CARRIED_ROOTS, list)
    whole = [root for root in kept if _is_root(root)]
    known = {root["uri"] for root in resources.store.library.roots()}
    return {root["uri"]: root for root in whole if root["uri"] not in known}


def _is_root(kept: object) -> bool:
    """Whether what was kept of a folder is that, and not damaged."""
    if not isinstance(kept, dict):
        return False
    named = [kept.get("uri"), kept.get("path")]
    return all(isinstance(name, str) for name in named) and "options" in kept


def _carry(resources: Resources, roots: Mapping[str, Mapping[str, object]]) -> None:
    said = json.dumps(list(roots.values())) if roots else None
    if said != resources.store.library.setting(CARRIED_ROOTS):
        resources.store.library.keep_setting(CARRIED_ROOTS, said)


def _in_batches(items: Iterable[Read]) -> Iterator[list[Read]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_DOCUMENTS)):
        yield batch

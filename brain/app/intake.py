"""Reading what changed and saving it in small batches, with what went in and what did not.

Whatever stops it (Ctrl-C, a full disk, a bad file), the batches that were acknowledged stay. Leaves finding what
changed to `brain.app.look`, reading to `ingest`, SQL to the store and vectors to the end of every taking in. Serves
`add` and `sync`.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import ingest
from brain.app.file_facts import believable, shown, stat_of, uri_of
from brain.app.labelling import labelled
from brain.app.look import Look, Manner, kind_of_file
from brain.app.resources import Resources
from brain.app.tally import Tally, erased
from brain.child import Child, running
from brain.faults import reach
from brain.labels import UNLABELLED
from brain.protocols import Clock
from brain.store.documents import Origin
from brain.store.skipped import CUT, LeftOut
from brain.store.tombstones import Erased
from brain.types import Skipped, Texts
from ingest.document import Document, rebind
from ingest.edition import edition, reader_edition
from ingest.errors import IngestError, VanishedFile
from ingest.limits import Limits, partly
from ingest.media import HOLD_MANY

Result = tuple[Path, Document | IngestError]

BATCH_DOCUMENTS = 100  # a batch holds at most so many documents …
BATCH_SECONDS = (
    0.5  # … or what half a second brings: so much is lost when the power goes
)
CUT_HINT = (
    "the limits stand in config.toml under [ingest]; it is read again when they change"
)
CENSUS_FILES = 2_000  # from so many files on a person is told first what is coming
CENSUS_KINDS = 6  # named in it
# For that estimate, measured on two shared cores
FILES_PER_SECOND = {"pdf": 4.0}
OTHER_FILES_PER_SECOND = 400.0
READING = running("ingest.worker:answers", "network", "programs")


def reading_child() -> Child:
    """A limited child process that reads risky files, for `ingest.load_many`."""
    return Child(READING)


class Mailboxes:
    """Files of many documents that were read: which of their messages are there now."""

    def __init__(self) -> None:
        self._present: dict[Path, set[str]] = {}
        self._cut: set[Path] = set()

    def note(
        self, path: Path, result: Document | IngestError, document_id: str
    ) -> None:
        """One result of a file. The document of a mailbox itself says by a notice when it was not read to its end."""
        if isinstance(result, IngestError):
            self._cut.add(path)
        elif "#" in result.uri:
            self._present.setdefault(path, set()).add(document_id)
        elif result.media_type in HOLD_MANY:
            self._present.setdefault(path, set())
            if result.notices:
                self._cut.add(path)

    def whole(self) -> list[tuple[Path, set[str]]]:
        """Those that were read whole and without an error, each with the ids of its messages."""
        present = self._present.items()
        return [(path, ids) for path, ids in present if path not in self._cut]


@dataclass(frozen=True, slots=True)
class Intake:
    """One taking in, over the store of `resources`; `tally` counts what happens.

    `again`: also what was erased before; `label`: what a person said of all of it; `asked_for`: the files that a person
    named; `moved`: the ids of documents whose files lie under these addresses now.
    """

    resources: Resources
    limits: Limits
    tally: Tally = field(default_factory=Tally)
    clock: Clock = time.monotonic
    start: Callable[[], Child] = reading_child
    again: bool = False
    label: str = UNLABELLED
    moved: Mapping[str, str] = field(default_factory=dict)
    asked_for: set[Path] = field(default_factory=set)

    @classmethod
    def of(cls, resources: Resources) -> Self:
        """Under the limits of the configuration."""
        settings = resources.config.ingest
        limits = Limits(
            file_bytes=settings.file_bytes,
            text_chars=settings.text_chars,
            chunks=settings.file_chunks,
            wall_seconds=settings.seconds,
            chunk_tokens=settings.chunk_tokens,
        )
        return cls(resources, limits)

    def look(
        self,
        path: Path,
        *,
        named: bool = False,
        question: bool = False,
        told: bool = False,
    ) -> Look:
        """What changed under a path that a person named, or before a question."""
        manner = Manner(self.resources.moment(), named, question, self.again, told)
        return Look(path, self.resources.store, self.tally, self.limits, manner)

    def take_in(self, paths: Iterable[Path], tags: Texts = ()) -> Tally:
        """Read what is new or changed under `paths`; folders become roots that `sync` looks at again."""
        fresh: list[ingest.Found] = []
        places = list(paths)
        try:
            for path in places:
                # First the root: whatever breaks off the look, `sync` knows where to go on
                told = True
                if path.is_dir():
                    told = self._register(path, tags)
                else:
                    self.asked_for.add(path)
                fresh += self.look(path, named=True, told=told).changed()
            self._census(fresh)
        except KeyboardInterrupt:
            self.tally.interrupted = True
            self.tally.unread = None
            fresh.clear()
        self.take_changes(fresh, tags, places)
        return self.tally

    def take_changes(
        self, fresh: list[ingest.Found], tags: Texts, places: Sequence[Path]
    ) -> None:
        """Read the files that a look at these places found changed."""
        read: set[Path] = set()
        try:
            self._save_all(fresh, tags, read)
            if self.tally.vanished:
                # Renamed while we looked: under its new name it keeps its id, when that is met before the old one goes
                fresh = self._look_again(places, read)
                self._save_all(fresh, tags, read)
        except KeyboardInterrupt:
            self.tally.interrupted = True
            self.tally.unread = sum(item.path not in read for item in fresh)
        self._note_skipped()

    def _look_again(
        self, places: Iterable[Path], read: Collection[Path]
    ) -> list[ingest.Found]:
        """What is new under the folders among these places and was not read; nothing is counted a second time."""
        tally = self.tally
        tally.vanished = 0
        folders = [place for place in places if place.is_dir()]
        if not folders:
            return []
        apart = replace(self, tally=Tally())
        found: list[ingest.Found] = []
        for place in folders:
            found += apart.look(place).changed()
        tally.skipped = [why for why in tally.skipped if why.kind != VanishedFile.kind]
        return [item for item in found if item.path not in read]

    def _register(self, path: Path, tags: Texts) -> bool:
        """Make a folder a root, and say so when it was none; whether it was none."""
        library = self.resources.store.library
        name = shown(path)
        options = {"tags": list(tags)}
        new = library.add_root(path.as_uri(), name, options, self.resources.now())
        reach("add.after_root")
        if new:
            self.tally.notices.append(
                f"{name} is registered: `brain sync` looks at it again"
            )
        return new

    def _census(self, fresh: list[ingest.Found]) -> None:
        """Of very many files: what is coming, of which kinds, how large and about how long."""
        if len(fresh) <= CENSUS_FILES:
            return
        kinds = Counter(map(kind_of_file, fresh))
        size = sum(item.size for item in fresh)
        seconds = 0.0
        for kind, count in kinds.items():
            seconds += count / FILES_PER_SECOND.get(kind, OTHER_FILES_PER_SECOND)
        frequent = kinds.most_common(CENSUS_KINDS)
        listed = ", ".join(f"{count:,} {kind}" for kind, count in frequent)
        time = _minutes(seconds)
        gigabytes = size / 1e9
        line = f"{len(fresh):,} files: {listed}; about {time}; {gigabytes:.1f} GB"
        self.tally.notices.append(line)
        self.resources.progress(f"census: {line}", 0, len(fresh))

    # -- saving ---------------------------------------------------------------------------------------

    def _save_all(
        self, fresh: list[ingest.Found], tags: Texts, read: set[Path]
    ) -> None:
        """Read and save in batches; each batch is durable before the next begins. `read`: the files that were."""
        if not fresh:
            return
        facts = {item.path: item for item in fresh}
        store = self.resources.store
        reported = {left.uri: left for left in store.skipped.all()}
        reading = ingest.load_many(
            fresh,
            start=self.start,
            limits=self.limits,
        )
        done = 0
        mailboxes = Mailboxes()
        for batch in in_batches(reading, self.clock):
            with store.write():
                with store.documents.together():
                    for path, result in batch:
                        item = facts[path]
                        document_id = ""
                        if isinstance(result, IngestError):
                            self._note_failure(item, result, tags, reported)
                        else:
                            document_id = self._save(item, result, tags)
                        mailboxes.note(path, result, document_id)
                reach("add.before_commit")
            reach("add.after_commit")
            read.update(path for path, _result in batch)
            done += len(batch)
            self.resources.progress("reading", done, len(fresh))
        for path, present in mailboxes.whole():
            self._let_go(shown(path), present)

    def _save(self, item: ingest.Found, document: Document, tags: Texts) -> str:
        """Save what was read; the id that it has."""
        source = shown(item.path)
        tally = self.tally
        if document.uri in self.moved:
            document = rebind(document, self.moved[document.uri])
        mark = _mark(document)
        if self.again:
            self.resources.store.tombstones.lift(mark)
        elif self.resources.store.tombstones.came_back(mark):
            return self._keep_out(item, source)
        _file, sign, message = document.uri.partition(
            "#"
        )  # of a mailbox, whose messages have names
        origin = self._origin(item, f"{source}{sign}{message}", tags)
        origin = replace(origin, reader=reader_edition(document.media_type))
        if not document.chunks:
            document = by_name(document, item.path)
            origin = replace(origin, entry="name")
        document_id = tally.save(self.resources, document, origin)
        uri = uri_of(item.path)
        tally.cleared.append(uri)
        tally.of_files += [(source, notice) for notice in document.notices]
        missing = [notice for notice in document.notices if partly(notice)]
        if missing:
            why = Skipped(source, CUT, "; ".join(missing), CUT_HINT)
            reader = edition(item.media_type, self.limits)
            tally.noted.append(LeftOut(uri, why, stat_of(item), reader=reader))
        reach("add.after_document")
        return document_id

    def _keep_out(self, item: ingest.Found, source: str) -> str:
        """What was erased is met in another place: that place is marked as well, so that it is not read again."""
        store = self.resources.store
        uri = uri_of(item.path)
        if not store.library.by_uri(uri):
            store.tombstones.lay([Erased(uri)], self.resources.now()[:10])
        new = item.path in self.asked_for
        self.tally.skipped.append(erased(source, new=new))
        return ""

    def _note_failure(
        self,
        item: ingest.Found,
        error: IngestError,
        tags: Texts,
        reported: dict[str, LeftOut],
    ) -> None:
        """Say why nothing was read; a file that never was is found by its name at least."""
        source = shown(item.path)
        uri = uri_of(item.path)
        before = reported.get(uri)
        why = Skipped(source, error.kind, error.reason, error.hint, before is None)
        self.tally.skipped.append(why)
        if isinstance(error, VanishedFile):
            self.tally.vanished += 1
            return
        stat = stat_of(item)
        tries = 1
        if before and before.stat == stat:
            tries = before.tries + 1
        reader = edition(item.media_type, self.limits)
        left = LeftOut(uri, why, stat, error.passing, reader, tries)
        self.tally.noted.append(left)
        if uri in self.resources.store.library.known_files(uri):
            return  # what was read of it before stays
        origin = self._origin(item, source, tags)
        entry = name_only(item.path, uri)
        if uri in self.moved:
            entry = rebind(entry, self.moved[uri])
        origin = labelled(self.resources, entry, replace(origin, entry="name"))
        documents = self.resources.store.documents
        documents.save(entry, origin, now=self.resources.now())

    def _origin(self, item: ingest.Found, source: str, tags: Texts) -> Origin:
        looked_ns = time.time_ns()
        stat = stat_of(item)
        return Origin(source, stat, looked_ns, label=self.label, tags=tags)

    def _let_go(self, source: str, present: set[str]) -> None:
        """Forget messages that are no longer in a mailbox, under the same rule as files that are gone from a folder."""
        store = self.resources.store
        below = store.library.below(source)
        known = [row.id for row in below if row.source.startswith(f"{source}#")]
        gone = [message_id for message_id in known if message_id not in present]
        if not gone:
            return
        if believable(len(gone), len(known)):
            count = store.trash.forget(gone, now=self.resources.now(), lasting=False)
            self.tally.counts["removed"] += count
            return
        name = shlex.quote(source)
        self.tally.notices.append(
            f"{len(gone):,} of {len(known):,} messages of {source} are gone; nothing was forgotten. "
            f"Were they deleted? Then: brain forget {name} && brain add {name}"
        )

    def _note_skipped(self) -> None:
        """Remember what did not go in, and what now did.

        Files left out by a rule are no news, so that most looks write nothing.
        """
        skipped = self.resources.store.skipped
        tally = self.tally
        noted = {left.uri for left in skipped.all()} if tally.cleared else set()
        cleared = [uri for uri in tally.cleared if uri in noted]
        reach("add.before_skipped")
        if tally.noted or cleared:
            skipped.note(tally.noted, cleared, self.resources.now())
        tally.noted.clear()
        tally.cleared.clear()


def _mark(document: Document) -> Erased:
    """What tells whether a document was erased before. A text without a word is that of any empty file."""
    content = document.content_hash if document.text.strip() else ""
    return Erased(document.uri, content)


def name_only(path: Path, uri: str) -> Document:
    """An entry that holds a file's name and the folder it lies in, for files whose content no reader opens."""
    words = shown(Path(path.parent.name, path.name)).replace("/", " / ").split()
    name = shown(Path(path.name))
    entry = ingest.load_text(
        " ".join(words), uri=uri, title=name, media_type="text/plain"
    )
    return replace(
        entry,
        media_type=ingest.media_type(path),
        content_hash=f"name:{entry.content_hash}",
        dated_by=None,
    )


def by_name(document: Document, path: Path) -> Document:
    """A file without any text, to be found by its name; what it states of itself stays."""
    entry = rebind(name_only(path, document.uri), document.id)
    return replace(document, text=entry.text, chunks=entry.chunks)


def in_batches(results: Iterator[Result], clock: Clock) -> Iterator[list[Result]]:
    """Groups of at most BATCH_DOCUMENTS results or what BATCH_SECONDS brought."""
    batch: list[Result] = []
    begun = clock()
    for result in results:
        batch.append(result)
        if len(batch) >= BATCH_DOCUMENTS or clock() - begun >= BATCH_SECONDS:
            yield batch
            batch = []
            begun = clock()
    if batch:
        yield batch


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"

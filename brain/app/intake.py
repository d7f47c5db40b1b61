"""Taking files in: look at what changed, read only that, save in small batches, and say what went in and what did not.

Leaves out reading (ingest), SQL (store) and vectors (index). Whatever stops it (Ctrl-C, a full disk, a bad file), the
batches that were acknowledged stay. Serves `Brain.add` and `Brain.sync`.
"""

from __future__ import annotations

import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ingest
from brain.child import Child, running
from brain.faults import reach
from brain.protocols import Progress, silent
from brain.types import AddReport, Document, Skipped
from ingest.errors import IngestError
from ingest.readers import isolated

if TYPE_CHECKING:
    from brain.store import Store
    from brain.store.documents import Origin
    from ingest.limits import Limits

T = TypeVar("T")
BATCH_DOCUMENTS = 100  # HOUSE §7: a batch holds at most so many documents …
BATCH_SECONDS = 0.5  # … or what half a second brings
MAILBOX = "application/mbox"
COUNTED = ("added", "updated", "unchanged", "renamed", "removed", "chunks")
RACY_NS = (
    2_000_000_000  # HOUSE §7: a file touched within 2 s of the last look may have changed unseen
)
CENSUS_FILES = 2_000  # USERS 26: above so many files say first what is coming
GONE_SHARE = (
    0.05  # USERS 9: if more than this share of a root is gone, nothing is forgotten unasked
)
GONE_SMALL = 3  # … but so few missing files are always believed
FILES_PER_SECOND = {
    "pdf": 4.0,
    "other": 400.0,
}  # for the estimate only; measured on two shared cores

READING = running("ingest.worker:answers", "network", "programs")

Facts = tuple[
    int, int, int, int, int
]  # (size in bytes, mtime_ns, ctime_ns, inode, looked_ns) of a file


def reading_child() -> Child:
    """A limited child process that reads risky files, for `ingest.load_many`."""
    return Child(READING)


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, Skipped, int | None, int | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    interrupted: bool = False

    def saved(self, document: Document, outcome: str, document_id: str) -> None:
        """Count one document that was handed to the store."""
        self.counts[outcome] += 1
        self.counts["chunks"] += len(document.chunks)
        self.documents.append(document_id)

    def report(self, **more: Any) -> AddReport:
        """The frozen form."""
        counts: dict[str, Any] = {name: self.counts[name] for name in COUNTED}
        skips = tuple(skip for _uri, skip, _size, _time in self.skipped)
        return AddReport(
            **counts,
            skipped=skips,
            notices=tuple(self.notices),
            interrupted=self.interrupted,
            documents=tuple(self.documents),
            **more,
        )


@dataclass(slots=True)
class Mailboxes:
    """Files of many documents that were read: which of their messages are there now."""

    _present: dict[Path, set[str]] = field(default_factory=dict)
    _cut: set[Path] = field(default_factory=set)

    def note(self, path: Path, result: Document | IngestError, document_id: str) -> None:
        """One result of a file. The document of a mailbox itself says by a notice when it was not read to its end."""
        if isinstance(result, IngestError):
            self._cut.add(path)
        elif "#" in result.uri:
            self._present.setdefault(path, set()).add(document_id)
        elif result.media_type == MAILBOX:
            self._present.setdefault(path, set())
            if result.notices:
                self._cut.add(path)

    def whole(self) -> list[tuple[Path, set[str]]]:
        """Those that were read whole and without an error, each with the ids of its messages."""
        return [(path, ids) for path, ids in self._present.items() if path not in self._cut]


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that taking in needs. `now` gives the present as ISO 8601 with offset; `origin` says how a document
    stands (label, compartment, trust) and is where rules about folders come in.
    """

    store: Store
    limits: Limits
    chunk_tokens: int
    now: Callable[[], str]
    origin: Callable[..., Origin]
    progress: Progress = silent
    workers: int = 2
    clock: Callable[[], float] = time.monotonic

    def take_in(
        self, paths: Iterable[Path], *, tags: tuple[str, ...] = (), register: bool = True
    ) -> Tally:
        """Read what is new or changed under `paths`; folders become roots that `sync` looks at again."""
        tally = Tally()
        fresh: list[ingest.Found] = []
        try:
            for path in paths:
                found = self._look(
                    path, tally, whole_files(self.store.library.known_files(path.as_uri()))
                )
                if register and path.is_dir() and self._register(path, tags):
                    tally.notices.append(
                        f"{shown(path)} is registered: `brain sync` looks at it again"
                    )
                fresh += found
            self._census(fresh, tally)
            self._save_all(fresh, tags, tally)
        except KeyboardInterrupt:
            tally.interrupted = True
        self._note_skipped(tally)
        return tally

    def look(self, root: Path, tally: Tally) -> tuple[list[ingest.Found], list[str]]:
        """Under a root: the files that changed, and the addresses that are gone."""
        known = whole_files(self.store.library.known_files(root.as_uri()))
        unseen = set(known)
        fresh = self._look(root, tally, known, unseen)
        return fresh, sorted(unseen)

    def take_changes(self, fresh: list[ingest.Found], tags: tuple[str, ...], tally: Tally) -> None:
        """Read the files that `look` found changed."""
        try:
            self._save_all(fresh, tags, tally)
        except KeyboardInterrupt:
            tally.interrupted = True
        self._note_skipped(tally)

    def _register(self, path: Path, tags: tuple[str, ...]) -> bool:
        """Make a folder a root; True when it was none."""
        new = self.store.library.add_root(
            path.as_uri(), shown(path), {"tags": list(tags)}, self.now()
        )
        reach("add.after_root")
        return new

    # -- which files ------------------------------------------------------------------------------------------------

    def _look(
        self, path: Path, tally: Tally, known: Mapping[str, Facts], unseen: set[str] | None = None
    ) -> list[ingest.Found]:
        """Files under `path` that differ from what is `known`; seen addresses are taken out of `unseen`."""
        if not os.path.lexists(path):
            skip = Skipped(
                shown(path), "unreadable", "no such file or folder", "check the spelling"
            )
            tally.skipped.append((path.as_uri(), skip, None, None))
            return []
        reported = self.store.library.skipped()
        passed = self._passing(known, reported, tally, unseen if unseen is not None else set())
        fresh = []
        for item in ingest.walk(path, limits=self.limits, passed=passed):
            uri = uri_of(item.path)
            if isinstance(item, ingest.Skip):
                tally.skipped.append(
                    (uri, Skipped(shown(item.path), item.kind, item.reason, ""), None, None)
                )
                continue
            if unseen is not None:
                unseen.discard(uri)
            before = reported.get(uri)
            if before and before[0].kind == "forgotten":
                if item.path != path:
                    tally.skipped.append((uri, before[0], None, None))
                    continue
                before = None
            # A kind that no reader opened may have one since an upgrade: then the file is looked at again.
            readable = (
                before and before[0].kind == "unsupported" and item.media_type in ingest.READERS
            )
            if before and not readable and (before[1], before[2]) == (item.size, item.mtime_ns):
                tally.counts["unchanged" if before[0].kind == "unsupported" else "reported"] += 1
                continue
            if unchanged(item, known.get(uri)):
                tally.counts["unchanged"] += 1
                continue
            fresh.append(item)
        fresh.sort(
            key=lambda item: (isolated(item.media_type, item.size), -item.mtime_ns)
        )  # notes before slow formats
        return fresh

    @staticmethod
    def _passing(
        known: Mapping[str, Facts], reported: Collection[str], tally: Tally, unseen: set[str]
    ) -> Callable[[str, os.stat_result], bool]:
        """A quick answer for the files of a walk that are as stored: they are counted and need no second look."""
        uris = {plain(uri): uri for uri in known if uri not in reported}

        def passed(path: str, status: os.stat_result) -> bool:
            uri = uris.get(path)
            if uri is None or not settled(known[uri], status):
                return False
            unseen.discard(uri)
            tally.counts["unchanged"] += 1
            return True

        return passed

    def _census(self, fresh: list[ingest.Found], tally: Tally) -> None:
        """Above CENSUS_FILES: what is coming, of which kinds, how large and about how long."""
        if len(fresh) <= CENSUS_FILES:
            return
        kinds = Counter(_kind(item) for item in fresh)
        pdfs = kinds["pdf"]
        seconds = pdfs / FILES_PER_SECOND["pdf"] + (len(fresh) - pdfs) / FILES_PER_SECOND["other"]
        size = sum(item.size for item in fresh)
        parts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(6))
        line = f"{len(fresh):,} files: {parts}; about {_minutes(seconds)}; {size / 1e9:.1f} GB"
        tally.notices.append(line)
        self.progress(f"census: {line}", 0, len(fresh))

    # -- saving -------------------------------------------------------------------------------------------------------

    def _save_all(self, fresh: list[ingest.Found], tags: tuple[str, ...], tally: Tally) -> None:
        """Read and save in batches; each batch is durable before the next begins."""
        if not fresh:
            return
        facts = {item.path: item for item in fresh}
        reported = set(self.store.library.skipped())
        reading = ingest.load_many(
            fresh,
            start=reading_child,
            limits=self.limits,
            chunk_tokens=self.chunk_tokens,
            children=self.workers,
        )
        done, total = 0, len(fresh)
        mailboxes = Mailboxes()
        for batch in in_batches(reading, self.clock):
            with self.store.write():
                with self.store.documents.together():
                    for path, result in batch:
                        mailboxes.note(
                            path, result, self._save_one(facts[path], result, tags, tally, reported)
                        )
                reach("add.before_commit")
            reach("add.after_commit")
            done += len(batch)
            self.progress("reading", done, total)
        self._let_go(mailboxes, tally)

    def _save_one(
        self,
        item: ingest.Found,
        result: Document | IngestError,
        tags: tuple[str, ...],
        tally: Tally,
        reported: Collection[str],
    ) -> str:
        """Save what was read, or note why nothing was; the id of the document, "" when there is none."""
        source, uri = shown(item.path), uri_of(item.path)
        if isinstance(result, IngestError):
            skip = Skipped(source, result.kind, result.reason, result.hint, new=uri not in reported)
            tally.skipped.append((uri, skip, item.size, item.mtime_ns))
            if uri not in self.store.library.known_files(uri):
                entry = name_only(item.path, uri)
                self.store.documents.save(
                    entry, self.origin(item, source, tags, entry="name"), now=self.now()
                )
            return ""
        place = source + "".join(
            result.uri.partition("#")[1:]
        )  # a message of a mailbox has a name of its own
        outcome, document_id = self.store.documents.save(
            result, self.origin(item, place, tags), now=self.now()
        )
        tally.counts[outcome] += 1
        tally.counts["chunks"] += len(result.chunks) if outcome != "unchanged" else 0
        tally.documents.append(document_id)
        tally.cleared.append(uri)
        tally.notices += [f"{source}: {notice}" for notice in result.notices]
        reach("add.after_document")
        return document_id

    def _let_go(self, mailboxes: Mailboxes, tally: Tally) -> None:
        """Forget messages that are no longer in a mailbox, under the same rule as files that are gone from a folder."""
        for path, present in mailboxes.whole():
            source = shown(path)
            known = [
                row
                for row in self.store.library.below(source)
                if row.source.startswith(f"{source}#")
            ]
            gone = [row.id for row in known if row.id not in present]
            if not gone:
                continue
            if not believable(len(gone), len(known)):
                name = shlex.quote(source)
                tally.notices.append(
                    f"{len(gone):,} of {len(known):,} messages of {source} are gone; nothing was forgotten. "
                    f"Were they deleted? Then: brain forget {name} && brain add {name}"
                )
                continue
            tally.counts["removed"] += self.store.trash.forget(gone, now=self.now(), lasting=False)

    def _note_skipped(self, tally: Tally) -> None:
        """Remember what did not go in, and what now did. Files left out by a rule are no news: most looks write nothing."""
        with_facts = [row for row in tally.skipped if row[2] is not None]
        reported = self.store.library.skipped() if tally.cleared else {}
        cleared = [uri for uri in tally.cleared if uri in reported]
        reach("add.before_skipped")
        if with_facts or cleared:
            self.store.library.remember_skipped(with_facts, cleared, self.now())


def name_only(path: Path, uri: str) -> Document:
    """An entry that holds a file's name and the folder it lies in, for files whose content no reader opens."""
    words = " ".join(shown(Path(path.parent.name, path.name)).replace("/", " / ").split())
    entry = ingest.load_text(words, uri=uri, title=shown(Path(path.name)), media_type="text/plain")
    return replace(
        entry,
        media_type=ingest.media_type(path),
        content_hash=f"name:{entry.content_hash}",
        dated_by=None,
    )


def unchanged(item: ingest.Found, known: Facts | None) -> bool:
    """True when size, times and inode are as stored, and the file was not touched just before we last looked."""
    return known is not None and not differs(item, known) and _long_ago(known)


def settled(known: Facts, status: os.stat_result) -> bool:
    """The same from what the system says of the file."""
    size, mtime_ns, ctime_ns, inode, _looked_ns = known
    same = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) == (
        size,
        mtime_ns,
        ctime_ns,
        inode,
    )
    return same and _long_ago(known)


def _long_ago(known: Facts) -> bool:
    _size, mtime_ns, ctime_ns, _inode, looked_ns = known
    return looked_ns is not None and max(mtime_ns, ctime_ns) < looked_ns - RACY_NS


def differs(item: ingest.Found, known: Facts | None) -> bool:
    """True when the file's facts are not those stored; a file touched just before the last look may have changed too."""
    return known is None or (item.size, item.mtime_ns, item.ctime_ns, item.inode) != known[:4]


def believable(gone: int, total: int) -> bool:
    """Whether so many missing files of a root look like deletions and not like a disk that is not there."""
    return gone <= GONE_SMALL or gone <= total * GONE_SHARE


def whole_files(known: Mapping[str, T]) -> dict[str, T]:
    """The same by file: the messages of a mailbox (`…mbox#3`) are one file."""
    return {uri.partition("#")[0]: facts for uri, facts in known.items()}


def in_batches(
    results: Iterator[tuple[Path, Document | IngestError]], clock: Callable[[], float]
) -> Iterator[list[tuple[Path, Document | IngestError]]]:
    """Groups of at most BATCH_DOCUMENTS results or what BATCH_SECONDS brought."""
    batch: list[tuple[Path, Document | IngestError]] = []
    begun = clock()
    for result in results:
        batch.append(result)
        if len(batch) >= BATCH_DOCUMENTS or clock() - begun >= BATCH_SECONDS:
            yield batch
            batch, begun = [], clock()
    if batch:
        yield batch


def uri_of(path: Path) -> str:
    """The `file:` address of a path; bytes outside UTF-8 are percent-encoded, so that every name round-trips."""
    from urllib.parse import quote_from_bytes

    return "file://" + quote_from_bytes(os.fsencode(path))


def plain(uri: str) -> str:
    """The path of a `file:` address; only names with other than plain letters need decoding."""
    if "%" not in uri:
        return uri.removeprefix("file://")
    from brain.store.documents import path_of

    return path_of(uri)


def shown(path: Path) -> str:
    """The path as text that JSON, SQLite and a terminal can hold: bytes outside UTF-8 appear as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _kind(item: ingest.Found) -> str:
    """What the census calls a file: by its suffix, or that no reader opens it."""
    if item.media_type not in ingest.READERS:
        return "no reader"
    return item.path.suffix.lower().lstrip(".") or "no suffix"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


__all__ = [
    "Intake",
    "Tally",
    "believable",
    "differs",
    "shown",
    "unchanged",
    "uri_of",
    "whole_files",
]

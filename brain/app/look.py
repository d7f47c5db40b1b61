"""One look at a folder or a file: what changed since it was read, what is no longer there, and what is tried again.

Decides by what the system says of each file, without opening any. What could not be read is tried again when the file
changed in any way, when another edition of its reader or other limits are in force, and when the reason may have passed
by itself; what another edition read is read again by `add` and `sync`. A file that a person names is always read.
Leaves walking to `ingest`, reading to `brain.app.intake`. Serves `add`, and `sync`, `status` and the look before a
question, which must cost next to nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import ingest
from brain.app.file_facts import (
    Facts,
    differs,
    path_of,
    settled,
    shown,
    stat_of,
    unchanged,
    uri_of,
    whole_files,
)
from brain.app.tally import Tally, erased
from brain.store import Store
from brain.store.moves import is_gone
from brain.store.skipped import CUT, FORGOTTEN, LeftOut
from brain.store.tombstones import Erased
from brain.types import Skipped
from ingest.edition import edition, reader_edition
from ingest.errors import NO_READER
from ingest.limits import Limits
from ingest.readers import isolated

# A file that may be well again by itself is tried at so many looks in a row, then once in so long: one that takes a
# minute each time must not hold up every `sync` for years
TRIES = 3
PAUSE = timedelta(days=1)
UNREADABLE = "unreadable"
KINDS_NAMED = 4  # of files that are read again
# of notes that are no failure
WHOLE_ENOUGH = ("unsupported", CUT)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a look is taken. `named`: a person named the path; `question`: before a question, which waits for it;
    `again`: what was erased may come back; `told`: that it may not is news, as the person named it, or a new folder.
    """

    now: datetime
    named: bool = False
    question: bool = False
    again: bool = False
    told: bool = False


class Look:
    """What lies under `path`. `missing` holds the addresses of known files that were not met."""

    def __init__(
        self, path: Path, store: Store, tally: Tally, limits: Limits, manner: Manner
    ) -> None:
        self._path = path
        self._tally = tally
        self._limits = limits
        self._manner = manner
        known = store.library.known_files(path.as_uri())
        self._tombstones = store.tombstones
        self._known: dict[str, Facts] = whole_files(known)
        self._left_out = store.skipped.below(path.as_uri())
        # Files whose text an older edition of their reader made. A question waits for none of them.
        self._outdated = set() if manner.question else _outdated(store, path.as_uri())
        self._again: Counter[str] = Counter()  # of those, by kind, what is read again
        # notes of which nothing was met
        self._stale = set(self._left_out)
        self.missing = set(self._known)

    def changed(self) -> list[ingest.Found]:
        """Files that are new or not as stored, the ones that are read quickly first, the newest of each first."""
        path = self._path
        if not os.path.lexists(path):
            why = Skipped(
                shown(path),
                UNREADABLE,
                "no such file or folder",
                "check the spelling",
            )
            self._tally.skipped.append(why)
            return []
        walked = ingest.walk(path, limits=self._limits, passed=self._passing())
        fresh = []
        for item in walked:
            if isinstance(item, ingest.Skip):
                self._skip(item)
            elif self._is_new(item):
                fresh.append(item)
        self._tally.cleared += [uri for uri in self._stale if self._is_gone(uri)]
        if self._again:
            self._tally.notices.append(_said_of(self._again))
        fresh.sort(key=self._turn)
        return fresh

    def _turn(self, item: ingest.Found) -> tuple[bool, bool, int]:
        """New text before what is there in an older reading; notes before slow formats: they can be asked about while
        a book is still being read.
        """
        known = uri_of(item.path) in self._outdated
        slow = isolated(item.media_type, item.size)
        return known, slow, -item.mtime_ns

    def surely(self, fresh: list[ingest.Found]) -> list[ingest.Found]:
        """Those of the files whose facts differ from the stored ones: not those that are read again to be safe."""
        found = []
        for item in fresh:
            uri = uri_of(item.path)
            left = self._left_out.get(uri)
            tried = left is not None and left.stat == stat_of(item)
            if not tried and differs(item, self._known.get(uri)):
                found.append(item)
        return found

    def _passing(self) -> Callable[[Mapping[str, os.stat_result]], set[str]]:
        """A quick answer for the files of a walk that are as stored: they are counted and need no second look."""
        # This is asked of every file before every question: two dictionaries, and no object for the file
        apart = self._left_out.keys() | self._outdated
        uris = {path_of(uri): uri for uri in self._known if uri not in apart}

        def passed(files: Mapping[str, os.stat_result]) -> set[str]:
            found = set()
            for path in uris.keys() & files:
                if settled(files[path], self._known[uris[path]]):
                    found.add(path)
            self.missing.difference_update(uris[path] for path in found)
            self._tally.counts["unchanged"] += len(found)
            return found

        return passed

    def _skip(self, item: ingest.Skip) -> None:
        """Left out by a rule, or not to be opened: that is noted, since it may be otherwise the next time."""
        uri = uri_of(item.path)
        noted = self._left_out.get(uri)
        self._stale.discard(uri)
        why = Skipped(shown(item.path), item.kind, item.reason)
        if item.kind == UNREADABLE and is_gone(os.fspath(item.path)):
            self._tally.vanished += 1
            return
        if item.kind == UNREADABLE:
            known = noted is not None and noted.why.reason == item.reason
            why = replace(why, new=noted is None)
            if not known:
                self._tally.noted.append(LeftOut(uri, why, passing=True))
        elif noted is not None and noted.why.kind != FORGOTTEN:
            self._tally.cleared.append(uri)  # a rule leaves it out now
        self._tally.skipped.append(why)

    def _is_gone(self, uri: str) -> bool:
        """Whether nothing is left to be noted: the file is not there, or a folder that could not be opened now is."""
        noted = self._left_out[uri]
        if noted.why.kind == FORGOTTEN:
            return False
        place = path_of(uri)
        return is_gone(place) or os.access(place, os.R_OK)

    def _is_new(self, item: ingest.Found) -> bool:
        """Whether a file must be read; what need not be is counted."""
        uri = uri_of(item.path)
        self.missing.discard(uri)
        self._stale.discard(uri)
        if uri not in self._known and self._erased(item, uri):
            return False
        if self._manner.named and item.path == self._path:
            return True
        if uri in self._left_out:
            return not self._stays_out(item, self._left_out[uri])
        if not unchanged(item, self._known.get(uri)):
            return True
        if uri in self._outdated:
            self._again[kind_of_file(item)] += 1
            return True
        self._tally.counts["unchanged"] += 1
        return False

    def _erased(self, item: ingest.Found, uri: str) -> bool:
        """Whether a person erased this file and does not want it back."""
        if self._manner.again or not self._tombstones.covers(Erased(uri)):
            return False
        why = erased(shown(item.path), new=self._manner.told)
        self._tally.skipped.append(why)
        return True

    def _stays_out(self, item: ingest.Found, left: LeftOut) -> bool:
        """Whether a file that did not go in, or not whole, before would not go in otherwise now."""
        kind = left.why.kind
        if kind == FORGOTTEN:  # until a person names the file itself
            self._tally.skipped.append(replace(left.why, new=True))
            return True
        had_no_reader = kind == "unsupported" and left.why.reason == NO_READER
        if had_no_reader and item.media_type in ingest.READERS:
            return False  # an upgrade brought a reader for it
        if left.stat != stat_of(item):
            return False
        if kind != "unsupported" and self._may_be_well(item, left):
            return False
        counted = "unchanged" if kind in WHOLE_ENOUGH else "reported"
        self._tally.counts[counted] += 1
        return True

    def _may_be_well(self, item: ingest.Found, left: LeftOut) -> bool:
        """Whether a file that is as it was may be read otherwise now."""
        if left.reader != edition(item.media_type, self._limits):
            return True
        if not left.passing:
            return False
        if self._manner.question and isolated(item.media_type, item.size):
            return False  # it may take a minute again, and somebody waits for an answer
        if left.tries < TRIES:
            return True
        try:
            waited = self._manner.now - datetime.fromisoformat(left.seen_at)
        except (ValueError, TypeError):
            return True
        return abs(waited) >= PAUSE


def _outdated(store: Store, uri: str) -> set[str]:
    """The files at or under an address of which a document was made by another edition of its reader."""
    found = set()
    for known, media_type, reader in store.skipped.readers_below(uri):
        if reader != reader_edition(media_type):
            file, _sign, _message = known.partition("#")
            found.add(file)
    return found


def _said_of(again: Counter[str]) -> str:
    """What is read again, and why."""
    total = again.total()
    kinds = [kind for kind, _count in again.most_common(KINDS_NAMED)]
    if len(again) > KINDS_NAMED:
        kinds.append("other")
    files = "1 file is"
    if total != 1:
        files = f"{total:,} files are"
    readers = "reader" if len(again) == 1 else "readers"
    verb = "has" if len(again) == 1 else "have"
    return (
        f"{files} read again: the {readers} of {', '.join(kinds)} files {verb} improved"
    )


def kind_of_file(item: ingest.Found) -> str:
    """What a person is told of a file's kind: its suffix, or that no reader opens it."""
    if item.media_type not in ingest.READERS:
        return "no reader"
    return item.path.suffix.lower().lstrip(".") or "no suffix"

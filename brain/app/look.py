"""One look at a folder or a file: what changed since it was read, and what is no longer there.

Decides by what the system says of each file, without opening any. Leaves walking to `ingest`, reading to
`brain.app.intake`. Serves `add`, and `sync` and the look before a question, which must cost next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ingest
from brain.app.file_facts import (
    Facts,
    path_of,
    settled,
    shown,
    unchanged,
    uri_of,
    whole_files,
)
from brain.app.tally import Tally
from brain.store import Store
from brain.types import Skipped
from ingest.limits import Limits
from ingest.readers import isolated


class Look:
    """What lies under `path`. `missing` holds the addresses of known files that were not met."""

    def __init__(self, path: Path, store: Store, tally: Tally, limits: Limits) -> None:
        self._path = path
        self._tally = tally
        self._limits = limits
        known = store.library.known_files(path.as_uri())
        self._known: dict[str, Facts] = whole_files(known)
        self._left_out = store.library.skipped()
        self.missing = set(self._known)

    def changed(self) -> list[ingest.Found]:
        """Files that are new or not as stored, the ones that are read quickly first, the newest of each first."""
        path = self._path
        if not os.path.lexists(path):
            why = Skipped(
                shown(path),
                "unreadable",
                "no such file or folder",
                "check the spelling",
            )
            self._tally.skip(path.as_uri(), why)
            return []
        walked = ingest.walk(path, limits=self._limits, passed=self._passing())
        fresh = []
        for item in walked:
            if isinstance(item, ingest.Skip):
                why = Skipped(shown(item.path), item.kind, item.reason)
                self._tally.skip(uri_of(item.path), why)
            elif self._is_new(item):
                fresh.append(item)
        # Notes before slow formats: they can be asked about while a book is still being read
        fresh.sort(
            key=lambda item: (isolated(item.media_type, item.size), -item.mtime_ns)
        )
        return fresh

    def _passing(self) -> Callable[[str, os.stat_result], bool]:
        """A quick answer for the files of a walk that are as stored: they are counted and need no second look."""
        # This is asked of every file before every question: two dictionaries, and no object for the file
        uris = {path_of(uri): uri for uri in self._known if uri not in self._left_out}

        def passed(path: str, status: os.stat_result) -> bool:
            uri = uris.get(path)
            if uri is None or not settled(status, self._known[uri]):
                return False
            self.missing.discard(uri)
            self._tally.counts["unchanged"] += 1
            return True

        return passed

    def _is_new(self, item: ingest.Found) -> bool:
        """Whether a file must be read; what need not be is counted."""
        uri = uri_of(item.path)
        self.missing.discard(uri)
        if uri in self._left_out and self._stays_out(item, uri):
            return False
        if unchanged(item, self._known.get(uri)):
            self._tally.counts["unchanged"] += 1
            return False
        return True

    def _stays_out(self, item: ingest.Found, uri: str) -> bool:
        """Whether a file that did not go in before would not go in now either."""
        why, size, mtime_ns = self._left_out[uri]
        if why.kind == "forgotten":  # until a person names the file itself
            if item.path == self._path:
                return False
            self._tally.skip(uri, why)
            return True
        unsupported = why.kind == "unsupported"
        if unsupported and item.media_type in ingest.READERS:
            return False  # an upgrade brought a reader for it
        if (size, mtime_ns) != (item.size, item.mtime_ns):
            return False
        self._tally.counts["unchanged" if unsupported else "reported"] += 1
        return True

"""Marks of erased files: what a person erased is never taken in again by a look at its folder.

A mark is an HMAC (RFC 2104, SHA-256) of a file's address, or of the hash of its content, under a key that is made once
for each store and lies in it: whoever sees the marks alone learns nothing of what was erased, and whoever has the store
can test a guess but not read one. Leaves the erasing to `erasure.py`, and asking a person to the doors. Serves taking
in, `forget --erase` and `restore`.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from brain.store.cells import leave_out
from brain.store.row_hash import hashed
from brain.store.table import Table
from brain.types import Texts

KEYS = "tombstone_keys"  # setting: a JSON list, the store's own first, then those of stores that it was restored over
KEY_BYTES = 32
FILE = "file:"
PART = "#"  # what stands behind it in an address counts the parts of a file, which changes with the file


@dataclass(frozen=True, slots=True)
class Erased:
    """What a mark is made of: the address and the content hash of a document; "" for what is not known."""

    uri: str
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks of a store with the keys that they were made under, to be carried into another."""

    keys: Texts
    days: dict[str, str]


class TombstoneTable(Table):
    """Lays marks, asks for them, lifts them."""

    def lay(self, erased: Iterable[Erased], day: str) -> None:
        """Mark these files; what is no file gets no mark, since nothing takes it in again by itself."""
        marked = [item for item in erased if item.uri.startswith(FILE)]
        if not marked:
            return
        with self._write():
            key = self._keys(make=True)[0]
            for item in marked:
                for mark in _marks(key, item):
                    self._insert(mark, day)

    def lift(self, item: Erased) -> None:
        """A person wants it back."""
        with self._write():
            for key in self._keys():
                for mark in _marks(key, item):
                    self._run("DELETE FROM tombstones WHERE mark=?", mark)

    def covers(self, item: Erased) -> bool:
        """Whether its address or its content was erased."""
        for key in self._keys():
            for mark in _marks(key, item):
                if self._first("SELECT 1 FROM tombstones WHERE mark=?", mark):
                    return True
        return False

    def came_back(self, item: Erased) -> bool:
        """Whether a document that is to be saved was erased, and is no other document's copy that stays."""
        if not self.any():
            return False
        if self._first("SELECT 1 FROM documents WHERE uri=?", item.uri):
            return False
        if self.covers(Erased(item.uri)):
            return True
        content = item.content_hash
        if self._first("SELECT 1 FROM documents WHERE content_hash=?", content):
            return False
        return self.covers(item)

    def any(self) -> bool:
        """Whether anything is marked at all."""
        return bool(self._first("SELECT 1 FROM tombstones"))

    def documents(self) -> list[tuple[str, str]]:
        """(id, address) of the stored documents that are marked: those that an older backup brought back."""
        found = []
        for document_id, uri, content in self._run(
            "SELECT id, uri, content_hash FROM documents"
        ):
            if uri.startswith(FILE) and self.covers(Erased(uri, content)):
                found.append((document_id, uri))
        return found

    def marks(self) -> Marks:
        """All of them."""
        days = dict(self._run("SELECT mark, day FROM tombstones").fetchall())
        return Marks(tuple(key.hex() for key in self._keys()), days)

    def take_over(self, marks: Marks) -> None:
        """Those of another store, with the keys that they need."""
        if not marks.days:
            return
        with self._write():
            own = [key.hex() for key in self._keys(make=True)]
            self._keep_keys(list(dict.fromkeys([*own, *marks.keys])))
            for mark, day in marks.days.items():
                self._insert(mark, day)

    def _insert(self, mark: str, day: str) -> None:
        row = hashed("tombstones", {"mark": mark, "day": day})
        self._run("INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?)", *row.values())

    def _keys(self, *, make: bool = False) -> list[bytes]:
        row = self._first("SELECT value FROM settings WHERE name=?", KEYS)
        keys: list[bytes] = []
        try:
            if row:
                keys = [bytes.fromhex(key) for key in json.loads(row[0])]
        except (TypeError, ValueError, RecursionError):
            leave_out(self._conn, "settings", {"name": KEYS}, "value")
        if keys or not make:
            return keys
        key = secrets.token_bytes(KEY_BYTES)
        self._keep_keys([key.hex()])
        return [key]

    def _keep_keys(self, keys: list[str]) -> None:
        record = hashed("settings", {"name": KEYS, "value": json.dumps(keys)})
        self._keep_row("settings", record, key="name")


def _marks(key: bytes, item: Erased) -> list[str]:
    """The marks of one document: of its address unless that counts parts of a file, of its content if that is known."""
    said = []
    if PART not in item.uri:
        said.append(f"address\0{item.uri}")
    # an entry by name alone has none of its own
    if item.content_hash and ":" not in item.content_hash:
        said.append(f"content\0{item.content_hash}")
    return [hmac.new(key, text.encode(), sha256).hexdigest() for text in said]

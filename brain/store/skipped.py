"""What did not go in, or not whole: why, and all that a later look needs to tell whether to try it again; and by which
edition of its reader what did go in was read.

Leaves the decision to `brain.app.look`, and files that a person forgot to `trash.py`, which notes them here. Serves
taking in, `status` and `doctor`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from brain.store.cells import leave_out
from brain.store.row_hash import Row, hashed
from brain.store.table import Table
from brain.types import Skipped

CUT = "cut"  # the kind of a file that was read up to a limit
FORGOTTEN = "forgotten"  # the kind of a file that a person does not want back
OLDER = "EXISTS (SELECT 1 FROM documents d WHERE d.uri = s.uri AND d.entry = 'full')"
WHY = ("source", "kind", "reason", "hint")

Number = int | None
Stat = tuple[Number, Number, Number, Number]
"""(size in bytes, mtime_ns, ctime_ns, inode) of a file; None where they are not known"""
UNKNOWN: Stat = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One file. `passing`: it may be well again by itself. `tries`: how often it was tried since it changed last.

    `reader` names the edition of the reader and the limits that it was tried with, "" when no reader was asked.
    `older`: what was read of it at an earlier time is still what is found.
    """

    uri: str
    why: Skipped
    stat: Stat = UNKNOWN
    passing: bool = False
    reader: str = ""
    tries: int = 1
    seen_at: str = ""
    older: bool = False


class SkippedTable(Table):
    """Reads and writes the notes; an address has one at most."""

    def all(self) -> list[LeftOut]:
        """Every note, in the order of the sources."""
        return list(self._select("1", known=OLDER))

    def below(self, uri: str) -> dict[str, LeftOut]:
        """Those of the files at or under an address, for a look, which does not ask whether an older text is there."""
        folder = uri.rstrip("/")
        where = "s.uri >= ?1 AND s.uri < ?3 AND (s.uri = ?1 OR s.uri >= ?2)"
        found = self._select(where, uri, f"{folder}/", f"{folder}0")
        return {left.uri: left for left in found}

    def readers_below(self, uri: str) -> Iterator[tuple[str, str, str]]:
        """(address, media type, edition of the reader) of every document of a file at or under an address."""
        folder = uri.rstrip("/")
        sql = """
            SELECT uri, media_type, reader
            FROM documents
            WHERE uri >= ?1 AND uri < ?3 AND (uri = ?1 OR uri >= ?2) AND size IS NOT NULL
        """
        for row in self._run(sql, uri, f"{folder}/", f"{folder}0"):
            if all(
                isinstance(text, str) for text in row
            ):  # what is damaged is not known
                yield row

    def _select(self, where: str, *values: str, known: str = "0") -> Iterable[LeftOut]:
        sql = f"""
            SELECT s.uri, s.source, s.kind, s.reason, s.hint, s.size, s.mtime_ns, s.ctime_ns, s.inode,
                s.passing, s.reader, s.tries, s.seen_at,
                {known}
            FROM skipped s
            WHERE {where}
            ORDER BY s.source
        """
        for uri, *row in self._run(sql, *values):
            source, kind, reason, hint = row[:4]
            texts = (uri, source, kind, reason, hint)
            if not all(isinstance(text, str) for text in texts):
                leave_out(self._conn, "skipped", {"source": source or uri}, "reason")
                continue
            size, mtime_ns, ctime_ns, inode = row[4:8]
            passing, reader, tries, seen_at, there = row[8:]
            is_whole = kind not in (CUT, FORGOTTEN)
            yield LeftOut(
                uri,
                Skipped(source, kind, reason, hint, new=False),
                (size, mtime_ns, ctime_ns, inode),
                bool(passing),
                reader,
                tries,
                seen_at,
                older=is_whole and bool(there),
            )

    def move(self, before: str, after: str, source: str, now: str) -> None:
        """A folder was moved from one address to another, to the path `source`: what a person forgot in it stays
        forgotten, and the rest is looked at anew. `after` "" when it is looked at no more.
        """
        old = self.below(before)
        kept = []
        gone = []
        for uri, left in old.items():
            forgotten = left.why.kind == FORGOTTEN
            if after or not forgotten:
                gone.append(uri)
            if after and forgotten:
                rest = uri[len(before) :]
                why = replace(left.why, source=source + unquote(rest))
                kept.append(replace(left, uri=after + rest, why=why))
        if old:
            self.note(kept, gone, now)

    def note(self, rows: Sequence[LeftOut], cleared: Sequence[str], now: str) -> None:
        """Note what was left out, and which addresses are no longer."""
        records: list[Row] = []
        for left in rows:
            record: Row = {name: getattr(left.why, name) for name in WHY}
            size, mtime_ns, ctime_ns, inode = left.stat
            record |= {
                "uri": left.uri,
                "size": size,
                "mtime_ns": mtime_ns,
                "ctime_ns": ctime_ns,
                "inode": inode,
                "passing": int(left.passing),
                "reader": left.reader,
                "tries": left.tries,
                "seen_at": now,
            }
            records.append(hashed("skipped", record))
        with self._write():
            # First what is no longer: a mailbox that breaks off is both, read and skipped, and stays noted.
            gone = [(uri,) for uri in cleared]
            self._conn.executemany("DELETE FROM skipped WHERE uri=?", gone)
            for record in records:
                self._keep_row("skipped", record, key="uri")

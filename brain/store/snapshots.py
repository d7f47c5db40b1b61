"""Snapshots of the derived vector index: which directory holds which fingerprint, and how far the outbox is in it.

A row with the state "live" is the pointer: its directory is complete and may be opened, and never changes any more.
Leaves out the directories themselves (`brain.index.snapshot`). Serves whoever writes, opens or removes one.

    building -> live -> dead (never opened again; its directory is removed at the next sweep)

Databases of earlier releases also hold "spare" and "dirty" rows; they count as dead.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.errors import StoreError
from brain.store.table import Table


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One directory of the derived index, for one fingerprint. Everything up to outbox row `applied_seq` is in it."""

    n: int
    fingerprint: str
    dimensions: int
    state: str
    applied_seq: int
    count: int
    chroma_version: str | None


COLUMNS = ", ".join(Snapshot.__dataclass_fields__)
LAST_SEQ = "(SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox')"


def dimensions_of(fingerprint: str) -> int:
    """The length of its vectors, as `brain.types.Fingerprint` writes it. Raises `StoreError` when it is not one."""
    try:
        return int(fingerprint.rsplit("/", 3)[1])
    except (IndexError, ValueError):
        hint = "please report this fault of the program"
        raise StoreError(f"{fingerprint!r} is not a fingerprint", hint) from None


class SnapshotTable(Table):
    """The rows of `index_generations`."""

    def all(self) -> list[Snapshot]:
        """All of them, the oldest first."""
        rows = self._run(f"SELECT {COLUMNS} FROM index_generations ORDER BY n")
        return [Snapshot(*row) for row in rows]

    def current(self, fingerprint: str) -> Snapshot | None:
        """The one that is pointed to, None when there is none."""
        mine = [
            s for s in self.all() if s.fingerprint == fingerprint and s.state == "live"
        ]
        return mine[-1] if mine else None

    def reserve(self, fingerprint: str, *, now: str) -> Snapshot:
        """A number of its own for a directory that is about to be written, as of the outbox row that is newest now."""
        with self._write():
            sql = f"""
                INSERT INTO index_generations
                    (n, fingerprint, dimensions, state, applied_seq, created_at)
                SELECT ifnull(max(n), 0) + 1, ?, ?, 'building', {LAST_SEQ}, ?
                FROM index_generations
            """
            cursor = self._run(sql, fingerprint, dimensions_of(fingerprint), now)
            (made,) = (s for s in self.all() if s.n == cursor.lastrowid)
            return made

    def flip(self, n: int, *, count: int, version: str) -> bool:
        """Point to this one, which is complete, instead of the others of its fingerprint.

        False when it was given up in the meantime, as an erasure does: what it holds may be what was to go.
        """
        with self._write():
            point = """
                UPDATE index_generations SET state='live', count=?, chroma_version=?
                WHERE n=? AND state='building'
            """
            if not self._run(point, count, version, n).rowcount:
                return False
            others = """
                UPDATE index_generations SET state='dead'
                WHERE n <> ?1
                    AND fingerprint = (SELECT fingerprint FROM index_generations WHERE n = ?1)
            """
            self._run(others, n)
            return True

    def discard(self, n: int) -> None:
        """It is not to be opened any more."""
        with self._write():
            self._run("UPDATE index_generations SET state='dead' WHERE n=?", n)

    def discard_all(self) -> None:
        """None is to be opened any more, also none that is being written now."""
        with self._write():
            self._run("UPDATE index_generations SET state='dead'")

    def forget(self, n: int) -> None:
        """Its directory is gone."""
        # The newest row stays, so that no number is given twice: who still reads the directory of an old number must
        # not find another one under it.
        sql = "DELETE FROM index_generations WHERE n = ? AND n < (SELECT max(n) FROM index_generations)"
        with self._write():
            self._run(sql, n)

    def lag(self, fingerprint: str) -> int:
        """How many outbox rows are newer than the snapshot; all of them when there is none."""
        found = self.current(fingerprint)
        last = self._number(f"SELECT {LAST_SEQ}")
        return last - (found.applied_seq if found else 0)

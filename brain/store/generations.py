"""Generations of the derived vector index: which directory holds which fingerprint, how far it is, and who writes it.

The rows are the authority: a lock file can be deleted, an owner's row cannot. Leaves out the directories themselves
(`brain.index`). Serves whoever opens, fills or replaces a generation.

    building -> live or spare <-> dirty (a process writes it) ; any -> dead (never opened again, removed at a sweep)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain.errors import StoreError
from brain.store.connection import Connection

USABLE = ("live", "spare", "dirty")  # states of a generation that was once complete


@dataclass(frozen=True, slots=True)
class Generation:
    """One directory of the derived index, for one fingerprint. `applied_seq` is the last outbox row that is in it."""

    n: int
    fingerprint: str
    dimensions: int
    state: str
    applied_seq: int
    count: int
    chroma_version: str | None
    owner_pid: int | None
    owner_start: str | None
    created_at: str


Alive = Callable[[int, str], bool]
"""Whether the process with this id and this start time still runs."""

GENERATION_COLUMNS = ", ".join(Generation.__dataclass_fields__)


def dimensions_of(fingerprint: str) -> int:
    """The length of its vectors, as `brain.types.Fingerprint` writes it. Raises `StoreError` when it is not one."""
    try:
        return int(fingerprint.rsplit("/", 3)[1])
    except (IndexError, ValueError):
        raise StoreError(
            f"{fingerprint!r} is not a fingerprint", "please report this fault of the program"
        ) from None


class GenerationTable:
    """The rows of `index_generations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._conn = connection.conn

    def all(self) -> list[Generation]:
        """All of them, the oldest first."""
        rows = self._conn.execute(f"SELECT {GENERATION_COLUMNS} FROM index_generations ORDER BY n")
        return [Generation(*row) for row in rows]

    def usable(self, fingerprint: str) -> Generation | None:
        """The newest one of this fingerprint that was complete once, or None."""
        mine = [g for g in self.all() if g.fingerprint == fingerprint and g.state in USABLE]
        return mine[-1] if mine else None

    def create(
        self, fingerprint: str, *, version: str, pid: int, start: str, now: str
    ) -> Generation:
        """A new, empty one, being built by the process `pid`. It begins at the outbox row that is newest now."""
        with self._connection.write():
            n = 1 + max((g.n for g in self.all()), default=0)
            self._conn.execute(
                "INSERT INTO index_generations (n, fingerprint, dimensions, state, applied_seq, chroma_version, "
                "owner_pid, owner_start, created_at) VALUES (?, ?, ?, 'building', ?, ?, ?, ?, ?)",
                (
                    n,
                    fingerprint,
                    dimensions_of(fingerprint),
                    self._last_seq(),
                    version,
                    pid,
                    start,
                    now,
                ),
            )
            return self._generation(n)

    def claim(self, n: int, *, pid: int, start: str, alive: Alive) -> bool:
        """Mark it dirty and ours, before the first write. False when another living process writes it, or it is dead.

        `pid` and `start` are those of the process that will have the directory open.
        """
        with self._connection.write():
            found = self._generation(n)
            mine = (found.owner_pid, found.owner_start) == (pid, start)
            taken = (
                found.owner_pid is not None
                and not mine
                and alive(found.owner_pid, found.owner_start or "")
            )
            if taken or found.state not in USABLE:
                return False
            self._set(n, "state='dirty', owner_pid=?, owner_start=?", pid, start)
            return True

    def advance(self, n: int, seq: int) -> None:
        """Everything up to outbox row `seq` is in it."""
        with self._connection.write():
            self._set(n, "applied_seq=max(applied_seq, ?)", seq)

    def release(self, n: int, *, state: str, count: int) -> None:
        """Its writer closed it well: `state` is "live" or "spare"."""
        with self._connection.write():
            self._set(n, "state=?, count=?, owner_pid=NULL, owner_start=NULL", state, count)

    def flip(self, n: int, *, count: int) -> str:
        """A generation that was built takes over from those of its fingerprint; returns its state.

        It is "live", or "spare" while another fingerprint serves (`serve` changes that).
        """
        with self._connection.write():
            fingerprint = self._generation(n).fingerprint
            others = [g for g in self.all() if g.n != n and g.state != "dead"]
            state = (
                "spare"
                if any(g.state == "live" and g.fingerprint != fingerprint for g in others)
                else "live"
            )
            for other in others:
                if other.fingerprint == fingerprint:
                    self._set(other.n, "state='dead'")
            self._set(n, "state=?, count=?, owner_pid=NULL, owner_start=NULL", state, count)
            return state

    def serve(self, fingerprint: str) -> None:
        """From now on this fingerprint is the one that answers; complete generations of the others become spare."""
        with self._connection.write():
            self._conn.execute(
                "UPDATE index_generations SET state=CASE WHEN fingerprint = ? THEN 'live' ELSE 'spare' END "
                "WHERE state IN ('live', 'spare')",
                (fingerprint,),
            )

    def bury(self, n: int) -> None:
        """It is not to be opened again; its directory goes at the next sweep."""
        with self._connection.write():
            self._set(n, "state='dead', owner_pid=NULL, owner_start=NULL")

    def forget(self, n: int) -> None:
        """Its directory is gone. The newest row stays, so that no number is given twice."""
        with self._connection.write():
            self._conn.execute(
                "DELETE FROM index_generations WHERE n = ? AND n < (SELECT max(n) FROM index_generations)",
                (n,),
            )

    def lag(self, fingerprint: str) -> int:
        """How many outbox rows the index of this fingerprint has not taken in; all of them when there is none."""
        found = self.usable(fingerprint)
        return self._last_seq() - (found.applied_seq if found else 0)

    def retire(self, fingerprint: str) -> None:
        """Give up every generation of a model that is no longer used."""
        with self._connection.write():
            self._conn.execute(
                "UPDATE index_generations SET state='dead' WHERE fingerprint = ?", (fingerprint,)
            )

    def _generation(self, n: int) -> Generation:
        for found in self.all():
            if found.n == n:
                return found
        raise StoreError(f"generation {n} of the index is gone", "run `brain sync`")

    def _set(self, n: int, assignments: str, *values: object) -> None:
        self._conn.execute(f"UPDATE index_generations SET {assignments} WHERE n = ?", (*values, n))

    def _last_seq(self) -> int:
        sql = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'"
        seq: int = self._conn.execute(sql).fetchone()[0]
        return seq

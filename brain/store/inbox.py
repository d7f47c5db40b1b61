"""What agents propose to remember, until a person decides: the table `proposals`.

Nothing of it is found by any question. What was refused is deleted, and overwritten as everything that is deleted.
Leaves out who may decide, and keeping what was accepted. Serves `.inbox`, the export and the import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brain.errors import NotFound, UsageError
from brain.inbox import Proposal
from brain.store.row_hash import COVERED, hashed
from brain.store.sql import CANDIDATES_SHOWN, SHORTEST_PREFIX, fields_of
from brain.store.table import Table

COLUMNS = ", ".join(f'"{name}"' for name in COVERED["proposals"])
READ = f"SELECT {COLUMNS} FROM proposals"


class InboxTable(Table):
    """All SQL of what waits for a person."""

    def keep(self, proposal: Proposal) -> Proposal:
        """Keep it; the same words about the same thing that wait already are returned in its place."""
        with self._write():
            known = self._read(
                "WHERE id = ? OR (text = ? AND about = ?)",
                proposal.id,
                proposal.text,
                proposal.about,
            )
            if known:
                return known[0]
            self._insert_row("proposals", hashed("proposals", fields_of(proposal)))
        return proposal

    def all(self) -> list[Proposal]:
        """What waits, oldest first."""
        return self._read("ORDER BY at, id")

    def count(self) -> int:
        """How much waits."""
        return self._number("SELECT count(*) FROM proposals")

    def named(self, references: Iterable[str]) -> list[Proposal]:
        """Those with these ids, or their beginnings. Raises `NotFound`, and `UsageError` where several fit."""
        found: dict[str, Proposal] = {}
        for reference in references:
            proposal = self._one(reference)
            found[proposal.id] = proposal
        return list(found.values())

    def drop(self, proposals: Sequence[Proposal]) -> None:
        """These wait no more."""
        with self._write():
            for proposal in proposals:
                self._run("DELETE FROM proposals WHERE id = ?", proposal.id)

    def _one(self, reference: str) -> Proposal:
        start = reference.removeprefix("#").lower()
        found: list[Proposal] = []
        if len(start) >= SHORTEST_PREFIX:
            begins = "WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
            found = self._read(begins, start, f"{start}\U0010ffff", CANDIDATES_SHOWN)
        if not found:
            hint = "`brain inbox list` shows what waits, with its ids"
            raise NotFound(f"nothing with the id {reference!r} waits", hint)
        if len(found) == 1 or found[0].id == start:
            return found[0]
        names = ", ".join(proposal.id for proposal in found)
        raise UsageError(f"{reference!r} names several", f"say which: {names}")

    def _read(self, rest: str, *values: object) -> list[Proposal]:
        rows = self._sound("proposals", self._each_named(f"{READ} {rest}", *values))
        return [Proposal(**row) for row in rows]

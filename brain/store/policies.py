"""The policies that were put into force, one behind the other, and what a person approved.

The newest row of `policies` is the one in force; a rollback adds an older text anew. Leaves what a policy says, and how
long an approval holds, to `brain.governance`. Serves that.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.store.table import Table


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A policy that was put into force. `how`: "publish", "set" or "rollback"; `digest`: SHA-256 of its text."""

    id: int
    at: str
    how: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """Something that waits for a person, or that one approved. `digest`: of the bytes; `what`: JSON; times: seconds."""

    id: str
    digest: str
    what: str
    asked_at: int
    approved_at: int | None
    taken_at: int | None


ALL = "SELECT id, at, how, digest, text FROM policies ORDER BY id DESC"
APPROVAL = (
    "SELECT id, digest, what, asked_at, approved_at, taken_at FROM approvals WHERE"
)


class PolicyTable(Table):
    """Keeps and lists policies."""

    def add(self, at: str, how: str, digest: str, text: str) -> None:
        """Put a text into force."""
        sql = "INSERT INTO policies (at, how, digest, text) VALUES (?, ?, ?, ?)"
        with self._write():
            self._run(sql, at, how, digest, text)

    def newest(self) -> PublishedPolicy | None:
        """The one in force; None where none was ever published."""
        found = self._first(f"{ALL} LIMIT 1")
        return PublishedPolicy(*found) if found else None

    def all(self) -> list[PublishedPolicy]:
        """All, newest first."""
        return [PublishedPolicy(*row) for row in self._all(ALL)]


class ApprovalTable(Table):
    """Asks, approves, takes."""

    def ask(self, row: ApprovalRow) -> str:
        """Note what waits; the id of the same that waits already, where there is one."""
        waits = f"{APPROVAL} digest=? AND approved_at IS NULL AND taken_at IS NULL"
        with self._write():
            found = self._first(waits, row.digest)
            if found:
                return str(found[0])
            sql = (
                "INSERT INTO approvals (id, digest, what, asked_at) VALUES (?, ?, ?, ?)"
            )
            self._run(sql, row.id, row.digest, row.what, row.asked_at)
        return row.id

    def of(self, approval_id: str) -> ApprovalRow | None:
        """One by its id."""
        found = self._first(f"{APPROVAL} id=?", approval_id)
        return ApprovalRow(*found) if found else None

    def waiting(self) -> list[ApprovalRow]:
        """What nobody has approved, oldest first."""
        sql = f"{APPROVAL} approved_at IS NULL AND taken_at IS NULL ORDER BY asked_at"
        return [ApprovalRow(*row) for row in self._all(sql)]

    def approve(self, approval_id: str, at: int) -> bool:
        """Note that a person approved it; whether it was waiting."""
        sql = "UPDATE approvals SET approved_at=? WHERE id=? AND approved_at IS NULL"
        with self._write():
            return self._run(sql, at, approval_id).rowcount == 1

    def take(self, digest: str, since: int, at: int) -> bool:
        """Use up an approval of these bytes that was given since a moment; whether there was one."""
        sql = """
            UPDATE approvals SET taken_at=?1 WHERE id = (
                SELECT id FROM approvals
                WHERE digest=?2 AND approved_at BETWEEN ?3 AND ?1 AND taken_at IS NULL
                LIMIT 1
            )
        """
        with self._write():
            return self._run(sql, at, digest, since).rowcount == 1

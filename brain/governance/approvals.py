"""What a person approved: exactly these bytes, once, within fifteen minutes.

Leaves asking on a terminal to the doors, and the ledger rows to who calls. Serves the gate.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brain.errors import NotFound, Refused
from brain.store import Store
from brain.store.policies import ApprovalRow

VALID = 15 * 60  # seconds, from the approval and from the question
ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person. `what`: where it would go, what it may cost, and the row of the ledger beside which its
    bytes are kept, as whoever asked put it.
    """

    id: str
    digest: str
    what: dict[str, Any]
    asked_at: int


class Approvals:
    """The approvals of one store. `clock` gives the present with its offset."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._table = store.approvals
        self._clock = clock

    def ask(self, digest: str, **what: int | str) -> str:
        """Note that these bytes (the digest of a `Shown`) wait for a person; the id that `brain approve` takes."""
        new = secrets.token_hex(ID_BYTES)
        asked = json.dumps(what, sort_keys=True, ensure_ascii=False)
        row = ApprovalRow(new, digest, asked, self._now(), None, None)
        return self._table.ask(row)

    def waiting(self) -> list[Waiting]:
        """What waits, oldest first."""
        return list(map(_waiting, self._table.waiting()))

    def look(self, approval_id: str) -> Waiting:
        """What would be approved. Raises `NotFound`, and `Refused` where it was approved before."""
        row = self._table.of(approval_id)
        if row is None:
            raise NotFound(
                f"nothing waits under the id {approval_id}",
                "the refusal that named it names a new one when you ask again",
            )
        if row.approved_at is not None:
            said = f"{approval_id} was approved before; an approval holds once"
            raise Refused(said, "ask again, and approve what that names")
        return _waiting(row)

    def approve(self, approval_id: str) -> Waiting:
        """A person approves it. Raises as `look` does."""
        found = self.look(approval_id)
        if not self._table.approve(approval_id, self._now()):
            said = f"{approval_id} was approved before; an approval holds once"
            raise Refused(said, "ask again, and approve what that names")
        return found

    def take(self, digest: str) -> bool:
        """Use up the approval of these bytes; False when there is none that still holds."""
        now = self._now()
        return self._table.take(digest, now - VALID, now)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _waiting(row: ApprovalRow) -> Waiting:
    return Waiting(row.id, row.digest, json.loads(row.what), row.asked_at)

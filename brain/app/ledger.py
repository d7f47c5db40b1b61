"""`.ledger`: what was decided about what may leave this machine, what left it, and what was spent.

Leaves the chain to `brain.governance.ledger`, and the sums to `brain.governance.figures`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brain.app.governed import budget_of, ledger_of, policies_of
from brain.app.resources import Noun, clean
from brain.errors import UsageError
from brain.governance.figures import Spending, SpentRow
from brain.governance.ledger import Entry, Verified

if TYPE_CHECKING:
    from brain.governance.figures import By

# The values that the commands show.
__all__ = [
    "LedgerBody",
    "LedgerBook",
    "LedgerRows",
    "Spending",
    "SpentRow",
    "Verified",
]


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The newest rows, newest first. `of`: how many there are."""

    entries: tuple[dict[str, Any], ...]
    of: int


@dataclass(frozen=True, slots=True)
class LedgerBody:
    """What left with a row, word for word."""

    id: int
    body: str


class LedgerBook(Noun):
    """The ledger of this store."""

    def rows(self, limit: int, *, kind: str = "") -> LedgerRows:
        """The newest rows, of one kind where that is given."""
        from brain.governance.ledger import KINDS

        if kind and kind not in KINDS:
            raise UsageError(
                f"no row of the ledger is of the kind {kind}",
                f"the kinds are {', '.join(sorted(KINDS))}",
            )
        ledger = ledger_of(self._resources)
        ledger.drop_expired()
        newest = self._store.ledger.newest().id
        kinds = [kind] if kind else KINDS
        among = limit if not kind else newest
        found = ledger.last(among, kinds=kinds)[:limit]
        return LedgerRows(tuple(map(_as_fields, found)), newest)

    def handed(
        self,
        tool: str,
        client: str,
        at_most: str,
        ids: Sequence[str],
        *,
        withheld: int = 0,
        because: str = "",
    ) -> None:
        """Note that a program was handed something here: what it called, and of what the result was made."""
        if self._resources.read_only:
            return  # on such a disk nothing can be noted
        ledger_of(self._resources).append(
            "handed",
            action=f"agent {clean(tool)}",
            client=clean(client),
            label=at_most,
            origins=tuple(ids),
            withheld=withheld,
            because=clean(because),
        )

    def verify(self) -> Verified:
        """Walk the chain, and compare it with its head and the bodies that are kept."""
        return ledger_of(self._resources).verify()

    def body(self, row: int) -> LedgerBody:
        """Exactly what left. Raises `NotFound`."""
        ledger = ledger_of(self._resources)
        ledger.drop_expired()
        data = ledger.body(row)
        return LedgerBody(row, data.decode("utf-8", "surrogateescape"))

    def every(self) -> Iterator[dict[str, Any]]:
        """All rows as they are chained, oldest first, for a look by another program."""
        for row in self._store.ledger.rows():
            yield {"id": row.id, "record": row.record, "hash": row.hash}

    def spending(self, by: By) -> Spending:
        """What was spent, what is left of it, and what the answers of this machine would have cost elsewhere."""
        from brain.governance.figures import spending

        resources = self._resources
        policy = policies_of(resources).in_force()
        spend = budget_of(resources, policy.limits).spend()
        today = resources.moment().date()
        return spending(self._store, policy, spend, by=by, today=today)


def _as_fields(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "at": entry.at, "kind": entry.kind, **entry.facts}

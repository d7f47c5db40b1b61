"""How answers of this machine compared with what a cloud said to the same questions, a row each.

Leaves comparing to `brain.app.shadow`, and what follows to `brain.governance.quality`. Serves both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from brain.store.sql import insert_into
from brain.store.table import Table


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One question that both answered. `grade`: how sure the answer of this machine was; `shadow`: 1 where the cloud
    was asked only to compare; `verdict`: "same", "differs", or "none" where the cloud gave no answer; `usd_micro`: what
    a shadow run cost.
    """

    at: int
    day: str
    episode: str
    task: str
    label: str
    grade: str
    provider: str
    model: str
    shadow: int
    verdict: str
    usd_micro: int


class ComparisonTable(Table):
    """Keeps comparisons."""

    def keep(self, row: ComparisonRow) -> None:
        """Add one."""
        values = asdict(row)
        with self._write():
            self._conn.execute(insert_into("comparisons", values), values)

    def rows(self) -> list[ComparisonRow]:
        """All, oldest first."""
        names = ", ".join(ComparisonRow.__dataclass_fields__)
        found = self._all(f"SELECT {names} FROM comparisons ORDER BY id")
        return [ComparisonRow(*row) for row in found]

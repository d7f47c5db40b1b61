"""The rows of the ledger: appended one behind the other, never changed (two triggers refuse it).

A row is its number, its record (canonical JSON that holds the number, the time and the kind as well) and its hash.
Leaves making records, the chain of hashes and the copy of its head to `brain.governance.ledger`. Serves that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from brain.store.table import Table


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row as it stands in the file. `record`: canonical JSON; `hash`: 64 hexadecimal digits."""

    id: int
    record: str
    hash: str


NO_ROW = LedgerRow(0, "", "")  # what the first row follows
# As bytes: a flipped bit may leave what is no UTF-8, which must stop no look at the others.
SELECT = "SELECT id, CAST(record AS BLOB), CAST(hash AS BLOB) FROM ledger"
INSERT = "INSERT INTO ledger (id, record, hash) VALUES (?, ?, ?)"


class LedgerTable(Table):
    """Reads and appends."""

    def append(self, make: Callable[[LedgerRow], LedgerRow]) -> LedgerRow:
        """Add the row that `make` makes of the newest one, in one transaction: two processes never make the same."""
        with self._write():
            row = make(self.newest())
            self._run(INSERT, row.id, row.record, row.hash)
        return row

    def count_since(self, kind: str, action: str, day: str) -> int:
        """Rows of this kind and action from that day on; damaged ones are passed over."""
        sql = """
            SELECT count(*) FROM ledger WHERE CASE WHEN json_valid(record) THEN
                json_extract(record, '$.kind') = ? AND json_extract(record, '$.action') = ?
                AND json_extract(record, '$.at') >= ?
            END
        """
        return self._number(sql, kind, action, day)

    def newest(self) -> LedgerRow:
        """The last row; `NO_ROW` of an empty ledger."""
        found = self.last(1)
        return found[0] if found else NO_ROW

    def of(self, row_id: int) -> LedgerRow | None:
        """The row of that number."""
        found = self._first(f"{SELECT} WHERE id=?", row_id)
        return _row(found) if found else None

    def has(self, row_id: int, value: str) -> bool:
        """Whether the row of that number has this hash."""
        found = self.of(row_id)
        return found is not None and found.hash == value

    def rows(self, *, after: int = 0) -> Iterator[LedgerRow]:
        """All behind that number, oldest first."""
        for found in self._run(f"{SELECT} WHERE id > ? ORDER BY id", after):
            yield _row(found)

    def last(self, limit: int) -> list[LedgerRow]:
        """The newest, newest first."""
        found = self._all(f"{SELECT} ORDER BY id DESC LIMIT ?", limit)
        return list(map(_row, found))


def _row(found: tuple[int, bytes, bytes]) -> LedgerRow:
    number, record, value = found
    return LedgerRow(number, _text(record), _text(value))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")

"""How many days this store was really used on: a second sign beside the clock, without which nothing is deleted by age.

A clock that is wrong once makes one day more of them, whatever it says. Counted are days of the calendar on which
something was written, each once when it follows another. Leaves out what is deleted (`brain.store.trash`,
`brain.keeping.backup`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from brain.store.row_hash import hashed
from brain.store.table import Table

SEEN = "days_seen"  # setting: {"count": days, "last": the last of them} in JSON


@dataclass(frozen=True, slots=True)
class DaysSeen:
    """`count` only grows. `last`: None before the first."""

    count: int = 0
    last: date | None = None


class DayTable(Table):
    """Reads and moves the counter."""

    def seen(self) -> DaysSeen:
        """How many days, and the last; none where the row cannot be read, so that nothing is deleted for it."""
        row = self._first("SELECT value FROM settings WHERE name=?", SEEN)
        try:
            facts = {}
            if row:
                facts = json.loads(row[0])
            return DaysSeen(int(facts["count"]), date.fromisoformat(facts["last"]))
        except (KeyError, TypeError, ValueError, RecursionError):
            return DaysSeen()

    def note(self, today: date) -> DaysSeen:
        """Count this day, unless it is the last one; nothing is written then."""
        seen = self.seen()
        if seen.last == today:
            return seen
        now = DaysSeen(seen.count + 1, today)
        value = json.dumps({"count": now.count, "last": today.isoformat()})
        with self._write():
            record = hashed("settings", {"name": SEEN, "value": value})
            self._keep_row("settings", record, key="name")
        return now

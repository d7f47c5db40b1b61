"""The money and the tokens that were reserved, and what each became; the outcome of every answer.

A reservation is made in the transaction that looked at the sums, so that two processes never pass a limit together.
Leaves the limits, prices and times to `brain.governance`. Serves its budget and its figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from brain.store.row_hash import Row
from brain.store.sql import insert_into
from brain.store.table import Table

# What a reservation takes of a limit: what it came to, or as long as that is not known, all of it.
TAKEN_USD = "coalesce(sum(coalesce(final_usd_micro, usd_micro)), 0)"
TAKEN_TOKENS = "coalesce(sum(coalesce(final_tokens, tokens)), 0)"


@dataclass(frozen=True, slots=True)
class Sums:
    """What is taken: micro-dollars of a day and of its month, tokens since a moment."""

    day: int
    month: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation as it is stored. `at`: seconds since 1970; `day`: of this machine's zone, as 2026-11-28."""

    at: int
    day: str
    task: str
    provider: str
    model: str
    usd_micro: int
    tokens: int


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One answer and what it took. `found`, `supported`, `verified`: of a thousand, None where not measured; `provider`
    is "local" for a model of this machine.
    """

    at: int
    day: str
    episode: str
    task: str
    complexity: str
    label: str
    provider: str
    model: str
    model_digest: str
    prompt_digest: str
    policy: str
    grade: str
    found: int | None
    supported: int | None
    verified: int | None
    usd_micro: int
    tokens_in: int
    tokens_out: int
    milliseconds: int
    rating: str = ""


class ReservationTable(Table):
    """Sums, reserves, settles."""

    def reserve_if(
        self, row: Reserved, since: int, fits: Callable[[Sums], bool]
    ) -> int | None:
        """Reserve when `fits` says so of the sums before it; its number, None when it does not fit."""
        with self._write():
            if not fits(self.sums(row.day, since)):
                return None
            return self._insert(row)

    def _insert(self, row: Reserved) -> int:
        values = asdict(row)
        cursor = self._conn.execute(insert_into("reservations", values), values)
        return cursor.lastrowid or 0

    def settle(self, number: int, usd_micro: int, tokens: int) -> bool:
        """Note what it came to, once; whether it was still open."""
        sql = """
            UPDATE reservations SET final_usd_micro=?, final_tokens=?
            WHERE id=? AND final_usd_micro IS NULL
        """
        with self._write():
            return self._run(sql, usd_micro, tokens, number).rowcount == 1

    def sums(self, day: str, since: int) -> Sums:
        """What is taken of the day, of its month, and of the tokens since a moment. A day that a clock set ahead left
        behind counts as well: a clock that is set back frees nothing.
        """
        of_days = f"SELECT {TAKEN_USD} FROM reservations WHERE day >= ?"
        today = self._number(of_days, day)
        month = self._number(of_days, f"{day[:7]}-01")
        tokens = f"SELECT {TAKEN_TOKENS} FROM reservations WHERE at > ?"
        return Sums(today, month, self._number(tokens, since))

    def tokens_since(self, since: int) -> list[tuple[int, int]]:
        """(when, how many tokens) of each reservation since a moment, oldest first."""
        sql = """
            SELECT at, coalesce(final_tokens, tokens) FROM reservations
            WHERE at > ? ORDER BY at
        """
        return self._all(sql, since)

    def rows(self) -> list[Row]:
        """Every reservation, oldest first, with what it came to or is still reserved."""
        sql = """
            SELECT id, at, day, task, provider, model,
                coalesce(final_usd_micro, usd_micro) AS usd_micro,
                coalesce(final_tokens, tokens) AS tokens,
                final_usd_micro IS NULL AS open
            FROM reservations ORDER BY id
        """
        return self._named(sql)


class OutcomeTable(Table):
    """Keeps outcomes and rates them."""

    def keep(self, row: OutcomeRow) -> int:
        """Add one; its number."""
        values = asdict(row)
        with self._write():
            cursor = self._conn.execute(insert_into("outcomes", values), values)
        return cursor.lastrowid or 0

    def rate(self, episode: str, rating: str) -> bool:
        """What a person says of an answer; whether it has an outcome."""
        with self._write():
            sql = "UPDATE outcomes SET rating=? WHERE episode=?"
            return self._run(sql, rating, episode).rowcount > 0

    def rows(self) -> list[OutcomeRow]:
        """All, oldest first."""
        names = ", ".join(OutcomeRow.__dataclass_fields__)
        found = self._all(f"SELECT {names} FROM outcomes ORDER BY id")
        return [OutcomeRow(*row) for row in found]

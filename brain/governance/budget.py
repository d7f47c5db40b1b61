"""The money that may be spent: reserved before anything is sent, settled to what it came to.

The upper bound is reserved in the transaction that looks at the limits, so that many processes at once never pass one.
A process that dies leaves it reserved: what is not known to be saved counts as spent. Leaves prices to `prices`, and
what follows from a full budget to the policy. Serves the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from brain.store import Store
from brain.store.spending import Reserved, Sums

HOUR = 3_600  # seconds
NEVER = ""  # a limit that no waiting frees


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent at most: micro-dollars a request, a day and a month of this machine's zone; tokens an hour."""

    request: int
    day: int
    month: int
    tokens_hour: int


@dataclass(frozen=True, slots=True)
class Spend:
    """What is taken now. Micro-dollars of today and of this month, tokens of the last hour."""

    usd_today: int
    usd_month: int
    tokens_hour: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved, by its number."""

    id: int
    usd_micro: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Full:
    """Nothing was reserved. `which` limit: "request", "day", "month" or "hour". `frees_at`: ISO 8601, "" where waiting
    does not help.
    """

    which: str
    frees_at: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for the money, as the figures tell it later."""

    task: str = ""
    provider: str = ""
    model: str = ""


NOBODY = Caller()


class Budget:
    """The budget of one store. `clock` gives the present with its offset."""

    def __init__(
        self, store: Store, limits: Limits, clock: Callable[[], datetime]
    ) -> None:
        self._table = store.reservations
        self._limits = limits
        self._clock = clock

    def reserve(
        self, usd_micro: int, tokens: int, caller: Caller = NOBODY
    ) -> Reservation | Full:
        """Reserve the upper bound of a request. Raises `ValueError` for less than nothing."""
        if usd_micro < 0 or tokens < 0:
            raise ValueError("an upper bound is not less than nothing")
        now = self._clock()
        row = Reserved(
            at=int(now.timestamp()),
            day=now.date().isoformat(),
            task=caller.task,
            provider=caller.provider,
            model=caller.model,
            usd_micro=usd_micro,
            tokens=tokens,
        )
        passed: list[str] = []

        def fits(sums: Sums) -> bool:
            passed.extend(self._passed(sums, usd_micro, tokens))
            return not passed

        number = self._table.reserve_if(row, row.at - HOUR, fits)
        if number is None:
            return self._full(passed[0], now, tokens)
        return Reservation(number, usd_micro, tokens)

    def full(self, usd_micro: int, tokens: int) -> Full | None:
        """What a request would pass now, None where it fits. Nothing is reserved."""
        now = self._clock()
        passed = self._passed(self._sums(now), usd_micro, tokens)
        return self._full(passed[0], now, tokens) if passed else None

    def settle(self, reservation: Reservation, usd_micro: int, tokens: int) -> bool:
        """Note what it came to; False when that was noted before, which stays."""
        return self._table.settle(reservation.id, usd_micro, tokens)

    def spend(self) -> Spend:
        """What is taken at present."""
        sums = self._sums(self._clock())
        return Spend(sums.day, sums.month, sums.tokens)

    def _sums(self, now: datetime) -> Sums:
        since = int(now.timestamp()) - HOUR
        return self._table.sums(now.date().isoformat(), since)

    def _full(self, which: str, now: datetime, tokens: int) -> Full:
        return Full(which, self._frees_at(which, now, tokens))

    def _passed(self, sums: Sums, usd_micro: int, tokens: int) -> list[str]:
        """The limits that this would pass; the one that frees last stands first."""
        limits = self._limits
        ends = (
            ("request", usd_micro, limits.request),
            ("month", sums.month + usd_micro, limits.month),
            ("day", sums.day + usd_micro, limits.day),
            ("hour", sums.tokens + tokens, limits.tokens_hour),
        )
        return [name for name, taken, limit in ends if taken > limit]

    def _frees_at(self, which: str, now: datetime, tokens: int) -> str:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if which == "hour":
            return self._hour_frees_at(now, tokens)
        if which == "day":
            return (midnight + timedelta(days=1)).isoformat(timespec="minutes")
        if which == "month":
            # Day 28 is in every month; four days later it is the next.
            later = midnight.replace(day=28) + timedelta(days=4)
            return later.replace(day=1).isoformat(timespec="minutes")
        return NEVER

    def _hour_frees_at(self, now: datetime, tokens: int) -> str:
        """When enough of the tokens of this hour are older than that."""
        since = int(now.timestamp()) - HOUR
        rows = self._table.tokens_since(since)
        left = sum(count for _at, count in rows)
        for at, count in rows:
            left -= count
            if left + tokens <= self._limits.tokens_hour:
                frees = datetime.fromtimestamp(at + HOUR, now.tzinfo)
                return frees.isoformat(timespec="minutes")
        return NEVER

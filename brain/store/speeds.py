"""How fast each model was measured to be on this machine: the table `model_speeds`.

Derived, in that the next answer measures it anew. Leaves out measuring and what follows from it. Serves
`brain.app.speeds`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime
from typing import TYPE_CHECKING

from brain.protocols import Speed
from brain.store.table import Table

if TYPE_CHECKING:
    from brain.store.connection import Connection

FINGERPRINT_CHARS = 12  # of a digest, as many as a fingerprint names


class SpeedTable(Table):
    """One row for each model's name. `now` gives the present with its offset."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self._now = now

    def of(self, model: str, digest: str = "") -> Speed:
        """What was measured of a model; of another digest under that name nothing counts. `digest` "": of any."""
        sql = "SELECT digest, prompt, answer, chunks FROM model_speeds WHERE model = ?"
        row = self._first(sql, model)
        if row is None or (digest and row[0] != digest[:FINGERPRINT_CHARS]):
            return Speed()
        return Speed(*map(_sound, row[1:]))

    def keep(self, model: str, digest: str, speed: Speed) -> None:
        """Note a measurement. It is averaged with what stands there, so that one odd moment does not decide; what it
        does not hold stays.
        """
        sql = """
            INSERT OR REPLACE INTO model_speeds (model, digest, prompt, answer, chunks, measured_at)
            VALUES (?, ?, ?, ?, ?, ?)
        """
        known = astuple(self.of(model, digest))
        pairs = zip(known, map(_sound, astuple(speed)), strict=True)
        speeds = [_averaged(before, new) for before, new in pairs]
        at = self._now().isoformat(timespec="seconds")
        with self._write():
            self._run(sql, model, digest[:FINGERPRINT_CHARS], *speeds, at)


def _averaged(before: float | None, new: float | None) -> float | None:
    if before is None or new is None:
        return before if new is None else new
    # Of speeds the mean of the times, so that one that was far too high does little harm.
    return 2 * before * new / (before + new)


def _sound(value: object) -> float | None:
    """The value as a speed, None for anything that cannot be one, as in a damaged cell."""
    if isinstance(value, int | float) and 0 < value < math.inf:
        return float(value)
    return None

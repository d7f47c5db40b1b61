"""The measured speeds of models, as the models themselves ask for and note them, and the times that follow from them.

A speed that cannot be read or kept (a read-only home, a full disk) is one that was not measured. Leaves the table to
`brain.store.speeds` and measuring to `brain.models`. Serves everything that says how long something takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from brain.errors import BrainError
from brain.models.locality import canonical
from brain.protocols import Speed
from brain.store import Store


class Speeds:
    """`SpeedBook` over the store. `opened` gives the store when it is needed."""

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._opened = opened

    def of(self, model: str, digest: str = "") -> Speed:
        """What is known of a model by its name."""
        with suppress(BrainError, sqlite3.Error):
            return self._opened().speeds.of(canonical(model), digest)
        return Speed()

    def keep(self, model: str, digest: str, speed: Speed) -> None:
        """Note a measurement."""
        with suppress(BrainError, sqlite3.Error):
            self._opened().speeds.keep(canonical(model), digest, speed)

    def seconds_for(self, chunks: int, model: str) -> float | None:
        """How long the model takes to embed so many chunks, None when it was never measured."""
        speed = self.of(model).chunks
        return chunks / speed if speed else None


def about(seconds: float | None) -> str:
    """`, about 4 min`, or nothing where the time is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f", about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f", about {minutes} min"
    hours, rest = divmod(minutes, 60)
    if rest:
        return f", about {hours} h {rest} min"
    return f", about {hours} h"

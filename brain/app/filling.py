"""What is known of the vectors of the second speed that are being computed: for which model, since when, and what went
wrong. Kept between commands, since most of it happens in a process that nobody watches.

Leaves computing to `brain.app.vectors`. Serves it, `status` and the doctor.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from brain.app.resources import Resources
from brain.app.serving import SHIPPED, WITHOUT_OLLAMA, WORDLLAMA
from brain.errors import BrainError
from brain.protocols import Clock, Progress, Speed

FILL = "fill"  # setting: the last fill that is not complete, as JSON
LOCK = "filling.lock"  # held by the process in the background
# A process needs a moment to start before it holds the lock.
STARTS_WITHIN = timedelta(minutes=1)
ENDED = "it ended before it was done"
MEASURE_FROM = 16  # chunks from which their time is a speed
MEASURE_EVERY = 3.0  # seconds between two speeds noted in a long fill


@dataclass(frozen=True, slots=True)
class Fill:
    """Vectors that are not complete. `at`: when it began or failed; `error` "" while it goes on."""

    model: str
    fingerprint: str
    at: str
    error: str = ""

    @property
    def told(self) -> str:
        """One that failed, in one line."""
        when = self.at[:16].replace("T", " ")
        error = self.error.removesuffix(": run `brain sync`")
        return f"{self.model} has not read everything ({when}): {error}; `brain sync` tries again"


def begun(resources: Resources, model: str, fingerprint: str) -> None:
    """Note that it begins, before it does."""
    _keep(resources, Fill(model, fingerprint, resources.seconds()))


def failed(resources: Resources, model: str, error: str) -> bool:
    """Note why it ended early; returns whether that is news."""
    before = _noted(resources)
    known = ""
    if before and before.model == model:
        known = before.fingerprint
    _keep(resources, Fill(model, known, resources.seconds(), error))
    return before is None or (before.model, before.error) != (model, error)


def done(resources: Resources) -> None:
    """Nothing is missing any more, or nobody wants it."""
    with suppress(BrainError):
        if resources.store.library.setting(FILL) is not None:
            resources.store.library.keep_setting(FILL, None)


def look(resources: Resources) -> Fill | None:
    """The fill that is not complete, None where there is none or its model is not wanted."""
    wanted = resources.config.models.embed
    found = _noted(resources)
    if found is None or wanted == WORDLLAMA or resources.given_embedder is not None:
        return None
    if wanted in WITHOUT_OLLAMA and found.model != SHIPPED:
        return None
    if found.error:
        return found
    quiet = resources.moment() - datetime.fromisoformat(found.at) > STARTS_WITHIN
    if quiet and not at_work(resources):
        return replace(found, error=ENDED)
    return found


def at_work(resources: Resources) -> bool:
    """Whether the process in the background runs."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(resources.config.home / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a home that cannot be written: nobody fills it
        return False


def is_wanted(resources: Resources, model: str) -> bool:
    """Whether the vectors of this model are still those that are being computed."""
    found = _noted(resources)
    return found is not None and found.model == model


class Pace:
    """A progress that measures how many chunks a second are done, from `least` chunks on. The time before the first
    ones is not counted: the model is loaded in it.
    """

    def __init__(
        self,
        progress: Progress,
        keep: Callable[[Speed], None],
        least: int = MEASURE_FROM,
        clock: Clock = time.monotonic,
    ) -> None:
        self._progress = progress
        self._keep = keep
        self._least = least
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self._last = (0.0, 0)

    def __call__(self, what: str, made: int, total: int) -> None:
        """One step of `embed_pending`."""
        self._progress(what, made, total)
        self._last = (self._clock(), made)
        if self._first is None:
            self._first = self._last
        elif self._last[0] - self._first[0] >= MEASURE_EVERY:
            self.note()
            self._first = self._last

    def note(self) -> None:
        """Keep what was measured so far, if it is enough to tell."""
        if self._first is None:
            return
        seconds = self._last[0] - self._first[0]
        made = self._last[1] - self._first[1]
        if made >= self._least and seconds > 0:
            self._keep(Speed(chunks=made / seconds))


def _noted(resources: Resources) -> Fill | None:
    """What was noted last, None where nothing was, or where it is damaged."""
    try:
        found = Fill(**json.loads(resources.store.library.setting(FILL) or "null"))
        whole = all(isinstance(value, str) for value in asdict(found).values())
        if whole and datetime.fromisoformat(found.at).tzinfo:
            return found
        return None
    except (TypeError, ValueError, RecursionError):
        return None


def _keep(resources: Resources, fill: Fill) -> None:
    text = json.dumps(asdict(fill), sort_keys=True)
    # What cannot be noted on a full disk is noted by the next try.
    with suppress(BrainError):
        resources.store.library.keep_setting(FILL, text)

"""The thread of a server that looks after it: is it alive, does Ollama answer, is it time for the nightly chores.

Every half a minute one real search goes the way of any other; while it comes back, the service manager is told that
the server lives, and a sign of life is kept. What is wrong is said once, in the log and in `brain service status`.
Leaves looking to `Brain.service` and restarting Ollama to the caller. Serves `brain serve`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from brain import __version__
from brain.app.service import NAMES, give_back_memory, memory
from brain.doors import notify
from brain.errors import BrainError, UsageError
from brain.health import Health, OllamaState
from brain.types import Texts

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.config import Service
    from brain.health import ChoreResult

BEAT_SECONDS = 30.0
# A server whose search has not come back for so long does not tell that it lives, and is started anew: four answers of
# a slow model may take ten minutes each.
STUCK_SECONDS = 900.0
WAIT_SECONDS = 1.0  # for what is done beside the rounds; then it is looked at again in the next one
QUERY_SECONDS = 60.0  # that one is waited for, before the next is tried
OLLAMA_SECONDS = 300.0  # between two looks at Ollama
RENEW_SECONDS = 300.0  # between two looks whether Chroma's snapshot is due
HANGS = 3  # looks in a row that found it hanging, before it is called so: it may be busy for others
RESTART_SECONDS = 3600.0  # between two restarts of Ollama
STOPPABLE = ("reading", "embed", "index")  # work in batches that Ctrl-C may end as well
LITTLE_DISK = 500 * 2**20  # bytes; a backup or an index may not fit any more
# After a start at a time when chores were due already, so that a person who has just logged in is not disturbed.
SETTLE = timedelta(minutes=5)

LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)

Say = Callable[[str], object]
Begun = tuple["Future[Any]", Callable[[Any], None]]
"""Work in the pool, and who gets its result."""


class Upkeep:
    """Looks after the server of a pool until it is closed. `nightly`: "03:30", "" for never. `restart`: starts Ollama
    anew, None where nobody allowed it. `watched`: (how many folders are watched, what is wrong with that).

    A context manager. `now` gives the present with its zone, `clock` counts seconds.
    """

    def __init__(
        self,
        pool: Pool,
        say: Say,
        *,
        nightly: str = "",
        restart: Callable[[], str] | None = None,
        watched: Callable[[], tuple[int, Texts]] = lambda: (0, ()),
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], object] = notify.tell,
    ) -> None:
        self._pool = pool
        self._say = say
        self._nightly = time_of(nightly)
        self._restart = restart
        self._watched = watched
        self._now = now
        self._clock = clock
        self._tell = tell
        self._since = now()
        self._answered_at = clock()
        self._asked_ollama_at = float("-inf")
        self._restarted_at = float("-inf")
        self._renewed_at = float("-inf")
        self._hangs = 0
        self._ollama = OllamaState("not asked yet")
        self._last_error = ""
        self._results: tuple[ChoreResult, ...] = ()
        self._begun: Begun | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="brain-upkeep")

    def __enter__(self) -> Upkeep:
        self._tell(notify.READY)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tell(notify.ENDING)
        self._stop.set()
        self._thread.join()

    def health(self) -> Health:
        """How the server is, with a real search made now. Raises what that raises."""
        return self._pool.run(self._looked)

    # -- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except Exception as error:  # whatever it is: the next one may go well
                self.note(error)
            if self._stop.wait(BEAT_SECONDS):
                return

    def beat(self) -> None:
        """One round: search, tell that it lives, and go on with what is to be done beside it."""
        came_back = self._unless_it_fails(self._search)
        if self._clock() - self._answered_at < STUCK_SECONDS:
            self._tell(notify.ALIVE)
        if came_back:
            self._unless_it_fails(self._keep_sign)
            self._go_on()
        give_back_memory()

    def _unless_it_fails(self, step: Callable[[], bool]) -> bool:
        """What it returns. A failure is noted and ends no round: when the last search came back tells how it is."""
        try:
            return step()
        except Exception as error:
            self.note(error)
            return False

    def note(self, error: BaseException) -> None:
        """Something went wrong: it is said once, and kept as the last error."""
        said = type(error).__name__
        if isinstance(error, BrainError):
            said = error.message
        if said != self._last_error.partition(" ")[2]:
            self._say(f"upkeep: {said}")
        at = self._now().isoformat(timespec="minutes")
        self._last_error = f"{at} {said}"

    def _search(self) -> bool:
        """One search; whether it came back."""
        asked = self._pool.submit(_searched)
        try:
            kept = asked.result(timeout=QUERY_SECONDS)
        except NotYet:
            asked.cancel()
            self._say("upkeep: a search has not come back within a minute")
            return False
        self._answered_at = self._clock()
        self._results = newest(kept, self._results)
        return True

    def _keep_sign(self) -> bool:
        """A sign of life in the store, where that takes it soon; whether it did."""
        written = self._pool.submit(self._written)
        try:
            written.result(timeout=WAIT_SECONDS)
        except NotYet:
            written.cancel()
            return False
        return True

    def _written(self, brain: Brain) -> None:
        brain.service.beat(
            pid=os.getpid(),
            since=self._since.isoformat(timespec="seconds"),
            version=__version__,
            last_error=self._last_error,
        )

    def _go_on(self) -> None:
        """What is due, one after the other. A chore may take hours, and the next rounds come meanwhile."""
        while not self._stop.is_set():
            begun = self._begun or self._next()
            if begun is None:
                return
            self._begun = begun
            work, ended = begun
            try:
                result = work.result(timeout=WAIT_SECONDS)
            except NotYet:
                return
            except BaseException:
                self._begun = None
                raise
            self._begun = None
            ended(result)

    def _next(self) -> Begun | None:
        """Begin what is due next, None where nothing is."""
        if self._clock() - self._asked_ollama_at >= OLLAMA_SECONDS:
            self._asked_ollama_at = self._clock()
            return self._pool.submit(_ask_ollama), self._ollama_found
        if self._clock() - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = self._clock()
            return self._pool.submit(self._renew), _nothing
        for name in self._due():
            return self._pool.submit(partial(self._do, name)), self._chore_done
        return None

    def _looked(self, brain: Brain) -> Health:
        service = brain.service
        query_ms, index, lag = service.query()
        folders, watching = self._watched()
        free = service.disk_free()
        results = newest(service.results(), self._results)
        troubles = (*self._ollama.troubles, *watching, *wrong(results), *scarce(free))
        return Health(
            ok=not troubles,
            version=__version__,
            pid=os.getpid(),
            since=self._since.isoformat(timespec="seconds"),
            query_ms=query_ms,
            index=index,
            index_lag=lag,
            waiting=service.waiting(),
            ollama=self._ollama.said,
            memory_bytes=memory(),
            disk_free_bytes=free,
            watched=folders,
            last_error=self._last_error,
            chores=results,
            troubles=troubles,
        )

    # -- Ollama ---------------------------------------------------------------------------------------

    def _ollama_found(self, found: OllamaState) -> None:
        """What it said; one that hangs several times in a row is started anew where a person allowed it."""
        before = self._ollama
        self._hangs = self._hangs + 1 if found.hangs else 0
        if found.hangs and self._hangs < HANGS:
            return
        self._ollama = found
        for trouble in found.troubles:
            if trouble not in before.troubles:
                self._say(f"ollama: {trouble}")
        waited = self._clock() - self._restarted_at
        if found.hangs and self._restart and waited >= RESTART_SECONDS:
            self._restarted_at = self._clock()
            self._hangs = 0
            self._begun = aside(self._restart), self._restarted

    def _restarted(self, said: str) -> None:
        self._say(f"ollama: {said}")

    # -- chores ---------------------------------------------------------------------------------------

    def _due(self) -> list[str]:
        """The chores that were not done since the last time at which they were to be."""
        if self._nightly is None or self._now() - self._since < SETTLE:
            return []
        last = last_time(self._nightly, self._now())
        done = {result.name: _when(result) for result in self._results}
        return [name for name in NAMES if done.get(name, LONG_AGO) < last]

    def _renew(self, brain: Brain) -> None:
        with suppress(KeyboardInterrupt), brain.lent(self._unless_it_ends):
            brain.keep_warm()

    def _do(self, name: str, brain: Brain) -> ChoreResult:
        with brain.lent(self._unless_it_ends):
            return brain.service.do(name)

    def _unless_it_ends(self, what: str, _done: int, _total: int) -> None:
        """Between two batches: a server that ends waits for no chore."""
        if self._stop.is_set() and what in STOPPABLE:
            raise KeyboardInterrupt

    def _chore_done(self, result: ChoreResult) -> None:
        others = [one for one in self._results if one.name != result.name]
        self._results = (*others, result)
        outcome = "done" if result.ok else "failed"
        self._say(f"{result.name}: {outcome} in {result.seconds:.0f} s: {result.said}")


def aside(work: Callable[[], str]) -> Future[str]:
    """Its result to come, from a thread of its own: a service manager may take longer than a watchdog waits."""
    result: Future[str] = Future()

    def do() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # whoever waits handles it
            result.set_exception(error)

    threading.Thread(target=do, name="brain-restart", daemon=True).start()
    return result


def newest(
    kept: Iterable[ChoreResult], known: Iterable[ChoreResult]
) -> tuple[ChoreResult, ...]:
    """The last result of each chore: a full disk keeps none."""
    found: dict[str, ChoreResult] = {}
    for result in (*kept, *known):
        before = found.get(result.name)
        if before is None or _when(result) >= _when(before):
            found[result.name] = result
    return tuple(found[name] for name in NAMES if name in found)


def _searched(brain: Brain) -> tuple[ChoreResult, ...]:
    """One real search; what is kept of the chores."""
    brain.service.query()
    return brain.service.results()


def _nothing(_result: object) -> None:
    """Nobody needs to know that it is done."""


def _ask_ollama(brain: Brain) -> OllamaState:
    return brain.service.ollama()


def check_service(settings: Service) -> None:
    """Raise `UsageError` for settings that would be of no use at night, when nobody reads it."""
    from brain.doors.service import check_unit

    time_of(settings.nightly)
    if settings.restart_ollama:
        check_unit(settings.restart_ollama)


def time_of(nightly: str) -> tuple[int, int] | None:
    """Hour and minute; None for "". Raises `UsageError`."""
    if not nightly:
        return None
    try:
        read = datetime.strptime(nightly, "%H:%M")
    except ValueError:
        raise UsageError(
            f"[service] nightly = {nightly!r} is no time of the day",
            'write it as "03:30", or "" for never',
        ) from None
    return read.hour, read.minute


def last_time(nightly: tuple[int, int], now: datetime) -> datetime:
    """When it was last that time of the day."""
    hour, minute = nightly
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def wrong(results: Iterable[ChoreResult]) -> Texts:
    """The chores that failed."""
    failed = [result for result in results if not result.ok]
    return tuple(f"{one.name} ({one.at[:10]}): {one.said}" for one in failed)


def scarce(free: int) -> Texts:
    """What to tell of a disk that is nearly full."""
    if free >= LITTLE_DISK:
        return ()
    megabytes = free // 2**20
    return (f"only {megabytes} MB of the disk are free: make room before it is full",)


def _when(result: ChoreResult) -> datetime:
    """Long ago where it does not say."""
    try:
        found = datetime.fromisoformat(result.at)
    except (ValueError, TypeError):
        return LONG_AGO
    return found if found.tzinfo else LONG_AGO

"""The door that files come in by: folders are watched, and what changes in them is taken in at once.

The system says where something changed (watchfiles: inotify, FSEvents), and the folder is looked at as `sync` looks at
it, so that nothing here decides what a change means: a folder that is gone or empty is never a deletion. Where the
system cannot watch, folders are looked at every minute, and that is said with its cure. Leaves looking and reading to
`Brain.folders`. Serves `brain serve` and `brain watch`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import BrainError

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.types import AddReport, Texts

Say = Callable[[str], object]
Changes = set[tuple[Any, str]]
"""What happened, and the path that it happened to."""
Identity = tuple[int, int] | None
"""The device and the inode of a folder; None where it is not there. Another disk over it has others."""
Notify = Callable[..., Iterator[Changes]]

QUIET_MS = 100  # a change counts when nothing followed for so long: an editor saves by several in a row …
TOGETHER_MS = 700  # … or at the latest after this
TICK_MS = 1_000  # between two looks whether the folders themselves are still the same
# All folders are looked at so often, whatever the system says: files on a network change unseen.
EVERYTHING_SECONDS = 900.0
UNWATCHED_SECONDS = 60.0  # the same where the system cannot watch
WATCH_AGAIN_SECONDS = 600.0  # after which it is tried anew
# Where looks follow one another within this, each is followed by a rest as long as it took, at most REST_SECONDS: a
# file that is written all the time does not take a whole core.
IN_A_ROW_SECONDS = 2.0
REST_SECONDS = 10.0
RETRY_SECONDS = 5.0  # after a look that failed, doubled up to MOST_RETRY_SECONDS
MOST_RETRY_SECONDS = 300.0
# Folders that no look enters and programs write into all the time; ends of names that editors make for a moment.
NOISY = frozenset({".git", ".obsidian", "node_modules", "__pycache__"})
PASSING = ("~", ".swp", ".swx", ".swo", ".tmp", ".part", ".crdownload")
LIMITED = (
    "limit",
    "too many open files",
    "no space left",
)  # in what the system says: ENOSPC of inotify, EMFILE
CURE = (
    "allow more: echo fs.inotify.max_user_watches=1048576 | sudo tee /etc/sysctl.d/60-watch.conf "
    "&& sudo sysctl --system"
)
STOPPABLE = ("reading", "embed")  # work in batches that Ctrl-C may end as well
COUNTED = ("added", "updated", "renamed", "removed")


@dataclass(frozen=True, slots=True)
class Watched:
    """How the folders are watched. `trouble`: why the system does not watch them all, "" when it does; `missing`: those
    that are not there; `failed`: what went wrong with the last look, "" when nothing did.
    """

    folders: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    trouble: str = ""
    failed: str = ""
    looks: int = 0


def notify(*paths: Path, stop: threading.Event) -> Iterator[Changes]:
    """Sets of changes below the paths as they come, an empty one at each tick. Raises what the system says."""
    import watchfiles

    return watchfiles.watch(
        *paths,
        watch_filter=None,
        debounce=TOGETHER_MS,
        step=QUIET_MS,
        rust_timeout=TICK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )


def ticking(*_paths: Path, stop: threading.Event) -> Iterator[Changes]:
    """An empty set at each tick: for folders that nobody can watch."""
    while not stop.wait(TICK_MS / 1000):
        yield set()


class Watcher:
    """A thread that watches the added folders of a pool's store until it is closed. `say` hears what it did, in counts.

    A context manager. `notify` as above; `clock` counts seconds.
    """

    def __init__(
        self,
        pool: Pool,
        say: Say,
        *,
        notify: Notify = notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._say = say
        self._notify = notify
        self._clock = clock
        self._stop = threading.Event()
        self._pending: set[Path] = set()
        self._free_at = 0.0
        self._looked_at = float("-inf")
        self._retry = RETRY_SECONDS
        self.state = Watched()
        self._thread = threading.Thread(target=self._run, name="brain-watch")
        self._thread.start()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more. A look that has begun ends with its batch: the rest is found by the next one."""
        self._stop.set()
        self._thread.join()

    def keeps_up(self) -> bool:
        """Whether everything that changed until a moment ago was taken in."""
        state = self.state
        unsure = self._pending or state.trouble or state.failed or state.missing
        return bool(state.looks) and not unsure

    def told(self) -> tuple[int, Texts]:
        """(how many folders are watched, what is wrong with that)."""
        state = self.state
        missing = [f"{name} is not there" for name in state.missing]
        wrong = filter(None, (state.trouble, state.failed, *missing))
        return len(state.folders), tuple(wrong)

    def wait(self) -> None:
        """Until it is closed, or a signal ends this process."""
        self._stop.wait()

    # -- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch(self._identities())
            except Exception as error:  # whatever it is: the thread must outlive it
                self._failed(error)
                self._stop.wait(self._retry)

    def _watch(self, folders: Mapping[Path, Identity]) -> None:
        """Watch these folders until they are other ones. All are looked at once they are watched."""
        there = [path for path, identity in folders.items() if identity]
        looked_at = self._clock()
        every = EVERYTHING_SECONDS
        until = float("inf")
        changes, trouble = self._changes(there)
        if trouble:
            every = UNWATCHED_SECONDS
            until = looked_at + WATCH_AGAIN_SECONDS
        self._note(folders, trouble)
        self._pending |= set(folders)
        for changed in changes:
            self._pending |= self._touched(changed, there)
            if self._clock() - looked_at >= every:
                self._pending |= set(folders)
                looked_at = self._clock()
            self._look()
            if self._stop.is_set() or self._clock() >= until:
                return
            if self._identities() != folders:
                return

    def _changes(self, there: list[Path]) -> tuple[Iterator[Changes], str]:
        """(what changes below the folders that are there, why the system does not watch them: "" when it does)."""
        if not there:
            return ticking(stop=self._stop), ""
        watching = self._notify(*there, stop=self._stop)
        try:
            first = next(watching, None)
        except (OSError, RuntimeError) as error:
            return ticking(stop=self._stop), _trouble(error)
        return _from(first, watching), ""

    def _identities(self) -> dict[Path, Identity]:
        """Every added folder, and whether it is the one that is watched."""
        places = self._pool.run(lambda brain: brain.folders.places())
        return {place: _identity(place) for place in places}

    def _touched(self, changed: Changes, folders: Iterable[Path]) -> set[Path]:
        """The folders in which something changed that a look would see."""
        home = str(self._pool.config.home)
        found: set[Path] = set()
        for _what, name in changed:
            if _is_below(name, home) or name.endswith(PASSING):
                continue
            around = [folder for folder in folders if _is_below(name, str(folder))]
            if not around:  # the system calls it by another path, as through a link
                return set(folders)
            found.update(folder for folder in around if not _is_noise(name, folder))
        return found

    # -- looking --------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Take in what changed, unless the last look is not long enough ago."""
        begun = self._clock()
        if begun < self._free_at:
            return
        if not self._pending:
            return
        folders = frozenset(self._pending)
        try:
            report = self._pool.run(lambda brain: self._taken_in(brain, folders))
        except Exception as error:  # tried again: what changed is still there
            self._failed(error)
            self._free_at = self._clock() + self._retry
            self._retry = min(self._retry * 2, MOST_RETRY_SECONDS)
            return
        self._pending -= folders
        self._retry = RETRY_SECONDS
        took = self._clock() - begun
        in_a_row = begun - self._looked_at < IN_A_ROW_SECONDS
        self._looked_at = self._clock()
        self._free_at = self._looked_at
        if in_a_row:
            self._free_at += min(took, REST_SECONDS)
        self._done(report, took)

    def _taken_in(self, brain: Brain, folders: frozenset[Path]) -> AddReport:
        with brain.lent(self._go_on):
            return brain.folders.look(folders)

    def _go_on(self, what: str, _done: int, _total: int) -> None:
        """Between two batches: a server that ends does not wait for the rest of 10,000 files."""
        if self._stop.is_set() and what in STOPPABLE:
            raise KeyboardInterrupt

    def _done(self, report: AddReport, took: float) -> None:
        """Say what changed, in counts."""
        counts = [(getattr(report, name), name) for name in COUNTED]
        said = ", ".join(f"{count:,} {name}" for count, name in counts if count)
        if said:
            self._say(f"watch: {said} in {took:.1f} s")
        state = self.state
        self.state = Watched(
            state.folders, state.missing, state.trouble, "", state.looks + 1
        )

    def _note(self, folders: Mapping[Path, Identity], trouble: str) -> None:
        """What is watched from now on; what is new of it is said."""
        missing = [str(path) for path, identity in folders.items() if not identity]
        before = self.state
        self.state = Watched(
            tuple(map(str, folders)),
            tuple(missing),
            trouble,
            before.failed,
            before.looks,
        )
        if trouble and trouble != before.trouble:
            self._say(f"watch: {trouble}")
        for name in missing:
            if name not in before.missing:
                self._say(f"watch: {name} is not there; nothing of it is forgotten")

    def _failed(self, error: Exception) -> None:
        said = type(error).__name__
        if isinstance(error, BrainError):
            said = error.message
        state = self.state
        self.state = Watched(
            state.folders, state.missing, state.trouble, said, state.looks
        )
        if said != state.failed:
            self._say(f"watch: a look failed: {said}")


def _from(first: Changes | None, rest: Iterator[Changes]) -> Iterator[Changes]:
    """What was asked for already, then the rest."""
    if first is None:  # it was stopped
        return
    yield first
    yield from rest


def _identity(place: Path) -> Identity:
    try:
        facts = os.stat(place)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _is_below(name: str, folder: str) -> bool:
    """Whether a path is the folder or lies in it."""
    return name == folder or name.startswith(folder.rstrip(os.sep) + os.sep)


def _is_noise(name: str, folder: Path) -> bool:
    """Whether a path lies in a folder that no look enters."""
    inside = name.removeprefix(str(folder)).split(os.sep)
    return not NOISY.isdisjoint(inside)


def _trouble(error: Exception) -> str:
    """Why the system does not watch, and what helps."""
    said = str(error)
    every = f"folders are looked at every {UNWATCHED_SECONDS:.0f} seconds"
    if any(word in said.lower() for word in LIMITED):
        return f"the system watches no more folders ({said}), so {every}; {CURE}"
    return f"the system does not watch ({said}), so {every}"

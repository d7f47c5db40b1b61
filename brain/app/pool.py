"""Several threads of one process that each hold a `Brain` over the same store: for doors that serve many callers.

A connection of SQLite belongs to one thread, while the models are loaded once for all of them (`brain.app.loaded`).
Work waits in one queue; past its limit it is turned away at once, so that a server says "busy" in place of falling
over. A changed configuration, or another database in the place of this one, is noticed before the next piece of work.
Leaves what is done to the caller; serves the server behind the command line, HTTP and MCP.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from brain.app import Brain
from brain.app.loaded import LoadedModels
from brain.config import Config
from brain.errors import Unavailable

WORKERS = 4  # a model of Ollama may write for a minute, and the others go on
WAITING = 64  # pieces of work that wait for a worker, before the next is turned away
RETRY_SECONDS = 2  # after which a caller that was turned away may try again

Result = TypeVar("Result")
Work = Callable[[Brain], Result]
Opened = Callable[[Config, LoadedModels], Brain]
Task = tuple[Work[Any], "Future[Any]"] | None
"""What a worker does and where its result goes; None ends it."""


class Busy(Unavailable):
    """More work waits than may; nothing was done."""

    kind = "busy"


def long_lived(config: Config, loaded: LoadedModels) -> Brain:
    """A `Brain` for one worker."""
    return Brain(config, loaded=loaded, long_lived=True)


class Pool:
    """`run(work)` calls `work(brain)` in one of the workers and returns what it returns, or raises what it raises.

    `load` reads the configuration anew; `open_brain` makes the `Brain` of a worker. A context manager.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        workers: int = WORKERS,
        waiting: int = WAITING,
        open_brain: Opened = long_lived,
    ) -> None:
        self._load = load
        self._open = open_brain
        self._most = workers + waiting
        self._lock = threading.Lock()
        self._busy = 0
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        # Whether somebody takes in what changes in the folders, so that a question need not look at them itself.
        self.watched: Callable[[], bool] = lambda: False
        self.config = load()
        self.loaded = LoadedModels(self.config.models).made()
        self._threads = [
            threading.Thread(target=self._worker, name=f"brain-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> int:
        """Pieces of work that are being done or wait."""
        return self._busy

    def submit(self, work: Work[Result]) -> Future[Result]:
        """The result to come. Raises `Busy`."""
        with self._lock:
            if self._busy >= self._most:
                raise Busy(
                    f"{self._busy} requests are being answered, and no more can wait",
                    f"try again in {RETRY_SECONDS} seconds",
                )
            self._busy += 1
        future: Future[Result] = Future()
        future.add_done_callback(self._done)
        self._tasks.put((work, future))
        return future

    def run(self, work: Work[Result]) -> Result:
        """The result, waited for. Raises `Busy`, and whatever the work raises."""
        return self.submit(work).result()

    def close(self) -> None:
        """Let every worker finish what was begun and close its `Brain`; what still waits is not begun."""
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                break
            if task is not None:
                task[1].cancel()
        for _thread in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _done(self, _future: Future[Any]) -> None:
        with self._lock:
            self._busy -= 1

    def _worker(self) -> None:
        """One thread: opens its `Brain` with the first piece of work, and closes it at the end."""
        brain: Brain | None = None
        try:
            while (task := self._tasks.get()) is not None:
                work, future = task
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    brain = self._ready(brain)
                    result = work(brain)
                except BaseException as error:  # the caller's to handle, whatever it is
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            if brain is not None:
                brain.close()

    def _ready(self, brain: Brain | None) -> Brain:
        """The `Brain` of this worker, or another one where the configuration has changed since."""
        config = self._load()
        with self._lock:
            if config != self.config:
                if config.models != self.config.models:
                    self.loaded = LoadedModels(config.models).made()
                self.config = config
            loaded = self.loaded
        if brain is not None and brain.config == config:
            brain.resources.begin()
            return brain
        if brain is not None:
            brain.close()
        return self._open(config, loaded)

"""Which models the stand-in has loaded, who waits for one, and how long each stays: Ollama's scheduler in small.

A request whose model is loaded with the same window and the same `shift` is served at once, one after another. Every
other one waits in a single line: the runner in its way is told to go as soon as it is idle, but each request that
reaches that runner meanwhile with a `keep_alive` of its own holds it for that long again (measured against the real
server). Leaves out what a model says, and memory: everything fits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile

from tests.stand_in_models import Model, count_tokens

LOOK_SECONDS = 0.02  # between two looks whether it is one's turn
KEEP_DEFAULT = 300.0  # seconds: OLLAMA_KEEP_ALIVE where nobody set it


@dataclass(eq=False)
class Runner:
    """One loaded model. `window` in tokens, `keep` in seconds (negative: for ever), `users` requests that hold it."""

    model: Model
    window: int
    shift: bool
    keep: float
    until: float = float("inf")
    users: int = 0
    read: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def cached(self, prompt: str) -> int:
        """Tokens at the head of the prompt that the runner read the time before; from now on it knows this prompt."""
        pairs = zip(self.read, prompt, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        self.read = prompt
        return count_tokens(prompt[:same])


class Runners:
    """All of them. `loads`: the names in the order in which they were loaded."""

    def __init__(self, keep_alive: float = KEEP_DEFAULT) -> None:
        self.keep_alive = keep_alive
        self.loads: list[str] = []
        self._loaded: list[Runner] = []
        self._mutex = threading.Lock()
        self._line = threading.Lock()

    @contextmanager
    def used(
        self,
        model: Model,
        window: int,
        shift: bool,
        keep: float | None,
        *,
        wait: Callable[[float], None],
        load: Callable[[], None],
        works: bool = True,
    ) -> Iterator[tuple[Runner, bool]]:
        """(the runner, whether it had to be loaded). `works`: False for a request that only loads. `wait` lets seconds pass and raises when the client is gone;
        `load` takes as long as loading does, and raises where the model cannot be loaded.
        """
        runner, cold = self._found(model, window, shift, keep), False
        if runner is None:
            runner, cold = self._in_line(model, window, shift, keep, wait, load)
        try:
            if not works:
                yield runner, cold
                return
            _patiently(runner.turn, wait)
            try:
                yield runner, cold
            finally:
                runner.turn.release()
        finally:
            self._left(runner)

    def running(self) -> list[Runner]:
        """Those that are loaded, newest first."""
        with self._mutex:
            self._expire()
            return self._loaded[::-1]

    def unload(self, model: Model | None = None) -> None:
        """Let one model go, or all, as if its time had run out."""
        with self._mutex:
            self._loaded = [
                runner
                for runner in self._loaded
                if model is not None and runner.model.blob != model.blob
            ]

    def _found(
        self, model: Model, window: int, shift: bool, keep: float | None
    ) -> Runner | None:
        with self._mutex:
            self._expire()
            for runner in self._loaded:
                same = (runner.model.blob, runner.window, runner.shift)
                if same == (model.blob, window, shift):
                    if keep is not None:
                        runner.keep = keep
                    runner.users += 1
                    return runner
        return None

    def _in_line(
        self,
        model: Model,
        window: int,
        shift: bool,
        keep: float | None,
        wait: Callable[[float], None],
        load: Callable[[], None],
    ) -> tuple[Runner, bool]:
        _patiently(self._line, wait)
        try:
            runner = self._found(model, window, shift, keep)
            if runner is not None:
                return runner, False
            self._make_way(model, wait)
            load()
            runner = Runner(
                model, window, shift, self.keep_alive if keep is None else keep
            )
            runner.users = 1
            with self._mutex:
                self._loaded.append(runner)
                self.loads.append(model.name)
            return runner, True
        finally:
            self._line.release()

    def _make_way(self, model: Model, wait: Callable[[float], None]) -> None:
        """Wait until no runner of this blob is left, each told once to go when it is idle."""
        told: set[Runner] = set()
        while True:
            with self._mutex:
                for runner in self._of(model):
                    if runner not in told:
                        told.add(runner)
                        runner.keep = 0
                        if not runner.users:
                            runner.until = 0
                self._expire()
                if not self._of(model):
                    return
            wait(LOOK_SECONDS)

    def _of(self, model: Model) -> list[Runner]:
        return [runner for runner in self._loaded if runner.model.blob == model.blob]

    def _expire(self) -> None:
        now = time.monotonic()
        self._loaded = [
            runner for runner in self._loaded if runner.users or runner.until > now
        ]

    def _left(self, runner: Runner) -> None:
        with self._mutex:
            runner.users -= 1
            if not runner.users:
                stays = float("inf") if runner.keep < 0 else runner.keep
                runner.until = time.monotonic() + stays


def _patiently(lock: threading.Lock, wait: Callable[[float], None]) -> None:
    """Take the lock, unless the client goes away first."""
    while not lock.acquire(blocking=False):
        wait(LOOK_SECONDS)

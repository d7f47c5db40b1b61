"""`.service`: what a server that runs for months notes of itself and can say of how it is.

A sign of life, the last result of each chore, one real search with its time, memory and disk. Everything is kept in the
store, so that it can be said after the server is gone. Leaves when to look and what to do about it to the doors.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from brain.app import chores, ollama_health
from brain.app.resources import Noun
from brain.errors import BrainError
from brain.health import Beat, ChoreResult, OllamaState
from brain.types import Request

BEAT = "service_beat"  # setting: the last sign of life, as JSON
CHORES = "service_chores"  # setting: the last result of each chore, as JSON
NAMES = tuple(chores.CHORES)
# What is looked for: nobody is told what is found
QUESTION = "is anybody there"


class Service(Noun):
    """A server's notes of itself."""

    # -- signs of life --------------------------------------------------------------------------------

    def beat(self, *, pid: int, since: str, version: str, last_error: str = "") -> None:
        """Note that this server lives."""
        now = self._resources.seconds()
        self._keep(BEAT, asdict(Beat(now, since, pid, version, last_error)))

    def last_beat(self) -> Beat | None:
        """The last sign of life of any server, None where there never was one."""
        found = self._store.library.setting_json(BEAT, dict)
        try:
            return Beat(**found)
        except TypeError:
            return None

    # -- chores ---------------------------------------------------------------------------------------

    def do(self, name: str) -> ChoreResult:
        """Do one of `NAMES` now and keep what came of it. What fails is a result as well, of whatever kind it is: the
        next ones are done all the same.
        """
        resources = self._resources
        begun = time.monotonic()
        try:
            ok, said = chores.CHORES[name](resources)
        except Exception as error:
            ok, said = False, _failure(error)
        took = round(time.monotonic() - begun, 1)
        result = ChoreResult(name, resources.seconds(), ok, said, took)
        try:
            self._keep_result(result)
        except Exception as error:
            said = f"{said}; not kept: {_failure(error)}"
            return replace(result, ok=False, said=said)
        return result

    def results(self) -> tuple[ChoreResult, ...]:
        """The last result of each chore that was done."""
        kept = self._store.library.setting_json(CHORES, dict)
        found = []
        for name in NAMES:
            try:
                found.append(ChoreResult(**kept[name]))
            except (KeyError, TypeError):
                continue
        return tuple(found)

    # -- how it is ------------------------------------------------------------------------------------

    def query(self) -> tuple[int, str, int]:
        """One real search: (milliseconds, the index that answered, how many changes it has not taken in)."""
        from brain.app.search import ranked

        resources = self._resources
        begun = time.monotonic()
        ranked(resources, Request(QUESTION, limit=1))
        took = round((time.monotonic() - begun) * 1000)
        serving = resources.serving
        if serving.embedder is None:
            return took, "words only", 0
        index = resources.indexes(serving.fingerprint).index("knowledge")
        lag = 0
        if index.name == "chroma":
            lag = self._store.vectors.snapshots.lag(serving.fingerprint)
        return took, index.name, lag

    def waiting(self) -> int:
        """Passages that the embedder which serves has not read."""
        fingerprint = self._resources.serving.fingerprint
        if not fingerprint:
            return 0
        vectors = self._store.vectors
        later = vectors.unasked_for(fingerprint)
        return max(vectors.waiting_in_all(fingerprint) - later, 0)

    def ollama(self) -> OllamaState:
        """Whether it answers in time and still has what serves."""
        return ollama_health.look(self._resources)

    def disk_free(self) -> int:
        """Bytes, where the home lies."""
        return shutil.disk_usage(self._resources.config.home).free

    def _keep_result(self, result: ChoreResult) -> None:
        results = self._store.library.setting_json(CHORES, dict)
        self._keep(CHORES, {**results, result.name: asdict(result)})

    def _keep(self, name: str, value: dict[str, object]) -> None:
        if not self._resources.read_only:
            self._store.library.keep_setting(name, json.dumps(value, sort_keys=True))


def _failure(error: Exception) -> str:
    """What a person is told of it. An unexpected one may hold words of a note: its kind alone is said."""
    if isinstance(error, BrainError):
        return f"{error.message}; {error.hint}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return f"an unexpected {type(error).__name__}; run `brain doctor`"


def give_back_memory() -> None:
    """Hand the system what was freed: glibc keeps a hundred megabytes after a busy hour otherwise."""
    with suppress(OSError, AttributeError):  # another C library knows no such thing
        ctypes.CDLL(None).malloc_trim(0)


def memory() -> int:
    """Bytes that this process and those that it started hold, what they share counted once; 0 where the system does not
    say.
    """
    return sum(map(_held, (os.getpid(), *_children(os.getpid()))))


def _children(pid: int) -> list[int]:
    found = []
    for place in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in place.read_text().split()]
    return found


def _held(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0

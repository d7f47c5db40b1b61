"""Folders that are watched in this process, and a stand-in for the system that says what changed in them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from brain.app.pool import Pool
from brain.config import load
from brain.doors.watch import Changes, Watcher
from tests.end_to_end import HANG_SECONDS, brain, home

LOOK_SECONDS = 0.02


def eventually(holds: Callable[[], object]) -> None:
    """Wait until it holds. The time is a guard against waiting for ever, and measures nothing."""
    until = time.monotonic() + HANG_SECONDS
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(LOOK_SECONDS)


def stored(folder: Path) -> dict[str, str]:
    """What is stored of a folder: path inside it -> text, by `brain get`."""
    found = brain("get", f"{folder}/**", "--json")
    if found.code:
        return {}
    return {
        row["source"].removeprefix(f"{folder}/"): row["text"]
        for row in found.json["excerpts"]
    }


def ids(folder: Path) -> dict[str, str]:
    """Path inside the folder -> id of its document."""
    listed = brain("list", "--json").json["documents"]
    return {
        row["source"].removeprefix(f"{folder}/"): row["id"]
        for row in listed
        if row["source"].startswith(f"{folder}/")
    }


class Told:
    """A stand-in for the system: `changed` is what it says, `fails` what it raises in place of watching."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.watched: list[tuple[Path, ...]] = []
        self._changes: queue.Queue[Changes] = queue.Queue()

    def changed(self, *paths: Path) -> None:
        """Something happened to these."""
        self._changes.put({(1, str(path)) for path in paths})

    def __call__(self, *paths: Path, stop: threading.Event) -> Iterator[Changes]:
        self.watched.append(paths)
        if self.fails:
            raise self.fails
        while not stop.is_set():
            try:
                yield self._changes.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                yield set()


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def pool() -> Pool:
    """One worker over the home of this test."""
    home().mkdir(mode=0o700, exist_ok=True)
    return Pool(load, workers=1)


def looked(watcher: Watcher, times: int) -> None:
    """Wait until so many looks were taken."""
    eventually(lambda: watcher.state.looks >= times)

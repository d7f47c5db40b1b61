"""Snapshots of Chroma that are open, each in one child process, however many threads of this process ask it.

A second child would hold the same vectors a second time. Leaves out which snapshot answers (chain.py), and what the
child does (chroma_child.py). Serves the indexes of a door that lives long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from brain.index.chroma_child import ChromaChild


class OpenSnapshots:
    """`take` a snapshot, ask its child, `give_back`: with the last of its users it ends. Safe to share between threads.

    `start` makes a child, whose answers it waits for that many seconds.
    """

    def __init__(self, start: Callable[..., ChromaChild] = ChromaChild) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._children: dict[Path, ChromaChild] = {}
        self._users: dict[int, int] = {}  # process of a child -> how many use it

    def take(self, directory: Path, *, seconds: float) -> ChromaChild:
        """The child that has this snapshot open. Raises `Unavailable` where it cannot be opened."""
        with self._lock:
            child = self._children.get(directory)
            if child is None:
                child = self._opened(directory, seconds)
                self._children[directory] = child
            self._users[child.pid] = self._users.get(child.pid, 0) + 1
            return child

    def give_back(self, child: ChromaChild, *, failed: bool = False) -> None:
        """This user is done. `failed`: nobody gets it any more; those that hold it find out by themselves."""
        with self._lock:
            left = self._users.get(child.pid, 1) - 1
            self._users[child.pid] = left
            if failed or not left:
                kept = {
                    directory: other
                    for directory, other in self._children.items()
                    if other is not child
                }
                self._children = kept
            if left:
                return
            del self._users[child.pid]
        child.close()

    def _opened(self, directory: Path, seconds: float) -> ChromaChild:
        child = self._start(seconds=seconds)
        try:
            child.open(directory)
        except BaseException:
            child.close()
            raise
        return child

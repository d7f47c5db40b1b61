"""Turns at writing: who wrote last lets those go first who wait to write.

SQLite lets a waiting writer sleep, for up to 100 ms, and gives the database to whoever asks while it is free: a process
that writes in a loop asks first each time. Here whoever waits is seen to wait, by a lock on the folder (flock(2)): no
file is made for it, and a process that is killed leaves none. Only the order is kept: that one writes at a time is
SQLite's affair, and where the folder takes no lock the order is SQLite's too. Leaves out every statement but the
first. Serves `brain.store.connection`.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from brain.store.sql import number

if sys.platform != "win32":
    import fcntl

POLL_MS = 2  # between two looks at whether one may write
PATIENCE = 1.0  # seconds for the others: one that was stopped while it waits (Ctrl-Z) holds nobody up for longer


class Turns:
    """The turns of one connection to the database in a folder."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        folder: Path,
        *,
        patience: float = PATIENCE,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._conn = conn
        self._folder = folder
        self._patience = patience
        self._pause = pause
        self._handle: int | None = None
        self._wrote_at: int | None = None  # `data_version` in the last turn

    def begin(self) -> None:
        """`BEGIN IMMEDIATE` in turn. Waits as long as the connection's `busy_timeout`, then raises SQLite's error."""
        limit = number(self._conn, "PRAGMA busy_timeout")
        with self.waiting():
            self._let_others()
            end = time.monotonic() + limit / 1000
            # Who waits looks often: else SQLite would sleep while the database is free.
            self._conn.execute(f"PRAGMA busy_timeout={POLL_MS}")
            try:
                while not self._begun(end):
                    pass
            finally:
                self._conn.execute(f"PRAGMA busy_timeout={limit}")
        self._wrote_at = self._version()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Be seen to wait."""
        self._lock("LOCK_SH")
        try:
            yield
        finally:
            self._lock("LOCK_UN")

    def close(self) -> None:
        """Close the folder; a second call does nothing."""
        handle = self._handle
        self._handle = None
        if handle is not None:
            os.close(handle)

    def _let_others(self) -> None:
        """After a turn of one's own, wait until another had one, or nobody else waits."""
        end = time.monotonic() + self._patience
        while self._wrote_at == self._version() and self._others_wait():
            if time.monotonic() > end:
                return
            self._pause(POLL_MS / 1000)

    def _others_wait(self) -> bool:
        alone = self._lock("LOCK_EX")
        self._lock("LOCK_SH")
        return not alone

    def _version(self) -> int:
        """Another number once another connection has written (sqlite.org/pragma.html#pragma_data_version)."""
        return number(self._conn, "PRAGMA data_version")

    def _begun(self, end: float) -> bool:
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > end:
                raise
            return False
        return True

    def _lock(self, kind: str) -> bool:
        """Whether the folder is locked like that now. A disk of another machine may know no such lock: then it is."""
        if sys.platform == "win32":
            return True
        try:
            if self._handle is None:
                self._handle = os.open(self._folder, os.O_RDONLY)
            fcntl.flock(self._handle, getattr(fcntl, kind) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection has what is asked for."""
    code = getattr(error, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)

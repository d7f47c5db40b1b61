"""One SQLite connection under the rules that keep data: WAL, full sync, foreign keys, secure delete, immediate writes.

Leaves out every table. Reading and writing need the standard library alone; sqlite-utils (0.2 s of import, with numpy)
is loaded by a migration. Serves the store's tables, which are handed a `Connection`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from brain.errors import BrainError, StoreError
from brain.faults import reach
from brain.store.cells import CarefulConnection
from brain.store.sql import first, number
from brain.store.turns import Turns, is_busy
from migrations import APPLICATION_ID, LATEST

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT_MS = 30_000  # a writer waits this long for another writer
HINT_RO = "nothing was written; copy the home to another disk and set BRAIN_HOME to it"
NEEDED_BYTES = 64 * 1024  # SQLite's shared-memory file takes 32 KiB
ALONE_VFS = "unix-excl"
ALONE_SECONDS = 1.0  # a process that has the database open has made the shared-memory file: then it is opened as usual
CACHE_KIB = 32 * 1024  # SQLite's page cache for one connection
SHARED_CACHE_KIB = (
    8 * 1024
)  # of one of several in a process: the system holds the file for all of them

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "secure_delete=ON",
    "cell_size_check=ON",
    f"cache_size=-{CACHE_KIB}",
    "mmap_size=0",  # mapped: no faster at 100,000 chunks, 200 MB more resident, and SIGBUS for a file cut short
    "temp_store=MEMORY",
)


class Connection:
    """`conn` reads; `write()` is the only way to write. Opened with `connect`."""

    takes_writing = True

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self.conn = conn
        self.path = path
        self._turns = Turns(conn, path.parent)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, begun IMMEDIATE: all of it is durable when the block ends, or none of it.

        Processes that wait to write take turns (turns.py).
        Inside another `write` it is part of that one. Raises `StoreError` when the disk is full or the file is locked.
        """
        if self.conn.in_transaction:
            yield self.conn
            return
        try:
            self._turns.begin()
            try:
                yield self.conn
                self.conn.execute("COMMIT")
            except BaseException:
                if self.conn.in_transaction:
                    self.conn.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All of the block or none of it, inside a `write` as well."""
        with self.write() as conn:
            conn.execute("SAVEPOINT block")
            try:
                yield
            except BaseException:
                if conn.in_transaction:  # a full disk ends it whole
                    conn.execute("ROLLBACK TO block")
                    conn.execute("RELEASE block")
                raise
            conn.execute("RELEASE block")

    @property
    def left_out(self) -> dict[str, str]:
        """Rows that were left out since they are damaged: what each is called -> the column."""
        if not isinstance(self.conn, CarefulConnection):
            return {}
        return self.conn.left_out

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._turns.close()
        self.conn.close()


class ReadOnly(Connection):
    """The same where nothing can be written: `write` raises `StoreError`."""

    takes_writing = False

    def __init__(
        self,
        conn: sqlite3.Connection,
        path: Path,
        cleanup: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(conn, path)
        self._cleanup = cleanup

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Nothing is."""
        raise StoreError(f"{self.path} lies on a disk that takes no writing", HINT_RO)
        yield self.conn

    def close(self) -> None:
        """Close the file, and delete it where it is a copy."""
        super().close()
        self._cleanup()


def connect(
    path: Path,
    *,
    latest: int = LATEST,
    upgrade: Callable[[Database], None] | None = None,
) -> Connection:
    """Open the database at `path`, made with mode 0600 when it is not there, migrated when it is older than this code.

    `upgrade` brings it to schema `latest`; the migrations of this code when None. A database that holds something is
    copied beside itself before. Raises `StoreError` when it is newer than this code, not ours, or damaged.
    """
    if not path.exists():
        _new_file(path)
    _must_be_files(path)
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            try:
                return _open(path, latest, upgrade or _migrate)
            except sqlite3.OperationalError as error:
                if not _without_shared_memory(error):
                    raise
            return _open(path, latest, upgrade or _migrate, alone=True)
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() > end:
                raise explain(error, path) from error


def with_small_cache(connection: Connection) -> None:
    """For one of several connections of a process."""
    connection.conn.execute(f"PRAGMA cache_size=-{SHARED_CACHE_KIB}")


def connect_read_only(path: Path) -> Connection:
    """Open the database on a disk that takes no writing. Raises `StoreError`, also for whatever is to be written.

    As it stands, when it needs no log and no upgrade: then SQLite reads the file as one that nothing changes
    (`immutable`, sqlite.org/uri.html). Else a private copy is read, which is deleted when it is closed.
    """
    if not path.exists():
        raise StoreError(f"{path} is not there, and the disk takes no writing", HINT_RO)
    _must_be_files(path)
    try:
        log = path.with_name(f"{path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            conn = reader(path, more="&immutable=1")
            connection = ReadOnly(conn, path)
            if _version(connection, LATEST) == LATEST:
                return connection
            conn.close()
        return _private_copy(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _private_copy(path: Path) -> ReadOnly:
    """The database with its log in a folder of its own, upgraded there."""
    folder = tempfile.TemporaryDirectory(prefix="brain-read-only-")
    copy = Path(folder.name) / path.name
    for end in ("", "-wal"):
        beside = path.with_name(f"{path.name}{end}")
        if beside.exists():
            shutil.copyfile(beside, f"{copy}{end}")
    opened = connect(copy)
    return ReadOnly(opened.conn, path, folder.cleanup)


def _must_be_files(path: Path) -> None:
    """A pipe or a folder under one of its names would hang SQLite, or be taken for damage. Raises `StoreError`."""
    for end in ("", "-wal", "-shm", "-journal"):
        place = path.with_name(f"{path.name}{end}")
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(place.stat().st_mode):
                raise StoreError(f"{place} is no regular file", "move it away")


def _open(
    path: Path, latest: int, upgrade: Callable[[Database], None], *, alone: bool = False
) -> Connection:
    """`alone`: without SQLite's shared-memory file, for which a full disk has no room. Then SQLite itself keeps every
    other process out by a lock on the database, from the first read until it is closed (sqlite.org/wal.html §8, and the
    VFS `unix-excl` of sqlite.org/vfs.html); further connections of this process are let in.
    """
    seconds = ALONE_SECONDS if alone else BUSY_TIMEOUT_MS / 1000
    where = f"{path.absolute().as_uri()}?vfs={ALONE_VFS}" if alone else path
    conn = sqlite3.connect(
        where,
        uri=alone,
        isolation_level=None,
        timeout=seconds,
        check_same_thread=False,
        factory=CarefulConnection,
    )
    try:
        connection = Connection(conn, path)
        _version(connection, latest)  # before the pragmas: one of them writes
        for pragma in PRAGMAS:
            conn.execute(f"PRAGMA {pragma}")
        _bring_up_to_date(connection, latest, upgrade)
    except BaseException:
        conn.close()
        raise
    return connection


def _without_shared_memory(error: sqlite3.Error) -> bool:
    """Whether opening failed for the shared-memory file, which can be done without here."""
    return (
        getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR_SHM")
        and os.name == "posix"
    )


def _migrate(database: Database) -> None:
    from migrations import migrate

    migrate(database)


def _bring_up_to_date(
    connection: Connection, latest: int, upgrade: Callable[[Database], None]
) -> None:
    """Migrate under the write lock, looking again at the version once it is held: two processes may open at once."""
    if _version(connection, latest) == latest:
        return
    from sqlite_utils import Database  # loaded before the lock is taken

    database = Database(connection.conn, execute_plugins=False)
    with connection.write():
        version = _version(connection, latest)
        if version < latest:
            if version:
                _copy_aside(connection.path, version)
            upgrade(database)
            reach("migrate.before_commit")


def _copy_aside(path: Path, version: int) -> None:
    """What stood there before a migration, as `brain.db.before-schema-…`: whole or not there at all."""
    target = path.with_name(f"{path.name}.before-schema-{version + 1}")
    unfinished = path.with_name(f"{target.name}.{os.getpid()}.tmp")
    _new_file(unfinished)
    try:
        with (
            closing(reader(path)) as source,
            closing(sqlite3.connect(unfinished, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def reader(path: Path, *, more: str = "") -> sqlite3.Connection:
    """A connection that cannot write. `more`: further parts of its address (sqlite.org/uri.html)."""
    address = f"{path.absolute().as_uri()}?mode=ro{more}"
    return sqlite3.connect(address, uri=True, isolation_level=None)


def _new_file(path: Path) -> None:
    no_link = getattr(os, "O_NOFOLLOW", 0)
    os.close(
        os.open(path, os.O_CREAT | os.O_WRONLY | no_link, stat.S_IRUSR | stat.S_IWUSR)
    )


def _version(connection: Connection, latest: int) -> int:
    """The schema version of the file. Raises `StoreError` when it is not ours or newer than this code."""
    conn = connection.conn
    version = number(conn, "PRAGMA user_version")
    application = number(conn, "PRAGMA application_id")
    used = version or first(conn, "SELECT 1 FROM sqlite_master")
    if used and application != APPLICATION_ID:
        hint = "move it away, or set BRAIN_HOME to another folder"
        raise StoreError(f"{connection.path} is not a brain database", hint)
    if version > latest:
        what = f"was written by a newer version of brain (schema {version}, this one knows {latest})"
        raise StoreError(
            f"{connection.path} {what}", "upgrade brain; nothing was changed"
        )
    return version


def no_room(path: Path) -> bool:
    """Whether the disk has no room, or no more names, for the small files that SQLite needs beside its own."""
    try:
        facts = os.statvfs(path.parent) if hasattr(os, "statvfs") else None
        spent = facts is not None and facts.f_files > 0 and facts.f_favail == 0
        return spent or shutil.disk_usage(path.parent).free < NEEDED_BYTES
    except OSError:
        return False


def _unwritable(path: Path) -> Path:
    """The file or folder that stops us: the database, a file beside it, its folder; itself when none is seen."""
    beside = [path.with_name(f"{path.name}{end}") for end in ("", "-wal", "-shm")]
    for place in (*beside, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            return place
    return path


def explain(error: sqlite3.Error, path: Path) -> BrainError:
    """What a person should read for an error of SQLite."""
    text = str(error)
    again = "then run the command again"
    if "locked" in text or "busy" in text:
        return StoreError(
            f"{path} is in use by another process", f"wait for it to finish, {again}"
        )
    cannot_open = "unable to open" in text
    if "full" in text or ((cannot_open or "I/O" in text) and no_room(path)):
        return StoreError(
            "the disk is full; nothing was written", f"free some space, {again}"
        )
    if cannot_open or "readonly" in text or "read-only" in text:
        hint = "check its permissions, its owner and the free space"
        return StoreError(f"{_unwritable(path)} cannot be written: {text}", hint)
    if "malformed" in text or "not a database" in text:
        hint = "run `brain doctor`, or restore a backup with `brain restore`"
        return StoreError(f"{path} is damaged: {text}", hint)
    return StoreError(f"the database reported: {text}", "run `brain doctor`")

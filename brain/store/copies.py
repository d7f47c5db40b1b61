"""Whole copies of the database: a digest of all that it holds, snapshots proven by it, and judging a file from elsewhere.

A file from elsewhere is never attached and its schema never trusted: it is opened read-only, its triggers, views and
tables must be ours to the letter, its pages must hold together, and it must contain what it says. Leaves out names,
retention, encryption (`brain.keeping`) and erasure (erasure.py). Serves `brain backup`, `restore` and the doctor's drill.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from brain.errors import StoreError
from brain.faults import reach
from brain.store.connection import explain
from migrations import APPLICATION_ID, LATEST

FACTS = "backup_facts"  # the table of a copy that says what it holds; no open store has it
FACTS_SQL = f"CREATE TABLE {FACTS} (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
DERIVED = (
    "outbox",
    "index_generations",
    FACTS,
)  # tables that may differ between two stores that hold the same
SQLITES_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
MIGRATIONS = "_sqlite_migrations"  # made by sqlite-utils, in words that may change with its version
DIGEST_ROWS = 32  # hashed at once: about 64 KB, and 200 MB for the longest texts that are taken in
FAULTS_SHOWN = 5
BUSY_SECONDS = 5.0  # restore waits this long for the present database to be free
FILE_MODE = 0o600
HEADER = b"SQLite format 3\0"
LOOKING = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_FUNCTION,
)  # all that judging does


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy holds. `digest` as `digest` computes it; `stated` is what the copy says of itself, "" if nothing."""

    digest: str
    stated: str
    made_at: str
    schema: int
    documents: int
    chunks: int
    episodes: int


def digest(conn: sqlite3.Connection) -> str:
    """SHA-256 over every row of every table that is not derived, each by its primary key. 100,000 rows a second or more.

    A value is written as `length:bytes` (text and blobs), `number;` or `n;` (NULL), so that rows that differ look different
    (a text and a blob of the same bytes do not: no column of ours holds both).
    """
    found = hashlib.sha256()
    with _raw(conn):
        for table in _tables(conn):
            found.update(f"[{table}]".encode())
            cursor = conn.execute(f"SELECT * FROM {table} ORDER BY {_key(conn, table)}")
            while rows := cursor.fetchmany(DIGEST_ROWS):
                found.update(b"".join([_canonical(value) for row in rows for value in row]))
    return found.hexdigest()


def _canonical(value: object) -> bytes:
    if value.__class__ is bytes:
        return b"%d:%b" % (len(value), value)
    return b"n;" if value is None else repr(value).encode() + b";"


def _tables(conn: sqlite3.Connection) -> list[str]:
    """Names of the tables that are not derived: no full-text tables, no tables inside those, none of SQLite's own."""
    rows = [
        (name.decode(), sql.decode())
        for name, sql in conn.execute("SELECT name, sql FROM sqlite_master WHERE type='table'")
    ]
    virtual = [name for name, sql in rows if sql.upper().startswith("CREATE VIRTUAL")]
    inner = tuple(f"{name}_" for name in virtual)
    kept = (
        name for name, _ in rows if name not in virtual and not name.startswith((*inner, "sqlite_"))
    )
    return sorted(name for name in kept if name not in DERIVED)


def _key(conn: sqlite3.Connection, table: str) -> str:
    columns = [
        (row[5], row[1].decode()) for row in conn.execute(f"PRAGMA table_info({table})") if row[5]
    ]
    return ", ".join(f'"{name}"' for _, name in sorted(columns)) or "rowid"


@contextmanager
def _raw(conn: sqlite3.Connection) -> Iterator[None]:
    """Texts as their bytes: a damaged one that is no UTF-8 must not stop the digest."""
    before = conn.text_factory
    conn.text_factory = bytes
    try:
        yield
    finally:
        conn.text_factory = before


# -- making ---------------------------------------------------------------------------------------------------------------


def snapshot(database: Path, target: Path, *, made_at: str) -> Copy:
    """Copy the live database as of one moment into the new file `target`, and prove that it holds the same.

    Other processes read and write meanwhile. Raises `StoreError`; then there is no `target`.
    """
    _new_file(target)
    try:
        with closing(_reader(database)) as source:
            source.execute("BEGIN")
            live = digest(
                source
            )  # the first read fixes the moment; the copy below is of the same one
            with closing(writer(target)) as copy:
                source.backup(copy)
                reach("backup.after_copy")
                _state(copy, live, made_at)
        _flush(target)
        return judge(target)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise explain(error, target) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def restate(path: Path, *, made_at: str) -> Copy:
    """Write down anew what a copy holds, after something was erased from it."""
    with closing(writer(path)) as copy:
        copy.execute(f"DROP TABLE IF EXISTS {FACTS}")
        _state(copy, digest(copy), made_at)
        vacuum(copy, path.parent)
    _flush(path)
    return judge(path)


def _state(copy: sqlite3.Connection, value: str, made_at: str) -> None:
    """One file without a log beside it, that says what it holds."""
    copy.execute("PRAGMA journal_mode=DELETE")
    copy.execute("BEGIN")
    copy.execute(FACTS_SQL)
    copy.executemany(
        f"INSERT INTO {FACTS} VALUES (?, ?)", [("digest", value), ("made_at", made_at)]
    )
    copy.execute("COMMIT")


# -- judging --------------------------------------------------------------------------------------------------------------


def judge(path: Path, *, compare: bool = True) -> Copy:
    """What a copy holds, once it is proven to be a sound database of ours that holds what it says.

    Raises `StoreError` that says what is wrong with it. `compare` False leaves out computing the digest.
    """
    with path.open("rb") as file:
        if file.read(len(HEADER)) != HEADER:
            raise StoreError(
                f"{path} is not a brain database", "name a file that `brain backup` made"
            )
    if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):
        raise StoreError(
            f"{path} was copied without its log (-wal)", "make the copy with `brain backup`"
        )
    try:
        with closing(_stranger(path)) as conn:
            version = _ours(conn, path)
            _same_schema(conn, path, version)
            _whole(conn, path)
            return _contents(conn, path, version, compare=compare)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged: {error}", "use an older backup") from error


def _stranger(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, maps nothing, and runs nothing that the file's schema names."""
    conn = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
    )
    for pragma in (
        "trusted_schema=OFF",
        "query_only=ON",
        "cell_size_check=ON",
        "mmap_size=0",
        "temp_store=MEMORY",
    ):
        conn.execute(f"PRAGMA {pragma}")
    conn.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in LOOKING else sqlite3.SQLITE_DENY
    )
    return conn


def _ours(conn: sqlite3.Connection, path: Path) -> int:
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if conn.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID or version < 1:
        raise StoreError(f"{path} is not a brain database", "name a file that `brain backup` made")
    if version > LATEST:
        raise StoreError(
            f"{path} was written by a newer version of brain (schema {version})",
            "upgrade brain first",
        )
    return version


def _same_schema(conn: sqlite3.Connection, path: Path, version: int) -> None:
    """Every table, index, trigger and view is ours to the letter, and none is missing (FAULTS.md §3, row 42)."""
    found, ours = _schema(conn), dict(_schema_of(version))
    ours[FACTS] = ("table", FACTS_SQL)
    strange = sorted(name for name, what in found.items() if ours.get(name) != what)
    missing = sorted(ours.keys() - found.keys() - {FACTS})
    if strange or missing:
        what = (
            f"has {', '.join(strange[:FAULTS_SHOWN])}"
            if strange
            else f"lacks {', '.join(missing[:FAULTS_SHOWN])}"
        )
        raise StoreError(
            f"{path} {what}, unlike any database of ours", "do not use it; nothing was changed"
        )


def _schema(conn: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """name -> (kind, SQL) of everything that has SQL of its own."""
    rows = conn.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL"
    ).fetchall()
    kept = {name: (kind, sql) for name, kind, sql in rows if name not in SQLITES_OWN}
    return kept | {name: (kind, "") for name, kind, _ in rows if name == MIGRATIONS}


def know_schemas() -> None:
    """Work out what `judge` compares with: before limits and prohibitions hold in the process that judges."""
    for version in range(1, LATEST + 1):
        _schema_of(version)


@lru_cache(maxsize=LATEST)
def _schema_of(version: int) -> tuple[tuple[str, tuple[str, str]], ...]:
    """The schema that this program makes for a version."""
    from sqlite_utils import Database

    from migrations import migrate

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        migrate(Database(conn, execute_plugins=False), stop_after=version)
        return tuple(_schema(conn).items())


def _whole(conn: sqlite3.Connection, path: Path) -> None:
    said = [row[0] for row in conn.execute(f"PRAGMA quick_check({FAULTS_SHOWN})")]
    if said != ["ok"]:
        raise StoreError(f"{path} is damaged: {said[0].splitlines()[-1]}", "use an older backup")
    loose = conn.execute("PRAGMA foreign_key_check").fetchone()
    if loose:
        raise StoreError(
            f"{path} is damaged: a row of {loose[0]} points at nothing in {loose[2]}",
            "use an older backup",
        )


def _contents(conn: sqlite3.Connection, path: Path, version: int, *, compare: bool) -> Copy:
    facts: dict[str, str] = {}
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name=?", (FACTS,)).fetchone():
        facts = dict(conn.execute(f"SELECT name, value FROM {FACTS}"))
    stated = facts.get("digest", "")
    value = digest(conn) if compare else stated
    if stated and value != stated:
        raise StoreError(
            f"{path} does not hold what was put into it: its digest differs", "use an older backup"
        )
    counts = [
        conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("documents", "knowledge", "episodes")
    ]
    return Copy(value, stated, facts.get("made_at", ""), version, *counts)


# -- taking one back ------------------------------------------------------------------------------------------------------


def prepare(staging: Path) -> None:
    """Make a judged copy ready to be the store: its own facts out, its index generations given up, full text proven."""
    with closing(writer(staging)) as conn:
        conn.execute("PRAGMA trusted_schema=OFF")
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(f"DROP TABLE IF EXISTS {FACTS}")
        conn.execute("UPDATE index_generations SET state='dead', owner_pid=NULL, owner_start=NULL")
        for name in ("knowledge", "episodes", "skills"):
            try:
                conn.execute(
                    f"INSERT INTO {name}_fts({name}_fts, rank) VALUES ('integrity-check', 1)"
                )
            except sqlite3.DatabaseError:
                conn.execute(f"INSERT INTO {name}_fts({name}_fts) VALUES ('rebuild')")
        conn.execute("COMMIT")
        conn.execute("PRAGMA journal_mode=DELETE")
    _flush(staging)


@contextmanager
def alone(database: Path, *, seconds: float = BUSY_SECONDS) -> Iterator[None]:
    """Hold the present database so that no other process has it open, its log written back. Raises `StoreError` if one
    has. A database that is too damaged to be held is passed by: no one else can use it either.
    """
    if not database.exists():
        yield
        return
    conn = sqlite3.connect(database, isolation_level=None, timeout=seconds)
    try:
        held = False
        try:
            conn.execute(
                "PRAGMA journal_mode=DELETE"
            )  # SQLite does this only for the one connection that is left
            conn.execute("BEGIN EXCLUSIVE")
            held = True
        except sqlite3.DatabaseError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise explain(error, database) from error
        yield
        if held:
            conn.execute("ROLLBACK")
    finally:
        with suppress(sqlite3.Error):
            conn.close()


# -- files ----------------------------------------------------------------------------------------------------------------


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def writer(path: Path) -> sqlite3.Connection:
    """A connection to a copy that no one else has open; it is flushed once, at the end."""
    conn = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=OFF", "foreign_keys=ON", "secure_delete=ON", "temp_store=MEMORY"):
        conn.execute(f"PRAGMA {pragma}")
    return conn


def vacuum(conn: sqlite3.Connection, directory: Path) -> None:
    """Write the file anew; a large one not in memory, and in between in `directory`, not in the system's temporary one."""
    quoted = str(directory).replace("'", "''")
    conn.execute("PRAGMA temp_store=FILE")
    conn.execute(f"PRAGMA temp_store_directory='{quoted}'")
    try:
        conn.execute("VACUUM")
    finally:
        conn.execute("PRAGMA temp_store_directory=''")
        conn.execute("PRAGMA temp_store=MEMORY")


def _new_file(path: Path) -> None:
    os.close(
        os.open(
            path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), FILE_MODE
        )
    )


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Whole copies of the database: a digest of all it holds, snapshots proven by it, judging a file from elsewhere.

A file from elsewhere is never attached and its schema never trusted: it is opened read-only, its triggers, views and
tables must be ours to the letter, its pages must hold together, and it must contain what it says. Leaves out names,
retention, encryption (`brain.keeping`) and erasure (erasure.py). Serves `brain backup`, `restore` and doctor.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from brain.errors import StoreError
from brain.faults import reach
from brain.store.connection import explain, reader
from brain.store.sql import (
    FULL_TEXT,
    column,
    first,
    full_text,
    full_text_agrees,
    number,
    texts_read,
)
from migrations import APPLICATION_ID, LATEST, make_schema

FACTS = (
    "backup_facts"  # the table of a copy that says what it holds; no open store has it
)
FACTS_SQL = f"CREATE TABLE {FACTS} (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
# tables that may differ between two stores that hold the same
DERIVED = ("outbox", "index_generations", "model_speeds", FACTS)
SQLITES_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
# Made by sqlite-utils, in words that may change with its version; its index is compared without blanks and quotes.
MIGRATIONS = "_sqlite_migrations"
MIGRATIONS_INDEX = f"idx_{MIGRATIONS}_migration_set_name"
INDEX_SQL = f"CREATEUNIQUEINDEX{MIGRATIONS_INDEX}ON{MIGRATIONS}(migration_set,name)"
NOTES = {MIGRATIONS: ("table", ""), MIGRATIONS_INDEX: ("index", INDEX_SQL)}
BLANKS_AND_QUOTES = re.compile(r'[\s"\[\]]+')
DIGEST_ROWS = 32  # hashed at once: about 64 KB, and 200 MB for the longest texts that are taken in
FAULTS_SHOWN = 5
BUSY_SECONDS = 5.0  # restore waits this long for the present database to be free
FILE_MODE = 0o600
HEADER = b"SQLite format 3\0"
HEAD_BYTES = 100  # of a database file
BLOCK_BYTES = 512  # what `st_blocks` counts (POSIX leaves it open; Linux and macOS)
SMALL_BYTES = 64 * 2**20  # a file up to here is copied whatever it holds
MOSTLY_EMPTY = 20  # times longer than what it takes on the disk: a file with holes
# all that judging does
READING = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_FUNCTION,
)
IN_MEMORY = "temp_store=MEMORY"
ELSEWHERE = "name a file that `brain backup` made"
OLDER = "use an older backup"


@dataclass(frozen=True, slots=True)
class CopyContents:
    """What a copy holds. `digest` as `digest` computes it; `stated` is what the copy says of itself, "" if nothing."""

    digest: str
    stated: str
    made_at: str
    schema: int
    documents: int
    chunks: int
    episodes: int


def digest(conn: sqlite3.Connection) -> str:
    """SHA-256 over every row of every table that is not derived, by its primary key. 100,000 rows take a second.

    A value is written as `length:bytes` (text and blobs), `number;` or `n;` (NULL), so that rows that differ look
    different (a text and a blob of the same bytes do not: no column of ours holds both).
    """
    found = hashlib.sha256()
    with texts_read(conn, bytes):
        for table in _tables(conn):
            found.update(f"[{table}]".encode())
            cursor = conn.execute(f"SELECT * FROM {table} ORDER BY {_key(conn, table)}")
            while rows := cursor.fetchmany(DIGEST_ROWS):
                values = [_canonical(value) for row in rows for value in row]
                found.update(b"".join(values))
    return found.hexdigest()


def _canonical(value: object) -> bytes:
    if value.__class__ is bytes:
        return b"%d:%b" % (len(value), value)
    if value is None:
        return b"n;"
    return repr(value).encode() + b";"


def _tables(conn: sqlite3.Connection) -> list[str]:
    """Names of the tables that are not derived: no full-text tables, no tables inside those, none of SQLite's own."""
    sql = """
        SELECT name FROM sqlite_master m
        WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND sql NOT LIKE 'CREATE VIRTUAL%'
            AND NOT EXISTS (
                SELECT 1 FROM sqlite_master v
                WHERE v.sql LIKE 'CREATE VIRTUAL%'
                    AND substr(m.name, 1, length(v.name) + 1) = v.name || '_'
            )
        ORDER BY name
    """
    names = [name.decode() for name in column(conn, sql)]
    return [name for name in names if name not in DERIVED]


def _key(conn: sqlite3.Connection, table: str) -> str:
    """The primary key's columns in their order, else the row number."""
    columns = []
    for _n, name, _type, _null, _default, place in conn.execute(
        f"PRAGMA table_info({table})"
    ):
        if place:
            columns.append((place, f'"{name.decode()}"'))
    return ", ".join(name for _place, name in sorted(columns)) or "rowid"


# -- making ----------------------------------------------------------------------------------------


def snapshot(database: Path, target: Path, *, made_at: str) -> CopyContents:
    """Copy the live database as of one moment into the new file `target`, and prove that it holds the same.

    Other processes read and write meanwhile. Raises `StoreError`; then there is no `target`.
    """
    target.touch(FILE_MODE, exist_ok=False)
    try:
        with closing(reader(database)) as source:
            source.execute("BEGIN")
            live = digest(
                source
            )  # the first read fixes the moment; the copy below is of it
            with closing(writer(target)) as copy:
                source.backup(copy)
                reach("backup.after_copy")
                _state(copy, live, made_at)
        _flush(target)
        return judge(target)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise explain(error, target) from error
        raise


def restate(path: Path, *, made_at: str) -> CopyContents:
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


# -- judging ---------------------------------------------------------------------------------------


def glance(path: Path) -> None:
    """Raise `StoreError` for what cannot be a sound database of ours, by its first bytes and its length alone.

    Before a file from elsewhere is copied, however long it says it is. The layout: sqlite.org/fileformat2.html §1.3.
    """
    facts = path.stat()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    application = int.from_bytes(head[68:72], "big")
    if not head.startswith(HEADER) or application != APPLICATION_ID:
        raise StoreError(f"{path} is not a brain database", ELSEWHERE)
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    counted = head[24:28] == head[92:96]  # else the number of pages is not kept
    if page == 1:  # sixteen bits do not hold 65,536
        page = 2**16
    length = pages * page
    if counted and facts.st_size != length:
        said = f"it is {facts.st_size:,} bytes long and says {length:,} of itself"
        raise StoreError(f"{path} is damaged: {said}", OLDER)
    on_disk = getattr(facts, "st_blocks", facts.st_size) * BLOCK_BYTES
    if facts.st_size > SMALL_BYTES and on_disk * MOSTLY_EMPTY < facts.st_size:
        said = f"of {facts.st_size:,} bytes only {on_disk:,} are on the disk"
        raise StoreError(f"{path} is mostly empty: {said}", ELSEWHERE)


def judge(path: Path, *, compare: bool = True) -> CopyContents:
    """What a copy holds, once it is proven to be a sound database of ours that holds what it says.

    Raises `StoreError` that says what is wrong with it. `compare` False leaves out computing the digest.
    """
    with path.open("rb") as file:
        if file.read(len(HEADER)) != HEADER:
            raise StoreError(f"{path} is not a brain database", ELSEWHERE)
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        hint = "make the copy with `brain backup`"
        raise StoreError(f"{path} was copied without its log (-wal)", hint)
    try:
        with closing(_untrusted(path)) as conn:
            version = _ours(conn)
            _same_schema(conn, version)
            _whole(conn)
            return _contents(conn, version, compare=compare)
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged: {error}", OLDER) from error
    except _Unfit as error:
        raise StoreError(f"{path} {error.what}", error.hint) from None


def read_only(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody writes, which changes nothing and trusts nothing that its schema names."""
    conn = reader(path, more="&immutable=1")
    _set(
        conn,
        "trusted_schema=OFF",
        "query_only=ON",
        "cell_size_check=ON",
        "mmap_size=0",
        IN_MEMORY,
    )
    return conn


def _untrusted(path: Path) -> sqlite3.Connection:
    """The same for a file from elsewhere: nothing but reading is allowed at all."""
    conn = read_only(path)
    conn.set_authorizer(_allow)
    return conn


def _allow(action: int, *_names: str | None) -> int:
    if action in READING:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _set(conn: sqlite3.Connection, *pragmas: str) -> None:
    for pragma in pragmas:
        conn.execute(f"PRAGMA {pragma}")


class _Unfit(Exception):
    """A file that is not to be used: what is wrong with it, what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def _ours(conn: sqlite3.Connection) -> int:
    version = number(conn, "PRAGMA user_version")
    if number(conn, "PRAGMA application_id") != APPLICATION_ID or version < 1:
        raise _Unfit("is not a brain database", ELSEWHERE)
    if version > LATEST:
        what = f"was written by a newer version of brain (schema {version})"
        raise _Unfit(what, "upgrade brain first")
    return version


def _same_schema(conn: sqlite3.Connection, version: int) -> None:
    """Every table, index, trigger and view is ours to the letter, none is missing: one more could run anything."""
    found = _schema(conn)
    ours = dict(_schema_of(version))
    ours[FACTS] = ("table", FACTS_SQL)
    strange = sorted(name for name, what in found.items() if ours.get(name) != what)
    missing = sorted(ours.keys() - found.keys() - {FACTS})
    if strange or missing:
        verb = "has" if strange else "lacks"
        names = ", ".join((strange or missing)[:FAULTS_SHOWN])
        what = f"{verb} {names}, unlike any database of ours"
        raise _Unfit(what, "do not use it; nothing was changed")


def _schema(conn: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """name -> (kind, SQL) of everything that has SQL of its own."""
    found = {}
    rows = conn.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL"
    )
    for name, kind, sql in rows:
        if name == MIGRATIONS:
            sql = ""
        elif name == MIGRATIONS_INDEX:
            sql = BLANKS_AND_QUOTES.sub("", sql)
        if name not in SQLITES_OWN:
            found[name] = (kind, sql)
    return found


@lru_cache(maxsize=LATEST)
def _schema_of(version: int) -> tuple[tuple[str, tuple[str, str]], ...]:
    """The schema that this program makes for a version."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        make_schema(conn, version)
        made = _schema(conn) | NOTES
        return tuple(made.items())


def _whole(conn: sqlite3.Connection) -> None:
    said = column(conn, f"PRAGMA quick_check({FAULTS_SHOWN})")
    if said != ["ok"]:
        raise _Unfit(f"is damaged: {said[0].splitlines()[-1]}", OLDER)
    loose = first(conn, "PRAGMA foreign_key_check")
    if loose:
        what = f"a row of {loose[0]} points at nothing in {loose[2]}"
        raise _Unfit(f"is damaged: {what}", OLDER)


def _contents(conn: sqlite3.Connection, version: int, *, compare: bool) -> CopyContents:
    facts: dict[str, str] = {}
    if first(conn, "SELECT 1 FROM sqlite_master WHERE name=?", FACTS):
        facts = dict(conn.execute(f"SELECT name, value FROM {FACTS}"))
    stated = facts.get("digest", "")
    value = digest(conn) if compare else stated
    if stated and value != stated:
        what = "does not hold what was put into it: its digest differs"
        raise _Unfit(what, OLDER)
    tables = ("documents", "knowledge", "episodes")
    counts = [number(conn, f"SELECT count(*) FROM {table}") for table in tables]
    return CopyContents(value, stated, facts.get("made_at", ""), version, *counts)


# -- taking one back -------------------------------------------------------------------------------


def prepare(staging: Path) -> None:
    """Make a judged copy ready to be the store: its own facts out, its index generations given up, full text proven."""
    with closing(writer(staging)) as conn:
        conn.execute("PRAGMA trusted_schema=OFF")
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(f"DROP TABLE IF EXISTS {FACTS}")
        conn.execute(
            "UPDATE index_generations SET state='dead', owner_pid=NULL, owner_start=NULL"
        )
        for table in FULL_TEXT:
            if not full_text_agrees(conn, table):
                full_text(conn, table, "rebuild")
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
        held = _hold(conn, database)
        yield
        if held:
            conn.execute("ROLLBACK")
    finally:
        with suppress(sqlite3.Error):
            conn.close()


def _hold(conn: sqlite3.Connection, database: Path) -> bool:
    """Lock out every other connection; False when the database is too damaged for that."""
    try:
        # SQLite does this only for the one connection that is left
        conn.execute("PRAGMA journal_mode=DELETE")
        conn.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise explain(error, database) from error
        return False
    return True


# -- files -----------------------------------------------------------------------------------------


def writer(path: Path) -> sqlite3.Connection:
    """A connection to a copy that no one else has open; it is flushed once, at the end."""
    conn = sqlite3.connect(path, isolation_level=None)
    _set(conn, "synchronous=OFF", "foreign_keys=ON", "secure_delete=ON", IN_MEMORY)
    return conn


def without_log(path: Path) -> None:
    """Make a copy one file again, flushed, after it was open as a store is."""
    with closing(writer(path)) as conn:
        conn.execute("PRAGMA journal_mode=DELETE")
    _flush(path)


def vacuum(conn: sqlite3.Connection, directory: Path) -> None:
    """Write the file anew, in between in a file of `directory`: a large one fits neither memory nor /tmp."""
    quoted = str(directory).replace("'", "''")
    _set(conn, "temp_store=FILE", f"temp_store_directory='{quoted}'")
    try:
        conn.execute("VACUUM")
    finally:
        _set(conn, "temp_store_directory=''", IN_MEMORY)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())

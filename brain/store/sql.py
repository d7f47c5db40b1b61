"""Small steps that every table takes: one row, one number, rows by name, long lists in pages, a scope as a condition.

Each works on any open connection, so that the live database and a copy of it are read by the same code. Leaves out
every statement of a table. Serves the other modules of the store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from sqlite3 import Connection, DatabaseError, OperationalError
from typing import Any

from brain.labels import UNLABELLED, Label, effective
from brain.store.cells import as_text
from brain.store.conditions import clause
from brain.store.row_hash import Row
from brain.types import Scope
from ingest.media import NOTE, endings

# setting: when a person was shown every folder with its label
WALKED = "labels.walked"
# tables with a full-text table beside them, named …_fts
FULL_TEXT = ("knowledge", "episodes", "skills")
FIRST_SEEN = "first seen"  # `dated_by` of a document without a date of its own
SHORTEST_PREFIX = 6  # characters of an id that a person has to type at least
NO_TEXT = "Could not decode to UTF-8"  # sqlite3 of a text that is none
# One encoder: `json.dumps` would make a new one for each call.
_as_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
CANDIDATES_SHOWN = 5  # of those that an ambiguous beginning of an id fits


def first(conn: Connection, sql: str, *values: object) -> Any:
    """The first row as a tuple, None when there is none."""
    return conn.execute(sql, values).fetchone()


def rows_of(
    conn: Connection, sql: str, values: Sequence[object]
) -> tuple[list[str], list[Any]]:
    """(the names of the columns, all rows as tuples), their texts read by SQLite's own decoder, which is the fastest.

    Where that meets what is no UTF-8, the statement runs again with the connection's own (cells.py).
    """
    if conn.text_factory is as_text:
        try:
            with texts_read(conn, str):
                return _all_rows(conn, sql, values)
        except OperationalError as error:
            if NO_TEXT not in str(error):
                raise
    return _all_rows(conn, sql, values)


def _all_rows(
    conn: Connection, sql: str, values: Sequence[object]
) -> tuple[list[str], list[Any]]:
    cursor = conn.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return names, cursor.fetchall()


def column(conn: Connection, sql: str, *values: object) -> list[Any]:
    """The first column of every row."""
    _names, rows = rows_of(conn, sql, values)
    return [row[0] for row in rows]


def number(conn: Connection, sql: str, *values: object) -> int:
    """The first column of the first row, 0 when there is no row."""
    row = first(conn, sql, *values)
    if row is None:
        return 0
    return int(row[0])


def named(conn: Connection, sql: str, *values: object) -> list[Row]:
    """Rows by the names of their columns."""
    names, rows = rows_of(conn, sql, values)
    return [dict(zip(names, row, strict=False)) for row in rows]


def each_named(conn: Connection, sql: str, *values: object) -> Iterator[Row]:
    """The same, one at a time."""
    cursor = conn.execute(sql, values)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def full_text(conn: Connection, table: str, command: str, rank: int = 0) -> None:
    """Give FTS5 a command for the full text of a table: "optimize", "rebuild", "integrity-check"."""
    fts = f"{table}_fts"
    sql = f"INSERT INTO {fts}({fts}, rank) VALUES (?, ?)"
    conn.execute(sql, (command, rank))


def full_text_agrees(conn: Connection, table: str) -> bool:
    """Whether the full text is that of the rows. FTS5 is asked by an INSERT that changes nothing, in a transaction."""
    try:
        # rank 1 compares with the rows themselves; without it an emptied index still passes
        full_text(conn, table, "integrity-check", 1)
    except DatabaseError as error:
        reason = str(error)
        if "locked" in reason or "full" in reason:
            raise  # it could not be asked
        return False
    return True


@contextmanager
def texts_read(conn: Connection, decode: Callable[[bytes], Any]) -> Iterator[None]:
    """Texts as `decode` makes them: a flipped bit may leave bytes that are no UTF-8, which must not stop a check."""
    before = conn.text_factory
    conn.text_factory = decode
    try:
        yield
    finally:
        conn.text_factory = before


def fields_of(value: Any) -> Row:
    """The fields of a dataclass by name, not copied."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def json_text(value: object) -> str:
    """A list or a mapping as it is stored."""
    return _as_json(value)


def ids_text(ids: Iterable[object]) -> str:
    """Ids as a JSON list; what is no text is no id of ours."""
    return json_text([name for name in ids if isinstance(name, str)])


def insert_into(table: str, columns: Iterable[str]) -> str:
    """A statement that inserts a row given as a dictionary: its values by the names of the columns."""
    listed = list(columns)
    names = ", ".join(f'"{column}"' for column in listed)
    values = ", ".join(f":{column}" for column in listed)
    return f"INSERT INTO {table} ({names}) VALUES ({values})"


def keep_row(table: str, columns: Iterable[str], key: str) -> str:
    """The same, which changes the row that has this key where there is one."""
    listed = list(columns)
    given = ", ".join(f'"{name}"=excluded."{name}"' for name in listed if name != key)
    inserted = insert_into(table, listed)
    return f"{inserted} ON CONFLICT ({key}) DO UPDATE SET {given}"


def update_of(table: str, changed: Iterable[str], key: str) -> str:
    """A statement that changes columns of the rows with that key, all given by name."""
    sets = ", ".join(f'"{name}"=:{name}' for name in changed)
    return f"UPDATE {table} SET {sets} WHERE {key}=:{key}"


def marks(values: Sequence[object]) -> str:
    """Question marks for a list of values: "(?, ?, ?)"."""
    listed = ", ".join("?" * len(values))
    return f"({listed})"


class Where:
    """A condition that grows clause by clause, and the values of its question marks. True of every row when empty."""

    def __init__(self) -> None:
        self._clauses: list[str] = []
        self.values: list[object] = []

    def add(self, clause: str, *values: object) -> None:
        """One more clause that has to hold."""
        self._clauses.append(clause)
        self.values += values

    def add_given(self, clause: str, value: str) -> None:
        """The same, left out when there is nothing to compare with."""
        if value:
            self.add(clause, value)

    def add_signed(self, clause: str, value: str) -> None:
        """The same of a value behind a minus: then it must not hold."""
        wanted = value.removeprefix("-")
        if wanted != value:
            clause = f"NOT {clause}"
        self.add(clause, wanted)

    def among(self, column: str, allowed: Sequence[str] | None) -> None:
        """The column is one of these; None allows any."""
        if allowed is not None:
            self.add(f"{column} IN {marks(allowed)}", *allowed)

    def __bool__(self) -> bool:
        """Whether it leaves any row out."""
        return bool(self._clauses)

    def __str__(self) -> str:
        """As SQL."""
        return " AND ".join(self._clauses) or "1"


def document_scope(scope: Scope) -> Where:
    """The scope as a condition over documents `d`."""
    where = Where()
    tagged = "EXISTS (SELECT 1 FROM tags t WHERE t.document_id = d.id AND t.tag = ?)"
    for tag in scope.tags:
        where.add_signed(tagged, tag)
    for place in scope.paths:
        where.add_signed("instr(lower(d.source), lower(?)) > 0", place)
    _add_types(where, scope.types)
    for wanted in scope.where:
        sql, values = clause(wanted)
        where.add(sql, *values)
    if scope.source:
        # the whole path, or the end of it
        fits = "(d.source GLOB ? OR d.source GLOB ?)"
        where.add(fits, scope.source, f"*/{scope.source}")
    if scope.since:
        # as much of either as there is: 2026-05 holds every day of May, and is held by each
        where.add("d.dated_at >= substr(?, 1, length(d.dated_at))", scope.since)
    if scope.until:
        where.add("substr(d.dated_at, 1, length(?)) <= ?", scope.until, scope.until)
    where.among("d.dated_by", scope.dated or None)
    _add_label(where, "d.label", scope.at_most)
    where.among("coalesce(d.compartment, '')", scope.compartments)
    return where


def _add_types(where: Where, types: Sequence[str]) -> None:
    """One of the kinds of files, and none of those behind a minus."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for kind in types:
        if kind.startswith("-"):
            unwanted += _globs(kind[1:])
        else:
            wanted += _globs(kind)
    if wanted:
        where.add(_any_glob(wanted), *wanted)
    if unwanted:
        where.add(f"NOT {_any_glob(unwanted)}", *unwanted)


def _add_label(where: Where, column: str, most: Label | None) -> None:
    """Nothing more confidential than that; what nobody labelled counts by whether the folders were walked."""
    if most is None or most is max(Label):
        return
    allowed = [str(label) for label in Label if label <= most]
    among = f"{column} IN {marks(allowed)}"
    if effective(UNLABELLED, walked=True) > most:
        where.add(among, *allowed)
        return
    walked = "EXISTS (SELECT 1 FROM settings WHERE name = ?)"
    where.add(f"({among} OR ({column} = ? AND {walked}))", *allowed, UNLABELLED, WALKED)


def _any_glob(globs: Sequence[str]) -> str:
    fits = ["lower(d.source) GLOB ?"] * len(globs)
    either = " OR ".join(fits)
    return f"({either})"


def _globs(kind: str) -> Iterator[str]:
    """Patterns of the sources of a kind; a message of a mailbox has its name behind that of the file."""
    if kind == NOTE:
        yield "note:*"
        yield "episode:*"
    for ending in endings(kind):
        yield f"*.{ending}"
        yield f"*.{ending}#*"


def episode_scope(scope: Scope, *, kind: str = "", person: str = "") -> Where:
    """The scope, a kind and a person as a condition over episodes `c`; what is empty does not restrict.

    Days are compared as they were written down, without regard to zones.
    """
    where = Where()
    holds = """EXISTS (
            SELECT 1 FROM json_each(iif(json_valid(c.{0}), c.{0}, '[]')) j
            WHERE lower(j.value) = lower(?)
        )"""
    for tag in scope.tags:
        where.add_signed(holds.format("tags"), tag)
    where.add_given("c.kind = ?", kind)
    where.add_given(holds.format("people"), person)
    where.add_given("c.source GLOB ?", scope.source)
    where.add_given("substr(c.at, 1, 10) >= ?", scope.since[:10])
    where.add_given("substr(c.at, 1, 10) <= ?", scope.until[:10])
    _add_label(where, "c.label", scope.at_most)
    where.among("coalesce(c.compartment, '')", scope.compartments)
    return where

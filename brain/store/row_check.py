"""Every stored row against the hash that it carries, and which backup holds a damaged one as it was. Never repairs.

Leaves out what follows from other columns, long texts and vectors, which have checks of their own (checks.py), and the
hash itself (`brain.store.row_hash`). Serves `brain doctor --deep`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from brain.store.copies import read_only
from brain.store.row_hash import COVERED, HASH, Row, listed, row_hash, sound
from brain.store.sql import named, texts_read
from brain.store.table import Table
from brain.types import Texts

# What a person knows a row by.
KNOWN_BY = {
    "documents": "document {source} ({id:.8})",
    "knowledge": "passage {ordinal} of document {of} ({document_id:.8})",
    "tags": "tag {tag} of document {of} ({document_id:.8})",
    "links": "link to {target} in document {of} ({document_id:.8})",
    "roots": "registered folder {path}",
    "settings": "setting {name}",
    "contexts": "description of {source}",
    "skipped": "note on the skipped file {source}",
    "episodes": "episode {id:.8} of {at:.10}",
    "skills": "skill {name}",
    "forgotten": "forgotten {kind} {title} ({id:.8})",
    "judgments": "feedback of {at:.10} on “{question:.60}”",
    "eval_runs": "evaluation of {at:.16}",
    "tombstones": "mark of an erased file of {day}",
    "folder_labels": "label of the folder {source}",
    "proposals": "proposal {id:.8} of {at:.10}",
}
TWO_KEYS = (
    "tags",
    "links",
    "eval_runs",
)  # tables whose rows the first two covered columns find
AS_TEXT = "CAST(? AS TEXT)"  # of bytes: what is no UTF-8 any more can be looked for all the same
ONLY_HASH = "its checksum alone"


@dataclass(frozen=True, slots=True)
class RowDamage:
    """A row that is not what was stored. `row`: its covered columns and its hash, as they stand now."""

    table: str
    name: str
    row: Row


class RowCheck(Table):
    """The check of one open database."""

    def damage(self) -> list[RowDamage]:
        """All rows whose hash is not theirs, or that have none. 100,000 rows take about a second."""
        with texts_read(self._conn, _kept):
            return [found for table in COVERED for found in self._of(table)]

    def _of(self, table: str) -> list[RowDamage]:
        select = f"SELECT {listed(table)} FROM {table}"
        bad = [row for row in self._each_named(select) if not sound(table, row)]
        return [RowDamage(table, self._name(table, row), row) for row in bad]

    def _name(self, table: str, row: Row) -> str:
        shown = {name: _readable(value) for name, value in row.items()}
        if "document_id" in row:
            sql = f"SELECT source FROM documents WHERE id={AS_TEXT}"
            found = self._first(sql, _raw(row["document_id"]))
            shown["of"] = _readable(found[0]) if found else "unknown"
        return KNOWN_BY[table].format_map(shown)

    @staticmethod
    def held(damage: RowDamage, path: Path) -> str | None:
        """What differs in the copy at `path`, which holds the row as it was: "title, label". None when it does not.

        The proof is the row's own hash; where that is what was damaged, the same row with another hash.
        """
        try:
            with closing(read_only(path)) as copy, texts_read(copy, _kept):
                for row in _candidates(copy, damage):
                    said = _differs(damage, row)
                    if said:
                        return said
        except sqlite3.Error:
            pass  # a damaged backup proves nothing
        return None


def keys_of(table: str) -> Texts:
    """The columns that find a row in another copy of the database: the first of those that the hash covers."""
    return COVERED[table][: 2 if table in TWO_KEYS else 1]


def _candidates(copy: sqlite3.Connection, damage: RowDamage) -> list[Row]:
    """Rows of a copy that may be the damaged one: by its key, and by its hash, since the key may be what was hit."""
    table = damage.table
    columns = [f'"{name}"' for name in COVERED[table]]
    where = " AND ".join(f'"{name}"={AS_TEXT}' for name in keys_of(table))
    values = [_raw(damage.row[name]) for name in keys_of(table)]
    present = {row[1] for row in copy.execute(f"PRAGMA table_info({table})")}
    if HASH in present:
        columns.append(HASH)
        where = f"({where}) OR {HASH}=?"
        values.append(damage.row[HASH])
    select = f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"
    return named(copy, select, *values)


def _differs(damage: RowDamage, row: Row) -> str:
    """Which columns are others in a row that is proven to be the stored one; "" when it is not."""
    proof = row_hash(damage.table, row)
    others = [name for name in COVERED[damage.table] if row[name] != damage.row[name]]
    if proof == damage.row[HASH]:
        return ", ".join(others)
    if others or row.get(HASH) != proof:
        return ""
    return ONLY_HASH


def _kept(data: bytes) -> str:
    """Text whose flipped bit left no UTF-8 is read all the same, and stays another than it was."""
    return data.decode("utf-8", "surrogateescape")


def _raw(value: object) -> object:
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "surrogateescape")


def _readable(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode("utf-8")

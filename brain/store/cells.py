"""Reading rows whose values may be damaged: a row that is not what it must be is left out and named, and work goes on.

A flipped bit, a bad sector or another program may leave anything in a cell: another type, JSON that breaks off, bytes
that are no UTF-8. Every table reads its rows through this; the doctor, which looks for damage, does not. Leaves out
checksums (row_check.py). Serves the tables of the store.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from brain.errors import StoreError
from brain.store.row_hash import Row
from brain.types import Texts

# Columns by what they hold, whatever their table; any other holds text.
LISTS = frozenset("aliases notices heading citations people tags documents".split())
MAPS = frozenset("metadata confidence files signals options".split())
NUMBERS = frozenset("start end tokens ordinal chunks answerable size mtime_ns".split())
TIMES = frozenset("at added_at updated_at looked_at".split())
MAY_BE_MISSING = frozenset(
    "compartment client date dated_at looked_at options route model outcome supersedes document_id answerable size "
    "mtime_ns row_hash".split()
)
PASSED = frozenset("pk row_hash ctime_ns inode looked_ns payload vector".split())
LISTS_KEPT = (
    1_024  # lists that are remembered: many passages stand under the same headings
)
VERDICTS = ("good", "wrong", "missing")
KNOWN_BY = (
    "source",
    "path",
    "name",
    "id",
    "uri",
)  # what a row is called by, best first
NOUNS = {
    "documents": "document",
    "knowledge": "a passage of",
    "episodes": "episode",
    "skills": "skill",
    "judgments": "feedback",
    "proposals": "proposal",
    "roots": "folder",
    "contexts": "description of",
    "folder_labels": "label of",
    "skipped": "skipped file",
    "forgotten": "forgotten",
    "settings": "setting",
    "tags": "a tag of",
    "eval_runs": "evaluation",
}
HALF_PAIR = r"\ud"  # JSON can spell one half of a surrogate pair, which is no text and can be written nowhere
# What is no UTF-8 any more is read with a mark in its place: the doctor tells of it by its checksum.
as_text = partial(str, encoding="utf-8", errors="replace")


class Damaged(ValueError):
    """A cell that is not what its column holds; the message is the column's name."""


class CarefulConnection(sqlite3.Connection):
    """A connection that knows which rows were left out: what a row is called -> the column that is damaged."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.left_out: dict[str, str] = {}
        self.text_factory = as_text


def sound_cells(row: Row) -> Row:
    """The row with its JSON read: lists as tuples of texts, mappings as they are. Raises `Damaged`."""
    found = dict(row)
    for name, value in row.items():
        # Most cells are plain text, which is as it should be: a search reads thousands.
        if name in LOOKED_AT or not isinstance(value, str):
            found[name] = _cell(name, value)
    return found


def leave_out(conn: sqlite3.Connection, table: str, row: Row, column: object) -> None:
    """Note that a row was left out, for the person who asked."""
    if not isinstance(conn, CarefulConnection):
        return
    known = next((row[name] for name in KNOWN_BY if row.get(name)), "")
    noun = NOUNS.get(table, table)
    called = str(known)[:200]
    conn.left_out[f"{noun} {called}"] = str(column)


def damaged(what: object) -> StoreError:
    """What a person reads who asks for one thing by name whose row is damaged."""
    hint = "`brain doctor --deep` names the backup that has it as it was"
    return StoreError(f"what is stored of {what} is damaged", hint)


def json_of(text: object, kind: type, name: str = "") -> Any:
    """What a JSON text holds, which must be of this kind. Raises `Damaged`."""
    if not isinstance(text, str):
        raise Damaged(name)
    try:
        found = json.loads(text)
        if HALF_PAIR in text.lower():
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Damaged(name) from None
    if not isinstance(found, kind):
        raise Damaged(name)
    return found


def _cell(name: str, value: Any) -> Any:
    if name in PASSED or (value is None and name in MAY_BE_MISSING):
        return value
    if name in LISTS:
        return texts_of(name, value)
    if name in MAPS:
        return mapping_of(name, value)
    if name in NUMBERS:
        wanted: type = int
    else:
        wanted = str
    if not isinstance(value, wanted):
        raise Damaged(name)
    if name in RULES and not RULES[name](value):
        raise Damaged(name)
    return value


@lru_cache(maxsize=LISTS_KEPT)
def texts_of(name: str, value: object) -> Texts:
    """A column of that name that holds a list of texts. Raises `Damaged`."""
    found = json_of(value, list, name)
    if not all(isinstance(item, str) for item in found):
        raise Damaged(name)
    return tuple(found)


def mapping_of(name: str, value: object) -> Mapping[str, Any]:
    """A column of that name that holds a mapping. Raises `Damaged`."""
    found: dict[str, Any] = json_of(value, dict, name)
    plain = str if name in ("metadata", "files") else object
    if name == "signals":
        plain = (int, float)  # type: ignore[assignment]
    if not all(isinstance(item, plain) for item in found.values()):
        raise Damaged(name)
    return found


def _is_time(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


RULES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(TIMES, _is_time),
    "verdict": VERDICTS.__contains__,
    "id": bool,
    "name": bool,
}
# Columns in which text can be wrong too.
LOOKED_AT = frozenset((*LISTS, *MAPS, *NUMBERS, *RULES))

"""The history of the schema, numbered and append-only, applied with sqlite-utils' own `Migrations`.

Each file here defines `apply(db)`; its number is the schema version that it leads to, kept in `PRAGMA user_version`.
What a released migration does never changes: stores made by every released version exist and must end up alike.
Leaves out opening the database, pragmas and every query. Serves `brain.store`, which does those.
"""

from __future__ import annotations

import sqlite3
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

NAMES = (
    "m0001_first",
    "m0002_row_hashes",
    "m0003_other_scripts",
    "m0004_left_out",
    "m0005_spellings",
    "m0006_model_speeds",
    "m0007_properties",
    "m0008_tombstones",
    "m0009_readers",
    "m0010_sentences",
    "m0011_governance",
    "m0012_labels",
    "m0013_forgotten_places",
    "m0014_comparisons",
    "m0015_proposals",
)
LATEST = len(NAMES)
# "BRN1" in the header of the file, so that `file` and others can tell what it is.
APPLICATION_ID = 0x42524E31


def migrate(db: Database, *, stop_after: int = LATEST) -> None:
    """Bring `db` to version `stop_after`; nothing happens when it is there. The caller holds the write transaction."""
    from sqlite_utils.migrations import Migrations

    history = Migrations("brain")
    for name in NAMES[:stop_after]:
        migration = import_module(f"migrations.{name}")
        history(name=name)(migration.apply)
    history.apply(db)
    db.execute(f"PRAGMA user_version = {stop_after}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def make_schema(conn: sqlite3.Connection, version: int) -> None:
    """Make the schema of a version in an empty database, to be compared with: without sqlite-utils and its notes."""
    database = SimpleNamespace(conn=conn, execute=conn.execute)
    for name in NAMES[:version]:
        import_module(f"migrations.{name}").apply(database)

"""Schema 11: the ledger of what left this machine, published policies, approvals, the money reserved, and outcomes.

The ledger takes new rows alone: two triggers refuse any change of an old one. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

TABLES = (
    """CREATE TABLE ledger (
        id INTEGER PRIMARY KEY,
        record TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
    """CREATE TABLE policies (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        how TEXT NOT NULL,
        digest TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    """CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        what TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        approved_at INTEGER,
        taken_at INTEGER
    ) WITHOUT ROWID""",
    """CREATE TABLE reservations (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        day TEXT NOT NULL,
        task TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        usd_micro INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        final_usd_micro INTEGER,
        final_tokens INTEGER
    )""",
    """CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        day TEXT NOT NULL,
        episode TEXT NOT NULL,
        task TEXT NOT NULL,
        complexity TEXT NOT NULL,
        label TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        model_digest TEXT NOT NULL,
        prompt_digest TEXT NOT NULL,
        policy TEXT NOT NULL,
        grade TEXT NOT NULL,
        found INTEGER,
        supported INTEGER,
        verified INTEGER,
        usd_micro INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL,
        tokens_out INTEGER NOT NULL,
        milliseconds INTEGER NOT NULL,
        rating TEXT NOT NULL
    )""",
)
INDEXES = (
    "CREATE INDEX reservations_by_day ON reservations(day)",
    "CREATE INDEX reservations_by_time ON reservations(at)",
    "CREATE INDEX outcomes_by_day ON outcomes(day)",
    "CREATE INDEX outcomes_by_episode ON outcomes(episode)",
)
TRIGGERS = (
    """CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger keeps every row'); END""",
    """CREATE TRIGGER ledger_changes_no_row BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger changes no row'); END""",
)


def apply(db: Database) -> None:
    """Empty tables: of what was done before, nothing is known."""
    for statement in (*TABLES, *INDEXES, *TRIGGERS):
        db.execute(statement)

"""Schema 6: how fast each model was measured to be on this machine.

Nothing that a person put in: a row is made anew by the next answer, no hash covers it, and no backup is another one
because of it. Leaves out measuring. Serves `migrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# One row for each name; `digest` are the first characters of the model's own. Speeds are per second, NULL where
# nothing was measured: tokens of a prompt, tokens of an answer, chunks.
MODEL_SPEEDS = """CREATE TABLE model_speeds (
   model TEXT PRIMARY KEY,
   digest TEXT NOT NULL,
   prompt REAL,
   answer REAL,
   chunks REAL,
   measured_at TEXT NOT NULL
)"""


def apply(db: Database) -> None:
    """An empty table."""
    db.execute(MODEL_SPEEDS)

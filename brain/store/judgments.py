"""What a person said of answers, and what was measured on it: the tables `judgments` and `eval_runs`.

One judgment for each answer: judging it again replaces what was said. A judgment is hidden while its question or the
place that it points at is forgotten, and goes when they are destroyed (a trigger of the schema). Leaves out judging and
measuring. Serves `brain feedback`, `brain eval run`, `brain eval calibrate` and the corrections of `ask`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from brain.reports import Judgment
from brain.store.connection import Connection
from brain.store.row_hash import HASH, hashed, row_hash

RUNS_KEPT = 50  # of one name: enough to see a trend, small enough to stay out of the way
COLUMNS = (
    "id",
    "at",
    "question",
    "verdict",
    "answerable",
    "documents",
    "document_id",
    "source",
    "locator",
    "quote",
    "why",
    "episode",
    "signals",
)
WRITTEN = (*COLUMNS, HASH)
UPSERT = (
    f"INSERT INTO judgments ({', '.join(WRITTEN)}) VALUES ({', '.join('?' * len(WRITTEN))}) "
    f"ON CONFLICT(episode) DO UPDATE SET {', '.join(f'{name}=excluded.{name}' for name in WRITTEN if name != 'id')}"
)
READ = f"""SELECT {", ".join(COLUMNS)} FROM judgments j WHERE NOT EXISTS
    (SELECT 1 FROM forgotten f WHERE f.id = j.episode OR f.id = j.document_id)"""


class JudgmentTable:
    """All SQL of judgments and of evaluation runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, judgment: Judgment) -> Judgment:
        """Keep what was said of one answer, in place of what was said of it before; returns it with the id it has."""
        values = (
            judgment.id,
            judgment.at,
            judgment.question,
            judgment.verdict,
            None if judgment.answerable is None else int(judgment.answerable),
            json.dumps(list(judgment.documents)),
            judgment.document_id,
            judgment.source,
            judgment.locator,
            judgment.quote,
            judgment.why,
            judgment.episode,
            json.dumps(dict(judgment.signals), sort_keys=True),
        )
        row = dict(zip(COLUMNS, values, strict=True))
        with self._connection.write():
            said = self._connection.conn.execute(
                "SELECT id FROM judgments WHERE episode = ?", (judgment.episode,)
            ).fetchone()
            row["id"] = said[0] if said else judgment.id
            self._connection.conn.execute(UPSERT, (*row.values(), row_hash("judgments", row)))
        found = self._read("AND j.episode = ?", (judgment.episode,))
        return found[0] if found else judgment

    def take_back(self, judgment: Judgment) -> bool:
        """Keep one that was exported. False when that answer was judged here, or the judgment is here already."""
        sql = "SELECT 1 FROM judgments WHERE episode = ? OR id = ?"
        if self._connection.conn.execute(sql, (judgment.episode, judgment.id)).fetchone():
            return False
        self.keep(judgment)
        return True

    def all(self) -> list[Judgment]:
        """Every judgment that is not hidden, in the order in which they were first made."""
        return self._read("ORDER BY j.pk")

    def corrections(self) -> list[Judgment]:
        """Those that point at the right place, newest first."""
        return self._read(
            "AND j.document_id <> '' AND j.verdict <> 'good' ORDER BY j.at DESC, j.pk DESC"
        )

    def keep_run(self, name: str, report: dict[str, Any], *, at: str) -> None:
        """Keep the report of one run; only the last `RUNS_KEPT` of a name stay."""
        with self._connection.write():
            conn = self._connection.conn
            text = json.dumps(report, ensure_ascii=False, sort_keys=True)
            row = hashed("eval_runs", {"at": at, "name": name, "report": text})
            conn.execute(
                "INSERT INTO eval_runs (at, name, report, row_hash) VALUES (:at, :name, :report, :row_hash)",
                row,
            )
            conn.execute(
                "DELETE FROM eval_runs WHERE name = ? AND pk NOT IN "
                "(SELECT pk FROM eval_runs WHERE name = ? ORDER BY pk DESC LIMIT ?)",
                (name, name, RUNS_KEPT),
            )

    def last_run(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """(when, report) of the last run of this name, or None."""
        row = self._connection.conn.execute(
            "SELECT at, report FROM eval_runs WHERE name = ? ORDER BY pk DESC LIMIT 1", (name,)
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def _read(self, rest: str, values: Sequence[Any] = ()) -> list[Judgment]:
        return [
            _judgment(row) for row in self._connection.conn.execute(f"{READ} {rest}", tuple(values))
        ]


def _judgment(row: Sequence[Any]) -> Judgment:
    facts = dict(zip(COLUMNS, row, strict=True))
    facts["answerable"] = None if facts["answerable"] is None else bool(facts["answerable"])
    facts["documents"] = tuple(json.loads(facts["documents"]))
    facts["signals"] = json.loads(facts["signals"])
    return Judgment(**facts)

"""What a person said of answers, and what was measured on it: the tables `judgments` and `eval_runs`.

One judgment for each answer: judging it again replaces what was said. A judgment is hidden while its question or the
place that it points at is forgotten, and goes when they are destroyed (a trigger of the schema). Leaves out judging and
measuring. Serves `brain feedback`, `brain eval run`, `brain eval calibrate` and the corrections of `ask`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.store.cells import Damaged, json_of, leave_out
from brain.store.row_hash import COVERED, HASH, Row, hashed
from brain.store.sql import fields_of, insert_into, json_text
from brain.store.table import Table

if TYPE_CHECKING:
    from brain.reports import Judgment

RUNS_KEPT = (
    50  # of one name: enough to see a trend, small enough to stay out of the way
)
COLUMNS = COVERED["judgments"]
READ = f"""
    SELECT {", ".join(COLUMNS)}
    FROM judgments j
    WHERE NOT EXISTS
        (SELECT 1 FROM forgotten f WHERE f.id = j.episode OR f.id = j.document_id)
"""


class JudgmentTable(Table):
    """All SQL of judgments and of evaluation runs."""

    def keep(self, judgment: Judgment) -> Judgment:
        """Keep what was said of one answer, in place of what was said of it before; returns it with the id it has."""
        row = fields_of(judgment) | {
            "answerable": None
            if judgment.answerable is None
            else int(judgment.answerable),
            "documents": json_text(judgment.documents),
            "signals": json_text(dict(judgment.signals)),
        }
        insert = insert_into("judgments", (*COLUMNS, HASH))
        others = ", ".join(f"{name}=excluded.{name}" for name in (*COLUMNS[1:], HASH))
        with self._write():
            said = self._first(
                "SELECT id FROM judgments WHERE episode = ?", judgment.episode
            )
            if said:
                row["id"] = said[0]
            upsert = f"{insert} ON CONFLICT(episode) DO UPDATE SET {others}"
            self._conn.execute(upsert, hashed("judgments", row))
        found = self._read("AND j.episode = ?", judgment.episode)
        return next(iter(found), judgment)

    def take_back(self, judgment: Judgment) -> bool:
        """Keep one that was exported. False when that answer was judged here, or the judgment is here already."""
        if self.knows(judgment):
            return False
        self.keep(judgment)
        return True

    def knows(self, judgment: Judgment) -> bool:
        """Whether that answer was judged here, or the judgment is here already."""
        sql = "SELECT 1 FROM judgments WHERE episode = ? OR id = ?"
        return self._first(sql, judgment.episode, judgment.id) is not None

    def all(self) -> list[Judgment]:
        """Every judgment that is not hidden, in the order in which they were first made."""
        return self._read("ORDER BY j.pk")

    def corrections(self) -> list[Judgment]:
        """Those that point at the right place, newest first."""
        return self._read(
            "AND j.document_id <> '' AND j.verdict <> 'good' ORDER BY j.at DESC, j.pk DESC"
        )

    def keep_run(self, name: str, report: Row, *, at: str) -> None:
        """Keep the report of one run; only the last `RUNS_KEPT` of a name stay."""
        text = json_text(report)
        row = hashed("eval_runs", {"at": at, "name": name, "report": text})
        with self._write():
            self._conn.execute(insert_into("eval_runs", row), row)
            old = """
                DELETE FROM eval_runs
                WHERE name = ?1 AND pk NOT IN
                    (SELECT pk FROM eval_runs WHERE name = ?1 ORDER BY pk DESC LIMIT ?2)
            """
            self._run(old, name, RUNS_KEPT)

    def last_run(self, name: str) -> tuple[str, Row] | None:
        """(when, report) of the last run of this name, or None."""
        sql = "SELECT at, report FROM eval_runs WHERE name = ? ORDER BY pk DESC"
        for row in self._sound("eval_runs", self._each_named(sql, name)):
            try:
                return row["at"], json_of(row["report"], dict, "report")
            except Damaged as column:
                leave_out(self._conn, "eval_runs", {"name": name}, column)
        return None

    def _read(self, rest: str, *values: object) -> list[Judgment]:
        rows = self._sound("judgments", self._each_named(f"{READ} {rest}", *values))
        return [_judgment(row) for row in rows]


def _judgment(facts: Row) -> Judgment:
    if facts["answerable"] is not None:
        facts["answerable"] = bool(facts["answerable"])
    from brain.reports import (
        Judgment,  # a question that nobody corrected loads no report
    )

    return Judgment(**facts)

"""Counting over everything: which documents mention a phrase or carry a tag, all of them, not the first ten.

Leaves out recognising such questions and wording the answer (`brain.answering.whole_store`). Serves `Brain.ask`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from brain.store.library import conditions
from brain.types import Scope
from ingest.terms import forms, tokens


class WholeStore:
    """Counts over any open connection to the file."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def mentioning(
        self, phrases: Sequence[str], *, any_of: bool, tag: str, scope: Scope
    ) -> tuple[list[str], int]:
        """(a chunk id of each document in the scope that mentions all the phrases, or any; how many were looked at)."""
        where, values = conditions(scope)
        covered = int(
            self._conn.execute(
                f"SELECT count(*) FROM documents d WHERE {where}", values
            ).fetchone()[0]
        )
        if tag:
            where, values = (
                f"{where} AND EXISTS (SELECT 1 FROM tags t WHERE t.document_id=d.id AND lower(t.tag)=lower(?))",
                [*values, tag],
            )
        rows = self._conn.execute(
            f"SELECT d.id, (SELECT k.id FROM knowledge k WHERE k.document_id=d.id ORDER BY k.ordinal LIMIT 1) FROM documents d WHERE {where} "
            "ORDER BY d.dated_at DESC, d.source",
            values,
        ).fetchall()
        if not phrases:
            return [chunk for _document, chunk in rows if chunk], covered
        found = [self._documents(phrase) for phrase in phrases]
        together = set.union(*map(set, found)) if any_of else set.intersection(*map(set, found))
        first = {document: chunk for one in reversed(found) for document, chunk in one.items()}
        return [first[document] for document, _chunk in rows if document in together], covered

    def _documents(self, phrase: str) -> dict[str, str]:
        """Document id -> its first chunk that holds the words of the phrase next to each other."""
        words, written = (
            " ".join(found).replace('"', "") for found in (tokens(phrase), forms(phrase))
        )
        if not words:
            return {}
        rows = self._conn.execute(
            "SELECT k.document_id, k.id FROM knowledge_fts f JOIN knowledge k ON k.pk = f.rowid "
            "WHERE knowledge_fts MATCH ? ORDER BY k.document_id, k.ordinal DESC",
            (f'terms : "{words}" OR topic : "{written or words}"',),
        )
        return dict(rows.fetchall())

"""The text of one document in parts, as a reader counts them: lines, pages, slides.

Leaves which part a number means to `excerpts`. Serves `get`, and the page that shows a document whole.
"""

from __future__ import annotations

from brain.store.excerpts import each
from brain.store.table import Reader


class PartTable(Reader):
    """Reads the chunks of a document in its order."""

    def chunks(self, document_id: str) -> list[tuple[str, str]]:
        """(locator, text) of each chunk that is sound."""
        sql = """
            SELECT locator, content
            FROM knowledge
            WHERE document_id=?
            ORDER BY ordinal
        """
        rows = self._sound("knowledge", self._each_named(sql, document_id))
        return [(row["locator"], row["content"]) for row in rows]

    def parts(self, document_id: str) -> list[tuple[str, str]]:
        """(locator, text) of each line, or of each page, slide or other place of a document without lines."""
        return each(self.chunks(document_id))

"""The words by which documents can be chosen: tags, kinds, names of files, properties and their values.

Leaves out choosing by them (`sql`, conditions.py), and the shell's completion (names.py), which must not open a store.
Serves what is said of a condition that no document meets.
"""

from __future__ import annotations

from pathlib import PurePath

from brain.store.sql import document_scope
from brain.store.table import Table
from brain.types import NO_FILE, Scope
from ingest.media import NOTE


class VocabularyTable(Table):
    """Reads; what is used most comes first."""

    def fits(self, scope: Scope) -> bool:
        """Whether any document is in the scope."""
        where = document_scope(scope)
        sql = f"SELECT 1 FROM documents d WHERE {where} LIMIT 1"
        return self._first(sql, *where.values) is not None

    def tags(self) -> list[str]:
        """The tags of documents."""
        sql = """
            SELECT tag FROM tags WHERE typeof(tag) = 'text'
            GROUP BY tag ORDER BY count(*) DESC, tag
        """
        return self._column(sql)

    def types(self) -> list[str]:
        """The suffixes of files, and "note" for what is no file; in the order of the alphabet."""
        found = map(_suffix, self._sources())
        return sorted(set(filter(None, found)))

    def file_names(self) -> list[str]:
        """The names of files and of the folders above them, without their places; in the order of the alphabet."""
        parts = {part for source in self._sources() for part in source.split("/")}
        return sorted(filter(None, parts))

    def properties(self) -> list[str]:
        """The names of properties."""
        sql = "SELECT name FROM properties GROUP BY name ORDER BY count(*) DESC, name"
        return self._column(sql)

    def values_of(self, name: str) -> list[str]:
        """The values of a property."""
        sql = """
            SELECT value FROM properties WHERE name=?
            GROUP BY value ORDER BY count(*) DESC, value
        """
        return self._column(sql, name)

    def people(self) -> list[str]:
        """Who was there when something was said."""
        sql = """
            SELECT j.value FROM episodes e, json_each(iif(json_valid(e.people), e.people, '[]')) j
            WHERE j.type = 'text' AND j.value <> ''
            GROUP BY j.value ORDER BY count(*) DESC, j.value
        """
        return self._column(sql)

    def _sources(self) -> list[str]:
        return self._column("SELECT source FROM documents WHERE typeof(source)='text'")


def _suffix(source: str) -> str:
    """The suffix of a file; of a message that of its mailbox."""
    if source.startswith(NO_FILE):
        return NOTE
    name = PurePath(source.partition("#")[0])
    return name.suffix.lower().removeprefix(".")

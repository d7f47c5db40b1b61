"""The store: one SQLite file that is the truth, and the tables that read and write it, opened on first use.

Leaves out every decision about what to store or find. Opening and reading need the standard library alone. Serves the
app, which hands the tables on to the rooms that work with them.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from brain.store.connection import Connection, connect

if TYPE_CHECKING:
    from brain.store.documents import DocumentTable
    from brain.store.library import Library
    from brain.store.search import KnowledgeSearch
    from brain.store.trash import Trash
    from brain.store.vectors import VectorTable
    from brain.store.whole import WholeStore


class Store:
    """`Store.open(path)`; then `documents.save`, `library`, `search`, `vectors`, `trash`. Writes happen in `write()`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.write = connection.write

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the file and migrate it. Raises `StoreError`."""
        return cls(connect(path))

    @cached_property
    def documents(self) -> DocumentTable:
        """Saving documents."""
        from brain.store.documents import DocumentTable

        return DocumentTable(self.connection)

    @cached_property
    def library(self) -> Library:
        """Lists, references, excerpts, tags, roots."""
        from brain.store.library import Library

        return Library(self.connection)

    @cached_property
    def search(self) -> KnowledgeSearch:
        """Passages for a question."""
        from brain.store.search import KnowledgeSearch

        return KnowledgeSearch(self.connection.conn)

    @cached_property
    def whole(self) -> WholeStore:
        """Counts over everything."""
        from brain.store.whole import WholeStore

        return WholeStore(self.connection.conn)

    @cached_property
    def vectors(self) -> VectorTable:
        """Embeddings, the outbox, generations."""
        from brain.store.vectors import VectorTable

        return VectorTable(self.connection)

    @cached_property
    def trash(self) -> Trash:
        """What was forgotten and can come back."""
        from brain.store.trash import Trash

        return Trash(self.connection)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

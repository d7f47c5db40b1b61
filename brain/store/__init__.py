"""The store: one SQLite file that holds everything, and the tables that read and write it, opened on first use.

Leaves out every decision about what to store or find. Opening and reading need the standard library alone. Serves the
app, which hands the tables on to the rooms that work with them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from brain.store.connection import (
    Connection,
    connect,
    connect_read_only,
    with_small_cache,
)
from brain.store.sql import first

if TYPE_CHECKING:
    from brain.store.comparisons import ComparisonTable
    from brain.store.days import DayTable
    from brain.store.documents import DocumentTable
    from brain.store.episodes import EpisodeTable
    from brain.store.fts_search import EpisodeSearch, KnowledgeSearch, WholeStore
    from brain.store.inbox import InboxTable
    from brain.store.labels import LabelTable
    from brain.store.ledger import LedgerTable
    from brain.store.library import LibraryTable
    from brain.store.parts import PartTable
    from brain.store.policies import ApprovalTable, PolicyTable
    from brain.store.skills import SkillTable
    from brain.store.skipped import SkippedTable
    from brain.store.speeds import SpeedTable
    from brain.store.spending import OutcomeTable, ReservationTable
    from brain.store.tombstones import TombstoneTable
    from brain.store.trash import Trash
    from brain.store.vectors import VectorTable
    from brain.store.vocabulary import VocabularyTable


# setting: when an erasure began whose last step is not known to be done, and the id of the process that began it
PENDING = "erasing"


def local_now() -> datetime:
    """The present, with the offset of this machine's zone."""
    return datetime.now().astimezone()


def _which(path: Path) -> tuple[int, int] | None:
    """What tells a file from every other one of this machine; None where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


class Store:
    """`Store.open(path)`; then `documents.save`, `library`, `search`, `episodes` … Writes happen in `write()`.

    `now` gives the present with its offset: what is recorded without a time of its own gets it.
    """

    def __init__(
        self, connection: Connection, *, now: Callable[[], datetime] = local_now
    ) -> None:
        self.connection = connection
        self._file = _which(connection.path)
        self.write = connection.write
        self._now = now

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], datetime] = local_now) -> Store:
        """Open or create the file and migrate it. Raises `StoreError`."""
        return cls(connect(path), now=now)

    def beside_others(self) -> None:
        """It is one of several that a process has open: it takes less memory."""
        with_small_cache(self.connection)

    @classmethod
    def open_read_only(
        cls, path: Path, *, now: Callable[[], datetime] = local_now
    ) -> Store:
        """Open the file on a disk that takes no writing. Raises `StoreError`, also for what is to be written later."""
        return cls(connect_read_only(path), now=now)

    @cached_property
    def documents(self) -> DocumentTable:
        """Saving documents."""
        from brain.store.documents import DocumentTable

        return DocumentTable(self.connection)

    @cached_property
    def library(self) -> LibraryTable:
        """Lists, references, excerpts, tags, roots."""
        from brain.store.library import LibraryTable

        return LibraryTable(self.connection)

    @cached_property
    def parts(self) -> PartTable:
        """Documents by lines, pages and slides."""
        from brain.store.parts import PartTable

        return PartTable(self.connection.conn)

    @cached_property
    def labels(self) -> LabelTable:
        """How confidential what is stored is."""
        from brain.store.labels import LabelTable

        return LabelTable(self.connection)

    @cached_property
    def vocabulary(self) -> VocabularyTable:
        """Tags, kinds, names and properties that there are."""
        from brain.store.vocabulary import VocabularyTable

        return VocabularyTable(self.connection)

    @cached_property
    def episodes(self) -> EpisodeTable:
        """What happened."""
        from brain.store.episodes import EpisodeTable

        return EpisodeTable(self.connection, now=self._now)

    @cached_property
    def inbox(self) -> InboxTable:
        """What agents propose to remember."""
        from brain.store.inbox import InboxTable

        return InboxTable(self.connection)

    @cached_property
    def skills(self) -> SkillTable:
        """How to do things."""
        from brain.store.skills import SkillTable

        return SkillTable(self.connection, now=self._now)

    @cached_property
    def search(self) -> KnowledgeSearch:
        """Passages for a question."""
        from brain.store.fts_search import KnowledgeSearch

        return KnowledgeSearch(self.connection.conn)

    def search_episodes(self, *, kind: str = "", person: str = "") -> EpisodeSearch:
        """Episodes for a question, of one kind or with one person when these are given."""
        from brain.store.fts_search import EpisodeSearch

        return EpisodeSearch(self.connection.conn, kind=kind, person=person)

    @cached_property
    def whole(self) -> WholeStore:
        """Counts over everything."""
        from brain.store.fts_search import WholeStore

        return WholeStore(self.connection.conn)

    @cached_property
    def vectors(self) -> VectorTable:
        """Embeddings, the outbox, snapshots of the index."""
        from brain.store.vectors import VectorTable

        return VectorTable(self.connection)

    @cached_property
    def skipped(self) -> SkippedTable:
        """Files that did not go in, or not whole."""
        from brain.store.skipped import SkippedTable

        return SkippedTable(self.connection)

    @cached_property
    def speeds(self) -> SpeedTable:
        """How fast models are here."""
        from brain.store.speeds import SpeedTable

        return SpeedTable(self.connection, now=self._now)

    @cached_property
    def tombstones(self) -> TombstoneTable:
        """Marks of erased files."""
        from brain.store.tombstones import TombstoneTable

        return TombstoneTable(self.connection)

    @cached_property
    def ledger(self) -> LedgerTable:
        """What left this machine, and what was decided."""
        from brain.store.ledger import LedgerTable

        return LedgerTable(self.connection)

    @cached_property
    def reservations(self) -> ReservationTable:
        """The money and the tokens that were reserved."""
        from brain.store.spending import ReservationTable

        return ReservationTable(self.connection)

    @cached_property
    def outcomes(self) -> OutcomeTable:
        """What each answer was worth and took."""
        from brain.store.spending import OutcomeTable

        return OutcomeTable(self.connection)

    @cached_property
    def comparisons(self) -> ComparisonTable:
        """How answers of this machine compared with those of a cloud."""
        from brain.store.comparisons import ComparisonTable

        return ComparisonTable(self.connection)

    @cached_property
    def policies(self) -> PolicyTable:
        """The policies that were put into force."""
        from brain.store.policies import PolicyTable

        return PolicyTable(self.connection)

    @cached_property
    def approvals(self) -> ApprovalTable:
        """What waits for a person, and what one approved."""
        from brain.store.policies import ApprovalTable

        return ApprovalTable(self.connection)

    @cached_property
    def trash(self) -> Trash:
        """What was forgotten and can come back."""
        from brain.store.trash import Trash

        return Trash(self.connection)

    @cached_property
    def days(self) -> DayTable:
        """On how many days it was used."""
        from brain.store.days import DayTable

        return DayTable(self.connection)

    def begun_erasure(self) -> str:
        """What is noted of an erasure that is not finished, "" when there is none; nothing of a damaged table."""
        sql = "SELECT value FROM settings WHERE name=?"
        with suppress(sqlite3.Error):
            row = first(self.connection.conn, sql, PENDING)
            if not row:
                return ""
            return str(row[0])
        return ""

    def is_at(self, path: Path) -> bool:
        """Whether the file at that path is the one that is open, and no other was put into its place."""
        return self._file == _which(path)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

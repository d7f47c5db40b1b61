"""What was erased since a backup was made stays erased when that backup is restored, and what was recorded stays.

The present store knows its erasures by random ids and by marks; both are applied to the staged copy before it becomes
the store, and go on in it. So do its ledger, its policies, approvals and what was spent. Leaves putting the copy in
place to `restore.py`. Serves `brain restore`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from brain.errors import BrainError
from brain.keeping.erase import erased, note_erased
from brain.store import Store
from brain.store.carried import Carried, any_past
from brain.store.connection import Connection, connect, reader
from brain.store.copies import without_log
from brain.store.erasure import Eraser, ErasureTargets
from brain.store.freed import scrub
from brain.store.tombstones import Marks

NoteRaised = Callable[[Store, Mapping[str, list[str]]], None]
"""Notes in the ledger of the copy what became stricter in it: label -> ids and paths."""

UNKNOWN = "what was erased since could not be read from the present store, so it may have come back"
ANOTHER_PAST = "its ledger is of another store; the one of this store is in the database that is kept beside it"
UNKNOWN_PAST = "the ledger of the present store could not be read and stays beside it; what was spent is unknown"
LEFT_OUT = "{:,} things that were erased since it was made were left out of it"


def leave_out(staging: Path, database: Path) -> str:
    """Erase in the staged copy what the present store at `database` erased; what a person is told of it, or "".

    Raises `StoreError`.
    """
    if not database.exists():
        return ""
    try:
        with closing(reader(database)) as conn:
            targets, marks, present = _known(Store(Connection(conn, database)))
    except (sqlite3.Error, BrainError, ValueError, TypeError):
        return UNKNOWN
    if not targets and not marks.days:
        return ""
    with _staged(staging) as connection:
        count = _erase(Store(connection), targets, marks, present)
        scrub(connection, staging.parent)
    return LEFT_OUT.format(count) if count else ""


def keep_past(staging: Path, database: Path, note: NoteRaised) -> str:
    """Bring into the staged copy what the present store recorded; what a person is told of it, or "". `note` is called
    with the labels that became stricter.

    Raises `StoreError`.
    """
    if not database.exists():
        return ""
    try:
        with closing(reader(database)) as present:
            if not any_past(present):
                return ""
            with _staged(staging) as connection:
                goes_on = Carried(connection).take_over(present)
                labels = Store(Connection(present, database)).labels
                with connection.write():
                    note(Store(connection), Carried(connection).raise_labels(labels))
    except sqlite3.Error:
        return UNKNOWN_PAST
    return "" if goes_on else ANOTHER_PAST


@contextmanager
def _staged(staging: Path) -> Iterator[Connection]:
    """The staged copy, open and upgraded; one file again when the block ends."""
    connection = connect(staging)
    try:
        # It was upgraded, and the copy that is made before may hold what is to go.
        for aside in staging.parent.glob(f"{staging.name}.before-schema-*"):
            aside.unlink()
        yield connection
    finally:
        connection.close()
    without_log(staging)


def _known(store: Store) -> tuple[ErasureTargets, Marks, set[str]]:
    """(ids that were erased and did not come back, marks, addresses of what is there) of the present store."""
    targets = erased(store)
    conn = store.connection.conn
    if targets:
        targets.discard(Eraser(conn).find(targets.copy()))
    try:
        marks = store.tombstones.marks()
    except sqlite3.OperationalError:  # of a schema that has none yet
        marks = Marks((), {})
    return targets, marks, store.library.uris()


def _erase(
    store: Store, targets: ErasureTargets, marks: Marks, present: set[str]
) -> int:
    """How many documents and rounds went."""
    eraser = Eraser(store.connection.conn)
    with store.write():
        store.tombstones.take_over(marks)
        for document_id, uri in store.tombstones.documents():
            if uri not in present:
                targets.documents.add(document_id)
        found = eraser.find(targets)
        ids = ErasureTargets()
        ids.add(found)
        ids.documents |= targets.documents
        ids.episodes |= targets.episodes
        eraser.erase(found, targets)
        note_erased(store, ids)
    return len(found.documents) + len(found.episodes) + len(found.forgotten)

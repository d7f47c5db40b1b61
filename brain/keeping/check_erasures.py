"""The doctor's check that what was forgotten or erased has left every file: D18.

The words of what is erased are known to nobody afterwards: what can be known is whether the last step was done, whether
freed pages hold anything, which files were left out at the time, and which backups hold rows by the ids that were
erased. Of what waits in the trash the words are known, and stand in no other file. A repair does the last step of an
erasure again; it deletes no file of a person.
"""

from __future__ import annotations

from collections.abc import Iterator

from brain.keeping import isolated
from brain.keeping.backup import copies_of
from brain.keeping.erase import database_files, erased, left_out, pieces_of
from brain.keeping.findings import REPAIR, Examined, Finding
from brain.store.erased_copies import named_in
from brain.store.erasure import Eraser
from brain.store.freed import free_pages


def erasures(examined: Examined) -> Finding:
    """D18: no erasure stopped before its last step, nothing of it in a backup; `deep`: nothing in freed pages, no
    forgotten words in other files.
    """
    undone = _undone(examined)
    mended = examined.finished
    if undone and examined.repair and not examined.finish_erasure():
        mended = f"{undone[0].partition(',')[0]}: finished"
        undone = _undone(examined)
    left = [f"{path} holds words of what was forgotten" for path in _strays(examined)]
    known = left_out(examined.store)
    for path, at in known.items():
        left.append(f"{path} held what was erased at {at[:16]} and is still there")
    for path in _backups(examined):
        if path not in known:
            left.append(f"{path} holds what was erased")
    hint = "delete the file if you do not need it; `brain backup --rewrite` writes backups anew without it"
    if undone:
        hint = f"close other programs that use the store; {REPAIR}"
    return Finding((*undone, *left), hint, mended=mended, error=bool(undone))


def _undone(examined: Examined) -> list[str]:
    faults = []
    since = examined.store.begun_erasure()
    if since:
        began = f"an erasure that began at {since[:16]} is not finished"
        faults.append(f"{began}, words may still lie in the files")
    pages = _freed(examined) if examined.deep else 0
    if pages:
        faults.append(f"{pages:,} freed pages of the database still hold something")
    return faults


def _backups(examined: Examined) -> Iterator[str]:
    """Backups that hold something erased, by its ids; of encrypted ones nobody can tell."""
    targets = erased(examined.store)
    if not targets or not examined.deep:
        return
    # An import may have brought something back under its old id: then it may be in backups too.
    targets.discard(Eraser(examined.store.connection.conn).find(targets.copy()))
    for backup in copies_of(examined.store, examined.config):
        if not backup.sealed and named_in(backup.path, targets):
            yield str(backup.path)


def _freed(examined: Examined) -> int:
    """Free pages of the database that hold something. Not looked at while changes wait in its log."""
    database = examined.config.database
    log = database.with_name(f"{database.name}-wal")
    if log.exists() and log.stat().st_size:
        return 0
    if not free_pages(examined.store.connection.conn):
        return 0
    return isolated.freed(database)


def _strays(examined: Examined) -> list[str]:
    """Files of the home, but the database and the backups, that hold words of what was forgotten."""
    if not examined.deep:
        return []
    eraser = Eraser(examined.store.connection.conn)
    pieces = pieces_of(
        eraser.forgotten_texts(),
        lambda piece: eraser.stands_elsewhere(piece, forgotten=False),
    )
    if not pieces:
        return []
    config = examined.config
    known = [copy.path for copy in copies_of(examined.store, config)]
    known += database_files(config)
    return isolated.left_in(config.home, pieces.lines, pieces.words, without=known)

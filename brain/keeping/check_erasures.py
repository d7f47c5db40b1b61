"""The doctor's check that what was forgotten or erased has left every file: D18.

The words of what is erased are known to nobody afterwards: what can be known is whether the last step was done, whether
freed pages hold anything, and which files were left out at the time. Of what waits in the trash the words are known,
and stand in no other file. A repair does the last step of an erasure again; it deletes no file of a person.
"""

from __future__ import annotations

from brain.keeping import isolated
from brain.keeping.backup import copies_of
from brain.keeping.erase import left_out, pieces_of
from brain.keeping.findings import REPAIR, Examined, Finding
from brain.store.erasure import PENDING, Eraser, free_pages


def erasures(examined: Examined) -> Finding:
    """D18: no erasure stopped before its last step, nothing in freed pages, no forgotten words in other files."""
    undone = _undone(examined)
    mended = ""
    if undone and examined.repair and not examined.finish_erasure():
        mended = f"{undone[0].partition(',')[0]}: finished"
        undone = _undone(examined)
    left = [f"{path} holds words of what was forgotten" for path in _strays(examined)]
    for path, at in left_out(examined.store).items():
        left.append(f"{path} held what was erased at {at[:16]} and is still there")
    hint = "delete the file if you do not need it"
    if undone:
        hint = f"close other programs that use the store; {REPAIR}"
    return Finding((*undone, *left), hint, mended=mended, error=bool(undone))


def _undone(examined: Examined) -> list[str]:
    faults = []
    since = examined.store.library.setting(PENDING)
    if since:
        began = f"an erasure that began at {since[:16]} is not finished"
        faults.append(f"{began}, words may still lie in the files")
    pages = _freed(examined)
    if pages:
        faults.append(f"{pages:,} freed pages of the database still hold something")
    return faults


def _freed(examined: Examined) -> int:
    """Free pages of the database that hold something. Not looked at while changes wait in its log."""
    database = examined.config.database
    log = database.with_name(f"{database.name}-wal")
    waits = log.exists() and log.stat().st_size
    if waits or not free_pages(examined.store.connection.conn):
        return 0
    return isolated.freed(database)


def _strays(examined: Examined) -> list[str]:
    """Files of the home, but the database and the backups, that hold words of what was forgotten."""
    eraser = Eraser(examined.store.connection.conn)
    pieces = pieces_of(
        eraser.forgotten_texts(),
        lambda piece: eraser.stands_elsewhere(piece, forgotten=False),
    )
    if not pieces:
        return []
    config = examined.config
    known = [copy.path for copy in copies_of(examined.store, config)]
    for end in ("", "-wal", "-shm"):
        known.append(config.database.with_name(f"{config.database.name}{end}"))
    return isolated.left_in(config.home, pieces, without=known)

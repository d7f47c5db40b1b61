"""What deleted rows leave behind in the files of a database, and how it leaves them.

A row that is deleted stays readable in the file until the full text is merged, the log emptied and the file written
anew. Leaves out deleting (`brain.store.erasure`). Serves `brain forget --erase` and the doctor.
"""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path
from typing import BinaryIO

from brain.store.connection import Connection, explain
from brain.store.copies import vacuum
from brain.store.sql import FULL_TEXT, full_text, number

HEAD_BYTES = 100  # of a database file


def scrub(connection: Connection, directory: Path) -> bool:
    """Leave no byte of deleted rows in the database's files. False while another process reads: then do it again later.

    Full text keeps deleted words until its parts are merged; the log keeps old pages until it is emptied; pages keep
    what stood in them until the file is written anew. `directory` is where the file may be written in between.
    Raises `StoreError` when the disk is full or the file is in use.
    """
    conn = connection.conn
    try:
        with connection.write():
            merge(conn)
        vacuum(conn, directory)
        busy = number(conn, "PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise explain(error, connection.path) from error
    return not busy


def free_pages(conn: sqlite3.Connection) -> int:
    """How many pages of the database are free, whatever they hold."""
    return number(conn, "PRAGMA freelist_count")


def freed(path: Path) -> int:
    """How many free pages of a database file hold something: words of deleted rows, which `secure_delete` overwrites.

    Looks at the file alone, as of its last checkpoint. Not to be called where the database is open (see
    `brain.keeping.isolated`). The layout: sqlite.org/fileformat2.html, sections 1.3 "The Database Header" and 1.5
    "The Freelist".
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = int.from_bytes(head[16:18], "big")
        if size == 1:
            size = 2**16  # as it is written, since two bytes do not hold it
        trunk, left = struct.unpack_from(">II", head, 32)
        dirty = 0
        while trunk and left > 0:
            page = _page(file, trunk, size)
            if len(page) < size:
                break  # a damaged file: that is for the check of its structure to say
            trunk, count = struct.unpack_from(">II", page)
            count = min(
                count, size // 4 - 2
            )  # more than fits, where the page is damaged
            leaves = struct.unpack_from(f">{count}I", page, 8)
            left -= 1 + len(leaves)
            for leaf in filter(None, leaves):
                words = _page(file, leaf, size)
                dirty += bool(words.strip(b"\0"))
    return dirty


def _page(file: BinaryIO, page: int, size: int) -> bytes:
    """A page of a database file; pages count from 1."""
    file.seek((page - 1) * size)
    return file.read(size)


def merge(conn: sqlite3.Connection) -> None:
    """Merge the parts of every full-text table into one, which holds no deleted word."""
    for table in FULL_TEXT:
        full_text(conn, table, "optimize")

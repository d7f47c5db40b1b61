"""Files that are not where they were: gone, moved, or on a disk that is away.

Leaves out what follows from it for documents (documents.py, `brain.app.sync`). Serves saving and looking at folders.
"""

from __future__ import annotations

import os
from contextlib import suppress

from brain.store.table import Reader

BESIDE = 50  # of the files that lay beside one, so many are looked at

Stat = tuple[int, int, int, int]
"""(size in bytes, mtime_ns, ctime_ns, inode) of a file"""


class Moves(Reader):
    """Tells a file that moved from a copy of one that cannot be seen."""

    def proven(self, uri: str, now: Stat | None) -> bool:
        """Whether the file of a stored address, which is not there, is the one that was found now with these facts.

        That it is not there is no proof, since its disk may be away. The proof is that this is the same file of the
        same disk (a rename keeps the inode and the time of the last change), or that what lay beside it still does.
        """
        sql = "SELECT inode, mtime_ns FROM documents WHERE uri=?"
        inode, mtime_ns = self._first(sql, uri)
        if inode is None:
            return False  # it was never seen on this machine
        if now is not None:
            _size, modified, _changed, number = now
            if (number, modified) == (inode, mtime_ns):
                return True
        file, _, _part = uri.partition("#")
        return self._stands(file, os.path.dirname(path_of(file)))

    def _stands(self, uri: str, folder: str) -> bool:
        """Whether a folder is there with what was known in it beside this file, or with anything when nothing was."""
        place, _slash, _name = uri.rpartition("/")
        sql = """
            SELECT uri
            FROM documents
            WHERE uri > ?1 AND uri < ?2 AND uri <> ?3 AND size IS NOT NULL
                AND substr(uri, 1, length(?3) + 1) <> ?3 || '#'
            LIMIT ?4
        """
        beside = self._column(sql, f"{place}/", f"{place}0", uri, BESIDE)
        if beside:
            files = (path_of(found.partition("#")[0]) for found in beside)
            return any(map(os.path.lexists, files))
        with suppress(OSError), os.scandir(folder) as entries:
            return any(entries)
        return False


def is_gone(path: str) -> bool:
    """Whether there is no such file: not when a folder above it may not be opened or a disk does not answer."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def path_of(uri: str) -> str:
    """The file path of a `file:` address, bytes outside UTF-8 as the operating system's escapes."""
    from urllib.parse import unquote_to_bytes

    return os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))

"""Opening files that may be anything: no link followed, no pipe waited for, nothing but a regular file read.

Serves what reads files of the home, and every part of the export that reads a folder which other hands have been in: a
pipe under the name of a settings file must not hang a command.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def open_plain(
    path: Path | str, *, folder: int | None = None, follow: bool = False
) -> BufferedReader:
    """The open file, its name taken within `folder` (a descriptor) when that is given. Raises `OSError`; for what is no
    regular file, with EINVAL or ELOOP. `follow`: a link is followed, to a file that a person keeps elsewhere.
    """
    flags = _FLAGS & ~os.O_NOFOLLOW if follow else _FLAGS
    descriptor = os.open(path, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, *, follow: bool = False) -> bytes:
    """All bytes of a regular file. Raises `OSError`."""
    with open_plain(path, follow=follow) as file:
        return file.read()

"""Opening files that may be anything: no link followed, no pipe waited for, nothing but a regular file read.

Serves every part of the export that reads from a folder which other hands have been in.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def open_plain(path: Path | str, *, folder: int | None = None) -> BufferedReader:
    """The open file, its name taken within `folder` (a descriptor) when that is given. Raises `OSError`; for what is no
    regular file, with EINVAL or ELOOP.
    """
    descriptor = os.open(path, _FLAGS, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")

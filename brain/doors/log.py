"""What a door that lives long did and what went wrong, in files of the home that its owner alone may read.

Counts, states and errors; no text of a note and no question is ever handed to it. The files have a most: older lines
go. Leaves what is worth a line to the caller. Serves `brain serve`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from brain.doors.text import one_line
from brain.errors import BrainError

FOLDER = "logs"
FILE = "serve.log"
MOST_BYTES = 2**20  # of one file
OLDER_FILES = 3
MODE = 0o600
LIBRARY = logging.getLogger("uvicorn.error")
REQUESTS = logging.getLogger("brain.requests")
REQUESTS.addHandler(logging.NullHandler())  # without a log of a server nobody is told
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class Log:
    """`say` writes a line with its time. A context manager. What cannot be written stops nobody."""

    def __init__(self, home: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.place = home / FOLDER / FILE
        self.place.parent.mkdir(mode=0o700, exist_ok=True)
        self._handler = _Private(self.place, most_bytes)
        self._told = _Told(self)
        for complains in (LIBRARY, REQUESTS):
            complains.addHandler(self._told)
            complains.propagate = False

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        for complains in (LIBRARY, REQUESTS):
            complains.removeHandler(self._told)
        with suppress(OSError, ValueError):
            self._handler.close()

    def say(self, what: str) -> None:
        """One line."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        said = f"{now} {one_line(what)}"
        self._handler.handle(
            logging.LogRecord("brain", logging.INFO, "", 0, said, None, None)
        )

    @contextmanager
    def of_failures(self) -> Iterator[None]:
        """What ends a server is noted, since nobody may see its terminal."""
        try:
            yield
        except BrainError as error:
            self.say(f"ended: {error.message}")
            raise
        except Exception as error:
            self.say(f"ended by an unexpected error: {type(error).__name__}")
            raise


def note_unexpected(error: BaseException) -> None:
    """That a request was stopped by what nobody foresaw: the kind of the error, whose text may hold a note."""
    if not isinstance(error, BrainError):
        REQUESTS.error("unexpected", exc_info=error)


class _Private(RotatingFileHandler):
    """Files of the owner's alone, moved aside when they are full."""

    def __init__(self, place: Path, most_bytes: int) -> None:
        super().__init__(
            place, maxBytes=most_bytes, backupCount=OLDER_FILES, encoding="utf-8"
        )

    def _open(self) -> TextIOWrapper:
        number = os.open(self.baseFilename, FLAGS, MODE)
        return TextIOWrapper(os.fdopen(number, "ab"), encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk: the line is lost, and nothing else."""


class _Told(logging.Handler):
    """What a request came to grief by, and what the HTTP library complains of: that it did, and the kind of the error.
    A message may hold a request.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One complaint."""
        kind = ""
        if record.exc_info and record.exc_info[0]:
            kind = f": {record.exc_info[0].__name__}"
        self._log.say(f"HTTP: {record.levelname.lower()}{kind}")

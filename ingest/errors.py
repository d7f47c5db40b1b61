"""What can go wrong while a file is read. Each error says what happened and what a person can do next.

Leaves out showing it, and going on with the next file. Serves every module of `ingest` and whoever reads files.
"""

from __future__ import annotations


class IngestError(Exception):
    """A file gave no document. `reason` is short and lower-case ("encrypted"), `hint` the next step."""

    kind = "ingest"

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class UnsupportedFile(IngestError):
    """No reader exists for this kind of file; it gets a name-only entry."""

    kind = "unsupported"


class UnreadableFile(IngestError):
    """A reader exists, but this file is damaged, encrypted, vanished, or not what its name says."""

    kind = "unreadable"


class RefusedFile(IngestError):
    """The file could be read and is not: too large, not a regular file, outside the folder."""

    kind = "refused"

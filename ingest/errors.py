"""What can go wrong while a file is read. Each error says what happened and what a person can do next.

Leaves out showing it, and going on with the next file. Serves every module of `ingest` and whoever reads files.
"""

from __future__ import annotations

NO_READER = "no reader for this kind of file"
BY_NAME_ONLY = "it is listed by its name only"


class IngestError(Exception):
    """A file gave no document. `reason` is short and lower-case ("encrypted"), `hint` the next step.

    `passing`: it may be well again without a change of the file (a slow disk, a permission, too little memory).
    """

    kind = "ingest"

    def __init__(self, reason: str, hint: str = "", *, passing: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.passing = passing


class UnsupportedFile(IngestError):
    """No reader exists for this kind of file, or no person wrote what it holds; it gets a name-only entry."""

    kind = "unsupported"


class UnreadableFile(IngestError):
    """A reader exists, but this file is damaged, encrypted, vanished, or not what its name says."""

    kind = "unreadable"


class VanishedFile(UnreadableFile):
    """It was there when its folder was looked at and is not any more: renamed, moved or deleted meanwhile."""

    kind = "vanished"

    def __init__(self, reason: str, hint: str = "", *, passing: bool = True) -> None:
        super().__init__(reason, hint, passing=passing)


class RefusedFile(IngestError):
    """The file could be read and is not: too large, not a regular file, outside the folder."""

    kind = "refused"

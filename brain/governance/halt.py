"""The brake: a file in the home that stops everything that leads out, until a person takes it away.

Local search and answers go on. Leaves the ledger row and asking the person to who calls. Serves the policy.
"""

from __future__ import annotations

import os
from pathlib import Path

from brain.plain import read_plain

FILE = "HALTED"
FILE_MODE = 0o600
NO_REASON = "it was halted; `brain resume` lets it go on"
LONGEST = 500  # characters of a reason that are shown


class Halt:
    """The brake of one home."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def why(self) -> str:
        """Why it is halted, "" when it is not. Whatever lies under that name halts, readable or not."""
        if not os.path.lexists(self.path):
            return ""
        try:
            said = read_plain(self.path).decode("utf-8", "replace")
        except OSError:
            return NO_REASON
        return said.strip()[:LONGEST] or NO_REASON

    def halt(self, because: str) -> bool:
        """Stop; False when it was halted before, for a reason that stays."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            handle = os.open(self.path, flags, FILE_MODE)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{because}\n")
            file.flush()
            os.fsync(file.fileno())
        return True

    def resume(self) -> bool:
        """Let it go on; False when nothing was halted."""
        if not os.path.lexists(self.path):
            return False
        self.path.unlink()
        return True

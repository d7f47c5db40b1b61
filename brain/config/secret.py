"""What opens a backup: a value, kept in no file. Serves the doors, which ask for it, and backups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brain.types import Texts


@dataclass(frozen=True, slots=True)
class Secret:
    """What encrypts or opens a backup: a passphrase, or keys. `recipients` are public ones (age1…), which encrypt; the
    file `identity` holds secret ones, which open.
    """

    passphrase: str = ""
    recipients: Texts = ()
    identity: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.passphrase or self.recipients or self.identity)


NO_SECRET = Secret()

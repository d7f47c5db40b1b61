"""What the doctor is handed, the store and what only the app can do for it, and what a check hands back.

Leaves out the checks themselves. Serves every module `brain.keeping.check_…`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from brain.config import Config
from brain.config.secret import Secret
from brain.reports import Check
from brain.store import Store
from brain.store.checks import StoreChecks

SHOWN = 3  # faults named in a line; the rest is counted
REPAIR = "`brain doctor --repair` mends it"
RESTORE = "restore the newest good backup with `brain restore`; SQLite's own `.recover` reads what is left"


@dataclass(frozen=True)
class Examined:
    """The store that is examined. `now` has a zone; `secret` opens an encrypted backup. `deep`: verify every stored
    hash. `repair`: mend what is derived.

    What needs the app's open models and indexes: `embed` computes the built-in vectors that are missing, `renew` fills
    the index of a fingerprint anew, `finish_erasure` does the last step of an erasure ("" when done, else why not yet),
    `ollama` tells its state in one line and whether that is a warning, `shipped` what is wrong with models that ship,
    `ledger` with the ledger, `policy` with the rules of what may leave.
    `finished`: what another process left undone and was finished when the store was opened.
    """

    config: Config
    store: Store
    now: datetime
    secret: Secret
    embed: Callable[[], object]
    renew: Callable[[str], object]
    finish_erasure: Callable[[], str]
    ollama: Callable[[], tuple[str, bool]]
    shipped: Callable[[], Sequence[str]]
    ledger: Callable[[], Sequence[str]]
    policy: Callable[[], Sequence[str]]
    deep: bool
    repair: bool
    finished: str = ""

    @cached_property
    def checks(self) -> StoreChecks:
        """What can be asked of the database."""
        return StoreChecks(self.store.connection)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: nothing in `faults` when all is well (then `note` may say a figure). `error` False makes it
    a warning. `mended`: what a repair did, after which the faults are those that are left.
    """

    faults: Sequence[str] = ()
    hint: str = ""
    note: str = ""
    mended: str = ""
    error: bool = True

    def check(self, identity: str, title: str) -> Check:
        """As `doctor` reports it."""
        if not self.faults:
            said = "; ".join(filter(None, (self.mended, self.note)))
            return Check(identity, title, "ok", said)
        message = "; ".join(self.faults[:SHOWN])
        more = len(self.faults) - SHOWN
        if more > 0:
            message += f" and {more} more"
        if self.mended:
            message = f"{self.mended}; still: {message}"
        return Check(
            identity, title, "error" if self.error else "warning", message, self.hint
        )

"""What the doctor is handed: places, the store's checks, the index's checks, and what only the app can do.

Structural types, so that the doctor imports neither store nor index. Leaves out the checks themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from brain.keeping.backup import Copy
from brain.keeping.encryption import Secret
from brain.types import Check


class Damage(Protocol):
    """Something stored that is not what was stored (`brain.store.checks.Damage`)."""

    @property
    def what(self) -> str: ...
    @property
    def derived(self) -> bool: ...
    @property
    def mild(self) -> bool: ...


class StoreChecks(Protocol):
    """`brain.store.checks.StoreChecks`. Documented where it is implemented."""

    def header_faults(self) -> list[str]: ...
    def wal_bytes(self) -> int: ...
    def checkpoint(self) -> bool: ...
    def structure_faults(self, *, deep: bool) -> list[str]: ...
    def fts_faults(self) -> list[str]: ...
    def rebuild_fts(self, names: Iterable[str] = ...) -> int: ...
    def text_damage(self) -> Sequence[Damage]: ...
    def mend_columns(self) -> int: ...
    def untiled(self) -> list[str]: ...
    def vector_damage(self) -> list[tuple[str, str]]: ...
    def outbox_rows(self) -> int: ...
    def unlabelled(self) -> list[str]: ...
    def newest(self) -> datetime | None: ...
    def settings(self) -> Mapping[str, str]: ...


class RowChecks(Protocol):
    """`brain.store.row_check.RowCheck`. Documented where it is implemented."""

    def damage(self) -> Sequence[Any]: ...
    def held(self, damage: Any, path: Path) -> str | None: ...


class Fault(Protocol):
    """Something wrong with the index of a fingerprint (`brain.index.health.Fault`)."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def serious(self) -> bool: ...


class IndexChecks(Protocol):
    """`brain.index.health` bound to this store's vectors and directory."""

    def faults(self, *, deep: bool) -> Sequence[Fault]: ...
    def outbox_faults(self) -> Sequence[Fault]: ...
    def litter(self) -> list[str]: ...
    def tidy(self) -> bool: ...
    def renew(self, fingerprint: str) -> object: ...


class Words(Protocol):
    """What was forgotten or erased, and where it may still be (`brain.app.erase.Words`)."""

    def since(self) -> str | None: ...
    def finish(self) -> bool: ...
    def freed(self) -> int: ...
    def strays(self) -> list[str]: ...
    def places(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Patient:
    """Everything that is examined. `now` has a zone.

    `drop_vectors` deletes vectors by (text_sha, fingerprint) and has them computed again; `judge` proves a backup, with
    or without its digest, and `secret` opens an encrypted one; `models` is the one line about Ollama, and whether it is a
    warning.
    """

    home: Path
    database: Path
    index_dir: Path
    backup_dirs: tuple[Path, ...]
    now: datetime
    store: StoreChecks
    rows: RowChecks
    index: IndexChecks
    judge: Callable[[Path, bool], Copy]
    secret: Secret
    drop_vectors: Callable[[Sequence[tuple[str, str]]], int]
    words: Words
    models: Callable[[], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Mode:
    """`deep`: verify every stored hash. `repair`: mend what is derived."""

    deep: bool = False
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: nothing in `faults` when all is well (then `note` may say a figure). `mended`: what a repair
    did, after which the faults are those that are left. `error` False makes it a warning.
    """

    faults: tuple[str, ...] = ()
    hint: str = ""
    note: str = ""
    mended: str = ""
    error: bool = True

    def check(self, identity: str, title: str) -> Check:
        """As `doctor` reports it."""
        if not self.faults:
            return Check(
                identity, title, "ok", "; ".join(part for part in (self.mended, self.note) if part)
            )
        more = f" and {len(self.faults) - SHOWN} more" if len(self.faults) > SHOWN else ""
        message = "; ".join(self.faults[:SHOWN]) + more
        if self.mended:
            message = f"{self.mended}; still: {message}"
        return Check(identity, title, "error" if self.error else "warning", message, self.hint)


SHOWN = 3  # faults named in a line; the rest is counted
REPAIR = "`brain doctor --repair` mends it"
RESTORE = "restore the newest good backup with `brain restore`; SQLite's own `.recover` reads what is left"

"""Looking after the store: `doctor`, `rebuild`, `backup`, `restore`, each joined from the rooms that do the work.

Leaves out the checks, copies and files themselves (`brain.keeping`, `brain.store`, `brain.index`) and erasure
(erasing.py). Every function is handed the parts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brain.app import cage
from brain.app.capture import KINDS
from brain.app.parts import AUTO, BUILTIN, Parts
from brain.config import make_home
from brain.errors import BrainError, Refused, StoreError, Unavailable
from brain.index import health
from brain.keeping import backup as backups
from brain.keeping import doctor as room
from brain.keeping import restore as restoring
from brain.keeping.encryption import NO_SECRET, Secret
from brain.keeping.findings import Patient
from brain.types import BackupReport, Check, RebuildReport, RestoreReport

BACKUPS = "backups"  # the folder in the home, and the setting that lists every folder used
KEEP = "backup_keep"  # setting: the last rule given to `--keep`


@dataclass(frozen=True, slots=True)
class IndexCare:
    """The index's checks and repairs, bound to this store (`brain.keeping.findings.IndexChecks`)."""

    parts: Parts

    def faults(self, *, deep: bool) -> list[health.Fault]:
        """D10."""
        return health.faults(self.parts.store.vectors, self.parts.config.index_dir, deep=deep)

    def outbox_faults(self) -> list[health.Fault]:
        """D09."""
        return health.outbox_faults(self.parts.store.vectors)

    def litter(self) -> list[str]:
        """D11."""
        return health.litter(self.parts.store.vectors, self.parts.config.index_dir)

    def tidy(self) -> bool:
        """Remove what D11 found."""
        return health.tidy(self.parts.store.vectors, self.parts.config.index_dir)

    def renew(self, fingerprint: str) -> int:
        """Everything derived from these vectors, anew; returns how many went in."""
        self.parts.indexes(fingerprint).close()
        return health.renew(
            self.parts.store.vectors, self.parts.config.index_dir, fingerprint
        ).applied


# -- doctor and rebuild ---------------------------------------------------------------------------------------------------


def doctor(parts: Parts, *, deep: bool, repair: bool, secret: Secret = NO_SECRET) -> list[Check]:
    """Every check that applies; of a database that does not open, what can be said without it. `secret` opens backups."""
    try:
        parts.store  # noqa: B018 - opening is the first check
    except BrainError as error:
        newest = backups.found(parts.config.home / BACKUPS)
        return room.unopened(error, str(newest[0].path) if newest else "")
    return room.examine(_patient(parts, secret), deep=deep, repair=repair)


def _patient(parts: Parts, secret: Secret) -> Patient:
    from brain.app.erase import Words
    from brain.store.checks import Upkeep
    from brain.store.row_check import RowCheck

    config = parts.config
    return Patient(
        home=config.home,
        database=config.database,
        index_dir=config.index_dir,
        backup_dirs=backup_folders(parts),
        now=parts.moment(),
        store=Upkeep(parts.store.connection),
        rows=RowCheck(parts.store.connection),
        index=IndexCare(parts),
        judge=lambda path, compare: cage.judge(path, compare=compare),
        secret=secret,
        drop_vectors=lambda bad: _drop_vectors(parts, bad),
        words=Words(parts),
        models=lambda: _models(parts),
    )


def _drop_vectors(parts: Parts, bad: Sequence[tuple[str, str]]) -> int:
    """Delete vectors and compute the built-in ones again; those of an Ollama model wait for `brain sync`."""
    vectors = parts.store.vectors
    vectors.damaged.update(bad)
    count = vectors.drop_damaged()
    _embed(parts)
    return count


def _embed(parts: Parts) -> int | None:
    """Built-in vectors for what has none; returns how many chunks still wait, None when nobody knows."""
    from brain.index import embed_pending

    try:
        left = [
            embed_pending(parts.store.vectors, parts.builtin, kind=kind).waiting for kind in KINDS
        ]
    except Unavailable:
        return None
    return None if None in left else sum(filter(None, left))


def _models(parts: Parts) -> tuple[str, bool]:
    """(Ollama's state in one line, whether it is a warning): asked for by name and missing, or not on this machine."""
    wanted = {parts.config.models.embed, parts.config.models.ask}
    if wanted == {BUILTIN} or parts.given_embedder is not None:
        return "not used; the built-in models serve", False
    named = wanted - {BUILTIN, AUTO}
    try:
        version = parts.ollama.version()
        installed = {str(row.get("name", "")) for row in parts.ollama.tags()}
    except Refused as error:
        return error.message, True
    except BrainError as error:
        return f"{error.message}; the built-in models serve", bool(named)
    missing = sorted(name for name in named if not installed & {name, f"{name}:latest"})
    if missing:
        return f"version {version}, which does not have {', '.join(missing)}", True
    return f"version {version} at {parts.config.ollama.host}, {len(installed)} models", False


def rebuild(parts: Parts) -> RebuildReport:
    """Everything derived, anew from SQLite: columns that follow from texts, full text, vectors, exact files, Chroma."""
    from brain.store.checks import Upkeep

    upkeep, notices = Upkeep(parts.store.connection), []
    rows = upkeep.rebuild_fts()  # first: mending a row goes through its full text
    upkeep.mend_columns()
    parts.progress("full text", rows, rows)
    parts.store.vectors.damaged.update(upkeep.vector_damage())
    parts.store.vectors.drop_damaged()
    waiting, applied = _embed(parts), 0
    for fingerprint in sorted(parts.store.vectors.fingerprints()):
        try:
            applied += IndexCare(parts).renew(fingerprint)
        except BrainError as error:
            notices.append(f"{error.message}; exact search answers meanwhile")
    return RebuildReport(rows, applied, waiting, tuple(notices))


# -- backup and restore ---------------------------------------------------------------------------------------------------


def backup_folders(parts: Parts) -> tuple[Path, ...]:
    """Where backups of this store were ever put."""
    kept = json.loads(parts.store.library.setting(BACKUPS) or "[]")
    return tuple(dict.fromkeys([parts.config.home / BACKUPS, *(Path(place) for place in kept)]))


def keep_rule(parts: Parts) -> dict[str, int] | None:
    """The last rule of retention that was given."""
    text = parts.store.library.setting(KEEP)
    return backups.parse_keep(text) if text else None


def backup(
    parts: Parts,
    directory: Path | None,
    *,
    keep: str = "",
    passphrase: str = "",
    recipients: Sequence[str] = (),
) -> BackupReport:
    """One more backup, proven by its digest. The rule given with `keep` is applied now and remembered for erasure."""
    from brain.store import copies

    rule = backups.parse_keep(keep) if keep else None
    place = directory.expanduser().absolute() if directory else parts.config.home / BACKUPS
    notices = _remembered(parts, place, keep)
    try:
        report = backups.make(
            place,
            snapshot=lambda target, made_at: copies.snapshot(
                parts.config.database, target, made_at=made_at
            ),
            now=parts.moment(),
            keep=rule,
            secret=Secret(passphrase, tuple(recipients)),
        )
    except OSError as error:
        raise BrainError(
            f"no backup was made in {place}: {error.strerror}", "check the folder and its space"
        ) from None
    return replace(report, notices=(*report.notices, *notices))


def _remembered(parts: Parts, place: Path, keep: str) -> tuple[str, ...]:
    """Note folder and rule for `forget --erase`. A store that cannot be written needs its backup most: that is a notice."""
    folders = {str(folder) for folder in (*backup_folders(parts), place)} - {
        str(parts.config.home / BACKUPS)
    }
    wanted = {BACKUPS: json.dumps(sorted(folders)) if folders else None, KEEP: keep or None}
    try:
        for name, value in wanted.items():
            if value and value != parts.store.library.setting(name):
                parts.store.library.keep_setting(name, value)
    except StoreError as error:
        return (
            f"{error.message}: `forget --erase` will not look into {place} until a backup was made there again",
        )
    return ()


def restore(
    parts: Parts,
    path: Path,
    *,
    to: Path | None = None,
    passphrase: str = "",
    identity: Path | None = None,
    dry_run: bool = False,
) -> RestoreReport:
    """Make a backup the store, here or in another home; what was there is kept beside it. The index comes back by itself."""
    from brain.store import copies

    config = replace(parts.config, home=to.expanduser().absolute()) if to else parts.config
    make_home(config)
    if not dry_run:
        parts.close()
        parts.__dict__.pop("serving", None)  # it was chosen from the store that is replaced
    return restoring.restore(
        path.expanduser().absolute(),
        config.database,
        tools=restoring.Tools(cage.judge, copies.prepare, copies.alone),
        drop_index=lambda: health.drop(config.index_dir),
        now=parts.moment(),
        secret=Secret(passphrase, identity=identity),
        dry_run=dry_run,
    )

"""`.keep`: looking after the store. Check it, rebuild it, copy it, take a copy back, erase, write it out and take it in.

Joins the rooms that do the work (`brain.keeping`, `brain.store`, `brain.index`) over this store. Leaves erasing to
`brain.app.erase` and taking in what an export holds to `brain.app.importing`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app.backups import BACKUPS, backup_folders, note_folder
from brain.app.derived import IndexCare, embed_builtin
from brain.app.resources import AUTO, BUILTIN, Resources
from brain.config import make_home
from brain.errors import BrainError, Refused
from brain.keeping import backup as backups
from brain.keeping.encryption import Secret
from brain.types import (
    AddReport,
    BackupReport,
    Check,
    EraseReport,
    ExportReport,
    RebuildReport,
    RestoreReport,
)

if TYPE_CHECKING:
    from brain.keeping.findings import Patient

# What an export writes inside a folder that was added: the documents are files there already
INSIDE_A_ROOT = ("episodes", "notes", "skills", "feedback")


class Keep:
    """Everything that keeps a store whole, or takes it elsewhere."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    # -- doctor and rebuild ---------------------------------------------------------------------------

    def doctor(
        self,
        *,
        deep: bool = False,
        repair: bool = False,
        passphrase: str = "",
        identity: Path | None = None,
    ) -> list[Check]:
        """Findings with stable ids; of a database that does not open, what can be said without it.

        The newest backup is opened, an encrypted one with its passphrase or key file.
        """
        from brain.keeping import doctor

        try:
            self._resources.store  # noqa: B018 - opening is the first check
        except BrainError as error:
            newest = backups.found(self._resources.config.home / BACKUPS)
            return doctor.unopened(error, str(newest[0].path) if newest else "")
        examined = self._examined(Secret(passphrase, identity=identity))
        return doctor.examine(examined, deep=deep, repair=repair)

    def _examined(self, secret: Secret) -> Patient:
        """Everything that the doctor looks at."""
        from brain.app import cage
        from brain.app.erase import Words
        from brain.keeping.findings import Patient
        from brain.store.checks import StoreChecks
        from brain.store.row_check import RowCheck

        resources, config = self._resources, self._resources.config
        return Patient(
            home=config.home,
            database=config.database,
            index_dir=config.index_dir,
            backup_dirs=backup_folders(resources),
            now=resources.moment(),
            store=StoreChecks(resources.store.connection),
            rows=RowCheck(resources.store.connection),
            index=IndexCare(resources),
            judge=lambda path, compare: cage.judge(path, compare=compare),
            secret=secret,
            drop_vectors=self._drop_vectors,
            words=Words(resources),
            models=self._ollama,
        )

    def _drop_vectors(self, bad: Sequence[tuple[str, str]]) -> int:
        """Delete vectors and compute the built-in ones again; those of an Ollama model wait for `brain sync`."""
        vectors = self._resources.store.vectors
        vectors.damaged.update(bad)
        count = vectors.drop_damaged()
        embed_builtin(self._resources)
        return count

    def _ollama(self) -> tuple[str, bool]:
        """(its state in one line, whether it is a warning): asked for by name and missing, or not on this machine."""
        resources, config = self._resources, self._resources.config
        wanted = {config.models.embed, config.models.ask}
        if wanted == {BUILTIN} or resources.given_embedder is not None:
            return "not used; the built-in models serve", False
        named = wanted - {BUILTIN, AUTO}
        try:
            version = resources.ollama.version()
            installed = {str(row.get("name", "")) for row in resources.ollama.tags()}
        except Refused as error:
            return error.message, True
        except BrainError as error:
            return f"{error.message}; the built-in models serve", bool(named)
        missing = sorted(name for name in named if not installed & {name, f"{name}:latest"})
        if missing:
            return f"version {version}, which does not have {', '.join(missing)}", True
        return f"version {version} at {config.ollama.host}, {len(installed)} models", False

    def rebuild(self) -> RebuildReport:
        """Everything derived, anew from SQLite: columns that follow from texts, full text, vectors, index files."""
        from brain.store.checks import StoreChecks

        resources, notices = self._resources, []
        store = resources.store
        upkeep = StoreChecks(store.connection)
        rows = upkeep.rebuild_fts()  # first: mending a row goes through its full text
        upkeep.mend_columns()
        resources.progress("full text", rows, rows)
        store.vectors.damaged.update(upkeep.vector_damage())
        store.vectors.drop_damaged()
        waiting, applied = embed_builtin(resources), 0
        exactly = resources.config.index.engine == "exact"
        for fingerprint in sorted(store.vectors.fingerprints()):
            try:
                chroma = not exactly and fingerprint == resources.serving.fingerprint
                applied += IndexCare(resources).renew(fingerprint, chroma=chroma)
            except BrainError as error:
                notices.append(f"{error.message}; exact search answers meanwhile")
        return RebuildReport(rows, applied, waiting, tuple(notices))

    # -- backup, restore, erase -----------------------------------------------------------------------

    def backup(
        self,
        directory: Path | None = None,
        *,
        keep: str = "",
        passphrase: str = "",
        recipients: Sequence[str] = (),
    ) -> BackupReport:
        """One more backup, proven by its digest. The rule given with `keep` is applied now and remembered for erasing."""
        from brain.store import copies

        resources, database = self._resources, self._resources.config.database
        rule = backups.parse_keep(keep) if keep else None
        own = resources.config.home / BACKUPS
        folder = directory.expanduser().absolute() if directory else own
        notices = note_folder(resources, folder, keep)
        try:
            report = backups.make(
                folder,
                snapshot=lambda target, made_at: copies.snapshot(database, target, made_at=made_at),
                now=resources.moment(),
                keep=rule,
                secret=Secret(passphrase, tuple(recipients)),
            )
        except OSError as error:
            raise BrainError(
                f"no backup was made in {folder}: {error.strerror}",
                "check the folder and its space",
            ) from None
        return replace(report, notices=(*report.notices, *notices))

    def restore(
        self,
        path: Path,
        *,
        to: Path | None = None,
        passphrase: str = "",
        identity: Path | None = None,
        dry_run: bool = False,
    ) -> RestoreReport:
        """Make a backup the store, here or in another home; what was there is kept beside it. Index files come back by
        themselves.
        """
        from brain.app import cage
        from brain.index import snapshot
        from brain.keeping import restore
        from brain.store import copies

        config = self._resources.config
        if to:
            config = replace(config, home=to.expanduser().absolute())
        make_home(config)
        if not dry_run:
            self._resources.close()
        return restore.restore(
            path.expanduser().absolute(),
            config.database,
            tools=restore.Tools(cage.judge, copies.prepare, copies.alone),
            drop_index=lambda: snapshot.drop(config.index_dir),
            now=self._resources.moment(),
            secret=Secret(passphrase, identity=identity),
            dry_run=dry_run,
        )

    def erase(
        self,
        references: Sequence[str],
        *,
        dry_run: bool,
        backups: bool = False,
        passphrase: str = "",
        identity: Path | None = None,
    ) -> EraseReport:
        """Leave no byte of documents or episodes in any file of the home. Raises `NotFound`.

        With `backups` every backup that holds them is written anew without them; else those are listed.
        """
        from brain.app.erase import erase

        secret = Secret(passphrase, identity=identity)
        return erase(self._resources, references, secret, dry_run=dry_run, backups=backups)

    # -- export and import ----------------------------------------------------------------------------

    def export(
        self, directory: Path, *, only: Sequence[str] | None = None, force: bool = False
    ) -> ExportReport:
        """Everything as Markdown; inside an added folder only what is no file there already, unless asked."""
        from brain.keeping.export import writing

        resources, library = self._resources, self._resources.store.library
        source = writing.Source(
            library.export_rows,
            resources.store.episodes.export_rows,
            resources.store.skills.export_rows,
            resources.judgments.all,
            library.contexts(),
            library.roots(),
        )
        target = Path(os.path.abspath(directory.expanduser()))
        inside = any(Path(root["path"]) in target.parents for root in library.roots())
        if only is None and inside:
            only = INSIDE_A_ROOT
        return writing.export(source, target, only=only, force=force, progress=resources.progress)

    def import_from(self, directory: Path) -> AddReport:
        """Take in what `export` wrote, ids, tags, dates and labels included. Raises `NotFound` when it is no export."""
        from brain.app.capture import finish
        from brain.app.importing import Import
        from brain.app.tally import Tally

        tally = Tally()
        taking = Import(self._resources, tally)
        try:
            taking.everything(directory)
        except KeyboardInterrupt:
            tally.interrupted = True
        return finish(self._resources, tally)

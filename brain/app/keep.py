"""`.keep`: looking after the store. Check, rebuild, back up, restore, erase, export and import.

Joins the rooms that do the work (`brain.keeping`, `brain.store`, `brain.index`) over this store. Leaves erasing to
`brain.app.erase` and taking in what an export holds to `brain.app.importing`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from brain.app import filling
from brain.app.derived import finish_erasure, renew_index
from brain.app.governed import ledger_of, note_raised, note_restored, policies_of
from brain.app.loaded import OFF
from brain.app.models import wrong_roles
from brain.app.resources import Noun
from brain.app.serving import AUTO, SHIPPED, WITHOUT_OLLAMA, WORDLLAMA
from brain.app.vectors import embed_builtin
from brain.config import make_home
from brain.config.secret import NO_SECRET, Secret
from brain.errors import BrainError, Refused
from brain.keeping import backup as backups
from brain.reports import (
    BackupReport,
    Check,
    EraseReport,
    ExportReport,
    ImportReport,
    RebuildReport,
    RestoreReport,
    RewriteReport,
)

if TYPE_CHECKING:
    from brain.keeping.findings import Examined

# What an export writes inside a folder that was added: the documents are files there already
INSIDE_A_ROOT = ("episodes", "notes", "skills", "feedback")


class Keep(Noun):
    """Everything that keeps a store whole, or takes it elsewhere."""

    # -- doctor and rebuild ---------------------------------------------------------------------------

    def doctor(
        self,
        *,
        deep: bool = False,
        repair: bool = False,
        secret: Secret = NO_SECRET,
    ) -> list[Check]:
        """Findings with stable ids; of a database that does not open, what can be said without it.

        The newest backup is opened, an encrypted one with its secret.
        """
        from brain.keeping import doctor

        try:
            self._store  # noqa: B018 - opening is the first check
        except BrainError as error:
            newest = backups.found(self._resources.config.home / backups.BACKUPS)
            path = str(newest[0].path) if newest else ""
            return doctor.unopened(error, path)
        return doctor.examine(self._examined(secret, deep=deep, repair=repair))

    def _examined(self, secret: Secret, *, deep: bool, repair: bool) -> Examined:
        """The store, and what the doctor needs of its models and indexes."""
        from brain.keeping.findings import Examined

        resources = self._resources
        return Examined(
            resources.config,
            resources.store,
            resources.moment(),
            secret,
            embed=lambda: embed_builtin(resources),
            renew=lambda fingerprint: renew_index(resources, fingerprint),
            finish_erasure=lambda: finish_erasure(resources),
            ollama=self._ollama,
            shipped=self._shipped,
            ledger=lambda: ledger_of(resources).verify().faults,
            policy=lambda: policies_of(resources).faults(),
            deep=deep,
            repair=repair,
            finished=resources.finished,
        )

    def _shipped(self) -> Sequence[str]:
        """What is wrong with the models that ship, those left out by a setting aside."""
        from brain.models import onnx

        resources = self._resources
        models = []
        if resources.config.models.embed != WORDLLAMA:
            models.append(onnx.MINILM)
        if resources.config.models.reader != OFF:
            models.append(onnx.ANSWER_READER)
        found = onnx.faults(models, resources.shipped.folder)
        fill = filling.look(resources)
        if not found and fill is not None and fill.error and fill.model == SHIPPED:
            found.append(fill.told)
        return found

    def _ollama(self) -> tuple[str, bool]:
        """(its state in one line, whether it is a warning): asked for by name and missing, or not on this machine."""
        resources = self._resources
        config = resources.config
        named = {config.models.embed, config.models.ask} - set(WITHOUT_OLLAMA)
        if not named or resources.given_embedder is not None:
            return "not used; the built-in models serve", False
        fill = filling.look(resources)
        if fill is not None and fill.error and fill.model != SHIPPED:
            return fill.told, True
        named.discard(AUTO)
        try:
            version = resources.ollama.version()
            installed = {str(row.get("name", "")) for row in resources.ollama.tags()}
        except Refused as error:
            return error.message, True
        except BrainError as error:
            return f"{error.message}; the built-in models serve", bool(named)
        missing = sorted(
            name for name in named if not installed & {name, f"{name}:latest"}
        )
        if missing:
            return f"version {version}, which does not have {', '.join(missing)}", True
        unable = wrong_roles(resources)
        if unable:
            return "; ".join(unable), True
        return (
            f"version {version} at {config.ollama.host}, {len(installed)} models",
            False,
        )

    def rebuild(self) -> RebuildReport:
        """Everything derived, anew from SQLite: columns that follow from texts, full text, vectors, index files."""
        from brain.store.checks import StoreChecks

        resources = self._resources
        notices = []
        store = resources.store
        upkeep = StoreChecks(store.connection)
        rows = upkeep.rebuild_fts()  # first: mending a row goes through its full text
        upkeep.mend_columns()
        resources.progress("full text", rows, rows)
        store.vectors.damaged.update(upkeep.vector_damage())
        store.vectors.drop_damaged()
        waiting = embed_builtin(resources)
        applied = 0
        for fingerprint in sorted(store.vectors.fingerprints()):
            try:
                serving = fingerprint == resources.serving.fingerprint
                chroma = serving and resources.indexes(fingerprint).wants_chroma
                applied += renew_index(resources, fingerprint, chroma=chroma)
            except BrainError as error:
                notices.append(f"{error.message}; exact search answers meanwhile")
        return RebuildReport(rows, applied, waiting, tuple(notices))

    # -- backup, restore, erase -----------------------------------------------------------------------

    def backup(
        self,
        directory: Path | None = None,
        *,
        keep: str = "",
        secret: Secret = NO_SECRET,
    ) -> BackupReport:
        """One more backup, proven by its digest. The rule in `keep` is applied now and remembered for erasing.

        Raises `BrainError` for a folder that is not there: it may be of a disk that is not mounted.
        """
        resources = self._resources
        config = resources.config
        rule = backups.parse_keep(keep) if keep else None
        folder = config.home / backups.BACKUPS
        if directory:
            folder = directory.expanduser().absolute()
            backups.must_be_there(folder)
        now = resources.moment()
        notices = [*backups.unexpected(resources.store, config, folder)]
        notices += backups.note(resources.store, config, folder, keep)
        if rule:
            doubts = backups.unbelieved(resources.store, now)
            notices += doubts
            rule = None if doubts else rule
        return backups.make(
            folder,
            config.database,
            now=now,
            keep=rule,
            secret=secret,
            notices=notices,
        )

    def rewrite_backups(self, secret: Secret = NO_SECRET) -> RewriteReport:
        """Write every known backup anew that holds something erased, without it; encrypted ones with their secret."""
        from brain.keeping import erase

        resources = self._resources
        return erase.rewrite(
            resources.store,
            resources.config,
            secret=secret,
            progress=resources.progress,
        )

    def restore(
        self,
        path: Path,
        *,
        to: Path | None = None,
        secret: Secret = NO_SECRET,
        dry_run: bool = False,
    ) -> RestoreReport:
        """Make a backup the store, here or in another home; what was there is kept beside it.

        Index files come back by themselves.
        """
        from brain.keeping import restore

        config = self._resources.config
        if to:
            config = replace(config, home=to.expanduser().absolute())
        make_home(config)
        if not dry_run:
            self._resources.close()
        report = restore.restore(
            path.expanduser().absolute(),
            config,
            now=self._resources.moment(),
            secret=secret,
            note=partial(note_raised, self._resources, config),
            dry_run=dry_run,
        )
        if report.done:
            note_restored(self._resources, config)
        return report

    def erase(
        self,
        references: Sequence[str],
        *,
        dry_run: bool,
        secret: Secret = NO_SECRET,
        mentions: bool = False,
    ) -> EraseReport:
        """Leave no byte of documents or episodes in any file of the home; list what else holds their words.

        `mentions`: questions, feedback and remembered sentences with words of them go as well. Raises `NotFound`.
        """
        from brain.app.erase import erase

        return erase(
            self._resources, references, secret, dry_run=dry_run, mentions=mentions
        )

    # -- export and import ----------------------------------------------------------------------------

    def export(
        self, directory: Path, *, only: Sequence[str] | None = None, force: bool = False
    ) -> ExportReport:
        """Everything as Markdown; inside an added folder only what is no file there already, unless asked."""
        from brain.app.importing import carried_roots, imported_from
        from brain.keeping.export import writing

        resources = self._resources
        library = resources.store.library
        roots = library.roots()
        source = writing.Source(
            library.export_rows,
            resources.store.episodes.export_rows,
            resources.store.skills.export_rows,
            resources.judgments.all,
            library.contexts(),
            [*roots, *carried_roots(resources).values()],
            [root["path"] for root in roots],
            imported_from(resources),
            lambda: resources.store.connection.left_out,
            {row.source: row.label for row in resources.store.labels.folders()},
            resources.store.inbox.all,
        )
        target = Path(os.path.abspath(directory.expanduser()))
        inside = any(Path(root["path"]) in target.parents for root in roots)
        if only is None and inside:
            only = INSIDE_A_ROOT
        return writing.export(
            source, target, only=only, force=force, progress=resources.progress
        )

    def import_from(
        self, directory: Path, *, roots: bool = False, dry_run: bool = False
    ) -> ImportReport:
        """Take in what `export` wrote, ids, tags, dates and labels included.

        With `roots` its folders are looked at from now on; with `dry_run` nothing is written. Raises `NotFound` when it
        is no export, `BrainError` for one whose manifest cannot be read.
        """
        from brain.app.importing import Import
        from brain.app.vectors import finish

        taking = Import(self._resources, dry_run=dry_run)
        try:
            taking.everything(directory, roots=roots)
        except KeyboardInterrupt:
            taking.tally.interrupted = True
        if dry_run:
            return taking.report(directory, taking.tally.report())
        return taking.report(directory, finish(self._resources, taking.tally))

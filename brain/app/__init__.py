"""`Brain`: the one object that every door calls, with one short method per verb.

It opens its parts on first use and hands them to the rooms that work. Leaves out parsing, rendering and every decision:
those live in the doors and in the rooms. Doors see this module, the types, the errors and the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from brain.app.parts import Parts, clean
from brain.config import Config
from brain.protocols import Embedder, Generator, Progress, VectorIndex, silent
from brain.types import Scope

if TYPE_CHECKING:
    from brain.reports import Judgment, Trace
    from brain.retrieval import Mode
    from brain.store.plain_bm25 import FrozenBM25
    from brain.types import (
        AddReport,
        Answer,
        BackupReport,
        Check,
        DocumentDetail,
        DocumentRow,
        Episode,
        EraseReport,
        Excerpt,
        ExportReport,
        ForgetReport,
        Forgotten,
        ModelTable,
        RebuildReport,
        Recalled,
        RestoreReport,
        Retrieved,
        Skill,
        Status,
    )

NOWHERE = Scope()


class Brain:
    """A person's store and everything that can be done with it. A context manager; closing it closes its files."""

    def __init__(
        self,
        config: Config,
        *,
        embedder: Embedder | None = None,
        generator: Generator | None = None,
        index: VectorIndex | None = None,
        progress: Progress = silent,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.config = config
        self.parts = Parts(
            config, embedder=embedder, generator=generator, index=index, progress=progress, now=now
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.parts.leave(error)

    def close(self) -> None:
        """Close what was opened."""
        self.parts.close()

    # -- taking in ------------------------------------------------------------------------------------------------------

    def add(
        self,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        dry_run: bool = False,
        strict: bool = False,
    ) -> AddReport:
        """Take in files and folders; a folder is registered and looked at again by `sync`. `strict` is the door's."""
        from brain.app import capture

        return capture.add(self.parts, paths, tags, dry_run=dry_run)

    def note(
        self, text: str, *, title: str | None = None, tags: Sequence[str] = (), source: str = "note"
    ) -> AddReport:
        """Keep a text that is no file."""
        from brain.app import capture

        return capture.note(
            self.parts, clean(text), title and clean(title), [clean(tag) for tag in tags]
        )

    def remember(
        self,
        text: str,
        *,
        at: str | None = None,
        session: str = "",
        people: Sequence[str] = (),
        tags: Sequence[str] = (),
    ) -> Episode:
        """Keep something that happened. `at`: any way of writing a time; now when None. Raises `UsageError`."""
        from brain.app import recall

        names, marks = [clean(name) for name in people], [clean(tag) for tag in tags]
        return recall.remember(
            self.parts, clean(text), at=at, session=clean(session), people=names, tags=marks
        )

    def remember_many(self, episodes: Sequence[Episode]) -> list[Episode]:
        """The same for many at once, in one transaction."""
        from brain.app import capture

        return capture.remember(self.parts, episodes)

    def sync(self) -> AddReport:
        """Look at every registered folder again and finish what waits."""
        from brain.app import capture

        return capture.sync(self.parts)

    # -- asking ---------------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        lexical: bool = False,
        scope: Scope = NOWHERE,
        mode: Mode = "hybrid",
        look: bool = True,
        rerank: bool | None = None,
        expand: bool | None = None,
    ) -> Retrieved:
        """Ranked passages, each rank explained. `look`: look at the registered folders for changes first. `rerank` and
        `expand`, by a local model: None as configured.
        """
        from brain.app import ask

        mode, more = "lexical" if lexical else mode, {"rerank": rerank, "expand": expand}
        return ask.search(self.parts, query, limit=limit, mode=mode, scope=scope, look=look, **more)

    def ask(
        self,
        question: str,
        *,
        follow_up: bool = False,
        scope: Scope = NOWHERE,
        limit: int = 8,
        anyway: bool = False,
        record: bool = True,
        say: Callable[[str, str], None] = lambda _kind, _text: None,
        rerank: bool | None = None,
        expand: bool | None = None,
    ) -> Answer:
        """An answer with checked citations; `say(kind, text)` hears it as it comes."""
        from brain.app import ask

        return ask.ask(
            self.parts,
            clean(question),
            follow_up=follow_up,
            scope=scope,
            limit=limit,
            anyway=anyway,
            record=record,
            say=say,
            rerank=rerank,
            expand=expand,
        )

    def recall(
        self,
        query: str,
        *,
        since: str = "",
        until: str = "",
        kind: str = "",
        person: str = "",
        limit: int = 10,
        mode: Mode = "hybrid",
    ) -> Recalled:
        """What was asked, answered, noted, and when."""
        from brain.app import recall

        return recall.recall(
            self.parts,
            query,
            since=since,
            until=until,
            kind=kind,
            person=person,
            limit=limit,
            mode=mode,
        )

    def episodes(self, *, kind: str = "", limit: int = 1_000_000) -> list[Episode]:
        """What happened, newest first."""
        return self.parts.episodes.recent(limit, kind=kind)

    def frozen_bm25(self, kind: str = "knowledge") -> FrozenBM25:
        """The yardstick of the evaluation, over what is stored now."""
        from brain.store.plain_bm25 import FrozenBM25

        return FrozenBM25(self.parts.store.connection.conn, kind)

    # -- judging --------------------------------------------------------------------------------------------------------

    def feedback(
        self,
        verdict: str,
        *,
        source: str = "",
        why: str = "",
        episode: str = "",
        absent: bool = False,
    ) -> Judgment:
        """Judge the last answer, or the one of `episode`: good, wrong, missing."""
        from brain.app import judge

        return judge.feedback(
            self.parts, verdict, source=source, why=why, episode=episode, absent=absent
        )

    def why_not(self, query: str, document: str, *, limit: int = 10) -> Trace:
        """At which stage a document was lost for a question."""
        from brain.app import judge

        return judge.why_not(self.parts, query, document, limit=limit)

    def calibrate(self, *, reset: bool = False) -> dict[str, Any]:
        """Fit the confidence to the person's feedback, or go back to the shipped one."""
        from brain.app import judge

        return judge.calibrate(self.parts, reset=reset)

    def eval_set(
        self, kind: str, directory: Path, *, embedder: str, vectors: Path | None
    ) -> dict[str, Any]:
        """The figures of a judged set, in stores of its own."""
        from brain.app import measure

        return measure.eval_set(
            self.config,
            kind,
            directory,
            embedder=embedder,
            vectors=vectors,
            progress=self.parts.progress,
        )

    def eval_init(
        self, path: Path | None, *, count: int, absent: int, force: bool
    ) -> dict[str, Any]:
        """Draft judged questions from the person's own notes."""
        from brain.app import measure

        return measure.eval_init(self.parts, path, count=count, absent=absent, force=force)

    def eval_run(self, path: Path | None = None) -> dict[str, Any]:
        """The figures of the person's own questions, beside the last run."""
        from brain.app import measure

        return measure.eval_run(self, path)

    # -- skills ---------------------------------------------------------------------------------------------------------

    def skill_add(self, path: Path) -> Skill:
        """Take in a folder with a SKILL.md."""
        from brain.app import export

        return export.skill_add(self.parts, path)

    def skills(self) -> list[Skill]:
        """All skills, by name."""
        return list(self.parts.skills.list())

    def skill(self, name: str) -> Skill:
        """One skill whole. Raises `NotFound`."""
        return self.parts.skills.get(name)

    def find_skills(self, query: str, limit: int = 5) -> list[Skill]:
        """Skills whose description fits, best first."""
        return list(self.parts.skills.find(query, limit=limit))

    # -- the library ------------------------------------------------------------------------------------------------------

    def get(self, reference: str) -> Excerpt:
        """Stored text: a document, lines of it (`PATH:120:40`), a chunk, or an episode."""
        from brain.app import library

        return library.excerpt(self.parts, reference)

    def multi_get(self, pattern: str) -> list[Excerpt]:
        """Every document whose path fits the glob. Raises `NotFound`."""
        from brain.app import library

        return library.excerpts(self.parts, pattern)

    def documents(self, *, scope: Scope = NOWHERE, limit: int | None = None) -> list[DocumentRow]:
        """What is stored, newest first."""
        return self.parts.store.library.rows(scope, limit=limit)

    def document(self, reference: str) -> DocumentDetail:
        """One document whole."""
        library = self.parts.store.library
        return library.detail(library.resolve(reference))

    def locate(self, reference: str) -> str:
        """What to open: a path, or an `obsidian:` address inside a vault."""
        from brain.app import library

        return library.locate(self.parts, reference)

    def forget(self, references: Sequence[str], *, dry_run: bool) -> ForgetReport:
        """Hide documents or episodes everywhere at once; `undo` brings them back for 30 days."""
        from brain.app import library

        return library.forget(self.parts, references, dry_run=dry_run)

    def restore_forgotten(self, reference: str = "last") -> Forgotten:
        """Bring back what was forgotten: one by its id, or all that the last `forget` took."""
        from brain.app import library

        return library.restore(self.parts, reference)

    def forgotten(self) -> list[Forgotten]:
        """What can be brought back."""
        from brain.app import library

        return library.forgotten(self.parts)

    def tag(
        self, reference: str, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Change a document's tags; returns those that it has now."""
        library = self.parts.store.library
        return library.tag(library.resolve(reference), map(clean, add), map(clean, remove))

    def add_context(self, path: str, description: str) -> None:
        """Say what lies under a path; it is returned with what is found there."""
        from brain.app import library

        self.parts.store.library.set_context(library.place(path), clean(description))

    def remove_context(self, path: str) -> None:
        """Take that description away."""
        from brain.app import library

        self.parts.store.library.set_context(library.place(path), None)

    def contexts(self) -> list[tuple[str, str]]:
        """(path, description) of all."""
        return list(self.parts.store.library.contexts().items())

    # -- upkeep -----------------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """What is there, what serves, and why."""
        from brain.app import status

        return status.status(self.parts)

    def doctor(
        self,
        deep: bool = False,
        repair: bool = False,
        *,
        passphrase: str = "",
        identity: Path | None = None,
    ) -> list[Check]:
        """Findings with stable ids. The newest backup is opened; an encrypted one with its passphrase or key file."""
        from brain.app import keep
        from brain.keeping.encryption import Secret

        return keep.doctor(
            self.parts, deep=deep, repair=repair, secret=Secret(passphrase, identity=identity)
        )

    def rebuild(self) -> RebuildReport:
        """Everything derived, anew from SQLite."""
        from brain.app import keep

        return keep.rebuild(self.parts)

    def backup(
        self,
        directory: Path | None = None,
        *,
        keep: str = "",
        passphrase: str = "",
        recipients: Sequence[str] = (),
    ) -> BackupReport:
        """One more proven copy."""
        from brain.app.keep import backup

        return backup(
            self.parts, directory, keep=keep, passphrase=passphrase, recipients=recipients
        )

    def restore(
        self,
        path: Path,
        *,
        to: Path | None = None,
        passphrase: str = "",
        identity: Path | None = None,
        dry_run: bool = False,
    ) -> RestoreReport:
        """Make a backup the store; what was there is kept beside it."""
        from brain.app import keep

        return keep.restore(
            self.parts, path, to=to, passphrase=passphrase, identity=identity, dry_run=dry_run
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
        """Leave no byte of documents or episodes in any file of the home."""
        from brain.app import erase

        return erase.erase(
            self.parts,
            references,
            dry_run=dry_run,
            backups=backups,
            passphrase=passphrase,
            identity=identity,
        )

    def models(self) -> ModelTable:
        """The models there are and what they serve for."""
        from brain.app import status

        return status.models(self.parts)

    def pull_model(self, name: str, progress: Progress = silent) -> None:
        """Let Ollama fetch a model."""
        self.parts.ollama.pull(name, progress)

    def use_model(self, role: str, name: str) -> str:
        """Choose the model of a role ("embed", "ask"); returns what happens next."""
        from brain.app import status

        return status.use_model(self.parts, role, name)

    def export(
        self, directory: Path, *, only: Sequence[str] | None = None, force: bool = False
    ) -> ExportReport:
        """Everything as Markdown."""
        from brain.app import export

        return export.export(self.parts, directory, only=only, force=force)

    def import_from(self, directory: Path) -> AddReport:
        """Take in what `export` wrote."""
        from brain.app import export

        return export.import_from(self.parts, directory)

"""`Brain`: the one object that every door calls. Eight verbs of every day on it, the rest behind its nouns.

A verb opens what it needs on first use and hands it to the module that does the work, which is imported then, so that
`--help` and a search by words load no model. Leaves parsing and rendering to the doors, and every decision to the
modules beside this one and the rooms below. Doors see this module, the types, the errors and the configuration.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from brain.app.loaded import LoadedModels
from brain.app.resources import Resources, clean
from brain.config import Config
from brain.labels import UNLABELLED
from brain.protocols import AnswerReader, Embedder, Generator, Progress, silent
from brain.types import Span

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.app.cloud import Cloud
    from brain.app.folders import Folders
    from brain.app.inbox import Inbox
    from brain.app.judge import Judge
    from brain.app.keep import Keep
    from brain.app.labels import Labels
    from brain.app.ledger import LedgerBook
    from brain.app.library import Library
    from brain.app.models import LocalModels
    from brain.app.outside import Agree
    from brain.app.policy import PolicyBook
    from brain.app.service import Service
    from brain.app.skills import Skills
    from brain.models.sentence_embedder import SentenceEmbedder
    from brain.recalled import Recalled
    from brain.reports import Status
    from brain.types import AddReport, Answer, Episode, Request, Retrieved


def quiet(_kind: str, _text: str, _answer: Span | None = None, /) -> None:
    """Hears nothing of an answer as it comes."""


def finish_begun_erasure(resources: Resources, noted: str) -> str:
    """Finish an erasure that was broken off, of which this is noted."""
    from brain.app import derived

    return derived.finish_begun_erasure(resources, noted)


class Brain:
    """A person's store and everything that can be done with it. A context manager; closing it closes its files.

    The nouns: `library` (what is stored), `folders` (which are looked at), `labels` (how confidential it is),
    `skills` (how to do things), `inbox` (what agents want to write), `judge` (what a person says of answers, and
    figures), `keep` (looking after the store), `ledger` (what left this machine, its cost), `policy` (what may
    leave), `cloud` (a model outside), `models` (which models there are and what they serve for), `service` (what a
    server notes of itself).

    `loaded`: models that several of them share, in place of the three that may be given; `long_lived`: it serves one
    request after the other, and Chroma answers.
    """

    def __init__(
        self,
        config: Config,
        *,
        embedder: Embedder | None = None,
        generator: Generator | None = None,
        reader: AnswerReader | None = None,
        shipped: SentenceEmbedder | None = None,
        progress: Progress = silent,
        now: Callable[[], datetime] | None = None,
        loaded: LoadedModels | None = None,
        long_lived: bool = False,
    ) -> None:
        self.config = config
        self.resources = Resources(
            config,
            loaded=loaded
            or LoadedModels(
                config.models, embedder=embedder, shipped=shipped, reader=reader
            ),
            generator=generator,
            long_lived=long_lived,
            progress=progress,
            now=now,
            finish=finish_begun_erasure,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: object
    ) -> None:
        self.resources.leave(error)

    def close(self) -> None:
        """Close what was opened."""
        self.resources.close()

    def warm(self) -> str:
        """Load the models and open the index before the first question; which index answers, and why."""
        from brain.app.warm import warm

        return warm(self.resources)

    def keep_warm(self) -> None:
        """Renew what `warm` opened, where much has changed since."""
        from brain.app.warm import renew_if_due

        renew_if_due(self.resources)

    @contextmanager
    def lent(self, progress: Progress) -> Iterator[Self]:
        """This `Brain` for one command of somebody, who hears its progress; it stays open."""
        resources = self.resources
        before = resources.progress
        resources.progress = progress
        try:
            yield self
            resources.tell_left_out()
        except sqlite3.Error as error:
            resources.leave(error)
            raise
        finally:
            resources.progress = before

    # -- taking in ------------------------------------------------------------------------------------

    def add(
        self,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        dry_run: bool = False,
        again: bool = False,
        label: str = UNLABELLED,
    ) -> AddReport:
        """Take in files and folders; a folder is registered and looked at again by `sync`.

        `again`: also what was erased for good before, which stays out otherwise. `label`: how confidential it is.
        """
        from brain.app import capture

        return capture.add(
            self.resources, paths, tags, dry_run=dry_run, again=again, label=label
        )

    def note(
        self,
        text: str,
        *,
        title: str = "",
        tags: Sequence[str] = (),
        again: bool = False,
        label: str = UNLABELLED,
    ) -> AddReport:
        """Keep a text that is no file. Raises `UsageError` for an empty one.

        The same note is not kept twice, unless `again`.
        """
        from brain.app import notes

        names = [clean(tag) for tag in tags]
        return notes.note(
            self.resources, clean(text), clean(title), names, again=again, label=label
        )

    def remember(
        self,
        text: str,
        *,
        at: str = "",
        session: str = "",
        people: Sequence[str] = (),
        tags: Sequence[str] = (),
        label: str = UNLABELLED,
    ) -> Episode:
        """Keep something that happened. `at`: any way of writing a time; now when "". Raises `UsageError`."""
        from brain.app import capture
        from brain.types import Episode

        names = [clean(name) for name in people]
        tagged = [clean(tag) for tag in tags]
        said = Episode(
            id="",
            at=at,
            kind="note",
            question="",
            answer=clean(text),
            session=clean(session),
            people=tuple(names),
            tags=tuple(tagged),
            label=label,
        )
        return capture.remember(self.resources, said)

    def sync(self) -> AddReport:
        """Look at every registered folder again and finish what waits."""
        from brain.app.sync import sync

        return sync(self.resources)

    # -- asking ---------------------------------------------------------------------------------------

    def search(self, request: Request) -> Retrieved:
        """Ranked passages, each rank explained."""
        from brain.app.search import search

        return search(self.resources, request)

    def ask(
        self, request: Request, *, say: Say = quiet, agree: Agree | None = None
    ) -> Answer:
        """An answer with checked citations; `say(kind, text)` hears it as it comes. `agree`: asks the person who waits
        whether exactly these bytes may leave, where a rule wants that; None where nobody waits.
        """
        from brain.app.ask import ask

        return ask(self.resources, request, say, agree)

    def recall(self, request: Request, *, kind: str = "", person: str = "") -> Recalled:
        """What was asked, answered, noted, and when: of one kind, or with one person, where these are given."""
        from brain.app.recall import recall

        return recall(self.resources, request, kind, person)

    def listed(self, name: str, entries: Sequence[tuple[str, str]]) -> None:
        """A list was shown to a person ("search", "recall", "list", "nearest"): its numbers are addresses from now.

        `entries`: the id of each document (`episode:` and its id for an episode), and the place in it.
        """
        from brain.app.last_list import keep

        keep(self.resources, name, entries)

    def status(self) -> Status:
        """What is there, what serves, and why."""
        from brain.app.status import status

        return status(self.resources)

    # -- the nouns ------------------------------------------------------------------------------------

    @cached_property
    def library(self) -> Library:
        """What is stored: read it, tag it, forget it."""
        from brain.app.library import Library

        return Library(self.resources)

    @cached_property
    def folders(self) -> Folders:
        """The added folders: list them, let one go, follow one that moved."""
        from brain.app.folders import Folders

        return Folders(self.resources)

    @cached_property
    def labels(self) -> Labels:
        """How confidential things are."""
        from brain.app.labels import Labels

        return Labels(self.resources)

    @cached_property
    def skills(self) -> Skills:
        """How to do things."""
        from brain.app.skills import Skills

        return Skills(self.resources)

    @cached_property
    def inbox(self) -> Inbox:
        """What agents propose to remember: a person accepts or refuses it."""
        from brain.app.inbox import Inbox

        return Inbox(self.resources)

    @cached_property
    def judge(self) -> Judge:
        """What a person says of answers, what follows from it, and figures."""
        from brain.app.judge import Judge

        return Judge(self.resources)

    @cached_property
    def keep(self) -> Keep:
        """Looking after the store."""
        from brain.app.keep import Keep

        return Keep(self.resources)

    @cached_property
    def cloud(self) -> Cloud:
        """Whether a model outside this machine may be asked."""
        from brain.app.cloud import Cloud

        return Cloud(self.resources)

    @cached_property
    def policy(self) -> PolicyBook:
        """The rules of what may leave this machine."""
        from brain.app.policy import PolicyBook

        return PolicyBook(self.resources)

    @cached_property
    def ledger(self) -> LedgerBook:
        """What left this machine, and what was spent."""
        from brain.app.ledger import LedgerBook

        return LedgerBook(self.resources)

    @cached_property
    def service(self) -> Service:
        """What a server that runs for months notes of itself."""
        from brain.app.service import Service

        return Service(self.resources)

    @cached_property
    def models(self) -> LocalModels:
        """The models there are and what they serve for."""
        from brain.app.models import LocalModels

        return LocalModels(self.resources)

"""What `Brain` opens, each on first use: store, tables, models, indexes, and which of them serve at the moment.

The one place that decides between the built-in models and Ollama's, and that says why. Leaves every verb to the modules
beside it; serves all of them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from brain.app.loaded import LoadedModels
from brain.app.serving import (
    AUTO,
    BUILTIN,
    SHIPPED,
    WITHOUT_OLLAMA,
    WORDLLAMA,
    Chooser,
    Serving,
)
from brain.config import Config, make_home, settle_zone, takes_no_writing
from brain.errors import BrainError, Unavailable
from brain.models.sentence_embedder import SentenceEmbedder
from brain.protocols import (
    AnswerReader,
    Embedder,
    Generator,
    Progress,
    Searchable,
    silent,
)
from brain.store import Store

if TYPE_CHECKING:
    from brain.app.speeds import Speeds
    from brain.evaluation.calibrate import Head
    from brain.index import Indexes
    from brain.models.ollama import OllamaServer
    from brain.models.ollama_generator import OllamaGenerator
    from brain.retrieval import Sources
    from brain.store.judgments import JudgmentTable

KINDS = ("knowledge", "episodes")  # what has vectors: chunks of documents, and episodes
HEAD = "confidence_head"  # setting: what `brain eval calibrate` fitted, as JSON
LEFT_OUT_NAMED = 10  # damaged rows; the doctor names them all
UMASK = 0o077  # a person's notes are nobody else's to read
BOUND_TO_STORE = (
    "judgments",
    "serving",
)  # of `Resources`: read from the store that was open
# numpy's own threads wait for one another in a loop: on a busy machine a scan of 100,000 vectors takes 120 ms with two,
# 4 with one. Read when numpy is loaded, which is later than this.
ONE_THREAD = "OPENBLAS_NUM_THREADS"


def clean(text: str) -> str:
    """What a person typed as text that SQLite and JSON can hold.

    A shell passes bytes that are not UTF-8 on as lone surrogates: they become `?`. NUL goes.
    """
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def best_writer(server: OllamaServer) -> tuple[str, str]:
    """(the best model of the server that writes, why). Raises `Unavailable` when there is none."""
    from brain.models import catalogue

    name, why = catalogue.best_writer(server.tags(), abilities=server.abilities)
    if name is None:
        raise Unavailable(why, "see `brain models list`")
    return name, why


class Noun:
    """What each noun of `Brain` stands on."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @property
    def _store(self) -> Store:
        return self._resources.store


class Resources:
    """Everything that is opened and closed. `now` gives the present time with its zone.

    `finish` is called with what is noted of an erasure that was broken off, before anything else is done with the
    store; it returns what was done.
    """

    def __init__(
        self,
        config: Config,
        *,
        loaded: LoadedModels | None = None,
        generator: Generator | None = None,
        long_lived: bool = False,
        progress: Progress = silent,
        now: Callable[[], datetime] | None = None,
        finish: Callable[[Resources, str], str] | None = None,
    ) -> None:
        os.umask(UMASK)
        settle_zone()
        os.environ.setdefault(ONE_THREAD, "1")
        self.config = config
        self.progress = progress
        self.loaded = loaded or LoadedModels(config.models)
        self.given_embedder = self.loaded.given_embedder
        self.given_generator = generator
        self.long_lived = long_lived
        self._now = now or (lambda: datetime.now().astimezone())
        self._indexes: dict[str, Indexes] = {}
        self._store: Store | None = None
        self._finish = finish or (lambda _resources, _noted: "")
        self.finished = ""  # what was finished when the store was opened

    # -- time and store -------------------------------------------------------------------------------

    def moment(self) -> datetime:
        """The present."""
        return self._now()

    def seconds(self) -> str:
        """The present as ISO 8601 with seconds and offset."""
        return self._now().isoformat(timespec="seconds")

    def now(self) -> str:
        """The present as ISO 8601 with microseconds and offset."""
        return self._now().isoformat(timespec="microseconds")

    @property
    def store(self) -> Store:
        """The database; the home folder is made on first use."""
        if self._store is None and self.read_only:
            self._store = Store.open_read_only(self.config.database, now=self._now)
        if self._store is None:
            make_home(self.config)
            self._store = Store.open(self.config.database, now=self._now)
            noted = self._store.begun_erasure()
            if self.long_lived:
                self._store.beside_others()
            if noted:
                self.finished = self._finish(self, noted)
        return self._store

    @cached_property
    def read_only(self) -> bool:
        """Whether the home lies on a disk that takes no writing."""
        return takes_no_writing(self.config.home)

    @cached_property
    def judgments(self) -> JudgmentTable:
        """What a person said of answers, and figures measured on it."""
        from brain.store.judgments import JudgmentTable

        return JudgmentTable(self.store.connection)

    @property
    def head(self) -> Head:
        """What the probability `found` is computed with: the person's calibrated head, or the shipped one."""
        from brain.evaluation import calibrate

        return calibrate.loaded(self.store.library.setting(HEAD))

    # -- models ---------------------------------------------------------------------------------------

    @property
    def builtin(self) -> Embedder:
        """The built-in embedder, whose vectors every chunk has; a given one takes its place."""
        return self.loaded.builtin

    @property
    def shipped(self) -> SentenceEmbedder:
        """The sentence embedder that ships inside the package; its files are read on first use."""
        return self.loaded.shipped

    @property
    def comparer(self) -> Embedder | None:
        """The built-in embedder for comparing sentences on the spot, None where it cannot be read."""
        try:
            return self._kept_vectors if self.builtin.fingerprint else None
        except Unavailable:
            return None

    @property
    def answer_reader(self) -> AnswerReader | None:
        """What reads question and passage together; None where it is left out. Nothing is opened before its first
        use.
        """
        return self.loaded.answer_reader

    @cached_property
    def _kept_vectors(self) -> Embedder:
        from brain.models.kept_vectors import KeptVectors

        return KeptVectors(self.builtin)

    @cached_property
    def ollama(self) -> OllamaServer:
        """The local model server. Raises `Refused` for a host that is not this machine."""
        settings = self.config.ollama
        return self._server(
            settings.connect_seconds, settings.idle_seconds, settings.total_seconds
        )

    def ollama_within(self, seconds: float) -> OllamaServer:
        """The same server where no call takes longer than that. Raises `Refused`."""
        connect = min(self.config.ollama.connect_seconds, seconds)
        return self._server(connect, seconds, seconds)

    def _server(self, connect: float, idle: float, total: float) -> OllamaServer:
        """A client of the server, its limits in seconds."""
        from brain.models.limits import Limits
        from brain.models.ollama import OllamaServer

        settings = self.config.ollama
        limits = Limits.of(
            connect=connect,
            idle=idle,
            total=total,
        )
        return OllamaServer(
            settings.host,
            trusted_hosts=settings.trusted_hosts,
            limits=limits,
            tell=lambda line: self.progress(f"notice: {line}", 0, 0),
        )

    def ollama_embedder(self, model: str) -> Embedder:
        """An embedding model of the server; nothing is sent before its first use."""
        from brain.models.ollama_embedder import OllamaEmbedder

        return OllamaEmbedder(
            self.ollama, model, keep_alive=self.config.ollama.keep_alive
        )

    def wanted_embedder(self) -> str | None:
        """The name of the Ollama model that should embed, None for built-in ones. Asks the server when "auto"."""
        wanted = self.config.models.embed
        if wanted in WITHOUT_OLLAMA or self.given_embedder is not None:
            return None
        if wanted != AUTO:
            return wanted
        from brain.models.catalogue import best_embedder

        server = self.ollama
        return best_embedder(server.tags(), abilities=server.abilities)

    def embedder_of(self, model: str) -> Embedder:
        """The model of the second speed that has this name."""
        if model == SHIPPED:
            return self.shipped
        return self.ollama_embedder(model)

    def second_embedder(self) -> tuple[str, str]:
        """(the model whose vectors follow behind the word vectors, "" for none; what to tell): a model of Ollama where
        one is wanted and there, else the one that ships.
        """
        wanted = self.config.models.embed
        if wanted == WORDLLAMA or self.given_embedder is not None:
            return "", ""
        missing = ""
        try:
            model = self.wanted_embedder()
            if model is not None and self.ollama_embedder(model).fingerprint:
                return model, ""
        except BrainError as error:
            if wanted != AUTO:
                missing = f"{error.message}; the built-in model serves"
        return SHIPPED, missing

    @cached_property
    def serving(self) -> Serving:
        """Which embedder answers questions, and why."""
        given = self.given_embedder
        if given is not None:
            return Serving(given, str(given.fingerprint), "given by the caller")
        return self._chooser().serving()

    def step_back(self, missing: str) -> bool:
        """From now on a built-in embedder answers, since the model of the server does not; False where it does already.

        A server may say which models it has, and be too busy to use one.
        """
        own = (self.given_embedder, self.builtin, self.shipped)
        now = self.serving.embedder
        if now is None or any(now is one for one in own):
            return False
        self.__dict__["serving"] = self._chooser().without_ollama(missing)
        return True

    def _chooser(self) -> Chooser:
        return Chooser(
            self.store,
            self.config.models.embed,
            self.builtin,
            self.shipped,
            self.ollama_embedder,
        )

    def generator(self) -> tuple[Generator | None, str, str]:
        """(the model that writes, or None for quotes; why; what is missing)."""
        wanted = self.config.models.ask
        if self.given_generator is not None:
            return self.given_generator, "given by the caller", ""
        if wanted == BUILTIN:
            return None, "chosen in the configuration", ""
        try:
            name = wanted
            why = "chosen in the configuration"
            if wanted == AUTO:
                name, why = best_writer(self.ollama)
            model = self.ollama_generator(self.ollama, name)
            self.ollama.prove(name)
        except BrainError as error:
            missing = f"{error.message}; the best sentences of the notes stand in"
            return None, error.message, "" if wanted == AUTO else missing
        return model, why, ""

    def larger_writer(self) -> Generator | None:
        """The largest model that fits, where a smaller one was chosen to answer."""
        chosen = self.config.models.ask
        if self.given_generator is not None or chosen in (BUILTIN, AUTO):
            return None
        try:
            largest, _why = best_writer(self.ollama)
            if largest == chosen:
                return None
            return self.ollama_generator(self.ollama, largest)
        except BrainError:
            return None

    def ollama_generator(self, server: OllamaServer, model: str) -> OllamaGenerator:
        """A model of the server that writes; nothing is sent before its first use."""
        from brain.models.ollama_generator import OllamaGenerator

        settings = self.config.ollama
        return OllamaGenerator(
            server,
            model,
            num_ctx=settings.num_ctx,
            keep_alive=settings.keep_alive,
            speeds=self.speeds,
        )

    @cached_property
    def speeds(self) -> Speeds:
        """How fast models were measured to be here."""
        from brain.app.speeds import Speeds

        return Speeds(lambda: self.store)

    # -- indexes --------------------------------------------------------------------------------------

    def sources(
        self, searchable: Searchable, kind: str, serving: Serving | None = None
    ) -> Sources:
        """What a search of a kind ("knowledge", "episodes") looks through; `serving` when another embedder is meant."""
        from brain.retrieval import Sources

        serving = serving or self.serving
        if serving.embedder is None:
            return Sources(searchable)
        index = self.indexes(serving.fingerprint).index(kind)
        return Sources(searchable, index, serving.embedder)

    def indexes(self, fingerprint: str) -> Indexes:
        """All the indexes of one fingerprint."""
        if fingerprint not in self._indexes:
            from brain.index import Indexes

            self._indexes[fingerprint] = Indexes(
                self.store.vectors,
                self.config.index_dir,
                fingerprint,
                engine=self.config.index.engine,
                exact_limit=self.config.index.exact_limit,
                long_lived=self.long_lived,
                snapshots=self.loaded.snapshots,
            )
        return self._indexes[fingerprint]

    def begin(self) -> None:
        """Another request of a door that lives long: what may be otherwise than at the last one is looked at anew."""
        self.__dict__.pop("serving", None)
        if self._store is not None and not self._store.is_at(self.config.database):
            self.close()  # a `restore` has put another file into its place

    def leave(self, error: BaseException | None) -> None:
        """Close it. An error of SQLite's own, a damaged page met anywhere, becomes one that says what to do."""
        self.close()
        if isinstance(error, sqlite3.Error):
            from brain.store.connection import explain

            raise explain(error, self.config.database) from error

    def tell_left_out(self) -> None:
        """Name the rows that were left out since they are damaged, each time that they were."""
        if self._store is None:
            return
        left = self._store.connection.left_out
        for name, column in [*left.items()][:LEFT_OUT_NAMED]:
            said = f"{name} is damaged ({column}) and was left out"
            self.progress(f"notice: {said}: see `brain doctor --deep`", 0, 0)
        more = len(left) - LEFT_OUT_NAMED
        if more > 0:
            self.progress(f"notice: {more:,} more rows are damaged and left out", 0, 0)
        left.clear()

    def close(self) -> None:
        """Close what was opened. What is asked for afterwards is opened anew, as it must be after a `restore`."""
        for opened in self._indexes.values():
            opened.close()
        self._indexes.clear()
        if self._store is not None:
            self.tell_left_out()
            self._store.close()
            self._store = None
        for name in BOUND_TO_STORE:
            self.__dict__.pop(name, None)

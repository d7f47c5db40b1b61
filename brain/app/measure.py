"""What `.judge` measures with: stores made for a judged set, and drafts of a person's own questions.

A judged set never touches the person's store: every home is made for it, with the shipped configuration and the
embedder that was asked for. Leaves what is measured, and how, to `brain.evaluation`; serves `brain.app.judge`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from brain import prompts
from brain.app import capture
from brain.app.recall import recall
from brain.app.resources import Resources
from brain.app.search import search
from brain.app.serving import AUTO, BUILTIN, WITHOUT_OLLAMA, WORDLLAMA
from brain.app.sync import sync
from brain.config import Config, Models, Retrieval
from brain.errors import BrainError, NotFound, Unavailable, UsageError
from brain.evaluation.drafting import Text, draft
from brain.evaluation.own import FEEDBACK, OwnQuestion
from brain.protocols import Embedder, Generator, Progress
from brain.recalled import Recalled
from brain.reports import Figures
from brain.types import AddReport, Answer, Episode, Request, Retrieved, Scope
from ingest.document import digest

if TYPE_CHECKING:
    from brain.evaluation.retrieval import Setup
    from brain.store.plain_bm25 import FrozenBM25

    OpenStore = Callable[[Path], "MeasuredStore"]
    Evaluation = Callable[[Path, Setup], Figures]

UNHURRIED = 60.0  # seconds for reading: no figure depends on how busy the machine is
QUESTION_TOKENS = 80  # that a model may write for one question


class MeasuredStore:
    """A store with the verbs that the evaluation drives; no local model helps its search. Closing it closes its files.

    With another `embedder` than word vectors its `sync` must end with every vector of that model.
    """

    def __init__(self, resources: Resources, embedder: str = WORDLLAMA) -> None:
        self._resources = resources
        self._embedder = embedder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: object
    ) -> None:
        self._resources.leave(error)

    def add(self, paths: Sequence[Path]) -> AddReport:
        """As `Brain.add`."""
        return capture.add(self._resources, paths, (), dry_run=False)

    def remember(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Episodes as they are, in one transaction."""
        return capture.remember_episodes(self._resources, episodes)

    def sync(self) -> AddReport:
        """As `Brain.sync`. Raises `Unavailable` when the model that was asked for did not embed everything."""
        report = sync(self._resources)
        serving = self._resources.serving
        if not self._serves(serving.embedder):
            why = "; ".join(report.notices) or serving.reason
            raise Unavailable(
                f"{self._embedder} did not embed everything: {why}",
                "see `brain models list`; run it again",
            )
        return report

    def _serves(self, embedder: Embedder | None) -> bool:
        """Whether this is the embedder that was asked for."""
        words = self._resources.builtin
        sentences = self._resources.shipped
        if self._embedder == WORDLLAMA:
            return embedder is words
        if self._embedder in WITHOUT_OLLAMA:
            return embedder is sentences
        return embedder not in (words, sentences)

    def search(self, request: Request) -> Retrieved:
        """As `Brain.search`."""
        return search(self._resources, replace(request, rerank=False, expand=False))

    def ask(self, request: Request) -> Answer:
        """As `Brain.ask`."""
        from brain.answering.asking import quiet
        from brain.app.ask import ask

        return ask(self._resources, request, quiet)

    def tries(self, request: Request) -> tuple[Answer, Answer]:
        """The first answer of this machine, and the better one of two. Nothing is kept, and nothing can leave."""
        from brain.app.route import tries

        return tries(self._resources, request)

    def recall(self, request: Request) -> Recalled:
        """As `Brain.recall`."""
        return recall(self._resources, request, "", "")

    def episodes(self, kind: str) -> list[Episode]:
        """Every episode of a kind."""
        return self._resources.store.episodes.recent(1_000_000, kind=kind)

    def plain_bm25(self, kind: str) -> FrozenBM25:
        """The yardstick: BM25 as it comes, over what is stored now ("knowledge" or "episodes")."""
        from brain.store.plain_bm25 import FrozenBM25

        return FrozenBM25(self._resources.store.connection.conn, kind)


# -- judged sets ----------------------------------------------------------------------------------------


def evaluation_of(kind: str, embedder: str) -> Evaluation:
    """What measures a kind of set. Raises `UsageError` for an unknown one, or when the embedder is left open."""
    from brain.evaluation import answerability, answers, recall, retrieval, routing

    evaluations: dict[str, Evaluation] = {
        "retrieval": retrieval.retrieval,
        "answerability": answerability.answerability,
        "answers": answers.answers,
        "recall": recall.recall,
        "routing": routing.simulate,
    }
    if kind not in evaluations:
        raise UsageError(
            f"there is no evaluation {kind!r}", f"kinds: {', '.join(evaluations)}"
        )
    if embedder == AUTO:
        raise UsageError(
            "an evaluation names its embedder",
            "say --embedder builtin, wordllama or the name of a model",
        )
    return evaluations[kind]


def opener(resources: Resources, embedder: str) -> OpenStore:
    """From a home folder to a store as shipped, with this embedder and the person's address of Ollama."""

    def opened(home: Path) -> MeasuredStore:
        models = Models(embed=embedder, ask=BUILTIN)
        shipped = Config(
            home=home,
            models=models,
            ollama=resources.config.ollama,
            retrieval=Retrieval(read_seconds=UNHURRIED),
        )
        own = Resources(shipped, progress=resources.progress)
        return MeasuredStore(own, embedder)

    return opened


def store_name(embedder: str) -> str:
    """The folder of kept stores, named by the code that decides what they hold: one of other chunks is not reused."""
    name = re.sub(r"[^\w.-]|_", "-", embedder)
    return f"{name}-{sources_digest()}"


def sources_digest() -> str:
    """A digest of the code that decides what a store holds."""
    import ingest
    import migrations
    from brain import store

    folders = sorted(
        Path(str(package.__file__)).parent for package in (ingest, migrations, store)
    )
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return digest(b"".join(path.read_bytes() for path in files))[:12]


# -- the person's own questions ---------------------------------------------------------------------------


def texts(resources: Resources) -> list[Text]:
    """Every document that was read, as something to draft questions from."""
    library = resources.store.library

    def text_of(document_id: str) -> str:
        return library.detail(document_id).text

    return [
        Text(row.source, row.title, partial(text_of, row.id))
        for row in library.rows()
        if row.entry == "full"
    ]


def drafted(
    resources: Resources,
    texts: Sequence[Text],
    generator: Generator | None,
    *,
    count: int,
    absent: int,
) -> list[OwnQuestion]:
    """`count` questions that the texts answer and `absent` that they do not, by the model where there is one."""
    store = resources.store

    def held(words: Sequence[str]) -> bool:
        return bool(
            store.whole.mentioning(
                words,
                any_of=False,
                tag="",
                scope=Scope(),
            )[0]
        )

    return draft(
        texts,
        count=count,
        absent=absent,
        chunks=store.search.count(),
        frequencies=store.search.document_frequencies,
        held=held,
        write=writer(generator, resources.progress, count)
        if generator is not None
        else None,
    )


def writer(
    generator: Generator, progress: Progress, total: int
) -> Callable[[str, str], str]:
    """A function that lets a model write the question of a sentence; once it fails it is not asked again."""
    done = 0
    works = True

    def write(sentence: str, title: str) -> str:
        nonlocal done, works
        done += 1
        progress("questions", min(done, total), total)
        if not works:
            return ""
        nonce = secrets.token_hex(4)
        asked = prompts.QUESTION_USER.format(
            nonce=nonce, title=title, sentence=sentence
        )
        messages = [
            {"role": "system", "content": prompts.QUESTION_SYSTEM},
            {"role": "user", "content": asked},
        ]
        try:
            return "".join(generator.stream(messages, max_tokens=QUESTION_TOKENS))
        except BrainError:
            works = (
                False  # a model that does not answer costs its whole deadline each time
            )
            return ""

    return write


def as_stored(
    resources: Resources, questions: Iterable[OwnQuestion], notices: list[str]
) -> list[OwnQuestion]:
    """The questions with the sources as stored; one that names nothing stored is left out, and said."""
    library = resources.store.library
    found = []
    for question in questions:
        try:
            rows = [
                library.detail(library.resolve(source)).row
                for source in question.sources
            ]
        except BrainError as error:
            notices.append(f"left out “{question.text}”: {error.message}")
            continue
        found.append(replace(question, sources=tuple(row.source for row in rows)))
    return found


def from_feedback(resources: Resources) -> list[OwnQuestion]:
    """Feedback that says where the answer is, or that there is none."""
    library = resources.store.library
    found = []
    for one in resources.judgments.all():
        sources = []
        for document_id in one.documents:
            try:
                sources.append(library.detail(document_id).row.source)
            except NotFound:
                continue
        if one.answerable is False or sources:
            question = OwnQuestion(
                one.question,
                tuple(sources),
                one.quote,
                kind="feedback",
                checked=True,
                origin=FEEDBACK,
            )
            found.append(question)
    return found

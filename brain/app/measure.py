"""`brain eval`: judged sets in temporary homes, and the person's own questions on their own store.

Thin joins: what is measured and how is `brain.evaluation`'s. A judged set never touches the person's store: every home
is made for it, with the shipped configuration and the embedder that was asked for. Leaves out feedback (judging).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain import prompts
from brain.app.judge import table
from brain.app.parts import AUTO, BUILTIN, Parts
from brain.config import Config, Models, Retrieval
from brain.errors import BrainError, NotFound, Unavailable, UsageError
from brain.evaluation.drafting import Text, draft
from brain.evaluation.own import FEEDBACK, Question, merged, read_questions, write_questions
from brain.evaluation.own import run as run_own
from brain.protocols import Generator, Progress
from brain.types import Scope
from ingest.document import digest

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.evaluation.retrieval import OpenBrain

KINDS = ("retrieval", "answerability", "recall")
JUDGMENTS = "judgments.toml"  # in the home folder, unless a person names another file
OWN = "own"  # the name of the runs on the person's own questions
QUESTION_TOKENS = 80  # that a model may write for one question


def eval_set(
    config: Config,
    kind: str,
    directory: Path,
    *,
    embedder: str,
    vectors: Path | None,
    progress: Progress,
) -> dict[str, Any]:
    """The report of one judged set. `embedder`: "builtin" or a model of Ollama. Nothing of the person's store is opened.

    Raises `UsageError` for a folder that is no set, `Unavailable` when the model does not answer.
    """
    from brain.evaluation import answerability, recall, retrieval

    measure = {
        "retrieval": retrieval.retrieval,
        "answerability": answerability.answerability,
        "recall": recall.recall,
    }
    if kind not in KINDS:
        raise UsageError(f"there is no evaluation {kind!r}", f"kinds: {', '.join(KINDS)}")
    if embedder == AUTO:
        raise UsageError(
            "an evaluation names its embedder", "say --embedder builtin or the name of a model"
        )
    open_brain = opener(config, embedder, progress)
    filler = None if embedder == BUILTIN else opener(config, BUILTIN, progress)
    kept = vectors / f"{_model_name(embedder)}-{sources_digest()}" if vectors else None
    return measure[kind](directory, open_brain, filler=filler, vectors=kept, progress=progress)


def opener(config: Config, embedder: str, progress: Progress) -> OpenBrain:
    """From a home folder to a `Brain` as shipped, with this embedder and the person's address of Ollama."""
    from brain.app import Brain

    class Measuring(Brain):
        """A `Brain` whose `sync` must end with every vector of the embedder that was asked for."""

        def sync(self) -> Any:
            report = super().sync()
            if embedder != BUILTIN and self.parts.serving.embedder is self.parts.builtin:
                why = "; ".join(report.notices) or self.parts.serving.reason
                raise Unavailable(
                    f"{embedder} did not embed everything: {why}",
                    "see `brain models list`; run it again",
                )
            return report

    return lambda home: Measuring(
        Config(home=home, models=Models(embed=embedder, ask=BUILTIN), ollama=config.ollama),
        progress=progress,
    )


def sources_digest() -> str:
    """A digest of the code that decides what a store holds: a kept store of other chunks is not measured again."""
    import ingest
    import migrations
    from brain import store

    folders = sorted(Path(str(package.__file__)).parent for package in (ingest, migrations, store))
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return digest(b"".join(path.read_bytes() for path in files))[:12]


def _model_name(embedder: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in embedder)


# -- the person's own questions -----------------------------------------------------------------------------------------


def eval_init(
    parts: Parts, path: Path | None, *, count: int, absent: int, force: bool
) -> dict[str, Any]:
    """Draft questions from the stored documents into a file. Raises `NotFound` when nothing is stored."""
    target = path or parts.config.home / JUDGMENTS
    if target.exists() and not force:
        raise UsageError(
            f"{target} is there already", "name another file, or write it anew with --force"
        )
    library = parts.store.library
    rows = [row for row in library.rows() if row.entry == "full"]
    if not rows:
        raise NotFound(
            "nothing is stored to draft questions from", "take something in first: brain add PATH"
        )
    generator, _why, missing = parts.generator()
    texts = [Text(row.source, row.title, partial(_text, parts, row.id)) for row in rows]
    drafted = draft(
        texts,
        count=count,
        absent=absent,
        chunks=parts.store.search.count(),
        frequencies=parts.store.search.document_frequencies,
        held=lambda words: bool(
            parts.store.whole.mentioning(words, any_of=False, tag="", scope=Scope())[0]
        ),
        write=writer(generator, parts.progress, count) if generator is not None else None,
    )
    write_questions(target, drafted, force=force)
    answerable = sum(bool(question.sources) for question in drafted)
    return {
        "schema": 1,
        "file": str(target),
        "questions": answerable,
        "absent": len(drafted) - answerable,
        "documents": len(rows),
        "written_by": generator.name if generator is not None else "words",
        "degraded": missing or None,
    }


def _text(parts: Parts, document_id: str) -> str:
    return parts.store.library.detail(document_id).text


def writer(generator: Generator, progress: Progress, total: int) -> Callable[[str, str], str]:
    """A function that lets a model write the question of a sentence; once it fails it is not asked again."""
    state = {"done": 0, "works": 1}

    def write(sentence: str, title: str) -> str:
        state["done"] += 1
        progress("questions", min(state["done"], total), total)
        if not state["works"]:
            return ""
        nonce = secrets.token_hex(4)
        messages = [
            {"role": "system", "content": prompts.QUESTION_SYSTEM.format(nonce=nonce)},
            {
                "role": "user",
                "content": prompts.QUESTION_USER.format(
                    nonce=nonce, title=title, sentence=sentence
                ),
            },
        ]
        try:
            return "".join(generator.stream(messages, max_tokens=QUESTION_TOKENS))
        except BrainError:
            state["works"] = 0
            return ""

    return write


def eval_run(brain: Brain, path: Path | None) -> dict[str, Any]:
    """Measure on the file and the feedback, compare with the last run, and keep this one. Measured is the search alone,
    whatever a local model is configured to do to it.

    Raises `NotFound` without a single question, or for a file that was named and is not there.
    """
    parts = brain.parts
    target = path or parts.config.home / JUDGMENTS
    if path is not None and not path.exists():
        raise NotFound(f"{path} is not there", f"draft it: brain eval init {path}")
    notices: list[str] = []
    drafted = list(_resolved(parts, read_questions(target), notices)) if target.exists() else []
    questions = merged(drafted, list(_from_feedback(parts)))
    kept = table(parts)
    parts.config = replace(parts.config, retrieval=Retrieval())
    report = run_own(questions, brain, last=kept.last_run(OWN), progress=parts.progress)
    kept.keep_run(OWN, report, at=parts.moment().isoformat(timespec="seconds"))
    shown = {name: value for name, value in report.items() if name != "per_query"}
    return shown | {"file": str(target) if target.exists() else None, "notices": notices}


def _resolved(parts: Parts, questions: list[Question], notices: list[str]) -> Iterator[Question]:
    """The questions with the sources as stored; one that names nothing stored is left out, and said."""
    library = parts.store.library
    for question in questions:
        try:
            sources = tuple(
                library.detail(library.resolve(source)).row.source for source in question.sources
            )
        except BrainError as error:
            notices.append(f"left out “{question.text}”: {error.message}")
            continue
        yield Question(question.text, sources, question.quote, question.kind, question.checked)


def _from_feedback(parts: Parts) -> Iterator[Question]:
    """Feedback that says where the answer is, or that there is none."""
    library = parts.store.library
    for one in table(parts).all():
        sources = []
        for document_id in one.documents:
            try:
                sources.append(library.detail(document_id).row.source)
            except NotFound:
                continue
        if one.answerable is False or sources:
            yield Question(
                one.question, tuple(sources), one.quote, "feedback", checked=True, origin=FEEDBACK
            )

"""The commands that measure and correct: `eval …`, `feedback`, `why-not`.

Leaves the wording to `views.evaluation`. A judged set is measured in a home of its own, never in the person's.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from brain.doors.cli.app import QUALITY, group, register
from brain.doors.cli.options import Json, Limit, argument, flag, option
from brain.doors.cli.session import session

evaluation = group("eval", QUALITY, "Measure retrieval and confidence.")

Directory = Annotated[Path, argument("DIR")]
Embedder = Annotated[
    str,
    option("--embedder", "NAME", "builtin, or an embedding model of Ollama."),
]
Vectors = Annotated[
    Path | None,
    option("--vectors", "DIR", "Keep the stores, and so the embeddings, here."),
]
File = Annotated[Path | None, argument("FILE")]


class Verdict(enum.StrEnum):
    """What can be said of an answer."""

    good = "good"
    wrong = "wrong"
    missing = "missing"


@register(
    "retrieval",
    group=evaluation,
    examples=(
        "brain eval retrieval ~/sets/squad_dev",
        "brain eval retrieval ~/sets/squad_dev --embedder all-minilm --vectors ~/.cache/brain-eval --json",
    ),
)
def retrieval(
    context: typer.Context,
    directory: Directory,
    embedder: Embedder = "builtin",
    vectors: Vectors = None,
    as_json: Json = False,
) -> None:
    """Words, meaning, both, plain BM25 and RRF on a folder of judged questions (corpus, queries, qrels)."""
    _measure(context, "retrieval", directory, embedder, vectors, as_json=as_json)


@register("answerability", group=evaluation, examples=("brain eval answerability ~/sets/ans_dev",))
def answerability(
    context: typer.Context,
    directory: Directory,
    embedder: Embedder = "builtin",
    vectors: Vectors = None,
    as_json: Json = False,
) -> None:
    """How well `found` tells questions with an answer from those without, on a folder of judged questions."""
    _measure(context, "answerability", directory, embedder, vectors, as_json=as_json)


@register("recall", group=evaluation, examples=("brain eval recall ~/sets/locomo_dev",))
def recall(
    context: typer.Context,
    directory: Directory,
    embedder: Embedder = "builtin",
    vectors: Vectors = None,
    as_json: Json = False,
) -> None:
    """The same for conversations: dated turns, found by recall, judged as turns and as sessions."""
    _measure(context, "recall", directory, embedder, vectors, as_json=as_json)


def _measure(
    context: typer.Context,
    kind: str,
    directory: Path,
    embedder: str,
    vectors: Path | None,
    *,
    as_json: bool,
) -> None:
    run = session(context)
    with run.brain() as brain:
        report = brain.judge.eval_set(kind, directory, embedder=embedder, vectors=vectors)
    shown = "answerability" if kind == "answerability" else "systems"
    run.show(report, shown, as_json=as_json)


@register(
    "init",
    group=evaluation,
    examples=("brain eval init", "brain eval init judgments.toml --count 50"),
)
def init(
    context: typer.Context,
    file: File = None,
    count: Annotated[int, option("--count", "N", "How many questions.", min=1, max=1000)] = 30,
    absent: Annotated[
        int,
        option("--absent", "N", "How many that your notes do not hold.", min=0, max=1000),
    ] = 10,
    force: Annotated[bool, flag("--force", "Write the file anew if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Draft judged questions from your notes into a file that you correct by hand."""
    run = session(context)
    with run.brain() as brain:
        report = brain.judge.eval_init(file, count=count, absent=absent, force=force)
    run.show(report, "draft", as_json=as_json)


@register(
    "run",
    group=evaluation,
    examples=("brain eval run", "brain eval run judgments.toml --json | jq .last"),
)
def run_(context: typer.Context, file: File = None, as_json: Json = False) -> None:
    """Measure on your own questions and feedback, beside plain BM25 and the last run."""
    run = session(context)
    with run.brain() as brain:
        report = brain.judge.eval_run(file)
    run.show(report, "own questions", as_json=as_json)


@register(
    "calibrate", group=evaluation, examples=("brain eval calibrate", "brain eval calibrate --reset")
)
def calibrate(
    context: typer.Context,
    reset: Annotated[bool, flag("--reset", "Go back to the shipped confidence.")] = False,
    as_json: Json = False,
) -> None:
    """Fit the confidence `found` to your feedback. It is kept only where it predicts left-out feedback better."""
    run = session(context)
    with run.brain() as brain:
        report = brain.judge.calibrate(reset=reset)
    run.show(report, "calibration", as_json=as_json)


@register(
    "feedback",
    QUALITY,
    examples=(
        "brain feedback good",
        'brain feedback wrong "that was the old contract" --source home/lease.md:14',
        "brain feedback missing --source notes/tea.md:3 --episode 9f8e7d",
    ),
)
def feedback(
    context: typer.Context,
    verdict: Annotated[Verdict, argument("good|wrong|missing")],
    why: Annotated[str, argument("[WHY]")] = "",
    source: Annotated[str, option("--source", "PATH:LINE", "Where the answer stands.")] = "",
    episode: Annotated[str, option("--episode", "ID", "Another answer than the last one.")] = "",
    absent: Annotated[bool, flag("--absent", "The notes do not hold it.")] = False,
    as_json: Json = False,
) -> None:
    """Judge the last answer: good, wrong or missing.

    Missing: the notes hold it, and it was not found. With --source that place comes first the next time that you ask.
    """
    run = session(context)
    with run.brain() as brain:
        kept = brain.judge.feedback(
            verdict.value, source=source, why=why, episode=episode, absent=absent
        )
    run.show(kept, as_json=as_json)


@register(
    "why-not",
    QUALITY,
    examples=(
        'brain why-not "when does the lease end" home/lease.md',
        "brain why-not sencha a1b2c3 -n 5",
    ),
)
def why_not(
    context: typer.Context,
    query: Annotated[str, argument("QUERY")],
    document: Annotated[str, argument("ID|PATH")],
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """Say at which stage a document was lost for a question."""
    run = session(context)
    with run.brain() as brain:
        found = brain.judge.why_not(run.text([query], "question"), document, limit=limit)
    run.show(found, as_json=as_json)

"""The commands that measure and correct: `eval …`, `feedback`, `why-not`.

Leaves the wording to `views.evaluation`. A judged set is measured in a home of its own, never in the person's.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from brain.doors.cli import completion
from brain.doors.cli.app import QUALITY, group, shown
from brain.doors.cli.options import Limit, argument, flag, option
from brain.doors.cli.session import Session

if TYPE_CHECKING:
    from brain.app import Brain

evaluation = group("eval", QUALITY, "Measure retrieval and confidence.")

Directory = Annotated[Path, argument("DIR")]
Embedder = Annotated[
    str,
    option(
        "--embedder",
        "NAME",
        "builtin, wordllama, or an embedding model of Ollama.",
        autocompletion=completion.embedders,
    ),
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


def on_judged_set(name: str, kind: str, about: str, *examples: str) -> None:
    """Add the command that measures on a folder of judged questions: `brain eval NAME`."""

    def evaluate(
        brain: Brain,
        directory: Directory,
        embedder: Embedder = "builtin",
        vectors: Vectors = None,
    ) -> object:
        return brain.judge.eval_set(name, directory, embedder=embedder, vectors=vectors)

    evaluate.__doc__ = about
    shown(
        name,
        group=evaluation,
        kind=kind,
        explains=True,
        examples=examples,
    )(evaluate)


on_judged_set(
    "retrieval",
    "systems",
    "Words, meaning, both, plain BM25 and RRF on a folder of judged questions (corpus, queries, qrels).",
    "brain eval retrieval ~/sets/squad_dev",
    "brain eval retrieval ~/sets/squad_dev --embedder all-minilm --vectors ~/.cache/brain-eval --json",
)
on_judged_set(
    "answerability",
    "answerability",
    "How well `found` tells questions with an answer from those without, on a folder of judged questions.",
    "brain eval answerability ~/sets/ans_dev",
)
on_judged_set(
    "answers",
    "answers",
    "Is the first quote right, and do the words of confidence hold, on a folder of judged questions with answers.",
    "brain eval answers ~/sets/ans_dev",
)
on_judged_set(
    "recall",
    "systems",
    "The same for conversations: dated turns, found by recall, judged as turns and as sessions.",
    "brain eval recall ~/sets/locomo_dev",
)


@shown(
    "init",
    group=evaluation,
    kind="draft",
    examples=("brain eval init", "brain eval init judgments.toml --count 50"),
)
def init(
    brain: Brain,
    file: File = None,
    count: Annotated[
        int, option("--count", "N", "How many questions.", min=1, max=1000)
    ] = 30,
    absent: Annotated[
        int,
        option(
            "--absent", "N", "How many that your notes do not hold.", min=0, max=1000
        ),
    ] = 10,
    force: Annotated[
        bool, flag("--force", "Write the file anew if it is there.")
    ] = False,
) -> object:
    """Draft judged questions from your notes into a file that you correct by hand."""
    return brain.judge.eval_init(
        file,
        count=count,
        absent=absent,
        force=force,
    )


@shown(
    "run",
    group=evaluation,
    kind="own questions",
    explains=True,
    examples=("brain eval run", "brain eval run judgments.toml --json | jq .last"),
)
def run_(brain: Brain, file: File = None) -> object:
    """Measure on your own questions and feedback, beside plain BM25 and the last run."""
    return brain.judge.eval_run(file)


@shown(
    "calibrate",
    group=evaluation,
    kind="calibration",
    explains=True,
    examples=("brain eval calibrate", "brain eval calibrate --reset"),
)
def calibrate(
    brain: Brain,
    reset: Annotated[
        bool, flag("--reset", "Go back to the shipped confidence.")
    ] = False,
) -> object:
    """Fit the confidence `found` to your feedback. It is kept only where it predicts left-out feedback better."""
    return brain.judge.calibrate(reset=reset)


@shown(
    "feedback",
    QUALITY,
    examples=(
        "brain feedback good",
        'brain feedback wrong "that was the old contract" --source home/lease.md:14',
        "brain feedback missing --source notes/tea.md:3 --episode 9f8e7d",
    ),
)
def feedback(
    brain: Brain,
    verdict: Annotated[Verdict, argument("good|wrong|missing")],
    why: Annotated[str, argument("[WHY]")] = "",
    source: Annotated[
        str,
        option(
            "--source",
            "PATH:LINE",
            "Where the answer stands.",
            autocompletion=completion.references,
        ),
    ] = "",
    episode: Annotated[
        str,
        option(
            "--episode",
            "ID",
            "Another answer than the last one.",
            autocompletion=completion.episodes,
        ),
    ] = "",
    absent: Annotated[bool, flag("--absent", "The notes do not hold it.")] = False,
) -> object:
    """Judge the last answer: good, wrong or missing.

    Missing: the notes hold it, and it was not found. With --source that place comes first the next time that you ask.
    """
    return brain.judge.feedback(
        verdict.value, source=source, why=why, episode=episode, absent=absent
    )


@shown(
    "why-not",
    QUALITY,
    explains=True,
    examples=(
        'brain why-not "when does the lease end" home/lease.md',
        "brain why-not sencha a1b2c3 -n 5",
    ),
)
def why_not(
    run: Session,
    query: Annotated[str, argument("QUERY")],
    document: Annotated[str, argument("ID|PATH", completion.references)],
    limit: Limit = 10,
) -> object:
    """Say at which stage a document was lost for a question."""
    with run.brain() as brain:
        return brain.judge.why_not(run.text([query], "question"), document, limit=limit)

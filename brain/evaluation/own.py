"""`brain eval run`: a person's own questions, from a file that they correct by hand and from their feedback.

The same five systems as for a judged set, on the store as it is, plain BM25 always beside them, and the last run on the
questions that both asked. Leaves out drafting the file (`drafting`) and storage. Serves `Brain.eval_run`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from brain.errors import NotFound, UsageError
from brain.evaluation.answerability import ANSWERABLE, chance
from brain.evaluation.answerability import figures as found_figures
from brain.evaluation.folder import Judged
from brain.evaluation.metrics import Values, interval, mean, require
from brain.evaluation.retrieval import (
    BM25,
    MEASURE,
    Measurable,
    Measured,
    ask_all,
    figures,
)
from brain.protocols import Progress, silent
from brain.reports import Figures
from brain.types import Texts
from ingest.document import digest
from ingest.terms import fold

Run = tuple[str, Figures]  # (when, its report)

FILE = "file"
FEEDBACK = "feedback"
WORSE_SHOWN = 5  # questions that lost most since the last run
REPORTED_DROP = 0.05  # of nDCG@10: a smaller fall is not worth a line
HEAD = """\
# Judgments for `brain eval run`. Correct them by hand, then set checked = true:
# - text: the question, as you would ask it. Change it to words that you would use.
# - sources: the documents that hold the answer (a path or the end of it). [] says: my notes do not hold it.
# - quote: the sentence that it was drafted from, for you; nothing reads it.
# Delete what makes no sense. `brain feedback` adds to these; nothing here is ever changed for you.
"""


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """One judged question. `sources` as stored; () says that the notes do not hold it. `origin`: file or feedback."""

    text: str
    sources: Texts = ()
    quote: str = ""
    kind: str = ""
    checked: bool = False
    origin: str = FILE

    @property
    def id(self) -> str:
        """The same for the same words, in every run."""
        return digest(" ".join(fold(self.text).split()))[:16]


def write_questions(path: Path, questions: Iterable[OwnQuestion]) -> None:
    """The file for a person to correct, in place of the one that is there."""
    import tomlkit

    rows = [
        {name: value for name, value in asdict(question).items() if name != "origin"}
        for question in questions
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}\n{tomlkit.dumps({'question': rows})}", "utf-8")


def read_questions(path: Path) -> list[OwnQuestion]:
    """What a person left in the file. Raises `UsageError` for a line that cannot be read."""
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("question", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}",
            "mend the line; `brain eval init` shows the form",
        ) from None
    found = []
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        match row:
            case {"text": str(text)} if isinstance(
                sources := row.get("sources", []), list
            ):
                held = tuple(map(str, sources))
            case _:
                raise UsageError(
                    f"{path}, question {number} has no text or no list of sources",
                    "`brain eval init` shows the form",
                )
        quote, kind = (str(row.get(name, "")) for name in ("quote", "kind"))
        found.append(OwnQuestion(text, held, quote, kind, bool(row.get("checked"))))
    return found


def merged(
    questions: Sequence[OwnQuestion], feedback: Sequence[OwnQuestion]
) -> list[OwnQuestion]:
    """Each question once: what a person said of a real answer counts before the file."""
    by_id = {question.id: question for question in (*questions, *feedback)}
    return list(by_id.values())


def run(
    questions: Sequence[OwnQuestion],
    brain: Measurable,
    *,
    last: Run | None = None,
    progress: Progress = silent,
) -> Figures:
    """The report, with `per_query` for the next comparison. `sources` must be those that passages carry.

    Raises `NotFound` without questions, `Unavailable` without the extra `eval`.
    """
    require()
    if not questions:
        raise NotFound(
            "there are no judgments to measure on",
            "draft some: brain eval init, or judge answers: brain feedback",
        )
    held = [question for question in questions if question.sources]
    measured = Measured()
    asked = Judged(
        "own",
        queries=[{"id": one.id, "text": one.text} for one in held],
        qrels={one.id: dict.fromkeys(one.sources, 1) for one in held},
    )
    ask_all(brain, asked, measured, lambda source: source, progress)
    by_query, systems = figures(asked.qrels, measured)
    rows = []
    for number, one in enumerate(questions, 1):
        kind = ANSWERABLE if one.sources else one.kind or "absent"
        rows.append((kind, chance(brain, one.text, recalled=False)))
        progress("confidence", number, len(questions))
    hybrid = by_query["hybrid"][MEASURE]
    return {
        "queries": len(questions),
        "answerable": len(held),
        "absent": len(questions) - len(held),
        "from_feedback": sum(one.origin == FEEDBACK for one in questions),
        "unchecked": sum(one.origin == FILE and not one.checked for one in questions),
        "embedder": measured.embedder,
        "systems": systems,
        "hybrid_over_bm25_95": interval(hybrid, by_query[BM25][MEASURE]),
        "found": found_figures(rows),
        "last": compared(questions, hybrid, last) if last else None,
        "per_query": hybrid,
    }


def compared(questions: Sequence[OwnQuestion], now: Values, last: Run) -> Figures:
    """This run against the last one, on the questions that both asked: mean change of nDCG@10 and its interval."""
    at, report = last
    before: Values = report["per_query"]
    common = {key: value for key, value in now.items() if key in before}
    texts = {question.id: question.text for question in questions}
    changes = {key: value - before[key] for key, value in common.items()}
    fallen = [
        key
        for key in sorted(changes, key=changes.__getitem__)
        if -changes[key] >= REPORTED_DROP
    ]
    worse = [
        {
            "question": texts[key],
            "before": round(before[key], 4),
            "now": round(now[key], 4),
        }
        for key in fallen[:WORSE_SHOWN]
    ]
    return {
        "at": at,
        "embedder": report["embedder"],
        "common": len(common),
        "change": round(mean(changes.values()), 4),
        "change_95": interval(common, before),
        "worse": worse,
    }

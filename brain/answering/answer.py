"""From passages to a cited answer: the best quoted sentence first, then, where a model is there, what it writes.

Below the floor of `found` nothing is generated. Without a model, or when the model cannot be reached (said aloud), the
quotes are the answer. Leaves out retrieval, the router and memory: `Brain.ask` joins them. Serves `Brain.ask`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from brain import confidence, prompts
from brain.answering.extract import Quote, extract
from brain.answering.generate import generated
from brain.answering.support import support_features
from brain.answering.verify import Reader
from brain.errors import Incomplete, Unavailable
from brain.protocols import Embedder, Generator
from brain.types import Answer, Citation, Confidence, Passage

NEAREST = 3  # passages shown when the notes do not hold the answer (RETRIEVAL §5)
PROVIDER, MODEL = "builtin", "extractive"

Say = Callable[[str, str], None]
"""(kind, text) as soon as it is certain: "quote" (a sentence of the notes, cited), "sentence" (of the model), "notice"."""


def quiet(_kind: str, _text: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What `answer` is handed beside question and passages.

    `read`: (passage id, start, end) -> stored text, offsets within the passage. `idf`: weight of each question word over
    the store. `found`: the probability from retrieval, None when unknown. `speed`: prompt tokens a second, None when not
    measured. `count`: tokens of a text. `previous`: the question before, for a follow-up. `anyway`: answer below the floor.
    `signals`: of retrieval. `floor`, `threshold`: of `found`, the person's own where feedback calibrated them.
    """

    read: Reader
    count: Callable[[str], int]
    say: Say = quiet
    idf: Mapping[str, float] | None = None
    embedder: Embedder | None = None
    found: float | None = None
    speed: float | None = None
    previous: str = ""
    anyway: bool = False
    signals: Mapping[str, float] | None = None
    floor: float = confidence.FLOOR
    threshold: float = confidence.THRESHOLD


def answer(
    question: str, passages: Sequence[Passage], *, generator: Generator | None, asking: Asking
) -> Answer:
    """A cited answer. Never raises for a model that fails: `degraded` names it and the quotes stand in, or state is
    "incomplete" when it broke off midway.
    """
    below = asking.found is not None and asking.found < asking.floor and not asking.anyway
    quotes = [] if below else extract(question, passages, idf=asking.idf, embedder=asking.embedder)
    if not quotes:
        return not_found(question, passages, found=asking.found)
    if generator is None:
        return _extracted(question, passages, quotes, asking)
    asking.say("quote", _placed(quotes[0]))
    try:
        return _versions_said(
            generated(question, passages, generator=generator, asking=asking), passages
        )
    except Incomplete:
        raise
    except Unavailable as error:
        asking.say("notice", error.message)
        stand_in = _extracted(question, passages, quotes, replace(asking, say=quiet))
        return replace(
            stand_in, degraded=f"{error.message}; the best sentences of the notes stand in"
        )


def not_found(question: str, passages: Sequence[Passage], *, found: float | None) -> Answer:
    """The state "not in your notes" with the nearest passages; nothing is generated."""
    return Answer(
        question,
        "not_found",
        prompts.NOT_FOUND,
        passages=tuple(passages[:NEAREST]),
        confidence=Confidence(found=found),
        provider=PROVIDER,
        model=MODEL,
    )


def _extracted(
    question: str, passages: Sequence[Passage], quotes: Sequence[Quote], asking: Asking
) -> Answer:
    """The quotes as the answer, each with its own number."""
    lines, citations = [], []
    for number, quote in enumerate(quotes, 1):
        verified = asking.read(quote.passage_id, quote.start, quote.end) == quote.text
        citations.append(
            Citation(number, quote.passage_id, quote.source, quote.locator, quote.text, verified)
        )
        lines.append(_line(quote, number))
        asking.say("quote", lines[-1])
    supported = _supported(question, passages, quotes, asking)
    sure = (
        supported is not None
        and supported >= confidence.SUPPORTED_AT
        and not confidence.in_doubt(asking.found, asking.threshold)
    )
    grade = (
        "weak"
        if confidence.in_doubt(asking.found, asking.threshold)
        or not all(c.verified for c in citations)
        else "strong"
    )
    whole = Answer(
        question,
        "supported" if sure and grade == "strong" else "unsure",
        "\n".join(lines),
        citations=tuple(citations),
        passages=tuple(passages),
        confidence=Confidence(asking.found, supported, known=supported is not None, grade=grade),
        provider=PROVIDER,
        model=MODEL,
    )
    return _versions_said(whole, passages)


def _supported(
    question: str, passages: Sequence[Passage], quotes: Sequence[Quote], asking: Asking
) -> float | None:
    """The second head's probability; None without retrieval's signals, on which it was fitted."""
    if asking.signals is None:
        return None
    features = support_features(
        question, passages, quotes, idf=asking.idf, found=asking.found, signals=asking.signals
    )
    return confidence.supported(features)


def _line(quote: Quote, number: int) -> str:
    """`“the sentence” [1]`, on one line."""
    return f"“{' '.join(quote.text.split())}” [{number}]"


def _placed(quote: Quote) -> str:
    """`“the sentence” notes/lease.md:14`: said before the model has numbered anything."""
    lines = quote.locator[1:].partition("-")[0]
    place = (
        f"{quote.source}:{lines}"
        if quote.locator[:1] == "L" and lines.isdigit()
        else f"{quote.source} {quote.locator}"
    )
    return f"“{' '.join(quote.text.split())}” {place.strip()}"


def _versions_said(whole: Answer, passages: Sequence[Passage]) -> Answer:
    """The answer with a notice for every cited passage that stands for older versions of itself."""
    cited = {citation.passage_id for citation in whole.citations}
    notices = [
        f"{len(passage.versions)} older version{'s' * (len(passage.versions) != 1)} of {passage.source} "
        f"sa{'y' if len(passage.versions) != 1 else 'ys'}: {'; '.join(passage.versions)}"
        for passage in passages
        if passage.id in cited and passage.versions
    ]
    return replace(whole, notices=(*whole.notices, *notices))

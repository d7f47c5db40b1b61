"""From passages to a cited answer: the best quoted sentence first, then, where a model is there, what it writes.

Below the floor of `found` nothing is generated. Without a model the quotes are the answer; so they are, and it is said,
when the model cannot be reached, or wrote nothing that a passage bears out. Leaves out retrieval and the episode that
is kept of it: `Brain.ask` joins them. Serves `Brain.ask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from brain import confidence, prompts
from brain.answering.agreement import agreement
from brain.answering.asking import Asking
from brain.answering.extract import Quote, extract, in_order
from brain.answering.generate import generated
from brain.answering.support import support_features
from brain.errors import Incomplete, Unavailable
from brain.protocols import Generator
from brain.text.question import Question
from brain.types import (
    Answer,
    AnswerState,
    Citation,
    Confidence,
    Passage,
    Passages,
    State,
)

NEAREST = 3  # passages shown when the notes do not hold the answer
PROVIDER, MODEL = "builtin", "extractive"
STAND_IN = "the best sentences of the notes stand in"


def answer(
    question: Question,
    passages: Passages,
    *,
    generator: Generator | None,
    asking: Asking,
) -> Answer:
    """A cited answer. Never raises for a model that fails: `degraded` names it and the quotes stand in, or state is
    "incomplete" when it broke off midway.
    """
    quotes: list[Quote] = []
    if asking.listed:
        quotes = in_order(passages)
    elif not asking.below_floor:
        quotes = extract(question, passages, embedder=asking.embedder)
    if not quotes:
        return not_found(question.text, passages, found=asking.found)
    quoted = _extracted(question, passages, quotes, asking)
    if generator is None:
        _say(quotes, asking)
        return quoted
    asking.say("quote", *_placed(quotes[0]))
    try:
        written = generated(question, passages, generator=generator, asking=asking)
    except Incomplete:
        raise
    except Unavailable as error:
        asking.say("notice", error.message)
        _say(quotes, asking, first=2)
        return replace(quoted, degraded=f"{error.message}; {STAND_IN}", failed=True)
    if written.citations or written.state in ("not_found", "incomplete"):
        return _versions_said(_beside(written, quoted), passages)
    _say(quotes, asking, first=2)
    return replace(
        quoted,
        context=written.context,
        notices=(*written.notices, *quoted.notices),
        degraded=f"{generator.name} gave no answer that a note bears out; {STAND_IN}",
    )


def _beside(written: Answer, quoted: Answer) -> Answer:
    """What a model wrote, beside the quotes: no surer than they are, and only to be checked where a sentence of it is
    not borne out.
    """
    sure = quoted.sure if written.confidence.grade == "strong" else "check"
    if written.state == "not_found":
        sure = None
    return replace(
        written,
        quotes=quoted.quotes,
        sure=sure,
        also=quoted.also,
        differs=quoted.differs,
    )


def not_found(question: str, passages: Passages, *, found: float | None) -> Answer:
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
    question: Question, passages: Passages, quotes: Sequence[Quote], asking: Asking
) -> Answer:
    """The quotes as the answer, each with its own number."""
    citations = []
    lines = []
    for number, quote in enumerate(quotes, 1):
        citations.append(_citation(number, quote, asking))
        said, _answer = _quoted(quote)
        lines.append(f"{said} [{number}]")
    supported = _supported(question, passages, quotes, asking)
    borne_out = all(citation.verified for citation in citations)
    sure: AnswerState = "check"
    if borne_out:
        was_read = passages[quotes[0].rank].span is not None
        sure = confidence.in_words(supported, read=was_read)
    state: State = "supported" if sure == "answered" else "unsure"
    also, differs = agreement(question, passages, quotes)
    in_doubt = asking.in_doubt if supported is None else sure == "check"
    strong = borne_out and not in_doubt
    whole = Answer(
        question.text,
        state,
        "\n".join(lines),
        citations=tuple(citations),
        quotes=tuple(citations),
        passages=tuple(passages),
        confidence=Confidence(
            asking.found,
            supported,
            known=supported is not None,
            grade="strong" if strong else "weak",
        ),
        provider=PROVIDER,
        model=MODEL,
        sure=sure,
        also=also,
        differs=differs,
    )
    return _versions_said(whole, passages)


def _say(quotes: Sequence[Quote], asking: Asking, *, first: int = 1) -> None:
    """Say the quotes from this number on, a line for each."""
    for number, quote in enumerate(quotes[first - 1 :], first):
        said, answer = _quoted(quote)
        asking.say("quote", f"{said} [{number}]", answer)


def _citation(number: int, quote: Quote, asking: Asking) -> Citation:
    """The quote as a citation, read again from the store."""
    verified = asking.read(quote.passage_id, quote.start, quote.end) == quote.text
    return Citation(
        number,
        quote.passage_id,
        quote.source,
        quote.locator,
        quote.text,
        verified,
        quote.heading,
        quote.columns,
        quote.answer,
    )


def _supported(
    question: Question, passages: Passages, quotes: Sequence[Quote], asking: Asking
) -> float | None:
    """The probability that the answer follows; None without retrieval's signals, on which the model was fitted."""
    if asking.listed:
        return 1.0  # nothing was chosen: it is what there is of that time
    if asking.signals is None:
        return None
    features = support_features(
        question, passages, quotes, found=asking.found, signals=asking.signals
    )
    return confidence.supported(features)


def _quoted(quote: Quote) -> tuple[str, tuple[int, int] | None]:
    """`“the sentence”`, on one line, before a row of a table the names of its columns; and where in it the answer
    stands.
    """
    before = f"({quote.columns}) “" if quote.columns else "“"
    said = f"{before}{' '.join(quote.text.split())}”"
    if quote.answer is None:
        return said, None
    start, end = (len(before) + _on_one_line(quote.text, at) for at in quote.answer)
    return said, (start, end)


def _on_one_line(text: str, at: int) -> int:
    """Where a place of a text is when every stretch of white space has become one space."""
    until = f"{text[:at]}|"
    return len(" ".join(until.split())) - 1


def _placed(quote: Quote) -> tuple[str, tuple[int, int] | None]:
    """`“the sentence” notes/lease.md:14`: said before the model has numbered anything; and where the answer stands."""
    line = quote.locator[1:].partition("-")[0]
    place = f"{quote.source} {quote.locator}"
    if quote.locator[:1] == "L" and line.isdigit():
        place = f"{quote.source}:{line}"
    said, answer = _quoted(quote)
    return f"{said} {place.strip()}", answer


def _versions_said(whole: Answer, passages: Passages) -> Answer:
    """The answer with a notice for every cited passage that stands for older versions of itself."""
    cited = {citation.passage_id for citation in whole.citations}
    said = [
        _older_versions(passage)
        for passage in passages
        if passage.id in cited and passage.versions
    ]
    return replace(whole, notices=(*whole.notices, *said))


def _older_versions(passage: Passage) -> str:
    older = f"{len(passage.versions)} older version"
    said = f"of {passage.source} says"
    if len(passage.versions) > 1:
        older, said = f"{older}s", f"of {passage.source} say"
    return f"{older} {said}: {'; '.join(passage.versions)}"

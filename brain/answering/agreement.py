"""What other documents say to the same question: those that say what the first quote says, and those that differ.

Compares the spans that the answer reader marked, as values of one kind (`values`), and only of passages that are about
what is asked. Leaves out how it is said. Serves `answer`, and `generate`, for which a written sentence is held against
the span of the passage that it cites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brain.answering.extract import Quote
from brain.answering.features import share
from brain.answering.values import different, same, states, states_another, value
from brain.text.matching import TermSet, likenesses
from brain.text.places import line_locator
from brain.text.question import Question
from brain.text.sheet import Statement, header_stems, sheet, stems_of
from brain.types import AnswerSpan, Elsewhere, Passage, Passages

# Chosen on notes_dev and ans_dev, where nothing is said otherwise on purpose (benchmarks/CONFIDENCE.md).
LEAST_MARGIN = 1.0  # logits; of both passages, before they may differ
LEAST_RELEVANCE = 0.5  # logits; of both: below it a passage is seldom about it
AGREEING_RELEVANCE = -5.0  # logits; of a passage that says the same: seldom by chance
SAME_AS_FIRST = (
    0.7  # of the question, what the other sentence holds of what the first one does
)
LEAST_SHARE = 0.5  # of the question that both sentences hold
SHARE_FOR_NAMES = 0.75  # the same for names, of which a paragraph has many
MOST = 3  # documents of each kind that are named

Others = tuple[Elsewhere, ...]


def agreement(
    question: Question, passages: Passages, quotes: Sequence[Quote]
) -> tuple[Others, Others]:
    """(documents that say what the first quote says, documents that say something else), best first."""
    first = passages[quotes[0].rank]
    if first.span is None or quotes[0].answer is None:
        return (), ()
    said = value(_words(first, first.span))
    shared = _share(question, first, first.span)
    also: dict[str, Elsewhere] = {}
    differs: dict[str, Elsewhere] = {}
    least = SHARE_FOR_NAMES if said.kind == "name" else LEAST_SHARE
    for other, span in _others(first, passages):
        told = value(_words(other, span))
        other_shared = _share(question, other, span)
        if other_shared < SAME_AS_FIRST * shared:
            continue
        if same(said, told):
            also.setdefault(other.document_id, _elsewhere(other, span, first))
            continue
        about_it = min(shared, other_shared) >= least
        sure = _surely_read(first.span) and _surely_read(span)
        if about_it and sure and different(said, told):
            differs.setdefault(other.document_id, _elsewhere(other, span, first))
    # Who says both says it of two things
    parted = [one for key, one in differs.items() if key not in also]
    return tuple(also.values())[:MOST], tuple(parted)[:MOST]


def read_otherwise(
    question: Question, sentence: str, passage: Passage, said: str
) -> str:
    """Why a written sentence does not answer what was asked: it says so much of the question, and another value than
    the one that the answer reader found in the passage that it cites. "" where it does not, or where `said`, which was
    written before, holds that value.
    """
    span = passage.span
    if span is None or not _surely_read(span):
        return ""
    (held,) = likenesses(question.weights, [stems_of(sentence)])
    if share(question, held) < LEAST_SHARE:
        return ""
    words = _words(passage, span)
    answer = value(words)
    if states(said, answer) or not states_another(sentence, answer, question.text):
        return ""
    return f"read with the question, the source answers “{' '.join(words.split())}”"


def _others(first: Passage, passages: Passages) -> Iterator[tuple[Passage, AnswerSpan]]:
    """The passages of other documents that seem to answer, with where they do."""
    for passage in passages:
        span = passage.span
        if span is None or passage.document_id == first.document_id:
            continue
        if span.margin > 0 and span.relevance > AGREEING_RELEVANCE:
            yield passage, span


def _surely_read(span: AnswerSpan) -> bool:
    return span.margin >= LEAST_MARGIN and span.relevance >= LEAST_RELEVANCE


def _words(passage: Passage, span: AnswerSpan) -> str:
    return passage.text[span.start : span.end]


def _share(question: Question, passage: Passage, span: AnswerSpan) -> float:
    """How much of the question the sentence with the answer holds, with what stands above it."""
    statement = _sentence(passage, span)
    if statement is None:
        return 0.0
    (header,) = header_stems([passage])
    stems: TermSet = statement.stem_set | header
    (held,) = likenesses(question.weights, [stems])
    return share(question, held)


def _sentence(passage: Passage, span: AnswerSpan) -> Statement | None:
    for statement in sheet(passage.text).statements:
        if statement.sentence.start <= span.start < statement.sentence.end:
            return statement
    return None


def _elsewhere(passage: Passage, span: AnswerSpan, first: Passage) -> Elsewhere:
    statement = _sentence(passage, span)
    start = span.start
    end = span.end
    if statement is not None:
        start, end, _text = statement.sentence
    return Elsewhere(
        passage.source,
        line_locator(passage.locator, passage.text, start),
        passage.text[start:end],
        (span.start - start, min(span.end, end) - start),
        passage.date,
        _newer(passage.date, first.date),
    )


def _newer(date: str | None, other: str | None) -> bool | None:
    """Whether a date is later than another; None where one is missing, or both are the same as far as known."""
    if not date or not other:
        return None
    known = min(len(date), len(other))
    one = date[:known]
    two = other[:known]
    if one == two:
        return None
    return one > two

"""What can be checked about an extractive answer: the features of `supported`.

Compares the quoted sentence with the question: its words, its names and figures, the kind of thing asked for, and a
turned sense (not, last instead of first). Leaves out the coefficients (`brain.confidence`). Serves `answer` and the
fitting.
"""

from __future__ import annotations

from collections.abc import Sequence

from brain.answering.extract import Quote
from brain.answering.features import fits, lacks_kind, new_names, share
from brain.confidence import topic_log_odds
from brain.text.matching import TermSet, likenesses, nearness
from brain.text.question import Question
from brain.text.sheet import Sheet, Statement, header_stems, sheet, stems_of
from brain.types import Measures, Passage, Passages

# Pairs of which a question has one and the passage the other when the question was turned round on purpose.
_OPPOSITES = [
    pair.split("/")
    for pair in """
    first/last least/most less/more fewer/more smallest/largest lowest/highest shortest/longest oldest/newest
    worst/best before/after began/ended start/end begin/end increase/decrease increased/decreased rise/fall
    rose/fell north/south northern/southern east/west eastern/western early/late won/lost win/lose lose/gain
    gained/lost above/below inside/outside minimum/maximum allow/prevent allowed/prohibited accept/reject
    accepted/rejected agreed/refused agree/disagree slow/fast slower/faster weak/strong small/large
    smaller/larger low/high lower/higher cold/hot dry/wet poor/rich public/private male/female men/women
    buy/sell bought/sold support/oppose supported/opposed success/failure succeed/fail import/export major/minor
    majority/minority legal/illegal even/odd shallow/deep input/output friend/enemy hated/loved easy/difficult
    never/always
    """.split()
]
# Content words of a long question; beside `terms`, their logarithm, it bends the line.
MANY_WORDS = 10
OWN = tuple(
    """probability coverage near cosine fits fits_not gap_here turned opposite kind_number kind_who rank found
    words""".split()
)
# Of retrieval's signals: whether the question's words stand there together says as much about the answer.
PASSED_ON = tuple(
    """fused_top_cosine bm25 sentence_coverage coverage_1 coverage_best lexical_margin share gap matched missing unnamed
    named has_names unfit pairs rare_together terms""".split()
)
NAMES = (*OWN, *PASSED_ON)
# Of the answer reader's signals over all passages that it read, and how much there is to find it in.
READ = tuple("margin_anywhere relevance_anywhere margin_and_relevance size".split())


def support_features(
    question: Question,
    passages: Passages,
    quotes: Sequence[Quote],
    *,
    found: float | None,
    signals: Measures,
) -> Measures:
    """Every feature of NAMES for the first quote. `found`: the first model's probability, .5 when unknown. `signals`:
    retrieval's.
    """
    quote = quotes[0]
    passage = passages[quote.rank]
    text = sheet(passage.text)
    place = _place(text, quote)
    quoted = text.statements[place]
    above = " ".join((*quote.heading, quote.columns))
    (own,) = header_stems([passage])
    header = own | stems_of(above)
    around = _around(text, place) | header
    weights = question.weights
    in_quote, in_sight = likenesses(weights, [quoted.stem_set | header, around])
    lacking = [weights[term] * (1 - held) for term, held in in_sight.items()]
    fit = fits(question, quoted)
    features = {
        "probability": quote.probability,
        "coverage": share(question, in_quote),
        "near": nearness(question.pairs, quoted.stems),
        "cosine": quote.features["cosine"],
        "fits": fit,
        "fits_not": lacks_kind(question, fit),
        "gap_here": max(lacking, default=0.0) / question.total,
        "turned": float(question.denies != quoted.denies_or_reverses),
        "opposite": opposite(question, quoted),
        "kind_number": float(question.kind == "number"),
        "kind_who": float(question.kind == "who" and new_names(question, quoted)),
        "rank": 1.0 / (1 + quote.rank),
        "found": topic_log_odds(found),
        "words": len(weights) / MANY_WORDS,
    }
    passed_on = {name: signals.get(name, 0.0) for name in PASSED_ON}
    return {**features, **passed_on, **_read(passage, signals)}


def _read(passage: Passage, signals: Measures) -> Measures:
    """What the answer reader says of the quoted passage and of the others, nothing where it did not read it."""
    span = passage.span
    if span is None:
        return {}
    said = {name: signals.get(name, 0.0) for name in READ}
    return said | {"read": 1.0, "margin": span.margin}


def _place(text: Sheet, quote: Quote) -> int:
    """Which sentence of the passage is quoted."""
    starts = [statement.sentence.start for statement in text.statements]
    return starts.index(quote.start)


def _around(text: Sheet, place: int) -> TermSet:
    """The stems of the quoted sentence and of the one before and after it."""
    near = text.statements[max(0, place - 1) : place + 2]
    return TermSet().union(*(statement.all_stems for statement in near))


def opposite(question: Question, statement: Statement) -> float:
    """1 when the question says one word of an opposed pair and the sentence only the other."""
    asked = question.said
    said = frozenset(statement.words)
    for a, b in _OPPOSITES:
        for one, other in ((a, b), (b, a)):
            if (
                one in asked
                and other in said
                and one not in said
                and other not in asked
            ):
                return 1.0
    return 0.0

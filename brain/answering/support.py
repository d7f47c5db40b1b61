"""What can be checked about an extractive answer: the features of the head `supported`.

Compares the quoted sentence with the question: its words, its names and figures, the kind of thing asked for, and a turned
sense (not, last instead of first). Leaves out the coefficients (`brain.confidence`). Serves `answer` and the fitting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from brain.answering.extract import Quote
from brain.answering.features import coverage, fits, match, nearness, new_names, read_unit
from brain.answering.question import read_question
from brain.confidence import topic_log_odds
from brain.types import Passage
from ingest.sentences import Sentence, sentences
from ingest.terms import stem, tokens

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|nobody|nothing|un\w{4,}|in(?:correct|valid)\w*)\b|n['’]t\b",
    re.I,
)
# Pairs of which a question has one and the passage the other when the question was turned round on purpose.
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in "first/last least/most less/more fewer/more smallest/largest lowest/highest shortest/longest oldest/newest "
    "worst/best before/after began/ended start/end begin/end increase/decrease increased/decreased rise/fall rose/fell north/south "
    "northern/southern east/west eastern/western early/late won/lost win/lose lose/gain gained/lost above/below inside/outside "
    "minimum/maximum allow/prevent allowed/prohibited accept/reject accepted/rejected agreed/refused agree/disagree slow/fast "
    "slower/faster weak/strong small/large smaller/larger low/high lower/higher cold/hot dry/wet poor/rich public/private male/female "
    "men/women buy/sell bought/sold support/oppose supported/opposed success/failure succeed/fail import/export major/minor "
    "majority/minority legal/illegal even/odd shallow/deep input/output friend/enemy hated/loved easy/difficult never/always".split()
)
MANY_WORDS = (
    10  # content words of a long question; beside `terms`, their logarithm, it bends the line
)
OWN = (
    "probability",
    "coverage",
    "near",
    "cosine",
    "fits",
    "fits_not",
    "gap_here",
    "turned",
    "opposite",
    "kind_number",
    "kind_who",
    "rank",
    "found",
    "words",
)
# Of retrieval's signals: whether the question's words stand there together says as much about the answer.
PASSED_ON = (
    "fused_top_cosine",
    "bm25",
    "sentence_coverage",
    "coverage_1",
    "coverage_best",
    "lexical_margin",
    "share",
    "gap",
    "matched",
    "missing",
    "unnamed",
    "named",
    "has_names",
    "unfit",
    "pairs",
    "rare_together",
    "terms",
)
NAMES = (*OWN, *PASSED_ON)


def support_features(
    question: str,
    passages: Sequence[Passage],
    quotes: Sequence[Quote],
    *,
    idf: Mapping[str, float] | None = None,
    found: float | None = None,
    signals: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Every feature of NAMES for the first quote. `found`: the first head's probability, .5 when unknown. `signals`:
    retrieval's.
    """
    asked = read_question(question, idf)
    quote = quotes[0]
    passage = passages[quote.rank]
    unit = read_unit(Sentence(quote.start, quote.end, quote.text))
    header = frozenset(stem(word) for word in tokens(passage.header))
    around = _around(passage, quote) | header
    lacking = [weight * (1 - match(term, around)) for term, weight in asked.weights.items()]
    fit = fits(asked, quote.text)
    known = signals or {}
    return {
        "probability": quote.probability,
        "coverage": coverage(asked, unit.stem_set | header),
        "near": nearness(asked, unit.stems),
        "cosine": quote.features["cosine"],
        "fits": fit,
        "fits_not": float(asked.kind in ("number", "when", "who") and not fit),
        "gap_here": max(lacking, default=0.0) / asked.total,
        "turned": float(bool(_NEGATION.search(question)) != bool(_NEGATION.search(quote.text))),
        "opposite": opposite(question, quote.text),
        "kind_number": float(asked.kind == "number"),
        "kind_who": float(asked.kind == "who" and bool(new_names(asked, quote.text))),
        "rank": 1.0 / (1 + quote.rank),
        "found": topic_log_odds(found),
        "words": len(asked.weights) / MANY_WORDS,
    } | {name: known.get(name, 0.0) for name in PASSED_ON}


def _around(passage: Passage, quote: Quote) -> frozenset[str]:
    """The stems of the quoted sentence and of the one before and after it."""
    units = sentences(passage.text)
    places = [
        i for i, unit in enumerate(units) if unit.start < quote.end and unit.end > quote.start
    ]
    near = units[max(0, places[0] - 1) : places[-1] + 2] if places else []
    return frozenset(stem(word) for unit in near for word in tokens(unit.text))


def opposite(question: str, sentence: str) -> float:
    """1 when the question says one word of an opposed pair and the sentence only the other."""
    asked, said = set(tokens(question)), set(tokens(sentence))
    return float(
        any(
            (a in asked and b in said and a not in said and b not in asked)
            or (b in asked and a in said and b not in said and a not in asked)
            for a, b in _OPPOSITES
        )
    )

"""What can be checked about an extractive answer: the features of the head `supported`.

Compares the quoted sentence with the question: its words, its names and figures, the kind of thing asked for, and a turned
sense (not, last instead of first). Leaves out the coefficients (`brain.confidence`). Serves `answer` and the fitting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from brain.answering.extract import Quote
from brain.answering.features import coverage, fits, match, nearness, new_names, read_unit
from brain.answering.question import Asked, read_question
from brain.types import Passage
from ingest.sentences import Sentence, sentences
from ingest.terms import stem, tokens
from ingest.words import NUMBER_WORDS, numbers

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
NAMES = (
    "probability", "margin", "coverage", "around", "passage", "near", "cosine", "fits", "fits_not", "names", "figures",
    "gap", "turned", "opposite", "kind_what", "kind_when", "kind_number", "kind_who", "rank", "found", "length", "words",
)  # fmt: skip


def support_features(
    question: str,
    passages: Sequence[Passage],
    quotes: Sequence[Quote],
    *,
    idf: Mapping[str, float] | None = None,
    found: float | None = None,
) -> dict[str, float]:
    """Every feature of NAMES for the first quote. `found`: the first head's probability; .5 when unknown."""
    asked = read_question(question, idf)
    quote = quotes[0]
    passage = passages[quote.rank]
    unit = read_unit(Sentence(quote.start, quote.end, quote.text))
    header = frozenset(stem(word) for word in tokens(passage.header))
    around = _around(passage, quote) | header
    whole = frozenset(stem(word) for word in tokens(f"{passage.before} {passage.text} {passage.after}")) | header
    lacking = {term: weight * (1 - match(term, around)) for term, weight in asked.weights.items()}
    chance = min(max(0.5 if found is None else found, 0.001), 0.999)
    fit = fits(asked, quote.text)
    return {
        "probability": quote.probability,
        "margin": quote.probability - (quotes[1].probability if len(quotes) > 1 else 0.0),
        "coverage": coverage(asked, unit.stem_set | header),
        "around": coverage(asked, around),
        "passage": coverage(asked, whole),
        "near": nearness(asked, unit.stems),
        "cosine": quote.features["cosine"],
        "fits": fit,
        "fits_not": float(asked.kind in ("number", "when", "who") and not fit),
        "names": _held(asked.names, asked, around),
        "figures": _held_figures(asked, passage, quote),
        "gap": max(lacking.values(), default=0.0) / asked.total,
        "turned": float(bool(_NEGATION.search(question)) != bool(_NEGATION.search(quote.text))),
        "opposite": opposite(question, quote.text),
        "kind_what": float(asked.kind in ("what", "how", "why")),
        "kind_when": float(asked.kind == "when"),
        "kind_number": float(asked.kind == "number"),
        "kind_who": float(asked.kind == "who") * float(bool(new_names(asked, quote.text))),
        "rank": 1.0 / (1 + quote.rank),
        "found": math.log(chance / (1 - chance)),
        "length": math.log1p(len(unit.words)),
        "words": math.log1p(len(asked.weights)),
    }


def _around(passage: Passage, quote: Quote) -> frozenset[str]:
    """The stems of the quoted sentence and of the one before and after it."""
    units = sentences(passage.text)
    places = [i for i, unit in enumerate(units) if unit.start < quote.end and unit.end > quote.start]
    near = units[max(0, places[0] - 1) : places[-1] + 2] if places else []
    return frozenset(stem(word) for unit in near for word in tokens(unit.text))


def _held(terms: frozenset[str], asked: Asked, stems: frozenset[str]) -> float:
    """The idf-weighted share of these names among the stems, 1 when there are none."""
    parts = {stem(part) for term in terms for part in tokens(term)} & asked.weights.keys()
    total = sum(asked.weights[part] for part in parts)
    return sum(asked.weights[part] for part in parts if part in stems) / total if total else 1.0


def _held_figures(asked: Asked, passage: Passage, quote: Quote) -> float:
    """The share of the question's own digits that the passage holds, 1 when there are none."""
    wanted = {n for n in asked.numbers if n not in NUMBER_WORDS.values()}
    held = numbers(f"{passage.header} {passage.text} {quote.text}")
    return len(wanted & held) / len(wanted) if wanted else 1.0


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

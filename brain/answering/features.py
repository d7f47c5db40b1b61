"""What can be seen of one sentence as an answer to a question, as nine named numbers.

Pure Python; the only thing from outside is the sentence's cosine, when an embedder was handed in. Leaves out the
weights (`extract.py` holds them, `benchmarks/fit_confidence.py` fits them). Serves the extractive answerer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from brain.answering.question import Asked
from ingest.sentences import Sentence
from ingest.terms import fold, stem, tokens
from ingest.words import STOP, months, names, numbers

PREFIX_MIN = 5  # letters that two words must share to count as related (photograph, photographer)
PREFIX_SHARE = 0.6  # of the longer word
RELATED = 0.6  # the worth of a related word, against 1 for the same stem
NEAR = 3  # words: two question words this close stand together
_YEAR = re.compile(r"(?<!\d)(?:1[0-9]|20)\d\d(?!\d)")
_PLACE = re.compile(r"\b(?:in|at|near|from|to|on)\s+(?:the\s+)?[A-ZÀ-Þ]")
_CAUSE = re.compile(
    r"because|due to|since|therefore|in order to|so that|as a result|owing to|thus|caus|reason|led to|\bfor\b|\bto\b"
)
_MANNER = re.compile(r"\bby\b|through|using|via|with|method|means")


@dataclass(frozen=True)
class Unit:
    """One sentence, read once: its stems in order, and what an answer could be made of."""

    sentence: Sentence
    stems: tuple[str, ...]
    words: tuple[str, ...]
    stem_set: frozenset[str] = field(repr=False)


def read_unit(sentence: Sentence) -> Unit:
    """The words of a sentence, stemmed; function words are kept in `words` and dropped from `stems`."""
    found = tokens(sentence.text)
    stems = tuple(stem(word) for word in found if word not in STOP)
    return Unit(sentence, stems, tuple(found), frozenset(stems))


def match(term: str, stems: frozenset[str]) -> float:
    """1 for the same stem, RELATED for a long common beginning, else 0."""
    if term in stems:
        return 1.0
    if len(term) < PREFIX_MIN:
        return 0.0
    head = term[:PREFIX_MIN]
    for other in stems:
        if other.startswith(head):
            shared = next(
                (i for i, (a, b) in enumerate(zip(term, other, strict=False)) if a != b),
                min(len(term), len(other)),
            )
            if shared >= PREFIX_SHARE * max(len(term), len(other)):
                return RELATED
    return 0.0


def coverage(asked: Asked, stems: frozenset[str]) -> float:
    """The idf-weighted share of the question's words that stand among `stems`, 0 to 1."""
    return sum(weight * match(term, stems) for term, weight in asked.weights.items()) / asked.total


def nearness(asked: Asked, stems: Sequence[str]) -> float:
    """The share of neighbouring pairs of question words that stand close together in the sentence, 0 to 1."""
    pairs = [(a, b) for a, b in zip(asked.order, asked.order[1:], strict=False) if a != b]
    if not pairs:
        return 0.0
    places: dict[str, list[int]] = {}
    for position, item in enumerate(stems):
        places.setdefault(item, []).append(position)
    close = sum(
        any(0 < abs(i - j) <= NEAR for i in places.get(a, ()) for j in places.get(b, ()))
        for a, b in pairs
    )
    return close / len(pairs)


def fits(asked: Asked, text: str) -> float:
    """1 when the sentence holds something of the kind asked for that the question does not name itself, else 0."""
    if asked.kind == "number":
        return float(bool(numbers(text) - asked.numbers))
    if asked.kind == "when":
        return float(
            bool(_YEAR.search(text)) or bool(months(text)) or bool(numbers(text) - asked.numbers)
        )
    if asked.kind == "who":
        return float(bool(new_names(asked, text)))
    if asked.kind == "where":
        return float(bool(_PLACE.search(text)) and bool(new_names(asked, text)))
    if asked.kind == "why":
        return float(bool(_CAUSE.search(text)))
    if asked.kind == "how":
        return float(bool(_MANNER.search(text)))
    return 0.0


def new_names(asked: Asked, text: str) -> set[str]:
    """Capitalised words of a sentence after its first word that the question does not hold."""
    known = {fold(word) for word in asked.text.split()} | asked.names
    first = text.lstrip("\"'“‘([-*• ").split(" ", 1)
    return {
        name
        for name in names(first[1] if len(first) > 1 else text)
        if name not in known and stem(name) not in asked.weights
    }


def sentence_features(
    asked: Asked,
    units: Sequence[Unit],
    position: int,
    *,
    header: frozenset[str],
    rank: int,
    cosine: float | None,
) -> dict[str, float]:
    """The features of `units[position]`, the sentences of one passage in order. `rank`: of the passage, 0-based."""
    unit = units[position]
    before = units[position - 1].stem_set if position else frozenset[str]()
    after = units[position + 1].stem_set if position + 1 < len(units) else frozenset[str]()
    own = coverage(asked, unit.stem_set)
    missing = {
        term: weight for term, weight in asked.weights.items() if not match(term, unit.stem_set)
    }
    fit = fits(asked, unit.sentence.text)

    def fills(stems: frozenset[str]) -> float:
        return sum(weight * match(term, stems) for term, weight in missing.items()) / asked.total

    return {
        "coverage": own,
        "near": nearness(asked, unit.stems),
        "header": fills(header),
        "before": fills(before),
        "after": fills(after),
        "fits_covered": fit * own,
        "fits_not": float(asked.kind in ("number", "when", "who") and not fit),
        "rank": 1.0 / (1 + rank),
        "cosine": cosine or 0.0,
    }

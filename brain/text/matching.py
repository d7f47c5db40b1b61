"""How words of a question meet words of a text: the same stem, a relative, close together, denied.

Pure functions over stems, each needed by retrieval's signals and by the answerer alike. Leaves out weights and what a
text is made of (question.py, sheet.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

Terms = tuple[str, ...]
"""Words or stems, in order."""
Pair = tuple[str, str]
"""Two words or stems that belong together."""
TermSet = frozenset[str]
"""Words or stems, each once."""

RELATED = 0.6  # worth of a relative, against 1 for the same stem
PREFIX_MIN = (
    5  # letters that two words must share to be relatives (photograph, photographer)
)
PREFIX_SHARE = 0.6  # of the longer word that they must share
NEAR = 3  # words: two question words this close stand together

_WORDS = r"not|no|never|none|neither|nor|without|cannot|nobody|nothing"
_REVERSED = r"un\w{4,}|in(?:correct|valid)\w*"
_NEGATION = re.compile(rf"\b(?:{_WORDS})\b|n['’]t\b", re.IGNORECASE)
_NEGATION_OR_REVERSED = re.compile(
    rf"\b(?:{_WORDS}|{_REVERSED})\b|n['’]t\b", re.IGNORECASE
)


def denies(text: str, *, prefixes: bool = False) -> bool:
    """Whether a text holds a negation. `prefixes`: "unpaid" and "incorrect" count too.

    A question and its answer may differ in such a word; a claim that cites a sentence mostly repeats the sentence's,
    where "under" or "university" would be taken for one.
    """
    pattern = _NEGATION_OR_REVERSED if prefixes else _NEGATION
    return bool(pattern.search(text))


def related(term: str, stems: Iterable[str]) -> float:
    """RELATED when a stem has a long beginning in common with the term (decide, decision), else 0."""
    if len(term) < PREFIX_MIN:
        return 0.0
    beginning = term[:PREFIX_MIN]
    for other in stems:
        if not other.startswith(beginning):
            continue
        longer = max(len(term), len(other))
        shared = math.ceil(PREFIX_SHARE * longer)
        if other[:shared] == term[:shared]:
            return RELATED
    return 0.0


def likeness(term: str, stems: TermSet) -> float:
    """1 for the same stem, RELATED for a relative, else 0."""
    if term in stems:
        return 1.0
    return related(term, stems)


def likenesses(
    terms: Iterable[str], texts: Iterable[TermSet]
) -> list[dict[str, float]]:
    """The `likeness` of every term, by term, for the stems of each text."""
    same = dict.fromkeys(terms, 1.0)
    found = []
    for stems in texts:
        worth = same.copy()
        for term in same.keys() - stems:
            worth[term] = related(term, stems)
        found.append(worth)
    return found


def nearnesses(pairs: Sequence[Pair], texts: Iterable[Sequence[str]]) -> list[float]:
    """The `nearness` of the pairs in the stems of each text."""
    return [nearness(pairs, stems) for stems in texts]


def nearness(pairs: Sequence[Pair], stems: Sequence[str]) -> float:
    """The share of pairs whose words stand within NEAR words of each other, in either order, 0 to 1."""
    if not pairs:
        return 0.0
    places: dict[str, list[int]] = {}
    for a, b in pairs:
        places[a] = []
        places[b] = []
    for position, term in enumerate(stems):
        if term in places:
            places[term].append(position)
    close = sum(_close(places[a], places[b]) for a, b in pairs)
    return close / len(pairs)


def _close(some: Sequence[int], others: Sequence[int]) -> bool:
    """Whether any two of these places are at most NEAR apart."""
    return any(abs(place - other) <= NEAR for place in some for other in others)

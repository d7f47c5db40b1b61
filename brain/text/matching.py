"""How words of a question meet words of a text: the same stem, a relative, close together, denied.

Pure functions over stems, each needed by retrieval's signals and by the answerer alike. Leaves out weights and what a
text is made of (question.py, sheet.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

RELATED = 0.6  # worth of a relative, against 1 for the same stem
PREFIX_MIN = 5  # letters that two words must share to be relatives (photograph, photographer)
PREFIX_SHARE = 0.6  # of the longer word that they must share
NEAR = 3  # words: two question words this close stand together

_DENYING = r"\b(?:not|no|never|none|neither|nor|without|cannot|nobody|nothing{prefixed})\b|n['’]t\b"
_NEGATION = re.compile(_DENYING.replace("{prefixed}", ""), re.IGNORECASE)
_NEGATION_OR_PREFIX = re.compile(
    _DENYING.replace("{prefixed}", r"|un\w{4,}|in(?:correct|valid)\w*"), re.IGNORECASE
)


def denies(text: str, *, prefixes: bool = False) -> bool:
    """Whether a text holds a negation. `prefixes`: "unpaid" and "incorrect" count too.

    A question and its answer may differ in such a word; a claim that cites a sentence mostly repeats the sentence's,
    where "under" or "university" would be taken for one.
    """
    pattern = _NEGATION_OR_PREFIX if prefixes else _NEGATION
    return bool(pattern.search(text))


def related(term: str, stems: Iterable[str]) -> float:
    """RELATED when a stem has a long beginning in common with the term (decide, decision), else 0."""
    if len(term) < PREFIX_MIN:
        return 0.0
    beginning = term[:PREFIX_MIN]
    for other in stems:
        if other.startswith(beginning):
            longer = max(len(term), len(other))
            if _shared(term, other) >= PREFIX_SHARE * longer:
                return RELATED
    return 0.0


def _shared(a: str, b: str) -> int:
    """How many letters two words begin with alike."""
    shared = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        shared += 1
    return shared


def likeness(term: str, stems: frozenset[str]) -> float:
    """1 for the same stem, RELATED for a relative, else 0."""
    return 1.0 if term in stems else related(term, stems)


def likenesses(terms: Iterable[str], texts: Iterable[frozenset[str]]) -> list[dict[str, float]]:
    """The `likeness` of every term, by term, for the stems of each text."""
    known = list(terms)
    return [{term: likeness(term, stems) for term in known} for stems in texts]


def nearnesses(pairs: Sequence[tuple[str, str]], texts: Iterable[Sequence[str]]) -> list[float]:
    """The `nearness` of the pairs in the stems of each text."""
    return [nearness(pairs, stems) for stems in texts]


def nearness(pairs: Sequence[tuple[str, str]], stems: Sequence[str]) -> float:
    """The share of pairs whose words stand within NEAR words of each other, in either order, 0 to 1."""
    if not pairs:
        return 0.0
    wanted = {term for pair in pairs for term in pair}
    places: dict[str, list[int]] = {}
    for position, term in enumerate(stems):
        if term in wanted:
            places.setdefault(term, []).append(position)
    close = sum(_close(places.get(a, ()), places.get(b, ())) for a, b in pairs)
    return close / len(pairs)


def _close(some: Sequence[int], others: Sequence[int]) -> bool:
    """Whether any two of these places are at most NEAR apart."""
    return any(abs(i - j) <= NEAR for i in some for j in others)

"""Whether a written sentence stands on the passage that it cites: figures, names, dates, and enough of its words.

The span that supports it best is found and quoted; a figure or a date must stand in a sentence that also says what the
claim says, not just anywhere. Leaves out meaning: a sentence that turns a fact round with the same words passes, unless it
adds or drops a negation. Serves `answer` and the grade.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from brain.answering.extract import line_locator
from brain.types import Passage
from ingest.sentences import Sentence, sentences
from ingest.terms import fold, stem, tokens
from ingest.words import STOP, content_words, months, names, numbers

# Fitted by benchmarks/fit_confidence.py on claims made from squad_dev: see benchmarks/CONFIDENCE.md.
LEAST_COVERAGE = (
    0.35  # idf coverage of the claim by its best span, below which it does not count as supported
)
FIGURE_SHARE = 0.45  # of the best sentence's coverage that a sentence needs for its figures and months to count
SAME_SENTENCE = 0.85  # coverage from which an added or dropped negation is a contradiction and not another sentence
OWN_COVERAGE = 0.10  # from which the neighbours shown with a short passage may make up the rest
JOINT_WORTH = 0.9  # of coverage by several cited passages together, against one span
SPAN = 2  # sentences: a claim may draw on a sentence and the next

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|nobody|nothing)\b|n['’]t\b", re.IGNORECASE
)
_LEAD = re.compile(
    r"^[\s\-*•#>\d.)]*(?:(?:According to|In|On|As|From) (?:the |your )?(?:notes?|passages?|sources?)\b[^,:]*[,:]\s*)?",
    re.IGNORECASE,
)

Reader = Callable[[str, int, int], str]
"""(passage id, start, end) -> the stored text there, offsets within the passage's text."""


@dataclass(frozen=True, slots=True)
class Support:
    """What stands behind a claim. `start`/`end` within the passage's text; `reasons` say what is wrong, () when nothing."""

    passage: Passage
    start: int
    end: int
    coverage: float
    reasons: tuple[str, ...]

    @property
    def quote(self) -> str:
        """The supporting span, word for word."""
        return self.passage.text[self.start : self.end]

    @property
    def locator(self) -> str:
        """Its own line where the passage has lines."""
        return line_locator(self.passage.locator, self.passage.text, self.start)


@dataclass(frozen=True, slots=True)
class _Facts:
    """One sentence of the evidence: its stems, figures, months, and whether it denies."""

    sentence: Sentence
    stems: frozenset[str]
    numbers: frozenset[str]
    months: frozenset[int]
    denies: bool


@lru_cache(maxsize=256)
def _facts(text: str) -> tuple[_Facts, ...]:
    return tuple(
        _Facts(
            s,
            frozenset(stem(word) for word in tokens(s.text)),
            frozenset(numbers(s.text)),
            frozenset(months(s.text)),
            bool(_NEGATION.search(s.text)),
        )
        for s in sentences(text)
    )


def verify(
    claim: str, cited: Sequence[Passage], *, idf: Mapping[str, float] | None = None
) -> Support | None:
    """The best support for a claim among the passages it cites; None when they hold no sentence.

    A claim that cites several passages may take each figure and name from any of them.
    """
    bare = _LEAD.sub("", claim)
    weights = _weights(bare, cited, idf)
    spans = [
        (passage, *_best_span(weights, _facts(passage.text)))
        for passage in cited
        if _facts(passage.text)
    ]
    if not spans:
        return None
    passage, coverage, first, last = max(spans, key=lambda span: span[1])
    facts = _facts(passage.text)
    everything = frozenset[str]().union(
        *(_header_stems(p) for p in cited), *(f.stems for p in cited for f in _all(p))
    )
    joint = _share(weights, everything) if len(cited) > 1 else coverage
    told = _stems(facts[first : last + 1])
    shown = (
        told
        | _header_stems(passage)
        | (_stems(_all(passage)[len(facts) :]) if coverage >= OWN_COVERAGE else told)
    )
    reasons = []
    if max(coverage, _share(weights, shown), joint * JOINT_WORTH) < LEAST_COVERAGE:
        reasons.append("its words are not in the source")
    reasons += _wrong_figures(bare, weights, cited)
    reasons += _wrong_names(bare, everything)
    if len(cited) == 1 and _turned(bare, weights, facts):
        reasons.append("the source says the opposite")
    return Support(
        passage, facts[first].sentence.start, facts[last].sentence.end, coverage, tuple(reasons)
    )


def holds(support: Support, read: Reader) -> bool:
    """Whether the quote, read again from the stored text, is still there word for word."""
    return (
        bool(support.quote)
        and read(support.passage.id, support.start, support.end) == support.quote
    )


def _weights(
    claim: str, cited: Sequence[Passage], idf: Mapping[str, float] | None
) -> dict[str, float]:
    """How much each content stem of the claim counts: the store's idf, else rarity among the cited sentences."""
    pool = [facts.stems for passage in cited for facts in _facts(passage.text)]
    counts = Counter(term for stems in pool for term in stems)
    known = idf or {}
    weights = {}
    for word in content_words(claim):
        key = stem(word)
        weights[key] = known.get(
            key, known.get(word, math.log(1 + (len(pool) + 1) / (counts[key] + 0.5)))
        )
    return weights


def _share(weights: Mapping[str, float], stems: frozenset[str]) -> float:
    total = sum(weights.values())
    return (
        sum(weight for term, weight in weights.items() if term in stems) / total if total else 0.0
    )


def _stems(facts: Sequence[_Facts]) -> frozenset[str]:
    return frozenset[str]().union(*(fact.stems for fact in facts))


def _best_span(weights: Mapping[str, float], facts: Sequence[_Facts]) -> tuple[float, int, int]:
    """(coverage, first, last) of the sentence, or the two in a row, that cover most; the shorter one when they tie."""
    best = (-1.0, 0, 0)
    for length in range(1, SPAN + 1):
        for first in range(len(facts) - length + 1):
            share = _share(weights, _stems(facts[first : first + length]))
            if share > best[0] + (0.1 if length > 1 else 0.0):
                best = (share, first, first + length - 1)
    return best


def _all(passage: Passage) -> list[_Facts]:
    """The sentences of a passage and of the neighbours that were shown with it."""
    return [*_facts(passage.text), *_facts(passage.before), *_facts(passage.after)]


def _header_stems(passage: Passage) -> frozenset[str]:
    return frozenset(
        stem(word) for word in tokens(f"{passage.header} {passage.source} {passage.context}")
    )


def _wrong_figures(claim: str, weights: Mapping[str, float], cited: Sequence[Passage]) -> list[str]:
    """The figures and months of a claim that stand in no sentence that speaks of the same thing."""
    dates = " ".join(passage.header for passage in cited)
    known, known_months = numbers(dates), months(dates)
    plain = {term: weight for term, weight in weights.items() if not term.isdigit()}
    for passage in cited:
        facts = [(fact, _share(plain, fact.stems)) for fact in _all(passage)]
        least = FIGURE_SHARE * max((share for _, share in facts), default=0.0)
        for fact, share in facts:
            if share >= least:
                known |= fact.numbers
                known_months |= fact.months
    wrong = sorted(numbers(claim) - known)
    return [f"{number} is not in the source" for number in wrong] + [
        f"month {month} is not in the source" for month in sorted(months(claim) - known_months)
    ]


def _wrong_names(claim: str, everything: frozenset[str]) -> list[str]:
    """The names of a claim that the cited passages do not hold. Its first word counts only if it is a name elsewhere."""
    found = names(claim)
    first = tokens(claim)[:1]
    wrong = []
    for name in found:
        parts = [stem(part) for part in tokens(name) if part not in STOP]
        if (
            first == tokens(name)[:1]
            and fold(claim).count(name) == 1
            and not claim.lstrip("\"'“‘*- ")[1:2].isupper()
        ):
            continue
        if any(part not in everything for part in parts):
            wrong.append(f"{name} is not in the source")
    return wrong


def _turned(claim: str, weights: Mapping[str, float], facts: Sequence[_Facts]) -> bool:
    """Whether the sentence that says the same says it with a negation more or less."""
    best = max(facts, key=lambda fact: _share(weights, fact.stems))
    return (
        _share(weights, best.stems) >= SAME_SENTENCE
        and bool(_NEGATION.search(claim)) != best.denies
    )

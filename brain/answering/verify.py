"""Whether a written sentence stands on the passage that it cites: figures, names, dates, and enough of its words.

The span that supports it best is found and quoted; a figure or a date must stand in a sentence that also says what the
claim says, not just anywhere. Leaves out meaning: a sentence that turns a fact round with the same words passes,
unless it adds or drops a negation. Serves `answer` and the grade.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from brain.answering.extract import line_locator
from brain.text.matching import TermSet, denies
from brain.text.sheet import Statement, sheet, stems_of, words_of
from brain.types import Measures, Passage, Passages, Texts
from ingest.terms import fold, stem, tokens
from ingest.words import STOP, content_words, months, names, numbers

# Fitted by benchmarks/fit_confidence.py on claims made from squad_dev: see benchmarks/CONFIDENCE.md.
# Idf coverage of the claim by its best span, below which it does not count as supported.
LEAST_COVERAGE = 0.35
FIGURE_SHARE = 0.45  # of the best sentence's coverage that a sentence needs for its figures and months to count
SAME_SENTENCE = 0.85  # coverage from which an added or dropped negation is a contradiction and not another sentence
OWN_COVERAGE = (
    0.10  # from which the neighbours shown with a short passage may make up the rest
)
JOINT_WORTH = 0.9  # of coverage by several cited passages together, against one span
LONGER_SPAN_LEAD = 0.1  # of coverage that two sentences must be better than one
SPAN = 2  # sentences: a claim may draw on a sentence and the next

_LEAD = re.compile(
    r"^[\s\-*•#>\d.)]*(?:(?:According to|In|On|As|From) (?:the |your )?(?:notes?|passages?|sources?)\b[^,:]*[,:]\s*)?",
    re.IGNORECASE,
)

Reader = Callable[[str, int, int], str]
"""(passage id, start, end) -> the stored text there, offsets within the passage's text."""


@dataclass(frozen=True, slots=True)
class Support:
    """What stands behind a claim: the sentence of a passage, or the two in a row, that cover most of it.

    `reasons` say what is wrong, () when nothing.
    """

    passage: Passage
    statements: Sequence[Statement]
    coverage: float
    reasons: Texts = ()

    @property
    def start(self) -> int:
        """Where the span begins within the passage's text."""
        return self.statements[0].sentence.start

    @property
    def end(self) -> int:
        """Where the span ends within the passage's text."""
        return self.statements[-1].sentence.end

    @property
    def quote(self) -> str:
        """The supporting span, word for word."""
        return self.passage.text[self.start : self.end]

    @property
    def locator(self) -> str:
        """Its own line where the passage has lines."""
        return line_locator(self.passage.locator, self.passage.text, self.start)

    @property
    def in_sight(self) -> TermSet:
        """Its stems with those of the header, and of the neighbours where they may make up the rest."""
        found = _stems(self.statements) | _header_stems(self.passage)
        if self.coverage < OWN_COVERAGE:
            return found
        around = (self.passage.before, self.passage.after)
        return found.union(*(sheet(text).stem_set for text in around))


def verify(
    claim: str, cited: Passages, *, idf: Measures | None = None
) -> Support | None:
    """The best support for a claim among the passages it cites; None when they hold no sentence.

    A claim that cites several passages may take each figure and name from any of them.
    """
    text = _LEAD.sub("", claim)
    weights = _weighed(text, cited, idf or {})
    spans = [_best_span(weights, one) for one in cited if sheet(one.text).statements]
    if not spans:
        return None
    best = max(spans, key=lambda span: span.coverage)
    stems = [_header_stems(passage) | _stems(_shown(passage)) for passage in cited]
    everything = TermSet().union(*stems)
    joint = _share(weights, everything) if len(cited) > 1 else best.coverage
    in_sight = _share(weights, best.in_sight)
    reasons = []
    if max(best.coverage, in_sight, joint * JOINT_WORTH) < LEAST_COVERAGE:
        reasons.append("its words are not in the source")
    reasons += _wrong_figures(text, weights, cited)
    reasons += _wrong_names(text, everything)
    if len(cited) == 1 and _turned(text, weights, sheet(best.passage.text).statements):
        reasons.append("the source says the opposite")
    return replace(best, reasons=tuple(reasons))


def _weighed(claim: str, cited: Passages, idf: Measures) -> Measures:
    """Stem -> weight of the words of a claim: the store's idf, else their rarity among the sentences that are cited."""
    statements = [
        statement for passage in cited for statement in sheet(passage.text).statements
    ]
    counts: Counter[str] = Counter()
    for statement in statements:
        counts.update(statement.all_stem_set)
    total = 1 + len(statements)
    weights = {}
    for word in content_words(claim):
        key = stem(word)
        rarity = math.log(1 + total / (counts[key] + 0.5))
        weights[key] = idf.get(key, idf.get(word, rarity))
    return weights


def holds(support: Support, read: Reader) -> bool:
    """Whether the quote, read again from the stored text, is still there word for word."""
    stored = read(support.passage.id, support.start, support.end)
    return bool(support.quote) and stored == support.quote


def _share(weights: Measures, stems: TermSet) -> float:
    """The share of the weights whose terms stand among the stems."""
    total = sum(weights.values())
    held = sum(weight for term, weight in weights.items() if term in stems)
    return held / total if total else 0.0


def _stems(statements: Iterable[Statement]) -> TermSet:
    return TermSet().union(*(one.all_stem_set for one in statements))


def _best_span(weights: Measures, passage: Passage) -> Support:
    """The span that covers most of a claim; the shorter one when two tie."""
    statements = sheet(passage.text).statements
    best = Support(passage, statements[:1], -1.0)
    for length in range(1, SPAN + 1):
        ahead = LONGER_SPAN_LEAD if length > 1 else 0.0
        for first in range(len(statements) - length + 1):
            span = statements[first : first + length]
            share = _share(weights, _stems(span))
            if share > best.coverage + ahead:
                best = Support(passage, span, share)
    return best


def _shown(passage: Passage) -> list[Statement]:
    """The sentences of a passage and of the neighbours that were shown with it."""
    texts = (passage.text, passage.before, passage.after)
    return [statement for text in texts for statement in sheet(text).statements]


def _header_stems(passage: Passage) -> TermSet:
    return stems_of(f"{passage.header} {passage.source} {passage.context}")


def _wrong_figures(claim: str, weights: Measures, cited: Passages) -> list[str]:
    """The figures and months of a claim that stand in no sentence that speaks of the same thing."""
    dates = " ".join(passage.header for passage in cited)
    known, known_months = numbers(dates), months(dates)
    words = {term: weight for term, weight in weights.items() if not term.isdigit()}
    for passage in cited:
        statements = _shown(passage)
        shares = [_share(words, one.all_stem_set) for one in statements]
        least = FIGURE_SHARE * max(shares, default=0.0)
        for statement, share in zip(statements, shares, strict=True):
            if share >= least:
                known |= statement.numbers
                known_months |= statement.months
    wrong = [str(number) for number in sorted(numbers(claim) - known)]
    wrong += [f"month {month}" for month in sorted(months(claim) - known_months)]
    return [f"{figure} is not in the source" for figure in wrong]


def _wrong_names(claim: str, everything: TermSet) -> list[str]:
    """The names of a claim that the cited passages do not hold."""
    wrong = []
    for name in names(claim):
        if _capital_by_place(name, claim):
            continue
        parts = [stem(part) for part in words_of(name) if part not in STOP]
        if not everything.issuperset(parts):
            wrong.append(f"{name} is not in the source")
    return wrong


def _capital_by_place(name: str, claim: str) -> bool:
    """Whether a word may have its capital from standing first: it stands there alone, and is no abbreviation."""
    first = tokens(claim)[:1] == list(words_of(name)[:1])
    abbreviation = claim.lstrip("\"'“‘*- ")[1:2].isupper()
    return first and fold(claim).count(name) == 1 and not abbreviation


def _turned(claim: str, weights: Measures, statements: Sequence[Statement]) -> bool:
    """Whether the sentence that says the same says it with a negation more or less."""
    same = max(statements, key=lambda one: _share(weights, one.all_stem_set))
    share = _share(weights, same.all_stem_set)
    return share >= SAME_SENTENCE and denies(claim) != same.denies

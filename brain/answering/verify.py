"""Whether a written sentence stands on the passage that it cites: figures, names, dates, quotes, enough of its words.

The span that supports it best is found and quoted; a figure or a date must stand in a sentence that also says what the
claim says, not just anywhere, and what stands in quotation marks must stand there word for word. One citation is looked
at; `claims` looks at all those of a sentence. Leaves out meaning: a sentence that turns a fact round with the same
words passes, unless it adds or drops a negation. Serves `claims` and the grade.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from brain.answering.quotation import quoted, stands_in
from brain.text.matching import TermSet, denies
from brain.text.places import line_locator
from brain.text.sheet import Statement, sheet, stems_of, words_of
from brain.types import Measures, Passage, Texts
from ingest.terms import fold, stem, tokens
from ingest.words import MONTHS, STOP, content_words, months, names, numbers

# Fitted by benchmarks/fit_confidence.py on claims made from squad_dev: see benchmarks/CONFIDENCE.md.
# Idf coverage of the claim by its best span, below which it does not count as supported.
LEAST_COVERAGE = 0.35
FIGURE_SHARE = 0.45  # of the best sentence's coverage that a sentence needs for its figures and months to count
SAME_SENTENCE = 0.85  # coverage from which an added or dropped negation is a contradiction and not another sentence
# From which the neighbours shown with a short passage may make up the rest.
OWN_COVERAGE = 0.10
SAME_THING = 0.6  # share of a claim's words in one sentence from which its figure is another one for the same thing
LONGER_SPAN_LEAD = 0.1  # of coverage that two sentences must be better than one
SPAN = 2  # sentences: a claim may draw on a sentence and the next

_LEAD = re.compile(
    r"^[\s\-*•#>\d.)]*(?:(?:According to|In|On|As|From) (?:the |your )?(?:notes?|passages?|sources?)\b[^,:]*[,:]\s*)?",
    re.IGNORECASE,
)

_MONTH_STEMS = frozenset(map(stem, MONTHS))

Reader = Callable[[str, int, int], str]
"""(passage id, start, end) -> the stored text there, offsets within the passage's text."""


@dataclass(frozen=True, slots=True)
class Support:
    """What stands behind a claim: the sentence of a passage, or the two in a row, that cover most of it.

    `reasons` say what is wrong, () when nothing. `closest`: the largest share of the claim's words, figures and months
    left out, in one sentence. `disputed`: such a sentence says the same of another figure.
    """

    passage: Passage
    statements: Sequence[Statement]
    coverage: float
    reasons: Texts = ()
    closest: float = 0.0
    disputed: bool = False

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
    claim: str, passage: Passage, *, idf: Measures | None = None
) -> Support | None:
    """The best support for a claim in the passage that it cites; None when that holds no sentence."""
    statements = sheet(passage.text).statements
    if not statements:
        return None
    text = _LEAD.sub("", claim)
    weights = _weighed(text, statements, idf or {})
    best = _best_span(weights, passage)
    shown = _shown(passage)
    stems = _header_stems(passage) | _stems(shown)
    wrong_words = []
    in_sight = _share(weights, best.in_sight)
    if max(best.coverage, in_sight) < LEAST_COVERAGE:
        wrong_words.append("its words are not in the source")
    wrong_figures = _wrong_figures(text, weights, passage)
    reasons = wrong_words + wrong_figures
    reasons += _wrong_names(text, stems)
    reasons += _wrong_quotes(claim, passage)
    if _turned(text, weights, statements):
        reasons.append("the source says the opposite")
    closest = _closest(weights, shown)
    # Of the same thing, in one sentence, with another figure.
    disputed = bool(wrong_figures) and closest >= SAME_THING
    return replace(
        best,
        reasons=tuple(reasons),
        closest=closest,
        disputed=disputed,
    )


def _weighed(claim: str, statements: Sequence[Statement], idf: Measures) -> Measures:
    """Stem -> weight of the words of a claim: the store's idf, else their rarity among the sentences that are cited."""
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


def _wrong_figures(claim: str, weights: Measures, passage: Passage) -> list[str]:
    """The figures and months of a claim that stand in no sentence that speaks of the same thing."""
    known = numbers(passage.header)
    known_months = months(passage.header)
    words = _without_figures(weights)
    statements = _shown(passage)
    shares = [_share(words, one.all_stem_set) for one in statements]
    least = FIGURE_SHARE * max(shares, default=0.0)
    for statement, share in zip(statements, shares, strict=True):
        if share >= least:
            known |= statement.numbers
            known_months |= statement.months
    wrong = sorted(numbers(claim) - known)
    for month in sorted(months(claim) - known_months):
        wrong.append(f"month {month}")
    return [f"{figure} is not in the source" for figure in wrong]


def _without_figures(weights: Measures) -> dict[str, float]:
    words = {}
    for term, weight in weights.items():
        if not term.isdigit():
            words[term] = weight
    return words


def _without_dates(weights: Measures) -> Measures:
    words = _without_figures(weights)
    for month in _MONTH_STEMS.intersection(words):
        del words[month]
    return words


def _closest(weights: Measures, statements: Iterable[Statement]) -> float:
    """The largest share of a claim's words, its figures and months left out, that one sentence holds."""
    words = _without_dates(weights)
    shares = [_share(words, one.all_stem_set) for one in statements]
    return max(shares, default=0.0)


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


def _wrong_quotes(claim: str, passage: Passage) -> list[str]:
    """What a claim puts in quotation marks that does not stand in the passage word for word."""
    texts = (passage.header, passage.source, passage.before, passage.text)
    written = "\n".join((*texts, passage.after))
    wrong = [words for words in quoted(claim) if not stands_in(words, written)]
    return [f"“{words}” is not in the source" for words in wrong]


def _capital_by_place(name: str, claim: str) -> bool:
    """Whether a word may have its capital from standing first: it stands there alone, and is no abbreviation."""
    in_claim = tokens(claim)
    in_name = words_of(name)
    if in_claim[:1] != [*in_name[:1]]:
        return False
    bare = claim.lstrip("\"'“‘*- ")
    abbreviation = bare[1:2].isupper()
    return not abbreviation and fold(claim).count(name) == 1


def _turned(claim: str, weights: Measures, statements: Sequence[Statement]) -> bool:
    """Whether the sentence that says the same says it with a negation more or less."""
    same = max(statements, key=lambda one: _share(weights, one.all_stem_set))
    share = _share(weights, same.all_stem_set)
    return share >= SAME_SENTENCE and denies(claim) != same.denies

"""How much of a question stands in one passage, as a few named numbers; the same for every kind of text.

Pure Python over the words of the passage's sheet: coverage weighted by idf, words in the order of the question, the
best sentence, who speaks, numbers and dates where the question asks for them. Leaves out vectors (closeness.py) and
every weight (fusion.py). Serves `retrieve`, for the candidates of one question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from brain.text.matching import TermSet
from brain.text.question import Question
from brain.text.sheet import Sheet, sheet
from brain.types import Measures, Passage
from ingest.terms import SENTENCE_ENDS, stem
from ingest.words import MONTH_NAMES

USUAL_LENGTH = math.log(64)  # log of words; `length` is measured from here
K1, B = 1.2, 0.75  # of BM25, the usual ones, which are also those of FTS5
MAX_PIECES = 2_000  # words of one passage that are looked at; chunks have at most a quarter of that
BEGINNING = 2  # letters that no stemming changes: most words are told from the question's by them

# Relative worth of a date that fits, or does not; the feature `date` as a whole has a fitted weight.
RIGHT_MONTH = 1.0
RIGHT_DAY = 1.0
WRONG_MONTH = -0.5
RIGHT_YEAR = 0.3

# Worth of a word of the question that stands two turns before, against one that stands in the turn before
# (benchmarks/RETRIEVAL.md).
TWO_BACK = 0.7

END = -1  # number of the end of a sentence or line
NOWHERE = -1  # place of no word

_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_TIME_WORDS = frozenset(MONTH_NAMES) | frozenset(
    """monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow ago week weeks month months
    year years day days weekend night morning summer winter spring fall last next""".split()
)
_NUMBER_WORDS = frozenset(
    """one two three four five six seven eight nine ten twelve twenty thirty hundred thousand million billion half third
    quarter several few once twice""".split()
)


class Overlap:
    """A question that passages are compared with. `idf` holds every stem of the question, and nothing else.

    Inside, a stem is its number among the distinct stems of the question.
    """

    def __init__(self, question: Question, idf: Measures) -> None:
        self.question = question
        terms = list(dict.fromkeys(question.stems))
        numbers = {term: number for number, term in enumerate(terms)}
        order = [numbers[term] for term in question.stems]
        self._stems = numbers
        self._beginnings = {term[:BEGINNING] for term in terms}
        # the pieces of texts that say something of the question, by their numbers
        self._words = dict.fromkeys(SENTENCE_ENDS, END)
        self._weights = [idf[term] for term in terms]
        self._total = sum(self._weights) or 1.0
        self._exact = dict(
            zip(question.words, map(idf.__getitem__, question.stems), strict=True)
        )
        self._exact_total = sum(self._exact.values()) or 1.0
        self._repeats = [order.count(number) for number in numbers.values()]
        self._ceiling = sum(self._weights[number] for number in order) or 1.0
        self._pairs = self._neighbours(order)
        self._pairs_total = sum(weight for _, _, weight in self._pairs) or 1.0
        self._moment = question.moment or None

    def _neighbours(self, order: Sequence[int]) -> list[tuple[int, int, float]]:
        """(stem, next stem, the smaller weight) for all that stand beside each other in the question."""
        found = []
        for a, b in pairwise(order):
            if a != b:
                smaller = min(self._weights[a], self._weights[b])
                found.append((a, b, smaller))
        return found

    def named(self, texts: Iterable[Sheet]) -> TermSet:
        """The words of the question that are names of people who speak in these texts."""
        speakers = TermSet().union(*(text.speaker for text in texts))
        return self.question.said & speakers

    def share(self, numbers: Iterable[int]) -> float:
        """The idf-weighted share of the question's stems."""
        weights = self._weights
        return sum(weights[number] for number in numbers) / self._total

    def terms_in(self, text: Sheet) -> set[int]:
        """Which of the question's stems are among the words of a text, by number."""
        return self._learn(text.said)

    def _learn(self, said: Iterable[str]) -> set[int]:
        """Number the words of a text that have a stem of the question; the numbers."""
        beginnings = self._beginnings
        found = set()
        for word in [one for one in said if one[:BEGINNING] in beginnings]:
            number = self._stems.get(stem(word))
            if number is not None:
                self._words[word] = number
                found.add(number)
        return found

    def _numbers(self, pieces: Sequence[str]) -> list[tuple[int, int]]:
        """(place, number) of the pieces that are words of the question or the end of a sentence."""
        words = self._words
        return [(place, words[one]) for place, one in enumerate(pieces) if one in words]

    def features(
        self,
        passage: Passage,
        title: Sheet,
        text: Sheet,
        *,
        average: float,
        named: TermSet,
        earlier: Sequence[str] = (),
    ) -> dict[str, float]:
        """The named numbers of one passage.

        `title` is the sheet of its title and headings, `text` that of its text, `average` the mean number of pieces
        among the candidates, `named` the words of the question that are names of speakers, `earlier` the turns before
        it in a conversation, the nearest first.
        """
        pieces = text.pieces
        said = text.said
        if len(pieces) > MAX_PIECES:
            pieces = pieces[:MAX_PIECES]
            said = frozenset(pieces)
        inside = self._learn(said)
        numbers = self._numbers(pieces)
        best_sentence, ordered, ends = self._walk(numbers)
        length = len(pieces) - ends
        covered = self.share(inside | self.terms_in(title))
        return {
            "coverage": covered,
            "exact": self._verbatim(said, title.said) - covered,
            "often": self._often(numbers, inside, len(pieces) / (average or 1.0)),
            "ordered": ordered,
            "sentence": best_sentence,
            "before": self._before(earlier, inside),
            "speaker": _speaks(text, named),
            "number": float(
                self.question.counts
                and _holds(_NUMBER_WORDS, _DIGIT, passage.text, said)
            ),
            "time": float(
                self.question.asks_when
                and _holds(_TIME_WORDS, _YEAR, passage.text, said)
            ),
            "date": self._same_date(passage.date),
            "length": math.log(length + 1) - USUAL_LENGTH,
        }

    def _before(self, earlier: Sequence[str], inside: set[int]) -> float:
        """The share of the stems that stand only in the turns before, worth less with each turn."""
        met = set(inside)
        found = 0.0
        worth = 1.0
        for turn in earlier:
            new = self.terms_in(sheet(turn)) - met
            found += worth * self.share(new)
            met |= new
            worth *= TWO_BACK
        return found

    def _often(
        self, numbers: Sequence[tuple[int, int]], inside: set[int], length: float
    ) -> float:
        """BM25 of the text alone, without title and neighbours, over its ceiling; `length` relative to the others."""
        total = 0.0
        damping = K1 * (1 - B + B * length)
        said = [number for _place, number in numbers]
        for number in sorted(inside):
            times = said.count(number)
            most = self._repeats[number] * self._weights[number] * times * (K1 + 1)
            total += most / (times + damping)
        return total / self._ceiling

    def _walk(self, numbers: Sequence[tuple[int, int]]) -> tuple[float, float, int]:
        """Best sentence's share, share of pairs in order, number of ends of sentences."""
        sentence: set[int] = set()
        followed: set[tuple[int, int]] = set()
        best = 0.0
        ends = 0
        before = following = NOWHERE
        for place, number in numbers:
            if number == END:
                if sentence:
                    best = max(best, self.share(sentence))
                    sentence = set()
                ends += 1
            else:
                sentence.add(number)
                if place == following:
                    followed.add((before, number))
                before = number
                following = place
            if place == following:
                following += 1  # the end of a sentence parts no pair
        best = max(best, self.share(sentence))
        ordered = sum(weight for a, b, weight in self._pairs if (a, b) in followed)
        return best, ordered / self._pairs_total, ends

    def _verbatim(self, text: TermSet, title: TermSet) -> float:
        """The share of the question's words that stand there in the same form."""
        held = 0.0
        for word, weight in self._exact.items():
            if word in text or word in title:
                held += weight
        return held / self._exact_total

    def _same_date(self, date: str | None) -> float:
        """How well the passage's own date fits the dates that the question names: from -0.5 to 2, 0 when none is."""
        moment = self._moment
        if moment is None or not date:
            return 0.0
        if not moment.months:
            year = _whole(date[:4])
            return RIGHT_YEAR if year in moment.years else -RIGHT_YEAR
        if _whole(date[5:7]) not in moment.months:
            return WRONG_MONTH
        if _whole(date[8:10]) not in moment.days:
            return RIGHT_MONTH
        return RIGHT_MONTH + RIGHT_DAY


def _whole(digits: str) -> int:
    return int(digits) if digits.isdigit() else 0


def _speaks(text: Sheet, named: TermSet) -> float:
    """1 when a person named in the question speaks here, -1 when another one does, 0 when that cannot be told."""
    if not named or not text.speaker:
        return 0.0
    return 1.0 if text.speaker & named else -1.0


def _holds(words: TermSet, figures: re.Pattern[str], text: str, said: TermSet) -> bool:
    """Whether a text says one of the words, or holds such a figure."""
    return not words.isdisjoint(said) or bool(figures.search(text))

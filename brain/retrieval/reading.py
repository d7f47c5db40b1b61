"""What can be seen of a question's words in one passage, as a few named numbers; the same for every kind of text.

Pure Python over the text of the passage, one walk over its words: coverage weighted by idf, words in the order of the
question, the best sentence, who speaks, numbers and dates where the question asks for them. Leaves out vectors
(closeness.py) and every weight (fusion.py). Serves `retrieve`, for the candidates of one question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from brain.retrieval.query import Query
from brain.types import Passage
from ingest.terms import stem, tokens

USUAL_LENGTH = math.log(64)  # log of words; `length` is measured from here
K1, B = 1.2, 0.75  # of BM25, the usual ones, which are also those of FTS5
MAX_PIECES = 2_000  # words of one passage that are read; chunks have at most a quarter of that

_SPEAKER = re.compile(
    r"\s*(?:\[?\d{1,2}:\d{2}\]?\s*)?(?:\*\*)?([^\W\d_][\w.'’ -]{0,30})(?:\*\*)?:\s"
)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_TIME_WORDS = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday yesterday today tomorrow ago week weeks month months year years day days weekend
    night morning summer winter spring fall last next""".split()
)
_NUMBER_WORDS = frozenset(
    """one two three four five six seven eight nine ten twelve twenty thirty hundred thousand million billion half third
    quarter several few once twice""".split()
)


class Lens:
    """A question as one looks through it at texts. `idf` holds every stem of the question, and nothing else."""

    def __init__(self, query: Query, idf: Mapping[str, float]) -> None:
        self.query = query
        self._terms = list(dict.fromkeys(query.stems))
        self._weights = [idf[term] for term in self._terms]
        self._total = sum(self._weights) or 1.0
        numbers = {term: number for number, term in enumerate(self._terms)}
        self._words = _Numbers(numbers)
        self._exact = {word: idf[stem(word)] for word in query.words}
        self._exact_total = sum(self._exact.values()) or 1.0
        order = [numbers[term] for term in query.stems]
        self._repeats = [order.count(number) for number in range(len(self._terms))]
        self._ceiling = sum(self._weights[number] for number in order) or 1.0
        self._pairs = [
            (a, b, min(self._weights[a], self._weights[b])) for a, b in pairwise(order) if a != b
        ]
        self._pairs_total = sum(weight for _, _, weight in self._pairs) or 1.0
        self._said = frozenset(query.everything)

    def named(self, passages: Sequence[Passage]) -> frozenset[str]:
        """The words of the question that are names of people who speak in these passages."""
        speakers = {word for passage in passages for word in speaker_of(passage.text)}
        return frozenset(self._said & speakers)

    def share(self, numbers: set[int]) -> float:
        """The idf-weighted share of the question's stems."""
        return sum(self._weights[number] for number in numbers) / self._total

    def terms_in(self, text: str) -> set[int]:
        """Which of the question's stems stand in the text, by number."""
        found = {self._words[word] for word in tokens(text)}
        found.discard(_ELSEWHERE)
        return found

    def read(
        self,
        passage: Passage,
        found: Sequence[str],
        *,
        average: float,
        named: frozenset[str] = frozenset(),
    ) -> dict[str, float]:
        """The named numbers of one passage; its `before` and `after` are read where it has them.

        `found` holds the `pieces` of its text, `average` the mean number of pieces among the candidates.
        """
        found = found[:MAX_PIECES]
        title = " ".join((passage.title, *passage.heading))
        numbers = [self._words[piece] for piece in found]
        inside, best, close, length = self._walk(numbers)
        titled = self.terms_in(title)
        said = set(found)
        covered = self.share(inside | titled)
        return {
            "coverage": covered,
            "exact": self._verbatim(said.union(tokens(title))) - covered,
            "often": self._often(numbers, len(found) / (average or 1.0)),
            "ordered": close,
            "sentence": best,
            "before": self.share(self.terms_in(passage.before) - inside) if passage.before else 0.0,
            "speaker": _speaks(passage.text, named),
            "number": float(self.query.counts and _counts(passage.text, said)),
            "time": float(self.query.asks_when and _dated(passage.text, said)),
            "date": self._same_date(passage.date),
            "length": math.log(length + 1) - USUAL_LENGTH,
        }

    def _often(self, numbers: Sequence[int], length: float) -> float:
        """BM25 of the text alone, without title and neighbours, over its ceiling; `length` relative to the others."""
        total = 0.0
        damping = K1 * (1 - B + B * length)
        for number, weight in enumerate(self._weights):
            if times := numbers.count(number):
                total += self._repeats[number] * weight * times * (K1 + 1) / (times + damping)
        return total / self._ceiling

    def _walk(self, numbers: Sequence[int]) -> tuple[set[int], float, float, int]:
        """Stems inside, best sentence's share, pairs in order, words."""
        inside: set[int] = set()
        sentence: set[int] = set()
        followed: set[tuple[int, int]] = set()
        best = 0.0
        ends, before = 0, _ELSEWHERE
        for number in (*numbers, _END):
            if number >= 0:
                sentence.add(number)
                followed.add((before, number))
            elif number == _END:
                if sentence:
                    best = max(best, self.share(sentence))
                    inside |= sentence
                    sentence = set()
                ends += 1
                continue
            before = number
        pairs = sum(weight for a, b, weight in self._pairs if (a, b) in followed)
        return inside, best, pairs / self._pairs_total, len(numbers) + 1 - ends

    def _verbatim(self, said: set[str]) -> float:
        """The share of the question's words that stand there in the same form."""
        return (
            sum(weight for word, weight in self._exact.items() if word in said) / self._exact_total
        )

    def _same_date(self, date: str | None) -> float:
        """How well the passage's own date fits the dates that the question names: from -0.5 to 2, 0 when none is."""
        moment = self.query.moment
        if not moment or not date:
            return 0.0
        year, month, day = (
            int(part) if part.isdigit() else 0 for part in (date[:4], date[5:7], date[8:10])
        )
        if moment.months:
            if month not in moment.months:
                return WRONG_MONTH
            return RIGHT_MONTH + (RIGHT_DAY if day in moment.days else 0.0)
        return RIGHT_YEAR if year in moment.years else -RIGHT_YEAR


RIGHT_MONTH, RIGHT_DAY, WRONG_MONTH, RIGHT_YEAR = (
    1.0,
    1.0,
    -0.5,
    0.3,
)  # relative worth; `date` as a whole is fitted
HEAD = (
    2  # letters that no stemming changes: most words of a text are told from the question's by them
)
_ELSEWHERE, _END = -1, -2  # a word that is not asked for; the end of a sentence


class _Numbers(dict[str, int]):
    """Word -> number of the question's stem, looked up once per word and question."""

    def __init__(self, stems: Mapping[str, int]) -> None:
        self._stems = stems
        self._heads = {term[:HEAD] for term in stems}

    def __missing__(self, word: str) -> int:
        number = _ELSEWHERE if word[0].isalnum() else _END
        if word[:HEAD] in self._heads:
            number = self._stems.get(stem(word), _ELSEWHERE)
        self[word] = number
        return number


def speaker_of(text: str) -> frozenset[str]:
    """The words of the name before the colon at the start of a turn; empty when nobody is said to speak.

    >>> sorted(speaker_of("Dr. Ana Wu: it rains"))
    ['ana', 'dr', 'wu']
    """
    match = _SPEAKER.match(text)
    return frozenset(tokens(match.group(1))) if match else frozenset()


def _speaks(text: str, named: frozenset[str]) -> float:
    """1 when a person named in the question speaks here, -1 when another one does, 0 when that cannot be told."""
    speaker = speaker_of(text) if named else frozenset()
    if not speaker:
        return 0.0
    return 1.0 if speaker & named else -1.0


def _counts(text: str, said: set[str]) -> bool:
    return bool(_DIGIT.search(text)) or not _NUMBER_WORDS.isdisjoint(said)


def _dated(text: str, said: set[str]) -> bool:
    return not _TIME_WORDS.isdisjoint(said) or bool(_YEAR.search(text))

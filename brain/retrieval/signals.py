"""What retrieval can say about its own success, as named numbers: the features that `brain.confidence` reads.

Pure and cheap: the two rankings, the question's terms with their idf, and the texts of the first passages. Leaves out
any judgment (`confidence` holds the coefficients). Shares lie in [0, 1]; a signal that cannot be measured (no dense
ranking, one passage) is 0. Serves `retrieve`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from brain.types import Passage
from ingest.sentences import sentences as split
from ingest.terms import fold, stem, tokens
from ingest.words import ENGLISH, FRAME, STOP, months, names, numbers

RANKED = 10  # places of a ranking that are compared
READ = 5  # passages that are read
MAX_SENTENCES = 40  # of one passage
K1 = 1.2  # FTS5's bm25: one term adds at most idf * (K1 + 1)
FRAME_WEIGHT = 0.4  # of a word that frames the question (kind, called, according), against 1
RARE_SHARE = 0.6  # of the largest idf of the question: terms from there on are its rare ones
UNKNOWN_SHARE = 0.85  # of the largest idf: a term so rare may be misspelt
PAIR_DISTANCE = 3  # words: neighbouring question words this close stand together
RELATED, RELATED_SHARE, PREFIX = (
    0.6,
    0.6,
    5,
)  # worth of a word with a common beginning; of the longer word; letters
MISSPELT, ALIKE = (
    0.8,
    0.8,
)  # worth of a word spelt almost the same; SequenceMatcher ratio from which it is
FEW_WORDS = 3  # words from which a question must hold a function word
MOST_APART = 50.0  # fused score: further below the first counts as nothing
USUAL_IDF = 7.2  # nats: ln(1 + (N + .5) / .5), the most that a word can weigh, in the sets of the fit (400-1,100 chunks)
EVIDENCE = 20.0  # nats of idf: about four rare words; brings `matched` and `missing` to the size of the other signals

_SPEAKER = re.compile(
    r"\s*(?:\[?\d{1,2}:\d{2}\]?\s*)?(?:\*\*)?([A-ZÀ-Þ][\w.'-]*(?: [A-ZÀ-Þ][\w.'-]*){0,2})(?:\*\*)?:\s"
)
_COUNTED = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|large)\b|percentage|what (?:number|share|price)",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade)\b", re.IGNORECASE
)
_PERSON = re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)

NAMES = (
    "fused_top_cosine",
    "sentence_cosine",
    "bm25",
    "lexical_margin",
    "share",
    "coverage_1",
    "coverage_best",
    "sentence_coverage",
    "pairs",
    "gap",
    "matched",
    "missing",
    "named",
    "unnamed",
    "has_names",
    "unfit",
    "rare_together",
    "other_speaker",
    "spoken",
    "foreign",
    "terms",
    "has_dense",
)


def signals(
    question: str,
    idf: Mapping[str, float],
    *,
    lexical: Sequence[tuple[str, float]],
    dense: Sequence[tuple[str, float]],
    passages: Sequence[Passage],
    cosines: Mapping[str, float],
    sentences: Mapping[str, float],
    count: int | None = None,
) -> dict[str, float]:
    """Every signal of NAMES. `idf`: stem of a content word -> idf; `lexical`: bare BM25, `dense`: cosine, each best first.

    `cosines` and `sentences`: cosine of the chunk, and of its best sentence, by passage id. `count`: chunks in the store;
    with it the evidence of a small store, where no word can be rare, weighs what it would in one of a thousand.
    """
    if count is not None:
        scale = USUAL_IDF / math.log(2 * count + 2) if count else 1.0
        idf = {term: weight * scale for term, weight in idf.items()}
        lexical = [(key, score * scale) for key, score in lexical]
    found = _from_rankings(lexical, dense, passages, cosines, (K1 + 1) * sum(idf.values()))
    found |= _Read(question, idf, passages[:READ]).signals()
    found["sentence_cosine"] = max(
        (sentences[p.id] for p in passages[:READ] if p.id in sentences), default=0.0
    )
    found["share"] = _share_of_first([passage.score for passage in passages[:RANKED]])
    found |= {
        "other_speaker": other_speaker(question, passages),
        "spoken": spoken(passages),
        "foreign": foreign(question),
    }
    return {name: found[name] if math.isfinite(found[name]) else 0.0 for name in NAMES}


def _from_rankings(
    lexical: Sequence[tuple[str, float]],
    dense: Sequence[tuple[str, float]],
    passages: Sequence[Passage],
    cosines: Mapping[str, float],
    ceiling: float,
) -> dict[str, float]:
    """What can be read from the two lists without looking at a text."""
    best = [value for _, value in lexical[:2]]
    return {
        "fused_top_cosine": cosines.get(passages[0].id, 0.0) if passages else 0.0,
        "bm25": best[0] / ceiling if best and ceiling else 0.0,
        "lexical_margin": (best[0] - best[1]) / best[0] if len(best) > 1 and best[0] > 0 else 0.0,
        "has_dense": float(bool(dense)),
    }


def _share_of_first(scores: Sequence[float]) -> float:
    """The first passage's share of a softmax over the fused scores of the first ten; 1 when it is alone."""
    return (
        1 / sum(math.exp(max(score - scores[0], -MOST_APART)) for score in scores)
        if scores
        else 0.0
    )


class _Read:
    """The question's terms in the texts of the first passages."""

    def __init__(
        self, question: str, idf: Mapping[str, float], passages: Sequence[Passage]
    ) -> None:
        self.question, self.passages = question, passages
        self.weights = {
            term: weight * (FRAME_WEIGHT if term in _FRAME_STEMS else 1.0)
            for term, weight in idf.items()
        }
        self.total = sum(self.weights.values()) or 1.0
        largest = max(idf.values(), default=0.0)
        self.rare = {
            term for term, weight in self.weights.items() if weight >= RARE_SHARE * largest
        }
        self.unknown = {
            term for term, weight in self.weights.items() if weight >= UNKNOWN_SHARE * largest
        }
        self.headers = [frozenset(stem(word) for word in tokens(p.header)) for p in passages]
        self.units = [split(p.text) for p in passages]
        self.inside = [
            [[stem(word) for word in tokens(unit.text)] for unit in units] for units in self.units
        ]
        self.texts = [list(itertools.chain.from_iterable(inside)) for inside in self.inside]
        self.worth = [
            self._worth(frozenset(text) | head)
            for text, head in zip(self.texts, self.headers, strict=True)
        ]

    def _worth(self, stems: frozenset[str]) -> dict[str, float]:
        """For each term, how well these stems hold it: 1 the same, less for a relative or a misspelling, 0 not."""
        return {
            term: 1.0
            if term in stems
            else max(_related(term, stems), _misspelt(term, stems, self.unknown))
            for term in self.weights
        }

    def share(self, worth: Mapping[str, float], among: Sequence[str] | None = None) -> float:
        """The idf-weighted share of the terms (or of some of them) that is held."""
        chosen = self.weights if among is None else among
        total = sum(self.weights[term] for term in chosen)
        return sum(self.weights[term] * worth[term] for term in chosen) / total if total else 0.0

    def signals(self) -> dict[str, float]:
        """All that the texts say."""
        shares = [self.share(worth) for worth in self.worth]
        place = max(range(len(shares)), key=lambda i: shares[i], default=-1)
        best = self.worth[place] if place >= 0 else dict.fromkeys(self.weights, 0.0)
        lacking = {term: weight * (1 - best[term]) for term, weight in self.weights.items()}
        named = self._named()
        unnamed = [term for term in self.weights if term not in named]
        return {
            "coverage_1": shares[0] if shares else 0.0,
            "coverage_best": max(shares, default=0.0),
            "gap": max(lacking.values(), default=0.0) / EVIDENCE,
            "matched": sum(self.weights[term] * held for term, held in best.items()) / EVIDENCE,
            "missing": sum(lacking.values()) / EVIDENCE,
            "named": self.share(best, named) if named else 1.0,
            "unnamed": self.share(best, unnamed) if unnamed else 1.0,
            "has_names": float(bool(named)),
            "rare_together": float(
                bool(self.rare)
                and any(all(w[t] >= MISSPELT for t in self.rare) for w in self.worth)
            ),
            "terms": math.log1p(len(self.weights)),
        } | self._close()

    def _named(self) -> list[str]:
        """The terms that are part of a name, or a number."""
        first = tokens(self.question)[:1]
        held = {stem(part) for name in names(self.question) for part in tokens(name)}
        held -= {stem(first[0])} if first and first[0] in STOP else set()
        return [term for term in self.weights if term in held or term.isdigit()]

    def _close(self) -> dict[str, float]:
        """Within sentences: coverage by the best one, pairs, and whether the answer's kind is there."""
        order = [stem(word) for word in tokens(self.question) if word not in STOP]
        pairs = [(a, b) for a, b in itertools.pairwise(order) if a != b]
        one = 0.0
        quoted = ""
        for units, inside, header in zip(self.units, self.inside, self.headers, strict=True):
            for unit, stems in zip(units[:MAX_SENTENCES], inside, strict=False):
                share = self._plain(header.union(stems))
                if share > one:
                    one, quoted = share, unit.text
        return {
            "sentence_coverage": one,
            "pairs": max((_near(pairs, text) for text in self.texts), default=0.0),
            "unfit": float(_unfit(self.question, quoted)),
        }

    def _plain(self, stems: frozenset[str]) -> float:
        """The share of the terms that stand among the stems, without relatives: many sentences are asked."""
        return sum(weight for term, weight in self.weights.items() if term in stems) / self.total


_FRAME_STEMS = frozenset(stem(word) for word in FRAME)


def _related(term: str, stems: frozenset[str]) -> float:
    """RELATED for a word with a long common beginning (decide, decision), else 0."""
    if len(term) < PREFIX:
        return 0.0
    head = term[:PREFIX]
    for other in stems:
        if other.startswith(head):
            shared = next(
                (i for i, (a, b) in enumerate(zip(term, other, strict=False)) if a != b),
                min(len(term), len(other)),
            )
            if shared >= RELATED_SHARE * max(len(term), len(other)):
                return RELATED
    return 0.0


def _misspelt(term: str, stems: frozenset[str], unknown: set[str]) -> float:
    """MISSPELT when a term that the store does not know is spelt almost like a word here, else 0."""
    if term not in unknown or len(term) < PREFIX or not term.isalpha():
        return 0.0
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(term)
    for other in stems:
        if abs(len(other) - len(term)) <= 2 and other[0] == term[0] and other.isalpha():
            matcher.set_seq1(other)
            if matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
                return MISSPELT
    return 0.0


def _unfit(question: str, sentence: str) -> bool:
    """Whether a question for a number, a date or a person meets a sentence that holds none but its own."""
    if _COUNTED.search(question):
        return not numbers(sentence) - numbers(question)
    if _DATED.search(question):
        return not (months(sentence) or numbers(sentence) - numbers(question))
    if _PERSON.search(question):
        return not set(names(sentence)) - set(names(question))
    return False


def _near(pairs: Sequence[tuple[str, str]], text: Sequence[str]) -> float:
    """The share of pairs that stand within PAIR_DISTANCE words of each other, in either order."""
    if not pairs:
        return 0.0
    wanted = {term for pair in pairs for term in pair}
    places: dict[str, list[int]] = {}
    for position, term in enumerate(text):
        if term in wanted:
            places.setdefault(term, []).append(position)
    close = sum(
        any(abs(i - j) <= PAIR_DISTANCE for i in places.get(a, ()) for j in places.get(b, ()))
        for a, b in pairs
    )
    return close / len(pairs)


def other_speaker(question: str, passages: Sequence[Passage]) -> float:
    """1 when the question names one speaker of the conversation and the best passage is another's words, else 0."""
    said = [_SPEAKER.match(passage.text) for passage in passages[:RANKED]]
    speakers = {fold(match.group(1)) for match in said if match}
    asked = {name for name in speakers if set(tokens(name)) <= set(tokens(question))}
    if not asked or not said or said[0] is None:
        return 0.0
    return float(fold(said[0].group(1)) not in asked)


def spoken(passages: Sequence[Passage]) -> float:
    """1 when the best passage is a turn of a conversation, else 0."""
    return float(bool(passages) and bool(_SPEAKER.match(passages[0].text)))


def foreign(question: str) -> float:
    """1 for a question of some length without one English function word: idf and endings mean less there."""
    found = tokens(question)
    return float(len(found) >= FEW_WORDS and not any(word in ENGLISH for word in found))

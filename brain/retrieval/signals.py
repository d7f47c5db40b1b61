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

from brain.protocols import Embedder
from brain.types import Passage
from ingest.sentences import sentences as split
from ingest.terms import fold, stem, tokens
from ingest.words import FRAME, STOP, months, names, numbers

RANKED = 10  # places of a ranking that are compared
READ = 5  # passages that are read
MAX_SENTENCES = 40  # of one passage
K1 = 1.2  # FTS5's bm25: one term adds at most idf * (K1 + 1)
FRAME_WEIGHT = 0.4  # of a word that frames the question (kind, called, according), against 1
RARE_SHARE = 0.6  # of the largest idf of the question: terms from there on are its rare ones
UNKNOWN_SHARE = 0.85  # of the largest idf: a term so rare may be misspelt
PAIR_DISTANCE = 3  # words: neighbouring question words this close stand together
RELATED, RELATED_SHARE, PREFIX = 0.6, 0.6, 5  # worth of a word with a common beginning; of the longer word; letters
MISSPELT, ALIKE = 0.8, 0.8  # worth of a word spelt almost the same; SequenceMatcher ratio from which it is
EVIDENCE = 20.0  # nats of idf: about four rare words; brings `matched` and `missing` to the size of the other signals

_SPEAKER = re.compile(
    r"\s*(?:\[?\d{1,2}:\d{2}\]?\s*)?(?:\*\*)?([A-ZÀ-Þ][\w.'-]*(?: [A-ZÀ-Þ][\w.'-]*){0,2})(?:\*\*)?:\s"
)
_COUNTED = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|large)\b|percentage|what (?:number|share|price)", re.IGNORECASE
)
_DATED = re.compile(r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade)\b", re.IGNORECASE)
_PERSON = re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)

NAMES = (
    "top_cosine", "fused_top_cosine", "sentence_cosine", "margin", "sentence_margin", "overlap", "bm25", "lexical_margin",
    "lead", "share", "coverage_1", "coverage_best", "sentence_coverage", "span_coverage", "pairs", "gap", "matched",
    "missing", "named", "unnamed", "has_names", "unfit", "rare_together", "other_speaker", "terms", "has_dense",
)  # fmt: skip
SPOKEN = ("said_cosine", "said_margin")


def signals(
    question: str,
    idf: Mapping[str, float],
    *,
    lexical: Sequence[tuple[str, float]],
    dense: Sequence[tuple[str, float]],
    passages: Sequence[Passage],
    cosines: Mapping[str, float],
    sentences: Mapping[str, float],
) -> dict[str, float]:
    """Every signal of NAMES. `idf`: content term -> idf; `lexical`: bare BM25, `dense`: cosine, each best first.

    `cosines` and `sentences`: cosine of the chunk, and of its best sentence, by passage id.
    """
    found = _from_rankings(lexical, dense, passages, cosines, (K1 + 1) * sum(idf.values()))
    found |= _Read(question, idf, passages[:READ]).signals()
    spoken = sorted((sentences[p.id] for p in passages[:RANKED] if p.id in sentences), reverse=True)
    found["sentence_cosine"] = spoken[0] if spoken else 0.0
    found["sentence_margin"] = spoken[0] - spoken[1] if len(spoken) > 1 else 0.0
    found["lead"], found["share"] = _stands_out([passage.score for passage in passages[:RANKED]])
    found["other_speaker"] = other_speaker(question, passages)
    return {name: found[name] if math.isfinite(found[name]) else 0.0 for name in NAMES}


def spoken(question: str, passages: Sequence[Passage], embedder: Embedder) -> dict[str, float]:
    """Two more signals: the cosine of the best sentence of the first passages, and its lead over the next passage's best.

    Meant for the built-in embedder, whatever embedder served: 30 sentences take it 3 ms, and the figure means the same
    everywhere. Added to the others by whoever has it at hand; without it they are 0.
    """
    units = [split(passage.text)[:MAX_SENTENCES] for passage in passages[:READ]]
    texts = [unit.text for inside in units for unit in inside]
    if not texts:
        return dict.fromkeys(SPOKEN, 0.0)
    values = [float(value) for value in embedder.embed_documents(texts) @ embedder.embed_query(question)]
    best, at = [], 0
    for inside in units:
        best.append(max(values[at : at + len(inside)], default=0.0))
        at += len(inside)
    best.sort(reverse=True)
    lead = best[0] - best[1] if len(best) > 1 else 0.0
    return dict(zip(SPOKEN, (value if math.isfinite(value) else 0.0 for value in (best[0], lead)), strict=True))


def _from_rankings(
    lexical: Sequence[tuple[str, float]],
    dense: Sequence[tuple[str, float]],
    passages: Sequence[Passage],
    cosines: Mapping[str, float],
    ceiling: float,
) -> dict[str, float]:
    """What can be read from the two lists without looking at a text."""
    near, best = [value for _, value in dense[:2]], [value for _, value in lexical[:2]]
    first, second = {key for key, _ in lexical[:RANKED]}, {key for key, _ in dense[:RANKED]}
    return {
        "top_cosine": near[0] if near else 0.0,
        "fused_top_cosine": cosines.get(passages[0].id, 0.0) if passages else 0.0,
        "margin": near[0] - near[1] if len(near) > 1 else 0.0,
        "bm25": best[0] / ceiling if best and ceiling else 0.0,
        "lexical_margin": (best[0] - best[1]) / best[0] if len(best) > 1 and best[0] > 0 else 0.0,
        "overlap": len(first & second) / max(1, len(first | second)),
        "has_dense": float(bool(near)),
    }


def _stands_out(scores: Sequence[float]) -> tuple[float, float]:
    """How far the first passage is above the second, and its share of a softmax over the first ten."""
    if len(scores) < 2:
        return 0.0, 1.0
    return scores[0] - scores[1], 1 / sum(math.exp(max(score - scores[0], -50.0)) for score in scores)


class _Read:
    """The question's terms in the texts of the first passages."""

    def __init__(self, question: str, idf: Mapping[str, float], passages: Sequence[Passage]) -> None:
        self.question, self.passages = question, passages
        self.weights: dict[str, float] = {}
        for term, weight in idf.items():
            framed = weight * (FRAME_WEIGHT if term in FRAME or stem(term) in _FRAME_STEMS else 1.0)
            self.weights[stem(term)] = max(framed, self.weights.get(stem(term), 0.0))
        self.total = sum(self.weights.values()) or 1.0
        largest = max(idf.values(), default=0.0)
        self.rare = {term for term, weight in self.weights.items() if weight >= RARE_SHARE * largest}
        self.unknown = {term for term, weight in self.weights.items() if weight >= UNKNOWN_SHARE * largest}
        self.headers = [frozenset(stem(word) for word in tokens(p.header)) for p in passages]
        self.texts = [[stem(word) for word in tokens(p.text)] for p in passages]
        self.worth = [self._worth(frozenset(text) | head) for text, head in zip(self.texts, self.headers, strict=True)]

    def _worth(self, stems: frozenset[str]) -> dict[str, float]:
        """For each term, how well these stems hold it: 1 the same, less for a relative or a misspelling, 0 not."""
        return {
            term: 1.0 if term in stems else max(_related(term, stems), _misspelt(term, stems, self.unknown))
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
                bool(self.rare) and any(all(w[t] >= MISSPELT for t in self.rare) for w in self.worth)
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
        """Within sentences: coverage by the best one and by two in a row, pairs, and whether the answer's kind is there."""
        order = [stem(word) for word in tokens(self.question) if word not in STOP]
        pairs = [(a, b) for a, b in itertools.pairwise(order) if a != b]
        one = two = 0.0
        quoted = ""
        for passage, header in zip(self.passages, self.headers, strict=True):
            units = split(passage.text)[:MAX_SENTENCES]
            inside = [frozenset(stem(word) for word in tokens(unit.text)) for unit in units]
            shares = [self._plain(stems | header) for stems in inside]
            if shares and max(shares) > one:
                one = max(shares)
                quoted = units[shares.index(one)].text
            two = max([two, *(self._plain(a | b | header) for a, b in itertools.pairwise(inside))])
        return {
            "sentence_coverage": one,
            "span_coverage": max(one, two),
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
                (i for i, (a, b) in enumerate(zip(term, other, strict=False)) if a != b), min(len(term), len(other))
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
        any(abs(i - j) <= PAIR_DISTANCE for i in places.get(a, ()) for j in places.get(b, ())) for a, b in pairs
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

"""What retrieval can say about its own success, as named numbers: the features that `brain.confidence` reads.

Pure and cheap: the two rankings, the question's terms with their idf, and the texts of the first passages. Leaves out
any judgment (`confidence` holds the coefficients). Shares lie in [0, 1]; a signal that cannot be measured (no dense
ranking, one passage) is 0. Serves `retrieve`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import SequenceMatcher
from operator import or_

from brain.retrieval.candidates import Candidates
from brain.text.matching import TermSet, likenesses, nearnesses
from brain.text.question import Question
from brain.text.sheet import (
    Statement,
    header_stems,
    sheet,
    sheets,
    sheets_in_sentences,
    stems_of_each,
)
from brain.types import Measures, Passages
from ingest.terms import stem
from ingest.words import FRAME, STOP

RANKED = 10  # places of a ranking that are compared
READ = 5  # passages that are read
MAX_SENTENCES = 40  # of one passage
K1 = 1.2  # FTS5's bm25: one term adds at most idf * (K1 + 1)
# Of a word that frames the question (kind, called, according), against 1.
FRAME_WEIGHT = 0.4
# Of the largest idf of the question: terms from there on are its rare ones.
RARE_SHARE = 0.6
UNKNOWN_SHARE = 0.85  # of the largest idf: a term so rare may be misspelt
MISSPELT = 0.8  # worth of a word spelt almost the same, against 1
ALIKE = 0.8  # SequenceMatcher ratio from which two words are spelt almost the same
MISSPELT_MIN = 5  # letters: shorter words are too much alike by chance
MISSPELT_BY = 2  # letters that a misspelling adds or drops at most
MOST_APART = 50.0  # fused score: further below the first counts as nothing
# nats: ln(1 + (N + .5) / .5), the most that a word can weigh, in the sets of the fit (400-1,100 chunks)
USUAL_IDF = 7.2
EVIDENCE = 20.0  # nats of idf: about four rare words; brings `matched` and `missing` to the size of the other signals

_COUNTED = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|large)\b|percentage|what (?:number|share|price)",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)
_FRAME_STEMS = frozenset(map(stem, FRAME))

NAMES = tuple(
    """fused_top_cosine sentence_cosine bm25 lexical_margin share coverage_1 coverage_best sentence_coverage pairs gap
    matched missing named unnamed has_names unfit rare_together other_speaker spoken foreign terms has_dense
    size""".split()
)


def signals(candidates: Candidates, passages: Passages) -> Measures:
    """Every signal of NAMES. `passages`: the best of the candidates, in their order.

    The evidence of a small store, where no word can be rare, weighs what it would in one of a thousand chunks.
    """
    question = candidates.question
    scale = 1.0
    if candidates.count:
        scale = USUAL_IDF / math.log(2 * candidates.count + 2)
    scaled = {term: weight * scale for term, weight in candidates.idf.items()}
    looked_at = passages[:READ]
    features = dict(zip(candidates.ids, candidates.features, strict=True))
    known = [features[passage.id] for passage in looked_at]
    best_sentences = [
        one["sentence_cosine"] for one in known if one.get("has_sentences")
    ]
    best_words = [score * scale for _, score in candidates.lexical[:2]]
    found = {
        "fused_top_cosine": known[0].get("cosine", 0.0) if known else 0.0,
        "sentence_cosine": max(best_sentences, default=0.0),
        "bm25": _of_ceiling(best_words, scaled),
        "lexical_margin": _margin(best_words),
        "has_dense": float(bool(candidates.dense)),
        "share": _share_of_first([passage.score for passage in passages[:RANKED]]),
        "other_speaker": other_speaker(question, passages),
        "spoken": spoken(passages),
        "foreign": float(question.foreign),
        # Where there is little, what is there is found
        "size": math.log10(candidates.count + 1),
    }
    found |= _Evidence(question, scaled, looked_at).signals()
    finite = {}
    for name in NAMES:
        value = found[name]
        finite[name] = value if math.isfinite(value) else 0.0
    return finite


def _of_ceiling(best: Sequence[float], idf: Measures) -> float:
    """The best BM25 over the most that the question's words can give."""
    ceiling = (K1 + 1) * sum(idf.values())
    return best[0] / ceiling if best and ceiling else 0.0


def _margin(best: Sequence[float]) -> float:
    """By how much the best BM25 is ahead of the second, of itself."""
    if len(best) < 2 or best[0] <= 0:
        return 0.0
    return (best[0] - best[1]) / best[0]


def _share_of_first(scores: Sequence[float]) -> float:
    """The first passage's share of a softmax over the fused scores of the first ten; 1 when it is alone."""
    if not scores:
        return 0.0
    behind = [max(score - scores[0], -MOST_APART) for score in scores]
    return 1 / sum(map(math.exp, behind))


class _Evidence:
    """The question's terms in the texts of the first passages.

    `worth` says of each passage how well it holds each term: 1 the same, less for a relative or a misspelling, 0 not.
    """

    def __init__(self, question: Question, idf: Measures, passages: Passages) -> None:
        self.question = question
        self.weights = dict(idf)
        for term in _FRAME_STEMS.intersection(idf):
            self.weights[term] *= FRAME_WEIGHT
        self.total = sum(self.weights.values()) or 1.0
        largest = max(idf.values(), default=0.0)
        self.rare = self._from(RARE_SHARE * largest)
        self.unknown = self._from(UNKNOWN_SHARE * largest)
        names = stems_of_each([passage.names for passage in passages])
        self.headers = list(map(or_, header_stems(passages), names))
        self.texts = sheets_in_sentences([passage.text for passage in passages])
        held = [
            text.stem_set | header
            for text, header in zip(self.texts, self.headers, strict=True)
        ]
        self.worth = likenesses(self.weights, held)
        for worth, stems in zip(self.worth, held, strict=True):
            self._forgive(worth, stems)

    def _from(self, least: float) -> set[str]:
        """The terms that weigh at least this."""
        return {term for term, weight in self.weights.items() if weight >= least}

    def _forgive(self, worth: dict[str, float], stems: TermSet) -> None:
        """A term that the store does not know counts where it is spelt almost the same."""
        for term, likeness in worth.items():
            if likeness < MISSPELT and term in self.unknown and _misspelt(term, stems):
                worth[term] = MISSPELT

    def share(self, worth: Measures, among: Collection[str]) -> float:
        """The idf-weighted share of some terms that is held."""
        weights = self.weights
        total = sum(weights[term] for term in among)
        if not total:
            return 0.0
        held = sum(weights[term] * worth[term] for term in among)
        return held / total

    def signals(self) -> Measures:
        """All that the texts say."""
        weights = self.weights
        shares = [self.share(worth, weights) for worth in self.worth]
        coverage = max(shares, default=0.0)
        best = dict.fromkeys(weights, 0.0)
        if shares:
            best = self.worth[shares.index(coverage)]
        matched = []
        for term, held in best.items():
            matched.append(weights[term] * held)
        missing = []
        for term, weight in weights.items():
            unheld = 1 - best[term]
            missing.append(weight * unheld)
        named = self._named()
        unnamed = [term for term in weights if term not in named]
        sentence_coverage, quoted = self._best_sentence()
        return {
            "coverage_1": shares[0] if shares else 0.0,
            "coverage_best": coverage,
            "gap": max(missing, default=0.0) / EVIDENCE,
            "matched": sum(matched) / EVIDENCE,
            "missing": sum(missing) / EVIDENCE,
            "named": self.share(best, named) if named else 1.0,
            "unnamed": self.share(best, unnamed) if unnamed else 1.0,
            "has_names": float(bool(named)),
            "rare_together": float(self._rare_together()),
            "terms": math.log1p(len(weights)),
            "sentence_coverage": sentence_coverage,
            "pairs": self._pairs(),
            "unfit": float(_unfit(self.question, quoted)),
        }

    def _pairs(self) -> float:
        """How many neighbouring words of the question stand together in the best of the texts."""
        pairs = () if self.question.only_function_words else self.question.pairs
        texts = [text.stems for text in self.texts]
        return max(nearnesses(pairs, texts), default=0.0)

    def _rare_together(self) -> bool:
        """Whether one passage holds all the rare terms of the question, be it misspelt."""
        if not self.rare:
            return False
        for worth in self.worth:
            least = min(worth[term] for term in self.rare)
            if least >= MISSPELT:
                return True
        return False

    def _named(self) -> list[str]:
        """The terms that are part of a name, or a number."""
        held = set(self.question.name_stems)
        first = self.question.everything[:1]
        if first and first[0] in STOP:
            held.discard(stem(first[0]))
        return [term for term in self.weights if term in held or term.isdigit()]

    def _best_sentence(self) -> tuple[float, Statement | None]:
        """(share of the terms in the sentence that holds most of them, the sentence)."""
        best = 0.0
        quoted = None
        for text, header in zip(self.texts, self.headers, strict=True):
            for statement in text.statements[:MAX_SENTENCES]:
                share = self._plain_share(header, statement.all_stem_set)
                if share > best:
                    best, quoted = share, statement
        return best, quoted

    def _plain_share(self, header: TermSet, stems: TermSet) -> float:
        """The share of the terms that stand among the stems, without relatives: many sentences are asked."""
        held = 0.0
        for term, weight in self.weights.items():
            if term in stems or term in header:
                held += weight
        return held / self.total


def _misspelt(term: str, stems: Iterable[str]) -> bool:
    """Whether one of the stems is spelt almost like the term."""
    if len(term) < MISSPELT_MIN or not term.isalpha():
        return False
    # Most texts hold no word that begins and ends near there.
    near = []
    for other in [one for one in stems if one.startswith(term[0])]:
        added = abs(len(other) - len(term))
        if added <= MISSPELT_BY and other.isalpha():
            near.append(other)
    if not near:
        return False
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(term)
    for other in near:
        matcher.set_seq1(other)
        if matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
            return True
    return False


def _unfit(question: Question, quoted: Statement | None) -> bool:
    """Whether a question for a number, a date or a person meets a sentence that holds none but its own."""
    text = question.text
    counted = _COUNTED.search(text)
    dated = _DATED.search(text)
    person = _PERSON.search(text)
    if quoted is None:
        return any((counted, dated, person))
    no_number = quoted.numbers <= question.numbers
    if counted:
        return no_number
    if dated:
        return no_number and not quoted.months
    if person:
        return set(question.names).issuperset(quoted.names)
    return False


def other_speaker(question: Question, passages: Passages) -> float:
    """1 when the question names one speaker of the conversation and the best passage is another's words, else 0."""
    speakers = [sheet(passage.text).named_speaker for passage in passages[:RANKED]]
    asked = set()
    for name in sheets(filter(None, speakers)):
        if question.said.issuperset(name.words):
            asked.add(name.text)
    if not asked or not speakers[0]:
        return 0.0
    return float(speakers[0] not in asked)


def spoken(passages: Passages) -> float:
    """1 when the best passage is a turn of a conversation, else 0."""
    if not passages:
        return 0.0
    best = sheet(passages[0].text)
    return float(bool(best.named_speaker))

"""The extractive answerer: which one to three sentences of the passages answer the question best, word for word.

A linear model over the features of `features.py`; its softmax over all candidate sentences says how sure the choice is,
and a second or third sentence is added only while the first leaves room for doubt. Leaves out writing: nothing is ever
rephrased. Serves `ask` without a model, and the sentence that `ask` shows before a model writes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import mul

from brain.answering.features import Seen, sentence_features
from brain.answering.subject import elsewhere
from brain.fitted import FITTED
from brain.protocols import Embedder
from brain.text.matching import TermSet
from brain.text.places import line_locator
from brain.text.question import Question
from brain.text.roles import Role, roles, roles_of_each
from brain.text.sheet import Statement, header_stems, sheet, stems_of, stems_of_each
from brain.text.versions import met_by_name, outnamed
from brain.types import AnswerSpan, Measures, Passage, Passages, Texts
from ingest.terms import stem

MAX_PASSAGES = 5  # passages looked into: the right one is among the first five for 97 of 100 questions of squad_dev
MAX_READ = 8  # where the answer reader read them: as many as it reads
MAX_SENTENCES = 60  # of one passage, against a passage of thousands of tiny lines
ECHO_WORDS = 6  # a line of so few words, all of them the question's, answers nothing
MAX_QUOTES = (
    3  # of one sentence .754 hold the answer, of three .901 (benchmarks/CONFIDENCE.md)
)
MAX_LISTED = (
    10  # quotes in all where passages are listed and not chosen; at least one of each
)
ENOUGH = 0.65  # probability at which no further sentence is quoted; fitted to 45 % of the paragraph's characters
ENDS = tuple('.!?。！？…:;"”»')  # of a sentence
LEAST = 0.08  # probability below which a further sentence is not worth the reading
Read = Sequence[Sequence[Statement]]  # the sentences of each passage

# Fitted by benchmarks/fit_extract.py (conditional logit, L2 1.0) on the answerable questions of squad_dev and ans_dev.
COEFFICIENTS: Measures = FITTED["extract"]
# The same with what the answer reader says, where it read; fitted by benchmarks/fit_answers.py.
READ_COEFFICIENTS: Measures = FITTED["extract_read"]


# The key of a property -> words of questions that it answers.
ASKED_BY = {
    "author": "wrote written write writer",
    "authors": "wrote written write writers",
    "creator": "made wrote written",
    "phone": "telephone number call reach",
    "mobile": "telephone phone number call reach",
    "tel": "telephone phone number call reach",
    "email": "mail address reach",
    "birthday": "born birth old",
    "born": "birthday birth old",
    "due": "deadline finish",
    "address": "live lives where",
}
_PROPERTY = re.compile(r"[^\W\d][\w-]*: +(\S.*)")


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a passage: `text == passage.text[start:end]`. `probability`: among all sentences that were looked
    at.

    `locator` is the sentence's own: "L14" inside "L12-40", else the passage's. `rank` is the passage's place, from 0.
    `heading`: the headings above it, outermost first; `columns`: of a row of a table the names of its columns.
    `answer`: from where to where in `text` the answer stands, where the answer reader marked it.
    """

    passage_id: str
    source: str
    locator: str
    start: int
    end: int
    text: str
    probability: float
    rank: int
    features: Measures
    heading: Texts = ()
    columns: str = ""
    answer: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Scored:
    """A sentence that may be quoted: the `place`-th of the `rank`-th passage."""

    score: float
    rank: int
    place: int
    statement: Statement
    features: Measures
    role: Role


def extract(
    question: Question,
    passages: Passages,
    *,
    embedder: Embedder | None = None,
    limit: int = MAX_QUOTES,
) -> list[Quote]:
    """The best sentences, best first, at most `limit`; none when the passages hold nothing that can be quoted.

    A heading, a fence, a greeting, a key without a value and the names of a table's columns are no quotes, nor is what
    tells of another's doing than the question asks for.

    The question's `idf` weighs its words over the store (retrieval knows it); without it they are weighed over these
    passages.
    """
    was_read = any(passage.span for passage in passages)
    looked_at = passages[: MAX_READ if was_read else MAX_PASSAGES]
    read = [sheet(passage.text).statements[:MAX_SENTENCES] for passage in looked_at]
    if not any(read):
        return []
    if question.idf is None:
        question = question.weighed(local_idf(read))
    met = met_by_name(looked_at, question.text)
    if met:
        settled = {stem(word): 0.0 for word in met} | dict.fromkeys(met, 0.0)
        question = question.weighed({**(question.idf or {}), **settled})
    scored = _scored(question, looked_at, read, embedder)
    others = outnamed(looked_at, question.text)
    quotable = []
    for one in scored:
        if one.rank not in others and _quotable(question, looked_at[one.rank], one):
            quotable.append(one)
    if not quotable:
        return []
    ranked = sorted(quotable, key=lambda one: (-one.score, one.rank, one.place))
    shares = _softmax([one.score for one in ranked])
    chosen = ranked[: _enough(shares[:limit])]
    return [
        _quote(looked_at[one.rank], one, share)
        for one, share in zip(chosen, shares, strict=False)
    ]


def in_order(passages: Passages) -> list[Quote]:
    """The first sentences of each passage, as they stand: for passages that were not chosen but listed."""
    each = max(1, MAX_LISTED // max(1, len(passages)))
    quotes = []
    for rank, passage in enumerate(passages):
        statements = sheet(passage.text).statements[:MAX_SENTENCES]
        said = []
        for place, (statement, role) in enumerate(
            zip(statements, roles(passage, statements), strict=True)
        ):
            if role.kind == "said":
                said.append(_Scored(0.0, rank, place, statement, {}, role))
        quotes += [_quote(passage, one, 1.0) for one in said[:each]]
    return quotes


def _quotable(question: Question, passage: Passage, one: _Scored) -> bool:
    """Whether a sentence says something, and of whom the question asks."""
    if one.role.kind != "said" or _echoes(question, one.statement):
        return False
    above = [passage.title, *one.role.path]
    said = one.statement.text
    return not elsewhere(question.text, said, reversed(above), passage.locator)


def _echoes(question: Question, statement: Statement) -> bool:
    """Whether a line is a few words of the question and no sentence: the name of what is asked about."""
    text = statement.text.rstrip("*_` ")
    few = len(statement.words) <= ECHO_WORDS and not text.endswith(ENDS)
    if not few or statement.numbers:
        return False
    # Of a property what stands behind its name is what it tells.
    keyed = _PROPERTY.match(text)
    said = stems_of(keyed[1]) if keyed else statement.stem_set
    return said <= set(question.order)


def headers_of(
    passages: Passages, known: Sequence[Sequence[Role]]
) -> list[list[TermSet]]:
    """The stems above each sentence of each passage: title and headings, and the names of a row's columns."""
    # Sentences under one heading share what stands above them
    different = list(dict.fromkeys(chain.from_iterable(known)))
    words = [" ".join((*role.path, role.columns)) for role in different]
    above = dict(zip(different, stems_of_each(words), strict=True))
    found = []
    for named, parts in zip(header_stems(passages), known, strict=True):
        joined = {role: named | above[role] for role in set(parts)}
        found.append([joined[role] for role in parts])
    return found


def _with_meaning(header: TermSet, statement: Statement) -> TermSet:
    """The same, with what people ask by for the key of a property: "who wrote it" for "author: …"."""
    keyed = _PROPERTY.match(statement.text)
    if keyed:
        key, _colon, _value = keyed[0].partition(":")
        asked_by = ASKED_BY.get(key.lower())
        if asked_by:
            return header | stems_of(asked_by)
    return header


def _scored(
    question: Question,
    passages: Passages,
    read: Read,
    embedder: Embedder | None,
) -> list[_Scored]:
    """Every sentence of every passage with its features and score."""
    cosines = iter(_cosines(question, read, embedder))
    known = roles_of_each(passages, read)
    seen = []
    for statements, headers, parts in zip(
        read, headers_of(passages, known), known, strict=True
    ):
        seen.append(_seen(statements, headers, parts, cosines))
    relevances = [one.span.relevance for one in passages if one.span]
    unread = min(relevances, default=None)
    scored = []
    for rank, found in enumerate(sentence_features(question, seen)):
        for place, features in enumerate(found):
            statement = read[rank][place]
            said = read_features(passages[rank], statement, unread)
            features = {**features, **said}
            one = _Scored(
                score(features),
                rank,
                place,
                read[rank][place],
                features,
                known[rank][place],
            )
            scored.append(one)
    return scored


def read_features(
    passage: Passage, statement: Statement, unread: float | None
) -> Measures:
    """What the answer reader says of a sentence: does the answer stand in it, by which margin, and how relevant is its
    passage. `unread`: how relevant a passage counts that was not read among others that were; None where none was.
    """
    span = passage.span
    if span is None:
        if unread is None:
            return {}
        return {"span": 0.0, "span_margin": 0.0, "span_relevance": unread}
    holds = float(statement.sentence.start <= span.start < statement.sentence.end)
    return {
        "span": holds,
        "span_margin": holds * span.margin,
        "span_relevance": span.relevance,
    }


def _seen(
    statements: Sequence[Statement],
    headers: Sequence[TermSet],
    parts: Sequence[Role],
    cosines: Iterator[float],
) -> list[Seen]:
    """The sentences of one passage with all that is known of each."""
    found = []
    for statement, header, role in zip(statements, headers, parts, strict=True):
        above = _with_meaning(header, statement)
        found.append(Seen(statement, above, next(cosines), bool(role.columns)))
    return found


def score(features: Measures) -> float:
    """The linear model; unitless, higher is better."""
    coefficients = READ_COEFFICIENTS if "span" in features else COEFFICIENTS
    values = map(features.__getitem__, coefficients)
    total: float = sum(map(mul, coefficients.values(), values))
    return total


def local_idf(read: Read) -> Measures:
    """How telling each stem is among these sentences: the stand-in when the store's own figures are not handed in."""
    pool = [statement.stem_set for statements in read for statement in statements]
    counts = Counter(chain.from_iterable(pool))
    return {term: math.log(1 + len(pool) / count) for term, count in counts.items()}


def _enough(shares: Sequence[float]) -> int:
    """How many to quote: the first, and more while together they are short of ENOUGH and each is worth LEAST."""
    total = 0.0
    for place, share in enumerate(shares):
        if place and (total >= ENOUGH or share < LEAST):
            return place
        total += share
    return len(shares)


def _cosines(question: Question, read: Read, embedder: Embedder | None) -> list[float]:
    """The cosine of question and sentence, for all sentences in order; 0 without an embedder."""
    texts = [statement.text for statements in read for statement in statements]
    if embedder is None:
        return [0.0] * len(texts)
    values = embedder.embed_documents(texts) @ embedder.embed_query(question.text)
    cosines: list[float] = values.tolist()
    return cosines


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    powers = [math.exp(value - top) for value in scores]
    total = sum(powers)
    return [power / total for power in powers]


def _quote(passage: Passage, chosen: _Scored, share: float) -> Quote:
    start, end, text = chosen.statement.sentence
    return Quote(
        passage.id,
        passage.source,
        line_locator(passage.locator, passage.text, start),
        start,
        end,
        text,
        share,
        chosen.rank,
        chosen.features,
        chosen.role.path,
        chosen.role.columns,
        _answer_in(passage.span, start, end),
    )


def _answer_in(span: AnswerSpan | None, start: int, end: int) -> tuple[int, int] | None:
    """Where in a sentence, of these offsets in its passage, the marked answer stands."""
    if span is None or not start <= span.start < end:
        return None
    return span.start - start, min(span.end, end) - start

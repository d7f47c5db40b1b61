"""The best passages read together with the question: a better order, and in each passage the span that answers.

Two looks of the answer reader. First at the one sentence of each of two dozen passages that holds most of the question:
cheap, and it brings forward what other words hid. Then at the first eight passages whole. What each look says is added
to the score that the search gave. What lies far behind the best passage is not read, for no reading would bring it to
the front; nor what is in a language that the reader does not know. Leaves out the model, which is handed in, and what
follows for an answer (`brain.answering`, `brain.confidence`). Serves `ask`, and `search --rerank`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from brain.errors import BrainError
from brain.fitted import FITTED
from brain.protocols import AnswerReader
from brain.retrieval.fusion import code_share
from brain.text.question import Question
from brain.text.sheet import sheet
from brain.types import AnswerSpan, Measures, ModelStep, Passage, Passages, Retrieved
from ingest.words import ENGLISH, STOP

CONSIDERED = 48  # passages from which the shortlist is taken: by score and by places in the rankings
SHORTLISTED = 24  # passages of which one sentence is read: 24 of 40 tokens cost what 5 whole passages do
READ = 8  # passages that are read whole
# Logits: a passage that lies further behind the best one before a look is not looked at. On six sets of questions (in
# benchmarks/CONFIDENCE.md) no figure changes by more than .004 for it, and of 8 passages 4.2 to 7.6 are read.
BEHIND = 8.0
READ_ANYWAY = 3  # passages that are read whole wherever they lie: the answer is compared with that of others
SNIPPET_CHARACTERS = 400  # of the one sentence
FEW_WORDS = (
    12  # a text of fewer words may hold no English function word and still be English
)
NEIGHBOURS = STOP - ENGLISH  # function words of German, French, Spanish …
# Of the time for both looks: what is left of it goes to the whole passages.
SHORTLIST_SHARE = 0.4

# What the order by reading is made of (benchmarks/fit_reading.py): each sign has a weight for the average question, and
# a slope for each deviation by which the nearest vector of a question is nearer than usual. Where nothing is near, the
# search knows little, and what was read counts more.
READING = FITTED["reading"]
MOST_APART = 1.5  # deviations
PLACE = 10  # a place in a ranking is worth 1 / (PLACE + place)

NAMES = tuple(
    "read tells_absence margin_anywhere relevance_anywhere margin_and_relevance".split()
)
# Of every weight, where the passages are code: CoSQA by all-MiniLM nDCG@10 .544 without reading, .561 with this share,
# .555 with .4, .533 with all of it (150 questions).
CODE_WORTH = 0.2
# Share of characters that programs are full of, from which a text is code: of cosqa 95 in 100 passages have more, of
# notes and articles none of a hundred.
CODE = 0.06


@dataclass(frozen=True, slots=True)
class _Look:
    """What both looks share: what each sign is worth, how far behind the best a passage may lie (in the search's
    points), and how many passages are read whole.
    """

    question: str
    reader: AnswerReader
    worth: Measures
    behind: float
    whole: int


def read_answers(
    found: Retrieved,
    question: str,
    reader: AnswerReader,
    *,
    limit: int,
    seconds: float,
    whole: int = READ,
    clock: Callable[[], float] = time.monotonic,
) -> Retrieved:
    """The passages in the order that reading gives them, at most `limit`, the first `whole` with their `span`; and what
    was done, in `steps`. Never raises for the model: then the order is the search's own, and the step says why.
    """
    began = clock()
    asked = Question.of(question)
    of_search = _worth_of_search(found.explain)
    worth = weights(found.explain)
    if _is_code(found.passages[:READ]):
        worth = {name: CODE_WORTH * value for name, value in worth.items()}
    look = _Look(question, reader, worth, BEHIND / of_search, whole)
    considered = _by_places(_no_worse_than_behind(found.passages), worth)
    readable = [place for place, one in enumerate(considered) if _english(one.text)]
    if _in_another_language(asked) or not readable:
        why = "the answer reader knows English only"
        return _unread(
            found, limit, ModelStep("read", "skipped", reader.name, reason=why)
        )
    try:
        share = seconds * SHORTLIST_SHARE
        passages = _shortlisted(considered, readable, look, share)
        left = seconds - (clock() - began)
        passages, judged, wanted = _read_whole(passages, look, left)
    except BrainError as error:
        failed = ModelStep("read", "failed", reader.name, reason=error.message)
        return _unread(found, limit, failed)
    # What was not read for want of time may hold it.
    tells = 0 < judged == wanted and _tells_absence(asked, passages[:whole], found)
    step = ModelStep(
        "read",
        "ran",
        reader.name,
        clock() - began,
        judged=judged,
        of=wanted,
    )
    return replace(
        found,
        passages=passages[:limit],
        signals={
            **found.signals,
            **signals(passages[:whole]),
            "tells_absence": float(tells),
        },
        steps=(*found.steps, step),
    )


def _unread(found: Retrieved, limit: int, step: ModelStep) -> Retrieved:
    return replace(found, passages=found.passages[:limit], steps=(*found.steps, step))


def _in_another_language(asked: Question) -> bool:
    """Whether a question is surely not English: it holds function words of a neighbour and none of English, or most of
    its words are in another script. "overdue charge" holds none of either, and is read.
    """
    if not asked.foreign:
        return False
    foreign = [word for word in asked.everything if not word.isascii()]
    return bool(asked.said & NEIGHBOURS) or 2 * len(foreign) > len(asked.everything)


def _english(text: str) -> bool:
    """Whether a text may be English: it is short, or holds more function words of English than of its neighbours."""
    said = sheet(text).said
    if len(said) < FEW_WORDS:
        return True
    english = len(said & ENGLISH)
    return english > len(said & NEIGHBOURS)


def weights(known: Measures) -> Measures:
    """What each sign is worth beside the score of the search, by what the search knows of the question."""
    apart = _apart(known)
    search = _worth_of_search(known)
    worth = {}
    for name, (at_rest, slope) in READING["weights"].items():
        worth[name] = max(at_rest + slope * apart, 0.0) / search
    return worth


def _worth_of_search(known: Measures) -> float:
    """Logits of one point of the search's score."""
    at_rest, slope = READING["weights"]["search"]
    return float(at_rest + slope * _apart(known))


def _apart(known: Measures) -> float:
    """By how many deviations the nearest vector is nearer than that of the average question."""
    mean, deviation = READING["nearest"]
    apart = (known.get("nearest", mean) - mean) / deviation
    return float(max(-MOST_APART, min(MOST_APART, apart)))


def _no_worse_than_behind(passages: Passages) -> list[Passage]:
    """The same passages, none with a lower score than one behind it: what stands first for another reason than its
    score (it is of the time that was asked for) must not fall behind by that score.
    """
    lifted: list[Passage] = []
    best = float("-inf")
    for passage in reversed(passages):
        best = max(best, passage.score)
        same = passage.score == best
        lifted.append(passage if same else replace(passage, score=best))
    lifted.reverse()
    return lifted


def _shortlisted(
    passages: Passages, readable: Sequence[int], look: _Look, seconds: float
) -> tuple[Passage, ...]:
    """The same passages; the first ones change places by their one sentence that holds most of the question."""
    count = _near(passages[:SHORTLISTED], look.behind, look.whole)
    places = [place for place in readable if place < count]
    snippets = [_snippet(passages[place]) for place in places]
    spans = look.reader.read(look.question, snippets, seconds=seconds)
    scored = list(passages)
    for place, span in zip(places, spans, strict=True):
        if span is not None:
            signs = {
                "sentence_relevance": span.relevance,
                "sentence_margin": span.margin,
            }
            scored[place] = _adding(passages[place], signs, look.worth)
    return _ordered(scored, count)


def _near(passages: Passages, behind: float, anyway: int) -> int:
    """How many of these passages, best first, lie at most that far behind the first one; `anyway` or all, if fewer."""
    if not passages:
        return 0
    floor = passages[0].score - behind
    near = sum(passage.score >= floor for passage in passages)
    return max(near, min(anyway, len(passages)))


def _by_places(passages: Passages, worth: Measures) -> tuple[Passage, ...]:
    """The passages by their score and by their places in the two rankings: of what one of these alone brought forward,
    more comes into the shortlist.
    """
    scored = []
    for passage in passages:
        signs = {
            "lexical_place": _of_place(passage.ranks.get("lexical")),
            "dense_place": _of_place(passage.ranks.get("dense")),
        }
        scored.append(_adding(passage, signs, worth))
    return _ordered(scored, len(scored))


def _of_place(place: int | None) -> float:
    return 1 / (PLACE + place) if place else 0.0


def _snippet(passage: Passage) -> str:
    at = passage.matched
    text = passage.text[at.start : at.end] if at else passage.text
    return text[:SNIPPET_CHARACTERS]


def _read_whole(
    passages: Passages, look: _Look, seconds: float
) -> tuple[tuple[Passage, ...], int, int]:
    """(the passages, of which the first ones change places by what reading them whole says; how many were read; of how
    many that can be).
    """
    count = _near(passages[: look.whole], look.behind, READ_ANYWAY)
    places = [place for place, one in enumerate(passages[:count]) if _english(one.text)]
    texts = [passages[place].text for place in places]
    spans = look.reader.read(look.question, texts, seconds=max(seconds, 0.0))
    scored = list(passages)
    judged = 0
    for place, span in zip(places, spans, strict=True):
        if span is not None:
            judged += 1
            added = {
                "relevance": span.relevance,
                "margin": span.margin,
                "answers": max(span.margin, 0.0),
            }
            read = _adding(passages[place], added, look.worth)
            scored[place] = replace(read, span=span)
    return _ordered(scored, count), judged, len(places)


def _adding(passage: Passage, signs: Measures, worth: Measures) -> Passage:
    """The passage with its signs in its score, each named in `explain` with what it adds."""
    added = {name: worth[name] * value for name, value in signs.items()}
    score = passage.score + sum(added.values())
    return replace(passage, score=score, explain={**passage.explain, **added})


def _ordered(passages: Sequence[Passage], count: int) -> tuple[Passage, ...]:
    """The first `count` by their score; equal ones, and those behind, as they stood."""
    first = sorted(passages[:count], key=lambda passage: -passage.score)
    return (*first, *passages[count:])


def signals(passages: Passages) -> Measures:
    """What reading says of its own success, every name of NAMES but `tells_absence`; nothing where nothing was read.

    `margin_and_relevance` is that of the passage which is best by both: about half of the lower of the two.
    """
    spans = [passage.span for passage in passages if passage.span is not None]
    if not spans:
        return {}
    return {
        "read": 1.0,
        "margin_anywhere": max(span.margin for span in spans),
        "relevance_anywhere": max(span.relevance for span in spans),
        "margin_and_relevance": max(map(_both, spans)),
    }


def _both(span: AnswerSpan) -> float:
    """About half of the lower one of margin and relevance, a soft minimum: a span far from the question is no answer,
    nor is a near passage without a span.
    """
    halves = (-span.margin / 2, -span.relevance / 2)
    most = max(halves)
    return -most - math.log(sum(math.exp(half - most) for half in halves))


def _tells_absence(asked: Question, passages: Passages, found: Retrieved) -> bool:
    """Whether "no answer here" of the reader means that the notes do not hold it: of a question, in prose.

    A claim or a few words have no answer; in code and in the turns of a conversation the reader finds few.
    """
    if not asked.is_question or found.signals.get("spoken"):
        return False
    # What it cannot read may hold the answer
    if not all(_english(passage.text) for passage in passages):
        return False
    return not _is_code(passages)


def _is_code(passages: Passages) -> bool:
    """Whether most of what these passages hold is code."""
    shares = [code_share(passage.text) for passage in passages]
    return bool(shares) and fmean(shares) >= CODE

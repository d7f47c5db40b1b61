"""The best passages judged by a local model, one at a time, and its ranking blended with the search's own by position.

Off the hot path: runs only where it was asked for, within a deadline, and whatever goes wrong the order of the search
stands and the step says why. What was not judged keeps its place. Leaves out the model, which is handed in, and the
confidence, which is the search's alone. Serves `search` and `ask`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from brain import prompts
from brain.errors import BrainError
from brain.prompts import NONCE_BYTES, neutral
from brain.protocols import Progress, Reranker, silent
from brain.types import ModelStep, Passage, Passages

# Of a question that are judged against; it is read again for every passage.
QUESTION_CHARS = 2_000
# Of a passage: three times a chunk, so that only a giant line is cut.
PASSAGE_CHARS = 4_000
LEAST_JUDGED = 2  # passages: one alone cannot change its place

ALIKE = 0.05  # of a probability: judgments closer than this share a place, and the search's order decides between them

# The blend: SEARCH_SHARE / rank + (1 - SEARCH_SHARE) * 2 / (1 + place by judgment), each 1 at best. Reciprocal ranks
# make the search's first places dear (to lose the first costs .3, the third .05), since its top is mostly right, while
# far down, where it knows little, the model decides. A sum of the two keeps below what both place lower; weights that
# change with the rank (75/25, 60/40, 40/60 on scores) do not. The share was chosen with benchmarks/blend.py, over four
# sets and four shapes of a judge, with noise and without: +.005 to +.012 nDCG@10 on average, -.017 at worst, where the
# weights that change give -.011 to +.007 and -.022.
SEARCH_SHARE = 0.6

Clock = Callable[[], float]
Judgments = Mapping[int, float]
"""Probability by place in the order of the search, from 0, where it was judged."""


def rerank(
    question: str,
    passages: Passages,
    *,
    judge: Reranker,
    count: int,
    seconds: float,
    progress: Progress = silent,
    clock: Clock = time.monotonic,
) -> tuple[tuple[Passage, ...], ModelStep]:
    """The passages in their new order, and what happened. Never raises for the model: then the order is as it was.

    The first `count` are judged, best first, until `seconds` are over.
    """
    began = clock()
    wanted = passages[: max(0, count)]
    if len(wanted) < LEAST_JUDGED:
        few = "there is only one passage" if wanted else "there is no passage"
        skipped = ModelStep("rerank", "skipped", judge.name, reason=few)
        return tuple(passages), skipped
    judgments: dict[int, float] = {}
    tried = 0
    trouble = ""
    for place, messages in enumerate(_prompts(question, wanted)):
        progress("passages judged", place, len(wanted))
        left = seconds - (clock() - began)
        if left <= 0:
            break
        try:
            judged = judge.yes(messages, seconds=left)
        except BrainError as error:
            trouble = error.message if clock() - began < seconds else ""
            break
        tried += 1
        if judged is not None:
            judgments[place] = judged
    waited = clock() - began
    step = ModelStep(
        "rerank",
        "failed",
        judge.name,
        waited,
        judged=len(judgments),
        of=len(wanted),
    )
    reason = trouble or _unusable(judgments, tried, len(wanted), seconds)
    if reason:
        return tuple(passages), replace(step, reason=reason)
    partly = ""
    if len(judgments) < len(wanted):
        partly = f"{len(judgments)} of {len(wanted)} passages were judged"
    if partly and tried < len(wanted):
        partly += f" in {seconds:g} s"
    return _reordered(passages, judgments), replace(step, state="ran", reason=partly)


def blend(judgments: Judgments) -> list[int]:
    """The judged places (from 0, the search's order) in their new order; equal ones keep the search's.

    >>> blend({0: 0.1, 1: 0.9, 2: 0.2, 3: 0.3, 4: 0.4, 5: 0.5, 6: 0.6, 7: 0.7})
    [1, 0, 7, 2, 6, 3, 5, 4]
    """
    places = sorted(judgments)
    by_judgment = by_places(judgments)
    worth = {}
    for rank, place in enumerate(places, 1):
        judged = (1 - SEARCH_SHARE) * 2 / (1 + by_judgment[place])
        worth[place] = SEARCH_SHARE / rank + judged
    return sorted(places, key=lambda place: (-worth[place], place))


def by_places(judgments: Judgments) -> dict[int, int]:
    """Each one's place by judgment, from 1: one more than there are clearly better ones."""
    steps = {place: round(value / ALIKE) for place, value in judgments.items()}
    places = {}
    for place, step in steps.items():
        places[place] = 1 + sum(other > step for other in steps.values())
    return places


def _unusable(judgments: Judgments, tried: int, wanted: int, seconds: float) -> str:
    """Why these judgments cannot order anything, or ""."""
    if len(judgments) < LEAST_JUDGED:
        if tried < wanted:
            return f"{len(judgments)} of {wanted} passages were judged in {seconds:g} s"
        return "the model answered neither yes nor no"
    if len(set(by_places(judgments).values())) == 1:
        return "the model did not discriminate: it judged all passages alike"
    return ""


def _reordered(passages: Passages, judgments: Judgments) -> tuple[Passage, ...]:
    """The judged passages change places among themselves; each says where it stood and how it was judged."""
    by_judgment = by_places(judgments)
    places = sorted(judgments)
    done = list(passages)
    for place, source in zip(places, blend(judgments), strict=True):
        moved = passages[source]
        ranks = dict(moved.ranks)
        ranks["before"] = source + 1
        ranks["reranker"] = by_judgment[source]
        explain = {**moved.explain, "relevance": judgments[source]}
        done[place] = replace(moved, ranks=ranks, explain=explain)
    return tuple(done)


def _prompts(question: str, passages: Passages) -> list[list[dict[str, str]]]:
    """One prompt for each passage. They begin alike, nonce and question included, so that a server reads that once."""
    nonce = secrets.token_hex(NONCE_BYTES)
    asked = neutral(" ".join(question[:QUESTION_CHARS].split()))
    system = {"role": "system", "content": prompts.JUDGE_SYSTEM}
    found = []
    for passage in passages:
        around = (passage.before, passage.text, passage.after)
        texts = [text[:PASSAGE_CHARS] for text in around]
        content = prompts.JUDGE_USER.format(
            nonce=nonce,
            question=asked,
            header=neutral(passage.header or passage.source),
            text=prompts.with_neighbours(*texts),
        )
        found.append([system, {"role": "user", "content": content}])
    return found

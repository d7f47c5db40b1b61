"""The answer reader: a small cross-encoder that reads a question and a passage together and marks the answer.

Of each passage it gives the span of text that answers best, by how much that span is better than "no answer here", and
how well the passage fits the question at all. It reads English only: the caller leaves out what is in another
language. Leaves out what follows from these numbers (`retrieval.fusion`, `confidence`, `answering`). Serves `ask` and
`search --rerank`. The model, its training and its limits: docs/MODELS.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.models.onnx import ANSWER_READER, CLS, SEP, SHIPPED, OnnxModel
from brain.types import AnswerSpan

if TYPE_CHECKING:
    from tokenizers import Encoding

# Tokens: what the model was trained with (docs/MODELS.md).
QUESTION_TOKENS = 64
ROW_TOKENS = 384
SPAN_TOKENS = 30
OVERLAP_TOKENS = 64  # of two windows of a long passage: no answer is cut in two
GROUP_TOKENS = 600  # of passages between two looks at the clock: about .1 s
LARGE = 1e4  # below any logit: a place that cannot be chosen


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of a passage as the model is given it: `tokens` of the row, of which the passage's begin at `begins`, and
    where each of those stands in the passage.
    """

    passage: int
    tokens: list[int]
    begins: int
    offsets: Sequence[tuple[int, int]]


class CrossEncoder:
    """`AnswerReader` that ships inside the package, opened on first use.

    Raises `Unavailable` where the model's files cannot be used.
    """

    name = "answer reader"

    def __init__(self, *, threads: int = 1, folder: Path = SHIPPED) -> None:
        self._model = OnnxModel(ANSWER_READER, threads=threads, folder=folder)

    def read(
        self,
        question: str,
        passages: Sequence[str],
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> list[AnswerSpan | None]:
        """The best span of each passage, in characters of it; None where the time ran out before it was read, or the
        passage is empty.

        A passage longer than the model's window is read in windows that overlap; the one with the best answer counts.
        """
        began = clock()
        asked, *texts = self._model.encode([question, *passages])
        found: list[AnswerSpan | None] = [None] * len(passages)
        # A few at a time, so that the first ones are read when the time is short
        for places in _groups([len(text.ids) for text in texts]):
            if seconds is not None and clock() - began > seconds:
                break
            windows: list[_Window] = []
            for place in places:
                windows += _windows(place, asked.ids, texts[place])
            for window, span in self._spans(windows):
                found[window.passage] = _better(found[window.passage], span)
        return found

    def _spans(
        self, windows: Sequence[_Window]
    ) -> Iterator[tuple[_Window, AnswerSpan]]:
        """Each window with its best span."""
        rows = [window.tokens for window in windows]
        seconds = [window.begins for window in windows]
        for places, (starts, ends, relevances) in self._model.run(rows, seconds):
            for line, place in enumerate(places):
                window = windows[place]
                relevance = float(relevances[line])
                yield window, _best_span(window, starts[line], ends[line], relevance)


def _groups(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The places of passages of these lengths in tokens, in order, as many together as GROUP_TOKENS hold."""
    group: list[int] = []
    for place, length in enumerate(lengths):
        if group and sum(lengths[one] for one in group) + length > GROUP_TOKENS:
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _windows(place: int, question: list[int], passage: Encoding) -> Iterator[_Window]:
    """The passage beside the question, in as many windows as it needs."""
    head = [CLS, *question[:QUESTION_TOKENS], SEP]
    room = ROW_TOKENS - len(head) - 1
    ids = passage.ids
    offsets = passage.offsets
    start = 0
    while start < len(ids):
        end = min(start + room, len(ids))
        tokens = [*head, *ids[start:end], SEP]
        yield _Window(place, tokens, len(head), offsets[start:end])
        if end == len(ids):
            return
        start = end - OVERLAP_TOKENS


def _best_span(window: _Window, starts: Any, ends: Any, relevance: float) -> AnswerSpan:
    """The span whose first and last token score highest together."""
    import numpy as np

    count = len(window.offsets)
    of_passage = slice(window.begins, window.begins + count)
    together = starts[of_passage, None] + ends[None, of_passage]
    # A span ends where it starts or later, and is of SPAN_TOKENS at most
    allowed = np.triu(np.ones((count, count), bool))
    allowed &= ~np.triu(allowed, SPAN_TOKENS)
    together = np.where(allowed, together, -LARGE)
    first, last = np.unravel_index(int(together.argmax()), together.shape)
    no_answer = float(starts[0] + ends[0])
    return AnswerSpan(
        start=window.offsets[int(first)][0],
        end=window.offsets[int(last)][1],
        margin=float(together[first, last]) - no_answer,
        relevance=relevance,
    )


def _better(one: AnswerSpan | None, other: AnswerSpan) -> AnswerSpan:
    """Of two windows of a passage the span of the one that answers best; the passage is as relevant as its best
    window.
    """
    if one is None:
        return other
    best = max(one, other, key=lambda span: span.margin)
    relevance = max(one.relevance, other.relevance)
    return AnswerSpan(best.start, best.end, best.margin, relevance)

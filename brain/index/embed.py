"""Vectors for the chunks that have none, and for their sentences: in small committed batches, so that it can stop, fail
and go on at any point.

Leaves out the index, which follows by the outbox. Serves `brain add` and `brain sync`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.errors import BrainError, StoreError, Unavailable
from brain.protocols import Clock, Embedder, Progress, silent
from brain.store.vectors import ChunkVectors, Pending, VectorTable
from ingest.sentences import sentences as read_sentences

if TYPE_CHECKING:
    from brain.protocols import Vectors

BATCH = 256  # texts per call at most
FIRST_BATCH = 32  # texts of the first call, before the speed is known
COMMIT_SECONDS = 0.5  # what may be lost by a kill
PAGE = 1_024  # chunks looked up at once
SENTENCE_PAGE = 64  # texts whose sentences are computed and kept at once, some 600


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """Counts are of chunks. `waiting` have no vector yet, None when nobody knows: a model that does not say which one
    it is has vectors that cannot be told. `error` says why the work ended early, None when it did not.

    `failed` were refused by the model one by one while others were taken; they stay among the waiting.
    """

    embedded: int = 0
    waiting: int | None = 0
    failed: int = 0
    error: BrainError | None = None


def embed_pending(
    table: VectorTable,
    embedder: Embedder,
    *,
    kind: str,
    batch: int = BATCH,
    progress: Progress = silent,
    stop: Callable[[], bool] = lambda: False,
    clock: Clock = time.monotonic,
) -> EmbedReport:
    """Compute and store vectors until none is missing, `stop()` says so, or the model cannot be reached.

    Never raises for the model: what could not be computed waits, and the report says why. Runs again where it ended.
    """
    try:
        fingerprint = str(embedder.fingerprint)
    except Unavailable as error:
        return EmbedReport(waiting=None, error=error)
    stored = table.of(kind, fingerprint)
    waiting = stored.waiting()
    if not waiting:
        return EmbedReport()
    most = max(batch, 1)
    run = _Run(
        stored,
        embedder,
        clock,
        most=most,
        size=min(FIRST_BATCH, most),
    )
    report = EmbedReport()
    after = 0
    while report.error is None and (page := stored.pending(limit=PAGE, after=after)):
        after = page[-1].pk
        # A text that stands in many chunks is computed, and told to the indexes, once.
        copies = Counter(chunk.text_sha for chunk in page)
        page = list({chunk.text_sha: chunk for chunk in page}.values())
        while page and report.error is None:
            if stop():
                return replace(report, waiting=max(waiting - report.embedded, 0))
            done = run.step(page)
            kept = sum(copies[chunk.text_sha] for chunk in page[: done.kept])
            page = page[done.taken :]
            report = replace(
                report,
                embedded=report.embedded + kept,
                failed=report.failed + done.failed,
                error=done.error,
            )
            progress("embed", report.embedded, max(waiting, report.embedded))
    return replace(report, waiting=stored.waiting())


@dataclass(frozen=True, slots=True)
class _Step:
    """What one call did: texts passed, texts that have a vector now, texts refused, and why to stop."""

    taken: int
    kept: int = 0
    failed: int = 0
    error: BrainError | None = None


@dataclass(slots=True)
class _Run:
    """Sizes the calls by the clock, and tells one bad text from a model that is gone.

    A call that fails is repeated with its first text alone; when that fails as well it is passed over, and when the
    next text fails too the model is taken to be away.
    """

    stored: ChunkVectors
    embedder: Embedder
    clock: Clock
    most: int
    size: int
    alone: bool = False
    refused: bool = False

    def step(self, page: Sequence[Pending]) -> _Step:
        """One call of the model and one transaction."""
        size = 1 if self.alone else self.size
        chunks = page[:size]
        texts = {chunk.text_sha: chunk.text for chunk in chunks}
        wanted = list(texts.values())
        began = self.clock()
        try:
            vectors = self.embedder.embed_documents(wanted)
            if len(vectors) != len(texts):
                said = f"the model answered for {len(vectors)} of {len(texts)} texts"
                raise Unavailable(said, "try again")
            of_sentences = vectors_of_sentences(self.embedder, wanted)
            rows = zip(texts, vectors, of_sentences, strict=True)
            self.stored.table.save_vectors(self.stored.fingerprint, rows)
        except (Unavailable, StoreError) as error:
            return self._failed(error)
        self.alone = self.refused = False
        self._resize(self.clock() - began)
        return _Step(taken=len(chunks), kept=len(chunks))

    def _failed(self, error: BrainError) -> _Step:
        if not self.alone:
            self.alone = True
            return _Step(taken=0)
        if self.refused:
            return _Step(
                taken=1,
                failed=1,
                error=error,
            )
        self.refused = True
        return _Step(taken=1, failed=1)

    def _resize(self, seconds: float) -> None:
        """Double while twice as much still fits into the time between commits; halve when it took too long."""
        if seconds * 2 <= COMMIT_SECONDS:
            self.size = min(self.size * 2, self.most)
        elif seconds > COMMIT_SECONDS:
            self.size = max(self.size // 2, 1)


def embed_sentences(
    table: VectorTable,
    embedder: Embedder,
    *,
    kind: str,
    progress: Progress = silent,
) -> BrainError | None:
    """The sentences' vectors of texts that have only one of their own, as stores of earlier versions do; None, or why
    it ended early. Runs again where it ended.
    """
    try:
        fingerprint = str(embedder.fingerprint)
    except Unavailable as error:
        return error
    stored = table.of(kind, fingerprint)
    waiting = table.without_sentences(fingerprint)
    done = after = 0
    while page := stored.without_sentences(limit=SENTENCE_PAGE, after=after):
        after = page[-1].pk
        texts = {chunk.text_sha: chunk.text for chunk in page}
        try:
            made = vectors_of_sentences(embedder, list(texts.values()))
            table.save_sentences(fingerprint, zip(texts, made, strict=True))
        except (Unavailable, StoreError) as error:
            return error
        done += len(texts)
        progress("sentences", done, max(waiting, done))
    return None


def vectors_of_sentences(embedder: Embedder, texts: Sequence[str]) -> list[Vectors]:
    """The sentences' vectors of each text, shape (sentences, dimensions), without a row where it is one sentence; the
    line above it is none. Raises `Unavailable`.
    """
    import numpy as np

    split = [_several_sentences(text) for text in texts]
    wanted = [sentence for found in split for sentence in found]
    none = np.empty((0, embedder.fingerprint.dimensions), np.float32)
    if not wanted:
        return [none] * len(texts)
    vectors = embedder.embed_documents(wanted)
    parts: list[Vectors] = []
    start = 0
    for found in split:
        end = start + len(found)
        parts.append(vectors[start:end])
        start = end
    return parts


def _several_sentences(text: str) -> list[str]:
    """The sentences below the first line, none where there is only one."""
    found = [sentence.text for sentence in read_sentences(text.partition("\n")[2])]
    if len(found) > 1:
        return found
    return []

"""Which chunks hold a sentence like the question: one bit for each dimension of every sentence's vector, its sign.

Two vectors that point the same way have the same signs (the share of signs that differ grows with the angle: Charikar
2002), and counting the signs that differ costs a hundredth of multiplying: a million sentences take 32 MB and some
10 ms. What is found is scored with the stored vectors afterwards (chain.py). The signs are not taken from the mean of
all vectors: that changed no figure. Leaves out every cosine. Serves both ways of searching by meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brain.index.mapped import MappedIndex
from brain.index.mapped_file import SENTENCES, Block, Written
from brain.index.overlay import Allowed, Overlay, Scored

if TYPE_CHECKING:
    from brain.protocols import Vectors

BLOCK_ROWS = (
    8_192  # sentences compared at once: their signs stay in the processor's cache
)
WORD_BYTES = 8


class SentenceIndex(MappedIndex):
    """The share of signs in which the nearest sentence of each chunk agrees with the question."""

    name = "sentences"
    layout = SENTENCES

    def _blocks(self) -> Iterator[Block]:
        for found in self._stored.stream_in_sentences():
            yield Block(found.ids, found.counts, signs(found.sentences))

    def _lay_over(self, seq: int) -> Overlay:
        return SignsOverlay(self._stored, seq=seq)

    def _scores(self, written: Written, target: Vectors) -> Vectors:
        import numpy as np

        if not len(written.rows):
            return np.empty(0, np.float32)
        apart = differing(written.rows, signs(target[None])[0])
        nearest = np.minimum.reduceat(apart, self._starts)
        return agreement(nearest, len(target))

    @cached_property
    def _starts(self) -> Any:
        """The first row of each written chunk."""
        import numpy as np

        assert self._written is not None
        counts = self._written.counts
        return np.cumsum(counts, dtype=np.int64) - counts


class SignsOverlay(Overlay):
    """The signs of the changed chunks' sentences."""

    def _present(self, ids: Sequence[str]) -> dict[str, Vectors]:
        found = self._stored.in_sentences(ids)
        rows = signs(found.sentences)
        present = {}
        start = 0
        for chunk_id, count in zip(found.ids, found.counts, strict=True):
            present[chunk_id] = rows[start : start + count]
            start += count
        return present

    @property
    def block(self) -> Block:
        import numpy as np

        rows = list(self._vectors.values())
        return Block(self.ids, [len(one) for one in rows], np.concatenate(rows))

    def scores(self, vector: Vectors, allowed: Allowed) -> Scored:
        if not self._vectors:
            return []
        import numpy as np

        block = self.block
        starts = np.cumsum([0, *block.counts[:-1]])
        apart = differing(block.rows, signs(vector[None])[0])
        nearest = agreement(np.minimum.reduceat(apart, starts), len(vector))
        pairs = zip(block.ids, nearest.tolist(), strict=True)
        return [pair for pair in pairs if allowed is None or pair[0] in allowed]


def signs(vectors: Vectors) -> Any:
    """A bit for each number, 1 where it is above 0: uint64, shape (vectors, words); the last word is filled with 0."""
    import numpy as np

    packed = np.packbits(vectors > 0, axis=1)
    missing = -packed.shape[1] % WORD_BYTES
    if missing:
        packed = np.pad(packed, ((0, 0), (0, missing)))
    return np.ascontiguousarray(packed).view("<u8")


def differing(rows: Any, target: Any) -> Any:
    """In how many bits each row differs from `target` (Hamming distance), uint16."""
    import numpy as np

    apart = np.zeros(len(rows), np.uint16)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        total = apart[start : start + BLOCK_ROWS]
        for word in range(block.shape[1]):
            total += np.bitwise_count(block[:, word] ^ target[word])
    return apart


def agreement(apart: Any, dimensions: int) -> Vectors:
    """1 where all signs are the same, 0 where half of them are, -1 where none is."""
    import numpy as np

    same: Vectors = 1 - apart.astype(np.float32) * (2 / dimensions)
    return same

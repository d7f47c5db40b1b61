"""The roles that have more than one implementation, or a fake with behaviour in tests, as structural types.

Retrieval and answering are handed these and import no implementation, so that a test swaps a part by passing another
one. Leaves every implementation to `brain.models`, `brain.index` and `brain.store`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from brain.types import AnswerSpan, Fingerprint, Passage, Scope

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]
else:
    Vectors = Any  # numpy is 0.1 s of import; only the parts that compute load it


Clock = Callable[[], float]
"""Seconds, of which only differences tell something."""
Messages = Sequence[Mapping[str, str]]
"""What a model that writes is told: each has a "role" and a "content"."""


# The model whose vector of a text is the mean of its words', in whatever order they stand.
WORD_VECTORS = "wordllama"


class Embedder(Protocol):
    """Text to vectors. Rows are float32, L2-normalised, shape (len(texts), fingerprint.dimensions).

    A text over the model's window is embedded in windows and averaged, never cut. Raises `Unavailable`.
    """

    name: str

    @property
    def fingerprint(self) -> Fingerprint: ...
    def embed_documents(self, texts: Sequence[str]) -> Vectors: ...
    def embed_query(self, text: str) -> Vectors:
        """Shape (dimensions,)."""


class Generator(Protocol):
    """A model that writes. `window` is its real context window in tokens."""

    name: str
    provider: str

    @property
    def window(self) -> int: ...
    def stream(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """Pieces of text as they come. Raises `Unavailable` before the first, `Incomplete` after it."""


class Reranker(Protocol):
    """A model that answers yes or no with one word."""

    name: str

    def yes(self, messages: Messages, *, seconds: float) -> float | None:
        """The probability of "yes" among "yes" and "no", or None when this prompt got neither.

        Raises `Refused` or `Unavailable`, also when it takes longer than `seconds`.
        """


class AnswerReader(Protocol):
    """A model that reads a question and a passage together and marks the answer."""

    name: str

    def read(
        self, question: str, passages: Sequence[str], *, seconds: float | None = None
    ) -> list[AnswerSpan | None]:
        """The best span of each passage, None where the time ran out before it was read, or it is empty.

        Raises `Unavailable`.
        """


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model was measured to be here, each None where it was not: tokens of a prompt that it reads and tokens
    of an answer that it writes a second, chunks that it embeds a second.
    """

    prompt: float | None = None
    answer: float | None = None
    chunks: float | None = None


class SpeedBook(Protocol):
    """How fast each model was measured to be on this machine, kept between commands. Never raises."""

    def of(self, model: str, digest: str = "") -> Speed:
        """What is known of it; nothing when another model has that name now."""

    def keep(self, model: str, digest: str, speed: Speed) -> None:
        """Note a new measurement; what it does not hold stays as it was."""


class VectorIndex(Protocol):
    """Nearest neighbours by cosine. One contract suite holds for every implementation."""

    @property
    def name(self) -> str: ...
    def query(
        self, vector: Vectors, *, limit: int, allowed: set[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first. With `allowed`, only those ids, and as many as `limit` of them."""


class Searchable(Protocol):
    """What `retrieve` works over: the chunks of documents, or episodes."""

    def count(self) -> int:
        """How many chunks there are."""

    def document_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each folded word or its stem occurs."""

    def match(
        self, expression: str, *, limit: int, scope: Scope
    ) -> list[tuple[str, float]]:
        """Chunk ids with their weighted BM25, best first, higher is better. `expression` is FTS5 syntax built by us."""

    def match_scores(self, expression: str, ids: Sequence[str]) -> dict[str, float]:
        """The BM25 of just these chunks (those that match at all)."""

    def vectors(self, ids: Sequence[str], fingerprint: str) -> dict[str, Vectors]:
        """Stored vectors of these chunks, float32; chunks without one are missing."""

    def sentence_vectors(
        self, ids: Sequence[str], fingerprint: str
    ) -> dict[str, Vectors]:
        """Stored vectors of the sentences of these chunks, (sentences, dimensions); chunks without are missing."""

    def neighbours(
        self, ids: Sequence[str]
    ) -> dict[str, tuple[str | None, str | None]]:
        """The chunk before and after each *short* chunk (a turn, a bullet); others are missing."""

    def allowed(self, scope: Scope) -> set[str] | None:
        """The ids that the scope lets through, or None when it lets everything through."""

    def passages(self, ids: Sequence[str], *, scope: Scope) -> list[Passage]:
        """The one gate: passages in the order of `ids`; what the scope forbids or no longer exists is missing."""


Progress = Callable[[str, int, int], None]
"""Called with (what, done, total): a door shows it, everyone else passes a function that does nothing."""


def silent(_what: str, _done: int, _total: int) -> None:
    """The progress of nobody."""

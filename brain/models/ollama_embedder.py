"""Vectors from a model in Ollama: whole texts, never cut, every row checked before anyone sees it.

A text over the model's window is split into windows of about equal size, embedded and averaged by their length; the
server is told to refuse what does not fit (`truncate: false`), and what it refuses is halved. Leaves out storage and
resuming: the caller hands over batches as large as it can afford to lose.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brain.errors import Unavailable
from brain.models.catalogue import prefixes_of
from brain.models.ollama import EMBEDS, OllamaServer, Proof, kept
from brain.models.ollama_errors import Broken, Busy, Rejected, no_embeddings
from brain.models.windows import ceiling, cut_in_two, sendable, split
from brain.types import Fingerprint

if TYPE_CHECKING:
    from brain.protocols import Vectors

BATCH = 32  # texts per request: a failed one costs seconds, and the daemon works on its items one after the other
WINDOW_CAP = 2048  # tokens; the real window of nomic-embed-text, and long chunks are rare beyond it
SPECIAL_TOKENS = 4  # around every text: [CLS] and [SEP], or the like
SMALLEST = 32  # tokens of a window that is not halved further: what refuses this refuses everything
PAUSES = (0.2, 1.0, 3.0)  # seconds before each new try while the server is busy
BLANK = "(empty)"  # sent for a text without a character: a lone "" yields no row at all
POOLING = "server+windows"


class OllamaEmbedder:
    """`Embedder` over one model of one server. Raises `Unavailable`, and `Refused` for a model that runs elsewhere."""

    def __init__(
        self,
        server: OllamaServer,
        model: str,
        *,
        keep_alive: str = "",
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.name = model
        self.prefixes = prefixes_of(model)
        self._server = server
        self._keep_alive = keep_alive
        self._pauses = tuple(pauses)
        self._fingerprint: Fingerprint | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """From the digest in /api/tags: the same name pulled anew is another fingerprint. Asks the server once."""
        if self._fingerprint is None:
            self._fingerprint = self._print_of(self._proof())
        return self._fingerprint

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), float32, rows of length 1."""
        return self._embed(texts, self.prefixes.document)

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimensions,)."""
        vector: Vectors = self._embed([text], self.prefixes.query)[0]
        return vector

    def _embed(self, texts: Sequence[str], prefix: str) -> Vectors:
        import numpy as np

        out = np.zeros((len(texts), self.fingerprint.dimensions), np.float32)
        proof = self._proof_of_the_same()
        budget = max(SMALLEST, _window(proof) - SPECIAL_TOKENS - ceiling(prefix))
        windows: list[tuple[int, str]] = []
        for at, text in enumerate(texts):
            whole = sendable(text) if text.strip() else BLANK
            windows += [(at, part) for part in split(whole, budget)]
        for start in range(0, len(windows), BATCH):
            batch = windows[start : start + BATCH]
            parts = [part for _at, part in batch]
            rows = self._rows(parts, prefix, proof)
            for (at, part), row in zip(batch, rows, strict=True):
                out[at] += row * np.float32(_weight(part))
        return _unit(out)

    def _rows(self, parts: Sequence[str], prefix: str, proof: Proof) -> Vectors:
        """Rows of length 1 for parts that should fit; a refused batch goes one by one, a refused part cut in two."""
        import numpy as np

        try:
            return self._patiently(parts, prefix, proof)
        except (Rejected, Broken) as error:
            if len(parts) > 1:
                return np.concatenate(
                    [self._rows([part], prefix, proof) for part in parts]
                )
            if not isinstance(error, Rejected) or ceiling(parts[0]) <= SMALLEST:
                raise
        pair = cut_in_two(parts[0])
        rows = np.concatenate([self._rows([part], prefix, proof) for part in pair])
        weights = np.array([[_weight(part)] for part in pair], np.float32)
        total = (rows * weights).sum(axis=0, keepdims=True)
        return _unit(total)

    def _patiently(self, parts: Sequence[str], prefix: str, proof: Proof) -> Vectors:
        for pause in self._pauses:
            try:
                return self._request(parts, prefix, proof)
            except Busy:
                time.sleep(pause)
        return self._request(parts, prefix, proof)

    def _request(self, parts: Sequence[str], prefix: str, proof: Proof) -> Vectors:
        import numpy as np

        with self._server.translated(self.name):
            client = self._server.client(self._server.limits, self.name)
            reply = client.embed(
                model=proof.wire_name,
                input=[prefix + part for part in parts],
                # What does not fit is refused, not cut.
                truncate=False,
                options={"num_ctx": _window(proof)},
                **kept(self._keep_alive),
            )
            rows = np.asarray([list(row) for row in reply.embeddings], np.float32)
        return self._checked(rows, len(parts))

    def _checked(self, rows: Vectors, count: int) -> Vectors:
        """The rows at length 1. Raises `Broken` where one bad text of a batch may be the cause, else `Unavailable`."""
        import numpy as np

        wrong = f"{self.name} gave unusable numbers"
        again = f"fetch it again: `brain models pull {self.name}`"
        advice = f"{again}, or `brain models use embed builtin`"
        if rows.ndim != 2 or len(rows) != count:
            raise Broken(f"{wrong}: {len(rows)} for {count} texts", advice)
        numbers = rows.shape[1]
        dimensions = self.fingerprint.dimensions
        if numbers != dimensions:
            raise Unavailable(f"{wrong}: {numbers} numbers, not {dimensions}", advice)
        lengths = np.linalg.norm(rows, axis=1)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise Broken(f"{wrong}: not numbers, or all zero", advice)
        return _unit(rows)

    def _proof(self) -> Proof:
        return self._server.prove(self.name, can=EMBEDS)

    def _proof_of_the_same(self) -> Proof:
        proof = self._proof()
        if self._print_of(proof) != self.fingerprint:
            raise Unavailable(
                f"{self.name} was replaced while it was in use: what it read before no longer fits",
                "run the command again; the new model gets an index of its own",
            )
        return proof

    def _print_of(self, proof: Proof) -> Fingerprint:
        if not proof.dimensions:
            raise no_embeddings(self.name)
        return Fingerprint(
            self.name, proof.digest, proof.dimensions, str(self.prefixes), POOLING
        )


def _window(proof: Proof) -> int:
    return proof.window_within(WINDOW_CAP)


def _weight(part: str) -> int:
    """What the vector of a part counts in the average of a text's: its length."""
    return max(1, ceiling(part))


def _unit(rows: Vectors) -> Vectors:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), np.float32)

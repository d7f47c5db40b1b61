"""The embedder that is always there: WordLlama (static word vectors, 256 numbers), read from its own wheel.

A text's vector is the mean of its tokens' vectors, scaled to length 1 (WordLlama, "l2_supercat", MIT; the tests hold
this file to what the package itself computes). The package is not imported: its loader pulls in an HTTP library, sets
up logging for the whole process, looks for its tokenizer in the wrong folder and then tries to download it. Here the
two files are read where they lie, so that there is no code that could reach for a network, and the first vector comes
after about a tenth of a second. Leaves out windows: a mean of tokens has none, every word of a long text counts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import Unavailable
from brain.models.windows import sendable
from brain.protocols import WORD_VECTORS
from brain.types import Fingerprint

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from brain.protocols import Vectors

WEIGHTS = Path(
    "weights/l2_supercat_256.safetensors"
)  # inside the wheel of wordllama 0.4
TOKENIZER = Path("tokenizers/l2_supercat_tokenizer_config.json")
TENSOR = "embedding.weight"
DIMENSIONS = 256  # numbers per vector, the size that the wheel carries
BATCH = 256  # texts per call of the tokenizer; measured flat from 64 to 1,024
# Texts of one process from which 32 MB of float32 pay: widening takes 20 ms and more, and a sentence of a cold answer
# is pooled from the narrow table in 17 us instead of 10.
WIDEN_FROM = 1_000
HEADER_LENGTH = 8  # bytes, little-endian, before the header of a safetensors file


class BuiltinEmbedder:
    """`Embedder` that needs nothing installed beside the package and no server. Safe to share between threads.

    Raises `Unavailable` when the wheel's files are missing or of another shape.
    """

    name = WORD_VECTORS

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._last: tuple[str, Vectors | None] = "", None
        self._embedded = 0  # texts

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """The digest is the SHA-256 of the weights and of the tokenizer: 18 MB, about 20 ms, once."""
        digest = hashlib.sha256()
        for path in (self._file(WEIGHTS), self._file(TOKENIZER)):
            known = path.stat()
            digest.update(_sha256(path, known.st_mtime_ns, known.st_size))
        return Fingerprint(
            self.name, digest.hexdigest(), DIMENSIONS, prefixes="none", pooling="mean"
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 256), float32, rows of length 1."""
        import numpy as np

        self._embedded += len(texts)
        table = self._wide if self._embedded >= WIDEN_FROM else self._narrow
        out = np.empty((len(texts), DIMENSIONS), np.float32)
        for start in range(0, len(texts), BATCH):
            batch = self._tokens(texts[start : start + BATCH])
            for row, tokens in enumerate(batch, start):
                np.add.reduce(
                    table[tokens],
                    axis=0,
                    dtype=np.float32,
                    out=out[row],
                )
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        empty = lengths[:, 0] == 0.0
        if empty.any():
            out[empty] = self._nothing
            lengths[empty] = 1.0
        out /= lengths
        return out

    def embed_query(self, text: str) -> Vectors:
        """Shape (256,). Questions and documents share one space: there are no prefixes."""
        asked, known = self._last
        if asked == text and known is not None:
            return known
        vector: Vectors = self.embed_documents([text])[0]
        # Searching and answering ask for the same question, one behind the other
        self._last = text, vector
        return vector

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers per text."""
        clean = [sendable(text) for text in texts]
        encoded = self._tokenizer.encode_batch_fast(clean, add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    @cached_property
    def _nothing(self) -> Vectors:
        """The vector of a text without a token: opposite to the average word, so that real texts come before it."""
        import numpy as np

        average: Vectors = np.asarray(self._narrow, np.float32).mean(axis=0)
        nothing: Vectors = -average / np.float32(np.linalg.norm(average))
        return nothing

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        path = self._file(TOKENIZER)
        with self._loading:
            return _read_tokenizer(path, path.stat().st_mtime_ns)

    @cached_property
    def _narrow(self) -> Any:
        """The table as it lies on disk, float16, mapped: a question touches a dozen of its 32,000 rows."""
        import numpy as np

        path = self._file(WEIGHTS)
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(HEADER_LENGTH))
            tensor = json.loads(file.read(length))[TENSOR]
        kind = tensor["dtype"]
        shape = tensor["shape"]
        if kind != "F16" or shape[1] != DIMENSIONS:
            raise _unusable(f"{path.name} holds {kind} {shape}")
        offset = HEADER_LENGTH + length + tensor["data_offsets"][0]
        mapped = np.memmap(
            path, dtype=np.float16, mode="r", offset=offset, shape=tuple(shape)
        )
        # A plain array over the same bytes: rows are taken from it without the class of `memmap` being made for each
        return np.asarray(mapped)

    @cached_property
    def _wide(self) -> Any:
        import numpy as np

        return np.asarray(self._narrow, dtype=np.float32)

    def _file(self, relative: Path) -> Path:
        path = (self._folder or _wheel_folder()) / relative
        if not path.is_file():
            raise _unusable(f"{path.name} is missing from the wordllama package")
        return path


@lru_cache(maxsize=2)
def _sha256(path: Path, _changed_ns: int, _size: int) -> bytes:
    """The digest of a file. Kept, as the tokenizer is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@lru_cache(maxsize=1)
def _read_tokenizer(path: Path, _changed_ns: int) -> Tokenizer:
    """The tokenizer of a file. Kept, since reading it takes 90 ms and a process may open several stores."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _wheel_folder() -> Path:
    """Where wordllama is installed, found without importing it."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise _unusable("the wordllama package is not installed")
    return Path(spec.submodule_search_locations[0])


def _unusable(cause: str) -> Unavailable:
    return Unavailable(
        f"the built-in model cannot be read: {cause}", "install again with `make setup`"
    )

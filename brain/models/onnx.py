"""One careful way to run a model that ships inside the package: its files checked, one thread, nothing downloaded.

The files lie in brain/models/shipped/, each with its SHA-256 pinned here. They are read, and onnxruntime is imported,
on first use only, so that help and a search by words never wait for them. Leaves what goes in and what comes out to
`answer_reader.py` and `sentence_embedder.py`, which it serves.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brain.errors import Unavailable
from brain.models.windows import sendable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

SHIPPED = Path(__file__).with_name("shipped")
# Tokens of one run, padding included. More are slower a token, for what passes between two layers then leaves the
# fast caches of one core (three rows of 200: an eighth slower than one; five of 50: a seventh faster).
BATCH_TOKENS = 256
# A text that is shorter than the longest of its run by more than this share waits for the next run.
PADDING = 0.15
ERRORS_ONLY = 3  # onnxruntime's severity: its warnings are about the graph, which nobody can change
PAD = 0  # token of both vocabularies
CLS, SEP, UNKNOWN = 101, 102, 100  # tokens of both vocabularies (BERT uncased)


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """A file of the package with the SHA-256 that it must have."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model and its tokenizer. `label` is what a person is told."""

    label: str
    weights: ShippedFile
    tokenizer: ShippedFile


# The word pieces of BERT uncased: both models read by them.
WORD_PIECES = ShippedFile(
    "wordpieces.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
ANSWER_READER = ShippedModel(
    "the answer reader",
    ShippedFile(
        "reader-int8.onnx",
        "441cb2b2839ccc4b4dcab0a567bb7591c9e32ee507776841b07e212641a3f258",
    ),
    WORD_PIECES,
)
MINILM = ShippedModel(
    "all-MiniLM-L6-v2",
    ShippedFile(
        "all-minilm-l6-v2-int8.onnx",
        "43d98d03d730f2a8b463b2ffce8300952d34451b55dca1d05d6ce90a902aa21c",
    ),
    WORD_PIECES,
)


class OnnxModel:
    """A shipped model, opened on first use. Safe to share between threads.

    Raises `Unavailable` where a file is missing or is not the one that was shipped, or onnxruntime cannot run it.
    """

    def __init__(
        self, model: ShippedModel, *, threads: int = 1, folder: Path = SHIPPED
    ) -> None:
        self.model = model
        self._threads = threads
        self._folder = folder
        self._loading = threading.Lock()

    def open(self) -> None:
        """Check and load the files, as the first use does."""
        self._session  # noqa: B018 - reading it is what loads it
        self._tokenizer  # noqa: B018

    def check(self) -> None:
        """Compare the files with those that were shipped."""
        for file in (self.model.weights, self.model.tokenizer):
            self._checked(file)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokens of each text with their places in it, without [CLS] and [SEP]."""
        clean = [sendable(text) for text in texts]
        return self._tokenizer.encode_batch(clean, add_special_tokens=False)

    def run(
        self, rows: Sequence[Sequence[int]], seconds: Sequence[int] | None = None
    ) -> Iterator[tuple[list[int], list[Any]]]:
        """(places of some rows, the model's outputs for them), until all rows have run; those of one run are of about
        equal length, the shortest first.

        `rows` are tokens, [CLS] and [SEP] among them. `seconds`: where in each row the second text begins, for a model
        that reads two.
        """
        import numpy as np

        for places in _batches([len(row) for row in rows]):
            longest = max(len(rows[place]) for place in places)
            tokens = np.full((len(places), longest), PAD, np.int64)
            mask = np.zeros_like(tokens)
            kinds = np.zeros_like(tokens)
            for line, place in enumerate(places):
                length = len(rows[place])
                tokens[line, :length] = rows[place]
                mask[line, :length] = 1
                if seconds is not None:
                    kinds[line, seconds[place] : length] = 1
            given = {"input_ids": tokens, "attention_mask": mask}
            if seconds is not None:
                given["token_type_ids"] = kinds
            yield places, self._outputs(given)

    def _outputs(self, given: dict[str, Any]) -> list[Any]:
        session = self._session
        try:
            return list(session.run(None, given))
        except Exception as error:  # onnxruntime raises classes of its own making
            raise self._unusable(str(error)) from error

    @cached_property
    def _session(self) -> InferenceSession:
        with self._loading:
            weights = self._checked(self.model.weights)
            try:
                import onnxruntime
            except ImportError as error:
                raise self._unusable("onnxruntime cannot be loaded") from error

            onnxruntime.disable_telemetry_events()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            # The arena keeps the memory of the largest run for ever: 50 MB instead of several hundred.
            options.enable_cpu_mem_arena = False
            options.log_severity_level = ERRORS_ONLY
            # Its passes over the graph were made before the file was shipped (benchmarks/fuse_reader.py)
            options.graph_optimization_level = (
                onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            )
            try:
                # By its path: handed over as bytes it would be copied once more
                return onnxruntime.InferenceSession(
                    str(weights),
                    options,
                    providers=["CPUExecutionProvider"],
                )
            except Exception as error:  # onnxruntime raises classes of its own making
                raise self._unusable(str(error)) from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        with self._loading:
            table = self._checked(self.model.tokenizer)
            return _read_tokenizer(table, self.model.tokenizer.sha256)

    def _checked(self, file: ShippedFile) -> Path:
        """Where a file lies, once it is known to hold what was shipped."""
        path = self._folder / file.name
        try:
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise self._unusable(f"{file.name}: {error.strerror}") from error
        if digest != file.sha256:
            raise self._unusable(f"{file.name} is damaged")
        return path

    def _unusable(self, cause: str) -> Unavailable:
        return Unavailable(
            f"{self.model.label} cannot be used: {cause}",
            "install the package again; `[models] reader` and `embed` leave it out",
        )


@lru_cache(maxsize=1)
def _read_tokenizer(table: Path, _sha256: str) -> Tokenizer:
    """The tokenizer of a file. Kept, since both models of a process read by the same one."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_file(str(table))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def faults(models: Iterable[ShippedModel], folder: Path = SHIPPED) -> list[str]:
    """What is wrong with the files of these models, a line each."""
    found = []
    for model in models:
        try:
            OnnxModel(model, folder=folder).check()
        except Unavailable as error:
            found.append(error.message)
    return found


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts of about equal length, as many as one run takes; the shortest first."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    for place in order:
        length = lengths[place]
        too_many = (len(batch) + 1) * length > BATCH_TOKENS
        if batch and (too_many or lengths[batch[0]] < length * (1 - PADDING)):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch

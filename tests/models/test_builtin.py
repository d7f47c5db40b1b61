"""The built-in embedder, against the package whose files it reads, and against the network it must not touch."""

from __future__ import annotations

import json
import logging
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from brain.errors import Unavailable
from brain.models.builtin import (
    BATCH,
    DIMENSIONS,
    TENSOR,
    TOKENIZER,
    WEIGHTS,
    WIDEN_FROM,
    BuiltinEmbedder,
)

TEXTS = [
    "The landlord promised a new boiler before winter.",
    "für Elise — naïve café",
    "中文文本没有空格 and some English",
    "def f(x):\n    return x ** 2  # C++ and foo_bar",
    "x",
    "word " * 5000,
]
OFFLINE = """
import sys
def deny(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"reached for the network: {event} {args}")
sys.addaudithook(deny)
from brain.models.builtin import BuiltinEmbedder
vector = BuiltinEmbedder().embed_query("tea")
print(len(vector), sorted(m for m in ("wordllama", "requests", "httpx", "torch", "scipy") if m in sys.modules))
"""


@pytest.fixture(scope="module")
def embedder() -> BuiltinEmbedder:
    return BuiltinEmbedder()


def test_agrees_with_the_package(embedder: BuiltinEmbedder) -> None:
    """The oracle: wordllama's own loader and inference on the same files."""
    level, handlers = logging.root.level, logging.root.handlers[:]
    import wordllama

    logging.root.setLevel(level)
    logging.root.handlers[:] = handlers
    oracle = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )
    expected = oracle.embed(TEXTS, norm=True)
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), expected, atol=2e-6)


def test_the_mapped_and_the_widened_table_agree(embedder: BuiltinEmbedder) -> None:
    many = [f"{text} {i}" for i in range(WIDEN_FROM // 5) for text in TEXTS[:5]] + [
        "",
        "last",
    ]
    assert len(many) >= max(WIDEN_FROM, BATCH)
    together = embedder.embed_documents(many)
    mapped = BuiltinEmbedder()
    some = [*many[: WIDEN_FROM // 2], *many[-2:]]
    one_by_one = np.stack([mapped.embed_query(text) for text in some])
    assert ("_wide" in vars(embedder), "_wide" in vars(mapped)) == (True, False)
    np.testing.assert_allclose(
        [*together[: WIDEN_FROM // 2], *together[-2:]], one_by_one, atol=1e-6
    )


def test_shape_type_and_length(embedder: BuiltinEmbedder) -> None:
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert embedder.embed_documents([]).shape == (0, DIMENSIONS)
    assert embedder.embed_query("tea").shape == (DIMENSIONS,)


def test_meaning_orders_texts(embedder: BuiltinEmbedder) -> None:
    query = embedder.embed_query("how much rent do I pay for the flat")
    texts = [
        "The monthly rent of the apartment is 900.",
        "Steep green tea at 70 degrees.",
    ]
    rent, tea = embedder.embed_documents(texts)
    assert query @ rent > query @ tea


def test_a_text_of_nothing_is_near_nothing(embedder: BuiltinEmbedder) -> None:
    vectors = embedder.embed_documents(["", *TEXTS])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors[0]), 1.0, atol=1e-5)
    assert (
        vectors[1:] @ vectors[0] < 0.3
    ).all()  # measured on squad_dev: -0.07 on average, 0.17 at most


def test_a_lone_surrogate_is_no_crash(embedder: BuiltinEmbedder) -> None:
    assert np.isfinite(embedder.embed_query("broken \ud83d name")).all()


def test_every_word_of_a_long_text_counts(embedder: BuiltinEmbedder) -> None:
    """There is no window, so the last sentence moves the vector."""
    long = "tea " * 3000
    longer = long + "mortgage interest " * 300
    assert not np.allclose(
        embedder.embed_query(long), embedder.embed_query(longer), atol=1e-3
    )


def test_fingerprint_names_the_files(tmp_path: Path, embedder: BuiltinEmbedder) -> None:
    first = embedder.fingerprint
    assert first == BuiltinEmbedder().fingerprint
    assert (first.model, first.dimensions, first.prefixes, first.pooling) == (
        "wordllama",
        DIMENSIONS,
        "none",
        "mean",
    )
    assert (
        BuiltinEmbedder(_copy_of_wheel(tmp_path, b"\x01\x3c")).fingerprint.digest
        != first.digest
    )


def test_other_files_are_refused_in_two_lines(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as missing:
        BuiltinEmbedder(tmp_path).embed_query("tea")
    assert missing.value.hint
    with pytest.raises(Unavailable, match="F32"):
        BuiltinEmbedder(_copy_of_wheel(tmp_path, b"\0\0\0\0", dtype="F32")).embed_query(
            "tea"
        )


def test_threads_share_one_embedder() -> None:
    shared = BuiltinEmbedder()
    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(shared.embed_query, ["tea"] * 16))
    assert all((vector == vectors[0]).all() for vector in vectors)


def test_no_network_and_no_heavy_import() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{DIMENSIONS} []\n", "")


def _copy_of_wheel(folder: Path, number: bytes, dtype: str = "F16") -> Path:
    """A wheel folder: a table of two tokens, each number written as `number`, and a tokenizer that knows one word."""
    table = number * (2 * DIMENSIONS)
    tensor = {"dtype": dtype, "shape": [2, DIMENSIONS], "data_offsets": [0, len(table)]}
    header = json.dumps({TENSOR: tensor}).encode()
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0, "tea": 1}, "unk_token": "[UNK]"}
    for path, data in (
        (WEIGHTS, struct.pack("<Q", len(header)) + header + table),
        (
            TOKENIZER,
            json.dumps({"version": "1.0", "added_tokens": [], "model": model}).encode(),
        ),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder

"""The models that ship inside the package: the right files, the right numbers, and clear words where one is damaged."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from brain.errors import Unavailable
from brain.models.answer_reader import OVERLAP_TOKENS, ROW_TOKENS, CrossEncoder
from brain.models.onnx import ANSWER_READER, MINILM, PADDING, SHIPPED, _batches
from brain.models.sentence_embedder import WINDOW, SentenceEmbedder

TEA = "Green tea: 80 °C, two minutes. Black tea: 96 °C, four minutes."
LEASE = "The deposit is 1,970 euro. The lease ends on 28 February 2029."


@pytest.fixture(scope="module")
def reader() -> CrossEncoder:
    return CrossEncoder()


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.mark.parametrize("model", [ANSWER_READER, MINILM], ids=lambda one: one.label)
def test_the_files_of_the_package_are_the_pinned_ones(model):
    for file in (model.weights, model.tokenizer):
        content = (SHIPPED / file.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256


@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        ("how hot for black tea", TEA, "96 °C"),
        ("when does the lease end", LEASE, "28 February 2029"),
        ("how much is the deposit?", LEASE, "1,970 euro"),
    ],
)
def test_the_span_is_the_answer_in_the_words_of_the_passage(
    reader, question, passage, answer
):
    (span,) = reader.read(question, [passage])
    assert passage[span.start : span.end] in (answer, f"{answer}.")
    assert span.margin > 0


def test_what_the_passage_does_not_hold_has_a_lower_margin_than_what_it_holds(reader):
    held, missing = (
        reader.read(question, [LEASE])[0]
        for question in ("when does the lease end", "who repairs the boiler?")
    )
    assert missing.margin < 0 < held.margin


def test_relevance_puts_the_passage_about_it_first(reader):
    spans = reader.read("when does the lease end", [TEA, LEASE])
    assert spans[1].relevance > spans[0].relevance + 5


def test_an_answer_at_the_end_of_a_long_passage_is_found(reader):
    long = "The garden was wet and the path was long. " * (ROW_TOKENS // 4) + LEASE
    (span,) = reader.read("when does the lease end", [long])
    assert long[span.start : span.end].startswith("28 February")


def test_an_answer_on_the_edge_of_two_windows_is_whole(reader):
    """The overlap is wider than the longest span, so some window holds all of it."""
    filler = "The garden was wet and the path was long. "
    for words in range(0, OVERLAP_TOKENS, 8):
        text = filler * 36 + "wet " * words + LEASE + filler * 10
        (span,) = reader.read("when does the lease end", [text])
        assert text[span.start : span.end].startswith("28 February 2029")


def test_when_the_time_is_up_the_rest_is_not_read(reader):
    ticks = iter([0.0, 1.0, 3.0])
    texts = [LEASE * 40, TEA]
    spans = reader.read("when?", texts, seconds=2.0, clock=lambda: next(ticks))
    assert spans[0] is not None
    assert spans[1] is None


@pytest.mark.parametrize("text", ["", "   ", "\udcff", "\x00"])
def test_odd_texts_are_read_or_passed_over(reader, embedder, text):
    assert len(reader.read(text, [text, LEASE])) == 2
    assert np.isfinite(embedder.embed_documents([text])).all()


def test_close_texts_have_close_vectors_of_length_one(embedder):
    texts = ["the contract of the flat runs out in February", LEASE, TEA]
    vectors = embedder.embed_documents(texts)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_every_word_of_a_text_beyond_the_window_counts(embedder):
    long = "The garden was wet. " * WINDOW
    plain, other = embedder.embed_documents([long, long + LEASE * 20])
    assert plain @ other < 0.999


def test_a_batch_changes_no_vector_by_more_than_eight_bits_do(embedder):
    alone = embedder.embed_query(TEA)
    among = embedder.embed_documents([LEASE, TEA, "x"])[1]
    assert alone @ among > 0.99


def test_a_vector_is_the_one_that_stores_of_earlier_releases_hold(embedder):
    """The fingerprint is that of the first graph: whatever form it has now, the numbers stay."""
    vector = embedder.embed_query("the lease ends in February")
    assert np.allclose(vector[:4], [0.0287, -0.0254, 0.0515, -0.0026], atol=0.005)


def test_texts_of_unlike_length_run_apart():
    for batch in _batches([10, 200, 11, 190, 5, 12]):
        lengths = [[10, 200, 11, 190, 5, 12][place] for place in batch]
        assert min(lengths) >= max(lengths) * (1 - PADDING)


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_file_that_is_not_the_shipped_one_is_refused_in_two_lines(
    tmp_path: Path, how
):
    for file in SHIPPED.iterdir():
        shutil.copy(file, tmp_path)
    weights = tmp_path / MINILM.weights.name
    weights.unlink()
    if how == "damaged":
        content = bytearray((SHIPPED / MINILM.weights.name).read_bytes())
        content[1000] ^= 1
        weights.write_bytes(content)
    with pytest.raises(Unavailable) as raised:
        SentenceEmbedder(folder=tmp_path).embed_query("x")
    assert MINILM.weights.name in raised.value.message
    assert "install" in raised.value.hint

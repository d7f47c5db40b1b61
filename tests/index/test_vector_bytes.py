"""Stored vectors come back as written, or not at all."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from brain.app import Brain
from brain.app.capture import remember_episodes
from brain.store import vector_bytes
from brain.types import Episode, Request

BODY = np.array([[0.5, -0.25], [1.0, 0.0]], np.float16).tobytes()
TAIL = BODY + zlib.crc32(BODY).to_bytes(4, "little")


def sentences(packed: object, dimensions: int) -> Any:
    """The sentence vectors of one text, None without any."""
    return vector_bytes.sentences_of_each({"one": packed}, dimensions).get("one")


def test_what_was_written_comes_back() -> None:
    assert vector_bytes.is_whole(BODY, zlib.crc32(BODY))
    assert (vector_bytes.floats(BODY) == np.float32([0.5, -0.25, 1.0, 0.0])).all()
    unit = np.float32([[0.5, -0.25], [1.0, 0.0]]) / np.float32([[0.3125**0.5], [1.0]])
    assert np.allclose(sentences(TAIL, 2), unit)


def test_the_sentences_of_several_texts_are_read_together() -> None:
    three = vector_bytes.packed_sentences(np.float32([[1, 0], [0, 2], [3, 4]]), 2)
    bad = bytes([TAIL[0] ^ 1]) + TAIL[1:]
    packed = {"a": TAIL, "none": None, "bad": bad, "one": b"", "b": three}
    found = vector_bytes.sentences_of_each(packed, 2)
    assert found.keys() == {"a", "b"}
    assert (found["a"] == sentences(TAIL, 2)).all()
    assert np.allclose(found["b"], [[1, 0], [0, 1], [0.6, 0.8]], atol=0.01)


def test_sentences_take_a_byte_a_number_and_come_back_as_directions() -> None:
    values = np.random.default_rng(4).standard_normal((50, 64)).astype(np.float32)
    packed = vector_bytes.packed_sentences(values, 64)
    assert packed is not None
    assert len(packed) == 50 * 64 + 4
    read = sentences(packed, 64)
    assert read is not None
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert np.allclose((read * unit).sum(axis=1), 1, atol=1e-3)
    assert np.allclose(np.linalg.norm(read, axis=1), 1, atol=1e-5)


def test_a_text_of_one_sentence_has_none_of_its_own() -> None:
    packed = vector_bytes.packed_sentences(np.empty((0, 64), np.float32), 64)
    assert packed == b""
    assert vector_bytes.sentences_sound(packed, 64)
    assert sentences(packed, 64) is None


NEW = vector_bytes.packed_sentences(np.float32([[0.5, -0.25], [1.0, 0.0]]), 2)


@pytest.mark.parametrize("at", range(8 * len(TAIL)))
def test_no_flipped_bit_does(at: int) -> None:
    bad = bytearray(TAIL)
    bad[at // 8] ^= 1 << at % 8
    assert sentences(bytes(bad), 2) is None
    crc = int.from_bytes(bad[-4:], "little")
    assert not vector_bytes.is_whole(bytes(bad[:-4]), crc)


def test_nor_one_in_a_byte_a_number() -> None:
    assert NEW is not None
    for at in range(8 * len(NEW)):
        bad = bytearray(NEW)
        bad[at // 8] ^= 1 << at % 8
        assert sentences(bytes(bad), 2) is None


@pytest.mark.parametrize("blob", [None, b"", b"x", "text", 7, TAIL[:-1], BODY])
def test_nor_anything_else(blob: object) -> None:
    assert sentences(blob, 2) is None
    assert not vector_bytes.is_whole(blob, 0)


@pytest.mark.parametrize("column", ["vector", "sentences"])
def test_a_vector_that_became_infinite_spoils_no_search(
    brain: Brain, column: str
) -> None:
    """Without the checksum its chunk would be nearest to every question, or no number at all."""
    brain.note(
        "Black tea wants water just off the boil. It stands for four minutes. Then the leaves go.",
        title="Tea",
    )
    brain.note(
        "The landlord mends the boiler before winter. He promised it. It was in May.",
        title="Lease",
    )
    remember_episodes(
        brain.resources,
        [
            Episode(
                "",
                "2026-05-07T10:00:00+00:00",
                "import",
                "the tea",
                "black, please",
                session="talk",
            )
        ],
    )
    brain.search(Request("tea"))
    with closing(sqlite3.connect(brain.config.database)) as conn:
        conn.execute(
            f"UPDATE embeddings SET {column} = CAST(substr({column}, 1, 6) || X'007C' || substr({column}, 9) AS BLOB) "
            f"WHERE length({column}) > 9"
        )
        conn.commit()
    found = brain.search(Request("what about the boiler?"))
    assert found.passages[0].title == "Lease"
    assert all(np.isfinite(passage.score) for passage in found.passages)
    assert brain.recall(Request("tea")).episodes

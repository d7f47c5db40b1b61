"""Vectors are kept: a text is handed to the embedder once, and its vector is the embedder's."""

from __future__ import annotations

import numpy as np

from brain.models.kept_vectors import KeptVectors
from tests.index_support import FakeEmbedder


def test_a_text_is_embedded_once_until_there_are_too_many() -> None:
    asked: list[str] = []
    plain = FakeEmbedder()
    kept = KeptVectors(FakeEmbedder(before=asked.extend), kept=3)
    for texts in (["a", "b", "a"], ["b"], ["c", "d", "e", "f", "a"]):
        found = kept.embed_documents(texts)
        assert np.array_equal(found, plain.embed_documents(texts))
    assert asked == ["a", "b", "c", "d", "e", "f", "a"]
    assert kept.fingerprint == plain.fingerprint
    assert np.array_equal(kept.embed_query("b"), plain.embed_query("b"))

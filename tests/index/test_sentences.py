"""Chunks found by their best sentence: the signs of all sentences, held to exact arithmetic, and never behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brain.errors import BrainError
from brain.index import ExactIndex, Indexes, embed_pending, embed_sentences, mapped_file
from brain.index.mapped import REWRITE_ROWS
from brain.index.mapped_file import SENTENCES
from brain.index.sentences import SentenceIndex, differing, signs
from brain.store.vectors import VectorTable
from tests.index_support import (
    Clock,
    FakeEmbedder,
    add_chunks,
    away,
    connection_of,
    delete_chunks,
    fingerprint,
    open_store,
    vector_of,
)

FP = str(fingerprint())
COUNT = 60
PARTS = ("apples", "boats", "carts")


def facts(count: int, start: int = 0) -> dict[str, str]:
    """Notes of three sentences each."""
    notes = {}
    for n in range(start, start + count):
        sentences = [f"Number {n} tells of {part}." for part in PARTS]
        notes[f"c{n:06d}"] = " ".join(sentences)
    return notes


def fill(table: VectorTable, notes: dict[str, str]) -> None:
    add_chunks(table, notes)
    embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    fill(open_store(tmp_path), facts(COUNT))
    return tmp_path


def question(number: int, part: str = "boats") -> Any:
    return FakeEmbedder().embed_query(f"Number {number} tells of {part}.")


def open_index(home: Path, table: VectorTable | None = None) -> SentenceIndex:
    stored = (table or open_store(home)).of("knowledge", FP)
    return SentenceIndex(stored, home / "index")


def serving(home: Path, table: VectorTable | None = None) -> Indexes:
    return Indexes(table or open_store(home), home / "index", FP)


def first(found: Sequence[tuple[str, float]]) -> str:
    return found[0][0]


@pytest.mark.parametrize("dimensions", [1, 31, 64, 65, 384])
def test_signs_that_differ_are_counted_as_by_hand(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    rows = rng.standard_normal((40, dimensions)).astype(np.float32)
    target = rng.standard_normal(dimensions).astype(np.float32)
    expected = ((rows > 0) != (target > 0)).sum(axis=1)
    assert differing(signs(rows), signs(target[None])[0]).tolist() == expected.tolist()


def test_a_note_is_found_by_any_of_its_sentences(home: Path) -> None:
    index = open_index(home)
    for number, part in ((3, "apples"), (3, "carts"), (59, "boats")):
        found = index.query(question(number, part), limit=1)
        assert found == [(f"c{number:06d}", pytest.approx(1, abs=0.1))]


def test_a_note_of_one_sentence_counts_as_its_own(tmp_path: Path) -> None:
    table = open_store(tmp_path)
    fill(table, {"one": "Nothing but this."} | facts(5))
    assert table.without_sentences(FP) == 0
    asked = FakeEmbedder().embed_query("topic\nNothing but this.")
    assert first(open_index(tmp_path, table).query(asked, limit=1)) == "one"
    with serving(tmp_path, table) as indexes:
        ((found, score),) = indexes.index("knowledge").query(asked, limit=1)
    assert (found, score) == ("one", pytest.approx(1, abs=1e-3))


def test_the_score_is_the_mean_of_the_note_and_of_its_best_sentence(home: Path) -> None:
    asked = question(7)
    expected = {}
    for key, text in facts(COUNT).items():
        own = FakeEmbedder().embed_query(f"topic\n{text}")
        parts = FakeEmbedder().embed_documents([f"{s}." for s in text[:-1].split(". ")])
        expected[key] = float(own @ asked + (parts @ asked).max()) / 2
    with serving(home) as indexes:
        found = indexes.index("knowledge").query(asked, limit=10)
    best = sorted(expected, key=expected.__getitem__, reverse=True)[:10]
    assert [key for key, _ in found] == best
    assert dict(found) == pytest.approx({k: expected[k] for k in best}, abs=3e-3)


def test_only_what_a_scope_allows_is_found(home: Path) -> None:
    allowed = {"c000001", "c000050", "unknown"}
    found = open_index(home).query(question(7), limit=10, allowed=allowed)
    assert {key for key, _ in found} == {"c000001", "c000050"}
    with serving(home) as indexes:
        both = indexes.index("knowledge").query(question(7), limit=10, allowed=allowed)
    assert {key for key, _ in both} == {"c000001", "c000050"}


def test_it_never_lags_and_never_answers_for_a_deleted_note(home: Path) -> None:
    index, other = open_index(home), open_store(home)
    assert first(index.query(question(7), limit=1)) == "c000007"
    fill(other, facts(5, COUNT))
    delete_chunks(other, ["c000007"])
    assert first(index.query(question(COUNT + 3), limit=1)) == f"c{COUNT + 3:06d}"
    assert "c000007" not in dict(index.query(question(7), limit=COUNT + 5))
    assert index.ids() == set(facts(COUNT + 5)) - {"c000007"}
    one = {f"c{COUNT + 3:06d}"}
    assert set(dict(index.query(question(1), limit=5, allowed=one))) == one


def test_much_change_writes_the_file_again_as_if_made_anew(home: Path) -> None:
    table = open_store(home)
    index = open_index(home, table)
    index.query(question(1), limit=1)
    path = home / "index" / SENTENCES.name_of("knowledge", FP)
    before = path.stat().st_mtime_ns
    fill(table, facts(REWRITE_ROWS + 1, COUNT))
    delete_chunks(table, ["c000001"])
    found = index.query(question(COUNT + 40, "carts"), limit=20)
    index.close()
    assert path.stat().st_mtime_ns != before
    again = open_index(home, table)
    assert again.ids() == table.of("knowledge", FP).ids()
    assert again.query(question(COUNT + 40, "carts"), limit=20) == found
    path.unlink()
    assert (
        open_index(home, table).query(question(COUNT + 40, "carts"), limit=20) == found
    )


@pytest.mark.parametrize("how", ["deleted", "cut", "bit", "count", "another kind"])
def test_any_damage_is_found_and_mended_without_a_word(home: Path, how: str) -> None:
    before = open_index(home).query(question(7), limit=10)
    path = home / "index" / SENTENCES.name_of("knowledge", FP)
    size = path.stat().st_size
    if how == "deleted":
        path.unlink()
    elif how == "cut":
        os.truncate(path, size - 9)
    elif how == "another kind":
        with_vectors = ExactIndex(open_store(home).of("knowledge", FP), home / "index")
        with_vectors.prepare()
        path.write_bytes(with_vectors._path.read_bytes())
    else:
        data = bytearray(path.read_bytes())
        data[4_100 if how == "bit" else 25] ^= 1
        path.write_bytes(data)
    assert open_index(home).query(question(7), limit=10) == before
    assert mapped_file.read(path, SENTENCES, FP) is not None


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    fill(open_store(tmp_path), facts(5))
    (tmp_path / "index").write_text("a file stands where the folder should be")
    assert first(open_index(tmp_path).query(question(4), limit=1)) == "c000004"


def earlier(table: VectorTable) -> None:
    """As a version before left it: vectors without those of their sentences."""
    with connection_of(table).write():
        connection_of(table).conn.execute("UPDATE embeddings SET sentences = NULL")


def test_until_the_sentences_are_there_chunks_answer_alone(home: Path) -> None:
    table = open_store(home)
    earlier(table)
    assert table.without_sentences(FP) == COUNT
    with serving(home, table) as indexes:
        by_chunk = indexes.exact("knowledge").query(question(7), limit=5)
        assert indexes.index("knowledge").query(question(7), limit=5) == by_chunk
        model = FakeEmbedder()
        assert embed_sentences(table, model, kind="knowledge") is None
        assert len(model.texts) == 3 * COUNT
        assert table.without_sentences(FP) == 0
        assert (
            first(indexes.index("knowledge").query(question(7), limit=5)) == "c000007"
        )
    again = FakeEmbedder()
    assert embed_sentences(table, again, kind="knowledge") is None
    assert again.texts == []


def test_a_model_that_goes_away_leaves_the_rest_for_later(home: Path) -> None:
    table = open_store(home)
    earlier(table)
    error = embed_sentences(table, FakeEmbedder(before=away), kind="knowledge")
    assert isinstance(error, BrainError)
    assert table.without_sentences(FP) == COUNT


def test_a_vector_alone_is_no_reason_to_be_lost_and_damage_is_noted(home: Path) -> None:
    table = open_store(home)
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE embeddings SET sentences = X'0102030405' WHERE text_sha IN "
            "(SELECT text_sha FROM knowledge WHERE id = 'c000007')"
        )
    own = vector_of(f"fake:topic\n{facts(8)['c000007']}")
    assert first(open_index(home, table).query(own, limit=1)) == "c000007"
    assert len(table.damaged) == 1

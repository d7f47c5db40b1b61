from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from brain.errors import StoreError
from brain.store.fts_search import KnowledgeSearch
from brain.store.vectors import VectorTable, dimensions_of, text_of
from tests.index_support import (
    NOW,
    SMALL,
    add_chunks,
    add_episodes,
    connection_of,
    delete_chunks,
    fingerprint,
    numbered,
    open_store,
    vector_of,
)

FP = str(fingerprint())


@pytest.fixture
def table(tmp_path: Path) -> VectorTable:
    return open_store(tmp_path)


def save(table: VectorTable, kind: str = "knowledge") -> int:
    rows = table.of(kind, FP).pending(limit=1000)
    return table.save_vectors(
        FP, [(row.text_sha, vector_of(row.text), None) for row in rows]
    )


def outbox(table: VectorTable) -> list[tuple[str, str, str]]:
    return list(
        connection_of(table).conn.execute(
            "SELECT op, kind, chunk_id FROM outbox ORDER BY seq"
        )
    )


def test_a_chunk_waits_until_its_vector_is_saved(table: VectorTable) -> None:
    add_chunks(table, {"a": "one", "b": "two"})
    assert [row.chunk_id for row in table.of("knowledge", FP).pending(limit=10)] == [
        "a",
        "b",
    ]
    assert table.of("knowledge", FP).waiting() == 2
    assert save(table) == 2
    assert (table.of("knowledge", FP).waiting(), table.of("knowledge", FP).count()) == (
        0,
        2,
    )
    assert outbox(table) == [("up", "knowledge", "a"), ("up", "knowledge", "b")]
    assert np.allclose(
        table.of("knowledge", FP).vectors(["a"])["a"],
        vector_of("topic\none"),
        atol=1e-3,
    )


def test_pending_goes_on_behind_the_row_it_is_told(table: VectorTable) -> None:
    add_chunks(table, numbered(10))
    first = table.of("knowledge", FP).pending(limit=4)
    second = table.of("knowledge", FP).pending(limit=4, after=first[-1].pk)
    assert [row.chunk_id for row in second] == [
        "c000004",
        "c000005",
        "c000006",
        "c000007",
    ]


def test_the_text_of_a_pending_chunk_is_what_its_sha_names(table: VectorTable) -> None:
    add_chunks(table, {"a": "one"})
    add_episodes(
        table, {"q": ("why?", ""), "qa": ("why?", "because"), "n": ("", "a note")}
    )
    for kind in ("knowledge", "episodes"):
        for row in table.of(kind, FP).pending(limit=10):
            assert hashlib.sha256(row.text.encode()).hexdigest() == row.text_sha
        sql = f"SELECT id, {text_of(kind)} FROM {kind}"
        texts = dict(connection_of(table).conn.execute(sql).fetchall())
        assert texts == {
            row.chunk_id: row.text for row in table.of(kind, FP).pending(limit=10)
        }


def test_chunks_with_one_text_share_a_vector_and_each_is_announced(
    table: VectorTable,
) -> None:
    add_chunks(table, {"a": "same", "b": "same"})
    add_episodes(table, {"e": ("", "same")})
    row = table.of("knowledge", FP).pending(limit=1)[0]
    assert table.save_vectors(FP, [(row.text_sha, vector_of("same"), None)]) == 1
    assert sorted(outbox(table)) == [
        ("up", "episodes", "e"),
        ("up", "knowledge", "a"),
        ("up", "knowledge", "b"),
    ]
    assert (
        table.of("knowledge", FP).waiting() == table.of("episodes", FP).waiting() == 0
    )
    delete_chunks(table, ["a"])
    assert set(table.of("knowledge", FP).vectors(["a", "b"])) == {"b"}


def test_a_new_chunk_with_a_known_text_is_announced(table: VectorTable) -> None:
    connection = connection_of(table)
    if not connection.conn.execute(
        "SELECT 1 FROM sqlite_master WHERE name='knowledge_known'"
    ).fetchone():
        pytest.skip(
            "the schema has no trigger knowledge_known yet: it announces a chunk whose text has a vector already"
        )
    add_chunks(table, {"a": "same"})
    save(table)
    add_chunks(table, {"b": "same"}, document="other")
    assert outbox(table)[-1] == ("up", "knowledge", "b")


def test_two_fingerprints_never_mix(table: VectorTable) -> None:
    other = str(fingerprint("other", 8))
    add_chunks(table, {"a": "one"})
    save(table)
    assert table.of("knowledge", other).waiting() == 1
    row = table.of("knowledge", other).pending(limit=1)[0]
    table.save_vectors(other, [(row.text_sha, vector_of("x", 8), None)])
    assert table.of("knowledge", other).vectors(["a"])["a"].shape == (8,)
    assert table.of("knowledge", FP).vectors(["a"])["a"].shape == (SMALL,)
    assert table.fingerprints() == {FP: 1, other: 1}


def test_the_vector_of_a_text_deleted_meanwhile_is_not_kept(table: VectorTable) -> None:
    add_chunks(table, {"a": "one"})
    row = table.of("knowledge", FP).pending(limit=1)[0]
    delete_chunks(table, ["a"])
    assert table.save_vectors(FP, [(row.text_sha, vector_of("one"), None)]) == 0
    assert table.fingerprints() == {}


@pytest.mark.parametrize(
    "bad",
    [
        np.full(SMALL, np.nan),
        np.full(SMALL, np.inf),
        np.zeros(SMALL),
        np.ones(SMALL + 1),
        np.ones((1, SMALL)),
    ],
    ids=["nan", "infinite", "zero", "too long", "wrong shape"],
)
def test_nonsense_from_a_model_is_refused_and_nothing_kept(
    table: VectorTable, bad: np.ndarray
) -> None:
    add_chunks(table, {"a": "one", "b": "two"})
    rows = table.of("knowledge", FP).pending(limit=2)
    pairs = [(rows[0].text_sha, vector_of("one"), None), (rows[1].text_sha, bad, None)]
    with pytest.raises(StoreError, match="embedding model answered"):
        table.save_vectors(FP, pairs)
    assert table.fingerprints() == {}
    assert outbox(table) == []


@pytest.mark.parametrize(
    "scale",
    [70_000, 1e-38],
    ids=["over float16's largest number", "under its smallest"],
)
def test_vectors_come_back_with_length_one(table: VectorTable, scale: float) -> None:
    add_chunks(table, {"a": "one"})
    row = table.of("knowledge", FP).pending(limit=1)[0]
    table.save_vectors(FP, [(row.text_sha, vector_of("one") * scale, None)])
    assert np.linalg.norm(
        table.of("knowledge", FP).vectors(["a"])["a"]
    ) == pytest.approx(1, abs=1e-6)


def test_sentence_vectors_are_kept_beside_and_a_damaged_set_is_missing(
    table: VectorTable,
) -> None:
    add_chunks(table, {"a": "one", "b": "two"})
    rows = table.of("knowledge", FP).pending(limit=2)
    sentences = np.stack([vector_of("s1"), vector_of("s2"), vector_of("s3")])
    table.save_vectors(
        FP,
        [
            (rows[0].text_sha, vector_of("one"), sentences),
            (rows[1].text_sha, vector_of("two"), None),
        ],
    )
    search = KnowledgeSearch(connection_of(table).conn)
    found = search.sentence_vectors(["a", "b"], FP)
    assert set(found) == {"a"}
    assert np.allclose(found["a"], sentences, atol=5e-3)
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE embeddings SET sentences = zeroblob(length(sentences))"
        )
    assert np.array_equal(search.sentence_vectors(["a"], FP).get("a", []), [])


def test_a_flipped_bit_is_reported_and_the_vector_computed_again(
    table: VectorTable,
) -> None:
    add_chunks(table, {"a": "one", "b": "two"})
    save(table)
    connection = connection_of(table)
    sha, blob = connection.conn.execute(
        "SELECT text_sha, vector FROM embeddings ORDER BY text_sha"
    ).fetchone()
    with connection.write():
        connection.conn.execute(
            "UPDATE embeddings SET vector=? WHERE text_sha=?",
            (bytes([blob[0] ^ 1]) + blob[1:], sha),
        )
    assert len(table.of("knowledge", FP).vectors(["a", "b"])) == 1
    assert sum(len(ids) for ids, _ in table.of("knowledge", FP).stream()) == 1
    assert table.damaged == {(sha, FP)}
    assert table.drop_damaged() == 1
    assert table.of("knowledge", FP).waiting() == 1
    assert save(table) == 1
    assert len(table.of("knowledge", FP).vectors(["a", "b"])) == 2
    assert table.damaged == set()


def test_stream_gives_every_vector_once_in_the_order_of_the_chunks(
    table: VectorTable,
) -> None:
    add_chunks(table, numbered(25))
    save(table)
    pages = list(table.of("knowledge", FP).stream(rows=10))
    assert [len(ids) for ids, _ in pages] == [10, 10, 5]
    assert [i for ids, _ in pages for i in ids] == list(numbered(25))
    assert np.allclose(pages[2][1][4], vector_of("topic\ntext number 24"), atol=1e-3)


def test_changes_begin_behind_a_row_and_end_where_the_outbox_was_pruned(
    table: VectorTable,
) -> None:
    add_chunks(table, numbered(10))
    save(table)
    assert table.last_seq() == 10
    assert [c.seq for c in table.changes(7, limit=100) or ()] == [8, 9, 10]
    assert table.changes(10, limit=100) == []
    assert table.changes(11, limit=100) is None, "a number of another history"
    mark = table.mark(10)
    assert table.prune(keep=3) == 7
    assert table.changes(6, limit=100) is None
    assert [c.seq for c in table.changes(7, limit=100) or ()] == [8, 9, 10]
    assert table.prune(keep=3) == 0
    assert (table.mark(10), table.mark(2)) == (mark, None)
    with connection_of(table).write():
        connection_of(table).conn.execute("DELETE FROM outbox")
    assert table.last_seq() == 10
    assert table.changes(3, limit=100) is None


def test_a_fingerprint_may_hold_slashes_in_its_model() -> None:
    assert dimensions_of(str(fingerprint("hub/owner/model:q4", 768))) == 768
    with pytest.raises(StoreError):
        dimensions_of("nonsense")


def reserve(table: VectorTable, model: str = "fake") -> int:
    return table.snapshots.reserve(str(fingerprint(model)), now=NOW).n


def test_a_snapshot_is_pointed_to_once_it_is_complete(table: VectorTable) -> None:
    n = reserve(table)
    assert table.snapshots.current(FP) is None
    assert table.snapshots.flip(n, count=3, version="1")
    found = table.snapshots.current(FP)
    assert found is not None
    assert (found.state, found.count, found.chroma_version) == ("live", 3, "1")
    other, newer = reserve(table, "other"), reserve(table)
    assert table.snapshots.flip(other, count=1, version="1")
    assert table.snapshots.flip(newer, count=3, version="1")
    states = [(s.n, s.state) for s in table.snapshots.all()]
    assert states == [(n, "dead"), (other, "live"), (newer, "live")]


def test_a_snapshot_that_was_given_up_is_never_pointed_to(table: VectorTable) -> None:
    one, two = reserve(table), reserve(table)
    table.snapshots.discard(one)
    assert not table.snapshots.flip(one, count=3, version="1")
    table.snapshots.discard_all()
    assert not table.snapshots.flip(two, count=3, version="1")
    assert table.snapshots.current(FP) is None


def test_no_number_is_given_twice(table: VectorTable) -> None:
    first, second = reserve(table), reserve(table)
    for n in (first, second):
        table.snapshots.discard(n)
        table.snapshots.forget(n)
    assert reserve(table) == 3

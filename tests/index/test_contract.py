"""One contract for every vector index, and Chroma held to exact search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.index import ExactIndex
from brain.index.chroma_child import ChromaChild
from brain.index.chroma_index import ChromaIndex
from brain.index.overlay import Overlay
from tests.index_support import SMALL, fingerprint, open_store, vector_of

FP = str(fingerprint())
ROOMY = 2**28  # bytes per file that the worker may write


class Told(ExactIndex):
    """An exact index that is told what it holds, as the store's outbox would tell it."""

    def put(self, ids: Sequence[str], vectors: Any) -> None:
        self._current()
        self._overlay.put(ids, vectors)

    def drop(self, ids: Sequence[str]) -> None:
        self._current()
        self._overlay.drop(ids)


def exact_of(home: Path) -> Told:
    """An exact index over an empty store: it holds what the test says it holds."""
    return Told(open_store(home).of("knowledge", FP), home / "index")


@pytest.fixture(scope="module")
def child() -> Iterator[ChromaChild]:
    """One process for all of them: a start costs 1-2 s."""
    with ChromaChild() as one:
        yield one


class Both(ChromaIndex):
    """Chroma, with an exact index beside it that is told the same, as the store's outbox would.

    `written`: vectors go into a new snapshot; else they are laid over an empty one.
    """

    def __init__(self, child: ChromaChild, home: Path, *, written: bool) -> None:
        self.oracle, self._home = exact_of(home), home
        self.child, self._turn, self._writes = child, 0, written
        self._snapshot([], np.empty((0, SMALL), np.float32))

    def _snapshot(self, ids: Sequence[str], vectors: Any) -> None:
        self._turn += 1
        place = self._home / f"snapshot-{self._turn}"
        self.child.create(place, file_bytes=ROOMY)
        if ids:
            self.child.add("knowledge", ids, vectors)
        assert self.child.finish() == len(ids)
        self.child.open(place)
        stored = open_store(self._home).of("knowledge", FP)
        super().__init__(self.child, stored, Overlay(stored, seq=0), self.oracle)
        self.__dict__.pop("_size", None)

    def fill(self, ids: Sequence[str], vectors: Any) -> None:
        self.oracle.put(ids, vectors)
        if self._writes:
            self._snapshot(ids, vectors)
        else:
            self._overlay.put(ids, vectors)

    def put(self, ids: Sequence[str], vectors: Any) -> None:
        self._overlay.put(ids, vectors)
        self.oracle.put(ids, vectors)

    def drop(self, ids: Sequence[str]) -> None:
        self._overlay.drop(ids)
        self.oracle.drop(ids)


@pytest.fixture(params=["exact", "chroma, written", "chroma, laid over"])
def index(
    request: pytest.FixtureRequest, tmp_path: Path, child: ChromaChild
) -> Told | Both:
    if request.param == "exact":
        return exact_of(tmp_path)
    return Both(child, tmp_path, written=request.param == "chroma, written")


def fill(index: Told | Both, count: int) -> list[str]:
    ids = [f"c{n}" for n in range(count)]
    put = index.fill if isinstance(index, Both) else index.put
    put(ids, np.stack([vector_of(i) for i in ids]))
    return ids


def test_an_empty_index_finds_nothing(index: Told | Both) -> None:
    assert index.query(vector_of("x"), limit=5) == []
    assert index.query(vector_of("x"), limit=5, allowed={"a"}) == []
    index.drop(["never there"])
    index.put([], np.empty((0, SMALL), np.float32))


def test_the_nearest_come_first_with_their_cosine(index: Told | Both) -> None:
    ids = fill(index, 50)
    found = index.query(vector_of("c7"), limit=5)
    assert found[0] == ("c7", pytest.approx(1, abs=1e-4))
    expected = sorted((-float(vector_of(i) @ vector_of("c7")), i) for i in ids)[:5]
    assert [i for i, _ in found] == [i for _, i in expected]
    assert [score for _, score in found] == pytest.approx(
        [-score for score, _ in expected], abs=1e-4
    )


def test_the_length_of_a_vector_does_not_count(index: Told | Both) -> None:
    fill(index, 3)
    assert index.query(vector_of("c1") * 9, limit=1) == [
        ("c1", pytest.approx(1, abs=1e-4))
    ]


def test_putting_twice_changes_nothing_and_replaces(index: Told | Both) -> None:
    fill(index, 5)
    fill(index, 5)
    index.put(["c0"], vector_of("new")[None])
    assert index.query(vector_of("new"), limit=1)[0][0] == "c0"
    assert len(index.query(vector_of("new"), limit=10)) == 5


def test_dropping_is_final_and_idempotent(index: Told | Both) -> None:
    fill(index, 5)
    for _ in range(2):
        index.drop(["c1", "c1", "unknown"])
    assert "c1" not in [i for i, _ in index.query(vector_of("c1"), limit=10)]


def test_only_allowed_ids_and_as_many_as_asked(index: Told | Both) -> None:
    fill(index, 60)
    allowed = {f"c{n}" for n in range(0, 60, 3)}
    found = index.query(vector_of("c1"), limit=10, allowed=allowed)
    assert len(found) == 10
    assert {i for i, _ in found} <= allowed
    assert index.query(vector_of("c1"), limit=10, allowed={"c5", "unknown"}) == [
        ("c5", pytest.approx(float(vector_of("c1") @ vector_of("c5")), abs=1e-4))
    ]
    assert index.query(vector_of("c1"), limit=10, allowed=set()) == []


def test_one_allowed_among_thousands_is_found(index: Told | Both) -> None:
    fill(index, 2_500)
    far = min(
        (f"c{n}" for n in range(2_500)),
        key=lambda i: float(vector_of(i) @ vector_of("c1")),
    )
    assert [i for i, _ in index.query(vector_of("c1"), limit=10, allowed={far})] == [
        far
    ]


def test_a_limit_over_the_count_gives_all(index: Told | Both) -> None:
    fill(index, 7)
    assert len(index.query(vector_of("x"), limit=100)) == 7
    assert index.query(vector_of("x"), limit=0) == []


def test_a_vector_of_another_length_is_refused(index: Told | Both) -> None:
    fill(index, 3)
    with pytest.raises(ValueError, match="31 numbers"):
        index.query(np.ones(31, np.float32), limit=1)
    assert index.query(np.zeros(SMALL, np.float32), limit=3) == []


def test_ids_of_any_script_come_back(index: Told | Both) -> None:
    ids = ["ümlaut", "日本語", "a b", "x" * 90]
    index.put(ids, np.stack([vector_of(i) for i in ids]))
    assert {i for i, _ in index.query(vector_of("x"), limit=10)} == set(ids)
    assert index.query(vector_of("日本語"), limit=1)[0][0] == "日本語"


def test_chroma_agrees_with_exact_search(tmp_path: Path, child: ChromaChild) -> None:
    """recall@10 of clustered data, as text is; measured 0.995-1.0 when Chroma was weighed."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((40, SMALL))
    data = (
        centres[rng.integers(0, 40, 3_000)] + 0.6 * rng.standard_normal((3_000, SMALL))
    ).astype(np.float32)
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    ids = [f"c{n}" for n in range(len(data))]
    chroma = Both(child, tmp_path, written=True)
    chroma.fill(ids, data)
    scopes = [None, set(ids[::2]), set(ids[:1_500])]
    shared = 0
    for n in range(30):
        wanted = chroma.oracle.query(data[n * 7] + 0.1, limit=10, allowed=scopes[n % 3])
        found = chroma.query(data[n * 7] + 0.1, limit=10, allowed=scopes[n % 3])
        assert dict(found) == pytest.approx(
            {**dict(found), **{i: s for i, s in wanted if i in dict(found)}}, abs=1e-4
        )
        shared += len(set(dict(wanted)) & set(dict(found)))
    assert shared / 300 >= 0.99


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["put", "drop"]),
            st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True),
        ),
        max_size=8,
    ),
    limit=st.integers(1, 6),
    allowed=st.none() | st.sets(st.integers(0, 8)),
)
def test_exact_search_is_a_sorted_list_of_dot_products(
    tmp_path_factory, steps, limit, allowed
) -> None:  # type: ignore[no-untyped-def]
    index, model = exact_of(tmp_path_factory.mktemp("exact")), {}
    for version, (what, numbers) in enumerate(steps):
        ids = [f"c{n}" for n in numbers]
        if what == "put":
            rows = {i: vector_of(f"{i}.{version}") for i in ids}
            index.put(ids, np.stack(list(rows.values())))
            model.update(rows)
        else:
            index.drop(ids)
            for i in ids:
                model.pop(i, None)
    names = None if allowed is None else {f"c{n}" for n in allowed}
    expected = sorted(
        (-float(v @ vector_of("q")), i)
        for i, v in model.items()
        if names is None or i in names
    )[:limit]
    found = index.query(vector_of("q"), limit=limit, allowed=names)
    assert [score for _, score in found] == pytest.approx(
        [-score for score, _ in expected], abs=1e-5
    )
    assert {i for i, _ in found} == {i for _, i in expected}
    assert index.ids() == set(model)

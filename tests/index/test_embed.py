from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from brain.errors import StoreError, Unavailable
from brain.index import embed_pending
from brain.store.vectors import VectorTable
from tests.index_support import (
    Clock,
    FakeEmbedder,
    add_chunks,
    add_episodes,
    away,
    numbered,
    open_store,
)


@pytest.fixture
def table(tmp_path: Path) -> VectorTable:
    table = open_store(tmp_path)
    add_chunks(table, numbered(200))
    return table


def test_everything_gets_a_vector_once(table: VectorTable) -> None:
    model, seen = FakeEmbedder(), []
    report = embed_pending(
        table,
        model,
        kind="knowledge",
        clock=Clock(),
        progress=lambda *step: seen.append(step),
    )
    assert (report.embedded, report.waiting, report.error) == (200, 0, None)
    assert seen[-1] == ("embed", 200, 200)
    assert embed_pending(table, model, kind="knowledge", clock=Clock()).embedded == 0
    assert len(model.texts) == 200


def test_one_text_is_computed_once_for_all_its_chunks(table: VectorTable) -> None:
    add_chunks(table, {f"d{n}": "the same words" for n in range(10)}, document="other")
    model = FakeEmbedder()
    assert embed_pending(table, model, kind="knowledge", clock=Clock()).waiting == 0
    assert len(model.texts) <= 201


def test_a_page_of_one_text_is_computed_and_told_once(table: VectorTable) -> None:
    """A log of equal lines: each batch told the indexes of all its chunks again, 200,000 rows for 800 of them."""
    chunks = {f"d{n}": "the same words" for n in range(700)}
    add_chunks(table, chunks, document="other")
    model, told = FakeEmbedder(), table.last_seq()
    report = embed_pending(table, model, kind="knowledge", clock=Clock())
    assert (report.embedded, report.waiting) == (900, 0)
    assert model.texts.count(model.texts[-1]) == 1
    assert len(model.texts) == 201
    assert table.last_seq() - told == 900


def test_episodes_have_vectors_too(table: VectorTable) -> None:
    add_episodes(table, {"e": ("what?", "that")})
    model = FakeEmbedder()
    assert embed_pending(table, model, kind="episodes", clock=Clock()).embedded == 1
    assert model.texts == ["topic\nwhat?\nthat", "what?", "that"]


def test_a_model_that_is_away_leaves_them_waiting_and_is_not_asked_for_ever(
    table: VectorTable,
) -> None:
    calls: list[int] = []

    def gone(texts: Sequence[str]) -> None:
        calls.append(len(texts))
        away(texts)

    report = embed_pending(
        table, FakeEmbedder(before=gone), kind="knowledge", clock=Clock()
    )
    assert (report.embedded, report.waiting) == (0, 200)
    assert isinstance(report.error, Unavailable)
    assert calls == [32, 1, 1]


def test_a_model_that_goes_away_keeps_what_was_done_and_goes_on_later(
    table: VectorTable,
) -> None:
    def breaks(texts: Sequence[str]) -> None:
        if len(model.texts) >= 96:
            away(texts)

    model = FakeEmbedder(before=breaks)
    report = embed_pending(table, model, kind="knowledge", batch=32, clock=Clock())
    assert (report.embedded, report.waiting) == (96, 104)
    assert report.error is not None
    again = FakeEmbedder()
    assert embed_pending(table, again, kind="knowledge", clock=Clock()).embedded == 104
    assert not set(again.texts) & set(model.texts)


def test_one_text_that_the_model_refuses_does_not_stop_the_others(
    table: VectorTable,
) -> None:
    def picky(texts: Sequence[str]) -> None:
        if any(text.endswith("number 50") for text in texts):
            away(texts)

    report = embed_pending(
        table, FakeEmbedder(before=picky), kind="knowledge", clock=Clock()
    )
    assert (report.embedded, report.waiting, report.failed, report.error) == (
        199,
        1,
        1,
        None,
    )


class Wrong(FakeEmbedder):
    """Answers what it is told to."""

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self._answer = answer

    def embed_documents(self, texts: Sequence[str]):  # type: ignore[no-untyped-def]
        return self._answer(len(texts))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda n: np.ones((n, 5), np.float32), StoreError),
        (lambda n: np.full((n, 32), np.nan, np.float32), StoreError),
        (lambda n: np.zeros((n, 32), np.float32), StoreError),
        (lambda n: np.ones((n + 1, 32), np.float32), Unavailable),
    ],
    ids=["another length", "not numbers", "zeros", "too many"],
)
def test_a_model_that_answers_nonsense_is_reported_and_nothing_kept(
    table: VectorTable, answer, error
) -> None:  # type: ignore[no-untyped-def]
    report = embed_pending(table, Wrong(answer), kind="knowledge", clock=Clock())
    assert isinstance(report.error, error)
    assert (report.embedded, report.waiting) == (0, 200)
    assert table.fingerprints() == {}


def test_stop_ends_between_two_calls(table: VectorTable) -> None:
    model = FakeEmbedder()
    report = embed_pending(
        table,
        model,
        kind="knowledge",
        batch=32,
        clock=Clock(),
        stop=lambda: len(model.texts) >= 64,
    )
    assert (report.embedded, report.waiting, report.error) == (64, 136, None)


def test_ctrl_c_keeps_what_was_committed(table: VectorTable) -> None:
    def interrupt(_texts: Sequence[str]) -> None:
        if len(model.texts) >= 64:
            raise KeyboardInterrupt

    model = FakeEmbedder(before=interrupt)
    with pytest.raises(KeyboardInterrupt):
        embed_pending(table, model, kind="knowledge", batch=32, clock=Clock())
    assert table.of("knowledge", str(model.fingerprint)).waiting() == 136


def test_calls_grow_while_the_model_is_fast_and_shrink_when_it_is_slow(
    table: VectorTable,
) -> None:
    sizes: dict[float, list[int]] = {}
    for seconds in (0.01, 2.0):
        table = open_store(Path(str(table._connection.path.parent)) / str(seconds))
        add_chunks(table, numbered(400))
        calls = sizes[seconds] = []
        embed_pending(
            table,
            FakeEmbedder(before=lambda texts, calls=calls: calls.append(len(texts))),
            kind="knowledge",
            clock=Clock(seconds),
        )
    assert sizes[0.01] == [32, 64, 128, 176]
    assert sizes[2.0][:6] == [32, 16, 8, 4, 2, 1]

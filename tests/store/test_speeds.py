"""Measured speeds of models: averaged, bound to the model that was measured, and never a reason to fail."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain.app.speeds import Speeds, about
from brain.protocols import Speed
from brain.store import Store
from brain.store.copies import digest

NOW = datetime(2026, 5, 7, 9, tzinfo=UTC)
A, B = "a" * 64, "b" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "brain.db", now=lambda: NOW)


def test_a_new_measurement_is_averaged_and_keeps_what_it_does_not_hold(
    store: Store,
) -> None:
    speeds = Speeds(lambda: store)
    assert speeds.of("qwen3:4b") == Speed()
    speeds.keep("qwen3:4b", A, Speed(prompt=20.0, answer=5.0))
    speeds.keep("qwen3:4b", A, Speed(prompt=60.0))
    assert speeds.of("qwen3:4b", A) == Speed(prompt=30.0, answer=5.0), (
        "the mean of the times, not of the speeds"
    )


def test_a_name_that_means_another_model_now_knows_nothing(store: Store) -> None:
    speeds = Speeds(lambda: store)
    speeds.keep("llama3.2", A, Speed(prompt=20.0))
    assert speeds.of("llama3.2:latest", A).prompt == 20.0
    assert speeds.of("llama3.2", B) == Speed()
    speeds.keep("llama3.2", B, Speed(prompt=50.0))
    assert speeds.of("llama3.2").prompt == 50.0, "not averaged with another model's"


@pytest.mark.parametrize("value", [0, -1.0, math.inf, "fast", b"\0", None])
def test_a_damaged_cell_is_a_speed_that_was_not_measured(
    store: Store, value: object
) -> None:
    speeds = Speeds(lambda: store)
    speeds.keep("qwen3:4b", A, Speed(prompt=20.0, chunks=3.0))
    with store.write():
        store.connection.conn.execute("UPDATE model_speeds SET prompt = ?", (value,))
    assert speeds.of("qwen3:4b") == Speed(chunks=3.0)


def test_a_store_that_cannot_be_used_changes_nothing() -> None:
    def broken() -> Store:
        raise sqlite3.OperationalError("readonly")

    speeds = Speeds(broken)
    speeds.keep("qwen3:4b", A, Speed(prompt=1.0))
    assert speeds.of("qwen3:4b") == Speed()
    assert speeds.seconds_for(10, "qwen3:4b") is None


def test_a_measurement_makes_no_store_another_one(store: Store) -> None:
    before = digest(store.connection.conn)
    store.speeds.keep("qwen3:4b", A, Speed(prompt=20.0))
    assert digest(store.connection.conn) == before


def test_times_are_said_in_plain_words(store: Store) -> None:
    speeds = Speeds(lambda: store)
    speeds.keep("nomic-embed-text", A, Speed(chunks=5.0))
    said = [about(speeds.seconds_for(n, "nomic-embed-text")) for n in (1, 100, 3000)]
    assert said == [", about 1 s", ", about 20 s", ", about 10 min"]
    assert about(7800.0) == ", about 2 h 10 min"
    assert about(7200.0) == ", about 2 h"
    assert about(None) == ""

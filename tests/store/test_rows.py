"""Rows are read by SQLite's own decoder, and those with bytes that are no UTF-8 are read all the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from brain.store.cells import CarefulConnection, as_text
from brain.store.sql import column, named, texts_read

NO_UTF8 = "CAST(X'41ff42' AS TEXT)"


def two_rows(second: str) -> str:
    return f"SELECT 'Zoë' AS name UNION ALL SELECT {second}"


def test_bytes_that_are_no_utf8_are_read_with_a_mark_and_the_other_rows_as_they_are() -> (
    None
):
    with closing(sqlite3.connect(":memory:", factory=CarefulConnection)) as conn:
        assert named(conn, two_rows("'b'")) == [{"name": "Zoë"}, {"name": "b"}]
        assert named(conn, two_rows(NO_UTF8)) == [{"name": "Zoë"}, {"name": "A\ufffdB"}]
        assert column(conn, two_rows(NO_UTF8)) == ["Zoë", "A\ufffdB"]
        assert conn.text_factory is as_text


def test_texts_are_read_as_a_check_asks_for() -> None:
    with (
        closing(sqlite3.connect(":memory:", factory=CarefulConnection)) as conn,
        texts_read(conn, bytes),
    ):
        assert column(conn, two_rows("'b'")) == ["Zoë".encode(), b"b"]

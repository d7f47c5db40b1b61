"""Two that write to one store all the time get the same number of turns, counted in turns and not in seconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from brain.store.connection import connect
from brain.store.turns import Turns

FOREVER = 600.0  # seconds: the test never lets it pass


@dataclass(frozen=True)
class Writer:
    """A connection of its own, which writes one row in one turn."""

    conn: sqlite3.Connection
    turns: Turns

    def write(self) -> None:
        self.turns.begin()
        self.conn.execute("INSERT INTO t VALUES (1)")
        self.conn.execute("COMMIT")


@contextmanager
def writer(
    path: Path,
    *,
    patience: float = FOREVER,
    pause: Callable[[float], object] = lambda _s: None,
) -> Iterator[Writer]:
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(conn):
        turns = Turns(conn, path.parent, patience=patience, pause=pause)
        yield Writer(conn, turns)
        turns.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE t (x)")
    return path


def test_who_wrote_last_lets_the_one_who_waits_go_first(path: Path) -> None:
    order = []
    stands_back = Event()
    with (
        ThreadPoolExecutor(1) as pool,
        writer(path, pause=lambda _seconds: stands_back.set()) as eager,
        writer(path) as patient,
    ):

        def again() -> None:
            eager.write()
            order.append("eager")
            stands_back.set()

        again()
        for _turn in range(10):
            stands_back.clear()
            with patient.turns.waiting():
                asked = pool.submit(again)
                assert stands_back.wait(FOREVER)
                order.append("patient")
                patient.write()
            asked.result()
    assert order == ["eager", *["patient", "eager"] * 10]


def test_alone_one_writes_as_often_as_one_likes(path: Path) -> None:
    paused: list[float] = []
    with writer(path, pause=paused.append) as own, writer(path) as other:
        other.write()
        for _turn in range(5):
            own.write()
    assert paused == []


def test_one_that_was_stopped_while_it_waits_holds_nobody_up_for_good(
    path: Path,
) -> None:
    with writer(path, patience=0.0) as own, writer(path) as stopped:
        own.write()
        with stopped.turns.waiting():
            own.write()


def test_where_the_folder_takes_no_lock_the_order_is_that_of_sqlite(
    path: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        turns = Turns(conn, tmp_path / "not there", patience=FOREVER)
        for _turn in range(2):
            turns.begin()
            conn.execute("COMMIT")


def test_a_writer_waits_as_long_as_its_connection_says(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None, timeout=0.02)) as conn,
        writer(path) as other,
    ):
        held = other.turns
        held.begin()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Turns(conn, path.parent).begin()
        assert conn.execute("PRAGMA busy_timeout").fetchone() == (20,)


def test_a_savepoint_takes_back_its_own_block_alone(tmp_path: Path) -> None:
    connection = connect(tmp_path / "brain.db")
    insert = "INSERT INTO settings VALUES (?, '', 0)"
    with connection.write() as database:
        database.execute(insert, ("before",))
        with pytest.raises(ZeroDivisionError), connection.savepoint():
            database.execute(insert, ("taken back",))
            raise ZeroDivisionError
        with connection.savepoint():
            database.execute(insert, ("behind",))
    with connection.savepoint():
        connection.conn.execute(insert, ("alone",))
    names = connection.conn.execute("SELECT name FROM settings ORDER BY rowid")
    assert [name for (name,) in names] == ["before", "behind", "alone"]
    connection.close()


def test_a_store_takes_turns(tmp_path: Path) -> None:
    connection = connect(tmp_path / "brain.db")
    with connection.write() as database:
        database.execute("INSERT INTO settings VALUES ('a', 'b', 0)")
    connection.close()
    assert [path.name for path in tmp_path.iterdir()] == ["brain.db"]

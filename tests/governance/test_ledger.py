"""The ledger: rows that are never changed, a chain that names what was, and a head that notices what was cut away."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from brain.errors import BrainError, NotFound
from brain.faults import KILLED, VARIABLE
from brain.governance.ledger import BODY_SHA, FOLDER, HEAD, KEPT_DAYS, Ledger, Verified
from brain.store import Store

ROOT = Path(__file__).parents[2]
TRIGGERS = ("ledger_keeps_rows", "ledger_changes_no_row")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "brain.db")
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store, tmp_path: Path) -> Ledger:
    return Ledger(store, tmp_path)


def filled(ledger: Ledger, rows: int = 5) -> Ledger:
    for number in range(rows):
        ledger.append("intent", action="cloud.generate", bytes=number, host="a.example")
    return ledger


def past_the_triggers(store: Store, *statements: str) -> None:
    """Change the file as another program would."""
    conn = store.connection.conn
    for name in TRIGGERS:
        conn.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert conn.execute(statement).rowcount > 0


def test_an_empty_ledger_and_one_with_rows_hold(ledger: Ledger) -> None:
    assert ledger.verify().faults == ()
    assert filled(ledger).verify() == Verified(5, ())
    assert [entry.id for entry in ledger.entries()] == [1, 2, 3, 4, 5]
    assert ledger.entry(3).facts == {
        "action": "cloud.generate",
        "bytes": 2,
        "host": "a.example",
    }


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET hash = ''", "DELETE FROM ledger WHERE id = 5"]
)
def test_no_row_is_changed_or_deleted(
    statement: str, store: Store, ledger: Ledger
) -> None:
    filled(ledger)
    with pytest.raises(BrainError, match="ledger"), store.write() as conn:
        conn.execute(statement)
    assert ledger.verify().rows == 5


def test_every_flipped_byte_is_named_by_its_row_alone(
    store: Store, ledger: Ledger
) -> None:
    filled(ledger)
    conn = store.connection.conn
    for name in TRIGGERS:
        conn.execute(f"DROP TRIGGER {name}")
    chance = random.Random(20261128)
    for _ in range(60):
        row = chance.randrange(1, 6)
        column = chance.choice(("record", "hash"))
        (text,) = conn.execute(
            f"SELECT {column} FROM ledger WHERE id=?", (row,)
        ).fetchone()
        data = bytearray(text.encode())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        change = f"UPDATE ledger SET {column}=CAST(? AS TEXT) WHERE id=?"
        conn.execute(change, (bytes(data), row))
        faults = ledger.verify().faults
        assert faults
        assert {
            word for fault in faults for word in fault.split() if word.isdigit()
        } == {str(row)}
        conn.execute(change, (text.encode(), row))
    assert ledger.verify().faults == ()


def test_a_cut_tail_is_noticed_also_when_it_grew_again(
    store: Store, ledger: Ledger
) -> None:
    filled(ledger)
    past_the_triggers(store, "DELETE FROM ledger WHERE id >= 4")
    assert ledger.verify().faults == ("the rows from 4 to 5 are missing",)
    filled(ledger, 3)
    assert "row 4 is not the one that was noted" in ledger.verify().faults[0]


def test_a_row_in_the_middle_that_is_gone_is_noticed(
    store: Store, ledger: Ledger
) -> None:
    filled(ledger)
    past_the_triggers(store, "DELETE FROM ledger WHERE id = 3")
    assert ledger.verify().faults == ("the rows from 3 to 3 are missing",)


def test_a_head_that_is_gone_is_noticed(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    (tmp_path / HEAD).unlink()
    assert ledger.verify().faults != ()
    assert ledger.verify().faults != ()  # a look does not heal it


def test_rewritten_rows_disagree_with_the_head(store: Store, ledger: Ledger) -> None:
    """Somebody makes a new chain that is sound in itself."""
    filled(ledger)
    past_the_triggers(store, "DELETE FROM ledger")
    again = Ledger(store, ledger._home)
    filled(again, 5)
    assert "row 1 is not the one that was noted" in again.verify().faults[0]


DIE = """
import sys
from pathlib import Path
from brain.governance.ledger import Ledger
from brain.store import Store
home = Path(sys.argv[1])
Ledger(Store.open(home / "brain.db"), home).append("halt", because="a test")
"""


def test_a_kill_between_the_row_and_the_head_is_healed(
    ledger: Ledger, tmp_path: Path
) -> None:
    filled(ledger)
    environ = {VARIABLE: "ledger.before_head:1:exit", "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", DIE, str(tmp_path)], env=environ, cwd=ROOT, check=False
    )
    assert run.returncode == KILLED
    assert "6 " not in (tmp_path / HEAD).read_text()
    assert ledger.verify().faults == ()
    assert "6 " in (tmp_path / HEAD).read_text()
    assert ledger.append("resume") == 7


def test_a_line_of_the_head_that_was_cut_short_is_healed(
    ledger: Ledger, tmp_path: Path
) -> None:
    filled(ledger)
    head = tmp_path / HEAD
    head.write_bytes(head.read_bytes()[:-20])
    ledger.append("resume")
    assert ledger.verify().faults == ()
    assert len(set(head.read_text().split("\n")) - {""}) == 7


def test_a_row_inside_a_transaction_goes_with_it(store: Store, ledger: Ledger) -> None:
    filled(ledger)
    with pytest.raises(RuntimeError), store.write():
        ledger.append("label", document="d")
        raise RuntimeError
    assert ledger.verify() == Verified(5, ())
    with store.write():
        ledger.append("label", document="d")
    ledger.note_head()
    assert ledger.verify().rows == 6


def test_bodies_are_kept_byte_for_byte_and_private(
    ledger: Ledger, tmp_path: Path
) -> None:
    body = b'{"a": "\xc3\xa9\x00"}'
    row = ledger.append("intent", **{BODY_SHA: sha256(body).hexdigest()})
    ledger.keep_body(row, body)
    place = tmp_path / FOLDER / "bodies" / str(row)
    assert ledger.body(row) == body
    assert place.stat().st_mode & 0o777 == 0o600
    assert ledger.verify().faults == ()
    place.write_bytes(body + b" ")
    assert ledger.verify().faults == (
        f"the bytes that are kept of row {row} are not those that left",
    )
    with pytest.raises(NotFound):
        ledger.body(row + 1)


def test_bodies_go_after_ninety_days(store: Store, tmp_path: Path) -> None:
    now = [datetime.now(UTC)]
    ledger = Ledger(store, tmp_path, now=lambda: now[0])
    first = ledger.append("intent")
    ledger.keep_body(first, b"old")
    now[0] += timedelta(days=KEPT_DAYS, hours=1)
    second = ledger.append("intent")
    ledger.keep_body(second, b"new")
    with pytest.raises(NotFound):
        ledger.body(first)
    assert ledger.body(second) == b"new"


def test_verifying_removes_the_bodies_whose_time_is_over(
    store: Store, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    row = Ledger(store, tmp_path).append("intent")
    Ledger(store, tmp_path).keep_body(row, b"old")
    later = now + timedelta(days=KEPT_DAYS, hours=1)
    Ledger(store, tmp_path, now=lambda: later).verify()
    assert list((tmp_path / FOLDER / "bodies").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_body_that_cannot_be_read_is_a_fault_of_its_row(
    kind: str, ledger: Ledger, tmp_path: Path
) -> None:
    for body in (b"one", b"two"):
        row = ledger.append("intent", **{BODY_SHA: sha256(body).hexdigest()})
        ledger.keep_body(row, body)
    first = tmp_path / FOLDER / "bodies" / "1"
    first.unlink()
    make = {"link": lambda: first.symlink_to("2"), "folder": first.mkdir}
    make.get(kind, lambda: os.mkfifo(first))()
    (fault,) = ledger.verify().faults
    assert fault.startswith("what is kept of row 1 cannot be read: ")


@pytest.mark.parametrize("value", [1.5, True, None, b"x", ("a", 2.0), ["a"]])
def test_only_what_is_written_in_one_way_is_a_fact(
    value: object, ledger: Ledger
) -> None:
    with pytest.raises(TypeError, match="whole numbers and texts"):
        ledger.append("intent", fact=value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no kind"):
        ledger.append("other")


def test_two_programs_append_to_one_chain(store: Store, tmp_path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", DIE, str(tmp_path)], cwd=ROOT)
        for _ in range(4)
    ]
    assert [child.wait() for child in children] == [0] * 4
    with closing(sqlite3.connect(tmp_path / "brain.db")) as conn:
        assert conn.execute("SELECT count(*) FROM ledger").fetchone() == (4,)
    assert Ledger(store, tmp_path).verify().faults == ()

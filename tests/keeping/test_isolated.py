"""The limited child process: the same answers as here, and whatever happens in there is an error in two lines."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from brain.app import Brain
from brain.errors import StoreError
from brain.keeping import files, isolated
from brain.store import copies, freed

OTHER = """
import sys
from brain import child
from brain.keeping import isolated
isolated._tasks = lambda: {{'judge': lambda path, compare: {what}}}
child.serve("brain.keeping.isolated:answer", "network", "programs", "files")
"""
HELD = """
import sys
from pathlib import Path
from brain.store.connection import connect
from brain.keeping import isolated
from brain.keeping import files, isolated
connection = connect(Path(sys.argv[1]) / "brain.db")
connection.conn.execute("SELECT count(*) FROM documents").fetchone()
{what}(Path(sys.argv[1]), [b"no such words in it"], without=[])
print("LOOKED", flush=True)
input()
"""


@pytest.fixture
def home(brain: Brain) -> Path:
    brain.note("The boiler is mended before winter.", title="Boiler")
    brain.close()
    return brain.config.home


def judged(path: Path, what: str, seconds: int = 30) -> object:
    command = [sys.executable, "-c", OTHER.format(what=what)]
    return isolated._apart("judge", path, seconds, True, command=command)


def test_it_answers_what_this_process_would(home: Path, tmp_path: Path) -> None:
    made = copies.snapshot(
        home / "brain.db", tmp_path / "copy.db", made_at="2026-05-07T09:12:00+00:00"
    )
    assert (
        isolated.judge(tmp_path / "copy.db")
        == copies.judge(tmp_path / "copy.db")
        == made
    )
    pieces = [b"boiler is mended", "Wörter, die nirgends stehen".encode()]
    assert (
        isolated.left_in(home, pieces, without=[])
        == files.left_in(home, pieces, without=[])
        == [str(home / "brain.db")]
    )
    assert isolated.left_in(home, pieces, without=[home / "brain.db"]) == []
    assert isolated.freed(home / "brain.db") == 0
    with pytest.raises(FileNotFoundError):
        isolated.judge(tmp_path / "nothing.db")
    (tmp_path / "strange.db").write_bytes(b"PK\3\4")
    with pytest.raises(StoreError, match="is not a brain database"):
        isolated.judge(tmp_path / "strange.db")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            "__import__('os').kill(__import__('os').getpid(), 11)",
            r"ends the process that looks into it \(signal 11\)",
        ),
        (
            "__import__('os')._exit(3)",
            r"ends the process that looks into it \(status 3\)",
        ),
        ("[bytes(2**27) for _ in range(16)]", "needs more than 1,024 MB"),
        (
            "[None for _ in iter(int, 1)]",
            # by its processor seconds, or, on a machine that gives it few, by its deadline
            r"ends the process that looks into it \(signal|took too long to look into",
        ),
    ],
    ids=["crash", "exit", "memory", "endless"],
)
def test_a_file_that_harms_its_reader_is_an_error(
    tmp_path: Path, what: str, said: str
) -> None:
    (tmp_path / "x.db").touch()
    with pytest.raises(StoreError, match=said) as caught:
        judged(tmp_path / "x.db", what, seconds=1)
    assert caught.value.hint == "do not use it; nothing was changed"


@pytest.mark.parametrize(
    "what",
    [
        "open(path + '.new', 'w')",
        "__import__('os').open(path + '.new', 0o101)",
        "__import__('os').rename(path, path + '.new')",
        "__import__('os').unlink(path)",
        "__import__('subprocess').run(['touch', path + '.new'])",
        "__import__('os').system('touch ' + path + '.new')",
        "__import__('socket').create_connection(('127.0.0.1', 9))",
        "__import__('socket').gethostbyname('localhost')",
        "__import__('socket').gethostbyaddr('127.0.0.1')",
        "__import__('socket').getnameinfo(('127.0.0.1', 9), 0)",
    ],
)
def test_it_writes_nothing_and_reaches_nobody(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.db"
    path.touch()
    with pytest.raises(OSError, match="is not allowed"):
        judged(path, what)
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["x.db"]


def test_a_foreign_database_is_looked_at_and_nothing_else(home: Path) -> None:
    """What a schema could make us run is refused before it runs."""
    with closing(copies._untrusted(home / "brain.db")) as conn:
        assert conn.execute("SELECT count(*) FROM documents").fetchone() == (1,)
        for statement in (
            "ATTACH 'x.db' AS x",
            "CREATE TEMP TABLE t (x)",
            "DELETE FROM documents",
            "BEGIN",
        ):
            with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
                conn.execute(statement)


@pytest.mark.parametrize(
    ("what", "kept"), [("isolated.left_in", True), ("files.left_in", False)]
)
def test_looking_at_the_database_past_sqlite_keeps_its_locks(
    home: Path, what: str, kept: bool
) -> None:
    """Done in this process it would lose them: the second case shows that the first could fail."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HELD.format(what=what), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"LOOKED\n"
    try:
        with copies.alone(home / "brain.db", seconds=0.1):
            alone = True
    except StoreError:
        alone = False
    holder.communicate(b"\n")
    assert alone is not kept


def test_freed_pages_that_hold_something_are_counted(home: Path) -> None:
    """By a program that does not overwrite what it deletes, as ours does."""
    for secure, dirty in (("ON", False), ("OFF", True)):
        with closing(sqlite3.connect(home / "brain.db", isolation_level=None)) as conn:
            conn.execute(f"PRAGMA secure_delete={secure}")
            conn.execute(
                "CREATE TABLE more AS SELECT 'secret words ' || hex(randomblob(3000)) AS x FROM documents, documents"
            )
            conn.executemany(
                "INSERT INTO more VALUES (?)", [("secret words " * 300,)] * 50
            )
            conn.execute("DROP TABLE more")
            free = conn.execute("PRAGMA freelist_count").fetchone()[0]
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert free > 40
        assert (freed.freed(home / "brain.db") > 0) is dirty

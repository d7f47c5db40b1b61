"""Odd homes: a pipe where a file belongs, a disk that takes no writing, a name that is no UTF-8, a zone that is none."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config, load, settle_zone
from brain.errors import BrainError, StoreError, UsageError
from brain.store.connection import connect, connect_read_only
from brain.types import Request

Folder = Callable[..., Path]
MAIN = "from brain.doors.cli import main; main()"
# Several commands of one process, then the one that is named.
DAY = """
import contextlib, io, sys
from brain.doors.cli import main, run
for words in (["search", "key"], ["doctor", "--deep"], ["backup"]):
    with contextlib.redirect_stdout(io.StringIO()):
        code = run(words)
    assert code == 0, (words, code)
main()
"""
SECONDS = 60  # nobody waits so long for a pipe to be read


def run(
    home: Path | bytes, *words: str, main: str = MAIN, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own, since a hang is what is looked for."""
    settings = {
        "BRAIN_HOME": os.fsdecode(home),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
        "PATH": os.environ["PATH"],
        **environ,
    }
    return subprocess.run(
        [sys.executable, "-c", main, *words],
        env=settings,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


def filled(config: Config) -> None:
    with Brain(config) as brain:
        brain.note("The key is under the mat.")
        brain.search(Request("key"))


def test_a_pipe_as_the_settings_is_refused(config: Config) -> None:
    config.home.mkdir(mode=0o700)
    os.mkfifo(config.home / "config.toml")
    with pytest.raises(BrainError, match="cannot be read: not a regular file"):
        load(config.home, {})
    (config.home / "config.toml").unlink()
    (config.home / "config.toml").mkdir()
    with pytest.raises(BrainError, match="cannot be read"):
        load(config.home, {})


@pytest.mark.parametrize("name", ["brain.db", "brain.db-wal", "brain.db-shm"])
def test_a_pipe_as_the_database_is_refused(name: str, config: Config) -> None:
    config.home.mkdir(mode=0o700)
    os.mkfifo(config.home / name)
    with pytest.raises(StoreError, match="no regular file"):
        connect(config.database)


def test_pipes_in_the_index_and_among_the_backups_hang_nothing(config: Config) -> None:
    filled(config)
    for file in config.index_dir.glob("*.f32"):
        file.unlink()
        os.mkfifo(file)
    backups = config.home / "backups"
    backups.mkdir()
    os.mkfifo(backups / "brain-20260504T100000Z.db")
    os.mkfifo(config.home / "some.log")
    with Brain(config) as brain:
        assert brain.search(Request("where is the key")).passages
        brain.keep.doctor(deep=True)
        brain.keep.backup()
        brain.keep.erase([brain.library.documents()[0].id], dry_run=False)


def test_a_question_before_the_first_note_leaves_a_sound_store(brain: Brain) -> None:
    brain.recall(Request("what did I do"))
    brain.search(Request("anything"))
    brain.close()
    assert {item.id for item in brain.keep.doctor() if item.level != "ok"} <= {"D16"}
    brain.note("The key is under the mat.")
    assert brain.search(Request("key")).passages


def test_a_read_only_store_is_read_and_not_written(config: Config) -> None:
    filled(config)
    before = config.database.read_bytes()
    with closing(connect_read_only(config.database)) as connection:
        (count,) = connection.conn.execute("SELECT count(*) FROM documents").fetchone()
        assert count == 1
        with pytest.raises(StoreError, match="takes no writing"), connection.write():
            pass
    assert config.database.read_bytes() == before


def test_what_still_stands_in_the_log_of_a_read_only_store_is_read(
    config: Config, tmp_path: Path
) -> None:
    filled(config)
    away = tmp_path / "away"
    away.mkdir()
    with closing(sqlite3.connect(config.database, isolation_level=None)) as conn:
        conn.execute("PRAGMA wal_autocheckpoint=0")
        conn.execute("UPDATE documents SET title='in the log'")
        for end in ("", "-wal"):
            shutil.copy(f"{config.database}{end}", away / f"brain.db{end}")
    names = set(os.listdir(away))
    with closing(connect_read_only(away / "brain.db")) as connection:
        titles = connection.conn.execute("SELECT title FROM documents").fetchall()
    assert titles == [("in the log",)]
    assert set(os.listdir(away)) == names


@pytest.fixture
def read_only(config: Config) -> Iterator[Path]:
    """The home on a mount that takes no writing, where this machine lets us mount."""
    filled(config)
    home = str(config.home)
    mounted = subprocess.run(
        ["mount", "--bind", home, home], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    subprocess.run(["mount", "-o", "remount,ro,bind", home], check=False)
    try:
        yield config.home
    finally:
        subprocess.run(["umount", home], check=True)


def test_a_home_on_a_read_only_disk_is_read(read_only: Path, config: Config) -> None:
    with Brain(config) as brain:
        assert brain.search(Request("where is the key")).passages
        assert brain.ask(Request("where is the key")).passages
        assert brain.recall(Request("key")).episodes
        assert brain.status().documents == 1
        assert {
            item.id for item in brain.keep.doctor() if item.level == "error"
        } == set()
        brain.sync()
        with pytest.raises(StoreError, match="takes no writing"):
            brain.note("another")
    ran = run(read_only, "list")
    assert ran.returncode == 0
    assert b"takes no writing" in ran.stderr


def test_a_home_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    home = os.fsencode(tmp_path) + b"/h\xff"
    assert run(home, "add", "--note", "The key is under the mat.").returncode == 0
    ran = run(home, "status", "--json", main=DAY)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["home"].endswith("/h\\xff")


def test_a_zone_that_cannot_be_is_said_and_times_are_in_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run(tmp_path / "home", "add", "--note", "hello", TZ="AAA+99")
    assert (ran.returncode, b"is no time zone: times are in UTC" in ran.stderr) == (
        0,
        True,
    )
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert settle_zone() == ""


@pytest.mark.parametrize("value", ["1e400", "inf", "nan", "1e30", "99999999999999"])
def test_numbers_that_cannot_be_are_refused(value: str, config: Config) -> None:
    config.home.mkdir(mode=0o700)
    for line in (
        f"[ingest]\nfile_bytes = {value}\n",
        f"[ollama]\nidle_seconds = {value}\n",
    ):
        (config.home / "config.toml").write_text(line)
        with pytest.raises(UsageError, match=r"_bytes|_seconds") as refused:
            load(config.home, {})
        assert refused.value.hint.startswith("it must be")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("threads = 0", "it must be 1 or more"),
        ("threads = 65", "it must be at most 64"),
        ('reader = "on"', "it must be one of: builtin, off"),
    ],
)
def test_settings_of_the_shipped_models_are_checked(
    config: Config, line: str, hint: str
) -> None:
    config.home.mkdir(mode=0o700)
    (config.home / "config.toml").write_text(f"[models]\n{line}\n")
    with pytest.raises(UsageError, match=r"models\.") as refused:
        load(config.home, {})
    assert refused.value.hint.startswith(hint)

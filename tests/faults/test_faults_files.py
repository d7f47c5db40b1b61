"""Fault F7 of docs/FAULTS.md: the database, its log and its shared memory damaged, cut short or gone."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config, Models
from brain.errors import BrainError
from brain.reports import Check
from brain.store import copies
from brain.types import Request
from tests.end_to_end import ROOT, checked
from tests.end_to_end import brain as run
from tests.fault_victims import write_notes

OLD, NEW = (
    20,
    40,
)  # documents in the database itself, and those whose commits stand in its log alone
DAMAGES = ("bit", "bit", "zero page", "zeros", "cut", "garbage")
READS = (
    ["search", "w7x", "--lexical"],
    ["search", "page w7x"],
    ["ask", "what is w7x?"],
    ["list"],
    ["get", "00007.md"],
    ["status"],
)
LOGGED = """
import os, sys
from pathlib import Path
from brain.app import Brain
from brain.config import load
with Brain(load()) as opened:
    opened.resources.store.connection.conn.execute("PRAGMA wal_autocheckpoint=0")
    for path in sorted(Path(sys.argv[1]).iterdir()):
        opened.add([path])
    os._exit(0)  # as a kill -9: the log is not written back
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("notes")
    write_notes(place / "old", range(OLD))
    write_notes(place / "new", range(100, 100 + NEW))
    return place


@pytest.fixture(scope="module")
def logged(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose last forty commits are in `brain.db-wal` only."""
    home = tmp_path_factory.mktemp("logged") / "home"
    with Brain(Config(home=home, models=Models("wordllama", "builtin"))) as brain:
        brain.add([notes / "old"])
    environ = {
        **os.environ,
        "BRAIN_HOME": str(home),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
    }
    subprocess.run(
        [sys.executable, "-c", LOGGED, str(notes / "new")],
        cwd=ROOT,
        env=environ,
        check=True,
    )
    assert (home / "brain.db-wal").stat().st_size > 100_000
    return home


def damage(path: Path, how: str, rng: random.Random) -> None:
    size = path.stat().st_size
    if how == "cut":
        os.truncate(path, rng.randrange(size))
        return
    at, length = (
        rng.randrange(size),
        {"bit": 1, "zeros": rng.randrange(1, 512), "garbage": 64}.get(how, 4096),
    )
    with path.open("r+b") as file:
        file.seek(at // 4096 * 4096 if how == "zero page" else at)
        at = file.tell()
        old = file.read(length)
        new = {
            "bit": bytes([old[0] ^ 1 << rng.randrange(8)]),
            "garbage": rng.randbytes(len(old)),
        }.get(how, bytes(len(old)))
        file.seek(at)
        file.write(new)


def stored(home: Path) -> list[str]:
    """Names of the documents in the order in which they were acknowledged; the store passes every check."""
    found = checked(home)
    return sorted(Path(uri).name for uri in found.documents)


# -- the log ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed",
    [
        *range(6),
        *(pytest.param(seed, marks=pytest.mark.fault) for seed in range(6, 60)),
    ],
)
def test_f07_a_damaged_log_loses_the_last_commits_and_nothing_before(
    logged: Path, notes: Path, tmp_path: Path, seed: int
) -> None:
    """What is left is what stood there at some moment, whole; the same command adds the rest."""
    rng = random.Random(seed)
    home = tmp_path / "home"
    shutil.copytree(logged, home)
    damage(home / "brain.db-wal", DAMAGES[seed % len(DAMAGES)], rng)
    if rng.random() < 0.5:
        (home / "brain.db-shm").unlink(missing_ok=True)
    order = [f"{n:05}.md" for n in (*range(OLD), *range(100, 100 + NEW))]
    left = stored(home)
    assert left == order[: len(left)], "the first so many, without a hole"
    assert len(left) >= OLD
    for words in READS:
        ran = run(*words)
        assert ran.code == 0, (words, ran.stderr)
    assert run("add", notes / "old", notes / "new").code == 0
    assert stored(home) == order


@pytest.mark.parametrize("how", ["gone", "empty", "garbage", "cut", "zero page"])
def test_f07_the_shared_memory_file_is_worth_nothing(
    logged: Path, tmp_path: Path, how: str
) -> None:
    home = tmp_path / "home"
    shutil.copytree(logged, home)
    shared = home / "brain.db-shm"
    if how == "gone":
        shared.unlink(missing_ok=True)
    elif how == "empty":
        shared.write_bytes(b"")
    else:
        shared.write_bytes(random.Random(7).randbytes(32_768))
        damage(shared, how, random.Random(7))
    assert run("search", "w107x", "--lexical").code == 0
    assert len(stored(home)) == OLD + NEW


def test_f07_a_log_that_is_gone_leaves_what_was_written_back(
    logged: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(logged, home)
    (home / "brain.db-wal").unlink()
    assert run("list").code == 0
    assert len(stored(home)) == OLD


# -- the database ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A closed home with something in every table that a person fills, and the digest of all that it holds."""
    home = tmp_path_factory.mktemp("whole") / "home"
    with Brain(Config(home=home, models=Models("wordllama", "builtin"))) as brain:
        brain.add([notes / "old"], tags=["paper"])
        brain.note("The spare key is with Ana.", title="Keys")
        brain.ask(Request("what is the word of page w7x?", limit=8))
        brain.library.forget(
            [
                next(
                    row.id
                    for row in brain.library.documents()
                    if row.source.endswith("00003.md")
                )
            ],
            dry_run=False,
        )
        digest = copies.digest(brain.resources.store.connection.conn)
    return home, digest


def in_two_lines_or_well(words: list[str], found: bool) -> None:
    """A row that makes no sense may stop a command; then it names the doctor, who knows of it."""
    ran = run(*words)
    assert ran.code in (0, 1, 3, 6), (words, ran.stderr)
    if ran.code == 1:
        _said, hint = ran.two_lines()
        assert "`brain doctor" in hint, (words, ran.stderr)
        assert found, (words, ran.stderr)


@pytest.mark.parametrize(
    "seed",
    [
        *range(6),
        *(pytest.param(seed, marks=pytest.mark.fault) for seed in range(6, 206)),
    ],
)
@pytest.mark.fault
def test_f07_damage_to_the_database_is_found_or_harmless(
    whole: tuple[Path, str], tmp_path: Path, config: Config, seed: int
) -> None:
    """No command ends with a traceback or a signal, and the deep look finds whatever changed what is stored."""
    home, digest = tmp_path / "home", whole[1]
    shutil.copytree(whole[0], home)
    damage(home / "brain.db", DAMAGES[seed % len(DAMAGES)], random.Random(seed))
    try:
        with Brain(config) as brain:
            found = brain.keep.doctor(deep=True, repair=False)
            try:
                same = copies.digest(brain.resources.store.connection.conn) == digest
            except sqlite3.Error:
                same = False
    except BrainError as error:  # it says so when it is opened
        found, same = (
            [
                Check(
                    "D03",
                    "structure of the database",
                    "error",
                    error.message,
                    error.hint,
                )
            ],
            False,
        )
    faults = [check for check in found if check.level != "ok" and check.id != "D16"]
    assert same or faults, "something changed and was not found"
    assert all(check.hint for check in faults)
    for words in READS:
        in_two_lines_or_well(words, bool(faults))


def test_f07_an_undamaged_copy_has_no_finding(
    whole: tuple[Path, str], tmp_path: Path, config: Config
) -> None:
    shutil.copytree(whole[0], tmp_path / "home")
    with Brain(config) as brain, closing(brain.resources.store.connection):
        found = brain.keep.doctor(deep=True, repair=False)
        assert [check.id for check in found if check.level != "ok"] == ["D16"]
        assert copies.digest(brain.resources.store.connection.conn) == whole[1]

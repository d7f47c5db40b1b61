"""Backups hold what the store held, are whole or not there, and come back; a strange or damaged file changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.app.capture import remember_episodes
from brain.config import Config, Models
from brain.config.secret import NO_SECRET, Secret
from brain.errors import BrainError, StoreError, UsageError
from brain.faults import KILLED, VARIABLE
from brain.keeping import backup as backups
from brain.keeping.backup import folders
from brain.keeping.restore import restore
from brain.reports import BackupReport, RebuildReport, RestoreReport
from brain.store import Store, copies
from brain.store.connection import connect
from brain.types import Episode, Request
from tests.fake_brain import brain as command

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with two notes and an episode."""
    home = tmp_path_factory.mktemp("template") / "home"
    with Brain(Config(home=home, models=Models("wordllama", "builtin"))) as brain:
        brain.note("The landlord mends the boiler before winter.", title="Lease")
        brain.note("Black tea wants water at 96 degrees.", title="Tea")
        remember_episodes(
            brain.resources,
            [
                Episode(
                    "",
                    "2026-05-07T10:00:00+00:00",
                    "import",
                    "how hot is the water?",
                    "96 degrees",
                )
            ],
        )
    return home


@pytest.fixture
def brain(template: Path, config: Config) -> Iterator[Brain]:
    """A `Brain` over a copy of it."""
    shutil.copytree(template, config.home)
    with Brain(config, now=lambda: NOON) as opened:
        yield opened


def state(home: Path) -> str:
    with closing(sqlite3.connect(home / "brain.db")) as conn:
        return copies.digest(conn)


def names(home: Path) -> list[str]:
    return sorted(
        path.name
        for path in home.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )


# -- making ---------------------------------------------------------------------------------------------------------------


def test_a_backup_holds_what_the_store_held(brain: Brain) -> None:
    made = brain.keep.backup()
    path = Path(made.path)
    assert path == brain.config.home / "backups" / "brain-20260507T120000Z.db"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        0o600,
        0o700,
    )
    assert made.digest == state(brain.config.home) == copies.judge(path).stated
    assert (made.documents, made.chunks, made.episodes) == (3, 3, 3)
    assert names(path.parent) == [path.name]
    assert brain.keep.backup().path.endswith("brain-20260507T120000Z-2.db")


def test_a_backup_in_a_folder_of_ones_own_is_remembered(
    brain: Brain, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    made = brain.keep.backup(tmp_path / "disk")
    assert Path(made.path).parent == tmp_path / "disk"
    assert folders(brain.resources.store, brain.config) == (
        brain.config.home / "backups",
        tmp_path / "disk",
    )
    checks = {check.id: check for check in brain.keep.doctor(deep=False, repair=False)}
    assert "would come back" in checks["D16"].message


def test_a_backup_while_others_write_is_of_one_moment(brain: Brain) -> None:
    """A writer keeps two rows equal; no copy ever sees them differ."""
    stop = threading.Event()

    def write() -> None:
        mine = connect(brain.config.database)
        n = 0
        while not stop.is_set():
            n += 1
            with mine.write():
                for name in ("a", "b"):
                    mine.conn.execute(
                        "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)",
                        (name, str(n)),
                    )
        mine.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            made = brain.keep.backup()
            with closing(sqlite3.connect(made.path)) as conn:
                pair = dict(
                    conn.execute(
                        "SELECT name, value FROM settings WHERE name IN ('a', 'b')"
                    )
                )
            assert len(set(pair.values())) <= 1, number
    finally:
        stop.set()
        writer.join()


def faulty(fault: str, call: str, config: Config) -> subprocess.CompletedProcess[bytes]:
    """Run a call on `Brain` in a process in which this fault strikes."""
    code = f"from pathlib import Path; from brain.app import Brain; from brain.config import load; Brain(load()).{call}"
    environ = {
        "BRAIN_HOME": str(config.home),
        VARIABLE: fault,
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("step", ["backup.after_copy", "backup.before_rename"])
def test_a_kill_leaves_no_half_backup(step: str, brain: Brain) -> None:
    before = state(brain.config.home)
    run = faulty(f"{step}:1:exit", "keep.backup()", brain.config)
    assert run.returncode == KILLED, run.stderr
    assert backups.found(brain.config.home / "backups") == []
    assert state(brain.config.home) == before
    assert copies.judge(Path(brain.keep.backup().path)).digest == before


@pytest.mark.parametrize("step", ["backup.after_copy", "backup.before_rename"])
def test_a_full_disk_leaves_no_half_backup(step: str, brain: Brain) -> None:
    run = faulty(f"{step}:1:enospc", "keep.backup()", brain.config)
    assert run.returncode == 1
    assert b"No space left" in run.stderr
    assert names(brain.config.home / "backups") == []


def test_a_folder_that_cannot_be_written_is_said_in_two_lines(
    brain: Brain, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BrainError) as caught:
        brain.keep.backup(tmp_path / "file" / "deeper")
    assert caught.value.hint


def test_the_digest_tells_every_value_and_its_kind_apart() -> None:
    def of(*values: object) -> str:
        with closing(sqlite3.connect(":memory:")) as conn:
            conn.execute("CREATE TABLE t (a, b, PRIMARY KEY (a)) WITHOUT ROWID")
            conn.execute("INSERT INTO t VALUES (?, ?)", values)
            return copies.digest(conn)

    seen = [
        of(1, 2),
        of(1, "2"),
        of(1, None),
        of(1, b"n;"),
        of(12, ""),
        of(1, 2.0),
        of(1, "2\0"),
        of("1", 2),
    ]
    assert len(set(seen)) == len(seen)
    assert of(1, 2) == of(1, 2)


# -- keeping --------------------------------------------------------------------------------------------------------------


def made_at(*moments: datetime) -> list[backups.Backup]:
    return [backups.Backup(Path(f"{n}"), at) for n, at in enumerate(moments)]


def test_the_rule_keeps_the_newest_of_each_day_week_and_month() -> None:
    daily = made_at(
        *(NOON - timedelta(days=n) for n in range(400)), NOON - timedelta(hours=2)
    )
    gone = {backup.path for backup in backups.surplus(daily, {"d": 7, "w": 4, "m": 12})}
    kept = [backup for backup in daily if backup.path not in gone]
    assert {b.at.date() for b in kept[:7]} == {
        date(2026, 5, 7) - timedelta(days=n) for n in range(7)
    }
    assert len({(b.at.year, b.at.month) for b in kept}) == 12
    assert NOON - timedelta(hours=2) not in {b.at for b in kept}
    assert (
        len(kept) == 7 + 2 + 11
    )  # of the four newest weeks two are covered by days, of the twelve months one


@given(
    st.lists(
        st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 9),
)
def test_the_newest_always_stays_and_a_second_look_removes_nothing(
    moments: list[datetime], count: int
) -> None:
    present = made_at(*(at.replace(tzinfo=UTC) for at in moments))
    rule = {"d": count, "m": 1}
    gone = {b.path for b in backups.surplus(present, rule)}
    kept = [b for b in present if b.path not in gone]
    assert max(b.at for b in present) in {b.at for b in kept}
    assert backups.surplus(kept, rule) == []


def test_until_when_a_backup_stays() -> None:
    today = date(2026, 5, 7)
    [one] = made_at(NOON)
    assert backups.gone_by(one, [one], {"d": 7}, today) == date(
        2026, 5, 7
    )  # another one of this day takes its place
    [old] = made_at(NOON - timedelta(days=1))
    assert backups.gone_by(old, [old], {"d": 7}, today) == date(2026, 5, 13)
    assert backups.gone_by(old, [old], None, today) is None


@pytest.mark.parametrize("text", ["", "7", "d7", "7d,", "0d", "7x", "-1d", "7d;4w"])
def test_a_rule_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="no rule"):
        backups.parse_keep(text)


def test_keep_removes_backups_and_nothing_else(brain: Brain) -> None:
    folder = brain.config.home / "backups"
    brain.keep.backup()
    (folder / "holiday.db").write_text("mine")
    made = brain.keep.backup(keep="1d")
    assert made.removed == (str(folder / "brain-20260507T120000Z.db"),)
    assert names(folder) == ["brain-20260507T120000Z-2.db", "holiday.db"]


# -- sealed ---------------------------------------------------------------------------------------------------------------


def test_a_sealed_backup_shows_nothing_and_comes_back_by_its_passphrase(
    brain: Brain,
) -> None:
    before = state(brain.config.home)
    made = brain.keep.backup(secret=Secret("correct horse"))
    path = Path(made.path)
    assert path.name.endswith(".db.age")
    assert b"landlord" not in path.read_bytes()
    assert names(path.parent) == [path.name]
    with pytest.raises(UsageError, match="encrypted"):
        brain.keep.restore(path)
    assert brain.keep.restore(path, secret=Secret("correct horse")).done
    assert state(brain.config.home) == before


def test_a_backup_for_a_key_comes_back_by_that_key(
    brain: Brain, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# mine\n{identity}\n")
    made = brain.keep.backup(secret=Secret(recipients=(str(identity.to_public()),)))
    assert brain.keep.restore(
        Path(made.path), secret=Secret(identity=tmp_path / "key.txt")
    ).verified
    (tmp_path / "other.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(BrainError, match="does not open"):
        brain.keep.restore(
            Path(made.path), secret=Secret(identity=tmp_path / "other.txt")
        )
    with pytest.raises(UsageError, match="cannot be encrypted"):
        brain.keep.backup(secret=Secret(recipients=("age1nonsense",)))


# -- taking back ----------------------------------------------------------------------------------------------------------


def test_restoring_brings_everything_back_and_keeps_what_was_there(
    brain: Brain,
) -> None:
    home = brain.config.home
    made = brain.keep.backup()
    brain.search(Request("boiler"))
    brain.note("A later thought about marmalade.", title="Later")
    later = state(home)
    report = brain.keep.restore(Path(made.path))
    assert report.done
    assert report.verified
    assert state(home) == made.digest
    with closing(sqlite3.connect(report.kept)) as conn:
        assert copies.digest(conn) == later
    assert brain.search(Request("boiler")).passages
    assert not brain.search(Request("marmalade", mode="lexical")).passages
    checks = brain.keep.doctor(deep=True, repair=False)
    assert [check for check in checks if check.level == "error"] == []
    assert {path.stat().st_mode & 0o077 for path in home.rglob("*")} == {0}


def test_restoring_into_another_home(brain: Brain, tmp_path: Path) -> None:
    made = brain.keep.backup()
    report = brain.keep.restore(Path(made.path), to=tmp_path / "other")
    assert (report.done, report.kept) == (True, "")
    assert state(tmp_path / "other") == made.digest
    with Brain(replace(brain.config, home=tmp_path / "other")) as other:
        assert other.search(Request("boiler")).passages


def test_looking_only_changes_nothing(brain: Brain) -> None:
    made = brain.keep.backup()
    before = names(brain.config.home)
    report = brain.keep.restore(Path(made.path), dry_run=True)
    assert (report.done, report.documents) == (False, 3)
    assert names(brain.config.home) == before


def test_a_damaged_store_is_replaced_and_kept(brain: Brain) -> None:
    made = brain.keep.backup()
    brain.close()
    brain.config.database.write_bytes(b"no database any more" * 1000)
    Path(f"{brain.config.database}-wal").write_bytes(b"nor this" * 1000)
    report = brain.keep.restore(Path(made.path))
    assert state(brain.config.home) == made.digest
    assert Path(report.kept).read_bytes().startswith(b"no database")
    assert Path(f"{report.kept}-wal").read_bytes().startswith(b"nor this")


def sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as conn:
            for statement in statements:
                conn.execute(statement)
            conn.commit()

    return change


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"The landlord") + 6
    data[at] ^= 1
    path.write_bytes(data)


TRIGGER = (
    "CREATE TRIGGER evil AFTER INSERT ON knowledge BEGIN DELETE FROM documents; END"
)
BODY = "DROP TRIGGER knowledge_fts_insert"
STRANGE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a trigger more": ("evil", sql(TRIGGER)),
    "a trigger of our name with another body": (
        "knowledge_fts_insert",
        sql(
            BODY,
            "CREATE TRIGGER knowledge_fts_insert AFTER INSERT ON knowledge BEGIN SELECT 1; END",
        ),
    ),
    "a trigger less": ("lacks knowledge_gone", sql("DROP TRIGGER knowledge_gone")),
    "a view": ("spy", sql("CREATE VIEW spy AS SELECT * FROM documents")),
    "a table more": ("loot", sql("CREATE TABLE loot (x)")),
    "a virtual table": ("fake", sql("CREATE VIRTUAL TABLE fake USING fts5(x)")),
    "a table of our name with other columns": (
        "contexts",
        sql("DROP TABLE contexts", "CREATE TABLE contexts (source)"),
    ),
    "another application": ("not a brain database", sql("PRAGMA application_id=1")),
    "a newer schema": ("newer version", sql("PRAGMA user_version=99")),
    "a changed text": (
        "does not hold what was put into it",
        sql("UPDATE documents SET title = 'x'"),
    ),
    "a row that points at nothing": (
        "points at nothing",
        sql("INSERT INTO tags VALUES ('none', 'x', 'person', 0)"),
    ),
    "a flipped bit": ("does not hold what was put into it", flip),
    "a cut file": (
        "damaged",
        lambda path: os.truncate(path, path.stat().st_size - 20_000),
    ),
    "a tiny file": ("not a brain database", lambda path: os.truncate(path, 10)),
    "an empty file": ("not a brain database", lambda path: os.truncate(path, 0)),
    "a text": (
        "not a brain database",
        lambda path: path.write_text("hello" * 100) and None,
    ),
    "a log beside it": (
        "-wal",
        lambda path: Path(f"{path}-wal").write_bytes(b"x" * 100) and None,
    ),
    "no file": ("is no file", lambda path: path.unlink()),
    "a page of zeros": (
        "damaged",
        lambda path: (
            path.write_bytes(
                path.read_bytes()[:8192] + bytes(4096) + path.read_bytes()[12288:]
            )
            and None
        ),
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_or_damaged_file_is_refused_and_nothing_changes(
    name: str, brain: Brain
) -> None:
    words, change = STRANGE[name]
    path = Path(brain.keep.backup().path)
    brain.note("something newer", title="Newer")
    before = state(brain.config.home)
    change(path)
    with pytest.raises(BrainError) as caught:
        brain.keep.restore(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message or name == "no file"
    assert caught.value.hint
    assert state(brain.config.home) == before
    assert [
        found
        for found in names(brain.config.home)
        if "tmp" in found or "before" in found
    ] == []


def test_a_backup_of_an_untold_origin_says_so(brain: Brain) -> None:
    path = Path(brain.keep.backup().path)
    sql("DROP TABLE backup_facts")(path)
    report = brain.keep.restore(path)
    assert (report.done, report.verified) == (True, False)
    assert "no digest" in report.notices[0]


def test_damaged_full_text_in_a_backup_is_filled_anew(brain: Brain) -> None:
    path = Path(brain.keep.backup().path)
    sql("INSERT INTO knowledge_fts(knowledge_fts) VALUES ('delete-all')")(path)
    brain.keep.restore(path)
    assert brain.search(Request("boiler", mode="lexical")).passages


def unused(_store: Store, _raised: Mapping[str, list[str]]) -> None:
    raise AssertionError("there is no past to keep")


def test_a_store_in_use_is_not_replaced(brain: Brain) -> None:
    path = Path(brain.keep.backup().path)
    before = state(brain.config.home)
    with closing(sqlite3.connect(brain.config.database)) as other:
        other.execute("SELECT count(*) FROM documents").fetchone()
        index = names(brain.config.index_dir)
        with pytest.raises(StoreError, match="in use by another process"):
            restore(
                path, brain.config, now=NOON, secret=NO_SECRET, note=unused, seconds=0.1
            )
    assert names(brain.config.index_dir) == index
    assert state(brain.config.home) == before
    assert not [
        name for name in names(brain.config.home) if "tmp" in name or "before" in name
    ]


@pytest.mark.parametrize("step", ["restore.before_swap", "restore.after_swap"])
def test_a_kill_while_restoring_leaves_the_old_store_or_the_new_one(
    step: str, brain: Brain
) -> None:
    path = Path(brain.keep.backup().path)
    old = copies.judge(path).digest
    brain.note("something newer", title="Newer")
    new = state(brain.config.home)
    brain.close()
    run = faulty(f"{step}:1:exit", f"keep.restore(Path({str(path)!r}))", brain.config)
    assert run.returncode == KILLED, run.stderr
    assert state(brain.config.home) == (new if step == "restore.before_swap" else old)
    with Brain(brain.config) as again:
        assert not [
            check
            for check in again.keep.doctor(deep=True, repair=False)
            if check.level == "error"
        ]
        assert again.keep.restore(path).done
    assert state(brain.config.home) == old


# -- the commands ---------------------------------------------------------------------------------------------------------

MADE = BackupReport(
    "/b/brain-1.db",
    2_000_000,
    "d1",
    "2026-05-07T12:00:00+00:00",
    2,
    5,
    1,
    removed=("/b/old.db",),
)
PLAN = RestoreReport(
    "/b/x.db", "/home/me", "2026-05-07T12:00:00+00:00", 2, 5, 1, verified=True
)


def test_the_backup_command() -> None:
    ran = command("backup", "/b", "--keep", "7d", keep_backup=MADE)
    assert (ran.code, "1.9 MB" in ran.stdout, "removed /b/old.db" in ran.stdout) == (
        0,
        True,
        True,
    )
    assert ran.called("keep_backup") == [
        ((Path("/b"),), {"keep": "7d", "secret": NO_SECRET})
    ]
    assert (
        json.loads(command("backup", "--json", keep_backup=MADE).stdout)["digest"]
        == "d1"
    )
    assert (
        command("backup", "--encrypt", keep_backup=MADE).code == 2
    )  # nobody there to type a passphrase


def test_the_passphrase_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BRAIN_BACKUP_PASSPHRASE", "horse")
    ran = command("backup", "--encrypt", keep_backup=MADE)
    assert ran.called("keep_backup")[0][1]["secret"] == Secret("horse")
    assert "horse" not in ran.stdout + ran.stderr
    ran = command("restore", "x.db.age", "--dry-run", keep_restore=PLAN)
    assert ran.called("keep_restore")[0][1]["secret"] == Secret("horse")


def test_the_restore_command_shows_first() -> None:
    def answer(_path: Path, *, dry_run: bool, **_options: object) -> RestoreReport:
        return (
            PLAN
            if dry_run
            else replace(PLAN, done=True, kept="/home/me/brain.db.before-1")
        )

    ran = command("restore", "/b/x.db", keep_restore=answer)
    assert "would hold the backup" in ran.stdout
    assert "nothing was changed" in ran.stderr
    assert len(ran.called("keep_restore")) == 1
    ran = command("restore", "/b/x.db", "--yes", keep_restore=answer)
    assert "kept as /home/me/brain.db.before-1" in ran.stdout
    assert (
        json.loads(
            command("restore", "/b/x.db", "--yes", "--json", keep_restore=answer).stdout
        )["done"]
        is True
    )


def test_the_rebuild_command() -> None:
    ran = command(
        "rebuild", "--explain", keep_rebuild=RebuildReport(12, 5, 0, ("a notice",))
    )
    assert "12 rows of full text, 5 vectors" in ran.stdout
    assert (
        json.loads(command("rebuild", "--json", keep_rebuild=RebuildReport(12)).stdout)[
            "rows"
        ]
        == 12
    )


def test_a_long_file_with_nothing_in_it_is_not_copied(
    brain: Brain, tmp_path: Path
) -> None:
    """It would fill the disk before anybody saw that it is no backup."""
    made = Path(brain.keep.backup().path)
    empty = tmp_path / "empty.db"
    longer = tmp_path / "longer.db"
    holes = tmp_path / "holes.db"
    shutil.copy(made, longer)
    shutil.copy(made, holes)
    empty.touch()
    size = 200 * 2**30
    with holes.open("r+b") as file:
        page = int.from_bytes(file.read(18)[16:18], "big")
        file.seek(28)
        file.write((size // page).to_bytes(4, "big"))
    for path, said in ((empty, "not a brain"), (longer, "damaged"), (holes, "empty")):
        os.truncate(path, size)
        with pytest.raises(StoreError, match=said):
            brain.keep.restore(path)
    assert [path.name for path in brain.config.home.glob("*.tmp")] == []

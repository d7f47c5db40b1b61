"""Folders that are watched: what changes is findable by itself, and nothing that happens to a folder is a deletion."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.pool import Pool
from brain.config import load
from brain.doors import log, watch
from brain.doors.cli.resident import Resident
from brain.doors.log import Log
from brain.doors.watch import Watcher
from brain.errors import StoreError
from tests.doors.watch_support import (
    Clock,
    Told,
    eventually,
    ids,
    looked,
    pool,
    stored,
)
from tests.end_to_end import ROOT, brain, home

TEA = "# Tea\n\nBlack tea wants water at 96 °C.\n"
LEASE = "# Lease\n\nThe lease ends in 2029.\n"
# What watchfiles 1.3 says on Linux where no more may be watched, measured with 128 instances open
ENOUGH = "Error creating recommended watcher: Too many open files (os error 24)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are compared more often, and no look rests after one that took long on a busy machine."""
    monkeypatch.setattr(watch, "TICK_MS", 100)
    monkeypatch.setattr(watch, "REST_SECONDS", 0.0)
    monkeypatch.setattr(watch, "RETRY_SECONDS", 0.01)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with two notes that is added."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "tea.md").write_text(TEA)
    (folder / "lease.md").write_text(LEASE)
    assert brain("add", folder).code == 0
    return folder


@pytest.fixture
def said() -> list[str]:
    """What the watcher says."""
    return []


@pytest.fixture
def watched(notes: Path, said: list[str]) -> Iterator[Watcher]:
    """That folder, watched by the system that this test runs on, and looked at once."""
    with pool() as workers, Watcher(workers, said.append) as watcher:
        looked(watcher, 1)
        yield watcher


def test_what_is_written_changed_and_removed_is_known_without_a_command(
    notes: Path, watched: Watcher
) -> None:
    (notes / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")
    eventually(lambda: "boat.md" in stored(notes))
    assert brain("search", "dinghy", "--strict").code == 0
    (notes / "boat.md").write_text("# Boat\n\nThe dinghy is red.\n")
    eventually(lambda: "red" in stored(notes)["boat.md"])
    (notes / "boat.md").unlink()
    eventually(lambda: "boat.md" not in stored(notes))


def test_a_new_folder_with_everything_in_it_is_taken_in(
    notes: Path, watched: Watcher
) -> None:
    (notes / "trip" / "day").mkdir(parents=True)
    (notes / "trip" / "day" / "one.md").write_text("We took the ferry to Barreiro.\n")
    eventually(lambda: "trip/day/one.md" in stored(notes))


def test_an_editor_that_saves_by_renaming_changes_one_document(
    notes: Path, watched: Watcher
) -> None:
    """As vim (the old file is moved to a backup first), and as most others (a temporary file is moved over it)."""
    before = ids(notes)
    for number in range(20):
        swap = notes / ".tea.md.swp"
        swap.write_text("half")
        (notes / "tea.md").rename(notes / "tea.md~")
        (notes / "tea.md").write_text(f"{TEA}\nNumber {number}.\n")
        (notes / "tea.md~").unlink()
        written = notes / "lease.md.tmp"
        written.write_text(f"{LEASE}\nNumber {number}.\n")
        written.replace(notes / "lease.md")
        swap.unlink()
    eventually(lambda: all("Number 19." in text for text in stored(notes).values()))
    assert ids(notes) == before


def test_a_folder_that_moves_inside_keeps_its_documents(
    notes: Path, watched: Watcher
) -> None:
    (notes / "old").mkdir()
    for number in range(8):
        (notes / "old" / f"{number}.md").write_text(f"The boat number {number}.\n")
    eventually(lambda: len(stored(notes)) == 10)
    before = {name.removeprefix("old/"): one for name, one in ids(notes).items()}
    (notes / "old").rename(notes / "new")
    eventually(lambda: "new/7.md" in stored(notes))
    eventually(lambda: "old/7.md" not in stored(notes))
    after = {name.removeprefix("new/"): one for name, one in ids(notes).items()}
    assert after == before


def test_a_folder_that_is_not_there_is_no_deletion_and_is_found_when_it_is_back(
    notes: Path, watched: Watcher, said: list[str]
) -> None:
    away = notes.with_name("away")
    eventually(watched.keeps_up)
    notes.rename(away)
    eventually(lambda: watched.state.missing == (str(notes),))
    assert not watched.keeps_up()  # a question looks itself
    (away / "new.md").write_text("Written while it was away.\n")
    looks = watched.state.looks
    eventually(lambda: watched.state.looks > looks)
    assert {"tea.md", "lease.md"} <= set(stored(notes))
    away.rename(notes)
    eventually(lambda: "new.md" in stored(notes))
    assert watched.state.missing == ()
    assert f"watch: {notes} is not there; nothing of it is forgotten" in said


def test_a_disk_that_is_not_mounted_leaves_an_empty_folder_and_takes_nothing(
    notes: Path, watched: Watcher
) -> None:
    """Another folder under the same name, as when a disk is mounted or unmounted, is watched from then on."""
    disk = notes.with_name("disk")
    notes.rename(disk)
    notes.mkdir()
    looks = watched.state.looks
    eventually(lambda: watched.state.looks > looks + 1)
    assert {"tea.md", "lease.md"} <= set(stored(notes))
    notes.rmdir()
    disk.rename(notes)
    (notes / "tea.md").write_text(f"{TEA}\nWith milk.\n")
    eventually(lambda: "With milk." in stored(notes)["tea.md"])


def test_a_folder_that_is_added_meanwhile_is_watched(
    tmp_path: Path, watched: Watcher
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "one.md").write_text("The first of them.\n")
    assert brain("add", more).code == 0
    eventually(lambda: str(more) in watched.state.folders)
    (more / "two.md").write_text("The second of them.\n")
    eventually(lambda: "two.md" in stored(more))


def test_a_burst_of_files_is_all_taken_in(notes: Path, watched: Watcher) -> None:
    burst(notes, 500)


@pytest.mark.slow
def test_a_large_burst_of_files_is_all_taken_in(notes: Path, watched: Watcher) -> None:
    burst(notes, 10_000)


def burst(notes: Path, count: int) -> None:
    """So many files as fast as they can be written."""
    folder = notes / "burst"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.md").write_text(f"The file that has number {number}.\n")
    with Brain(load()) as opened:
        eventually(lambda: opened.status().documents == count + 2)
    assert brain("search", f"number {count - 1}", "--strict").code == 0


def test_a_look_that_is_broken_off_is_taken_up_again(
    notes: Path, said: list[str]
) -> None:
    for number in range(300):
        (notes / f"{number}.md").write_text(f"The file that has number {number}.\n")
    with pool() as workers:
        with Watcher(workers, said.append) as watcher:
            eventually(lambda: len(stored(notes)) > 2)
        assert watcher.state.failed == ""
        with Watcher(workers, said.append):
            eventually(lambda: len(stored(notes)) == 302)


def test_what_programs_write_all_the_time_is_not_looked_at(
    notes: Path, said: list[str]
) -> None:
    """Its own home in a watched folder above all: each look writes there, and would be followed by another."""
    told = Told()
    assert brain("add", notes.parent).code == 0
    with pool() as workers, Watcher(workers, said.append, notify=told) as watcher:
        looked(watcher, 1)
        looks = watcher.state.looks
        told.changed(home() / "brain.db-wal", home())
        told.changed(notes / ".git" / "index", notes / "tea.md.swp", notes / "tea.md~")
        told.changed(notes / "node_modules" / "x" / "y.js")
        told.changed(notes / "tea.md")
        looked(watcher, looks + 1)
        assert watcher.state.looks == looks + 1


def test_a_change_under_another_name_of_the_folder_is_looked_at(
    notes: Path, said: list[str]
) -> None:
    told = Told()
    with pool() as workers, Watcher(workers, said.append, notify=told) as watcher:
        looked(watcher, 1)
        told.changed(Path("/private") / notes.relative_to("/") / "tea.md")
        looked(watcher, 2)


def test_looks_that_follow_one_another_rest_and_one_alone_does_not(
    notes: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a program writes to all the time does not take a whole core; a note that is saved waits for nobody."""
    monkeypatch.setattr(watch, "REST_SECONDS", 10.0)
    clock = Clock()
    taken_in = watch.Watcher._taken_in

    def slow(self: Watcher, brain: Brain, folders: frozenset[Path]) -> object:
        clock.now += 4
        return taken_in(self, brain, folders)

    monkeypatch.setattr(watch.Watcher, "_taken_in", slow)
    told = Told()
    with (
        pool() as workers,
        Watcher(workers, said.append, notify=told, clock=clock) as watcher,
    ):
        looked(watcher, 1)
        told.changed(notes / "tea.md")
        looked(watcher, 2)  # it came at once, and follows the first
        told.changed(notes / "tea.md")
        eventually(lambda: watcher._pending)
        assert watcher.state.looks == 2
        clock.now += 4
        looked(watcher, 3)


def test_where_the_system_watches_no_more_it_is_said_and_looked_at_all_the_same(
    notes: Path, said: list[str]
) -> None:
    clock = Clock()
    told = Told(fails=RuntimeError(ENOUGH))
    with (
        pool() as workers,
        Watcher(workers, said.append, notify=told, clock=clock) as watcher,
    ):
        looked(watcher, 1)
        assert "looked at every 60 seconds" in watcher.state.trouble
        assert "fs.inotify.max_user_watches" in watcher.state.trouble
        assert not watcher.keeps_up()
        (notes / "boat.md").write_text("The dinghy is green.\n")
        clock.now += 60
        eventually(lambda: "boat.md" in stored(notes))
        told.fails = None
        clock.now += watch.WATCH_AGAIN_SECONDS
        eventually(lambda: not watcher.state.trouble)
    assert sum("the system watches no more folders" in line for line in said) == 1


def test_a_look_that_fails_is_said_once_and_tried_until_it_is_done(
    notes: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, for instance."""
    full = threading.Event()
    full.set()
    look = watch.Watcher._taken_in

    def fails(self: Watcher, brain: Brain, folders: frozenset[Path]) -> object:
        if full.is_set():
            raise StoreError("the disk is full; nothing was written", "free some space")
        return look(self, brain, folders)

    monkeypatch.setattr(watch.Watcher, "_taken_in", fails)
    told = Told()
    with pool() as workers, Watcher(workers, said.append, notify=told) as watcher:
        eventually(lambda: watcher.state.failed)
        assert not watcher.keeps_up()
        (notes / "boat.md").write_text("The dinghy is green.\n")
        full.clear()
        eventually(lambda: "boat.md" in stored(notes))
        eventually(lambda: not watcher.state.failed)
        eventually(watcher.keeps_up)
    assert said[0] == "watch: a look failed: the disk is full; nothing was written"


def test_the_watch_command_takes_in_and_ends_with_ctrl_c(notes: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "brain", "watch"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts behind itself is deaf to it, and hands that on
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert watching.stderr is not None
    assert watching.stderr.readline() == "watching 1 folder. Ctrl-C ends it\n"
    (notes / "boat.md").write_text("The dinghy is green.\n")
    eventually(lambda: "boat.md" in stored(notes))
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate()
    assert watching.returncode == 130
    assert "Traceback" not in errors


def test_the_watch_command_leaves_it_to_a_server(notes: Path) -> None:
    with Pool(load, workers=1) as workers, Resident(workers, lambda _what: "here"):
        refused = brain("watch")
    assert refused.code == 1
    assert refused.two_lines()[0] == "the server of this home watches already"


def test_the_server_watches_and_its_log_holds_no_word_of_a_note(notes: Path) -> None:
    serving = subprocess.Popen(
        [sys.executable, "-m", "brain", "serve", "--port", "18437"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stderr is not None
    assert serving.stderr.readline().startswith("serving")
    (notes / "boat.md").write_text("The dinghy is green.\n")
    eventually(lambda: "boat.md" in stored(notes))
    serving.terminate()
    serving.communicate()
    place = home() / log.FOLDER / log.FILE
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    text = place.read_text()
    assert "serving: version" in text
    assert "watch: 1 added" in text
    assert "dinghy" not in text


def test_a_log_rotates_and_stays_its_owners_alone(tmp_path: Path) -> None:
    with Log(tmp_path, most_bytes=1_000) as opened:
        for number in range(200):
            opened.say(f"line {number}\nof a \x1b[31mforger")
    files = sorted((tmp_path / log.FOLDER).iterdir())
    assert [file.name for file in files] == [
        log.FILE,
        *(f"{log.FILE}.{number}" for number in (1, 2, 3)),
    ]
    for file in files:
        assert file.stat().st_size <= 1_000
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "\x1b" not in file.read_text()
        assert all(" line " in line for line in file.read_text().splitlines())


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    with Log(tmp_path) as opened:
        opened._handler.stream.close()
        opened.say("to nobody")
    assert os.path.getsize(tmp_path / log.FOLDER / log.FILE) == 0

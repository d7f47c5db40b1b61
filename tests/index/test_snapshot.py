"""Snapshots of Chroma's: written whole, pointed to, proven before they are opened, and never in the way."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from brain.errors import StoreError, Unavailable
from brain.index import (
    Indexes,
    chroma_child,
    embed_pending,
    health,
    mapped_file,
    snapshot,
)
from brain.index.chroma_child import ChromaChild, ChromaDied
from brain.index.files import LOCK, MANIFEST, intact, locked
from brain.index.open_snapshots import OpenSnapshots
from brain.store.snapshots import SnapshotTable
from brain.store.vectors import VectorTable
from tests.index_support import (
    Clock,
    FakeEmbedder,
    add_chunks,
    add_episodes,
    connection_of,
    delete_chunks,
    files_below,
    filled,
    fingerprint,
    held_by,
    numbered,
    open_store,
)

FP = str(fingerprint())
COUNT = 120


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a complete snapshot."""
    home = tmp_path_factory.mktemp("pristine")
    table, _ = filled(home, COUNT)
    assert snapshot.write(table, home / "index", FP) == COUNT
    connection_of(table).close()
    return home


@pytest.fixture
def home(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def looker() -> Iterator[ChromaChild]:
    """One process that looks into snapshots for the tests: a start costs 1-2 s."""
    with ChromaChild() as child:
        yield child


def vector(number: int):  # type: ignore[no-untyped-def]
    return FakeEmbedder().embed_query(f"topic\ntext number {number}")


def embed(table: VectorTable) -> None:
    for kind in ("knowledge", "episodes"):
        embed_pending(table, FakeEmbedder(), kind=kind, clock=Clock())


def snapshots(home: Path) -> list[str]:
    return sorted(place.name for place in (home / "index").glob("snapshot-*"))


def as_by_an_older_release(home: Path, table: VectorTable) -> None:
    """What a release left that wrote into Chroma in place."""
    (home / "index" / "snapshot-1").rename(home / "index" / "vec-1")
    (home / "index" / "applier.lock").touch()
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "INSERT INTO index_generations SELECT n + 1, fingerprint, dimensions, 'dirty', applied_seq, count, "
            "chroma_version, 7, 'long ago', created_at FROM index_generations"
        )


# -- writing ---------------------------------------------------------------------------------------------------------------


def test_a_snapshot_holds_everything_in_private_files_and_no_text(
    home: Path, looker: ChromaChild
) -> None:
    table = open_store(home)
    found = table.snapshots.current(FP)
    assert found is not None
    assert (found.n, found.count, found.applied_seq) == (1, COUNT, table.last_seq())
    assert snapshot.doubt(home / "index", found) == ""
    assert {file.stat().st_mode & 0o777 for file in files_below(home / "index")} == {
        0o600
    }
    folders = [home / "index", *(p for p in (home / "index").rglob("*") if p.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert held_by(looker, table, home) == table.of("knowledge", FP).ids()
    for file in files_below(home / "index"):
        assert b"text number" not in file.read_bytes()


def test_what_is_not_due_is_not_written(home: Path, tmp_path: Path) -> None:
    before = (home / "index" / "snapshot-1" / MANIFEST).stat().st_mtime_ns
    assert snapshot.update(open_store(home), home / "index", FP) == 0
    assert (home / "index" / "snapshot-1" / MANIFEST).stat().st_mtime_ns == before
    empty = open_store(tmp_path / "empty")
    assert snapshot.update(empty, tmp_path / "empty" / "index", FP) == 0
    assert empty.snapshots.all() == []


def test_it_is_written_anew_when_much_has_changed(
    home: Path, looker: ChromaChild
) -> None:
    table = open_store(home)
    add_chunks(table, numbered(snapshot.SMALL_OVERLAY - 1, COUNT))
    add_episodes(table, {"e1": ("why", "so")})
    embed(table)
    assert not snapshot.due(table, home / "index", FP)
    delete_chunks(table, ["c000001", f"c{COUNT:06d}"])
    assert snapshot.due(table, home / "index", FP)
    snapshot.update(table, home / "index", FP)
    assert snapshots(home) == ["snapshot-2"]
    assert held_by(looker, table, home) == table.of("knowledge", FP).ids()
    assert held_by(looker, table, home, "episodes") == {"e1"}


def test_changes_that_the_outbox_no_longer_has_make_it_due(home: Path) -> None:
    table = open_store(home)
    add_chunks(table, numbered(5, COUNT))
    embed(table)
    table.prune(keep=1)
    assert snapshot.due(table, home / "index", FP)


def test_another_writer_is_not_waited_for(home: Path) -> None:
    table = open_store(home)
    with locked(home / "index" / LOCK, seconds=0) as held:
        assert held
        assert snapshot.write(table, home / "index", FP) is None
        assert not snapshot.tidy(table, home / "index")
    assert snapshots(home) == ["snapshot-1"]


@pytest.mark.slow
def test_a_deleted_lock_file_does_no_harm(home: Path) -> None:
    """Two write at once: the pointer goes to one of them, and the directory of the other goes."""
    table, others = open_store(home), []

    def deleted() -> bool:
        if not others:
            (home / "index" / LOCK).unlink()
            others.append(snapshot.write(open_store(home), home / "index", FP))
        return False

    with suppress(Unavailable):  # the other one has removed what we were writing
        assert snapshot.write(table, home / "index", FP, stop=deleted) is None
    assert others == [COUNT]
    snapshot.tidy(table, home / "index")
    assert snapshots(home) == ["snapshot-3"]
    assert snapshot.doubt(home / "index", table.snapshots.current(FP)) == ""


def test_what_is_erased_while_a_snapshot_is_written_gets_into_none(home: Path) -> None:
    table = open_store(home)

    def erased() -> bool:
        assert not snapshot.erase(open_store(home), home / "index", wait_seconds=0)
        return False

    assert snapshot.write(table, home / "index", FP, stop=erased) is None
    assert table.snapshots.current(FP) is None
    assert snapshots(home) == []
    assert snapshot.write(table, home / "index", FP) == COUNT
    assert snapshot.erase(table, home / "index", wait_seconds=0)
    assert [place.name for place in (home / "index").iterdir()] == [LOCK]


@pytest.mark.slow
def test_a_stopped_writing_leaves_the_old_snapshot(home: Path) -> None:
    table = open_store(home)
    said = iter([False, True])
    assert (
        snapshot.write(table, home / "index", FP, batch=50, stop=said.__next__) is None
    )
    assert snapshots(home) == ["snapshot-1"]
    assert snapshot.doubt(home / "index", table.snapshots.current(FP)) == ""
    assert snapshot.write(table, home / "index", FP) == COUNT
    assert snapshots(home) == ["snapshot-3"]


def full_while_there(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """SQLite can write nothing as long as this directory fills the disk."""
    write = SnapshotTable._run

    def limited(self: SnapshotTable, sql: str, *values: object) -> sqlite3.Cursor:
        if place.exists() and not sql.lstrip().startswith("SELECT"):
            raise StoreError("the disk is full", "free some space")
        return write(self, sql, *values)

    monkeypatch.setattr(SnapshotTable, "_run", limited)


def test_a_snapshot_that_fills_the_disk_is_removed_though_sqlite_cannot_write(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_store(home)
    full_while_there(monkeypatch, home / "index" / "snapshot-2")
    assert snapshot.write(table, home / "index", FP, stop=lambda: True) is None
    assert snapshots(home) == ["snapshot-1"]
    (home / "index" / "snapshot-2").mkdir()
    assert snapshot.tidy(table, home / "index")
    assert snapshots(home) == ["snapshot-1"]


def test_one_that_has_grown_over_the_disk_is_removed_though_sqlite_cannot_write(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_store(home)
    monkeypatch.setattr(health, "MAX_TIMES_EXPECTED", 0)
    full_while_there(monkeypatch, home / "index" / "snapshot-1")
    assert health.tidy(table, home / "index")
    assert snapshots(home) == []
    assert table.snapshots.current(FP) is None


def test_a_stopped_writer_leaves_the_snapshot_of_the_next_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is free as soon as its child has ended, and another process may have it before it tidies up."""
    table, other = open_store(home), open_store(home)
    kill = ChromaChild.kill
    with ExitStack() as held:

        def kill_and_be_followed(child: ChromaChild) -> None:
            kill(child)
            assert held.enter_context(locked(home / "index" / LOCK, seconds=5))
            new = other.snapshots.reserve(FP, now="now")
            snapshot.directory_of(home / "index", new.n).mkdir()

        monkeypatch.setattr(ChromaChild, "kill", kill_and_be_followed)
        assert snapshot.write(table, home / "index", FP, stop=lambda: True) is None
        assert snapshots(home) == ["snapshot-1", "snapshot-3"]
        assert other.snapshots.flip(3, count=0, version="x")


def test_a_chunk_saved_anew_while_vectors_are_read_does_not_fail_the_snapshot(
    home: Path,
) -> None:
    table, other = open_store(home), open_store(home)
    texts = numbered(COUNT)
    said = iter([False, True, False, False, False])

    def saved_anew() -> bool:
        if next(said):
            delete_chunks(other, ["c000000"])
            add_chunks(other, {"c000000": texts["c000000"]})
            embed(other)
        return False

    assert snapshot.write(table, home / "index", FP, batch=50, stop=saved_anew) == COUNT


def test_a_deleted_snapshot_that_nobody_asks_is_forgotten(home: Path) -> None:
    """Rebuild does not write one for nobody, and the doctor does not warn at every run."""
    table, index = open_store(home), home / "index"
    for mend in (
        lambda indexes: health.renew(table, index, FP),
        lambda indexes: indexes.update(),
    ):
        with connection_of(table).write():
            connection_of(table).conn.execute(
                "UPDATE index_generations SET state='live'"
            )
        shutil.rmtree(index)
        assert health.faults(table, index, deep=False) != []
        with Indexes(table, index, FP) as indexes:
            assert mend(indexes) == 0
        assert health.faults(table, index, deep=False) == []


def test_a_rebuild_needs_no_model(home: Path) -> None:
    table = open_store(home)
    with Indexes(table, home / "index", FP) as indexes:
        indexes.index("knowledge").query(vector(3), limit=1)
    assert health.renew(table, home / "index", FP) == COUNT
    assert not (home / "index" / mapped_file.EXACT.name_of("knowledge", FP)).exists()
    assert snapshots(home) == ["snapshot-2"]


@pytest.mark.slow
def test_a_vector_damaged_in_sqlite_is_given_up_and_computed_again(
    home: Path, looker: ChromaChild
) -> None:
    table = open_store(home)
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE embeddings SET crc = crc + 1 WHERE rowid = 5"
        )
    assert snapshot.write(table, home / "index", FP) == COUNT - 1
    with Indexes(table, home / "index", FP) as indexes:
        indexes.update()
    assert table.of("knowledge", FP).waiting() == 1
    embed(table)
    assert snapshot.write(table, home / "index", FP) == COUNT
    assert held_by(looker, table, home) == set(numbered(COUNT))


def test_what_older_releases_left_goes_with_the_next_sync(home: Path) -> None:
    table = open_store(home)
    as_by_an_older_release(home, table)
    assert len(health.litter(table, home / "index")) == 2
    with Indexes(table, home / "index", FP) as indexes:
        assert indexes.update() == 0
    assert [place.name for place in (home / "index").iterdir()] == [LOCK]
    assert table.snapshots.current(FP) is None
    assert health.litter(table, home / "index") == []


# -- the child -------------------------------------------------------------------------------------------------------------


def test_a_child_that_dies_is_an_exception_here() -> None:
    for signum, crashed in ((signal.SIGSEGV, True), (signal.SIGKILL, False)):
        with ChromaChild() as child:
            os.kill(child.pid, signum)
            with pytest.raises(ChromaDied, match=signal.Signals(signum).name) as caught:
                child.count("knowledge")
            assert caught.value.crashed is crashed


def test_a_child_that_hangs_is_killed_at_its_deadline() -> None:
    with ChromaChild(seconds=0.2) as child:
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(ChromaDied, match="did not answer"):
            child.count("knowledge")
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


@pytest.mark.slow
def test_a_child_may_not_write_an_endless_file(home: Path) -> None:
    with ChromaChild() as child:
        child.create(home / "index" / "snapshot-9", file_bytes=200_000)
        many = [f"x{n}" for n in range(20_000)]
        with pytest.raises(Unavailable):
            child.add("knowledge", many, vector(1)[None].repeat(len(many), 0))
    written = list(files_below(home / "index" / "snapshot-9"))
    assert all(file.stat().st_size <= 200_000 for file in written)


def test_a_lock_is_held_until_the_child_ends(tmp_path: Path) -> None:
    with ChromaChild() as child:
        assert child.lock(tmp_path / "x.lock", seconds=0)
        with locked(tmp_path / "x.lock", seconds=0) as held:
            assert not held
    with locked(tmp_path / "x.lock", seconds=0) as held:
        assert held


def test_the_copy_of_a_reader_goes_with_it_or_at_the_next_sweep(home: Path) -> None:
    table, index = open_store(home), home / "index"
    with ChromaChild() as child:
        child.open(index / "snapshot-1")
        assert snapshot.tidy(table, index)
        assert len(list(index.glob("reading-*"))) == 1, "it is in use"
    assert not list(index.glob("reading-*"))
    with ChromaChild() as child:
        child.open(index / "snapshot-1")
        child.kill()
    (copy,) = index.glob("reading-*")
    assert health.litter(table, index) == [], "it might be one that is being made"
    os.utime(copy, (0, 0))
    assert "left by a process that died" in health.litter(table, index)[0]
    assert snapshot.tidy(table, index)
    assert not list(index.glob("reading-*"))


# -- which index answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "name", "reason"),
    [
        ({}, "exact", f"{COUNT} chunks: up to 400,000 are searched exactly"),
        pytest.param(
            {"exact_limit": 10}, "chroma", f"{COUNT} chunks", marks=pytest.mark.slow
        ),
        ({"long_lived": True}, "chroma", "kept open by this process"),
        pytest.param(
            {"engine": "chroma"},
            "chroma",
            "chosen in the configuration",
            marks=pytest.mark.slow,
        ),
        (
            {"engine": "exact", "exact_limit": 10, "long_lived": True},
            "exact",
            "chosen in the configuration",
        ),
    ],
)
def test_which_index_answers_and_why(
    home: Path, options: dict[str, bool], name: str, reason: str
) -> None:
    with Indexes(open_store(home), home / "index", FP, **options) as indexes:  # type: ignore[arg-type]
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert (index.name, index.reason, index.fallback) == (name, reason, "")
    assert intact(home / "index" / "snapshot-1")


@pytest.mark.parametrize(
    ("options", "writes"),
    [
        ({}, False),
        ({"engine": "exact", "long_lived": True}, False),
        ({"engine": "chroma"}, True),
    ],
)
def test_a_snapshot_is_written_only_for_who_will_ask_it(
    tmp_path: Path, options: dict[str, bool], writes: bool
) -> None:
    table, _ = filled(tmp_path, 20)
    with Indexes(table, tmp_path / "index", FP, **options) as indexes:  # type: ignore[arg-type]
        assert indexes.update() == (20 if writes else 0)
        assert indexes.update() == 0
    assert (table.snapshots.current(FP) is not None) is writes


def test_chroma_never_lags_and_follows_the_pointer(home: Path) -> None:
    table, other = open_store(home), open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        add_chunks(other, numbered(5, COUNT))
        embed(other)
        delete_chunks(other, ["c000003"])
        assert index.query(vector(COUNT + 2), limit=1)[0][0] == f"c{COUNT + 2:06d}"
        assert "c000003" not in dict(index.query(vector(3), limit=COUNT + 10))
        assert (
            index.query(vector(3), limit=2, allowed={"c000003", "c000004"})[0][0]
            == "c000004"
        )
        assert index.name == "chroma"
        first = indexes.pid
        assert snapshot.write(other, home / "index", FP) == COUNT + 4, (
            "a reader is in nobody's way"
        )
        assert index.query(vector(COUNT + 2), limit=1)[0][0] == f"c{COUNT + 2:06d}"
        assert (index.name, indexes.pid == first) == ("chroma", False)


def test_a_door_opens_the_next_snapshot_after_one_that_was_taken_away(
    home: Path,
) -> None:
    table, other, index = open_store(home), open_store(home), home / "index"
    with Indexes(table, index, FP, long_lived=True) as indexes:
        serving = indexes.index("knowledge")
        serving.query(vector(3), limit=1)
        assert snapshot.erase(other, index, wait_seconds=2)
        assert serving.query(vector(3), limit=1)[0][0] == "c000003"
        assert (serving.name, serving.reason, serving.fallback) == (
            "exact",
            "until a snapshot of Chroma is written",
            "",
        )
        assert snapshot.write(other, index, FP) == COUNT
        assert serving.query(vector(3), limit=1)[0][0] == "c000003"
        assert (serving.name, serving.reason, serving.fallback) == (
            "chroma",
            "kept open by this process",
            "",
        )


def test_a_snapshot_that_opens_late_is_not_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma_child, "ANSWER_SECONDS", 0.001)
    table = open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(vector(3), limit=1)[0][0] == "c000003"
        assert (indexes.name, "did not answer" in indexes.fallback) == ("exact", True)
    assert table.snapshots.current(FP) is not None


def test_a_copy_of_a_snapshot_that_is_being_removed_is_not_opened(home: Path) -> None:
    """What was removed before its listing is missing from the copy, and Chroma would answer without it."""
    written = home / "index" / "snapshot-1"
    next(written.rglob("length.bin")).unlink()
    with ChromaChild() as child, pytest.raises(Unavailable):
        child.open(written)


def set_version(table: VectorTable, version: str) -> None:
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE index_generations SET chroma_version=?", (version,)
        )


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda home, table: shutil.rmtree(home / "index"), "deleted"),
        (
            lambda home, table: (home / "index" / "snapshot-1" / MANIFEST).unlink(),
            "damaged",
        ),
        (
            lambda home, table: os.truncate(
                home / "index" / "snapshot-1" / "chroma.sqlite3", 5000
            ),
            "damaged",
        ),
        (lambda home, table: set_version(table, "1.4.0"), "written by version 1.4.0"),
        (lambda home, table: as_by_an_older_release(home, table), "deleted"),
    ],
    ids=["deleted", "no manifest", "damaged", "old version", "older release"],
)
def test_an_unproven_snapshot_is_not_opened_and_exact_search_answers(
    home: Path, prepare: Callable[[Path, VectorTable], object], reason: str
) -> None:
    table = open_store(home)
    prepare(home, table)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert index.name == "exact"
        assert reason in index.reason
        assert index.fallback == index.reason
        assert indexes.pid is None


def test_where_no_snapshot_was_written_yet_exact_search_answers_and_nothing_is_missing(
    home: Path,
) -> None:
    table = open_store(home)
    table.snapshots.discard(1)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert (index.name, index.fallback) == ("exact", "")
        assert index.reason == "until a snapshot of Chroma is written"


def test_two_indexes_of_one_process_share_the_child_that_has_the_snapshot_open(
    home: Path,
) -> None:
    shared = OpenSnapshots()
    opened = [
        Indexes(open_store(home), home / "index", FP, long_lived=True, snapshots=shared)
        for _ in range(2)
    ]
    for indexes in opened:
        found = indexes.index("knowledge").query(vector(3), limit=1)
        assert found[0][0] == "c000003"
    first, second = opened
    assert first.pid == second.pid is not None
    first.close()
    assert second.index("knowledge").query(vector(5), limit=1)[0][0] == "c000005"
    pid = second.pid
    assert pid is not None
    second.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    "signum", [signal.SIGSEGV, pytest.param(signal.SIGKILL, marks=pytest.mark.fault)]
)
@pytest.mark.fault
def test_a_chroma_that_dies_under_a_door_is_replaced_by_exact_search(
    home: Path, signum: signal.Signals
) -> None:
    table = open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)
        assert indexes.pid is not None
        os.kill(indexes.pid, signum)
        assert index.query(vector(4), limit=1)[0][0] == "c000004"
        assert (index.name, index.reason) == (
            "exact",
            f"the vector index ended by {signum.name}; exact search answers",
        )
        assert index.query(vector(5), limit=1)[0][0] == "c000005"
        crashed = signum == signal.SIGSEGV
        assert indexes.update() == (COUNT if crashed else 0)
        assert indexes.index("knowledge").query(vector(5), limit=1)[0][0] == "c000005"
        assert indexes.name == "chroma"
    assert snapshots(home) == ["snapshot-2" if crashed else "snapshot-1"]


def test_the_index_folder_may_go_while_a_door_has_it_open(home: Path) -> None:
    table = open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(vector(3), limit=1)
        shutil.rmtree(home / "index")
        assert indexes.index("knowledge").query(vector(4), limit=1)[0][0] == "c000004"
    assert (
        snapshot.doubt(home / "index", table.snapshots.current(FP))
        == "the Chroma index was deleted"
    )


@pytest.mark.fault
def test_the_index_folder_may_go_again_and_again_while_it_is_written(
    home: Path, looker: ChromaChild
) -> None:
    table = open_store(home)
    add_chunks(table, numbered(400, COUNT))
    embed(table)
    done = threading.Event()
    remover = threading.Thread(target=remove_until, args=(home / "index", done))
    remover.start()
    with suppress(Unavailable):  # said in two lines by the caller; nothing is lost
        snapshot.write(table, home / "index", FP, batch=20)
    done.set()
    remover.join()
    assert snapshot.write(table, home / "index", FP, wait_seconds=20) == COUNT + 400
    assert held_by(looker, table, home) == set(numbered(COUNT + 400))


def remove_until(path: Path, done: threading.Event) -> None:
    while not done.is_set():
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(0.3)

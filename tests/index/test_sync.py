from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from brain.errors import Unavailable
from brain.index import Indexes, apply, embed_pending, exact_file, rebuild
from brain.index.child import Worker, WorkerDied
from brain.index.files import LOCK, MANIFEST, intact, locked
from brain.index.owner import alive, myself, start_of
from brain.index.proof import doubt, probe
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
    numbered,
    open_store,
)

FP = str(fingerprint())
COUNT = 120
ROOMY = 2**28


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose Chroma generation is complete and clean."""
    home = tmp_path_factory.mktemp("pristine")
    table, _ = filled(home, COUNT)
    assert apply(table, home / "index", FP).applied == COUNT
    connection_of(table).close()
    return home


@pytest.fixture
def home(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def looker() -> Iterator[Worker]:
    """One process that looks into directories for the tests: a start costs 1-2 s."""
    with Worker() as worker:
        yield worker


@contextmanager
def opened(looker: Worker, home: Path, n: int = 1) -> Iterator[Worker]:
    looker.open(home / "index" / f"vec-{n}", file_bytes=ROOMY)
    yield looker
    looker.close()


def in_chroma(looker: Worker, home: Path, n: int = 1, kind: str = "knowledge") -> set[str]:
    with opened(looker, home, n) as worker:
        return worker.ids(kind)


def vector(number: int):  # type: ignore[no-untyped-def]
    return FakeEmbedder().embed_query(f"topic\ntext number {number}")


def test_a_first_apply_fills_a_live_generation_of_private_files(home: Path, looker: Worker) -> None:
    table = open_store(home)
    found = table.generations.usable(FP)
    assert found is not None
    assert (found.n, found.state, found.count, found.applied_seq) == (
        1,
        "live",
        COUNT,
        table.last_seq(),
    )
    assert doubt(home / "index", found) == ""
    assert {file.stat().st_mode & 0o777 for file in files_below(home / "index")} == {0o600}
    folders = [home / "index", *(p for p in (home / "index").rglob("*") if p.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert in_chroma(looker, home) == table.ids("knowledge", FP)


def test_chroma_is_given_no_text(home: Path) -> None:
    for file in files_below(home / "index"):
        assert b"text number" not in file.read_bytes()


def test_nothing_to_do_starts_no_process(home: Path) -> None:
    before = (home / "index" / "vec-1" / MANIFEST).stat().st_mtime_ns
    assert apply(open_store(home), home / "index", FP).applied == 0
    assert (home / "index" / "vec-1" / MANIFEST).stat().st_mtime_ns == before


def test_an_empty_store_gets_no_generation(tmp_path: Path) -> None:
    table = open_store(tmp_path)
    assert apply(table, tmp_path / "index", FP).applied == 0
    assert table.generations.all() == []


def test_the_outbox_is_applied_by_what_is_true_now(home: Path, looker: Worker) -> None:
    table = open_store(home)
    add_chunks(table, numbered(10, COUNT))
    add_episodes(table, {"e1": ("why", "so")})
    for kind in ("knowledge", "episodes"):
        embed_pending(table, FakeEmbedder(), kind=kind, clock=Clock())
    delete_chunks(table, ["c000001", f"c{COUNT:06d}"])
    synced = apply(table, home / "index", FP, batch=4)
    assert (synced.applied, synced.waiting) == (10, 0)
    assert synced.removed >= 2
    assert in_chroma(looker, home) == table.ids("knowledge", FP)
    assert in_chroma(looker, home, kind="episodes") == {"e1"}
    assert apply(table, home / "index", FP).applied == 0


def test_another_applier_is_not_waited_for(home: Path) -> None:
    table = open_store(home)
    delete_chunks(table, ["c000001"])
    with locked(home / "index" / LOCK, seconds=0) as held:
        assert held
        assert apply(table, home / "index", FP).waiting == 1
    assert apply(table, home / "index", FP).removed == 1


def test_a_deleted_lock_file_lets_no_second_writer_in(home: Path) -> None:
    """The owner's row in SQLite holds where the lock file does not."""
    table = open_store(home)
    pid, start = myself()
    assert table.generations.claim(1, pid=pid, start=start, alive=alive)
    delete_chunks(table, ["c000001"])
    assert apply(table, home / "index", FP).waiting == 1
    assert [g.state for g in table.generations.all()] == ["dirty"]


def dead_owner(table: VectorTable) -> None:
    assert table.generations.claim(1, pid=2**22 + 1, start="gone", alive=alive)


def test_a_generation_left_dirty_is_probed_and_kept_when_whole(home: Path) -> None:
    table = open_store(home)
    dead_owner(table)
    delete_chunks(table, ["c000001"])
    assert (
        doubt(home / "index", table.generations.usable(FP))
        == "the Chroma index was not closed cleanly"
    )
    assert apply(table, home / "index", FP).removed == 1
    assert [(g.n, g.state) for g in table.generations.all()] == [(1, "live")]


@pytest.mark.parametrize(
    "lost",
    [
        "an orphan",
        pytest.param("a missing id", marks=pytest.mark.fault),
        pytest.param("vectors that are not those", marks=pytest.mark.fault),
    ],
)
def test_a_generation_that_disagrees_with_the_store_is_replaced(
    home: Path, looker: Worker, lost: str
) -> None:
    table = open_store(home)
    with opened(looker, home) as worker:
        if lost == "a missing id":
            worker.delete("knowledge", ["c000003"])
        elif lost == "an orphan":
            worker.upsert("knowledge", ["ghost"], vector(1)[None])
        else:
            ids = sorted(numbered(COUNT))
            worker.upsert("knowledge", ids, vector(5000)[None].repeat(COUNT, 0))
    dead_owner(table)
    found = table.generations.usable(FP)
    assert found is not None
    assert not probe(table, home / "index", found)
    if lost != "an orphan":
        return  # the way on is the same for all three
    assert apply(table, home / "index", FP).applied == COUNT
    assert [(g.n, g.state) for g in table.generations.all()] == [(2, "live")]
    assert [p.name for p in (home / "index").glob("vec-*")] == ["vec-2"]
    assert in_chroma(looker, home, 2) == table.ids("knowledge", FP)


def test_a_worker_that_dies_is_an_exception_here(home: Path) -> None:
    for signum, crashed in ((signal.SIGSEGV, True), (signal.SIGKILL, False)):
        with Worker() as worker:
            worker.open(home / "index" / "vec-1", file_bytes=ROOMY)
            os.kill(worker.pid, signum)
            with pytest.raises(WorkerDied, match=signal.Signals(signum).name) as caught:
                worker.count("knowledge")
            assert caught.value.crashed is crashed
        assert not intact(home / "index" / "vec-1")


def test_a_worker_that_hangs_is_killed_at_its_deadline(home: Path) -> None:
    with Worker(seconds=0.2) as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDied, match="did not answer"):
            worker.count("knowledge")
        assert start_of(worker.pid) == ""


def test_a_worker_may_not_write_an_endless_file(home: Path) -> None:
    table = open_store(home)
    with Worker() as worker:
        worker.open(home / "index" / "vec-9", file_bytes=200_000)
        many = [f"x{n}" for n in range(20_000)]
        with pytest.raises(Unavailable):
            worker.upsert("knowledge", many, vector(1)[None].repeat(len(many), 0))
    assert all(file.stat().st_size <= 200_000 for file in files_below(home / "index" / "vec-9"))
    apply(table, home / "index", FP, refill=True)
    assert not (home / "index" / "vec-9").exists()


def test_a_worker_ends_with_its_parent_and_obeys_no_foreign_setting(tmp_path: Path) -> None:
    with Worker(
        environ={**os.environ, "CHROMA_SERVER_HOST": "example.org", "OTEL_X": "1"}
    ) as worker:
        assert worker.lock(tmp_path / "x.lock", seconds=0)
        names = Path(f"/proc/{worker.pid}/environ")
        if names.exists():
            assert b"CHROMA" not in names.read_bytes()
            assert b"OTEL" not in names.read_bytes()
        with locked(tmp_path / "x.lock", seconds=0) as held:
            assert not held
    assert start_of(worker.pid) == ""
    with locked(tmp_path / "x.lock", seconds=0) as held:
        assert held


def test_rebuild_fills_anew_without_a_model(home: Path) -> None:
    table, seen = open_store(home), []
    Indexes(table, home / "index", FP).index("knowledge").query(vector(3), limit=1)
    assert (
        rebuild(table, home / "index", FP, progress=lambda *step: seen.append(step)).applied
        == COUNT
    )
    assert seen[-1] == ("index", COUNT, COUNT)
    assert not (home / "index" / exact_file.name_of("knowledge", FP)).exists()
    assert [(g.n, g.state) for g in table.generations.all()] == [(2, "live")]


def test_a_stopped_refill_leaves_the_old_generation_serving(home: Path) -> None:
    table = open_store(home)
    apply(table, home / "index", FP, refill=True, batch=50, stop=iter([False, True, True]).__next__)
    found = table.generations.usable(FP)
    assert found is not None
    assert found.n == 1
    assert doubt(home / "index", found) == ""
    apply(table, home / "index", FP, refill=True)
    assert [p.name for p in (home / "index").glob("vec-*")] == ["vec-3"]


def test_a_vector_damaged_in_sqlite_is_given_up_and_computed_again(
    home: Path, looker: Worker
) -> None:
    table = open_store(home)
    with connection_of(table).write():
        connection_of(table).conn.execute("UPDATE embeddings SET crc = crc + 1 WHERE rowid = 5")
    apply(table, home / "index", FP, refill=True)
    assert table.waiting_count("knowledge", FP) == 1
    assert embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock()).embedded == 1
    assert apply(table, home / "index", FP).waiting == 0
    assert in_chroma(looker, home, 2) == table.ids("knowledge", FP) == set(numbered(COUNT))


def test_a_small_one_shot_command_scans_exactly_and_says_so(home: Path) -> None:
    with Indexes(open_store(home), home / "index", FP) as indexes:
        index = indexes.index("knowledge")
        assert (index.name, index.reason) == (
            "exact",
            f"{COUNT} chunks: up to 400,000 are searched exactly",
        )
        assert index.query(vector(3), limit=1)[0][0] == "c000003"


def test_a_store_over_the_limit_asks_chroma_and_leaves_it_clean(home: Path) -> None:
    with Indexes(open_store(home), home / "index", FP, exact_limit=10) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert (index.name, index.reason) == ("chroma", f"{COUNT} chunks")
    assert intact(home / "index" / "vec-1")


def test_chroma_never_lags_and_takes_the_outbox_in_at_sync(home: Path) -> None:
    table, other = open_store(home), open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        add_chunks(other, numbered(5, COUNT))
        embed_pending(other, FakeEmbedder(), kind="knowledge", clock=Clock())
        delete_chunks(other, ["c000003"])
        assert index.query(vector(COUNT + 2), limit=1)[0][0] == f"c{COUNT + 2:06d}"
        assert "c000003" not in dict(index.query(vector(3), limit=COUNT + 10))
        assert index.query(vector(3), limit=2, allowed={"c000003", "c000004"})[0][0] == "c000004"
        assert index.name == "chroma"
        assert apply(other, home / "index", FP).waiting > 0, "the door owns the lock"
        assert indexes.sync().waiting == 0
        assert (
            indexes.index("knowledge").query(vector(COUNT + 2), limit=1)[0][0]
            == f"c{COUNT + 2:06d}"
        )


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda home, table: shutil.rmtree(home / "index"), "deleted"),
        (lambda home, table: dead_owner(table), "not closed cleanly"),
        (
            lambda home, table: table.generations.claim(
                1, pid=myself()[0], start=myself()[1], alive=alive
            ),
            "being written",
        ),
        (lambda home, table: (home / "index" / "vec-1" / MANIFEST).unlink(), "not closed cleanly"),
        (
            lambda home, table: os.truncate(home / "index" / "vec-1" / "chroma.sqlite3", 5000),
            "damaged",
        ),
        (lambda home, table: set_version(table, "1.4.0"), "written by version 1.4.0"),
        (lambda home, table: table.generations.bury(1), "no Chroma index has been built"),
    ],
    ids=["deleted", "dirty", "busy", "unclean", "damaged", "old version", "none"],
)
def test_an_unproven_chroma_is_not_opened_and_exact_search_answers(
    home: Path, prepare: Callable[[Path, VectorTable], object], reason: str
) -> None:
    table = open_store(home)
    prepare(home, table)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert index.name == "exact"
        assert reason in index.reason


def set_version(table: VectorTable, version: str) -> None:
    with connection_of(table).write():
        connection_of(table).conn.execute(
            "UPDATE index_generations SET chroma_version=?", (version,)
        )


def test_a_writer_is_not_waited_for_by_a_search(home: Path) -> None:
    with (
        locked(home / "index" / LOCK, seconds=0) as held,
        Indexes(open_store(home), home / "index", FP, long_lived=True) as indexes,
    ):
        assert held
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)[0][0] == "c000003"
        assert "in use by another process" in index.reason


@pytest.mark.parametrize(
    "signum", [signal.SIGSEGV, pytest.param(signal.SIGKILL, marks=pytest.mark.fault)]
)
def test_a_chroma_that_dies_under_a_door_is_replaced_by_exact_search(
    home: Path, signum: signal.Signals
) -> None:
    table = open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(vector(3), limit=1)
        assert indexes._worker is not None
        os.kill(indexes._worker.pid, signum)
        assert index.query(vector(4), limit=1)[0][0] == "c000004"
        assert (index.name, index.reason) == (
            "exact",
            f"the vector index ended by {signum.name}; exact search answers",
        )
        assert index.query(vector(5), limit=1)[0][0] == "c000005"
        assert indexes.sync().waiting == 0
        assert indexes.index("knowledge").query(vector(5), limit=1)[0][0] == "c000005"
        assert indexes.name == "chroma"
    assert [g.n for g in table.generations.all()] == [2 if signum == signal.SIGSEGV else 1]


def test_the_index_folder_may_go_while_a_door_has_it_open(home: Path) -> None:
    table = open_store(home)
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(vector(3), limit=1)
        shutil.rmtree(home / "index")
        assert indexes.index("knowledge").query(vector(4), limit=1)[0][0] == "c000004"
    assert doubt(home / "index", table.generations.usable(FP)) == "the Chroma index was deleted"


@pytest.mark.fault
def test_the_index_folder_may_go_again_and_again_while_it_is_written(
    home: Path, looker: Worker
) -> None:
    table = open_store(home)
    add_chunks(table, numbered(400, COUNT))
    embed_pending(table, FakeEmbedder(), kind="knowledge", clock=Clock())
    done = threading.Event()
    remover = threading.Thread(target=remove_until, args=(home / "index", done))
    remover.start()
    with suppress(Unavailable):  # said in two lines by the caller; nothing is lost
        apply(table, home / "index", FP, batch=20)
    done.set()
    remover.join()
    assert apply(table, home / "index", FP, wait_seconds=20).waiting == 0
    assert in_chroma(looker, home, table.generations.usable(FP).n) == set(numbered(COUNT + 400))  # type: ignore[union-attr]


def remove_until(path: Path, done: threading.Event) -> None:
    while not done.is_set():
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(0.3)


def test_processes_are_told_apart_by_their_start() -> None:
    pid, start = myself()
    assert alive(pid, start)
    assert not alive(pid, start + "0")
    assert not alive(pid, "")
    assert not alive(0, start)
    assert not alive(2**22 + 1, start)

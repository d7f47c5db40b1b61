"""What people complain of in such tools' indexes: another model, processes that collide, files that rot."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from brain.index import ExactIndex, Indexes, embed_pending, snapshot
from brain.index.chroma_child import ChromaChild
from brain.index.files import disk_bytes
from brain.store.vectors import VectorTable
from tests.end_to_end import brain
from tests.index_support import (
    Clock,
    FakeEmbedder,
    add_chunks,
    away,
    connection_of,
    embed_all,
    filled,
    fingerprint,
    held_by,
    numbered,
    open_store,
    vector_of,
)

FP = str(fingerprint())
VICTIM = Path(__file__).parents[1] / "index_victim.py"
QUICK_SECONDS = 6.0
LONG_SECONDS = 180.0
DISK_FACTOR = 3  # the folder never holds more than three times what is expected


def chroma_ids(table: VectorTable, home: Path) -> set[str]:
    with ChromaChild() as child:
        return held_by(child, table, home)


def children_of(pid: int) -> list[int]:
    ran = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False
    )
    return [int(word) for word in ran.stdout.split()]


@pytest.mark.slow
def test_another_model_builds_beside_and_takes_over_when_complete(
    tmp_path: Path,
) -> None:
    """Another fingerprint builds beside; the old one serves until the new one is complete; broken off, it goes on."""
    table, old = filled(tmp_path, 100)
    index = tmp_path / "index"
    snapshot.write(table, index, FP)
    new = str(fingerprint("new", 16))

    def dies(_texts: object) -> None:
        if len(model.texts) >= 32:
            away(())

    model = FakeEmbedder("new", dimensions=16, before=dies)
    report = embed_pending(table, model, kind="knowledge", batch=32, clock=Clock())
    assert (report.embedded, report.waiting) == (32, 68)
    with Indexes(table, index, FP) as serving:
        answer = serving.index("knowledge").query(
            old.embed_query("topic\ntext number 7"), limit=1
        )
        assert answer[0][0] == "c000007"
    resumed = FakeEmbedder("new", dimensions=16)
    assert embed_pending(table, resumed, kind="knowledge", clock=Clock()).waiting == 0
    assert len(resumed.texts) == 68
    assert not set(resumed.texts) & set(model.texts)
    assert snapshot.write(table, index, new) == 100
    assert [(s.fingerprint, s.state) for s in table.snapshots.all()] == [
        (FP, "live"),
        (new, "live"),
    ]
    with Indexes(table, index, new) as serving:
        assert (
            serving.index("knowledge").query(
                resumed.embed_query("topic\ntext number 7"), limit=1
            )[0][0]
            == "c000007"
        )
    with Indexes(table, index, FP) as spare:
        assert (
            spare.index("knowledge").query(
                old.embed_query("topic\ntext number 7"), limit=1
            )[0][0]
            == "c000007"
        )
    again = FakeEmbedder("new", dimensions=16)
    assert embed_pending(table, again, kind="knowledge", clock=Clock()).embedded == 0
    assert again.texts == [], "nothing is computed again that did not change"
    for found in table.snapshots.all():
        if found.fingerprint == FP:
            table.snapshots.discard(found.n)
    add_chunks(table, {"more": "one more"})
    embed_pending(table, again, kind="knowledge", clock=Clock())
    assert snapshot.write(table, index, new) == 101
    assert [p.name for p in sorted(index.glob("snapshot-*"))] == ["snapshot-3"]


def collide(home: Path, seconds: float, seed: int) -> None:
    """Four processes write and are killed at random; afterwards nothing acknowledged is missing anywhere."""
    rng = random.Random(seed)
    table, index, acked = open_store(home), home / "index", set[str]()
    running: dict[int, subprocess.Popen[str]] = {}
    logs = home / "logs"
    logs.mkdir()

    def start(slot: int, turn: int) -> None:
        with (logs / f"{slot}-{turn}").open("w") as log:
            running[slot] = subprocess.Popen(
                [sys.executable, str(VICTIM), "write", str(home), f"p{slot}.{turn}"],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    for slot in range(4):
        start(slot, 0)
    end, turn, most = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.2, 1.2))
        turn += 1
        slot = rng.randrange(4)
        writers = children_of(running[slot].pid)
        if writers and rng.random() < 0.5:
            kill(writers[-1])
        else:
            running[slot].kill()
            running[slot].wait()
            start(slot, turn)
        most = max(most, disk_bytes(index))
    for process in running.values():
        process.kill()
        process.wait()
    for log in logs.iterdir():
        for line in log.read_text().splitlines():
            assert line.split()[0] in {"READY", "ACK", "NOTE"}, line
            acked.update(line.split()[1:] if line.startswith("ACK") else ())
    embed_all(table, FakeEmbedder())
    assert snapshot.write(table, index, FP, wait_seconds=60) is not None, f"seed {seed}"
    stored = {
        row[0] for row in connection_of(table).conn.execute("SELECT id FROM knowledge")
    }
    assert acked <= stored, (
        f"seed {seed}: {len(acked - stored)} acknowledged chunks lost"
    )
    assert (
        chroma_ids(table, home)
        == stored
        == ExactIndex(table.of("knowledge", FP), index).ids()
    ), f"seed {seed}"
    assert connection_of(table).conn.execute("PRAGMA integrity_check").fetchone() == (
        "ok",
    )
    assert len(list(index.glob("snapshot-*"))) == 1
    assert most <= DISK_FACTOR * snapshot.expected_bytes(len(stored), 32), (
        f"seed {seed}: {most:,} bytes"
    )


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended by itself in between


@pytest.mark.slow
def test_four_processes_write_under_kill_9(tmp_path: Path) -> None:
    collide(tmp_path, QUICK_SECONDS, seed=20260501)


@pytest.mark.fault
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_processes_write_under_kill_9_for_minutes(
    tmp_path: Path, seed: int
) -> None:
    collide(tmp_path, LONG_SECONDS, seed)


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("old")
    table, _ = filled(home, 100)
    snapshot.write(table, home / "index", FP)
    connection_of(table).close()
    return home


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("deleted", "was deleted"),
        pytest.param("garbage", "is damaged", marks=pytest.mark.slow),
        pytest.param(
            "another version", "was written by version 0.4.24", marks=pytest.mark.slow
        ),
    ],
)
def test_an_index_that_is_gone_garbage_or_from_another_version(
    old_home: Path, tmp_path: Path, what: str, said: str
) -> None:
    """A clear message, an answer at once, and an index filled again from SQLite without a model."""
    home = tmp_path / "home"
    shutil.copytree(old_home, home)
    table = open_store(home)
    if what == "deleted":
        shutil.rmtree(home / "index")
    elif what == "garbage":
        for file in (home / "index").rglob("*.*"):
            if file.is_file() and file.name != "manifest.json":
                file.write_bytes(
                    random.Random(6).randbytes(max(file.stat().st_size, 100))
                )
    else:
        with connection_of(table).write():
            connection_of(table).conn.execute(
                "UPDATE index_generations SET chroma_version='0.4.24'"
            )
    question = FakeEmbedder().embed_query("topic\ntext number 7")
    with Indexes(table, home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(question, limit=1)[0][0] == "c000007"
        assert index.name == "exact"
        assert said in index.reason
        assert indexes.update() == 100
        assert snapshot.doubt(home / "index", table.snapshots.current(FP)) == ""
        assert indexes.index("knowledge").query(question, limit=1)[0][0] == "c000007"


@pytest.mark.slow
def test_no_vector_outlives_its_chunk(tmp_path: Path) -> None:
    table, _ = filled(tmp_path, 300)
    index = tmp_path / "index"
    snapshot.write(table, index, FP)
    with connection_of(table).write():
        connection_of(table).conn.execute("DELETE FROM documents")
    assert table.fingerprints() == {}
    with Indexes(table, index, FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(vector_of("x"), limit=5) == []
        assert (indexes.name, indexes.fallback) == ("chroma", "")
    assert snapshot.write(table, index, FP) == 0
    assert chroma_ids(table, tmp_path) == set()
    assert ExactIndex(table.of("knowledge", FP), index).ids() == set()


def test_a_model_that_is_away_is_said_and_words_still_serve(tmp_path: Path) -> None:
    table = open_store(tmp_path)
    add_chunks(table, numbered(5))
    report = embed_pending(
        table, FakeEmbedder(before=away), kind="knowledge", clock=Clock()
    )
    assert report.error is not None
    assert (report.waiting, report.error.kind, report.error.hint) == (
        5,
        "unavailable",
        "start it",
    )


@pytest.mark.fault
def test_an_answer_from_the_fallback_says_so_on_the_command_line(
    folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From so many chunks on that Chroma is asked; `sync` mends it, and nothing more is said."""
    monkeypatch.setenv("BRAIN_INDEX_EXACT_LIMIT", "10")
    place = folder(
        {
            f"{n}.md": f"# Note {n}\n\nThe word of this page is w{n}x.\n"
            for n in range(30)
        }
    )
    assert brain("add", place).code == 0
    assert brain("sync").code == 0
    index = Path(os.environ["BRAIN_HOME"]) / "index"
    (database,) = index.rglob("chroma.sqlite3")
    words = ("search", "what is the word of page w7x?")
    before = brain(*words)
    assert "index chroma" in brain(*words, "--explain").stderr
    assert "exact search answers" not in before.stderr
    database.write_bytes(random.Random(4).randbytes(database.stat().st_size))
    said = "the Chroma index is damaged; exact search answers"
    ran = brain(*words)
    assert (ran.code, ran.stdout.splitlines()[:3]) == (
        0,
        before.stdout.splitlines()[:3],
    )
    assert said in ran.stderr
    assert said in brain(*words, "--json").json["notices"]
    assert said in brain("ask", words[1]).stderr
    assert brain("sync").code == 0
    mended = brain(*words, "--explain")
    assert "index chroma" in mended.stderr
    assert "exact search answers" not in mended.stderr


@pytest.mark.fault
def test_a_sync_writes_a_snapshot_only_where_chroma_is_asked(
    folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder({f"{n}.md": f"# Note {n}\n\nPage w{n}x.\n" for n in range(5)})
    assert brain("add", place).code == 0
    index = Path(os.environ["BRAIN_HOME"]) / "index"
    (place / "0.md").write_text("# Note 0\n\nPage w9y.\n")
    assert brain("sync").code == 0
    assert not list(index.glob("snapshot-*"))
    (index / "vec-1").mkdir(parents=True)
    assert brain("sync").code == 0
    assert not (index / "vec-1").exists(), "what an older release left"
    monkeypatch.setenv("BRAIN_INDEX_ENGINE", "chroma")
    assert brain("sync").code == 0
    assert len(list(index.glob("snapshot-*"))) == 1
    assert brain("status", "--json").json["index"] == "chroma"
    assert brain("search", "w9y").stdout
    monkeypatch.setenv("BRAIN_INDEX_ENGINE", "nonsense")
    assert brain("status").code == 2

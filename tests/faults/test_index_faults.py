"""The vector index killed and damaged in every way that was thought of. The store is never touched by it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from brain.errors import Unavailable
from brain.faults import KILLED, VARIABLE
from brain.index import ExactIndex, Indexes, snapshot
from brain.index.files import disk_bytes, write_manifest
from brain.store.vectors import VectorTable
from tests.index.test_users import (
    DISK_FACTOR,
    FP,
    VICTIM,
    children_of,
    chroma_ids,
    kill,
)
from tests.index_support import (
    FakeEmbedder,
    add_chunks,
    connection_of,
    delete_chunks,
    embed_all,
    filled,
    numbered,
    open_store,
)

HEAL_SECONDS = (
    60.0  # within which a killed writer must have left nothing that does not heal
)
LOOK_SECONDS = 0.01  # between two looks at the folder
# hnswlib: the number of links and 2 x M links stand before the first vector.
LINK_BYTES = 4 + 2 * 16 * 4
COUNT = (
    1_500  # more than Chroma keeps in its log, so that every file of its index exists
)
FILES = [
    "chroma.sqlite3",
    "data_level0.bin",
    "header.bin",
    "index_metadata.pickle",
    "length.bin",
    "link_lists.bin",
]
HOWS = [
    "bit",
    "bit in the head",
    "zero page",
    "cut in half",
    "empty",
    "deleted",
    "garbage",
    "longer",
]
VARIANTS = [(file, how) for file in FILES for how in HOWS]
# One of each file and each kind of damage, two files twice; the others in the slow part.
QUICK = [(FILES[number % len(FILES)], how) for number, how in enumerate(HOWS)]
QUESTION = FakeEmbedder().embed_query("topic\ntext number 7")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pristine")
    table, _ = filled(home, COUNT)
    snapshot.write(table, home / "index", FP)
    ExactIndex(table.of("knowledge", FP), home / "index").ids()
    connection_of(table).close()
    return home


@pytest.fixture
def usual(pristine: Path) -> float:
    """What the folder of a healthy index of COUNT chunks occupies, in bytes."""
    return float(disk_bytes(pristine / "index"))


@pytest.fixture
def home(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "home")
    return tmp_path / "home"


def damage(path: Path, how: str, rng: random.Random) -> None:
    size = path.stat().st_size
    if how == "deleted":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(rng.randbytes(size))
    elif how in {"empty", "cut in half"}:
        os.truncate(path, 0 if how == "empty" else size // 2)
    elif how == "longer":
        os.truncate(path, size + 2**40)  # sparse: the terabyte that was seen
    else:
        with path.open("r+b") as file:
            place = {
                "bit": rng.randrange(size),
                "bit in the head": rng.randrange(min(size, 100)),
            }.get(how, size // 4096 // 2 * 4096)
            file.seek(place)
            old = file.read(4096 if how == "zero page" else 1)
            file.seek(place)
            file.write(
                bytes(len(old))
                if how == "zero page"
                else bytes([old[0] ^ (1 << rng.randrange(8))])
            )


def spoil(home: Path, name: str, how: str, seed: int) -> None:
    (path,) = (file for file in (home / "index" / "snapshot-1").rglob(name))
    damage(path, how, random.Random(seed))


@pytest.mark.parametrize(("file", "how"), QUICK)
def test_damage_is_seen_before_chroma_is_opened(
    home: Path, file: str, how: str
) -> None:
    """F4: the manifest tells, so that the damaged file is never handed to native code."""
    spoil(home, file, how, VARIANTS.index((file, how)))
    with Indexes(open_store(home), home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(QUESTION, limit=1)[0][0] == "c000007"
        assert (index.name, index.reason) == (
            "exact",
            "the Chroma index is damaged; exact search answers",
        )


class Watch:
    """Looks at a folder every few milliseconds; `most` is what its files ever occupied, in bytes."""

    def __init__(self, folder: Path) -> None:
        self.most = 0
        self._folder, self._end = folder, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            self.most = max(self.most, disk_bytes(self._folder))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


Figures = dict[str, list[tuple[float, float]]]


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """(seconds to heal, most disk over a healthy folder's) of every trial of a driver; the largest are printed at the end."""
    noted: Figures = {}
    yield noted
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name, pairs in sorted(noted.items()):
            seconds, ratios = (
                sorted(pair[0] for pair in pairs),
                [pair[1] for pair in pairs],
            )
            print(
                f"\n{name}: {len(pairs)} trials, healed in {seconds[len(seconds) // 2]:.1f} s (median), "
                f"{seconds[-1]:.1f} s (most); disk at most {max(ratios):.2f} x a healthy folder's"
            )


def healed(
    table: VectorTable,
    index: Path,
    usual: float,
    watch: Watch,
    noted: list[tuple[float, float]],
) -> None:
    """Write a snapshot under the bounds of F3 and F4: `usual` is what a healthy folder of as many chunks occupies,
    in bytes. The folder is watched all the while.
    """
    began = time.monotonic()
    assert snapshot.write(table, index, FP, wait_seconds=60) is not None
    seconds = time.monotonic() - began
    ratio = max(watch.most, disk_bytes(index)) / usual
    noted.append((seconds, ratio))
    assert seconds < HEAL_SECONDS
    assert ratio <= DISK_FACTOR
    assert len(list(index.glob("snapshot-*"))) == 1
    assert not list(index.glob("reading-*"))


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("file", "how"), VARIANTS)
def test_damage_is_mended_and_kills_nobody(
    home: Path, file: str, how: str, usual: float, figures: Figures
) -> None:
    """F4: until it is mended exact search answers, and says why."""
    table, index = open_store(home), home / "index"
    spoil(home, file, how, VARIANTS.index((file, how)))
    with Indexes(table, index, FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(QUESTION, limit=1)[0][0] == "c000007"
        assert indexes.name == "exact"
        assert indexes.reason.endswith("; exact search answers")
    with Watch(index) as watch:
        healed(table, index, usual, watch, figures.setdefault("F4", []))
    with Indexes(table, index, FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(QUESTION, limit=1)[0][0] == "c000007"
        assert indexes.name == "chroma", indexes.reason
    assert chroma_ids(table, home) == set(numbered(COUNT))


@pytest.mark.fault
def test_a_bit_that_draws_every_question_to_one_chunk(home: Path) -> None:
    """A flipped exponent makes one vector huge: every search still succeeds, and half of them answer with that chunk. An
    index that passed for whole is given up at its first answer.
    """
    table, index = open_store(home), home / "index"
    (path,) = index.rglob("data_level0.bin")
    with path.open("r+b") as file:
        file.seek(LINK_BYTES)
        vector = np.frombuffer(file.read(32 * 4), np.float32).copy()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5), (
            "this is where hnswlib keeps the first vector"
        )
        vector[np.argmax(np.abs(vector))] *= 1e18
        file.seek(LINK_BYTES)
        file.write(vector.tobytes())
    write_manifest(index / "snapshot-1")
    with Indexes(table, index, FP, long_lived=True) as indexes:
        for number in range(20):
            question = FakeEmbedder().embed_query(f"topic\ntext number {number}")
            assert (
                indexes.index("knowledge").query(question, limit=1)[0][0]
                == f"c{number:06d}"
            )
        assert (indexes.name, "damaged" in indexes.reason) == ("exact", True)
        assert indexes.update() == COUNT
    assert [place.name for place in index.glob("snapshot-*")] == ["snapshot-2"]


def trial(
    home: Path, seed: int, usual: float, noted: list[tuple[float, float]]
) -> None:
    """Kill a writer once at a random moment, then heal: ids equal the store's, in time, and never too much disk."""
    rng = random.Random(seed)
    table, index = open_store(home), home / "index"
    add_chunks(table, numbered(300, COUNT))
    delete_chunks(table, list(numbered(100)))
    embed_all(table, FakeEmbedder())
    with Watch(index) as watch:
        kill_a_writer(home, rng)
        with Indexes(table, index, FP, long_lived=True) as indexes:
            indexes.index("knowledge").query(QUESTION, limit=1)
            assert (indexes.name, indexes.fallback) == ("chroma", ""), (
                "the old or the new one"
            )
        healed(table, index, usual * (COUNT + 200) / COUNT, watch, noted)
    assert (
        chroma_ids(table, home)
        == table.of("knowledge", FP).ids()
        == set(numbered(COUNT + 200, 100))
    )


def kill_a_writer(home: Path, rng: random.Random) -> None:
    victim = subprocess.Popen(
        [sys.executable, str(VICTIM), "snapshot", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(rng.uniform(0.3, 5.0))
    children = children_of(victim.pid)
    who = rng.choice(["parent", "child", "both"])
    if who != "child" or not children:
        victim.kill()
    if who != "parent":
        for pid in children:
            kill(pid)
    if who == "child":
        time.sleep(rng.uniform(0, 1.0))
        victim.kill()
    victim.wait()


@pytest.mark.parametrize("seed", [7])
@pytest.mark.fault
def test_a_killed_writer_leaves_nothing_that_does_not_heal(
    home: Path, seed: int, usual: float, figures: Figures
) -> None:
    trial(home, seed, usual, figures.setdefault("F3 quick", []))


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(100))
def test_a_killed_writer_a_hundred_times(
    home: Path, seed: int, usual: float, figures: Figures
) -> None:
    """F3: ids equal the store's, no orphan, healed in under 60 s, never more than three times a healthy folder's disk."""
    trial(home, seed, usual, figures.setdefault("F3", []))


STEPS = [
    "vectors.before_commit",
    "index.before_add",
    "index.before_close",
    "index.before_flip",
    "index.before_rmtree",
    "index.exact_write",
]
RUN = (
    "import sys; sys.path[:0] = sys.argv[1:3]\nfrom pathlib import Path\nfrom index_support import *\nfrom brain.index import *\nfrom brain.index import snapshot\n"
    "home = Path(sys.argv[3]); table = open_store(home); fp = str(fingerprint())\n"
    "add_chunks(table, numbered(40, 5000)); embed_all(table, FakeEmbedder())\n"
    "Indexes(table, home / 'index', fp).index('knowledge').query([1.0] * 32, limit=1)\n"
    "snapshot.write(table, home / 'index', fp); snapshot.write(table, home / 'index', fp)\n"
)


SAID = {
    "enospc": b"No space left",
    "eio": b"Input/output error",
    "exit": b"",
    "raise": b"",
}
# A disk that fails here is no error of the run: exact search goes on without its file.
BORNE = "index.exact_write"


def at_step(
    home: Path, step: str, action: str, nth: int = 1
) -> subprocess.CompletedProcess[bytes]:
    next(iter((home / "index").glob("exact-*.f32"))).unlink()
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", RUN, str(root), str(root / "tests"), str(home)],
        env={**os.environ, VARIABLE: f"{step}:{nth}:{action}"},
        capture_output=True,
        check=False,
    )


def heals(home: Path) -> None:
    table = open_store(home)
    embed_all(table, FakeEmbedder())
    assert snapshot.write(table, home / "index", FP, wait_seconds=60) is not None
    stored = {
        row[0] for row in connection_of(table).conn.execute("SELECT id FROM knowledge")
    }
    assert (
        chroma_ids(table, home)
        == stored
        == ExactIndex(table.of("knowledge", FP), home / "index").ids()
    )
    assert len(list((home / "index").glob("snapshot-*"))) == 1


@pytest.mark.fault
@pytest.mark.parametrize("action", ["exit", "enospc", "eio", "raise"])
@pytest.mark.parametrize("step", STEPS)
def test_every_step_with_every_action(home: Path, step: str, action: str) -> None:
    """F2 for the index: whatever happens at a named step, the next run puts it right."""
    run = at_step(home, step, action)
    inside_child = step in {"index.before_add", "index.before_close"}
    if action == "exit" and not inside_child:
        assert run.returncode == KILLED
    elif step == BORNE and action != "raise":
        assert (run.returncode, run.stderr) == (0, b"")
    else:
        assert run.returncode == 1
        assert SAID[action] in run.stderr
    heals(home)


def test_a_crash_before_the_flip_heals(home: Path) -> None:
    assert at_step(home, "index.before_flip", "exit").returncode == KILLED
    heals(home)


@pytest.mark.fault
def test_a_step_that_is_never_reached_does_nothing(home: Path) -> None:
    run = at_step(home, "index.nowhere", "exit")
    assert (run.returncode, run.stderr) == (0, b"")
    heals(home)


@pytest.mark.fault
def test_a_writing_that_fails_is_said_and_leaves_the_old_snapshot(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        VARIABLE, "index.before_add:1:enospc"
    )  # for the child, which inherits it
    table = open_store(home)
    with pytest.raises(Unavailable, match="No space left"):
        snapshot.write(table, home / "index", FP)
    assert [place.name for place in (home / "index").glob("snapshot-*")] == [
        "snapshot-1"
    ]
    with Indexes(table, home / "index", FP, exact_limit=10) as indexes:
        assert indexes.index("knowledge").query(QUESTION, limit=1)[0][0] == "c000007"
        assert indexes.name == "chroma"

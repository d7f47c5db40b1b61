"""The vector index killed and damaged in every way that was thought of. The store is never touched by it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from index_support import (
    FakeEmbedder,
    add_chunks,
    connection_of,
    delete_chunks,
    embed_all,
    filled,
    numbered,
    open_store,
)
from test_index_users import DISK_FACTOR, FP, VICTIM, chroma_ids, kill

from brain.errors import Unavailable
from brain.faults import KILLED, VARIABLE
from brain.index import ExactIndex, Indexes, apply
from brain.index.files import MANIFEST, disk_bytes
from brain.index.proof import expected_bytes

COUNT = 1_500  # more than Chroma keeps in its log, so that every file of its index exists
FILES = ["chroma.sqlite3", "data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin", "link_lists.bin"]
HOWS = ["bit", "bit in the head", "zero page", "cut in half", "empty", "deleted", "garbage", "longer"]
VARIANTS = [(file, how) for file in FILES for how in HOWS]
QUESTION = FakeEmbedder().embed_query("topic\ntext number 7")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pristine")
    table, _ = filled(home, COUNT)
    apply(table, home / "index", FP)
    ExactIndex(table, home / "index", kind="knowledge", fingerprint=FP).ids()
    connection_of(table).close()
    return home


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
            place = {"bit": rng.randrange(size), "bit in the head": rng.randrange(min(size, 100))}.get(
                how, size // 4096 // 2 * 4096
            )
            file.seek(place)
            old = file.read(4096 if how == "zero page" else 1)
            file.seek(place)
            file.write(bytes(len(old)) if how == "zero page" else bytes([old[0] ^ (1 << rng.randrange(8))]))


def spoil(home: Path, name: str, how: str, seed: int) -> None:
    (path,) = (file for file in (home / "index" / "vec-1").rglob(name))
    damage(path, how, random.Random(seed))


@pytest.mark.parametrize(("file", "how"), VARIANTS)
def test_damage_is_seen_before_chroma_is_opened(home: Path, file: str, how: str) -> None:
    """F4: the manifest tells, so that the damaged file is never handed to native code."""
    spoil(home, file, how, VARIANTS.index((file, how)))
    with Indexes(open_store(home), home / "index", FP, long_lived=True) as indexes:
        index = indexes.index("knowledge")
        assert index.query(QUESTION, limit=1)[0][0] == "c000007"
        assert (index.name, index.reason) == ("exact", "the Chroma index is damaged; exact search answers")


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("clean", [True, False], ids=["closed", "crashed"])
@pytest.mark.parametrize(("file", "how"), VARIANTS)
def test_damage_is_mended_and_kills_nobody(home: Path, file: str, how: str, clean: bool) -> None:
    """F4: also after a crash, when no manifest tells and the probe meets the damage in its child process."""
    table, index = open_store(home), home / "index"
    spoil(home, file, how, VARIANTS.index((file, how)))
    if not clean:
        next(index.rglob(MANIFEST)).unlink()
    began = time.monotonic()
    assert apply(table, index, FP).waiting == 0
    assert time.monotonic() - began < 60
    with Indexes(table, index, FP, long_lived=True) as indexes:
        assert indexes.index("knowledge").query(QUESTION, limit=1)[0][0] == "c000007"
        assert indexes.name in {"chroma", "exact"}
    if clean or indexes.name == "chroma":
        assert len(list(index.glob("vec-*"))) == 1
    apply(table, index, FP)
    assert chroma_ids(table, home) == set(numbered(COUNT))
    assert disk_bytes(index) <= DISK_FACTOR * expected_bytes(COUNT, 32)


def trial(home: Path, mode: str, seed: int) -> int:
    """Kill an applier once at a random moment, then heal. Returns the most that the folder ever took, in bytes."""
    rng = random.Random(seed)
    table, index = open_store(home), home / "index"
    add_chunks(table, numbered(300, COUNT))
    delete_chunks(table, list(numbered(100)))
    embed_all(table, FakeEmbedder())
    victim = subprocess.Popen(
        [sys.executable, str(VICTIM), mode, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    most, end = 0, time.monotonic() + rng.uniform(0.3, 5.0)
    while time.monotonic() < end:
        time.sleep(0.05)
        most = max(most, disk_bytes(index))
    owners = [g.owner_pid for g in table.generations.all() if g.owner_pid]
    who = rng.choice(["parent", "worker", "both"])
    if who != "worker" or not owners:
        victim.kill()
    if who != "parent":
        for pid in owners:
            kill(pid)
    if who == "worker":
        time.sleep(rng.uniform(0, 1.0))
        victim.kill()
    victim.wait()
    began = time.monotonic()
    assert apply(table, index, FP, wait_seconds=60).waiting == 0, f"seed {seed}"
    assert time.monotonic() - began < 60, f"seed {seed}"
    assert chroma_ids(table, home) == table.ids("knowledge", FP) == set(numbered(COUNT + 200, 100)), f"seed {seed}"
    return max(most, disk_bytes(index))


@pytest.mark.parametrize("seed", [7])
def test_a_killed_applier_leaves_nothing_that_does_not_heal(home: Path, seed: int) -> None:
    assert trial(home, "apply", seed) <= DISK_FACTOR * expected_bytes(COUNT + 300, 32)


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(100))
def test_a_killed_applier_a_hundred_times(home: Path, seed: int) -> None:
    """F3: ids equal the store's, no orphan, healed in under 60 s, never more than three times the expected disk."""
    assert trial(home, "refill" if seed % 2 else "apply", seed) <= DISK_FACTOR * expected_bytes(COUNT + 300, 32)


STEPS = [
    "vectors.before_commit",
    "index.before_upsert",
    "index.mid_apply",
    "index.before_close",
    "index.before_flip",
    "index.before_rmtree",
    "index.exact_write",
]
RUN = (
    "import sys; sys.path[:0] = sys.argv[1:3]\nfrom pathlib import Path\nfrom index_support import *\nfrom brain.index import *\n"
    "home = Path(sys.argv[3]); table = open_store(home); fp = str(fingerprint())\n"
    "add_chunks(table, numbered(40, 5000)); embed_all(table, FakeEmbedder())\n"
    "Indexes(table, home / 'index', fp).index('knowledge').ids()\n"
    "apply(table, home / 'index', fp); apply(table, home / 'index', fp, refill=True)\n"
)


def at_step(home: Path, step: str, action: str, nth: int = 1) -> subprocess.CompletedProcess[bytes]:
    next(iter((home / "index").glob("exact-*.f32"))).unlink()
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", RUN, str(root), str(root / "tests"), str(home)],
        env={**os.environ, VARIABLE: f"{step}:{nth}:{action}"},
        capture_output=True,
        check=False,
    )


def heals(home: Path) -> None:
    table = open_store(home)
    embed_all(table, FakeEmbedder())
    assert apply(table, home / "index", FP, wait_seconds=60).waiting == 0
    stored = {row[0] for row in connection_of(table).conn.execute("SELECT id FROM knowledge")}
    assert (
        chroma_ids(table, home) == stored == ExactIndex(table, home / "index", kind="knowledge", fingerprint=FP).ids()
    )
    assert len(list((home / "index").glob("vec-*"))) == 1


@pytest.mark.fault
@pytest.mark.parametrize("action", ["exit", "enospc", "eio", "raise"])
@pytest.mark.parametrize("step", STEPS)
def test_every_step_with_every_action(home: Path, step: str, action: str) -> None:
    """F2 for the index: whatever happens at a named step, the next run puts it right."""
    run = at_step(home, step, action)
    inside_worker = step in {"index.before_upsert", "index.before_close"}
    if action == "exit" and not inside_worker:
        assert run.returncode == KILLED
    heals(home)


def test_a_crash_before_the_flip_heals(home: Path) -> None:
    assert at_step(home, "index.before_flip", "exit").returncode == KILLED
    heals(home)


@pytest.mark.fault
def test_a_step_that_is_never_reached_does_nothing(home: Path) -> None:
    run = at_step(home, "index.nowhere", "exit")
    assert (run.returncode, run.stderr) == (0, b"")
    heals(home)


def test_a_refill_that_fails_is_said_and_leaves_the_old_generation(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "index.before_upsert:1:enospc")  # for the worker, which starts with this environment
    table = open_store(home)
    with pytest.raises(Unavailable, match="No space left"):
        apply(table, home / "index", FP, refill=True)
    with Indexes(table, home / "index", FP, exact_limit=10) as indexes:
        assert indexes.index("knowledge").query(QUESTION, limit=1)[0][0] == "c000007"
        assert indexes.name == "chroma"

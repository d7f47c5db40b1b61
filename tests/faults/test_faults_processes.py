"""Faults F9, F10, F16, F18 and F22 of docs/FAULTS.md: many processes, signals, and locks of the dead."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end import ROOT, checked, held
from tests.fault_victims import write_notes
from tests.faults.test_faults_add import at, uris
from tests.zygote import Child, Zygote

SEEN_SECONDS = 5.0  # a note is found at the latest so long after it was acknowledged
STUCK_SECONDS = 60.0


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote")) as started:
        yield started


def until_ready(child: Child) -> None:
    end = time.monotonic() + STUCK_SECONDS
    while "READY" not in child.stdout and time.monotonic() < end:
        time.sleep(0.01)
    assert "READY" in child.stdout


# -- F9 and F10 -----------------------------------------------------------------------------------------------------------------


def writers(
    zygote: Zygote, place: Path, count: int, notes: int, *, environ: dict[str, str]
) -> list[Child]:
    """Start so many processes, each with its own notes and a quarter that all of them have."""
    shared = write_notes(place / "shared", range(notes // 4))
    children = []
    for number in range(count):
        first = 1_000 * (number + 1)
        own = write_notes(
            place / f"own{number}", range(first, first + notes - notes // 4)
        )
        children.append(
            zygote.start(
                ["add", own, shared] if number % 2 else ["add", shared, own],
                environ=environ,
            )
        )
    return children


def together(
    zygote: Zygote, place: Path, count: int, notes: int, seconds: float
) -> dict[str, int]:
    """Writers, a searcher beside them, and a note that an open reader must see. Returns what the searcher did."""
    environ = at(place / "home")
    assert (
        zygote.run(
            ["add", write_notes(place / "first", range(500, 510))], environ=environ
        ).code
        == 0
    )
    searcher = zygote.start(
        ["call:fault_victims:ask_all_the_time", str(seconds)], environ=environ
    )
    reader = zygote.start(
        ["call:fault_victims:wait_for", "quagga", str(STUCK_SECONDS)], environ=environ
    )
    until_ready(reader)
    children = writers(zygote, place, count, notes, environ=environ)
    note = zygote.run(
        ["add", "--note", "The quagga stands in the stable"], environ=environ
    )
    acknowledged = time.time()
    assert note.code == 0, note.stderr
    seen = reader.wait()
    assert seen.code == 0, seen.stderr
    found = dict(line.split() for line in seen.stdout.splitlines()[1:])
    assert set(found) == {"lexical", "dense"}, (
        "the open reader found the new note, by words and by meaning"
    )
    for child in children:
        ended = child.wait()
        assert ended.code == 0, ended.stderr
        assert "in use by another process" not in ended.stderr
    looked = searcher.wait()
    assert looked.code == 0, looked.stderr
    wanted = uris(place)
    stored = checked(place / "home")
    assert {
        uri: text for uri, text in stored.documents.items() if uri.startswith("file:")
    } == wanted, "the exact union"
    assert len(stored.documents) == len(wanted) + 1
    assert stored.chunks == len(wanted) + 1
    assert zygote.run(["sync"], environ=environ).code == 0
    assert checked(place / "home").vectors == len(wanted) + 1
    return {
        **json.loads(looked.stdout),
        "seen_ms": int(1_000 * max(0.0, float(found["dense"]) - acknowledged)),
    }


@pytest.mark.fault
def test_f09_four_processes_add_while_others_search(
    zygote: Zygote, tmp_path: Path
) -> None:
    assert together(zygote, tmp_path, 4, 32, 4.0)["rounds"] > 0


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_f09_eight_processes_add_two_hundred_notes_each(
    zygote: Zygote, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 lock errors, exact union, and a new note found within 5 s, while a ninth searches for a minute."""
    did = together(zygote, tmp_path, 8, 200, 60.0)
    with capsys.disabled():
        print(
            f"\nF9: 8 x 200 notes, {did['rounds']} searches meanwhile, the new note seen after {did['seen_ms']} ms"
        )
    assert did["seen_ms"] <= SEEN_SECONDS * 1_000
    assert did["rounds"] > 10


# -- F16 -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "codes"),
    [(signal.SIGINT, {130}), (signal.SIGTERM, {143}), (signal.SIGHUP, {129})],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
@pytest.mark.fault
def test_f16_a_storm_of_signals_leaves_no_traceback_and_no_lock(
    zygote: Zygote, tmp_path: Path, number: int, codes: set[int]
) -> None:
    """Three times the same signal, at three moments of an `add`; the next command goes on as if nothing had been."""
    folder = write_notes(tmp_path / "notes", range(600))
    environ = at(tmp_path / "home")
    for seconds in (0.25, 0.45, 0.7):
        child = zygote.start(["add", folder], environ=environ)
        time.sleep(seconds)
        for _ in range(3):
            child.kill(number)
            time.sleep(0.01)
        ended = child.wait()
        assert ended.code in codes | {0, -number}, (ended.code, ended.stderr)
        assert "Traceback" not in ended.stderr, ended.stderr
        assert "Exception ignored in" not in ended.stderr, ended.stderr
        assert held(tmp_path / "home").items() <= uris(folder).items()
    assert zygote.run(["add", folder], environ=environ).code == 0
    stored = checked(tmp_path / "home")
    assert stored.documents == uris(folder)
    assert stored.vectors == 600


LOST = """
import os, signal, time
import brain.doors.cli as cli

class Cleared:
    def __del__(self):
        {what}

def numbers():
    try:
        yield Cleared()
    finally:
        {what}

def run(words):
    made = numbers()
    next(made)
    del made  # cleared away here, and what is raised meanwhile is raised nowhere
    for _ in range({rounds}):
        time.sleep(0.05)
    return 0

cli.run = run
cli.main([])
"""


def heard() -> None:
    """Signals do what they do at a terminal, although a shell may have started these tests behind itself, deaf to them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def lost(what: str, rounds: int, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command in which `what` happens in a `finally` and in a `__del__`, and that waits so many times 0.05 s."""
    words = [sys.executable, "-c", LOST.format(what=what, rounds=rounds)]
    return subprocess.run(
        words,
        env={**os.environ, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=heard,
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=str,
)
def test_f16_a_signal_that_python_swallows_ends_the_command_all_the_same(
    number: int, code: int
) -> None:
    ran = lost(f"os.kill(os.getpid(), {int(number)})", 200)
    assert (ran.returncode, ran.stderr) == (code, "")


def test_f16_a_bug_that_python_swallows_is_one_line_and_shown_whole_on_demand() -> None:
    line = "brain: an unexpected error was passed over (ZeroDivisionError); BRAIN_DEBUG=1 shows it\n"
    ran = lost("1 / 0", 0)
    assert (ran.returncode, ran.stderr) == (0, line * 2)
    assert (
        lost("1 / 0", 0, BRAIN_DEBUG="1").stderr.count(
            "ZeroDivisionError: division by zero"
        )
        == 2
    )
    thread = "import threading; (t := threading.Thread(target=lambda: 1 / 0)).start(); t.join()"
    assert lost(thread, 0).stderr == line * 2


# -- F18 -----------------------------------------------------------------------------------------------------------------------------


def derived(home: Path) -> list[Path]:
    """What may be deleted at any time: the index, locks."""
    return [
        path
        for path in home.rglob("*")
        if path.name != "brain.db"
        and not path.name.startswith("brain.db-")
        and path.is_file()
    ]


def mess(zygote: Zygote, place: Path, seed: int, rounds: int) -> None:
    """Writers, searchers and sync at work while what they derive is deleted under them."""
    rng, environ = random.Random(seed), at(place / "home")
    folder = write_notes(place / "notes", range(60))
    assert zygote.run(["add", folder], environ=environ).code == 0
    for turn in range(rounds):
        write_notes(place / "notes", range(1_000 + turn * 10, 1_010 + turn * 10))
        children = [
            zygote.start(words, environ=environ)
            for words in (["sync"], ["search", "word of page w7x"], ["ask", "w8x"])
        ]
        for _ in range(6):
            time.sleep(rng.uniform(0, 0.15))
            if rng.random() < 0.3:
                shutil.rmtree(place / "home" / "index", ignore_errors=True)
            for path in derived(place / "home"):
                if rng.random() < 0.5:
                    path.unlink(missing_ok=True)
        for child in children:
            ended = child.wait()
            assert ended.code == 0, f"seed {seed}: {ended.stderr}"
            assert "Traceback" not in ended.stderr
    shutil.rmtree(place / "home" / "index", ignore_errors=True)
    assert zygote.run(["sync"], environ=environ).code == 0
    stored = checked(place / "home")
    assert (len(stored.documents), stored.chunks) == (
        60 + 10 * rounds,
        stored.vectors,
    ), f"seed {seed}"
    assert (
        "00007.md" in zygote.run(["search", "word of page w7x"], environ=environ).stdout
    )


@pytest.mark.fault
def test_f18_index_and_locks_deleted_while_running(
    zygote: Zygote, tmp_path: Path
) -> None:
    mess(zygote, tmp_path, 18, 2)


@pytest.mark.fault
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10))
def test_f18_index_and_locks_deleted_many_times(
    zygote: Zygote, tmp_path: Path, seed: int
) -> None:
    mess(zygote, tmp_path, seed, 6)


# -- F22 -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.fault
def test_f22_locks_of_the_dead_stop_nobody(zygote: Zygote, tmp_path: Path) -> None:
    """Lock files left by a killed process, and a snapshot whose writer is gone."""
    environ = at(tmp_path / "home") | {"BRAIN_INDEX_ENGINE": "chroma"}
    folder = write_notes(tmp_path / "notes", range(40))
    assert zygote.run(["add", folder], environ=environ).code == 0
    for name in ("filling.lock", "index/snapshot.lock", "index/exact.lock"):
        (tmp_path / "home" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "home" / name).write_text("4194304")
    with sqlite3.connect(tmp_path / "home" / "brain.db") as conn:
        conn.execute(
            "INSERT INTO index_generations (n, fingerprint, dimensions, state, created_at) "
            "SELECT 1, fingerprint, 256, 'building', '2026-05-01' FROM embeddings LIMIT 1"
        )
    (tmp_path / "home" / "index" / "snapshot-1").mkdir()
    write_notes(folder, range(40, 50))
    assert zygote.run(["sync"], environ=environ).code == 0
    assert zygote.run(["search", "word of page w45x"], environ=environ).code == 0
    assert [
        place.name for place in (tmp_path / "home" / "index").glob("snapshot-*")
    ] == ["snapshot-2"]
    stored = checked(tmp_path / "home")
    assert (len(stored.documents), stored.vectors) == (50, 50)


def two_syncs(zygote: Zygote, place: Path) -> None:
    environ = at(place / "home")
    children = [zygote.start(["sync"], environ=environ) for _ in range(2)]
    ends = [child.wait() for child in children]
    assert [end.code for end in ends] == [0, 0], [end.stderr for end in ends]


@pytest.mark.fault
def test_f22_two_syncs_started_together_both_end_well(
    zygote: Zygote, tmp_path: Path
) -> None:
    folder = write_notes(tmp_path / "notes", range(40))
    assert zygote.run(["add", folder], environ=at(tmp_path / "home")).code == 0
    for turn in range(3):
        write_notes(folder, range(100 + turn, 101 + turn))
        two_syncs(zygote, tmp_path)
    stored = checked(tmp_path / "home")
    assert (len(stored.documents), stored.vectors) == (43, 43)


@pytest.mark.fault
@pytest.mark.timeout(1800)
def test_f22_two_syncs_started_together_fifty_times(
    zygote: Zygote, tmp_path: Path
) -> None:
    folder = write_notes(tmp_path / "notes", range(40))
    assert zygote.run(["add", folder], environ=at(tmp_path / "home")).code == 0
    for turn in range(50):
        write_notes(folder, range(100 + turn, 101 + turn))
        two_syncs(zygote, tmp_path)
    stored = checked(tmp_path / "home")
    assert (len(stored.documents), stored.vectors) == (90, 90)


@pytest.mark.fault
def test_f22_two_processes_make_the_same_home_at_once(
    zygote: Zygote, tmp_path: Path
) -> None:
    """The very first command, twice: one makes the file and its tables, the other waits and finds them."""
    for turn in range(5):
        environ = at(tmp_path / f"home{turn}")
        children = [
            zygote.start(["add", "--note", f"note {number}"], environ=environ)
            for number in range(3)
        ]
        for child in children:
            ended = child.wait()
            assert ended.code == 0, ended.stderr
        assert len(checked(tmp_path / f"home{turn}").documents) == 3

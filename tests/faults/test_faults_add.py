"""Faults F1 and F2 of docs/FAULTS.md: killed while taking in, at random moments and at every named step."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from brain.faults import KILLED, VARIABLE
from tests.end_to_end import checked, held
from tests.fault_victims import write_notes
from tests.zygote import Ended, Zygote

COUNT = 1_000
QUICK, TRIALS = 6, 200
ACTIONS = ("exit", "enospc", "eio", "raise")


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote")) as started:
        yield started


def uris(place: Path) -> dict[str, str]:
    """What the store must hold of a folder: address -> text."""
    return {path.as_uri(): path.read_text() for path in place.rglob("*.md")}


# -- F1 ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_notes(tmp_path_factory.mktemp("thousand"), range(COUNT))


@pytest.fixture(scope="module")
def whole_seconds(
    zygote: Zygote, thousand: Path, tmp_path_factory: pytest.TempPathFactory
) -> float:
    """How long an undisturbed run takes here, start and vectors included."""
    began = time.monotonic()
    ran = zygote.run(
        ["call:fault_victims:add_and_acknowledge", thousand],
        environ=at(tmp_path_factory.mktemp("whole")),
    )
    assert ran.code == 0, ran.stderr
    return time.monotonic() - began


def at(home: Path, **more: str) -> dict[str, str]:
    return {
        "BRAIN_HOME": str(home),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
        **more,
    }


def killed(zygote: Zygote, folder: Path, home: Path, seconds: float) -> set[str]:
    """Run, kill -9 after so many seconds; the addresses that were acknowledged (an unfinished line is none)."""
    child = zygote.start(
        ["call:fault_victims:add_and_acknowledge", folder], environ=at(home)
    )
    time.sleep(seconds)
    child.kill()
    ended = child.wait()
    assert ended.code in (-9, 0), ended.stderr
    return {
        line.strip()
        for line in ended.stdout.splitlines(keepends=True)
        if line.endswith("\n")
    }


def trial(zygote: Zygote, folder: Path, home: Path, seed: int, whole: float) -> int:
    """One kill, all checks, one further run. Returns how many documents were acknowledged before the kill."""
    wanted = uris(folder)
    acknowledged = killed(zygote, folder, home, random.Random(seed).uniform(0, whole))
    there = held(home)
    assert acknowledged <= set(there), (
        f"seed {seed}: {len(acknowledged - set(there))} acknowledged notes lost"
    )
    assert there.items() <= wanted.items(), (
        f"seed {seed}: a note is not what was written"
    )
    again = zygote.run(["add", folder], environ=at(home))
    assert again.code == 0, f"seed {seed}: {again.stderr}"
    stored = checked(home)
    assert stored.documents == wanted, (
        f"seed {seed}: {len(stored.documents)} documents after the second run"
    )
    assert stored.chunks == stored.vectors == len(wanted), f"seed {seed}"
    return len(acknowledged)


@pytest.mark.parametrize("seed", range(QUICK))
@pytest.mark.fault
def test_f01_kill_9_while_adding_a_thousand_notes(
    zygote: Zygote, thousand: Path, whole_seconds: float, tmp_path: Path, seed: int
) -> None:
    trial(zygote, thousand, tmp_path / "home", seed, whole_seconds)


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_f01_kill_9_two_hundred_times(
    zygote: Zygote,
    thousand: Path,
    whole_seconds: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0 acknowledged notes lost, 0 partial, 0 duplicates; the kills hit before, between and after the batches."""
    seen = []
    for seed in range(1_000, 1_000 + TRIALS):
        seen.append(trial(zygote, thousand, tmp_path / "home", seed, whole_seconds))
        shutil.rmtree(tmp_path / "home")
    with capsys.disabled():
        between = sum(0 < count < COUNT for count in seen)
        print(
            f"\nF1: {TRIALS} kills, {between} between the first and the last batch, {seen.count(0)} before, seeds 1000-{999 + TRIALS}"
        )
    assert any(0 < count < COUNT for count in seen)


# -- F2 ---------------------------------------------------------------------------------------------------------------------


def prepare(place: Path) -> tuple[Path, Path]:
    """(home, folder): a store with five notes, and a folder that has changed since in every way."""
    folder = write_notes(place / "notes", range(5))
    return place / "home", folder


def change(folder: Path) -> None:
    write_notes(folder, range(5, 12))
    (folder / "00001.md").write_text("# Note 1\n\nThis page was edited.\n")
    (folder / "00002.md").rename(folder / "renamed.md")
    (folder / "00003.md").unlink()
    (folder / "photo.psd").write_bytes(b"8BPS")
    (folder / "torn.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)


SCENARIOS: dict[str, list[str]] = {
    "add": ["add", "{folder}"],
    "sync": ["sync"],
    "note": ["add", "--note", "Call Ana about the lease"],
    "remember": ["remember", "We chose SQLite because one file is enough"],
    "export": ["export", "{home}-out"],
}
FULL = "add in full batches"  # a slow machine cuts the batches of "add" by the clock
WORDS = {**SCENARIOS, FULL: ["call:fault_victims:add_in_full_batches", "{folder}"]}


def words(scenario: str, home: Path, folder: Path) -> list[str]:
    return [word.format(home=home, folder=folder) for word in WORDS[scenario]]


@pytest.fixture(scope="module")
def before(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place that every trial gets a copy of. Its files are ten seconds old, so that unchanged ones are known to be."""
    place = tmp_path_factory.mktemp("before")
    home, folder = prepare(place)
    for path in folder.iterdir():
        os.utime(path, (time.time() - 10,) * 2)
    assert zygote.run(["add", folder], environ=at(home)).code == 0
    change(folder)
    return place


@cache
def steps(zygote: Zygote, before: Path, scenario: str) -> tuple[str, ...]:
    """The named steps that the scenario passes, in order."""
    place = before.with_name(f"{before.name}-{scenario}-traced")
    ran, _ = run_at(zygote, before, place, scenario, "*:1:trace")
    return tuple(
        line.removeprefix("fault point ")
        for line in ran.stderr.splitlines()
        if line.startswith("fault point ")
    )


def run_at(
    zygote: Zygote, before: Path, place: Path, scenario: str, point: str
) -> tuple[Ended, Path]:
    """Copy, run the scenario with the fault; the files stay where they are, the home is the copy's."""
    home = place / "home"
    shutil.copytree(before / "home", home)
    return zygote.run(
        words(scenario, home, before / "notes"), environ=at(home, **{VARIABLE: point})
    ), home


QUICK_ACTIONS = {"add": ("exit", "enospc"), "sync": ("exit",), "export": ("exit",)}


def test_f02_every_step_of_a_note(zygote: Zygote, before: Path, tmp_path: Path) -> None:
    """The quick part: a note is stored in two tables and gets its vectors, with a crash at each step of it."""
    points = [
        point
        for point in steps(zygote, before, "note")
        if not point.startswith("index.")
    ]
    assert "note.between" in " ".join(points)
    strike(zygote, before, tmp_path, "note", points, ("exit",))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.fault
def test_f02_every_step(
    zygote: Zygote, before: Path, tmp_path: Path, scenario: str
) -> None:
    """Every step with the two faults that differ most; the index's own steps are test_index_faults'."""
    points = [
        point
        for point in steps(zygote, before, scenario)
        if not point.startswith("index.")
    ]
    if (
        scenario == "sync"
    ):  # each run brings Chroma up to date too; what it shares with `add` is struck there
        points = [
            point
            for point in points
            if point in ("sync.before_let_go", "vectors.before_commit")
        ]
    assert points
    strike(
        zygote,
        before,
        tmp_path,
        scenario,
        points,
        QUICK_ACTIONS.get(scenario, ("exit", "enospc")),
    )


@pytest.mark.fault
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_f02_every_step_and_every_action(
    zygote: Zygote, before: Path, tmp_path: Path, scenario: str
) -> None:
    strike(zygote, before, tmp_path, scenario, steps(zygote, before, scenario), ACTIONS)


def strike(
    zygote: Zygote,
    before: Path,
    place: Path,
    scenario: str,
    points: Sequence[str],
    actions: Sequence[str],
) -> None:
    """Whatever happens at a named step: nothing half, what was there stays, and the same command again completes it."""
    undisturbed, done = run_at(zygote, before, place / "whole", scenario, "")
    assert undisturbed.code in (0, 1)
    wanted, old = checked(done), checked(before / "home").documents
    for point in points:
        for action in actions:
            name = f"{point}:1:{action}"
            ran, home = run_at(
                zygote, before, place / name.replace(":", "-"), scenario, name
            )
            told(ran, name, action, inside_a_worker=point in WORKERS)
            there = checked(home).documents
            if scenario in ("note", "remember"):
                assert len(there) - len(old) in (0, 1), name
                kept = (
                    action == "exit"
                    or len(there) == len(old)
                    or point in AFTER_THE_COMMIT
                )
                assert kept, f"{name}: saved, and an error was said"
            else:
                assert all(
                    text in (old.get(uri), wanted.documents.get(uri))
                    for uri, text in there.items()
                ), name
                assert set(old) & set(wanted.documents) <= set(there), (
                    f"{name}: something is gone"
                )
                again = zygote.run(
                    words(scenario, home, before / "notes"), environ=at(home)
                )
                assert again.code in (undisturbed.code, 0), f"{name}: {again.stderr}"
                after = checked(home)
                assert (after.documents, after.chunks) == (
                    wanted.documents,
                    after.vectors,
                ), name
            shutil.rmtree(home.parent)


def told(ran: Ended, name: str, action: str, *, inside_a_worker: bool) -> None:
    """How it ended, as a person sees it."""
    assert "Traceback" not in ran.stderr, f"{name}: {ran.stderr}"
    if inside_a_worker:  # the process that was struck was not the command's own
        return
    if action == "exit":
        assert ran.code == KILLED, name
        return
    assert ran.code != 0, name
    assert len(ran.stderr.strip().splitlines()) >= 2, f"{name}: {ran.stderr}"
    assert action != "enospc" or re.search("No space left|disk is full", ran.stderr), (
        f"{name}: {ran.stderr}"
    )


AFTER_THE_COMMIT = (
    "finish.before_vectors",
    "vectors.before_commit",
)  # the note is saved; only its vectors wait
WORKERS = (
    "index.before_add",
    "index.before_close",
)  # steps inside the process that holds Chroma


@pytest.mark.fault
@pytest.mark.timeout(1800)
def test_f02_every_document_of_a_batch(
    zygote: Zygote, before: Path, tmp_path: Path
) -> None:
    """The step inside the batch, at each of its arrivals."""
    _, done = run_at(zygote, before, tmp_path / "whole", FULL, "")
    wanted = checked(done)
    for nth in range(1, 10):
        for action in ACTIONS:
            name = f"add.after_document:{nth}:{action}"
            ran, home = run_at(
                zygote, before, tmp_path / name.replace(":", "-"), FULL, name
            )
            if ran.code not in (KILLED, 1) or (not ran.stderr and ran.code == 1):
                assert nth > 8, name
            there = checked(home).documents
            assert len(there) in (5, len(wanted.documents)), (
                f"{name}: a batch is whole or not there"
            )
            assert zygote.run(
                words("add", home, before / "notes"), environ=at(home)
            ).code in (0, 1)
            assert checked(home).documents == wanted.documents, name
            shutil.rmtree(home.parent)

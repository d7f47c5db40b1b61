"""A server that is killed in the middle of writing: it is back, and nothing of what it acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.doors.cli.wire import settings
from brain.doors.http.access import FILE
from brain.doors.service import command, unit_file
from tests.doors.watch_support import eventually, stored
from tests.end_to_end import brain, checked, home
from tests.supervised import Supervisor

PORT = 18439
KILLS = 6
NOTES = 60  # written between two kills


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """An added folder with one note."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "tea.md").write_text("Black tea wants water at 96 °C.\n")
    assert brain("add", folder).code == 0
    return folder


@pytest.fixture
def supervised(notes: Path, tmp_path: Path) -> Iterator[Supervisor]:
    """The server of this home, kept running as its unit says."""
    words = command(["--port", str(PORT)])
    environ = {**settings(os.environ), "BRAIN_HOME": str(home())}
    unit = unit_file("brain.service", words, environ)
    with Supervisor(unit, tmp_path) as started:
        eventually(lambda: started.ready)
        yield started


def asked() -> str:
    """The id of an episode that the server acknowledged; "" while it is away."""
    token = (home() / FILE).read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/v1/ask",
        data=json.dumps({"question": "how hot for black tea?"}).encode(),
        headers={
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.load(answer)["episode"])
    except OSError:
        return ""


@pytest.mark.fault
def test_a_killed_server_is_back_and_has_lost_nothing(
    notes: Path, supervised: Supervisor
) -> None:
    acknowledged = []
    chance = random.Random(14)
    for kill in range(KILLS):
        eventually(lambda: acknowledged.append(asked()) or acknowledged[-1])
        starts = len(supervised.ready)
        for number in range(NOTES):
            name = f"{kill}-{number}.md"
            (notes / name).write_text(f"The boat {number} of round {kill}.\n")
        time.sleep(chance.random() / 2)  # it is taking them in, or has just begun
        supervised.signal(signal.SIGKILL)
        eventually(lambda starts=starts: len(supervised.ready) > starts)
    expected = {f"{kill}-{n}.md" for kill in range(KILLS) for n in range(NOTES)}
    eventually(lambda: expected <= set(stored(notes)))
    found = {
        row["id"]
        for row in brain("recall", "--since", "2020", "--json", "-n", "1000").json[
            "episodes"
        ]
    }
    assert {episode for episode in acknowledged if episode} <= found
    supervised.signal(signal.SIGKILL)
    checked(home())
    assert brain("doctor", "--deep").code == 0


@pytest.mark.fault
def test_a_server_that_dies_before_a_commit_takes_it_in_when_it_is_back(
    notes: Path, tmp_path: Path
) -> None:
    """Exactly there: nothing of the batch is in, nothing half, and the next start finds it by itself."""
    words = command(["--port", str(PORT)])
    environ = {
        **settings(os.environ),
        "BRAIN_HOME": str(home()),
        "BRAIN_FAILPOINT": "add.before_commit:2:exit",
    }
    with Supervisor(unit_file("brain.service", words, environ), tmp_path) as started:
        eventually(lambda: started.ready)
        for number in range(3):  # each start dies at its second batch
            (notes / f"{number}.md").write_text(f"The boat number {number}.\n")
            eventually(lambda number=number: f"{number}.md" in stored(notes))
    assert len(started.ready) >= 2
    checked(home())

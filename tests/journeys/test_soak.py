"""A server under load: its memory comes to rest, and nothing goes wrong in it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks import corpus
from brain.doors import log
from brain.doors.http.access import FILE
from tests.doors.watch_support import eventually, stored
from tests.end_to_end import ROOT, brain, home

NOTES = 2_150  # 10,000 chunks
PORT = 18441
CLIENTS = 4
QUESTIONS = 60  # of each client
CHANGES = 20
# Of the process and its children, what they share counted once, with the models loaded and Chroma open
MOST_BYTES = 500 * 2**20
REST = 1.15  # the second half of the load may hold so many times what the first did


def answered(path: str) -> dict[str, object]:
    """One answer of the server. Raises `OSError` for any status but 200."""
    token = (home() / FILE).read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", headers={"authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def ask(number: int, words: list[str], failed: list[str], held: list[int]) -> None:
    """One client: searches, and now and then how the server is."""
    chance = random.Random(number)
    for turn in range(QUESTIONS):
        question = " ".join(chance.sample(words, 4))
        try:
            answered(f"/api/v1/search?{urlencode({'q': question})}")
            if turn % 10 == 0:
                held.append(int(str(answered("/api/v1/health")["memory_bytes"])))
        except OSError as error:
            failed.append(str(error))


@pytest.mark.slow
def test_a_server_under_load_comes_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRAIN_MODELS_READER")
    folder = tmp_path / "notes"
    corpus.write(folder, NOTES)
    assert brain("add", folder).code == 0
    words = next(folder.rglob("*.md")).read_text().split()
    serving = subprocess.Popen(
        [sys.executable, "-m", "brain", "serve", "--port", str(PORT)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert serving.stderr is not None
    assert serving.stderr.readline().startswith("serving")
    failed: list[str] = []
    held: list[int] = []
    clients = [
        threading.Thread(target=ask, args=(number, words, failed, held))
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for number in range(CHANGES):
        (folder / "boat.md").write_text(f"The boat was painted {number} times.\n")
    eventually(lambda: f"{CHANGES - 1} times" in stored(folder).get("boat.md", ""))
    for client in clients:
        client.join()
    serving.terminate()
    serving.communicate()
    assert failed == []
    half = len(held) // 2
    assert max(held) <= MOST_BYTES
    assert max(held[half:]) <= max(held[:half]) * REST
    assert "failed" not in (home() / log.FOLDER / log.FILE).read_text()

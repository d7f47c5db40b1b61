"""The server: what a question costs while it runs, through HTTP and through the socket of a terminal, and under load.

Starts `brain serve` over a store of 100,000 chunks in a process of its own, on a free port. Times are those of a caller
on this machine; processor times are the server's with its Chroma child, and are judged. Under load 32 clients ask for a minute while
`add` and `sync` run beside them.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.corpus import Writer
from benchmarks.measure import (
    BRAIN,
    PYTHON,
    Figure,
    Spent,
    duration,
    percentile,
    seconds,
    spend,
)
from benchmarks.prepared import Place

CHUNKS = 100_000
QUESTIONS = 60
SAME_QUESTIONS = 500
SAME_SHARE = (
    0.99  # of questions whose first ten are equal through Chroma and by exact search
)
SEED = 99  # not that of the notes
CLIENTS = 32
MINUTE = 60.0
NEW_NOTES = 40  # added while the clients ask
START_SECONDS = 600.0  # the first start writes Chroma's snapshot
LOOK_SECONDS = 20.0  # in which the watcher has looked at all notes once; before, each question does
TICKS = os.sysconf("SC_CLK_TCK")
SEARCH, ASK = "/api/v1/search", "/api/v1/ask"
SEARCH_TARGET, QUOTE_TARGET, READ_TARGET, SHELL_TARGET = 0.060, 0.150, 0.700, 0.150


def figures(place: Place) -> Iterator[Figure]:
    """Warm questions, then the same under load; each store is a copy, for what is asked is kept."""
    store = _copied(place)
    writer = Writer(SEED)
    questions = [
        writer.words(4 + number % 6).strip(".,;: ") for number in range(QUESTIONS)
    ]
    with served(store, {"BRAIN_MODELS_READER": "off"}) as server:
        yield _timed("warm `search`: p50", server, SEARCH, questions, SEARCH_TARGET)
        name = "first quote of `ask` without the answer reader: p50"
        yield _timed(name, server, ASK, questions, QUOTE_TARGET)
    with served(store, {}) as server:
        name = "first quote of `ask` with the answer reader: p50"
        yield _timed(name, server, ASK, questions, READ_TARGET)
        yield from _from_a_terminal(server, questions)
        yield from _under_load(server, questions, place)
    yield _same(store, place)


@dataclass(frozen=True)
class Server:
    """One that runs: where, its token, its process, and the environment that its commands need."""

    port: int
    token: str
    process: int
    home: Path
    environ: Mapping[str, str]

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> Any:
        """The response, open."""
        asks = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
        }
        asks.request("POST", path, json.dumps(body), sent | headers)
        return asks.getresponse()

    def processor(self) -> float:
        """Seconds of processor that it and its children took so far."""
        return sum(map(_seconds_of, (self.process, *_children(self.process))))


def _copied(place: Place) -> Path:
    store = place.work / f"served-{place.count(CHUNKS)}"
    if not store.exists():
        unfinished = store.with_suffix(".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            place.home(CHUNKS),
            unfinished,
            ignore=shutil.ignore_patterns("*.sock", "*.before-*"),
        )
        unfinished.rename(store)
    return store


@contextmanager
def served(home: Path, environ: Mapping[str, str]) -> Iterator[Server]:
    """`brain serve` over that home, on a port that was free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BRAIN_", "OLLAMA_"))
    }
    own = {
        "BRAIN_HOME": str(home),
        "BRAIN_MODELS_EMBED": "wordllama",
        "BRAIN_MODELS_ASK": "builtin",
    }
    whole = kept | own | dict(environ)
    with tempfile.TemporaryFile() as talk:
        process = subprocess.Popen(
            [*BRAIN, "serve", "--port", str(port)],
            env=whole,
            stdout=subprocess.DEVNULL,
            stderr=talk,
        )
        try:
            token = _awaited(port, home, process)
            time.sleep(LOOK_SECONDS)
            yield Server(port, token, process.pid, home, whole)
        finally:
            process.terminate()
            process.wait()


def _awaited(port: int, home: Path, process: subprocess.Popen[bytes]) -> str:
    """The token, once the server answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            asks = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asks.request("GET", "/health")
            if asks.getresponse().status == 200:
                return (home / "serve.token").read_text().strip()
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server of {home} did not answer")


def _timed(
    name: str, server: Server, path: str, questions: Sequence[str], target: float
) -> Figure:
    """The median of what a caller waits: for the whole of a search, for the first event of an answer."""
    once = _asked if path == SEARCH else _first_quote
    for question in questions[:5]:
        once(server, question)
    walls = []
    before = server.processor()
    for question in questions:
        walls.append(once(server, question))
    cpu = (server.processor() - before) / len(questions)
    wall = statistics.median(walls)
    shown = (
        f"{duration(wall)} / {duration(cpu)} (p95 {duration(percentile(walls, 0.95))})"
    )
    return Figure(
        f"{name}, {CHUNKS:,} chunks",
        shown,
        "—",
        None,
        judged=cpu,
        target=target,
        unit=" s",
    )


def _asked(server: Server, question: str) -> float:
    began = time.perf_counter()
    response = server.post(SEARCH, {"q": question})
    body = response.read()
    took = time.perf_counter() - began
    if response.status != 200:
        raise RuntimeError(body.decode())
    return took


def _first_quote(server: Server, question: str) -> float:
    """Until the first quote, or the whole of an answer that has none."""
    began = time.perf_counter()
    response = server.post(
        ASK, {"question": question, "record": False}, Accept="text/event-stream"
    )
    took = 0.0
    for line in response:
        if not took and line.startswith((b"event: quote", b"event: answer")):
            took = time.perf_counter() - began
    return took


def _from_a_terminal(server: Server, questions: Sequence[str]) -> Iterator[Figure]:
    """What a command of a terminal takes of processor while the server answers it."""
    for verb in ("search", "ask"):
        runs = []
        for question in questions[:15]:
            words = [
                *BRAIN,
                verb,
                *(["--no-record"] if verb == "ask" else []),
                question,
            ]
            runs.append(_command(words, server.environ))
        middle = Spent(
            statistics.median(run.wall for run in runs),
            statistics.median(run.cpu for run in runs),
            0.0,
        )
        yield Figure(
            f"`brain {verb}` through the socket",
            seconds(middle),
            "—",
            None,
            judged=middle.cpu,
            target=SHELL_TARGET,
            unit=" s",
        )


def _command(words: Sequence[str], environ: Mapping[str, str]) -> Spent:
    began = time.perf_counter()
    process = subprocess.Popen(
        words, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(words)}: {process.returncode}")
    return Spent(time.perf_counter() - began, used.ru_utime + used.ru_stime, 0.0)


@dataclass
class Load:
    """What the clients met. `codes`: how often each status came."""

    codes: dict[str, int] = field(default_factory=dict)
    walls: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, code: str, wall: float) -> None:
        """One answer."""
        with self.lock:
            self.codes[code] = self.codes.get(code, 0) + 1
            self.walls.append(wall)


def _under_load(
    server: Server, questions: Sequence[str], place: Place
) -> Iterator[Figure]:
    """32 clients for a minute, three searches to one question, while notes are added; all of those are found afterwards."""
    load = Load()
    end = time.monotonic() + MINUTE
    folder = place.work / "added-meanwhile"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with ThreadPoolExecutor(CLIENTS + 1) as clients:
        for number in range(CLIENTS):
            clients.submit(_client, server, questions[number % 7 :], load, end)
        clients.submit(_adding, server, folder)
    missing = [number for number in range(NEW_NOTES) if not _holds(server, number)]
    bad = {
        code: count for code, count in load.codes.items() if code not in ("200", "503")
    }
    told = ", ".join(
        f"{count:,} × {code}" for code, count in sorted(load.codes.items())
    )
    shown = f"{told}; p50 {duration(statistics.median(load.walls))}, p95 {duration(percentile(load.walls, 0.95))}"
    yield Figure(
        f"{CLIENTS} clients for a minute, `add` and `sync` beside them: errors",
        shown,
        "—",
        None,
        judged=float(sum(bad.values())),
        target=0.0,
    )
    yield Figure(
        f"… of {NEW_NOTES} notes added meanwhile, lost",
        f"{len(missing)}",
        "—",
        None,
        judged=float(len(missing)),
        target=0.0,
    )


def _client(server: Server, questions: Sequence[str], load: Load, end: float) -> None:
    """Asks one after the other; one that is turned away waits as it is told."""
    number = 0
    while time.monotonic() < end:
        number += 1
        question = questions[number % len(questions)]
        began = time.perf_counter()
        pause = 0.0
        try:
            path, name = (SEARCH, "q") if number % 4 else (ASK, "question")
            response = server.post(path, {name: question})
            response.read()
            code = str(response.status)
            pause = float(response.headers.get("retry-after", "0"))
            if code == "503" and not pause:
                code = "503 without Retry-After"
        except Exception as error:
            code = type(error).__name__
        load.note(code, time.perf_counter() - began)
        time.sleep(pause)


def _adding(server: Server, folder: Path) -> None:
    """Notes of one word each that no other note has, a few at a time, spread over the minute."""
    for number in range(NEW_NOTES):
        (folder / f"{number}.md").write_text(
            f"# Found later\n\nThe word is {_word(number)}.\n"
        )
        if number % 5 == 4:
            _command([*BRAIN, "add", str(folder)], server.environ)
            _command([*BRAIN, "sync"], server.environ)


def _word(number: int) -> str:
    return f"quxat{'abcdefghij'[number // 10]}{'abcdefghij'[number % 10]}ul"


def _holds(server: Server, number: int) -> bool:
    response = server.post(SEARCH, {"q": _word(number), "mode": "lexical"})
    found = json.loads(response.read())
    return any(_word(number) in passage["text"] for passage in found["passages"])


def _same(home: Path, place: Place) -> Figure:
    """Through Chroma and by exact search: of so many questions, the share whose first ten are equal."""
    writer = Writer(SEED + 1)
    questions = [
        writer.words(4 + number % 6).strip(".,;: ")
        for number in range(place.count(SAME_QUESTIONS))
    ]
    name = place.work / "same-questions.json"
    name.write_text(json.dumps(questions))
    command = ["-m", "benchmarks.serving", str(name)]
    by_chroma = json.loads(spend([*PYTHON, *command, "chroma"], home).output)
    exactly = json.loads(spend([*PYTHON, *command, "exact"], home).output)
    equal = sum(one == other for one, other in zip(by_chroma, exactly, strict=True))
    share = equal / len(questions)
    return Figure(
        f"first ten through Chroma as by exact search, {len(questions)} questions",
        f"{share:.3f}",
        "—",
        None,
        better="≥",
        judged=share,
        target=SAME_SHARE,
    )


def _first_ten(questions: Sequence[str], engine: str) -> list[list[str]]:
    """The ids of the first ten passages of each question, by one engine."""
    from dataclasses import replace

    from brain.app import Brain
    from brain.config import load
    from brain.types import Request

    config = load()
    config = replace(config, index=replace(config.index, engine=engine))
    with Brain(config, long_lived=engine == "chroma") as brain:
        brain.warm()
        found = [brain.search(Request(question, look=False)) for question in questions]
    assert all(one.index.startswith(engine) for one in found if one.index), found[
        0
    ].index
    return [[passage.id for passage in one.passages] for one in found]


def _seconds_of(process: int) -> float:
    try:
        behind = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(behind[11]) + int(behind[12])) / TICKS


def _children(process: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        found += map(int, listed.read_text().split())
    return found


if __name__ == "__main__":
    import sys

    print(
        json.dumps(_first_ten(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]))
    )

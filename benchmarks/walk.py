"""How one warm `ask` walks through the packages of the code, how often it reads a text, and what it costs.

    python -m benchmarks.walk count
    python -m benchmarks.walk time [--rounds N]
    python benchmarks/walk.py compare TREE TREE [--python PYTHON] [--pairs N]

`count` follows the first question of sample_corpus with `sys.setprofile`. A room is a package (brain.retrieval, ingest)
or a module of the top folder; a change is a call into another room or the way back from it. Calls into libraries belong
to the room that makes them. `time` prints the processor seconds of one warm `ask`, the mean over all questions of
sample_corpus. `compare` runs `time` in two trees alternately and prints the ratio of their medians; a copy of this file
runs in trees from before `brain.types.Request` too. Leaves out what is found and said (benchmarks/unchanged.py)
and the answer reader, whose time is that of its model.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

TREE = Path.cwd()
CORPUS = Path("sample_corpus")
LIMIT = 8  # passages: what `brain ask` reads
READERS = (
    "tokens",
    "pieces",
    "forms",
)  # functions of ingest/terms.py that cut a text into words
TOP = 12  # rooms printed


class Walk:
    """What `sys.setprofile` sees of one call: in which room it is, and which texts are cut into words."""

    def __init__(self) -> None:
        self.rooms: list[str] = []
        self.changes = 0
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.stays: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        room = room_of(frame.f_code.co_filename)
        if event == "call" and room:
            self._enter(room, frame)
        elif event == "return" and room and self.rooms:
            self._leave()

    def _enter(self, room: str, frame: FrameType) -> None:
        before = self.rooms[-1] if self.rooms else "outside"
        self.rooms.append(room)
        if room != before:
            self.changes += 1
            self.pairs[before, room] += 1
            self.stays[room] += 1
        if room == "ingest" and frame.f_code.co_name in READERS:
            self.texts[frame.f_locals["text"]] += 1
            self.functions[frame.f_code.co_name] += 1

    def _leave(self) -> None:
        left = self.rooms.pop()
        if not self.rooms or self.rooms[-1] != left:
            self.changes += 1


def room_of(file: str) -> str:
    """`brain.retrieval` for a file of that package, `brain.types` for a module of the top folder, "" for a library."""
    try:
        parts = Path(file).relative_to(TREE).parts
    except ValueError:
        return ""
    if parts[0] == "ingest":
        return "ingest"
    if parts[0] != "brain":
        return ""
    return f"brain.{parts[1].removesuffix('.py')}"


@contextmanager
def opened() -> Iterator[tuple[Callable[[str], Any], list[str]]]:
    """A way to ask, over a store of sample_corpus with the built-in models, and the questions of sample_corpus."""
    from brain.app import Brain
    from brain.config import Config

    listed = json.loads((CORPUS / "questions.json").read_text("utf-8"))["questions"]
    with tempfile.TemporaryDirectory(prefix="brain-walk-") as home:
        config = Config(home=Path(home), models=models())
        with Brain(config) as brain:
            brain.add([CORPUS])
            yield asking(brain), [one["question"] for one in listed]


def models() -> Any:
    """The models that need no server, without the answer reader, as a tree names them."""
    from brain.config import Models

    if hasattr(Models(), "reader"):
        return Models(embed="wordllama", ask="builtin", reader="off")
    return Models(embed="builtin", ask="builtin")  # a tree from before the reader


def asking(brain: Any) -> Callable[[str], Any]:
    """`Brain.ask` as it is called in this tree."""
    try:
        from brain.types import Request
    except ImportError:  # a tree from before `Request`
        return lambda text: brain.ask(text, limit=LIMIT)
    return lambda text: brain.ask(Request(text, limit=LIMIT))


def count() -> tuple[Walk, Walk]:
    """The walk of one question, asked once before: with nothing kept of the texts that it reads, and as it was left."""
    with opened() as (ask, questions):
        ask(questions[0])
        forget()
        return followed(ask, questions[0]), followed(ask, questions[0])


def followed(ask: Callable[[str], Any], question: str) -> Walk:
    """The walk of one question."""
    walk = Walk()
    sys.setprofile(walk)
    try:
        ask(question)
    finally:
        sys.setprofile(None)
    return walk


def forget() -> None:
    """Drop the texts that this process keeps read."""
    try:
        from brain.text.question import Question
        from brain.text.sheet import sheet, stems_of, words_of
    except ImportError:  # a tree from before them keeps none
        return
    for kept in (Question.of, sheet, stems_of, words_of):
        kept.cache_clear()


def show(name: str, walk: Walk) -> None:
    """Print a walk."""
    print(f"{name}:")
    returns = sum(times - 1 for times in walk.stays.values())
    print(
        f"{walk.changes} room changes, {len(walk.stays)} rooms, {returns} returns to a room"
    )
    for room, times in walk.stays.most_common(TOP):
        print(f"  {times:5} stays in {room}")
    for (before, after), times in walk.pairs.most_common(TOP):
        print(f"  {times:5} calls from {before} into {after}")
    calls = ", ".join(f"{times} {name}" for name, times in walk.functions.most_common())
    print(f"{walk.texts.total()} readings of {len(walk.texts)} texts ({calls})")


def seconds(rounds: int) -> float:
    """Processor seconds of one warm `ask`: of the fastest of `rounds` walks over all questions, the mean."""
    with opened() as (ask, questions):
        for question in questions:
            ask(question)
        spent = []
        for _ in range(rounds):
            began = time.process_time()
            for question in questions:
                ask(question)
            spent.append((time.process_time() - began) / len(questions))
    return min(spent)


def compare(trees: list[Path], python: str, pairs: int) -> None:
    """Print the median of each tree, measured in turn, and their ratio."""
    spent: dict[Path, list[float]] = {tree: [] for tree in trees}
    for _ in range(pairs):
        for tree in trees:
            command = [python, "-m", "benchmarks.walk", "time"]
            done = subprocess.run(
                command, cwd=tree, capture_output=True, text=True, check=True
            )
            spent[tree].append(float(done.stdout))
    medians = [statistics.median(spent[tree]) for tree in trees]
    for tree, median in zip(trees, medians, strict=True):
        print(f"{1000 * median:.2f} ms of processor time for a warm ask in {tree}")
    print(f"ratio {medians[1] / medians[0]:.3f}")


def main(words: list[str]) -> None:
    """Count, time or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("count")
    timed = commands.add_parser("time")
    timed.add_argument("--rounds", type=int, default=5)
    compared = commands.add_parser("compare")
    compared.add_argument("trees", type=Path, nargs=2)
    compared.add_argument("--python", default=sys.executable)
    compared.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args(words)
    if options.command == "count":
        first, again = count()
        show("texts read anew", first)
        show("texts as the question before left them", again)
    elif options.command == "time":
        print(f"{seconds(options.rounds):.6f}")
    else:
        compare(options.trees, options.python, options.pairs)


if __name__ == "__main__":
    main(sys.argv[1:])

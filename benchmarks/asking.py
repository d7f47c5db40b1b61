"""What a question costs beside the reading of one passage: `ask` as a command that has just started, until its first
quote, and in a process that has asked before.

    python -m benchmarks.run asking --work DIR

The floor is one passage of 175 tokens, read by the answer reader's file alone: onnxruntime, one thread, nothing around
it. It takes 27 ms on an idle core, so that the targets of the project's plan (1.6, 1.2 and .5 s there) are 59, 44 and 18
such passages, which holds on a slower or busier machine too. The questions are those of sample_corpus, which lies among
10,000 chunks; both embedders have read it. The vectors of those chunks by the second one are made of their words alone:
what a question costs does not depend on them, and a quarter of an hour is saved.

As a program: `python -m benchmarks.asking floor`, `warm`, `first QUESTION` print what one process took, as JSON;
`fill NOTES` makes the store.
"""

from __future__ import annotations

import io
import json
import re
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.measure import (
    BRAIN,
    PYTHON,
    ROOT,
    Figure,
    Spent,
    alternate,
    compared,
    spend,
)
from benchmarks.prepared import Place
from brain.models.sentence_embedder import DIMENSIONS, SentenceEmbedder

CHUNKS = 10_000
TOKENS = 175  # of the passage of the floor
READINGS = 15  # of it, the median counts
TIMES = 9  # of each command
CORPUS = ROOT / "sample_corpus"
# One passage on an idle core, and the plan's seconds for each of the three
IDLE = 0.027
COLD, FIRST, WARM = 1.6 / IDLE, 1.2 / IDLE, 0.5 / IDLE
BOTH = {"BRAIN_MODELS_EMBED": "builtin"}


def figures(place: Place) -> Iterator[Figure]:
    """Cold, until the first quote, warm."""
    home = store(place)
    asked = questions()
    turn = {"cold": 0, "first": 0}

    def next_one(name: str) -> str:
        turn[name] += 1
        return asked[turn[name] % len(asked)]

    cases: dict[str, Callable[[], Spent]] = {
        "floor": lambda: _told(home, "floor"),
        "cold": lambda: spend(
            [*BRAIN, "ask", "--no-record", next_one("cold")],
            home,
            codes=(0, 3),
            more=BOTH,
        ),
        "first": lambda: _told(home, "first", next_one("first")),
    }
    for case in cases.values():
        case()
    took = alternate(cases, TIMES)
    what = f"a passage of {TOKENS} tokens"
    count = place.count(CHUNKS)
    name = f"`brain ask`, cold, {count:,} chunks"
    yield compared(name, took["cold"], took["floor"], what, round(COLD))
    yield compared(
        "… until the first quote", took["first"], took["floor"], what, round(FIRST)
    )
    told = json.loads(_output(home, "warm"))
    ask, without, alone = (
        _spent(told[name]) for name in ("ask", "without a look", "floor")
    )
    yield compared("`ask`, warm", ask, alone, what, round(WARM))
    yield compared("… without a look at the folders", without, alone, what, None)


def questions() -> list[str]:
    """Those of sample_corpus."""
    listed = json.loads((CORPUS / "questions.json").read_text("utf-8"))["questions"]
    return [one["question"] for one in listed]


def store(place: Place) -> Path:
    """sample_corpus among the notes, read by both embedders."""
    home = place.work / f"asking-{place.count(CHUNKS)}"
    notes = place.notes_for(CHUNKS)
    if not (home / "filled").exists():
        home.mkdir(parents=True, exist_ok=True)
        _output(home, "fill", str(notes))
        (home / "filled").touch()
    return home


def _output(home: Path, *words: str) -> str:
    command = [*PYTHON, "-m", "benchmarks.asking", *words]
    return spend(command, home, more=BOTH).output


def _told(home: Path, *words: str) -> Spent:
    """(wall, processor) seconds as the process itself tells them in its last line."""
    return _spent(json.loads(_output(home, *words).splitlines()[-1]))


def _spent(clocks: Sequence[float]) -> Spent:
    wall, cpu = clocks
    return Spent(wall, cpu, 0.0)


# -- what runs as a program -------------------------------------------------------------------------------------------


class MadeUp(SentenceEmbedder):
    """A vector for each word, drawn once; a text has their mean."""

    def embed_documents(self, texts: Sequence[str]) -> Any:
        import numpy as np

        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                out[row] += _of_word(word)
        return out / np.linalg.norm(out, axis=1, keepdims=True)


@cache
def _of_word(word: str) -> Any:
    import numpy as np

    dice = np.random.default_rng(zlib.crc32(word.encode()))
    return dice.standard_normal(DIMENSIONS).astype(np.float32)


def fill(notes: Path) -> None:
    """sample_corpus by both embedders, then the notes."""
    from brain.app import Brain
    from brain.config import load

    both = load()
    # While `add` reads, no process of its own embeds behind it
    words = replace(both, models=replace(both.models, embed="wordllama"))
    for folder, shipped in ((CORPUS, SentenceEmbedder()), (notes, MadeUp())):
        with Brain(words) as brain:
            brain.add([folder])
        with Brain(both, shipped=shipped) as brain:
            brain.sync()


def floor() -> Callable[[], tuple[float, float]]:
    """A way to read the passage once: (wall, processor) seconds."""
    import numpy as np
    import onnxruntime

    from brain.models.onnx import ANSWER_READER, SHIPPED

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = str(SHIPPED / ANSWER_READER.weights.name)
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    tokens = np.random.default_rng(0).integers(1_000, 20_000, (1, TOKENS))
    given = dict.fromkeys(
        ("attention_mask", "token_type_ids"), np.ones_like(tokens)
    ) | {"input_ids": tokens}
    session.run(None, given)
    return lambda: timed(lambda: session.run(None, given))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, processor) seconds of it."""
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def medians(took: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of either clock."""
    walls, cpus = zip(*took, strict=True)
    return statistics.median(walls), statistics.median(cpus)


def warm() -> dict[str, tuple[float, float]]:
    """Every question once, the floor between them."""
    from brain.app import Brain
    from brain.config import load
    from brain.types import Request

    read = floor()
    took: dict[str, list[tuple[float, float]]] = {}
    with Brain(load()) as brain:

        def ask(text: str, *, look: bool) -> tuple[float, float]:
            request = Request(text, look=look, record=False)
            return timed(lambda: brain.ask(request))

        ask("what has been asked before?", look=True)
        for number, text in enumerate(questions()):
            looks = number % 2 == 0
            kind = "ask" if looks else "without a look"
            took.setdefault(kind, []).append(ask(text, look=looks))
            took.setdefault("floor", []).append(read())
    return {name: medians(spent) for name, spent in took.items()}


class _Noting(io.FileIO):
    """Standard output that knows when something was first written to it."""

    first: tuple[float, float] | None = None

    def write(self, data: Any) -> int:
        if self.first is None:
            self.first = time.perf_counter() - BEGAN, time.process_time()
        return super().write(data)


def first(question: str) -> tuple[float, float]:
    """Until the first quote of a command; processor seconds since the process began, wall since its first line."""
    from brain.doors.cli import main

    out = _Noting(sys.stdout.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(out), line_buffering=True)
    try:
        main(["ask", "--no-record", question])
    except SystemExit:
        sys.stdout.flush()
    return out.first or (0.0, 0.0)


BEGAN = time.perf_counter()


def program(what: str, *words: str) -> None:
    """What a process of this file does."""
    if what == "fill":
        fill(Path(words[0]))
    elif what == "floor":
        read = floor()
        print(json.dumps(medians([read() for _ in range(READINGS)])))
    elif what == "first":
        print(json.dumps(first(words[0])))
    else:
        print(json.dumps(warm()))


if __name__ == "__main__":
    program(*sys.argv[1:])

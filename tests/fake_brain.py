"""A stand-in for `Brain` with its answers passed in, and a way to run the command line against it in this process."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from brain.doors.cli import run
from brain.doors.cli.session import Session
from brain.doors.render import Out
from brain.types import Citation, Confidence, ContextUse, Passage

# What every command may call in passing, and what it gets where a test says nothing of it.
UNASKED: dict[str, Any] = {"listed": None, "library_meaning": ""}
NOUNS = (
    "library",
    "folders",
    "labels",
    "skills",
    "inbox",
    "judge",
    "keep",
    "ledger",
    "models",
    "policy",
    "cloud",
)


class FakeBrain:
    """Each verb returns what `answers` holds under its name; a function is called, an error raised.

    A verb of a noun has both in its name: `brain.library.get` returns the answer `library_get`.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return FakeNoun(self, name) if name in NOUNS else partial(self._answer, name)

    def _answer(self, verb: str, /, *args: Any, **options: Any) -> Any:
        if verb in UNASKED and verb not in self.answers:
            return UNASKED[verb]
        self.calls.append((verb, args, options))
        answer = self.answers[verb]
        if isinstance(answer, BaseException):
            raise answer
        return answer(*args, **options) if callable(answer) else answer


@dataclass(frozen=True)
class FakeNoun:
    """`brain.library` and the like."""

    brain: FakeBrain
    noun: str

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return partial(self.brain._answer, f"{self.noun}_{verb}")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """A stream that is no terminal."""

    encoding = "utf-8"  # type: ignore[assignment]


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str
    launched: list[str]
    brain: FakeBrain = field(repr=False)

    def called(self, verb: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [
            (args, options) for name, args, options in self.brain.calls if name == verb
        ]


def brain(
    *words: str,
    stdin: str = "",
    terminal: bool = False,
    environ: dict[str, str] | None = None,
    edit: Callable[[Path], None] | None = None,
    progress: Callable[[Callable[[str, int, int], None]], None] | None = None,
    **answers: Any,
) -> Ran:
    """Run `brain WORDS` against a fake with these answers. `progress` is called with the bar before the verb runs."""
    fake = FakeBrain(**answers)
    kind = Terminal if terminal else Pipe
    stdout, stderr, source = kind(), kind(), kind(stdin)
    launched: list[str] = []

    @contextmanager
    def opened(bar: Callable[[str, int, int], None]) -> Any:
        if progress:
            progress(bar)
        yield fake

    out = Out(stdout, stderr, environ=environ or {"TERM": "xterm"})
    session = Session(out, source, opened, edit or (lambda path: None), launched.append)
    code = run(words, session)
    return Ran(code, stdout.getvalue(), stderr.getvalue(), launched, fake)


def passage(number: int = 1, **changes: Any) -> Passage:
    """A passage about tea."""
    values: dict[str, Any] = {
        "id": f"{number:02x}a1b2c3d4e5f607",
        "document_id": "d0d0d0d0d0d0d0d0",
        "source": f"notes/tea{number}.md",
        "locator": f"L{number}2-40",
        "title": "Tea",
        "heading": ("Tea", "Black"),
        "text": "Black tea wants water just off the boil, about 95 degrees, for three to five minutes.",
        "date": "2026-05-07",
        "start": 0,
        "end": 84,
        "tokens": 20,
        "score": 0.5 / number,
        "ranks": {"lexical": number, "dense": None},
        "explain": {"dense_weight": 0.25},
    }
    return Passage(**(values | changes))


CITATION = Citation(
    1, "01a1b2c3d4e5f607", "notes/tea1.md", "L12-40", "about 95 degrees", True
)
SURE = Confidence(found=0.91, supported=0.84, known=True, grade="A")
WINDOW = ContextUse(tokens=6812, window=8192, passages_used=6, passages_left_out=3)

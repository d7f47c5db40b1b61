"""The examples of a Markdown page, run as a reader would type them, and their output compared with what the page shows.

A block fenced as `console` is run: a line that begins with `$ ` is a command, lines that begin with `> ` go on with it, and
what follows is the output that the page shows. `…` in a shown line stands for anything, and alone on a line for any
lines. Blocks fenced otherwise are not run. `brain` runs in this process, every other command in a shell.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end import brain

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
EXIT = re.compile(r"^echo \$\?$")


@dataclass(frozen=True)
class Example:
    """A command of a page, and the lines that the page shows below it."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Both streams of a command, its talk first, and its exit code."""

    text: str
    code: int


def examples(page: str) -> Iterator[Example]:
    """Every command of the page's `console` blocks, in order.

    >>> list(examples("```console\\n$ brain list\\na note\\n$ cat > x\\n> text\\n```\\n"))
    [Example(command='brain list', shown=('a note',)), Example(command='cat > x\\ntext', shown=())]
    """
    for block in BLOCK.findall(page):
        command: list[str] = []
        shown: list[str] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield Example("\n".join(command), tuple(shown))
                command, shown = [line.removeprefix("$ ")], []
            elif line.startswith(">") and not shown:
                command.append(line.removeprefix(">").removeprefix(" "))
            elif line.strip():
                shown.append(line.rstrip())
        yield Example("\n".join(command), tuple(shown))


def run(command: str, folder: Path, last: int = 0) -> Outcome:
    """Run one command in `folder`. `last` is the exit code of the one before, which `echo $?` prints."""
    if EXIT.match(command):
        return Outcome(str(last), 0)
    words = shlex.split(command) if command.startswith("brain ") else []
    if words and not set(words) & {"|", ">", "&&"}:
        before = Path.cwd()
        os.chdir(folder)
        try:
            ran = brain(*words[1:])
        finally:
            os.chdir(before)
        return Outcome(ran.stderr + ran.stdout, ran.code)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.stderr + done.stdout, done.returncode)


def missing(shown: tuple[str, ...], text: str) -> str:
    """The first shown line that the output does not have after the one before it; "" when it has them all.

    >>> missing(("added … note", "done"), "added 1 note\\nsomething\\ndone")
    ''
    >>> missing(("done", "added"), "added\\ndone")
    'added'
    """
    lines = iter([" ".join(line.split()) for line in text.splitlines()])
    for line in shown:
        if line.strip() == ANYTHING:
            continue
        parts = [re.escape(" ".join(part.split())) for part in line.split(ANYTHING)]
        wanted = re.compile(r"\s*.*\s*".join(parts))
        if not any(wanted.fullmatch(present) for present in lines):
            return line
    return ""


def follow(page: Path, folder: Path) -> int:
    """Run every example of the page in `folder`, one after the other; the number of them. Raises `AssertionError`."""
    code = count = 0
    for example in examples(page.read_text("utf-8")):
        outcome = run(example.command, folder, code)
        lost = missing(example.shown, outcome.text)
        assert not lost, (
            f"{page.name}: `{example.command}` printed\n{outcome.text}\nbut not: {lost}"
        )
        assert "Traceback" not in outcome.text, outcome.text
        code, count = outcome.code, count + 1
    return count

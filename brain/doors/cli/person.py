"""By a person: what no script and no agent may decide takes a word that is typed at the controlling terminal.

The terminal itself is asked, never standard input, which a script can fill. Leaves out a plain y/N (`Session.yes`).
Serves the commands that lower a label, publish rules, approve, resume, or let something out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from brain.errors import Refused

# Environment variables by which programs that act for a person say so.
AGENTS = (
    "CLAUDECODE",
    "CURSOR_AGENT",
    "CODEX_THREAD_ID",
    "GEMINI_CLI",
    "COPILOT_AGENT",
    "AI_AGENT",
    "AGENT",
)
VIEW = "v"  # what is typed to see what would leave
TERMINAL = ("/dev/tty", "/dev/tty")  # read, written
if sys.platform == "win32":
    TERMINAL = ("CONIN$", "CONOUT$")


def typed_word(
    word: str, question: str, *, view: Callable[[], None] | None = None
) -> None:
    """Ask at the controlling terminal; return only when exactly this word was typed there. `view`: shows more to
    whoever types v.

    Raises `Refused`: under an agent, without a terminal, and for any other word.
    """
    only_a_person()
    more = f", {VIEW} to view the bytes" if view else ""
    asks = f"{question}\ntype {word} to go on{more}: "
    said = typed(asks)
    while view is not None and said == VIEW:
        view()
        said = typed(asks)
    if said != word:
        raise Refused(
            f"nothing was done: the word was not {word}",
            "run the command again to be asked again",
        )


def typed_secret(question: str) -> str:
    """A line that a person types at the terminal and that is not shown there. Raises `Refused` as `typed_word` does."""
    from getpass import getpass

    only_a_person()
    try:
        with open(TERMINAL[0]) as read:
            _forget_typed_ahead(read)
    except OSError:
        raise _no_terminal() from None
    return getpass(question)


def only_a_person() -> None:
    """Raise `Refused` where an agent is at work: nothing is asked then."""
    for name in AGENTS:
        if os.environ.get(name):
            raise Refused(
                f"only a person may decide this, and {name} says that an agent is at work",
                "type the command yourself, in a terminal of your own",
            )


def typed(question: str) -> str:
    """The line that a person types at the terminal. Raises `Refused` without one."""
    try:
        with open(TERMINAL[0]) as read, open(TERMINAL[1], "w") as written:
            _forget_typed_ahead(read)
            written.write(question)
            written.flush()
            return read.readline().strip()
    except OSError:
        raise _no_terminal() from None


def _no_terminal() -> Refused:
    return Refused(
        "only a person may decide this, and there is no terminal to ask at",
        "run the command in a terminal; no option takes the place of the word",
    )


def _forget_typed_ahead(terminal: TextIO) -> None:
    """What was typed or pasted before the question is no answer to it."""
    with suppress(ImportError, OSError):
        import termios

        termios.tcflush(terminal.fileno(), termios.TCIFLUSH)

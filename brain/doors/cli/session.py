"""What every command is handed: where it writes, what it reads, and how `Brain` is opened. All of it can be passed in.

The one place that imports `brain.app`, when a command needs it. Leaves out the commands.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO, TypeVar

import typer

from brain.doors.render import Out
from brain.doors.show import Showing, showing
from brain.errors import BrainError, UsageError

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.app.outside import Agree
    from brain.protocols import Progress
    from brain.types import Scope


class Report(Protocol):
    """What a plan and its execution both hand back."""

    @property
    def done(self) -> bool:
        """True once it has happened."""


Planned = TypeVar("Planned", bound=Report)

# A text that stands for "read it from standard input".
STDIN = "-"
EDITORS = ("VISUAL", "EDITOR")
# POSIX names no other editor that is always there.
DEFAULT_EDITOR = "vi"
# They wait for ever without one.
TERMINAL_EDITORS = """
    ed emacs ex helix hx jed joe kak mcedit mg micro nano ne nvi nvim pico vi vim
""".split()


def asking(out: Out) -> Agree | None:
    """How whoever waits at this terminal is asked, None where nobody does."""
    from brain.doors.cli import consent

    return consent.asking(out)


@dataclass(frozen=True, slots=True)
class Session:
    """One run. `open_brain` gets a progress function; `edit` a file to edit; `launch` an address to open; `consent` is
    how whoever waits is asked whether something may leave.
    """

    out: Out
    stdin: TextIO
    open_brain: Callable[[Progress], AbstractContextManager[Brain]]
    edit: Callable[[Path], None]
    launch: Callable[[str], None]
    consent: Callable[[Out], Agree | None] = asking

    @classmethod
    def of_this_process(cls) -> Session:
        """The real one."""
        out = Out(sys.stdout, sys.stderr)
        opened = partial(open_brain, say=out.say)
        return cls(out, sys.stdin, opened, edit_file, launch)

    def brain(self) -> AbstractContextManager[Brain]:
        """`Brain`, closed at the end; its progress goes to the bar."""
        return self.open_brain(self.out.progress)

    def text(self, words: list[str], what: str) -> str:
        """The words joined, or standard input when the only one is `-`. Raises `UsageError` when there is nothing."""
        text = self.read() if words == [STDIN] else " ".join(words)
        if not text.strip():
            raise UsageError(
                f"no {what} was given",
                f"write it after the command, or `{STDIN}` to read standard input",
            )
        # What is kept is kept word for word; the end of the line is no part of a question.
        return text.strip() if what == "question" else text

    def read(self) -> str:
        """All of standard input; bytes that are not UTF-8 are replaced."""
        if self.stdin.isatty():
            self.out.say("reading from the terminal; end with Ctrl-D")
        source = getattr(self.stdin, "buffer", None)
        if source is None:
            return self.stdin.read()
        data: bytes = source.read()
        return data.decode("utf-8", "replace")

    @property
    def attended(self) -> bool:
        """True when a person can be asked: what is said reaches a terminal, and so does what is read."""
        return self.stdin.isatty() and self.out.interactive

    def yes(self, question: str) -> bool:
        """Ask on the terminal. False without one: nobody was there to say yes."""
        if not self.attended:
            return False
        self.out.say(f"{question} [y/N]")
        return self.stdin.readline().strip().lower() in ("y", "yes")

    def show(
        self, value: object, kind: str = "", *, as_json: bool, explain: bool = False
    ) -> None:
        """A result as JSON or as lines, with the talk beside it. Leaves with its exit code when that is not 0.

        `kind` names what a bare list or mapping is; any other value is shown by its type. `explain`: with the figures
        and codes that are left out for people as a rule.
        """
        shown = showing(kind or type(value).__name__)
        self._print(shown, value, as_json=as_json, explain=explain)
        self._leave(shown, value)

    def confirmed(
        self,
        act: Callable[..., Planned],
        question: str,
        nothing_done: str,
        *,
        yes: bool,
        dry_run: bool,
        as_json: bool,
    ) -> None:
        """Something that takes away or replaces: show what would happen, ask, do it, show what happened.

        `act` is called with `dry_run`. With JSON nobody is asked: it is done with --yes alone. Where nobody was
        asked, it ends as a misuse does, so that a script sees that nothing was done.
        """
        report = act(dry_run=True)
        shown = showing(type(report).__name__)
        if not as_json:
            self._print(shown, report, as_json=False)
        agreed = yes or (not as_json and not dry_run and self.yes(question))
        if agreed and not dry_run:
            report = act(dry_run=False)
            self._print(shown, report, as_json=as_json)
        elif as_json:
            self._print(shown, report, as_json=True)
        if not as_json and not report.done:
            self.out.say(f"{nothing_done}; add --yes to do it")
        if not report.done and not dry_run and not self.attended:
            raise typer.Exit(UsageError.exit_code)
        self._leave(shown, report)

    def _print(
        self, shown: Showing, value: object, *, as_json: bool, explain: bool = False
    ) -> None:
        if as_json:
            self.out.json(shown.to_json(value))
        else:
            lines = shown.explained if explain else shown.lines
            self.out.print(lines(value))
            self.out.say(*shown.talk(value))

    def _leave(self, shown: Showing, value: object) -> None:
        code = shown.code(value)
        if code:
            raise typer.Exit(code)


def session(context: typer.Context) -> Session:
    """The session that `run` put into the context."""
    found = context.find_object(Session)
    if found is None:
        raise BrainError(
            "this command was called without a session",
            "call it through brain.doors.cli.run",
        )
    return found


def open_brain(
    progress: Progress, say: Callable[[str], object] = lambda _text: None
) -> AbstractContextManager[Brain]:
    """The person's own `Brain`, as configured; `say` hears what is odd about where it runs."""
    from brain.app import Brain
    from brain.config import load, settle_zone, takes_no_writing

    zone = settle_zone()
    if zone:
        say(zone)
    config = load()
    if takes_no_writing(config.home):
        say(f"{config.home} takes no writing: it is read as it is, nothing is kept")
    return Brain(config, progress=progress)


def scope(
    tags: list[str], source: str, since: str, until: str, where: list[str]
) -> Scope:
    """What the options of a question restrict it to, times as a person writes them."""
    from brain.types import Scope

    return Scope(
        tags=tuple(tags), source=source, since=since, until=until, where=tuple(where)
    )


@contextmanager
def draft(session: Session, begun: str = "") -> Iterator[str]:
    """The text that a person writes in their editor, from the one that was begun. The file stays when the block fails:
    a note must not be lost.
    """
    from brain.config import load, make_home

    config = load()
    make_home(config)
    number, name = tempfile.mkstemp(
        suffix=".md",
        prefix="draft-",
        dir=config.home,
    )
    os.close(number)
    path = Path(name)
    path.write_text(begun, "utf-8")
    try:
        session.edit(path)
        text = path.read_text("utf-8", "replace")
        if not text.strip():
            raise BrainError(
                "the editor was left without a text; nothing was added",
                "write something and save it",
            )
        yield text
    except BaseException:
        if path.exists() and path.stat().st_size:
            session.out.say(f"your text is kept in {path}")
        else:
            path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def edit_file(path: Path) -> None:
    """Open the person's editor and wait. Raises `BrainError` when it cannot start or reports a failure."""
    wished = filter(None, map(os.environ.get, EDITORS))
    chosen = next(wished, DEFAULT_EDITOR)
    program = ""
    if chosen.strip():
        program = Path(chosen.split(maxsplit=1)[0]).name
    if program in TERMINAL_EDITORS and not sys.stdin.isatty():
        raise BrainError(
            f"the editor {chosen!r} needs a terminal, and there is none",
            'use `brain add --note "…"`, or `brain add -` to read standard input',
        )
    try:
        code = subprocess.run([*shlex.split(chosen), str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        raise BrainError(
            f"the editor {chosen!r} did not start: {error}",
            "set EDITOR to another program",
        ) from None
    if code:
        raise BrainError(
            f"the editor {chosen!r} ended with code {code}",
            "nothing was added; try again",
        )


def launch(address: str) -> None:
    """Hand a path or an `obsidian://` address to the desktop. Raises `BrainError` when nothing opens it."""
    if sys.platform == "win32":
        os.startfile(address)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        silent = subprocess.DEVNULL
        code = subprocess.run(
            [opener, address], check=False, stdout=silent, stderr=silent
        ).returncode
    except OSError:
        code = 1
    if code:
        raise BrainError(
            f"no program opened {address}", "use --print and open it yourself"
        )

"""The one print gate: everything that the command line shows goes through `Out`, and `Out` sanitises it.

The only module that imports rich, and only when a terminal is there to colour or a bar to draw. Leaves out what to say
(the views) and the JSON shapes (`json_out`). Results go to standard output, talk to standard error. Serves the command
line alone.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from brain.doors.lines import HANGS, THEIRS, Line, plain, size, wrapped
from brain.doors.margin import ANSWER_BEGINS, ANSWER_ENDS, MARGIN, Margin
from brain.doors.text import Sanitiser, one_line, safe_text
from brain.errors import BrainError
from brain.types import Span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# Seconds: a shorter job shows no bar, and more drawings than this are not seen.
BAR_AFTER = 1.0
BAR_EVERY = 0.1
# A progress message that begins with one of these is a line to say, not a step.
ANNOUNCEMENTS = ("notice: ", "census: ")

# Where the style of an answer begins, ends, or is left out: the margin is nobody's answer.
ANSWER_PARTS = re.compile(f"({ANSWER_BEGINS}|{ANSWER_ENDS}|\n{re.escape(MARGIN)})")

STYLES = {
    "title": "bold",
    "answer": "bold",
    "path": "cyan",
    "dim": "dim",
    "match": "bold yellow",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
}


class Out:
    """Where a command writes. `print` and `stream` are the result, `say` is talk, `progress` a bar on a terminal."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        columns: int | None = None,
    ) -> None:
        self._columns = columns
        self._stdout = stdout
        self.stderr = stderr
        self._environ = environ
        self._sanitiser = Sanitiser()
        self._margin = Margin()
        self._consoles: dict[int, Console] = {}
        self.bar = Bar(self, clock)
        # What was said already, so that a report at the end need not repeat it.
        self.announced: list[str] = []

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 when there is none."""
        if not self._stdout.isatty():
            return 80
        if self._columns is not None:
            return self._columns
        return shutil.get_terminal_size().columns

    @property
    def wraps_at(self) -> int | None:
        """Columns at which a terminal begins a row of its own; None in a pipe."""
        if not self._stdout.isatty():
            return None
        return self.width

    @property
    def interactive(self) -> bool:
        """True when talk reaches a person."""
        return self.stderr.isatty()

    def print(self, lines: Iterable[Line | str]) -> None:
        """Lines of the result, to standard output."""
        self.bar.stop()
        for item in lines:
            self._line(self._stdout, item)

    def say(self, *lines: Line | str) -> None:
        """Lines of talk, to standard error."""
        self.bar.stop()
        for item in lines:
            self._line(self.stderr, item)

    def stream(self, chunk: str, answer: Span | None = None) -> None:
        """A piece of somebody else's words as it comes, shown at once behind the margin; a sequence split over two
        pieces is caught. `answer`: from where to where it is the answer, which a terminal shows so.
        """
        self.bar.stop()
        rows = self._margin.feed(self._safe(chunk, answer), self.wraps_at)
        self._write(self._stdout, self._with_answer(rows), flush=True)

    def _safe(self, chunk: str, answer: Span | None) -> str:
        """The piece without control characters but those that stand around the answer."""
        feed = self._sanitiser.feed
        if answer is None or not self._coloured(self._stdout):
            return feed(chunk)
        start, end = answer
        before = feed(chunk[:start])
        within = feed(chunk[start:end])
        return f"{before}{ANSWER_BEGINS}{within}{ANSWER_ENDS}{feed(chunk[end:])}"

    def _with_answer(self, rows: str) -> str:
        """The rows with the answer in its style."""
        if ANSWER_BEGINS not in rows:
            return rows
        spans = []
        style = ""
        for part in ANSWER_PARTS.split(rows):
            if part in (ANSWER_BEGINS, ANSWER_ENDS):
                style = "answer" if part == ANSWER_BEGINS else ""
            else:
                is_margin = part.startswith("\n")
                spans.append((part, "" if is_margin else style))
        return self._styled(self._stdout, tuple(spans), end="")

    def end_stream(self) -> None:
        """The end of what `stream` was given: what comes next begins a line."""
        rows = self._margin.feed(self._sanitiser.finish(), self.wraps_at)
        self._write(self._stdout, rows + self._margin.finish(), flush=True)

    def json(self, value: Mapping[str, Any]) -> None:
        """One JSON object. Pure ASCII: control, C1 and direction characters leave escaped, lone surrogates too."""
        self.bar.stop()
        text = json.dumps(value, ensure_ascii=True, indent=2).replace("\x7f", "\\u007f")
        self._write(self._stdout, text + "\n")

    def progress(self, what: str, done: int, total: int) -> None:
        """A step of a long job, in things."""
        if what.startswith(ANNOUNCEMENTS):
            self.announced.append(what.partition(": ")[2])
            self.say(self.announced[-1])
        else:
            self._step(what, done, total, "{:,}".format)

    def progress_bytes(self, what: str, done: int, total: int) -> None:
        """A step of a download, in bytes and in hundredths."""
        share = ""
        if total:
            share = f" ({min(done, total) / total:.0%})"
        self._step(what, done, total, size, share)

    def _step(
        self,
        what: str,
        done: int,
        total: int,
        told: Callable[[int], str],
        share: str = "",
    ) -> None:
        if self.interactive:
            amount = told(done)
            if total:
                amount += f" of {told(total)}"
            self.bar.step(one_line(what), done, total, amount + share)

    def flush(self) -> None:
        """Everything written so far leaves the process."""
        self.bar.stop()
        self._write(self._stdout, "", flush=True)

    def console(self, stream: TextIO) -> Console:
        """The rich console of one stream, without markup and emoji codes: stored text must not colour itself."""
        if id(stream) not in self._consoles:
            from rich.console import Console
            from rich.theme import Theme

            self._consoles[id(stream)] = Console(
                file=stream,
                markup=False,
                highlight=False,
                emoji=False,
                soft_wrap=True,
                theme=Theme(STYLES),
                width=self._columns,
                _environ=self._environ,
            )
        return self._consoles[id(stream)]

    def _line(self, stream: TextIO, item: Line | str) -> None:
        spans: Line = ((item, ""),) if isinstance(item, str) else item
        if spans and spans[0][1] == THEIRS:
            self.stream(plain(spans))
            self.end_stream()
            return
        if spans and spans[0][1] == HANGS:
            self._hanging(stream, spans)
            return
        safe = tuple((safe_text(text), style) for text, style in spans)
        if any(style for _text, style in safe) and self._coloured(stream):
            self._write(stream, self._styled(stream, safe))
        else:
            self._write(stream, plain(safe) + "\n")

    def _hanging(self, stream: TextIO, spans: Line) -> None:
        """A line that a terminal must not wrap to its first column."""
        (indent, _style), *rest = spans
        safe = tuple((safe_text(text), style) for text, style in rest)
        rows = [safe]
        if self.wraps_at is not None:
            rows = wrapped(safe, indent, self.wraps_at)
        for row in rows:
            self._line(stream, row)

    def _styled(self, stream: TextIO, spans: Line, *, end: str = "\n") -> str:
        from rich.text import Text

        console = self.console(stream)
        with console.capture() as captured:
            console.print(Text.assemble(*spans), soft_wrap=True, end=end)
        return captured.get()

    def _coloured(self, stream: TextIO) -> bool:
        environ = self._environ
        return (
            stream.isatty()
            and not environ.get("NO_COLOR")
            and environ.get("TERM") != "dumb"
        )

    def _write(self, stream: TextIO, text: str, *, flush: bool = False) -> None:
        """A reader that went away (`| head -1`) ends the command quietly; a full disk is said."""
        encoding = stream.encoding or "utf-8"
        try:
            stream.write(text.encode(encoding, "replace").decode(encoding))
            if flush or stream is self.stderr:
                stream.flush()
        except BrokenPipeError:
            _discard(stream)
            if stream is self._stdout:
                raise SystemExit(0) from None
        except OSError as error:
            _discard(stream)
            if stream is self._stdout:
                reason = error.strerror or error
                raise BrainError(
                    f"the output cannot be written: {reason}",
                    "free some space or redirect it",
                ) from None


class Bar:
    """A progress bar for jobs over a second; drawn on standard error, gone when something else is printed."""

    def __init__(self, out: Out, clock: Callable[[], float]) -> None:
        self._out = out
        self._clock = clock
        self._begun: float | None = None
        self._drawn = 0.0
        self._progress: Progress | None = None
        self._task: Any = None

    def step(self, what: str, done: int, total: int, amount: str) -> None:
        """Draw it, unless the job is young or the last drawing a moment ago."""
        now = self._clock()
        if self._begun is None:
            self._begun = now
        if now - self._begun < BAR_AFTER or (
            now - self._drawn < BAR_EVERY and done != total
        ):
            return
        self._drawn = now
        progress = self._progress or self._start(what)
        progress.update(
            self._task,
            description=what,
            completed=done,
            total=total or None,
            amount=amount,
        )
        progress.refresh()

    def stop(self) -> None:
        """Take the bar off the screen; the next step draws a new one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, what: str) -> Progress:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeRemainingColumn(),
            console=self._out.console(self._out.stderr),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(what, total=None, amount="")
        self._progress.start()
        return self._progress


def _discard(stream: TextIO) -> None:
    """Let the rest of the output go nowhere, so that closing the stream at exit does not fail again."""
    try:
        number = stream.fileno()
    except (io.UnsupportedOperation, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)

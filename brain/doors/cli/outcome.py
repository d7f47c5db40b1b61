"""How a command ends: exit codes, the two lines of an error, its JSON object. No traceback, ever.

`BRAIN_DEBUG=1` shows the traceback of an unexpected error. Leaves how signals stop a command to
`signals`, and the codes of results to the views.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise

import typer

from brain.doors import json_out
from brain.doors.cli.signals import DEBUG
from brain.doors.lines import bad, line
from brain.doors.render import Out
from brain.doors.show import DONE, KEPT
from brain.doors.text import one_line
from brain.errors import BrainError, Interrupted, UsageError

# What pydantic says, and what a person reads instead.
PLAIN = (
    (re.compile(r"Input should be a valid integer\b.*"), "it must be a whole number"),
    (re.compile(r"Input should be greater than or equal to"), "it must be at least"),
    (re.compile(r"Input should be less than or equal to"), "it must be at most"),
    (re.compile(r"\bValue error, "), ""),
    (re.compile(r" \(Possible options: (.*)\)$"), r"; did you mean \1?"),
    (
        re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)$"),
        r"too many words: \1",
    ),
    (re.compile(r"^Missing argument '(.*)'$"), r"missing: \1"),
    (re.compile(r"^(Option '.*') requires an argument$"), r"\1 needs a value"),
)
# Commands of a group that fit into a hint.
MOST_NAMED = 8
# The kind of an error that nobody expected, and so the fault of this program.
UNEXPECTED = "internal"


def exit_code(work: Callable[[], object], out: Out, words: Sequence[str]) -> int:
    """Run `work`; whatever comes out of it becomes an exit code and, if it failed, two lines or one JSON object."""
    try:
        try:
            work()
            code = DONE
        except typer.Exit as leave:
            code = leave.exit_code
        out.flush()
    except KeyboardInterrupt:
        return _report(Interrupted("interrupted", KEPT), out, words)
    except Exception as error:
        return _report(explained(error), out, words, error)
    finally:
        out.bar.stop()
    return code


def explained(error: Exception) -> BrainError:
    """Any exception as the error that a person reads."""
    if isinstance(error, BrainError):
        return error
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError) and error.strerror:
        name = ""
        if isinstance(error.filename, str | bytes):
            name = os.fsdecode(error.filename) + ": "
        hint = "check the path, its permissions and the free space"
        return BrainError(name + error.strerror, hint)
    unexpected = BrainError(
        f"an unexpected error stopped this command ({type(error).__name__})",
        f"what was saved is kept; `brain doctor` tells whether the store is damaged, {DEBUG}=1 where the error is",
    )
    unexpected.kind = UNEXPECTED
    return unexpected


def wants_json(words: Sequence[str]) -> bool:
    """Was JSON asked for? Read from the words themselves, because a usage error comes before they are understood."""
    options = list(words)
    if "--" in options:
        # What follows two dashes is text, whatever it looks like.
        options = options[: options.index("--")]
    if "--json" in options or "--format=json" in options:
        return True
    return ("--format", "json") in pairwise(options)


def _usage(error: typer.TyperException) -> UsageError:
    """A wrong word on the command line, with the help that names the right ones."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "") or "brain"
    words = error.format_message().split()
    message = " ".join(words).rstrip(".")
    for said, plain in PLAIN:
        message = said.sub(plain, message)
    first = message[:1]
    rest = message[1:]
    instance = _instance(getattr(context, "command", None))
    return UsageError(first.lower() + rest, f"{instance}try `{path} --help`")


def _instance(command: object) -> str:
    """The commands of a group, the first example of a command; "" where there is neither."""
    inner = getattr(command, "commands", None)
    if inner and len(inner) <= MOST_NAMED:
        return f"its commands: {', '.join(inner)}; "
    _heading, _, examples = (getattr(command, "epilog", "") or "").partition("\n  ")
    first = examples.partition("\n")[0]
    if not first:
        return ""
    return f"for instance: {first}; "


def _report(
    error: BrainError, out: Out, words: Sequence[str], cause: Exception | None = None
) -> int:
    """Say it where it belongs; a broken output must not hide the code."""
    try:
        if cause is not None and error.kind == UNEXPECTED and os.environ.get(DEBUG):
            shown = traceback.format_exception(cause)
            out.say("".join(shown).rstrip())
        if wants_json(words):
            out.json(json_out.error(error.kind, error.message, error.hint))
            out.flush()
        else:
            out.say(line(bad("brain: "), one_line(error.message)))
            if error.hint:
                out.say(line("  ", one_line(error.hint)))
    except BrainError:
        return error.exit_code
    return error.exit_code

"""The command line. `main` is the script `brain`; `run` is the same with its collaborators passed in, for tests.

Little but the standard library is imported until a command is known, so that Ctrl-C is caught from the first moment.
From that moment on no connection leaves this machine unseen, either (`brain.tripwire`).
The commands are in the modules beside this one, listed in `app`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from brain.doors.cli.signals import leave_quietly, stop_on_signals
from brain.tripwire import set_up

if TYPE_CHECKING:
    from brain.doors.cli.session import Session

PROGRAM = "brain"
# The exit code of what Ctrl-C ended: 128 and the number of SIGINT, as shells count.
INTERRUPTED = 130
# New objects after which Python looks for cycles. Its own 700 make that 180 looks a question, a twentieth of the time.
GARBAGE_AFTER = 20_000
# The completion scripts of typer set this variable and expect candidates in place of a result.
COMPLETION = "_BRAIN_COMPLETE"


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the words of the process, or these, and leave with the exit code that docs/JSON.md tells."""
    set_up()
    gc.set_threshold(GARBAGE_AFTER)
    try:
        stop_on_signals()
        code = _command(sys.argv[1:] if words is None else words)
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        leave_quietly()
        # Python would look through everything once more before it ends, an eighth of a question's time
        gc.freeze()
    sys.exit(code)


def _command(words: Sequence[str]) -> int:
    """Run the command: by the server of this home where one runs and may, else in this process."""
    if not os.environ.get(COMPLETION):
        from brain.doors.cli import front

        code = front.answered(words)
        if code is not None:
            return code
    return run(words)


def run(words: Sequence[str], session: Session | None = None) -> int:
    """Run one command and return its exit code. Every failure becomes two lines, or one JSON object with --json."""
    from brain.doors.cli.app import command
    from brain.doors.cli.outcome import exit_code
    from brain.doors.cli.session import Session

    if os.environ.get(COMPLETION):
        command("").main(prog_name=PROGRAM, complete_var=COMPLETION)
    root = command(words[0] if words else "")
    session = session or Session.of_this_process()

    def work() -> object:
        with root.make_context(
            PROGRAM, list(words) or ["--help"], obj=session
        ) as context:
            return root.invoke(context)

    return exit_code(work, session.out, words)

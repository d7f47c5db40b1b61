"""How a command is stopped from outside: signals become an orderly end, without a traceback on the terminal.

A signal that arrives while Python clears something away (a generator cut off, a `__del__`) raises where nobody can
catch it: Python prints "Exception ignored in" and goes on as if there had been no signal. Here it is delivered once
more. Other errors of such places are said in one line; `BRAIN_DEBUG=1` shows them whole. Leaves out exit codes
(outcome.py).
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# A process that a signal ended reports this plus the number of the signal, as shells count.
SIGNALLED = 128
# SIGINT is not among them: it becomes a KeyboardInterrupt, as Python makes of it.
ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]
DEBUG = "BRAIN_DEBUG"
# By then Python has cleared away what it was clearing away.
LATER_SECONDS = 0.02
_leaving = threading.Event()
# Set while Python's hook runs: what is raised in there would be printed, and lost.
_in_hook = threading.Event()


def stop_on_signals() -> None:
    """SIGTERM and SIGHUP end the command as an exit does, so that locks and files are closed: 143 and 129."""
    sys.unraisablehook = _passed_over
    threading.excepthook = _of_a_thread
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)


def leave_quietly() -> None:
    """The command is over: what is still raised while Python closes is nobody's business, one more Ctrl-C included."""
    _leaving.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(number: int, _frame: FrameType | None) -> None:
    if _in_hook.is_set():
        _deliver_later(number)
        return
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(SIGNALLED + number)


def _passed_over(what: UnraisableHookArgs, /) -> None:
    """Python's hook for what was raised where it cannot be caught."""
    _in_hook.set()
    try:
        _report(what)
    finally:
        _in_hook.clear()


def _report(what: UnraisableHookArgs) -> None:
    error = what.exc_value
    if isinstance(error, KeyboardInterrupt | SystemExit):
        _again(error)
    elif os.environ.get(DEBUG):
        sys.__unraisablehook__(what)
    else:
        _said(what.exc_type)


def _of_a_thread(what: threading.ExceptHookArgs, /) -> None:
    """Python's hook for what ended a thread."""
    if what.exc_type is SystemExit:
        return
    if os.environ.get(DEBUG):
        threading.__excepthook__(what)
    else:
        _said(what.exc_type)


def _again(error: KeyboardInterrupt | SystemExit) -> None:
    """Deliver the signal that it came from once more: a little later, since here it would be lost as well."""
    if _leaving.is_set():
        return
    code = error.code if isinstance(error, SystemExit) else SIGNALLED + signal.SIGINT
    number = code - SIGNALLED if isinstance(code, int) else 0
    if number not in (signal.SIGINT, *ENDING):
        return
    if number != signal.SIGINT:
        signal.signal(number, _leave)
    _deliver_later(number)


def _deliver_later(number: int) -> None:
    later = threading.Timer(LATER_SECONDS, _deliver, (number,))
    later.daemon = True
    later.start()


def _deliver(number: int) -> None:
    if _leaving.is_set():
        return
    if hasattr(signal, "pthread_kill"):
        # To the thread itself: that also ends what it waits for.
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _said(kind: type[BaseException]) -> None:
    if not _leaving.is_set():
        # Standard error may be closed, or never have been there.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(
                f"brain: an unexpected error was passed over ({kind.__name__}); {DEBUG}=1 shows it\n"
            )

"""Named steps at which the reliability tests make this process die, fail or wait: `reach("index.before_flip")`.

Serves the tests alone, and costs one dictionary look-up in everyday use: nothing happens unless BRAIN_FAILPOINT was set
when the process began. Leaves out choosing the steps and judging what is left behind; the tests do both.

BRAIN_FAILPOINT=step:nth:action, for example `index.mid_apply:3:exit`: at the third arrival at that step do the action.
exit    the process ends at once, as after kill -9: nothing is flushed, no handler runs, status 137
enospc  OSError "No space left on device", as from a full disk
eio     OSError "Input/output error", as from a failing one
sleep   wait 60 seconds, long enough to be killed from outside
raise   RuntimeError, a fault in our own code
trace   print the name of every step that is reached to stderr, once each, and do nothing else (`*:1:trace`)
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import Counter
from collections.abc import Callable

VARIABLE = "BRAIN_FAILPOINT"
KILLED = 137  # the exit status that a shell shows for kill -9: 128 + 9
SLEEP_SECONDS = 60.0


def _exit(_name: str) -> None:
    os._exit(KILLED)


def _enospc(name: str) -> None:
    raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} (fault point {name})")


def _eio(name: str) -> None:
    raise OSError(errno.EIO, f"{os.strerror(errno.EIO)} (fault point {name})")


def _sleep(_name: str) -> None:
    time.sleep(SLEEP_SECONDS)


def _raise(name: str) -> None:
    raise RuntimeError(f"fault point {name}")


ACTIONS: dict[str, Callable[[str], None]] = {
    "exit": _exit,
    "enospc": _enospc,
    "eio": _eio,
    "sleep": _sleep,
    "raise": _raise,
}


class Faults:
    """One parsed specification and how often each step was reached. Raises `ValueError` for one that cannot be read."""

    def __init__(self, specification: str) -> None:
        self._hits: Counter[str] = Counter()
        self._step = ""
        self._nth = 0
        self._action = ""
        if specification:
            self._step, nth, self._action = specification.rsplit(":", 2)
            self._nth = int(nth)
            if self._action not in ACTIONS and self._action != "trace":
                raise ValueError(f"{VARIABLE}: unknown action {self._action!r}")

    def reach(self, name: str) -> None:
        """Say that the step `name` is about to happen."""
        if not self._step:
            return
        self._hits[name] += 1
        if self._action == "trace":
            if self._hits[name] == 1:
                sys.stderr.write(f"fault point {name}\n")
        elif name == self._step and self._hits[name] == self._nth:
            ACTIONS[self._action](name)


reach = Faults(os.environ.get(VARIABLE, "")).reach

"""Every error that a person may see: one line of what happened, one line of what to do next.

BrainError                    1  an expected failure
├── UsageError                2  the call's words are off
├── NotFound                  3  nothing found: a fact, not a failure
├── Refused                   4  refused by policy
├── OverBudget                5  a cap is reached; the hint says when it frees
├── Unavailable               6  could not look: a model, service or index does not answer
│   └── Incomplete            6  an answer that broke off
├── StoreError                1  the database cannot be opened, read or written
└── Interrupted             130  stopped by the person; what was done is kept

The number is the exit code of the command line.
"""

from __future__ import annotations


class BrainError(Exception):
    """`message`: what happened. `hint`: what to do next. `exit_code`: what the command line returns."""

    exit_code = 1
    kind = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BrainError):
    """The words of the call do not fit together."""

    exit_code = 2
    kind = "usage"


class NotFound(BrainError):
    """Nothing is stored under that name, or nothing was found."""

    exit_code = 3
    kind = "not_found"


class Refused(BrainError):
    """A rule forbids it; the message names the rule."""

    exit_code = 4
    kind = "refused"


class OverBudget(BrainError):
    """A cap is reached."""

    exit_code = 5
    kind = "over_budget"


class Unavailable(BrainError):
    """A model or service could not be reached or answered nonsense."""

    exit_code = 6
    kind = "unavailable"


class Incomplete(Unavailable):
    """An answer began and broke off; `partial` is what had come."""

    kind = "incomplete"

    def __init__(self, message: str, hint: str = "", *, partial: str = "") -> None:
        super().__init__(message, hint)
        self.partial = partial


class StoreError(BrainError):
    """The database could not be opened, read or written; what was stored before is untouched."""

    kind = "store"


class Interrupted(BrainError):
    """Stopped by the person; everything acknowledged before is kept."""

    exit_code = 130
    kind = "interrupted"

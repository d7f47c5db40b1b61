"""What a server says of how it is: the last run of its chores, and whether everything that it stands on answers.

Frozen; no behaviour. Times are ISO 8601 strings with an offset. Serves the doors, which render them, and
`brain.app.service`, which looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.types import Texts


@dataclass(frozen=True, slots=True)
class ChoreResult:
    """The last run of a chore. `said`: in one line what came of it, or why it failed."""

    name: str
    at: str
    ok: bool
    said: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of a server: which process it was, since when, and what went wrong last in it."""

    at: str
    since: str
    pid: int
    version: str
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class OllamaState:
    """`said`: its state in one line; `troubles`: what a person has to mend, each with its cure; `hangs`: it takes the
    call and does not answer.
    """

    said: str
    troubles: Texts = ()
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """How a server is, `ok` when no trouble is known. `query_ms`: what one real search took; `index_lag`: changes that
    the vector index has not taken in; `waiting`: passages without vectors; `memory_bytes`: of the process and those
    that it started; `watched`: how many folders are. `troubles`: what is wrong, each with its cure.
    """

    ok: bool
    version: str
    pid: int
    since: str
    query_ms: int
    index: str
    index_lag: int
    waiting: int
    ollama: str
    memory_bytes: int
    disk_free_bytes: int
    watched: int
    last_error: str
    chores: tuple[ChoreResult, ...]
    troubles: Texts

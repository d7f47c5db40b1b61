"""How a server that runs for months is told of: whether it runs, what one search took, Ollama, its chores.

Leaves every judgement to the values. Serves `brain service`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from brain.doors import json_out
from brain.doors.json_out import Shape
from brain.doors.lines import (
    Lines,
    bad,
    columns,
    count,
    good,
    line,
    moment,
    notices,
    size,
    verbatim,
)
from brain.doors.show import DONE, FAILED, shows
from brain.health import Beat, ChoreResult, Health
from brain.types import Texts


@dataclass(frozen=True, slots=True)
class Installation:
    """A service that was written or removed; or only the `text` of its file."""

    text: str = ""
    path: str = ""
    started: bool = False
    said: Texts = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Whether the server runs and how it is. `installed`: the file of the service; `manager`: what its manager says of
    it. `health` None where the server does not say. `last_beat`: the last sign of life of any server.
    """

    installed: str
    manager: str
    running: bool
    version: str
    health: Health | None
    last_beat: Beat | None
    chores: tuple[ChoreResult, ...]
    notices: Texts = ()


def installed(done: Installation) -> Lines:
    """What stands beside the result."""
    return [line(said) for said in done.said]


@shows("Installation", talk=installed)
def installation(done: Installation) -> Lines:
    """The file, or what was done with it."""
    if done.text:
        return verbatim(done.text.rstrip("\n"))
    if done.removed:
        return [line(f"{done.path} is removed; your notes stay")]
    state = "it runs" if done.started else "it is not started"
    return [line(f"{done.path} is written; {state}: see `brain service status`")]


def state_json(state: ServiceState) -> Shape:
    """The object of `--json`."""
    return json_out.envelope(**asdict(state))


def well(state: ServiceState) -> int:
    """1 where no server runs, or it names a trouble."""
    healthy = state.running and state.health is not None and state.health.ok
    return DONE if healthy and not state.notices else FAILED


@shows("ServiceState", to_json=state_json, code=well)
def service_state(state: ServiceState) -> Lines:
    """The table of `brain service status`."""
    rows = [
        ("service", _service(state)),
        ("server", _server(state)),
        *_of_health(state.health),
    ]
    return [
        *columns([row for row in rows if row[1]], ("dim", "")),
        *_chores(state.chores),
        *notices((*(state.health.troubles if state.health else ()), *state.notices)),
    ]


def _service(state: ServiceState) -> str:
    if not state.installed:
        return "not installed: brain service install"
    return f"{state.manager} ({state.installed})"


def _server(state: ServiceState) -> str:
    if state.health is not None:
        health = state.health
        return f"version {health.version}, process {health.pid}, since {moment(health.since)}"
    if state.running:
        return "it runs and does not say how it is"
    if state.last_beat is None:
        return "not running: brain serve"
    beat = state.last_beat
    last = f"not running; the last sign of life {moment(beat.at)}"
    return f"{last}, {beat.last_error}" if beat.last_error else last


def _of_health(health: Health | None) -> list[tuple[str, str]]:
    if health is None:
        return []
    lag = f", {count(health.index_lag, 'change')} behind" if health.index_lag else ""
    waiting = count(health.waiting, "passage") if health.waiting else ""
    return [
        ("search", f"{health.query_ms:,} ms by {health.index}{lag}"),
        ("waiting", waiting),
        ("watched", count(health.watched, "folder")),
        ("ollama", health.ollama),
        ("memory", size(health.memory_bytes) if health.memory_bytes else ""),
        ("disk", f"{size(health.disk_free_bytes)} free"),
        ("last error", health.last_error),
    ]


def _chores(chores: Iterable[ChoreResult]) -> Lines:
    """One line for each chore of the night."""
    found = []
    for result in chores:
        mark = good("done") if result.ok else bad("failed")
        found.append(
            line(f"{result.name} {moment(result.at)} ", mark, f": {result.said}")
        )
    return found

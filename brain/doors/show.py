"""One way from a result to what is read: its JSON, or its lines and the talk beside them; and its exit code.

A view registers itself with `@shows` for the kind of value that it shows: the name of the value's type, or a name
of its own where the value is a bare list or mapping. Serves the doors; leaves the wording to the views, the shapes
to `json_out`, and where all of it goes to the door.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from brain.doors import json_out
from brain.doors.json_out import Shape
from brain.doors.lines import Lines, line

ToLines = Callable[[Any], Lines]
ToJson = Callable[[Any], Shape]
View = TypeVar("View", bound=Callable[..., Lines])

# The exit codes of the command line, as docs/JSON.md tells them; an error brings its own (`brain.errors`).
DONE = 0
FAILED = 1
NOTHING_FOUND = 3
REFUSED = 4
OVER_BUDGET = 5
COULD_NOT_LOOK = 6

# What stands below "interrupted", wherever that is said.
KEPT = "what was done is kept; run the same command again to go on"

VIEWS = (
    "questions",
    "capture",
    "library",
    "inbox",
    "models",
    "governance",
    "policy",
    "cloud",
    "keeping",
    "service",
    "labels",
    "evaluation",
    "quality",
)


@dataclass(frozen=True, slots=True)
class Showing:
    """What one kind of value becomes: plain `lines`, or with the figures and codes behind them (`explained`).

    `talk` is for a person, beside the result; `code` is the exit code.
    """

    lines: ToLines
    explained: ToLines
    to_json: ToJson
    talk: ToLines
    code: Callable[[Any], int]


_showings: dict[str, Showing] = {}


def silent(_value: Any) -> Lines:
    """Nothing needs to be said beside the result."""
    return []


def done(_value: Any) -> int:
    """The code of a result that is never a failure."""
    return DONE


def shows(
    kind: str,
    to_json: ToJson = json_out.fields,
    *,
    talk: ToLines = silent,
    code: Callable[[Any], int] = done,
    explains: bool = False,
) -> Callable[[View], View]:
    """Register the view below for one kind of value. `explains`: it takes `explain=True` for figures and codes."""

    def register(view: View) -> View:
        explained = partial(view, explain=True) if explains else view
        _showings[kind] = Showing(view, explained, to_json, talk, code)
        return view

    return register


def lists(
    kind: str,
    *if_empty: str,
    to_json: ToJson | None = None,
) -> Callable[[View], View]:
    """Register the view below for a list, which JSON calls by its `kind`. An empty one is told in these rows."""

    def talk(values: Sequence[object]) -> Lines:
        if values:
            return []
        return [line(row) for row in if_empty]

    to_json = to_json or partial(json_out.listed, kind)
    return shows(kind, to_json, talk=talk, code=some_found)


def some_found(values: Sequence[object]) -> int:
    """The code of a list: an empty one was looked for and not found."""
    return DONE if values else NOTHING_FOUND


def showing(kind: str) -> Showing:
    """How that kind of value is shown. Raises `KeyError` for a kind that no view has registered."""
    # A command has imported its own view before it asks, so that as a rule no other is loaded.
    for name in VIEWS:
        if kind in _showings:
            break
        importlib.import_module(f"brain.doors.views.{name}")
    return _showings[kind]

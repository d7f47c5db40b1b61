"""How a parameter of a command is declared: an argument, an option, a flag; and those that many commands take.

Serves the command modules, as the second part of `Annotated`. Leaves parsing to typer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from brain.doors.cli import completion
from brain.doors.cli.completion import Complete


def argument(metavar: str, offers: Complete | None = None) -> Any:
    """A word without a name. The usage line shows it, so that the help needs no section of its own for it.

    `offers`: what a shell completes it to; without it, files.
    """
    return typer.Argument(metavar=metavar, hidden=True, autocompletion=offers)


def option(name: str, metavar: str, text: str, *short: str, **settings: Any) -> Any:
    """A named value."""
    return typer.Option(name, *short, metavar=metavar, help=text, **settings)


def flag(name: str, text: str, *short: str, **settings: Any) -> Any:
    """A switch."""
    return typer.Option(name, *short, help=text, **settings)


def choice(name: str, text: str) -> Any:
    """One word of an enumeration; the help lists them."""
    return typer.Option(name, help=text)


class LabelWord(StrEnum):
    """How confidential a text is, as it is typed."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"


NewLabel = Annotated[LabelWord | None, choice("--label", "How confidential it is.")]
Json = Annotated[bool, flag("--json", "Print JSON, schema 2 (docs/JSON.md).")]
Explain = Annotated[
    bool, flag("--explain", "Also the figures and codes that are left out.")
]
Verbose = Annotated[
    bool, flag("--verbose", "Every name and notice, how much was read by which model.")
]
NewTags = Annotated[
    list[str],
    option(
        "--tag", "TAG", "Tag it (repeat for several).", autocompletion=completion.tags
    ),
]
Words = Annotated[list[str], argument("WORDS")]
Text = Annotated[list[str], argument("TEXT")]
Yes = Annotated[bool, flag("--yes", "Do it without asking.", "-y")]
Limit = Annotated[
    int, option("--limit", "N", "How many at most.", "-n", min=1, max=1000)
]
Tags = Annotated[
    list[str],
    option(
        "--tag",
        "TAG",
        "Only with this tag (repeat for several).",
        autocompletion=completion.tags,
    ),
]
Source = Annotated[
    str,
    option(
        "--source",
        "GLOB",
        "Only sources that match, as 'journal/*'.",
        autocompletion=completion.sources,
    ),
]
Since = Annotated[
    str,
    option(
        "--since", "TIME", "From then on: 2026-05, 'last friday', 'March 6', 2026-Q1."
    ),
]
Until = Annotated[str, option("--until", "TIME", "Up to then.")]
Where = Annotated[
    list[str],
    option(
        "--where",
        "TEST",
        "Only with this property: status=done, 'rating>=4'.",
        autocompletion=completion.properties,
    ),
]
Sort = Annotated[
    str,
    option(
        "--sort",
        "NAME",
        "By a property; -NAME: the largest first.",
        autocompletion=completion.properties,
    ),
]

"""The typer app: panels of commands in the help, and the list of modules that hold them.

To add commands: write a module that uses `@register(...)`, and name it in `MODULES`. Leaves out what the commands do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
import typer.core
import typer.main

from brain.doors.cli.plain import Command, Group

if TYPE_CHECKING:
    Function = TypeVar("Function", bound=Callable[..., Any])

MODULES = (
    "capture",
    "questions",
    "library",
    "skills",
    "models",
    "keeping",
    "evaluation",
)  # of this package, in the order of the help

EVERY_DAY, LIBRARY, SKILLS, MODELS, KEEPING = "Every day", "Library", "Skills", "Models", "Keeping"
QUALITY = "Quality"
PANELS = (EVERY_DAY, LIBRARY, SKILLS, MODELS, KEEPING, QUALITY)
FIRST = (
    "add",
    "ask",
    "search",
    "recall",
    "remember",
    "sync",
    "status",
    "export",
)  # USERS.md, row 29

Json = Annotated[bool, typer.Option("--json", help="Print JSON, schema 1 (docs/JSON.md).")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=1000, metavar="N", help="How many at most.")
]
Tags = Annotated[
    list[str], typer.Option("--tag", metavar="TAG", help="Only with this tag (repeat for several).")
]
Source = Annotated[
    str, typer.Option("--source", metavar="GLOB", help="Only sources that match, as 'journal/*'.")
]
Since = Annotated[
    str,
    typer.Option("--since", metavar="DATE", help="Dated on or after 2026-05-17, 2026-05 or 2026."),
]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help="Dated on or before.")]


class Panels(Group):
    """A group whose help lists its commands by panel, the eight of every day first and in their order."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each panel; a group without panels reads as usual."""
        shown = [command for command in self.commands.values() if not command.hidden]
        panel_of = {id(command): getattr(command, "rich_help_panel", None) for command in shown}
        limit = formatter.width - 6 - max(len(command.name or "") for command in shown)
        for panel in PANELS if any(panel_of.values()) else (None,):
            rows = [
                (c.name or "", c.get_short_help_str(limit))
                for c in shown
                if panel_of[id(c)] == panel
            ]
            if panel == EVERY_DAY:
                rows.sort(key=lambda row: FIRST.index(row[0]))
            with formatter.section(panel or "Commands"):
                formatter.write_dl(rows)


app = typer.Typer(
    name="brain",
    cls=Panels,
    help="A second brain that stays on your machine: add, search, ask with checked citations, recall, export.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)


def register(
    name: str,
    panel: str | None = None,
    *,
    examples: tuple[str, ...],
    group: typer.Typer | None = None,
    **settings: Any,
) -> Callable[[Function], Function]:
    """Make a function a command of `group` (the whole app when None), its examples below its help."""
    epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
    return (group or app).command(
        name, cls=Command, epilog=epilog, rich_help_panel=panel, context_settings=settings or None
    )


def group(name: str, panel: str, text: str) -> typer.Typer:
    """A command that has commands of its own, such as `brain skill`."""
    inner = typer.Typer(rich_markup_mode=None, cls=Panels, help=text)
    app.add_typer(inner, name=name, rich_help_panel=panel)
    return inner


def command(wanted: str = "") -> typer.core.TyperGroup:
    """The command line with every module of `MODULES` loaded, or only as many as bring the command that is wanted."""
    for name in MODULES:
        if wanted in {
            *(c.name for c in app.registered_commands),
            *(g.name for g in app.registered_groups),
        }:
            break
        importlib.import_module(f"brain.doors.cli.{name}")
    built = typer.main.get_command(app)
    if not isinstance(built, typer.core.TyperGroup):
        raise TypeError("the app has only one command")
    return built


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"brain {version('sovereign-brain')}")
        raise typer.Exit


@app.callback()
def brain(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A second brain that stays on your machine: add, search, ask with checked citations, recall, export."""

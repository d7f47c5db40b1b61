"""The typer app: panels of commands in the help, and the list of modules that hold them.

To add commands: write a module that uses `@shown(...)` or `@register(...)`, and name it in `MODULES`.
Leaves out what the commands do.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
import typer.core
import typer.main

from brain import __version__
from brain.doors.cli.options import Explain, Json, flag
from brain.doors.cli.plain import Command, Group
from brain.doors.cli.session import session
from brain.types import Texts

if TYPE_CHECKING:
    Function = TypeVar("Function", bound=Callable[..., Any])

# Of this package, in the order of the help.
MODULES = (
    "capture",
    "questions",
    "library",
    "skills",
    "inbox",
    "models",
    "policy",
    "cloud",
    "ledger",
    "keeping",
    "folders",
    "labels",
    "evaluation",
    "quality",
    "serving",
    "service",
    "agents",
)

EVERY_DAY = "Every day"
LIBRARY = "Library"
SKILLS = "Skills"
MODELS = "Models"
LEAVING = "What may leave"
KEEPING = "Keeping"
QUALITY = "Quality"
DOORS = "Other doors"
# Of a group without panels.
COMMANDS = "Commands"
PANELS = (EVERY_DAY, LIBRARY, SKILLS, MODELS, LEAVING, KEEPING, QUALITY, DOORS)
# The first panel is what a newcomer reads: eight verbs, in the order in which they are first needed.
FIRST = (
    "add",
    "ask",
    "search",
    "recall",
    "remember",
    "sync",
    "status",
    "export",
)


class Panels(Group):
    """A group whose help lists its commands by panel, the eight of every day first and in their order."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each panel; a group without panels reads as usual."""
        shown = [command for command in self.commands.values() if not command.hidden]
        longest = max(len(command.name or "") for command in shown)
        # Two spaces before a name, two behind it, and typer's own margin of two.
        width = formatter.width - longest - 6
        sections: dict[str, list[tuple[str, str]]] = {}
        for command in shown:
            panel = getattr(command, "rich_help_panel", None) or COMMANDS
            row = (command.name or "", command.get_short_help_str(width))
            sections.setdefault(panel, []).append(row)
        for panel in (*PANELS, COMMANDS):
            rows = sections.get(panel, [])
            if panel == EVERY_DAY:
                rows.sort(key=lambda row: FIRST.index(row[0]))
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="brain",
    cls=Panels,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)


def register(
    name: str,
    panel: str | None = None,
    *,
    examples: Texts,
    group: typer.Typer | None = None,
    **settings: Any,
) -> Callable[[Function], Function]:
    """Make a function a command of `group` (the whole app when None), its examples below its help."""
    epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
    return (group or app).command(
        name,
        cls=Command,
        epilog=epilog,
        rich_help_panel=panel,
        context_settings=settings or None,
    )


def shown(
    name: str,
    panel: str | None = None,
    kind: str = "",
    *,
    explains: bool = False,
    **settings: Any,
) -> Callable[[Function], Function]:
    """Make a function a command that shows what it returns: as lines, or with --json, which every such command takes.

    The function is called with an open `brain`, or when it takes a `run` with the session, so that it can check the
    words before anything is loaded; and with its own parameters. `kind` and `settings` as for `Session.show` and
    `register`; `explains`: it takes --explain as well.
    """

    def added(work: Function) -> Function:
        # `Brain` is known to type checkers alone, so that a command is read without loading it.
        signature = inspect.signature(work, eval_str=True, locals={"Brain": object})
        first, *own = signature.parameters.values()

        def run(
            context: typer.Context,
            explain: Explain = False,
            as_json: Json = False,
            **values: Any,
        ) -> None:
            opened = session(context)
            if first.name == "run":
                value = work(opened, **values)
            else:
                with opened.brain() as brain:
                    value = work(brain, **values)
            opened.show(value, kind, as_json=as_json, explain=explain)

        # typer reads the parameters of the command, so they are told to it in place of `**values`.
        before, explain, json, _values = inspect.signature(
            run, eval_str=True
        ).parameters.values()
        own += [explain] if explains else []
        run.__signature__ = inspect.Signature([before, *own, json])  # type: ignore[attr-defined]
        run.__doc__ = work.__doc__
        register(name, panel, **settings)(run)
        return work

    return added


def group(name: str, panel: str, text: str) -> typer.Typer:
    """A command that has commands of its own, such as `brain skill`."""
    inner = typer.Typer(
        rich_markup_mode=None,
        cls=Panels,
        help=text,
    )
    app.add_typer(inner, name=name, rich_help_panel=panel)
    return inner


def _registered() -> set[str | None]:
    """The names of what the modules loaded so far have brought."""
    names = {command.name for command in app.registered_commands}
    return names | {group.name for group in app.registered_groups}


def command(wanted: str = "") -> typer.core.TyperGroup:
    """The command line with every module of `MODULES` loaded, or only as many as bring the command that is wanted."""
    for name in MODULES:
        if wanted in _registered():
            break
        importlib.import_module(f"brain.doors.cli.{name}")
    return _built(len(_registered()))


@cache
def _built(_commands: int) -> typer.core.TyperGroup:
    """What typer makes of the app: once for each number of commands, since reading their signatures takes a while."""
    built = typer.main.get_command(app)
    if not isinstance(built, typer.core.TyperGroup):
        raise TypeError("the app has only one command")
    return built


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"brain {__version__}")
        raise typer.Exit


def _shut(asked: bool) -> None:
    """For this process and those that it starts."""
    if asked:
        from brain.config import OFFLINE

        os.environ[OFFLINE] = "1"


@app.callback()
def brain(
    show_version: Annotated[
        bool,
        flag(
            "--version",
            "Print the version and leave.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
    offline: Annotated[
        bool,
        flag(
            "--offline",
            "Nothing leaves and nothing is fetched, as with BRAIN_OFFLINE=1.",
            callback=_shut,
        ),
    ] = False,
) -> None:
    """A second brain that stays on your machine: add, search, ask with checked citations, recall, export."""

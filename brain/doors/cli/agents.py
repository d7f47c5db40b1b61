"""The commands for agents: `mcp`, which an agent's program starts; `agent install`, which tells the program of it.

Leaves the protocol and the files of the programs to `brain.doors.agents`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli.app import DOORS, group, register
from brain.doors.cli.options import LabelWord, argument, choice, flag
from brain.doors.cli.person import typed_word
from brain.doors.cli.session import session
from brain.doors.lines import bad, dim, good, line, short_path
from brain.labels import Label

if TYPE_CHECKING:
    from brain.app.pool import Pool
    from brain.doors.agents.install import Change, Entry
    from brain.doors.lines import Line

AtMost = Annotated[LabelWord, choice("--at-most", "Nothing more confidential.")]
INSTALL = "install"
Writes = Annotated[bool, flag("--writes", "It may propose what to remember.")]
ChatGpt = Annotated[bool, flag("--chatgpt", "Tools as ChatGPT's connectors want them.")]


@register("mcp", DOORS, examples=("brain mcp", "brain mcp --writes --at-most public"))
def mcp(
    _context: typer.Context,
    at_most: AtMost = LabelWord.INTERNAL,
    writes: Writes = False,
    chatgpt: ChatGpt = False,
) -> None:
    """Answer an agent by the Model Context Protocol (docs/AGENTS.md).

    An agent's program starts it, speaks over standard input and output, and ends it. What it may see is said here and
    by no call of it; each call is in the ledger.
    """
    from brain.doors.agents.rights import Rights
    from brain.doors.agents.stdio import Stdio
    from brain.doors.cli.front import called

    rights = Rights(Label.of(at_most), writes=writes, chatgpt=chatgpt)
    Stdio(called, open_pool, rights).run()


agent = group("agent", DOORS, "Agents that may ask: tell their programs of this brain.")


@register(
    "install",
    group=agent,
    examples=(
        "brain agent install claude-code",
        "brain agent install codex --at-most public --dry-run",
    ),
)
def install(
    context: typer.Context,
    program: Annotated[str, argument("claude-code|cursor|codex|vscode")],
    at_most: AtMost = LabelWord.INTERNAL,
    writes: Writes = False,
    dry_run: Annotated[bool, flag("--dry-run", "Only show what would change.")] = False,
) -> None:
    """Let an agent's program start `brain mcp`: its files are shown as they would be, and written once you type a word.

    Also a skill that teaches it the tools, and rules that keep it out of the folder of the database, where it has such.
    """
    from pathlib import Path

    from brain.doors.agents.install import plan

    run = session(context)
    found = plan(program, _entry(at_most, writes=writes), Path.home())
    for change in found.changes:
        run.out.print(_shown(change))
    if found.told:
        run.out.say(f"{program}: {found.told}")
    if not found.changes:
        run.out.say(f"{program} knows this brain already")
        return
    if dry_run:
        return
    typed_word(INSTALL, f"{len(found.changes)} files of {program} change as shown")
    for change in found.changes:
        change.write()
        run.out.print([line("written: ", short_path(str(change.path)))])
    run.out.say(f"start {program} anew; it is asked for by the name brain")


def _entry(at_most: LabelWord, *, writes: bool) -> Entry:
    """How this very brain is started. -P: a folder `brain` of the project that an agent works in is never run."""
    import os
    import sys

    from brain.config import default_home, load
    from brain.doors.agents.install import Entry

    args = ["-P", "-m", "brain", "mcp", "--at-most", str(at_most)]
    if writes:
        args.append("--writes")
    home = load().home
    without = {name: os.environ[name] for name in os.environ if name != "BRAIN_HOME"}
    return Entry(sys.executable, args, home, elsewhere=home != default_home(without))


def _shown(change: Change) -> list[Line]:
    """A diff, its lines by what they do."""
    styles = {"+": good, "-": bad}
    rows = [styles.get(row[:1], dim)(row) for row in change.diff()]
    return [*rows, line()]


def open_pool() -> Pool:
    """Two workers that scan exactly: Chroma takes longer to load than a scan."""
    from dataclasses import replace

    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.config import Config, load

    def exact() -> Config:
        config = load()
        return replace(config, index=replace(config.index, engine="exact"))

    return Pool(
        exact, workers=2, open_brain=lambda known, loaded: Brain(known, loaded=loaded)
    )

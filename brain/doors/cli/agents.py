"""The commands for agents: `mcp`, which an agent's program starts.

Leaves the protocol to `brain.doors.agents`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brain.doors.cli.app import DOORS, register
from brain.doors.cli.options import LabelWord, choice, flag
from brain.labels import Label

if TYPE_CHECKING:
    from brain.app.pool import Pool

AtMost = Annotated[LabelWord, choice("--at-most", "Nothing more confidential.")]
Writes = Annotated[bool, flag("--writes", "It may propose what to remember.")]
ChatGpt = Annotated[bool, flag("--chatgpt", "Tools as ChatGPT's connectors want them.")]


@register("mcp", DOORS, examples=("brain mcp", "brain mcp --writes --at-most public"))
def mcp(
    _context: typer.Context,
    at_most: AtMost = LabelWord.INTERNAL,
    writes: Writes = False,
    chatgpt: ChatGpt = False,
) -> None:
    """Answer an agent over standard input and output, by the Model Context Protocol (docs/AGENTS.md). It ends with it.

    An agent's program starts it. What it may see is said here and by no call of it; each call is in the ledger.
    """
    from brain.doors.agents.rights import Rights
    from brain.doors.agents.stdio import Stdio
    from brain.doors.cli.front import called

    rights = Rights(Label.of(at_most), writes=writes, chatgpt=chatgpt)
    Stdio(called, open_pool, rights).run()


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

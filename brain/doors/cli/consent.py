"""A yes to exactly these bytes: what would leave, to whom and for how much, asked at the terminal of whoever waits.

Nobody waits where there is no terminal, or where an agent is at work: then a rule that asks is a refusal, which names
the approval that a person may give. Leaves out who decides that it is asked. Serves `ask`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from brain.doors.cli.person import AGENTS, typed
from brain.doors.lines import line, short_path
from brain.doors.views.governance import dollars
from brain.errors import Refused

if TYPE_CHECKING:
    from brain.app.outside import Agree, Shown
    from brain.doors.render import Out
    from brain.types import Passages

YES, VIEW = "y", "v"
SHOWN = 5  # sources that are named


def asking(out: Out) -> Agree | None:
    """The way to ask whoever waits, None where nobody does."""
    if any(os.environ.get(name) for name in AGENTS) or not out.interactive:
        return None

    def agree(shown: Shown, passages: Passages) -> bool:
        out.say(*map(line, told(shown, passages)))
        return _answer(out, shown)

    return agree


def told(shown: Shown, passages: Passages) -> list[str]:
    """What would leave, in two lines."""
    sources = list(dict.fromkeys(short_path(one.source) for one in passages))
    named = ", ".join(sources[:SHOWN])
    if len(sources) > SHOWN:
        named += f" and {len(sources) - SHOWN} more"
    cost = dollars(shown.usd_micro)
    size = f"{len(shown.body):,} bytes"
    return [
        f"{len(passages)} passages would go to {shown.host} ({shown.model}): {named}",
        f"{shown.label}, {size}, at most {cost}",
    ]


def _answer(out: Out, shown: Shown) -> bool:
    """Yes only for a typed y; v shows the bytes and asks again."""
    while True:
        try:
            said = typed("[y]es, [N]o, [v]iew the bytes: ").lower()
        except Refused:
            return False
        if said != VIEW:
            return said == YES
        out.say(line(shown.body.decode("utf-8", "replace")))

"""A yes to exactly these bytes: what would leave, to whom and for how much, asked at the terminal of whoever waits.
It may hold for an hour for the same task, receiver and folders.

Nobody waits where there is no terminal, or where an agent is at work: then a rule that asks is a refusal, which names
the approval that a person may give. Leaves out who decides that it is asked. Serves `ask` and `approve`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from brain.doors.cli.person import AGENTS, VIEW, typed, typed_word
from brain.doors.lines import line, short_path
from brain.doors.views.governance import dollars
from brain.doors.views.policy import to_approve
from brain.errors import Refused

if TYPE_CHECKING:
    from brain.app.approving import ToApprove
    from brain.app.outside import Agree, Shown, Yes
    from brain.doors.render import Out
    from brain.types import Passages

YES, HOUR = "y", "s"
APPROVE = "approve"
SHOWN = 5  # sources that are named


def asking(out: Out) -> Agree | None:
    """The way to ask whoever waits, None where nobody does."""
    if any(os.environ.get(name) for name in AGENTS) or not out.interactive:
        return None

    def agree(shown: Shown, passages: Passages) -> Yes:
        out.say(*map(line, told(shown, passages)))
        return answer(out, shown.body, for_an_hour=bool(shown.folders))

    return agree


def approving(out: Out, *, view: bool) -> Callable[[ToApprove], None]:
    """Shows what waits, with its bytes where `view` says so, and wants the word. Raises `Refused` as `typed_word`."""

    def confirm(waits: ToApprove) -> None:
        def bytes_of_it() -> None:
            out.say(line(waits.body))

        out.say(*to_approve(waits))
        if view:
            bytes_of_it()
        typed_word(APPROVE, "it would leave once, byte for byte", view=bytes_of_it)

    return confirm


def told(shown: Shown, passages: Passages) -> list[str]:
    """What would leave, in two lines, and what a yes for an hour would be for."""
    sources = list(dict.fromkeys(short_path(one.source) for one in passages))
    named = ", ".join(sources[:SHOWN])
    if len(sources) > SHOWN:
        named += f" and {len(sources) - SHOWN} more"
    cost = dollars(shown.usd_micro)
    size = f"{len(shown.body):,} bytes"
    said = [
        f"{len(passages)} passages would go to {shown.host} ({shown.model}): {named}",
        f"{shown.label}, {size}, at most {cost}",
    ]
    if shown.folders:
        folders = ", ".join(map(short_path, shown.folders))
        said.append(f"s holds for what lies in {folders}, to {shown.host} alone")
    return said


def answer(out: Out, body: bytes, *, for_an_hour: bool) -> Yes:
    """Yes only for a typed y, or s where it is offered; v shows the bytes and asks again."""
    question = "[y]es, [N]o, [v]iew the bytes"
    answers: dict[str, Yes] = {YES: "once"}
    if for_an_hour:
        question += ", [s]ame task and folder for an hour"
        answers[HOUR] = "hour"
    while True:
        try:
            said = typed(f"{question}: ").lower()
        except Refused:
            return ""
        if said != VIEW:
            return answers.get(said, "")
        out.say(line(body.decode("utf-8", "replace")))

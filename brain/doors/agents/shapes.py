"""What a call of an agent is handed and gives: passages, citations and episodes as small JSON, and the same as text.

Leaves what a tool does to `calls`, and the marks around stored text to `fence`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brain.doors import json_out
from brain.doors.agents.fence import Fence, bare, cut
from brain.doors.agents.rights import Rights
from brain.labels import Label
from brain.types import Scope

if TYPE_CHECKING:
    from brain.app import Brain
    from brain.types import Citation, Episode, Passage

Values = Mapping[str, Any]
Data = dict[str, Any]

RESULT_CHARACTERS = 8_000  # of a result as JSON
ENVELOPE = 1_200  # of a result for what stands beside its list
NOTICES = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """`text`: for a model; `data`: the same as JSON; `ids`: of what it was made of; `withheld`: passages left out."""

    text: str
    data: Data = field(default_factory=dict)
    failed: bool = False
    ids: tuple[str, ...] = ()
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One call on an open `Brain`."""

    brain: Brain
    given: Values
    rights: Rights
    by: str
    look: bool = True
    fence: Fence = field(default_factory=Fence)

    @property
    def scope(self) -> Scope:
        """What may be seen."""
        return Scope(at_most=self.rights.at_most)


def passage(asked: Call, one: Passage) -> Data:
    """A passage, its text cut to what a look needs."""
    text = one.text
    start = 0
    if one.matched is not None:
        start = max(0, one.matched.start - one.start - 300)
        start = start if len(text) > 1_500 else 0
    return {
        "id": one.id,
        "document": one.document_id,
        "source": asked.fence.name(one.source),
        "locator": asked.fence.place(one.locator),
        "title": asked.fence.name(one.title),
        "heading": [asked.fence.name(part) for part in one.heading[:6]],
        "date": one.date,
        "label": one.label,
        "text": asked.fence.around(text[start:]),
    }


def line(asked: Call, number: int, one: Data) -> str:
    """The same as text, all that the note brought in one pair of marks."""
    inside = asked.fence.inside
    place = f"{inside(one['source'])} {inside(one['locator'])}"
    heading = " › ".join(map(inside, (one["title"], *one["heading"])))
    said = f"{place} · {heading}\n{inside(one['text'])}"
    date = (one["date"] or "")[:10]
    nonce = asked.fence.nonce
    return f"[{number}] {date} · id {one['id']}\n<{nonce}>{said}</{nonce}>"


def citation(asked: Call, one: Citation) -> Data:
    """What an answer cites."""
    return {
        "number": one.number,
        "source": asked.fence.name(one.source),
        "locator": asked.fence.place(one.locator),
        "quote": asked.fence.around(one.quote),
        "verified": one.verified,
    }


def episode(asked: Call, one: Episode) -> Data:
    """What happened."""
    return {
        "id": one.id,
        "at": one.at,
        "kind": one.kind,
        "state": one.state,
        "text": asked.fence.around(one.text),
    }


def fitting(
    items: list[Data], most: int = RESULT_CHARACTERS - ENVELOPE
) -> tuple[list[Data], int]:
    """As many as fit, one at least; and how many."""
    left = most
    for number, item in enumerate(items):
        left -= len(json.dumps(item, ensure_ascii=False)) + 2
        if left < 0 and number:
            return items[:number], number
    return items, len(items)


def envelope(
    asked: Call, withheld: int = 0, told: tuple[str, ...] = (), degraded: str = ""
) -> Data:
    """What stands beside every list."""
    data: Data = {"schema": json_out.SCHEMA, "fence": asked.fence.rule}
    if withheld:
        data["withheld"] = withheld
        data["grant"] = grant(asked.brain, asked.rights)
    if degraded:
        data["degraded"] = cut(degraded, 200)
    if told:
        data["notices"] = notices(told)
    return data


def notices(told: tuple[str, ...]) -> list[str]:
    """The first of what is told beside a result."""
    return [cut(bare(one), 200) for one in told[:NOTICES]]


def text_of(data: Data, rows: list[str]) -> str:
    """The same for a model that is given text alone."""
    head = [data["fence"]]
    if "withheld" in data:
        head.append(f"withheld: {data['withheld']} ({data['grant']})")
    head += [f"degraded: {data['degraded']}"] if "degraded" in data else []
    head += data.get("notices", [])
    tail = [f"more: cursor {data['cursor']}"] if "cursor" in data else []
    return "\n".join([*head, *rows, *tail])


def grant(brain: Brain, rights: Rights) -> str:
    """The one step by which a person lets an agent see more."""
    if not brain.labels.walked and rights.at_most < Label.CONFIDENTIAL:
        return "a person says once which folders are confidential: brain label folders"
    if rights.at_most is Label.CONFIDENTIAL:
        return "nothing is left out"
    higher = Label(rights.at_most + 1)
    return f"a person may start it with --at-most {higher}"

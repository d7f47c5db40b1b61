"""A yes that holds for an hour: for one task, one receiver, and texts that lie in the folders that a person saw.

It is a row of the ledger, so that it can be seen, and ends with the hour, with a halt, and with any other policy. It
answers the rules that asked when it was given and no other one, and never covers confidential material. Leaves asking
to the doors. Serves the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from brain.governance.ledger import Entry, Ledger
from brain.labels import Label
from brain.types import Texts

HOLDS = timedelta(hours=1)
UNTIL = "holds_until"  # fact of the row of such a yes
ENDS = ("halt", "resume", "publish")  # rows behind which no earlier yes holds
LOOKED_AT = 2_000  # rows: a yes that lies further back is asked for again
SAME = ("task", "provider", "host", "policy")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a yes is for. `folders`: in which everything lies, () where something lies in none; `asks`: the rules that
    ask; `policy`: the digest of the one that decides.
    """

    task: str
    provider: str
    host: str
    label: Label
    folders: Texts
    asks: Texts
    policy: str

    @property
    def possible(self) -> bool:
        """Whether a yes may hold for longer than once."""
        return bool(self.folders) and self.label < Label.CONFIDENTIAL

    def facts(self, now: datetime) -> dict[str, Any]:
        """What the row of the yes tells beside what was sent."""
        until = (now + HOLDS).isoformat(timespec="seconds")
        return {UNTIL: until, "folders": self.folders, "asks": self.asks}


def yes_row(ledger: Ledger, wanted: Reach, now: datetime) -> int:
    """The number of the row whose yes covers it, 0 where none does."""
    if not wanted.possible:
        return 0
    for entry in ledger.last(LOOKED_AT, kinds=("approve", *ENDS)):
        if entry.kind in ENDS:
            return 0
        if UNTIL in entry.facts and _covers(entry, wanted, now):
            return entry.id
    return 0


def _covers(entry: Entry, wanted: Reach, now: datetime) -> bool:
    said = entry.facts
    if any(said[name] != getattr(wanted, name) for name in SAME):
        return False
    if wanted.label > Label.of(said["label"]):
        return False
    given, until = map(datetime.fromisoformat, (entry.at, said[UNTIL]))
    if not given <= now < until:
        return False
    inside = set(wanted.folders) <= set(said["folders"])
    return inside and set(wanted.asks) <= set(said["asks"])

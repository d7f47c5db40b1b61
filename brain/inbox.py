"""What agents propose to remember, and what a person decided. Frozen; no behaviour.

Serves the store, which keeps it, and the doors, which show it.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.labels import UNLABELLED


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that the program `by` wants to have remembered, and what it is about; `label` is a word of the store."""

    id: str
    at: str
    by: str
    text: str
    about: str = ""
    label: str = UNLABELLED


@dataclass(frozen=True, slots=True)
class InboxDecision:
    """What a person decided: `outcome` "accepted" or "refused"."""

    outcome: str
    proposals: tuple[Proposal, ...] = ()

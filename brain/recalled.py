"""What `recall` hands back: episodes with their surroundings, and the time that was looked at. Frozen; no behaviour.

Times are ISO 8601 strings with an offset. Serves the doors, which show them, and the rooms that look for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.types import Confidence, Episode, Texts


@dataclass(frozen=True, slots=True)
class Remembered:
    """An episode found by `recall`, with its score and the rounds around it in the same session, oldest first."""

    episode: Episode
    score: float = 0.0
    before: tuple[Episode, ...] = ()
    after: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeNamed:
    """A time that the words of a question name, as ISO 8601 days, "" open."""

    words: str
    since: str
    until: str

    def __str__(self) -> str:
        """As a person is told of it."""
        first = self.since or "…"
        last = self.until or "now"
        days = first if first == last else f"{first} to {last}"
        return f"“{self.words}” ({days})"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What `recall` found, best first. `found` is False when nothing reached the floor: then `episodes` holds the
    nearest three at most. `since`/`until` are the window really used (ISO 8601, "" open), read from the words too.
    `named`: the window that the words name; `set_aside`: it holds too little, so that what is found is from all times.
    `notices` are shown; `withheld`: episodes left out by the label that the request may see at most.
    """

    query: str
    episodes: tuple[Remembered, ...] = ()
    found: bool = True
    since: str = ""
    until: str = ""
    named: TimeNamed | None = None
    set_aside: bool = False
    degraded: str = ""
    embedder: str = ""
    confidence: Confidence = field(default_factory=Confidence)
    notices: Texts = ()
    withheld: int = 0

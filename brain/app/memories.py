"""`remember`: an episode by hand, its time read from what the person wrote. Leaves out storing it (capture)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from brain.app import capture
from brain.app.parts import Parts
from brain.errors import UsageError
from brain.types import Episode


def remember(
    parts: Parts, text: str, *, at: str | None, session: str, people: Sequence[str], tags: Sequence[str]
) -> Episode:
    """One episode. Raises `UsageError` for an empty text or a time that cannot be read."""
    if not text.strip():
        raise UsageError("there is nothing to remember", 'write it after the command: brain remember "We chose …"')
    moment = parts.moment() if at is None else _moment(at, parts.moment())
    episode = Episode(
        "", moment.isoformat(timespec="seconds"), "note", "", text.strip(), session=session, people=tuple(people),
        tags=tuple(tags),
    )  # fmt: skip
    return capture.remember(parts, [episode])[0]


def _moment(text: str, now: datetime) -> datetime:
    """The time that a person wrote; a day without an hour is its beginning. Raises `UsageError`."""
    from brain.memory import when

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(when.since_of(text, now))
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)

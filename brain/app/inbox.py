"""`.inbox`: what agents propose to remember, accepted or refused by a person.

An accepted proposal becomes something remembered, under the id that it had: broken off and done again, it is kept once.
Leaves the rows to the store, and whether a person decides to the doors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from brain.app.labelling import told
from brain.app.resources import Noun, clean
from brain.errors import BrainError, UsageError
from brain.inbox import InboxDecision, Proposal
from brain.labels import UNLABELLED
from brain.types import Episode
from ingest.document import new_id

TEXT_CHARACTERS = 8_000  # of one proposal: what nobody reads whole, nobody can accept
ABOUT_CHARACTERS = 200
BY_CHARACTERS = 60
MOST = 200  # that may wait: an agent in a loop fills no disk and buries nothing
AGENT = "an agent"  # one that does not say its name
NOT_IN_A_TAG = re.compile(r"[^\w.-]+")


class Inbox(Noun):
    """What waits for a person."""

    def waiting(self) -> tuple[Proposal, ...]:
        """All of it, oldest first."""
        return tuple(self._store.inbox.all())

    def propose(
        self, text: str, about: str = "", by: str = "", label: str = UNLABELLED
    ) -> Proposal:
        """Let a text wait until a person decides; the same text waits once. `by`: the name of the program.

        Raises `UsageError` for one that is empty or too long, `BrainError` where too many wait.
        """
        text = clean(text).strip()
        about = _one_line(about)
        _must_fit("text", text, TEXT_CHARACTERS)
        _must_fit("about", about, ABOUT_CHARACTERS)
        if not text:
            raise UsageError("there is nothing to remember", "send a text")
        proposal = Proposal(
            new_id(),
            self._resources.seconds(),
            _one_line(by)[:BY_CHARACTERS] or AGENT,
            text,
            about,
            told([text, about], label),
        )
        with self._store.write():
            if self._store.inbox.count() >= MOST:
                raise BrainError(
                    f"{MOST} proposals wait already, and no more can",
                    "a person decides on them: brain inbox list",
                )
            return self._store.inbox.keep(proposal)

    def named(self, ids: Sequence[str]) -> tuple[Proposal, ...]:
        """Those with these ids, or their beginnings. Raises `NotFound`."""
        return tuple(self._store.inbox.named(ids))

    def accept(self, ids: Sequence[str]) -> InboxDecision:
        """Remember these, word for word, tagged with who proposed them. Raises `NotFound`."""
        from brain.app.capture import record_episodes
        from brain.app.tally import Tally
        from brain.app.vectors import finish

        tally = Tally()
        with self._store.write():
            chosen = self._store.inbox.named(ids)
            record_episodes(self._resources, list(map(_episode, chosen)), tally)
            self._store.inbox.drop(chosen)
        finish(self._resources, tally)
        return InboxDecision("accepted", tuple(chosen))

    def refuse(self, ids: Sequence[str]) -> InboxDecision:
        """Delete these. Raises `NotFound`."""
        with self._store.write():
            chosen = self._store.inbox.named(ids)
            self._store.inbox.drop(chosen)
        return InboxDecision("refused", tuple(chosen))


def _episode(proposal: Proposal) -> Episode:
    return Episode(
        id=proposal.id,
        at=proposal.at,
        kind="note",
        question="",
        answer=proposal.text,
        session=proposal.about,
        tags=(NOT_IN_A_TAG.sub("-", proposal.by.lower()).strip("-"),),
        label=proposal.label,
    )


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _must_fit(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise UsageError(
            f"the {name} has {len(text):,} characters", f"send at most {most:,}"
        )

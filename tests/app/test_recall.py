"""`recall` over a conversation that was kept: what was said before a turn counts for it."""

from __future__ import annotations

from brain.app import Brain
from brain.retrieval.candidates import Sources, candidates
from brain.types import Request

SAID = (
    "Ana: I was at the Lighthouse Inn on Sunday.",
    "Ben: Nice. And?",
    "Ana: The fish was cold.",
)


def test_a_turn_is_looked_at_with_the_two_turns_before_it(brain: Brain) -> None:
    for place, words in enumerate(SAID):
        brain.remember(words, at=f"2026-05-07T10:0{place}:00Z", session="trip")
    search = brain.resources.store.search_episodes()
    found = candidates(
        Request("what was cold at the Lighthouse?", mode="lexical"), Sources(search)
    )
    turn = [passage.text for passage in found.passages].index(SAID[2])
    assert found.earlier[found.ids[turn]] == [SAID[1], SAID[0]]
    features = found.features[turn]
    assert 0 < features["before"] < 1 - features["coverage"]

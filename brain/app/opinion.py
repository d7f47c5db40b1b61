"""A second opinion: another maker is asked the same, and what the two answers name differently is told.

It passes the same gate by the same rules as a weak answer does; only how sure the first answer is keeps nothing back.
A refusal leaves the first answer as it is, with the reason. Leaves comparing to `brain.answering.difference`, and the
way outside to `brain.app.outside`. Serves `ask --second-opinion`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from brain.answering.asking import quiet
from brain.answering.difference import differences
from brain.governance.router import ENDS, FAILURE
from brain.labels import Label
from brain.types import Answer, Opinion, Request, Way

if TYPE_CHECKING:
    from brain.app.outside import Asker

LOCAL: Way = "local"
CLOUD: Way = "cloud"  # `Answer.route`
NO_ANSWER = "there is no answer to compare it with"
NO_CLOUD = "no cloud is on; `brain cloud enable anthropic` turns one on"


def unasked(request: Request, answer: Answer, why: str) -> Answer:
    """The answer alone, with the reason where a second opinion was wanted."""
    if not request.second_opinion:
        return answer
    return replace(answer, notices=(*answer.notices, f"no second opinion: {why}"))


def with_opinion(asker: Asker, stands: Answer, complexity: str) -> Answer:
    """The answer that stands, with what another maker says to the same."""
    given, why = _asked(asker, stands, complexity)
    walk = (*stands.walk, f"second opinion: {why}")
    stands = replace(stands, walk=walk)
    if given is None:
        return unasked(asker.request, stands, why)
    texts = [one.text for one in (*stands.passages, *given.passages)]
    opinion = Opinion(
        provider=given.provider or "",
        model=given.model or "",
        answer=given.text,
        citations=given.citations,
        cost_usd=given.cost_usd or 0.0,
        ledger_id=given.ledger_id or "",
        differs=differences(stands.text, given.text, texts),
    )
    return replace(stands, second_opinion=opinion)


def _asked(asker: Asker, stands: Answer, complexity: str) -> tuple[Answer | None, str]:
    """(what the other maker says, None where it was not asked or gave none; why)."""
    from brain.app.outside import opened  # the gate, which few questions need

    if asker.request.route == LOCAL:
        return None, "nothing leaves, as you asked"
    if stands.state in ENDS:
        return None, NO_ANSWER
    if stands.failed:
        return None, f"{FAILURE}: {stands.degraded}"
    # Only the rule about a good answer asks whether it is forced
    forced = replace(asker.request, route=CLOUD)
    outside = opened(replace(asker, request=forced, say=quiet), stands, complexity)
    if outside is None:
        return None, NO_CLOUD
    label = outside.label(stands)
    if stands.route == CLOUD:
        # Made of what was allowed to leave: the search goes as far again
        label = max(label, Label.of(stands.label or ""))
    if label is Label.CONFIDENTIAL:
        return None, "the evidence is confidential"
    makers = outside.others(stands, label)
    if not makers:
        return None, "the policy names no other maker that may be asked"
    provider, model = makers[0]
    asker.say("notice", f"asking {provider} ({model}) for a second opinion")
    return outside.ask(makers, label, stands)

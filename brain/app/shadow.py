"""How an answer of this machine compares with what a cloud says to the same: the evidence by which a task moves here.

Two come by. Where a weak answer was sent, both are there already. And in a shadow run a public question whose answer
stays is put to the cloud of its route as well, where a switch of the policy allows it, only to be compared. An answer
says the same where the cloud cites a passage that it quotes as well, and names no figure, month or name beside it.
Leaves whether anything may go to the gate, and what follows to `brain.governance.quality`. Serves `ask`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.answering.asking import quiet
from brain.answering.difference import differences
from brain.app.governed import ledger_of
from brain.app.outcomes import MICRO
from brain.app.resources import Resources
from brain.governance.outbound import COMPARE
from brain.governance.router import ENDS
from brain.labels import Label
from brain.store.comparisons import ComparisonRow
from brain.types import Answer, Texts

if TYPE_CHECKING:
    from brain.app.outside import Asker

SAME, DIFFERS, NONE = "same", "differs", "none"
CLOUD = "cloud"  # `Answer.route`
ABSENT = "not_found"  # `Answer.state`
SAID = {
    SAME: "it says the same",
    NONE: "it gave no answer that a note bears out",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer of this machine beside that of a cloud, None where it gave none. `verdict`: "same", "differs" or
    "none"; `only_there`: what the cloud alone names; `shadow`: it was asked only to compare, for `usd_micro`.
    """

    here: Answer
    there: Answer | None
    provider: str
    model: str
    verdict: str
    shadow: bool
    usd_micro: int = 0
    only_there: Texts = ()

    @property
    def said(self) -> str:
        """What a person is told."""
        told = SAID.get(self.verdict)
        if told is None and self.there is not None and self.there.state == ABSENT:
            told = "it says that the notes do not hold it"
        elif told is None:
            named = ", ".join(self.only_there) or "it goes by another passage"
            told = f"it says something else: {named}"
        return f"{self.provider} was asked the same, to compare: {told}"


def of_both(here: Answer, there: Answer, *, shadow: bool = False) -> Compared:
    """The two beside each other."""
    texts = [one.text for one in (*here.passages, *there.passages)]
    only_there = differences(here.text, there.text, texts).second
    quoted = {one.passage_id for one in (*here.citations, *here.quotes)}
    cited = {one.passage_id for one in there.citations}
    same = not only_there and not quoted.isdisjoint(cited)
    verdict = SAME if same else DIFFERS
    cost = round((there.cost_usd or 0) * MICRO) if shadow else 0
    provider, model = there.provider or "", there.model or ""
    return Compared(here, there, provider, model, verdict, shadow, cost, only_there)


def shadow_run(asker: Asker, stands: Answer, complexity: str) -> Compared | None:
    """The answer that stands beside that of the cloud of its route; None where nothing was sent."""
    from brain.app.outside import opened  # the gate, which few questions need

    request = asker.request
    kept = request.record and not request.route and not request.second_opinion
    if not kept or stands.route == CLOUD or stands.state in ENDS or stands.failed:
        return None
    shadowing = replace(asker, say=quiet, agree=None, action=COMPARE)
    outside = opened(shadowing, stands, complexity)
    if outside is None or not outside.model:
        return None
    # The gate holds the limit; past it nothing need be looked for.
    if ledger_of(asker.resources).left_today(COMPARE) >= outside.shadows:
        return None
    if outside.label(stands) is not Label.PUBLIC:
        return None
    there, _why = outside.compare(stands)
    if there is not None:
        return of_both(stands, there, shadow=True)
    sent = outside.unanswered
    if sent is None:
        return None
    provider, _, model = outside.model.partition("/")
    return Compared(stands, None, provider, model, NONE, True, sent.usd_micro)


def keep(resources: Resources, compared: Compared, task: str, episode: str) -> None:
    """A row of it; no word of either answer."""
    now = resources.moment()
    there = compared.there
    label = there.label if there is not None else None
    resources.store.comparisons.keep(
        ComparisonRow(
            at=int(now.timestamp()),
            day=now.date().isoformat(),
            episode=episode,
            task=task,
            label=label or str(Label.PUBLIC),
            grade=compared.here.sure or compared.here.state,
            provider=compared.provider,
            model=compared.model,
            shadow=int(compared.shadow),
            verdict=compared.verdict,
            usd_micro=compared.usd_micro,
        )
    )

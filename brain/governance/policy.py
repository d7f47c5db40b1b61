"""The policy: the rules that decide what may leave this machine, and the routes that say which model serves a task.

A decision is made of facts alone; every rule that matches is recorded, and the strictest outcome wins. Where no rule
matches, nothing leaves. Leaves the text to `policy_text`, the file and what is published to `in_force`. Serves the
gate, the router and the commands over the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Literal

from brain.governance.budget import Limits
from brain.governance.conditions import Condition, ConditionError, Known, Reader, known
from brain.governance.facts import Facts
from brain.governance.policy_text import (
    ACTIONS,
    ANY,
    BY_A_PERSON,
    CLOUD_BELOW,
    LOCAL,
    OUTCOMES,
    Contents,
    Host,
    Outcome,
    PolicyError,
    RouteRule,
    Rule,
    read,
)
from brain.governance.prices import MICRO, Price

OUTWARD = ("cloud.", "web.", "research.")  # what a halt stops
FREE = ("local.", "memory.")  # what needs no rule
PERSON = (*BY_A_PERSON, "label.lower", "skill.promote")  # what a person is asked about
ALWAYS_ASKED = (*BY_A_PERSON, "label.lower")  # whatever a rule allows
MAY_LEAVE = ("public", "internal")  # labels; a word that is none may not
FLOOR = "confidential-floor"
STAYS = "confidential material never leaves this machine"
TEXTS_KEPT = (
    8  # policies: what is in force, a draft, what is shipped, a few of the past
)
DIGEST_CHARS = 12  # of a digest, where a person reads it
DEFAULT = "default"  # the id of what applies where no rule matches
HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    rule: str
    outcome: Outcome
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `hits`: every rule that matched, the strictest first; there is always one."""

    outcome: Outcome
    hits: tuple[Hit, ...]
    policy_digest: str

    @property
    def because(self) -> str:
        """The sentence that a person reads, with the rule's name."""
        first = self.hits[0]
        return f"{first.because} ({first.rule})"


@dataclass(frozen=True, slots=True)
class Route:
    """Which model serves. `provider` is "local" for one of this machine; `needs`: how good the local answer must be to
    stay; `below`: how likely right besides, where *likely* is enough.
    """

    provider: str
    model: str
    needs: Literal["answered", "likely"]
    below: float = 0.0


def strictest(outcomes: Iterable[Outcome]) -> Outcome:
    """The one that forbids most."""
    return max(outcomes, key=OUTCOMES.index)


class Policy:
    """One policy. `contents`: everything that its text says."""

    def __init__(self, text: str, contents: Contents) -> None:
        self.text = text
        self.contents = contents
        self.digest = sha256(text.encode()).hexdigest()

    @classmethod
    def parse(cls, text: str) -> Policy:
        """The policy that the text is, every condition read. Raises `PolicyError`, with the line."""
        policy = cls.unread(text)
        policy.read_conditions()
        return policy

    @classmethod
    def unread(cls, text: str) -> Policy:
        """The same, its conditions read when they are first needed. Raises `PolicyError` for anything else.

        A text that was read before in this process is not read again.
        """
        return _unread(text)

    def with_flags(self, flags: Mapping[str, bool]) -> Policy:
        """The same policy with switches set otherwise; the conditions that were read serve it as well."""
        switched = {**self.contents.flags, **flags}
        policy = Policy(self.text, replace(self.contents, flags=switched))
        policy.digest = self.digest
        policy._read = self._read
        policy._reader = self._reader
        return policy

    def read_conditions(self) -> None:
        """Read every condition. Raises `PolicyError`."""
        items: list[Rule | RouteRule] = [*self.contents.rules, *self.contents.routes]
        for item in items:
            self._condition(item)

    # -- what it states -------------------------------------------------------------------------------

    @property
    def cloud(self) -> bool:
        """Whether a person turned the cloud on."""
        return self.contents.flags["cloud"]

    @property
    def limits(self) -> Limits:
        """What may be spent."""
        stated = self.contents.limits
        return Limits(
            request=int(stated["cloud_usd_per_request"] * MICRO),
            day=int(stated["cloud_usd_per_day"] * MICRO),
            month=int(stated["cloud_usd_per_month"] * MICRO),
            tokens_hour=int(stated["cloud_tokens_per_hour"]),
        )

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Where requests may go, by provider."""
        return self.contents.hosts

    @property
    def prices(self) -> Mapping[str, Price]:
        """Stated prices, by provider/model."""
        return self.contents.prices

    def other_maker(self, provider: str) -> tuple[str, str] | None:
        """(provider, model) of the second opinion, None where none is stated."""
        return self.contents.other_maker.get(provider)

    # -- deciding -------------------------------------------------------------------------------------

    def decide(self, action: str, facts: Facts) -> Decision:
        """What becomes of the action. Raises `ValueError` for one that is none."""
        if action not in ACTIONS:
            raise ValueError(f"no action: {action}")
        hits = [] if action in BY_A_PERSON else self._hits(action, facts)
        if action.startswith(OUTWARD):
            hits += _in_code(facts)
        # A rule that says only when lets nothing go
        only_waits = all(hit.outcome == "wait" for hit in hits)
        if only_waits or action in ALWAYS_ASKED:
            hits.append(_by_default(action))
        hits.sort(key=lambda hit: OUTCOMES.index(hit.outcome), reverse=True)
        return Decision(hits[0].outcome, tuple(hits), self.digest)

    def _hits(self, action: str, facts: Facts) -> list[Hit]:
        of = self._known(facts)
        family = f"{action.partition('.')[0]}.*"
        hits = []
        for rule in self.contents.rules:
            if action in rule.actions or family in rule.actions:
                hits += self._hit(rule, of)
        return hits

    def _hit(self, rule: Rule, of: Known) -> list[Hit]:
        try:
            if not self._condition(rule)(of):
                return []
        except Exception as error:
            # A rule that cannot be held against the facts must not be one that does not match.
            said = f"this rule could not be held against the facts: {error}"
            return [Hit(rule.id, strictest(("deny", rule.then)), said)]
        return [Hit(rule.id, rule.then, rule.because)]

    def route(self, task: str, complexity: str, facts: Facts) -> Route:
        """Which model serves a task; one that is unknown counts as any. This machine where a condition cannot be held
        against the facts, such as one that divides by nothing.
        """
        try:
            return self._route(task, complexity, self._known(facts))
        except Exception:  # of whatever kind the library of the conditions raises
            return Route(LOCAL, "", "likely")

    def _route(self, task: str, complexity: str, of: Known) -> Route:
        for route in self.contents.routes:
            task_fits = task in route.tasks or ANY in route.tasks
            if not task_fits:
                continue
            if route.complexities and complexity not in route.complexities:
                continue
            if self._condition(route)(of):
                return self._served_by(route)
        raise PolicyError("no [[route]] fits")

    def _served_by(self, route: RouteRule) -> Route:
        if route.needs == "answered":
            return Route(route.provider, route.model, "answered")
        below = 0.0
        if route.provider != LOCAL:
            below = float(self.contents.limits.get(CLOUD_BELOW, 0))
        return Route(route.provider, route.model, "likely", below)

    def _known(self, facts: Facts) -> Known:
        return known(facts, self.contents.limits, self.contents.flags)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.contents.limits, self.contents.flags)

    @cached_property
    def _read(self) -> dict[str, Condition]:
        """Conditions that were read, by their text."""
        return {"true": lambda _of: True}

    def _condition(self, item: Rule | RouteRule) -> Condition:
        text = item.when
        if text not in self._read:
            name = item.id if isinstance(item, Rule) else "a route"
            try:
                self._read[text] = self._reader.condition(text)
            except ConditionError as error:
                said = f"`when` of {name} cannot be read: {error}"
                raise PolicyError(said, item.line) from None
        return self._read[text]


@lru_cache(maxsize=TEXTS_KEPT)
def _unread(text: str) -> Policy:
    """One policy for each text: nobody changes what it states, and a condition once read serves the next decision."""
    return Policy(text, read(text))


def _in_code(facts: Facts) -> list[Hit]:
    """What holds for everything that leads out, whatever the rules say."""
    hits = []
    if facts.request.label not in MAY_LEAVE:
        hits.append(Hit(FLOOR, "deny", STAYS))
    if facts.halted:
        hits.append(Hit(HALTED, "halt", facts.halted))
    return hits


def _by_default(action: str) -> Hit:
    """What applies where no rule matches."""
    if action in PERSON:
        return Hit(DEFAULT, "ask", "a person decides that")
    if action.startswith(FREE):
        return Hit(DEFAULT, "allow", "it stays on this machine")
    return Hit(DEFAULT, "deny", "no rule allows it")

"""The only way out. What passes here is allowed by the policy, paid for, noted before it leaves, and kept as it left.

In this order: offline and what is confidential stay here, whatever the policy says · the address is one that the policy
names · the price is known · and, once the exact bytes are there: no secret stands in them · the rules allow it, or a
person approved exactly these bytes · the money is reserved · the row is on the disk, with the bytes beside it. Only
then is a connection made, and afterwards the row is settled to what it cost. What a model is asked comes as an
`Outbound`; the formats of the makers from `brain.models.cloud`. Leaves when to ask, and what with, to the router.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn

from brain.errors import BrainError, OverBudget, Refused
from brain.faults import reach
from brain.governance import keys
from brain.governance.approvals import Approvals
from brain.governance.budget import Budget, Caller, Full, Limits, Reservation
from brain.governance.detect import findings
from brain.governance.facts import Facts, SpendFacts, clock_facts
from brain.governance.in_force import InForce, Policies
from brain.governance.ledger import BODY_SHA, Ledger
from brain.governance.outbound import COMPARE, AsksFirst, Outbound, Shown
from brain.governance.policy import FLOOR, STAYS, Decision
from brain.governance.policy_cases import recorded
from brain.governance.policy_text import Host
from brain.governance.prices import Price, price_of, tokens_at_most
from brain.governance.standing import Reach, yes_row
from brain.labels import Label
from brain.models.cloud_errors import CloudFault, Usage
from brain.models.makers import COMPATIBLE_KIND, KNOWN, Maker, maker_of
from brain.tripwire import permitted

if TYPE_CHECKING:
    from brain.models.cloud import Hear
    from brain.models.cloud_wire import Sending

CEILING = "host-ceiling"  # ids of what is decided here, in code
SHADOW_FLOOR = "shadow-floor"
OFFLINE = "offline"
NO_HOST = "host-not-named"
SECRET = "secret-in-it"
LOCAL_STANDS = "the local answer stands"
OPENAI_WIRE = "openai"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back, and what it cost. `model`: the one that answered; `row`: of the ledger. `used`: None where the
    server does not count; `usd_micro` is then what was reserved.
    """

    text: str
    model: str
    stopped: str
    used: Usage | None
    usd_micro: int
    row: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What the gate works with. `budget` is made for the limits in force; `key_of` gives a maker's key."""

    policies: Policies
    ledger: Ledger
    budget: Callable[[Limits], Budget]
    approvals: Approvals
    now: Callable[[], datetime]
    key_of: Callable[[Maker], str] = keys.key_of
    offline: bool = False


class Gate:
    """The way out of one store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def send(
        self,
        outbound: Outbound,
        facts: Facts,
        *,
        agreed: str = "",
        for_an_hour: bool = False,
        hear: Hear | None = None,
    ) -> Sent:
        """Send it and wait for the answer; with `hear` the pieces are told as they come.

        `facts`: of the request and the local answer; label, price, spending and hour are filled in here. `agreed`: the
        digest of the `Shown` that a person saw and said yes to, `for_an_hour` to what is alike as well. Raises
        `AsksFirst`, `Refused`, `OverBudget`, a `CloudFault`, and `LedElsewhere`.
        """
        passing = self._passing(outbound, facts, agreed)
        passing.for_an_hour = for_an_hour
        from brain.models.cloud import Call, generate

        call = Call(
            passing.maker,
            outbound.model,
            outbound.system.text,
            outbound.text,
            outbound.max_tokens,
        )
        key = self._parts.key_of(passing.maker)
        try:
            reply = generate(call, key, passing.pass_out, hear=hear)
        except CloudFault as fault:
            passing.settle(fault.used, type(fault).__name__)
            raise
        except BaseException as error:
            passing.settle(None, type(error).__name__)
            raise
        cost = passing.settle(reply.used, "answered", model=reply.model)
        return Sent(
            reply.text, reply.model, reply.stopped, reply.used, cost, passing.row
        )

    def _passing(self, outbound: Outbound, facts: Facts, agreed: str) -> _Passing:
        """What is known before there are bytes. Raises `Refused`."""
        label = outbound.label
        ledger = self._parts.ledger
        if self._parts.offline:
            deny(ledger, outbound, facts, OFFLINE, "offline: nothing leaves")
        if label >= Label.CONFIDENTIAL:
            deny(ledger, outbound, facts, FLOOR, STAYS)
        if outbound.action == COMPARE and label > Label.PUBLIC:
            said = "only public material goes out to compare answers"
            deny(ledger, outbound, facts, SHADOW_FLOOR, said)
        policy = self._parts.policies.in_force()
        host = policy.hosts.get(outbound.provider)
        if host is None:
            said = f"the policy names no host for {outbound.provider}"
            deny(ledger, outbound, facts, NO_HOST, said)
        if label > host.label:
            said = f"{label} material does not go to {outbound.provider}"
            deny(ledger, outbound, facts, CEILING, said)
        maker = maker_at(outbound.provider, host)
        price = price_of(outbound.provider, outbound.model, policy.prices)
        return _Passing(self._parts, outbound, facts, policy, maker, price, agreed)


def maker_at(provider: str, host: Host) -> Maker:
    """Who answers at a host of the policy. Raises `UsageError` for an address that is none."""
    named = maker_of(host.address)
    known = KNOWN.get(provider)
    if known is not None and known.kind == host.kind:
        return replace(known, base_url=named.base_url)
    kind = COMPATIBLE_KIND if host.kind == OPENAI_WIRE else host.kind
    return replace(named, name=provider, kind=kind)


def deny(
    ledger: Ledger, outbound: Outbound, facts: Facts, rule: str, because: str
) -> NoReturn:
    """Note a refusal that is decided in code, and raise it."""
    request = replace(
        facts.request,
        task=outbound.task,
        label=str(outbound.label),
        provider=outbound.provider,
        model=outbound.model,
    )
    ledger.append(
        "deny",
        action=outbound.action,
        decision="deny",
        rules=(rule,),
        because=because,
        provider=outbound.provider,
        model=outbound.model,
        label=str(outbound.label),
        facts=replace(facts, request=request).as_text(),
    )
    raise Refused(f"{because} ({rule})", LOCAL_STANDS)


@dataclass
class _Passing:
    """One text on its way out. `yes`: the row of a yes that holds for an hour, 0 without one; `row`, `reservation`: of
    what left; 0 and None while nothing did."""

    parts: Parts
    outbound: Outbound
    facts: Facts
    policy: InForce
    maker: Maker
    price: Price
    agreed: str
    for_an_hour: bool = False
    yes: int = 0
    row: int = 0
    reservation: Reservation | None = None

    @contextmanager
    def pass_out(self, sending: Sending) -> Iterator[None]:
        """Hold the way open for exactly these bytes. Raises what keeps them here."""
        self._stop_secrets(sending.body)
        shown = self._shown(sending)
        facts, decision = self._decided(shown)
        self.reservation = self._reserved(shown)
        self.row = self._intent(self.reservation, shown, facts, decision)
        self.parts.ledger.keep_body(self.row, sending.body)
        reach("gate.noted")
        with permitted(sending.host, sending.port):
            yield

    def _intent(
        self, taken: Reservation, shown: Shown, facts: Facts, decision: Decision
    ) -> int:
        """The row of what is about to leave. Raises `OverBudget`, and gives back what was reserved."""
        try:
            return self.parts.ledger.append_if(
                self._stop_more_comparisons,
                "intent",
                **recorded(self.outbound.action, facts, decision),
                **self._of_bytes(shown),
                reserved_micro=shown.usd_micro,
                **({"yes": self.yes} if self.yes else {}),
            )
        except OverBudget:
            self._budget.settle(taken, 0, 0)
            self.reservation = None
            raise

    def _stop_more_comparisons(self) -> None:
        """Past those of a day: looked at in the transaction of the row, so that two at once never pass together."""
        if self.outbound.action != COMPARE:
            return
        if self.parts.ledger.left_today(COMPARE) >= self.policy.shadows:
            said = "today has had its comparisons (shadow_per_day)"
            raise OverBudget(said, LOCAL_STANDS)

    def settle(self, used: Usage | None, status: str, *, model: str = "") -> int:
        """Note how it ended; micro-dollars that it cost. What nobody counted stays reserved, and counts as spent."""
        taken = self.reservation
        if taken is None:
            return 0
        cost = taken.usd_micro
        counted = used or Usage()
        if used is not None:
            cost = self.price.cost(used.tokens_in, used.tokens_out)
            tokens = used.tokens_in + used.tokens_out
            self._budget.settle(taken, cost, tokens)
        self.parts.ledger.append(
            "settle",
            intent=self.row,
            status=status,
            provider=self.outbound.provider,
            model=model or self.outbound.model,
            tokens_in=counted.tokens_in,
            tokens_out=counted.tokens_out,
            usd_micro=cost,
        )
        return cost

    @property
    def _budget(self) -> Budget:
        return self.parts.budget(self.policy.limits)

    def _stop_secrets(self, body: bytes) -> None:
        """Look for secrets in what the bytes say: JSON writes some letters in another way, which would hide them."""
        for text in _texts(json.loads(body)):
            for found in findings(text):
                said = f"a secret stands in it: {found.kind}"
                deny(self.parts.ledger, self.outbound, self.facts, SECRET, said)

    def _shown(self, sending: Sending) -> Shown:
        tokens = tokens_at_most(len(sending.body))
        return Shown(
            body=sending.body,
            digest=sha256(self.maker.endpoint.encode() + sending.body).hexdigest(),
            provider=self.outbound.provider,
            model=self.outbound.model,
            host=self.maker.host,
            label=self.outbound.label,
            usd_micro=self.price.cost(tokens, self.outbound.max_tokens),
            tokens=tokens + self.outbound.max_tokens,
            folders=self.outbound.folders,
        )

    def _of_bytes(self, shown: Shown) -> dict[str, Any]:
        return {
            "task": self.outbound.task,
            "provider": shown.provider,
            "model": shown.model,
            "host": shown.host,
            "label": str(shown.label),
            "origins": self.outbound.origins,
            BODY_SHA: sha256(shown.body).hexdigest(),
            "bytes_out": len(shown.body),
        }

    def _decided(self, shown: Shown) -> tuple[Facts, Decision]:
        """The facts and the decision that lets it out. Raises what else was decided."""
        facts = self._facts(shown)
        decision = self.policy.decide(self.outbound.action, facts)
        if decision.outcome == "ask":
            facts, decision = self._approved(shown, facts, decision)
        if decision.outcome != "allow":
            self._note("deny", shown, facts, decision)
            raise self._no(shown, decision)
        return facts, decision

    def _facts(self, shown: Shown) -> Facts:
        spend = self._budget.spend()
        request = replace(
            self.facts.request,
            task=self.outbound.task,
            label=str(shown.label),
            provider=shown.provider,
            model=shown.model,
            usd_estimate=shown.usd_micro,
            tokens_estimate=shown.tokens,
            approved=False,
        )
        return replace(
            self.facts,
            request=request,
            spend=SpendFacts(spend.usd_today, spend.usd_month, spend.tokens_hour),
            clock=clock_facts(self.parts.now()),
        )

    def _approved(
        self, shown: Shown, facts: Facts, decision: Decision
    ) -> tuple[Facts, Decision]:
        """The decision once a person let exactly these bytes go there, or what is alike for an hour. Raises `AsksFirst`
        where nobody did.
        """
        here = self.agreed == shown.digest
        reach = self._reach(shown, decision)
        if not here and not self._stands(reach) and not self._taken(shown):
            row = self._note("ask", shown, facts, decision)
            self.parts.ledger.keep_body(row, shown.body)
            said = f"{decision.because}: {shown.label}, to {shown.host}"
            raise AsksFirst(said, shown, self._asked(shown, row))
        facts = replace(facts, request=replace(facts.request, approved=True))
        again = self.policy.decide(self.outbound.action, facts)
        if here:
            hour = self.for_an_hour and reach.possible
            more = reach.facts(self.parts.now()) if hour else {}
            self._note("approve", shown, facts, again, **more)
        return facts, again

    def _reach(self, shown: Shown, decision: Decision) -> Reach:
        """What a yes that holds for an hour would be for."""
        return Reach(
            self.outbound.task,
            shown.provider,
            shown.host,
            shown.label,
            shown.folders,
            tuple(hit.rule for hit in decision.hits if hit.outcome == "ask"),
            decision.policy_digest,
        )

    def _stands(self, reach: Reach) -> bool:
        """Whether a yes of the last hour covers it: only where a person waits who could be asked (nobody is, about a
        comparison), and while nobody edits the rules.
        """
        asks = self.facts.request.attended and self.outbound.action != COMPARE
        if asks and not self.policy.edited:
            self.yes = yes_row(self.parts.ledger, reach, self.parts.now())
        return self.yes > 0

    def _taken(self, shown: Shown) -> bool:
        return self.parts.approvals.take(shown.digest)

    def _asked(self, shown: Shown, row: int) -> str:
        return self.parts.approvals.ask(
            shown.digest,
            row=row,
            body_sha256=sha256(shown.body).hexdigest(),
            provider=shown.provider,
            model=shown.model,
            host=shown.host,
            label=str(shown.label),
            bytes=len(shown.body),
            usd_micro=shown.usd_micro,
        )

    def _note(
        self, kind: str, shown: Shown, facts: Facts, decision: Decision, **more: Any
    ) -> int:
        return self.parts.ledger.append(
            kind,
            **recorded(self.outbound.action, facts, decision),
            **self._of_bytes(shown),
            **more,
        )

    def _no(self, shown: Shown, decision: Decision) -> BrainError:
        """The error of a decision that keeps it here. A rule that halts stops everything else as well."""
        if decision.outcome == "halt":
            if self.parts.policies.halt.halt(decision.because):
                self.parts.ledger.append("halt", because=decision.because)
            return Refused(decision.because, "`brain resume` lets it go on")
        if decision.outcome == "wait":
            full = self._budget.full(shown.usd_micro, shown.tokens)
            if full is not None:
                return _full(decision.because, full)
            return OverBudget(decision.because, LOCAL_STANDS)
        return Refused(decision.because, LOCAL_STANDS)

    def _reserved(self, shown: Shown) -> Reservation:
        caller = Caller(self.outbound.task, shown.provider, shown.model)
        taken = self._budget.reserve(shown.usd_micro, shown.tokens, caller)
        if isinstance(taken, Reservation):
            return taken
        because = f"what may be spent is spent: {taken.which}"
        self.parts.ledger.append(
            "deny",
            action=self.outbound.action,
            decision="wait",
            rules=(f"budget-{taken.which}",),
            because=because,
            **self._of_bytes(shown),
        )
        raise _full(because, taken)


def _full(because: str, full: Full) -> OverBudget:
    when = f"it frees at {full.frees_at}" if full.frees_at else "waiting frees nothing"
    return OverBudget(because, f"{when}; `brain spend` shows what was spent")


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of JSON, names of fields as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inside in value.items():
            yield name
            yield from _texts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside)

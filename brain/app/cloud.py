"""`.cloud`: turn a cloud model on and off, and say what stands in its way.

Turning on is for a person alone: the door asks for the word. What is written is the policy, checked, tested and
published as any change of it; the key goes into the keyring. Leaves what may leave to the policy, and sending to the
gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from brain.app.governed import budget_of, gate_of, policies_of
from brain.app.policy import Confirm, Pairs, PolicyBook, editable
from brain.app.resources import Noun
from brain.errors import BrainError, UsageError
from brain.governance import keys
from brain.governance.facts import Facts, RequestFacts
from brain.governance.gate import maker_at
from brain.governance.in_force import InForce
from brain.governance.outbound import Outbound
from brain.governance.policy_text import Host, PolicyError
from brain.labels import Label, Labeled
from brain.models.makers import COMPATIBLE_KIND, KNOWN, OPENAI_KIND, Maker, maker_of
from brain.store.sql import WALKED

ENABLED = "enable"  # how the policy came into force
SWITCH = "cloud"
# A test that tells nothing: no question, no note.
TEST = Labeled("Answer with the one word: ready", Label.PUBLIC)
NO_SYSTEM = Labeled("", Label.PUBLIC)
TEST_TOKENS = 16
TASK = "ask"
IN_KEYRING = "in the keyring"
IN_ENVIRONMENT = "in the environment"
NO_KEY = "missing"
NOT_NEEDED = "none, and none is needed"


@dataclass(frozen=True, slots=True)
class CloudPlan:
    """What turning on would mean. `label`: the highest that may go there; `key`: where it is; `keeps`, `known`: what
    becomes there of what is sent, as known on that day; `limits`: as they are written; `walked`: the folders were.
    """

    provider: str
    address: str
    model: str
    price: tuple[float, float] | None
    label: str
    key: str
    keeps: str
    known: str
    limits: Pairs
    walked: bool


@dataclass(frozen=True, slots=True)
class CloudTried:
    """A maker that is on, and what came of a test without content. `said`: the model that answered, or the fault."""

    provider: str
    model: str
    host: str
    works: bool
    said: str
    usd_micro: int


@dataclass(frozen=True, slots=True)
class CloudMaker:
    """One that the policy names. `models`: that it is routed to."""

    provider: str
    address: str
    label: str
    key: str
    models: tuple[str, ...]
    keeps: str
    known: str


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """`shut`: why nothing leaves now, "" when something may. `spent`: of each limit, as (name, taken, limit), money in
    micro-dollars.
    """

    on: bool
    shut: str
    makers: tuple[CloudMaker, ...]
    spent: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class CloudOff:
    """`was_on`; `forgotten`: makers whose key was taken out of the keyring."""

    was_on: bool
    forgotten: tuple[str, ...]


class Cloud(Noun):
    """Whether anything may be asked outside this machine."""

    def plan(
        self,
        word: str,
        *,
        model: str = "",
        price: tuple[float, float] | None = None,
        label: str = "",
    ) -> CloudPlan:
        """What turning this maker, or address, on would mean. Raises `UsageError` for one that is neither."""
        maker = maker_of(word)
        policy = policies_of(self._resources).in_force()
        own = maker.kind == COMPATIBLE_KIND
        if own and (not model or price is None):
            raise UsageError(
                f"{word} needs the name of its model, and a price",
                "--model NAME --price IN,OUT: dollars for a million tokens; 0,0 on a machine of your own",
            )
        host = policy.hosts.get(maker.name)
        usual = str(host.label) if host else str(Label.PUBLIC)
        limits = policy.published.contents.limits
        return CloudPlan(
            provider=maker.name,
            address=host.address if host and not own else maker.base_url,
            model=model or next(_models(policy, maker.name), ""),
            price=price,
            label=label or usual,
            key=_key(maker),
            keeps=maker.keeps,
            known=maker.known,
            limits=tuple((name, str(value)) for name, value in limits.items()),
            walked=bool(self._store.library.setting(WALKED)),
        )

    def keep_key(self, plan: CloudPlan, key: str) -> None:
        """Put the key of a maker into the keyring. Raises `BrainError` where there is no keyring, or no key."""
        if not key.strip():
            raise BrainError(
                "no key was given; nothing was done", "the maker's account page has it"
            )
        known = KNOWN.get(plan.provider)
        keys.keep(known or maker_of(plan.address), key.strip())

    def enable(self, plan: CloudPlan, confirm: Confirm) -> bool:
        """Put it into the policy, once a person typed the word; False when it is in force already."""
        book = PolicyBook(self._resources)
        text = _with(book.draft, plan)
        policies = policies_of(self._resources)
        if text == policies.published_text() == policies.draft_text():
            return False
        book.put(text, ENABLED, confirm)
        return True

    def try_out(self, plan: CloudPlan) -> CloudTried:
        """Send a test without content through the gate, as any other request."""
        outbound = Outbound(
            TASK, plan.provider, plan.model, NO_SYSTEM, (TEST,), TEST_TOKENS
        )
        facts = Facts(RequestFacts(complexity="low", attended=True, forced=True))
        works, said, cost = True, "", 0
        try:
            sent = gate_of(self._resources).send(outbound, facts)
            said, cost = sent.model, sent.usd_micro
        except BrainError as error:
            works, said = False, f"{error.message}; {error.hint}"
        return CloudTried(plan.provider, plan.model, plan.address, works, said, cost)

    def disable(self, *, forget: bool) -> CloudOff:
        """Turn the cloud off; tightening needs nobody's word. `forget`: take the keys out of the keyring as well."""
        policies = policies_of(self._resources)
        now = policies.in_force()
        if now.published.cloud:
            off = _switched(now.published.text, on=False)
            policies.publish(off, "disable", keep_file=now.edited)
        if now.edited:
            # What a person had begun to write stays theirs; what cannot be read lets nothing out as it is.
            with suppress(PolicyError):
                policies.write(_switched(policies.draft_text() or "", on=False))
        hosts = now.published.hosts if forget else {}
        forgotten = tuple(name for name, host in hosts.items() if _forgot(name, host))
        return CloudOff(now.published.cloud, forgotten)

    def status(self) -> CloudStatus:
        """Whether it is on, what stands in the way, who is named, what is spent."""
        policy = policies_of(self._resources).in_force()
        limits = policy.limits
        spend = budget_of(self._resources, limits).spend()
        return CloudStatus(
            on=policy.cloud,
            shut=self._shut(policy),
            makers=tuple(_makers(policy)),
            spent=(
                ("today", spend.usd_today, limits.day),
                ("this month", spend.usd_month, limits.month),
                ("tokens of the last hour", spend.tokens_hour, limits.tokens_hour),
            ),
        )

    def _shut(self, policy: InForce) -> str:
        if self._resources.config.offline:
            return "offline"
        if policy.halted:
            return f"halted: {policy.halted}"
        if policy.problem:
            return policy.problem
        if not policy.cloud:
            return "the cloud is off: `brain cloud enable anthropic`"
        return ""


def _key(maker: Maker) -> str:
    """Where the key is."""
    if keys.kept(maker):
        return IN_KEYRING
    try:
        found = keys.key_of(maker)
    except BrainError:
        return NO_KEY
    return IN_ENVIRONMENT if found else NOT_NEEDED


def _models(policy: InForce, provider: str) -> Iterator[str]:
    """The models of a maker that the policy names, each once."""
    for maker, model in policy.makers():
        if maker == provider:
            yield model


def _makers(policy: InForce) -> Iterator[CloudMaker]:
    for name, host in policy.published.hosts.items():
        maker = maker_at(name, host)
        yield CloudMaker(
            provider=name,
            address=host.address,
            label=str(host.label),
            key=_key(maker),
            models=tuple(_models(policy, name)),
            keeps=maker.keeps,
            known=maker.known,
        )


def _with(text: str, plan: CloudPlan) -> str:
    """The policy with the switch on, and an address of one's own with its label and price."""
    import tomlkit

    document: Any = tomlkit.parse(_switched(text, on=True))
    hosts = document.setdefault("hosts", tomlkit.table())
    if plan.price is not None or plan.provider not in hosts:
        known = KNOWN.get(plan.provider)
        host = tomlkit.inline_table()
        host["kind"] = known.kind if known else OPENAI_KIND
        host["address"] = plan.address
        hosts[plan.provider] = host
    hosts[plan.provider]["label"] = plan.label
    if plan.price is not None:
        price = tomlkit.inline_table()
        price["input"], price["output"] = plan.price
        prices = document.setdefault("prices", tomlkit.table())
        prices[f"{plan.provider}/{plan.model}"] = price
    return tomlkit.dumps(document)


def _forgot(name: str, host: Host) -> bool:
    """Whether a key was taken out of the keyring; an address that is none never had one."""
    with suppress(UsageError):
        return keys.forget(maker_at(name, host))
    return False


def _switched(text: str, *, on: bool) -> str:
    import tomlkit

    document = editable(text)
    document.setdefault("flags", tomlkit.table())[SWITCH] = on
    return tomlkit.dumps(document)

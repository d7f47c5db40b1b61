"""A store with its policy, ledger, budget and gate, whose makers are stand-in servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from brain.governance.approvals import Approvals
from brain.governance.budget import Budget, Limits
from brain.governance.facts import Facts
from brain.governance.gate import Gate, Parts, Sent
from brain.governance.in_force import Policies, shipped
from brain.governance.ledger import Entry, Ledger
from brain.governance.outbound import Outbound
from brain.labels import Label, Labeled
from brain.models.makers import Maker
from brain.store import Store
from tests.stand_in_cloud import StandInCloud

KEY = "key-of-the-test"
MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-6.1-sol", "own": "qwen3:32b"}
PROVIDERS = tuple(MODELS)
NOW = datetime(2026, 11, 28, 10, 0, tzinfo=timezone(timedelta(hours=1)))
OFF = "cloud = false"
RULES = Labeled("Answer from the passages alone.", Label.PUBLIC)


def policy_text(cloud: StandInCloud) -> str:
    """The shipped policy with the cloud on and every host on loopback, a server of one's own among them."""
    text = shipped().replace(OFF, "cloud = true")
    text = text.replace("https://api.anthropic.com", cloud.url)
    text = text.replace("https://api.openai.com/v1", f"{cloud.url}/v1")
    own = f'own = {{ kind = "openai", address = "{cloud.url}/v1", label = "public" }}'
    text = text.replace(
        "[prices]\n", '[prices]\n"own/qwen3:32b" = { input = 1, output = 2 }\n'
    )
    return text.replace("[hosts]\n", f"[hosts]\n{own}\n")


@dataclass
class Home:
    """One store and what governs it. `now` may be set to another moment."""

    path: Path
    store: Store
    ledger: Ledger
    policies: Policies
    approvals: Approvals
    now: datetime = NOW
    offline: bool = False

    def moment(self) -> datetime:
        return self.now

    def budget(self, limits: Limits) -> Budget:
        return Budget(self.store, limits, self.moment)

    def taken(self) -> int:
        """Micro-dollars that are spent or reserved today."""
        return self.budget(self.policies.in_force().limits).spend().usd_today

    @property
    def gate(self) -> Gate:
        return Gate(
            Parts(
                policies=self.policies,
                ledger=self.ledger,
                budget=self.budget,
                approvals=self.approvals,
                now=self.moment,
                key_of=a_key,
                offline=self.offline,
            )
        )

    def send(self, outbound: Outbound, facts: Facts | None = None, **how: str) -> Sent:
        return self.gate.send(outbound, facts or Facts(), **how)

    def rows(self, *kinds: str) -> list[Entry]:
        """Rows of the ledger but for publishing."""
        kept = [row for row in self.ledger.entries() if row.kind != "publish"]
        return [row for row in kept if row.kind in kinds] if kinds else kept


def a_key(_maker: Maker) -> str:
    return KEY


@contextmanager
def governed(path: Path, text: str) -> Iterator[Home]:
    """A home in which this policy is in force."""
    path.mkdir(parents=True, exist_ok=True)
    store = Store.open(path / "brain.db")
    now = lambda: NOW  # noqa: E731
    ledger = Ledger(store, path, now=now)
    policies = Policies(store, path, ledger, now)
    home = Home(path, store, ledger, policies, Approvals(store, now))
    home.approvals = Approvals(store, home.moment)
    home.ledger = Ledger(store, path, now=home.moment)
    if not policies.history():
        policies.publish(text, "publish")
    try:
        yield home
    finally:
        store.close()


def outbound(
    text: str = "How hot for black tea?",
    label: Label = Label.PUBLIC,
    provider: str = "anthropic",
    **more: int,
) -> Outbound:
    """A question over one note."""
    note = Labeled("Black tea wants 96 degrees.", label, ("chunk1",))
    asked = Labeled(text, Label.PUBLIC)
    return Outbound("ask", provider, MODELS[provider], RULES, (note, asked), **more)

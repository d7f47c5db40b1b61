"""`.policy`: read, check, change and publish the rules of what may leave, explain a decision, approve, halt and resume.

What only a person may do is handed a function that asks for a typed word and raises where nobody types it. Leaves the
rules to `brain.governance.policy`, and what is in force to `brain.governance.in_force`.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from brain.app.approving import ToApprove, WaitingSource, approve, to_approve
from brain.app.governed import approvals_of, ledger_of, policies_of
from brain.app.resources import Noun
from brain.errors import BrainError, NotFound, UsageError
from brain.governance.approvals import Waiting
from brain.governance.in_force import EDITED, Policies, shipped, sound
from brain.governance.policy import DIGEST_CHARS, Policy
from brain.governance.policy_cases import (
    Changed,
    Tried,
    cases,
    changed,
    decisions,
    tried,
)
from brain.governance.policy_text import (
    LARGEST,
    LOCAL,
    PolicyError,
    RouteRule,
    Rule,
)
from brain.governance.prices import MICRO, price_of

Confirm = Callable[[str], None]
Pairs = tuple[tuple[str, str], ...]
FAILED_NAMED = 3  # cases that do not hold, in an error
CHANGES_NAMED = 20  # past decisions that a question shows
# Tables that are a person's own when they take the rules of this brain.
CARRIED = ("limits", "flags", "hosts", "prices", "machine", "other_maker")
VALUE_CHARS = 40  # of a wrong value, in an error
EXPLAINED_ROWS = 10_000  # among which the last decision is looked for

__all__ = [
    "Changed",
    "RouteRule",
    "Rule",
    "ToApprove",
    "Tried",
    "Waiting",
    "WaitingSource",
]


@dataclass(frozen=True, slots=True)
class PolicyShown:
    """The policy that applies. `published`: when, "" for the one that brain comes with; `edited`, `problem`, `halted`:
    what is said of it, "" for nothing; `limits` and `routes` as they are written, the latter with their price.
    """

    path: str
    digest: str
    published: str
    edited: str
    halted: str
    cloud: bool
    flags: Mapping[str, bool]
    limits: Pairs
    hosts: Pairs
    rules: tuple[Rule, ...]
    routes: Pairs


@dataclass(frozen=True, slots=True)
class PolicyChecked:
    """What a check found: how many rules and routes, and what is wrong that is no mistake of writing."""

    rules: int
    routes: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyTested:
    """Every case, tried; `untested`: rules that no case meets."""

    cases: tuple[Tried, ...]
    untested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """`lines`: what is written otherwise; `changed` of `decided` past decisions would come out otherwise."""

    lines: tuple[str, ...]
    decided: int
    changed: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """What is in force now."""

    digest: str
    how: str
    diff: PolicyDiff


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy that was in force from `at` on."""

    number: int
    at: str
    how: str
    digest: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision: the rules that matched as (rule, outcome, because, when), and the facts that it was made of."""

    row: int
    at: str
    action: str
    decision: str
    policy: str
    rules: tuple[tuple[str, str, str, str], ...]
    facts: Pairs


class PolicyBook(Noun):
    """The policy of this store."""

    # -- reading --------------------------------------------------------------------------------------

    def show(self) -> PolicyShown:
        """The policy in force; the file is written where there is none. Raises `PolicyError`."""
        policies = self._policies
        with suppress(OSError):  # a home that may only be read
            policies.write_default()
        now = policies.in_force()
        contents = now.published.contents
        newest = self._store.policies.newest()
        edited = now.problem
        if now.draft is not None:
            edited = EDITED
        return PolicyShown(
            path=str(policies.path),
            digest=now.published.digest[:DIGEST_CHARS],
            published=newest.at if newest else "",
            edited=edited,
            halted=now.halted,
            cloud=now.cloud,
            flags=contents.flags,
            limits=tuple((name, str(value)) for name, value in contents.limits.items()),
            hosts=tuple(
                (name, f"{host.address}, {host.label} at most")
                for name, host in contents.hosts.items()
            ),
            rules=contents.rules,
            routes=tuple(_route(now.published, route) for route in contents.routes),
        )

    def check(self) -> PolicyChecked:
        """Read the file whole, and look for models without a price or a host. Raises `PolicyError`."""
        policy = Policy.parse(self.draft)
        contents = policy.contents
        return PolicyChecked(
            len(contents.rules), len(contents.routes), tuple(_faults(policy))
        )

    def test(self) -> PolicyTested:
        """Hold the file against its cases. Raises `PolicyError`."""
        policy = Policy.parse(self.draft)
        results = tuple(tried(policy, cases(self._policies.tests_text())))
        met = {rule for result in results for rule in result.rules}
        ids = (rule.id for rule in policy.contents.rules)
        return PolicyTested(results, tuple(name for name in ids if name not in met))

    def diff(self) -> PolicyDiff:
        """What the file changes, in words and in past decisions. Raises `PolicyError`."""
        return self._diff(Policy.parse(self.draft))

    def history(self) -> list[PolicyVersion]:
        """What was in force, newest first."""
        return [
            PolicyVersion(row.id, row.at, row.how, row.digest[:DIGEST_CHARS])
            for row in self._policies.history()
        ]

    def explain(self, row: int) -> Explained:
        """Why something was decided: that row of the ledger, the last decision for 0. Raises `NotFound`."""
        ledger = ledger_of(self._resources)
        entries = [ledger.entry(row)] if row else ledger.last(EXPLAINED_ROWS)
        found = next(decisions(entries), None)
        if found is None:
            raise NotFound(
                f"row {row} holds no decision" if row else "nothing was decided yet",
                "`brain ledger show` lists what was",
            )
        entry, facts = found
        action = entry.facts["action"]
        digest = str(entry.facts.get("policy", ""))
        policy = self._of(digest)
        rules: list[tuple[str, str, str, str]] = []
        if policy is None:
            # Decided in code, or by a policy that is not kept: the row itself says why.
            because = str(entry.facts.get("because", ""))
            outcome = str(entry.facts.get("decision", ""))
            for name in entry.facts.get("rules", ()):
                rules.append((name, outcome, because, ""))
                because = ""
        else:
            when = {rule.id: rule.when for rule in policy.contents.rules}
            for hit in policy.decide(action, facts).hits:
                rules.append(
                    (hit.rule, hit.outcome, hit.because, when.get(hit.rule, ""))
                )
        return Explained(
            row=entry.id,
            at=entry.at,
            action=action,
            decision=str(entry.facts.get("decision", "")),
            policy=digest[:DIGEST_CHARS],
            rules=tuple(rules),
            facts=tuple(facts.told()),
        )

    # -- changing -------------------------------------------------------------------------------------

    def publish(self, confirm: Confirm) -> PolicyPublished:
        """Put the file into force, once it is checked and tested and a person typed the word."""
        return self.put(self.draft, "publish", confirm)

    def set(self, name: str, value: str, confirm: Confirm) -> PolicyPublished:
        """Change one number of [limits] or one switch of [flags] in the file, and publish it."""
        return self.put(_edited(self.draft, name, value), "set", confirm)

    def adopt(self, confirm: Confirm) -> PolicyPublished:
        """Put the rules and routes that this brain comes with into force; numbers and addresses stay a person's own."""
        published = self._policies.published_text()
        if self.draft != published:
            said = "policy.toml has unpublished edits, which would be lost"
            raise UsageError(said, "publish them first, or take them out of the file")
        return self.put(_adopted(published), "adopt", confirm)

    def rollback(self, number: int, confirm: Confirm) -> PolicyPublished:
        """Put an earlier policy into force, byte for byte; the one before for 0. Raises `NotFound`."""
        text = sound(self._policies.earlier(number))
        return self.put(text, "rollback", confirm)

    def put(self, text: str, how: str, confirm: Confirm) -> PolicyPublished:
        """Put a text into force, once it is checked and tested and a person typed the word."""
        policies = self._policies
        policy = Policy.parse(text)
        if how != "rollback":
            _must_hold(tried(policy, cases(policies.tests_text())))
        diff = self._diff(policy)
        if text == policies.published_text() and text == policies.draft_text():
            raise UsageError(
                "nothing was changed: the file is what is in force",
                f"edit {policies.path}, or `brain policy set NAME VALUE`",
            )
        confirm("\n".join(_question(diff)))
        policies.publish(text, how)
        return PolicyPublished(policy.digest[:DIGEST_CHARS], how, diff)

    # -- approving, halting ---------------------------------------------------------------------------

    def waiting(self) -> list[Waiting]:
        """What waits for a person."""
        return approvals_of(self._resources).waiting()

    def to_approve(self, approval_id: str) -> ToApprove:
        """What would leave, word for word. Raises `NotFound`, `Refused`."""
        return to_approve(self._resources, approval_id)

    def approve(
        self, approval_id: str, confirm: Callable[[ToApprove], None]
    ) -> ToApprove:
        """Let exactly these bytes leave, once, when a person who was shown them says so. Raises as `to_approve`."""
        return approve(self._resources, approval_id, confirm)

    def halt(self, because: str) -> bool:
        """Stop everything that leads out; False when it was stopped before."""
        stopped = self._policies.halt.halt(because)
        if stopped:
            ledger_of(self._resources).append("halt", because=because)
        return stopped

    def resume(self, confirm: Confirm) -> bool:
        """Let it go on; False when nothing was stopped."""
        halt = self._policies.halt
        why = halt.why()
        if not why:
            return False
        confirm(f"it was halted: {why}")
        ledger_of(self._resources).append("resume", because=why)
        return halt.resume()

    # -- parts ----------------------------------------------------------------------------------------

    @property
    def _policies(self) -> Policies:
        return policies_of(self._resources)

    @property
    def draft(self) -> str:
        """The file, or what is in force where there is none. Raises `PolicyError`."""
        policies = self._policies
        text = policies.draft_text()
        return policies.published_text() if text is None else text

    def _diff(self, policy: Policy) -> PolicyDiff:
        before = self._policies.published_text().splitlines()
        after = policy.text.splitlines()
        lines = difflib.unified_diff(before, after, "in force", "policy.toml", n=0)
        decided, found = changed(policy, ledger_of(self._resources).entries())
        return PolicyDiff(tuple(line.rstrip() for line in lines), decided, tuple(found))

    def _of(self, digest: str) -> Policy | None:
        """The policy with that digest, None where it is not kept."""
        texts = [row.text for row in self._policies.history() if row.digest == digest]
        for text in (*texts, shipped()):
            policy = Policy.unread(text)
            if policy.digest == digest:
                return policy
        return None


def changes(diff: PolicyDiff) -> str:
    """`3 of 214 past decisions change (wait → allow)`."""
    ways = Counter(f"{one.before} → {one.after}" for one in diff.changed)
    told = ", ".join(way for way, _count in ways.most_common())
    said = f"{len(diff.changed):,} of {diff.decided:,} past decisions change"
    return f"{said} ({told})" if told else said


def _question(diff: PolicyDiff) -> list[str]:
    rows = [
        f"  row {one.row} of {one.at[:16]}: {one.before} → {one.after} ({one.rule})"
        for one in diff.changed[:CHANGES_NAMED]
    ]
    return [*diff.lines, changes(diff), *rows]


def _route(policy: Policy, route: RouteRule) -> tuple[str, str]:
    """(for what, which model with its price and what the local answer must be)."""
    tasks = ", ".join(route.tasks)
    if route.complexities:
        tasks += f" ({' or '.join(route.complexities)})"
    if route.provider == LOCAL:
        return tasks, "this machine"
    name = f"{route.provider}/{route.model}"
    try:
        price = price_of(route.provider, route.model, policy.prices)
        listed = [f"{Decimal(one) / MICRO:g}" for one in (price.input, price.output)]
        costs = f"${listed[0]} and ${listed[1]} a million tokens"
    except BrainError as error:
        costs = error.message
    return tasks, f"{name} where the answer is not {route.needs}; {costs}"


def _faults(policy: Policy) -> Iterable[str]:
    """Models that no request could reach."""
    named = {(route.provider, route.model) for route in policy.contents.routes}
    named |= set(policy.contents.other_maker.values())
    for provider, model in sorted(named - {(LOCAL, "")}):
        if provider not in policy.hosts:
            yield f"{provider}/{model} has no host under [hosts]"
        try:
            price_of(provider, model, policy.prices)
        except BrainError as error:
            yield f"{error.message}; {error.hint}"


def _must_hold(results: Iterable[Tried]) -> None:
    """Raise `BrainError` when a case does not hold."""
    failed = [result for result in results if result.said]
    if not failed:
        return
    told = "; ".join(f"{one.name}: {one.said}" for one in failed[:FAILED_NAMED])
    raise BrainError(
        f"{len(failed)} of the cases do not hold: {told}",
        "mend the rule, or the case in policy.test.toml; `brain policy test` lists all",
    )


def _edited(text: str, name: str, value: str) -> str:
    """The text with one limit or switch set. Raises `UsageError`, and `PolicyError` for a text that is no policy."""
    import tomlkit

    document = editable(text)
    for section in ("limits", "flags"):
        table: Any = document.get(section, {})
        if name in table:
            table[name] = _value(section, name, value)
            return tomlkit.dumps(document)
    known = [*document.get("limits", {}), *document.get("flags", {})]
    raise UsageError(
        f"the policy has no number or switch {name}", f"it has {', '.join(known)}"
    )


def _adopted(text: str) -> str:
    """The shipped policy with what the text says of its own in the tables above the rules."""
    import tomlkit

    own, new = editable(text), editable(shipped())
    for table in CARRIED:
        for name, value in own.get(table, {}).items():
            new.setdefault(table, tomlkit.table())[name] = value
    return tomlkit.dumps(new)


def editable(text: str) -> Any:
    """The text as a document that keeps its form when it is changed. Raises `PolicyError` for one that is no policy."""
    import tomlkit

    Policy.unread(text)
    try:
        return tomlkit.parse(text)
    except ValueError as error:
        raise PolicyError(f"it cannot be changed: {error}") from None


def _value(section: str, name: str, value: str) -> bool | int | float:
    if section == "flags":
        if value not in ("true", "false"):
            raise UsageError(
                f"{name} is true or false, not {value}", "write one of them"
            )
        return value == "true"
    number = Decimal("NaN")
    with suppress(InvalidOperation):
        number = Decimal(value)
    if not number.is_finite() or not 0 <= number <= LARGEST:
        said = f"{name} is a number from 0 on, not {value[:VALUE_CHARS]}"
        raise UsageError(said, f"as 2 or 0.50, {LARGEST:,} at most")
    whole = number == number.to_integral_value()
    return int(number) if whole else float(number)

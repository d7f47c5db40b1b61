"""Which policy applies: the published one, and while `policy.toml` says something else, the stricter of both.

What cannot be read lets nothing out. Leaves deciding to `policy`, and what a person is asked to the doors. Serves the
gate, the router and the commands over the policy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from brain.errors import NotFound, Refused
from brain.governance.budget import Limits
from brain.governance.facts import Facts
from brain.governance.halt import Halt
from brain.governance.ledger import Ledger
from brain.governance.older_shipped import is_shipped, older_rules
from brain.governance.policy import (
    OUTWARD,
    Decision,
    Hit,
    Policy,
    Route,
    strictest,
)
from brain.governance.policy_text import LOCAL, SHADOW, SHADOWS, Host, PolicyError
from brain.governance.prices import Price, price_of
from brain.plain import read_plain
from brain.store import Store
from brain.store.policies import PublishedPolicy

FILE = "policy.toml"
TESTS = "policy.test.toml"
SHIPPED = "shipped_policy.toml"
SHIPPED_TESTS = "shipped_policy.test.toml"
FILE_MODE = 0o600
UNREADABLE = "unreadable-policy"
EDITED = "policy.toml has unpublished edits: the stricter of both applies until `brain policy publish`"


OLDER = "the rules in force are those of an older brain: `brain policy adopt` shows what is new, and takes it"


def shipped(name: str = SHIPPED) -> str:
    """The policy that brain comes with, or its tests."""
    return files("brain.governance").joinpath(name).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy that applies. `draft`: what the file says, where that is something else; `problem`: why the file, or
    the published policy, cannot be read: then nothing leaves. `halted`: why everything that leads out is stopped.
    """

    published: Policy
    draft: Policy | None = None
    problem: str = ""
    halted: str = ""

    @property
    def edited(self) -> bool:
        """Whether the file says something that is not published."""
        return self.draft is not None or bool(self.problem)

    @property
    def cloud(self) -> bool:
        """Whether the cloud is on, in every version."""
        return not self.problem and all(one.cloud for one in self._versions)

    @property
    def shadows(self) -> int:
        """How many shadow runs a day may have, by the stricter of every version; 0 where one does not want any."""
        allowed = []
        for one in self._versions:
            contents = one.contents
            wanted = self.cloud and contents.flags.get(SHADOW, False)
            allowed.append(int(contents.limits.get(SHADOWS, 0)) if wanted else 0)
        return min(allowed)

    @property
    def limits(self) -> Limits:
        """The lowest of each."""
        found = self.published.limits
        if self.draft is None:
            return found
        draft = self.draft.limits
        return Limits(
            min(found.request, draft.request),
            min(found.day, draft.day),
            min(found.month, draft.month),
            min(found.tokens_hour, draft.tokens_hour),
        )

    @property
    def hosts(self) -> Mapping[str, Host]:
        """The hosts that every version names alike."""
        found = dict(self.published.hosts)
        if self.draft is not None:
            alike = found.items() & self.draft.hosts.items()
            found = dict(alike)
        return found

    @property
    def prices(self) -> Mapping[str, Price]:
        """Stated prices, the dearest of every version; none for a model that one of them has no price for."""
        if self.draft is None:
            return self.published.prices
        found = {}
        for name in {**self.published.prices, **self.draft.prices}:
            provider, _, model = name.partition("/")
            with suppress(Refused):
                each = [price_of(provider, model, one.prices) for one in self._versions]
                reading = max(price.input for price in each)
                found[name] = Price(reading, max(price.output for price in each))
        return found

    def decide(self, action: str, facts: Facts) -> Decision:
        """The stricter decision of every version."""
        if self.halted:
            facts = replace(facts, halted=self.halted)
        decisions = [one.decide(action, facts) for one in self._versions]
        first = decisions[0]
        if self.problem and action.startswith(OUTWARD):
            outcome = strictest(("deny", first.outcome))
            hit = Hit(UNREADABLE, outcome, self.problem)
            return Decision(outcome, (hit, *first.hits), first.policy_digest)
        outcome = strictest(decision.outcome for decision in decisions)
        return next(one for one in decisions if one.outcome == outcome)

    def route(self, task: str, complexity: str, facts: Facts) -> Route:
        """Which model serves: the published policy's, but this machine where any version says so. A local answer stays
        where it is good enough for any of them.
        """
        routes = [one.route(task, complexity, facts) for one in self._versions]
        for route in routes:
            if route.provider == LOCAL:
                return route
        lenient = [route.below for route in routes if route.needs == "likely"]
        if not lenient:
            return routes[0]
        return replace(routes[0], needs="likely", below=min(lenient))

    def other_maker(self, provider: str) -> tuple[str, str] | None:
        """Who gives the second opinion."""
        return self.published.other_maker(provider)

    def makers(self) -> list[tuple[str, str]]:
        """(provider, model) of every model outside that the published policy names, in the order of its hosts."""
        contents = self.published.contents
        named = [(route.provider, route.model) for route in contents.routes]
        named += contents.other_maker.values()
        hosts = list(contents.hosts)
        known = [maker for maker in dict.fromkeys(named) if maker[0] in hosts]
        return sorted(known, key=lambda maker: hosts.index(maker[0]))

    @property
    def _versions(self) -> tuple[Policy, ...]:
        if self.draft is None:
            return (self.published,)
        return (self.published, self.draft)


class Policies:
    """The policies of one store and the file in its home. `now` gives the present with its offset."""

    def __init__(
        self, store: Store, home: Path, ledger: Ledger, now: Callable[[], datetime]
    ) -> None:
        self._table = store.policies
        self._write = store.write
        self._ledger = ledger
        self._now = now
        self.halt = Halt(home)
        self.path = home / FILE
        self.tests = home / TESTS

    def in_force(self) -> InForce:
        """What applies at this moment."""
        halted = self.halt.why()
        try:
            text = self.published_text()
            published = Policy.unread(text)
        except PolicyError as error:
            return InForce(
                Policy.unread(shipped()), problem=error.message, halted=halted
            )
        try:
            draft = self.draft_text()
            if draft is None or draft == text:
                return InForce(published, halted=halted)
            return InForce(published, Policy.parse(draft), halted=halted)
        except PolicyError as error:
            return InForce(published, problem=error.message, halted=halted)

    def notices(self) -> list[str]:
        """What a person should know of it beside everything else; no condition is read for that."""
        said = []
        halted = self.halt.why()
        if halted:
            said.append(f"halted: {halted}; `brain resume` lets it go on")
        try:
            draft = self.draft_text()
            published = self.published_text()
            if draft is not None and draft != published:
                said.append(EDITED)
            elif older_rules(published):
                said.append(OLDER)
        except PolicyError as error:
            said.append(error.message)
        return said

    def faults(self) -> list[str]:
        """What is wrong with the file, and with what was ever published."""
        found = []
        problem = self.in_force().problem
        if problem:
            found.append(problem)
        for row in self.history():
            try:
                Policy.unread(sound(row))
            except PolicyError as error:
                found.append(error.message)
        return list(dict.fromkeys(found))

    def decide(self, action: str, facts: Facts) -> Decision:
        """What becomes of an action now."""
        return self.in_force().decide(action, facts)

    def published_text(self) -> str:
        """The text in force: the newest published one, else that which brain comes with. Raises `PolicyError`."""
        newest = self._table.newest()
        if newest is None:
            return shipped()
        return sound(newest)

    def draft_text(self) -> str | None:
        """What the file says; None without one. Raises `PolicyError`.

        While nothing was published, a file that is as an older brain wrote it says what this one comes with.
        """
        if not os.path.lexists(self.path):
            return None
        try:
            text = read_plain(self.path, follow=True).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"it cannot be read: {error}") from None
        return shipped() if self._as_it_came(text) else text

    def _as_it_came(self, text: str) -> bool:
        return is_shipped(text) and self._table.newest() is None

    def tests_text(self) -> str:
        """The cases that the policy must pass: a person's own, else those that brain comes with."""
        own = shipped(SHIPPED_TESTS)
        with suppress(OSError, UnicodeDecodeError):
            own = read_plain(self.tests, follow=True).decode("utf-8")
        return shipped(SHIPPED_TESTS) if is_shipped(own) else own

    def write_default(self) -> None:
        """Put the text in force, and its cases, into the home for a person to change, where nobody did."""
        written = ((self.path, self.published_text()), (self.tests, self.tests_text()))
        for path, text in written:
            if not os.path.lexists(path) or self._is_old(path, text):
                write_private(path, text)

    def _is_old(self, path: Path, text: str) -> bool:
        """Whether nobody changed a file since an older brain wrote it."""
        with suppress(OSError, UnicodeDecodeError):
            found = read_plain(path, follow=True).decode("utf-8")
            return found != text and self._as_it_came(found)
        return False

    def write(self, text: str) -> None:
        """Make `text` the file."""
        write_private(self.path, text)

    def publish(self, text: str, how: str, *, keep_file: bool = False) -> Policy:
        """Put a text into force, and into the file unless `keep_file`. Raises `PolicyError` for one that is none."""
        policy = Policy.parse(text)
        at = self._now().isoformat(timespec="seconds")
        with self._write():
            self._table.add(at, how, policy.digest, text)
            self._ledger.append("publish", how=how, policy=policy.digest)
        self._ledger.note_head()
        if not keep_file:
            self.write(text)
        return policy

    def history(self) -> list[PublishedPolicy]:
        """What was in force, newest first."""
        return self._table.all()

    def earlier(self, number: int) -> PublishedPolicy:
        """The text of that number; of 0 the one before the present one. Raises `NotFound`."""
        rows = self.history()
        if number:
            rows = [row for row in rows if row.id == number]
        elif len(rows) == 1:
            return PublishedPolicy(
                0, "", "", sha256(shipped().encode()).hexdigest(), shipped()
            )
        else:
            rows = rows[1:]
        if not rows:
            raise NotFound(
                f"no policy {number or 'before this one'} was published",
                "`brain policy history` lists them",
            )
        return rows[0]


def sound(row: PublishedPolicy) -> str:
    """The text of a published policy. Raises `PolicyError` when it is not the one that was published."""
    if sha256(row.text.encode()).hexdigest() != row.digest:
        said = f"policy {row.id} in the database is not what was published"
        raise PolicyError(said)
    return row.text


def write_private(path: Path, text: str) -> None:
    """A file of its owner alone, whole or not at all; a link there stays one, and its target changes."""
    target = path.resolve() if path.is_symlink() else path
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)

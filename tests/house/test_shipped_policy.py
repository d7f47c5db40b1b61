"""Whoever changes the policy that brain comes with names it among those that nobody changed, or people hear of edits."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from brain.governance import older_shipped
from brain.governance.in_force import SHIPPED_TESTS, shipped
from brain.governance.older_shipped import is_shipped

OLDER = Path(__file__).parents[1] / "governance" / "older_policy.toml"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_the_digests_of_what_brain_comes_with_are_known() -> None:
    """Where this fails, add the digest to brain/governance/older_shipped.py below the others, and change none of them."""
    policy, tests = shipped(), shipped(SHIPPED_TESTS)
    rules = policy[policy.index(older_shipped.FIRST_RULE) :]
    last = (older_shipped.POLICIES, older_shipped.RULES, older_shipped.CASES)
    assert [digest(text) for text in (policy, rules, tests)] == [
        one[-1] for one in last
    ]
    assert is_shipped(OLDER.read_text("utf-8"))

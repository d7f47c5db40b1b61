"""Accounts to look at: rows of the ledger with what left, spending of several days, proposals of an agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from brain.app import Brain
from brain.app.governed import ledger_of, policies_of
from brain.governance.budget import Budget, Caller, Reservation

BODY = b'{"system": "Answer from the passages.", "ask": "<b>black tea</b>?"}'
CENTS = (2, 7, 0, 5, 11)  # of the days before today, the oldest first
MICRO_OF_A_CENT = 10_000
CALLER = Caller("ask", "anthropic", "claude-sonnet-5-5")


def keep_accounts(brain: Brain) -> int:
    """Keep them; the number of the row of which the bytes are kept."""
    resources = brain.resources
    ledger = ledger_of(resources)
    row = ledger.append(
        "intent",
        action="answer",
        model=CALLER.model,
        host="api.example",
        because="a weak answer over public notes",
        body_sha256=sha256(BODY).hexdigest(),
        usd_micro=21_000,
    )
    ledger.keep_body(row, BODY)
    limits = policies_of(resources).in_force().limits
    for ago, cents in enumerate(reversed(CENTS)):
        budget = Budget(
            resources.store, limits, lambda ago=ago: _before(resources.moment(), ago)
        )
        reserved = budget.reserve(cents * MICRO_OF_A_CENT, 1_000, CALLER)
        assert isinstance(reserved, Reservation)
        budget.settle(reserved, cents * MICRO_OF_A_CENT, 900)
    brain.inbox.propose("The boiler was repaired on 12 May.", "boiler", "Claude Code")
    brain.inbox.propose("<script>alert(2)</script> is a tag", "", "an agent")
    return row


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)

"""What governs this store, built of its parts: the ledger, the policies, the budget, the approvals.

Leaves everything that they do to `brain.governance`. Serves the nouns `.ledger` and `.policy`, and the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.config import Config

if TYPE_CHECKING:
    from brain.governance.approvals import Approvals
    from brain.governance.budget import Budget, Limits
    from brain.governance.in_force import Policies
    from brain.governance.ledger import Ledger


def ledger_of(resources: Resources) -> Ledger:
    """The ledger of the open store."""
    from brain.governance.ledger import Ledger

    return Ledger(resources.store, resources.config.home, now=resources.moment)


def note_restored(resources: Resources, config: Config) -> None:
    """The head of the ledger of a home whose database was just put in place."""
    from brain.governance.ledger import Ledger
    from brain.store import Store

    store = Store.open(config.database, now=resources.moment)
    try:
        stamp = f"{resources.moment():%Y%m%dT%H%M%S}"
        Ledger(store, config.home, now=resources.moment).start_anew(stamp)
    finally:
        store.close()


def policies_of(resources: Resources) -> Policies:
    """The policies of the open store and the file in its home."""
    from brain.governance.in_force import Policies

    home = resources.config.home
    return Policies(resources.store, home, ledger_of(resources), resources.moment)


def budget_of(resources: Resources, limits: Limits) -> Budget:
    """What may be spent within these limits."""
    from brain.governance.budget import Budget

    return Budget(resources.store, limits, resources.moment)


def approvals_of(resources: Resources) -> Approvals:
    """What a person approved."""
    from brain.governance.approvals import Approvals

    return Approvals(resources.store, resources.moment)

"""What governs this store, built of its parts: the ledger, the policies, the budget, the approvals.

Leaves everything that they do to `brain.governance`. Serves the nouns `.ledger` and `.policy`, and the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.config import Config
from brain.errors import Refused

if TYPE_CHECKING:
    from brain.governance.approvals import Approvals
    from brain.governance.budget import Budget, Limits
    from brain.governance.gate import Gate
    from brain.governance.in_force import Policies
    from brain.governance.ledger import Ledger
    from brain.store import Store

IDS_IN_LEDGER = 50  # of a change of labels: the rest is counted


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


def note_raised(
    resources: Resources, config: Config, store: Store, raised: Mapping[str, list[str]]
) -> None:
    """Rows for labels that became stricter in a copy that is to be the store, inside one transaction of it: the head is
    noted once it is.
    """
    from brain.governance.ledger import Ledger

    ledger = Ledger(store, config.home, now=resources.moment)
    for label, names in raised.items():
        documents = tuple(names[:IDS_IN_LEDGER])
        ledger.append(
            "label",
            label=label,
            documents=documents,
            count=len(names),
            lowered=0,
            why="brain restore",
        )


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


def gate_of(resources: Resources) -> Gate:
    """The way out of the open store."""
    from brain.governance.gate import Gate, Parts

    return Gate(
        Parts(
            policies=policies_of(resources),
            ledger=ledger_of(resources),
            budget=partial(budget_of, resources),
            approvals=approvals_of(resources),
            now=resources.moment,
            offline=resources.config.offline,
        )
    )


def note_pull(resources: Resources, model: str) -> None:
    """Note that a model is asked for, whose name leaves by the server of models. Raises `Refused` when offline."""
    offline = resources.config.offline
    decision = "deny" if offline else "allow"
    host = resources.config.ollama.host
    ledger = ledger_of(resources)
    ledger.append("pull", decision=decision, model=model, host=host)
    if offline:
        raise Refused(
            f"{model} was not fetched: offline",
            "leave out --offline and BRAIN_OFFLINE to fetch it",
        )

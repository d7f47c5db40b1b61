"""What waits for a person to let it leave: shown as it would leave, and approved once.

The bytes are kept beside the row of the ledger that asks. Leaves asking the person to the doors, and how long an
approval holds to `brain.governance.approvals`. Serves the noun `.policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from brain.app.governed import approvals_of, ledger_of
from brain.app.resources import Resources
from brain.errors import NotFound, Refused
from brain.governance.ledger import BODY_SHA, ORIGINS, Ledger
from brain.types import Scope


@dataclass(frozen=True, slots=True)
class WaitingSource:
    """A note that would leave in part; the id alone where it is a round before, or gone by now."""

    source: str
    title: str


@dataclass(frozen=True, slots=True)
class ToApprove:
    """What a person would let leave. `usd_micro`: micro-dollars at most; `body`: word for word."""

    id: str
    asked_at: int
    provider: str
    model: str
    host: str
    label: str
    usd_micro: int
    bytes: int
    sources: tuple[WaitingSource, ...]
    body: str


def to_approve(resources: Resources, approval_id: str) -> ToApprove:
    """What would leave, word for word. Raises `NotFound`, and `Refused` where it was approved before or nobody can be
    shown its bytes any more.
    """
    found = approvals_of(resources).look(approval_id)
    what = found.what
    row = what.get("row", 0)
    ledger = ledger_of(resources)
    body = _kept(ledger, row, what.get(BODY_SHA, ""))
    return ToApprove(
        found.id,
        found.asked_at,
        what["provider"],
        what["model"],
        what["host"],
        what["label"],
        what["usd_micro"],
        len(body),
        _sources(resources, ledger.entry(row).facts.get(ORIGINS, ())),
        body.decode("utf-8", "surrogateescape"),
    )


def approve(
    resources: Resources, approval_id: str, confirm: Callable[[ToApprove], None]
) -> ToApprove:
    """Let exactly these bytes leave, once, when a person who was shown them says so. Raises as `to_approve`."""
    shown = to_approve(resources, approval_id)
    confirm(shown)
    found = approvals_of(resources).approve(approval_id)
    left = found.what[BODY_SHA]
    ledger_of(resources).append("approve", approval=found.id, body_sha256=left)
    return shown


def _kept(ledger: Ledger, row: int, digest: str) -> bytes:
    """The bytes that wait, as they were when they were asked about."""
    with suppress(NotFound):
        body = ledger.body(row)
        if sha256(body).hexdigest() == digest:
            return body
    raise Refused(
        "the bytes that wait are not kept any more, so nobody can look at them",
        "ask again, and approve what that names",
    )


def _sources(resources: Resources, origins: Sequence[str]) -> tuple[WaitingSource, ...]:
    """Each document once, in the order of what was made of them."""
    passages = resources.store.search.passages(origins, scope=Scope())
    known = {one.id: WaitingSource(one.source, one.title) for one in passages}
    sources = [known.get(name, WaitingSource(name, "")) for name in origins]
    return tuple(dict.fromkeys(sources))

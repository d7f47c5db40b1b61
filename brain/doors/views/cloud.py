"""How the commands over cloud models read: what turning on would mean, whether it works, what may leave now.

Leaves every decision to the values that it is handed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.doors.lines import Lines, bad, columns, commas, dim, good, line, warn
from brain.doors.show import DONE, FAILED, shows
from brain.doors.views.governance import dollars

if TYPE_CHECKING:
    from brain.app.cloud import CloudMaker, CloudOff, CloudPlan, CloudStatus, CloudTried

NOT_WALKED = "asked about next: until then what has no label stays"


@shows("CloudPlan")
def plan(found: CloudPlan) -> Lines:
    """Before the word is typed: where to, what is kept there, what it may cost."""
    rows = [
        ("goes to", f"{found.address}, {found.label} at most"),
        ("model", found.model),
        ("key", found.key),
        ("keeps", _kept(found.keeps, found.known)),
        *found.limits,
    ]
    if not found.walked:
        rows.append(("folders", NOT_WALKED))
    return columns([row for row in rows if row[1]], ("dim", ""))


def _kept(keeps: str, known: str) -> str:
    return f"{keeps} (as known in {known})" if known else keeps


def _tried_code(found: CloudTried) -> int:
    return DONE if found.works else FAILED


@shows("CloudTried", code=_tried_code)
def tried(found: CloudTried) -> Lines:
    """Whether the test came back."""
    head = f"{found.provider} is on: "
    if found.works:
        cost = dim(f" · {dollars(found.usd_micro)}")
        return [line(head, good(f"{found.said} answers"), cost)]
    return [line(head, bad("the test did not come back")), line(f"  {found.said}")]


@shows("CloudOff")
def off(found: CloudOff) -> Lines:
    """That nothing leaves."""
    said = "the cloud is off" if found.was_on else "the cloud was off before"
    if found.forgotten:
        said = f"{said}; forgotten: the key of {commas(*found.forgotten)}"
    return [line(said)]


@shows("CloudStatus")
def status(found: CloudStatus) -> Lines:
    """On or off, the makers, the money."""
    state = good("on") if found.on else "off"
    done: Lines = [line("the cloud is ", state)]
    if found.shut:
        done.append(warn(f"nothing leaves: {found.shut}"))
    for maker in found.makers:
        done += [line(), *_maker(maker)]
    done.append(line())
    rows = []
    for name, taken, limit in found.spent:
        count = name.startswith("tokens")
        told = [f"{one:,}" if count else dollars(one) for one in (taken, limit)]
        rows.append((name, f"{told[0]} of {told[1]}"))
    return done + columns(rows, ("dim", ""))


def _maker(maker: CloudMaker) -> Lines:
    rows = [
        (maker.provider, f"{maker.address}, {maker.label} at most"),
        ("  key", maker.key),
        ("  models", commas(*maker.models)),
        ("  keeps", _kept(maker.keeps, maker.known)),
    ]
    return columns([row for row in rows if row[1]], ("title", ""))

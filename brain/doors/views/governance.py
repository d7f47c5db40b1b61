"""How the ledger and what was spent read: `ledger …`, `spend`.

Leaves every figure and every decision to the values that it is handed. Serves the commands over what may leave.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brain.doors.json_out import Shape, envelope, fields
from brain.doors.lines import (
    Lines,
    bad,
    body,
    columns,
    commas,
    count,
    dim,
    good,
    indented,
    line,
    moment,
    some,
    verbatim,
)
from brain.doors.show import DONE, FAILED, shows

if TYPE_CHECKING:
    from brain.app.ledger import LedgerBody, LedgerRows, Spending, SpentRow, Verified

MICRO = 1_000_000  # micro-dollars in a dollar
CENT = 10_000  # micro-dollars; below it a sum is told to the hundredth of a cent
BAR_CELLS = 30
FULL_CELL = "█"
# Facts of a row that the line of a list tells, in their order; --explain tells all of them.
TOLD = ("decision", "action", "client", "model", "host", "label")


def dollars(micro: int) -> str:
    """`$1.50`, `$0.0042`; to the cent from a cent on."""
    if 0 < micro < CENT:
        return f"${micro / MICRO:.4f}"
    return f"${micro / MICRO:,.2f}"


@shows("LedgerRows", explains=True)
def ledger_rows(rows: LedgerRows, *, explain: bool = False) -> Lines:
    """A line for each row, and its reason below it."""
    cells = []
    reasons = []
    for entry in rows.entries:
        said = [str(entry[name]) for name in TOLD if entry.get(name)]
        amount = entry.get("usd_micro", entry.get("reserved_micro"))
        if isinstance(amount, int):
            said.append(dollars(amount))
        number = str(entry["id"])
        cells.append((number, moment(entry["at"]), entry["kind"], " ".join(said)))
        reasons.append(_facts(entry) if explain else _reason(entry))
    done: Lines = []
    for row, below in zip(columns(cells, ("title", "dim")), reasons, strict=True):
        done += [row, *indented(below)]
    if len(rows.entries) < rows.of:
        done.append(dim(f"{len(rows.entries):,} of {count(rows.of, 'row')}"))
    if not rows.of:
        done.append(line("nothing left this machine, and nothing asked to"))
    return done


def _reason(entry: Mapping[str, Any]) -> Lines:
    because = entry.get("because")
    done = [dim(because)] if isinstance(because, str) and because else []
    if entry.get("holds_until"):
        until = moment(str(entry["holds_until"]))
        folders = commas(*entry["folders"])
        done.append(dim(f"until {until} also for what lies in {folders}"))
    return done


def _facts(entry: Mapping[str, Any]) -> Lines:
    facts = []
    for name, value in entry.items():
        if name not in ("id", "at", "kind"):
            several = isinstance(value, list | tuple)
            facts.append((name, " ".join(value) if several else str(value)))
    return columns(facts, ("dim", ""))


def _code(found: Verified) -> int:
    return FAILED if found.faults else DONE


@shows("Verified", code=_code)
def verified(found: Verified) -> Lines:
    """That it holds, or what is wrong, a line each."""
    if not found.faults:
        holds = good("holds")
        return [line("the ledger ", holds, f": {count(found.rows, 'row')}")]
    said = bad("does not hold")
    return [line("the ledger ", said), *indented(map(line, found.faults))]


@shows("LedgerBody")
def ledger_body(kept: LedgerBody) -> Lines:
    """What left, as it left."""
    return verbatim(kept.body)


def _chained(rows: Sequence[Mapping[str, Any]]) -> Shape:
    return envelope(rows=list(rows))


@shows("ledger_rows", _chained)
def exported(rows: Sequence[Mapping[str, Any]]) -> Lines:
    """One JSON object a line."""
    texts = [json.dumps(row, ensure_ascii=True, sort_keys=True) for row in rows]
    return body("\n".join(texts)) if texts else []


@shows("Spending", fields)
def spending(told: Spending) -> Lines:
    """The sums as bars, what is left, and what was saved."""
    done = _bars(told.rows)
    if not told.rows:
        done.append(line("nothing was spent"))
    limits = told.limits
    spend = told.spend
    left = (
        ("today", spend.usd_today, limits.day),
        ("this month", spend.usd_month, limits.month),
    )
    rows = [(name, f"{dollars(used)} of {dollars(most)}") for name, used, most in left]
    rows.append(
        ("this hour", f"{spend.tokens_hour:,} of {limits.tokens_hour:,} tokens")
    )
    if not told.cloud:
        rows.append(("the cloud", "is switched off"))
    done += [line(), *columns(rows, ("dim", ""))]
    if told.local_answers:
        saved = f"about {dollars(told.local_usd_micro)} at Claude's price"
        priced = dim(f" ({told.priced_as})") if told.priced_as else ()
        number = count(told.local_answers, "local answer")
        done.append(line(f"{number}, {saved}", priced))
    if told.paid_for:
        done.append(line(told.paid_for))
    return done


def _bars(rows: Sequence[SpentRow]) -> Lines:
    """One bar a row, the longest for the dearest."""
    most = max((row.usd_micro for row in rows), default=0)
    cells = []
    for row in rows:
        share = row.usd_micro / most if most else 0
        bar = FULL_CELL * round(share * BAR_CELLS)
        about = commas(
            count(row.requests, "request"),
            f"{row.tokens:,} tokens",
            some(row.open, "request", " still reserved"),
        )
        cells.append((row.name, dollars(row.usd_micro), bar, about))
    return columns(cells, ("title", "", "good", "dim"))

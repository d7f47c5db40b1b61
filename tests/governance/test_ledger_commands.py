"""The ledger and what was spent, on the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.governed import budget_of, ledger_of, policies_of
from brain.governance.budget import Caller, Limits, Reservation
from brain.governance.figures import spending
from brain.governance.in_force import shipped
from brain.governance.ledger import BODY_SHA
from brain.store.spending import OutcomeRow
from tests.end_to_end import brain as run

WIDE = Limits(10**9, 10**9, 10**9, 10**9)
BODY = b'{"model": "opus", "messages": []}'


def sent(brain: Brain) -> int:
    """A row with its body, as the gate would write it, and two reservations."""
    ledger = ledger_of(brain.resources)
    digest = sha256(BODY).hexdigest()
    row = ledger.append(
        "intent",
        action="cloud.generate",
        decision="allow",
        model="opus",
        host="api.anthropic.com",
        label="public",
        reserved_micro=1_200_000,
        because="everything in it is public (public-may-go)",
        **{BODY_SHA: digest},
    )
    ledger.keep_body(row, BODY)
    budget = budget_of(brain.resources, WIDE)
    for model, usd_micro in (("opus", 1_200_000), ("sonnet", 4_200)):
        held = budget.reserve(usd_micro, 900, Caller("ask", "anthropic", model))
        assert isinstance(held, Reservation)
        if model == "sonnet":
            budget.settle(held, usd_micro, 900)
    return row


def outcome(day: str, *, provider: str = "local", tokens: int = 1_000) -> OutcomeRow:
    texts = ("e", "ask", "low", "public", provider, "qwen", "", "", "", "answered")
    return OutcomeRow(0, day, *texts, None, None, None, 0, tokens, tokens, 60_000)


def test_an_empty_ledger_says_so() -> None:
    assert "nothing left this machine" in run("ledger", "show").stdout
    assert run("ledger", "verify").stdout == "the ledger holds: 0 rows\n"
    assert run("ledger", "export").stdout == ""
    assert "nothing was spent" in run("spend").stdout


def test_a_row_tells_what_left_for_where_and_why(brain: Brain) -> None:
    row = sent(brain)
    brain.close()
    said = run("ledger", "show").stdout
    assert "intent  allow cloud.generate opus api.anthropic.com public $1.20" in said
    assert "everything in it is public (public-may-go)" in said
    assert "reserved_micro" not in said
    assert (
        "host            api.anthropic.com" in run("ledger", "show", "--explain").stdout
    )
    assert run("ledger").stdout == said
    shape = json.loads(run("ledger", "show", "--json").stdout)
    assert json.loads(run("ledger", "--json").stdout) == shape
    assert (shape["of"], shape["entries"][0]["decision"]) == (1, "allow")
    assert (
        json.loads(run("ledger", "show", "--kind", "deny", "--json").stdout)["entries"]
        == []
    )
    assert run("ledger", "body", str(row)).stdout == BODY.decode() + "\n"


def test_a_yes_for_an_hour_tells_until_when_and_for_which_folders(
    brain: Brain,
) -> None:
    ledger_of(brain.resources).append(
        "approve",
        because="you approved exactly these bytes",
        holds_until="2026-11-28T11:00:00+01:00",
        folders=("/notes/work", "/plans"),
    )
    shown = run("ledger", "show").stdout
    assert "until 2026-11-28 11:00 also for what lies in /notes/work, /plans" in shown


def test_what_is_no_kind_or_no_row_is_two_lines(brain: Brain) -> None:
    sent(brain)
    ran = run("ledger", "show", "--kind", "sing")
    assert (ran.code, len(ran.stderr.splitlines())) == (2, 2)
    assert "intent" in ran.stderr
    ran = run("ledger", "body", "9")
    assert (ran.code, len(ran.stderr.splitlines())) == (3, 2)


def test_the_chain_can_be_walked_by_another_program(brain: Brain) -> None:
    sent(brain)
    ledger_of(brain.resources).append("halt", because="caf\u00e9")
    before = ""
    for text in run("ledger", "export").stdout.splitlines():
        row = json.loads(text)
        assert sha256(f"{before}{row['record']}".encode()).hexdigest() == row["hash"]
        before = row["hash"]
    assert before


def test_a_changed_row_is_named_and_the_exit_code_tells(brain: Brain) -> None:
    sent(brain)
    database = brain.config.database
    brain.close()
    with closing(sqlite3.connect(database)) as conn:
        conn.execute("DROP TRIGGER ledger_changes_no_row")
        conn.execute("UPDATE ledger SET record = replace(record, 'public', 'publik')")
        conn.commit()
    ran = run("ledger", "verify")
    assert ran.code == 1
    assert "does not hold" in ran.stdout
    assert "row 1 is not what was written" in ran.stdout


def test_spend_tells_sums_what_is_left_and_what_is_still_reserved(brain: Brain) -> None:
    sent(brain)
    brain.close()
    said = run("spend", "--by", "model").stdout.splitlines()
    assert said[0].split() == [
        "anthropic/opus",
        "$1.20",
        "█" * 30,
        "1",
        "request,",
        "900",
        "tokens,",
        "1",
        "request",
        "still",
        "reserved",
    ]
    assert said[1].split()[:2] == ["anthropic/sonnet", "$0.0042"]
    assert "today       $1.20 of $1.00" in said
    assert "the cloud   is switched off" in said
    shape = json.loads(run("spend", "--json").stdout)
    assert shape["rows"][0]["usd_micro"] == 1_204_200
    assert (
        json.loads(run("spend", "--by", "task", "--json").stdout)["rows"][0]["name"]
        == "ask"
    )


def test_local_answers_are_told_at_claudes_price(brain: Brain) -> None:
    """Sonnet 5.5 reads a million tokens for 2.50 dollars, kept beginnings included, and writes them for 10."""
    for _ in range(4):
        brain.resources.store.outcomes.keep(outcome("2026-11-28", tokens=1_000_000))
    brain.resources.store.outcomes.keep(outcome("2026-11-28", provider="openai"))
    brain.close()
    said = run("spend").stdout
    assert "4 local answers, about $50.00 at Claude's price (claude-sonnet-5-5)" in said
    assert "machine" not in said


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ("usd = 25", "the machine had paid for itself in 2026-11"),
        ("usd = 25\nbought = 2026-11-25", "the machine had paid for itself in 2026-11"),
        (
            "usd = 500\nbought = 2026-11-28",
            "at this pace the machine has paid for itself in 2026-12",
        ),
        ("usd = 25\nbought = 2026-11-29", ""),
        ("bought = 2026-11-25\nwatts = 90\nusd_per_kwh = 0.3", ""),
        ("usd = 500", "at this pace the machine has paid for itself in 2027-01"),
        ("usd = 9_000_000", "at this pace the machine never pays for itself"),
        (
            "usd = 25\nwatts = 900\nusd_per_kwh = 9_000",
            "at this pace the machine never pays for itself",
        ),
    ],
)
def test_the_month_in_which_the_machine_has_paid_for_itself(
    machine: str, said: str, brain: Brain
) -> None:
    policies = policies_of(brain.resources)
    policies.publish(f"{shipped()}\n[machine]\n{machine}\n", "publish")
    store = brain.resources.store
    for day in ("2026-11-25", "2026-11-28"):
        for _ in range(2):
            store.outcomes.keep(outcome(day, tokens=1_000_000))
    in_force = policies.in_force()
    spend = budget_of(brain.resources, in_force.limits).spend()
    told = spending(store, in_force, spend, by="day", today=date(2026, 11, 28))
    assert told.paid_for == said


def test_an_outcome_is_rated_by_its_episode(brain: Brain) -> None:
    outcomes = brain.resources.store.outcomes
    outcomes.keep(outcome("2026-11-28"))
    assert outcomes.rate("e", "good")
    assert not outcomes.rate("other", "good")
    assert [row.rating for row in outcomes.rows()] == ["good"]


def test_the_head_lies_beside_the_database(brain: Brain, tmp_path: Path) -> None:
    sent(brain)
    assert (tmp_path / "home" / "ledger.head").read_text().strip().startswith("1 ")

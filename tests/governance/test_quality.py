"""Outcomes and the figures made of them: intervals, months, and what may move to this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.app.governed import policies_of
from brain.doors import show
from brain.doors.lines import plain
from brain.governance.facts import Facts
from brain.governance.in_force import shipped
from brain.governance.policy import Policy
from brain.governance.quality import (
    ENOUGH,
    LOCAL,
    Share,
    figures,
    proposals,
    stages,
)
from brain.store.comparisons import ComparisonRow
from brain.store.spending import OutcomeRow
from brain.types import Request

ROW = OutcomeRow(
    at=1_790_000_000,
    day="2026-11-03",
    episode="e",
    task="write",
    complexity="low",
    label="public",
    provider=LOCAL,
    model="qwen3:8b",
    model_digest="",
    prompt_digest="",
    policy="p1",
    grade="likely",
    found=800,
    supported=600,
    verified=1000,
    usd_micro=0,
    tokens_in=10,
    tokens_out=5,
    milliseconds=900,
)
AWAY = replace(ROW, provider="anthropic", usd_micro=4_000, milliseconds=3_000)


@dataclass(frozen=True)
class Route:
    provider: str
    needs: str = "answered"
    model: str = "claude"


PAIR = ComparisonRow(
    at=ROW.at,
    day=ROW.day,
    episode="e",
    task="write",
    label="public",
    grade="likely",
    provider="anthropic",
    model="claude",
    shadow=1,
    verdict="same",
    usd_micro=700,
)
OTHER = replace(PAIR, verdict="differs")


def rated(row: OutcomeRow, good: int, wrong: int) -> list[OutcomeRow]:
    return [replace(row, rating="good")] * good + [replace(row, rating="wrong")] * wrong


@given(st.integers(0, 300), st.integers(0, 300))
def test_an_interval_holds_its_share_and_narrows_with_more(
    good: int, wrong: int
) -> None:
    share = Share.of(good, good + wrong)
    assert 0 <= share.low <= share.high <= 1
    if share.rated:
        assert share.low <= good / share.rated <= share.high
        more = Share.of(10 * good, 10 * share.rated)
        assert more.high - more.low <= share.high - share.low


def test_a_task_is_told_month_by_month_the_newest_first() -> None:
    rows = [ROW, AWAY, replace(ROW, day="2026-10-30", policy="p0", rating="good")]
    newest, older = figures(rows)
    assert (newest.month, newest.answers, newest.local) == ("2026-11", 2, 0.5)
    assert (newest.usd_micro, newest.p50, newest.policies) == (4_000, 1_950, ("p1",))
    assert (older.month, older.good.good, older.good.rated) == ("2026-10", 1, 1)


def test_what_was_compared_and_called_absent_is_told_of_its_month() -> None:
    absent = replace(ROW, grade="not_found")
    none = replace(PAIR, verdict="none")
    [told] = figures([ROW, ROW, ROW, absent], [PAIR, OTHER, none], {"write": "normal"})
    assert told.absent == 0.25
    assert (told.compared.good, told.compared.rated) == (1, 2)
    assert told.usd_micro == 3 * PAIR.usd_micro
    assert told.stage == "normal"


@pytest.mark.parametrize(
    ("route", "answers", "stage"),
    [
        (Route(LOCAL), 0, "local only"),
        (Route("anthropic", "likely"), 0, "normal"),
        (Route("anthropic"), 1, "cautious"),
        (Route("anthropic"), 0, "shadow"),
    ],
)
def test_a_task_stands_where_its_route_puts_it(
    route: Route, answers: int, stage: str
) -> None:
    rows = [ROW] * answers + [AWAY]
    assert stages(rows, {"write": route}) == {"write": stage}


def test_a_task_moves_only_by_evidence() -> None:
    routes = {"write": Route("anthropic"), "tag": Route(LOCAL)}
    few = proposals(rated(ROW, ENOUGH - 1, 0), [], routes)
    assert [(one.task, one.moves, one.edit) for one in few] == [("write", False, "")]
    assert "1 more of those that are likely" in few[0].because
    bad = proposals(rated(ROW, 12, 10), [], routes)
    assert not bad[0].moves
    good = proposals(rated(ROW, 40, 1), [], routes)
    assert (good[0].stage, good[0].moves) == ("cautious", True)


def test_each_step_has_an_edit_that_the_policy_takes() -> None:
    """From cautious to normal, and from there to local only."""
    rows = rated(ROW, 40, 0)
    for needs, follows in (("answered", "likely"), ("likely", "")):
        [told] = proposals(rows, [], {"write": Route("anthropic", needs)})
        line = told.edit.partition(": [[route]] ")[2]
        text = "\n".join(["[[route]]", *line.split(", "), "", "[[route]]"])
        policy = Policy.parse(shipped().replace("[[route]]", text, 1))
        route = policy.route("write", "high", Facts())
        if follows:
            assert (route.provider, route.needs) == ("anthropic", follows)
        else:
            assert route.provider == LOCAL


def test_from_cautious_on_only_what_would_newly_stay_counts() -> None:
    sure = replace(ROW, grade="answered")
    routes = {"write": Route("anthropic")}
    [told] = proposals(rated(sure, 60, 0), [], routes)
    assert not told.moves
    assert "20 more of those that are likely" in told.because
    assert proposals(rated(sure, 60, 0), [], {"write": Route("a", "likely")})[0].moves


def test_what_is_surely_no_worse_than_the_cloud_may_stay_too() -> None:
    rows = rated(ROW, 60, 25) + rated(AWAY, 5, 25)
    assert proposals(rows, [], {"write": Route("anthropic")})[0].moves


def test_answers_that_say_what_the_cloud_said_are_evidence() -> None:
    routes = {"write": Route("anthropic")}
    [told] = proposals([ROW], [PAIR] * ENOUGH, routes)
    assert told.moves
    assert (
        f"{ENOUGH} of {ENOUGH} (88% to 100%) said what the cloud said" in told.because
    )
    assert not proposals([ROW], [PAIR] * ENOUGH + [OTHER] * ENOUGH, routes)[0].moves
    none = replace(PAIR, verdict="none")
    assert not proposals([ROW], [none] * ENOUGH, routes)[0].moves


def test_one_kind_of_evidence_against_it_keeps_a_task() -> None:
    rows = rated(ROW, 12, 10)
    assert not proposals(rows, [PAIR] * 40, {"write": Route("anthropic")})[0].moves


def test_a_new_task_begins_at_the_strictest_bar(brain: Brain) -> None:
    """No route names it: the route of all others sends what is not answered, and nothing is known of it here."""
    policy = policies_of(brain.resources).in_force()
    route = policy.route("translate", "high", Facts())
    assert (route.provider, route.needs) == ("anthropic", "answered")
    away = replace(AWAY, task="translate")
    brain.resources.store.outcomes.keep(away)
    [figure] = brain.judge.quality()
    assert (figure.task, figure.stage) == ("translate", "shadow")
    told = {one.task: one for one in brain.judge.proposals()}
    assert "each is tried here first" in told["translate"].because
    likely = replace(ROW, task="translate")
    for row in rated(likely, ENOUGH, 0):
        brain.resources.store.outcomes.keep(row)
    told = {one.task: one for one in brain.judge.proposals()}
    assert (told["translate"].stage, told["translate"].moves) == ("cautious", True)


def test_an_answer_leaves_an_outcome_which_feedback_rates(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    brain.add([folder({"lease.md": "The lease ends on 28 February 2029."})])
    given = brain.ask(Request("When does the lease end?"))
    brain.judge.feedback("good")
    [row] = brain.resources.store.outcomes.rows()
    assert row.episode == given.episode
    assert (row.task, row.complexity, row.provider) == ("ask", "medium", LOCAL)
    assert (row.grade, row.rating) == (given.sure, "good")
    assert row.verified == 1000


@pytest.mark.parametrize(
    "request_",
    [Request("How many notes mention the lease?"), Request("x", record=False)],
)
def test_a_count_and_what_is_not_recorded_leave_none(
    brain: Brain, folder: Callable[..., Path], request_: Request
) -> None:
    brain.add([folder({"lease.md": "The lease ends on 28 February 2029."})])
    brain.ask(request_)
    assert brain.resources.store.outcomes.rows() == []


def test_the_figures_and_the_proposals_are_told(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    assert "".join(map(plain, show.showing("quality").lines([]))) == ""
    brain.add([folder({"lease.md": "The lease ends on 28 February 2029."})])
    brain.ask(Request("When does the lease end?"))
    brain.judge.feedback("good")
    rows = list(map(plain, show.showing("quality").lines(brain.judge.quality())))
    assert "1 of 1 (27 to 100 %)" in rows[1]
    assert "normal" in rows[1]
    proposed = brain.judge.proposals()
    assert {one.task for one in proposed} >= {"ask", "write", "reason"}
    said = list(map(plain, show.showing("proposals").lines(proposed)))
    assert said[0].startswith(
        "ask (normal): 1 of 1 (27% to 100%) local answers were good"
    )
    assert "; 19 more must be rated" in said[0]

"""Outcomes and the figures made of them: intervals, months, and what may move to this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.doors import show
from brain.doors.lines import plain
from brain.governance.quality import ENOUGH, LOCAL, Share, figures, proposals
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


def test_a_task_moves_only_by_evidence() -> None:
    routes = {"write": Route("anthropic"), "tag": Route(LOCAL)}
    few = proposals(rated(ROW, ENOUGH - 1, 0), routes)
    assert [(one.task, one.moves, one.edit) for one in few] == [("write", False, "")]
    assert "1 more" in few[0].because
    bad = proposals(rated(ROW, 12, 10), routes)
    assert not bad[0].moves
    good = proposals(rated(ROW, 40, 1), routes)
    assert good[0].moves
    assert 'task = "write", model = "local"' in good[0].edit


def test_what_is_surely_no_worse_than_the_cloud_may_stay_too() -> None:
    rows = rated(ROW, 60, 25) + rated(AWAY, 5, 25)
    assert proposals(rows, {"write": Route("anthropic")})[0].moves


def test_an_answer_leaves_an_outcome_which_feedback_rates(
    brain: Brain, folder: Callable[..., Path]
) -> None:
    brain.add([folder({"lease.md": "The lease ends on 28 February 2029."})])
    given = brain.ask(Request("When does the lease end?"))
    brain.judge.feedback("good")
    [row] = brain.resources.store.outcomes.rows()
    assert row.episode == given.episode
    assert (row.task, row.complexity, row.provider) == ("ask", "low", LOCAL)
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
    proposed = brain.judge.proposals()
    assert {one.task for one in proposed} >= {"ask", "write", "reason"}
    said = list(map(plain, show.showing("proposals").lines(proposed)))
    assert said[0].startswith("ask: 1 local answers are rated; 19 more")

"""Answers of this machine beside those of a cloud: nothing but public goes out to compare, and only where it may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.answering.asking import quiet
from brain.app import Brain
from brain.app.governed import budget_of, ledger_of, policies_of
from brain.app.outside import Asker
from brain.app.shadow import shadow_run
from brain.store.comparisons import ComparisonRow
from brain.types import Answer, Request
from tests.app.test_outside import (
    CANARY,
    WEAK,
    asked,
    cited,
    cloud,
    kinds,
    open_brain,
)
from tests.stand_in_cloud import Faults, StandInCloud

__all__ = ("cloud", "open_brain")  # fixtures
SURE = "Who signs the lease of the depot?"


def publish(brain: Brain, *changes: tuple[str, str]) -> None:
    """Put the policy into force with these changes."""
    policies = policies_of(brain.resources)
    text = policies.published_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    policies.publish(text, "publish")


@pytest.fixture
def shadowed(open_brain: Brain) -> Brain:
    """Shadow runs are switched on, and no complexity stays here by its route."""
    publish(open_brain, ("shadow = false", "shadow = true"))
    return open_brain


def rows(brain: Brain) -> list[ComparisonRow]:
    return brain.resources.store.comparisons.rows()


def waited(brain: Brain, question: str, **more: str | bool) -> Answer:
    """The answer to a person at the terminal, who is asked nothing here."""
    return asked(brain, question, agree=False, **more)


def compared(given: Answer) -> list[str]:
    return [said for said in given.notices if "was asked the same" in said]


def test_as_shipped_no_answer_is_compared(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    given = waited(open_brain, SURE)
    assert (given.route, compared(given)) == ("local", [])
    assert cloud.requests == []
    assert rows(open_brain) == []


def test_a_public_question_whose_answer_stays_is_put_to_the_cloud_as_well(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    given = waited(shadowed, SURE)
    assert given.route == "local"
    assert given.provider == "builtin"
    assert compared(given) == [
        "anthropic was asked the same, to compare: it says the same"
    ]
    [row] = rows(shadowed)
    assert (row.verdict, row.shadow, row.grade) == ("same", 1, given.sure)
    assert (row.task, row.label, row.episode) == ("ask", "public", given.episode)
    assert (row.provider, row.model) == ("anthropic", "claude-sonnet-5-5")
    assert row.usd_micro > 0
    ledger = ledger_of(shadowed.resources)
    [intent, _settle] = [
        one for one in ledger.entries() if one.kind in ("intent", "settle")
    ]
    assert intent.facts["action"] == "cloud.shadow"
    assert ledger.body(intent.id) == cloud.requests[0].body
    assert CANARY not in cloud.requests[0].prompt
    assert "harbour" not in cloud.requests[0].prompt
    limits = policies_of(shadowed.resources).in_force().limits
    assert budget_of(shadowed.resources, limits).spend().usd_today == row.usd_micro
    [outcome] = shadowed.resources.store.outcomes.rows()
    assert (outcome.provider, outcome.usd_micro) == ("local", 0)


def test_the_question_of_an_agent_or_a_program_is_not_put_to_the_cloud(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    assert compared(asked(shadowed, SURE)) == []
    assert (cloud.requests, kinds(shadowed)) == ([], ["deny"])


def test_what_only_the_cloud_names_is_told(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    cloud.says = lambda prompt: f"{cited(prompt)} Halden signs it too."
    given = waited(shadowed, SURE)
    assert [row.verdict for row in rows(shadowed)] == ["differs"]
    assert "Halden" in compared(given)[0]


def test_a_cloud_that_finds_nothing_speaks_against_the_answer(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    cloud.says = lambda _prompt: "Not in your notes."
    given = waited(shadowed, SURE)
    assert given.route == "local"
    assert [row.verdict for row in rows(shadowed)] == ["differs"]
    assert "that the notes do not hold it" in compared(given)[0]


def test_a_cloud_that_says_nothing_leaves_no_evidence(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    cloud.says = lambda _prompt: "Mars is red."
    given = waited(shadowed, SURE)
    assert given.route == "local"
    assert [row.verdict for row in rows(shadowed)] == ["none"]
    assert "no answer that a note bears out" in compared(given)[0]


@pytest.mark.parametrize(
    "question",
    ["What is the budget of the harbour works?", "What does Project Falcon cost?"],
)
def test_nothing_but_public_goes_out_to_compare(
    shadowed: Brain, cloud: StandInCloud, question: str
) -> None:
    """Not with a person's yes either, and even where a rule of theirs allows it."""
    publish(
        shadowed,
        (
            'flags.shadow and request.label == "public" and request.attended and not request.untrusted_context',
            "true",
        ),
    )
    given = asked(shadowed, question, agree=True)
    assert given.sure in ("likely", "answered")
    assert given.route == "local"
    assert rows(shadowed) == []
    assert cloud.requests == []
    assert kinds(shadowed) == []


def test_what_internal_notes_answer_is_not_compared_over_public_ones(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    """Public notes stand near it, so that there would be something to send."""
    question = "What is the budget of the harbour works at the depot?"
    stands = shadowed.ask(Request(question, route="local"))
    asker = Asker(shadowed.resources, Request(question), quiet, attended=True)
    assert shadow_run(asker, stands, "medium") is None
    assert cloud.requests == []
    assert kinds(shadowed) == []  # nor was anything asked for
    public = shadowed.ask(Request(SURE, route="local"))
    assert shadow_run(replace(asker, request=Request(SURE)), public, "medium")


def test_a_day_has_so_many_shadow_runs_and_no_more(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    publish(shadowed, ("shadow_per_day = 10", "shadow_per_day = 1"))
    assert compared(waited(shadowed, SURE))
    assert compared(waited(shadowed, SURE)) == []
    assert len(cloud.requests) == 1


def test_what_left_counts_also_where_no_answer_came(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    publish(shadowed, ("shadow_per_day = 10", "shadow_per_day = 1"))
    cloud.faults = Faults(status=500)
    assert compared(waited(shadowed, SURE)) == []
    left = kinds(shadowed)
    assert left.count("intent") == 1
    cloud.faults = Faults()
    assert compared(waited(shadowed, SURE)) == []
    assert kinds(shadowed) == left
    assert rows(shadowed) == []


def test_unpublished_edits_that_want_no_shadow_runs_count(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    policies = policies_of(shadowed.resources)
    text = policies.published_text()
    policies.write(text.replace("shadow = true", "shadow = false"))
    assert compared(waited(shadowed, SURE)) == []
    policies.write(text.replace("shadow_per_day = 10", "shadow_per_day = 0"))
    assert compared(waited(shadowed, SURE)) == []
    assert cloud.requests == []


def test_no_money_or_a_failing_cloud_leaves_the_answer_as_it_is(
    shadowed: Brain, cloud: StandInCloud
) -> None:
    cloud.faults = Faults(status=500)
    given = waited(shadowed, SURE)
    assert (given.route, compared(given), rows(shadowed)) == ("local", [], [])
    publish(shadowed, ("cloud_usd_per_day = 1.00", "cloud_usd_per_day = 0.00"))
    before = len(cloud.requests)
    given = waited(shadowed, SURE)
    assert (given.route, compared(given), rows(shadowed)) == ("local", [], [])
    assert len(cloud.requests) == before


@pytest.mark.parametrize("way", [{"route": "local"}, {"record": False}])
def test_who_keeps_it_here_or_keeps_nothing_is_not_compared(
    shadowed: Brain, cloud: StandInCloud, way: dict[str, str | bool]
) -> None:
    given = waited(shadowed, SURE, **way)
    assert (given.route, compared(given)) == ("local", [])
    assert cloud.requests == []


def test_a_weak_answer_that_was_sent_is_compared_for_nothing_more(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    given = asked(open_brain, WEAK)
    assert given.route == "cloud"
    assert len(cloud.requests) == 1
    [row] = rows(open_brain)
    assert (row.shadow, row.usd_micro, row.episode) == (0, 0, given.episode)
    assert row.grade in ("check", "likely")
    assert row.verdict in ("same", "differs")

"""`ask --second-opinion`: another maker is asked the same, by the same rules, and a refusal leaves the first answer."""

from __future__ import annotations

import pytest

from brain.app import Brain
from brain.app.governed import ledger_of, policies_of
from brain.app.outside import Yes
from brain.governance.outbound import Shown
from brain.types import Answer, Passages, Request
from tests.app.test_outside import (
    CANARY,
    INSIDE,
    SAID,
    SECRET,
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
MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"


def paths(cloud: StandInCloud) -> list[str]:
    return [one.path for one in cloud.requests]


def why_none(given: Answer) -> str:
    """The reason why there is no second opinion."""
    assert given.second_opinion is None
    [said] = [text for text in given.notices if text.startswith("no second opinion: ")]
    assert f"second opinion: {said.partition(': ')[2]}" in given.walk or not given.walk
    return said


def test_beside_an_answer_of_this_machine_the_maker_of_the_route_is_asked(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    given = asked(open_brain, SURE, second_opinion=True)
    assert given.route == "local"
    opinion = given.second_opinion
    assert opinion is not None
    assert opinion.provider == "anthropic"
    assert opinion.answer.startswith(SAID)
    assert [one.verified for one in opinion.citations] == [True]
    assert opinion.cost_usd
    assert (opinion.differs.first, opinion.differs.second) == ((), ())
    assert kinds(open_brain) == ["intent", "settle"]
    body = ledger_of(open_brain.resources).body(int(opinion.ledger_id))
    assert body == cloud.requests[0].body
    assert CANARY not in cloud.requests[0].prompt


def test_beside_an_answer_of_a_cloud_the_other_maker_is_asked_and_what_differs_is_told(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    other = "The depot is rented until spring."

    def says(prompt: str) -> str:
        first = cited(prompt)
        return first if len(cloud.requests) == 1 else first.replace(SAID, other)

    cloud.says = says
    given = asked(open_brain, WEAK, second_opinion=True)
    assert paths(cloud) == [MESSAGES, CHAT]
    assert (given.route, given.provider) == ("cloud", "anthropic")
    assert given.text.startswith(SAID)
    opinion = given.second_opinion
    assert opinion is not None
    assert (opinion.provider, opinion.answer[:9]) == ("openai", "The depot")
    assert opinion.differs.first == ("Ines", "Duarte")
    assert opinion.ledger_id != given.ledger_id


@pytest.mark.parametrize("on", ["anthropic", "openai"])
def test_a_task_that_never_leaves_by_itself_takes_the_first_that_was_turned_on(
    open_brain: Brain, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    if on == "openai":
        monkeypatch.delenv("ANTHROPIC_API_KEY")
    policies = policies_of(open_brain.resources)
    text = policies.published_text()
    stays = text.replace('task = "ask"\ncomplexity = "low"\n', 'task = "ask"\n')
    policies.publish(stays, "publish")
    given = asked(open_brain, SURE, second_opinion=True)
    assert given.second_opinion is not None
    assert given.second_opinion.provider == on


def test_without_another_maker_the_answer_of_a_cloud_stands_alone(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    policies = policies_of(open_brain.resources)
    text = policies.published_text().partition("[other_maker]")[0]
    policies.publish(text, "publish")
    given = asked(open_brain, WEAK, second_opinion=True)
    assert given.route == "cloud"
    assert "names no other maker" in why_none(given)
    assert paths(cloud) == [MESSAGES]


@pytest.mark.parametrize("yes", [True, False])
def test_over_internal_notes_a_person_says_yes_to_each(
    open_brain: Brain, cloud: StandInCloud, yes: bool
) -> None:
    given = asked(open_brain, INSIDE, agree=yes, second_opinion=True)
    if yes:
        assert paths(cloud) == [MESSAGES, CHAT]
        assert kinds(open_brain).count("approve") == 2
        assert given.second_opinion is not None
    else:
        assert cloud.requests == []
        assert "`brain approve" in why_none(given)


def test_who_said_no_to_these_bytes_is_not_asked_again(open_brain: Brain) -> None:
    shown: list[str] = []

    def no(what: Shown, _passages: Passages) -> Yes:
        shown.append(what.digest)
        return ""

    request = Request(INSIDE, complexity="medium", second_opinion=True)
    assert open_brain.ask(request, agree=no).second_opinion is None
    assert len(shown) == 1


def test_over_confidential_notes_nothing_is_sent(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    for question in (SECRET, "What does Project Falcon cost?"):
        given = asked(open_brain, question, agree=True, second_opinion=True)
        assert given.state != "not_found"
        assert "the evidence is confidential" in why_none(given)
    assert cloud.requests == []
    assert kinds(open_brain) == []


@pytest.mark.parametrize("faults", [Faults(status=401), Faults(page=True)])
def test_a_maker_that_fails_leaves_the_first_answer(
    open_brain: Brain, cloud: StandInCloud, faults: Faults
) -> None:
    cloud.faults = faults
    given = asked(open_brain, SURE, second_opinion=True)
    assert given.text
    assert given.citations
    assert "anthropic: " in why_none(given)


def test_where_no_money_is_left_the_first_answer_stands(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    policies = policies_of(open_brain.resources)
    text = policies.published_text()
    name = "cloud_usd_per_request"
    policies.publish(text.replace(f"{name} = 0.25", f"{name} = 0.0001"), "publish")
    given = asked(open_brain, SURE, second_opinion=True)
    assert name in why_none(given)
    assert cloud.requests == []


def test_where_no_cloud_is_on_it_says_so(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    policies = policies_of(open_brain.resources)
    text = policies.published_text()
    policies.publish(text.replace("cloud = true", "cloud = false"), "publish")
    given = asked(open_brain, SURE, second_opinion=True)
    assert "no cloud is on; `brain cloud enable" in why_none(given)
    local = asked(open_brain, SURE, second_opinion=True, route="local")
    assert "nothing leaves" in why_none(local)
    counted = asked(open_brain, "how many notes mention depot?", second_opinion=True)
    assert "this was counted" in why_none(counted)
    absent = asked(open_brain, "Which team does Zed support?", second_opinion=True)
    assert absent.state == "not_found"
    assert "there is no answer" in why_none(absent)
    assert cloud.requests == []


def test_unless_it_is_wanted_nothing_is_said_of_it(open_brain: Brain) -> None:
    given = asked(open_brain, SURE)
    assert given.second_opinion is None
    assert not [text for text in given.notices if "second opinion" in text]

"""The walk of a question: what stays on this machine, what asks, what goes, and that a failure sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

import pytest

from brain.governance.router import RANKS, Ruling, Verdict, Walk, good_enough
from brain.labels import Label
from brain.types import Answer, AnswerState, Confidence, State, Way

OTHER = "“Halden signs.” [1]"


def answer(
    sure: AnswerState | None,
    state: State = "unsure",
    degraded: str = "",
    text: str = "“Ines signs.” [1]",
) -> Answer:
    return Answer(
        "who signs?",
        state,
        text,
        confidence=Confidence(found=0.6, supported=0.5),
        sure=sure,
        degraded=degraded,
        provider="builtin",
        model="extractive",
    )


@dataclass
class Ways:
    """Hands out what a test says, and keeps the names of what was called."""

    first: Answer
    second: Answer | None = None
    highest: Label = Label.PUBLIC
    verdict: Verdict = "allow"
    yes: bool = True
    cloud_sure: AnswerState | None = "answered"
    called: list[str] = field(default_factory=list)

    def local(self) -> Answer:
        self.called.append("local")
        return self.first

    def again(self, _first: Answer) -> Answer | None:
        self.called.append("again")
        return self.second

    def label(self, _answer: Answer) -> Label:
        self.called.append("label")
        return self.highest

    def ruling(self, _answer: Answer, _label: Label) -> Ruling:
        self.called.append("ruling")
        return Ruling(self.verdict, "a rule of the test")

    def agreed(self, _ruling: Ruling) -> bool:
        self.called.append("agreed")
        return self.yes

    def cloud(self, best: Answer, _ruling: Ruling) -> Answer:
        self.called.append("cloud")
        if self.cloud_sure is None:
            return replace(best, degraded="the cloud does not answer")
        sent = answer(self.cloud_sure)
        return replace(sent, route="cloud", provider="anthropic")


def walked(
    ways: Ways,
    *,
    needs: AnswerState = "likely",
    way: Way = "",
    ready: bool = True,
) -> tuple[Answer, Walk]:
    walk = Walk(ways, needs, way, ways if ready else None)
    return walk.go(), walk


def test_a_strong_answer_stays_and_nothing_else_is_tried() -> None:
    ways = Ways(answer("answered"))
    given, _ = walked(ways)
    assert ways.called == ["local"]
    assert given.route == "local"


def test_a_weak_answer_over_public_notes_goes_after_a_second_local_try() -> None:
    ways = Ways(answer("check"), answer("check"))
    given, walk = walked(ways)
    assert ways.called == ["local", "again", "label", "ruling", "cloud"]
    assert given.route == "cloud"
    assert [step.name for step in walk.steps] == [
        "local answer",
        "grade",
        "second local try",
        "label",
        "policy",
        "cloud",
    ]


def test_a_second_local_try_that_is_good_enough_ends_the_walk() -> None:
    ways = Ways(answer("check"), answer("likely", text=OTHER))
    given, _ = walked(ways)
    assert ways.called == ["local", "again"]
    assert (given.route, given.sure) == ("second try", "likely")


def test_a_second_try_that_says_the_same_is_the_first_one() -> None:
    given, walk = walked(Ways(answer("check"), answer("likely"), verdict="deny"))
    assert (given.route, given.sure) == ("local", "check")
    assert walk.steps[2].said == "it says the same"


def test_a_second_try_that_is_worse_is_not_taken() -> None:
    ways = Ways(answer("likely"), answer("check"), verdict="deny")
    given, _ = walked(ways, needs="answered")
    assert (given.route, given.sure) == ("local", "likely")


def test_a_route_that_asks_for_more_sends_what_is_likely() -> None:
    assert walked(Ways(answer("likely")), needs="likely")[0].route == "local"
    assert walked(Ways(answer("likely")), needs="answered")[0].route == "cloud"


def test_confidential_evidence_is_never_judged_by_the_policy() -> None:
    ways = Ways(answer("check"), highest=Label.CONFIDENTIAL)
    given, _ = walked(ways, way="cloud")
    assert ways.called == ["local", "label"]
    assert given.label == "confidential"
    assert "the evidence is confidential" in given.notices[-1]


@pytest.mark.parametrize("verdict", ["deny", "wait", "halt"])
def test_what_the_rules_refuse_leaves_the_local_answer_marked(verdict: Verdict) -> None:
    ways = Ways(answer("check"), verdict=verdict)
    given, _ = walked(ways)
    assert "cloud" not in ways.called
    assert given.text == ways.first.text
    assert "a rule of the test" in given.notices[-1]


@pytest.mark.parametrize("yes", [True, False])
def test_what_the_rules_ask_goes_only_with_a_yes(yes: bool) -> None:
    ways = Ways(answer("check"), verdict="ask", yes=yes)
    given, _ = walked(ways)
    assert ("cloud" in ways.called) is yes
    assert (given.route == "cloud") is yes


@pytest.mark.parametrize(
    "first",
    [
        answer(None, "not_found"),
        answer(None, "incomplete"),
        answer("check", degraded="Ollama stopped answering"),
    ],
)
@pytest.mark.parametrize("way", ["", "deep", "cloud"])
def test_absence_and_a_failed_model_send_nothing(first: Answer, way: Way) -> None:
    ways = Ways(first)
    walked(ways, way=way)
    # `deep` looks a second time here, and nowhere else
    looked = ["local", "again"] if way == "deep" and first.degraded else ["local"]
    assert ways.called == looked


def test_a_failure_in_the_second_try_sends_nothing_of_it() -> None:
    broken = answer("answered", degraded="Ollama stopped answering")
    given, _ = walked(Ways(answer("check"), broken, verdict="deny"))
    assert given.degraded == ""


def test_a_cloud_that_fails_leaves_the_local_answer() -> None:
    ways = Ways(answer("check"), cloud_sure=None)
    given, walk = walked(ways)
    assert given.text == ways.first.text
    assert given.degraded
    assert walk.steps[-1].name == "cloud"


def test_without_a_cloud_there_is_one_try_unless_more_is_asked_for() -> None:
    ways = Ways(answer("check"), answer("likely"))
    walked(ways, ready=False)
    assert ways.called == ["local"]
    deep = Ways(answer("check"), answer("likely", text=OTHER))
    assert walked(deep, way="deep", ready=False)[0].route == "second try"
    assert deep.called == ["local", "again"]


def test_local_and_cloud_say_which_way_is_open() -> None:
    local = Ways(answer("check"))
    walked(local, way="local")
    assert local.called == ["local"]
    cloud = Ways(answer("answered"))
    assert walked(cloud, way="cloud")[0].route == "cloud"
    assert "again" not in cloud.called


def test_a_surer_answer_never_goes_where_a_weaker_one_stays() -> None:
    for needs, label, verdict in product(RANKS, Label, ("allow", "ask", "deny")):
        sent = []
        for sure in RANKS:
            ways = Ways(answer(sure), highest=label, verdict=verdict)  # type: ignore[arg-type]
            walked(ways, needs=needs)
            sent.append("cloud" in ways.called)
        assert sent == sorted(sent, reverse=True)


def test_an_unrated_answer_is_not_good_enough() -> None:
    assert not good_enough(answer(None), "check")
    assert good_enough(answer("likely"), "likely")

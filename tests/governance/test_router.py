"""The walk of a question: what stays on this machine, what asks, what goes, and that a failure sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

import pytest

from brain.governance.router import RANKS, Walk, good_enough
from brain.labels import Label
from brain.types import Answer, AnswerState, Confidence, State, Way

OTHER = "“Halden signs.” [1]"


def answer(
    sure: AnswerState | None,
    state: State = "unsure",
    failed: str = "",
    text: str = "“Ines signs.” [1]",
) -> Answer:
    return Answer(
        "who signs?",
        state,
        text,
        confidence=Confidence(found=0.6, supported=0.5),
        sure=sure,
        degraded=failed,
        failed=bool(failed),
        provider="builtin",
        model="extractive",
    )


@dataclass
class Ways:
    """Hands out what a test says, and keeps the names of what was called."""

    first: Answer
    second: Answer | None = None
    highest: Label = Label.PUBLIC
    allowed: bool = True
    needs: AnswerState = "likely"
    below: float = 0.0
    model: str = "anthropic/claude"
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

    def send(self, _best: Answer) -> tuple[Answer | None, str]:
        self.called.append("send")
        if not self.allowed:
            return None, "a rule of the test"
        return replace(answer("answered"), provider="anthropic"), "row 1"


def walked(ways: Ways, *, way: Way = "", ready: bool = True) -> tuple[Answer, Walk]:
    walk = Walk(ways, way, lambda _first: ways if ready else None)
    return walk.go(), walk


def test_a_strong_answer_stays_and_nothing_else_is_tried() -> None:
    ways = Ways(answer("answered"))
    given, _ = walked(ways)
    assert ways.called == ["local"]
    assert given.route == "local"


def test_a_weak_answer_over_public_notes_goes_after_a_second_local_try() -> None:
    ways = Ways(answer("check"), answer("check"))
    given, walk = walked(ways)
    assert ways.called == ["local", "again", "label", "send"]
    assert given.route == "cloud"
    assert [step.name for step in walk.steps] == [
        "local answer",
        "route",
        "grade",
        "second local try",
        "label",
        "gate",
        "cloud",
    ]


def test_a_second_local_try_that_is_good_enough_ends_the_walk() -> None:
    ways = Ways(answer("check"), answer("likely", text=OTHER))
    given, _ = walked(ways)
    assert ways.called == ["local", "again"]
    assert (given.route, given.sure) == ("second try", "likely")


def test_a_second_try_that_says_the_same_is_the_first_one() -> None:
    given, walk = walked(Ways(answer("check"), answer("likely"), allowed=False))
    assert (given.route, given.sure) == ("local", "check")
    assert walk.steps[3].said == "it says the same"


def test_a_second_try_that_is_worse_is_not_taken() -> None:
    ways = Ways(answer("likely"), answer("check", text=OTHER), allowed=False)
    ways.needs = "answered"
    given, _ = walked(ways)
    assert (given.route, given.sure) == ("local", "likely")


def test_a_route_that_asks_for_more_sends_what_is_likely() -> None:
    assert walked(Ways(answer("likely"), needs="likely"))[0].route == "local"
    assert walked(Ways(answer("likely"), needs="answered"))[0].route == "cloud"


@pytest.mark.parametrize(("below", "route"), [(0.5, "local"), (0.6, "cloud")])
def test_a_likely_answer_stays_from_the_chance_on_that_the_policy_names(
    below: float, route: str
) -> None:
    """`answer` is right with .5; what it is called does not change."""
    ways = Ways(answer("likely"), below=below)
    given, walk = walked(ways)
    assert given.route == route
    assert ("again" in ways.called) == (route == "cloud")
    assert f"likely from {below:.2f} on is needed" in walk.steps[2].said


def test_what_is_called_answered_stays_whatever_the_chance() -> None:
    assert walked(Ways(answer("answered"), below=1.0))[0].route == "local"


def test_confidential_evidence_is_never_judged_by_the_policy() -> None:
    ways = Ways(answer("check"), highest=Label.CONFIDENTIAL)
    given, _ = walked(ways, way="cloud")
    assert ways.called == ["local", "label"]
    assert "the evidence is confidential" in given.notices[-1]


def test_what_is_refused_leaves_the_local_answer_marked() -> None:
    ways = Ways(answer("check"), allowed=False)
    given, walk = walked(ways)
    assert (given.text, given.route) == (ways.first.text, "local")
    assert "a rule of the test" in given.notices[-1]
    assert walk.steps[-1].name == "gate"


@pytest.mark.parametrize("way", ["", "cloud"])
def test_a_task_that_never_leaves_stays(way: Way) -> None:
    ways = Ways(answer("check"), model="")
    given, _ = walked(ways, way=way)
    assert "send" not in ways.called
    assert given.route == "local"
    assert bool(given.notices) is (way == "cloud")


@pytest.mark.parametrize(
    "first",
    [
        answer(None, "not_found"),
        answer(None, "incomplete"),
        answer("check", failed="Ollama stopped answering"),
    ],
)
@pytest.mark.parametrize("way", ["", "deep", "cloud"])
def test_absence_and_a_failed_model_send_nothing(first: Answer, way: Way) -> None:
    ways = Ways(first)
    walked(ways, way=way)
    # `deep` looks a second time here, and nowhere else
    looked = ["local", "again"] if way == "deep" and first.failed else ["local"]
    assert ways.called == looked


def test_a_failure_in_the_second_try_sends_nothing_of_it() -> None:
    broken = answer("answered", failed="Ollama stopped answering", text=OTHER)
    ways = Ways(answer("check"), broken)
    given, walk = walked(ways)
    assert (given.degraded, given.route) == ("", "local")
    assert ways.called == ["local", "again"]
    assert "a failure is no reason" in walk.steps[-1].said


def test_what_no_note_bears_out_is_weak_and_no_failure() -> None:
    unborne = replace(
        answer("check"), degraded="the model gave nothing; quotes stand in"
    )
    assert walked(Ways(unborne))[0].route == "cloud"


def test_without_a_cloud_there_is_one_try_unless_more_is_asked_for() -> None:
    ways = Ways(answer("check"), answer("likely"))
    walked(ways, ready=False)
    assert ways.called == ["local"]
    deep = Ways(answer("check"), answer("likely", text=OTHER))
    assert walked(deep, way="deep", ready=False)[0].route == "second try"
    assert deep.called == ["local", "again"]


def test_a_cloud_that_is_asked_for_and_not_on_is_said() -> None:
    given, _ = walked(Ways(answer("check")), way="cloud", ready=False)
    assert given.route == "local"
    assert "no cloud can be asked" in given.notices[-1]


def test_local_and_cloud_say_which_way_is_open() -> None:
    local = Ways(answer("check"))
    walked(local, way="local")
    assert local.called == ["local"]
    cloud = Ways(answer("answered"))
    assert walked(cloud, way="cloud")[0].route == "cloud"
    assert "again" not in cloud.called


def test_a_surer_answer_never_goes_where_a_weaker_one_stays() -> None:
    for needs, label, allowed in product(RANKS, Label, (True, False)):
        sent = []
        for sure in RANKS:
            ways = Ways(answer(sure), None, label, allowed, needs)
            walked(ways)
            sent.append("send" in ways.called)
        assert sent == sorted(sent, reverse=True)


def test_the_way_outside_is_not_looked_for_where_an_answer_is_sure() -> None:
    asked: list[Answer] = []

    def outside(first: Answer) -> None:
        asked.append(first)

    Walk(Ways(answer("answered")), "", outside).go()
    assert asked == []
    Walk(Ways(answer("likely")), "", outside).go()
    assert len(asked) == 1


def test_an_unrated_answer_is_not_good_enough() -> None:
    assert not good_enough(answer(None), "check")
    assert good_enough(answer("likely"), "likely")
    assert not good_enough(answer("likely"), "likely", 0.6)
    unmeasured = replace(answer("likely"), confidence=Confidence())
    assert good_enough(unmeasured, "likely", 0.6)

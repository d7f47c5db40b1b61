"""A yes that holds for an hour: for one task, receiver and folder, until a halt or another policy, as a ledger row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from brain.errors import Refused
from brain.governance.facts import Facts, RequestFacts
from brain.governance.outbound import COMPARE, AsksFirst, Outbound
from brain.governance.standing import SAME, Reach, yes_row
from brain.labels import Label
from tests.gate_support import NOW, Home, governed, outbound, policy_text
from tests.stand_in_cloud import StandInCloud

PERSON = RequestFacts(attended=True)
WORK = ("/notes/work",)


@pytest.fixture
def cloud() -> Iterator[StandInCloud]:
    with StandInCloud() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, cloud: StandInCloud) -> Iterator[Home]:
    with governed(tmp_path / "home", policy_text(cloud)) as opened:
        yield opened


def internal(text: str, *folders: str, provider: str = "anthropic") -> Outbound:
    sent = outbound(text, Label.INTERNAL, provider)
    return replace(sent, folders=folders)


def send(home: Home, sent: Outbound, request: RequestFacts = PERSON) -> None:
    home.gate.send(sent, Facts(request=request))


def said_yes(home: Home, *folders: str) -> None:
    """A person says yes for an hour to what lies in these folders."""
    sent = internal("First?", *folders)
    facts = Facts(request=PERSON)
    with pytest.raises(AsksFirst) as caught:
        home.gate.send(sent, facts)
    digest = caught.value.shown.digest
    home.gate.send(sent, facts, agreed=digest, for_an_hour=True)


def asks(home: Home, sent: Outbound, request: RequestFacts = PERSON) -> None:
    """It is asked for, and nothing leaves."""
    before = len(home.rows("intent"))
    with pytest.raises(AsksFirst):
        send(home, sent, request)
    assert len(home.rows("intent")) == before


def test_what_is_alike_leaves_for_an_hour_and_the_row_says_so(
    home: Home, cloud: StandInCloud
) -> None:
    said_yes(home, *WORK, "/notes/plans")
    [row] = home.rows("approve")
    assert row.facts["holds_until"] == "2026-11-28T11:00:00+01:00"
    assert row.facts["folders"] == [*WORK, "/notes/plans"]
    assert row.facts["asks"] == ["internal-asks"]
    home.now = NOW + timedelta(minutes=59)
    send(home, internal("Second?", *WORK))
    assert len(cloud.requests) == 2
    assert home.rows("intent")[-1].facts["yes"] == row.id
    assert len(home.rows("approve")) == 1
    home.now = NOW + timedelta(minutes=60)
    asks(home, internal("Third?", *WORK))


@pytest.mark.parametrize(
    "other",
    [
        internal("Second?", "/notes/private"),
        internal("Second?", *WORK, "/notes/private"),
        internal("Second?"),
        internal("Second?", *WORK, provider="openai"),
        replace(internal("Second?", *WORK), task="write"),
    ],
)
def test_another_folder_receiver_or_task_asks_again(
    home: Home, other: Outbound
) -> None:
    said_yes(home, *WORK)
    asks(home, other)


def test_it_answers_no_rule_that_did_not_ask_then(home: Home) -> None:
    said_yes(home, *WORK)
    asks(home, internal("Second?", *WORK), replace(PERSON, stakes="high"))
    asks(home, internal("Second?", *WORK), replace(PERSON, untrusted_context=True))


def test_nobody_uses_it_where_no_person_waits(home: Home) -> None:
    said_yes(home, *WORK)
    asks(home, internal("Second?", *WORK), RequestFacts())


def test_nobody_uses_it_to_compare_answers(home: Home) -> None:
    """A rule of a person's own asks there as well; nobody is asked about a comparison."""
    text = home.policies.published_text()
    asks_too = 'id = "high-stakes-ask"\naction = '
    text = text.replace(f'{asks_too}"cloud.generate"', f'{asks_too}["cloud.*"]')
    text = text.replace("shadow = false", "shadow = true")
    home.policies.publish(text, "publish")
    first = replace(outbound("First?"), folders=WORK)
    person = replace(PERSON, stakes="high")
    facts = Facts(request=person)
    with pytest.raises(AsksFirst) as caught:
        home.gate.send(first, facts)
    digest = caught.value.shown.digest
    home.gate.send(first, facts, agreed=digest, for_an_hour=True)
    second = replace(outbound("Second?"), folders=WORK)
    asks(home, replace(second, action=COMPARE), person)
    send(home, second, person)


def halted(home: Home) -> None:
    home.policies.halt.halt("for a test")
    home.ledger.append("halt", because="for a test")
    with pytest.raises(Refused):
        send(home, internal("Second?", *WORK))
    home.policies.halt.resume()


def published(home: Home) -> None:
    text = home.policies.published_text()
    home.policies.publish(f"{text}\n# another\n", "publish")


def published_and_back(home: Home) -> None:
    text = home.policies.published_text()
    home.policies.publish(f"{text}\n# another\n", "publish")
    home.policies.publish(text, "rollback")


def edited(home: Home) -> None:
    home.policies.write(f"{home.policies.published_text()}\n# another\n")


@pytest.mark.parametrize("end", [halted, published, published_and_back, edited])
def test_a_halt_and_another_policy_end_it(
    home: Home, end: Callable[[Home], None]
) -> None:
    said_yes(home, *WORK)
    end(home)
    asks(home, internal("Second?", *WORK))


def test_confidential_material_never_leaves_by_it(
    home: Home, cloud: StandInCloud
) -> None:
    said_yes(home, *WORK)
    secret = replace(outbound("Second?", Label.CONFIDENTIAL), folders=WORK)
    with pytest.raises(Refused, match="confidential-floor"):
        send(home, secret)
    assert len(cloud.requests) == 1


def test_a_yes_to_what_lies_in_no_folder_holds_once(home: Home) -> None:
    said_yes(home)
    [row] = home.rows("approve")
    assert "holds_until" not in row.facts
    asks(home, internal("Second?"))
    asks(home, internal("Second?", *WORK))


def test_a_yes_once_is_none_for_an_hour(home: Home) -> None:
    sent = internal("First?", *WORK)
    with pytest.raises(AsksFirst) as caught:
        send(home, sent)
    digest = caught.value.shown.digest
    home.gate.send(sent, Facts(request=PERSON), agreed=digest)
    asks(home, internal("Second?", *WORK))


@pytest.mark.parametrize(
    ("then", "now", "covered"),
    [
        (Label.INTERNAL, Label.INTERNAL, True),
        (Label.INTERNAL, Label.PUBLIC, True),
        (Label.PUBLIC, Label.INTERNAL, False),
        (Label.CONFIDENTIAL, Label.CONFIDENTIAL, False),
    ],
)
def test_it_covers_nothing_of_a_higher_label_and_nothing_confidential(
    home: Home, then: Label, now: Label, covered: bool
) -> None:
    given = Reach("ask", "anthropic", "host", then, WORK, ("a-rule",), "digest")
    same = {name: getattr(given, name) for name in SAME}
    row = home.ledger.append("approve", label=str(then), **same, **given.facts(NOW))
    wanted = replace(given, label=now)
    assert yes_row(home.ledger, wanted, NOW) == (row if covered else 0)

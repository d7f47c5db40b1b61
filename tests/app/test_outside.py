"""A weak answer and the cloud: over public notes it goes by itself, over internal ones it asks, over confidential never."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brain.app import Brain, answers, outside, route
from brain.app.governed import ledger_of, policies_of
from brain.app.outside import Yes, top_folder
from brain.governance.outbound import Shown
from brain.labels import Label, highest
from brain.types import Answer, Passages, Request, Scope
from tests.gate_support import policy_text
from tests.stand_in_cloud import Faults, StandInCloud

CANARY = "Project Falcon costs 1.2 million"
SAID = "Ines Duarte signs the lease of the depot."
SPENT = "The budget of the harbour works is 40,000 €."
NOTES = {
    "lease.md": "---\nlabel: public\n---\nInes Duarte signs the lease of the depot.\n",
    "depot.md": "---\nlabel: public\n---\nThe depot is rented until spring.\n",
    "inside.md": "---\nlabel: internal\n---\nThe budget of the harbour works is 40,000 €.\n",
    "secret.md": f"---\nlabel: confidential\n---\n{CANARY}; Falcon is not announced.\n",
}
WEAK = "When was the lease of the depot paid for by Ines Duarte?"
INSIDE = "Who wants the budget of the harbour works?"
SECRET = "Who wants to hear about Project Falcon at the fair?"


NUMBER = re.compile(r'n="(\d+)"')


def cited(prompt: str) -> str:
    """What the stand-in says: the sentence of a note, with the number of that note."""
    for said in (SAID, SPENT):
        before, found, _ = prompt.partition(said)
        if found:
            return f"{said} [{NUMBER.findall(before)[-1]}]"
    return "Not in your notes."


@pytest.fixture
def cloud() -> Iterator[StandInCloud]:
    with StandInCloud(says=cited) as running:
        yield running


@pytest.fixture
def open_brain(
    brain: Brain,
    folder: Callable[..., Path],
    cloud: StandInCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> Brain:
    """NOTES, with the stand-in cloud turned on."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-test")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
    brain.add([folder(NOTES)])
    # Four notes hold nothing surely enough for the shipped limit
    text = policy_text(cloud).replace("cloud_found = 0.60", "cloud_found = 0.0")
    policies_of(brain.resources).publish(text, "publish")
    return brain


def asked(
    brain: Brain, question: str, agree: bool | None = None, **more: str | bool | Scope
) -> Answer:
    """The answer; `agree`: what a person who waits says."""
    shown: list[Shown] = []

    def says(what: Shown, _passages: Passages) -> Yes:
        shown.append(what)
        return "once" if agree else ""

    request = Request(question, complexity="medium", **more)  # type: ignore[arg-type]
    given = brain.ask(request, agree=None if agree is None else says)
    print(*given.walk, *given.notices, sep="\n")  # shown where a test fails
    return given


def kinds(brain: Brain) -> list[str]:
    """Kinds of the rows of the ledger, oldest first, but for publishing and labels."""
    entries = ledger_of(brain.resources).entries()
    return [one.kind for one in entries if one.kind not in ("publish", "label")]


def test_a_weak_answer_over_public_notes_goes_by_itself(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    given = asked(open_brain, WEAK)
    assert (given.route, given.provider, given.label) == (
        "cloud",
        "anthropic",
        "public",
    )
    assert given.text.startswith(SAID)
    assert [one.verified for one in given.citations] == [True]
    assert given.cost_usd
    assert kinds(open_brain) == ["intent", "settle"]
    body = ledger_of(open_brain.resources).body(int(given.ledger_id or 0))
    assert body == cloud.requests[0].body
    assert CANARY not in cloud.requests[0].prompt
    assert "harbour" not in cloud.requests[0].prompt
    [row] = open_brain.resources.store.outcomes.rows()
    policy = policies_of(open_brain.resources).in_force().published
    assert row.policy == policy.digest
    assert (row.provider, row.usd_micro) == (
        "anthropic",
        round(given.cost_usd * 1_000_000),
    )


def test_a_likely_answer_goes_where_the_policy_wants_it_surer(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    """It is right with .70: *likely*, and no longer simple, so that no route keeps it here."""
    likely = "Who signs the lease of the depot?"
    policies = policies_of(open_brain.resources)
    assert open_brain.ask(Request(likely)).route == "local"
    text = re.sub(r"cloud_below = \S+", "cloud_below = 0.99", policies.published_text())
    policies.publish(text, "publish")
    given = open_brain.ask(Request(likely))
    assert given.route == "cloud"
    assert "likely from 0.99 on is needed" in " ".join(given.walk)
    assert len(cloud.requests) == 1


def test_what_the_notes_hardly_hold_stays(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    policies_of(open_brain.resources).publish(policy_text(cloud), "publish")
    given = asked(open_brain, WEAK)
    assert cloud.requests == []
    assert "the notes hardly hold it" in given.notices[-1]
    assert kinds(open_brain) == ["deny"]
    assert asked(open_brain, WEAK, route="cloud").route == "cloud"


def test_a_strong_answer_stays(open_brain: Brain, cloud: StandInCloud) -> None:
    given = asked(open_brain, "Who signs the lease of the depot?")
    if given.sure != "check":
        assert (given.route, cloud.requests) == ("local", [])
    forced = asked(open_brain, "Who signs the lease of the depot?", route="local")
    assert forced.route == "local"


@pytest.mark.parametrize("yes", [True, False])
def test_over_internal_notes_a_person_is_asked(
    open_brain: Brain, cloud: StandInCloud, yes: bool
) -> None:
    given = asked(open_brain, INSIDE, agree=yes)
    assert (given.route == "cloud") is yes
    assert len(cloud.requests) == int(yes)
    assert kinds(open_brain)[0] == "ask"
    assert CANARY not in "".join(one.prompt for one in cloud.requests)
    if not yes:
        assert "`brain approve" in given.notices[-1]


def test_a_yes_given_later_holds_for_the_same_bytes(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    from brain.app.governed import approvals_of

    assert asked(open_brain, INSIDE, record=False).route != "cloud"
    approvals = approvals_of(open_brain.resources)
    [waiting] = approvals.waiting()
    approvals.approve(waiting.id)
    assert asked(open_brain, INSIDE, record=False).route == "cloud"
    assert asked(open_brain, INSIDE, record=False).route != "cloud"
    assert len(cloud.requests) == 1


@pytest.mark.parametrize("way", ["", "cloud", "deep"])
def test_over_confidential_notes_nothing_is_sent(
    open_brain: Brain, cloud: StandInCloud, way: str
) -> None:
    given = asked(open_brain, SECRET, agree=True, route=way)
    assert cloud.requests == []
    assert given.route != "cloud"
    assert kinds(open_brain) == []
    if given.state != "not_found":
        assert "the evidence is confidential" in given.notices[-1]


@pytest.mark.parametrize(
    "faults",
    [Faults(status=500), Faults(status=401), Faults(cut_after=0), Faults(page=True)],
)
def test_a_cloud_that_fails_leaves_the_local_answer(
    open_brain: Brain, cloud: StandInCloud, faults: Faults
) -> None:
    cloud.faults = faults
    given = asked(open_brain, WEAK)
    assert given.route != "cloud"
    assert given.citations
    assert "the answer of this machine stands" in given.notices[-1]


def test_the_other_maker_serves_while_one_is_down(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    cloud.faults = Faults(status=529)
    asked(open_brain, WEAK)
    assert [one.path for one in cloud.requests][:2] == [
        "/v1/messages",
        "/v1/chat/completions",
    ]


def test_without_a_key_or_with_the_cloud_off_the_local_answer_comes_back(
    open_brain: Brain, cloud: StandInCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY")
    policies = policies_of(open_brain.resources)
    own = '"own/qwen3:32b" = { input = 1, output = 2 }\n'
    policies.publish(policies.published_text().replace(own, ""), "publish")
    given = asked(open_brain, WEAK)
    assert "there is no key for anthropic" in given.notices[-1]
    text = policies.published_text()
    policies.publish(text.replace("cloud = true", "cloud = false"), "publish")
    assert asked(open_brain, WEAK).route == "local"
    assert cloud.requests == []


def test_whoever_was_turned_on_is_asked_in_the_order_of_the_policy(
    open_brain: Brain, cloud: StandInCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert asked(open_brain, WEAK).provider == "openai"
    monkeypatch.delenv("OPENAI_API_KEY")
    given = asked(open_brain, WEAK)
    assert (given.provider, given.model) == ("own", "qwen3:32b")
    assert len(cloud.requests) == 2


def test_a_yes_for_an_hour_serves_the_next_question_over_that_folder(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    shown: list[Shown] = []

    def hour(what: Shown, _passages: Passages) -> Yes:
        shown.append(what)
        return "hour"

    def ask(question: str) -> str | None:
        request = Request(question, complexity="medium", route="cloud")
        return open_brain.ask(request, agree=hour).route

    [root] = open_brain.resources.store.library.roots()
    assert ask(INSIDE) == "cloud"
    assert [one.folders for one in shown] == [(root["path"],)]
    assert ask("Who wants to spend the budget of the harbour works?") == "cloud"
    assert (len(shown), len(cloud.requests)) == (1, 2)
    ledger = ledger_of(open_brain.resources)
    ledger.append("halt", because="a test")
    assert ask("Who will spend the budget of the harbour works?") == "cloud"
    assert len(shown) == 2


def test_a_yes_for_an_hour_serves_no_question_of_an_agent_or_a_program(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    """Nor one in a pipe: nobody is asked there, so that nobody could say no."""
    request = Request(INSIDE, complexity="medium", route="cloud")
    given = open_brain.ask(request, agree=lambda _shown, _passages: "hour")
    assert given.route == "cloud"
    again = "Who wants to spend the budget of the harbour works?"
    alone = asked(open_brain, again, route="cloud")
    assert (alone.route, len(cloud.requests)) == ("local", 1)
    assert kinds(open_brain)[-1] == "ask"
    assert asked(open_brain, again, agree=False, route="cloud").route == "cloud"


def test_questions_that_nobody_waits_for_halt_when_the_day_is_spent(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    policies = policies_of(open_brain.resources)
    text = policies.published_text()
    spent = text.replace("cloud_usd_per_day = 1.00", "cloud_usd_per_day = 0.00")
    policies.publish(spent, "publish")
    assert asked(open_brain, WEAK, agree=False).route == "local"
    assert policies.halt.why() == ""
    assert asked(open_brain, WEAK).route == "local"
    assert kinds(open_brain) == ["deny", "deny", "halt"]
    assert "nobody watches" in policies.halt.why()
    assert cloud.requests == []


def test_a_top_folder_is_an_added_one_or_right_below_one() -> None:
    roots = {"/notes", "/papers"}
    assert top_folder("/notes/work/a/b.md#L3", roots) == "/notes/work"
    assert top_folder("/notes/b.md", roots) == "/notes"
    assert top_folder("/papers/b.pdf", roots) == "/papers"
    assert top_folder("/notes2/b.md", roots) == ""
    assert top_folder("note:1a2b", roots) == ""


@pytest.mark.parametrize("name", ["Falcon", "falcon", "Project Falcon"])
def test_a_question_that_names_what_confidential_notes_alone_hold_stays(
    open_brain: Brain, cloud: StandInCloud, name: str
) -> None:
    question = f"{WEAK[:-1]}, and was {name} there?"
    given = asked(open_brain, question, agree=True, route="cloud")
    assert (given.route, given.label) == ("local", "confidential")
    assert cloud.requests == []
    after = asked(open_brain, WEAK, agree=True, route="cloud", follow_up=True)
    assert (after.route, cloud.requests) == ("local", [])
    most = Scope(at_most=Label.INTERNAL)
    assert open_brain.recall(Request("Falcon", scope=most)).episodes == ()


def test_a_question_that_names_what_a_public_note_holds_as_well_may_go(
    open_brain: Brain, cloud: StandInCloud, folder: Callable[..., Path]
) -> None:
    open_brain.add([folder({"open.md": "---\nlabel: public\n---\nFalcon flies.\n"})])
    question = f"{WEAK[:-1]}, and was Falcon there?"
    assert asked(open_brain, question, route="cloud").label == "public"
    assert len(cloud.requests) == 1


def test_what_whoever_asks_may_not_see_is_not_sent_for_them_either(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    """A question that names what internal notes hold is internal itself; its caller sees public ones alone."""
    public = Scope(at_most=Label.PUBLIC)
    both = "Who pays the lease of the depot and the budget of the harbour works?"
    given = asked(open_brain, both, agree=True, route="cloud", scope=public)
    assert cloud.requests
    assert "40,000" not in given.text
    assert all("40,000" not in str(request) for request in cloud.requests)


def test_an_earlier_question_that_a_caller_tells_is_as_confidential_as_what_it_names(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    told = {"follow_up": True, "previous": SECRET, "record": False}
    asked(open_brain, "When was the lease of it paid for?", agree=True, **told)
    assert cloud.requests == []
    told["previous"] = "Who is Ines Duarte?"
    given = asked(open_brain, "When was the lease of it paid for?", agree=True, **told)
    assert given.route == "cloud"


def test_a_follow_up_is_as_confidential_as_the_round_that_it_follows(
    open_brain: Brain, cloud: StandInCloud
) -> None:
    open_brain.ask(Request(SECRET, route="local"))
    given = asked(open_brain, "When was the lease of the depot paid?", follow_up=True)
    assert cloud.requests == []
    assert given.route != "cloud"


def test_a_round_that_another_command_asks_meanwhile_is_not_taken_for_the_one_before(
    open_brain: Brain, cloud: StandInCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_brain.ask(Request("Who signs the lease of the depot?", route="local"))
    first = open_brain.resources.store.episodes.last("ask")
    seen = []
    look = answers.evidence

    def heard(*given: object) -> object:
        found = look(*given)  # type: ignore[arg-type]
        seen.append(found.before)
        if len(seen) == 1:
            open_brain.remember(CANARY)
            open_brain.ask(Request(SECRET, route="local"))
        return found

    for room in (route, outside):
        monkeypatch.setattr(room, "evidence", heard)
    given = asked(
        open_brain, "When was it paid by Ines Duarte?", follow_up=True, anyway=True
    )
    # The label that is kept is that of the same round as well, not of the one asked meanwhile
    assert first is not None
    labels = [one.label for one in given.passages]
    assert given.label == highest([first.label, *labels])
    assert {one.id for one in seen if one is not None} == {first.id if first else ""}
    assert CANARY not in "".join(one.prompt for one in cloud.requests)


COPIED = "The harbour master alone may open the sluice, and Falcon knows the hour of it"
SLUICE = "When may the harbour master open the sluice, as Falcon knows?"


@pytest.fixture
def copied(open_brain: Brain, folder: Callable[..., Path]) -> Brain:
    """A sentence of a confidential note stands in a public one as well, which also speaks of the depot."""
    secret = f"Minutes of the board.\n\n{COPIED}, says the board.\n"
    public = f"The depot has a lease.\n\n{COPIED.upper()}: so much for that.\n"
    notes = {
        "minutes.md": f"---\nlabel: confidential\n---\n{secret}",
        "talk.md": f"---\nlabel: public\n---\n{public}",
        "hour.md": "---\nlabel: public\n---\nA talk about the lease of the depot.\n",
    }
    open_brain.add([folder(notes)])
    return open_brain


def test_a_copy_of_a_sentence_is_as_confidential_as_the_note_that_holds_it(
    copied: Brain, cloud: StandInCloud
) -> None:
    given = asked(copied, SLUICE, agree=True, route="cloud")
    assert cloud.requests == []
    assert given.route != "cloud"
    assert "the evidence is confidential" in given.notices[-1]


def test_a_request_is_made_without_the_note_that_holds_the_copy(
    copied: Brain, cloud: StandInCloud
) -> None:
    assert asked(copied, WEAK, route="cloud").label == "public"
    [sent] = cloud.requests
    assert "A talk about the lease" in sent.prompt
    assert "sluice" not in sent.prompt.lower()


def test_a_question_that_quotes_a_confidential_note_stays(
    copied: Brain, cloud: StandInCloud
) -> None:
    """Each word of it stands in a public note as well, and it is looked for elsewhere."""
    scope = Scope(paths=("hour.md",))
    question = f"Is the talk about the lease of the depot, if {COPIED.lower()}?"
    given = asked(copied, question, agree=True, route="cloud", scope=scope)
    assert (given.route, cloud.requests) == ("local", [])
    talk = "Is the talk about the lease of the depot, if the harbour master knows?"
    given = asked(copied, talk, route="cloud", scope=scope)
    assert len(cloud.requests) == 1


def test_a_turn_of_phrase_makes_no_note_confidential(
    open_brain: Brain, cloud: StandInCloud, folder: Callable[..., Path]
) -> None:
    """Eleven words in a row, and words that stand in both apart."""
    eleven = "signs the lease of the depot at the end of the"
    secret = f"A stranger {eleven} year of silence.\n"
    public = f"Ines Duarte {eleven} month.\n"
    notes = {
        "a.md": f"---\nlabel: confidential\n---\n{secret}",
        "b.md": f"---\nlabel: public\n---\n{public}",
    }
    open_brain.add([folder(notes)])
    assert asked(open_brain, WEAK, route="cloud").route == "cloud"
    assert eleven in cloud.requests[0].prompt

"""The rules on the command line: read, checked, tested, changed by a person alone, and explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.governed import approvals_of, ledger_of, policies_of
from brain.errors import BrainError, NotFound, Refused, UsageError
from brain.governance.facts import ConfidenceFacts, Facts, RequestFacts, SpendFacts
from brain.governance.in_force import EDITED, OLDER, Policies, shipped
from brain.governance.policy import Policy
from brain.governance.policy_cases import recorded
from brain.governance.policy_text import PolicyError
from brain.types import Request
from tests.at_terminal import at_a_terminal
from tests.end_to_end import brain as run

PUBLIC = Facts(
    RequestFacts(label="public", usd_estimate=20_000, attended=True),
    ConfidenceFacts(found=0.815, grade="check"),
)
SPENT = replace(PUBLIC, spend=SpendFacts(usd_today=990_000))


class Person:
    """Types the word, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, question: str) -> None:
        self.asked.append(question)


def nobody(_question: str) -> None:
    raise Refused("only a person may decide this", "type it yourself")


@pytest.fixture
def person() -> Person:
    return Person()


def decided(brain: Brain, facts: Facts) -> int:
    policy = Policy.parse(policies_of(brain.resources).published_text())
    decision = policy.decide("cloud.generate", facts)
    kind = "intent" if decision.outcome == "allow" else "deny"
    entry = recorded("cloud.generate", facts, decision)
    return ledger_of(brain.resources).append(kind, **entry)


BODY = b'{"content": "The budget of the harbour works."}'


def waiting(brain: Brain, origins: tuple[str, ...] = (), row: int = 0) -> str:
    """The id of a request that waits for a person, as the gate asks for one."""
    ledger = ledger_of(brain.resources)
    digest = sha256(BODY).hexdigest()
    if not row:
        row = ledger.append("ask", origins=origins, body_sha256=digest)
        ledger.keep_body(row, BODY)
    return approvals_of(brain.resources).ask(
        "ab",
        row=row,
        body_sha256=digest,
        provider="anthropic",
        model="claude-sonnet-5-5",
        host="a.example",
        label="internal",
        bytes=len(BODY),
        usd_micro=20_000,
    )


def switched_on(brain: Brain) -> None:
    brain.policy.set("cloud", "true", Person())


def test_the_policy_reads_as_prose_and_its_file_is_there_afterwards(
    brain: Brain,
) -> None:
    said = run("policy", "show").stdout
    assert "the cloud is off" in said
    assert re.search(r"cloud_usd_per_day +1\.00", said)
    assert "research is off" in said
    assert (
        "cloud.generate asks you first: internal material leaves only after you have seen it (internal-asks)"
        in said
    )
    assert "code (high)" in said
    assert "openai/gpt-6.1-sol where the answer is not answered; $" in said
    assert "when request.label" not in said
    assert 'when request.label == "public"' in run("policy", "show", "--explain").stdout
    home = brain.config.home
    assert (home / "policy.toml").read_text() == shipped()
    assert (home / "policy.test.toml").exists()
    shape = run("policy", "show", "--json").json
    assert shape["cloud"] is False
    assert shape["rules"][0]["id"] == "cloud-is-off"


@pytest.mark.parametrize(
    "value",
    ["Infinity", "nan", "sNaN", "-1", "-.5", "1e999999", "9" * 5_000, "x" * 5_000],
)
def test_a_value_that_is_no_number_is_refused(brain: Brain, value: str) -> None:
    with pytest.raises(UsageError, match="is a number from 0 on, not"):
        brain.policy.set("cloud_usd_per_day", value, Person())


@pytest.mark.parametrize("number", ["1e999999", "1e9999999999999999999", "inf"])
def test_a_limit_that_no_one_could_spend_is_a_mistake(number: str) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(shipped().replace("per_day = 1.00", f"per_day = {number}"))


@pytest.mark.parametrize("draft", [b"[[[", b"\xff", b"x = " + b"9" * 5_000])
def test_a_file_that_is_no_policy_is_not_changed(brain: Brain, draft: bytes) -> None:
    policies = policies_of(brain.resources)
    policies.path.write_bytes(draft)
    with pytest.raises(PolicyError, match=r"policy\.toml"):
        brain.policy.set("cloud", "true", Person())
    assert policies.path.read_bytes() == draft


def test_a_home_that_may_only_be_read_shows_its_policy(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def may_not(_self: Policies) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Policies, "write_default", may_not)
    assert brain.policy.show().rules


def test_a_sound_policy_and_its_cases(brain: Brain) -> None:
    assert run("policy", "check").stdout == "policy.toml is sound: 25 rules, 9 routes\n"
    assert run("policy", "test").stdout == "46 of 46 cases hold\n"


def test_a_mistake_is_two_lines_with_its_line(brain: Brain) -> None:
    policies_of(brain.resources).write(
        shipped().replace("not flags.cloud", "not flags.clod")
    )
    for verb in ("check", "test", "diff", "publish"):
        ran = run("policy", verb)
        assert ran.code == 1
        message, hint = ran.two_lines()
        line = shipped()[: shipped().index('id = "cloud-is-off"')].count("\n")
        assert f"line {line} of policy.toml: `when` of cloud-is-off" in message
        assert "brain policy check" in hint
    assert "cannot be read" in run("policy", "show").stdout


def test_a_model_without_a_price_or_a_host_is_named(brain: Brain) -> None:
    text = shipped().replace("openai/gpt-6.1-sol", "mine/qwen")
    policies_of(brain.resources).write(text)
    ran = run("policy", "check")
    assert ran.code == 1
    assert "mine/qwen has no host under [hosts]" in ran.stdout
    assert "the price of mine/qwen is not known" in ran.stdout


def test_a_higher_limit_shows_which_past_decisions_change_and_comes_into_force(
    brain: Brain, person: Person
) -> None:
    switched_on(brain)
    decided(brain, SPENT)
    decided(brain, PUBLIC)
    done = brain.policy.set("cloud_usd_per_day", "2", person)
    (question,) = person.asked
    assert "+cloud_usd_per_day = 2" in question
    assert "1 of 2 past decisions change (wait → allow)" in question
    assert "wait → allow (public-may-go)" in question
    assert (done.how, len(done.diff.changed)) == ("set", 1)
    assert policies_of(brain.resources).in_force().limits.day == 2_000_000
    assert (
        "# Dollars for a million tokens"
        in policies_of(brain.resources).path.read_text()
    )


@pytest.mark.parametrize("factor", ["0.01", "1000"])
def test_any_limit_can_be_set_without_a_change_of_the_cases(
    factor: str, brain: Brain, person: Person
) -> None:
    for name in (
        "cloud_usd_per_request",
        "cloud_usd_per_day",
        "cloud_usd_per_month",
        "cloud_tokens_per_hour",
    ):
        brain.policy.set(name, factor, person)
    assert len(person.asked) == 4


def test_nothing_is_published_where_nobody_types_the_word(brain: Brain) -> None:
    before = policies_of(brain.resources).published_text()
    with pytest.raises(Refused):
        brain.policy.set("cloud_usd_per_day", "2", nobody)
    assert policies_of(brain.resources).published_text() == before
    assert policies_of(brain.resources).draft_text() is None
    assert ledger_of(brain.resources).verify().rows == 0


@pytest.mark.parametrize(
    "words",
    [["policy", "set", "cloud", "true"], ["resume"], ["approve", "{id}"]],
)
def test_an_agent_is_refused_with_exit_code_4(
    words: list[str], brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    brain.policy.halt("for a test")
    name = waiting(brain)
    ran = run(*(word.format(id=name) for word in words))
    assert ran.code == 4
    assert "only a person" in ran.two_lines()[0]
    assert not policies_of(brain.resources).in_force().cloud
    assert policies_of(brain.resources).in_force().halted == "for a test"
    assert not approvals_of(brain.resources).take("ab")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cloud_usd_per_week", "2", "no number or switch"),
        ("cloud_usd_per_day", "two", "is a number"),
        ("cloud", "yes", "is true or false"),
    ],
)
def test_what_cannot_be_set_is_named(
    name: str, value: str, said: str, brain: Brain
) -> None:
    with pytest.raises(UsageError, match=said):
        brain.policy.set(name, value, nobody)


def test_a_negative_or_endless_limit_is_refused(brain: Brain) -> None:
    for value in ("-1", "nan"):
        with pytest.raises(BrainError):
            brain.policy.set("cloud_usd_per_day", value, nobody)


def test_a_case_that_does_not_hold_keeps_a_policy_from_being_published(
    brain: Brain, person: Person
) -> None:
    loose = shipped().replace('then = "ask"', 'then = "allow"', 1)
    policies_of(brain.resources).write(loose)
    with pytest.raises(
        BrainError, match="a weak answer over internal notes asks first: allow"
    ):
        brain.policy.publish(person)
    assert person.asked == []
    ran = run("policy", "test")
    assert ran.code == 1
    assert "fails a weak answer over internal notes asks first" in ran.stdout


def test_unpublished_edits_are_said_and_the_diff_names_them(brain: Brain) -> None:
    policies_of(brain.resources).write(
        shipped().replace("per_day = 1.00", "per_day = 2")
    )
    assert "has unpublished edits" in run("policy", "show").stdout
    assert "has unpublished edits" in run("status").stdout + run("status").stderr
    said = run("policy", "diff").stdout
    assert "-cloud_usd_per_day = 1.00" in said
    assert "+cloud_usd_per_day = 2" in said
    assert "0 of 0 past decisions change" in said


def test_what_was_not_changed_is_not_published(brain: Brain, person: Person) -> None:
    brain.policy.show()
    with pytest.raises(UsageError, match="nothing was changed"):
        brain.policy.publish(person)


def test_history_and_rollback_byte_for_byte(brain: Brain, person: Person) -> None:
    switched_on(brain)
    path = policies_of(brain.resources).path
    before = path.read_bytes()
    brain.policy.set("cloud_usd_per_day", "2", person)
    brain.policy.rollback(0, person)
    assert path.read_bytes() == before
    rows = run("policy", "history").stdout.splitlines()
    assert [row.split()[3] for row in rows] == ["rollback", "set", "set"]
    brain.policy.rollback(2, person)
    assert policies_of(brain.resources).in_force().limits.day == 2_000_000
    with pytest.raises(NotFound):
        brain.policy.rollback(9, person)
    assert [entry.kind for entry in ledger_of(brain.resources).entries()] == [
        "publish"
    ] * 4


def test_a_decision_is_explained_by_the_policy_of_then(
    brain: Brain, person: Person
) -> None:
    assert run("policy", "explain").code == 3
    switched_on(brain)
    row = decided(brain, SPENT)
    decided(brain, PUBLIC)
    brain.policy.set("cloud_usd_per_day", "2", person)
    said = run("policy", "explain", str(row), "--explain").stdout
    assert "cloud.generate waits" in said
    assert (
        "day-is-spent wait: what may be spent in a day is spent (cloud_usd_per_day)"
        in said
    )
    assert (
        "when spend.usd_today + request.usd_estimate > limits.cloud_usd_per_day" in said
    )
    assert "spend.usd_today" in said
    assert "0.99" in said
    assert "0.815" in said
    last = run("policy", "explain").stdout
    assert "cloud.generate may go" in last
    assert run("policy", "explain", "1").code == 3
    assert run("policy", "explain", "1", "--json").json["error"]["kind"] == "not_found"


def test_halt_and_resume_are_in_the_ledger(brain: Brain, person: Person) -> None:
    assert "nothing leaves" in run("halt", "on holiday").stdout
    assert run("halt").stdout == "it was halted before\n"
    assert "on holiday" in run("policy", "show").stdout
    assert brain.policy.resume(person)
    assert person.asked == ["it was halted: on holiday"]
    assert not brain.policy.resume(person)
    kinds = [entry.kind for entry in ledger_of(brain.resources).entries()]
    assert kinds == ["halt", "resume"]


def test_a_refusal_that_no_policy_decided_is_explained_as_well(brain: Brain) -> None:
    facts = Facts(RequestFacts(label="confidential"))
    ledger_of(brain.resources).append(
        "deny",
        action="cloud.generate",
        decision="deny",
        rules=("confidential-floor",),
        because="confidential material never leaves this machine",
        facts=facts.as_text(),
    )
    said = run("policy", "explain").stdout
    assert "decided in code" in said
    assert "confidential-floor deny: confidential material never leaves" in said


# -- approving -----------------------------------------------------------------------------------------

PROGRAM = "import sys\nfrom brain.doors.cli import main\nmain(sys.argv[1:])"


@pytest.fixture
def waits(brain: Brain, folder: Callable[..., Path]) -> str:
    """The id of a request made of two passages of one note, and of the round before."""
    brain.add([folder({"harbour.md": "# Harbour works\n\nThe budget of the works."})])
    found = brain.search(Request("budget of the works")).passages
    return waiting(brain, (*[one.id for one in found], "round1"))


def test_what_waits_is_listed_and_shown_whole_without_being_approved(
    brain: Brain, waits: str
) -> None:
    listed = f"{waits}  a.example  claude-sonnet-5-5  internal  at most $0.02"
    assert listed in run("approve").stdout
    shown = run("approve", waits, "--json").json
    assert shown["body"].encode() == BODY
    assert (shown["host"], shown["label"], shown["usd_micro"]) == (
        "a.example",
        "internal",
        20_000,
    )
    note, before = shown["sources"]
    assert note["source"].endswith("harbour.md")
    assert note["title"] == "Harbour works"
    assert before == {"source": "round1", "title": ""}
    assert not approvals_of(brain.resources).take("ab")
    assert run("approve", "nothing", "--json").code == 3


@pytest.mark.parametrize("flags", [(), ("--view",)])
def test_a_person_sees_receiver_price_sources_and_bytes_before_the_word(
    brain: Brain, waits: str, flags: tuple[str, ...]
) -> None:
    asks = "type approve to go on, v to view the bytes: "
    typed = [(asks, "v"), (asks, "approve")]
    code, said = at_a_terminal(PROGRAM, typed, "approve", waits, *flags)
    before, *after = said.split(asks)
    assert code == 0
    assert "to a.example (claude-sonnet-5-5): internal" in before
    assert "at most $0.02" in before
    assert "harbour.md" in before
    assert "Harbour works" in before
    assert (BODY.decode() in before) is bool(flags)
    assert BODY.decode() in after[0]
    assert approvals_of(brain.resources).take("ab")
    entry = ledger_of(brain.resources).last(1)[0]
    assert (entry.kind, entry.facts["approval"]) == ("approve", waits)


def test_another_word_approves_nothing(brain: Brain, waits: str) -> None:
    typed = [("view the bytes: ", "yes")]
    code, said = at_a_terminal(PROGRAM, typed, "approve", waits)
    assert code == 4
    assert "the word was not approve" in said
    assert not approvals_of(brain.resources).take("ab")


@pytest.mark.parametrize("gone", ["changed", "away", "never kept"])
def test_what_nobody_can_look_at_is_not_approved(
    brain: Brain, person: Person, gone: str
) -> None:
    name = waiting(brain, row=99 if gone == "never kept" else 0)
    kept = brain.config.home / "ledger" / "bodies" / "1"
    if gone == "changed":
        kept.write_bytes(BODY.replace(b"works", b"vault"))
    elif gone == "away":
        kept.unlink()
    with pytest.raises(Refused, match="not kept any more"):
        brain.policy.approve(name, person)
    assert person.asked == []
    assert not approvals_of(brain.resources).take("ab")


# -- what an older brain came with -----------------------------------------------------------------------

NEWER = "pages-of-the-round"  # a rule that the older one lacks


def older() -> str:
    """A policy that an older brain came with: that of the first release whose rules are others."""
    return (Path(__file__).parent / "older_policy.toml").read_text("utf-8")


def test_whoever_changed_nothing_runs_what_brain_comes_with_and_hears_nothing(
    brain: Brain,
) -> None:
    policies = policies_of(brain.resources)
    path = policies.path
    path.write_text(older())
    assert not policies.in_force().edited
    assert policies.notices() == []
    assert run("policy", "diff").stdout.startswith("the file is what is in force")
    assert NEWER in run("policy", "show").stdout
    assert path.read_text() == shipped()


def test_an_edit_of_an_older_policy_is_still_an_edit(brain: Brain) -> None:
    policies = policies_of(brain.resources)
    policies.path.write_text(older().replace("per_day = 1.00", "per_day = 2.00"))
    assert policies.in_force().edited
    assert policies.notices() == [EDITED]


@pytest.mark.parametrize("own", ["as it came", "a limit and a server of their own"])
def test_whoever_published_older_rules_is_told_and_takes_the_new_ones(
    brain: Brain, person: Person, own: str
) -> None:
    text = older().replace("cloud = false", "cloud = true")
    if own != "as it came":
        text = text.replace("per_day = 1.00", "per_day = 2.00")
        text = text.replace("[prices]", '[prices]\n"own/q" = { input = 1, output = 2 }')
        host = (
            'own = { kind = "openai", address = "http://a.example", label = "public" }'
        )
        text = text.replace("[hosts]", f"[hosts]\n{host}")
    policies = policies_of(brain.resources)
    policies.publish(text, "publish")
    assert policies.notices() == [OLDER]
    assert "older brain" in run("status").stderr + run("status").stdout
    brain.policy.adopt(person)
    assert NEWER in person.asked[0]
    now = policies.in_force().published
    rules = [rule.id for rule in now.contents.rules]
    assert rules == [rule.id for rule in Policy.parse(shipped()).contents.rules]
    before = Policy.parse(text).contents
    assert now.cloud
    assert dict(now.contents.hosts) == dict(before.hosts)
    assert before.limits.items() <= now.contents.limits.items()
    assert dict(now.contents.prices) == dict(before.prices)
    assert policies.notices() == []
    assert policies.path.read_text() == now.text
    with pytest.raises(UsageError, match="nothing was changed"):
        brain.policy.adopt(person)


def test_taking_the_new_rules_loses_no_edit(brain: Brain, person: Person) -> None:
    policies = policies_of(brain.resources)
    policies.publish(older().replace("cloud = false", "cloud = true"), "publish")
    policies.write(f"{policies.published_text()}\n# a word\n")
    with pytest.raises(UsageError, match="unpublished edits"):
        brain.policy.adopt(person)
    assert person.asked == []

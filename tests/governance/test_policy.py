"""The policy: what leaves and what stays as shipped, mistakes named with their line, and nothing loosened by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brain.errors import NotFound, Refused
from brain.governance.approvals import VALID, Approvals
from brain.governance.budget import Limits
from brain.governance.facts import (
    ClockFacts,
    ConfidenceFacts,
    Facts,
    RequestFacts,
    ResearchFacts,
    SpendFacts,
    clock_facts,
    facts_of,
)
from brain.governance.halt import Halt
from brain.governance.in_force import FILE, SHIPPED_TESTS, Policies, shipped
from brain.governance.ledger import Ledger, Verified
from brain.governance.policy import (
    FLOOR,
    OUTWARD,
    Decision,
    Policy,
    Route,
    strictest,
)
from brain.governance.policy_cases import Tried, cases, changed, recorded, tried
from brain.governance.policy_text import ACTIONS, OUTCOMES, Outcome, PolicyError
from brain.governance.prices import MICRO, Price, price_of
from brain.labels import Label
from brain.store import Store

SHIPPED = Policy.parse(shipped())
ON = SHIPPED.with_flags({"cloud": True})
LOOKING = SHIPPED.with_flags({"cloud": True, "web": True, "research": True})
BELOW = float(SHIPPED.contents.limits["cloud_below"])
WEAK = ConfidenceFacts(grade="check")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def asked(**request: object) -> Facts:
    return Facts(RequestFacts(**{"attended": True, **request}), WEAK)  # type: ignore[arg-type]


# -- as shipped ---------------------------------------------------------------------------------------


def test_the_shipped_policy_passes_its_own_cases() -> None:
    results = list(tried(SHIPPED, cases(shipped(SHIPPED_TESTS))))
    assert [result for result in results if result.said] == []
    assert len(results) >= 15


def test_every_shipped_rule_is_hit_by_a_shipped_case() -> None:
    listed = cases(shipped(SHIPPED_TESTS))
    named = {case.rule for case in listed}
    assert {rule.id for rule in SHIPPED.contents.rules} <= named


@pytest.mark.parametrize("rule", [rule.id for rule in SHIPPED.contents.rules])
def test_each_shipped_rule_is_missed_when_it_is_gone(rule: str) -> None:
    kept = [one for one in SHIPPED.contents.rules if one.id != rule]
    less = Policy(SHIPPED.text, replace(SHIPPED.contents, rules=tuple(kept)))
    results = tried(less, cases(shipped(SHIPPED_TESTS)))
    assert any(result.said for result in results)


def test_with_all_rules_deleted_everything_that_leads_out_is_denied() -> None:
    text = shipped()
    none = text[: text.index("[[rule]]")] + text[text.index("[[route]]") :]
    policy = Policy.parse(none.replace("cloud = false", "cloud = true"))
    assert policy.contents.rules == ()
    for action in ACTIONS:
        outcome = policy.decide(action, asked(label="public")).outcome
        assert (outcome == "deny") == action.startswith(OUTWARD), action
    assert policy.decide("label.lower", asked()).outcome == "ask"


@pytest.mark.parametrize(
    ("task", "complexity", "route"),
    [
        ("embedding", "high", Route("local", "", "likely")),
        ("extract", "high", Route("local", "", "likely")),
        ("ask", "low", Route("local", "", "likely")),
        ("ask", "medium", Route("anthropic", "claude-sonnet-5-5", "likely", BELOW)),
        ("code", "medium", Route("local", "", "likely")),
        ("code", "high", Route("openai", "gpt-6.1-sol", "answered")),
        ("write", "low", Route("local", "", "likely")),
        ("write", "medium", Route("anthropic", "claude-sonnet-5-5", "answered")),
        ("plan", "low", Route("anthropic", "claude-opus-5-5", "answered")),
        ("research", "low", Route("anthropic", "claude-opus-5-5", "answered")),
        ("nobody knows it", "low", Route("anthropic", "claude-opus-5-5", "answered")),
    ],
)
def test_routes_as_shipped(task: str, complexity: str, route: Route) -> None:
    assert SHIPPED.route(task, complexity, Facts()) == route


def test_every_model_of_the_shipped_policy_has_a_price_and_a_host() -> None:
    models = {(route.provider, route.model) for route in SHIPPED.contents.routes}
    models |= set(SHIPPED.contents.other_maker.values())
    for provider, model in models - {("local", "")}:
        assert price_of(provider, model, {}).input > 0
        assert SHIPPED.hosts[provider].label == Label.INTERNAL
    assert SHIPPED.other_maker("anthropic") == ("openai", "gpt-6.1-sol")


def test_limits_are_micro_dollars() -> None:
    assert SHIPPED.limits == Limits(250_000, 1_000_000, 10_000_000, 200_000)


MICROS = st.integers(0, 12 * MICRO)
SPENDS = st.builds(SpendFacts, MICROS, MICROS, st.integers(0, 400_000))
REQUESTS = st.builds(
    RequestFacts,
    label=st.sampled_from(["public", "internal", "confidential"]),
    stakes=st.sampled_from(["normal", "high"]),
    usd_estimate=st.integers(0, MICRO // 2),
    tokens_estimate=st.integers(0, 50_000),
    forced=st.booleans(),
    approved=st.booleans(),
    attended=st.booleans(),
    untrusted_context=st.booleans(),
)
CONFIDENCE = st.builds(
    ConfidenceFacts,
    grade=st.sampled_from(["", "check", "likely"]),
    enough=st.booleans(),
)


@given(REQUESTS, CONFIDENCE, SPENDS, SPENDS, st.sampled_from(ACTIONS))
@example(
    # Nothing allows it, and what a day may cost is spent: that waits for no other day
    RequestFacts(label="public", attended=False),
    ConfidenceFacts(),
    SpendFacts(0, 0, 0),
    SpendFacts(MICRO + 1, 0, 0),
    "cloud.shadow",
)
def test_more_spending_never_loosens_an_outcome(
    request: RequestFacts,
    confidence: ConfidenceFacts,
    less: SpendFacts,
    more: SpendFacts,
    action: str,
) -> None:
    raised = SpendFacts(
        less.usd_today + more.usd_today,
        less.usd_month + more.usd_month,
        less.tokens_hour + more.tokens_hour,
    )
    before = ON.decide(action, Facts(request, confidence, less)).outcome
    after = ON.decide(action, Facts(request, confidence, raised)).outcome
    assert OUTCOMES.index(after) >= OUTCOMES.index(before)


@given(REQUESTS, CONFIDENCE, SPENDS)
def test_nothing_confidential_is_ever_allowed(
    request: RequestFacts, confidence: ConfidenceFacts, spend: SpendFacts
) -> None:
    facts = Facts(replace(request, label="confidential"), confidence, spend)
    assert ON.decide("cloud.generate", facts).outcome in ("deny", "halt")


# -- deciding -----------------------------------------------------------------------------------------


def test_every_rule_that_matches_is_recorded_the_strictest_first() -> None:
    decision = ON.decide("cloud.generate", asked(label="public", stakes="high"))
    assert [hit.rule for hit in decision.hits] == ["high-stakes-ask", "public-may-go"]
    assert decision.because.endswith("a person looks first (high-stakes-ask)")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_rule_locks_a_person_out_or_answers_for_one(outcome: Outcome) -> None:
    """A rule may keep a label as it is; never lower one without a person, nor stand in the way of a new policy."""
    rule = RULE.format("'true'").replace('"deny"', f'"{outcome}"')
    becomes = {"policy.publish": "ask", "label.lower": strictest(["ask", outcome])}
    for action, expected in becomes.items():
        family = f"{action.partition('.')[0]}.*"
        text = rule.replace("cloud.generate", family)
        policy = Policy.parse(changed_text("[[route]]", text))
        assert policy.decide(action, asked()).outcome == expected


@pytest.mark.parametrize("label", ["confidential", "unlabelled", "secret", ""])
@pytest.mark.parametrize("action", [one for one in ACTIONS if one.startswith(OUTWARD)])
def test_a_policy_that_allows_everything_lets_nothing_confidential_out(
    label: str, action: str
) -> None:
    """The floor is code. A word that is no label may not leave either."""
    text = shipped()
    family = f"{action.partition('.')[0]}.*"
    rule = RULE.format("'true'").replace("cloud.generate", family)
    rule = rule.replace('"deny"', '"allow"').removesuffix("[[route]]")
    only = text[: text.index("[[rule]]")] + rule + text[text.index("[[route]]") :]
    policy = Policy.parse(only)
    assert policy.decide(action, asked(label="public")).outcome == "allow"
    decision = policy.decide(action, asked(label=label, approved=True, forced=True))
    assert (decision.outcome, decision.hits[0].rule) == ("deny", FLOOR)


NO_LABEL_BUT = st.sampled_from(("public", "internal"))
RESEARCH = st.builds(
    ResearchFacts,
    *[st.integers(0, 100)] * 4,  # type: ignore[arg-type]
    st.integers(0, 1_000_000),
)


@given(NO_LABEL_BUT, st.booleans(), RESEARCH, RESEARCH, st.sampled_from(ACTIONS))
def test_more_research_never_loosens_an_outcome(
    label: str, attended: bool, one: ResearchFacts, other: ResearchFacts, action: str
) -> None:
    less = [min(pair) for pair in zip(astuple(one), astuple(other), strict=True)]
    more = [max(pair) for pair in zip(astuple(one), astuple(other), strict=True)]
    request = RequestFacts(task="research", label=label, attended=attended)
    outcomes = []
    for counts in (less, more):
        facts = Facts(request, research=ResearchFacts(*counts))
        outcomes.append(LOOKING.decide(action, facts).outcome)
    assert strictest(outcomes) == outcomes[1]


@pytest.mark.parametrize(
    ("name", "fact", "action"),
    [
        ("research_cycles_per_day", "cycles_today", "research.cycle"),
        ("research_pages_per_day", "pages_today", "web.fetch"),
        ("research_pages_per_cycle", "pages", "web.search"),
        ("research_followups", "depth", "research.followup"),
        ("research_usd_per_day", "usd_today", "research.cycle"),
    ],
)
def test_each_limit_of_research_holds_at_its_number(
    name: str, fact: str, action: str
) -> None:
    limit = LOOKING.contents.limits[name]
    unit = MICRO if fact.startswith("usd_") else 1
    last = int(limit * unit)
    if fact in ("cycles_today", "pages_today", "pages"):
        last -= 1
    request = RequestFacts(task="research", label="public")
    for number, outcome in ((last, True), (last + 1, False)):
        research = replace(ResearchFacts(), **{fact: number})
        decision = LOOKING.decide(action, Facts(request, research=research))
        assert (decision.outcome == "allow") is outcome
    assert name in decision.because


def test_switches_that_an_older_policy_does_not_name_are_off() -> None:
    text = changed_text("\nweb = false", "\n# web")
    policy = Policy.parse(text.replace("\nresearch = false", "\n# research"))
    for action in ("web.fetch", "research.cycle"):
        assert policy.decide(action, asked(label="public")).outcome == "deny"


def test_a_halt_stops_what_leads_out_and_nothing_else() -> None:
    for action in ACTIONS:
        facts = replace(asked(label="public"), halted="enough for today")
        stopped = ON.decide(action, facts).outcome == "halt"
        assert stopped == action.startswith(OUTWARD), action


def test_an_unknown_action_is_no_action() -> None:
    with pytest.raises(ValueError, match="no action"):
        ON.decide("cloud.dance", Facts())


def test_a_rule_that_cannot_be_held_against_the_facts_denies() -> None:
    text = changed_text(
        "when = 'request.label == \"public\"'",
        "when = 'clock.hour / clock.weekday > 1'",
    )
    policy = Policy.parse(text).with_flags({"cloud": True})
    facts = replace(asked(label="public"), clock=ClockFacts(hour=3, weekday=0))
    decision = policy.decide("cloud.generate", facts)
    assert decision.outcome == "deny"
    assert "could not be held against" in decision.because


@given(REQUESTS, CONFIDENCE, SPENDS, st.floats(0, 1))
def test_facts_come_back_from_the_ledger_as_they_were(
    request: RequestFacts, confidence: ConfidenceFacts, spend: SpendFacts, found: float
) -> None:
    sure = replace(confidence, found=round(found, 3))
    research = ResearchFacts(1, 2, 3, 1, 500_000)
    facts = Facts(request, sure, spend, clock_facts(NOW), "stop", research)
    assert Facts.of_text(facts.as_text()) == facts


@pytest.mark.parametrize(
    "given_facts",
    [
        {"request": {"labl": "public"}},
        {"request": {"label": 1}},
        {"request": {"approved": 1}},
        {"spend": {"usd_today": True}},
        {"weather": {}},
        {"request": "public"},
    ],
)
def test_facts_that_there_are_not_are_refused(given_facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"fact|kind"):
        facts_of(given_facts)


# -- mistakes -----------------------------------------------------------------------------------------


def changed_text(before: str, after: str) -> str:
    assert before in shipped()
    return shipped().replace(before, after, 1)


RULE = '[[rule]]\nid = "mine"\naction = "cloud.generate"\nthen = "deny"\nbecause = "so"\nwhen = {}\n\n[[route]]'
MISTAKES = {
    "not toml [": ("[limits]", "[limits"),
    "no part of it": ("[limits]", "[limit]"),
    "lacks cloud_usd_per_day": ("cloud_usd_per_day = 1.00\n", ""),
    "cloud_usd_per_day must be a number from 0 to": ("per_day = 1.00", "per_day = -1"),
    "must be true or false": ("cloud = false", "cloud = 0"),
    "lacks because": ('because = "the local answer is good enough"', ""),
    "has no becuase": ('because = "the local', 'because = "x"\nbecuase = "the local'),
    "two rules have the id": ('id = "public-may-go"', 'id = "internal-asks"'),
    "it must be one of allow, wait, ask, deny, halt": (
        'then = "ask"',
        'then = "perhaps"',
    ),
    "is 'cloud.go'": ('action = "cloud.generate"', 'action = "cloud.go"'),
    "a person is always asked": (
        'action = "cloud.generate"',
        'action = "policy.publish"',
    ),
    "unknown attribute: 'labl'": (
        "[[route]]",
        RULE.format("'request.labl == \"public\"'"),
    ),
    "data type mismatch": (
        "[[route]]",
        RULE.format("'flags.cloud and request.label > 3'"),
    ),
    "unknown symbol: 'requst'": (
        "[[route]]",
        RULE.format("'flags.cloud or requst.forced'"),
    ),
    "unknown attribute: 'nowhere'": (
        "[[route]]",
        RULE.format("'spend.usd_today > limits.nowhere'"),
    ),
    "neither true nor false": ("[[route]]", RULE.format("'request.label'")),
    'never "publc"': ("[[route]]", RULE.format("'request.label == \"publc\"'")),
    "syntax error": ("[[route]]", RULE.format("'request.forced and'")),
    "the last [[route]] must be": ('task = "*"', 'task = "ask"'),
    "is no model": ('model = "openai/gpt-6.1-sol"', 'model = "gpt"'),
    "must begin with https": ("https://api.openai.com/v1", "api.openai.com"),
    "no label: secret": ('v1", label = "internal"', 'v1", label = "secret"'),
    "lacks output": ("[prices]", '[prices]\n"mine/qwen" = { input = 1 }'),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_named(said: str) -> None:
    text = changed_text(*MISTAKES[said])
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    if said[:3] not in ("not", "no "):
        assert said in caught.value.message
    assert "brain policy check" in caught.value.hint


@pytest.mark.parametrize(
    ("before", "after", "line_of"),
    [
        ("per_day = 1.00", "per_day = -1", "cloud_usd_per_day"),
        ('then = "ask"', 'then = "perhaps"', '[[rule]]\nid = "internal-asks"'),
        ("not flags.cloud", "not flags.clod", '[[rule]]\nid = "cloud-is-off"'),
        ("https://api.openai.com/v1", "x", "openai = { kind"),
        ("cloud = false", "cloud = false false", "cloud = false"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    before: str, after: str, line_of: str
) -> None:
    text = changed_text(before, after)
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    line = text[: text.index(line_of)].count("\n") + 1
    assert caught.value.line == line
    assert f"line {line} of policy.toml" in caught.value.message


def test_stated_prices_hosts_and_numbers_of_ones_own() -> None:
    text = changed_text(
        "[prices]", '[prices]\n"mine/qwen" = { input = 0.5, output = 2 }'
    )
    text = text.replace(
        "[hosts]",
        '[hosts]\nmine = { kind = "openai", address = "http://10.0.0.5:8000/v1", label = "public" }',
    )
    text = text.replace("[limits]", "[limits]\nnight = 22")
    text = text.replace("[[route]]", RULE.format("'clock.hour >= limits.night'"), 1)
    policy = Policy.parse(text).with_flags({"cloud": True})
    assert policy.prices == {"mine/qwen": Price(500_000, 2_000_000)}
    assert policy.hosts["mine"].label == Label.PUBLIC
    late = replace(asked(label="public"), clock=ClockFacts(hour=23))
    assert policy.decide("cloud.generate", late).hits[0].rule == "mine"
    assert policy.decide("cloud.generate", asked(label="public")).outcome == "allow"


# -- cases and past decisions --------------------------------------------------------------------------


def test_a_case_that_does_not_hold_says_what_came_instead() -> None:
    text = '[[case]]\nname = "x"\naction = "cloud.generate"\noutcome = "allow"\nflags = { cloud = true }\n'
    (result,) = tried(SHIPPED, cases(text))
    assert result == Tried(
        "x",
        "deny by confidential-stays, and not allow",
        ("confidential-stays", FLOOR),
    )
    other = text.replace("allow", "deny") + 'rule = "public-may-go"\n'
    (result,) = tried(SHIPPED, cases(other))
    assert (
        result.said == f"public-may-go does not match, but confidential-stays, {FLOOR}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[[case]]\nname = 'x'\naction = 'sing'\noutcome = 'deny'",
        "[[case]]\nacton = 1",
        "x = 1",
        "case = [",
        "[[case]]\naction = 'cloud.generate'\noutcome = 'deny'\nfacts = { a = 1 }",
    ],
)
def test_a_case_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(PolicyError):
        cases(text)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "brain.db")
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store, tmp_path: Path) -> Ledger:
    return Ledger(store, tmp_path)


@pytest.fixture
def policies(store: Store, tmp_path: Path, ledger: Ledger) -> Policies:
    return Policies(store, tmp_path, ledger, lambda: NOW)


def decided(
    ledger: Ledger, policy: Policy, facts: Facts, kind: str = "deny"
) -> Decision:
    decision = policy.decide("cloud.generate", facts)
    ledger.append(kind, **recorded("cloud.generate", facts, decision))
    return decision


def test_a_higher_limit_shows_which_past_decisions_change(ledger: Ledger) -> None:
    spent = replace(
        asked(label="public", usd_estimate=20_000), spend=SpendFacts(usd_today=990_000)
    )
    assert decided(ledger, ON, spent).outcome == "wait"
    decided(ledger, ON, asked(label="public"), "intent")
    ledger.append("label", document="d")
    richer = Policy.parse(changed_text("per_day = 1.00", "per_day = 2")).with_flags(
        {"cloud": True}
    )
    count, found = changed(richer, ledger.entries())
    assert count == 2
    assert [(one.row, one.before, one.after) for one in found] == [(1, "wait", "allow")]
    assert changed(ON, ledger.entries()) == (2, [])


# -- what is in force ----------------------------------------------------------------------------------


def test_a_text_is_read_once_and_another_one_anew(policies: Policies) -> None:
    """What a flag is for one question stays with that; a mistake is told each time."""
    first = policies.in_force().published
    assert policies.in_force().published is first
    assert first.with_flags({"cloud": True}).cloud
    assert not policies.in_force().cloud
    text = switched_on(policies)
    now = policies.in_force()
    assert (now.cloud, now.published.text) == (True, text)
    wrong = changed_text("not flags.cloud", "not flags.clod")
    for _again in range(2):
        with pytest.raises(PolicyError, match="clod"):
            Policy.parse(wrong)


def test_without_a_file_the_shipped_policy_is_in_force(policies: Policies) -> None:
    now = policies.in_force()
    assert now.published.text == shipped()
    assert not now.edited
    assert not now.cloud
    policies.write_default()
    assert policies.path.read_text() == shipped()
    assert policies.path.stat().st_mode & 0o777 == 0o600
    assert not policies.in_force().edited


def switched_on(policies: Policies) -> str:
    text = changed_text("cloud = false", "cloud = true")
    policies.publish(text, "publish")
    return text


def test_while_the_file_is_edited_the_stricter_of_both_applies(
    policies: Policies,
) -> None:
    text = switched_on(policies)
    public = asked(label="public")
    assert policies.decide("cloud.generate", public).outcome == "allow"
    policies.write(text.replace("cloud = true", "cloud = false"))
    assert policies.in_force().edited
    assert policies.decide("cloud.generate", public).outcome == "deny"
    assert not policies.in_force().cloud
    loose = text.replace('then = "ask"', 'then = "allow"').replace(
        "per_day = 1.00", "per_day = 9"
    )
    policies.write(loose)
    internal = asked(label="internal")
    assert policies.decide("cloud.generate", internal).outcome == "ask"
    assert policies.in_force().limits.day == 1_000_000
    policies.write(text.replace("api.openai.com", "api.other.example"))
    assert set(policies.in_force().hosts) == {"anthropic"}
    policies.publish(loose, "publish")
    assert policies.decide("cloud.generate", internal).outcome == "allow"


def test_a_condition_that_fails_keeps_it_here() -> None:
    """Whether it stands in a route or in a rule."""
    fails = 'when = "1 / spend.usd_today > 1"\n'
    there = f'[[route]]\ntask = "ask"\nmodel = "openai/gpt-6.1-sol"\n{fails}'
    routed = Policy.parse(shipped().replace("[[route]]", f"{there}\n[[route]]", 1))
    assert routed.route("ask", "low", Facts()) == Route("local", "", "likely")
    rule = f'[[rule]]\nid = "fails"\naction = "local.generate"\nthen = "allow"\nbecause = "x"\n{fails}'
    ruled = Policy.parse(shipped().replace("[[rule]]", f"{rule}\n[[rule]]", 1))
    assert ruled.decide("local.generate", Facts()).outcome == "deny"


def test_a_route_that_needs_likely_wants_the_chance_that_the_limit_names() -> None:
    policy = Policy.parse(shipped())
    assert policy.route("ask", "medium", Facts()).below == BELOW
    assert policy.route("write", "high", Facts()).below == 0
    without = re.sub(r"cloud_below = .*\n", "", shipped())
    assert Policy.parse(without).route("ask", "medium", Facts()).below == 0


def test_of_two_versions_the_lower_chance_keeps_an_answer(policies: Policies) -> None:
    line = f"cloud_below = {BELOW:.2f}"
    lower, higher = (
        shipped().replace(line, f"cloud_below = {chance}") for chance in (0.1, 0.9)
    )
    policies.publish(higher, "publish")
    policies.write(lower)
    assert policies.in_force().route("ask", "medium", Facts()).below == 0.1
    policies.publish(lower, "publish")
    policies.write(higher)
    assert policies.in_force().route("ask", "medium", Facts()).below == 0.1


def test_the_machine_that_the_shipped_policy_shows_is_one() -> None:
    shown = re.sub(r"^# (\[machine\]|\w+ = .*)$", r"\1", shipped(), flags=re.MULTILINE)
    contents = Policy.parse(shown).contents
    assert contents.machine["usd"] == 1_800
    assert contents.bought == date(2026, 3, 1)


@pytest.mark.parametrize("day", ['"spring"', "2026", "true"])
def test_a_day_of_buying_that_is_none_is_named_with_its_line(day: str) -> None:
    text = f"{shipped()}\n[machine]\nusd = 9\nbought = {day}\n"
    with pytest.raises(PolicyError, match=r"machine\.bought must be a day") as raised:
        Policy.parse(text)
    assert raised.value.line == len(text.splitlines())


@pytest.mark.parametrize("name", ["cloud_below", "cloud_found"])
def test_a_chance_is_no_more_than_one(name: str) -> None:
    text = re.sub(rf"{name} = .*", f"{name} = 60", shipped())
    with pytest.raises(PolicyError, match=f"limits.{name} is a chance") as raised:
        Policy.parse(text)
    assert raised.value.line > 0


def test_an_unpublished_price_and_route_count_where_they_are_stricter(
    policies: Policies,
) -> None:
    there = '[[route]]\ntask = "ask"\nmodel = "openai/gpt-6.1-sol"\nneeds = "{}"\n\n'
    price = '[prices]\n"openai/gpt-6.1-sol" = {{ input = {}, output = {} }}\n'

    def text(needs: str, reading: int, writing: int) -> str:
        routed = shipped().replace("[[route]]", there.format(needs) + "[[route]]", 1)
        return routed.replace("[prices]\n", price.format(reading, writing))

    def now(written: str) -> tuple[Route, Price]:
        policies.write(written)
        found = policies.in_force()
        price = price_of("openai", "gpt-6.1-sol", found.prices)
        return found.route("ask", "low", Facts()), price

    published = text("answered", 30, 40)
    policies.publish(published, "publish")
    away = Route("openai", "gpt-6.1-sol", "answered")
    assert now(published) == (away, Price(30 * MICRO, 40 * MICRO))
    sooner, dearer = now(text("likely", 20, 50))
    assert sooner == replace(away, needs="likely", below=BELOW)
    assert dearer == Price(30 * MICRO, 50 * MICRO)
    here = published.replace('model = "openai/gpt-6.1-sol"', 'model = "local"', 1)
    assert now(here)[0].provider == "local"
    policies.publish(here, "publish")
    assert now(published)[0].provider == "local"
    own = '[prices]\n"own/one" = { input = 0, output = 0 }\n'
    policies.write(here.replace("[prices]\n", own))
    with pytest.raises(Refused, match="not known"):
        price_of("own", "one", policies.in_force().prices)


@pytest.mark.parametrize("text", ["[limits", "\udcff", ""])
def test_a_file_that_cannot_be_read_lets_nothing_out(
    text: str, policies: Policies
) -> None:
    switched_on(policies)
    policies.path.write_bytes(text.encode("utf-8", "surrogateescape"))
    decision = policies.decide("cloud.generate", asked(label="public"))
    assert (decision.outcome, decision.hits[0].rule) == ("deny", "unreadable-policy")
    assert policies.decide("local.generate", asked()).outcome == "allow"


def test_a_damaged_published_policy_lets_nothing_out(
    policies: Policies, store: Store
) -> None:
    switched_on(policies)
    store.connection.conn.execute(
        "UPDATE policies SET text = replace(text, '1.00', '9.00')"
    )
    decision = policies.decide("cloud.generate", asked(label="public"))
    assert "not what was published" in decision.because


def test_publishing_is_in_the_ledger_and_what_cannot_be_used_is_not_published(
    policies: Policies, ledger: Ledger
) -> None:
    text = switched_on(policies)
    (entry,) = ledger.entries()
    assert entry.kind == "publish"
    assert entry.facts == {"how": "publish", "policy": Policy.parse(text).digest}
    with pytest.raises(PolicyError):
        policies.publish(text.replace("[limits]", "[limit]"), "publish")
    assert policies.published_text() == text
    assert ledger.verify() == Verified(1, ())


def test_an_earlier_policy_comes_back_byte_for_byte(policies: Policies) -> None:
    with pytest.raises(NotFound):
        policies.earlier(0)
    first = shipped() + "# mine \u00e9\r\n\n"
    policies.publish(first, "publish")
    before = policies.path.read_bytes()
    assert policies.earlier(0).text == shipped()
    switched_on(policies)
    policies.publish(policies.earlier(0).text, "rollback")
    assert policies.path.read_bytes() == before
    assert [row.how for row in policies.history()] == ["rollback", "publish", "publish"]
    assert policies.earlier(1).text == first
    with pytest.raises(NotFound):
        policies.earlier(9)


def test_halted_stays_halted_until_it_is_resumed(
    policies: Policies, tmp_path: Path
) -> None:
    switched_on(policies)
    halt = Halt(tmp_path)
    assert halt.halt("enough")
    assert not halt.halt("again")
    decision = policies.decide("cloud.generate", asked(label="public"))
    assert (decision.outcome, decision.because) == ("halt", "enough (halted)")
    assert halt.resume()
    assert not halt.resume()
    assert policies.decide("cloud.generate", asked(label="public")).outcome == "allow"
    halt.path.mkdir()
    assert halt.why() != ""


# -- approvals ------------------------------------------------------------------------------------------


def test_an_approval_holds_once_for_exactly_those_bytes_and_fifteen_minutes(
    store: Store,
) -> None:
    now = [NOW.timestamp()]
    approvals = Approvals(store, lambda: datetime.fromtimestamp(now[0], UTC))
    name = approvals.ask("ab", host="a.example", usd_micro=20_000)
    assert approvals.ask("ab", host="a.example") == name
    assert not approvals.take("ab")
    assert [one.what["usd_micro"] for one in approvals.waiting()] == [20_000]
    assert approvals.approve(name).digest == "ab"
    assert approvals.waiting() == []
    assert not approvals.take("abc")
    assert approvals.take("ab")
    assert not approvals.take("ab")
    with pytest.raises(Refused, match="holds once"):
        approvals.approve(name)
    with pytest.raises(NotFound):
        approvals.approve("nothing")
    again = approvals.ask("ab")
    assert again != name
    approvals.approve(again)
    now[0] += VALID + 1
    assert not approvals.take("ab")


def test_the_file_of_the_policy_is_called_policy_toml(
    policies: Policies, tmp_path: Path
) -> None:
    assert policies.path == tmp_path / FILE == tmp_path / "policy.toml"

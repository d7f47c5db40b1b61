"""The gate: what may not leave does not, what leaves is noted before, kept as it left, and paid for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import BrainError, OverBudget, Refused
from brain.governance import policy
from brain.governance.facts import ConfidenceFacts, Facts, RequestFacts
from brain.governance.gate import maker_at
from brain.governance.outbound import COMPARE, AsksFirst, Outbound
from brain.governance.policy_text import Host
from brain.labels import Label, Labeled
from brain.models import cloud_errors
from tests.end_to_end import ROOT
from tests.gate_support import (
    KEY,
    MODELS,
    NOW,
    PROVIDERS,
    RULES,
    Home,
    governed,
    outbound,
    policy_text,
)
from tests.stand_in_cloud import Faults, StandInCloud

CARD = "4111 1111 1111 1111"
CANARY = "Falcon costs 1.2 million"


@pytest.fixture
def cloud() -> Iterator[StandInCloud]:
    with StandInCloud() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, cloud: StandInCloud) -> Iterator[Home]:
    with governed(tmp_path / "home", policy_text(cloud)) as opened:
        yield opened


def changed(home: Home, old: str, new: str) -> None:
    """Publish the policy with one part of it replaced."""
    text = home.policies.published_text()
    assert old in text
    home.policies.publish(text.replace(old, new), "publish")


def stays(home: Home, cloud: StandInCloud, rule: str, sent: Outbound) -> Refused:
    """Nothing left, nothing is spent, and the refusal stands in the ledger with its rule."""
    with pytest.raises(Refused) as caught:
        home.send(sent)
    assert cloud.requests == []
    assert [row.kind for row in home.rows()] == ["deny"]
    assert home.rows()[0].facts["rules"][0] == rule
    assert home.taken() == 0
    assert not list((home.path / "ledger").rglob("*/*"))
    return caught.value


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_left_is_in_the_ledger_byte_for_byte_and_paid(
    home: Home, cloud: StandInCloud, provider: str, streamed: bool
) -> None:
    heard: list[str] = []
    hear = heard.append if streamed else None
    sent = home.gate.send(outbound(provider=provider), Facts(), hear=hear)
    body = cloud.requests[0].body
    intent, settled = home.rows()
    assert (intent.kind, settled.kind) == ("intent", "settle")
    assert home.ledger.body(intent.id) == body
    assert intent.facts["body_sha256"] == sha256(body).hexdigest()
    assert intent.facts["origins"] == ["chunk1"]
    assert intent.facts["rules"] == ["public-may-go"]
    assert intent.facts["host"] == cloud.host
    assert settled.facts["intent"] == intent.id
    assert 0 < sent.usd_micro < intent.facts["reserved_micro"]
    assert home.taken() == settled.facts["usd_micro"] == sent.usd_micro
    assert sent.text == "Black tea wants 96 °C."
    assert sent.model == MODELS[provider]
    assert KEY not in str([row.facts for row in home.rows()])
    assert home.ledger.verify().faults == ()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("count", "streamed"),
    [
        (-(10**6), False),
        (None, True),
        (10**30, False),
        pytest.param(-(10**6), True, marks=pytest.mark.slow),
        pytest.param(None, False, marks=pytest.mark.slow),
        pytest.param(10**30, True, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("of", ["input prompt", "output completion"])
def test_a_count_that_cannot_be_one_frees_no_money(
    home: Home, cloud: StandInCloud, provider: str, streamed: bool, count: Any, of: str
) -> None:
    cloud.faults = Faults(counts={f"{name}_tokens": count for name in of.split()})
    heard: list[str] = []
    hear = heard.append if streamed else None
    sent = home.gate.send(outbound(provider=provider), Facts(), hear=hear)
    intent, settled = home.rows()
    assert sent.used is None
    assert sent.usd_micro == intent.facts["reserved_micro"] == home.taken() > 0
    assert settled.facts["intent"] == intent.id
    assert settled.facts["usd_micro"] == intent.facts["reserved_micro"]


def test_a_model_that_has_no_name_is_settled_under_the_one_that_was_asked(
    home: Home, cloud: StandInCloud
) -> None:
    cloud.faults = Faults(named=7)
    assert home.send(outbound()).model == MODELS["anthropic"]
    assert [row.kind for row in home.rows()] == ["intent", "settle"]


def test_the_row_and_the_bytes_are_there_before_anything_leaves(
    home: Home, cloud: StandInCloud
) -> None:
    def noted(_prompt: str) -> str:
        # Another connection sees it: it is on the disk.
        with governed(home.path, "") as other:
            (intent,) = other.rows()
            assert other.ledger.body(intent.id)
            assert other.taken() == intent.facts["reserved_micro"]
        return "noted"

    cloud.says = noted
    assert home.send(outbound()).text == "noted"


@pytest.mark.parametrize("bare", ["a str", None, b"bytes"])
def test_a_text_without_a_label_is_no_part(bare: object) -> None:
    good = Labeled("x", Label.PUBLIC)
    for parts in ((bare,), (good, bare), bare):
        with pytest.raises(TypeError):
            Outbound("ask", "anthropic", "m", RULES, parts)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Outbound("ask", "anthropic", "m", bare, (good,))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Outbound("ask", "anthropic", "m", RULES, ())


labelled = st.builds(Labeled, st.text(max_size=5), st.sampled_from(Label))


@given(labelled, st.lists(labelled, min_size=1, max_size=4).map(tuple))
def test_the_whole_has_the_highest_label_of_its_parts(
    system: Labeled, parts: tuple[Labeled, ...]
) -> None:
    found = Outbound("ask", "anthropic", "m", system, parts).label
    assert found == max(part.label for part in (system, *parts))


def everything_allowed(home: Home) -> None:
    """A policy as careless as it can be written."""
    text = home.policies.published_text()
    rules = re.sub(r"(?s)\[\[rule\]\].*?(?=\[\[rule\]\]|# Which model)", "", text)
    free = '[[rule]]\nid = "all"\naction = "cloud.*"\nwhen = "true"\nthen = "allow"\nbecause = "all"\n\n'
    text = rules.replace("# Which model", f"{free}# Which model")
    home.policies.publish(text.replace('"internal"', '"confidential"'), "publish")


@pytest.mark.parametrize("place", ["a note", "the question", "the system's part"])
def test_confidential_material_stays_whatever_the_policy_says(
    home: Home, cloud: StandInCloud, place: str
) -> None:
    everything_allowed(home)
    secret = Labeled(CANARY, Label.CONFIDENTIAL)
    sent = outbound()
    made = {
        "a note": replace(sent, parts=(secret, *sent.parts)),
        "the question": replace(sent, parts=(*sent.parts, secret)),
        "the system's part": replace(sent, system=secret),
    }
    stays(home, cloud, "confidential-floor", made[place])
    assert CANARY not in str([row.facts for row in home.rows()])


def test_the_gate_keeps_confidential_material_by_itself(
    home: Home, cloud: StandInCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what decides would have let it go: the two do not lean on one another."""
    everything_allowed(home)
    monkeypatch.setattr(policy, "_in_code", lambda _facts: [])
    secret = Labeled(CANARY, Label.CONFIDENTIAL)
    stays(home, cloud, "confidential-floor", replace(outbound(), parts=(secret,)))


def test_the_careless_policy_lets_all_else_out(home: Home) -> None:
    """Otherwise the test above would show nothing of the floor."""
    everything_allowed(home)
    assert home.send(outbound(label=Label.INTERNAL)).text


def test_only_public_material_goes_out_to_compare_whatever_the_policy_says(
    home: Home, cloud: StandInCloud
) -> None:
    wanted = 'flags.shadow and request.label == "public" and request.attended and not request.untrusted_context'
    changed(home, wanted, "true")
    changed(home, "shadow = false", "shadow = true")
    assert home.send(replace(outbound(), action=COMPARE)).text
    cloud.requests.clear()
    inside = replace(outbound(label=Label.INTERNAL), action=COMPARE)
    before = len(home.rows())
    with pytest.raises(Refused, match="only public material"):
        home.send(inside)
    assert cloud.requests == []
    [denied] = home.rows()[before:]
    assert denied.facts["rules"] == ["shadow-floor"]


def test_a_day_has_so_many_comparisons_whoever_asks_for_one(
    home: Home, cloud: StandInCloud
) -> None:
    """Each that was about to leave counts, also one that broke off, and what stays takes no money."""
    changed(home, "shadow = false", "shadow = true")
    changed(home, "shadow_per_day = 10", "shadow_per_day = 2")
    compare = replace(outbound(), action=COMPARE)
    person = Facts(request=RequestFacts(attended=True))
    cloud.faults = Faults(status=500)
    with pytest.raises(cloud_errors.CloudFault):
        home.send(compare, person)
    cloud.faults = Faults()
    assert home.send(compare, person).text
    sent, taken = len(cloud.requests), home.taken()
    with pytest.raises(OverBudget, match="shadow_per_day"):
        home.send(compare, person)
    assert (len(cloud.requests), home.taken()) == (sent, taken)
    assert len(home.rows("intent")) == len(home.rows("settle")) == 2
    assert home.send(outbound(), person).text
    home.now += timedelta(days=1)
    assert home.send(compare, person).text


def test_a_host_gets_no_more_than_its_label(home: Home, cloud: StandInCloud) -> None:
    sent = outbound(label=Label.INTERNAL, provider="own")
    stays(home, cloud, "host-ceiling", sent)


@pytest.mark.parametrize(
    "secret",
    [
        f"my card is {CARD}",
        f"first line\n{CARD}",
        f"\t{CARD}",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----",
        "ghp_" + "a1B2" * 9,
        "IBAN DE89\N{NO-BREAK SPACE}3704 0044 0532 0130 00",
    ],
)
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_secret_in_the_bytes_stays(
    home: Home, cloud: StandInCloud, secret: str, provider: str
) -> None:
    """Whatever its label says, and however JSON writes it."""
    error = stays(home, cloud, "secret-in-it", outbound(secret, provider=provider))
    assert secret not in str(error)


def test_offline_nothing_leaves(home: Home, cloud: StandInCloud) -> None:
    home.offline = True
    stays(home, cloud, "offline", outbound())


def test_a_provider_that_the_policy_does_not_name_gets_nothing(
    home: Home, cloud: StandInCloud
) -> None:
    stays(home, cloud, "host-not-named", replace(outbound(), provider="elsewhere"))


def test_a_model_without_a_price_is_not_free(home: Home, cloud: StandInCloud) -> None:
    with pytest.raises(Refused, match="price"):
        home.send(replace(outbound(), model="claude-of-tomorrow"))
    assert cloud.requests == []


def test_the_cloud_is_off_as_shipped(home: Home, cloud: StandInCloud) -> None:
    changed(home, "cloud = true", "cloud = false")
    stays(home, cloud, "cloud-is-off", outbound())


def test_without_rules_nothing_leaves(home: Home, cloud: StandInCloud) -> None:
    text = home.policies.published_text()
    rules = re.sub(r"(?s)\[\[rule\]\].*?(?=\[\[rule\]\]|# Which model)", "", text)
    home.policies.publish(rules, "publish")
    stays(home, cloud, "default", outbound())


def test_a_good_local_answer_stays(home: Home, cloud: StandInCloud) -> None:
    with pytest.raises(Refused, match="good enough"):
        home.send(outbound(), Facts(confidence=ConfidenceFacts(enough=True)))
    assert cloud.requests == []


def test_the_caller_cannot_say_that_it_was_approved_or_that_it_is_cheap(
    home: Home, cloud: StandInCloud
) -> None:
    """Label, price and approval are facts of the gate."""
    said = RequestFacts(approved=True, label="public", usd_estimate=0)
    with pytest.raises(AsksFirst):
        home.send(outbound(label=Label.INTERNAL), Facts(request=said))
    assert cloud.requests == []


def asks(home: Home, sent: Outbound) -> AsksFirst:
    with pytest.raises(AsksFirst) as caught:
        home.send(sent)
    return caught.value


def test_internal_material_asks_and_an_approval_holds_once_for_those_bytes(
    home: Home, cloud: StandInCloud
) -> None:
    sent = outbound(label=Label.INTERNAL)
    asked = asks(home, sent)
    assert cloud.requests == []
    assert home.rows()[-1].kind == "ask"
    assert asked.exit_code == 4
    assert asked.approval in asked.hint
    home.approvals.approve(asked.approval)
    asks(home, outbound("Another question?", Label.INTERNAL))
    home.send(sent)
    assert cloud.requests[0].body == asked.shown.body
    (intent,) = home.rows("intent")
    assert "approved-may-go" in intent.facts["rules"]
    asks(home, sent)
    assert len(cloud.requests) == 1


def test_an_approval_is_over_after_fifteen_minutes(
    home: Home, cloud: StandInCloud
) -> None:
    sent = outbound(label=Label.INTERNAL)
    home.approvals.approve(asks(home, sent).approval)
    home.now = NOW + timedelta(minutes=16)
    asks(home, sent)
    assert cloud.requests == []


def test_a_person_who_saw_the_bytes_may_say_yes_at_once(
    home: Home, cloud: StandInCloud
) -> None:
    sent = outbound(label=Label.INTERNAL)
    shown = asks(home, sent).shown
    with pytest.raises(AsksFirst):
        home.send(outbound("Other bytes?", Label.INTERNAL), agreed=shown.digest)
    home.send(sent, agreed=shown.digest)
    assert [request.body for request in cloud.requests] == [shown.body]
    assert len(home.rows("approve")) == 1


def test_a_yes_for_one_address_holds_for_no_other(
    home: Home, cloud: StandInCloud
) -> None:
    """The same bytes to another server, which another policy names."""
    sent = outbound(label=Label.INTERNAL)
    asked = asks(home, sent)
    home.approvals.approve(asked.approval)
    with StandInCloud() as other:
        changed(home, cloud.url, other.url)
        with pytest.raises(AsksFirst) as caught:
            home.send(sent, agreed=asked.shown.digest)
        assert caught.value.shown.body == asked.shown.body
        assert (cloud.requests, other.requests) == ([], [])
        changed(home, other.url, cloud.url)
    home.send(sent)
    assert [request.body for request in cloud.requests] == [asked.shown.body]


def test_an_approval_lets_nothing_else_pass(home: Home, cloud: StandInCloud) -> None:
    """It answers a rule that asks, never one that forbids."""
    sent = outbound(label=Label.INTERNAL)
    shown = asks(home, sent).shown
    changed(home, "cloud = true", "cloud = false")
    with pytest.raises(Refused, match="switched off"):
        home.send(sent, agreed=shown.digest)
    assert cloud.requests == []


def test_a_spent_day_says_when_it_frees_and_spends_nothing(
    home: Home, cloud: StandInCloud
) -> None:
    changed(home, "cloud_usd_per_day = 1.00", "cloud_usd_per_day = 0.01")
    person = Facts(request=RequestFacts(attended=True))
    with pytest.raises(OverBudget) as caught:
        home.send(outbound(), person)
    assert "day-is-spent" in caught.value.message
    assert "2026-11-29T00:00" in caught.value.hint
    assert (cloud.requests, home.taken()) == ([], 0)


def test_a_rule_that_waits_reserves_nothing(home: Home, cloud: StandInCloud) -> None:
    """Not even for a moment, in which a crash would leave it reserved."""
    waits = '[[rule]]\nid = "waits"\naction = "cloud.generate"\nthen = "wait"\nbecause = "later"\n'
    home.policies.publish(
        home.policies.published_text().replace("[[rule]]", f"{waits}\n[[rule]]", 1),
        "publish",
    )
    with pytest.raises(OverBudget, match="later"):
        home.send(outbound())
    assert home.store.reservations.rows() == []
    assert cloud.requests == []


def test_work_that_nobody_watches_halts_when_the_day_is_spent(
    home: Home, cloud: StandInCloud
) -> None:
    changed(home, "cloud_usd_per_day = 1.00", "cloud_usd_per_day = 0.01")
    with pytest.raises(Refused, match="unattended-work-halts"):
        home.send(outbound())
    assert home.rows()[-1].kind == "halt"
    changed(home, "cloud_usd_per_day = 0.01", "cloud_usd_per_day = 1.00")
    with pytest.raises(Refused) as caught:
        home.send(outbound())
    assert "brain resume" in caught.value.hint
    assert cloud.requests == []
    home.policies.halt.resume()
    assert home.send(outbound()).text


def test_the_budget_holds_also_where_no_rule_speaks_of_it(
    home: Home, cloud: StandInCloud
) -> None:
    everything_allowed(home)
    changed(home, "cloud_usd_per_day = 1.00", "cloud_usd_per_day = 0.02")
    home.send(outbound())
    cloud.faults = Faults(cut_whole=True)
    with pytest.raises(cloud_errors.CutShort):
        home.send(outbound())
    with pytest.raises(OverBudget, match="day"):
        home.send(outbound())
    assert len(cloud.requests) == 2
    assert home.rows()[-1].facts["rules"] == ["budget-day"]


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        (Faults(status=401), "KeyNotTaken"),
        (Faults(status=429), "TooOften"),
        (Faults(status=500), "MakerBroken"),
        (Faults(status=529), "Overloaded"),
    ],
)
def test_what_was_not_answered_costs_nothing(
    home: Home, cloud: StandInCloud, faults: Faults, status: str
) -> None:
    cloud.faults = faults
    with pytest.raises(cloud_errors.CloudFault):
        home.send(outbound())
    assert home.rows("settle")[0].facts["status"] == status
    assert home.taken() == 0
    assert len(cloud.requests) == 1


def test_what_nobody_counted_stays_reserved(home: Home, cloud: StandInCloud) -> None:
    """An answer that broke off may be billed in full."""
    cloud.faults = Faults(cut_after=1)
    with pytest.raises(cloud_errors.CutShort):
        home.gate.send(outbound(), Facts(), hear=lambda _text: None)
    (intent,) = home.rows("intent")
    assert home.taken() == intent.facts["reserved_micro"] > 0


def test_a_refusal_of_the_model_is_paid_as_an_answer(
    home: Home, cloud: StandInCloud
) -> None:
    cloud.faults = Faults(refuse=True)
    with pytest.raises(cloud_errors.Declined):
        home.send(outbound())
    assert 0 < home.taken() < home.rows("intent")[0].facts["reserved_micro"]


def test_ctrl_c_leaves_the_money_reserved_and_a_row(
    home: Home, cloud: StandInCloud
) -> None:
    def stop(_text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        home.gate.send(outbound(), Facts(), hear=stop)
    assert home.rows("settle")[0].facts["status"] == "KeyboardInterrupt"
    assert home.taken() == home.rows("intent")[0].facts["reserved_micro"]


def test_a_missing_key_is_said_before_anything_is_reserved(
    home: Home, cloud: StandInCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from brain.governance import gate, keys

    monkeypatch.setattr(keys, "_keyring", lambda: None)
    parts = replace(home.gate._parts, key_of=keys.key_of)
    with pytest.raises(Refused, match="no key for anthropic"):
        gate.Gate(parts).send(outbound(), Facts())
    monkeypatch.setenv("OPENAI_API_KEY", "of-openai")
    with pytest.raises(Refused, match="no key for anthropic"):
        gate.Gate(parts).send(outbound(), Facts())
    # a server of one's own gets no key of another maker
    gate.Gate(parts).send(outbound(provider="own"), Facts())
    assert "authorization" not in cloud.requests[0].headers
    gate.Gate(parts).send(outbound(provider="openai"), Facts())
    assert cloud.requests[1].headers["authorization"] == "Bearer of-openai"


def test_while_the_file_is_edited_its_hosts_are_not_used(
    home: Home, cloud: StandInCloud
) -> None:
    """Somebody who can write the file cannot send anything to an address of theirs."""
    with StandInCloud() as other:
        text = home.policies.published_text().replace(cloud.url, other.url)
        home.policies.write(text)
        stays(home, other, "host-not-named", outbound())
    assert cloud.requests == []


def test_the_gate_alone_may_look_up_a_foreign_name(
    home: Home, cloud: StandInCloud
) -> None:
    """Nobody has that name (RFC 6761): that it was asked for at all is what the tripwire would have stopped."""
    changed(
        home,
        f'address = "{cloud.url}/v1", label = "public"',
        'address = "https://nobody.invalid/v1", label = "public"',
    )
    with pytest.raises(cloud_errors.Unreachable):
        home.send(outbound(provider="own"))
    assert home.taken() == 0


def test_an_address_decides_what_is_spoken_there() -> None:
    near = Host("openai", "http://127.0.0.1:8000/v1", Label.PUBLIC)
    assert maker_at("own", near).kind == "compatible"
    assert maker_at("own", near).key_variable == ""
    assert maker_at("openai", near).kind == "openai"
    assert maker_at("openai", near).endpoint.startswith("http://127.0.0.1:8000/")
    with pytest.raises(BrainError):
        maker_at("own", Host("openai", "http://gpu.example.org/v1", Label.PUBLIC))


@pytest.mark.fault
def test_killed_between_noting_and_settling_the_money_stays_reserved(
    home: Home, cloud: StandInCloud
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests.gate_support import governed, outbound\n"
        "with governed(Path(sys.argv[1]), '') as home: home.send(outbound())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(home.path)],
        cwd=ROOT,
        env={"BRAIN_FAILPOINT": "gate.noted:1:exit", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert run.returncode == 137
    assert cloud.requests == []
    (intent,) = home.rows()
    assert home.taken() == intent.facts["reserved_micro"] > 0
    assert home.ledger.verify().faults == ()

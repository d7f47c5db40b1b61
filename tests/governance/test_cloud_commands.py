"""Turning a cloud model on: by a person alone, through the policy, with a test that tells nothing; and off at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from brain.app import Brain
from brain.app.governed import ledger_of, policies_of
from brain.config import Config
from brain.errors import BrainError, Refused, UsageError
from brain.governance import keys
from brain.governance.in_force import shipped
from brain.governance.policy import Policy
from brain.governance.policy_text import PolicyError
from brain.models.makers import ANTHROPIC
from tests.at_terminal import at_a_terminal
from tests.end_to_end import brain as run
from tests.stand_in_cloud import Faults, StandInCloud

KEY = "key-of-the-test"
AT_A_TERMINAL = """
import sys, keyring, keyring.backend
class Kept(keyring.backend.KeyringBackend):
    priority = 1
    keys = {}
    def get_password(self, service, name): return self.keys.get(name)
    def set_password(self, service, name, key): self.keys[name] = key
keyring.set_keyring(Kept())
from brain.doors.cli import main
main(sys.argv[1:])
"""


class Keyring:
    """A keyring that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, key: str) -> None:
        self.kept[service, name] = key

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    found = Keyring()
    monkeypatch.setattr(keys, "_keyring", lambda: found)
    return found


@pytest.fixture
def cloud() -> Iterator[StandInCloud]:
    with StandInCloud(says="ready") as running:
        yield running


def typed(_question: str) -> None:
    """A person who types the word."""


def nobody(_question: str) -> None:
    raise Refused("only a person may decide this", "type it yourself")


def on_loopback(brain: Brain, cloud: StandInCloud) -> None:
    """The shipped policy, its hosts in the stand-in's place, and the cloud still off."""
    text = shipped().replace("https://api.anthropic.com", cloud.url)
    policies_of(brain.resources).publish(text, "publish")


def turned_on(brain: Brain, cloud: StandInCloud) -> None:
    on_loopback(brain, cloud)
    plan = brain.cloud.plan("anthropic")
    brain.cloud.keep_key(plan, KEY)
    assert brain.cloud.enable(plan, typed)


def test_a_newcomers_path_turns_it_on_and_tries_it_without_content(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    on_loopback(brain, cloud)
    plan = brain.cloud.plan("anthropic")
    assert (plan.key, plan.label, plan.walked) == ("missing", "internal", False)
    assert "30 days" in plan.keeps
    assert plan.known
    assert ("cloud_usd_per_day", "1.00") in plan.limits
    brain.cloud.keep_key(plan, f" {KEY}\n")
    assert cloud.requests == []
    assert brain.cloud.enable(plan, typed)
    tried = brain.cloud.try_out(plan)
    assert (tried.works, tried.said) == (True, plan.model)
    assert tried.usd_micro > 0
    (request,) = cloud.requests
    assert request.headers["x-api-key"] == KEY
    assert request.prompt == "Answer with the one word: ready"
    assert set(request.json) == {"model", "messages", "max_tokens"}
    assert not brain.cloud.enable(plan, nobody)
    kinds = [entry.kind for entry in ledger_of(brain.resources).entries()]
    assert kinds == ["publish", "publish", "intent", "settle"]


def test_without_a_persons_word_it_stays_off(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    on_loopback(brain, cloud)
    plan = brain.cloud.plan("anthropic")
    with pytest.raises(Refused):
        brain.cloud.enable(plan, nobody)
    brain.cloud.keep_key(plan, KEY)
    assert not brain.cloud.try_out(plan).works
    assert cloud.requests == []
    assert "the cloud is off" in brain.cloud.status().shut


def test_a_key_in_the_environment_enables_nothing(
    brain: Brain, cloud: StandInCloud, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_loopback(brain, cloud)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    plan = brain.cloud.plan("anthropic")
    assert plan.key == "in the environment"
    assert "switched off" in brain.cloud.try_out(plan).said
    assert cloud.requests == []


def test_a_test_that_fails_says_why(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    turned_on(brain, cloud)
    cloud.faults = Faults(status=401)
    tried = brain.cloud.try_out(brain.cloud.plan("anthropic"))
    assert not tried.works
    assert "does not take the key" in tried.said


def test_off_is_off_at_once_and_the_rest_of_the_policy_stays(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    turned_on(brain, cloud)
    before = policies_of(brain.resources).published_text()
    off = brain.cloud.disable(forget=True)
    assert (off.was_on, off.forgotten) == (True, ("anthropic",))
    assert keyring.kept == {}
    after = policies_of(brain.resources).published_text()
    assert after == before.replace("cloud = true", "cloud = false")
    assert not brain.cloud.disable(forget=False).was_on
    assert not brain.cloud.try_out(brain.cloud.plan("anthropic")).works
    assert cloud.requests == []


def test_turning_it_off_keeps_what_a_person_had_begun_to_write(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    turned_on(brain, cloud)
    policies = policies_of(brain.resources)
    draft = policies.published_text() + "\n# my own words\n"
    for text in (draft, f"{draft}\n[[["):
        policies.write(text)
        brain.cloud.disable(forget=False)
        kept = policies.path.read_text()
        assert "# my own words" in kept
        assert not policies.in_force().cloud
        policies.publish(draft, "publish")
    assert policies.in_force().cloud


@pytest.mark.parametrize("draft", [b"[[[", b"\xff", b"x = " + b"9" * 5_000])
def test_a_file_that_is_no_policy_stops_no_one_from_turning_it_off(
    brain: Brain, cloud: StandInCloud, keyring: Keyring, draft: bytes
) -> None:
    turned_on(brain, cloud)
    policies = policies_of(brain.resources)
    policies.path.write_bytes(draft)
    with pytest.raises(PolicyError):
        brain.cloud.enable(brain.cloud.plan("openai"), typed)
    off = brain.cloud.disable(forget=True)
    assert (off.was_on, off.forgotten) == (True, ("anthropic",))
    assert keyring.kept == {}
    assert "cloud = false" in policies.published_text()
    assert policies.path.read_bytes() == draft


@pytest.mark.parametrize(
    "address", ["http://[bad", "http://127.0.0.1:99999/v1", "https://a:b/v1"]
)
def test_an_address_that_is_none_is_refused(brain: Brain, address: str) -> None:
    with pytest.raises(UsageError, match="neither a maker nor an address"):
        brain.cloud.plan(address, model="m", price=(0.0, 0.0))


def test_an_address_of_ones_own_gets_its_host_label_and_price(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    address = f"{cloud.url}/v1"
    with pytest.raises(UsageError, match="needs the name of its model"):
        brain.cloud.plan(address)
    plan = brain.cloud.plan(address, model="qwen3:32b", price=(0.0, 0.0))
    assert (plan.label, plan.key) == ("public", "none, and none is needed")
    brain.cloud.enable(plan, typed)
    policy = Policy.parse(policies_of(brain.resources).published_text())
    host = policy.hosts[cloud.host]
    assert (host.kind, host.address, str(host.label)) == ("openai", address, "public")
    tried = brain.cloud.try_out(plan)
    assert (tried.works, tried.usd_micro) == (True, 0)
    assert "authorization" not in cloud.requests[0].headers


def test_the_status_says_what_stands_in_the_way(
    brain: Brain, cloud: StandInCloud, keyring: Keyring
) -> None:
    turned_on(brain, cloud)
    brain.cloud.try_out(brain.cloud.plan("anthropic"))
    status = brain.cloud.status()
    assert (status.on, status.shut) == (True, "")
    maker = status.makers[0]
    assert (maker.provider, maker.key) == ("anthropic", "in the keyring")
    assert len(maker.models) > 1
    today = status.spent[0]
    assert today[0] == "today"
    assert 0 < today[1] < today[2] == 1_000_000
    brain.policy.halt("on holiday")
    assert "on holiday" in brain.cloud.status().shut


def test_no_keyring_says_which_variable_serves(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: str) -> None:
        raise RuntimeError("no backend")

    broken = SimpleNamespace(get_password=refusing, set_password=refusing)
    for found in (None, broken):
        monkeypatch.setattr(keys, "_keyring", lambda found=found: found)
        with pytest.raises(BrainError) as caught:
            brain.cloud.keep_key(brain.cloud.plan("anthropic"), KEY)
        assert "ANTHROPIC_API_KEY" in caught.value.hint
        assert not keys.forget(ANTHROPIC)


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_key_is_none(brain: Brain, keyring: Keyring, empty: str) -> None:
    with pytest.raises(BrainError, match="no key"):
        brain.cloud.keep_key(brain.cloud.plan("anthropic"), empty)
    assert keyring.kept == {}


def test_the_commands_of_a_new_home() -> None:
    ran = run("cloud", "status")
    assert ran.code == 0
    assert "the cloud is off" in ran.stdout
    assert "30 days" in ran.stdout
    assert run("cloud", "status", "--json").json["on"] is False
    assert run("cloud", "disable").stdout.strip() == "the cloud was off before"


@pytest.mark.parametrize("price", ["3", "a,b", "-1,2", "1,2,3"])
def test_a_price_that_is_none_is_refused(
    price: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("cloud", "enable", "http://127.0.0.1:9/v1", "--price", price)
    assert ran.code == 2
    ran.two_lines()


def test_a_newcomer_at_a_terminal(
    config: Config, cloud: StandInCloud, folder: Callable[..., Path]
) -> None:
    """One command: what it means, the folders, the key, which is not shown, the word, and a test."""
    notes = folder({"flat/lease.md": "Rent and deposit.", "tea.md": "Black tea."})
    assert run("add", notes).code == 0
    with Brain(config) as brain:
        on_loopback(brain, cloud)
    typed_there = [
        ("confidential? [y/N]", ""),
        ("confidential? [y/N]", ""),
        ("to go on: ", "walked"),
        ("the key of anthropic", KEY),
        ("to go on: ", "enable"),
    ]
    code, written = at_a_terminal(
        AT_A_TERMINAL, typed_there, "cloud", "enable", "anthropic"
    )
    assert code == 0, written
    assert "up to 2 years" in written
    assert "+cloud = true" in written
    assert (
        "claude-opus-5-5 answers" in written or "claude-sonnet-5-5 answers" in written
    )
    assert KEY not in written
    assert cloud.requests[0].headers["x-api-key"] == KEY
    with Brain(config) as brain:
        assert brain.cloud.status().on
        assert brain.cloud.plan("anthropic").walked


def test_without_a_terminal_nothing_is_turned_on(cloud: StandInCloud) -> None:
    ran = run("cloud", "enable", "anthropic", stdin="walked\nenable\n")
    assert ran.code == 4
    ran.two_lines()
    assert run("cloud", "status", "--json").json["on"] is False


def test_an_agent_turns_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    ran = run("cloud", "enable", "anthropic")
    assert ran.code == 4
    assert "an agent is at work" in ran.two_lines()[0]
    assert run("cloud", "status", "--json").json["on"] is False

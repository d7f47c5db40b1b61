"""One-word judgments from the stand-in Ollama: what is sent, what they are worth, and how every fault ends."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import Refused, Unavailable
from brain.models.ollama_judge import OllamaJudge, probability
from tests.ollama_clients import DEADLINES, NOMIC, TIMED, client, two_lines
from tests.stand_in_models import known
from tests.stand_in_ollama import StandIn

CLOUD = "gpt-oss:120b-cloud"


def prompt(
    text: str, question: str = "what did the landlord promise?"
) -> list[dict[str, str]]:
    user = f"Question: {question}\n\n<note-a1>\nLease\n{text}\n</note-a1>\n\nAnswer yes or no:"
    return [{"role": "system", "content": "Judge."}, {"role": "user", "content": user}]


GOOD, BAD = (
    prompt("The landlord promised a new boiler."),
    prompt("Steep black tea for four minutes."),
)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as server:
        yield server
        assert server.errors == []


def judge(stand_in: StandIn, model: str = "llama3.2", **more: Any) -> OllamaJudge:
    return OllamaJudge(client(stand_in), model, **more)


def test_the_judgment_is_the_share_of_yes_among_the_first_tokens(
    stand_in: StandIn,
) -> None:
    stand_in.odds = lambda _: {
        "yes": 0.3,
        " Yes": 0.2,
        "YES.": 0.1,
        "no": 0.15,
        "No": 0.05,
        "The": 0.2,
    }
    assert judge(stand_in).yes(GOOD, seconds=20) == pytest.approx(0.6 / 0.8, abs=1e-6)


def test_a_note_that_answers_is_judged_higher(stand_in: StandIn) -> None:
    model = judge(stand_in, "qwen3:4b")
    good, bad = model.yes(GOOD, seconds=20), model.yes(BAD, seconds=20)
    assert good is not None
    assert bad is not None
    assert good > 0.6 > 0.1 > bad


def test_one_token_is_asked_for_and_every_switch_is_sent(stand_in: StandIn) -> None:
    model = judge(stand_in, num_ctx=4096, keep_alive="10m")
    model.yes(GOOD, seconds=20)
    model.yes(BAD, seconds=20)
    first, second = map(json.loads, stand_in.bodies("/api/chat"))
    assert first["options"] == {
        "num_ctx": 4096,
        "num_predict": 1,
        "temperature": 0,
        "seed": first["options"]["seed"],
    }
    assert second["options"] == first["options"], (
        "another window would load the model anew"
    )
    assert (first["logprobs"], first["top_logprobs"]) == (True, 20)
    assert (first["stream"], first["think"], first["truncate"], first["shift"]) == (
        False,
        False,
        False,
        False,
    )
    assert first["keep_alive"] == "10m"
    assert first["model"] == "llama3.2:local"


@pytest.mark.parametrize("fault", ["no_logprobs", "version_old"])
def test_an_old_server_gives_the_bare_word(stand_in: StandIn, fault: str) -> None:
    stand_in.faults.on(fault)
    model = judge(stand_in)
    assert (model.yes(GOOD, seconds=20), model.yes(BAD, seconds=20)) == (1.0, 0.0)


@pytest.mark.parametrize("fault", ["babble", "empty_content"])
@pytest.mark.parametrize("old", [False, True])
def test_neither_yes_nor_no_is_no_judgment(
    stand_in: StandIn, fault: str, old: bool
) -> None:
    stand_in.faults.on(fault)
    if old:
        stand_in.faults.on("no_logprobs")
    assert judge(stand_in).yes(GOOD, seconds=20) is None


@pytest.mark.parametrize("fault", ["400_ctx_plain", "400_ctx_nested_json"])
def test_a_prompt_that_does_not_fit_is_no_judgment(
    stand_in: StandIn, fault: str
) -> None:
    stand_in.faults.on(fault)
    assert judge(stand_in).yes(GOOD, seconds=20) is None


def test_a_prompt_over_the_real_window_is_no_judgment(stand_in: StandIn) -> None:
    assert judge(stand_in, num_ctx=256).yes(prompt("word " * 2_000), seconds=20) is None


FAILING = [
    "500_html",
    "503_busy",
    "429",
    "404_model",
    "accept_no_reply",
    "slow_first_token",
    "no_done",
]
FAILING += ["drop_after", "rst_after", "silent_truncate"]


@pytest.mark.parametrize("fault", FAILING)
def test_faults_are_unavailable(stand_in: StandIn, fault: str) -> None:
    server = client(stand_in)
    server.prove("llama3.2")
    stand_in.faults.on(fault, 16 if fault == "silent_truncate" else None)
    with pytest.raises(Unavailable) as raised:
        OllamaJudge(server, "llama3.2").yes(
            prompt("The landlord promised a boiler. " * 20),
            seconds=DEADLINES.first if fault in TIMED else 20,
        )
    two_lines(raised.value)


@pytest.mark.parametrize(
    "fault",
    ["thinking_first", "metrics_absent", "model_unloaded_between", "done_length"],
)
def test_oddities_change_no_judgment(stand_in: StandIn, fault: str) -> None:
    plain = judge(stand_in).yes(GOOD, seconds=20)
    stand_in.faults.on(fault)
    assert judge(stand_in).yes(GOOD, seconds=20) == plain


@pytest.mark.parametrize("fault", ["401_signin", "403_cloud", "redirect_307"])
def test_a_model_behind_an_account_and_a_redirect_are_refused(
    stand_in: StandIn, fault: str
) -> None:
    stand_in.faults.on(fault)
    with pytest.raises(Refused) as raised:
        judge(stand_in).yes(GOOD, seconds=20)
    two_lines(raised.value)


@pytest.mark.parametrize("where", ["tags", "show"])
def test_a_remote_model_is_refused_before_a_byte_of_text_is_sent(
    stand_in: StandIn, where: str
) -> None:
    stand_in.faults["remote_host_present"] = where
    with pytest.raises(Refused):
        judge(stand_in).yes(GOOD, seconds=20)
    assert not any(b"landlord" in request.body for request in stand_in.requests)
    assert stand_in.bodies("/api/chat") == []


def test_a_cloud_name_is_refused_before_a_byte_of_text_is_sent(
    stand_in: StandIn,
) -> None:
    stand_in.models[CLOUD] = known(CLOUD)
    with pytest.raises(Refused):
        judge(stand_in, CLOUD).yes(GOOD, seconds=20)
    assert stand_in.requests == []


def test_a_reply_from_another_machine_is_refused(stand_in: StandIn) -> None:
    stand_in.faults["remote_host_present"] = "reply"
    with pytest.raises(Refused, match="another machine"):
        judge(stand_in).yes(GOOD, seconds=20)


def test_video_memory_is_asked_of_the_server(stand_in: StandIn) -> None:
    server = client(stand_in)
    assert not server.in_video_memory("llama3.2"), "it is not even loaded"
    OllamaJudge(server, "llama3.2").yes(GOOD, seconds=20)
    assert not server.in_video_memory("llama3.2")
    stand_in.in_video = True
    assert server.in_video_memory("llama3.2:latest")
    assert not server.in_video_memory("qwen3:4b")


# -- the probability --------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(max_size=6), st.floats(-50, 0.001), max_size=20))
def test_any_tokens_give_a_probability_or_nothing(odds: dict[str, float]) -> None:
    found = probability(odds)
    assert found is None or 0.0 <= found <= 1.0


def test_a_word_that_is_not_listed_counts_as_the_least_that_is() -> None:
    sure = probability({"yes": math.log(0.99), "The": math.log(0.001)})
    surer = probability({"yes": math.log(0.99), "The": math.log(0.0001)})
    assert sure is not None
    assert surer is not None
    assert 0.99 < sure < surer < 1.0
    assert probability({"yes": math.log(0.9)}) == 1.0
    assert (
        probability({"The": math.log(0.9), "yes": math.log(0.02), "no": math.log(0.03)})
        is None
    )
    assert probability({}) is None

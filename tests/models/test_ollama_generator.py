"""Answers from the stand-in Ollama: what is sent, what comes, and how every fault of a chat ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brain.errors import Incomplete, Refused, Unavailable
from brain.models.limits import Limits
from brain.models.ollama import OllamaServer
from brain.models.ollama_generator import OllamaGenerator
from brain.protocols import Speed
from tests.ollama_clients import (
    ANSWER,
    MESSAGES,
    NOMIC,
    PASSAGES,
    SCHEMA,
    ask,
    client,
    generator,
    struck,
    two_lines,
    usage,
)
from tests.stand_in_models import Model
from tests.stand_in_ollama import StandIn

ROOT = Path(__file__).parents[2]
CUT_AT = 260  # bytes of a body: in the middle of its second line


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as server:
        yield server
        assert server.errors == []


def test_an_answer_streams_and_tells_its_usage(stand_in: StandIn) -> None:
    model = generator(stand_in)
    pieces = list(model.stream(MESSAGES, max_tokens=200))
    assert "".join(pieces) == ANSWER
    assert len(pieces) > 3
    told = usage(model)
    assert (told.done_reason, told.complete, told.truncated) == ("stop", True, False)
    assert told.prompt_tokens
    assert model.window == 8192
    assert model.prompt_speed is None or model.prompt_speed > 0


def test_every_switch_is_sent(stand_in: StandIn) -> None:
    """`num_ctx` is always sent, and the server may neither cut nor slide."""
    model = generator(stand_in, num_ctx=4096, keep_alive="10m")
    ask(model, max_tokens=77)
    body = json.loads(stand_in.bodies("/api/chat")[0])
    assert body["options"] == {
        "num_ctx": 4096,
        "num_predict": 77,
        "temperature": 0,
        "seed": body["options"]["seed"],
    }
    assert (body["truncate"], body["shift"], body["think"], body["stream"]) == (
        False,
        False,
        False,
        True,
    )
    assert body["keep_alive"] == "10m"
    assert "logprobs" not in body


def test_the_window_is_no_larger_than_the_trained_one(stand_in: StandIn) -> None:
    stand_in.models["small:latest"] = Model("small:latest", "llama", 10, 2048, 64)
    assert generator(stand_in, "small", num_ctx=8192).window == 2048
    assert generator(stand_in, num_ctx=1024).window == 1024


def test_the_model_is_not_loaded_anew_between_questions(stand_in: StandIn) -> None:
    model = generator(stand_in)
    ask(model)
    ask(model)
    assert stand_in.loads == ["llama3.2:latest"]


def test_a_thinking_model_is_told_not_to(stand_in: StandIn) -> None:
    assert ask(generator(stand_in, "qwen3:4b")) == ANSWER


def test_a_prompt_over_the_window_is_an_error_not_an_answer(stand_in: StandIn) -> None:
    model = generator(stand_in, num_ctx=256)
    with pytest.raises(Unavailable, match="tokens") as raised:
        ask(model, [{"role": "user", "content": "word " * 2000}])
    two_lines(raised.value)


class Book:
    """`SpeedBook` in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Speed] = {}

    def of(self, model: str, digest: str = "") -> Speed:
        return self.kept.get((model, digest), Speed())

    def keep(self, model: str, digest: str, speed: Speed) -> None:
        self.kept[model, digest] = speed


RULES = [{"role": "system", "content": "Answer from the passages. " * 60}]


def long(words: str) -> list[dict[str, str]]:
    """The rules, and a prompt that begins with something of its own."""
    return [
        *RULES,
        {"role": "user", "content": f"{words}\n{PASSAGES}\n{'tea ' * 100}"},
    ]


def test_speeds_are_those_of_the_server_and_are_kept(stand_in: StandIn) -> None:
    stand_in.prompt_ns, stand_in.answer_ns = 50_000_000, 200_000_000
    book = Book()
    model = generator(stand_in, speeds=book)
    assert model.prompt_speed is None
    ask(model, long("first"))
    (speed,) = book.kept.values()
    assert speed.answer == pytest.approx(5.0)
    again = generator(stand_in, speeds=book)
    assert again.prompt_speed == speed.prompt, "the next command knows it"
    digest = client(stand_in).prove("llama3.2").digest
    stand_in.models["llama3.2:latest"] = Model(
        **{**vars(stand_in.models["llama3.2:latest"]), "version": 2}
    )
    assert digest != client(stand_in).prove("llama3.2").digest
    assert generator(stand_in, speeds=book).prompt_speed is None, "another model now"


def test_a_cached_beginning_makes_no_model_look_fast(stand_in: StandIn) -> None:
    """The server counts the whole prompt and needs no time for what it knows: only the rest tells how fast it reads."""
    stand_in.prompt_ns = 50_000_000  # 20 tokens a second
    model = generator(stand_in)
    ask(model, long("cold"))
    cold = model.prompt_speed
    ask(model, long("warm"))
    warm = model.prompt_speed
    assert cold == pytest.approx(20.0)
    assert warm == pytest.approx(20.0, rel=0.25)


def test_a_model_that_was_never_measured_reads_the_rules_first(
    stand_in: StandIn,
) -> None:
    stand_in.prompt_ns = 50_000_000
    model = generator(stand_in)
    assert model.reading_speed(RULES) == pytest.approx(20.0)
    assert model.reading_speed(RULES) == pytest.approx(20.0)
    ask(model, long("after"))
    bodies = [json.loads(body) for body in stand_in.bodies("/api/chat")]
    assert [body["options"]["num_predict"] for body in bodies] == [1, 200]
    assert bodies[0]["messages"][:-1] == RULES
    assert bodies[0]["messages"][-1]["role"] == "user", "some templates want one"
    assert stand_in.loads == ["llama3.2:latest"]


def test_rules_that_the_server_knows_already_make_no_model_look_fast(
    stand_in: StandIn,
) -> None:
    """Another store may have asked before: its rules are the same."""
    stand_in.prompt_ns = 50_000_000
    generator(stand_in).reading_speed(RULES)
    measured = generator(stand_in).reading_speed(RULES)
    assert measured == pytest.approx(20.0, rel=0.25)
    assert len(stand_in.bodies("/api/chat")) == 3


BEFORE = [
    "500_html",
    "503_busy",
    "429",
    "404_model",
    "400_ctx_plain",
    "400_ctx_nested_json",
    "accept_no_reply",
]
BEFORE += ["slow_first_token", "empty_content"]
WITHIN = [
    "no_done",
    "mid_error",
    "garbage_line",
    "array_line",
    "nested_line",
    "giant_line",
    "stall_after",
]


@pytest.mark.parametrize("fault", BEFORE)
def test_faults_before_the_first_piece_are_unavailable(
    stand_in: StandIn, fault: str
) -> None:
    server = client(stand_in)
    server.prove("llama3.2")
    struck(server, stand_in, fault)
    with pytest.raises(Unavailable) as raised:
        ask(OllamaGenerator(server, "llama3.2"))
    assert not isinstance(raised.value, Incomplete)
    two_lines(raised.value)


def test_an_error_inside_an_error_is_unwrapped(stand_in: StandIn) -> None:
    stand_in.faults.on("400_ctx_nested_json")
    with pytest.raises(
        Unavailable, match=r"request \(42947 tokens\) exceeds"
    ) as raised:
        ask(generator(stand_in))
    assert "{" not in raised.value.message


@pytest.mark.parametrize("fault", [*WITHIN, "drop_after", "rst_after"])
def test_faults_within_an_answer_leave_it_incomplete(
    stand_in: StandIn, fault: str
) -> None:
    server = client(stand_in)
    model = OllamaGenerator(server, "llama3.2")
    assert model.window == 8192
    struck(
        server,
        stand_in,
        fault,
        CUT_AT if fault in ("drop_after", "rst_after") else None,
    )
    with pytest.raises(Incomplete) as raised:
        ask(model)
    two_lines(raised.value)
    assert ANSWER.startswith(raised.value.partial)
    assert raised.value.partial
    assert model.usage is None


def test_slow_tokens_end_at_the_total(stand_in: StandIn) -> None:
    """Every piece comes in time, the whole does not."""
    server = client(stand_in)
    model = OllamaGenerator(server, "llama3.2")
    assert model.window == 8192
    stand_in.faults.on("slow_tokens", 0.2)
    server.limits = Limits(connect=0.5, first=5, idle=5, total=1.0)
    with pytest.raises(Incomplete, match="in time"):
        ask(model)


@pytest.mark.parametrize("fault", ["401_signin", "403_cloud"])
def test_a_model_behind_an_account_is_refused(stand_in: StandIn, fault: str) -> None:
    stand_in.faults.on(fault)
    with pytest.raises(Refused) as raised:
        ask(generator(stand_in))
    two_lines(raised.value)


@pytest.mark.parametrize(
    "fault", ["split_utf8", "blank_line", "thinking_first", "metrics_absent"]
)
def test_oddities_change_no_word(stand_in: StandIn, fault: str) -> None:
    stand_in.faults.on(fault)
    messages = [
        {
            "role": "user",
            "content": "[1] Ana\nAna zahlt für den Kessel — 新しい ☕ 900 €.\nQuestion: wer zahlt für den Kessel",
        }
    ]
    model = generator(stand_in)
    assert ask(model, messages) == "Ana zahlt für den Kessel — 新しい ☕ 900 € [1]."
    assert not usage(model).truncated
    assert (usage(model).prompt_tokens is None) == (fault == "metrics_absent")


def test_a_cut_answer_says_so(stand_in: StandIn) -> None:
    stand_in.faults.on("done_length")
    model = generator(stand_in)
    assert ANSWER.startswith(ask(model))
    assert not usage(model).complete
    stand_in.faults.clear()
    assert len(ask(model, max_tokens=2)) < len(ANSWER)
    assert usage(model).done_reason == "length"


def test_silent_truncation_is_noticed(stand_in: StandIn) -> None:
    """The server answers 200 from half of the prompt; its own count gives it away."""
    stand_in.faults.on("silent_truncate", 64)
    model = generator(stand_in)
    ask(model, [{"role": "user", "content": f"{PASSAGES}\n{'filler ' * 60}"}])
    assert usage(model).truncated


def test_a_model_unloaded_or_deleted_in_between(stand_in: StandIn) -> None:
    stand_in.faults.on("model_unloaded_between")
    model = generator(stand_in)
    assert ask(model) == ask(model) == ANSWER
    assert len(stand_in.loads) == 2
    del stand_in.models["llama3.2:latest"]
    with pytest.raises(
        Unavailable, match=r"llama3\.2 is not on this machine"
    ) as raised:
        ask(model)
    assert "brain models pull llama3.2" in raised.value.hint


def test_hanging_up_stops_the_server(stand_in: StandIn) -> None:
    stand_in.faults.on("slow_tokens", 0.02)
    stream = generator(stand_in).stream(MESSAGES, max_tokens=200)
    with closing(stream) as pieces:  # type: ignore[type-var]  # the stream has close()
        assert next(pieces)
    stand_in.faults.clear()
    assert (
        ask(generator(stand_in)) == ANSWER
    )  # the one slot of the server is free again


def test_a_killed_server_leaves_an_incomplete_answer() -> None:
    """A real process, killed in the middle of its answer."""
    command = [
        sys.executable,
        "-m",
        "tests.stand_in_ollama",
        "--models",
        "llama3.2",
        "--fault",
        "die_mid_stream",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        model = OllamaGenerator(
            OllamaServer(process.stdout.readline().strip()), "llama3.2"
        )
        with pytest.raises(Incomplete) as raised:
            ask(model)
        assert raised.value.partial
        assert process.wait(20) == -signal.SIGKILL
        with pytest.raises(Unavailable, match="does not answer"):
            ask(model)


def test_json_of_a_schema(stand_in: StandIn) -> None:
    model = generator(stand_in)
    data = json.loads(ask(model, schema=SCHEMA))
    assert data == {"answer": ANSWER, "cited": [1]}
    assert json.loads(stand_in.bodies("/api/chat")[0])["format"] == SCHEMA


def test_json_that_breaks_the_schema_comes_as_it_is(stand_in: StandIn) -> None:
    """Whoever asked for the schema checks what comes: a second question could take as long as the first."""
    stand_in.faults.on("bad_json", 1)
    assert ask(generator(stand_in), schema=SCHEMA) == '{"answer": '
    assert len(stand_in.bodies("/api/chat")) == 1

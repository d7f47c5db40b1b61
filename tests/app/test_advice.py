"""`models advise`: facts with their source, what fits a machine, what is better left, and one command to run next."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from brain.app import Brain
from brain.app.advice import QUOTES_ARE_BETTER, TOO_WEAK, advise
from brain.config import load
from brain.models.library import BITS, EMBEDDERS, LEAST_PARAMETERS, WRITERS
from brain.protocols import Speed
from brain.reports import ModelAdvice, RoleAdvice
from tests.end_to_end import Folder, brain
from tests.stand_in_models import known
from tests.stand_in_ollama import StandIn

GB = 10**9


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An Ollama that is there and holds nothing yet."""
    with StandIn(models=()) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        monkeypatch.delenv("BRAIN_MODELS_ASK")
        yield server


def advice(memory: int, **speeds: Speed) -> ModelAdvice:
    """For a machine with so many bytes. `speeds`: measured before, by a name with "_" for ":"."""
    with Brain(load()) as opened:
        for name, speed in speeds.items():
            opened.resources.speeds.keep(name.replace("_", ":"), "", speed)
        return advise(opened.resources, memory=memory)


def role(given: ModelAdvice, name: str) -> RoleAdvice:
    (found,) = [item for item in given.roles if item.role == name]
    return found


@pytest.mark.parametrize("item", [*WRITERS, *EMBEDDERS], ids=lambda item: item.name)
def test_the_size_of_each_model_is_what_its_parameters_take(item: object) -> None:
    """Within a seventh: small models keep their tables of words at a finer quantisation."""
    from brain.models.library import Listed

    assert isinstance(item, Listed)
    expected = item.parameters * GB * BITS[item.quantization] / 8
    assert item.size == pytest.approx(expected, rel=0.15)
    assert item.source.startswith("https://ollama.com/library/")


def test_the_three_families_in_several_sizes_and_quantisations() -> None:
    families = {item.family for item in WRITERS}
    assert families == {"Qwen", "Llama", "Mistral"}
    for family in families:
        rows = [item for item in WRITERS if item.family == family]
        assert len(rows) >= 4
        assert len({item.quantization for item in rows}) >= 2


@pytest.mark.parametrize(
    ("memory", "best"),
    [
        (6 * GB, "qwen3:4b"),
        (8 * GB, "qwen3:4b"),
        (16 * GB, "qwen3:8b"),
        (64 * GB, "qwen3:8b"),
    ],
)
def test_the_largest_that_fits_and_a_processor_can_read_with(
    ollama: StandIn, memory: int, best: str
) -> None:
    given = advice(memory)
    assert role(given, "ask").command == f"brain models pull {best}"
    assert given.command == f"brain models pull {best}"
    assert best in given.advice
    assert all(row.bytes <= given.most for row in given.models if row.fits)
    assert all(row.source for row in given.models)


def test_a_machine_that_was_measured_to_be_fast_gets_a_larger_one(
    ollama: StandIn,
) -> None:
    ollama.models["qwen3:4b"] = known("qwen3:4b")
    given = advice(64 * GB, qwen3_4b=Speed(prompt=900.0, answer=60.0))
    assert role(given, "ask").command == "brain models pull qwen3:32b"
    (row,) = [row for row in given.models if row.name == "qwen3:4b"]
    assert (row.installed, row.prompt_speed, row.answer_speed) == (True, 900.0, 60.0)


def test_on_a_machine_that_is_too_small_quotes_are_better(ollama: StandIn) -> None:
    given = advice(2 * GB)
    assert given.advice.endswith(QUOTES_ARE_BETTER)
    assert "too small" in given.advice
    assert role(given, "ask").command == ""
    small = [row for row in given.models if row.role == "ask" and row.fits]
    assert small
    assert all(row.parameters < LEAST_PARAMETERS for row in small)
    assert {row.remark for row in small} == {TOO_WEAK}


def test_on_a_machine_that_is_too_slow_quotes_are_better(ollama: StandIn) -> None:
    ollama.models["qwen3:4b"] = known("qwen3:4b")
    given = advice(16 * GB, qwen3_4b=Speed(prompt=4.0))
    assert "reads 5 tokens a second here" in given.advice, (
        "llama3.2:3b would, since the one that was measured is a quarter larger"
    )
    assert given.advice.endswith(QUOTES_ARE_BETTER)
    assert role(given, "ask").command == "brain models use ask builtin"


def test_what_is_there_lacks_nothing(ollama: StandIn, folder: Folder) -> None:
    ollama.models |= {
        name: known(name) for name in ("qwen3:8b", "nomic-embed-text:latest")
    }
    brain("add", folder({"tea.md": "Black tea wants four minutes.\n"}))
    given = advice(16 * GB)
    assert [item.lacks for item in given.roles] == ["", "", ""]
    assert given.command == ""
    assert role(given, "embed").serves == "nomic-embed-text:latest"


def test_a_larger_model_that_is_here_is_good_enough(ollama: StandIn) -> None:
    ollama.models["qwen3:14b"] = replace(known("qwen3:14b"), size=int(9.3 * GB))
    assert role(advice(32 * GB), "ask").lacks == ""
    slow = advice(32 * GB, qwen3_14b=Speed(prompt=3.0))
    assert role(slow, "ask").command == "brain models pull llama3.2:3b"
    assert "the fastest that writes well" in slow.advice
    ollama.models["qwen3:4b"] = known("qwen3:4b")
    quick = advice(32 * GB, qwen3_4b=Speed(prompt=80.0))
    assert role(quick, "ask").command == "brain models pull qwen3:8b"
    assert "by what was measured here" in quick.advice


def test_a_model_that_was_chosen_by_name_is_not_replaced_by_a_pull_alone(
    ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_MODELS_ASK", "builtin")
    assert role(advice(16 * GB), "ask").command == (
        "brain models pull qwen3:8b && brain models use ask qwen3:8b"
    )


def test_a_model_beside_the_table_is_told_by_what_the_server_knows(
    ollama: StandIn,
) -> None:
    ollama.models["mine:latest"] = replace(known("mine"), size=3 * GB)
    given = advice(16 * GB)
    (row,) = [row for row in given.models if row.name == "mine:latest"]
    assert (row.parameters, row.quantization, row.installed) == (3.2, "Q4_K_M", True)


def test_without_ollama_the_first_command_starts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv(
            "BRAIN_OLLAMA_HOST", f"http://127.0.0.1:{taken.getsockname()[1]}"
        )
        ran = brain("models", "advise")
        shape = brain("models", "advise", "--json").json
    assert ran.code == 0
    assert shape["command"] == "ollama serve"
    assert ran.stdout.endswith("next: ollama serve\n")
    assert "Ollama does not answer" in shape["ollama"]


def test_the_command_says_it_in_plain_words(ollama: StandIn) -> None:
    ran = brain("models", "advise")
    assert ran.code == 0
    assert "this machine" in ran.stdout
    assert "extractive: quotes of your notes" in ran.stdout
    assert "lacks a model that writes: brain models pull qwen3" in ran.stdout
    assert "nothing was measured here yet" in ran.stdout
    assert "llama3.2:3b" in ran.stdout
    shape = brain("models", "advise", "--json").json
    assert {"memory", "most", "ollama", "roles", "models", "advice", "command"} <= set(
        shape
    )
    assert shape["models"][0]["source"].startswith("https://ollama.com/library/")

"""Choosing models, and living with slow ones: roles, fills that fail, measured speeds, loads; against the stand-in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.answering.context import RULES
from brain.app import Brain
from brain.app import vectors as taking_in
from brain.app.filling import ENDED, FILL, Pace
from brain.app.serving import SHIPPED
from brain.app.vectors import INLINE_CHUNKS
from brain.config import load
from brain.protocols import Speed
from ingest.tokens import count_tokens
from tests.end_to_end import Folder, brain, home
from tests.journeys.test_users_ollama import LEASE, NOMIC, TEA
from tests.stand_in_ollama import StandIn

LLAMA = "llama3.2:latest"
QUESTION = "what is the rent a month?"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An Ollama that is there, with models left to "auto"."""
    with StandIn(models=("llama3.2", NOMIC)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.setenv("BRAIN_RETRIEVAL_RERANKER", "ollama")
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        monkeypatch.delenv("BRAIN_MODELS_ASK")
        yield server


@pytest.fixture
def shelf(folder: Folder) -> Path:
    return folder({"lease.md": LEASE, "tea.md": TEA})


def measured(model: str, speed: Speed, server: StandIn) -> None:
    """As if an earlier command had measured the model."""
    with Brain(load()) as opened:
        opened.resources.speeds.keep(model, server.models[model].digest, speed)


def sent(server: StandIn) -> list[Any]:
    """Every chat that was asked for."""
    return [json.loads(body) for body in server.bodies("/api/chat")]


# -- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_that_a_model_does_not_have_is_refused(ollama: StandIn) -> None:
    refused = brain("models", "use", "ask", NOMIC)
    assert refused.code == 2
    cause, cure = refused.two_lines()
    assert cause == f"{NOMIC} cannot ask: it searches by meaning and does not write"
    assert cure == f"models here that can: {LLAMA}"
    cause, cure = brain("models", "use", "embed", "llama3.2").two_lines()
    assert cause == "llama3.2 cannot embed: it writes and does not search by meaning"
    assert cure == f"models here that can: {NOMIC}"
    assert not (home() / "config.toml").exists(), "nothing was set"
    assert ollama.loads == [], "and nothing was loaded to find out"


def test_a_role_by_the_name_where_an_old_server_does_not_say(ollama: StandIn) -> None:
    ollama.faults.on("version_old")
    assert brain("models", "use", "ask", NOMIC).code == 2
    assert brain("models", "use", "embed", "llama3.2").code == 2
    assert brain("models", "use", "ask", "llama3.2").code == 0


def test_the_names_of_the_built_in_models_are_names_too(ollama: StandIn) -> None:
    assert brain("models", "use", "embed", "wordllama").code == 0
    assert brain("models", "use", "ask", "extractive").code == 0
    cause, _cure = brain("models", "use", "ask", "wordllama").two_lines()
    assert cause == "wordllama is built in, but not for ask"
    text = (home() / "config.toml").read_text("utf-8")
    assert 'embed = "wordllama"' in text
    assert 'ask = "builtin"' in text
    assert brain("models", "use", "embed", SHIPPED).code == 0
    assert 'embed = "builtin"' in (home() / "config.toml").read_text("utf-8")


def test_the_list_goes_by_what_a_model_really_can(ollama: StandIn) -> None:
    from dataclasses import replace

    ollama.models["mine:latest"] = replace(
        ollama.models[NOMIC], name="mine:latest", listed=("completion",)
    )
    rows = brain("models", "list", "--json").json["models"]
    roles = {row["name"]: row["roles"] for row in rows}
    assert roles["mine:latest"] == ["embed"]
    assert roles[LLAMA] == ["ask"]


def test_a_mistral_answers_where_nothing_else_is_and_is_named_once(
    ollama: StandIn, shelf: Path
) -> None:
    from tests.stand_in_models import known

    del ollama.models[LLAMA]
    ollama.models["mistral:7b"] = known("mistral:7b")
    brain("add", shelf)
    first, second = brain("ask", QUESTION), brain("ask", QUESTION)
    assert first.stderr.count("mistral:7b answers: the largest Mistral here") == 1
    assert "since no Qwen or Llama does" in first.stderr
    assert "mistral:7b answers" not in second.stderr
    assert brain("ask", QUESTION, "--json").json["model"] == "mistral:7b"


def test_a_role_that_a_file_gave_to_the_wrong_model_is_said_by_the_doctor(
    ollama: StandIn, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain("add", shelf)
    monkeypatch.setenv("BRAIN_MODELS_EMBED", "llama3.2")
    checks = brain("doctor", "--json").json["checks"]
    (check,) = [check for check in checks if check["id"] == "D14"]
    assert (check["level"], check["message"]) == (
        "warning",
        "llama3.2 cannot embed: it writes and does not search by meaning",
    )
    added = brain("sync")
    assert "llama3.2 writes and does not search by meaning" in added.stderr
    asked = brain("search", "rent", "--json").json
    assert asked["embedder"] != "llama3.2"
    assert LLAMA not in ollama.loads, "it is not loaded in vain"


# -- vectors that are being made ------------------------------------------------------------------------------------------


def test_a_fill_that_failed_stands_in_status_and_doctor(
    ollama: StandIn, shelf: Path
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults.on("500_html")
    added = brain("add", shelf, "--json")
    assert (added.code, added.json["waiting"]) == (0, 2)
    status = brain("status", "--json").json
    (row,) = [row for row in status["generations"] if row["embedder"] == NOMIC]
    assert "Ollama failed while running" in row["error"]
    assert (row["done"], row["total"], status["waiting"]) == (0, 2, 2)
    (notice,) = [
        text for text in status["notices"] if "has not read everything" in text
    ]
    assert notice.endswith("`brain sync` tries again")
    assert "stopped, 0 of 2 passages" in brain("status").stdout
    checks = brain("doctor", "--json").json["checks"]
    (check,) = [check for check in checks if check["id"] == "D14"]
    assert (check["level"], check["message"]) == ("warning", notice)
    ollama.faults.clear()
    assert brain("sync").code == 0
    status = brain("status", "--json").json
    assert status["waiting"] == 0
    assert not [text for text in status["notices"] if "has not read everything" in text]
    checks = brain("doctor", "--json").json["checks"]
    assert [check["level"] for check in checks if check["id"] == "D14"] == ["ok"]


def test_a_fill_that_ended_without_a_word_is_found(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    begun = {"model": NOMIC, "fingerprint": "", "at": "2020-01-01T00:00:00+00:00"}
    with Brain(load()) as opened:
        library = opened.resources.store.library
        library.keep_setting(FILL, json.dumps(begun | {"error": ""}))
        assert ENDED in str(opened.status().notices)
        for damaged in ("{", "[]", '{"model": 1}', json.dumps(begun | {"error": 7})):
            library.keep_setting(FILL, damaged)
            assert "has not read everything" not in str(opened.status().notices)


def test_a_fill_that_nobody_wants_any_more_is_no_fault(
    ollama: StandIn, shelf: Path
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults.on("500_html")
    brain("add", shelf)
    brain("models", "use", "embed", "builtin")
    assert "has not read everything" not in str(
        brain("status", "--json").json["notices"]
    )


def test_a_model_that_was_left_waits_for_nothing(ollama: StandIn, shelf: Path) -> None:
    brain("add", shelf)
    brain("models", "use", "embed", "builtin")
    (shelf / "more.md").write_text("# More\n\nThe window cleaner comes on Friday.\n")
    brain("sync")
    status = brain("status", "--json").json
    (row,) = [row for row in status["generations"] if row["embedder"] == NOMIC]
    assert (row["state"], row["done"], row["total"]) == ("spare", 2, 3)
    assert status["waiting"] == 0, "no `sync` would ever finish it"
    brain("models", "use", "embed", NOMIC)
    assert brain("status", "--json").json["generations"][0]["done"] == 3


@pytest.mark.slow
def test_what_is_filled_in_the_background_counts_as_waiting_and_its_end_is_known(
    ollama: StandIn, folder: Folder
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults.on("500_html")
    count = INLINE_CHUNKS + 6
    added = brain(
        "add", folder({f"{n}.md": f"page {n}" for n in range(count)}), "--json"
    )
    assert added.json["waiting"] == count
    assert brain("status", "--json").json["waiting"] == count, "before the first one"
    for child in taking_in._started:
        child.wait(60)
    assert "Ollama failed while running" in str(
        brain("status", "--json").json["notices"]
    )


# -- speeds ---------------------------------------------------------------------------------------------------------------


def test_the_speed_of_embedding_is_measured_and_gives_the_estimate(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    measured(NOMIC, Speed(chunks=0.5), ollama)
    ollama.fault_paths = {"/api/embed"}
    ollama.faults.on("500_html")
    (shelf / "more.md").write_text("# More\n\nThe window cleaner comes on Friday.\n")
    brain("sync")
    (row,) = [
        row
        for row in brain("status", "--json").json["generations"]
        if row["embedder"] == NOMIC
    ]
    assert row["eta_seconds"] == pytest.approx(2.0), (
        "one chunk at half a chunk a second"
    )


def test_a_pace_leaves_out_the_load_and_small_samples() -> None:
    kept: list[Speed] = []
    now = iter((5.0, 6.0, 7.0))
    pace = Pace(lambda *_: None, kept.append, clock=lambda: next(now))
    pace("embed", 32, 132)  # the model was loaded before
    pace("embed", 82, 132)
    pace("embed", 132, 132)
    pace.note()
    assert kept == [Speed(chunks=50.0)]
    few = Pace(lambda *_: None, kept.append, clock=iter((1.0, 2.0)).__next__)
    few("embed", 1, 4)
    few("embed", 4, 4)
    few.note()
    assert len(kept) == 1


def test_speeds_are_kept_between_commands(ollama: StandIn, shelf: Path) -> None:
    ollama.prompt_ns = 10_000_000
    brain("add", shelf)
    brain("ask", QUESTION)
    brain("ask", QUESTION)
    asked = sent(ollama)
    assert [body["options"]["num_predict"] == 1 for body in asked] == [
        True,
        False,
        False,
    ], "the rules alone are read once, before the first question of all"
    rows = sqlite3.connect(home() / "brain.db").execute(
        "SELECT model, prompt, answer FROM model_speeds"
    )
    ((model, prompt, answer),) = [row for row in rows if row[1]]
    assert (model, round(answer)) == (LLAMA, 1000)
    assert 50 < prompt < 200, "100 tokens a second were reported"


def test_a_slow_model_gets_fewer_passages_and_says_why(
    ollama: StandIn, folder: Folder
) -> None:
    filler = "The landlord spoke about the rent again and again on that day. " * 12
    place = folder(
        {
            f"{n}.md": f"The rent of flat {n} is {900 + n} euros.\n{filler}\n"
            for n in range(8)
        }
    )
    brain("add", place)
    question = ("ask", "what is the rent of the flats?", "-n", "8", "--json")
    measured(LLAMA, Speed(prompt=5_000.0), ollama)
    assert brain(*question).json["context"]["passages_left_out"] == 0
    with sqlite3.connect(home() / "brain.db") as conn:
        conn.execute("UPDATE model_speeds SET prompt = 40")
    slow = brain(*question)
    context = slow.json["context"]
    assert context["passages_left_out"] > 0
    rules = sum(map(count_tokens, (m["content"] for m in RULES)))
    assert context["tokens"] <= 1.15 * rules + 40 * 10 + 1
    assert "over 10 s here before its first word" in str(slow.json["notices"])
    with sqlite3.connect(home() / "brain.db") as conn:
        conn.execute("UPDATE model_speeds SET prompt = 5")
    assert "s to the first word of llama3.2:latest" in brain(*question).stderr


def test_the_rules_are_the_same_to_the_letter_and_the_code_stands_behind_them(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    brain("ask", QUESTION)
    brain("ask", "how long does black tea steep?")
    brain("search", "rent", "--rerank", "--expand")
    brain("search", "tea", "--rerank", "--expand")
    kinds: dict[str, set[str]] = {}
    for body in sent(ollama):
        rules, *rest = body["messages"]
        kinds.setdefault(rules["content"][:20], set()).add(rules["content"])
        assert all(message["role"] == "user" for message in rest)
    assert len(kinds) == 3
    assert all(len(texts) == 1 for texts in kinds.values())
    codes = [
        body["messages"][1]["content"].split(".")[0]
        for body in sent(ollama)
        if body["messages"][1:] and "code is" in body["messages"][1]["content"][:12]
    ]
    assert len(codes) == len(set(codes)) == 2


# -- loads ------------------------------------------------------------------------------------------------------------------


def test_a_cold_model_is_loaded_before_a_short_deadline_begins(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    ollama.requests.clear()
    found = brain("search", "rent", "--rerank", "--json").json
    assert found["model_steps"][0]["state"] in ("ran", "skipped", "failed")
    paths = [request.path for request in ollama.requests]
    assert paths.index("/api/generate") < paths.index("/api/chat")
    (loaded,) = map(json.loads, ollama.bodies("/api/generate"))
    asked = sent(ollama)[0]
    assert loaded["prompt"] == ""
    assert loaded["shift"] is asked["shift"] is False
    assert loaded["options"]["num_ctx"] == asked["options"]["num_ctx"]
    assert ollama.loads.count(LLAMA) == 1


@pytest.mark.slow
def test_a_busy_server_is_said_before_ten_seconds_are_over(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    measured(LLAMA, Speed(prompt=500.0), ollama)
    ollama.fault_paths = {"/api/chat"}
    ollama.faults.on("slow_first_token", 9.0)
    ran = brain("ask", QUESTION)
    assert ran.code == 0
    assert f"Ollama is busy: {LLAMA} has not begun after 8 s" in ran.stderr
    assert "900 euros" in ran.stdout


@pytest.mark.slow
def test_a_load_longer_than_the_deadline_costs_no_judgment(
    ollama: StandIn, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain("add", shelf)
    monkeypatch.setenv("BRAIN_RETRIEVAL_RERANK_SECONDS", "3")
    monkeypatch.setenv("BRAIN_RETRIEVAL_EXPAND_SECONDS", "3")
    ollama.faults.on("slow_load", 5)
    found = brain("search", "rent tea", "--rerank", "--expand", "--json").json
    expanded, reranked = found["model_steps"]
    assert expanded["state"] == "ran"
    assert reranked["judged"] == reranked["of"] == 2


def test_word_vectors_alone_ask_no_server(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_MODELS_EMBED", "wordllama")
    brain("add", folder({"tea.md": "Black tea wants water at 96 degrees.\n"}))
    assert brain("search", "tea", "--json").json["embedder"] == "wordllama"
    assert ollama.bodies("/api/embed") == []

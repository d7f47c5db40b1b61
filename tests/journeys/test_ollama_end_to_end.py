"""With the stand-in Ollama, through the command line: two speeds, streamed answers, every fault, and nothing half-written."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.app import Brain
from brain.app import vectors as taking_in
from brain.app.serving import SHIPPED
from brain.app.vectors import INLINE_CHUNKS
from brain.config import load
from brain.types import Request
from tests.end_to_end import ROOT, Folder, Ran, brain, checked, home
from tests.journeys.test_users_ollama import LEASE, NOMIC, TEA, vectors
from tests.stand_in_faults import FAULTS
from tests.stand_in_ollama import StandIn

QUESTION = "what is the rent a month?"
SHORT = {
    "BRAIN_OLLAMA_CONNECT_SECONDS": "0.5",
    "BRAIN_OLLAMA_IDLE_SECONDS": "0.4",
    "BRAIN_OLLAMA_TOTAL_SECONDS": "1.5",
}
TIMED = {
    "accept_no_reply",
    "slow_first_token",
    "stall_after",
    "slow_tokens",
}  # only a deadline ends these
STUCK_SECONDS = 60.0  # for a process of ours to end by itself on a busy machine


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(models=("llama3.2", NOMIC)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        monkeypatch.delenv("BRAIN_MODELS_ASK")
        yield server


@pytest.fixture
def shelf(folder: Folder) -> Path:
    return folder({"lease.md": LEASE, "tea.md": TEA})


@pytest.fixture
def strike(ollama: StandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`strike("no_done", "/api/chat")` switches a fault on for these paths, and short deadlines where only they help."""

    def on(fault: str, *paths: str, value: Any = None) -> None:
        ollama.fault_paths = set(paths)
        ollama.faults.on(fault, value)
        for name, seconds in SHORT.items() if fault in TIMED else ():
            monkeypatch.setenv(name, seconds)

    return on


def rows(sql: str) -> list[Any]:
    with sqlite3.connect(home() / "brain.db") as conn:
        return conn.execute(sql).fetchall()


def ask() -> Ran:
    return brain("ask", QUESTION, "--json")


def plain(text: str) -> str:
    return text.replace("\n", " ")


# -- a good day ---------------------------------------------------------------------------------------------------------------


def test_models_are_picked_answers_stream_with_checked_citations_and_the_window_is_said(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    ran = brain("ask", QUESTION, "--explain")
    assert ran.code == 0
    quote, rest = ran.stdout.split("\n", 1)
    assert quote.startswith("| “The rent is 900 euros a month.” ")
    assert f"{shelf / 'lease.md'}:3" in quote, (
        "the best sentence at once, with its place"
    )
    assert "The rent is 900 euros a month [1]." in rest
    assert re.search(r"^\[1\] .*lease\.md:3", rest, re.M)
    assert re.search(r"context \d+ of 8,192 tokens", rest)
    assert "ollama llama3.2:latest" in rest
    assert f"embedder {NOMIC}" in rest
    answer = ask().json
    assert (answer["provider"], answer["model"], answer["embedder"]) == (
        "ollama",
        "llama3.2:latest",
        NOMIC,
    )
    assert [citation["verified"] for citation in answer["citations"]] == [True]
    assert answer["degraded"] in ("", None, False)
    assert (
        rows("SELECT state, model, answer != '' FROM episodes WHERE kind='ask'")
        == [("unrated", "llama3.2:latest", 1)] * 2
    )


def test_an_ollama_generation_keeps_a_vector_for_each_sentence(
    ollama: StandIn, folder: Folder
) -> None:
    notes = folder(
        {
            "two.md": "The boiler is old. The landlord pays for it.\n",
            "one.md": "The rent is due on Monday.\n",
        }
    )
    assert brain("add", str(notes)).code == 0
    assert brain("sync").code == 0
    kept = rows(
        "SELECT k.content, length(v.vector), length(v.sentences) FROM knowledge k JOIN embeddings v "
        "ON v.text_sha = k.text_sha WHERE v.fingerprint LIKE 'nomic%' ORDER BY k.content"
    )
    (two, vector, sentences), (one, _, none) = kept
    assert "boiler" in two
    assert sentences == vector + 4  # two of them, of one byte a number
    assert "rent" in one
    assert not none


def test_the_spare_takes_over_when_ollama_goes_and_the_answer_says_so(
    ollama: StandIn, shelf: Path
) -> None:
    brain("add", shelf)
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    ollama.stop()
    found = brain("search", "rent", "--json")
    assert (found.code, found.json["embedder"]) == (0, "wordllama")
    assert "the built-in model searched" in found.json["degraded"]
    assert all(passage["ranks"]["dense"] for passage in found.json["passages"]), (
        "still hybrid"
    )
    assert "Ollama does not answer" in brain("search", "rent").stderr
    answer = ask()
    assert (answer.code, answer.json["provider"]) == (0, "builtin")
    assert "Ollama does not answer" in answer.json["degraded"]
    assert brain("search", "rent", "--since", "2090-01-01").code == 6, (
        "could not look is not nothing found"
    )
    assert brain("add", "--note", "The window cleaner comes on Friday").code == 0
    assert brain("search", "window cleaner").code == 0


def test_the_models_commands_list_pull_and_use(ollama: StandIn, shelf: Path) -> None:
    brain("add", shelf)
    listed = brain("models", "list", "--json").json["models"]
    used = {model["name"]: model["use"] for model in listed}
    assert used == {
        "wordllama": [],
        SHIPPED: [],
        "extractive": [],
        "llama3.2:latest": ["ask"],
        NOMIC: ["embed"],
    }
    assert brain("models", "pull", "qwen3:4b").code == 0
    assert "qwen3:4b" in ollama.models
    assert brain("models", "pull", "missing-model").code == 6
    assert brain("models", "use", "ask", "qwen3:4b").code == 0
    assert ask().json["model"] == "qwen3:4b"
    assert brain("models", "use", "ask", "builtin").code == 0
    assert ask().json["model"] == "extractive"
    assert brain("models", "use", "embed", "builtin").code == 0
    assert brain("search", "rent", "--json").json["embedder"] == SHIPPED
    assert vectors()[NOMIC] == 2, (
        "kept: nothing has to be computed again on the way back"
    )


# -- two speeds -----------------------------------------------------------------------------------------------------------------


def fillers() -> list[int]:
    """Processes that fill this test's home. They are children of their own session, so that they outlive a command."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words, environ = (
                (place / "cmdline").read_bytes(),
                (place / "environ").read_bytes(),
            )
        except OSError:
            continue
        if (
            b"brain.app.vectors" in words
            and f"BRAIN_HOME={home()}".encode() in environ.split(b"\0")
        ):
            found.append(int(place.name))
    return found


def ended() -> bool:
    """Wait until no process fills any more, and leave none unreaped."""
    until = time.monotonic() + STUCK_SECONDS
    while fillers() and time.monotonic() < until:
        time.sleep(0.05)
    return not fillers() and all(
        child.wait(STUCK_SECONDS) is not None for child in taking_in._started
    )


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(),
    reason="needs /proc to see the other process",
)
@pytest.mark.fault
def test_a_large_add_returns_with_builtin_vectors_and_a_process_behind_it_fills_the_rest(
    ollama: StandIn, folder: Folder
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults["slow_first_token"] = 0.3
    count = INLINE_CHUNKS + 40
    place = folder(
        {
            f"{n}.md": f"# Note {n}\n\nThe topic of this page is word{n}.\n"
            for n in range(count)
        }
    )
    added = brain("add", place)
    assert f"{NOMIC} is reading {count} passages in the background" in added.stderr
    assert vectors()["wordllama"] == count
    found = brain("search", "topic of word7", "--json")
    assert found.json["embedder"] == "wordllama", (
        "it serves until the other is complete"
    )
    building = [
        g
        for g in brain("status", "--json").json["generations"]
        if g["embedder"] == NOMIC
    ]
    assert all(
        g["state"] == "building" and "eta_seconds" in g  # None until it is measured
        for g in building
        if g["done"] < count
    )
    assert ended()
    assert vectors() == {"wordllama": count, NOMIC: count}
    assert brain("search", "topic of word7", "--json").json["embedder"] == NOMIC
    checked(home())


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(),
    reason="needs /proc to see the other process",
)
def test_a_filler_that_dies_is_taken_up_where_it_was(
    ollama: StandIn, folder: Folder
) -> None:
    ollama.fault_paths = {"/api/embed"}
    ollama.faults["slow_first_token"] = 0.2
    count = INLINE_CHUNKS + 60
    brain(
        "add",
        folder(
            {
                f"{n}.md": f"# Note {n}\n\nThe topic of this page is word{n}.\n"
                for n in range(count)
            }
        ),
    )
    until = time.monotonic() + STUCK_SECONDS
    while vectors().get(NOMIC, 0) == 0 and time.monotonic() < until:
        time.sleep(0.02)
    for process in fillers():
        os.kill(process, 9)
    assert ended()
    done = vectors()[NOMIC]
    assert 0 < done <= count
    time.sleep(
        0.5
    )  # what the dead process had asked for is still on its way through the slow server
    ollama.faults.clear()
    ollama.requests.clear()
    assert brain("sync").code == 0
    assert vectors() == {"wordllama": count, NOMIC: count}
    again = sum(
        body.count(b"search_document: Note") for body in ollama.bodies("/api/embed")
    )
    assert again == count - done, "what was there is not computed again"


def test_new_chunks_of_an_interrupted_day_are_filled_before_it_claims_to_be_complete(
    ollama: StandIn, folder: Folder
) -> None:
    brain("add", folder({"lease.md": LEASE}))
    ollama.fault_paths = {"/api/embed"}
    ollama.faults["500_html"] = True
    added = brain("add", folder({"tea.md": TEA}, "more"))
    assert added.code == 0
    assert "1 passage not read by" in added.stderr
    ollama.faults.clear()
    assert vectors() == {"wordllama": 2, NOMIC: 1}
    assert "tea.md" in brain("search", "black tea").stdout
    assert brain("sync").code == 0
    assert vectors() == {"wordllama": 2, NOMIC: 2}


# -- every fault of an answer -------------------------------------------------------------------------------------------------------

STANDS_IN = {  # before the first word: the quotes of the notes stand in, and it is said
    "500_html": "failed",
    "503_busy": "busy",
    "429": "busy",
    "404_model": "not on this machine",
    "400_ctx_plain": "refused the request",
    "400_ctx_nested_json": "exceeds the available context",
    "accept_no_reply": "",
    "slow_first_token": "",
    "empty_content": "nothing",
    "cannot_load": "llama-server process has terminated",
    "drop_after": "",
    "rst_after": "",
}
BREAKS_OFF = [
    "stall_after",
    "no_done",
    "mid_error",
    "garbage_line",
    "array_line",
    "nested_line",
    "giant_line",
    "slow_tokens",
]
REFUSED = ["401_signin", "403_cloud", "remote_host_present", "redirect_307"]
CHANGES_NOTHING = [
    "blank_line",
    "split_utf8",
    "thinking_first",
    "metrics_absent",
    "model_unloaded_between",
    "version_old",
]
EMBEDDING = [
    "500_html",
    *(pytest.param(busy, marks=pytest.mark.slow) for busy in ("503_busy", "429")),
    "404_model",
    "400_ctx_plain",
    "accept_no_reply",
    "redirect_307",
    "embed_short_batch",
    "embed_wrong_dim",
    "embed_nan",
    "embed_empty_input",
    "401_signin",
    "403_cloud",
    "remote_host_present",
    "drop_after",
    "rst_after",
]
ELSEWHERE = {
    "bad_json": "nothing here asks for JSON: tests/models/test_ollama_generator.py",
    "no_logprobs": "an answer asks for none: tests/models/test_ollama_judge.py",
    "babble": "as any other answer; of a judge it is tests/models/test_ollama_judge.py",
    "silent_truncate": "test_a_server_that_cuts_all_the_same_is_found_out_by_its_count",
    "slow_load": "tests/journeys/test_users_models.py",
    "no_network": "a pull: tests/models/test_ollama.py",
    "pull_breaks": "a pull: tests/models/test_ollama.py",
    "pull_restarts": "a pull: tests/models/test_ollama.py",
    "die_mid_stream": "test_a_server_that_is_killed_leaves_an_incomplete_answer",
    "done_length": "test_an_answer_that_was_cut_is_incomplete",
}


def test_every_fault_switch_has_a_test_here() -> None:
    embedding = {
        fault if isinstance(fault, str) else str(fault.values[0]) for fault in EMBEDDING
    }
    assert {
        *STANDS_IN,
        *BREAKS_OFF,
        *REFUSED,
        *CHANGES_NOTHING,
        *ELSEWHERE,
    } | embedding == set(FAULTS)


@pytest.mark.parametrize("fault", STANDS_IN)
def test_a_model_that_never_began_is_named_and_the_notes_answer(
    shelf: Path, strike: Callable[..., None], ollama: StandIn, fault: str
) -> None:
    brain("add", shelf)
    strike(fault, "/api/chat", value={"drop_after": 20, "rst_after": 20}.get(fault))
    ran = ask()
    assert ran.code == 0
    answer = ran.json
    assert answer["provider"] == "builtin"
    assert "900 euros" in answer["answer"]
    assert STANDS_IN[fault] in answer["degraded"]
    assert "the best sentences of the notes stand in" in answer["degraded"]
    assert ollama.errors == []


@pytest.mark.parametrize("fault", BREAKS_OFF)
def test_an_answer_that_breaks_off_is_incomplete_and_is_not_remembered_as_an_answer(
    shelf: Path, strike: Callable[..., None], fault: str
) -> None:
    brain("add", shelf)
    strike(
        fault,
        "/api/chat",
        value={"stall_after": 4, "mid_error": 4, "slow_tokens": 0.3}.get(fault),
    )
    ran = ask()
    assert (ran.code, ran.json["state"]) == (6, "incomplete")
    assert ran.json["answer"].endswith("[broke off]")
    assert rows("SELECT question, answer, state FROM episodes WHERE kind='ask'") == [
        (QUESTION, "", "incomplete")
    ]
    shown = brain("ask", QUESTION)
    assert shown.code == 6
    assert re.search("^incomplete", shown.stdout, re.M), "the footer marks it"
    assert "Traceback" not in shown.stderr
    assert "900 euros" not in plain(
        brain("recall", "rent").stdout.replace(QUESTION, "")
    ), "half an answer is no memory"
    checked(home())


def test_an_answer_that_was_cut_is_incomplete(
    shelf: Path, strike: Callable[..., None]
) -> None:
    brain("add", shelf)
    strike("done_length", "/api/chat")
    ran = ask()
    assert (ran.code, ran.json["state"]) == (6, "incomplete")
    assert rows("SELECT answer, state FROM episodes WHERE kind='ask'") == [
        ("", "incomplete")
    ]


@pytest.mark.parametrize("fault", REFUSED)
def test_a_model_that_runs_elsewhere_is_refused_in_two_lines(
    shelf: Path, strike: Callable[..., None], fault: str
) -> None:
    brain("add", shelf)
    strike(fault, "/api/chat")
    ran = brain("ask", QUESTION)
    assert ran.code == 4
    cause, cure = ran.two_lines()
    assert cause
    assert cure
    assert rows("SELECT count(*) FROM episodes WHERE answer != ''") == [(0,)]


@pytest.mark.parametrize("fault", CHANGES_NOTHING)
def test_oddities_change_no_word_of_an_answer(
    shelf: Path, strike: Callable[..., None], fault: str
) -> None:
    brain("add", shelf)
    good = ask().json
    strike(fault, "/api/chat", "/api/status", "/api/tags", "/api/show")
    odd = ask().json
    assert (odd["answer"], odd["state"], odd["provider"]) == (
        good["answer"],
        good["state"],
        "ollama",
    )


def test_a_server_that_is_killed_leaves_an_incomplete_answer(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BRAIN_MODELS_EMBED", "BRAIN_MODELS_ASK"):
        monkeypatch.delenv(name)
    words = [
        sys.executable,
        "-m",
        "tests.stand_in_ollama",
        "--models",
        f"llama3.2,{NOMIC}",
        "--fault",
        "die_mid_stream=4",
    ]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.stdout.readline().strip())
            brain("add", shelf)
            ran = ask()
            assert server.wait(STUCK_SECONDS) == -9
        finally:
            server.kill()
    assert (ran.code, ran.json["state"]) == (6, "incomplete")
    assert rows("SELECT answer, state FROM episodes WHERE kind='ask'") == [
        ("", "incomplete")
    ]


# -- every fault of an embedding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", EMBEDDING)
def test_no_half_of_a_model_is_ever_used_and_sync_finishes_later(
    shelf: Path,
    strike: Callable[..., None],
    ollama: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    strike(fault, "/api/embed")
    added = brain("add", shelf)
    assert added.code == 0, "taking in is never blocked by a model"
    assert "Traceback" not in added.stderr
    assert re.search(
        f"passages? waiting for {NOMIC}|not read by|{NOMIC} has read nothing",
        added.stderr,
    )
    assert vectors() == {"wordllama": 2}
    found = brain("search", "rent", "--json")
    assert (found.code, found.json["embedder"]) == (0, "wordllama")
    assert ollama.errors == []
    ollama.faults.clear()
    for name in SHORT:
        monkeypatch.delenv(name, raising=False)
    assert brain("sync").code == 0
    assert vectors() == {"wordllama": 2, NOMIC: 2}
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    checked(home())


@pytest.mark.parametrize(
    "fault",
    ["500_html", "404_model", pytest.param("503_busy", marks=pytest.mark.slow)],
)
def test_a_question_that_the_model_does_not_embed_is_compared_by_built_in_vectors(
    shelf: Path, strike: Callable[..., None], fault: str
) -> None:
    brain("add", shelf)
    brain("remember", "The kettle was descaled")
    assert brain("search", "monthly rent", "--json").json["embedder"] == NOMIC
    strike(fault, "/api/embed")
    asked = brain("search", "monthly rent", "--json")
    found = asked.json
    assert (asked.code, found["embedder"]) == (0, "wordllama")
    assert "lease.md" in found["passages"][0]["source"]
    assert "the built-in model searched" in found["degraded"]
    assert "words only" not in found["degraded"]
    recalled = brain("recall", "kettle descaled", "--json").json
    assert recalled["embedder"] == "wordllama"
    assert "the built-in model searched" in recalled["degraded"]
    assert "descaled" in recalled["episodes"][0]["answer"]


def test_one_text_that_the_model_refuses_waits_alone(
    folder: Folder, strike: Callable[..., None], ollama: StandIn
) -> None:
    place = folder(
        {
            **{f"{n}.md": f"# Note {n}\n\nPage {n}.\n" for n in range(5)},
            "bad.md": "# Bad\n\npoison here\n",
        }
    )
    strike("embed_nan", "/api/embed", value="poison")
    added = brain("add", place)
    assert "1 passage not read by" in added.stderr
    assert vectors() == {"wordllama": 6, NOMIC: 5}
    assert brain("search", "poison", "--json").json["embedder"] == "wordllama"


def test_a_question_that_cannot_be_embedded_falls_back_and_says_so(
    shelf: Path, strike: Callable[..., None]
) -> None:
    brain("add", shelf)
    strike("500_html", "/api/embed")
    found = brain("search", "rent", "--json")
    assert found.code == 0
    assert found.json["passages"]
    assert "Ollama failed" in found.json["degraded"]


def test_a_brain_that_stays_open_notices_that_ollama_came_back(
    ollama: StandIn, shelf: Path
) -> None:
    """A door that lives long holds one `Brain`: what serves is asked again, not remembered for ever."""
    with Brain(load()) as opened:
        opened.add([shelf])
        assert opened.search(Request("rent")).embedder == NOMIC

"""What people complain of with Ollama: cut prompts, another model, a server that is away; against the stand-in."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.serving import SHIPPED
from brain.config import load
from brain.types import Request
from tests.end_to_end import Folder, brain, checked, home
from tests.stand_in_models import CATALOGUE
from tests.stand_in_ollama import StandIn

NOMIC, MXBAI = "nomic-embed-text:latest", "mxbai-embed-large:latest"
LEASE = "# Lease\n\nThe rent is 900 euros a month. The deposit is two months of rent.\n"
TEA = "# Tea\n\nBlack tea wants water at 96 degrees for four minutes.\n"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An Ollama that is there, with models left to "auto"."""
    with StandIn(models=("llama3.2", "qwen3:4b", NOMIC)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.delenv("BRAIN_MODELS_EMBED")
        monkeypatch.delenv("BRAIN_MODELS_ASK")
        yield server


def vectors() -> dict[str, int]:
    """How many vectors there are of each model."""
    rows = sqlite3.connect(home() / "brain.db").execute(
        "SELECT fingerprint, count(*) FROM embeddings GROUP BY 1"
    )
    found: Counter[str] = Counter()
    for fingerprint, count in rows:
        found[fingerprint.partition("@")[0]] += count
    return dict(found)


def embedded(server: StandIn) -> list[str]:
    """Every text that was sent to be embedded."""
    return [
        text
        for body in server.bodies("/api/embed")
        for text in json.loads(body)["input"]
    ]


# -- 1: a long prompt is cut silently -------------------------------------------------------------------------------------


def test_a_prompt_over_the_window_is_trimmed_where_everyone_can_see(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_OLLAMA_NUM_CTX", "1024")
    filler = "The landlord spoke about the rent again and again on that day. " * 12
    place = folder(
        {
            f"{n}.md": f"# Letter {n}\n\nThe rent of flat {n} is {900 + n} euros.\n{filler}\n"
            for n in range(9)
        }
    )
    brain("add", place)
    ran = brain("ask", "what is the rent of the flats?", "-n", "9", "--explain")
    assert ran.code == 0
    line = re.search(
        r"context ([\d,]+) of 1,024 tokens; (\d) of (\d) passages left out", ran.stdout
    )
    assert line, ran.stdout
    assert int(line[1].replace(",", "")) <= 1_024
    assert int(line[2]) >= 1
    rules, body = map(json.loads, ollama.bodies("/api/chat"))
    assert body["messages"][:1] == rules["messages"][:1], (
        "a model that was never measured reads the rules, which are the beginning of the prompt"
    )
    assert body["options"]["num_ctx"] == rules["options"]["num_ctx"] == 1_024
    assert (body["truncate"], body["shift"]) == (False, False), "the server may not cut"
    context = brain("ask", "what is the rent of the flats?", "-n", "9", "--json").json[
        "context"
    ]
    assert context["passages_used"] + context["passages_left_out"] == int(line[3])
    assert 0 < context["tokens"] <= context["window"] == 1_024


def test_a_server_that_cuts_all_the_same_is_found_out_by_its_count(
    folder: Folder, ollama: StandIn
) -> None:
    brain("add", folder({"lease.md": LEASE, "tea.md": TEA}))
    ollama.faults.on("silent_truncate", 64)
    ollama.fault_paths = {"/api/chat"}
    asked = brain("ask", "what is the rent?", "--json").json
    assert "context truncated by server" in asked["degraded"]
    assert "the server cut the prompt" in brain("ask", "what is the rent?").stderr


# -- 2: changing the embedding model bricks the store ---------------------------------------------------------------------------


def test_another_model_is_built_beside_resumes_and_repeats_nothing(
    folder: Folder, ollama: StandIn
) -> None:
    place = folder(
        {
            f"{n}.md": f"# Note {n}\n\nThe topic of this page is word{n}.\n"
            for n in range(40)
        }
    )
    brain("add", place)
    assert vectors() == {"wordllama": 40, NOMIC: 40}
    assert brain("status", "--json").json["embedder"] == NOMIC
    ollama.models[MXBAI] = CATALOGUE[MXBAI]
    ollama.faults["500_html"] = True
    ollama.fault_paths = {"/api/embed"}
    said = brain("models", "use", "embed", MXBAI)
    assert said.code == 0
    assert "40 passages waiting for" in said.stdout
    assert brain("search", "word7", "--lexical").code == 0
    ollama.faults.clear()
    assert brain("search", "topic of word7", "--json").json["embedder"] != MXBAI, (
        "not half of a model, ever"
    )
    assert brain("sync").code == 0
    assert vectors() == {"wordllama": 40, NOMIC: 40, MXBAI: 40}
    assert brain("search", "topic of word7", "--json").json["embedder"] == MXBAI
    ollama.requests.clear()
    assert brain("models", "use", "embed", NOMIC).code == 0
    assert brain("search", "topic of word7", "--json").json["embedder"] == NOMIC
    assert [text for text in embedded(ollama) if "Note" in text] == [], (
        "nothing is computed again that did not change"
    )


def test_the_old_model_serves_until_the_new_one_is_complete(
    folder: Folder, ollama: StandIn
) -> None:
    brain("add", folder({"lease.md": LEASE, "tea.md": TEA}))
    ollama.models[MXBAI] = CATALOGUE[MXBAI]
    ollama.faults["500_html"] = True
    ollama.fault_paths = {"/api/embed"}
    brain("models", "use", "embed", MXBAI)
    ollama.faults.clear()
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC


def test_the_same_name_pulled_anew_is_another_model(
    folder: Folder, ollama: StandIn
) -> None:
    brain("add", folder({"lease.md": LEASE, "tea.md": TEA}))
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    ollama.models[NOMIC] = replace(ollama.models[NOMIC], version=2)
    found = brain("search", "rent", "--json").json
    assert found["embedder"] == "wordllama", "vectors of two digests never mix"
    assert "has changed" in brain("status", "--json").json["embedder_reason"]
    assert brain("sync").code == 0
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    assert vectors()[NOMIC] == 4, "two texts by two digests"


def test_an_edit_embeds_what_changed_and_nothing_else(
    folder: Folder, ollama: StandIn
) -> None:
    place = folder(
        {
            f"{n}.md": f"# Note {n}\n\nThe topic of this page is word{n}.\n"
            for n in range(20)
        }
    )
    brain("add", place)
    ollama.requests.clear()
    (place / "7.md").write_text("# Note 7\n\nThe topic of this page is giraffe.\n")
    (place / "8.md").rename(place / "moved.md")
    assert brain("sync").code == 0
    texts = embedded(ollama)
    assert any("giraffe" in text for text in texts)
    assert all("Note 7" in text or "giraffe" in text for text in texts), texts


# -- 3: nomic-embed-text without its prefixes -----------------------------------------------------------------------------------------


def test_prefixes_are_sent_and_are_part_of_the_fingerprint(
    folder: Folder, ollama: StandIn
) -> None:
    brain("add", folder({"lease.md": LEASE}))
    brain("search", "rent")
    documents, queries = embedded(ollama)[:-1], embedded(ollama)[-1:]
    assert all(text.startswith("search_document: ") for text in documents)
    assert queries == ["search_query: rent"]
    rows = sqlite3.connect(home() / "brain.db").execute(
        "SELECT DISTINCT fingerprint FROM embeddings ORDER BY 1"
    )
    nomic, wordllama = (row[0].split("/") for row in rows)
    assert nomic[-2].startswith("nomic-")
    assert wordllama[-2] == "none"


# -- 4: the embedder's real window ------------------------------------------------------------------------------------------------------


def test_a_chunk_over_the_models_window_is_embedded_in_windows(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_INGEST_CHUNK_TOKENS", "4000")
    place = folder(
        {
            "long.md": "# Long\n\n"
            + "alpha beta gamma " * 1_200
            + "and it ends with a quokka.\n"
        }
    )
    added = brain("add", place)
    assert "wait" not in added.stderr
    bodies = [json.loads(body) for body in ollama.bodies("/api/embed")]
    assert all(body["truncate"] is False for body in bodies)
    assert len([text for body in bodies for text in body["input"]]) >= 2, (
        "one chunk, several windows"
    )
    assert any("quokka" in text for body in bodies for text in body["input"]), (
        "its end was read"
    )
    stored = checked(home())
    assert vectors() == {"wordllama": stored.chunks, NOMIC: stored.chunks}


# -- 11: cannot reach Ollama ----------------------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_one_line_of_cause_and_one_of_cure_for_every_way_to_miss_it(
    ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause, cure = brain("models", "use", "ask", "mistral-nemo").two_lines()
    assert cause == "mistral-nemo is not on this machine"
    assert "brain models pull mistral-nemo" in cure
    cause, cure = brain("models", "use", "ask", "llama3.2:70b").two_lines()
    assert cause == "llama3.2:70b is not on this machine", (
        "a tag that is not there is named whole"
    )
    port = closed_port()
    for host in (
        f"http://127.0.0.1:{port}",
        f"127.0.0.1:{port}",
        f"http://localhost:{port}",
    ):
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", host)
        cause, cure = brain("models", "pull", "llama3.2").two_lines()
        assert cause.startswith("Ollama does not answer at ")
        assert str(port) in cause
        assert "ollama serve" in cure
    for host in (
        ollama.url.replace("http:", "https:"),
        "ftp://127.0.0.1",
        "http://203.0.113.9:11434",
    ):
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", host)
        ran = brain("models", "pull", "llama3.2")
        assert ran.code in (1, 2, 4, 6)
        ran.two_lines()


@pytest.mark.parametrize("by", ["option", "variable"])
def test_offline_nothing_is_fetched(
    ollama: StandIn, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The model would come to this machine by Ollama's own connection: asking for it is a way out as well."""
    monkeypatch.setenv("BRAIN_OFFLINE", "no" if by == "option" else "1")
    words = ["--offline"] if by == "option" else []
    ran = brain(*words, "models", "pull", "llama3.2")
    assert ran.code == 4
    assert ran.two_lines()[0] == "llama3.2 was not fetched: offline"
    assert not [request for request in ollama.requests if request.path == "/api/pull"]
    assert "offline: nothing leaves" in brain("status").stdout
    monkeypatch.setenv("BRAIN_OFFLINE", "0")
    assert brain("models", "pull", "llama3.2").code == 0
    assert "offline: " not in brain("status").stdout
    pulls = [
        row
        for row in brain("ledger", "show", "--json").json["entries"]
        if row["kind"] == "pull"
    ]
    assert {(row["model"], row["decision"]) for row in pulls} == {
        ("llama3.2", "deny"),
        ("llama3.2", "allow"),
    }


def test_a_variable_that_is_neither_yes_nor_no_does_not_leave_the_gate_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BRAIN_OFFLINE", "maybe")
    ran = brain("status")
    assert ran.code == 2
    assert ran.two_lines() == (
        "BRAIN_OFFLINE=maybe is neither yes nor no",
        "write BRAIN_OFFLINE=1",
    )


def test_a_question_says_why_the_model_that_was_chosen_did_not_answer(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain("add", folder({"lease.md": LEASE}))
    monkeypatch.setenv("BRAIN_MODELS_ASK", "llama3.2")
    monkeypatch.setenv("BRAIN_OLLAMA_HOST", f"http://127.0.0.1:{closed_port()}")
    asked = brain("ask", "what is the rent?", "--json")
    assert asked.code == 0
    assert "900 euros" in asked.json["answer"]
    assert asked.json["provider"] == "builtin"
    assert "Ollama does not answer" in asked.json["degraded"]
    assert "the best sentences of the notes stand in" in asked.json["degraded"]


def test_embeddings_and_chat_share_one_client(folder: Folder, ollama: StandIn) -> None:
    with Brain(load()) as opened:
        opened.add([folder({"lease.md": LEASE})])
        opened.ask(Request("what is the rent?", limit=8))
        generator, _why, _missing = opened.resources.generator()
        assert generator is not None
        assert (
            opened.resources.ollama_embedder(NOMIC)._server
            is opened.resources.ollama
            is generator._server
        )


# -- 27: Ollama was asleep on the first day -----------------------------------------------------------------------------------------------------


def test_a_later_add_takes_the_better_model_up(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_OLLAMA_HOST", f"http://127.0.0.1:{closed_port()}")
    brain("add", folder({"lease.md": LEASE}))
    assert brain("search", "rent", "--json").json["embedder"] == SHIPPED
    monkeypatch.setenv("BRAIN_OLLAMA_HOST", ollama.url)
    brain("add", folder({"tea.md": TEA}, "more"))
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    shipped = {"all-minilm-l6-v2-int8": 1}
    assert vectors() == {"wordllama": 2, NOMIC: 2, **shipped}, (
        "it is not asked any more"
    )


def test_the_better_complete_vectors_stand_in_when_ollama_goes(
    folder: Folder, ollama: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder({"lease.md": LEASE})
    monkeypatch.setenv("BRAIN_MODELS_EMBED", "builtin")
    brain("add", place)
    monkeypatch.delenv("BRAIN_MODELS_EMBED")
    assert brain("search", "rent", "--json").json["embedder"] == SHIPPED
    brain("sync")
    assert brain("search", "rent", "--json").json["embedder"] == NOMIC
    ollama.stop()
    found = brain("search", "rent", "--json").json
    assert found["embedder"] == SHIPPED
    assert f"{SHIPPED} searched" in found["degraded"]
    (place / "tea.md").write_text(TEA)
    monkeypatch.setenv("BRAIN_MODELS_EMBED", "wordllama")
    brain("sync")
    monkeypatch.delenv("BRAIN_MODELS_EMBED")
    found = brain("search", "rent", "--json").json
    assert found["embedder"] == "wordllama", "what lacks a chunk does not stand in"
    assert "the built-in model searched" in found["degraded"]
    assert "Ollama does not" in brain("status", "--json").json["embedder_reason"]


def test_status_nudges_at_most_weekly_and_names_the_cost(
    folder: Folder, ollama: StandIn
) -> None:
    config = load()
    with Brain(
        replace(config, models=replace(config.models, embed="wordllama"))
    ) as asleep:
        asleep.add([folder({f"{n}.md": f"page {n}" for n in range(70)})])
    day = datetime(2026, 5, 1, 9, tzinfo=UTC)
    said = []
    for days in (0, 1, 6, 7, 8):
        with Brain(config, now=lambda days=days: day + timedelta(days=days)) as opened:
            said.append(
                [notice for notice in opened.status().notices if "Ollama has" in notice]
            )
    assert [len(notices) for notices in said] == [1, 0, 0, 1, 0]
    assert said[0] == [f"Ollama has {NOMIC}: `brain sync` has it read 70 passages"]
    assert Path(home() / "brain.db").exists()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (
            "The lease ends on 1 March 2026 [1].",
            "read with the question, the source answers “28 February 2029”",
        ),
        ("The lease ends on 28 February 2029 [1].", None),
    ],
)
def test_a_date_of_the_right_source_that_does_not_answer_is_marked(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, written: str, reason: str | None
) -> None:
    lease = (
        "# Lease\n\nThe lease begins on 1 March 2026 and ends on 28 February 2029.\n"
    )
    monkeypatch.setenv("BRAIN_MODELS_READER", "builtin")
    monkeypatch.setenv("BRAIN_RETRIEVAL_READ_SECONDS", "600")  # however busy
    monkeypatch.setenv("BRAIN_MODELS_ASK", "llama3.2")
    with StandIn(models=("llama3.2",), answer=lambda _messages: written) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        assert brain("add", folder({"lease.md": lease})).code == 0
        shape = brain("ask", "when does the lease end?", "--json").json
    assert shape["provider"] == "ollama"
    (citation,) = shape["citations"]
    assert citation["reason"] == reason
    assert citation["verified"] == (reason is None)
    assert ("[unverified]" in shape["answer"]) == (reason is not None)
    quote = shape["quotes"][0]
    start, end = quote["answer_span"]
    assert quote["quote"][start:end] == "28 February 2029"

"""The stand-in keeps the contract: `ollama` itself reads its answers, and the oddities of the real server are there."""

from __future__ import annotations

import http.client
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ollama
import pytest

from brain import prompts
from tests.ollama_clients import ANSWER, MESSAGES, NOMIC, SCHEMA
from tests.stand_in_faults import FAULTS
from tests.stand_in_models import has_minilm, known
from tests.stand_in_ollama import StandIn

ROOT = Path(__file__).parents[2]
CLOUD = "gpt-oss:120b-cloud"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as running:
        yield running
        assert running.errors == []


def call(
    server: StandIn, path: str, body: Any = None, method: str = "", **headers: str
) -> tuple[int, Any]:
    """Status and body: parsed JSON, a list for NDJSON, or text."""
    data = (
        body
        if isinstance(body, bytes)
        else None
        if body is None
        else json.dumps(body).encode()
    )
    with closing(http.client.HTTPConnection(server.host, timeout=20)) as connection:
        connection.request(
            method or ("GET" if data is None else "POST"), path, data, headers
        )
        reply = connection.getresponse()
        text, kind = (
            reply.read().decode(),
            reply.headers.get("Content-Type", "") if method != "HEAD" else "",
        )
    if "ndjson" in kind:
        return reply.status, [json.loads(line) for line in text.splitlines()]
    return reply.status, json.loads(text) if "json" in kind else text


def chat(server: StandIn, model: str = "llama3.2", **more: Any) -> tuple[int, Any]:
    return call(server, "/api/chat", {"model": model, "messages": MESSAGES, **more})


# --- the package reads it -----------------------------------------------------------------------------------------


@pytest.fixture
def client(server: StandIn) -> Iterator[ollama.Client]:
    with ollama.Client(server.url, trust_env=False, timeout=20) as package:
        yield package


def test_the_package_parses_every_happy_answer(client: ollama.Client) -> None:
    assert {m.model or "" for m in client.list().models} == {
        "llama3.2:latest",
        "qwen3:4b",
        "nomic-embed-text:latest",
    }
    assert client.show("llama3.2").modelinfo is not None
    whole = client.chat("llama3.2", MESSAGES)
    assert whole.message.content == ANSWER
    assert whole.prompt_eval_count
    parts = list(client.chat("llama3.2", MESSAGES, stream=True, logprobs=True))
    assert "".join(part.message.content or "" for part in parts) == ANSWER
    assert parts[0].logprobs
    assert (parts[-1].done, parts[-1].done_reason) == (True, "stop")
    assert client.generate("llama3.2", "hello").context
    assert "".join(
        part.response or ""
        for part in client.generate("llama3.2", "hello", stream=True)
    )
    assert len(client.embed(NOMIC, ["a", ""]).embeddings) == 2
    assert len(client.embeddings(NOMIC, "a").embedding) == 768
    assert client.ps().models[0].context_length
    assert [p.status for p in client.pull("llama3.1", stream=True)][-1] == "success"
    assert client.pull("llama3.1").status == "success"
    assert client.copy("llama3.1", "mine").status == "success"
    assert client.delete("mine").status == "success"


def test_the_package_sees_errors(client: ollama.Client) -> None:
    for use in (
        lambda: client.chat("nope"),
        lambda: client.embed("nope", "x"),
        lambda: client.show("nope"),
    ):
        with pytest.raises(ollama.ResponseError) as raised:
            use()
        assert raised.value.status_code == 404
    with pytest.raises(ollama.ResponseError):
        list(client.pull("missing", stream=True))


# --- transport ----------------------------------------------------------------------------------------------------


def test_plain_answers(server: StandIn) -> None:
    assert call(server, "/") == (200, "Ollama is running")
    assert call(server, "/", method="HEAD") == (200, "")
    assert call(server, "/api/tags", method="HEAD")[0] == 200
    assert call(server, "/api/nothing") == (404, "404 page not found")
    assert call(server, "/api/chat")[0] == 405
    assert call(server, "/api/chat", b"") == (400, {"error": "missing request body"})
    assert call(server, "/api/chat", b"{")[0] == 400
    assert call(server, "/api/version") == (200, {"version": "0.33.0"})
    assert call(server, "/api/status") == (
        200,
        {"cloud": {"disabled": True, "source": "env"}},
    )
    assert call(server, f"/api/blobs/sha256:{'0' * 64}", method="HEAD")[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "example.com"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "box.local"}, 200),
        ({"Host": "10.0.0.1"}, 200),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "app://x"}, 200),
    ],
)
def test_host_and_origin(server: StandIn, headers: dict[str, str], status: int) -> None:
    assert call(server, "/api/version", **headers)[0] == status


def test_json_as_go_writes_it() -> None:
    with StandIn(models=["llama3.2"], answer=lambda _: "<b> & \u2028") as place:
        connection = http.client.HTTPConnection(place.host, timeout=20)
        connection.request(
            "POST", "/api/chat", json.dumps({"model": "llama3.2", "messages": MESSAGES})
        )
        raw = connection.getresponse().read()
        connection.close()
    assert b"\\u003cb\\u003e" in raw
    assert b"\\u0026" in raw


def test_every_request_is_kept(server: StandIn) -> None:
    chat(server)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/chat")
    assert json.loads(request.body)["model"] == "llama3.2"


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "empty", "absent", "text"),
    [
        ("/api/chat", 400, 404, "model 'x' not found"),
        ("/api/generate", 404, 404, "model 'x' not found"),
        ("/api/embed", 404, 404, 'model "x" not found, try pulling it first'),
        ("/api/embeddings", 400, 404, 'model "x" not found, try pulling it first'),
        ("/api/show", 400, 404, "model 'x:latest' not found"),
    ],
)
def test_the_table_of_names(
    server: StandIn, path: str, empty: int, absent: int, text: str
) -> None:
    assert call(server, path, {"model": ""})[0] == empty
    assert call(server, path, {"model": "x"}) == (absent, {"error": text})
    assert call(server, path, {"model": "a b"}) == (
        400,
        {"error": "invalid model name"},
    )


def test_names_are_echoed_and_matched_without_case(server: StandIn) -> None:
    status, body = chat(server, "LLama3.2", stream=False)
    assert (status, body["model"]) == (200, "LLama3.2")
    assert chat(server, "llama3.2:local")[0] == 200
    assert chat(server, NOMIC) == (400, {"error": f'"{NOMIC}" does not support chat'})
    assert chat(server, think=True) == (
        400,
        {"error": '"llama3.2" does not support thinking'},
    )
    assert chat(server, think=False)[0] == 200


def test_cloud_models_are_stubs(server: StandIn) -> None:
    server.models[CLOUD] = known(CLOUD)
    assert chat(server, CLOUD)[0] == 403
    server.cloud_disabled = False
    shown = call(server, "/api/show", {"model": CLOUD})[1]
    assert (shown["model_info"], bool(shown["remote_host"])) == ({}, True)
    assert call(server, "/api/show", {"model": f"{CLOUD}:local"})[0] == 400
    call(server, "/api/copy", {"source": CLOUD, "destination": "alias:7b"})
    assert call(server, "/api/show", {"model": "alias:7b:local"})[0] == 404


# --- chat and generate --------------------------------------------------------------------------------------------


def test_a_stream_ends_with_its_metrics(server: StandIn) -> None:
    lines = chat(server)[1]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    last = lines[-1]
    assert last["message"]["content"] == ""
    assert last["done_reason"] == "stop"
    durations = {
        "total_duration",
        "load_duration",
        "prompt_eval_duration",
        "eval_duration",
    }
    assert all(isinstance(last[key], int) for key in durations)
    assert lines[0]["created_at"].endswith("Z")


def test_loading_and_unloading(server: StandIn) -> None:
    status, body = call(server, "/api/chat", {"model": "llama3.2", "messages": []})
    assert (status, body["done_reason"], body["message"]["content"]) == (
        200,
        "load",
        "",
    )
    assert [row["name"] for row in call(server, "/api/ps")[1]["models"]] == [
        "llama3.2:latest"
    ]
    body = call(
        server, "/api/chat", {"model": "llama3.2", "messages": [], "keep_alive": 0}
    )[1]
    assert body["done_reason"] == "unload"
    assert call(server, "/api/ps")[1] == {"models": []}
    assert (
        call(server, "/api/generate", {"model": "llama3.2"})[1]["done_reason"] == "load"
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [("5m", 200), ("1h30m", 200), ("-1s", 200), (0, 200), ("soon", 400), ([], 400)],
)
def test_keep_alive(server: StandIn, given: Any, status: int) -> None:
    assert chat(server, keep_alive=given)[0] == status
    assert (len(call(server, "/api/ps")[1]["models"]) == 1) == (
        status == 200 and given != 0
    )


def test_options_and_formats(server: StandIn) -> None:
    assert chat(server, options={"nonsense": 1, "num_ctx": None, "seed": 1.0})[0] == 200
    assert chat(server, options={"num_ctx": "8"}) == (
        500,
        {"error": 'option "num_ctx" must be of type integer'},
    )
    assert chat(server, format="xml")[0] == 500
    assert chat(server, think="sideways")[0] == 400
    assert chat(server, top_logprobs=21)[0] == 400
    assert json.loads(
        chat(server, format=SCHEMA, stream=False)[1]["message"]["content"]
    )["cited"] == [1]


def test_a_thinking_model_thinks_unless_told_not_to(server: StandIn) -> None:
    first = chat(server, "qwen3:4b")[1][0]["message"]
    assert (bool(first["thinking"]), first["content"]) == (True, "")
    assert (
        "thinking"
        not in chat(server, "qwen3:4b", think=False, stream=False)[1]["message"]
    )
    assert chat(server, "qwen3:4b", stream=False)[1]["message"]["thinking"]


def test_changing_the_window_loads_anew(server: StandIn) -> None:
    times = [
        chat(server, stream=False, options={"num_ctx": n})[1]["load_duration"]
        for n in (4096, 4096, 2048)
    ]
    assert times[1] < times[0] == times[2]


def test_the_silent_cut(server: StandIn) -> None:
    """200, the post-cut count, no flag: the default of the real server."""
    long = [{"role": "user", "content": "word " * 5000}]
    options = {"num_ctx": 512}
    body = call(
        server,
        "/api/chat",
        {"model": "llama3.2", "messages": long, "stream": False, "options": options},
    )[1]
    assert body["prompt_eval_count"] == 512 // 2 + 2
    status, body = call(
        server, "/api/chat", {"model": "llama3.2", "messages": long, "shift": False}
    )
    assert status == 400
    status, body = call(
        server,
        "/api/chat",
        {"model": "llama3.2", "messages": long, "truncate": False, "options": options},
    )
    inner = json.loads(body["error"])["error"]
    assert (status, inner["type"], inner["n_ctx"]) == (
        400,
        "exceed_context_size_error",
        512,
    )


def test_old_messages_go_first(server: StandIn) -> None:
    system, old = (
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "word " * 5000},
    )
    seen: list[Any] = []

    def remember(messages: Any) -> str:
        seen.extend(messages)
        return "yes"

    server.answer = remember
    assert (
        call(
            server,
            "/api/chat",
            {"model": "llama3.2", "messages": [system, old, MESSAGES[1]]},
        )[0]
        == 200
    )
    assert seen == [system, MESSAGES[1]]


def test_it_answers_the_prompts_of_this_project(server: StandIn) -> None:
    headers = ("Lease › Boiler (2026-01-02)", "Tea")
    texts = (
        "(before) Rent is 900.\nThe landlord promised a new boiler before winter.",
        "Steep for four minutes.",
    )
    notes = "\n".join(
        prompts.NOTE.format(nonce="a1", number=n, header=header, text=text)
        for n, (header, text) in enumerate(zip(headers, texts, strict=True), 1)
    )

    def answer(question: str) -> str:
        system = prompts.ANSWER_SYSTEM.format(not_found=prompts.NOT_FOUND)
        user = prompts.ANSWER_USER.format(
            nonce="a1", notes=notes, previous="", question=question
        )
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
        ]
        said: str = chat(server, messages=messages, stream=False)[1]["message"][
            "content"
        ]
        return said

    assert answer("what did the landlord promise?") == ANSWER
    assert answer("who won the election?") == prompts.NOT_FOUND


def test_it_says_when_the_passages_do_not_tell(server: StandIn) -> None:
    question = [
        {
            "role": "user",
            "content": "[1] Tea\nSteep for four minutes.\n\nQuestion: who won the election?",
        }
    ]
    body = call(
        server,
        "/api/chat",
        {"model": "llama3.2", "messages": question, "stream": False},
    )[1]
    assert body["message"]["content"] == "This is not in your notes."


# --- embeddings ---------------------------------------------------------------------------------------------------


def embed(
    server: StandIn, given: Any, model: str = NOMIC, **more: Any
) -> tuple[int, Any]:
    return call(server, "/api/embed", {"model": model, "input": given, **more})


def test_embeddings(server: StandIn) -> None:
    assert embed(server, "")[1] == {"model": NOMIC, "embeddings": []}
    assert embed(server, [])[1]["embeddings"] == []
    rows = embed(server, ["a", "", "b"])[1]["embeddings"]
    assert [len(row) for row in rows] == [768] * 3
    assert math.isclose(math.hypot(*rows[0]), 1.0, rel_tol=1e-6)
    assert rows[0] == embed(server, "a")[1]["embeddings"][0] != rows[2]
    assert embed(server, ["a", 1]) == (400, {"error": "invalid input type"})
    assert len(embed(server, "a", dimensions=64)[1]["embeddings"][0]) == 64
    assert len(embed(server, "a", dimensions=5000)[1]["embeddings"][0]) == 768
    assert embed(server, "word " * 4000)[0] == 200
    assert embed(server, "word " * 4000, truncate=False)[0] == 400
    assert call(server, "/api/embeddings", {"model": NOMIC, "prompt": ""})[1] == {
        "embedding": []
    }


@pytest.mark.skipif(not has_minilm(), reason="../shared/models is not there")
def test_real_embeddings() -> None:
    with StandIn(models=["all-minilm"]) as place:
        warm, cold, query = embed(
            place, ["The boiler heats.", "A green apple.", "heating"], "all-minilm"
        )[1]["embeddings"]
        assert sum(map(float.__mul__, warm, query)) > sum(
            map(float.__mul__, cold, query)
        )
        assert embed(place, "word " * 300, "all-minilm", truncate=False)[0] == 400
        assert embed(place, "word " * 200, "all-minilm", truncate=False)[0] == 200


# --- the rest -----------------------------------------------------------------------------------------------------


def test_pulling(server: StandIn) -> None:
    lines = call(server, "/api/pull", {"model": "llama3.1"})[1]
    assert [lines[0], lines[-1]] == [
        {"status": "pulling manifest"},
        {"status": "success"},
    ]
    assert "completed" not in lines[1]
    assert call(server, "/api/pull", {"model": "missing"})[1][-1] == {
        "error": "pull model manifest: file does not exist"
    }
    assert call(server, "/api/pull", {"model": "missing", "stream": False})[0] == 500
    assert call(server, "/api/delete", {"model": "llama3.1"}, "DELETE")[0] == 200
    assert call(server, "/api/delete", {"model": "llama3.1"}, "DELETE")[0] == 404
    assert call(server, "/api/copy", {"source": "nope", "destination": "x"})[0] == 404


def test_requests_to_a_model_wait_for_each_other(server: StandIn) -> None:
    """OLLAMA_NUM_PARALLEL is 1: while one answer is slow, the next has not begun."""
    from concurrent.futures import ThreadPoolExecutor

    server.faults.on("slow_tokens", 0.01)
    with ThreadPoolExecutor(3) as pool:
        answers = [
            future.result()[1]
            for future in [pool.submit(chat, server) for _ in range(3)]
        ]
    times = sorted(
        (lines[0]["created_at"], lines[-1]["created_at"]) for lines in answers
    )
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(KeyError):
        StandIn(faults=["no_dome"])
    assert "no_done" in FAULTS


def test_every_fault_has_a_test_of_the_client() -> None:
    text = "".join(
        path.read_text("utf-8")
        for path in Path(__file__).parent.glob("test_ollama*.py")
    )
    assert [name for name in FAULTS if f'"{name}"' not in text] == []


def test_it_runs_as_a_program() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.stand_in_ollama",
        "--models",
        "llama3.2",
        "--fault",
        "503_busy=1",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with ollama.Client(
            process.stdout.readline().strip(), trust_env=False, timeout=20
        ) as client:
            with pytest.raises(ollama.ResponseError):
                client.chat("llama3.2", MESSAGES)
            assert client.chat("llama3.2", MESSAGES).message.content == ANSWER
        process.terminate()

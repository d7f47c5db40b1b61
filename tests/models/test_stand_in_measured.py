"""What a real server did, 0.33.0-rc2 on a processor, where its source reads otherwise: the stand-in does the same.

One test for each line that was measured. What the product makes of it is tested beside each model.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.ollama_clients import MESSAGES, NOMIC, SCHEMA
from tests.stand_in_models import Model, has_minilm, known
from tests.stand_in_ollama import StandIn

CLOUD = "gpt-oss:120b-cloud"
LONG = [{"role": "user", "content": "word " * 5000}]
INFERRING = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings")


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as running:
        yield running
        assert running.errors == []


def raw(
    server: StandIn, path: str, body: Any = None, method: str = "", **headers: str
) -> tuple[int, str | None, bytes]:
    """Status, content type and body as they came."""
    data = None if body is None else json.dumps(body).encode()
    verb = method or ("GET" if body is None else "POST")
    with closing(HTTPConnection(server.host, timeout=20)) as connection:
        connection.request(verb, path, data, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers.get("Content-Type"), reply.read()


def call(server: StandIn, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON; a list for a stream."""
    status, kind, text = raw(server, path, body)
    if kind and "ndjson" in kind:
        return status, [json.loads(line) for line in text.splitlines()]
    return status, json.loads(text)


def chat(server: StandIn, model: str = "llama3.2", **more: Any) -> Any:
    """The answer of a chat that is not streamed."""
    body = {"model": model, "messages": MESSAGES, "stream": False, **more}
    return call(server, "/api/chat", body)[1]


def names(server: StandIn) -> list[str]:
    """What /api/ps lists."""
    return [row["name"] for row in call(server, "/api/ps")[1]["models"]]


def hung_up(server: StandIn, path: str, body: Any) -> None:
    """A client that asks and goes away at once."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}"
    host, _, port = server.host.partition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"{head}\r\n\r\n".encode() + data)
        until(lambda: bool(server.requests))


def until(true: Any) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


# -- keep_alive, loading, runners -----------------------------------------------------------------------------------


def test_keep_alive_of_a_request_overrides_the_persons_own() -> None:
    with StandIn(models=["llama3.2"], keep_alive=0) as server:
        chat(server)
        assert names(server) == []
        chat(server, keep_alive="5m")
        assert names(server) == ["llama3.2:latest"]


@pytest.mark.parametrize("keep_alive", [None, -1])
def test_requests_with_keep_alive_hold_the_runner_against_other_options(
    server: StandIn, keep_alive: Any
) -> None:
    """While another window waits for the busy runner, a request that names no time lets it go, one that does holds it."""
    server.faults.on("slow_first_token", 0.5)
    more = {} if keep_alive is None else {"keep_alive": keep_alive}

    def ask(**options: Any) -> threading.Thread:
        thread = threading.Thread(target=chat, args=(server,), kwargs=options)
        thread.start()
        return thread

    first = ask()
    until(lambda: server.loads)
    waiting = ask(options={"num_ctx": 2048})
    until(lambda: len(server.requests) == 2)
    time.sleep(0.1)
    second = ask(**more)
    first.join()
    second.join()
    if keep_alive is None:
        waiting.join()
        assert len(server.loads) == 2
    else:
        time.sleep(0.2)
        assert len(server.loads) == 1, "the other window still waits"
        server.unload()
        waiting.join()


def test_another_window_or_shift_loads_anew_and_what_was_there_goes(
    server: StandIn,
) -> None:
    for more in ({}, {}, {"shift": False}, {"shift": False}):
        chat(server, **more)
    assert len(server.loads) == 2
    chat(server, shift=False, options={"num_ctx": 1024})
    assert len(server.loads) == 3
    assert names(server) == ["llama3.2:latest"]


def test_two_names_of_one_blob_share_a_runner_and_ps_shows_one(server: StandIn) -> None:
    raw(server, "/api/copy", {"source": "llama3.2", "destination": "mine"})
    chat(server)
    chat(server, "mine")
    assert server.loads == ["llama3.2:latest"]
    assert names(server) == ["llama3.2:latest"]


def test_a_model_that_was_made_anew_while_loaded_is_listed_twice(
    server: StandIn,
) -> None:
    chat(server)
    server.models["llama3.2:latest"] = replace(known("llama3.2"), version=2)
    chat(server)
    rows = call(server, "/api/ps")[1]["models"]
    assert [row["name"] for row in rows] == ["llama3.2:latest"] * 2
    assert len({row["digest"] for row in rows}) == 2


def test_for_ever_reads_as_the_year_2319_or_the_end_of_2318(server: StandIn) -> None:
    chat(server, keep_alive=-1)
    year = int(call(server, "/api/ps")[1]["models"][0]["expires_at"][:4])
    assert year - time.gmtime().tm_year in (292, 293)


@pytest.mark.parametrize(
    ("asked", "given"), [(128, 256), (4096, 4096), (200_000, 131_072)]
)
def test_the_window_is_padded_and_cut_to_the_trained_one(
    server: StandIn, asked: int, given: int
) -> None:
    chat(server, options={"num_ctx": asked})
    assert call(server, "/api/ps")[1]["models"][0]["context_length"] == given


def test_a_model_that_cannot_load(server: StandIn) -> None:
    server.faults.on("cannot_load")
    status, body = call(server, "/api/chat", {"model": "llama3.2", "messages": []})
    assert status == 500
    assert body["error"].startswith("llama-server process has terminated: signal: ")
    assert names(server) == []


def test_a_client_that_goes_away_while_loading_aborts_the_load(server: StandIn) -> None:
    server.faults.on("slow_load", 30)
    hung_up(server, "/api/chat", {"model": "llama3.2", "messages": MESSAGES})
    until(lambda: server.log == [("/api/chat", 499)])
    assert (server.loads, names(server)) == ([], [])


def test_a_client_that_goes_away_while_it_writes_is_logged_as_served(
    server: StandIn,
) -> None:
    server.faults.on("slow_tokens", 0.05)
    body = json.dumps({"model": "llama3.2", "messages": MESSAGES})
    with closing(HTTPConnection(server.host, timeout=20)) as connection:
        connection.request("POST", "/api/chat", body)
        connection.getresponse().readline()
    until(lambda: server.log == [("/api/chat", 200)])
    assert names(server) == ["llama3.2:latest"]


# -- what a model can do, and where it runs --------------------------------------------------------------------------


def test_tags_may_contradict_show(server: StandIn) -> None:
    server.models["mine:latest"] = Model(
        "mine:latest", "bert", 10, 512, 384, ("embedding",), listed=("completion",)
    )
    rows = call(server, "/api/tags")[1]["models"]
    (row,) = [row for row in rows if row["name"] == "mine:latest"]
    assert row["capabilities"] == ["completion"]
    assert "context_length" not in row["details"]
    assert call(server, "/api/show", {"model": "mine"})[1]["capabilities"] == [
        "embedding"
    ]


def test_embedding_with_a_writing_model_is_501_after_a_full_load(
    server: StandIn,
) -> None:
    status, body = call(server, "/api/embed", {"model": "llama3.2", "input": "a"})
    assert status == 501
    assert body["error"].startswith("This server does not support embeddings")
    assert server.loads == ["llama3.2:latest"]


@pytest.mark.parametrize("path", [*INFERRING, "/api/show"])
@pytest.mark.parametrize("name", ["nothing:cloud", "nothing:7b-cloud"])
def test_a_cloud_name_that_is_not_stored_is_forbidden(
    server: StandIn, path: str, name: str
) -> None:
    status, body = call(server, path, {"model": name})
    what = "model details are" if path == "/api/show" else "model is"
    assert status == 403
    assert body["error"].endswith(f"remote {what} unavailable")


def test_a_remote_stub_with_the_cloud_off(server: StandIn) -> None:
    server.models["alias:7b"] = replace(known(CLOUD), name="alias:7b")
    assert call(server, "/api/show", {"model": "alias:7b"})[0] == 403
    asked = {"model": "alias:7b", "messages": MESSAGES}
    assert call(server, "/api/chat", asked)[0] == 403
    assert call(server, "/api/chat", asked | {"model": "alias:7b:local"})[0] == 404
    assert call(server, "/api/embed", {"model": "alias:7b", "input": "a"})[0] == 404
    (row,) = [
        row
        for row in call(server, "/api/tags")[1]["models"]
        if row["name"] == "alias:7b"
    ]
    assert (row["size"], row["details"]["format"]) == (263, "")


def test_show_leaves_out_what_is_empty_and_is_chunked(server: StandIn) -> None:
    status, body = call(server, "/api/show", {"model": "llama3.2"})
    assert status == 200
    assert not {"license", "parameters"} & set(body)
    assert body["tensors"]
    info = body["model_info"]
    empty = ("merges", "scores", "token_type")
    assert [info[f"tokenizer.ggml.{name}"] for name in empty] == [None] * 3
    assert info["general.languages"] is None
    assert "num_ctx" in call(server, "/api/show", {"model": NOMIC})[1]["parameters"]
    with closing(HTTPConnection(server.host, timeout=20)) as connection:
        connection.request("POST", "/api/show", json.dumps({"model": "llama3.2"}))
        headers = connection.getresponse().headers
    assert headers["Transfer-Encoding"] == "chunked"


@pytest.mark.skipif(not has_minilm(), reason="../shared/models is not there")
def test_the_window_of_all_minilm() -> None:
    """512 tokens by its training, 256 by the Modelfile of the library."""
    plain = replace(known("all-minilm"), name="plain-minilm:latest", num_ctx=None)
    with StandIn(models=["all-minilm"]) as server:
        server.models["all-minilm-plain:latest"] = replace(
            plain, name="all-minilm-plain:latest"
        )

        def status(model: str, words: int) -> int:
            body = {"model": model, "input": "word " * words, "truncate": False}
            return call(server, "/api/embed", body)[0]

        assert [status("all-minilm", words) for words in (250, 300)] == [200, 400]
        assert [status("all-minilm-plain", words) for words in (505, 515)] == [200, 400]


def test_modified_at_has_nine_digits_and_z(server: StandIn) -> None:
    shown = call(server, "/api/show", {"model": "llama3.2"})[1]["modified_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", shown)


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_that_ends_at_once_is_its_last_line(server: StandIn) -> None:
    server.answer = lambda _messages: ""
    lines = call(server, "/api/chat", {"model": "llama3.2", "messages": MESSAGES})[1]
    assert [(line["done"], line["message"]["content"]) for line in lines] == [
        (True, "")
    ]


def test_a_cached_prompt_is_counted_in_full_and_read_in_no_time(
    server: StandIn,
) -> None:
    first, again = chat(server), chat(server)
    assert again["prompt_eval_count"] == first["prompt_eval_count"]
    assert again["prompt_eval_duration"] < first["prompt_eval_duration"] / 5


def test_only_the_common_beginning_of_two_prompts_is_cached(server: StandIn) -> None:
    rules = {"role": "system", "content": "Answer from the passages. " * 50}

    def fresh(content: str) -> int:
        asked = [rules, {"role": "user", "content": content}]
        answer = chat(server, messages=asked)
        return int(answer["prompt_eval_duration"] / server.prompt_ns)

    cold, warm = fresh("a b c d"), fresh("x y z")
    assert cold > 200
    assert warm < 20


def test_refusals_for_length_name_the_real_numbers(server: StandIn) -> None:
    asked = {"model": "llama3.2", "messages": LONG, "options": {"num_ctx": 512}}
    status, body = call(server, "/api/chat", asked | {"truncate": False})
    inner = json.loads(body["error"])["error"]
    assert (status, inner["n_ctx"]) == (400, 512)
    assert f"({inner['n_prompt_tokens']} tokens)" in inner["message"]
    assert "(512 tokens)" in inner["message"]
    status, body = call(server, "/api/chat", asked | {"shift": False})
    assert status == 400
    assert body["error"].startswith("the prompt is longer than the context length")
    assert "use a model with a longer context" in body["error"]


def test_keys_stand_in_the_order_of_the_server(server: StandIn) -> None:
    said = list(chat(server, logprobs=True, top_logprobs=3))
    assert said.index("logprobs") < said.index("total_duration")
    asked = {"model": "llama3.2", "prompt": "tea", "stream": False}
    said = list(call(server, "/api/generate", asked)[1])
    assert said.index("context") < said.index("total_duration")


def test_as_many_likely_tokens_as_were_asked_for(server: StandIn) -> None:
    rows = chat(server, logprobs=True, top_logprobs=7)["logprobs"]
    assert {len(row["top_logprobs"]) for row in rows} == {7}


def test_structured_output_has_newlines_between_its_tokens(server: StandIn) -> None:
    content = chat(server, format=SCHEMA)["message"]["content"]
    assert "\n" in content
    assert json.loads(content)["cited"] == [1]


# -- errors, content types -----------------------------------------------------------------------------------------------


def test_content_types(server: StandIn) -> None:
    asked = {"model": "llama3.2", "messages": LONG, "truncate": False}
    whole = "application/json; charset=utf-8"
    assert raw(server, "/api/chat", asked)[1] == "application/json"
    assert raw(server, "/api/chat", asked | {"stream": False})[1] == whole
    assert raw(server, "/api/pull", {"model": "missing", "stream": False})[1] == (
        "application/json"
    )
    assert raw(server, "/api/nothing")[:2] == (404, "text/plain")
    assert raw(server, "/api/chat")[:2] == (405, "text/plain")
    assert raw(server, "/api/version", Host="example.com")[:2] == (403, None)
    assert raw(server, "/api/version", Origin="https://example.com")[:2] == (403, None)
    copied = {"source": "llama3.2", "destination": "mine"}
    assert raw(server, "/api/copy", copied)[:2] == (200, None)
    assert raw(server, "/api/delete", {"model": "mine"}, "DELETE")[:2] == (200, None)


def test_a_model_that_is_not_there_stands_in_double_quotes(server: StandIn) -> None:
    asked = {"source": "nope", "destination": "x"}
    assert 'model "nope" not found' in call(server, "/api/copy", asked)[1]["error"]
    asked = {"model": "nope", "prompt": "a"}
    said = call(server, "/api/embeddings", asked)[1]["error"]
    assert 'model "nope" not found' in said


def test_words_of_errors(server: StandIn) -> None:
    assert chat(server, keep_alive=True) == {"error": "Unsupported type: 'bool'"}
    said = chat(server, think="huge")["error"]
    assert said.startswith('invalid think value: "huge" (must be ')
    assert server.loads == []
    assert chat(server, format="xml")["error"].startswith("invalid format")
    assert server.loads == ["llama3.2:latest"], "refused after the load"


def test_a_bad_digest_of_a_blob(server: StandIn) -> None:
    assert raw(server, "/api/blobs/sha256:0", method="HEAD")[0] == 400
    assert raw(server, f"/api/blobs/sha256:{'0' * 64}", method="HEAD")[0] == 404


def test_a_pull_without_a_network(server: StandIn) -> None:
    server.fault_paths.add("/api/pull")
    server.faults.on("no_network")
    status, lines = call(server, "/api/pull", {"model": "llama3.1"})
    assert status == 200
    assert lines[-1]["error"].startswith("pull model manifest: ")
    status, body = call(server, "/api/pull", {"model": "llama3.1", "stream": False})
    assert (status, set(body)) == (500, {"error"})


def test_a_runner_that_is_killed_ends_the_stream_with_an_error(server: StandIn) -> None:
    server.faults.on("mid_error")
    status, lines = call(
        server, "/api/chat", {"model": "llama3.2", "messages": MESSAGES}
    )
    assert status == 200
    assert lines[-1]["error"].endswith("unexpected EOF")

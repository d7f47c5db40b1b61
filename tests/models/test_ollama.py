"""The server's client: nothing leaves this machine, whatever the environment or the server says, and every fault is named.

With BRAIN_OLLAMA_LIVE=1 the contract at the end also runs against the real server at OLLAMA_HOST.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brain.errors import BrainError, Refused, Unavailable
from brain.models.catalogue import best_embedder, best_writer
from brain.models.limits import Limits
from brain.models.locality import address_of
from brain.models.ollama import OllamaServer
from brain.models.ollama_embedder import OllamaEmbedder
from brain.models.ollama_generator import OllamaGenerator
from brain.models.ollama_knock import nobody_listens
from tests.ollama_clients import (
    ANSWER,
    DEADLINES,
    NOMIC,
    SECRET,
    ask,
    client,
    embedder,
    generator,
    problem,
    two_lines,
)
from tests.stand_in_models import CATALOGUE
from tests.stand_in_ollama import StandIn

LIVE_HOST = os.environ.get("OLLAMA_HOST", "")
LIVE = os.environ.get("BRAIN_OLLAMA_LIVE") == "1"
ROOT = Path(__file__).parents[2]
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
WITH_ODD_ENVIRONMENT = """
from brain.models.ollama import OllamaServer
import os, sys
server = OllamaServer(sys.argv[1])
print(server.client(server.limits).list().models, os.environ["ALL_PROXY"], os.environ["OLLAMA_HOST"])
"""

WITHOUT_A_SERVER = """
import sys
from brain.errors import Unavailable
from brain.models.ollama import OllamaServer
try:
    OllamaServer(sys.argv[1]).tags()
except Unavailable as error:
    print(error.message, "httpx" in sys.modules)
"""


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as server:
        yield server
        assert server.errors == []


def test_no_http_library_is_loaded_to_learn_that_nobody_listens() -> None:
    with (
        socket.socket() as taken
    ):  # bound and not listening: the system refuses whoever calls
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = subprocess.run(
            [sys.executable, "-c", WITHOUT_A_SERVER, address],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert said.stdout.strip() == f"Ollama does not answer at {address} False"


def test_what_listens_or_is_elsewhere_is_asked_in_the_usual_way(
    stand_in: StandIn,
) -> None:
    assert not nobody_listens(client(stand_in).address)
    elsewhere = address_of("192.0.2.1:11434", ["192.0.2.1:11434"])
    assert not nobody_listens(elsewhere)


# --- what it tells ------------------------------------------------------------------------------------------------


def test_metadata(stand_in: StandIn) -> None:
    server = client(stand_in)
    assert server.version() == "0.33.0"
    assert server.cloud_disabled() is True
    assert [entry["name"] for entry in server.tags()] == [
        "llama3.2:latest",
        "qwen3:4b",
        "nomic-embed-text:latest",
    ]
    assert server.show("llama3.2")["details"]["family"] == "llama"
    assert server.running() == []
    ask(generator(stand_in, num_ctx=4096))
    assert server.running()[0]["context_length"] == 4096


def test_a_proof_names_what_will_answer(stand_in: StandIn) -> None:
    proof = client(stand_in).prove(NOMIC)
    assert client(stand_in).prove("qwen3:4b").wire_name == "qwen3:4b:local"
    assert (proof.wire_name, proof.window, proof.dimensions) == (
        f"{NOMIC}:local",
        2048,
        768,
    )
    assert proof.digest == CATALOGUE[f"{NOMIC}:latest"].digest


def test_an_old_server_serves(stand_in: StandIn) -> None:
    stand_in.faults.on("version_old")
    assert client(stand_in).cloud_disabled() is None
    assert client(stand_in).prove("llama3.2").wire_name == "llama3.2"
    assert ask(generator(stand_in)) == ANSWER
    assert embedder(stand_in).embed_query("tea").shape == (768,)


def test_a_pull_shows_its_progress(stand_in: StandIn) -> None:
    seen: list[tuple[str, int, int]] = []
    client(stand_in).pull("mxbai-embed-large", lambda *step: seen.append(step))
    total = CATALOGUE["mxbai-embed-large:latest"].size + 487
    assert seen[-1] == ("success", total, total)
    assert (seen[0][1:], seen[2][2]) == ((0, 0), total)
    assert client(stand_in).prove("mxbai-embed-large").dimensions == 1024


def test_nothing_is_said_of_keep_alive_unless_it_is_set(stand_in: StandIn) -> None:
    """A request that carries it overrides the setting of the server, and holds the model against all others."""

    def sent(keep_alive: str) -> list[object]:
        stand_in.requests.clear()
        server = client(stand_in)
        ask(OllamaGenerator(server, "llama3.2", keep_alive=keep_alive))
        OllamaEmbedder(server, NOMIC, keep_alive=keep_alive).embed_query("tea")
        server.load("llama3.2", window=8192, keep_alive=keep_alive)
        bodies = [json.loads(r.body) for r in stand_in.requests if r.body]
        working = [body for body in bodies if "options" in body]
        assert len(working) == 3
        return [body.get("keep_alive", "unset") for body in working]

    assert sent("") == ["unset"] * 3
    assert sent("10m") == ["10m"] * 3
    assert sent("-1") == [-1] * 3, "seconds are a number; as text they are refused"
    assert stand_in.running_names() == ["nomic-embed-text:latest", "llama3.2:latest"]


def test_the_window_is_the_smaller_of_the_modelfile_and_the_training(
    stand_in: StandIn,
) -> None:
    stand_in.models["small:latest"] = replace(
        CATALOGUE["llama3.2:latest"], name="small:latest", num_ctx=1024
    )
    server = client(stand_in)
    assert server.prove(NOMIC).window == 2048, (
        "trained for 2,048, the Modelfile says 8,192"
    )
    assert server.prove("small").window == 1024
    assert server.prove("llama3.2").window == 131072


def test_show_decides_what_a_model_can_do(stand_in: StandIn) -> None:
    """/api/tags may contradict it; a model that only writes is refused before it is loaded in vain."""
    stand_in.models["mine:latest"] = replace(
        CATALOGUE["nomic-embed-text:latest"], name="mine:latest", listed=("completion",)
    )
    server = client(stand_in)
    assert server.abilities("mine") == ("embedding",)
    assert OllamaEmbedder(server, "mine").embed_query("tea").shape == (768,)
    with pytest.raises(Unavailable, match="does not search by meaning") as raised:
        OllamaEmbedder(server, "llama3.2").embed_query("tea")
    two_lines(raised.value)
    with pytest.raises(Unavailable, match="does not write") as raised:
        ask(OllamaGenerator(server, "mine"))
    two_lines(raised.value)
    assert stand_in.loads == ["mine:latest"]


def test_an_old_server_refuses_vectors_after_the_load(stand_in: StandIn) -> None:
    """501, and not once for each text of a batch."""
    stand_in.faults.on("version_old")
    with pytest.raises(Unavailable, match="does not search by meaning") as raised:
        embedder(stand_in, "llama3.2").embed_documents(["tea", "rent", "lease"])
    two_lines(raised.value)
    assert len(stand_in.bodies("/api/embed")) == 1


def test_a_model_is_loaded_as_it_will_be_asked(stand_in: StandIn) -> None:
    server = client(stand_in)
    model = OllamaGenerator(server, "llama3.2", num_ctx=2048)
    model.load()
    model.load()
    ask(model)
    assert stand_in.loads == ["llama3.2:latest"], "same window, same shift"
    stand_in.faults.on("cannot_load")
    with pytest.raises(Unavailable, match="terminated") as raised:
        OllamaGenerator(server, "qwen3:4b").load()
    two_lines(raised.value)


def test_a_slow_load_is_told_and_waited_for(stand_in: StandIn) -> None:
    said: list[str] = []
    limits = Limits(connect=20, first=120, idle=120, total=240, patience=0.2)
    server = OllamaServer(stand_in.host, limits=limits, tell=said.append)
    stand_in.faults.on("slow_load", 0.6)
    assert ask(OllamaGenerator(server, "llama3.2")) == ANSWER
    (line,) = said
    assert line.startswith("Ollama is busy: llama3.2 has not begun after 0 s")
    assert ask(OllamaGenerator(server, "llama3.2")) == ANSWER
    assert len(said) == 1, "a model that is there lets nobody wait"
    OllamaEmbedder(server, NOMIC).embed_query("tea")
    assert len(said) == 2


def test_a_person_is_told_within_ten_seconds() -> None:
    assert Limits().patience < 10


def test_a_pull_without_a_network_is_said(stand_in: StandIn) -> None:
    stand_in.fault_paths.add("/api/pull")
    stand_in.faults.on("no_network")
    with pytest.raises(Unavailable, match="pull model manifest") as raised:
        client(stand_in).pull("llama3.1")
    two_lines(raised.value)


def test_video_memory_is_found_by_another_name_and_after_a_new_version(
    stand_in: StandIn,
) -> None:
    stand_in.in_video = True
    ask(generator(stand_in))
    original = CATALOGUE["llama3.2:latest"]
    stand_in.models["mine:latest"] = replace(
        original, name="mine:latest", origin=original.name
    )
    assert client(stand_in).in_video_memory("mine")
    stand_in.models["llama3.2:latest"] = replace(original, version=2)
    assert not client(stand_in).in_video_memory("llama3.2"), "the old one is loaded"


@pytest.mark.parametrize(
    ("model", "fault"),
    [("missing", ""), ("llama3.1", "stall_after"), ("llama3.1", "drop_after")],
)
def test_a_pull_that_fails_says_how_to_go_on(
    stand_in: StandIn, model: str, fault: str
) -> None:
    stand_in.fault_paths.add("/api/pull")
    if fault:
        stand_in.faults.on(fault)
    with pytest.raises(Unavailable) as raised:
        client(stand_in, DEADLINES).pull(model)
    two_lines(raised.value)
    assert "llama3.1:latest" not in stand_in.models


# --- nobody there, or somebody else -------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    """One line of cause, one of cure, at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = OllamaServer(f"localhost:{free.getsockname()[1]}")
    found = problem(server)
    assert isinstance(found, Unavailable)
    assert found.message.startswith("Ollama does not answer at localhost:")
    assert "ollama serve" in found.hint
    with pytest.raises(Unavailable, match="does not answer"):
        OllamaEmbedder(server, NOMIC).embed_query("tea")
    with pytest.raises(Unavailable, match="does not answer"):
        server.client(server.limits).list()


def test_a_listener_that_never_takes_the_call() -> None:
    """A full queue: the connection itself runs into its deadline."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(deaf.getsockname())
        server = OllamaServer(
            f"127.0.0.1:{deaf.getsockname()[1]}", limits=Limits(0.2, 0.2, 0.2, 0.4)
        )
        found = problem(server)
        for other in waiting:
            other.close()
    assert isinstance(found, Unavailable)
    two_lines(found)


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b""],
)
def test_another_program_on_the_port(said: bytes) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def talk() -> None:
            with other.accept()[0] as call:
                call.recv(1000)
                call.sendall(said)

        thread = threading.Thread(target=talk)
        thread.start()
        found = problem(
            OllamaServer(
                f"127.0.0.1:{other.getsockname()[1]}", limits=Limits(0.5, 0.5, 0.5, 1.0)
            )
        )
        thread.join()
    assert isinstance(found, Unavailable)
    two_lines(found)


def test_a_model_that_is_not_pulled(stand_in: StandIn) -> None:
    for use in (
        lambda: ask(generator(stand_in, "llama9")),
        lambda: embedder(stand_in, "e5").embed_query("tea"),
    ):
        with pytest.raises(Unavailable, match="is not on this machine") as raised:
            use()
        assert "brain models pull " in raised.value.hint
    assert stand_in.bodies("/api/chat") + stand_in.bodies("/api/embed") == []


# --- nothing leaves -----------------------------------------------------------------------------------------------


def everything(stand_in: StandIn) -> None:
    """Each kind of request once, with a secret in those that carry text."""
    embedder(stand_in).embed_documents([SECRET])
    ask(generator(stand_in), [{"role": "user", "content": SECRET}])
    server = client(stand_in)
    server.client(server.limits).list()
    client(stand_in).pull("llama3.1")


def test_proxies_and_keys_are_ignored(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandIn() as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("OLLAMA_API_KEY", "very-secret")
        monkeypatch.setenv("OLLAMA_HOST", proxy.host)
        everything(stand_in)
        assert proxy.requests == []
    sent = [name.lower() for request in stand_in.requests for name in request.headers]
    assert "host" in sent
    assert not {"authorization", "proxy-authorization", "cookie"} & set(sent)
    assert not any(b"very-secret" in request.body for request in stand_in.requests)


def test_an_odd_environment_does_not_break_the_import(stand_in: StandIn) -> None:
    """The package builds a client on import: a proxy it has no library for, or a broken host, would end the process."""
    odd = {
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "OLLAMA_HOST": "http://[::",
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(
        [sys.executable, "-c", WITH_ODD_ENVIRONMENT, stand_in.host],
        env={**os.environ, **odd},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip().endswith("socks5://127.0.0.1:9 http://[::"), run.stderr


@pytest.mark.parametrize(
    "path", ["/api/chat", "/api/embed", "/api/pull", "/api/tags", "/api/show"]
)
def test_a_redirect_is_not_followed(stand_in: StandIn, path: str) -> None:
    with StandIn() as elsewhere:
        stand_in.fault_paths = {path}
        stand_in.faults.on("redirect_307", elsewhere.url)
        with pytest.raises(Refused, match="sends the request on") as raised:
            everything(stand_in)
        two_lines(raised.value)
        assert elsewhere.requests == []


def no_text_was_sent(stand_in: StandIn) -> bool:
    return not any(SECRET.encode() in request.body for request in stand_in.requests)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-oss:120b-cloud",
        "qwen3:cloud",
        "llama3.2:CLOUD",
        "x:latest:cloud",
        "my-cloud",
    ],
)
def test_cloud_names_are_refused(stand_in: StandIn, name: str) -> None:
    for use in (
        lambda: embedder(stand_in, name).embed_documents([SECRET]),
        lambda: ask(generator(stand_in, name), [{"role": "user", "content": SECRET}]),
        lambda: client(stand_in).pull(name),
    ):
        with pytest.raises(Refused, match="cloud model") as raised:
            use()
        two_lines(raised.value)
    assert stand_in.requests == []


@pytest.mark.parametrize("where", ["tags", "show"])
def test_a_remote_model_by_any_name_is_refused(stand_in: StandIn, where: str) -> None:
    stand_in.faults.on("remote_host_present", where)
    for model in (embedder(stand_in), generator(stand_in)):
        with pytest.raises(Refused, match="another machine") as raised:
            model.embed_query(SECRET) if isinstance(model, OllamaEmbedder) else ask(
                model
            )
        two_lines(raised.value)
    assert no_text_was_sent(stand_in)


def test_a_stub_without_weights_is_refused(stand_in: StandIn) -> None:
    hollow = CATALOGUE["llama3.2:latest"]
    stand_in.models["hollow:latest"] = type(hollow)(
        **{**vars(hollow), "name": "hollow:latest", "remote_host": " "}
    )
    with pytest.raises(Refused):
        ask(generator(stand_in, "hollow"), [{"role": "user", "content": SECRET}])
    assert no_text_was_sent(stand_in)


def test_a_reply_from_elsewhere_is_dropped(stand_in: StandIn) -> None:
    generator(stand_in)
    stand_in.faults.on("remote_host_present", "reply")
    with pytest.raises(Refused, match="another machine"):
        ask(generator(stand_in))
    with pytest.raises(Refused, match="another machine"):
        embedder(stand_in).embed_query("tea")


def test_a_reply_that_quotes_the_words_is_no_alarm() -> None:
    with StandIn(
        models=["llama3.2"],
        answer=lambda _: 'set "remote_host": "x" in "remote_model":1',
    ) as server:
        assert "remote_host" in ask(
            OllamaGenerator(OllamaServer(server.host), "llama3.2")
        )


@pytest.mark.parametrize("path", ["/api/status", "/api/tags", "/api/show"])
@pytest.mark.parametrize("fault", ["500_html", "accept_no_reply"])
def test_a_proof_that_cannot_be_had_is_a_refusal(
    stand_in: StandIn, path: str, fault: str
) -> None:
    """Fail closed: a step that errors stops everything before a text is sent."""
    stand_in.fault_paths = {path}
    stand_in.faults.on(fault)
    server = client(stand_in, DEADLINES)
    embeds, writes = OllamaEmbedder(server, NOMIC), OllamaGenerator(server, "llama3.2")
    for use in (lambda: embeds.embed_query(SECRET), lambda: ask(writes)):
        with pytest.raises(BrainError) as raised:
            use()
        two_lines(raised.value)
    assert stand_in.bodies("/api/chat") + stand_in.bodies("/api/embed") == []


def test_a_proof_is_asked_for_again_after_a_change(stand_in: StandIn) -> None:
    server = client(stand_in)
    server.prove("llama3.2")
    stand_in.faults.on("remote_host_present", "tags")
    assert server.prove("llama3.2")
    with pytest.raises(Refused):
        server.prove("llama3.2", fresh=True)
    with pytest.raises(Refused):
        server.prove("llama3.2")


def test_headers_that_drip_end_at_the_total() -> None:
    """Every byte comes in time; no answer does."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        over = threading.Event()

        def drip() -> None:
            with server.accept()[0] as call, suppress(OSError):
                call.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.02):
                    call.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        found = problem(
            OllamaServer(
                f"127.0.0.1:{server.getsockname()[1]}",
                limits=Limits(0.5, 0.5, 0.5, 0.5),
            )
        )
        over.set()
        thread.join()
    assert isinstance(found, Unavailable)
    assert "in time" in found.message


def test_compression_that_nobody_asked_for_is_refused() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        heard: list[bytes] = []

        def talk() -> None:
            with server.accept()[0] as call:
                heard.append(call.recv(4000))
                call.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz"
                )

        thread = threading.Thread(target=talk)
        thread.start()
        found = problem(OllamaServer(f"127.0.0.1:{server.getsockname()[1]}"))
        thread.join()
    assert isinstance(found, Refused)
    assert b"accept-encoding: identity" in heard[0].lower()


def test_a_body_over_the_limit_is_dropped(stand_in: StandIn) -> None:
    limits = Limits(connect=0.5, first=0.5, idle=0.5, total=1.0, body=20_000)
    model = OllamaEmbedder(OllamaServer(stand_in.host, limits=limits), NOMIC)
    with pytest.raises(Unavailable, match="more than"):
        model.embed_documents(["tea"] * 32)


# --- a contract that holds against a real server too --------------------------------------------------------------


@pytest.fixture(name="contract_server")
def live_or_stand_in() -> Iterator[OllamaServer]:
    if LIVE:
        yield OllamaServer(LIVE_HOST)
    else:
        with StandIn(models=["llama3.2", NOMIC]) as place:
            yield OllamaServer(place.host)


def test_contract(contract_server: OllamaServer) -> None:
    """Status, keys and types, not wording; runs with whatever the server holds."""
    assert contract_server.version()
    assert contract_server.cloud_disabled() in (True, False, None)
    tags = contract_server.tags()
    listed = contract_server.client(contract_server.limits).list().models
    assert {row.model for row in listed} == {row["name"] for row in tags}
    assert all(
        len(row["digest"]) == 64 and isinstance(row["size"], int) for row in tags
    )
    embedder, (writer, why) = best_embedder(tags), best_writer(tags)
    if embedder:
        rows = OllamaEmbedder(contract_server, embedder).embed_documents(
            ["tea", "", "long " * 9000]
        )
        assert np.isfinite(rows).all()
    if writer:
        model = OllamaGenerator(contract_server, writer, num_ctx=2048)
        assert ask(model).strip()
        assert model.window <= 2048
        assert {"name", "digest", "expires_at"} <= contract_server.running()[0].keys()
        with pytest.raises(Unavailable):
            ask(model, [{"role": "user", "content": "word " * 20000}])
    if not (embedder or writer):
        pytest.skip(why)


@pytest.mark.skipif(not LIVE, reason="set BRAIN_OLLAMA_LIVE=1 to ask a real Ollama")
def test_live_models_are_proved_local(contract_server: OllamaServer) -> None:
    tags = contract_server.tags()
    embedder, (writer, _why) = best_embedder(tags), best_writer(tags)
    for name in filter(None, (writer, embedder)):
        assert json.dumps(contract_server.show(name))
        assert contract_server.prove(name).window > 0


def test_a_pull_that_is_stopped_goes_on_when_it_is_begun_again(
    stand_in: StandIn,
) -> None:
    def stop(_status: str, done: int, _known: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client(stand_in).pull("mxbai-embed-large", stop)
    steps: list[tuple[str, int, int]] = []
    client(stand_in).pull("mxbai-embed-large", lambda *step: steps.append(step))
    assert steps[-1][1] == steps[-1][2] > 0


def bytes_come(stand_in: StandIn) -> list[int]:
    """How much of a model had come, at each step of a pull that ends well."""
    came: list[int] = []
    client(stand_in).pull(
        "mxbai-embed-large", lambda _what, done, _all: came.append(done)
    )
    return came


def test_a_pull_that_broke_in_the_middle_goes_on_from_there(stand_in: StandIn) -> None:
    stand_in.fault_paths.add("/api/pull")
    stand_in.faults.on("pull_breaks")
    before: list[int] = []
    with pytest.raises(Unavailable, match="unexpected EOF") as raised:
        client(stand_in).pull(
            "mxbai-embed-large", lambda _what, done, _all: before.append(done)
        )
    assert "`brain models pull mxbai-embed-large`" in raised.value.hint
    assert "mxbai-embed-large:latest" not in stand_in.models
    stand_in.faults.clear()
    came = bytes_come(stand_in)
    half = CATALOGUE["mxbai-embed-large:latest"].size // 2
    assert max(before) >= half
    assert came[1] >= half, "the first layer does not begin at nothing"
    assert came == sorted(came)
    assert "mxbai-embed-large:latest" in stand_in.models


def test_a_piece_that_is_fetched_again_does_not_take_progress_back(
    stand_in: StandIn,
) -> None:
    stand_in.fault_paths.add("/api/pull")
    stand_in.faults.on("pull_restarts")
    came = bytes_come(stand_in)
    assert came == sorted(came)
    assert came[-1] == CATALOGUE["mxbai-embed-large:latest"].size + 487

"""Programs that speak OpenAI's protocol, by the official client, over a real server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.testclient import TestClient

from brain.app import Brain
from brain.app.pool import Busy, Pool
from brain.config import load
from brain.doors.http.access import Access
from brain.doors.http.settings import Settings
from brain.labels import NOT_WALKED, Label
from brain.store.sql import WALKED
from tests.doors.http_support import ADDRESS, TOKEN, Door, http_door
from tests.doors.live_server import live_server
from tests.end_to_end import brain

TEA = "how hot should the water be for black tea?"
SECRET = "---\nlabel: confidential\n---\n# Garnet\n\nThe garnet safe opens with 7719.\n"


def walked() -> None:
    """As after `brain label folders`: what has no label is internal from then on."""
    with Brain(load()) as opened:
        opened.resources.store.library.keep_setting(WALKED, "2026-11-28T10:00:00+00:00")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        (tmp_path / "notes" / "garnet.md").write_text(SECRET)
        assert brain("sync").code == 0
        walked()
        yield opened


@pytest.fixture
def served(door: Door) -> Iterator[Settings]:
    with live_server(door.pool, door.access) as settings:
        yield settings


@pytest.fixture
def client(served: Settings) -> Iterator[openai.OpenAI]:
    address = f"{served.address}/v1"
    with openai.OpenAI(base_url=address, api_key=TOKEN, max_retries=0) as opened:
        yield opened


def asked(*turns: str) -> list[Any]:
    """A conversation in which the person says these things, and something is answered in between."""
    messages: list[Any] = [{"role": "system", "content": "Answer as a pirate."}]
    for turn in turns:
        messages += [
            {"role": "user", "content": turn},
            {"role": "assistant", "content": "Aye."},
        ]
    return messages[:-1]


def beside(reply: Any) -> dict[str, Any]:
    """The `brain` object of a reply or a chunk."""
    extra: dict[str, Any] = reply.model_extra["brain"]
    return extra


# -- answers ------------------------------------------------------------------------------------------------------


def test_an_answer_is_cited_and_its_number_leads_to_our_page(
    client: openai.OpenAI, served: Settings
) -> None:
    reply = client.chat.completions.create(model="brain", messages=asked(TEA))
    message = reply.choices[0].message
    assert message.content is not None
    assert "96 °C" in message.content
    assert reply.choices[0].finish_reason == "stop"
    (annotation,) = message.annotations or []
    cited = annotation.url_citation
    assert message.content[cited.start_index : cited.end_index] == "[1]"
    assert cited.url.startswith(f"{served.address}/doc/")
    assert cited.url.endswith("#L3")
    assert "96+%C2%B0C" in cited.url
    assert cited.title.endswith("tea.md:3")
    assert f"[1]: {cited.url}" in message.content
    known = beside(reply)
    assert known["state"] == "unsure"  # no answer reader looks here
    assert known["answer_state"] in ("check", "likely")
    assert "source" in message.content.splitlines()[2]
    assert known["route"] == "local"
    assert known["confidence"]["found"] > 0.5
    assert known["citations"][0]["url"] == cited.url
    assert known["citations"][0]["verified"] is True
    assert reply.usage is not None
    assert reply.usage.total_tokens > 0


def test_a_stream_says_the_same_piece_by_piece_and_ends_with_all_that_is_known(
    client: openai.OpenAI,
) -> None:
    whole = client.chat.completions.create(model="brain", messages=asked(TEA))
    stream = client.chat.completions.create(
        model="brain",
        messages=asked(TEA),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    *said, usage = chunks
    assert usage.choices == []
    assert usage.usage == whole.usage
    pieces = [chunk.choices[0].delta.content or "" for chunk in said]
    assert "".join(pieces) == whole.choices[0].message.content
    assert sum(map(bool, pieces)) > 1
    assert [chunk.choices[0].finish_reason for chunk in said][-1] == "stop"
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert beside(said[-1]) == beside(whole)
    sent = said[-1].choices[0].delta.model_extra
    assert sent is not None
    assert sent["annotations"][0]["url_citation"]["start_index"] > 0


def test_the_clients_own_way_of_joining_a_stream_works(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="brain", messages=asked(TEA)) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    assert "96 °C" in (final.choices[0].message.content or "")


def test_what_is_not_in_the_notes_is_said_and_nothing_is_cited(
    client: openai.OpenAI,
) -> None:
    question = "which football team does Duarte support?"
    reply = client.chat.completions.create(model="brain", messages=asked(question))
    assert reply.choices[0].message.content is not None
    assert reply.choices[0].message.content.startswith("Not in your notes.\n")
    assert reply.choices[0].message.annotations == []
    assert beside(reply)["state"] == "not_found"


def test_a_question_after_an_earlier_one_is_read_with_it(client: openai.OpenAI) -> None:
    """The turn before is that of the conversation, whatever anybody else asked meanwhile."""
    assert brain("ask", TEA).code == 0
    earlier = "When does the lease end?"
    alone = client.chat.completions.create(
        model="brain", messages=asked("And in which year is that?")
    )
    after = client.chat.completions.create(
        model="brain", messages=asked(earlier, "And in which year is that?")
    )
    assert "2029" not in (alone.choices[0].message.content or "")
    assert "2029" in (after.choices[0].message.content or "")


def test_a_question_that_stands_alone_is_not_bent_by_earlier_ones(
    client: openai.OpenAI,
) -> None:
    reply = client.chat.completions.create(
        model="brain", messages=asked("When does the lease end?", TEA)
    )
    assert "96 °C" in (reply.choices[0].message.content or "")


def test_nothing_is_kept_unless_the_program_says_store(client: openai.OpenAI) -> None:
    def kept() -> int:
        episodes: int = brain("status", "--json").json["episodes"]
        return episodes

    client.chat.completions.create(model="brain", messages=asked(TEA))
    assert kept() == 0
    reply = client.chat.completions.create(
        model="brain", messages=asked(TEA), store=True
    )
    assert kept() == 1
    assert beside(reply)["episode"]


# -- what a program may see -----------------------------------------------------------------------------------------


def test_what_is_confidential_is_not_seen(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="brain", messages=asked("what opens the garnet safe?")
    )
    assert "7719" not in reply.model_dump_json()
    assert "garnet.md" not in reply.model_dump_json()
    assert "1 passage left out" in (reply.choices[0].message.content or "")
    assert beside(reply)["withheld"] == 1


def test_how_much_there_is_that_is_confidential_is_not_told(
    client: openai.OpenAI,
) -> None:
    reply = client.chat.completions.create(
        model="brain", messages=asked("how many notes mention tea?")
    )
    assert "(covered 2 of 2 documents)" in (reply.choices[0].message.content or "")


def test_what_is_confidential_is_seen_where_the_server_was_told_so(door: Door) -> None:
    everything = Settings(port=0, at_most=Label.CONFIDENTIAL)
    with live_server(door.pool, door.access, everything) as settings:
        client = openai.OpenAI(base_url=f"{settings.address}/v1", api_key=TOKEN)
        with client:
            reply = client.chat.completions.create(
                model="brain", messages=asked("what opens the garnet safe?")
            )
    assert "7719" in (reply.choices[0].message.content or "")


def test_a_store_whose_folders_nobody_labelled_says_what_to_do(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes") as door:
        given = door.own.post("/v1/chat/completions", json=BODY).json()
    assert given["choices"][0]["message"]["content"].endswith(NOT_WALKED)
    assert "brain label folders" in NOT_WALKED
    assert given["brain"]["notices"] == [NOT_WALKED]


def test_a_file_that_is_taken_in_first_is_named_to_nobody_who_sees_less(
    door: Door, tmp_path: Path
) -> None:
    """What is said of files at a look would name confidential ones."""
    (tmp_path / "notes" / "garnet.md").write_text(f"{SECRET}More.\n")
    given = door.own.post("/v1/chat/completions", json=BODY)
    assert "garnet" not in given.text
    assert "taken in first" not in given.text
    assert brain("get", "garnet.md").stdout.endswith("More.\n")


# -- what is sent wrongly --------------------------------------------------------------------------------------------

BODY = {"model": "brain", "messages": [{"role": "user", "content": TEA}]}


@pytest.fixture
def plain(door: Door) -> TestClient:
    return door.own


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": 0.2, "top_p": 1, "tools": [], "user": "me", "x_new": {"a": 1}},
        {"stream": None, "stream_options": None, "n": 1, "store": None},
        {"response_format": {"type": "text"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": TEA}]}]},
        {"messages": [{"role": "user", "name": "me", "content": TEA}]},
        {"messages": [*BODY["messages"], {"role": "assistant", "content": None}]},
    ],
)
def test_a_field_that_is_not_read_is_passed_over(
    changed: dict[str, Any], plain: TestClient
) -> None:
    given = plain.post("/v1/chat/completions", json=BODY | changed)
    assert given.status_code == 200, given.text
    assert "96 °C" in given.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"messages": "tea"}, "messages must be a list"),
        ({"messages": []}, "messages hold no question"),
        ({"messages": None}, "messages hold no question"),
        ({"messages": ["tea"]}, "must be an object"),
        ({"messages": [{"content": "tea"}]}, "no role None"),
        ({"messages": [{"role": "poet", "content": "tea"}]}, "no role 'poet'"),
        ({"messages": [{"role": 1, "content": "tea"}]}, "role must be a text"),
        ({"messages": [{"role": "user", "content": 5}]}, "content must be"),
        ({"messages": [{"role": "user", "content": "  "}]}, "hold no question"),
        ({"messages": [{"role": "system", "content": "tea"}]}, "hold no question"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "is no text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "is no text",
        ),
        ({"stream": "yes"}, "stream must be true or false"),
        ({"stream_options": []}, "stream_options must be an object"),
        ({"stream_options": {"include_usage": 1}}, "include_usage must be"),
        ({"store": 1}, "store must be"),
        ({"n": 2}, "n must be 1"),
        ({"n": True}, "n must be a whole number"),
        ({"response_format": {"type": "json_object"}}, "response_format must be text"),
        ({"model": None}, "model is missing"),
        ({"model": 4}, "model must be a text"),
    ],
)
def test_what_is_off_is_an_error_of_openais_shape(
    changed: dict[str, Any], said: str, plain: TestClient
) -> None:
    given = plain.post("/v1/chat/completions", json=BODY | changed)
    assert given.status_code == 400
    error = given.json()["error"]
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 100_000, b""])
def test_a_body_that_is_off_is_an_error_of_openais_shape(
    body: bytes, plain: TestClient
) -> None:
    headers = {"content-type": "application/json"}
    for path in ("chat/completions", "embeddings"):
        given = plain.post(f"/v1/{path}", content=body, headers=headers)
        assert given.status_code == 400
        assert given.json()["error"]["type"] == "invalid_request_error"


def test_a_model_that_is_not_there_is_named_with_those_that_are(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError, match=r"gpt-9.*brain-deep"):
        client.chat.completions.create(model="gpt-9", messages=asked(TEA))
    with pytest.raises(openai.NotFoundError, match="brain-embed"):
        client.embeddings.create(model="brain", input="tea")


def test_without_the_token_of_the_home_nothing_is_answered(served: Settings) -> None:
    client = openai.OpenAI(base_url=f"{served.address}/v1", api_key="another")
    with client, pytest.raises(openai.AuthenticationError, match="does not open this"):
        client.models.list()


def test_past_the_limit_of_work_the_client_is_told_when_to_come_again(
    client: openai.OpenAI, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_work: object) -> object:
        raise Busy("68 requests are being answered", "try again in 2 seconds")

    monkeypatch.setattr(door.pool, "submit", full)
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError, match="68 requests") as turned:
            client.chat.completions.create(
                model="brain", messages=asked(TEA), stream=stream
            )
        assert turned.value.status_code == 503
        assert turned.value.response.headers["retry-after"] == "2"


def test_what_goes_wrong_in_the_middle_of_a_stream_reaches_the_client(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: object, request: object, *, say: Any, agree: Any = None) -> None:
        say("quote", "“half”")
        raise ZeroDivisionError("a secret word")

    monkeypatch.setattr("brain.app.Brain.ask", breaks)
    stream = client.chat.completions.create(
        model="brain", messages=asked(TEA), stream=True
    )
    with pytest.raises(openai.APIError, match="unexpected") as broken:
        list(stream)
    assert "secret" not in str(broken.value)


# -- models and vectors ----------------------------------------------------------------------------------------------


def test_the_models_are_those_that_a_request_may_name(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == [
        "brain",
        "brain-local",
        "brain-deep",
        "brain-embed",
        "brain-embed-query",
    ]
    assert client.models.retrieve("brain-local").owned_by == "brain"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_each_model_that_answers_goes_its_own_way(client: openai.OpenAI) -> None:
    for name in ("brain-local", "brain-deep"):
        reply = client.chat.completions.create(model=name, messages=asked(TEA))
        assert "96 °C" in (reply.choices[0].message.content or "")
        assert reply.model == name


def test_vectors_come_as_numbers_and_packed_and_are_the_same(
    client: openai.OpenAI,
) -> None:
    texts = ["black tea", "a lease"]
    packed = client.embeddings.create(model="brain-embed", input=texts)
    numbers = client.embeddings.create(
        model="brain-embed", input=texts, encoding_format="float"
    )
    assert [one.embedding for one in packed.data] == [
        pytest.approx(one.embedding, abs=1e-6) for one in numbers.data
    ]
    assert [one.index for one in packed.data] == [0, 1]
    assert len(packed.data[0].embedding) == 256
    assert packed.data[0].embedding != packed.data[1].embedding
    assert beside(packed)["fingerprint"].startswith("wordllama")


def test_a_question_is_embedded_as_a_question(client: openai.OpenAI) -> None:
    with Brain(load()) as opened:
        embedder = opened.resources.serving.embedder
        assert embedder is not None
        wanted = embedder.embed_query("black tea").tolist()
    made = client.embeddings.create(model="brain-embed-query", input="black tea")
    assert made.data[0].embedding == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"input": ""}, "texts with words"),
        ({"input": []}, "input must be a text"),
        ({"input": None}, "input must be a text"),
        ({"input": ["x"] * 2_049}, "2,048"),
        ({"input": [1, 2]}, "tokens are not read"),
        ({"input": [[1, 2]]}, "tokens are not read"),
        ({"input": ["x", ""]}, "texts with words"),
        ({"input": "x", "encoding_format": "hex"}, "no encoding_format 'hex'"),
        ({"input": "x", "encoding_format": 4}, "encoding_format must be a text"),
    ],
)
def test_what_cannot_be_embedded_is_named(
    changed: dict[str, Any], said: str, plain: TestClient
) -> None:
    given = plain.post("/v1/embeddings", json={"model": "brain-embed"} | changed)
    assert given.status_code == 400
    assert said in given.json()["error"]["message"]


# -- attacks ----------------------------------------------------------------------------------------------------------

PICTURE = "Tides: ![x](http://evil.example/t.png) and <img src=http://evil.example/u.png> turn at 9:40.\n"


def test_a_note_makes_no_chat_program_load_anything(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes") as door:
        (tmp_path / "notes" / "tides.txt").write_text(PICTURE)
        assert brain("sync").code == 0
        walked()
        body = {"messages": [{"role": "user", "content": "when do the tides turn?"}]}
        given = door.own.post("/v1/chat/completions", json=BODY | body).json()
    content = given["choices"][0]["message"]["content"]
    assert "turn at 9:40" in content
    assert "\\![x]" in content
    assert "\\<img" in content
    assert "![x](http://evil.example/t.png)" in given["brain"]["citations"][0]["quote"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "evil.example:8420"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"authorization": "Bearer sk-nothing"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_the_guard_stands_before_this_door_too(
    headers: dict[str, str], code: int, door: Door
) -> None:
    client = TestClient(door.client.app, base_url=ADDRESS)
    own = {"authorization": f"Bearer {TOKEN}"}
    given = client.post("/v1/chat/completions", json=BODY, headers=own | headers)
    assert given.status_code == code
    assert json.loads(given.text)["error"]["message"]


def test_a_body_that_is_too_long_is_refused(plain: TestClient) -> None:
    long = BODY | {"messages": [{"role": "user", "content": "tea " * 400_000}]}
    assert plain.post("/v1/chat/completions", json=long).status_code == 413


def test_a_pool_and_access_of_its_own_serve_on_a_free_port(tmp_path: Path) -> None:
    """Two servers of this machine have two addresses, and each names its own."""
    with (
        Pool(load, workers=1) as pool,
        live_server(pool, Access(TOKEN)) as first,
        live_server(pool, Access(TOKEN)) as second,
    ):
        assert first.port != second.port
        assert str(first.port) in first.hosts[0]

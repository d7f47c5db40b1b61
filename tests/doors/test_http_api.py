"""The JSON interface: the verbs of the command line, with the very objects that `--json` prints."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from brain.doors.http.settings import Settings
from brain.doors.log import Log
from brain.types import AnswerSpan
from tests.doors.http_support import Door, http_door
from tests.end_to_end import brain

# Which index answers depends on whether it is asked for long.
VARIES = {"episode", "database_bytes", "index_reason"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        yield opened


def steady(shape: dict[str, Any]) -> dict[str, Any]:
    """Without what differs between any two runs."""
    return {name: value for name, value in shape.items() if name not in VARIES}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("search?q=black tea&limit=2", ("search", "black tea", "--limit", "2")),
        ("search?q=tea&mode=lexical", ("search", "--lexical", "tea")),
        ("search?q=tea&tag=nothing", ("search", "tea", "--tag", "nothing")),
        ("recall?q=lease", ("recall", "lease")),
        ("get?ref=*.md", ("get", "*.md")),
        ("status", ("status",)),
    ],
)
def test_an_endpoint_gives_what_the_command_prints_as_json(
    path: str, words: tuple[str, ...], door: Door
) -> None:
    printed = brain(*words, "--json").json
    assert steady(door.own.get(f"/api/v1/{path}").json()) == steady(printed)


def test_ask_gives_what_the_command_prints_as_json(door: Door) -> None:
    question = "when does the lease end?"
    printed = brain("ask", "--no-record", "--json", question).json
    given = door.own.post("/api/v1/ask", json={"question": question, "record": False})
    assert given.status_code == 200
    assert given.json() == printed


def events(text: str) -> list[tuple[str, Any]]:
    """(name, what it says) of each event of a stream."""
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append(
            (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        )
    return found


class Reader:
    """In the place of the answer reader that ships: counts how often it is asked."""

    name = "counting"
    asked = 0

    def read(
        self, question: str, passages: Sequence[str], *, seconds: float | None = None
    ) -> list[AnswerSpan | None]:
        self.asked += 1
        return [AnswerSpan(0, 1, 1.0, 1.0) for _passage in passages]


def test_search_goes_without_the_answer_reader_unless_asked_and_ask_with_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader()
    monkeypatch.setitem(vars(door.pool.loaded), "answer_reader", reader)

    def read_by(path: str, **body: Any) -> bool:
        before = reader.asked
        steps = door.own.post(f"/api/v1/{path}", json=body).json()["model_steps"]
        ran = [step["name"] for step in steps if step["state"] == "ran"]
        assert (ran == ["read"]) == (reader.asked > before)
        return reader.asked > before

    assert not read_by("search", q="black tea")
    assert read_by("search", q="black tea", rerank=True)
    assert read_by("ask", question="how hot for black tea?", record=False)


def test_an_answer_streams_its_quotes_first_and_ends_with_the_whole(door: Door) -> None:
    asked = {"question": "how hot for black tea?"}
    with door.own.stream(
        "POST", "/api/v1/ask", json=asked, headers={"accept": "text/event-stream"}
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        said = events(stream.read().decode())
    names = [name for name, _said in said]
    assert names[0] == "quote"
    assert "96 °C" in said[0][1]["text"]
    assert names[-1] == "answer"
    assert said[-1][1]["citations"][0]["source"].endswith("tea.md")


def test_a_stream_that_cannot_begin_is_an_error_with_its_status(door: Door) -> None:
    headers = {"accept": "text/event-stream"}
    asked = door.own.post("/api/v1/ask", json={"question": " "}, headers=headers)
    assert asked.status_code == 400


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("search", "q is missing"),
        ("search?q= ", "q is missing"),
        ("search?q=tea&limit=no", "limit must be a whole number"),
        ("search?q=tea&limit=0", "limit must be 1 to 1,000"),
        ("search?q=tea&limit=-1", "limit must be 1 to 1,000"),
        ("search?q=tea&rerank=maybe", "rerank is true or false"),
        ("search?q=tea&mode=magic", "there is no mode 'magic'"),
        ("search?q=tea&colour=red", "there is no parameter 'colour'"),
        ("search?q=tea&since=the day of the jackal", "the day of the jackal"),
        ("status?q=tea", "there is no parameter 'q'"),
    ],
)
def test_what_is_off_is_named_in_two_lines(path: str, said: str, door: Door) -> None:
    asked = door.own.get(f"/api/v1/{path}")
    assert asked.status_code == 400
    error = asked.json()["error"]
    assert said in error["message"]
    assert error["kind"] == "usage"
    assert error["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'"tea"',
        b"\xff",
        b"[" * 100_000,
        b'{"question": 5}',
        b'{"question": "x", "limit": true}',
    ],
)
def test_a_body_that_is_off_is_named(body: bytes, door: Door) -> None:
    sent = door.own.post(
        "/api/v1/ask", content=body, headers={"content-type": "application/json"}
    )
    assert sent.status_code == 400
    assert sent.json()["error"]["hint"]


def test_an_unexpected_error_in_the_middle_of_a_stream_is_an_event(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: object, request: object, *, say: Any, agree: Any = None) -> None:
        say("quote", "half")
        raise ZeroDivisionError("a secret word")

    monkeypatch.setattr("brain.app.Brain.ask", breaks)
    headers = {"accept": "text/event-stream"}
    asked = door.own.post("/api/v1/ask", json={"question": "what?"}, headers=headers)
    said = events(asked.text)
    assert [name for name, _said in said] == ["quote", "error"]
    assert said[1][1]["error"]["hint"]
    assert "secret" not in asked.text


def test_what_is_not_there_is_not_found(door: Door) -> None:
    assert door.own.get("/api/v1/get?ref=nothing.md").status_code == 404
    missing = door.own.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["error"]["kind"]) == (404, "not_found")


def test_past_its_limit_of_work_it_says_when_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(door.pool, "_most", 1)
    waiting = door.pool.submit(lambda _brain: go_on.wait(60))
    turned_away = door.own.get("/api/v1/search?q=tea")
    go_on.set()
    assert waiting.result()
    assert turned_away.status_code == 503
    assert turned_away.headers["retry-after"] == "2"
    assert turned_away.json()["error"]["kind"] == "busy"
    assert door.own.get("/api/v1/search?q=tea").status_code == 200


def test_an_unexpected_error_tells_nothing_of_itself_and_its_kind_is_in_the_log(
    door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def breaks(_work: object) -> object:
        raise ZeroDivisionError("a secret word")

    monkeypatch.setattr(door.pool, "submit", breaks)
    with Log(tmp_path) as log:
        broken = door.own.get("/api/v1/search?q=tea")
        body = {"model": "brain-embed", "input": "tea"}
        assert door.own.post("/v1/embeddings", json=body).status_code == 500
        assert door.own.get("/search?q=tea").status_code == 500
        assert door.own.get("/api/v1/search").status_code == 400  # foreseen
        noted = log.place.read_text()
    assert broken.status_code == 500
    assert broken.json()["error"]["hint"]
    assert noted.count("ZeroDivisionError") == 3
    assert "secret" not in broken.text + noted


def test_where_the_folders_are_watched_a_question_does_not_look_at_them_itself(
    door: Door, tmp_path: Path
) -> None:
    """A look at twenty thousand files takes longer than the search."""

    def sources() -> str:
        return door.own.get("/api/v1/search?q=dinghy").text

    (tmp_path / "notes" / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")
    door.pool.watched = lambda: True
    assert "boat.md" not in sources()
    door.pool.watched = lambda: False
    assert "boat.md" in sources()


def test_a_server_that_only_reads_keeps_no_question(tmp_path: Path) -> None:
    asked = {"question": "when does the lease end?"}
    with http_door(tmp_path / "notes", Settings(read_only=True)) as door:
        assert door.own.post("/api/v1/ask", json=asked).json()["episode"] is None
        assert door.own.get("/api/v1/status").json()["episodes"] == 0


def test_whoever_goes_away_in_the_middle_ends_the_answer(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is recorded, and the worker is free again."""
    import asyncio

    from brain.doors.http.work import answered
    from brain.errors import Interrupted
    from brain.types import Request

    ended = threading.Event()

    def speaks(self: object, request: Request, *, say: Any, agree: Any = None) -> None:
        try:
            while True:
                say("sentence", "and on. ")
        except Interrupted:
            ended.set()
            raise

    monkeypatch.setattr("brain.app.Brain.ask", speaks)

    async def leaves() -> None:
        stream = answered(door.pool, Request("what?"))
        assert (await anext(stream))[0] == "sentence"
        await stream.aclose()

    asyncio.run(leaves())
    assert ended.wait(60)
    assert door.own.get("/api/v1/status").json()["episodes"] == 0

"""Many callers at once, while notes are added: everybody is answered, and nothing is lost."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brain.app.pool import Pool
from brain.config import load
from brain.doors.http.access import Access
from brain.doors.http.settings import Settings
from tests.doors.http_support import TOKEN, http_door
from tests.doors.live_server import live_server
from tests.end_to_end import brain, checked, home, process

CLIENTS = 12
TEA = "how hot for black tea?"
CHAT = {"model": "brain", "messages": [{"role": "user", "content": TEA}]}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/search", {"q": "black tea"}),
    ("/api/v1/ask", {"question": TEA}),
    ("/api/v1/recall", {"q": "tea"}),
    ("/v1/chat/completions", CHAT | {"stream": True}),
]


HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


def post(settings: Settings, path: str, body: dict[str, Any]) -> tuple[int, str]:
    """(status, body); a header that says when to come again behind it."""
    with closing(http.client.HTTPConnection("127.0.0.1", settings.port)) as asks:
        asks.request("POST", path, json.dumps(body), HEADERS)
        answer = asks.getresponse()
        text = answer.read().decode()
        return answer.status, text + (answer.headers.get("retry-after") or "")


def test_many_clients_are_answered_while_notes_are_added(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes") as door:
        with (
            live_server(door.pool, door.access) as served,
            ThreadPoolExecutor(CLIENTS) as clients,
        ):
            asked = [
                clients.submit(post, served, *ASKED[number % len(ASKED)])
                for number in range(3 * CLIENTS)
            ]
            for number in range(3):
                (tmp_path / "notes" / f"{number}.md").write_text(f"quxat{number}\n")
                assert process("add", tmp_path / "notes").code == 0
        assert {one.result()[0] for one in asked} == {200}
        for number in range(3):
            found = door.own.get(f"/api/v1/search?q=quxat{number}&mode=lexical").json()
            assert found["passages"][0]["source"].endswith(f"{number}.md")
    kept = brain("status", "--json").json["episodes"]
    assert kept == sum(path == "/api/v1/ask" for path, _body in ASKED) * 9
    assert len(checked(home()).documents) == 5


def test_who_comes_past_the_limit_of_work_is_told_when_to_come_again(
    tmp_path: Path,
) -> None:
    """Of many at once those that fit are answered; the others get 503, and nothing falls over."""
    with (
        Pool(load, workers=1, waiting=1) as pool,
        live_server(pool, Access(TOKEN)) as served,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        all_of_them = range(3 * CLIENTS)
        answers = list(clients.map(lambda _one: post(served, *ASKED[0]), all_of_them))
        assert {status for status, _text in answers} <= {200, 503}
        for status, text in answers:
            if status == 503:
                assert text.endswith("2")
                assert json.loads(text.removesuffix("2"))["error"]["kind"] == "busy"
        assert post(served, *ASKED[0])[0] == 200


@pytest.mark.parametrize("path", [path for path, _body in ASKED])
def test_who_hangs_up_in_the_middle_leaves_the_server_well(
    path: str, tmp_path: Path
) -> None:
    body = dict(ASKED)[path]
    with http_door(tmp_path / "notes") as door:
        with live_server(door.pool, door.access) as served:
            for _ in range(8):
                asks = http.client.HTTPConnection("127.0.0.1", served.port)
                asks.request("POST", path, json.dumps(body), HEADERS)
                asks.close()
            assert post(served, path, body)[0] == 200
        assert door.own.get("/api/v1/status").status_code == 200

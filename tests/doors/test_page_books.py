"""The pages of accounts: what left, what it cost, how good answers were; and that only a person decides on an inbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from brain.doors.http.settings import Settings
from tests.doors.http_support import Door, http_door
from tests.doors.page_accounts import BODY, keep_accounts


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        yield opened


def person(door: Door) -> TestClient:
    """A browser that opened the printed address."""
    cookie = door.access.exchanged(door.access.new_word())
    assert cookie
    door.client.cookies.set(Settings().cookie, cookie)
    return door.client


def ids(html: str) -> list[str]:
    return re.findall(r'name="ids" value="([^"]+)"', html)


def test_an_empty_store_has_empty_accounts(door: Door) -> None:
    said = {
        "/ledger": "The chain holds",
        "/spend": "Nothing was spent",
        "/quality": "No answer was kept yet",
        "/inbox": "Nothing waits",
    }
    for path, words in said.items():
        answered = door.own.get(path)
        assert answered.status_code == 200
        assert words in answered.text


def test_each_body_that_left_is_shown_as_text(door: Door) -> None:
    row = door.pool.run(keep_accounts)
    html = door.own.get("/ledger").text
    assert f'href="/ledger/{row}"' in html
    assert "a weak answer over public notes" in html
    shown = door.own.get(f"/ledger/{row}").text
    assert BODY.decode() in unescape(shown)
    assert "<b>black tea</b>" not in shown
    assert door.own.get("/ledger/999").status_code == 404


def test_a_ledger_that_was_changed_is_said(door: Door) -> None:
    door.pool.run(keep_accounts)

    def change(brain: object) -> None:
        conn = brain.resources.store.connection.conn  # type: ignore[attr-defined]
        conn.execute("DROP TRIGGER ledger_changes_no_row")
        conn.execute("UPDATE ledger SET record = replace(record, 'weak', 'good')")
        conn.commit()

    door.pool.run(change)
    assert "The chain does not hold" in door.own.get("/ledger").text


def test_what_was_spent_is_a_chart_over_its_table(door: Door) -> None:
    door.pool.run(keep_accounts)
    html = door.own.get("/spend").text
    assert 'data-chart="spent"' in html
    assert html.count('data-value="0.11"') == 1
    assert "$0.11" in html
    by_model = door.own.get("/spend?by=model").text
    assert "claude-sonnet-5-5" in by_model
    assert door.own.get("/spend?by=moon").status_code == 400


def test_quality_has_a_row_for_what_was_asked(door: Door) -> None:
    door.own.post("/ask", data={"question": "when does the lease end?"})
    html = door.own.get("/quality").text
    assert "not rated" in html
    assert 'data-chart="figures" data-column="2"' in html
    episode = re.search(
        r'id="([^"]+)"', door.own.get("/timeline").text.partition("<article")[2]
    )
    assert episode
    person(door).post("/feedback", data={"episode": episode[1], "verdict": "good"})
    rated = door.own.get("/quality").text
    assert "1 of 1" in rated
    assert 'data-value="100.0"' in rated


def test_a_person_decides_on_what_an_agent_wants_to_write(door: Door) -> None:
    door.pool.run(keep_accounts)
    browser = person(door)
    html = browser.get("/inbox").text
    assert "The boiler was repaired" in html
    assert "<script>alert" not in html
    boiler = html.index("The boiler was repaired")
    (first,) = ids(html[boiler:])[:1]
    (second,) = set(ids(html)) - {first}
    answered = browser.post("/inbox", data={"ids": first, "decision": "accept"})
    assert (answered.status_code, answered.headers["location"]) == (
        303,
        "/inbox?decided=accepted",
    )
    assert "The boiler was repaired" in browser.get("/timeline").text
    browser.post("/inbox", data={"ids": second, "decision": "refuse"})
    assert "Nothing waits" in browser.get("/inbox?decided=refused").text
    assert (
        browser.post("/inbox", data={"ids": first, "decision": "accept"}).status_code
        == 404
    )


def test_a_program_decides_nothing(door: Door) -> None:
    door.pool.run(keep_accounts)
    first, _second = ids(door.own.get("/inbox").text)
    refused = door.own.post("/inbox", data={"ids": first, "decision": "accept"})
    assert refused.status_code == 403
    assert "a person decides" in refused.text
    browser = person(door)
    evil = {"origin": "http://evil.example"}
    assert (
        browser.post(
            "/inbox", data={"ids": first, "decision": "accept"}, headers=evil
        ).status_code
        == 403
    )
    assert (
        browser.post("/inbox", data={"ids": first, "decision": "perhaps"}).status_code
        == 400
    )
    assert len(ids(browser.get("/inbox").text)) == 2


def test_a_server_that_only_reads_takes_no_decision(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes", Settings(read_only=True)) as door:
        door.pool.run(keep_accounts)
        browser = person(door)
        html = browser.get("/inbox").text
        assert "The boiler was repaired" in html
        assert ids(html) == []
        assert (
            browser.post("/inbox", data={"ids": "x", "decision": "accept"}).status_code
            == 403
        )

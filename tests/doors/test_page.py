"""The page in the browser: whole without scripts, nothing stored is code, a quote is marked where it stands or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from brain.app.originals import Part
from brain.doors.http.asking import shape
from brain.doors.http.pages import Pages
from brain.doors.http.places import Text, address, find
from brain.doors.http.rendering import HERE, Rendering, static_files
from brain.doors.http.settings import Settings
from brain.doors.log import Log
from brain.health import ChoreResult, Health
from brain.types import Answer, Elsewhere
from tests.doors.http_support import NOTES, Door, http_door
from tests.end_to_end import ROOT, brain
from tests.stand_in_ollama import StandIn

CORPUS = ROOT / "sample_corpus"
FIRST_LOAD_BYTES = 120_000
HOSTILE = '# <img src=x onerror=alert(1)>\n\n<script>alert("owned")</script> the word is zebra\u202e.\n'
PAGES = (
    "/",
    "/search",
    "/search?q=lease",
    "/timeline",
    "/timeline?q=lease",
    "/folders",
    "/status",
    "/ledger",
    "/spend",
    "/quality",
    "/inbox",
)
EVENTS = {"accept": "text/event-stream"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        yield opened


def found(html: str, pattern: str) -> str:
    """The first group of a pattern, as a browser reads it."""
    match = re.search(pattern, html, re.S)
    assert match, html
    return unescape(match[1])


def person(door: Door) -> TestClient:
    """A browser that opened the printed address."""
    door.client.get(f"/?word={door.access.new_word()}")
    return door.client


def ask(door: Door, question: str, **fields: str) -> str:
    answered = door.own.post("/ask", data={"question": question, **fields})
    assert answered.status_code == 200, answered.text
    return answered.text


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_html_without_a_word_of_code_in_it(path: str, door: Door) -> None:
    """The browser refuses inline code and foreign addresses; a page that had some would be broken, or worse."""
    answered = door.own.get(path)
    assert answered.status_code == 200
    assert answered.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    html = answered.text
    assert not re.search(
        r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", html
    )
    assert not re.search(r'(?:src|href|action)="(?!/|#|\?)', html)
    assert html.count("<h1") == 1


def test_a_question_is_answered_without_scripts_and_leads_to_the_marked_quote(
    door: Door,
) -> None:
    html = ask(door, "when does the lease end?")
    assert "<blockquote>The lease ends on" in html
    link = found(html, r'class="cite" href="([^"]+)"')
    assert link.endswith("#L3")
    document = door.own.get(link).text
    marked = found(document, r'<div class="row here" id="L3">.*?<mark>(.*?)</mark>')
    assert marked == "The lease ends on 28 February 2029."


def test_an_answer_comes_piece_by_piece_the_quotes_first(door: Door) -> None:
    headers = {"accept": "text/event-stream"}
    answered = door.own.post(
        "/ask", data={"question": "when does the lease end?"}, headers=headers
    )
    assert answered.headers["content-type"].startswith("text/event-stream")
    blocks = answered.text.strip().split("\n\n")
    events = [
        (block.split("\n")[0], json.loads(block.split("\ndata: ")[1]))
        for block in blocks
    ]
    assert [name for name, _said in events] == ["event: quote", "event: answer"]
    assert events[0][1]["into"] == "said"
    assert "The lease ends on 28 February 2029." in events[0][1]["html"]
    assert 'class="cite"' in events[1][1]["html"]


def test_what_goes_wrong_on_the_way_is_an_event_and_its_kind_is_in_the_log(
    door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def breaks(self: object, question: object, *, say: Any, agree: Any = None) -> None:
        say("quote", "“half” notes/tea.md")
        raise ZeroDivisionError("a secret word")

    monkeypatch.setattr("brain.app.Brain.ask", breaks)
    with Log(tmp_path) as log:
        answered = door.own.post("/ask", data={"question": "what?"}, headers=EVENTS)
        noted = log.place.read_text()
    assert answered.status_code == 200
    names = re.findall(r"event: (\w+)", answered.text)
    assert names == ["quote", "quote", "error"]
    assert "an unexpected error" in answered.text
    assert "secret" not in answered.text + noted
    assert noted.count("ZeroDivisionError") == 1


def test_what_goes_wrong_before_the_first_piece_has_its_status_and_no_frame(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = door.own.post("/ask", data={"question": " "}, headers=EVENTS)
    assert empty.status_code == 400
    assert "the question is empty" in empty.text
    assert "<html" not in empty.text
    monkeypatch.setattr(door.pool, "_most", 0)
    full = door.own.post("/ask", data={"question": "what?"}, headers=EVENTS)
    assert (full.status_code, full.headers["retry-after"]) == (503, "2")
    assert "no more can wait" in full.text
    whole = door.own.post("/ask", data={"question": "what?"})
    assert (whole.status_code, whole.headers["retry-after"]) == (503, "2")
    assert "<html" in whole.text


def test_two_ways_at_once_are_named(door: Door) -> None:
    ticked = {"question": "when does the lease end?", "deep": "1", "local": "1"}
    refused = door.own.post("/ask", data=ticked)
    assert refused.status_code == 400
    said = unescape(refused.text)
    assert "“look a second time: more passages, each part of the question”" in said
    assert "“nothing leaves, whatever the rules allow” are two ways" in said
    del ticked["deep"]
    assert door.own.post("/ask", data=ticked).status_code == 200


def test_what_the_notes_do_not_hold_is_said_with_the_nearest(door: Door) -> None:
    html = ask(door, "which football team does Duarte support?")
    assert "Not in your notes" in html
    assert "The nearest" in html
    again = re.search(
        r'name="question" value="([^"]+)"><input type="hidden" name="anyway" value="1">',
        html,
    )
    assert again
    assert "Not in your notes" not in ask(door, unescape(again[1]), anyway="1")


def test_a_question_is_kept_unless_it_is_not_wanted(door: Door) -> None:
    ask(door, "when does the lease end?", no_record="1")
    assert "Nothing here" in door.own.get("/timeline").text
    ask(door, "when does the lease end?")
    assert '<a href="/?q=when%20does%20the%20lease%20end%3F">' in door.own.get("/").text
    assert (
        'value="when does the lease end?"'
        in door.own.get("/?q=when+does+the+lease+end?").text
    )
    timeline = door.own.get("/timeline").text
    assert "when does the lease end?" in timeline
    assert "28 February 2029" in timeline


def test_nothing_that_is_stored_is_code(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes") as door:
        (tmp_path / "notes" / "hostile.md").write_text(HOSTILE)
        assert brain("add", tmp_path / "notes").code == 0
        brain("remember", HOSTILE)
        pages = [
            door.own.get("/search?q=zebra").text,
            door.own.get("/timeline").text,
            ask(door, "what is the word?"),
        ]
        link = found(pages[0], r'<a href="(/doc/[^"]+)"')
        pages.append(door.own.get(link).text)
        for html in pages:
            assert "zebra" in html
            assert "<script>alert" not in html
            assert "<img" not in html
            assert "\u202e" not in html
        assert "&lt;script&gt;alert" in pages[-1]
        told = door.own.get(f"/search?q={'%3Cscript%3Ealert(1)%3C/script%3E'}").text
        assert "<script>alert" not in told


def test_a_quote_that_is_not_there_marks_nothing_and_says_so(door: Door) -> None:
    html = ask(door, "when does the lease end?")
    link = found(html, r'class="cite" href="([^"?]+)')
    document = door.own.get(link, params={"quote": "The lease never ends."}).text
    assert "do not stand in this document" in document
    assert "<mark>" not in document
    assert 'class="row here"' not in document


def test_the_original_is_handed_over_to_be_saved_and_never_shown(
    tmp_path: Path,
) -> None:
    with http_door(tmp_path / "notes") as door:
        page = tmp_path / "notes" / "ein blatt’s.html"
        page.write_text(
            "<h1>Damp</h1><p>Mould grows at 80 percent.</p><script>alert(1)</script>"
        )
        assert brain("add", tmp_path / "notes").code == 0
        link = found(door.own.get("/search?q=mould").text, r'<a href="(/doc/[^"?#]+)')
        saved = door.own.get(f"{link}/original")
        assert saved.content == page.read_bytes()
        assert saved.headers["content-security-policy"] == "sandbox"
        assert saved.headers["content-type"] == "application/octet-stream"
        assert saved.headers["content-disposition"].startswith(
            "attachment; filename*=UTF-8''ein%20blatt%E2%80%99s.html"
        )
        page.unlink()
        assert door.own.get(f"{link}/original").status_code == 404


def test_a_page_of_a_pdf_is_a_picture_with_the_quote_in_boxes(tmp_path: Path) -> None:
    with http_door(tmp_path / "notes") as door:
        shutil.copy(CORPUS / "home" / "lease-contract.pdf", tmp_path / "notes")
        assert brain("add", tmp_path / "notes").code == 0
        html = door.own.get("/search?q=storage+room+number+6+in+the+cellar").text
        link = found(html, r'<a href="(/doc/[^"]+/page/1[^"]*)"')
        leaf = door.own.get(link).text
        assert "are marked on the page" in leaf
        assert leaf.count("<rect") >= 1
        assert "<mark>" in leaf
        picture = door.own.get(found(leaf, r'<image href="([^"]+)"'))
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")
        path = link.partition("?")[0]
        lost = door.own.get(
            path, params={"quote": "the landlord pays for everything"}
        ).text
        assert "could not be placed" in lost
        assert "<rect" not in lost
        assert door.own.get(path.replace("/page/1", "/page/99")).status_code == 404
        note = found(door.own.get("/search?q=tea").text, r'<a href="(/doc/[^"?#]+)')
        assert door.own.get(f"{note}/page/1").status_code == 404


def test_a_hostile_pdf_costs_its_own_page_alone(tmp_path: Path) -> None:
    """What is drawn is drawn in a limited child; what cannot be drawn is said."""
    with http_door(tmp_path / "notes") as door:
        place = tmp_path / "notes" / "lease-contract.pdf"
        shutil.copy(CORPUS / "home" / "lease-contract.pdf", place)
        assert brain("add", tmp_path / "notes").code == 0
        link = found(
            door.own.get("/search?q=cellar+type:pdf").text, r'<a href="(/doc/[^"?#]+)'
        )
        place.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
        refused = door.own.get(link)
        assert refused.status_code == 500
        assert "cannot be drawn" in refused.text
        assert door.own.get("/search?q=tea").status_code == 200


def test_the_first_load_is_small(door: Door) -> None:
    """With everything that the page of a question names, as it goes over the wire."""
    html = door.own.get("/").text
    names = re.findall(r'"(/static/[^"]+)"', html)
    assert len(names) == 4
    files = [door.client.get(name) for name in names]
    assert {file.status_code for file in files} == {200}
    whole = len(html.encode()) + sum(len(file.content) for file in files)
    assert whole <= FIRST_LOAD_BYTES
    assert all("immutable" in file.headers["cache-control"] for file in files)


def test_what_others_made_is_what_the_notice_says() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for name in ("htmx.min.js", "uplot.min.js", "uplot.css"):
        assert (
            hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest() in notice
        )
    assert {"htmx.min.js", "page.css", "page.js"} <= static_files().keys()
    assert "htmx.LICENSE" not in static_files()


def test_no_file_outside_is_served(door: Door) -> None:
    for name in (
        "../api.py",
        "%2e%2e/api.py",
        "..%2fapi.py",
        "page.py",
        "htmx.LICENSE",
    ):
        assert door.own.get(f"/static/{name}").status_code == 404


def test_conditions_narrow_and_one_that_nothing_meets_is_named(door: Door) -> None:
    listed = door.own.get("/search").text
    assert "2 documents" in listed
    assert "tea.md" in door.own.get("/search?path=tea").text
    assert "lease.md" not in door.own.get("/search?path=tea").text
    unmet = door.own.get("/search?q=lease&tag=nowhere")
    assert unmet.status_code == 200
    assert "nowhere" in found(unmet.text, r'role="alert">\s*<h2[^>]*>(.*?)</h2>')
    old = door.own.get("/search?q=lease&since=no+such+time")
    assert 'role="alert"' in old.text


def test_an_answer_is_judged(door: Door) -> None:
    html = ask(door, "when does the lease end?")
    episode = found(html, r'name="episode" value="([^"]+)"')
    verdict = {"episode": episode, "verdict": "good"}
    program = door.own.post("/feedback", data=verdict)
    assert program.status_code == 403
    assert "a person says how good" in program.text
    assert "not rated" in door.own.get("/quality").text
    judged = person(door).post("/feedback", data=verdict)
    assert "a good answer" in judged.text
    assert "1 of 1" in door.own.get("/quality").text
    verdict["verdict"] = "splendid"
    assert person(door).post("/feedback", data=verdict).status_code == 400


def test_a_server_that_only_reads_keeps_nothing_and_shows_no_form_for_it(
    tmp_path: Path,
) -> None:
    with http_door(tmp_path / "notes", Settings(read_only=True)) as door:
        assert 'action="/feedback"' not in ask(door, "when does the lease end?")
        assert "Nothing here" in door.own.get("/timeline").text
        refused = door.own.post("/feedback", data={"episode": "x", "verdict": "good"})
        assert refused.status_code == 403


def test_a_server_that_only_reads_takes_no_file_in(tmp_path: Path) -> None:
    question = {"question": "what colour is the dinghy?"}
    messages = [{"role": "user", "content": question["question"]}]
    with http_door(tmp_path / "notes", Settings(read_only=True)) as door:
        (tmp_path / "notes" / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")
        asked = [
            door.own.get("/search?q=dinghy"),
            door.own.post("/ask", data=question),
            door.own.post("/ask", data=question, headers=EVENTS),
            door.own.get("/api/v1/search?q=dinghy"),
            door.own.post("/api/v1/ask", json=question),
            door.own.post(
                "/v1/chat/completions", json={"model": "brain", "messages": messages}
            ),
        ]
        assert {answered.status_code for answered in asked} == {200}
        assert door.own.get("/api/v1/status").json()["documents"] == len(NOTES)
        assert not any("dinghy is green" in answered.text for answered in asked)


def test_where_the_folders_are_watched_the_page_does_not_look_at_them(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / "notes" / "boat.md").write_text("# Boat\n\nThe dinghy is green.\n")
    door.pool.watched = lambda: True
    ask(door, "what colour is the dinghy?")
    assert "dinghy is green" not in door.own.get("/search?q=dinghy").text
    door.pool.watched = lambda: False
    assert "dinghy is green" in ask(door, "what colour is the dinghy?")


def test_a_form_comes_from_the_page_alone(door: Door) -> None:
    evil = {"origin": "http://evil.example"}
    assert (
        door.own.post("/ask", data={"question": "x"}, headers=evil).status_code == 403
    )
    assert door.own.post("/ask", json={"question": "x"}).status_code == 400
    assert "Ask your notes" in door.own.get("/ask").text
    many = "&".join(f"f{number}=1" for number in range(200))
    assert door.own.post("/ask", content=many, headers=FORM).status_code == 400


def test_a_person_who_is_not_let_in_reads_why(door: Door) -> None:
    browser = {"accept": "text/html,*/*"}
    stranger = door.client.get("/", headers=browser)
    assert stranger.status_code == 401
    assert "brain serve --address" in stranger.text
    assert "tea" not in stranger.text
    far = {**browser, "sec-fetch-site": "cross-site"}
    place = address("abc", "tea.md", "L3", "“96 °C” & 4 < 5 minutes' time")
    led = door.own.get(place, headers=far)
    assert led.status_code == 403
    button = found(led.text, '<a class="button" href="([^"]*)"')
    assert parse_qs(urlsplit(button).query) == parse_qs(urlsplit(place).query)
    assert urlsplit(button).path == "/doc/abc"
    led = door.own.get('/doc/abc?x="><script>alert(1)</script>', headers=far)
    assert "<script>alert" not in unescape(led.text)
    for path in ("//evil.example/x", "/\\evil.example", "/%5cevil.example"):
        led = door.own.get(
            f"http://127.0.0.1:8420{path}",
            headers={**browser, "sec-fetch-site": "cross-site"},
        )
        assert found(led.text, '<a class="button" href="([^"]*)"').startswith(
            "/evil.example"
        )
    nothing = door.own.get("/nothing", headers=browser)
    assert nothing.status_code == 404
    assert nothing.headers["content-type"].startswith("text/html")
    assert door.own.get("/nothing").json()["error"]["kind"] == "not_found"
    to_page = door.client.get("/health", headers=browser)
    assert (to_page.status_code, to_page.headers["location"]) == (303, "/status")


def test_a_quote_is_found_however_its_white_space_is() -> None:
    assert find("one\n  two three", "one two") == (0, 9)
    assert find("one", "two") is None
    assert find("one", " ") is None
    assert find("a.b", "a b") is None
    assert find("(a+)+$ and (a+)+$", "(a+)+$", near=9) == (11, 17)


def test_a_quote_of_many_like_words_is_looked_for_once() -> None:
    """A pattern of two thousand words took over a minute, and the whole server with it."""
    text = "a " * 500_000
    quote = "a " * 1_999
    assert find(text, f"{quote}b") is None
    assert find(text, quote, near=len(text)) is not None
    spaced = "x  y\n\n\nz x y z"
    assert find(spaced, "x y z") == (0, 8)
    assert find(spaced, "x y z", near=9) == (9, 14)


def test_a_quote_is_looked_for_by_a_worker(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else asks is answered meanwhile."""
    threads = []

    def place(self: Text, quote: str, where: str) -> None:
        threads.append(threading.current_thread().name)

    monkeypatch.setattr(Text, "place", place)
    link = found(door.own.get("/search?q=lease").text, r'<a href="(/doc/[^"]+)"')
    assert door.own.get(link).status_code == 200
    (thread,) = threads
    assert thread.startswith("brain-")


def test_of_a_sentence_that_stands_twice_the_one_that_is_meant_is_marked(
    tmp_path: Path,
) -> None:
    """What follows the # stays in the browser: only the query says which one."""
    said = "The boiler was serviced."
    rows = [said if row in (10, 1_000) else f"row {row}" for row in range(1, 1_101)]
    with http_door(tmp_path / "notes") as door:
        (tmp_path / "notes" / "log.txt").write_text("\n".join(rows))
        assert brain("add", tmp_path / "notes").code == 0
        listed = door.own.get("/search?path=log.txt").text
        reference = found(listed, r'<a href="/doc/([^"?#]+)')
        for locator in ("L10", "L1000"):
            link = address(reference, "log.txt", locator, said)
            html = door.own.get(link.partition("#")[0]).text
            assert found(html, r'<div class="row here" id="(\w+)">') == locator
            assert html.count("<mark>") == 1


def test_a_long_document_begins_with_the_part_that_is_wanted() -> None:
    parts = [Part(f"L{number}", f"row {number}") for number in range(1, 5_001)]
    text = Text(parts)
    span = text.place("row 4321", "")
    assert span is not None
    assert text.number_at(span[0]) == 4_320
    (shown,) = text.shown(4_320, 1, span, headings=False)
    assert (shown.anchor, shown.pieces, shown.here) == (
        "L4321",
        [("row 4321", True)],
        True,
    )


def test_places_of_one_name_have_an_anchor_each() -> None:
    parts = [Part("form", "a"), Part("", "b"), Part("form", "c")]
    shown = Text(parts).shown(0, 3, None, headings=False)
    assert [part.anchor for part in shown] == ["form", "part2", "form-3"]


def test_an_address_holds_the_quote_and_leads_to_the_place() -> None:
    assert (
        address("ab12", "notes/lease.md", "L8-12", "a & b")
        == "/doc/ab12?at=L8&quote=a+%26+b#L8"
    )
    assert address("ab12", "x.pdf", "p. 3", "a") == "/doc/ab12/page/3?quote=a"
    assert address("ab12", "x.txt", "", "a") == "/doc/ab12?quote=a"
    assert address("ab12", "x.PDF", "p. 3") == "/doc/ab12/page/3"
    assert address("ab12", "mail.eml", "p. 3") == "/doc/ab12#p3"
    assert address("ab12", "x.txt", "") == "/doc/ab12"


def test_what_a_model_writes_comes_after_the_quote_and_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandIn(models=("qwen3:4b",)) as server:
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", server.url)
        monkeypatch.setenv("BRAIN_MODELS_ASK", "qwen3:4b")
        with http_door(tmp_path / "notes") as door:
            headers = {"accept": "text/event-stream"}
            streamed = door.own.post(
                "/ask", data={"question": "when does the lease end?"}, headers=headers
            ).text
            whole = ask(door, "when does the lease end?")
    events = re.findall(r"event: (\w+)\ndata: (.*)", streamed)
    said = [(name, json.loads(data)["into"]) for name, data in events]
    assert said[:2] == [("quote", "said"), ("quote", "sources")]
    assert ("sentence", "said") in said
    assert said[-1] == ("answer", "")
    assert "lease.md" in events[1][1]
    assert "Written by qwen3:4b, on this machine" in whole
    assert 'aria-label="source 1">1</a>' in whole
    assert "<blockquote>The lease ends on" in whole


def test_what_another_document_says_leads_to_its_place_too(door: Door) -> None:
    """An answer is checked against what contradicts it by a click, and the timeline leads to what it cites."""
    other = Elsewhere(
        "tea.md",
        "L3",
        "Black tea wants water at 96 °C and four minutes.",
        (25, 30),
        "2026-03-01",
        newer=True,
    )
    answer = Answer("how hot?", "supported", "hot", differs=(other,), also=(other,))
    html = Rendering(read_only=False).text(
        "answer.html", answer=answer, **shape(answer)
    )
    assert "says “96 °C” (newer, 2026-03-01)" in html
    ask(door, "how hot is black tea?")
    links = re.findall(r'href="(/open[^"]+)"', html + door.own.get("/timeline").text)
    assert len(links) == 3
    for link in map(unescape, links):
        led = door.own.get(link, follow_redirects=False)
        assert led.headers["location"].endswith("#L3")
        assert "Black tea wants water" in door.own.get(link).text
    assert "<mark>Black tea wants water" in door.own.get(unescape(links[0])).text
    assert door.own.get("/open?source=nowhere.md").status_code == 404
    assert door.own.get("/open").status_code == 400


def test_the_health_page_says_how_the_server_is(tmp_path: Path) -> None:
    chores = (
        ChoreResult(
            "backup",
            "2026-11-28T03:30:00+00:00",
            ok=False,
            said="the disk is full",
            seconds=2.0,
        ),
    )
    health = Health(
        ok=False,
        version="1",
        pid=7,
        since="2026-11-27T09:00:00+00:00",
        query_ms=41,
        index="chroma",
        index_lag=3,
        waiting=0,
        ollama="",
        memory_bytes=2**28,
        disk_free_bytes=2**30,
        watched=2,
        last_error="<b>odd</b>",
        chores=chores,
        troubles=("the disk is nearly full; make room",),
    )
    with http_door(tmp_path / "notes") as door:
        pages = Pages(door.pool, Settings(), lambda: health)
        app = Starlette(routes=pages.routes())
        html = TestClient(app).get("/status").text
        assert "Not all is well" in html
        for said in (
            "the disk is nearly full; make room",
            "256 MB",
            "1.0 GB",
            "3 changes",
            "the disk is full",
            "2026-11-27 09:00",
        ):
            assert said in html
        assert "&lt;b&gt;odd" in html
        well = (
            TestClient(
                Starlette(
                    routes=Pages(
                        door.pool, Settings(), lambda: replace(health, ok=True)
                    ).routes()
                )
            )
            .get("/status")
            .text
        )
        assert "a real search took 41 ms" in well
        assert "Not all is well" not in door.own.get("/status").text

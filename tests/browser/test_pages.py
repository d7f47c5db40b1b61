"""The page in a real Chromium: every page sound and readable, the way from a question to its source by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MS, Served, Watched

QUESTION = "how hot should the water be for black tea?"
IN_PDF = "which storage room may the tenants use?"
FIRST_LOAD_BYTES = 120_000
PHONE = {"width": 360, "height": 740}
PAGES = (
    "/",
    "/search",
    "/search?q=lease&type=pdf",
    "/search?q=lease&tag=nowhere",
    "/timeline",
    "/timeline?q=tea",
    "/inbox",
    "/ledger",
    "/ledger/1",
    "/spend",
    "/quality",
    "/folders",
    "/status",
    "/nothing-here",
)
STATUSES = {"/nothing-here": "404"}
Opened = Callable[..., Page]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(autouse=True)
def asked_once(opened: Opened, request: pytest.FixtureRequest) -> None:
    """Something was asked, so that no page is empty."""
    if not getattr(request.session, "asked", False):
        ask(opened("/"), QUESTION)
        request.session.asked = True  # type: ignore[attr-defined]


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("#answer .foot")).to_be_visible()
    expect(page.locator("[data-stop]")).to_be_hidden()  # nothing more comes


def first_link(page: Page, words: str) -> str:
    """The address of the first passage that is found."""
    page.goto(f"/search?q={words}")
    address = page.locator(".results a").first.get_attribute("href")
    assert address
    return address


def faults(page: Page) -> list[str]:
    """What axe finds wrong with a page, and where."""
    found: Any = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]
    ]


def expected(path: str, wrong: list[str]) -> list[str]:
    """What went wrong, less the status that was asked for."""
    status = STATUSES.get(path)
    return [text for text in wrong if not (status and status in text)]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_sound_and_readable_in_light_and_dark(
    path: str, opened: Opened, served: Served
) -> None:
    watched = Watched()
    page = opened(path, watched, color_scheme="light")
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert faults(page) == []
    assert expected(path, watched.wrong) == []
    assert all(address.startswith(served.base) for address in watched.asked)
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("path", PAGES)
def test_each_page_fits_on_a_phone(path: str, opened: Opened) -> None:
    page = opened(path, viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_answer_and_its_sources_are_sound_and_readable(opened: Opened) -> None:
    watched = Watched()
    page = opened("/", watched)
    ask(page, QUESTION)
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ask(page, "which football team does Duarte support?")
    expect(page.locator("#answer h2").first).to_have_text("Not in your notes")
    assert faults(page) == []
    assert watched.wrong == []


def test_from_a_question_to_its_source_by_keyboard_alone(opened: Opened) -> None:
    page = opened("/")
    page.keyboard.type(QUESTION)  # the question has the focus
    page.keyboard.press("Enter")
    expect(page.locator("#answer h2").first).to_be_focused()
    page.keyboard.press("1")
    page.wait_for_url(re.compile(r"/doc/.*#L13$"))
    marked = page.locator("mark")
    expect(marked).to_have_text(
        "Black tea wants water at 96 °C and four minutes, 2.5 g to the cup."
    )
    expect(marked).to_be_in_viewport()
    page.go_back()
    ask(page, QUESTION)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "cite"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/doc/.*#L13$"))


def test_what_is_refused_is_said_in_words_in_the_place_of_the_answer(
    opened: Opened,
) -> None:
    page = opened("/?deep=1&local=1")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    heading = page.locator("#answer h2")
    expect(heading).to_contain_text("are two ways")
    assert page.locator("h1").count() == 1
    page.context.clear_cookies()
    page.get_by_label("Your question").press("Enter")
    expect(heading).to_contain_text("brain serve --address")


def test_the_keys_of_an_answer_leave_typing_alone(opened: Opened) -> None:
    page = opened("/")
    ask(page, QUESTION)
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("1/2 cup?")
    expect(page.get_by_label("Your question")).to_have_value("1/2 cup?")
    assert page.url.endswith("/")


def test_the_quoted_page_of_a_pdf_opens_with_the_sentence_marked(
    opened: Opened,
) -> None:
    watched = Watched()
    page = opened("/", watched)
    page.goto(first_link(page, "storage+room+number+6+in+the+cellar"))
    page.wait_for_load_state("networkidle")
    sheet = page.locator(".sheet")
    box, mark = sheet.bounding_box(), sheet.locator("rect").first.bounding_box()
    assert box
    assert mark
    assert box["x"] <= mark["x"] < box["x"] + box["width"]
    assert box["y"] <= mark["y"] < box["y"] + box["height"]
    assert any(address.endswith("/picture") for address in watched.asked)
    assert watched.wrong == []
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_document_is_sound_and_a_place_far_behind_is_reached(opened: Opened) -> None:
    page = opened("/")
    address = first_link(page, "zebra").partition("?")[0]
    page.goto(address)
    assert faults(page) == []
    far = first_link(page, "path:long.txt+list").partition("?")[0]
    page.goto(f"{far}#L3500")
    expect(page.locator("#L3500")).to_be_in_viewport()


def test_nothing_that_is_stored_runs(opened: Opened) -> None:
    watched = Watched()
    page = opened("/", watched)
    ask(page, "what is the word of the day?")
    assert "zebra" in page.locator("#answer").inner_text()
    page.goto(first_link(page, "zebra"))
    page.goto("/inbox")
    assert page.evaluate("window.owned") is None
    assert watched.wrong == []


def test_the_first_load_is_small_and_asks_nobody_else(
    opened: Opened, served: Served
) -> None:
    watched = Watched()
    page = opened("/", watched)
    page.wait_for_load_state("networkidle")
    assert 0 < watched.bytes <= FIRST_LOAD_BYTES
    assert len(watched.asked) >= 4
    assert all(address.startswith(served.base) for address in watched.asked)


def test_everything_works_without_scripts(opened: Opened) -> None:
    page = opened("/", java_script_enabled=False)
    ask(page, QUESTION)
    page.locator(".cite").first.click()
    assert page.url.endswith("#L13")
    expect(page.locator("mark")).to_be_in_viewport()
    page.goto("/search")
    page.get_by_label("Words to search for").fill("lease")
    page.get_by_role("button", name="Search").click()
    assert page.locator(".results .card").count() > 1
    page.goto("/spend")
    assert page.locator("table tbody tr").count() == 5


def test_a_search_answers_while_one_types(opened: Opened) -> None:
    watched = Watched()
    page = opened("/search", watched)
    page.get_by_label("Words to search for").press_sequentially("sencha")
    expect(page.locator(".results mark").first).to_have_text(re.compile("sencha", re.I))
    expect(page).to_have_url(re.compile("q=sencha"))
    assert watched.wrong == []
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "72 °C" in page.locator(".results").inner_text()
    assert "72 °C" not in kept  # no text of a note


def test_an_answer_is_judged_in_its_place(opened: Opened) -> None:
    page = opened("/")
    ask(page, QUESTION)
    page.get_by_role("button", name="Good").click()
    expect(page.get_by_text("a good answer")).to_be_visible()
    expect(page.locator("#answer .said")).to_be_visible()


def test_charts_are_drawn_over_their_tables(opened: Opened) -> None:
    for path in ("/spend", "/quality"):
        page = opened(path)
        expect(page.locator(".chart canvas").first).to_be_visible()
        expect(page.locator("table")).to_be_visible()
        drawn = page.locator(".chart canvas").first.evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(one => one)"
        )
        assert drawn


def test_a_person_accepts_what_an_agent_proposes(opened: Opened) -> None:
    page = opened("/inbox")
    page.get_by_role("button", name="Accept “boiler”").click()
    expect(page.get_by_text("Accepted.")).to_be_visible()
    page.goto("/timeline")
    expect(page.get_by_text("The boiler was repaired on 12 May.")).to_be_visible()


def test_another_browser_is_not_let_in_and_reads_why(
    browser: Any, served: Served
) -> None:
    context = browser.new_context(base_url=served.base)
    page = context.new_page()
    page.goto("/search?q=lease", timeout=PATIENCE_MS)
    expect(
        page.get_by_role("heading", name="This browser is not let in yet")
    ).to_be_visible()
    assert "Lease" not in page.content()
    assert faults(page) == []
    context.close()

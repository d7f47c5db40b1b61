"""Who may ask over HTTP: nobody but the owner, from no other page and under no other name."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.doors.http.access import (
    ADDRESS_SECONDS,
    COOKIE_SECONDS,
    FILE,
    Access,
    access_of,
    guest_token_of,
    token_of,
)
from brain.doors.http.app import check, listening
from brain.doors.http.guard import BODY_BYTES
from brain.doors.http.settings import Settings
from brain.errors import BrainError, UsageError
from tests.doors.http_support import BEARER, TOKEN, Door, http_door

STATUS = "/api/v1/status"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with http_door(tmp_path / "notes") as opened:
        yield opened


def test_a_stranger_learns_only_that_the_server_lives(door: Door) -> None:
    assert door.client.get("/health").json() == {"schema": 2, "ok": True}
    for path in (STATUS, "/api/v1/search?q=tea", "/", "/nothing"):
        refused = door.client.get(path)
        assert refused.status_code == 401
        assert "tea" not in refused.text


def test_a_program_shows_the_token(door: Door) -> None:
    assert door.client.get(STATUS, headers=BEARER).status_code == 200
    for wrong in ("Bearer ", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        refused = door.client.get(STATUS, headers={"authorization": wrong})
        assert refused.status_code == 401


def test_the_printed_address_opens_once_and_the_cookie_stays(door: Door) -> None:
    word = door.access.new_word()
    opened = door.client.get(f"/?word={word}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    kept = opened.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "SameSite=strict" in kept
    assert door.client.get(STATUS).status_code == 200
    door.client.cookies.clear()
    assert door.client.get(f"/?word={word}").status_code == 401


def test_words_and_cookies_grow_old_and_cannot_be_invented() -> None:
    now = 1_000.0
    access = Access(TOKEN, clock=lambda: now)
    late, used = access.new_word(), access.new_word()
    cookie = access.exchanged(used)
    assert cookie is not None
    assert access.has_cookie(cookie)
    until, _, signature = cookie.partition(".")
    for invented in ("", ".", until, f"{int(until) + 1}.{signature}", f"x.{signature}"):
        assert not access.has_cookie(invented)
    assert not Access("another token", clock=lambda: now).has_cookie(cookie)
    now += ADDRESS_SECONDS
    assert access.exchanged(late) is None
    assert access.exchanged("never given") is None
    now += COOKIE_SECONDS
    assert not access.has_cookie(cookie)


# What a page of somebody else can make a browser send: a name that it has pointed here, with and without the port,
# in other spellings, twice, or none at all.
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8420",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:8420.evil.example",
        "127.0.0.1.evil.example:8420",
        "localhost",
        "localhost.:8420",
        "LOCALHOST:8420@evil.example",
        "0.0.0.0:8420",
        "[::ffff:127.0.0.1]:8420",
        "127.1:8420",
        "",
    ],
)
def test_another_name_of_this_machine_is_misdirected(host: str, door: Door) -> None:
    asked = door.own.get(STATUS, headers={"host": host})
    assert asked.status_code == 421
    assert door.own.get("/health", headers={"host": host}).status_code == 421


def test_every_own_name_is_answered(door: Door) -> None:
    for host in ("127.0.0.1:8420", "localhost:8420", "[::1]:8420"):
        assert door.own.get(STATUS, headers={"host": host}).status_code == 200


def test_two_hosts_in_one_request_are_none(door: Door) -> None:
    headers = [("host", "127.0.0.1:8420"), ("host", "evil.example"), *BEARER.items()]
    assert door.client.get(STATUS, headers=headers).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8421",
        "https://127.0.0.1:8420",
        "http://127.0.0.1:8420.evil.example",
        "file://",
        "",
    ],
)
def test_a_request_from_another_page_is_refused(origin: str, door: Door) -> None:
    asked = door.own.post("/api/v1/ask", headers={"origin": origin}, json={})
    assert asked.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "null"])
def test_a_request_that_a_browser_calls_foreign_is_refused(
    site: str, door: Door
) -> None:
    asked = door.own.get(STATUS, headers={"sec-fetch-site": site})
    assert asked.status_code == 403


def test_requests_of_the_own_page_are_answered(door: Door) -> None:
    own = {"origin": "http://127.0.0.1:8420", "sec-fetch-site": "same-origin"}
    assert door.own.get(STATUS, headers=own).status_code == 200


def test_a_body_past_its_most_is_refused_told_or_not(door: Door) -> None:
    kind = {"content-type": "application/json"}
    long = b" " * (BODY_BYTES + 1)
    told = door.own.post("/api/v1/search", content=long, headers=kind)
    assert told.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * (BODY_BYTES // 2)

    untold = door.own.post("/api/v1/search", content=pieces(), headers=kind)
    assert untold.status_code == 413
    lies = {"content-length": "-1", **kind}
    assert door.own.post("/api/v1/search", headers=lies).status_code == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_no_other_method_is_answered(method: str, door: Door) -> None:
    assert door.own.request(method, STATUS).status_code == 405


def test_a_form_of_another_page_is_no_json(door: Door) -> None:
    """A browser sends text/plain across origins without asking first."""
    sent = door.own.post(
        "/api/v1/ask",
        content=b'{"question": "what?"}',
        headers={"content-type": "text/plain"},
    )
    assert sent.status_code == 400


def test_every_response_lets_a_browser_load_nothing_from_elsewhere(door: Door) -> None:
    for asked in (
        door.client.get("/health"),
        door.client.get(STATUS),
        door.own.get(STATUS),
        door.own.get("/nothing"),
        door.own.get(STATUS, headers={"host": "evil.example"}),
    ):
        policy = asked.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert asked.headers["x-content-type-options"] == "nosniff"
        assert asked.headers["referrer-policy"] == "same-origin"
        assert asked.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in asked.headers


def test_the_token_is_its_owners_alone(tmp_path: Path) -> None:
    token = token_of(tmp_path)
    place = tmp_path / FILE
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert token_of(tmp_path) == token
    place.chmod(0o644)
    with pytest.raises(BrainError, match="read by others"):
        token_of(tmp_path)
    place.unlink()
    assert token_of(tmp_path) != token
    place.write_text("short")
    with pytest.raises(BrainError, match="holds no token"):
        token_of(tmp_path)


def test_other_machines_reach_it_only_with_a_certificate() -> None:
    with pytest.raises(UsageError, match="needs a certificate"):
        check(Settings(host="0.0.0.0"))
    check(Settings(host="192.0.2.1", certificate="c.pem", key="k.pem"))
    check(Settings())


def test_a_port_that_is_taken_is_said() -> None:
    with (
        listening(Settings(port=0)) as first,
        pytest.raises(BrainError, match="cannot be used"),
    ):
        listening(Settings(port=first.getsockname()[1]))


@pytest.mark.parametrize(
    "others", ['prefs={"a":1}; ', "a=b c; ", "foo bar=1; ", "=x; ", "u=é; ", ";;; "]
)
def test_cookies_of_other_programs_of_this_machine_lock_nobody_out(
    others: str, door: Door
) -> None:
    cookie = door.access.exchanged(door.access.new_word())
    header = f"{others}{Settings().cookie}={cookie}".encode()
    assert door.client.get(STATUS, headers={b"cookie": header}).status_code == 200


def test_each_port_has_a_cookie_of_its_own() -> None:
    assert Settings(port=1).cookie != Settings(port=2).cookie


def test_a_program_cannot_make_itself_a_browser_with_its_token(tmp_path: Path) -> None:
    access = access_of(tmp_path)
    assert access.token == token_of(tmp_path)
    forged = Access(access.token, access.token)
    cookie = forged.exchanged(forged.new_word())
    assert cookie is not None
    assert forged.has_cookie(cookie)
    assert not access.has_cookie(cookie)
    again = access_of(tmp_path)
    kept = access.exchanged(access.new_word())
    assert kept is not None
    assert again.has_cookie(kept)


def test_an_address_that_was_opened_opens_nothing_also_for_a_known_browser(
    door: Door,
) -> None:
    door.client.get(f"/?word={door.access.new_word()}")
    word = door.access.new_word()
    assert door.client.get(f"/?word={word}").status_code == 303
    door.client.cookies.clear()
    assert door.client.get(f"/?word={word}").status_code == 401


def test_words_given_by_many_threads_at_once_all_open() -> None:
    access = Access(TOKEN)
    words: list[str] = []

    def give() -> None:
        words.extend(access.new_word() for _ in range(200))

    threads = [threading.Thread(target=give) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(access.exchanged(word) for word in words)


def test_every_address_at_once_is_no_name() -> None:
    with pytest.raises(UsageError, match="no name"):
        check(Settings(host="0.0.0.0", certificate="c.pem", key="k.pem"))


def test_a_usual_port_may_be_left_out_as_browsers_do() -> None:
    assert "127.0.0.1" in Settings(port=80).hosts
    assert "127.0.0.1" not in Settings(port=8420).hosts
    secure = Settings(port=443, host="192.0.2.1", certificate="c", key="k")
    assert "192.0.2.1" in secure.hosts


def test_a_guest_is_let_into_the_doors_that_hold_it_to_a_label_alone(
    tmp_path: Path,
) -> None:
    access = access_of(tmp_path)
    guest = guest_token_of(tmp_path)
    assert guest != access.token
    for path in ("/v1/chat/completions", "/mcp"):
        assert access.has_token(guest, path)
        assert access.has_token(access.token, path)
    for path in (
        "/api/v1/search",
        "/api/v1/get",
        "/ledger",
        "/",
        "/doc/x",
        "/v2",
        "/inbox",
    ):
        assert not access.has_token(guest, path)
        assert access.has_token(access.token, path)
    for token in ("", "x", guest[:-1]):
        assert not access.has_token(token, "/v1/models")
    assert not Access(TOKEN).has_token("", "/v1/models")

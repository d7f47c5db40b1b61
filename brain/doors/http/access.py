"""Who may ask: a browser that opened the printed address once, or a program that shows the token of the home.

The address holds a word that works once; it is exchanged for a cookie that the browser keeps from every script and
sends to nobody else. The token lies in the home, readable by its owner alone. Leaves what a request must look like to
`guard`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from brain.errors import BrainError
from brain.plain import read_plain

FILE = "serve.token"
GUEST_FILE = "serve.guest"  # the token of foreign programs
COOKIE_FILE = "serve.cookie"  # the secret that signs cookies
# What a chat program or an agent is let into: doors that hold it to a label.
GUESTS = ("/v1/", "/mcp")
BYTES = 32  # of the token, and of the word in an address
COOKIE_SECONDS = 30 * 24 * 3600
ADDRESS_SECONDS = 600  # after which a printed address opens nothing any more


class Access:
    """`token`: what a program of the person's own shows. `guest`: what a foreign one shows, which is let into `GUESTS`
    alone. `secret` signs cookies: another one, so that a program cannot make itself a browser. `clock` gives seconds
    since the epoch. Safe to share between threads.
    """

    def __init__(
        self,
        token: str,
        secret: str = "",
        guest: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = token
        self._guest = guest
        self._secret = secret or secrets.token_urlsafe(BYTES)
        self._clock = clock
        self._lock = threading.Lock()
        self._words: dict[str, float] = {}  # of addresses not opened yet -> until when

    def new_word(self) -> str:
        """For one address, which opens once."""
        now = self._clock()
        word = secrets.token_urlsafe(BYTES)
        with self._lock:
            self._words = {
                known: end for known, end in self._words.items() if end > now
            }
            self._words[word] = now + ADDRESS_SECONDS
        return word

    def exchanged(self, word: str) -> str | None:
        """The cookie for the word of an address, None for one that was opened already, is too old, or was invented."""
        with self._lock:
            end = self._words.pop(word, 0.0)
        if end <= self._clock():
            return None
        until = str(int(self._clock()) + COOKIE_SECONDS)
        return f"{until}.{self._signature(until)}"

    def has_cookie(self, cookie: str) -> bool:
        """Whether this home gave it, and it is not too old."""
        until, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(until).encode()):
            return False
        return int(until) > self._clock()

    def has_token(self, given: str, path: str) -> bool:
        """Whether a program shows a token that opens this path: that of the home opens all, that of guests few."""
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return True
        is_guest = hmac.compare_digest(given.encode(), self._guest.encode())
        return bool(self._guest) and is_guest and path.startswith(GUESTS)

    def _signature(self, until: str) -> str:
        made = hmac.new(self._secret.encode(), until.encode(), hashlib.sha256)
        return made.hexdigest()


def access_of(home: Path) -> Access:
    """That of the home, its secrets made on first use. Raises `BrainError` as `token_of` does."""
    return Access(token_of(home), _secret_in(home / COOKIE_FILE), guest_token_of(home))


def guest_token_of(home: Path) -> str:
    """The token for chat programs and agents. Raises `BrainError` as `token_of` does."""
    return _secret_in(home / GUEST_FILE)


def token_of(home: Path) -> str:
    """The token of the home, made on first use. Raises `BrainError` where it can be read by others."""
    return _secret_in(home / FILE)


def _secret_in(place: Path) -> str:
    """What the file holds, made where it is not there yet."""
    with suppress(FileExistsError):
        number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(secrets.token_urlsafe(BYTES))
    if place.stat().st_mode & 0o077:
        raise BrainError(
            f"{place} can be read by others",
            "delete it: the next `brain serve` makes another",
        )
    token = read_plain(place, follow=False).decode("ascii", "replace").strip()
    if len(token) < BYTES:
        raise BrainError(
            f"{place} holds no token", "delete it: the next `brain serve` makes another"
        )
    return token

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
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from brain.errors import BrainError
from brain.plain import read_plain

FILE = "serve.token"
COOKIE = "brain"
BYTES = 32  # of the token, and of the word in an address
COOKIE_SECONDS = 30 * 24 * 3600
ADDRESS_SECONDS = 600  # after which a printed address opens nothing any more


class Access:
    """`token` is the secret of the home. `clock` gives seconds since the epoch. One thread uses it."""

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self.token = token
        self._clock = clock
        self._words: dict[str, float] = {}  # of addresses not opened yet -> until when

    def new_word(self) -> str:
        """For one address, which opens once."""
        now = self._clock()
        self._words = {word: end for word, end in self._words.items() if end > now}
        word = secrets.token_urlsafe(BYTES)
        self._words[word] = now + ADDRESS_SECONDS
        return word

    def exchanged(self, word: str) -> str | None:
        """The cookie for the word of an address, None for one that was opened already, is too old, or was invented."""
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

    def has_token(self, given: str) -> bool:
        """Whether a program shows the token of the home."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _signature(self, until: str) -> str:
        made = hmac.new(self.token.encode(), until.encode(), hashlib.sha256)
        return made.hexdigest()


def token_of(home: Path) -> str:
    """The token of the home, made on first use. Raises `BrainError` where it can be read by others."""
    place = home / FILE
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

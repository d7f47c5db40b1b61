"""The body of a mail parted into what its sender wrote and the older mails quoted below, without their ">" marks.

mail-parser-reply knows how mail programs of thirteen languages introduce a quotation; its patterns are slow on odd input,
so that a very long body or line is parted by ">" alone. Answers written between quoted lines stay where they are.
Leaves out removing signatures: they are short, and now and then the answer. Serves the mail readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PARSED_CHARS = 50_000  # of a body that the library is given
PARSED_LINE = 400  # characters of a line: its patterns look again from every word
PARSED_QUOTE_RUN = re.compile(r"(?:[>-] ?|[ \t]){60}|_{200}|(?:\n[ \t]*){60}")  # runs on which they go back and forth
_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.M)
_ATTRIBUTION = re.compile(r"[^\n]{0,300}:[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """`intro`: the line that introduces older words ("On 7 May, Ana wrote:"), "" for the sender's own."""

    text: str
    intro: str = ""


def parts(body: str) -> list[Part]:
    """The sender's own words first, then the older mails in their order. Nothing but marks is left out."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    simple = (
        len(body) > PARSED_CHARS
        or any(len(line) > PARSED_LINE for line in body.split("\n"))
        or bool(PARSED_QUOTE_RUN.search(body))
    )
    found = _by_mark(body) if simple else _by_library(body)
    return [Part(_plain(part.text), " ".join(_MARK.sub("", part.intro).split())) for part in found if part.text.strip()]


def _by_library(body: str) -> list[Part]:
    from mailparser_reply import EmailReplyParser  # type: ignore[import-untyped]  # the package has no types
    from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-untyped]  # the package has no types

    replies = EmailReplyParser(languages=list(MAIL_LANGUAGES)).read(body).replies
    if len(replies) < 2:  # its copy has lost the indentation
        return _by_mark(body)
    first = _by_mark(replies[0].full_body)
    return [*first, *(Part(reply.full_body or reply.headers, reply.headers) for reply in replies[1:])]


def _by_mark(body: str) -> list[Part]:
    """Own words above a trailing block of ">" lines; lines quoted in between stay, marked."""
    lines = body.split("\n")
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith(">")):
        at -= 1
    quoted = "\n".join(lines[at:]).strip("\n")
    own = "\n".join(lines[:at]).rstrip()
    if not quoted or not own:
        return [Part(body)]
    intro = own.rpartition("\n")[2] if _ATTRIBUTION.search(own) else ""
    return [Part(own.removesuffix(intro) if intro else own), Part(quoted, intro or "Quoted")]


def _plain(text: str) -> str:
    """Without the marks when every line has one; else as it is, because answers stand between the lines."""
    lines = [line for line in text.split("\n") if line.strip()]
    marked = sum(line.lstrip().startswith(">") for line in lines)
    return _MARK.sub("", text).strip("\n") if marked == len(lines) or marked == 0 else text.strip("\n")


def without_known(found: list[Part], known: set[str]) -> Iterator[Part]:
    """The parts less older mails whose lines are nearly all `known` already: the mailbox holds them as mails."""
    for part in found:
        lines = set(fingerprints(part.text))
        if part.intro and len(lines & known) >= 0.8 * len(lines):  # 80 %: programs wrap and trim quoted lines
            continue
        yield part


def fingerprints(text: str) -> Iterator[str]:
    """The lines of a text as they are compared: words only, without case or marks."""
    for line in _MARK.sub("", text).split("\n"):
        if words := " ".join(line.split()).casefold():
            yield words

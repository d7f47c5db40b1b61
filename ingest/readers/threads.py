"""The body of a mail parted into what its sender wrote and the older mails quoted below, without their ">" marks.

mail-parser-reply knows how mail programs of thirteen languages introduce a quotation; its patterns are slow, so it is
asked only where a line looks like an introduction, and a very long body or line is parted by ">" alone. Answers written
between quoted lines stay where they are. Leaves out removing signatures: they are short, and now and then the answer.
Serves the mail readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest.readers.outline import one_line

PARSED_CHARS = 50_000  # of a body that the library is given
PARSED_LINE = 400  # characters of a line: its patterns look again from every word
# Repetitions in which those patterns go back and forth.
_RUN = re.compile(r"(?:[>-] ?|[ \t]){60}|_{200}|(?:\n[ \t]*){60}")
# What may introduce an older mail without ">" below it: a line that ends with a colon, two lines of a head, a rule.
_INTRODUCTION = re.compile(
    r"^(?:[^\n]{1,300}:[ \t]*$|[ \t*>]{0,9}\w[\w ]{0,20}:[^\n]*\n[ \t*>]{0,9}\w[\w ]{0,20}:|[-_]{5})",
    re.M,
)
FRESH_SHARE = (
    0.2  # of a quotation's lines may be unknown: programs wrap and trim what they quote
)
QUOTED = "Quoted:"  # introduces older words that nothing introduces
_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.M)
_WORD = re.compile(r"\w+")
_ATTRIBUTION = re.compile(r"[^\n]{0,300}:[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """`intro`: the line that introduces older words ("On 7 May, Ana wrote:"), "" for the sender's own."""

    text: str
    intro: str = ""


def parts(body: str) -> list[Part]:
    """The sender's own words first, then the older mails in their order. Nothing but marks is left out."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    found = _by_mark(body)
    newest = found[0].text
    if _INTRODUCTION.search(newest) and not _is_slow(body):
        found = _by_library(body)
    parts = []
    for part in found:
        if not part.text.strip():
            continue
        text = _unmarked(part.text)
        intro = _MARK.sub("", part.intro)
        parts.append(Part(text, one_line(intro)))
    return parts


def _is_slow(body: str) -> bool:
    """Whether the library's patterns might look at it for long."""
    if len(body) > PARSED_CHARS or _RUN.search(body):
        return True
    longest = max(map(len, body.split("\n")))
    return longest > PARSED_LINE


def _by_library(body: str) -> list[Part]:
    from mailparser_reply import EmailReplyParser  # type: ignore[import-untyped]  # the package has no types
    from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-untyped]  # the package has no types

    parser = EmailReplyParser(languages=list(MAIL_LANGUAGES))
    replies = parser.read(body).replies
    if len(replies) < 2:  # its copy has lost the indentation
        return _by_mark(body)
    newest, *older = replies
    made = _by_mark(newest.full_body)
    intro = ""
    for reply in older:
        intro += f"\n{reply.headers}"
        # Without a body, as a line such as "Original Message", it goes with what follows.
        if reply.full_body:
            made.append(Part(reply.full_body, intro))
            intro = ""
    words: Counter[str] = Counter()
    for part in made:
        words.update(_WORD.findall(part.intro))
        words.update(_WORD.findall(part.text))
    # The library may lose or double what it cannot find again.
    if words == Counter(_WORD.findall(body)):
        return made
    return _by_mark(body)


def _by_mark(body: str) -> list[Part]:
    """Own words above a trailing block of ">" lines; lines quoted in between stay, marked."""
    lines = body.split("\n")
    end = len(lines)
    while end and _is_quoted_or_blank(lines[end - 1]):
        end -= 1
    quoted = "\n".join(lines[end:])
    quoted = quoted.strip("\n")
    own = "\n".join(lines[:end])
    own = own.rstrip()
    if not quoted.strip() or not own:
        return [Part(body)]
    intro = QUOTED
    if _ATTRIBUTION.search(own):
        before, newline, intro = own.rpartition("\n")
        own = before + newline
    return [Part(own), Part(quoted, intro)]


def _is_quoted_or_blank(line: str) -> bool:
    words = line.lstrip()
    return not words or words.startswith(">")


def _unmarked(text: str) -> str:
    """Without the marks when every line has one; else as it is, because answers stand between the lines."""
    if all(map(_is_quoted_or_blank, text.split("\n"))):
        text = _MARK.sub("", text)
    return text.strip("\n")


def without_known(found: list[Part], known: set[str]) -> Iterator[Part]:
    """The parts, those of older mails without the lines that are `known`, where nearly all are: the mailbox holds them.

    What is not known stays: an answer written between the lines is the sender's own.
    """
    for part in found:
        if not part.intro:
            yield part
            continue
        lines = list(filter(str.strip, part.text.split("\n")))
        fresh = []
        for line in lines:
            if not known.issuperset(fingerprints(line)):
                fresh.append(line)
        most = FRESH_SHARE * len(lines)
        if len(fresh) > most:
            yield part
        elif fresh:
            text = "\n".join(fresh)
            yield replace(part, text=text)


def fingerprints(text: str) -> Iterator[str]:
    """The lines of a text as they are compared: words only, without case or marks."""
    unmarked = _MARK.sub("", text)
    for line in unmarked.split("\n"):
        words = one_line(line).casefold()
        if words:
            yield words

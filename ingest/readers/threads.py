"""The body of a mail parted into what its sender wrote and the older mails quoted below, without their ">" marks.

mail-parser-reply knows how mail programs of thirteen languages introduce a quotation; its patterns are slow, so it is asked
only where a line looks like an introduction, and a very long body or line is parted by ">" alone. Answers written between quoted lines stay where they are.
Leaves out removing signatures: they are short, and now and then the answer. Serves the mail readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

PARSED_CHARS = 50_000  # of a body that the library is given
PARSED_LINE = 400  # characters of a line: its patterns look again from every word
_RUN = re.compile(r"(?:[>-] ?|[ \t]){60}|_{200}|(?:\n[ \t]*){60}")
# What may introduce an older mail without ">" below it: a line that ends with a colon, two lines of a head, a rule.
_SIGN = re.compile(
    r"^(?:[^\n]{1,300}:[ \t]*$|[ \t*>]{0,9}\w[\w ]{0,20}:[^\n]*\n[ \t*>]{0,9}\w[\w ]{0,20}:|[-_]{5})",
    re.M,
)
FRESH_SHARE = 0.2  # of a quotation's lines may be unknown: programs wrap and trim what they quote
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
    if found and _SIGN.search(found[0].text) and not _slow(body):
        found = _by_library(body)
    return [
        Part(_plain(part.text), " ".join(_MARK.sub("", part.intro).split()))
        for part in found
        if part.text.strip()
    ]


def _slow(body: str) -> bool:
    """Whether the library's patterns might go back and forth on it for long."""
    long = len(body) > PARSED_CHARS or any(len(line) > PARSED_LINE for line in body.split("\n"))
    return long or bool(_RUN.search(body))


def _by_library(body: str) -> list[Part]:
    from mailparser_reply import EmailReplyParser  # type: ignore[import-untyped]  # the package has no types
    from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-untyped]  # the package has no types

    replies = EmailReplyParser(languages=list(MAIL_LANGUAGES)).read(body).replies
    if len(replies) < 2:  # its copy has lost the indentation
        return _by_mark(body)
    made = _by_mark(replies[0].full_body)
    intro = ""
    for reply in replies[1:]:
        intro = f"{intro}\n{reply.headers}"
        if reply.full_body:  # else a line such as "Original Message": it goes with what follows
            made.append(Part(reply.full_body, intro))
            intro = ""
    whole = Counter(_WORD.findall(body)) == Counter(
        word for part in made for word in _WORD.findall(part.intro + " " + part.text)
    )
    return made if whole else _by_mark(body)  # it may lose or double what it cannot find again


def _by_mark(body: str) -> list[Part]:
    """Own words above a trailing block of ">" lines; lines quoted in between stay, marked."""
    lines = body.split("\n")
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith(">")):
        at -= 1
    quoted = "\n".join(lines[at:]).strip("\n")
    own = "\n".join(lines[:at]).rstrip()
    if not quoted.strip() or not own.strip():
        return [Part(body)]
    intro = own.rpartition("\n")[2] if _ATTRIBUTION.search(own) else ""
    return [Part(own.removesuffix(intro) if intro else own), Part(quoted, intro or QUOTED)]


def _plain(text: str) -> str:
    """Without the marks when every line has one; else as it is, because answers stand between the lines."""
    lines = [line for line in text.split("\n") if line.strip()]
    marked = sum(line.lstrip().startswith(">") for line in lines)
    return (
        _MARK.sub("", text).strip("\n") if marked == len(lines) or marked == 0 else text.strip("\n")
    )


def without_known(found: list[Part], known: set[str]) -> Iterator[Part]:
    """The parts, those of older mails without the lines that are `known`, where nearly all are: the mailbox holds them.

    What is not known stays: an answer written between the lines is the sender's own.
    """
    for part in found:
        lines = [line for line in part.text.split("\n") if line.strip()]
        fresh = [line for line in lines if not known.issuperset(fingerprints(line))]
        if part.intro and len(fresh) <= FRESH_SHARE * len(lines):
            if fresh:
                yield replace(part, text="\n".join(fresh))
        else:
            yield part


def fingerprints(text: str) -> Iterator[str]:
    """The lines of a text as they are compared: words only, without case or marks."""
    for line in _MARK.sub("", text).split("\n"):
        if words := " ".join(line.split()).casefold():
            yield words

"""Obsidian's comments: what stands between two `%%`, or between `<!--` and `-->`, is no part of what is read.

That is a habit of one program, so it holds for files of its vaults alone: elsewhere `20%% in May and 30%% in June` is
what a person wrote. A comment may hold a fence; in code, and without its end, a mark is text. Leaves out telling a
person. Serves `markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ingest.readers.properties import Head

PLUGIN = re.compile(r"obsidian|[\w-]+-plugin", re.IGNORECASE)  # a key of front matter
# Whatever begins first holds what follows: a fence, a code span or a comment.
_OPENING = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]|\d{1,9}[.)][ \t])?(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|(?P<span>`[^`\n]*`)|%%|<!--",
    re.MULTILINE,
)
_CLOSING = {"%%": "%%", "<!--": "-->"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A text without its comments, whose line ends stay. `hidden`: the first line of each, from 0."""

    text: str
    hidden: tuple[int, ...]


def written_in_obsidian(head: Head) -> bool:
    """Whether the head of a note names a plugin of Obsidian ("kanban-plugin: basic")."""
    return any(PLUGIN.match(item.key) for item in head.properties)


def without_comments(text: str, code: Collection[int]) -> Shown:
    """The text without comments. `code`: lines, from 0, that are code without a fence."""
    parts = []
    hidden = []
    done = 0
    line = 0
    for start, end in _comments(text, code):
        line += text.count("\n", done, start)
        hidden.append(line)
        newlines = text.count("\n", start, end)
        line += newlines
        parts.append(text[done:start])
        parts.append("\n" * newlines)
        done = end
    parts.append(text[done:])
    return Shown("".join(parts), tuple(hidden))


def _comments(text: str, code: Collection[int]) -> Iterator[tuple[int, int]]:
    """Where each comment begins and ends."""
    at = 0
    unclosed: set[str] = set()  # marks without an end in the rest, looked for once
    while opening := _OPENING.search(text, at):
        at = opening.end()
        mark = opening.group()
        fence = opening["fence"]
        if fence:
            at = _end_of_fence(text, fence, at)
            continue
        if opening["span"] or mark in unclosed:
            continue
        start = opening.start()
        if code and text.count("\n", 0, start) in code:
            continue
        closing = _CLOSING[mark]
        end = text.find(closing, at)
        if end < 0:
            unclosed.add(mark)
            continue
        at = end + len(closing)
        yield start, at


def _end_of_fence(text: str, fence: str, at: int) -> int:
    sign = fence[0]
    least = len(fence)
    closing = re.compile(rf"(?m)^[ \t>]*{sign}{{{least},}}[ \t]*$")
    found = closing.search(text, at)
    if found is None:
        return len(text)
    return found.end()

"""Citations inside written text: finding `[1]`, `[1, 2]`, `【1】`, dropping those that point to nothing, and cleaning
links.

Leaves out whether a citation supports anything (`verify.py`). A model's output is hostile input here: link targets,
images and HTML that do not stand in the evidence are taken out, so that nothing can be sent anywhere by clicking.
Serves `answer`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

MAX_RANGE = 9  # citations: [1-9] is a range, [1-300] is not
LINK_REMOVED = "[link removed]"
AFTER_ADDRESS = (
    ".,;:!?"  # punctuation of the sentence, not part of an address before it
)

_GROUP = re.compile(
    r"[ \t]*(?:\[|【)\s*(?:\^|#)?(?:(?:notes?|passages?|sources?)\s*)?"
    r"(?P<inside>\d{1,3}(?:\s*(?:[,;&]|and|[-–])\s*#?\d{1,3})*)\s*(?:†[^\]】]{0,40})?(?:\]|】)(?!\()",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"(?:\s*\[\d{1,3}\](?!\())+")
_PARTED = re.compile(r"\s*(?:[,;&]|and)\s*", re.IGNORECASE)
_FULL_STOP = re.compile(r"[ \t]*[.!?。]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\](?:\(([^)\n]{0,4000})\)|\[[^\]\n]{0,200}\])")
_LINK = re.compile(r"\[([^\]\n]{1,500})\]\(\s*<?([^)\s>]{1,4000})>?[^)\n]{0,500}\)")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:(?=\S)|data:(?=[a-z]+/)|javascript:(?=\S))[^\s<>\"'`)\]】]*",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,2000}>?|<!--.*?(?:-->|\Z)", re.DOTALL)
_REFERENCE = re.compile(r"^\s*\[[^\]\n]{1,200}\]:\s*\S+.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cited:
    """`text` with every citation written as `[n]`; `numbers` in order, once each; `invented` pointed to nothing."""

    text: str
    numbers: tuple[int, ...]
    invented: int


def _ranges(inside: str) -> list[int]:
    """ "1, 3-5" -> [1, 3, 4, 5]."""
    found: list[int] = []
    for part in _PARTED.split(inside):
        first, *rest = map(int, re.findall(r"\d+", part))
        last = rest[0] if rest else first
        if 0 <= last - first < MAX_RANGE:
            found += range(first, last + 1)
        else:
            found += [first, *rest]
    return found


def cite(text: str, count: int) -> Cited:
    """The citations of a text with `count` passages behind it; code is left alone.

    >>> cite("Due in May【2】 [1, 9].", 2)
    Cited(text='Due in May [2] [1].', numbers=(2, 1), invented=1)
    """
    numbers: dict[int, None] = {}
    invented = 0
    code = [match.span() for match in _CODE.finditer(text)]

    def replaced(match: re.Match[str]) -> str:
        nonlocal invented
        place = match.start()
        if any(start <= place < end for start, end in code):
            return match.group()
        asked = _ranges(match.group("inside"))
        kept = [number for number in asked if number in range(1, count + 1)]
        invented += len(asked) - len(kept)
        numbers.update(dict.fromkeys(kept))
        if not kept:
            return ""
        written = "".join(f"[{number}]" for number in kept)
        before = text[place - 1 : place]
        if before.isalnum() or match[0].startswith((" ", "\t")):
            written = f" {written}"
        return written

    return Cited(_GROUP.sub(replaced, text), tuple(numbers), invented)


def uncited(text: str) -> str:
    """The text without its citations."""
    return _GROUP.sub("", text).strip()


def cited_parts(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """What a sentence says before each group of its citations, with their numbers; the rest belongs to the last group.
    Where a sentence begins with a group, each stands for what follows it.

    >>> cited_parts("The rent is 950 [1] and pets are allowed [2][3].")
    [('The rent is 950', (1,)), ('and pets are allowed .', (2, 3))]
    """
    groups = _WRITTEN.findall(text)
    if not groups:
        return []
    *said, rest = _WRITTEN.split(text)
    if any(map(str.isalnum, said[0])):
        said[-1] += f" {rest}"
    else:
        said = [*said[1:], rest]
    parts = []
    for words, group in zip(said, groups, strict=True):
        numbers = map(int, re.findall(r"\d+", group))
        parts.append((words.strip(), tuple(numbers)))
    return parts


def starts_with_citation(text: str) -> int:
    """How many characters of citation groups a text begins with."""
    end = 0
    while match := _GROUP.match(text, end):
        end = match.end()
    if not end:
        return 0
    # The full stop behind the citations belongs to the sentence before, too.
    mark = _FULL_STOP.match(text, end)
    return mark.end() if mark else end


def harmless(text: str, evidence: Collection[str]) -> str:
    """The text with images, links, addresses and HTML that do not stand in the evidence taken out."""
    known = set()
    for source in evidence:
        for found in _ADDRESS.findall(source):
            known.add(found.rstrip(AFTER_ADDRESS))

    def address(match: re.Match[str]) -> str:
        target = match.group()
        bare = target.rstrip(AFTER_ADDRESS)
        if bare in known:
            return target
        return LINK_REMOVED + target[len(bare) :]

    def link(match: re.Match[str]) -> str:
        label, target = match.group(1, 2)
        if target in known:
            return f"{label} ({target})"
        return f"{label} {LINK_REMOVED}".strip()

    def tag(match: re.Match[str]) -> str:
        written = match.group()
        if any(written in source for source in evidence):
            return written
        return ""

    text = _REFERENCE.sub("", text)
    text = _IMAGE.sub(link, text)
    text = _LINK.sub(link, text)
    text = _TAG.sub(tag, text)
    return _ADDRESS.sub(address, text)

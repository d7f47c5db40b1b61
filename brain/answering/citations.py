"""Citations inside written text: finding `[1]`, `[1, 2]`, `【1】`, dropping those that point to nothing, and cleaning links.

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

_GROUP = re.compile(
    r"[ \t]*(?:\[|【)\s*(?:\^|#)?(?:(?:notes?|passages?|sources?)\s*)?"
    r"(?P<inside>\d{1,3}(?:\s*(?:[,;&]|and|[-–])\s*#?\d{1,3})*)\s*(?:†[^\]】]{0,40})?(?:\]|】)(?!\()",
    re.IGNORECASE,
)
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
    for part in re.split(r"\s*(?:[,;&]|and)\s*", inside, flags=re.IGNORECASE):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        if len(ends) > 1 and 0 <= ends[1] - ends[0] < MAX_RANGE:
            found += range(ends[0], ends[1] + 1)
        else:
            found += ends
    return found


def _in_code(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _CODE.finditer(text)]


def cite(text: str, count: int) -> Cited:
    """The citations of a text with `count` passages behind it; code is left alone.

    >>> cite("Due in May【2】 [1, 9].", 2)
    Cited(text='Due in May [2] [1].', numbers=(2, 1), invented=1)
    """
    numbers: dict[int, None] = {}
    invented = 0
    code = _in_code(text)

    def replaced(match: re.Match[str]) -> str:
        nonlocal invented
        if any(start <= match.start() < end for start, end in code):
            return match.group()
        asked = _ranges(match.group("inside"))
        kept = [number for number in asked if 1 <= number <= count]
        invented += len(asked) - len(kept)
        numbers.update(dict.fromkeys(kept))
        lead = (
            " "
            if match.group()[:1] in " \t" or text[match.start() - 1 : match.start()].isalnum()
            else ""
        )
        return lead + "".join(f"[{number}]" for number in kept) if kept else ""

    return Cited(_GROUP.sub(replaced, text), tuple(numbers), invented)


def uncited(text: str) -> str:
    """The text without its citations."""
    return _GROUP.sub("", text).strip()


def starts_with_citation(text: str) -> int:
    """How many characters of citation groups a text begins with."""
    end = 0
    while match := _GROUP.match(text, end):
        end = match.end()
    trailing = re.match(r"[ \t]*[.!?。]?", text[end:])
    return (
        end + (len(trailing.group()) if trailing and trailing.group().strip() else 0) if end else 0
    )


def harmless(text: str, evidence: Collection[str]) -> str:
    """The text with images, links, addresses and HTML that do not stand in the evidence taken out."""
    known = {
        address.rstrip(".,;:!?") for source in evidence for address in _ADDRESS.findall(source)
    }

    def address(match: re.Match[str]) -> str:
        target = match.group()
        bare = target.rstrip(".,;:!?")
        return target if bare in known else LINK_REMOVED + target[len(bare) :]

    def link(match: re.Match[str]) -> str:
        label, target = match.group(1), match.group(2) or ""
        return f"{label} ({target})" if target in known else f"{label} {LINK_REMOVED}".strip()

    def tag(match: re.Match[str]) -> str:
        return match.group() if any(match.group() in source for source in evidence) else ""

    text = _REFERENCE.sub("", text)
    text = _TAG.sub(tag, _LINK.sub(link, _IMAGE.sub(link, text)))
    return _ADDRESS.sub(address, text)

"""YAML front matter as flat strings, guarded: size, depth, no aliases, anchors or tags. It is read event by event and
never constructed, so that nothing expands and every value stays as it was written ("2026-05-07", "no", "0x1F").

Leaves out types and everything that is not at the head of the text. Serves the Markdown reader. Whatever is wrong with
it (`Refused`), the reader keeps it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.limits import Limits

# Values that a person would search for stay in the text, as the lines that they are.
PROSE_KEYS = {"description", "summary", "abstract", "subtitle", "excerpt"}
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)


class Refused(ValueError):
    """The block is no front matter that we take. The message says why, in a few words."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`values`: key -> its strings (a list gives several; nested keys are joined by "."). `prose`: (first, end) lines,
    0-based in the file, of values to keep as text. `lines`: how many lines the block takes, both marks included."""

    values: dict[str, list[str]]
    prose: list[tuple[int, int]]
    lines: int

    def first(self, *keys: str) -> str:
        """The first string under the first of the keys that has one, or ""."""
        return next((self.values[key][0] for key in keys if self.values.get(key)), "")

    def all(self, *keys: str) -> list[str]:
        """Every string under the keys; one written as "a, b" counts as two."""
        joined = [value for key in keys for value in self.values.get(key, [])]
        return [part.strip() for value in joined for part in value.split(",") if part.strip()]


def span(text: str) -> tuple[int, int] | None:
    """(start, end) of what stands between the marks, when the text opens with a closed block, else None."""
    if not text.startswith("---"):
        return None
    opening = text.find("\n") + 1
    if not opening or text[3 : opening - 1].strip():
        return None
    closing = _CLOSE.search(text, opening)
    return (opening, closing.start()) if closing else None


def parse(block: str, limits: Limits) -> FrontMatter:
    """The flat values of a YAML block. Raises Refused."""
    import yaml

    if len(block.encode()) > limits.front_matter_bytes:
        raise Refused(f"over {limits.front_matter_bytes // 1024} KB")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    values: dict[str, list[str]] = {}
    prose: list[tuple[int, int]] = []
    try:
        for path, value, first, end in _leaves(
            yaml.parse(block, Loader=loader), limits.front_matter_depth
        ):
            if len(path) == 0:
                raise Refused("no keys in it")
            values.setdefault(".".join(path).strip(), []).append(value)
            if path[0].lower() in PROSE_KEYS and " " in value.strip():
                prose.append((first + 1, end + 1))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused(f"not valid YAML{f' at line {mark.line + 2}' if mark else ''}") from error
    except RecursionError as error:
        raise Refused("nested too deeply") from error
    return FrontMatter(values, prose, block.count("\n") + 2)


def _leaves(events: Iterator[object], depth: int) -> Iterator[tuple[list[str], str, int, int]]:
    """(path of keys, value, first line, line after) of every scalar value of a stream of YAML events."""
    import yaml

    stack: list[
        str | None
    ] = []  # one per open collection: the pending key of a mapping, "" for a sequence
    path: list[str] = []  # keys down to here
    for event in events:
        if (
            isinstance(event, yaml.AliasEvent)
            or getattr(event, "anchor", None)
            or getattr(event, "tag", None)
        ):
            raise Refused("aliases, anchors and tags are not taken")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if stack and stack[-1] is None:
                raise Refused("a key that is no word")
            if len(stack) >= depth:
                raise Refused("nested too deeply")
            stack.append(None if isinstance(event, yaml.MappingStartEvent) else "")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
            if stack and stack[-1]:
                stack[-1] = None
        elif isinstance(event, yaml.ScalarEvent):
            if stack and stack[-1] is None:
                stack[-1] = event.value or " "
                continue
            path = [key for key in stack if key]
            first, end = event.start_mark, event.end_mark
            if (
                event.value
                and first
                and end
                and not (event.style is None and event.value in ("~", "null"))
            ):
                yield path, event.value, first.line, end.line + (end.column > 0)
            if stack and stack[-1]:
                stack[-1] = None

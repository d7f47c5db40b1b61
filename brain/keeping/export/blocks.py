"""Two texts of a person and their facts in a Markdown file: the facts in a comment, then both texts word for word.

The facts hold the lengths, so that words which look like our own marks come back untouched; where a person changed the
file it is read by the marks instead, and said to be changed. Leaves out what the texts and the facts mean. Serves the
export of episodes and of feedback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brain.keeping.export.documents import machine
from ingest.readers.front_matter import BadFrontMatter

_CLOSE = " -->\n"
_END = "\n\n<!-- end -->\n"
CHARACTERS = "characters"  # the fact that holds the two lengths


@dataclass(frozen=True, slots=True)
class Block:
    """What was read. `edited`: a person changed the words."""

    facts: Mapping[str, Any]
    first: str
    second: str
    edited: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """`name` opens a block (`<!-- brain:name {…} -->`), `between` parts its two texts (`<!-- between -->`)."""

    name: str
    between: str

    @property
    def _open(self) -> str:
        return f"<!-- brain:{self.name} "

    @property
    def _middle(self) -> str:
        return f"\n\n<!-- {self.between} -->\n\n"

    def render(self, title: str, facts: Mapping[str, Any], first: str, second: str) -> str:
        """A heading, the facts that say something, the two texts."""
        shown = " ".join("".join(c if c.isprintable() else " " for c in title).split())
        kept = {name: value for name, value in facts.items() if value not in (None, "", (), {})}
        said = machine({**kept, CHARACTERS: [len(first), len(second)]})
        return f"\n## {shown}\n{self._open}{said}{_CLOSE}\n{first}{self._middle}{second}{_END}"

    def read(self, body: str) -> Iterator[Block]:
        """The blocks in order. Raises `BadFrontMatter` for one whose facts cannot be read."""
        at = self._find(body, 0)
        while at >= 0:
            line_end = body.find(_CLOSE, at)
            if line_end < 0:
                raise BadFrontMatter(f"a block of {self.name} without an end")
            facts = self._loaded(body[at + len(self._open) : line_end])
            begin = line_end + len(_CLOSE)
            exact = self._exact(body, begin, facts)
            first, second, end = exact or self._by_marks(body, begin)
            yield Block(facts, first, second, edited=exact is None)
            at = self._find(body, end)

    def _find(self, body: str, start: int) -> int:
        """Where the next block's comment stands at the beginning of a line, -1 when there is none."""
        found = body.find(f"\n{self._open}", start)
        return found + 1 if found >= 0 else -1

    def _exact(
        self, body: str, begin: int, facts: Mapping[str, Any]
    ) -> tuple[str, str, int] | None:
        """(first, second, where they end) by their lengths; None when the words between were changed."""
        lengths = facts.get(CHARACTERS)
        if not (
            isinstance(lengths, list)
            and len(lengths) == 2
            and all(isinstance(n, int) and n >= 0 for n in lengths)
        ):
            return None
        start = begin + 1
        middle = start + lengths[0]
        after = middle + len(self._middle)
        end = after + lengths[1]
        fits = (
            body.startswith("\n", begin)
            and body.startswith(self._middle, middle)
            and body.startswith(_END, end)
        )
        return (body[start:middle], body[after:end], end) if fits else None

    def _by_marks(self, body: str, begin: int) -> tuple[str, str, int]:
        """The same by the marks between the words, after a person changed them."""
        following = self._find(body, begin)
        limit = following if following >= 0 else len(body)
        end = body.find(_END.strip(), begin, limit)
        end = end if end >= 0 else limit
        first, _, second = body[begin:end].partition(self._middle.strip())
        return first.strip(), second.strip(), end

    def _loaded(self, line: str) -> dict[str, Any]:
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadFrontMatter(f"a block of {self.name} whose facts cannot be read") from error
        if not isinstance(facts, dict):
            raise BadFrontMatter(f"a block of {self.name} without facts")
        return facts

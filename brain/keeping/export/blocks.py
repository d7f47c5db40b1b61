"""Two texts of a person and their facts in a Markdown file: the facts in a comment, then both texts word for word.

The facts hold the lengths, so that words which look like our own marks come back untouched; where a person changed the
file it is read by the marks instead, and said to be changed. Leaves out what the texts and the facts mean. Serves the
export of episodes and of feedback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from brain.keeping.export.documents import MARKER, machine
from brain.keeping.export.names import one_line
from brain.keeping.export.rows import Facts, id_in
from brain.types import Texts
from ingest.readers.front_matter import (
    BadFrontMatter,
    map_at,
    read_nested,
    split,
    text_at,
    texts_at,
)

_CLOSE = " -->\n"
_END = "\n\n<!-- end -->\n"
CHARACTERS = "characters"  # the fact that holds the two lengths

Words = tuple[str, str, int]  # both texts, and where in the file they end


@dataclass(frozen=True, slots=True)
class Block:
    """What was read. `edited`: a person changed the words."""

    facts: Facts
    first: str
    second: str
    edited: bool

    def text(self, name: str) -> str:
        """The text of a fact, "" where there is none."""
        return text_at(self.facts, name)

    def texts(self, name: str) -> Texts:
        """The list of texts of a fact, () where there is none."""
        return texts_at(self.facts, name)

    def map(self, name: str) -> Facts:
        """The mapping of a fact, {} where there is none."""
        return map_at(self.facts, name)

    @property
    def identity(self) -> str:
        """The id, "" for one that we could not have made."""
        return id_in(self.facts)

    def check_date(self, what: str) -> None:
        """Raise `BadFrontMatter` when `at` is no date."""
        try:
            datetime.fromisoformat(self.text("at"))
        except ValueError as error:
            raise BadFrontMatter(f"{what} without a date") from error


@dataclass(frozen=True, slots=True)
class Marks:
    """`name` opens a block (`<!-- brain:name {…} -->`), `between` parts its two texts (`<!-- between -->`): the
    question, and the one of that name. `kind` is what the front matter of a file calls them.
    """

    kind: str
    name: str
    between: str

    @property
    def _open(self) -> str:
        return f"<!-- brain:{self.name} "

    @property
    def _middle(self) -> str:
        return f"\n\n<!-- {self.between} -->\n\n"

    def render(self, title: str, facts: Facts) -> str:
        """A heading, the facts that say something, and the two texts, which are among the facts."""
        kept = {
            name: value
            for name, value in facts.items()
            if value not in (None, "", (), {})
        }
        first = kept.pop("question", "")
        second = kept.pop(self.between, "")
        kept[CHARACTERS] = [len(first), len(second)]
        head = f"\n## {one_line(title)}\n{self._open}{machine(kept)}{_CLOSE}\n"
        return f"{head}{first}{self._middle}{second}{_END}"

    def read(self, content: str) -> Iterator[Block]:
        """The blocks of a file, in order. Raises `BadFrontMatter` for another file and for facts it cannot read."""
        head, body = split(content)
        if text_at(read_nested(head), MARKER) != self.kind:
            raise BadFrontMatter(f"no {self.kind} that brain exported")
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
            # The next one is looked for behind the words, which may hold what looks like a mark.
            at = self._find(body, end)

    def _find(self, body: str, start: int) -> int:
        """Where the next block's comment stands at the beginning of a line, -1 when there is none."""
        found = body.find(f"\n{self._open}", start)
        if found < 0:
            return -1
        return found + 1

    def _exact(self, body: str, begin: int, facts: Facts) -> Words | None:
        """The texts by their lengths; None when they were changed."""
        match facts.get(CHARACTERS):
            case [int(first), int(second)] if min(first, second) >= 0:
                start = begin + 1
                middle = start + first
            case _:
                return None
        after = middle + len(self._middle)
        end = after + second
        whole = body.startswith("\n", begin) and body.startswith(self._middle, middle)
        if not whole or not body.startswith(_END, end):
            return None
        return body[start:middle], body[after:end], end

    def _by_marks(self, body: str, begin: int) -> Words:
        """The same by the marks between the texts, after a person changed them."""
        limit = self._find(body, begin)
        end = limit if limit >= 0 else len(body)
        block = body[begin:end]
        words, _, _ = block.partition(_END.strip())
        first, _, second = words.partition(self._middle.strip())
        return first.strip(), second.strip(), begin + len(words)

    def _loaded(self, line: str) -> Facts:
        with suppress(ValueError, RecursionError):
            facts = json.loads(line)
            if isinstance(facts, dict):
                return facts
        raise BadFrontMatter(f"a block of {self.name} whose facts cannot be read")

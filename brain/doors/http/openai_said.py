"""An answer as a chat program shows it: Markdown with `[1]` in it, links to the page, and how sure it is.

What stands in a note is somebody's text: it may not make such a program load a picture from elsewhere, nor say where
our numbers lead. Serves `openai`, which sends it whole or piece by piece. Leaves the words to the views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from brain.doors import json_out
from brain.doors.http import places
from brain.doors.lines import count, place, plain, short_path
from brain.doors.text import one_line, safe_text
from brain.doors.views.answers import elsewhere, how_sure
from brain.labels import NOT_WALKED

if TYPE_CHECKING:
    from brain.types import Answer, Citation

# What a reader of Markdown would load, take as a tag, or follow in place of one of our numbers. A backslash in front is
# one of the text: it must not take away the one that is added.
ACTIVE = re.compile(
    r"""(?<!\\) (?P<slashes> \\* ) (?P<sign>
        ! (?= \[ )                               # a picture
        | < (?= [A-Za-z/!?] )                    # a tag
        | \[ (?= [^\]]{0,999} \]: )              # where a label leads; CommonMark: it has 999 characters at most
        | \[ (?= [^\w(]{0,20} \d{1,20} [^\w(]{0,20} \]\( )     # [1](elsewhere)
        | \[ (?= \s{0,20} \d{1,20} \s{0,20} \]\[ (?! \d+\] ) )  # [1][elsewhere]
    )""",
    re.VERBOSE,
)
NUMBER = re.compile(r"(?<!\\)\[(\d+)\]")
GRANT = "more confidential than a program may see; a person grants it with brain serve --at-most"
MARKED_CHARS = 300  # of a quote in an address: our page marks them
BESIDE = (
    "state",
    "answer_state",
    "confidence",
    "route",
    "provider",
    "model",
    "label",
    "degraded",
    "withheld",
    "episode",
)


class Said:
    """The text of an answer as it comes. `pages`: where our own page is. What was said is never taken back."""

    def __init__(self, pages: str) -> None:
        self.text = ""
        self.notices: list[str] = []
        self._pages = pages
        self._sentences = ""
        self._where = ""  # of the quote that was said
        self._begins = 0  # where the answer itself begins, whose numbers count

    def hear(self, kind: str, text: str) -> str:
        """The piece that one thing said adds. Only the first quote is said before it is known to stand."""
        if kind == "notice":
            self.notices.append(one_line(text))
        elif kind == "quote" and not self.text:
            words, mark, self._where = text.strip().rpartition("”")
            return self._add(harmless(words + mark))
        elif kind == "sentence":
            return self._sentence(harmless(text))
        return ""

    def _sentence(self, text: str) -> str:
        """Sentences bring their own white space; where one brings none, a space parts it from the next."""
        begun = bool(self._sentences)
        apart = self._sentences[-1:].isspace() or text[:1].isspace()
        between = "" if apart or not begun else " "
        self._sentences += between + text
        if begun:
            return self._add(between + text)
        return self._begin(text)

    def _begin(self, text: str) -> str:
        """The answer itself, below the quote with its place; a number of what does not stand leads nowhere."""
        above = ""
        if self.text:
            where = "" if NUMBER.search(self._where) else harmless(self._where)
            above = f"{where}\n\n"
        self._begins = len(self.text) + len(above)
        return self._add(above + text)

    def end(self, given: Answer) -> str:
        """All that is left to say of the answer."""
        whole = harmless(given.text).strip()
        self.notices += [text for text in given.notices if text not in self.notices]
        piece = self._rest(whole)
        below = "\n\n".join(filter(None, self._below(given)))
        return piece + (self._add(f"\n\n{below}") if below else "")

    def _rest(self, whole: str) -> str:
        said = " ".join(self._sentences.split())
        if said:
            as_said = " ".join(whole.split())
            if as_said.startswith(said):
                return self._add(as_said[len(said) :])
            return self._begin(whole)  # another answer than the one that was begun
        if whole.startswith(self.text):
            return self._add(whole[len(self.text) :])
        return self._begin(whole)

    def _add(self, piece: str) -> str:
        self.text += piece
        return piece

    def _below(self, given: Answer) -> Iterable[str]:
        """What stands below it: other documents, how sure, what may not be shown, and where each number leads."""
        yield "\n".join(harmless(plain(row)) for row in elsewhere(given))
        if given.state != "not_found":
            yield plain(how_sure(given))
        if given.withheld:
            yield f"{count(given.withheld, 'passage')} left out: {self._why_hidden()}"
        addresses = self._addresses(given)
        yield "\n".join(
            f'[{item.number}]: {addresses[item.number]} "{_titled(item)}"'
            for item in given.citations
            if item.number in addresses
        )

    def _why_hidden(self) -> str:
        return NOT_WALKED if NOT_WALKED in self.notices else GRANT

    def _addresses(self, given: Answer) -> dict[int, str]:
        """number -> where our page shows it."""
        documents = {passage.id: passage.document_id for passage in given.passages}
        return {
            item.number: self._pages
            + places.address(
                documents[item.passage_id],
                item.source,
                item.locator,
                item.quote[:MARKED_CHARS],
            )
            for item in given.citations
            if item.passage_id in documents
        }

    def annotations(self, given: Answer) -> list[dict[str, Any]]:
        """Each number in the text, with where it leads (`url_citation`)."""
        addresses = self._addresses(given)
        titles = {item.number: _titled(item) for item in given.citations}
        found = []
        for match in NUMBER.finditer(self.text, self._begins):
            number = int(match[1])
            if number not in addresses or self.text.startswith(":", match.end()):
                continue
            cited = {
                "start_index": match.start(),
                "end_index": match.end(),
                "url": addresses[number],
                "title": titles[number],
            }
            found.append({"type": "url_citation", "url_citation": cited})
        return found

    def beside(self, given: Answer) -> dict[str, Any]:
        """What else is known of the answer: the fields of `--json`, each citation with where it leads."""
        shape = json_out.answer(given)
        addresses = self._addresses(given)
        citations = [
            item | {"url": addresses.get(item["number"])} for item in shape["citations"]
        ]
        told: Mapping[str, Any] = {name: shape[name] for name in BESIDE}
        return {**told, "citations": citations, "notices": list(self.notices)}


def harmless(text: str) -> str:
    """The text without what a reader of Markdown would load from elsewhere, or take for our own links.

    >>> harmless("![x](http://a.example) <img src=b> 2 < 3")
    '\\\\![x](http://a.example) \\\\<img src=b> 2 < 3'
    """
    return ACTIVE.sub(r"\g<slashes>\g<slashes>\\\g<sign>", safe_text(text))


def _titled(item: Citation) -> str:
    """`notes/lease.md:8`, as it may stand in quotation marks."""
    shown = one_line(place(short_path(item.source), item.locator))
    return shown.replace("\\", "/").replace('"', "'")

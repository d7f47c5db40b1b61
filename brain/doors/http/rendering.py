"""Templates and static files of the page: how a value becomes HTML in which nothing that is stored is code.

Every text is escaped, and loses the characters by which it could hide or turn others. Leaves what is shown to the
modules of the pages. Serves them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from brain.doors import lines
from brain.doors.http import places
from brain.doors.http.places import Pieces
from brain.doors.http.work import as_error, status_of, with_retry
from brain.doors.text import safe_text
from brain.doors.views.governance import dollars
from brain.errors import NotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from brain.types import Citation, Passage

HERE = Path(__file__).parent
PAGES = (
    ("/", "Ask"),
    ("/search", "Search"),
    ("/timeline", "Timeline"),
    ("/inbox", "Inbox"),
    ("/ledger", "Ledger"),
    ("/spend", "Spend"),
    ("/quality", "Quality"),
    ("/folders", "Folders"),
    ("/status", "Health"),
)
MEDIA = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Its address changes with its content, so that a browser may keep it.
KEPT = "private, max-age=31536000, immutable"
CITED = re.compile(r"\[(\d+)\]|\[(unverified|no source)\]")
SNIPPET_CHARS = 320


def static_files() -> dict[str, tuple[bytes, str]]:
    """Name -> (bytes, digest) of everything that a browser may load besides pages."""
    found = {}
    for path in sorted((HERE / "static").iterdir()):
        if path.suffix in MEDIA:
            data = path.read_bytes()
            found[path.name] = (data, hashlib.sha256(data).hexdigest()[:12])
    return found


class Rendering:
    """Makes pages. `read_only`: forms that would change something are not shown."""

    def __init__(self, *, read_only: bool) -> None:
        self._files = static_files()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        self._templates.globals.update(
            pages=PAGES, static=self._address, read_only=read_only
        )

    def text(self, template: str, **values: Any) -> str:
        """A template filled in."""
        return self._templates.get_template(template).render(**values)

    def page(self, template: str, code: int = 200, **values: Any) -> Response:
        """A page as a response."""
        whole = self.text(template, **values)
        return Response(whole, code, media_type="text/html")

    def failed(self, error: BaseException, *, whole: bool = True) -> Response:
        """An error as a page, or as a part of one that is there, with its status."""
        known = as_error(error)
        template = "error.html" if whole else "error_text.html"
        response = self.page(
            template, status_of(known), title="Not done", here="", error=known
        )
        return with_retry(response, known)

    async def file(self, request: Request) -> Response:
        """A static file. Raises `NotFound`."""
        name = request.path_params["name"]
        if name not in self._files:
            raise NotFound(f"there is no file {name}", "the page names its own")
        data, _digest = self._files[name]
        media = MEDIA[Path(name).suffix]
        return Response(data, media_type=media, headers={"cache-control": KEPT})

    def _address(self, name: str) -> str:
        _data, digest = self._files[name]
        return f"/static/{name}?{digest}"


def shown(value: Any) -> Any:
    """What a template prints: nothing for None; a text without what could hide or turn others."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return safe_text(value)
    return value


def short_path(source: str) -> str:
    """A path below the home folder as `~/…`."""
    with lines.seen_from("/"):
        return lines.short_path(source)


def name(source: str) -> str:
    """The last part of a path."""
    return source.rstrip("/").rpartition("/")[2] or source


def passage_address(item: Passage) -> str:
    """Of a passage, what matched in it marked."""
    if not item.matched:
        return places.address(item.document_id, item.source, item.locator)
    quote = item.text[item.matched.start : item.matched.end]
    return places.address(item.document_id, item.source, item.matched.locator, quote)


def citation_address(item: Citation) -> str:
    """Of a citation, its quote marked."""
    quote = item.quote if item.verified else ""
    return places.address(item.passage_id, item.source, item.locator, quote)


def source_address(source: str, locator: str = "", quote: str = "") -> str:
    """Of a place in a source that is known by its path."""
    fields = {"source": source, "at": locator, "quote": quote[: places.QUOTE_CHARS]}
    return f"/open?{urlencode(fields)}"


def cited_address(place: str) -> str:
    """Of a place as an episode keeps it: `notes/tea.md:L13`."""
    source, _colon, locator = place.rpartition(":")
    return source_address(source, locator)


def snippet(item: Passage, query: str) -> Pieces:
    """The beginning of what matched, the words of the query marked."""
    begin = item.matched.start if item.matched else 0
    text = item.text[begin : begin + SNIPPET_CHARS].strip()
    more = "" if begin + SNIPPET_CHARS >= len(item.text) else " …"
    spans = lines.marked(text, query)
    return [(text, style == "match") for text, style in spans] + [(more, False)]


def written(
    text: str, citations: Sequence[Citation]
) -> list[list[tuple[str, str, str]]]:
    """The rows of a written answer in pieces: ("text" | "cite" | "flaw", what it says, where it leads)."""
    known = {item.number: item for item in citations}
    done = []
    for row in filter(str.strip, text.splitlines()):
        said: list[tuple[str, str, str]] = []
        at = 0
        for match in CITED.finditer(row):
            said.append(("text", row[at : match.start()], ""))
            said.append(_cited(match, known))
            at = match.end()
        said.append(("text", row[at:], ""))
        done.append(said)
    return done


def _cited(match: re.Match[str], known: Mapping[int, Citation]) -> tuple[str, str, str]:
    number, flaw = match.groups()
    if flaw:
        return "flaw", match[0], ""
    cited = known.get(int(number))
    if cited is None:
        return "text", match[0], ""
    return "cite", number, citation_address(cited)


FILTERS = {
    "count": lines.count,
    "citation_address": citation_address,
    "cited_address": cited_address,
    "day": lines.day,
    "dollars": dollars,
    "duration": lines.duration,
    "locator": places.in_words,
    "moment": lambda at: lines.moment(at or ""),
    "name": name,
    "passage_address": passage_address,
    "path": short_path,
    "size": lines.size,
    "snippet": snippet,
    "source_address": source_address,
    "written": written,
}

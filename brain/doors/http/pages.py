"""The page in the browser: what a person asks, searches, opens and looks at, as HTML of the server.

Every page works without scripts. Leaves asking to `asking`, and where a quote stands to `places`. Serves the owner
alone, as the guard sees to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as escaped
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import brain
from brain.doors.http import forms
from brain.doors.http.api import EVENTS, looks
from brain.doors.http.asking import Asking
from brain.doors.http.books import Books
from brain.doors.http.choices import choices
from brain.doors.http.documents import Documents
from brain.doors.http.rendering import Rendering
from brain.doors.http.work import careful, done
from brain.errors import BrainError
from brain.types import Request as Question
from brain.types import Scope

if TYPE_CHECKING:
    from starlette.requests import Request

    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.doors.http.settings import Settings
    from brain.health import Health
    from brain.recalled import Recalled
    from brain.reports import DocumentRow, NotRead, Root, Status
    from brain.types import Episode, Retrieved


AS_SENT = "%=&+-._~"  # of a query: what is escaped already stays so
UNKNOWN = 401  # the status for who shows neither cookie nor token
FOUND = 10  # passages or rounds of one page
LISTED = 50  # documents or days' events of one page
MOST = 1_000
LEFT_OUT = 200  # files of the list of what is not in
EPISODE_KINDS = ("ask", "note", "chat", "import")
ROOT_STATES = {"ok": "there", "missing": "gone", "unmounted": "empty: not mounted?"}
SEARCH_FIELDS = ("q", "lexical", "n", *forms.SCOPE)
TIMELINE_FIELDS = ("q", "kind", "with", "since", "until", "n")


class Pages:
    """The pages over one pool. `look`: how the server is, where somebody looks."""

    def __init__(
        self,
        pool: Pool,
        settings: Settings,
        look: Callable[[], Health] | None = None,
    ) -> None:
        self._pool = pool
        self._read_only = settings.read_only
        self._look = look
        self._render = Rendering(read_only=settings.read_only)
        self._asking = Asking(pool, settings, self._render)
        self._documents = Documents(pool, self._render)
        self._books = Books(pool, settings, self._render)

    def routes(self) -> list[Route]:
        """Every path with its methods."""
        paths = {
            "/": self._asking.form,
            "/ask": self._asking.form,  # the address that a browser shows above an answer
            "/search": self.search,
            "/timeline": self.timeline,
            "/folders": self.folders,
            "/status": self.health,
            "/static/{name}": self._render.file,
            **self._documents.paths(),
            **self._books.paths(),
        }
        actions = {
            "/ask": self._asking.ask,
            "/feedback": self._asking.feedback,
            "/inbox": self._books.decide,
        }
        return [
            *(Route(path, careful(paths[path], self._failed)) for path in paths),
            *(
                Route(path, careful(actions[path], self._failed), methods=["POST"])
                for path in actions
            ),
        ]

    def failed(self, error: BaseException) -> Response:
        """An error as a page."""
        return self._render.failed(error)

    def refused(self, code: int, path: str, query: str) -> Response:
        """What the guard refuses, for a person who sees it in the browser. `query`: as it was sent."""
        here = "/" + escaped(path.lstrip("/\\"))  # never an address of somebody else
        asked = f"?{escaped(query, safe=AS_SENT)}" if query else ""
        stranger = code == UNKNOWN
        return self._render.page(
            "refused.html",
            code,
            title="Not let in",
            here="",
            stranger=stranger,
            path=here,
            address=here + asked,
        )

    def _failed(self, http: Request, error: Exception) -> Response:
        """An error as a page, or as the part of one that a script puts in."""
        whole = EVENTS not in http.headers.get("accept", "")
        return self._render.failed(error, whole=whole)

    async def search(self, http: Request) -> Response:
        """Passages for words; documents where there are none."""
        given = forms.query(http, *SEARCH_FIELDS)
        usual = FOUND if given["q"] else LISTED
        limit = forms.number(given["n"], usual, MOST) or usual
        values: dict[str, Any] = {"found": None, "rows": (), "error": None}
        try:
            if given["q"]:
                values["found"] = await self._found(given, limit)
            else:
                values["rows"] = await self._rows(given, limit)
        except BrainError as error:
            values["error"] = error
        shown = values["found"].passages if values["found"] else values["rows"]
        more = len(shown) == limit < MOST
        return self._render.page(
            "search.html",
            title=given["q"] or "Search",
            here="/search",
            given=given,
            narrowed=forms.is_narrowed(given) or given["lexical"],
            choices=await choices(self._pool),
            kinds=forms.KINDS,
            more=more,
            further=_further("/search", given, limit + usual) if more else "",
            **values,
        )

    async def _found(self, given: forms.Given, limit: int) -> Retrieved:
        question = Question(
            given["q"],
            scope=forms.scope(given),
            limit=limit,
            mode="lexical" if given["lexical"] else "hybrid",
            look=looks(self._pool, read_only=self._read_only),
        )
        return await done(self._pool, lambda brain: brain.search(question))

    async def _rows(self, given: forms.Given, limit: int) -> list[DocumentRow]:
        scope = forms.scope(given)
        return await done(
            self._pool, lambda brain: brain.library.documents(scope=scope, limit=limit)
        )

    async def timeline(self, http: Request) -> Response:
        """What happened, by day; or what is recalled for words."""
        given = forms.query(http, *TIMELINE_FIELDS)
        limit = forms.number(given["n"], LISTED, MOST) or LISTED
        words = any(given[name] for name in ("q", "with", "since", "until"))
        recalled = None
        error = None
        events: Iterable[Episode] = ()
        try:
            if words:
                recalled = await self._recalled(given, min(limit, FOUND * 3))
                events = [item.episode for item in recalled.episodes]
            else:
                events = await self._happened(given["kind"], limit)
        except BrainError as failure:
            error = failure
        events = sorted(events, key=lambda event: event.at, reverse=True)
        more = not words and len(events) == limit < MOST
        return self._render.page(
            "timeline.html",
            title="Timeline",
            here="/timeline",
            given=given,
            episode_kinds=EPISODE_KINDS,
            error=error,
            recalled=recalled,
            days=[(day, list(of)) for day, of in groupby(events, _day)],
            further=_further("/timeline", given, limit + LISTED) if more else "",
        )

    async def _recalled(self, given: forms.Given, limit: int) -> Recalled:
        scope = Scope(since=given["since"], until=given["until"])
        question = Question(given["q"], scope=scope, limit=limit)

        def work(brain: Brain) -> Recalled:
            return brain.recall(question, kind=given["kind"], person=given["with"])

        return await done(self._pool, work)

    async def _happened(self, kind: str, limit: int) -> list[Episode]:
        return await done(
            self._pool, lambda brain: brain.library.episodes(kind=kind, limit=limit)
        )

    async def folders(self, _http: Request) -> Response:
        """The added folders, and what of them is not in."""

        def work(brain: Brain) -> tuple[list[Root], list[NotRead]]:
            return brain.folders.all(), brain.library.left_out()

        roots, left_out = await done(self._pool, work)
        return self._render.page(
            "folders.html",
            title="Folders",
            here="/folders",
            roots=roots,
            states=ROOT_STATES,
            left_out=left_out[:LEFT_OUT],
            left_out_count=len(left_out),
        )

    async def health(self, _http: Request) -> Response:
        """What is there, what serves and why."""
        status = await done(self._pool, lambda brain: brain.status())
        server = await asyncio.to_thread(self._look) if self._look else None
        return self._render.page(
            "health.html",
            title="Health",
            here="/status",
            status=status,
            server=server,
            serves=_serves(status),
            version=brain.__version__,
        )


async def to_health(_http: Request) -> Response:
    """Where a person who opens `/health` is sent."""
    return RedirectResponse("/status", status_code=303)


def wants_page(http: Request) -> bool:
    """Whether a browser asks, which shows pages to a person."""
    return "text/html" in http.headers.get("accept", "")


def _serves(status: Status) -> list[tuple[str, str, str]]:
    """What serves: its name, what it is, and why."""
    rows = (
        ("Finds by meaning", status.embedder, status.embedder_reason),
        ("Answers", status.generator, status.generator_reason),
        ("Index", status.index, status.index_reason),
        ("Ollama", status.ollama, ""),
        ("Waits for a model", _passages(status.waiting), ""),
        ("New or changed files", f"{status.newer:,}" if status.newer else "", ""),
    )
    return [row for row in rows if row[1]]


def _passages(number: int) -> str:
    return f"{number:,} passages" if number else ""


def _day(event: Episode) -> str:
    return event.at[:10]


def _further(path: str, given: forms.Given, limit: int) -> str:
    """The address of the same page with more on it."""
    fields = {name: value for name, value in given.items() if value}
    return f"{path}?{urlencode({**fields, 'n': limit}, quote_via=escaped)}"

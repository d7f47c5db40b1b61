"""A document on the page: its text by lines or places with a quote marked, its file, and how the pages of a PDF look.

What is stored is shown as text, whatever it is; the file itself is handed over to be saved, never to be shown. Leaves
finding a quote to `places`. Serves `/doc/…`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as escaped

from starlette.responses import RedirectResponse, Response

from brain.doors.http import forms
from brain.doors.http.places import (
    PARTS_SHOWN,
    QUOTE_CHARS,
    Pieces,
    Text,
    address,
    find,
    pieces,
)
from brain.doors.http.work import done
from brain.doors.lines import day
from brain.errors import NotFound, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from brain.app import Brain
    from brain.app.originals import PdfPage
    from brain.app.pool import Pool
    from brain.doors.http.rendering import Rendering
    from brain.reports import DocumentDetail

PDF = "application/pdf"
CODE = "text/x-"
HANDED_OVER = {
    "content-security-policy": "sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class Documents:
    """The pages of one document."""

    def __init__(self, pool: Pool, rendering: Rendering) -> None:
        self._pool = pool
        self._render = rendering

    def paths(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Each path with what answers it."""
        return {
            "/open": self.open,
            "/doc/{id}": self.document,
            "/doc/{id}/original": self.original,
            "/doc/{id}/page/{number:int}": self.leaf,
            "/doc/{id}/page/{number:int}/picture": self.picture,
        }

    async def open(self, http: Request) -> Response:
        """Lead to the place of a source that is known by its path."""
        given = forms.query(http, "source", "at", "quote")
        if not given["source"]:
            raise UsageError("there is no source to open", "follow a link of the page")
        detail = await done(
            self._pool, lambda brain: brain.library.document(given["source"])
        )
        row = detail.row
        place = address(row.id, row.source, given["at"], given["quote"])
        return RedirectResponse(place, status_code=303)

    async def document(self, http: Request) -> Response:
        """Its text. `quote`: marked where it stands; `at`: the anchor that has to be shown; `from`: the first part."""
        reference = http.path_params["id"]
        given = forms.query(http, "quote", "at", "from")

        def work(brain: Brain) -> tuple[DocumentDetail, dict[str, Any]]:
            detail = brain.library.document(reference)
            text = Text(brain.library.parts(detail.row.id))
            return detail, _parts_shown(text, given, detail.row.media_type)

        detail, parts = await done(self._pool, work)
        kind = detail.row.media_type
        return self._render.page(
            "document.html",
            title=detail.row.title or detail.row.source,
            here="",
            detail=detail,
            facts=_facts(detail),
            is_pdf=kind == PDF,
            is_code=kind.startswith(CODE),
            has_file=detail.uri.startswith("file:"),
            **parts,
        )

    async def original(self, http: Request) -> Response:
        """The file as it lies there, to be saved."""
        reference = http.path_params["id"]
        name, data = await done(
            self._pool, lambda brain: brain.library.original(reference)
        )
        as_saved = (
            f"attachment; filename*=UTF-8''{escaped(name, safe='', errors='replace')}"
        )
        headers = {**HANDED_OVER, "content-disposition": as_saved}
        return Response(data, media_type="application/octet-stream", headers=headers)

    async def leaf(self, http: Request) -> Response:
        """How a page of a PDF looks, with a quote marked, and its text."""
        reference, number = http.path_params["id"], http.path_params["number"]
        quote = forms.query(http, "quote")["quote"][:QUOTE_CHARS]

        def work(brain: Brain) -> tuple[DocumentDetail, PdfPage, Pieces]:
            detail = brain.library.document(reference)
            leaf = brain.library.page(detail.row.id, number, quote)
            text = text_of_page(brain, detail.row.id, number)
            marked = pieces(text, find(text, quote)) if text.strip() else []
            return detail, leaf, marked

        detail, leaf, marked = await done(self._pool, work)
        return self._render.page(
            "leaf.html",
            title=f"{detail.row.title or detail.row.source}, page {number}",
            here="",
            row=detail.row,
            leaf=leaf,
            quote=quote,
            pieces=marked,
        )

    async def picture(self, http: Request) -> Response:
        """A page of a PDF as a PNG."""
        reference, number = http.path_params["id"], http.path_params["number"]

        def work(brain: Brain) -> bytes:
            identity = brain.library.document(reference).row.id
            return brain.library.picture(identity, number)

        data = await done(self._pool, work)
        return Response(data, media_type="image/png")


def text_of_page(brain: Brain, identity: str, number: int) -> str:
    """The stored text of a page, "" where it has none."""
    try:
        return brain.library.get(f"{identity}:{number}")[0].text
    except NotFound:
        return ""


def _parts_shown(text: Text, given: forms.Given, kind: str) -> dict[str, Any]:
    """What the template shows of a text. `given`: the fields of `Documents.document`."""
    quote = given["quote"][:QUOTE_CHARS]
    span = text.place(quote, given["at"])
    wanted = text.number_at(span[0]) if span else text.number_of(given["at"])
    of = len(text.parts)
    first = wanted // PARTS_SHOWN * PARTS_SHOWN
    if given["from"]:
        first = max(0, forms.number(given["from"], 1, of) - 1)
    shown = text.shown(first, PARTS_SHOWN, span, headings=kind == "text/markdown")
    after = first + PARTS_SHOWN
    return {
        "quote": quote,
        "placed": next((part.anchor for part in shown if part.here), ""),
        "shown": shown,
        "before": max(0, first - PARTS_SHOWN) + 1 if first else None,
        "after": after + 1 if after < of else None,
        "first": first + 1,
        "of": of,
    }


def _facts(detail: DocumentDetail) -> list[tuple[str, str]]:
    """What is known of a document, by the names that a person reads."""
    row = detail.row
    dated = day(row.date)
    if dated and detail.dated_by:
        dated += f", by its {detail.dated_by}"
    rows = (
        ("Date", dated),
        ("Kind", row.media_type),
        ("Label", row.label),
        ("Tags", ", ".join(f"#{tag}" for tag in row.tags)),
        ("Also called", ", ".join(detail.aliases)),
        ("Folder", detail.context),
    )
    return [one for one in rows if one[1]]

"""What a person filled into a form of the page, or an address carries: a text for each field, "" where it is empty.

An empty field is no condition, and a field that no page has is passed over, for an address may be old. Leaves
meaning to `Request` and `Scope`. Serves the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from brain.errors import Refused, UsageError
from brain.types import Scope

if TYPE_CHECKING:
    from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"
FIELDS = 100  # of one form
SCOPE = ("path", "tag", "type", "where", "since", "until")
# A kind of files as a search knows it, and its name.
KINDS = (
    ("note", "notes without a file"),
    ("markdown", "Markdown"),
    ("text", "plain text"),
    ("pdf", "PDF"),
    ("html", "web pages"),
    ("mail", "mail"),
    ("word", "Word"),
    ("sheet", "tables"),
    ("slides", "slides"),
    ("book", "books"),
)

READ_ONLY = Refused(
    "this server only reads", "start one without --read-only to change something"
)

Given = dict[str, str]


def query(request: Request, *fields: str) -> Given:
    """The fields of an address."""
    return _known(request.query_params, fields)


async def posted(request: Request, *fields: str) -> Given:
    """The fields of a form that was sent. Raises `UsageError` for what is no form."""
    if request.headers.get("content-type", "").partition(";")[0] != FORM:
        raise UsageError("that is no form", "send it from the page")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise UsageError("the form has too many fields", "reload the page") from None
    return _known(dict(pairs), fields)


def _known(found: Mapping[str, str], fields: tuple[str, ...]) -> Given:
    return {name: found.get(name, "").strip() for name in fields}


def scope(given: Mapping[str, str]) -> Scope:
    """Which passages the fields of a scope allow."""
    return Scope(
        paths=_one(given["path"]),
        tags=_one(given["tag"].removeprefix("#")),
        types=_one(given["type"]),
        where=_one(given["where"]),
        since=given["since"],
        until=given["until"],
    )


def is_narrowed(given: Mapping[str, str]) -> bool:
    """Whether any field of a scope is filled in."""
    return any(given[name] for name in SCOPE)


def number(text: str, usual: int, most: int) -> int:
    """A whole number from 0 to `most`, the usual one for everything else."""
    if not text.isascii() or not text.isdigit():
        return usual
    return min(int(text[:9]), most)


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()

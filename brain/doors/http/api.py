"""The JSON interface, `/api/v1/…`: the verbs of the command line, with the objects that `--json` prints.

A parameter that is not known is an error, as an unknown option is. Leaves the shapes to `json_out`, and how a request
reaches a worker to `work`. Serves programs of the person's own; docs/API.md is its page.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from brain.doors import json_out
from brain.doors.http.work import answered, as_error, careful, done, shown
from brain.doors.log import note_unexpected
from brain.doors.show import showing
from brain.errors import UsageError
from brain.types import Mode, Request, Scope, Way

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest

    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.doors.http.settings import Settings

Values = Mapping[str, Any]

EVENTS = "text/event-stream"
MODES = ("hybrid", "lexical")
WAYS = ("", "deep", "local", "cloud")
LIMIT = 1_000
# name of a parameter -> what it holds
SCOPE = {"tag": list, "source": str, "since": str, "until": str, "where": list}
SEARCH = {"q": str, "limit": int, "mode": str, "sort": str, "rerank": bool, **SCOPE}
ASK = {
    "question": str,
    "limit": int,
    "sort": str,
    "rerank": bool,
    "anyway": bool,
    "record": bool,
    "follow_up": bool,
    "route": str,
    **SCOPE,
}
RECALL = {"q": str, "limit": int, "since": str, "until": str, "kind": str, "with": str}
GET = {"ref": str}
LIMITS = {"search": 10, "ask": 8, "recall": 10}
ONE_OF = {"mode": MODES, "route": WAYS}
BOTH = ("GET", "POST")


class Verb(NamedTuple):
    """One path: what it takes, of which `needed` must be there ("" for none), and by which methods."""

    name: str
    parameters: Mapping[str, type]
    needed: str
    methods: tuple[str, ...]


VERBS = (
    Verb("search", SEARCH, "q", BOTH),
    Verb("ask", ASK, "question", ("POST",)),
    Verb("recall", RECALL, "", BOTH),
    Verb("get", GET, "ref", BOTH),
    Verb("status", {}, "", ("GET",)),
)


class Api:
    """The endpoints over one pool."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._read_only = settings.read_only

    def routes(self) -> list[Route]:
        """Every path with its methods."""
        return [
            Route(
                f"/api/v1/{verb.name}",
                careful(getattr(self, verb.name)),
                methods=[*verb.methods],
            )
            for verb in VERBS
        ]

    async def search(self, http: HttpRequest) -> Response:
        """Ranked passages."""
        values = await given(http, SEARCH)
        request = Request(
            text(values, "q"),
            scope=scope_of(values),
            limit=limit_of(values, LIMITS["search"]),
            sort=values.get("sort", ""),
            mode=cast("Mode", one_of(values, "mode", MODES, "hybrid")),
            rerank=values.get("rerank"),
            look=looks(self._pool, read_only=self._read_only),
        )
        found = await done(self._pool, lambda brain: brain.search(request))
        return shown(json_out.search(request.question, found))

    async def ask(self, http: HttpRequest) -> Response:
        """A cited answer; as events where the caller accepts them."""
        values = await given(http, ASK)
        request = Request(
            text(values, "question"),
            scope=scope_of(values),
            limit=limit_of(values, LIMITS["ask"]),
            sort=values.get("sort", ""),
            rerank=values.get("rerank"),
            anyway=values.get("anyway", False),
            record=values.get("record", True) and not self._read_only,
            follow_up=values.get("follow_up", False),
            look=looks(self._pool, read_only=self._read_only),
            route=cast("Way", one_of(values, "route", WAYS, "")),
        )
        if EVENTS in http.headers.get("accept", ""):
            return await streamed(self._pool, request)
        answer = await done(self._pool, lambda brain: brain.ask(request))
        return shown(json_out.answer(answer))

    async def recall(self, http: HttpRequest) -> Response:
        """What happened."""
        values = await given(http, RECALL)
        request = Request(
            values.get("q", ""),
            scope=Scope(since=values.get("since", ""), until=values.get("until", "")),
            limit=limit_of(values, LIMITS["recall"]),
        )

        def work(brain: Brain) -> object:
            return brain.recall(
                request, kind=values.get("kind", ""), person=values.get("with", "")
            )

        return as_json(await done(self._pool, work))

    async def get(self, http: HttpRequest) -> Response:
        """Stored text, word for word."""
        values = await given(http, GET)
        reference = text(values, "ref")
        found = await done(self._pool, lambda brain: brain.library.get(reference))
        return as_json(found, "excerpts")

    async def status(self, http: HttpRequest) -> Response:
        """What is there, and what serves."""
        await given(http, {})
        return as_json(await done(self._pool, lambda brain: brain.status()))


def looks(pool: Pool, *, read_only: bool) -> bool:
    """Whether a question looks at the added folders itself: not where a watcher does, nor where nothing is taken in."""
    return not read_only and not pool.watched()


def as_json(value: object, kind: str = "") -> Response:
    """A result as the command line's `--json` shows it."""
    return shown(showing(kind or type(value).__name__).to_json(value))


async def streamed(pool: Pool, request: Request) -> Response:
    """An answer as server-sent events. Raises what goes wrong before the first."""
    events = answered(pool, request)
    first = await anext(events)
    return StreamingResponse(_events(first, events), media_type=EVENTS)


async def _events(
    first: tuple[str, Any], rest: AsyncIterator[tuple[str, Any]]
) -> AsyncIterator[str]:
    try:
        yield event(*first)
        async for kind, said in rest:
            yield event(kind, said)
    except Exception as error:
        note_unexpected(error)
        known = as_error(error)
        yield event("error", json_out.error(known.kind, known.message, known.hint))


def event(kind: str, said: Any) -> str:
    """One event: its name, and one line of JSON."""
    if kind == "answer":
        said = json_out.answer(said)
    elif isinstance(said, str):
        said = {"text": said}
    return f"event: {kind}\ndata: {json.dumps(said, ensure_ascii=True)}\n\n"


# -- parameters ---------------------------------------------------------------------------------------------------


async def given(http: HttpRequest, known: Mapping[str, type]) -> dict[str, Any]:
    """The parameters of a request, of its query or of a JSON object in its body. Raises `UsageError`."""
    if http.method == "POST":
        return _checked(await body_of(http), known)
    values: dict[str, Any] = {}
    for name, value in http.query_params.multi_items():
        if known.get(name) is list:
            values.setdefault(name, []).append(value)
        else:
            values[name] = _read(name, value, known.get(name, str))
    return _checked(values, known)


async def body_of(http: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body; {} for an empty one. Raises `UsageError`."""
    body = await http.body()
    if not body.strip():
        return {}
    if http.headers.get("content-type", "").partition(";")[0] != "application/json":
        # What a form of another page can send without asking
        raise UsageError("the body is no JSON", "send content-type: application/json")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("the body is no JSON", "send one JSON object") from None
    if not isinstance(values, dict):
        raise UsageError("the body is no JSON object", "send one JSON object")
    return values


def _read(name: str, value: str, kind: type) -> Any:
    """A parameter of a query, which is text, as what it holds."""
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise UsageError(
                f"{name} must be a whole number", f"for instance: {name}=5"
            ) from None
    if kind is bool:
        if value not in ("true", "false"):
            raise UsageError(f"{name} is true or false", f"write {name}=true")
        return value == "true"
    return value


def _checked(values: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """Those that are known and of their kind. Raises `UsageError` for any other."""
    for name, value in values.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"there is no parameter {name!r}", f"there are: {listed}")
        kind = known[name]
        is_kind = isinstance(value, kind) and (kind is bool or value is not True)
        if kind is list:
            is_kind = is_kind and all(isinstance(one, str) for one in value)
        if not is_kind:
            raise UsageError(
                f"{name} must be {NAMES[kind]}", "docs/API.md has examples"
            )
    return dict(values)


NAMES = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list of texts",
}


def text(values: Values, name: str) -> str:
    """A text that must be there. Raises `UsageError`."""
    found = str(values.get(name, ""))
    if not found.strip():
        raise UsageError(f"{name} is missing", f"send {name} with a text")
    return found


def limit_of(values: Values, usual: int) -> int:
    """How many are wanted. Raises `UsageError`."""
    limit: int = values.get("limit", usual)
    if not 1 <= limit <= LIMIT:
        raise UsageError(f"limit must be 1 to {LIMIT:,}", f"for instance: {usual}")
    return limit


def one_of(values: Values, name: str, choices: tuple[str, ...], usual: str) -> str:
    """One of a few words. Raises `UsageError`."""
    chosen = str(values.get(name, usual))
    if chosen not in choices:
        listed = ", ".join(filter(None, choices))
        raise UsageError(f"there is no {name} {chosen!r}", f"there are: {listed}")
    return chosen


def scope_of(values: Values) -> Scope:
    """What the parameters restrict a question to."""
    return replace(
        Scope(),
        tags=tuple(values.get("tag", ())),
        source=values.get("source", ""),
        since=values.get("since", ""),
        until=values.get("until", ""),
        where=tuple(values.get("where", ())),
    )

"""The page that asks: a question from a form, its answer as a whole page, or piece by piece as it comes.

A browser with scripts asks for events and shows each as it comes; without, the same form brings the whole page. How
good an answer was is for a person to say, never for a program that shows the token. Leaves the answer to `Brain.ask`,
and how it looks to the templates. Serves `/`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import Response, StreamingResponse

from brain.doors.http import forms
from brain.doors.http.api import EVENTS, looks
from brain.doors.http.choices import choices
from brain.doors.http.forms import READ_ONLY
from brain.doors.http.rendering import name, short_path
from brain.doors.http.work import answered, as_error, done
from brain.doors.log import note_unexpected
from brain.doors.views.answers import ANSWERS, BUILTIN, STATES, left_for
from brain.errors import Refused, UsageError
from brain.types import Request as Question

if TYPE_CHECKING:
    from starlette.requests import Request

    from brain.app import Brain
    from brain.app.pool import Pool
    from brain.doors.http.rendering import Rendering
    from brain.doors.http.settings import Settings
    from brain.types import Answer, Way

LIMIT = 8  # passages that an answer is made from, as in the command line
LATELY = 5  # questions that are shown again
TICKS = (
    ("follow_up", "it follows up on the last question"),
    ("deep", "look a second time: more passages, each part of the question"),
    ("anyway", "answer even when my notes seem not to hold it"),
    ("local", "nothing leaves, whatever the rules allow"),
    ("no_record", "keep nothing of it"),
)
WAYS = ("deep", "local")
NOT_A_PERSON = Refused(
    "a person says how good an answer was",
    "use the page, or `brain feedback` in a terminal",
)
FIELDS = ("question", *forms.SCOPE, *(field for field, _words in TICKS))


class Asking:
    """`/`, `/ask` and `/feedback`."""

    def __init__(self, pool: Pool, settings: Settings, rendering: Rendering) -> None:
        self._pool = pool
        self._read_only = settings.read_only
        self._render = rendering

    async def form(self, http: Request) -> Response:
        """The empty page; an address may bring a question along."""
        given = forms.query(http, *FIELDS)
        given["question"] = http.query_params.get("q", given["question"])
        return await self._page(given, None)

    async def ask(self, http: Request) -> Response:
        """The answer."""
        given = await forms.posted(http, *FIELDS)
        question = question_of(
            given,
            read_only=self._read_only,
            look=looks(self._pool, read_only=self._read_only),
        )
        if EVENTS in http.headers.get("accept", ""):
            return await self._streamed(question)
        answer = await done(self._pool, lambda brain: brain.ask(question))
        return await self._page(given, answer)

    async def feedback(self, http: Request) -> Response:
        """What a person says of an answer."""
        if self._read_only:
            raise READ_ONLY
        if "authorization" in http.headers:
            raise NOT_A_PERSON
        given = await forms.posted(http, "episode", "verdict")
        verdict, episode = given["verdict"], given["episode"]

        def work(brain: Brain) -> object:
            return brain.judge.feedback(verdict, episode=episode)

        await done(self._pool, work)
        whole = "hx-request" not in http.headers
        template = "judged.html" if whole else "judged_text.html"
        return self._render.page(template, title="Noted", here="/", verdict=verdict)

    async def _page(self, given: Mapping[str, str], answer: Answer | None) -> Response:
        values = {"answer": answer, **(shape(answer) if answer else {})}
        asked = [] if answer else await done(self._pool, _asked_lately)
        return self._render.page(
            "ask.html",
            title=given["question"] or "Ask",
            here="/",
            given=given,
            narrowed=any(given[field] for field in FIELDS if field != "question"),
            choices=await choices(self._pool),
            kinds=forms.KINDS,
            ticks=TICKS,
            asked=asked,
            **values,
        )

    async def _streamed(self, question: Question) -> Response:
        """The answer as events. Raises what goes wrong before the first."""
        rest = answered(self._pool, question)
        first = await anext(rest)
        return StreamingResponse(self._events(first, rest), media_type=EVENTS)

    async def _events(
        self, first: tuple[str, Any], rest: AsyncIterator[tuple[str, Any]]
    ) -> AsyncIterator[str]:
        """Each piece of the answer as HTML, with where it goes; at the end the whole of it."""
        try:
            for piece in self._pieces(*first):
                yield piece
            async for said in rest:
                for piece in self._pieces(*said):
                    yield piece
        except Exception as error:
            note_unexpected(error)
            text = self._render.text("error_text.html", error=as_error(error))
            yield event("error", "", text)

    def _answer(self, answer: Answer) -> str:
        return self._render.text("answer.html", answer=answer, **shape(answer))

    def _pieces(self, kind: str, said: Any) -> list[str]:
        """The events of one thing that is said."""
        if kind == "answer":
            return [event(kind, "", self._answer(said))]
        if kind == "notice":
            html = self._render.text("piece.html", notice=said)
            return [event(kind, "notices", html)]
        if kind == "sentence":
            html = self._render.text("piece.html", sentence=said)
            return [event(kind, "said", html)]
        words, mark, where = said.strip().rpartition("”")
        html = self._render.text("piece.html", quote=f"{words}{mark}")
        done = [event(kind, "said", html)]
        if where and not where.strip().startswith("["):
            source = where.strip()
            piece = self._render.text(
                "piece.html", source=name(source), path=short_path(source)
            )
            done.append(event(kind, "sources", piece))
        return done


def _asked_lately(brain: Brain) -> list[str]:
    """The last questions, each once."""
    lately = brain.library.episodes(kind="ask", limit=LATELY * 3)
    return list(dict.fromkeys(one.question for one in lately))[:LATELY]


def question_of(given: Mapping[str, str], *, read_only: bool, look: bool) -> Question:
    """What a form asks for. Raises `UsageError` for two ways at once."""
    return Question(
        given["question"],
        scope=forms.scope(given),
        limit=LIMIT,
        anyway=bool(given["anyway"]),
        record=not given["no_record"] and not read_only,
        follow_up=bool(given["follow_up"]),
        look=look,
        route=_way(given),
    )


def _way(given: Mapping[str, str]) -> Way:
    wanted = [way for way in WAYS if given[way]]
    if len(wanted) > 1:
        first, second = (dict(TICKS)[way] for way in wanted)
        raise UsageError(f"“{first}” and “{second}” are two ways", "tick one of them")
    return cast("Way", wanted[0]) if wanted else ""


def event(kind: str, into: str, html: str) -> str:
    """One event: its name, and where which HTML goes."""
    data = json.dumps({"into": into, "html": html}, ensure_ascii=True)
    return f"event: {kind}\ndata: {data}\n\n"


def shape(answer: Answer) -> dict[str, Any]:
    """What the template shows beside the answer's own fields."""
    said: str = answer.state
    if said in ANSWERS:
        said = answer.sure or ANSWERS[said]
    words, style = STATES[said]
    missing = answer.state == "not_found"
    return {
        "state": {
            "heading": "Not in your notes" if missing else "Answer",
            "words": "" if missing else words,
            "style": style,
        },
        "only_quotes": bool(answer.citations) and answer.citations == answer.quotes,
        "notices": tuple(dict.fromkeys(answer.notices)),
        "written_by": _writer(answer),
        "figures": _figures(answer),
    }


def _writer(answer: Answer) -> str:
    if answer.state == "not_found" or not answer.model:
        return "Nothing was written by a model"
    if answer.cost_usd is not None:
        provider, row = answer.provider or "", answer.ledger_id or ""
        return left_for(answer.model, provider, answer.cost_usd, row).capitalize()
    if answer.provider == BUILTIN:
        return "Quoted, not written by a model"
    return f"Written by {answer.model}, on this machine"


def _figures(answer: Answer) -> list[tuple[str, str]]:
    """The numbers behind an answer, by the names that a person reads."""
    held = answer.confidence
    found = "" if held.found is None else f"{held.found:.0%}"
    supported = "" if held.supported is None else f"{held.supported:.0%}"
    use = answer.context
    window = f"{use.tokens:,} of {use.window:,} tokens" if use.window else ""
    rows = (
        ("that your notes hold it", found),
        ("that the answer follows", supported),
        ("grade", held.grade or ""),
        ("label", answer.label or ""),
        ("found by", answer.embedder or ""),
        ("answered by", f"{answer.provider or ''} {answer.model or ''}".strip()),
        ("the model's window", window),
    )
    return [row for row in rows if row[1]]

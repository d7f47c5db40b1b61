"""The commands that ask: `search`, `ask`, `recall`.

Leaves the wording to `views.questions` and `views.answers`. `ask` streams by sentence; with --json nothing streams.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, cast

import typer

from brain.doors import json_out
from brain.doors.cli import completion
from brain.doors.cli.app import EVERY_DAY, register
from brain.doors.cli.completion import EPISODE_KINDS
from brain.doors.cli.options import (
    Explain,
    Json,
    Limit,
    Since,
    Sort,
    Source,
    Tags,
    Until,
    Where,
    Words,
    choice,
    flag,
    option,
)
from brain.doors.cli.session import Session, scope, session
from brain.doors.lines import line, short_path
from brain.doors.show import COULD_NOT_LOOK, DONE, NOTHING_FOUND, OVER_BUDGET, REFUSED
from brain.doors.views import answers
from brain.doors.views import questions as view
from brain.errors import UsageError
from brain.prompts import NOTHING_IN
from brain.types import Span, Way

if TYPE_CHECKING:
    from brain.types import Answer, Retrieved

# Passages or episodes shown when the notes do not hold it: enough to see that the search understood.
NEAREST = 3
STATE_CODES = {
    "not_found": NOTHING_FOUND,
    "refused": REFUSED,
    "over_budget": OVER_BUDGET,
    "incomplete": COULD_NOT_LOOK,
}

Rerank = Annotated[
    bool | None,
    flag(
        "--rerank/--no-rerank",
        "Let a local model judge the best passages.",
        show_default=False,
    ),
]
Expand = Annotated[
    bool | None,
    flag(
        "--expand/--no-expand",
        "Let a local model find other words.",
        show_default=False,
    ),
]


class Complexity(enum.StrEnum):
    """How hard a question is taken to be."""

    low = "low"
    medium = "medium"
    high = "high"


class Stake(enum.StrEnum):
    """How much depends on an answer."""

    normal = "normal"
    high = "high"


class Format(enum.StrEnum):
    """How `search` prints what it found."""

    list = "list"
    files = "files"
    md = "md"
    json = "json"


@register(
    "search",
    EVERY_DAY,
    examples=(
        "brain search how hot for black tea",
        "brain search lease --since 2026-05 --format files | xargs wc -w",
        """brain search '"north rack" dinghy type:pdf path:letters -draft'""",
    ),
)
def search(
    context: typer.Context,
    words: Words,
    limit: Limit = 10,
    lexical: Annotated[
        bool, flag("--lexical", "By words alone, not by meaning.")
    ] = False,
    explain: Annotated[bool, flag("--explain", "Show ranks, weights and why.")] = False,
    rerank: Rerank = None,
    expand: Expand = None,
    tag: Tags = [],  # noqa: B006  typer copies it
    source: Source = "",
    since: Since = "",
    until: Until = "",
    where: Where = [],  # noqa: B006  typer copies it
    sort: Sort = "",
    form: Annotated[
        Format, choice("--format", "list, files, md or json.")
    ] = Format.list,
    strict: Annotated[
        bool, flag("--strict", "Exit 3 when the best lies below the floor.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find passages by words and meaning. No quotes needed; `-` reads standard input.

    The words may say where to look, here and in ask: "these very words", -without, type:pdf, path:letters, tag:flat.
    """
    from brain.types import Request

    run = session(context)
    query = run.text(words, "question")
    request = Request(
        query,
        scope=scope(tag, source, since, until, where),
        limit=limit,
        sort=sort,
        mode="lexical" if lexical else "hybrid",
        rerank=rerank,
        expand=expand,
    )
    with run.brain() as brain:
        result = brain.search(request)
        form = Format.json if as_json else form
        if form is Format.list:
            brain.listed("search", view.entries(result.passages))
    _print_found(run, query, result, form, explain=explain)
    if not result.passages:
        raise typer.Exit(view.code_of_nothing(result.degraded))
    if strict and result.below_floor:
        raise typer.Exit(NOTHING_FOUND)


def _print_found(
    run: Session, query: str, result: Retrieved, form: Format, *, explain: bool
) -> None:
    if form is Format.json:
        run.out.say(*result.notices)
        run.out.json(json_out.search(query, result, explain=explain))
        return
    if form is Format.list:
        run.out.print(view.found(query, result, width=run.out.width, explain=explain))
        run.out.say(*view.who_looked(result, explain=explain), *result.notices)
    else:
        run.out.say(*view.degraded(result.degraded), *result.notices)
        if form is Format.files:
            run.out.print(view.files(result.passages))
        else:
            run.out.print(view.markdown(query, result.passages))
    if not result.passages and NOTHING_IN not in result.notices:
        run.out.say(*view.nothing_found(query, result.degraded))


Deep = Annotated[
    bool,
    flag("--deep", "Look a second time: each part of the question, more passages."),
]
Why = Annotated[
    bool,
    flag("--why", "Also the steps that led to this answer, with their numbers."),
]
Anyway = Annotated[
    bool, flag("--anyway", "Answer even when the notes seem not to hold it.")
]
FollowUp = Annotated[bool, flag("--continue", "Follow up on the last question.", "-c")]
NoRecord = Annotated[bool, flag("--no-record", "Keep no episode of this question.")]
Local = Annotated[bool, flag("--local", "Nothing leaves, whatever the rules allow.")]
Cloud = Annotated[bool, flag("--cloud", "Ask a cloud model, where the rules allow it.")]
Second = Annotated[
    bool, flag("--second-opinion", "Also ask another maker, and show what differs.")
]
Complex = Annotated[
    Complexity | None, choice("--complexity", "low, medium or high, for the rules.")
]
Stakes = Annotated[
    Stake | None,
    choice("--stakes", "normal or high: high asks you before anything leaves."),
]


@register(
    "ask",
    EVERY_DAY,
    examples=(
        'brain ask "what did we promise the landlord?"',
        'brain ask -c --deep --why "and when is it due?"',
        "brain ask --json when does the lease end | jq .citations",
    ),
)
def ask(
    context: typer.Context,
    words: Words,
    follow_up: FollowUp = False,
    anyway: Anyway = False,
    no_record: NoRecord = False,
    deep: Deep = False,
    local: Local = False,
    cloud: Cloud = False,
    second_opinion: Second = False,
    complexity: Complex = None,
    stakes: Stakes = None,
    why: Why = False,
    limit: Limit = 8,
    rerank: Rerank = None,
    expand: Expand = None,
    tag: Tags = [],  # noqa: B006  typer copies it
    source: Source = "",
    since: Since = "",
    until: Until = "",
    where: Where = [],  # noqa: B006  typer copies it
    sort: Sort = "",
    explain: Explain = False,
    as_json: Json = False,
) -> None:
    """Answer from your notes, with citations that were checked. `-` reads the question from standard input."""
    from brain.types import Request

    run = session(context)
    request = Request(
        run.text(words, "question").strip(),
        scope=scope(tag, source, since, until, where),
        limit=limit,
        sort=sort,
        rerank=rerank,
        expand=expand,
        anyway=anyway,
        record=not no_record,
        follow_up=follow_up,
        route=_way(second_opinion, deep=deep, local=local, cloud=cloud),
        complexity=complexity or "",
        stakes=stakes or "",
        second_opinion=second_opinion,
    )
    printer = AnswerPrinter(run, silent=as_json, explain=explain, why=why)
    with run.brain() as brain:
        try:
            given = brain.ask(request, say=printer.say, agree=run.consent(run.out))
        finally:
            printer.end_paragraph()
        if given.state == "not_found" and given.passages and not as_json:
            brain.listed("nearest", view.entries(given.passages[:NEAREST]))
    printer.close(given)
    raise typer.Exit(STATE_CODES.get(given.state, DONE))


def _way(second_opinion: bool, **asked: bool) -> Way:
    """The one way that was asked for, "" for none. Raises `UsageError` for two."""
    wanted = [name for name, said in asked.items() if said]
    ways = [*wanted, "second-opinion"] if second_opinion and asked["local"] else wanted
    if len(ways) > 1:
        raise UsageError(f"--{ways[0]} and --{ways[1]} are two ways", "say one of them")
    return cast("Way", wanted[0]) if wanted else ""


class AnswerPrinter:
    """Prints an answer as it comes: the best quote, then sentence after sentence, then the footer."""

    def __init__(
        self,
        run: Session,
        *,
        silent: bool = False,
        explain: bool = False,
        why: bool = False,
    ) -> None:
        self._out = run.out
        self._silent = silent
        self._explain = explain
        self._why = why
        self._quotes: list[str] = []
        self._notices: list[str] = []
        self._spoken = False
        # The last character of the sentence said last, "" outside a paragraph.
        self._last = ""

    def say(self, kind: str, text: str, answer: Span | None = None, /) -> None:
        """One thing that `Brain.ask` has to say: a quote, in which the answer stands there, a sentence, a notice."""
        if kind == "notice":
            self.end_paragraph()
            self._notices.append(text)
            self._out.say(line(text))
        elif self._silent:
            return
        elif kind == "quote":
            words, mark, where = text.strip().rpartition("”")
            if where.startswith(" "):
                where = f" {short_path(where.strip())}"
            self._quotes.append(f"{words}{mark}{where}")
            self._out.stream(f"{self._quotes[-1]}\n", answer)
        else:
            self._sentence(text)

    def close(self, given: Answer) -> None:
        """The end: the text, if nothing of it was said yet, and the footer below it; where nothing was said, JSON."""
        if self._silent:
            self._out.json(json_out.answer(given))
            return
        if given.state == "not_found":
            self.end_paragraph()
            lines = answers.not_found(
                given,
                width=self._out.width,
                nearest=NEAREST,
                explain=self._explain,
            )
            self._out.print(lines)
        else:
            if not self._spoken:
                self._rest(given)
            self.end_paragraph()
            shown = "\n".join((*self._quotes, given.text))
            lines = answers.footer(
                given, shown, self._out.wraps_at, explain=self._explain
            )
            self._out.print(["", *lines])
        if given.second_opinion:
            lines = answers.opinion(given.second_opinion, self._out.wraps_at)
            self._out.print(["", *lines])
        if self._why:
            self._out.print(answers.walk(given.walk))
        new = [text for text in given.notices if text not in self._notices]
        self._out.say(*map(line, new))

    def _rest(self, given: Answer) -> None:
        """An answer of which nothing was said yet. Quotes are said as they come, all of them."""
        known = "\n".join(self._quotes)
        text = given.text.strip()
        if self._quotes and given.citations == given.quotes:
            return
        if text and text not in known:
            self._sentence(given.text)

    def _sentence(self, text: str) -> None:
        """Sentences bring their own white space; where one brings none, a space parts it from the next."""
        if self._quotes and not self._spoken:
            self._out.stream("\n")
        apart = not self._last or self._last.isspace() or text[:1].isspace()
        said = text if apart else f" {text}"
        self._out.stream(said)
        self._spoken = True
        self._last = text[-1:]

    def end_paragraph(self) -> None:
        """What comes next begins a line, and is no part of what was said."""
        if self._last:
            self._out.end_stream()
            self._last = ""


@register(
    "recall",
    EVERY_DAY,
    examples=(
        'brain recall "what did we decide about pricing"',
        'brain recall lease --since 2026-03 --until "last friday" --with Ana',
        """brain recall '"dry season" -draft after 3 May'""",
    ),
)
def recall(
    context: typer.Context,
    words: Words = [],  # noqa: B006  typer copies it
    since: Since = "",
    until: Until = "",
    kind: Annotated[
        str,
        option(
            "--kind",
            "KIND",
            "ask, note, chat or import.",
            autocompletion=completion.kinds,
        ),
    ] = "",
    person: Annotated[
        str,
        option(
            "--with", "NAME", "Only with this person.", autocompletion=completion.people
        ),
    ] = "",
    limit: Limit = 10,
    as_json: Json = False,
) -> None:
    """What was asked, answered, noted and said, and when. Times in the words count too ("in May").

    "These very words", -without and tag:flat count as in search; type: and path: do not, since no round is a file.
    """
    from brain.types import Request, Scope

    if not words and not any((since, until, kind, person)):
        raise UsageError(
            "recall needs words or a time",
            'for instance: brain recall lease, brain recall --since "last week"',
        )
    if kind and kind not in EPISODE_KINDS:
        raise UsageError(
            f"there is no kind {kind!r}", f"kinds: {', '.join(EPISODE_KINDS)}"
        )
    run = session(context)
    query = run.text(words, "question") if words else ""
    request = Request(query, scope=Scope(since=since, until=until), limit=limit)
    with run.brain() as brain:
        result = brain.recall(request, kind=kind, person=person)
        if not result.found:
            result = replace(result, episodes=result.episodes[:NEAREST])
        if not as_json:
            ids = [f"episode:{item.episode.id}" for item in result.episodes]
            brain.listed("recall", [(identity, "") for identity in ids])
    run.show(result, as_json=as_json)

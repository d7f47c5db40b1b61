"""Times, for every verb: those of options in one grammar, and those that the words of a question name.

"what did I do on March 6th" is answered by what is dated so; "what did we decide about pricing in May" by what is dated
so first, where it fits. Leaves reading times to `brain.retrieval.time_window`, and `recall`, whose episodes all have
their time, to `brain.app.recall`. Serves `search`, `ask`, `list`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.errors import UsageError
from brain.recalled import TimeNamed
from brain.types import Confidence, Passage, Request, Retrieved, Scope

if TYPE_CHECKING:
    from brain.retrieval.time_window import Window

Look = Callable[[Request], Retrieved]

# What is dated so comes first when its best passage is at least this share of the best of all times (as `recall` has
# it); what is dated on the very day that is named always does.
WINDOW_HOLDS = 0.5
# Territories whose short dates begin with the month (Unicode CLDR, dateFormatLength "short").
MONTH_FIRST = ("_US", "_PH")
# Where a date is stated of a document as a whole; one in its first line may only be what it tells of.
STATED = ("front matter", "file name", "given", "metadata")
ANYWHERE = (*STATED, "heading")
# What people ask a diary, beside the words that frame any question.
DIARY = frozenset(
    "write wrote written note noted notes log logged journal diary".split()
)


def resolved(resources: Resources, scope: Scope) -> Scope:
    """The scope with its times as days. Raises `UsageError` for what is no time, and for two that hold no day."""
    if not scope.since and not scope.until:
        return scope
    from brain.retrieval import time_window
    from brain.retrieval.slashed_dates import readings

    now = resources.moment()
    order = month_first()
    since = scope.since and time_window.since_of(scope.since, now, month_first=order)
    until = scope.until and time_window.until_of(scope.until, now, month_first=order)
    options = f"{scope.since} {scope.until}"
    for told in readings(options, month_first=order):
        resources.progress(f"notice: {told}", 0, 0)
    if since and until and since > until:
        raise UsageError(
            f"--until {scope.until!r} lies before --since {scope.since!r}",
            "the earlier time goes behind --since",
        )
    return replace(scope, since=since, until=until)


def month_first(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether 6/3/2026 is the third of June where nothing beside it tells: by the locale.

    >>> month_first({"LANG": "en_US.UTF-8"}), month_first({"LC_TIME": "en_GB.UTF-8", "LANG": "en_US.UTF-8"})
    (True, False)
    """
    names = filter(None, map(environ.get, ("LC_ALL", "LC_TIME", "LANG")))
    locale, _, _encoding = next(names, "").partition(".")
    return locale.endswith(MONTH_FIRST)


def named_in(resources: Resources, question: str) -> tuple[Window | None, list[str]]:
    """The window that a question names, and what to tell of how its dates were read."""
    from brain.retrieval import time_window
    from brain.retrieval.slashed_dates import readings

    order = month_first()
    window = time_window.window_of(question, resources.moment(), month_first=order)
    if window is None:
        return None, []
    told = readings(question, month_first=order)
    return window, [line for line in told if line.split()[0] in window.words]


def says_more(words: str) -> bool:
    """Whether anything is asked for beside a time.

    >>> says_more("what did I do"), says_more("what did we decide about pricing")
    (False, True)
    """
    from ingest.terms import tokens
    from ingest.words import FRAME, STOP

    expected = STOP | FRAME | DIARY
    return not expected.issuperset(tokens(words))


def in_time(
    resources: Resources, request: Request, look: Look
) -> tuple[Retrieved, list[str]]:
    """What `look` finds, with what the time in the words has to say of it; and what to tell."""
    scope = request.scope
    window = None
    told_of: list[str] = []
    if not scope.since and not scope.until:
        window, told_of = named_in(resources, request.question)
    if window is None or not window.words:
        return look(request), []
    named = TimeNamed(window.words, window.since, window.until)
    rest = request.question.replace(window.words, " ")
    more = says_more(rest)
    within = replace(
        scope,
        since=window.since,
        until=window.until,
        dated=STATED if more else ANYWHERE,
    )
    there = resources.store.search.allowed(within)
    if not there:
        nothing = []
        if not more:
            nothing = [f"nothing is dated {named}: looked at all times"]
        return look(request), [*told_of, *nothing]
    if more:
        inside = look(replace(request, question=rest, scope=within))
        whole = look(request)
        return _first(request, inside, whole, named), told_of
    found = look(replace(request, scope=within))
    passages = resources.store.search.passages(sorted(there), scope=within)
    passages.sort(key=_in_order_of_time)
    told = f"dated {named}"
    most = request.limit
    if len(passages) > most:
        told += f": the first {most} of {len(passages)} passages"
    chosen = tuple(passages[:most])
    sure = Confidence(found=1.0)
    listed = replace(
        found,
        passages=chosen,
        confidence=sure,
        listed=True,
    )
    return listed, [*told_of, told]


def _in_order_of_time(passage: Passage) -> tuple[str, str, int]:
    return passage.date or "", passage.source, passage.start


def _first(
    request: Request, inside: Retrieved, whole: Retrieved, named: TimeNamed
) -> Retrieved:
    """What is of the time first, where it holds, then what is as good of all times."""
    if not inside.passages or not whole.passages:
        return whole
    least = WINDOW_HOLDS * whole.passages[0].score
    of_the_day = named.since == named.until
    first = {}
    for passage in inside.passages:
        if of_the_day or passage.score >= least:
            first[passage.id] = passage
    others = [one for one in whole.passages if one.id not in first]
    chosen = (*first.values(), *others)
    return replace(whole, passages=chosen[: request.limit])

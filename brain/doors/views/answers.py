"""How an answer reads below what was said of it: citations, other documents, how sure it is, who answered.

Serves `ask`. Leaves it the streaming (sentences are printed as they come) and the exit codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import (
    Line,
    Lines,
    bad,
    cell_width,
    commas,
    count,
    cut,
    day,
    dim,
    dots,
    given,
    hanging,
    line,
    path,
    place,
    quoted,
    short_id,
    short_path,
    styled,
    theirs,
    warn,
)
from brain.doors.text import one_line
from brain.doors.views.governance import MICRO, dollars
from brain.doors.views.questions import degraded, passages, ran
from brain.prompts import NOTHING_IN

if TYPE_CHECKING:
    from brain.types import Answer, Citation, Elsewhere, Opinion

SAME = "they name the same figures and names"
MOST_OF_ANSWER = 60  # cells: of another document's answer

# The provider of answers that no model wrote, and the grade of citations that all hold.
BUILTIN = "builtin"
STRONG = "strong"
# How sure an answer is, and what else can be its state; each in which style it is said.
STATES = {
    "answered": ("answered", "good"),
    "likely": ("likely: look at the source", "good"),
    "check": ("check these sources", "warn"),
    "incomplete": ("incomplete: the answer broke off", "bad"),
    "not_found": ("not in your notes", "warn"),
    "refused": ("refused by policy", "bad"),
    "over_budget": ("over budget", "bad"),
}
# What a state says of an answer of which nobody said how sure it is.
ANSWERS = {"supported": "answered", "unsure": "check", "unrated": "check"}


def citations(
    items: Iterable[Citation], shown: str, room: int | None, *, explain: bool = False
) -> Lines:
    """`[1] notes/lease.md:12  Lease › Rent`, and behind the margin the words, unless they were `shown` above. A quote
    that does not stand there, or does not bear out what was said, is marked; `explain`: with the reason.

    `room`: cells of a terminal, in which no line is wider, for the terminal would begin a row with a note's words.
    """
    done = []
    said = _one_line(shown)  # a row of cells is said with single spaces
    for item in items:
        where = place(short_path(item.source), item.locator)
        why = given(": ", item.reason if explain else "")
        mark = ""
        if not item.verified:
            mark = f" (not verified{why})"
        above = given("  ", " › ".join(item.heading))
        cited = f"[{item.number}] "
        taken = cell_width(f"{cited}{where}{mark}")
        left = room and room - taken
        if left is None:
            done.append(line(cited, path(where), bad(mark), dim(above)))
        elif left >= 0:
            fits = f"  {cut(above, left - 2)}".rstrip()
            done.append(line(cited, path(where), bad(mark), dim(fits)))
        else:
            done += [line(cited, bad(mark)), theirs(where)]
        if _one_line(quoted(item.quote)) not in said:
            columns = given("(", item.columns, ") ")
            done.append(theirs(columns + quoted(item.quote)))
    return done


def elsewhere(answer: Answer) -> Lines:
    """`also in notes/b.md:4`, and `but notes/c.md:7 says “1,970 €” (newer, 2026-03-01)`."""
    done = []
    if answer.also:
        places = [_place_of(item) for item in answer.also]
        done.append(hanging(line("also in ", path(commas(*places)))))
    for item in answer.differs:
        start, end = item.span
        answer_there = cut(item.text[start:end], MOST_OF_ANSWER)
        said = f" says {quoted(answer_there)}"
        there = path(_place_of(item))
        done.append(hanging(line("but ", there, said, dim(_dated(item)))))
    return done


def _dated(item: Elsewhere) -> str:
    """` (newer, 2026-03-01)`; "" where neither is known to be newer."""
    if item.newer is None:
        return ""
    which = "newer" if item.newer else "older"
    return given(" (", commas(which, day(item.date)), ")")


def _place_of(item: Elsewhere) -> str:
    return place(short_path(item.source), item.locator)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def footer(
    answer: Answer, shown: str, room: int | None, *, explain: bool = False
) -> Lines:
    """Below an answer: its citations, how sure, who answered. `shown`: what stands above; `room`: cells of the
    terminal, None in a pipe; `explain`: with the figures behind it, and how the window was used.
    """
    done = citations(answer.citations, shown, room, explain=explain)
    done += elsewhere(answer)
    if done:
        done.append(line())
    done.append(how_sure(answer, explain=explain))
    if answer.context.window and (explain or answer.context.passages_left_out):
        done.append(dim(context_use(answer, explain=explain)))
    done += [dim(step) for step in ran(answer.steps)]
    return done + degraded(answer.degraded)


def how_sure(answer: Answer, *, explain: bool = False) -> Line:
    """`likely: look at the source · quoted, not written by a model`; `explain`: with the figures behind it."""
    said: str = answer.state
    if said in ANSWERS:
        said = answer.sure or ANSWERS[said]
    words, style = STATES[said]
    return line(styled(style, words), dim(_behind(answer, explain=explain)))


def opinion(given: Opinion, room: int | None) -> Lines:
    """What another maker says to the same, who wrote it, and where the two differ. `room` as for `citations`."""
    said = left_for(given.model, given.provider, given.cost_usd, given.ledger_id)
    done = [line("A second opinion ", dim(said))]
    done += [theirs(row) for row in given.answer.splitlines()]
    done += citations(given.citations, given.answer, room)
    differs = given.differs
    if not differs.first and not differs.second:
        return [*done, line(SAME)]
    for which, texts in (("first", differs.first), ("second", differs.second)):
        if texts:
            only = commas(*map(one_line, texts))
            done.append(hanging(line(f"only the {which} says ", warn(only))))
    return done


def walk(steps: Sequence[str]) -> Lines:
    """The steps that led to an answer, numbered."""
    return [dim(f"{number}. {step}") for number, step in enumerate(steps, 1)]


def context_use(answer: Answer, *, explain: bool) -> str:
    """`3 of 9 passages left out`, for want of room; `explain`: `context 6,812 of 8,192 tokens` before it."""
    use = answer.context
    shown = count(use.passages_used, "passage")
    if use.passages_left_out:
        total = use.passages_used + use.passages_left_out
        shown = f"{use.passages_left_out} of {total} passages left out"
    if not explain:
        return f"the model has not seen all: {shown}"
    return f"context {use.tokens:,} of {use.window:,} tokens; {shown}"


def not_found(
    answer: Answer, *, width: int, nearest: int, explain: bool = False
) -> Lines:
    """What `ask` prints when the notes do not hold it: the state, then the nearest passages."""
    if answer.text == NOTHING_IN:
        return [warn(NOTHING_IN)]
    state = warn("Not in your notes.")
    done = [line(state, dim(_behind(answer, explain=explain)))]
    if answer.passages:
        done.append(line("The nearest:"))
        shown = answer.passages[:nearest]
        done += passages(answer.question, shown, width=width)
    return done + degraded(answer.degraded)


def _behind(answer: Answer, *, explain: bool) -> str:
    """Who answered, and under which id it is kept; `explain`: with the figures and the parts that served."""
    if explain:
        return _confidence(answer) + _models(answer)
    kept = short_id(answer.episode or "")
    return given(" · ", dots(_writer(answer), given("kept as ", kept)))


def _writer(answer: Answer) -> str:
    if answer.state == "not_found" or not answer.model:
        return ""
    if answer.cost_usd is not None:
        return left_for(
            answer.model, answer.provider or "", answer.cost_usd, answer.ledger_id or ""
        )
    if answer.provider != BUILTIN:
        return f"written by {one_line(answer.model)}"
    return "quoted, not written by a model"


def left_for(model: str, provider: str, cost_usd: float, row: str) -> str:
    """Who wrote what came from outside, and where it is accounted for."""
    cost = dollars(round(cost_usd * MICRO))
    return f"written by {one_line(model)} · left for {provider}, {cost}, row {row} of the ledger"


def _confidence(answer: Answer) -> str:
    held = answer.confidence
    supported = held.supported if held.known else None
    # The grade is of the citations alone: a strong one beside "unsure" would contradict it.
    grade = held.grade
    if answer.state == "unsure" and held.grade == STRONG:
        grade = ""
    said = commas(
        _probability("found", held.found),
        _probability("supported", supported),
        given("grade ", grade),
    )
    return given(" (", said, ")")


def _probability(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{name} {value:.2f}"


def _models(answer: Answer) -> str:
    """` · builtin extractive · embedder wordllama · episode 9f8e7d`: who answered, and under which id it is kept."""
    provider = one_line(answer.provider or "")
    model = one_line(answer.model or "")
    said = dots(
        f"{provider} {model}".strip(),
        given("embedder ", answer.embedder),
        given("episode ", short_id(answer.episode or "")),
    )
    return given(" · ", said)

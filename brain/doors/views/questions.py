"""How found passages, answers and episodes read: `search`, `ask`, `recall`.

Leaves out streaming (the command prints sentences as they come) and the exit codes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from brain.doors.lines import Line, count, day, line, marked, moment, place, short_ids, snippet
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.types import (
        Answer,
        Citation,
        Episode,
        ModelStep,
        Passage,
        Recalled,
        Remembered,
        Retrieved,
    )

INDENT = "   "
FORMULA_STARTS = ("=", "+", "-", "@")  # a spreadsheet would run the cell (FAULTS.md, row 23)
CSV_COLUMNS = ("number", "source", "locator", "title", "date", "id", "score", "text")

SURE = {
    "supported": ("supported by the passages cited", "good"),
    "unsure": ("unsure: check these sources", "warn"),
    "unrated": ("unrated: nobody has measured how often this model is right here", "warn"),
    "incomplete": ("incomplete: the answer broke off", "bad"),
    "not_found": ("not in your notes", "warn"),
    "refused": ("refused by policy", "bad"),
    "over_budget": ("over budget", "bad"),
}


def found(query: str, result: Retrieved, *, width: int, explain: bool = False) -> list[Line]:
    """The list that `search` prints, a warning above it when nothing in it reached the floor."""
    done: list[Line] = []
    if result.below_floor and result.passages:
        done.append(line(("probably not in your notes; the nearest passages:", "warn")))
    if explain and result.explain:
        done.append(line(("ranking: " + _numbers(result.explain), "dim")))
    done += (
        [line((model_step(item, whole=True), "dim")) for item in result.steps] if explain else []
    )
    return done + passages(query, result.passages, width=width, explain=explain)


def passages(
    query: str, items: Sequence[Passage], *, width: int, explain: bool = False
) -> list[Line]:
    """Numbered passages: title › heading, path:line (date), two lines of text, the id."""
    ids = short_ids(item.id for item in items)
    done: list[Line] = []
    for number, item in enumerate(items, 1):
        done += _passage(number, item, query, ids[item.id], width)
        if explain:
            done.append(line(INDENT, (_explained(item), "dim")))
    return done


def _passage(number: int, item: Passage, query: str, short: str, width: int) -> list[Line]:
    title = _title(item)
    date = f" ({day(item.date)})" if item.date else ""
    done = [
        line((f"{number:<{len(INDENT)}}", "dim"), (title, "title")),
        line(INDENT, (place(item.source, item.locator), "path"), (f"{date} {short}", "dim")),
    ]
    done += [line(INDENT, *row) for row in snippet(item.text, query, width=width - len(INDENT) - 2)]
    if item.context:
        done.append(line(INDENT, (f"in: {one_line(item.context)}", "dim")))
    if item.versions:
        older = count(len(item.versions), "older version says", "older versions say")
        done.append(line(INDENT, (f"{older} nearly the same", "dim")))
    return done


def _title(item: Passage) -> str:
    from brain.types import header

    return one_line(header(item.title, item.heading, None)) or one_line(item.source)


def _explained(item: Passage) -> str:
    ranks = ", ".join(
        f"{name} rank {rank if rank is not None else '–'}" for name, rank in item.ranks.items()
    )
    return f"score {item.score:.4f}: {'; '.join(part for part in (ranks, _numbers(item.explain)) if part)}"


def _numbers(values: object) -> str:
    pairs = values.items() if hasattr(values, "items") else ()
    return ", ".join(
        f"{one_line(str(name)).replace('_', ' ')} {value:.4g}" for name, value in pairs
    )


def who_looked(result: Retrieved) -> list[Line]:
    """What stands beside a search: which embedder and index answered, and what could not look."""
    parts = [count(len(result.passages), "passage")]
    parts += [f"embedder {one_line(result.embedder)}"] if result.embedder else []
    parts += [f"index {one_line(result.index)}"] if result.index else []
    parts += (
        [f"{count(result.index_lag, 'change')} not in the index yet"] if result.index_lag else []
    )
    parts += [f"{count(result.withheld, 'passage')} withheld"] if result.withheld else []
    parts += [model_step(item) for item in result.steps if item.state == "ran"]
    return [line((" · ".join(parts), "dim")), *degraded(result.degraded)]


def model_step(item: ModelStep, *, whole: bool = False) -> str:
    """`reranked by qwen3:4b in 1.3 s`; `whole`: with what came of it, or why nothing did."""
    verb = "reranked" if item.name == "rerank" else "expanded"
    who = f" by {one_line(item.model)}" if item.model else ""
    if item.state != "ran":
        return f"not {verb}{who}: {one_line(item.reason)}"
    done = f"{verb}{who} in {item.seconds:.1f} s"
    if not whole:
        return done
    judged = [f"{item.judged} of {count(item.of, 'passage')} judged"] if item.of else []
    asked = [f"{kind} “{one_line(text)}”" for kind, text in item.queries]
    return f"{done}: {', '.join(judged + asked) or one_line(item.reason)}"


def degraded(reason: str) -> list[Line]:
    """One line that says which part could not look."""
    return [line((f"degraded: {one_line(reason)}", "warn"))] if reason else []


def files(items: Iterable[Passage]) -> list[Line]:
    """`--format files`: each source once, best first."""
    return [line(one_line(source)) for source in dict.fromkeys(item.source for item in items)]


def markdown(query: str, items: Iterable[Passage]) -> list[Line]:
    """`--format md`: a list of quotes that can be pasted into a note."""
    done = [line(f"# {one_line(query)}")]
    for item in items:
        title = _title(item) + (f" ({day(item.date)})" if item.date else "")
        done += [
            line(""),
            line(f"## {title}"),
            line(""),
            line(f"`{place(item.source, item.locator)}`"),
            line(""),
        ]
        done += [line(f"> {row}".rstrip()) for row in item.text.strip().splitlines()]
    return done


def table(items: Iterable[Passage]) -> list[Line]:
    """`--format csv`, with a heading row."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for number, item in enumerate(items, 1):
        cells = (
            item.source,
            item.locator,
            item.title,
            item.date or "",
            item.id,
            f"{item.score:.6f}",
            item.text,
        )
        writer.writerow(
            [number, *(f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in cells)]
        )
    return [line(row) for row in held.getvalue().rstrip("\n").split("\n")]


def citations(items: Iterable[Citation]) -> list[Line]:
    """`[1] notes/lease.md:12 “the words”`; a quote that no longer stands there is marked."""
    done = []
    for item in items:
        mark = "" if item.verified else " (not verified)"
        where = place(item.source, item.locator)
        done.append(
            line(f"[{item.number}] ", (where, "path"), f" “{one_line(item.quote)}”", (mark, "bad"))
        )
    return done


def footer(answer: Answer) -> list[Line]:
    """Below an answer: its citations, how sure, which models, how the window was used."""
    done = citations(answer.citations)
    if done:
        done.append(line(""))
    sure, style = SURE[answer.state]
    done.append(line((sure, style), (_confidence(answer), "dim"), (_models(answer), "dim")))
    if answer.context.window:
        done.append(line((context_use(answer), "dim")))
    done += [line((model_step(item), "dim")) for item in answer.steps if item.state == "ran"]
    return done + degraded(answer.degraded)


def context_use(answer: Answer) -> str:
    """`context 6,812 of 8,192 tokens; 3 of 9 passages left out`."""
    use = answer.context
    total = use.passages_used + use.passages_left_out
    left = (
        f"{use.passages_left_out} of {total} passages left out"
        if use.passages_left_out
        else count(total, "passage")
    )
    return f"context {use.tokens:,} of {use.window:,} tokens; {left}"


def not_found(answer: Answer, *, width: int, nearest: int) -> list[Line]:
    """What `ask` prints when the notes do not hold it: the state, then the nearest passages."""
    done = [
        line(("Not in your notes.", "warn"), (_confidence(answer), "dim"), (_models(answer), "dim"))
    ]
    if answer.passages:
        done += [
            line("The nearest:"),
            *passages(answer.question, answer.passages[:nearest], width=width),
        ]
    return done + degraded(answer.degraded)


def _confidence(answer: Answer) -> str:
    held = answer.confidence
    parts = [f"found {held.found:.2f}"] if held.found is not None else []
    parts += (
        [f"supported {held.supported:.2f}"] if held.supported is not None and held.known else []
    )
    parts += [f"grade {one_line(held.grade)}"] if held.grade else []
    return f" ({', '.join(parts)})" if parts else ""


def _models(answer: Answer) -> str:
    who = " ".join(one_line(part) for part in (answer.provider, answer.model) if part)
    parts = [who, f"embedder {one_line(answer.embedder)}" if answer.embedder else ""]
    parts += [f"episode {short_ids([answer.episode])[answer.episode]}"] if answer.episode else []
    return "".join(f" · {part}" for part in parts if part)


def recalled(result: Recalled) -> list[Line]:
    """Episodes, best first: date, kind, who, the words, the id; the neighbouring rounds beside them."""
    done: list[Line] = []
    if result.since or result.until:
        done.append(
            line((f"between {day(result.since) or '…'} and {day(result.until) or 'now'}", "dim"))
        )
    if not result.found and result.episodes:
        done.append(line(("nothing that fits well; the nearest:", "warn")))
    ids = short_ids(item.episode.id for item in result.episodes)
    for item in result.episodes:
        done += _episode(item, result.query, ids[item.episode.id])
    return done


def _episode(item: Remembered, query: str, short: str) -> list[Line]:
    episode = item.episode
    who = f" with {', '.join(one_line(name) for name in episode.people)}" if episode.people else ""
    tags = "".join(f" #{one_line(tag)}" for tag in episode.tags)
    top = line((moment(episode.at), "title"), f" {episode.kind}{who}", (f"{tags} {short}", "dim"))
    near = [line(INDENT, (words(other), "dim")) for other in item.before]
    body = [
        line(INDENT, *marked(row, query))
        for row in (one_line(episode.question), one_line(episode.answer))
        if row
    ]
    after = [line(INDENT, (words(other), "dim")) for other in item.after]
    return [top, *near, *body, *after]


def words(episode: Episode) -> str:
    """What was asked or said, on one line."""
    return " → ".join(one_line(part) for part in (episode.question, episode.answer) if part)

"""How found passages and episodes read: `search`, `recall`.

Serves the commands that ask. Leaves them the exit codes, and answers to `answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from brain.doors import json_out
from brain.doors.lines import (
    Lines,
    body,
    commas,
    count,
    day,
    dim,
    dots,
    duration,
    given,
    hanging,
    indented,
    line,
    marked,
    moment,
    notices,
    path,
    place,
    quoted,
    short_ids,
    short_path,
    snippet,
    some,
    title,
    warn,
)
from brain.doors.show import COULD_NOT_LOOK, DONE, NOTHING_FOUND, shows
from brain.doors.text import one_line

if TYPE_CHECKING:
    from brain.recalled import Recalled, Remembered
    from brain.types import Episode, ModelStep, Passage, Retrieved

# As wide as the number before a passage.
INDENT = "   "
# Columns at the right of a snippet: room for the sign that the text goes on.
MARGIN = 2

VERBS = {"read": "read", "rerank": "reranked", "expand": "expanded"}


def found(query: str, result: Retrieved, *, width: int, explain: bool = False) -> Lines:
    """The list that `search` prints, a warning above it when nothing in it reached the floor."""
    done: Lines = []
    if result.below_floor and result.passages:
        done.append(warn("probably not in your notes; the nearest passages:"))
    if explain:
        if result.explain:
            done.append(dim("ranking: ", _numbers(result.explain)))
        done += [dim(model_step(item, whole=True)) for item in result.steps]
    return done + passages(query, result.passages, width=width, explain=explain)


def passages(
    query: str, items: Sequence[Passage], *, width: int, explain: bool = False
) -> Lines:
    """Numbered passages: title › heading, path:line (date), two lines of text, the id."""
    ids = short_ids(item.id for item in items)
    done: Lines = []
    for number, item in enumerate(items, 1):
        at = item.matched or item
        where = place(short_path(item.source), at.locator)
        counted = dim(f"{number:<{len(INDENT)}}")
        done.append(hanging(line(counted, title(_title(item))), INDENT))
        facts = dim(_dated(item), " ", ids[item.id])
        done.append(hanging(line(INDENT, path(where), facts), INDENT))
        # What matched, and what stands behind it as far as there is room.
        begin = at.start if at else 0
        room = width - len(INDENT) - MARGIN
        rows = snippet(item.text[begin:], query, width=room)
        rows += _beside(item)
        if explain:
            rows.append(dim(_explained(item)))
        done += indented(rows, INDENT)
    return done


def entries(items: Iterable[Passage]) -> list[tuple[str, str]]:
    """What stands under the numbers of a list: documents, and the place of each that is shown."""
    done = []
    for item in items:
        at = item.matched.locator if item.matched else item.locator
        done.append((item.document_id, at))
    return done


def _beside(item: Passage) -> Lines:
    """What stands below the text of a passage: its folder's description, the older versions that it stands for."""
    done = []
    if item.context:
        done.append(dim("in: ", item.context))
    if item.versions:
        older = count(len(item.versions), "older version says", "older versions say")
        done.append(dim(older, " nearly the same"))
    return done


def _title(item: Passage) -> str:
    from brain.types import header

    heading = header(item.title, item.heading, None)
    return one_line(heading) or one_line(item.source)


def _dated(item: Passage) -> str:
    return given(" (", day(item.date), ")")


def _explained(item: Passage) -> str:
    ranks = []
    for name, rank in item.ranks.items():
        place_there = "–" if rank is None else rank
        ranks.append(f"{name} rank {place_there}")
    reasons = [commas(*ranks), _numbers(item.explain)]
    said = "; ".join(filter(None, reasons))
    return f"score {item.score:.4f}: {said}"


def _numbers(values: Mapping[str, float]) -> str:
    pairs = []
    for name, value in values.items():
        plain_name = one_line(name)
        pairs.append(f"{plain_name} {value:.4g}")
    return commas(*pairs).replace("_", " ")


def who_looked(result: Retrieved, *, explain: bool = False) -> Lines:
    """What stands beside a search: how much was found, and what could not look; `explain`: embedder and index."""
    said = dots(
        count(len(result.passages), "passage"),
        given("embedder ", result.embedder if explain else ""),
        given("index ", result.index if explain else ""),
        some(result.index_lag, "change", " not searched by meaning yet"),
        some(result.withheld, "passage", " withheld"),
        *ran(result.steps),
    )
    return [dim(said), *degraded(result.degraded)]


def ran(steps: Iterable[ModelStep]) -> list[str]:
    """The steps that a model took which was asked for; that answers are read is no news."""
    ran_well = [item for item in steps if item.state == "ran" and item.name != "read"]
    return list(map(model_step, ran_well))


def model_step(item: ModelStep, *, whole: bool = False) -> str:
    """`reranked by qwen3:4b in 1 s`; `whole`: with what came of it, or why nothing did."""
    verb = VERBS[item.name] + given(" by ", item.model)
    reason = one_line(item.reason)
    if item.state != "ran":
        return f"not {verb}: {reason}"
    if not whole:
        return f"{verb} in {duration(item.seconds)}"
    done = f"{verb} in {item.seconds:.1f} s"
    outcome = []
    if item.of:
        passages_seen = count(item.of, "passage")
        outcome.append(f"{item.judged} of {passages_seen} judged")
    for kind, text in item.queries:
        outcome.append(f"{kind} {quoted(text)}")
    return f"{done}: {commas(*outcome) or reason}"


def degraded(reason: str) -> Lines:
    """One line that says which part could not look."""
    if not reason:
        return []
    return [warn("not complete: ", reason)]


def files(items: Iterable[Passage]) -> Lines:
    """`--format files`: each source once, best first."""
    sources = dict.fromkeys(item.source for item in items)
    return [line(source) for source in sources]


def markdown(query: str, items: Iterable[Passage]) -> Lines:
    """`--format md`: a list of quotes that can be pasted into a note."""
    done = [line("# ", query)]
    for item in items:
        where = place(item.source, item.locator)
        done += [
            line(),
            line("## ", _title(item), _dated(item)),
            line(),
            line("`", where, "`"),
            line(),
        ]
        for row in item.text.strip().splitlines():
            done += body(f"> {row}".rstrip())
    return done


def nothing_found(query: str, degraded: str) -> Lines:
    """What is said when nothing came: nothing is there, or not everything could be looked into."""
    said = "nothing found for"
    hint = "try other words, or `brain status` to see what is in"
    if degraded:
        said = "could not look everywhere for"
        hint = "`brain doctor` says what does not answer"
    first = line(f"brain: {said} ", quoted(query))
    return [first, line("  ", hint)]


def code_of_nothing(degraded: str) -> int:
    """ "Nothing is there" and "could not look" differ: only the first is a fact about the notes."""
    return COULD_NOT_LOOK if degraded else NOTHING_FOUND


def _beside_recalled(result: Recalled) -> Lines:
    said = [*degraded(result.degraded), *notices(result.notices)]
    if not result.episodes:
        said += nothing_found(result.query, result.degraded)
    return said


def _code_of_recalled(result: Recalled) -> int:
    if not result.episodes:
        return code_of_nothing(result.degraded)
    return DONE if result.found else NOTHING_FOUND


@shows("Recalled", json_out.recalled, talk=_beside_recalled, code=_code_of_recalled)
def recalled(result: Recalled) -> Lines:
    """Episodes, best first: date, kind, who, the words, the id; the neighbouring rounds beside them."""
    done: Lines = []
    if result.since or result.until:
        since = day(result.since) or "…"
        until = day(result.until) or "now"
        done.append(dim(f"between {since} and {until}"))
    if result.set_aside:
        what = f"nothing that fits is from {result.named}"
        done.append(warn(f"{what}: what follows is from other times"))
    if not result.found and result.episodes:
        done.append(warn("nothing that fits well; the nearest:"))
    ids = short_ids(item.episode.id for item in result.episodes)
    for number, item in enumerate(result.episodes, 1):
        short = ids[item.episode.id]
        done += _episode(number, item, result.query, short)
    return done


def _episode(number: int, item: Remembered, query: str, short: str) -> Lines:
    episode = item.episode
    people = ", ".join(map(one_line, episode.people))
    tags = [f" #{one_line(tag)}" for tag in episode.tags]
    heading = line(
        dim(f"{number:<{len(INDENT)}}"),
        title(moment(episode.at)),
        " ",
        episode.kind,
        given(" with ", people),
        dim(*tags, " ", short),
    )
    rows = [dim(words(near)) for near in item.before]
    for text in (episode.question, episode.answer):
        if text:
            rows.append(marked(one_line(text), query))
    rows += [dim(words(near)) for near in item.after]
    return [hanging(row, INDENT) for row in (heading, *indented(rows, INDENT))]


def words(episode: Episode) -> str:
    """What was asked or said, on one line."""
    parts = filter(None, (episode.question, episode.answer))
    return " → ".join(map(one_line, parts))

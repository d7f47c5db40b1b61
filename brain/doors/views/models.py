"""How models read: those that are there, and those that would fit this machine: `models list`, `models advise`.

Serves the commands over models. Leaves out which models there are and what speaks for one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.doors.lines import (
    Lines,
    columns,
    commas,
    count,
    dim,
    given,
    line,
    size,
    styled,
)
from brain.doors.show import shows
from brain.doors.views.library import NOTHING
from brain.types import Texts

if TYPE_CHECKING:
    from brain.reports import AdvisedModel, ModelAdvice, ModelRow, ModelTable

MB, GB = 10**6, 10**9  # as makers of models count


@shows("ModelTable")
def models(table: ModelTable) -> Lines:
    """Name, provider, what it is used for, what it could be used for, size."""
    cells = []
    for item in table.models:
        bytes_used = size(item.bytes) if item.bytes else NOTHING
        cells.append((item.name, item.provider, _use(item), bytes_used, item.note))
    done = columns(cells, ("title", "dim", "", "dim", ""))
    for text in (table.ollama, *table.notices):
        if text:
            done.append(dim(text))
    return done


@shows("ModelAdvice", explains=True)
def advised(advice: ModelAdvice, *, explain: bool = False) -> Lines:
    """The machine, each role with what it lacks, the models that fit (and the smallest that does not), the command."""
    memory = _decimal(advice.memory)
    most = _decimal(advice.most)
    machine = f"{memory} of memory, {most} of it for a model"
    rows = [("this machine", machine), ("ollama", advice.ollama)]
    for role in advice.roles:
        has = f"{role.serves}: {role.has}"
        rows.append((role.role, has))
        if role.lacks:
            command = given(": ", role.command)
            rows.append(("", f"lacks {role.lacks}{command}"))
    done = columns(rows, ("dim", ""))
    cells = []
    for item in advice.models:
        if item.fits or item.installed:
            cells.append(_advised(item, explain=explain))
    done.append(line())
    done += columns(cells, ("title", "dim", "", "dim"))
    if not any(item.prompt_speed or item.chunk_speed for item in advice.models):
        done.append(dim("nothing was measured here yet: the first answer does that"))
    left_out = len(advice.models) - len(cells)
    if left_out:
        done.append(dim(count(left_out, "model"), " too large for this machine"))
    done += [line(), line(advice.advice)]
    if advice.command:
        next_step = styled("title", advice.command)
        done.append(line("next: ", next_step))
    return done


def _advised(item: AdvisedModel, *, explain: bool) -> Texts:
    """Name, size, whether it is here and how fast, what speaks against it; `explain`: parameters and quantisation."""
    words = commas(
        given("reads ", _speed(item.prompt_speed)),
        given("writes ", _speed(item.answer_speed)),
    )
    state = commas(
        "installed" if item.installed else "",
        given("", words, " tokens a second"),
        given("reads ", _speed(item.chunk_speed), " passages a second"),
    )
    facts = _decimal(item.bytes)
    if explain:
        parameters = ""
        if item.parameters:
            parameters = f"{item.parameters:.2g} billion"
        facts = commas(parameters, item.quantization, facts)
    return item.name, facts, state, item.remark


def _speed(value: float | None) -> str:
    if not value:
        return ""
    if value < 1:
        return "under 1"
    return f"{value:,.0f}"


def _decimal(number: int) -> str:
    """A size as makers of models count: in thousands; "" for one that is not known."""
    if number >= GB:
        if number >= 10 * GB:
            return f"{number / GB:.0f} GB"
        return f"{number / GB:.1f} GB"
    if not number:
        return ""
    return f"{number / MB:.0f} MB"


def _use(model: ModelRow) -> str:
    if model.use:
        return f"in use: {', '.join(model.use)}"
    return given("could ", " and ".join(model.roles))

"""`models advise`: which models fit this machine, how fast they were measured to be on it, and the one command to run.

Facts come from `brain.models.library`, speeds from the store, what is there from Ollama; nothing is fetched. Leaves
fetching and choosing to `.models`, which it serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brain.app.resources import Resources
from brain.app.serving import AUTO, BUILTIN, SHIPPED, WITHOUT_OLLAMA
from brain.errors import BrainError
from brain.models import library
from brain.models.catalogue import (
    MEMORY_SHARE,
    WRITERS,
    can,
    gigabytes,
    machine_memory,
)
from brain.models.library import Listed
from brain.models.locality import Json, canonical, whole
from brain.protocols import Speed
from brain.reports import AdvisedModel, ModelAdvice, RoleAdvice

Rate = float | None
"""Tokens or chunks a second, None where that was not measured."""

# Prompt tokens a second, with which the least prompt (600 tokens, rules included) is read in about 12 s.
COMFORTABLE = 30.0
# Likewise, below which it takes a minute: the first word comes too late to be of use.
SLOW = 10.0
BILLIONS = {"B": 1.0, "M": 1e-3, "K": 1e-6}  # of a number of parameters as it is told
START = "ollama serve"  # what comes first where Ollama does not answer
QUOTES_ARE_BETTER = "quotes alone are the better answer here"
TOO_WEAK = "too small to write well: quotes alone are the better answer"


def advise(resources: Resources, *, memory: int | None = None) -> ModelAdvice:
    """What this machine can run. `memory`: its bytes, looked up when it is not given. Never raises for Ollama."""
    memory = machine_memory() if memory is None else memory
    most = int(memory * MEMORY_SHARE)
    tags, state, hint = _installed(resources)
    writers = _rows(resources, library.WRITERS, tags, "ask", most)
    embedders = _rows(resources, library.EMBEDDERS, tags, "embed", most)
    best, advice = _best(writers, most)
    ask = _asking(resources, writers, best, advice)
    embed = _embedding(resources, embedders)
    roles = (ask, embed, _judging())
    models = (*writers, *embedders)
    commands = [hint, ask.command, embed.command]
    command = next(filter(None, commands), "")
    return ModelAdvice(memory, most, state, roles, models, advice, command)


def _installed(resources: Resources) -> tuple[Sequence[Json], str, str]:
    """(what Ollama has, its state in one line, what to do first when it is not there)."""
    try:
        server = resources.ollama
        return server.tags(), f"version {server.version()}", ""
    except BrainError as error:
        return (), error.message, START


def _rows(
    resources: Resources,
    listed: Iterable[Listed],
    tags: Sequence[Json],
    role: str,
    most: int,
) -> list[AdvisedModel]:
    """The models of the table, and those that are installed beside them for this role."""
    here = {}
    for entry in tags:
        name = canonical(str(entry.get("name")))
        here[name] = entry
    rows = []
    known = set()
    for item in listed:
        name = canonical(item.name)
        known.add(name)
        rows.append(
            AdvisedModel(
                item.name,
                role,
                item.family,
                item.parameters,
                item.quantization,
                item.size,
                item.size <= most,
                name in here,
                *_speeds(resources.speeds.of(item.name)),
                _remark(item, most),
                item.source,
            )
        )
    ability = {"ask": "completion", "embed": "embedding"}[role]
    for name in sorted(here.keys() - known):
        if can(name, ability, resources.ollama.abilities):
            rows.append(_beside(resources, here[name], role, most))
    return rows


def _beside(resources: Resources, entry: Json, role: str, most: int) -> AdvisedModel:
    """An installed model that is not in the table, by what Ollama says of it."""
    name = str(entry.get("name"))
    told = entry.get("details")
    details = told if isinstance(told, dict) else {}
    size = whole(entry.get("size"))
    return AdvisedModel(
        name,
        role,
        str(details.get("family") or ""),
        _billions(str(details.get("parameter_size") or "")),
        str(details.get("quantization_level") or ""),
        size,
        size <= most,
        True,
        *_speeds(resources.speeds.of(name)),
        source="Ollama on this machine",
    )


def _billions(text: str) -> float:
    """`3.2B` and `137M` as billions, 0 for anything else."""
    unit = text[-1:].upper()
    try:
        number = float(text[:-1])
    except ValueError:
        return 0.0
    return number * BILLIONS.get(unit, 0.0)


def _speeds(speed: Speed) -> tuple[Rate, Rate, Rate]:
    return speed.prompt, speed.answer, speed.chunks


def _remark(item: Listed, most: int) -> str:
    if item.size > most:
        return "too large"
    if item.role == "ask" and item.parameters < library.LEAST_PARAMETERS:
        return TOO_WEAK
    return ""


def _best(
    writers: Sequence[AdvisedModel], most: int
) -> tuple[AdvisedModel | None, str]:
    """(the model that should answer, in one sentence why); None where quotes are better."""
    able = [row for row in writers if row.parameters >= library.LEAST_PARAMETERS]
    fitting = [row for row in able if row.fits]
    if not fitting:
        smallest = min(able, key=lambda row: row.bytes)
        needs = f"{smallest.name} needs {gigabytes(smallest.bytes)}"
        why = f"{needs}, and {gigabytes(most)} can be set aside"
        small = f"this machine is too small for a model that writes well ({why})"
        return None, f"{small}: {QUOTES_ARE_BETTER}"
    # 0 for every one of them where nothing was measured
    expected = {row.name: _expected(row, writers) or 0.0 for row in fitting}
    fastest = max(fitting, key=lambda row: expected[row.name])
    most_tokens = expected[fastest.name]
    if 0 < most_tokens < SLOW:
        read = f"{most_tokens:,.0f} tokens a second"
        slow = f"a model that writes well reads {read} here, a minute to the first word"
        return None, f"{slow}: {QUOTES_ARE_BETTER}"
    if most_tokens >= COMFORTABLE:
        within = [row for row in fitting if expected[row.name] >= COMFORTABLE]
        why = "the largest that fits and reads fast enough, by what was measured here"
    elif most_tokens:
        within = [fastest]
        why = "the fastest that writes well, by what was measured here"
    else:
        within = list(filter(_light_or_here, fitting)) or fitting
        why = "the largest that fits and keeps no processor busy for minutes"
    first = []
    for row in within:
        if row.family.lower().startswith(WRITERS):
            first.append(row)
    best = max(first or within, key=_worth)
    size = gigabytes(best.bytes)
    return best, f"{best.name} should answer: {why} ({size})"


def _light_or_here(row: AdvisedModel) -> bool:
    """Whether a processor without a graphics card can run it in time, or somebody chose to have it."""
    return row.installed or row.parameters <= library.MOST_ON_A_PROCESSOR


def _expected(row: AdvisedModel, rows: Sequence[AdvisedModel]) -> float | None:
    """Prompt tokens a second as measured, or by the one nearest in size that was: the more bytes, the longer it reads.
    None where nothing was measured.
    """
    if row.prompt_speed:
        return row.prompt_speed
    measured = [other for other in rows if other.prompt_speed and other.bytes]
    if not measured:
        return None
    nearest = min(measured, key=lambda other: abs(other.bytes - row.bytes))
    speed = nearest.prompt_speed or 0.0
    return speed * nearest.bytes / row.bytes


def _worth(row: AdvisedModel) -> tuple[int, bool, bool, int]:
    """More parameters before finer ones; of one size what is here already, then Qwen, the project's first choice."""
    qwen = row.family.lower().startswith("qwen")
    return round(row.parameters), row.installed, qwen, -row.bytes


def _asking(
    resources: Resources,
    writers: Sequence[AdvisedModel],
    best: AdvisedModel | None,
    advice: str,
) -> RoleAdvice:
    generator, _why, _missing = resources.generator()
    serves = generator.name if generator else "extractive"
    has = "quotes of your notes, word for word, at once and without a model"
    if generator is not None:
        has = "a model that writes from your notes, each sentence checked"
    if best is None:
        command = ""
        if generator is not None and resources.config.models.ask != BUILTIN:
            command = "brain models use ask builtin"
        return RoleAdvice("ask", serves, has, advice, command)
    if any(row.installed and row.name == best.name for row in writers):
        lacks = ""
        command = ""
        chosen = resources.config.models.ask
        if chosen not in (AUTO, best.name):
            lacks = f"{best.name} is here and not in use"
            command = f"brain models use ask {best.name}"
        return RoleAdvice("ask", serves, has, lacks, command)
    lacks = f"a model that fits this machine better ({best.name})"
    if generator is None:
        lacks = "a model that writes"
    command = f"brain models pull {best.name}"
    if resources.config.models.ask != AUTO:
        command += f" && brain models use ask {best.name}"
    return RoleAdvice("ask", serves, has, lacks, command)


def _embedding(resources: Resources, embedders: Sequence[AdvisedModel]) -> RoleAdvice:
    serving = resources.serving.embedder
    serves = serving.name if serving else "words only"
    here = [row.name for row in embedders if row.installed]
    serving_name = canonical(serves)
    if serving_name in map(canonical, here):
        return RoleAdvice("embed", serves, "a model that reads sentences")
    has = "the meaning of single words, at once and without a model"
    lacks = "a model that reads sentences"
    if serves == SHIPPED:
        has = "a small model that reads sentences in English"
        lacks = "a larger model"
    if here:
        chosen = resources.config.models.embed in WITHOUT_OLLAMA
        command = "brain sync"
        if chosen:
            command = f"brain models use embed {here[0]}"
        return RoleAdvice("embed", serves, has, lacks, command)
    fitting = [row for row in embedders if row.fits]
    if not fitting:
        return RoleAdvice("embed", serves, has)
    command = f"brain models pull {fitting[0].name}"
    return RoleAdvice("embed", serves, has, lacks, command)


def _judging() -> RoleAdvice:
    return RoleAdvice(
        "rerank, expand",
        "the model that answers",
        "asked for with `--rerank` and `--expand`; a few seconds for each passage on a processor",
    )

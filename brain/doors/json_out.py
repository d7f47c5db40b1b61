"""The machine contract: JSON, schema 2 (docs/JSON.md). From a result to plain dictionaries.

A result whose fields are the contract as they stand goes through `fields`, a list of them through `listed`; the
others have a function each. Within a schema fields are only added, and one that nothing fills yet is null. Serves
every door that speaks JSON; leaves writing to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain.recalled import Recalled, Remembered
    from brain.reports import Check, DocumentDetail, Figures, ImportReport, Judgment
    from brain.types import (
        AddReport,
        Answer,
        Citation,
        Episode,
        ModelStep,
        Opinion,
        Passage,
        Retrieved,
        Skill,
    )


SCHEMA = 2
DECIMALS = 6  # of scores and probabilities: more is noise
RANKINGS = (
    "lexical",
    "dense",
    "before",
    "reranker",
)  # a ranking that did not run is null

# The fields that leave the house under their own names; what else a value holds is for the program itself.
PASSAGE = (
    "id",
    "source",
    "locator",
    "title",
    "heading",
    "text",
    "date",
    "label",
    "client",
    "trust",
    "context",
    "score",
)
CITATION = (
    "number",
    "source",
    "locator",
    "quote",
    "verified",
    "heading",
    "columns",
)
ANSWERED_BY = (
    "label",
    "route",
    "provider",
    "model",
    "embedder",
    "cost_usd",
    "ledger_id",
)
IMPORTED = (
    "done",
    "replaced",
    "kept",
    "episodes",
    "skills",
    "feedback",
    "contexts",
    "inbox",
    "roots",
    "registered",
)
ADDED = (
    "added",
    "updated",
    "unchanged",
    "renamed",
    "removed",
    "chunks",
    "waiting",
    "skipped",
    "notices",
    "interrupted",
    "embedder",
    "documents",
    "unread",
    "changes",
)

Shape = dict[str, Any]


def envelope(**values: Any) -> Shape:
    """An object of this schema; tuples become lists, numbers that JSON cannot hold null."""
    shape: Shape = tidy(values)
    return {"schema": SCHEMA} | shape


def tidy(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {str(key): tidy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(item) for item in value]
    return value


def fields(value: Any) -> Shape:
    """A result whose own fields are its contract."""
    return envelope(**asdict(value))


def listed(name: str, values: Sequence[Any]) -> Shape:
    """Several results under one name."""
    return envelope(**{name: [asdict(value) for value in values]})


def chosen(value: Any, names: Sequence[str]) -> Shape:
    """Those fields of a value that are in its contract, in the order of the contract."""
    return {name: getattr(value, name) for name in names}


def error(kind: str, message: str, hint: str) -> Shape:
    """What every command prints instead of its result when it fails."""
    return envelope(error={"kind": kind, "message": message, "hint": hint})


def passage(found: Passage, *, explain: bool = False) -> Shape:
    """A passage. `explain` is there only when it was asked for."""
    shape = chosen(found, PASSAGE)
    shape["matched"] = found.matched.locator if found.matched else None
    shape["ranks"] = {name: found.ranks.get(name) for name in RANKINGS}
    if explain:
        shape["explain"] = dict(found.explain)
    return shape


def step(item: ModelStep) -> Shape:
    """What a local model did, or why it did not."""
    shape = asdict(item)
    shape["model"] = item.model or None
    shape["reason"] = item.reason or None
    shape["queries"] = [{"kind": kind, "text": text} for kind, text in item.queries]
    return shape


def search(query: str, found: Retrieved, *, explain: bool = False) -> Shape:
    """`brain search`."""
    shape = envelope(
        query=query,
        embedder=found.embedder or None,
        degraded=found.degraded or None,
        index_lag=found.index_lag,
        withheld=found.withheld,
        confidence={"found": found.confidence.found},
        passages=[passage(item, explain=explain) for item in found.passages],
        notices=found.notices,
        model_steps=[step(item) for item in found.steps],
    )
    if explain:
        shape["explain"] = tidy(found.explain)
    return shape


def citation(item: Citation) -> Shape:
    """What an answer cites. `columns` is null where the quote is no row of a table."""
    shape = chosen(item, CITATION)
    shape["columns"] = item.columns or None
    span = item.answer_span
    shape["answer_span"] = list(span) if span else None
    shape["reason"] = item.reason or None
    return shape


def answer(given: Answer) -> Shape:
    """`brain ask`."""
    return envelope(
        question=given.question,
        state=given.state,
        answer_state=given.sure or given.state,
        answer=given.text,
        citations=[citation(item) for item in given.citations],
        confidence=asdict(given.confidence),
        **chosen(given, ANSWERED_BY),
        degraded=given.degraded or None,
        withheld=given.withheld,
        context=asdict(given.context),
        episode=given.episode,
        passages=[passage(item) for item in given.passages],
        notices=given.notices,
        model_steps=[step(item) for item in given.steps],
        quotes=[citation(item) for item in given.quotes],
        also=[asdict(item) for item in given.also],
        differs=[asdict(item) for item in given.differs],
        walk=given.walk,
        second_opinion=opinion(given.second_opinion),
    )


def opinion(given: Opinion | None) -> Shape | None:
    """What another maker says, null where none was asked or none came."""
    if given is None:
        return None
    shape = asdict(given)
    shape["citations"] = [citation(item) for item in given.citations]
    return shape


def added(report: AddReport, *, dry_run: bool = False) -> Shape:
    """`brain add`, `sync` and `import`."""
    shape = chosen(report, ADDED)
    shape["skipped"] = [asdict(item) for item in report.skipped]
    shape["changes"] = [asdict(item) for item in report.changes]
    shape["embedder"] = report.embedder or None
    return envelope(dry_run=dry_run, **shape)


def imported(report: ImportReport) -> Shape:
    """`brain import`: what `add` tells, and what was replaced, kept and brought besides documents."""
    more = chosen(report, IMPORTED)
    return added(report.taken, dry_run=not report.done) | more


def episode(item: Episode) -> Shape:
    """`brain remember`."""
    return envelope(episode=asdict(item))


def recalled(result: Recalled) -> Shape:
    """`brain recall`: each episode with its score and its neighbours of the same session."""
    return envelope(
        query=result.query,
        found=result.found,
        since=result.since or None,
        until=result.until or None,
        window=_window(result),
        degraded=result.degraded or None,
        embedder=result.embedder or None,
        notices=result.notices,
        episodes=[_remembered(item) for item in result.episodes],
    )


def _window(result: Recalled) -> Shape | None:
    """The time that the words name, and whether it was set aside; None when they name none."""
    if result.named is None:
        return None
    named = result.named
    days = {"since": named.since or None, "until": named.until or None}
    return {"words": named.words, **days, "set_aside": result.set_aside}


def _remembered(item: Remembered) -> Shape:
    near = asdict(item)
    shape: Shape = near.pop("episode")
    return shape | near


def document(detail: DocumentDetail) -> Shape:
    """`brain show`: the fields of `list` and those that only one document has, on one level."""
    shape = asdict(detail)
    return envelope(document=shape.pop("row") | shape)


def contexts(pairs: Sequence[tuple[str, str]]) -> Shape:
    """`brain context`."""
    return envelope(
        contexts=[{"path": path, "description": text} for path, text in pairs]
    )


def skill(item: Skill) -> Shape:
    """`brain skill show`."""
    return envelope(skill=asdict(item))


def checks(found: Sequence[Check]) -> Shape:
    """`brain doctor`. `errors` counts those that make the exit code 1."""
    levels = [item.level for item in found]
    return envelope(
        errors=levels.count("error"), checks=[asdict(item) for item in found]
    )


def judged(item: Judgment) -> Shape:
    """`brain feedback`."""
    return envelope(judgment=asdict(item))


def measured(report: Figures) -> Shape:
    """`brain eval …`: the report as it is measured."""
    return envelope(**report)

"""The machine contract: JSON, schema 1 (docs/JSON.md). From a result to plain dictionaries.

A result whose fields are the contract as they stand goes through `fields`, a list of them through `listed`; the others have
a function each. Within a schema fields are only added, and one that nothing fills yet is null. Serves every door that
speaks JSON; leaves writing to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain.reports import Judgment
    from brain.types import (
        AddReport,
        Answer,
        Check,
        Citation,
        DocumentDetail,
        Episode,
        ModelStep,
        Passage,
        Recalled,
        Remembered,
        Retrieved,
        Skill,
    )


SCHEMA = 1
DECIMALS = 6  # of scores and probabilities: more is noise
RANKINGS = ("lexical", "dense", "before", "reranker")  # a ranking that did not run is null

Shape = dict[str, Any]


def envelope(**values: Any) -> Shape:
    """An object of this schema; tuples become lists, numbers that JSON cannot hold null."""
    shape: Shape = tidy(values)
    return {"schema": SCHEMA} | shape


def tidy(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
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


def error(kind: str, message: str, hint: str) -> Shape:
    """What every command prints instead of its result when it fails."""
    return envelope(error={"kind": kind, "message": message, "hint": hint})


def passage(found: Passage, *, explain: bool = False) -> Shape:
    """A passage. `explain` is there only when it was asked for."""
    shape: Shape = {
        "id": found.id,
        "source": found.source,
        "locator": found.locator,
        "title": found.title,
        "text": found.text,
        "date": found.date,
        "label": found.label,
        "client": found.client,
        "trust": found.trust,
        "context": found.context,
        "score": found.score,
        "ranks": {name: found.ranks.get(name) for name in RANKINGS},
    }
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


def citation(item: Citation) -> Shape:
    """A citation, by the place that a person opens."""
    return {
        "number": item.number,
        "source": item.source,
        "locator": item.locator,
        "quote": item.quote,
        "verified": item.verified,
    }


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


def answer(given: Answer) -> Shape:
    """`brain ask`."""
    return envelope(
        question=given.question,
        state=given.state,
        answer=given.text,
        citations=[citation(item) for item in given.citations],
        confidence=asdict(given.confidence),
        label=given.label,
        route=given.route,
        provider=given.provider,
        model=given.model,
        embedder=given.embedder,
        cost_usd=given.cost_usd,
        ledger_id=given.ledger_id,
        degraded=given.degraded or None,
        withheld=given.withheld,
        context=asdict(given.context),
        episode=given.episode,
        passages=[passage(item) for item in given.passages],
        notices=given.notices,
        model_steps=[step(item) for item in given.steps],
    )


def added(report: AddReport, *, dry_run: bool = False) -> Shape:
    """`brain add`, `sync` and `import`."""
    return envelope(
        dry_run=dry_run,
        added=report.added,
        updated=report.updated,
        unchanged=report.unchanged,
        renamed=report.renamed,
        removed=report.removed,
        chunks=report.chunks,
        waiting=report.waiting,
        skipped=[asdict(item) for item in report.skipped],
        notices=report.notices,
        interrupted=report.interrupted,
        embedder=report.embedder or None,
        documents=report.documents,
    )


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
        degraded=result.degraded or None,
        embedder=result.embedder or None,
        episodes=[_remembered(item) for item in result.episodes],
    )


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
    return envelope(contexts=[{"path": path, "description": text} for path, text in pairs])


def skill(item: Skill) -> Shape:
    """`brain skill show`."""
    return envelope(skill=asdict(item))


def checks(found: Sequence[Check]) -> Shape:
    """`brain doctor`. `errors` counts those that make the exit code 1."""
    levels = [item.level for item in found]
    return envelope(errors=levels.count("error"), checks=[asdict(item) for item in found])


def judged(item: Judgment) -> Shape:
    """`brain feedback`."""
    return envelope(judgment=asdict(item))


def measured(report: Mapping[str, Any]) -> Shape:
    """`brain eval …`: the report as it is measured."""
    values = {name: value for name, value in report.items() if name != "schema"}
    return envelope(**values)

"""The machine contract: JSON, schema 1 (docs/JSON.md). One function per result, from a value to plain dictionaries.

Leaves out writing. Field names and their meaning only grow within a schema; a field that nothing fills yet is null.
Serves every door that speaks JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain.reports import Judgment, Trace
    from brain.types import (
        AddReport,
        Answer,
        BackupReport,
        Check,
        DocumentDetail,
        DocumentRow,
        Episode,
        EraseReport,
        Excerpt,
        ExportReport,
        ForgetReport,
        Forgotten,
        ModelStep,
        ModelTable,
        Passage,
        RebuildReport,
        Recalled,
        RestoreReport,
        Retrieved,
        Skill,
        Status,
    )


SCHEMA = 1
DECIMALS = 6  # of scores and probabilities: more is noise

Shape = dict[str, Any]


def envelope(**fields: Any) -> Shape:
    """An object of this schema; tuples become lists, numbers that JSON cannot hold null."""
    return {"schema": SCHEMA, **{name: tidy(value) for name, value in fields.items()}}


def tidy(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): tidy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(item) for item in value]
    return value


def error(kind: str, message: str, hint: str) -> Shape:
    """What every command prints instead of its result when it fails."""
    return envelope(error={"kind": kind, "message": message, "hint": hint})


def passage(found: Passage, *, explain: bool = False) -> Shape:
    """A passage. `explain` is there only when it was asked for."""
    shape = {
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
        "ranks": {
            name: found.ranks.get(name) for name in ("lexical", "dense", "before", "reranker")
        },
    }
    return shape | ({"explain": dict(found.explain)} if explain else {})


def step(item: ModelStep) -> Shape:
    """What a local model did, or why it did not."""
    shape = asdict(item) | {"model": item.model or None, "reason": item.reason or None}
    return shape | {"queries": [{"kind": kind, "text": text} for kind, text in item.queries]}


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
    return shape | ({"explain": tidy(dict(found.explain))} if explain else {})


def answer(given: Answer) -> Shape:
    """`brain ask`."""
    return envelope(
        question=given.question,
        state=given.state,
        answer=given.text,
        citations=[
            {
                "number": item.number,
                "source": item.source,
                "locator": item.locator,
                "quote": item.quote,
                "verified": item.verified,
            }
            for item in given.citations
        ],
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
    counts = ("added", "updated", "unchanged", "renamed", "removed", "chunks", "waiting")
    return envelope(
        dry_run=dry_run,
        **{name: getattr(report, name) for name in counts},
        skipped=[asdict(item) for item in report.skipped],
        notices=report.notices,
        interrupted=report.interrupted,
        embedder=report.embedder or None,
        documents=report.documents,
    )


def excerpt(item: Excerpt) -> Shape:
    """`brain get`."""
    return envelope(**asdict(item))


def excerpts(items: Sequence[Excerpt]) -> Shape:
    """`brain multi-get`."""
    return envelope(excerpts=[asdict(item) for item in items])


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
        episodes=[
            {
                **asdict(item.episode),
                "score": item.score,
                "before": [asdict(near) for near in item.before],
                "after": [asdict(near) for near in item.after],
            }
            for item in result.episodes
        ],
    )


def documents(rows: Sequence[DocumentRow]) -> Shape:
    """`brain list`."""
    return envelope(documents=[asdict(row) for row in rows])


def document(detail: DocumentDetail) -> Shape:
    """`brain show`: the fields of `list` and those that only one document has, on one level."""
    fields = asdict(detail)
    return envelope(document={**fields.pop("row"), **fields})


def located(reference: str, address: str) -> Shape:
    """`brain open --json`."""
    return envelope(reference=reference, address=address)


def forgotten(report: ForgetReport) -> Shape:
    """`brain forget`."""
    return envelope(**asdict(report))


def erased(report: EraseReport) -> Shape:
    """`brain forget --erase`."""
    return envelope(**asdict(report))


def restored(items: Sequence[Forgotten]) -> Shape:
    """`brain undo` and `undo --list`."""
    return envelope(items=[asdict(item) for item in items])


def tags(reference: str, names: Sequence[str]) -> Shape:
    """`brain tag`."""
    return envelope(reference=reference, tags=names)


def contexts(pairs: Sequence[tuple[str, str]]) -> Shape:
    """`brain context`."""
    return envelope(contexts=[{"path": path, "description": text} for path, text in pairs])


def skills(items: Sequence[Skill]) -> Shape:
    """`brain skill list`, `find` and `add`."""
    return envelope(skills=[asdict(item) for item in items])


def skill(item: Skill) -> Shape:
    """`brain skill show`."""
    return envelope(skill=asdict(item))


def status(facts: Status) -> Shape:
    """`brain status`."""
    return envelope(**asdict(facts))


def checks(found: Sequence[Check]) -> Shape:
    """`brain doctor`. `errors` counts those that make the exit code 1."""
    return envelope(
        errors=sum(item.level == "error" for item in found), checks=[asdict(item) for item in found]
    )


def models(table: ModelTable) -> Shape:
    """`brain models list`."""
    return envelope(**asdict(table))


def said(message: str) -> Shape:
    """A command whose result is one line."""
    return envelope(message=message)


def exported(report: ExportReport) -> Shape:
    """`brain export`."""
    return envelope(**asdict(report))


def backed_up(report: BackupReport) -> Shape:
    """`brain backup`."""
    return envelope(**asdict(report))


def taken_back(report: RestoreReport) -> Shape:
    """`brain restore`."""
    return envelope(**asdict(report))


def rebuilt(report: RebuildReport) -> Shape:
    """`brain rebuild`."""
    return envelope(**asdict(report))


def judged(item: Judgment) -> Shape:
    """`brain feedback`."""
    return envelope(judgment=asdict(item))


def traced(found: Trace) -> Shape:
    """`brain why-not`."""
    return envelope(**asdict(found))


def measured(report: Mapping[str, Any]) -> Shape:
    """`brain eval …`: the report as it is measured."""
    return envelope(**{name: value for name, value in report.items() if name != "schema"})

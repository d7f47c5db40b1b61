"""What a person says of answers, and what follows from it: `feedback`, corrections, `calibrate`, `why-not`.

Thin joins: the tables are the store's, what asks the same and what fits the feedback is decided in `brain.evaluation`,
where a document was lost in `brain.retrieval`. Leaves out measuring (`brain.app.measure`). Every function is handed
the parts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from brain.app.heads import HEAD, head
from brain.app.parts import Parts
from brain.errors import BrainError, NotFound, UsageError
from brain.evaluation import calibrate as calibration
from brain.evaluation.calibrate import Head
from brain.evaluation.corrections import shared, similar
from brain.reports import Excerpt, Judgment, Trace
from brain.store.judgments import JudgmentTable
from brain.types import Episode, Passage, Retrieved, Scope
from ingest.document import new_id
from ingest.terms import tokens

GOOD, WRONG, MISSING = "good", "wrong", "missing"
VERDICTS = (GOOD, WRONG, MISSING)
NOT_FOUND = "not_found"  # the state of an answer that says "not in your notes"
QUOTE_CHARS = (
    300  # of the line that a person pointed at: enough to find it again after an edit above it
)
EVERYTHING = Scope()
_LINE = re.compile(r":\d+(?::\d+)?$")
_LINES = re.compile(r"L(\d+)(?:-(\d+))?$")
HINTS = {
    "not stored": "take it in: brain add PATH",
    "out of scope": "leave the filters of the search out",
    "no candidate": "ask with words that stand in it, or for what it is about",
    "cut": "it stands further down: brain search -n {fused}",
    "collapsed": "another document says nearly the same and stands for it",
    "found": "",
}


@dataclass(frozen=True, slots=True)
class Correction:
    """A place that a person pointed at for a question like this one. `similarity`: cosine of the two questions."""

    judgment: Judgment
    passage: Passage
    similarity: float


def table(parts: Parts) -> JudgmentTable:
    """The judgments of this store."""
    return JudgmentTable(parts.store.connection)


# -- feedback ---------------------------------------------------------------------------------------------------------


def feedback(
    parts: Parts,
    verdict: str,
    *,
    source: str = "",
    why: str = "",
    episode: str = "",
    absent: bool = False,
) -> Judgment:
    """Judge one answer, the last one when no episode is named. `source`: the right place, as `get` takes it.

    `absent`: the notes do not hold it. Raises `UsageError`, `NotFound`.
    """
    if verdict not in VERDICTS:
        raise UsageError(f"{verdict!r} is no verdict", f"say one of: {', '.join(VERDICTS)}")
    if absent and (source or verdict == MISSING):
        raise UsageError(
            "--absent says that the notes do not hold it",
            "leave out --source, or say good or wrong",
        )
    asked = _asked(parts, episode)
    pointed = _pointed(parts, source) if source else None
    facts = parts.episodes.circumstances(asked.id).confidence
    judgment = Judgment(
        new_id(),
        parts.moment().isoformat(timespec="seconds"),
        asked.question,
        verdict,
        answerable=_answerable(verdict, asked.state, pointed=pointed is not None, absent=absent),
        documents=(pointed.document_id,)
        if pointed
        else _cited(parts, asked)
        if verdict == GOOD and not absent
        else (),
        document_id=pointed.document_id if pointed else "",
        source=pointed.source if pointed else "",
        locator=pointed.locator if pointed and _LINE.search(source) else "",
        quote=_first_line(pointed.text) if pointed and _LINE.search(source) else "",
        why=why,
        episode=asked.id,
        signals=_numbers(facts.get("signals")),
    )
    with parts.store.write():
        parts.episodes.judge(asked.id, verdict)
        return table(parts).keep(judgment)


def _asked(parts: Parts, reference: str) -> Episode:
    """The question that is judged."""
    if not reference:
        last = parts.episodes.last("ask")
        if last is None:
            raise NotFound(
                "there is no answer to judge yet",
                'ask something first: brain ask "what did we decide?"',
            )
        return last
    found = parts.episodes.get(reference)
    if found.kind != "ask":
        raise UsageError(
            f"episode {found.id} is no question",
            "`brain recall --kind ask` shows those that were asked",
        )
    return found


def _answerable(verdict: str, state: str, *, pointed: bool, absent: bool) -> bool | None:
    """Do the notes hold it, by what the person said? None when they did not say: a wrong answer may be either."""
    if absent:
        return False
    if verdict == GOOD:
        return state != NOT_FOUND
    return True if pointed or verdict == MISSING or state == NOT_FOUND else None


def _pointed(parts: Parts, source: str) -> Excerpt:
    """The place that was named. Raises `NotFound`, with the cure when it is a file that was never added."""
    library = parts.store.library
    exact = re.sub(r"(:\d+)$", r"\1:1", source) if re.search(r"[^\d:]:\d+$", source) else source
    try:
        return library.excerpt(exact)
    except NotFound:
        path = _LINE.sub("", source)
        if os.path.exists(os.path.expanduser(path)):
            raise NotFound(f"{path} is not stored", f"take it in first: brain add {path}") from None
        raise


def _cited(parts: Parts, asked: Episode) -> tuple[str, ...]:
    """The documents that a good answer cites, as far as they are there."""
    found: dict[str, None] = {}
    for citation in asked.citations:
        try:
            found[parts.store.library.resolve(citation.rpartition(":")[0])] = None
        except BrainError:
            continue
    return tuple(found)


def _first_line(text: str) -> str:
    return next((line.strip()[:QUOTE_CHARS] for line in text.splitlines() if line.strip()), "")


def _numbers(signals: object) -> dict[str, float]:
    """The signals of the ask, {} when nothing was kept."""
    pairs = signals.items() if isinstance(signals, Mapping) else ()
    return {str(name): float(value) for name, value in pairs if isinstance(value, int | float)}


# -- corrections ------------------------------------------------------------------------------------------------------


def corrections_for(parts: Parts, question: str, *, scope: Scope = EVERYTHING) -> list[Correction]:
    """What a person pointed at for a question like this one, best first; what the scope forbids or is gone is missing."""
    made = table(parts).corrections()
    if not made:
        return []
    try:
        near = similar(question, made, parts.builtin)
    except BrainError:
        return []  # without the built-in model nothing can be compared, and the answer comes without them
    found: dict[str, Correction] = {}
    for judgment, cosine in near:
        passage = _passage(parts, judgment, scope)
        if passage is not None:
            found.setdefault(passage.id, Correction(judgment, passage, cosine))
    return list(found.values())


def with_corrections(
    parts: Parts, question: str, found: Retrieved, scope: Scope, say: Callable[[str, str], None]
) -> Retrieved:
    """The passages with what a person pointed at first, each said; then the notes hold it, because they said so."""
    corrections = corrections_for(parts, question, scope=scope)
    if not corrections:
        return found
    first = {one.passage.id: one.passage for one in corrections}
    for one in corrections:
        say("notice", _told(one))
    passages = (
        *first.values(),
        *(passage for passage in found.passages if passage.id not in first),
    )
    chance = max(found.confidence.found or 0.0, head(parts).threshold)
    return replace(found, passages=passages, confidence=replace(found.confidence, found=chance))


def _told(one: Correction) -> str:
    why = f" (“{one.judgment.why}”)" if one.judgment.why else ""
    line = _LINES.match(one.judgment.locator)
    place = (
        f"{one.passage.source}:{line[1]}"
        if line
        else f"{one.passage.source} {one.judgment.locator}".strip()
    )
    quote = f": “{one.judgment.quote}”" if one.judgment.quote else ""
    return f"you corrected this on {one.judgment.at[:10]}{why}; {place} comes first{quote}"


def _passage(parts: Parts, judgment: Judgment, scope: Scope) -> Passage | None:
    """The passage that holds the line as it was, else the place it had, else (no line named) the words of the question."""
    search = parts.store.search
    passages = search.passages(search.documents(judgment.document_id), scope=scope)
    if not judgment.quote:
        asked = frozenset(tokens(judgment.question))
        return max(
            passages, key=lambda item: shared(asked, frozenset(tokens(item.text))), default=None
        )
    wanted = " ".join(judgment.quote.split())
    same = [item for item in passages if wanted in " ".join(item.text.split())]
    return next(
        iter(same or [item for item in passages if _covers(item.locator, judgment.locator)]), None
    )


def _covers(held: str, wanted: str) -> bool:
    """Whether one locator lies in another: lines in lines, or the same page or part."""
    outer, inner = _LINES.match(held), _LINES.match(wanted)
    if outer and inner:
        return int(outer[1]) <= int(inner[1]) <= int(outer[2] or outer[1])
    return held == wanted


# -- the calibrated head ------------------------------------------------------------------------------------------------


def calibrate(parts: Parts, *, reset: bool = False) -> dict[str, Any]:
    """Refit `found` on the feedback and keep it, or with `reset` go back to the shipped one; what changed."""
    library = parts.store.library
    before = head(parts)
    if reset:
        library.keep_setting(HEAD, None)
        return {"schema": 1, "reset": True, "was_calibrated": bool(before.coefficients)}
    judgments = table(parts).all()
    rows = [
        (one.signals, one.answerable)
        for one in judgments
        if one.signals and one.answerable is not None
    ]
    fitted, report = calibration.calibrated(rows)
    shipped = not fitted.coefficients and (fitted.floor, fitted.threshold) == (
        Head().floor,
        Head().threshold,
    )
    library.keep_setting(HEAD, None if shipped else calibration.dumped(fitted))
    counts = {
        "judgments": len(judgments),
        "rows": len(rows),
        "answerable": sum(truth for _, truth in rows),
    }
    return {"schema": 1, "reset": False, "calibrated": not shipped, **counts, **report}


# -- why not ------------------------------------------------------------------------------------------------------------


def why_not(parts: Parts, query: str, document: str, *, limit: int = 10) -> Trace:
    """The stage of the walk at which a document was lost. A document that is not stored is a result, not an error."""
    from brain.retrieval.why import why_not as trace

    library, serving = parts.store.library, parts.serving
    try:
        row = library.detail(library.resolve(document)).row
    except NotFound:
        return Trace(
            query,
            "",
            document,
            "not stored",
            limit=limit,
            said="not stored",
            hint=_why_not_stored(parts, document),
        )
    index = parts.index("knowledge", serving.fingerprint) if serving.embedder is not None else None
    lost = trace(
        query,
        row.id,
        searchable=parts.store.search,
        index=index,
        embedder=serving.embedder,
        limit=limit,
    )
    return Trace(
        query,
        row.id,
        row.source,
        lost.stage,
        lost.lexical,
        lost.dense,
        lost.fused,
        lost.shared,
        limit,
        said=str(lost),
        hint=HINTS[lost.stage].format(fused=lost.fused),
    )


def _why_not_stored(parts: Parts, document: str) -> str:
    """Forgotten, skipped when it was looked at, or never seen."""
    for gone in parts.store.trash.listing():
        if _named(document, gone["source"], gone["id"]):
            return f"it was forgotten on {gone['at'][:10]}: brain undo {gone['id'][:8]}"
    for why, _size, _time in parts.store.library.skipped().values():
        if _named(document, why.source, ""):
            return f"it was skipped: {why.reason}" + (f"; {why.hint}" if why.hint else "")
    return HINTS["not stored"]


def _named(reference: str, source: str, identity: str) -> bool:
    path = os.path.abspath(os.path.expanduser(reference))
    tail = "/" + reference.lstrip("./")
    return (
        source in (reference, path)
        or source.endswith(tail)
        or (len(reference) >= 6 and identity.startswith(reference))
    )

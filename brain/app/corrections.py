"""What a person corrected before comes first when a question like that one is asked again.

Serves `ask`. Leaves keeping judgments to the store, and which questions are alike to `brain.evaluation.corrections`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brain.app.resources import Resources
from brain.errors import BrainError
from brain.evaluation.corrections import shared, similar
from brain.store.excerpts import LINES, span_of
from brain.types import Passage, Request, Retrieved, Scope
from ingest.terms import tokens

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.reports import Judgment

EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Correction:
    """A place that a person pointed at for a question like this one."""

    judgment: Judgment
    passage: Passage

    def __str__(self) -> str:
        """The notice that goes with the answer."""
        judgment = self.judgment
        source = self.passage.source
        place = f"{source} {judgment.locator}".strip()
        line = LINES.match(judgment.locator)
        if line:
            place = f"{source}:{line[1]}"
        why = ""
        if judgment.why:
            why = f" (“{judgment.why}”)"
        quote = ""
        if judgment.quote:
            quote = f": “{judgment.quote}”"
        return (
            f"you corrected this on {judgment.at[:10]}{why}; {place} comes first{quote}"
        )


def with_corrections(
    resources: Resources,
    request: Request,
    found: Retrieved,
    say: Say,
) -> Retrieved:
    """The passages with what a person pointed at first, each said; then the notes hold it, because they said so."""
    corrections = corrections_for(resources, request.question, scope=request.scope)
    if not corrections:
        return found
    first: dict[str, Passage] = {}
    for one in corrections:
        say("notice", str(one))
        first[one.passage.id] = one.passage
    rest = [passage for passage in found.passages if passage.id not in first]
    # The person said that it stands there, so it is as sure as an answer must be
    chance = max(found.confidence.found or 0.0, resources.head.threshold)
    confidence = replace(found.confidence, found=chance)
    return replace(found, passages=(*first.values(), *rest), confidence=confidence)


def corrections_for(
    resources: Resources, question: str, *, scope: Scope = EVERYTHING
) -> list[Correction]:
    """What a person pointed at for a question like this one, best first.

    What the scope forbids, or what is gone, is missing.
    """
    made = resources.judgments.corrections()
    if not made:
        return []
    try:
        near = similar(question, made, resources.builtin)
    except BrainError:
        return []  # without the built-in model nothing can be compared: the answer comes without corrections
    found: dict[str, Correction] = {}
    for judgment, _cosine in near:
        passage = _passage(resources, judgment, scope)
        if passage is not None:
            found.setdefault(passage.id, Correction(judgment, passage))
    return list(found.values())


def _passage(resources: Resources, judgment: Judgment, scope: Scope) -> Passage | None:
    """The passage that holds the line as it was, or else lies at its place.

    Where no line was named, the one that shares most words with the question.
    """
    search = resources.store.search
    passages = search.passages(search.documents(judgment.document_id), scope=scope)
    if not judgment.quote:
        asked = frozenset(tokens(judgment.question))

        def likeness(passage: Passage) -> float:
            return shared(asked, frozenset(tokens(passage.text)))

        return max(passages, key=likeness, default=None)
    wanted = " ".join(judgment.quote.split())
    for passage in passages:
        if wanted in " ".join(passage.text.split()):
            return passage
    for passage in passages:
        if _covers(passage.locator, judgment.locator):
            return passage
    return None


def _covers(held: str, wanted: str) -> bool:
    """Whether one locator lies in another: lines in lines, or the same page or part."""
    outer = LINES.match(held)
    inner = LINES.match(wanted)
    if not (outer and inner):
        return held == wanted
    span = span_of("line", outer)
    return span.first <= int(inner["first"]) <= span.last

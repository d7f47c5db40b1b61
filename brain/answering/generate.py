"""The part of an answer that a model writes: streamed by whole sentence, each checked before anyone sees it.

A sentence that its citation does not bear out is marked, so is one without a citation; citations to nothing are dropped
and counted. The model has no tools and no network, and what it writes is treated as hostile (docs/FAULTS.md).
Leaves out choosing passages. Serves `answer`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator as Pieces
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from brain import confidence
from brain.answering.asking import Asking
from brain.answering.citations import cite, harmless, uncited
from brain.answering.context import Packed, pack
from brain.answering.stream import FENCE, by_sentence
from brain.answering.verify import Support, holds, verify
from brain.errors import Incomplete
from brain.protocols import Generator
from brain.types import Answer, Citation, Confidence, Passage, State
from ingest.words import content_words

UNVERIFIED = "[unverified]"
NO_SOURCE = "[no source]"
BROKEN_OFF = "[broke off]"
MAX_BYTES = 64 * 1024  # of an answer; five sentences take one
MAX_REPEATS = 3  # the same sentence this often: the model is in a loop
CLAIM_WORDS = (
    3  # content words from which a sentence claims something ("Yes." and "Summary:" do not)
)
_NOT_FOUND = re.compile(
    r"\bnot (?:in|found in|mentioned in|contained in|stated in|given in) (?:your|the|these|any of the) (?:notes?|passages?|sources?|context)\b|"
    r"\b(?:notes?|passages?|sources?|context) (?:do|does) not (?:say|mention|contain|hold|state|provide|include|specify)|"
    r"\bno (?:information|mention|answer)\b.{0,40}\b(?:notes?|passages?|sources?|context)\b",
    re.IGNORECASE,
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


@dataclass
class _Written:
    """What has been written so far, and what was found wrong with it."""

    parts: list[str] = field(default_factory=list)
    citations: dict[Citation, None] = field(default_factory=dict)
    claims: int = 0
    uncited: int = 0
    unverified: int = 0
    invented: int = 0
    denials: int = 0
    broken: str = ""


def generated(
    question: str, passages: Sequence[Passage], *, generator: Generator, asking: Asking
) -> Answer:
    """The model's answer over as many passages as its window holds. Raises `Unavailable` when it never began."""
    packed = pack(
        question,
        passages,
        window=generator.window,
        count=asking.count,
        speed=asking.speed,
        previous=asking.previous,
    )
    written = _Written()
    stream = _capped(generator.stream(packed.messages, max_tokens=packed.max_tokens))
    repeats: Counter[str] = Counter()
    try:
        for sentence in by_sentence(stream):
            repeats[sentence.strip()] += 1
            if (
                sentence.strip()
                and repeats[sentence.strip()] >= MAX_REPEATS
                and len(content_words(sentence)) >= CLAIM_WORDS
            ):
                written.broken = "the model repeated itself"
                break
            _take(sentence, packed, written, asking)
    except Incomplete as error:
        written.broken = error.message
        if not written.parts and error.partial:
            _take(error.partial, packed, written, asking)
    finally:
        stream.close()
    return _finish(question, passages, packed, written, generator, asking)


def _capped(stream: Iterator[str]) -> Pieces[str, None, None]:
    """The stream, cut with `Incomplete` at MAX_BYTES; the model's own iterator is closed with this one."""
    size = 0
    try:
        for chunk in stream:
            size += len(chunk.encode("utf-8", "replace"))
            if size > MAX_BYTES:
                raise Incomplete("the answer grew too long and was stopped", "ask for less")
            yield _CONTROL.sub("", chunk)
    finally:
        close = getattr(stream, "close", None)
        if close:
            close()


def _take(sentence: str, packed: Packed, written: _Written, asking: Asking) -> None:
    """One sentence: cleaned, its citations read, checked, marked, and said."""
    evidence = [f"{p.header}\n{p.source}\n{p.before}\n{p.text}\n{p.after}" for p in packed.passages]
    cited = cite(harmless(sentence, evidence), len(packed.passages))
    written.invented += cited.invented
    mark = _judge(cited.text, cited.numbers, packed, written, asking)
    text = _marked(cited.text, mark) if mark else cited.text
    written.parts.append(text)
    if text.strip():
        asking.say("sentence", text)


def _judge(
    text: str, numbers: Sequence[int], packed: Packed, written: _Written, asking: Asking
) -> str:
    """The mark that a sentence deserves, "" for none; what was found goes into `written`."""
    claim = uncited(text)
    if not numbers and _NOT_FOUND.search(claim):
        written.denials += 1
        return ""
    if FENCE in claim and not numbers:
        return "" if _code_stands(claim, packed.passages) else NO_SOURCE
    if not numbers and not _claims(claim):
        return ""
    written.claims += 1
    if not numbers:
        written.uncited += 1
        return NO_SOURCE
    support = verify(claim, [packed.passages[number - 1] for number in numbers], idf=asking.idf)
    good = support is not None and not support.reasons and holds(support, asking.read)
    for number in numbers:
        own = verify(claim, [packed.passages[number - 1]], idf=asking.idf)
        if own is not None:
            written.citations[_citation(number, own, good and holds(own, asking.read))] = None
    written.unverified += not good
    return "" if good else UNVERIFIED


def _claims(text: str) -> bool:
    """Whether a sentence says something that needs a source: not a question, a lead-in, a heading or a word or two."""
    bare = text.strip()
    if not bare or bare.endswith(("?", ":", "？", "：")) or bare.startswith("#"):
        return False
    found = content_words(bare)
    return len(found) >= CLAIM_WORDS or any(
        character.isdigit() for character in bare.lstrip("-*• 0123456789.)")
    )


def _code_stands(block: str, passages: Sequence[Passage]) -> bool:
    """Whether most lines of a code block stand word for word in a passage."""
    lines = [
        line.strip()
        for line in block.splitlines()
        if line.strip() and not line.strip().startswith(FENCE)
    ]
    known = sum(any(line in passage.text for passage in passages) for line in lines)
    return bool(lines) and 2 * known >= len(lines)


def _marked(text: str, mark: str) -> str:
    """The mark after the sentence, before its trailing white space."""
    body = text.rstrip()
    gap = "\n" if body.endswith(FENCE) else " "
    return f"{body}{gap}{mark}{text[len(body) :]}"


def _finish(
    question: str,
    passages: Sequence[Passage],
    packed: Packed,
    written: _Written,
    generator: Generator,
    asking: Asking,
) -> Answer:
    text = "".join(written.parts).strip()
    if written.broken:
        text = f"{text} {BROKEN_OFF}".strip()
        asking.say("notice", written.broken)
    citations = tuple(sorted(written.citations, key=lambda citation: citation.number))
    grade = confidence.grade(
        claims=written.claims,
        uncited=written.uncited,
        unverified=written.unverified,
        found=asking.found,
    )
    empty = not text or (written.denials > 0 and not citations)
    return Answer(
        question,
        _state(written, empty, grade),
        text or "The model gave no answer.",
        citations=citations,
        passages=packed.passages if citations else tuple(passages),
        confidence=Confidence(asking.found, grade=grade),
        provider=generator.provider,
        model=generator.name,
        context=packed.use,
        notices=_notices(packed, written),
    )


def _state(written: _Written, empty: bool, grade: str) -> State:
    """Incomplete before all; a model that wrote nothing, or only that the notes do not hold it, found nothing."""
    if written.broken:
        return "incomplete"
    if empty:
        return "not_found"
    return "unrated" if grade == "strong" else "unsure"


def _citation(number: int, support: Support, verified: bool) -> Citation:
    """A quote for one sentence: a passage cited by two sentences is listed with the words that each rests on."""
    passage = support.passage
    return Citation(number, passage.id, passage.source, support.locator, support.quote, verified)


def _notices(packed: Packed, written: _Written) -> tuple[str, ...]:
    said = list(packed.notices)
    if packed.use.passages_left_out:
        total = packed.use.passages_used + packed.use.passages_left_out
        said.append(
            f"{packed.use.passages_left_out} of {total} passages left out: no room in the model's window"
        )
    if written.invented:
        said.append(
            f"{written.invented} citation{'s' * (written.invented != 1)} to nothing removed"
        )
    if written.broken:
        said.append(written.broken)
    return tuple(said)

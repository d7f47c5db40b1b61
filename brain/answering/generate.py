"""The part of an answer that a model writes: streamed by whole sentence, each checked before anyone sees it.

A sentence that its citation does not bear out is marked, so is one without a citation; citations to nothing are dropped
and counted. The model has no tools and no network, and what it writes is treated as hostile (docs/FAULTS.md).
Leaves out choosing passages. Serves `answer`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Generator as Pieces
from dataclasses import dataclass, field, replace

from brain import confidence
from brain.answering.agreement import read_otherwise
from brain.answering.asking import Asking
from brain.answering.citations import Cited, cite, harmless, uncited
from brain.answering.claims import Checked, attributed, checked
from brain.answering.context import FIRST_TOKEN_SECONDS, RULES, Packed, pack
from brain.answering.stream import FENCE, by_sentence
from brain.answering.verify import Support, holds
from brain.errors import Incomplete
from brain.protocols import Generator
from brain.text.places import line_locator
from brain.text.question import Question
from brain.text.roles import role_at
from brain.types import Answer, Citation, Confidence, Passages, State, Texts
from ingest.words import content_words

UNVERIFIED = "[unverified]"
NO_SOURCE = "[no source]"
BROKEN_OFF = "[broke off]"
# Why a citation is not verified, where no word or figure of the sentence is wrong.
NOT_THERE = "the quote no longer stands there"
ELSEWHERE = "not all that the sentence says stands in the source"
MAX_BYTES = 64 * 1024  # of an answer; five sentences take one
MAX_REPEATS = 3  # the same sentence this often: the model is in a loop
# Content words from which a sentence claims something ("Yes." and "Summary:" do not).
CLAIM_WORDS = 3
LEADS = ("?", ":", "？", "：")  # a question, or a lead-in to what follows
_NOT_FOUND = re.compile(
    r"\bnot (?:in|found in|mentioned in|contained in|stated in|given in) "
    r"(?:your|the|these|any of the) (?:notes?|passages?|sources?|context)\b|"
    r"\b(?:notes?|passages?|sources?|context) (?:do|does) not "
    r"(?:say|mention|contain|hold|state|provide|include|specify)|"
    r"\bno (?:information|mention|answer)\b.{0,40}\b(?:notes?|passages?|sources?|context)\b",
    re.IGNORECASE,
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def generated(
    question: Question, passages: Passages, *, generator: Generator, asking: Asking
) -> Answer:
    """The model's answer over as many passages as its window holds. Raises `Unavailable` when it never began."""
    packed = pack(
        question.text,
        passages,
        window=generator.window,
        count=asking.count,
        speed=_reading_speed(generator, asking),
        previous=asking.previous,
        nonce=asking.nonce,
    )
    if packed.seconds is not None and packed.seconds > FIRST_TOKEN_SECONDS:
        asking.say(
            "notice",
            f"about {packed.seconds:,.0f} s to the first word of {generator.name}",
        )
    written = _Written(question, packed, asking)
    stream = _capped(generator.stream(packed.messages, max_tokens=packed.max_tokens))
    try:
        for sentence in by_sentence(stream):
            if written.repeats(sentence):
                written.broken = "the model repeated itself"
                break
            written.take(sentence)
    except Incomplete as error:
        written.broken = error.message
        if not written.parts and error.partial:
            written.take(error.partial)
    finally:
        stream.close()
    return written.answer(passages, generator)


def _reading_speed(generator: Generator, asking: Asking) -> float | None:
    """Prompt tokens a second; a model that was never measured reads the rules first, which it has to read anyway."""
    if asking.speed is not None:
        return asking.speed
    measured: Callable[..., float | None] | None
    measured = getattr(generator, "reading_speed", None)
    return measured(RULES) if measured else None


def _capped(stream: Iterator[str]) -> Pieces[str, None, None]:
    """The stream, cut with `Incomplete` at MAX_BYTES; the model's own iterator is closed with this one."""
    size = 0
    try:
        for chunk in stream:
            size += len(chunk.encode("utf-8", "replace"))
            if size > MAX_BYTES:
                raise Incomplete(
                    "the answer grew too long and was stopped", "ask for less"
                )
            yield _CONTROL.sub("", chunk)
    finally:
        close = getattr(stream, "close", None)
        if close:
            close()


@dataclass
class _Written:
    """What has been written so far, and what was found wrong with it: counts of sentences and of citations."""

    question: Question
    packed: Packed
    asking: Asking
    parts: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    citations: dict[Citation, None] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    uncited: int = 0
    unverified: int = 0
    invented: int = 0
    denials: int = 0
    broken: str = ""

    def repeats(self, sentence: str) -> bool:
        """Whether the model says the same again and again."""
        bare = sentence.strip()
        self.seen[bare] += 1
        often = bool(bare) and self.seen[bare] >= MAX_REPEATS
        return often and len(content_words(bare)) >= CLAIM_WORDS

    def take(self, sentence: str) -> None:
        """One sentence: cleaned, its citations read, checked, marked, and said as soon as something is cited."""
        passages = self.packed.passages
        evidence = [
            "\n".join((p.header, p.source, p.before, p.text, p.after)) for p in passages
        ]
        cited = cite(harmless(sentence, evidence), len(passages))
        self.invented += cited.invented
        if not cited.numbers:
            cited = self._attributed(cited)
        mark = self._judge(cited)
        text = cited.text
        if mark:
            text = _marked(cited.text, mark)
        self.parts.append(text)
        self.held.append(text)
        if self.citations:
            self._say_held()

    def _say_held(self) -> None:
        """Say what was held back while nothing was cited: it might have had to give way to the quotes."""
        for text in filter(str.strip, self.held):
            self.asking.say("sentence", text)
        self.held.clear()

    def _attributed(self, cited: Cited) -> Cited:
        """An uncited sentence with the citation that it deserves, where it stands on exactly one passage."""
        text = cited.text
        if FENCE in text:
            return self._code_cited(cited)
        if text.rstrip().endswith(LEADS) or _NOT_FOUND.search(text):
            return cited
        number = attributed(text, self.packed.passages, idf=self.question.idf)
        if number is None:
            return cited
        return replace(cited, text=_marked(text, f"[{number}]"), numbers=(number,))

    def _code_cited(self, cited: Cited) -> Cited:
        """A block of code with the citation of the one passage in which most of its lines stand."""
        found = []
        for number, passage in enumerate(self.packed.passages, 1):
            if _code_stands(cited.text, [passage]):
                found.append((number, passage))
        if len(found) != 1:
            return cited
        number, passage = found[0]
        held = [row for row in _code_rows(cited.text) if row in passage.text]
        start = passage.text.index(held[0])
        end = start + len(held[0])
        verified = self.asking.read(passage.id, start, end) == held[0]
        where = line_locator(passage.locator, passage.text, start)
        role = role_at(passage, start)
        citation = Citation(
            number, passage.id, passage.source, where, held[0], verified, role.path
        )
        self.citations[citation] = None
        return replace(cited, text=_marked(cited.text, f"[{number}]"))

    def _judge(self, cited: Cited) -> str:
        """The mark that a sentence deserves, "" for none."""
        if cited.numbers:
            self.claims += 1
            return "" if self._verified(cited) else UNVERIFIED
        claim = uncited(cited.text)
        if _NOT_FOUND.search(claim):
            self.denials += 1
            return ""
        if FENCE in claim:
            if _code_stands(claim, self.packed.passages):
                return ""
            return NO_SOURCE
        if not _claims(claim):
            return ""
        self.claims += 1
        self.uncited += 1
        return NO_SOURCE

    def _verified(self, cited: Cited) -> bool:
        """Whether each citation of a sentence bears it out; each is listed with the words that it rests on."""
        found = checked(cited.text, self.packed.passages, idf=self.question.idf)
        every = {one.number for one in found}.issuperset(cited.numbers)
        for one in found:
            reason = self._wrong_with(cited, one)
            self.citations[_citation(one.number, one.support, reason)] = None
            every = every and not reason
        self.unverified += not every
        return every

    def _wrong_with(self, cited: Cited, one: Checked) -> str:
        """Why a citation does not bear out its sentence, "" where it does."""
        if not one.good:
            return "; ".join(one.support.reasons) or ELSEWHERE
        if not holds(one.support, self.asking.read):
            return NOT_THERE
        return read_otherwise(
            self.question,
            uncited(cited.text),
            self.packed.passages[one.number - 1],
            uncited("".join(self.parts)),
        )

    def answer(self, passages: Passages, generator: Generator) -> Answer:
        """The whole answer, with what must be said of it."""
        text = "".join(self.parts).strip()
        if self.broken:
            self._say_held()
            text = f"{text} {BROKEN_OFF}".strip()
            self.asking.say("notice", self.broken)
        citations = tuple(sorted(self.citations, key=lambda citation: citation.number))
        found = self.asking.found
        grade = confidence.grade(
            claims=self.claims,
            uncited=self.uncited,
            unverified=self.unverified,
            found=found,
        )
        denied = self.denials > 0 and not citations
        return Answer(
            self.question.text,
            self._state(denied, grade),
            text,
            citations=citations,
            passages=self.packed.passages if citations else tuple(passages),
            confidence=Confidence(found, grade=grade),
            provider=generator.provider,
            model=generator.name,
            context=self.packed.use,
            notices=self._notices(),
        )

    def _state(self, denied: bool, grade: str) -> State:
        """Incomplete before all; a model that wrote only that the notes do not hold it found nothing."""
        if self.broken:
            return "incomplete"
        if denied:
            return "not_found"
        return "unrated" if grade == "strong" else "unsure"

    def _notices(self) -> Texts:
        said = list(self.packed.notices)
        left_out = self.packed.use.passages_left_out
        if left_out:
            total = self.packed.use.passages_used + left_out
            said.append(f"{left_out} of {total} passages left out: {self.packed.limit}")
        if self.invented:
            plural = "s" if self.invented > 1 else ""
            said.append(f"{self.invented} citation{plural} to nothing removed")
        if self.broken:
            said.append(self.broken)
        return tuple(said)


def _citation(number: int, support: Support, reason: str) -> Citation:
    """A quote for one sentence: a passage cited by two sentences is listed with the words that each rests on. `reason`:
    why it does not bear it out, "" where it does.
    """
    passage = support.passage
    role = role_at(passage, support.start)
    return Citation(
        number,
        passage.id,
        passage.source,
        support.locator,
        support.quote,
        verified=not reason,
        heading=role.path,
        columns=role.columns,
        reason=reason,
    )


def _claims(text: str) -> bool:
    """Whether a sentence says something that needs a source: not a question, a lead-in, a heading or a word or two."""
    bare = text.strip()
    if not bare or bare.endswith(LEADS) or bare.startswith("#"):
        return False
    if len(content_words(bare)) >= CLAIM_WORDS:
        return True
    return any(map(str.isdigit, bare.lstrip("-*• 0123456789.)")))


def _code_rows(block: str) -> list[str]:
    """The lines of a code block that say something."""
    stripped = [line.strip() for line in block.splitlines()]
    return [line for line in stripped if line and not line.startswith(FENCE)]


def _code_stands(block: str, passages: Passages) -> bool:
    """Whether most lines of a code block stand word for word in a passage."""
    rows = _code_rows(block)
    known = sum(any(row in passage.text for passage in passages) for row in rows)
    return bool(rows) and 2 * known >= len(rows)


def _marked(text: str, mark: str) -> str:
    """The mark after the sentence, before its trailing white space."""
    body = text.rstrip()
    gap = "\n" if body.endswith(FENCE) else " "
    return f"{body}{gap}{mark}{text[len(body) :]}"

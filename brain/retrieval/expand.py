"""Other words for a question, by a local model: terms to look up, the same asked otherwise, a note as it might read.

Each kind goes to the ranking it is made for (terms to the words, sentences to the vectors), and what they find is fused
with what the question itself found, which weighs twice. Off the hot path: runs only where it was asked for, and not
when the first look is sure. Leaves out the model and the searching, which are handed in, and the confidence, which is
the question's own. Sources: typed expansion as in qmd; hypothetical documents, Gao et al. 2022 (HyDE).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from brain import prompts
from brain.errors import BrainError
from brain.prompts import NONCE_BYTES, neutral
from brain.protocols import Generator
from brain.types import ModelStep, Passage
from ingest.terms import tokens

Kind = Literal["lex", "vec", "hyde"]

LEX_LISTS = 2  # lists of other words; with one sentence and one note four queries at most
LEX_CHARS, SENTENCE_CHARS = 80, 400  # of one query: longer ones are a model that talks
QUESTION_CHARS = 2_000  # of a question that are rephrased
REPLY_TOKENS = 220  # that the model may write: four queries take about 120
OWN_SHARE = (
    2 / 3
)  # of the question itself: twice what all other words weigh together (qmd doubles it too)
STRONG_FOUND = 0.7  # of `found`, from which other words have little to add: half of the SQuAD questions reach it, and
# the first passage is right for 94 % of those; 1 in 10 of the code questions does, where it is right for 65 %
POOL = 40  # passages of each ranking that are fused

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "lex": {"type": "array", "items": {"type": "string"}, "maxItems": LEX_LISTS},
        "vec": {"type": "string"},
        "hyde": {"type": "string"},
    },
    "required": ["lex", "vec"],
}


@dataclass(frozen=True, slots=True)
class Expansion:
    """One more query. `kind`: "lex" for the words, "vec" and "hyde" for the vectors."""

    kind: Kind
    text: str


def expand(
    question: str, *, generator: Generator, clock: Callable[[], float] = time.monotonic
) -> tuple[list[Expansion], ModelStep]:
    """At most LEX_LISTS + 2 further queries, and what happened. Never raises for the model: then there are none."""
    began = clock()
    step = ModelStep("expand", "failed", generator.name)
    try:
        reply = "".join(
            generator.stream(_messages(question), max_tokens=REPLY_TOKENS, schema=SCHEMA)
        )
    except BrainError as error:
        return [], replace(step, seconds=clock() - began, reason=error.message)
    found = read(reply, question)
    step = replace(step, seconds=clock() - began)
    if found is None:
        return [], replace(step, reason="the model did not answer in the form that was asked for")
    if not found:
        return [], replace(step, state="ran", reason="the model had no other words for it")
    return found, replace(step, state="ran", queries=tuple((one.kind, one.text) for one in found))


def read(reply: str, question: str) -> list[Expansion] | None:
    """The queries in a model's reply, None when it is no JSON object with them. Everything is cut, cleaned and counted.

    >>> read('{"lex": ["tenancy term"], "vec": "How long may I stay?"}', "when does the lease end")
    [Expansion(kind='lex', text='tenancy term'), Expansion(kind='vec', text='How long may I stay?')]
    """
    try:
        said = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not any(name in said for name in ("lex", "vec", "hyde")):
        return None
    lists = said.get("lex")
    texts: list[tuple[Kind, Any]] = [
        ("lex", one) for one in (lists if isinstance(lists, list) else [lists])[:LEX_LISTS]
    ]
    texts += [("vec", said.get("vec")), ("hyde", said.get("hyde"))]
    found: list[Expansion] = []
    known = {tuple(tokens(question))}
    for kind, text in texts:
        clean = _clean(text, LEX_CHARS if kind == "lex" else SENTENCE_CHARS)
        words = tuple(tokens(clean))
        if words and words not in known:
            known.add(words)
            found.append(Expansion(kind, clean))
    return found


def fuse(
    own: Sequence[Passage], others: Sequence[tuple[Kind, Sequence[Passage]]]
) -> tuple[Passage, ...]:
    """One ranking of all, best first: OWN_SHARE * 2 / (1 + rank) by the question, and the rest, in equal parts, by the
    best rank among the lists of other words and by the best among the sentences.

    So what one kind alone finds first comes seventh, what both do third, and no odd rephrasing takes the first place;
    reciprocal ranks with the usual k = 60 are so flat that two odd ones do. A passage keeps the score that the question
    gave it; one that only other words found says so (`explain` "rephrased"). A copy that a newer passage stands for is
    left out.
    """
    passages: dict[str, Passage] = {}
    ranked: dict[str, dict[str, int]] = {}
    for group, ranking in (
        ("own", own),
        *(("lex" if kind == "lex" else "meaning", found) for kind, found in others),
    ):
        ranks = ranked.setdefault(group, {})
        for place, passage in enumerate(ranking, 1):
            passages.setdefault(passage.id, passage)
            ranks[passage.id] = min(place, ranks.get(passage.id, place))
    shares = {group: (1 - OWN_SHARE) / max(1, len(ranked) - 1) for group in ranked} | {
        "own": OWN_SHARE
    }
    worth = {
        key: sum(
            shares[group] * 2 / (1 + ranks[key]) for group, ranks in ranked.items() if key in ranks
        )
        for key in passages
    }
    asked = ranked["own"]
    stood_for = {source for passage in passages.values() for source in passage.versions}
    order = sorted(
        passages, key=lambda key: -round(worth[key], 9)
    )  # equal ones: the question's own first
    fused = (_said(passages[key], worth[key], rephrased=key not in asked) for key in order)
    return tuple(
        passage for passage in fused if passage.id in asked or passage.source not in stood_for
    )


def _said(passage: Passage, worth: float, *, rephrased: bool) -> Passage:
    ranks = {"lexical": None, "dense": None} if rephrased else passage.ranks
    explain = {"rephrased": 1.0} if rephrased else dict(passage.explain)
    return replace(passage, ranks=ranks, explain=explain | {"fused_ranks": worth})


def _messages(question: str) -> list[dict[str, str]]:
    nonce = secrets.token_hex(NONCE_BYTES)
    asked = neutral(question[:QUESTION_CHARS])
    return [
        {"role": "system", "content": prompts.EXPAND_SYSTEM.format(nonce=nonce, lex=LEX_LISTS)},
        {"role": "user", "content": prompts.EXPAND_USER.format(nonce=nonce, question=asked)},
    ]


def _clean(text: object, most: int) -> str:
    """A query on one line, without unseen characters, no longer than it may be; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    seen = "".join(
        character if character.isprintable() else " " for character in neutral(text[: most * 4])
    )
    return " ".join(seen.split())[:most].strip()

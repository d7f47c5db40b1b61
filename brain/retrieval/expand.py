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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from brain import prompts
from brain.errors import BrainError
from brain.prompts import NONCE_BYTES, neutral
from brain.protocols import Clock, Generator
from brain.types import ModelStep, Passage, Passages
from ingest.terms import tokens

Kind = Literal["lex", "vec", "hyde"]

# Lists of other words; with one sentence and one note four queries at most.
LEX_LISTS = 2
# Characters of one query; longer ones are a model that talks.
LEX_CHARS = 80
SENTENCE_CHARS = 400
QUESTION_CHARS = 2_000  # of a question that are rephrased
REPLY_TOKENS = 220  # that the model may write: four queries take about 120
# Of the question itself: twice what all other words weigh together (qmd doubles it too).
OWN_SHARE = 2 / 3
# Of `found`, from which other words have little to add: half of the SQuAD questions reach it, and the first passage is
# right for 94 % of those; 1 in 10 of the code questions does, where it is right for 65 %.
STRONG_FOUND = 0.7
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


class Expansion(NamedTuple):
    """One more query. `kind`: "lex" for the words, "vec" and "hyde" for the vectors."""

    kind: Kind
    text: str


def expand(
    question: str, *, generator: Generator, clock: Clock = time.monotonic
) -> tuple[list[Expansion], ModelStep]:
    """At most LEX_LISTS + 2 further queries, and what happened. Never raises for the model: then there are none."""
    began = clock()
    found: list[Expansion] | None = None
    reason = "the model did not answer in the form that was asked for"
    messages = _messages(question)
    try:
        pieces = generator.stream(messages, max_tokens=REPLY_TOKENS, schema=SCHEMA)
        reply = "".join(pieces)
    except BrainError as error:
        reason = error.message
    else:
        found = read(reply, question)
    seconds = clock() - began
    step = ModelStep("expand", "failed", generator.name, seconds, reason)
    if found is None:
        return [], step
    reason = "" if found else "the model had no other words for it"
    return found, replace(
        step,
        state="ran",
        reason=reason,
        queries=tuple(found),
    )


def read(reply: str, question: str) -> list[Expansion] | None:
    """The queries in a model's reply, None when it is no JSON object with them. Everything is cut, cleaned and counted.

    >>> read('{"lex": ["tenancy term"], "vec": "How long may I stay?"}', "when does the lease end")
    [Expansion(kind='lex', text='tenancy term'), Expansion(kind='vec', text='How long may I stay?')]
    """
    try:
        said = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.keys().isdisjoint(("lex", "vec", "hyde")):
        return None
    lists = [said.get("lex")]
    if isinstance(lists[0], list):
        lists = lists[0][:LEX_LISTS]
    texts: list[tuple[Kind, object]] = [("lex", words) for words in lists]
    texts.append(("vec", said.get("vec")))
    texts.append(("hyde", said.get("hyde")))
    found = []
    known = {tuple(tokens(question))}
    for kind, text in texts:
        most = LEX_CHARS if kind == "lex" else SENTENCE_CHARS
        clean = _clean(text, most)
        words = tuple(tokens(clean))
        if words and words not in known:
            known.add(words)
            found.append(Expansion(kind, clean))
    return found


def fuse(own: Passages, others: Sequence[tuple[Kind, Passages]]) -> tuple[Passage, ...]:
    """One ranking of all, best first: OWN_SHARE * 2 / (1 + rank) by the question, and the rest, in equal parts, by the
    best rank among the lists of other words and by the best among the sentences.

    So what one kind alone finds first comes seventh, what both do third, and no odd rephrasing takes the first place;
    reciprocal ranks with the usual k = 60 are so flat that two odd ones do. A passage keeps the score that the question
    gave it; one that only other words found says so (`explain` "rephrased"). A copy that a newer passage stands for is
    left out.
    """
    passages: dict[str, Passage] = {}
    ranked: dict[str, dict[str, int]] = {"own": {}}
    rankings = [("own", own)]
    for kind, found in others:
        group = "lex" if kind == "lex" else "meaning"
        rankings.append((group, found))
    for group, ranking in rankings:
        ranks = ranked.setdefault(group, {})
        for place, passage in enumerate(ranking, 1):
            passages.setdefault(passage.id, passage)
            ranks[passage.id] = min(place, ranks.get(passage.id, place))
    worth = {key: _worth(key, ranked) for key in passages}
    asked = ranked["own"]
    stood_for = {source for passage in passages.values() for source in passage.versions}
    fused = []
    # Rounded, so that equal ones stay in the question's own order.
    for key in sorted(passages, key=lambda key: -round(worth[key], 9)):
        passage = passages[key]
        rephrased = key not in asked
        if rephrased and passage.source in stood_for:
            continue
        scored = _explained(passage, worth[key], rephrased=rephrased)
        fused.append(scored)
    return tuple(fused)


def _worth(key: str, ranked: Mapping[str, Mapping[str, int]]) -> float:
    """The score of a passage by its ranks in the groups of rankings."""
    other_share = (1 - OWN_SHARE) / max(1, len(ranked) - 1)
    worth = 0.0
    for group, ranks in ranked.items():
        if key in ranks:
            share = OWN_SHARE if group == "own" else other_share
            worth += share * 2 / (1 + ranks[key])
    return worth


def _explained(passage: Passage, worth: float, *, rephrased: bool) -> Passage:
    """The passage with its fused score; the ranks of one that only other words found are not the question's."""
    if not rephrased:
        own = {**passage.explain, "fused_ranks": worth}
        return replace(passage, explain=own)
    ranks = {"lexical": None, "dense": None}
    other = {"rephrased": 1.0, "fused_ranks": worth}
    return replace(passage, ranks=ranks, explain=other)


def _messages(question: str) -> list[dict[str, str]]:
    nonce = secrets.token_hex(NONCE_BYTES)
    asked = neutral(question[:QUESTION_CHARS])
    rules = prompts.EXPAND_SYSTEM.format(lex=LEX_LISTS)
    said = prompts.EXPAND_USER.format(nonce=nonce, question=asked)
    return [
        {"role": "system", "content": rules},
        {"role": "user", "content": said},
    ]


def _clean(text: object, most: int) -> str:
    """A query on one line, without unseen characters, no longer than it may be; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    seen = []
    for character in neutral(text[: most * 4]):
        seen.append(character if character.isprintable() else " ")
    words = "".join(seen).split()
    return " ".join(words)[:most].strip()

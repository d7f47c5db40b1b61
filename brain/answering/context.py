"""Packs passages into a prompt: neutralised, fenced with a nonce, numbered, and no larger than the model can take.

Two limits hold: the model's real window, and the time to the first word at the measured reading speed. Whole passages
are left out, lowest first, and counted; a passage is cut only when not even the first one fits. Neighbours come in
last, while there are tokens left. Leaves out the choice of passages. Serves `answer`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from brain import prompts
from brain.prompts import NONCE_BYTES, neutral
from brain.types import ContextUse, Passage, Passages, Texts
from ingest.sentences import sentences

MAX_QUESTION = 8_000  # characters; the rest is a pasted text, not a question
# Tokens kept free for the answer: five sentences with their citations take about 200.
ANSWER_TOKENS = 512
ANSWER_SHARE = 0.25  # of a small window
# Seconds to the first word of a model; sources are shown at once (docs/RETRIEVAL.md, "Answers").
FIRST_TOKEN_SECONDS = 10.0
# Tokens: a slower machine waits longer, for one passage and the rules must be read.
LEAST_TOKENS = 600
SOME_NONCE = "0" * 2 * NONCE_BYTES  # as long as a real one, for counting
MESSAGE_TOKENS = 16  # tokens: what a chat template adds around two messages
COUNT_MARGIN = (
    1.15  # cl100k counts against a Llama or Qwen tokenizer: up to 15 % apart on prose
)

# Why no more passages are in a prompt.
NO_ROOM = "no room in the model's window"
SLOW = "with more, the model would need over 10 s here before its first word"

Message = dict[str, str]
# The head of every prompt, the same to the letter, so that a server need not read it again.
RULES: tuple[Message, ...] = (
    {
        "role": "system",
        "content": prompts.ANSWER_SYSTEM.format(not_found=prompts.NOT_FOUND),
    },
)

Count = Callable[[str], int]  # a text -> its tokens


@dataclass(frozen=True, slots=True)
class Packed:
    """The messages, the passages in them by number (1 is `passages[0]`), what they fill, and what was cut.

    `limit`: why no more passages are in it. `seconds`: to the first word, as far as it is known.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    use: ContextUse
    max_tokens: int
    notices: Texts = ()
    limit: str = ""
    seconds: float | None = None


def pack(
    question: str,
    passages: Passages,
    *,
    window: int,
    count: Count,
    speed: float | None = None,
    previous: str = "",
    nonce: str = "",
) -> Packed:
    """As many passages as fit, in order. `speed`: prompt tokens a second; None when not measured. The rules at the head
    cost no time: the server has read them before. `nonce`: the code of the fences, "" for a new one.

    `tokens` of the result is an upper estimate of ours; the server's own count is compared with it elsewhere.
    """
    nonce = nonce or secrets.token_hex(NONCE_BYTES)
    notices = []
    if len(question) > MAX_QUESTION:
        question = question[:MAX_QUESTION]
        notices.append(f"the question was cut to its first {MAX_QUESTION:,} characters")
    answer_tokens = min(ANSWER_TOKENS, int(window * ANSWER_SHARE))

    def size(text: str) -> int:
        return int(count(text) * COUNT_MARGIN) + 1

    def filled(messages: list[Message]) -> int:
        """The tokens of a whole prompt."""
        return sum(size(message["content"]) for message in messages) + MESSAGE_TOKENS

    known = sum(size(message["content"]) for message in RULES)
    most = _budget(window - answer_tokens, speed, known)
    budget = most - filled(_messages(question, [], nonce, previous))
    used, left = _fill(passages, budget, size)
    if not used and passages:
        used = _cut(passages[0], budget, size)
        left = 0
        notices.append("the first passage was cut to fit the model's window")
    widened = _widen(used, left, size)
    messages = _messages(question, widened, nonce, previous)
    use = ContextUse(filled(messages), window, len(used), len(passages) - len(used))
    return Packed(
        tuple(messages),
        tuple(widened),
        use,
        answer_tokens,
        tuple(notices),
        limit=NO_ROOM if speed is None or most == window - answer_tokens else SLOW,
        seconds=(use.tokens - known) / speed if speed else None,
    )


def _budget(room: int, speed: float | None, known: int) -> int:
    """Tokens for the whole prompt: what the window leaves (`room`), and what is read in FIRST_TOKEN_SECONDS beside what
    is `known`.
    """
    if speed is None:
        return room
    in_time = int(speed * FIRST_TOKEN_SECONDS) + known
    return min(room, max(LEAST_TOKENS, in_time))


def _fill(passages: Passages, left: int, size: Count) -> tuple[list[Passage], int]:
    """The passages that fit, in their order, without neighbours; and the tokens left."""
    used = []
    for passage in passages:
        alone = replace(passage, before="", after="")
        need = size(_note(alone, len(passages), SOME_NONCE))
        if need <= left:
            used.append(passage)
            left -= need
    return used, left


def _widen(used: Passages, left: int, size: Count) -> list[Passage]:
    """The neighbouring texts of each passage while tokens are left, the best passage first; else without them."""
    widened = []
    for passage in used:
        need = size(passage.before) + size(passage.after) + MESSAGE_TOKENS
        if (passage.before or passage.after) and need <= left:
            left -= need
            widened.append(passage)
        else:
            widened.append(replace(passage, before="", after=""))
    return widened


def _cut(passage: Passage, left: int, size: Count) -> list[Passage]:
    """The passage with as many of its first sentences as fit, [] when not even one does."""
    found: list[Passage] = []
    for sentence in sentences(passage.text):
        shorter = replace(
            passage,
            text=passage.text[: sentence.end],
            end=passage.start + sentence.end,
            before="",
            after="",
        )
        if size(_note(shorter, 1, SOME_NONCE)) > left:
            break
        found = [shorter]
    return found


def _note(passage: Passage, number: int, nonce: str) -> str:
    return prompts.NOTE.format(
        nonce=nonce,
        number=number,
        header=neutral(passage.header or passage.source),
        text=prompts.with_neighbours(passage.before, passage.text, passage.after),
    )


def _messages(
    question: str, used: Passages, nonce: str, previous: str
) -> list[Message]:
    notes = "\n".join(
        _note(passage, number, nonce) for number, passage in enumerate(used, 1)
    )
    before = ""
    if previous:
        before = prompts.PREVIOUS.format(question=neutral(previous[:MAX_QUESTION]))
    user = prompts.ANSWER_USER.format(
        nonce=nonce, notes=notes, previous=before, question=neutral(question)
    )
    return [*RULES, {"role": "user", "content": user}]

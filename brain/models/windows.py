"""How many tokens a text is to a model whose tokenizer we do not have, and how to cut it into windows that fit.

Two estimates, each wrong on its safe side: `ceiling` for cutting (seldom too low) and `floor` for the alarm that a
server dropped part of a prompt (seldom too high). Leaves out exact counts: the server has the last word, and its
refusal halves a window. Measured against all-MiniLM's own count on six evaluation sets: it exceeds `ceiling` in 0-1.5 %
of English texts, 14 % of code (1.25 times at most), 21 % over twelve languages; no window of 250 came out over 254
tokens but 0.9 % of the twelve languages'.
"""

from __future__ import annotations

import math
import re

PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\x00-\x7f]+|[^\sA-Za-z0-9]")
SPACED = re.compile(r"\s*\S+\s*?")
WHOLE_WORD = 6  # letters of a word that is usually one token; measured, see above
WORD_STEP = 4  # letters per further token
DIGIT_STEP = 2  # digits per token
# Tokens per character outside ASCII, at most: Arabic and Hindi under an English WordPiece.
FOREIGN = 1.5
MARGIN = 1.1  # over the count of ASCII pieces

# Tokens per character: English under Llama 3, Qwen and WordPiece has 4.2-5.2 characters a token.
FLOOR_ASCII = 0.2
FLOOR_WIDE = 0.55  # tokens per character of Chinese, Japanese, Korean: 1.5-1.8 characters per token
FLOOR_OTHER = 0.28  # tokens per character of other scripts (Cyrillic, Greek, accents)
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
MESSAGE_TOKENS = 3  # around every message; templates of Llama and Qwen add 3-6


def sendable(text: str) -> str:
    """The text as UTF-8 can carry it: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def ceiling(text: str) -> int:
    """Tokens that the text will seldom exceed, whatever the model."""
    return math.ceil(_weight(text))


def _weight(text: str) -> float:
    plain = 0
    foreign = 0
    for piece in PIECE.findall(text):
        if not piece.isascii():
            foreign += len(piece)
        elif piece.isalpha():
            beyond = max(0, len(piece) - WHOLE_WORD)
            plain += 1 + math.ceil(beyond / WORD_STEP)
        else:
            plain += math.ceil(len(piece) / DIGIT_STEP)
    return plain * MARGIN + foreign * FOREIGN


def floor(text: str) -> int:
    """Tokens that the text will seldom stay under."""
    wide = len(WIDE.findall(text))
    ascii_count = sum(map(str.isascii, text))
    other = len(text) - wide - ascii_count
    tokens = ascii_count * FLOOR_ASCII + wide * FLOOR_WIDE + other * FLOOR_OTHER
    return math.floor(tokens)


def split(text: str, budget: int) -> list[str]:
    """Cut into the fewest windows of about equal size, each at most `budget` tokens by `ceiling`; nothing is lost.

    >>> split("one two three four", 100), split("one two three four", 3)
    (['one two three four'], ['one two', ' three four'])
    """
    total = _weight(text)
    if total <= budget:
        return [text]
    count = math.ceil(total / budget)
    windows: list[str] = []
    current = ""
    used = 0.0
    for word in _words(text, budget):
        weight = _weight(word)
        over = used + weight > budget
        # Equal windows, because a short tail would weigh as much in the average as a full one.
        long_enough = used + weight / 2 > total / count
        is_last = len(windows) >= count - 1
        if current and (over or (long_enough and not is_last)):
            windows.append(current)
            current = ""
            used = 0.0
        current += word
        used += weight
    windows.append(current)
    return windows


def cut_in_two(text: str) -> tuple[str, str]:
    """The text in two, cut at the space nearest to its middle."""
    middle = len(text) // 2
    spaces = (text.find(" ", middle), text.rfind(" ", 0, middle))
    usable = [at for at in spaces if at > 0]
    cut = min(usable, key=lambda at: abs(at - middle), default=middle)
    return text[:cut], text[cut:]


def _words(text: str, budget: int) -> list[str]:
    """Words with the space before them; one over the budget (base64, Chinese) in pieces of a safe length."""
    step = max(1, int(budget / FOREIGN))
    words: list[str] = []
    end = 0
    for match in SPACED.finditer(text):
        word = match[0]
        end = match.end()
        if _weight(word) <= budget:
            words.append(word)
            continue
        for start in range(0, len(word), step):
            words.append(word[start : start + step])
    rest = text[end:]
    if rest:
        words.append(rest)
    return words

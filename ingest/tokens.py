"""Counts tokens with tiktoken's cl100k_base, built from the table shipped in `ingest/data` and never downloaded.

Leaves out encoding to ids for a model: the count is a budget measure only, the same for every embedder. Markers such as
`<|endoftext|>` are ordinary text here. Serves the chunker and whoever packs a prompt.
"""

from __future__ import annotations

import binascii
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import UnreadableFile

if TYPE_CHECKING:
    from tiktoken import Encoding

TABLE = Path(__file__).parent / "data" / "cl100k_base.tiktoken"
TABLE_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"  # the value tiktoken itself expects
# How cl100k_base cuts a text into words before merging: tiktoken 0.14, tiktoken_ext/openai_public.py.
WORDS = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
WORD_CHARS = 32  # up to here a text is taken for a word
WORDS_KNOWN = 8_192  # words whose tokens are remembered, about 1 MB


@lru_cache(maxsize=1)
def encoding() -> Encoding:
    """The encoding, loaded once (about 0.1 s). Raises UnreadableFile when the shipped table is damaged."""
    from tiktoken import Encoding

    table = TABLE.read_bytes()
    if hashlib.sha256(table).hexdigest() != TABLE_SHA256:
        raise UnreadableFile(
            "the token table of this installation is damaged",
            "install the package again",
        )
    words = table.split()  # a token and its rank by turns
    tokens = map(binascii.a2b_base64, words[::2])
    ranks = dict(zip(tokens, map(int, words[1::2]), strict=True))
    return Encoding(
        "cl100k_base", pat_str=WORDS, mergeable_ranks=ranks, special_tokens={}
    )


def count_tokens(text: str) -> int:
    """How many cl100k_base tokens the text has. Linear in its length (a million `a`: 0.45 s), lone surrogates
    allowed."""
    if len(text) <= WORD_CHARS:
        return _count_word(text)
    return len(encoding().encode_ordinary(text))


@lru_cache(maxsize=WORDS_KNOWN)
def _count_word(text: str) -> int:
    """A line without an end is counted word by word, and words come again."""
    return len(encoding().encode_ordinary(text))

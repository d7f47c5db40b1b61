"""The words by which the chunks of one document are found: their own, and those of what stands beside a short one.

What a word is says `ingest.terms`. Leaves out storing them. Serves the store, and the migrations that make them anew
when the rules change.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.terms import index_terms

SHORT_TOKENS = 60  # a chunk under this many tokens is read together with its neighbours
NEIGHBOURS = 2  # chunks on each side of a short one (benchmarks/RETRIEVAL.md)


def searchable(
    texts: Sequence[str], aliases: Sequence[str], names: Sequence[str] = ()
) -> list[str]:
    """The terms of each chunk of a document. Its other names, and what of its place, tags and properties does not stand
    in its text, stand with the first, so that it is found by them.
    """
    terms = [index_terms(text) for text in texts]
    if not terms:
        return terms
    added = list(aliases)
    if names:
        whole = "\n".join(texts).casefold()
        for name in names:
            if name.casefold() not in whole:
                added.append(name)
    if added:
        named = index_terms(" ".join(added))
        terms[0] += f"\n{named}"
    return terms


def around(lengths: Sequence[int], terms: Sequence[str], i: int) -> str:
    """What stands beside a short chunk, as searchable terms; nothing for a chunk that is long enough by itself.

    `lengths`: of the document's chunks, in tokens.
    """
    if lengths[i] >= SHORT_TOKENS:
        return ""
    first = max(i - NEIGHBOURS, 0)
    end = min(i + NEIGHBOURS + 1, len(lengths))
    beside = []
    for j in range(first, end):
        is_short = lengths[j] < SHORT_TOKENS
        if j != i and is_short:
            beside.append(terms[j])
    return "\n".join(beside)

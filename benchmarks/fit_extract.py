"""Fit the extractive answerer's coefficients, and measure it and the verification of citations.

    python -m benchmarks.fit_extract --sets ../shared/eval --models ../shared/models --stores .stores --vectors .vectors

A conditional logit over the sentences of the first five passages of every answerable question of squad_dev and ans_dev
(McFadden 1974): a sentence is right when it stands in the relevant passage and holds an answer string. Judged with whole
articles left out, over passages that the product's own `retrieve` found, and given the relevant paragraph alone. The
verification is judged on sentences of squad_dev with swapped citations and changed figures. Leaves out the heads of
brain/confidence.py (fit_confidence.py).
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks import evalset
from benchmarks.confidence_rows import Row, rows
from benchmarks.fit_confidence import folds
from benchmarks.minilm import MiniLM
from brain.answering.extract import (
    COEFFICIENTS,
    ENOUGH,
    LEAST,
    MAX_QUOTES,
    MAX_SENTENCES,
    headers_of,
)
from brain.answering.features import Seen, sentence_features
from brain.answering.verify import verify
from brain.models.builtin import BuiltinEmbedder
from brain.text import Question, sheet
from brain.text.roles import roles_of_each
from brain.types import Passage
from ingest.sentences import sentences
from ingest.terms import tokens
from ingest.words import _NUMBER, numbers

RIDGE = 1.0
NAMES = tuple(COEFFICIENTS)
CLAIMS = 700  # sentences and questions drawn for the verification
DROPPED = 0.15  # share of the lower-case words that a shortened sentence loses
LEAST_WORDS = 6  # of a sentence that is taken for a claim
SEED = 0


class Candidates:
    """The sentences of one question: features, whether each is right, whether it holds an answer, and lengths."""

    def __init__(
        self, row: Row, passages: Sequence[Passage], builtin: BuiltinEmbedder
    ) -> None:
        self.row = row
        question = Question(row.question, row.idf)
        target = builtin.embed_query(row.question)
        features, self.holds, self.right, self.lengths, self.of = [], [], [], [], []
        read = [sheet(passage.text).statements[:MAX_SENTENCES] for passage in passages]
        known = roles_of_each(passages, read)
        headers = headers_of(passages, known)
        seen = []
        for statements, above, parts in zip(read, headers, known, strict=True):
            texts = [statement.text for statement in statements]
            cosines = (
                (builtin.embed_documents(texts) @ target).tolist() if texts else []
            )
            rows = [bool(role.columns) for role in parts]
            seen.append(list(map(Seen, statements, above, cosines, rows)))
        found_in_each = sentence_features(question, seen)
        for rank, (passage, found) in enumerate(
            zip(passages, found_in_each, strict=True)
        ):
            texts = [statement.text for statement in read[rank]]
            for text, one in zip(texts, found, strict=True):
                features.append([one[name] for name in NAMES])
                holds = any(answer in text for answer in row.answers)
                self.holds.append(holds)
                self.right.append(holds and rank == max(row.gold, 0))
                self.lengths.append(len(text))
                self.of.append(len(passage.text))
        self.x = np.array(features)


def fit(items: Sequence[Candidates]) -> Any:
    """The coefficients that make a right sentence most probable among all of its question."""
    usable = [item for item in items if any(item.right) and not all(item.right)]
    x = np.concatenate([item.x for item in usable])
    y = np.concatenate([np.array(item.right, float) for item in usable])
    which = np.repeat(np.arange(len(usable)), [len(item.x) for item in usable])

    def loss(w: Any) -> tuple[float, Any]:
        scores = x @ w
        top = np.full(len(usable), -np.inf)
        np.maximum.at(top, which, scores)
        power = np.exp(scores - top[which])
        whole, good = np.bincount(which, power), np.bincount(which, power * y)
        cost = (np.log(whole) - np.log(good)).sum() + RIDGE * (w**2).sum() / 2
        return float(cost), x.T @ (
            power / whole[which] - power * y / good[which]
        ) + RIDGE * w

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


def chosen(item: Candidates, w: Any) -> list[int]:
    """The sentences that `extract` would quote."""
    scores = item.x @ w
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    taken: list[int] = []
    for place in np.argsort(-scores)[:MAX_QUOTES]:
        if taken and (shares[taken].sum() >= ENOUGH or shares[place] < LEAST):
            break
        taken.append(int(place))
    return taken


def judge(title: str, items: Sequence[Candidates]) -> None:
    """How often the first one, two, three sentences hold an answer, on articles left out; and what is quoted."""
    best, quoted, share = np.zeros(MAX_QUOTES), [], []
    for gone in folds([item.row for item in items]):
        w = fit([item for item in items if item.row.group not in gone])
        for item in items:
            if item.row.group in gone:
                order = np.argsort(-(item.x @ w))
                best += [
                    any(item.holds[i] for i in order[: n + 1])
                    for n in range(MAX_QUOTES)
                ]
                taken = chosen(item, w)
                quoted.append(any(item.holds[i] for i in taken))
                share.append(
                    min(1.0, sum(item.lengths[i] for i in taken) / item.of[taken[0]])
                )
    one, two, three = best / len(items)
    print(
        f"{title}: {len(items)} questions; one sentence {one:.3f}, two {two:.3f}, three {three:.3f}; "
        f"as quoted {np.mean(quoted):.3f} with {np.mean(share):.1%} of the paragraph's characters"
    )


def changed(text: str, dice: random.Random) -> str | None:
    """The text with one digit of one figure changed, None when it has no figure."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    figure = dice.choice(found)
    place = dice.choice(
        [i for i in range(figure.start(), figure.end()) if text[i].isdigit()]
    )
    other = (
        text[:place]
        + dice.choice([d for d in "123456789" if d != text[place]])
        + text[place + 1 :]
    )
    return other if numbers(other) != numbers(text) else None


def shortened(text: str, dice: random.Random) -> str:
    """The text without some of its lower-case words; negations stay."""
    return " ".join(
        word
        for word in text.split()
        if not word.islower()
        or dice.random() > DROPPED
        or re.fullmatch(r"not?|never|neither|nor|nothing", word)
    )


def claims(folder: Path) -> Iterator[tuple[str, str, Passage]]:
    """(kind, sentence, the passage it cites) from a set of paragraphs."""
    dice = random.Random(SEED)
    corpus = evalset.rows(folder / "corpus.jsonl")
    passages = [
        Passage(
            r["doc_id"],
            r["doc_id"],
            r["doc_id"],
            "L1",
            r["title"],
            (),
            r["text"],
            None,
            0,
            len(r["text"]),
            0,
        )
        for r in corpus
    ]
    for passage in dice.sample(passages, CLAIMS):
        inside = [
            s.text
            for s in sentences(passage.text)
            if len(tokens(s.text)) >= LEAST_WORDS
        ]
        if not inside:
            continue
        text = dice.choice(inside)
        yield "true, word for word", text, passage
        yield "true, shortened", shortened(text, dice), passage
        yield (
            "citation swapped, same article",
            text,
            dice.choice(
                [p for p in passages if p.title == passage.title and p is not passage]
            ),
        )
        yield (
            "citation swapped, other article",
            text,
            dice.choice([p for p in passages if p.title != passage.title]),
        )
        figures = [s for s in inside if _NUMBER.search(s)]
        if figures:
            text = dice.choice(figures)
            other = changed(text, dice)
            if other:
                yield "figure changed", other, passage
                yield "figure changed, shortened", shortened(other, dice), passage
            foreign = [
                m.group()
                for s in inside
                if s != text
                for m in _NUMBER.finditer(s)
                if m.group() not in text
            ]
            if foreign:
                figure = dice.choice(list(_NUMBER.finditer(text)))
                mixed = (
                    text[: figure.start()] + dice.choice(foreign) + text[figure.end() :]
                )
                if numbers(mixed) - numbers(text):
                    yield (
                        "figure from another sentence of the paragraph",
                        mixed,
                        passage,
                    )
    yield from question_claims(folder, {p.id: p for p in passages}, dice)


def question_claims(
    folder: Path, passages: Mapping[str, Passage], dice: random.Random
) -> Iterator[tuple[str, str, Passage]]:
    """Paraphrases of a kind: the words of a question with its answer, cited rightly and wrongly."""
    relevant = dict(
        line.split("\t")[:2]
        for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    )
    for query in dice.sample(evalset.rows(folder / "queries.jsonl"), CLAIMS):
        passage = passages[relevant[query["id"]]]
        bare = re.sub(
            r"(?i)\b(who|what|which|when|where|why|how many|how much|how|did|does|do)\b",
            "",
            query["text"],
        ).strip(" ?")
        claim = f"{bare[:1].upper()}{bare[1:]} {query['answers'][0]}."
        yield "true, question and answer", claim, passage
        other = dice.choice(
            [
                p
                for p in passages.values()
                if p.title == passage.title and p is not passage
            ]
        )
        if query["answers"][0] not in other.text:
            yield "question and answer, citation swapped", claim, other


def judge_verification(folder: Path) -> None:
    """The share of each kind that is marked as not verified."""
    marked: dict[str, list[bool]] = {}
    for kind, claim, passage in claims(folder):
        support = verify(claim, replace(passage))
        marked.setdefault(kind, []).append(support is None or bool(support.reasons))
    for kind, values in marked.items():
        print(f"verification: {kind}: {len(values)}, marked {np.mean(values):.1%}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument(
        "--stores",
        type=Path,
        required=True,
        help="the folder given to `brain eval … --vectors`",
    )
    parser.add_argument("--vectors", type=Path, required=True)
    options = parser.parse_args()
    judge_verification(options.sets / "squad_dev")
    builtin = BuiltinEmbedder()
    for embedder in (builtin, MiniLM(options.models)):
        seen: dict[str, Row] = {}
        for name in ("ans_dev", "squad_dev"):
            for row in rows(
                options.sets / name, embedder, options.stores, options.vectors
            ):
                if row.answerable and row.answers:
                    seen.setdefault(row.id, row)
        items = [Candidates(row, row.passages, builtin) for row in seen.values()]
        judge(f"end to end, {embedder.name}", items)
        alone = [
            Candidates(replace(row, gold=0), [row.passages[row.gold]], builtin)
            for row in seen.values()
            if 0 <= row.gold < len(row.passages)
        ]
        judge(f"given the paragraph, {embedder.name}", alone)
        values = [round(float(value), 2) for value in fit(items)]
        print(json.dumps({"extract": dict(zip(NAMES, values, strict=True))}, indent=1))


if __name__ == "__main__":
    main()

"""Fit what brain/confidence.py and brain/answering/extract.py ship, on articles left out, and print every figure.

    python -m benchmarks.fit_confidence --sets ../shared/eval --models ../shared/models --vectors .vectors [--write DIR]

`found` and `supported` are logistic models with a ridge, `extract` a conditional logit over the sentences of a question.
All are judged by k-fold with whole articles left out, over both embedders together, so that one set of coefficients serves
either. Leaves out reading the sets (confidence_rows.py). --write puts the coefficients as Python into DIR.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks.confidence_rows import Row, rows
from benchmarks.minilm import MiniLM
from brain.answering.extract import COEFFICIENTS, Quote, extract, local_idf, score
from brain.answering.features import read_unit, sentence_features
from brain.answering.question import read_question
from brain.answering.support import NAMES as SUPPORT_NAMES
from brain.answering.support import support_features
from brain.confidence import INTERCEPT
from brain.evaluation.metrics import auroc, calibration
from brain.models.builtin import BuiltinEmbedder
from brain.retrieval.signals import NAMES, SPOKEN
from ingest.sentences import sentences
from ingest.terms import stem, tokens

__all__ = ["COEFFICIENTS", "local_idf", "read_unit", "score", "sentence_features"]

FOLDS = 6
RIDGE = 1.0  # of standardised features
KINDS = ("absent_article", "absent_paragraph", "near_miss", "absent_document", "adversarial")
DENSE = ("top_cosine", "fused_top_cosine", "margin", "overlap", "said_cosine", "said_margin")
# Signals that earned nothing when one was left out at a time, or that only retrieval's own tests read.
IDLE = {"has_dense", "sentence_cosine", "sentence_margin"}
# The mass of each kind of row in the fit of `found`. Near misses are the other head's work: as negatives they blur this one.
MASS = {
    "ans_dev": 1.0, "squad_dev": 1.0, "ans_dev/near_miss": 0.05, "xquad": 0.1, "cranfield": 0.1, "scifact_train": 0.1,
    "locomo_dev": 0.1,
}  # fmt: skip
RISK = 0.02  # of false absences at the floor


def folds(items: Sequence[Row]) -> Iterator[set[str]]:
    """The groups left out, a sixth at a time; the same article in two sets is one group."""
    names = sorted({row.group for row in items})
    random.Random(0).shuffle(names)
    for fold in range(FOLDS):
        yield set(names[fold::FOLDS])


def masses(items: Sequence[Row], mass: Mapping[str, float]) -> Any:
    """A weight for each row: every (set, kind) has its mass, whatever its size."""
    counts = Counter((row.set, row.kind) for row in items)
    return np.array([
        mass.get(f"{row.set}/{row.kind}", mass.get(row.set, 0.0)) / counts[row.set, row.kind] * 1000 for row in items
    ])  # fmt: skip


def logistic(x: Any, y: Any, weights: Any, ridge: float = RIDGE) -> tuple[Any, float]:
    """Coefficients in the units of the features, and the intercept."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / spread

    def loss(w: Any) -> tuple[float, Any]:
        s = z @ w[:-1] + w[-1]
        chance = 1 / (1 + np.exp(-np.clip(s, -40, 40)))
        cost = (weights * (np.logaddexp(0, s) - y * s)).sum() + ridge * (w[:-1] ** 2).sum() / 2
        slope = weights * (chance - y)
        return float(cost), np.append(z.T @ slope + ridge * w[:-1], slope.sum())

    w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return w[:-1] / spread, float(w[-1] - (w[:-1] * mean / spread).sum())


def matrix(features: Sequence[Mapping[str, float]], names: Sequence[str]) -> Any:
    return np.nan_to_num(np.array([[item.get(name, 0.0) for name in names] for item in features]))


def left_out(items: Sequence[Row], x: Any, y: Any, weights: Any) -> Any:
    """The probability of every row from a fit that saw nothing of its article."""
    chances = np.zeros(len(items))
    for gone in folds(items):
        test = np.array([row.group in gone for row in items])
        use = ~test & (weights > 0)
        w, b = logistic(x[use], y[use], weights[use])
        chances[test] = 1 / (1 + np.exp(-(x[test] @ w + b)))
    return chances


def areas(items: Sequence[Row], chances: Any) -> dict[str, float]:
    """AUROC of the answerable against each kind of absence, and against all."""
    present = [float(p) for row, p in zip(items, chances, strict=True) if row.answerable]
    found = {
        kind: auroc(present, [float(p) for row, p in zip(items, chances, strict=True) if row.kind == kind and not row.answerable])
        for kind in KINDS
        if any(row.kind == kind and not row.answerable for row in items)
    }
    return found | {"all": auroc(present, [float(p) for row, p in zip(items, chances, strict=True) if not row.answerable])}


def balanced(items: Sequence[Row], chances: Any, share: float) -> tuple[float, float]:
    """(ECE, Brier skill) when this share of the mass is answerable; skill against always saying the share."""
    truths = [row.answerable for row in items]
    right, wrong = sum(truths), len(truths) - sum(truths)
    weights = [share / right if truth else (1 - share) / wrong for truth in truths]
    shifted = shift(chances, share)
    error, brier = calibration([(float(p), t) for p, t in zip(shifted, truths, strict=True)], weights)
    return error, 1 - brier / (share * (1 - share))


def shift(chances: Any, share: float) -> Any:
    """The same odds when `share` instead of half of the questions can be answered (Bayes)."""
    odds = chances / np.clip(1 - chances, 1e-9, 1) * share / (1 - share)
    return odds / (1 + odds)


def fit_found(data: Mapping[str, list[Row]], names: Sequence[str], signals: Callable[[Row], Mapping[str, float]]) -> dict[str, Any]:
    """The head `found`: its figures on articles left out, and the coefficients fitted on everything."""
    items = [row for part in data.values() for row in part]
    x = matrix([signals(row) for row in items], names)
    y = np.array([float(row.answerable) for row in items])
    weights = masses(items, MASS)
    for label in (0.0, 1.0):  # half of the mass each
        weights[y == label] *= 1 / max(weights[y == label].sum(), 1e-9) * len(items) / 2
    chances = left_out(items, x, y, weights)
    at = 0
    for name, part in data.items():
        report(name, part, chances[at : at + len(part)])
        at += len(part)
    w, b = logistic(x, y, weights)
    return {"coefficients": {INTERCEPT: b, **dict(zip(names, w, strict=True))}, "chances": chances, "items": items}


def report(name: str, part: Sequence[Row], chances: Any) -> None:
    """AUROC by kind for every set, calibration for the set that carries its own labels, low quantiles of the answerable."""
    for title in dict.fromkeys(row.set for row in part):
        held = np.array([row.set == title for row in part])
        items = [row for row in part if row.set == title]
        values = areas(items, chances[held])
        low = np.quantile([p for row, p in zip(items, chances[held], strict=True) if row.answerable], RISK)
        line = "  ".join(f"{kind} {value:.3f}" for kind, value in values.items())
        print(f"found  {name:10s} {title:14s} {line}  2% of answerable below {low:.4f}")
        if title in ("ans_dev", "squad_dev"):
            ordinary = np.array([row.kind != "near_miss" for row in items])
            kept = [row for row in items if row.kind != "near_miss"]
            for share in (0.5, 0.25):
                error, skill = balanced(kept, chances[held][ordinary], share)
                print(f"       {name:10s} {title:14s} {share:.2f}: ECE {error:.3f}  Brier skill {skill:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=["ans_dev", "squad_dev", "locomo_dev", "cranfield", "scifact_train", "xquad"])
    options = parser.parse_args()
    embedders: list[Any] = [BuiltinEmbedder(), MiniLM(options.models)]
    data = {
        embedder.name: [row for name in options.only for row in rows(options.sets / name, embedder, options.vectors)]
        for embedder in embedders
    }
    names = [name for name in (*NAMES, *SPOKEN) if name not in IDLE]
    found = fit_found(data, names, lambda row: row.signals)
    print_coefficients("FOUND", found["coefficients"])
    words = fit_found(data, [n for n in names if n not in DENSE], lambda row: row.words_only)
    print_coefficients("FOUND_BY_WORDS", words["coefficients"])


def print_coefficients(name: str, values: Mapping[str, float]) -> None:
    print(f"{name}: Mapping[str, float] = {{")
    for key, value in values.items():
        print(f'    "{key}": {value:.3f},')
    print("}")


if __name__ == "__main__":
    main()

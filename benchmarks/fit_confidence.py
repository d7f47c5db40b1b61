"""Fit what brain/confidence.py and brain/answering/extract.py ship, on articles left out, and print every figure.

    python -m benchmarks.fit_confidence --sets ../shared/eval --models ../shared/models --stores .stores --vectors .vectors [--write brain/fitted.json]

`found` and `supported` are logistic models with a ridge, `extract` a conditional logit over the sentences of a question.
All are judged by k-fold with whole articles left out, over both embedders together, so that one set of coefficients serves
either. Leaves out reading the sets (confidence_rows.py). --write puts the coefficients into that file.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.stats import beta  # type: ignore[import-untyped]

from benchmarks.confidence_rows import Row, rows
from benchmarks.fitted_file import write_fitted
from benchmarks.minilm import MiniLM
from brain.answering.extract import extract
from brain.answering.support import NAMES as SUPPORT
from brain.answering.support import support_features
from brain.confidence import INTERCEPT, among_near_misses, much_there
from brain.evaluation.metrics import auroc, calibration
from brain.models.builtin import BuiltinEmbedder
from brain.retrieval.signals import NAMES
from brain.text import Question

FOLDS = 12
RIDGE = 1.0  # of standardised features
KINDS = (
    "absent_article",
    "absent_paragraph",
    "near_miss",
    "absent_document",
    "adversarial",
)
DENSE = ("fused_top_cosine",)
# Signals that the head `found` does not read: they earned nothing when one was left out at a time.
IDLE = {
    "has_dense",
    "size",
    "sentence_cosine",
    "has_names",
    "rare_together",
    "other_speaker",
    "spoken",
    "foreign",
}
# The mass of each kind of row in the fit of `found`. Near misses are the other head's work: as negatives they blur this one.
# Other sets are judged only: conversations and technical abstracts, fitted along, cost paragraphs .02 and gain .03.
MASS = {"ans_dev": 1.0, "squad_dev": 1.0, "ans_dev/near_miss": 0.05}
ASIDE = {"locomo_dev": ("spoken", "other_speaker"), "xquad": ("foreign",)}
SUPPORT_MASS = {"ans_dev": 1.0}
CONFIDENCE = 0.90  # of the bound on the risk
SHRINK = 0.9  # of the log-odds: on articles not seen a fit is a little too sure (Brier and ECE better at both priors)
FLOORS = (0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.07)
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
    return np.array(
        [
            mass.get(f"{row.set}/{row.kind}", mass.get(row.set, 0.0))
            / counts[row.set, row.kind]
            * 1000
            for row in items
        ]
    )


def logistic(x: Any, y: Any, weights: Any, ridge: float = RIDGE) -> tuple[Any, float]:
    """Coefficients in the units of the features, and the intercept."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / spread

    def loss(w: Any) -> tuple[float, Any]:
        s = z @ w[:-1] + w[-1]
        chance = 1 / (1 + np.exp(-np.clip(s, -40, 40)))
        cost = (weights * (np.logaddexp(0, s) - y * s)).sum() + ridge * (
            w[:-1] ** 2
        ).sum() / 2
        slope = weights * (chance - y)
        return float(cost), np.append(z.T @ slope + ridge * w[:-1], slope.sum())

    w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return w[:-1] / spread, float(w[-1] - (w[:-1] * mean / spread).sum())


def matrix(features: Sequence[Mapping[str, float]], names: Sequence[str]) -> Any:
    """Rows of features, in this order of names."""
    return np.nan_to_num(
        np.array([[item.get(name, 0.0) for name in names] for item in features])
    )


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
    present = [
        float(p) for row, p in zip(items, chances, strict=True) if row.answerable
    ]
    found = {
        kind: auroc(
            present,
            [
                float(p)
                for row, p in zip(items, chances, strict=True)
                if row.kind == kind and not row.answerable
            ],
        )
        for kind in KINDS
        if any(row.kind == kind and not row.answerable for row in items)
    }
    return found | {
        "all": auroc(
            present,
            [
                float(p)
                for row, p in zip(items, chances, strict=True)
                if not row.answerable
            ],
        )
    }


def balanced(items: Sequence[Row], chances: Any, share: float) -> tuple[float, float]:
    """(ECE, Brier skill) when this share of the mass is answerable; skill against always saying the share."""
    truths = [row.answerable for row in items]
    right, wrong = sum(truths), len(truths) - sum(truths)
    weights = {True: share / right, False: (1 - share) / wrong}
    shifted = shift(chances, share)
    error, brier = calibration(
        [(float(p), t, weights[t]) for p, t in zip(shifted, truths, strict=True)]
    )
    return error, 1 - brier / (share * (1 - share))


def shift(chances: Any, share: float) -> Any:
    """The same odds when `share` instead of half of the questions can be answered (Bayes)."""
    odds = chances / np.clip(1 - chances, 1e-9, 1) * share / (1 - share)
    return odds / (1 + odds)


def fit_found(
    data: Mapping[str, list[Row]],
    names: Sequence[str],
    signals: Callable[[Row], Mapping[str, float]],
) -> dict[str, Any]:
    """The head `found`: its figures on articles left out, and the coefficients fitted on everything."""
    items = [row for part in data.values() for row in part]
    x = matrix([signals(row) for row in items], names)
    y = np.array([float(row.answerable) for row in items])
    weights = halves(masses(items, MASS), y)
    chances = 1 / (1 + np.exp(-SHRINK * log_odds(left_out(items, x, y, weights))))
    told = beside(items, [signals(row) for row in items], chances)
    lift = matrix([signals(row) for row in items], list(told)) @ np.array(
        list(told.values())
    )
    held = 1 / (1 + np.exp(-(log_odds(chances) + lift)))
    chances = np.array([among_near_misses(float(chance)) for chance in held])
    at = 0
    for name, part in data.items():
        report(name, part, chances[at : at + len(part)])
        at += len(part)
    floor_table(items, chances, np.array([never_absent(signals(row)) for row in items]))
    w, b = logistic(x, y, weights)
    coefficients = {
        INTERCEPT: SHRINK * b,
        **dict(zip(names, SHRINK * w, strict=True)),
        **told,
    }
    return {"coefficients": coefficients, "chances": chances, "items": items}


def never_absent(signals: Mapping[str, float]) -> bool:
    """The rules of `confidence.found`."""
    return bool(signals["rare_together"] or much_there(signals))


def floor_table(items: Sequence[Row], chances: Any, together: Any) -> None:
    """False absences of the answerable, and absences caught, at several floors, with the rule of the rare words."""
    for floor in FLOORS:
        below = (chances < floor) & ~together
        parts = []
        for title, kind in sorted(
            {(row.set, "answerable" if row.answerable else row.kind) for row in items}
        ):
            here = np.array(
                [
                    row.set == title
                    and ("answerable" if row.answerable else row.kind) == kind
                    for row in items
                ]
            )
            parts.append(f"{title[:5]} {kind[:14]} {below[here].mean():.3f}")
        print(f"floor {floor}: " + "  ".join(parts))


def report(name: str, part: Sequence[Row], chances: Any) -> None:
    """AUROC by kind for every set, calibration for the set that carries its own labels, low quantiles of the answerable."""
    for title in dict.fromkeys(row.set for row in part):
        held = np.array([row.set == title for row in part])
        items = [row for row in part if row.set == title]
        values = areas(items, chances[held])
        low = np.quantile(
            [p for row, p in zip(items, chances[held], strict=True) if row.answerable],
            RISK,
        )
        line = "  ".join(f"{kind} {value:.3f}" for kind, value in values.items())
        print(f"found  {name:10s} {title:14s} {line}  2% of answerable below {low:.4f}")
        if title in ("ans_dev", "squad_dev"):
            for share in (0.5, 0.25):
                error, skill = balanced(items, chances[held], share)
                print(
                    f"       {name:10s} {title:14s} {share:.2f}: ECE {error:.3f}  Brier skill {skill:.3f}"
                )


def beside(items: Sequence[Row], x: Any, chances: Any) -> dict[str, float]:
    """The coefficients that only other kinds of text can tell (conversations, languages), over the rest as an offset."""
    told: dict[str, float] = {}
    for title, names in ASIDE.items():
        places = [i for i, row in enumerate(items) if row.set == title]
        y = np.array([float(items[i].answerable) for i in places])
        if places:
            values = matrix([x[i] for i in places], names)
            told |= dict(
                zip(
                    names, offset_fit(log_odds(chances[places]), values, y), strict=True
                )
            )
    return told


def offset_fit(offset: Any, x: Any, y: Any) -> Any:
    """Logistic coefficients without an intercept, on top of given log odds; half of the mass for each label."""
    weights = halves(np.ones(len(y)), y)

    def loss(w: Any) -> tuple[float, Any]:
        s = offset + x @ w
        cost = (weights * (np.logaddexp(0, s) - y * s)).sum() + RIDGE * (w**2).sum() / 2
        return float(cost), x.T @ (weights * (1 / (1 + np.exp(-s)) - y)) + RIDGE * w

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


def supported(items: Sequence[Row], chances: Any) -> tuple[list[dict[str, float]], Any]:
    """The features of the extractive answer to every row, and whether one of its quotes holds the answer."""
    builtin = BuiltinEmbedder()
    features, right = [], []
    for row, chance in zip(items, chances, strict=True):
        question = Question(row.question, row.idf)
        quotes = extract(question, row.passages, embedder=builtin)
        features.append(
            support_features(
                question,
                row.passages,
                quotes,
                found=float(chance),
                signals=row.signals,
            )
            if quotes
            else dict.fromkeys(SUPPORT, 0.0)
        )
        right.append(
            row.answerable
            and any(answer in quote.text for quote in quotes for answer in row.answers)
        )
    return features, np.array(right, float)


def fit_supported(items: Sequence[Row], chances: Any) -> dict[str, Any]:
    """The head `supported`: ordered by whether the question can be answered, its scale set by whether the quotes do."""
    features, right = supported(items, chances)
    x, y = matrix(features, SUPPORT), np.array([float(row.answerable) for row in items])
    weights = halves(masses(items, SUPPORT_MASS), y)
    odds = log_odds(left_out(items, x, y, weights))
    scale, shift_by = logistic(
        odds[:, None], right, halves(masses(items, SUPPORT_MASS), y)
    )
    w, b = logistic(x, y, weights)
    coefficients = {
        INTERCEPT: b * scale[0] + shift_by,
        **dict(zip(SUPPORT, w * scale[0], strict=True)),
    }
    return {
        "coefficients": coefficients,
        "chances": 1 / (1 + np.exp(-(odds * scale[0] + shift_by))),
        "right": right,
    }


def halves(weights: Any, y: Any) -> Any:
    """Weights under which each label has half of the mass."""
    for label in (0.0, 1.0):
        weights[y == label] *= len(y) / 2 / max(weights[y == label].sum(), 1e-9)
    return weights


def log_odds(chances: Any) -> Any:
    """Of probabilities, kept finite."""
    held = np.clip(chances, 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))


def threshold(chances: Any, right: Any, weights: Any, risk: float) -> float:
    """The least probability from which answers are wrong in at most `risk` of cases, with 90 % confidence
    (Clopper-Pearson on the effective number of answers, Kish 1965).
    """
    order = np.argsort(-chances)
    mass, bad = np.cumsum(weights[order]), np.cumsum((weights * (1 - right))[order])
    squares = np.cumsum(weights[order] ** 2)
    effective = mass**2 / squares
    upper = beta.ppf(
        CONFIDENCE,
        effective * bad / mass + 1,
        np.maximum(effective * (1 - bad / mass), 1e-9),
    )
    good = np.flatnonzero(upper <= risk)
    return float(chances[order][good[-1]]) if len(good) else 1.0


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
    parser.add_argument(
        "--only",
        nargs="*",
        default=[
            "ans_dev",
            "squad_dev",
            "locomo_dev",
            "cranfield",
            "scifact_train",
            "xquad",
        ],
    )
    parser.add_argument(
        "--write", type=Path, help="write the coefficients into this file"
    )
    options = parser.parse_args()
    embedders: list[Any] = [BuiltinEmbedder(), MiniLM(options.models)]
    data = {
        embedder.name: [
            row
            for name in options.only
            for row in rows(
                options.sets / name, embedder, options.stores, options.vectors
            )
        ]
        for embedder in embedders
    }
    names = [name for name in NAMES if name not in IDLE]
    found = fit_found(data, names, lambda row: row.signals)
    by_words = fit_found(
        data, [n for n in names if n not in DENSE], lambda row: row.words_only
    )
    fitted = {
        "found": rounded(found["coefficients"]),
        "found_by_words": rounded(by_words["coefficients"]),
        "supported": rounded(report_supported(found)),
    }
    print(json.dumps(fitted, indent=1))
    if options.write:
        write_fitted(options.write, **fitted)


def report_supported(found: Mapping[str, Any]) -> Mapping[str, float]:
    """Both heads together on the set with near misses, by embedder, and the thresholds. Returns the coefficients."""
    places = [i for i, row in enumerate(found["items"]) if row.set == "ans_dev"]
    items = [found["items"][i] for i in places]
    held = fit_supported(items, found["chances"][places])
    y = np.array([float(row.answerable) for row in items])
    half = len(items) // 2
    for part in (slice(0, half), slice(half, None)):
        values = areas(items[part], held["chances"][part])
        print(
            "together ",
            "  ".join(f"{kind} {value:.3f}" for kind, value in values.items()),
        )
        weights = halves(np.ones(half), y[part])
        columns = (held["chances"][part], held["right"][part], weights / weights.sum())
        error, brier = calibration(
            [(float(p), bool(r), w) for p, r, w in zip(*columns, strict=True)]
        )
        print(
            f"          50/50: ECE {error:.3f}  Brier {brier:.3f}  quotes hold the answer of {held['right'][part].sum():.0f}"
        )
    for title, use in (
        ("all kinds", y >= 0),
        ("without near misses", np.array([row.kind != "near_miss" for row in items])),
    ):
        weights = halves(np.ones(int(use.sum())), y[use])
        for risk in (0.1, 0.2, 0.3):
            at = threshold(held["chances"][use], held["right"][use], weights, risk)
            share = float(weights[held["chances"][use] >= at].sum() / weights.sum())
            print(
                f"supported, {title}: from {at:.3f} wrong in at most {risk:.0%}, said of {share:.0%}"
            )
    ordinary = np.array([row.kind != "near_miss" for row in found["items"]])
    kept = np.flatnonzero(
        ordinary
        & np.array([row.set in ("ans_dev", "squad_dev") for row in found["items"]])
    )
    truths = np.array([float(found["items"][i].answerable) for i in kept])
    weight = halves(np.ones(len(kept)), truths)
    for risk in (0.1, 0.2):
        print(
            f"found at {threshold(found['chances'][kept], truths, weight, risk):.3f}: absent in at most {risk:.0%}"
        )
    coefficients: Mapping[str, float] = held["coefficients"]
    return coefficients


def rounded(coefficients: Mapping[str, float]) -> dict[str, float]:
    """As they stand in brain/fitted.json."""
    return {name: round(float(value), 3) for name, value in coefficients.items()}


if __name__ == "__main__":
    main()

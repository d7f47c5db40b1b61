"""Fit the coefficients of brain/retrieval/coefficients.py on evaluation folders, through the product's own candidates.

    python -m benchmarks.fit_fusion ../shared/eval/squad_dev … --models ../shared/models --vectors .vectors [--write]

Every set and embedder weighs the same. The loss is the cross-entropy of a softmax over the candidates of a question
(ListNet, Cao 2007) with a ridge. Coefficients and weights are fitted in turn: with the weights fixed both are linear, so each
step is convex. Leaves out the judging of what is shipped, which is benchmarks/retrieval.py. Prints the figures of the
fit and, with --left-out, of the fit on all other sets.
"""

from __future__ import annotations

import argparse
import math
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks.evalset import rooms
from benchmarks.minilm import MiniLM
from brain.models.builtin import BuiltinEmbedder
from brain.retrieval import fusion
from brain.retrieval.coefficients import FIRST_LOOK
from brain.retrieval.retrieve import candidates

GROUPS = {
    "words": ("bm25", "often", "title", "coverage", "exact", "ordered", "sentence", "terse_sentence", "before", "after", "speaker",
              "number", "time", "date"),
    "meaning": ("cosine", "sentence_cosine", "window"),
    "feedback": ("few", "many"),
    "place": ("crowd", "length"),
}  # fmt: skip
LOOKS = (
    "words", "rarity", "foreign", "stopped", "words_lead", "meaning_lead", "meaning_stands_out", "nearest", "spread",
    "agreement", "correlation", "words_top_nearness", "length", "code",
)  # fmt: skip
ROUNDS = 2  # of coefficients and weights in turn; more only fit the noise (figures flat from one on)
RIDGE, WEIGHT_RIDGE = 1e-4, 3e-4
JUDGED = 10  # nDCG@10
GAINS = 1 / np.log2(np.arange(2, JUDGED + 2))


@dataclass
class Seen:
    """The candidates of one set and one embedder: rows of signs, where each question's begin, and what was known."""

    name: str
    rows: list[Any] = field(default_factory=list)
    looks: list[list[float]] = field(default_factory=list)
    relevant: list[Any] = field(default_factory=list)
    ideal: list[float] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)


def collect(folder: Path, embedder: Any, cache: Path, *, with_sentences: bool, most: int | None = None) -> Seen:
    """Run the product's candidates over the judged questions of a set, at most so many of them, drawn evenly."""
    seen = Seen(f"{folder.name}.{embedder.name}")
    names = [name for group in GROUPS.values() for name in group]
    total = len({line.split("\t")[0] for line in (folder / "qrels.tsv").read_text().splitlines()[1:]})
    number = 0
    for room in rooms(folder, embedder, cache, with_sentences=with_sentences):
        for query in room.queries:
            number += 1
            if most and (number * most) % total >= most:
                continue
            found = candidates(query.text, searchable=room.search, index=room.index, embedder=room.embedder)
            if not found.has_vectors:
                continue
            known = fusion.numbers(
                found.query, found.idf, found.count, found.signs, [passage.text for passage in found.passages]
            )
            seen.rows.append(np.array([[sign[name] for name in names] for sign in found.signs]))
            seen.looks.append([known[name] for name in LOOKS])
            seen.relevant.append(np.array([query.relevant.get(p.id, 0) for p in found.passages], float))
            best = sorted(query.relevant.values(), reverse=True)[:JUDGED]
            seen.ideal.append(float(np.dot(best, GAINS[: len(best)])))
            seen.facts.append(query.facts)
        room.conn.close()
    return seen


class Problem:
    """All questions of all sets in one matrix."""

    def __init__(self, sets: Sequence[Seen], groups: dict[str, tuple[str, ...]], looks: Sequence[str]) -> None:
        names = [name for group in GROUPS.values() for name in group]
        self.sets, self.groups, self.look_names = sets, groups, list(looks)
        columns = [names.index(name) for group in groups.values() for name in group]
        self.signs = np.concatenate([rows[:, columns] for seen in sets for rows in seen.rows])
        lengths = [len(rows) for seen in sets for rows in seen.rows]
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        self.question = np.repeat(np.arange(len(lengths)), lengths)
        self.owner = np.repeat(np.arange(len(sets)), [len(seen.rows) for seen in sets])
        self.relevant = [r for seen in sets for r in seen.relevant]
        self.ideal = [i for seen in sets for i in seen.ideal]
        self.target = np.concatenate([r / r.sum() if r.sum() else r for r in self.relevant])
        known = np.array([look for seen in sets for look in seen.looks])[:, [LOOKS.index(name) for name in looks]]
        per_set = [known[self.owner == i] for i in range(len(sets))]
        self.mean = np.mean([part.mean(0) for part in per_set], axis=0)
        self.deviation = np.sqrt(np.mean([((part - self.mean) ** 2).mean(0) for part in per_set], axis=0)) + 1e-9
        self.looks = np.clip((known - self.mean) / self.deviation, -fusion.MOST, fusion.MOST)
        ends = np.cumsum([len(group) for group in groups.values()])
        self.spans = [(int(end) - len(group), int(end)) for end, group in zip(ends, groups.values(), strict=True)]

    def importance(self, use: Iterable[int]) -> Any:
        """The weight of each question: every set in `use` counts the same, the others not at all."""
        chosen = list(use)
        weight = np.zeros(len(self.owner))
        for i in chosen:
            weight[self.owner == i] = 1 / (self.owner == i).sum() / len(chosen)
        return weight

    def weights(self, table: Any) -> Any:
        """(groups, questions): the weight of each group. `table` is (groups, 1 + looks)."""
        return np.maximum(fusion.LEAST_WEIGHT, table[:, :1] + table[:, 1:] @ self.looks.T)


@dataclass
class Fitted:
    """`coefficients` of the signs in order, `table` of the weights (groups, 1 + looks)."""

    coefficients: Any
    table: Any


def softmax_fit(matrix: Any, problem: Problem, importance: Any, ridge: float, scale: Any, start: Any = None) -> Any:
    """The linear score whose softmax over each question's candidates is nearest to the judgments."""
    rows = importance[problem.question] > 0
    matrix, target, question = np.ascontiguousarray(matrix[rows]), problem.target[rows], problem.question[rows]
    kept, question = np.unique(question, return_inverse=True)
    starts = np.searchsorted(question, np.arange(len(kept)))
    weight = importance[kept]
    judged = weight * np.add.reduceat(target, starts)
    wanted = weight[question] * target

    def loss(theta: Any) -> tuple[float, Any]:
        score = matrix @ theta
        score -= np.maximum.reduceat(score, starts)[question]
        raised = np.exp(score)
        total = np.add.reduceat(raised, starts)
        value = -(wanted * (score - np.log(total)[question])).sum() + ridge * (theta**2 * scale).sum()
        gradient = matrix.T @ ((judged / total)[question] * raised - wanted) + 2 * ridge * theta * scale
        return float(value), gradient

    origin = np.zeros(matrix.shape[1]) if start is None else start
    return minimize(loss, origin, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x


def fit(problem: Problem, use: Iterable[int], *, rounds: int = ROUNDS) -> Fitted:
    """Coefficients and weights in turn, on the sets in `use`."""
    importance = problem.importance(use)
    groups, looks = len(problem.groups), problem.looks.shape[1]
    table = np.zeros((groups, 1 + looks))
    table[:, 0] = 1.0
    theta = None
    for turn in range(rounds + 1):
        weights = problem.weights(table)
        spread = np.concatenate(
            [np.repeat(weights[g][problem.question][:, None], b - a, 1) for g, (a, b) in enumerate(problem.spans)],
            axis=1,
        )
        weighed = problem.signs * spread
        theta = softmax_fit(weighed, problem, importance, RIDGE, weighed.var(0), theta)
        if turn == rounds:
            break
        sums = np.stack([problem.signs[:, a:b] @ theta[a:b] for a, b in problem.spans], axis=1)
        columns = np.concatenate(
            [
                np.concatenate([sums[:, [g]], sums[:, [g]] * problem.looks[problem.question]], axis=1)
                for g in range(groups)
            ],
            axis=1,
        )
        scale = np.repeat(sums.var(0), 1 + looks)
        table = softmax_fit(columns, problem, importance, WEIGHT_RIDGE, scale).reshape(groups, 1 + looks)
    return Fitted(theta, table)


def figures(problem: Problem, fitted: Fitted) -> dict[str, float]:
    """nDCG@10 of every set."""
    weights = problem.weights(fitted.table)
    score = np.zeros(len(problem.signs))
    for g, (a, b) in enumerate(problem.spans):
        score += weights[g][problem.question] * (problem.signs[:, a:b] @ fitted.coefficients[a:b])
    values = np.zeros(len(problem.owner))
    for i, relevant in enumerate(problem.relevant):
        top = np.argsort(-score[problem.starts[i] : problem.starts[i + 1]], kind="stable")[:JUDGED]
        values[i] = relevant[top] @ GAINS[: len(top)] / problem.ideal[i] if problem.ideal[i] else 0.0
    return {seen.name: float(values[problem.owner == i].mean()) for i, seen in enumerate(problem.sets)}


def line(label: str, values: dict[str, float]) -> str:
    """One row of a table."""
    cells = " ".join(f"{name} {value:.3f}" for name, value in values.items())
    return f"{label}: {cells} mean {math.fsum(values.values()) / len(values):.4f}"


def source(problem: Problem, fitted: Fitted, words: Any, word_names: Sequence[str], values: dict[str, float]) -> str:
    """The text of coefficients.py."""
    groups = {
        group: {name: round(float(fitted.coefficients[a + i]), 3) for i, name in enumerate(names)}
        for (group, names), (a, _) in zip(problem.groups.items(), problem.spans, strict=True)
    }
    weights = {
        group: (
            round(float(row[0]), 3),
            {n: round(float(v), 3) for n, v in zip(problem.look_names, row[1:], strict=True)},
        )
        for group, row in zip(problem.groups, fitted.table, strict=True)
    }
    scale = {
        name: (round(float(mean), 4), round(float(deviation), 4))
        for name, mean, deviation in zip(problem.look_names, problem.mean, problem.deviation, strict=True)
    }
    only = {name: round(float(value), 3) for name, value in zip(word_names, words, strict=True)}
    report = "\n".join(f"    {name:28} {value:.3f}" for name, value in values.items())
    return (
        f'"""The coefficients of fusion.py. Written by benchmarks/fit_fusion.py; do not edit by hand.\n\n'
        f"nDCG@10 of the fit on the development sets, in the same units as benchmarks/RETRIEVAL.md:\n\n{report}\n"
        f'"""\n\nfrom __future__ import annotations\n\n'
        f"# sign -> weight in the look before feedback: chosen by hand, flat around these values\n"
        f"FIRST_LOOK = {dict(FIRST_LOOK)!r}\n\n"
        f"# number known of a question -> (mean, deviation) over the development sets\n"
        f"LOOK_SCALE: dict[str, tuple[float, float]] = {scale!r}\n\n"
        f"# group -> (weight of an average question, slopes per deviation)\n"
        f"WEIGHTS: dict[str, tuple[float, dict[str, float]]] = {weights!r}\n\n"
        f"# group -> sign -> coefficient\nHYBRID: dict[str, dict[str, float]] = {groups!r}\n\n"
        f"# sign -> coefficient, when there are only words\nWORDS_ONLY: dict[str, float] = {only!r}\n"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--models", type=Path, help="folder with the MiniLM files; without it only the built-in embedder"
    )
    parser.add_argument("--vectors", type=Path, required=True, help="where vectors are kept between runs")
    parser.add_argument("--questions", type=int, help="of each set and embedder at most so many questions")
    parser.add_argument("--signs", type=Path, help="where the candidates' signs are kept between runs")
    parser.add_argument("--left-out", action="store_true", help="also fit on all sets but one, for each")
    parser.add_argument("--write", type=Path, help="write the coefficients to this file")
    options = parser.parse_args()
    sets = load(options)
    problem = Problem(sets, GROUPS, LOOKS)
    everything = range(len(sets))
    fitted = fit(problem, everything)
    values = figures(problem, fitted)
    print(line("all sets", values))
    word_problem = Problem(sets, {"words": (*GROUPS["words"], "length")}, ())
    words = fit(word_problem, everything, rounds=0)
    print(line("words only", figures(word_problem, words)))
    if options.left_out:
        left: dict[str, float] = {}
        for folder in options.folders:
            use = [i for i in everything if not sets[i].name.startswith(folder.name + ".")]
            left |= {k: v for k, v in figures(problem, fit(problem, use)).items() if k.startswith(folder.name + ".")}
        print(line("left out", left))
    if options.write:
        names = (*GROUPS["words"], "length")
        options.write.write_text(source(problem, fitted, words.coefficients, names, values), encoding="utf-8")


def load(options: argparse.Namespace) -> list[Seen]:
    """The signs of every set and embedder, from the file when there is one."""
    if options.signs and options.signs.exists():
        return list(pickle.loads(options.signs.read_bytes()))
    embedders: list[tuple[Any, bool]] = [(BuiltinEmbedder(), False)]
    if options.models:
        embedders.append((MiniLM(options.models), True))
    sets = []
    for folder in options.folders:
        for embedder, with_sentences in embedders:
            sets.append(
                collect(folder, embedder, options.vectors, with_sentences=with_sentences, most=options.questions)
            )
            print(f"{sets[-1].name}: {len(sets[-1].rows)} questions", flush=True)
    if options.signs:
        options.signs.write_bytes(pickle.dumps(sets))
    return sets


if __name__ == "__main__":
    main()

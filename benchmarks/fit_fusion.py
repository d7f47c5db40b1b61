"""Fit the coefficients of brain/retrieval/fusion.py on evaluation sets, over the product's own stores and candidates.

    brain eval retrieval ../shared/eval/squad_dev --embedder all-minilm --vectors .stores      # and so for every set
    python -m benchmarks.fit_fusion ../shared/eval/{squad_dev,…} --models ../shared/models --stores .stores --vectors .vectors
        [--features FILE] [--left-out] [--folds 3] [--without SIGN …] [--write brain/fitted.json]

Every set and embedder weighs the same. The loss is the cross-entropy of a softmax over the candidates of a question
(ListNet, Cao 2007) with a ridge. Coefficients and weights are fitted in turn: with the weights fixed both are linear, so each
step is convex. Prints the figures on the questions of the fit; with --folds on questions left out, with --left-out on
sets left out. Leaves out the judging of what is shipped, which `brain eval` does.
"""

from __future__ import annotations

import argparse
import math
import pickle
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks.fitted_file import write_fitted
from benchmarks.minilm import MiniLM
from benchmarks.stores import rooms
from brain.models.builtin import BuiltinEmbedder
from brain.retrieval import fusion
from brain.retrieval.candidates import Sources, candidates
from brain.retrieval.fusion import FIRST_LOOK
from brain.types import Request

GROUPS = {
    "words": (
        "bm25",
        "often",
        "coverage",
        "exact",
        "ordered",
        "sentence",
        "before",
        "speaker",
        "number",
        "time",
        "date",
    ),
    "meaning": ("cosine", "sentence_cosine", "window"),
    "feedback": ("few", "many"),
    "place": ("crowd", "length"),
}
# What each group's weight follows. Of all 56 pairs these remain when the least useful fifth is dropped again and again
# for as long as the figures on questions left out stay (.7189 with 56, .7197 with 28, .7167 with 14, .7025 with none).
SLOPES = {
    "words": ("rarity", "correlation", "code", "by_sentence"),
    "meaning": (
        "words",
        "rarity",
        "estranged",
        "stopped",
        "words_lead",
        "meaning_lead",
        "meaning_stands_out",
        "correlation",
        "length",
        "code",
        "by_sentence",
    ),
    "feedback": (
        "estranged",
        "rarity",
        "stopped",
        "words_lead",
        "nearest",
        "spread",
        "length",
    ),
    "place": (
        "rarity",
        "estranged",
        "stopped",
        "meaning_stands_out",
        "nearest",
        "spread",
        "words_top_nearness",
        "length",
        "code",
    ),
}
ROUNDS = 2  # of coefficients and weights in turn; more only fit the noise (figures flat from one on)
RIDGE, WEIGHT_RIDGE = 1e-4, 3e-4
STEPS = 150  # of L-BFGS
JUDGED = 10  # nDCG@10
GAINS = 1 / np.log2(np.arange(2, JUDGED + 2))


@dataclass
class Seen:
    """The candidates of one set and one embedder: rows of features, what was known of each question, and the judgments."""

    name: str
    features: list[str] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    looks: list[dict[str, float]] = field(default_factory=list)
    relevant: list[Any] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    ideal: list[float] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def collect(
    folder: Path, embedder: Any, stores: Path, cache: Path, *, most: int | None = None
) -> Seen:
    """Run the product's candidates over the judged questions of a set, at most so many of them, drawn at random."""
    seen = Seen(f"{folder.name}.{embedder.name}")
    for room in rooms(folder, stores, embedder, cache):
        for query in room.queries:
            sources = Sources(room.search, room.index, room.embedder)
            found = candidates(Request(query.text), sources)
            if not found.has_vectors:
                continue
            seen.features = seen.features or [
                name for name in found.features[0] if name != "has_sentences"
            ]
            texts = [passage.text for passage in found.passages]
            names = [room.name_of(passage) for passage in found.passages]
            order = {name: number for number, name in enumerate(dict.fromkeys(names))}
            seen.rows.append(
                np.array(
                    [[one[name] for name in seen.features] for one in found.features]
                )
            )
            seen.looks.append(
                fusion.numbers(
                    found.question, found.idf, found.count, found.features, texts
                )
            )
            seen.relevant.append(
                np.array([query.relevant.get(name, 0) for name in names], float)
            )
            seen.documents.append(np.array([order[name] for name in names]))
            best = sorted(query.relevant.values(), reverse=True)[:JUDGED]
            seen.ideal.append(float(np.dot(best, GAINS[: len(best)])))
            seen.questions.append(query.id)
    return drawn(seen, most) if most else seen


def drawn(seen: Seen, most: int) -> Seen:
    """At most so many of its questions, the same ones every time."""
    chosen = random.Random(0).sample(range(len(seen.rows)), min(most, len(seen.rows)))
    lists = ("rows", "looks", "relevant", "documents", "ideal", "questions")
    return Seen(
        seen.name,
        seen.features,
        *([getattr(seen, name)[i] for i in chosen] for name in lists),
    )


class Problem:
    """All questions of all sets in one matrix. `slopes`: (group, look) pairs that the weights may follow."""

    def __init__(
        self,
        sets: Sequence[Seen],
        groups: dict[str, tuple[str, ...]],
        slopes: dict[str, tuple[str, ...]],
    ) -> None:
        self.sets, self.groups = sets, groups
        self.look_names = list(
            dict.fromkeys(look for looks in slopes.values() for look in looks)
        )
        self.pairs = [
            (group, look) for group, looks in slopes.items() for look in looks
        ]
        names = list(groups)
        self.pair_group = np.array([names.index(group) for group, _ in self.pairs], int)
        self.pair_look = np.array(
            [self.look_names.index(look) for _, look in self.pairs], int
        )
        wanted = [name for group in groups.values() for name in group]
        self.group_of = np.repeat(
            np.arange(len(groups)), [len(group) for group in groups.values()]
        )
        self.features = np.concatenate(
            [
                rows[:, [seen.features.index(name) for name in wanted]]
                for seen in sets
                for rows in seen.rows
            ]
        )
        lengths = [len(rows) for seen in sets for rows in seen.rows]
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        self.question = np.repeat(np.arange(len(lengths)), lengths)
        self.owner = np.repeat(np.arange(len(sets)), [len(seen.rows) for seen in sets])
        self.relevant = [r for seen in sets for r in seen.relevant]
        self.documents = [d for seen in sets for d in seen.documents]
        self.ideal = [i for seen in sets for i in seen.ideal]
        self.ids = [key for seen in sets for key in seen.questions]
        self.target = np.concatenate(
            [target(r, d) for r, d in zip(self.relevant, self.documents, strict=True)]
        )
        known = np.array(
            [
                [look[name] for name in self.look_names]
                for seen in sets
                for look in seen.looks
            ]
        )
        per_set = [known[self.owner == i] for i in range(len(sets))]
        self.mean = np.mean([part.mean(0) for part in per_set], axis=0)
        self.deviation = (
            np.sqrt(
                np.mean([((part - self.mean) ** 2).mean(0) for part in per_set], axis=0)
            )
            + 1e-9
        )
        most = np.array(
            [fusion.MAX_Z_OF.get(name, fusion.MAX_Z) for name in self.look_names]
        )
        self.looks = np.clip((known - self.mean) / self.deviation, -most, most)

    def importance(self, use: Any) -> Any:
        """The weight of each question: every set with questions in the mask `use` counts the same."""
        weight = np.zeros(len(self.owner))
        chosen = [i for i in range(len(self.sets)) if (use & (self.owner == i)).any()]
        for i in chosen:
            here = use & (self.owner == i)
            weight[here] = 1 / here.sum() / len(chosen)
        return weight

    def weights(self, fitted: Fitted) -> Any:
        """(groups, questions): the weight of each group."""
        table = np.tile(fitted.rest[:, None], (1, len(self.owner)))
        for group, look, slope in zip(
            self.pair_group, self.pair_look, fitted.slopes, strict=True
        ):
            table[group] += slope * self.looks[:, look]
        return np.maximum(fusion.LEAST_WEIGHT, table)


def target(relevant: Any, documents: Any) -> Any:
    """What the softmax should give: grades as shares, those of a document shared by its chunks."""
    shared = relevant / np.bincount(documents)[documents]
    return shared / shared.sum() if shared.sum() else shared


@dataclass
class Fitted:
    """`coefficients` of the features in order, `rest` the weight of each group for an average question, `slopes` of the pairs."""

    coefficients: Any
    rest: Any
    slopes: Any


def softmax_fit(
    matrix: Any,
    problem: Problem,
    importance: Any,
    ridge: float,
    scale: Any,
    around: Any,
    start: Any,
) -> Any:
    """The linear score whose softmax over each question's candidates is nearest to the judgments; ridge `around`."""
    rows = importance[problem.question] > 0
    matrix, wished, question = (
        np.ascontiguousarray(matrix[rows]),
        problem.target[rows],
        problem.question[rows],
    )
    kept, question = np.unique(question, return_inverse=True)
    starts = np.searchsorted(question, np.arange(len(kept)))
    weight = importance[kept]
    judged = weight * np.add.reduceat(wished, starts)
    wanted = weight[question] * wished

    def loss(theta: Any) -> tuple[float, Any]:
        score = matrix @ theta
        score -= np.maximum.reduceat(score, starts)[question]
        raised = np.exp(score)
        total = np.add.reduceat(raised, starts)
        moved = theta - around
        value = (
            -(wanted * (score - np.log(total)[question])).sum()
            + ridge * (moved**2 * scale).sum()
        )
        gradient = (
            matrix.T @ ((judged / total)[question] * raised - wanted)
            + 2 * ridge * moved * scale
        )
        return float(value), gradient

    return minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
    ).x


def fit(problem: Problem, use: Any, *, rounds: int = ROUNDS) -> Fitted:
    """Coefficients and weights in turn, on the questions in the mask `use`."""
    importance = problem.importance(use)
    groups, pairs = len(problem.groups), len(problem.pairs)
    zero = np.zeros(problem.features.shape[1])
    fitted = Fitted(zero, np.ones(groups), np.zeros(pairs))
    for turn in range(rounds + 1):
        weighed = (
            problem.features
            * problem.weights(fitted)[problem.group_of][:, problem.question].T
        )
        fitted.coefficients = softmax_fit(
            weighed,
            problem,
            importance,
            RIDGE,
            weighed.var(0),
            zero,
            fitted.coefficients,
        )
        if turn == rounds or not pairs:
            break
        sums = group_sums(problem, fitted)
        columns = np.concatenate(
            [
                sums,
                sums[:, problem.pair_group]
                * problem.looks[problem.question][:, problem.pair_look],
            ],
            axis=1,
        )
        spread = sums.var(0)
        scale = np.concatenate([spread, spread[problem.pair_group]])
        around = np.concatenate([np.ones(groups), np.zeros(pairs)])
        found = softmax_fit(
            columns, problem, importance, WEIGHT_RIDGE, scale, around, around
        )
        fitted.rest, fitted.slopes = found[:groups], found[groups:]
    return fitted


def group_sums(problem: Problem, fitted: Fitted) -> Any:
    """(candidates, groups): what each group says of each candidate, unweighed."""
    parts = problem.features * fitted.coefficients
    return np.stack(
        [parts[:, problem.group_of == g].sum(1) for g in range(len(problem.groups))],
        axis=1,
    )


def gains(problem: Problem, fitted: Fitted) -> Any:
    """nDCG@10 of every question; a document counts at its first chunk."""
    score = (
        group_sums(problem, fitted) * problem.weights(fitted)[:, problem.question].T
    ).sum(1)
    values = np.zeros(len(problem.owner))
    for i, (relevant, documents) in enumerate(
        zip(problem.relevant, problem.documents, strict=True)
    ):
        order = np.argsort(
            -score[problem.starts[i] : problem.starts[i + 1]], kind="stable"
        )
        _, first = np.unique(documents[order], return_index=True)
        top = order[np.sort(first)[:JUDGED]]
        values[i] = (
            relevant[top] @ GAINS[: len(top)] / problem.ideal[i]
            if problem.ideal[i]
            else 0.0
        )
    return values


def figures(problem: Problem, values: Any) -> dict[str, float]:
    """The mean of every set."""
    return {
        seen.name: float(values[problem.owner == i].mean())
        for i, seen in enumerate(problem.sets)
    }


def folded(problem: Problem, folds: int, *, rounds: int = ROUNDS) -> dict[str, float]:
    """Figures on questions that the fit did not see; a question is in the same fold with either embedder."""
    keys = sorted(set(problem.ids))
    random.Random(1).shuffle(keys)
    fold_of = {key: number % folds for number, key in enumerate(keys)}
    fold = np.array([fold_of[key] for key in problem.ids])
    values = np.zeros(len(problem.owner))
    for number in range(folds):
        values[fold == number] = gains(
            problem, fit(problem, fold != number, rounds=rounds)
        )[fold == number]
    return figures(problem, values)


def left_out(problem: Problem, folders: Iterable[Path]) -> dict[str, float]:
    """Figures of each set from a fit on all the others."""
    found: dict[str, float] = {}
    for folder in folders:
        mine = np.array(
            [problem.sets[i].name.startswith(folder.name + ".") for i in problem.owner]
        )
        values = figures(problem, gains(problem, fit(problem, ~mine)))
        found |= {
            name: value
            for name, value in values.items()
            if name.startswith(folder.name + ".")
        }
    return found


def line(label: str, values: dict[str, float]) -> str:
    """One row of a table."""
    cells = " ".join(f"{name} {value:.3f}" for name, value in values.items())
    return f"{label}: {cells} mean {math.fsum(values.values()) / len(values):.4f}"


def entries(
    problem: Problem,
    fitted: Fitted,
    words: Any,
    word_names: Sequence[str],
    values: dict[str, float],
) -> dict[str, Any]:
    """The part "fusion" of brain/fitted.json."""
    each = iter(fitted.coefficients)
    groups = {
        group: {name: round(float(next(each)), 3) for name in names}
        for group, names in problem.groups.items()
    }
    slopes: dict[str, dict[str, float]] = {group: {} for group in problem.groups}
    for (group, look), slope in zip(problem.pairs, fitted.slopes, strict=True):
        slopes[group][look] = round(float(slope), 3)
    weights = {
        group: (round(float(rest), 3), slopes[group])
        for group, rest in zip(problem.groups, fitted.rest, strict=True)
    }
    scale = {
        name: (round(float(mean), 4), round(float(deviation), 4))
        for name, mean, deviation in zip(
            problem.look_names, problem.mean, problem.deviation, strict=True
        )
    }
    only = {
        name: round(float(value), 3)
        for name, value in zip(word_names, words, strict=True)
    }
    return {
        "ndcg_at_10": {name: round(value, 3) for name, value in values.items()},
        "first_look": FIRST_LOOK,
        "look_scale": scale,
        "weights": weights,
        "hybrid": groups,
        "words_only": only,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--models",
        type=Path,
        help="folder with the MiniLM files; without it only the built-in embedder",
    )
    parser.add_argument(
        "--stores",
        type=Path,
        required=True,
        help="the folder given to `brain eval … --vectors`",
    )
    parser.add_argument(
        "--vectors",
        type=Path,
        required=True,
        help="where the questions' vectors are kept",
    )
    parser.add_argument(
        "--questions",
        type=int,
        help="of each set and embedder at most so many questions",
    )
    parser.add_argument(
        "--features",
        type=Path,
        help="where the candidates' features are kept between runs",
    )
    parser.add_argument(
        "--left-out", action="store_true", help="also fit on all sets but one, for each"
    )
    parser.add_argument(
        "--folds",
        type=int,
        default=0,
        help="also judge on questions left out, in so many folds",
    )
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        help="features or numbers of the question to leave out",
    )
    parser.add_argument(
        "--write", type=Path, help="write the coefficients into this file"
    )
    options = parser.parse_args()
    sets = load(options)
    groups, slopes = (
        {k: tuple(n for n in v if n not in options.without) for k, v in t.items()}
        for t in (GROUPS, SLOPES)
    )
    problem = Problem(sets, groups, slopes)
    everything = np.ones(len(problem.owner), bool)
    if options.folds:
        print(
            line(
                f"questions left out, without {options.without}",
                folded(problem, options.folds),
            ),
            flush=True,
        )
    if options.left_out:
        print(line("sets left out", left_out(problem, options.folders)), flush=True)
    if options.without:
        return
    fitted = fit(problem, everything)
    values = figures(problem, gains(problem, fitted))
    print(line("questions of the fit", values))
    names = (*groups["words"], "length")
    word_problem = Problem(sets, {"words": names}, {})
    words = fit(word_problem, everything)
    print(line("words only", figures(word_problem, gains(word_problem, words))))
    if options.write:
        fusion = entries(problem, fitted, words.coefficients, names, values)
        write_fitted(options.write, fusion=fusion)


def load(options: argparse.Namespace) -> list[Seen]:
    """The features of every set and embedder, from the file when there is one."""
    if options.features and options.features.exists():
        return list(pickle.loads(options.features.read_bytes()))
    embedders: list[Any] = [
        BuiltinEmbedder(),
        *([MiniLM(options.models)] if options.models else []),
    ]
    sets = []
    for folder in options.folders:
        for embedder in embedders:
            sets.append(
                collect(
                    folder,
                    embedder,
                    options.stores,
                    options.vectors,
                    most=options.questions,
                )
            )
            print(f"{sets[-1].name}: {len(sets[-1].rows)} questions", flush=True)
    if options.features:
        options.features.write_bytes(pickle.dumps(sets))
    return sets


if __name__ == "__main__":
    main()

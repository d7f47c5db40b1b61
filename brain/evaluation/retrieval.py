"""`brain eval retrieval`: five systems on one judged set, all through `Brain.search` or beside it on the same corpus.

lexical, dense and hybrid are what the user's command gives; bm25 never changes (`brain.store.plain_bm25`), so that
nobody can win by weakening a ranking; rrf fuses the lexical and the dense ranking as other tools do. Leaves out the
person's own judgments (`brain.evaluation.own`) and conversations (`brain.evaluation.recall`), which go through the same
`ask_all`.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from brain.evaluation.folder import Judged, Line, conversations, read_set, write_files
from brain.evaluation.metrics import (
    Measurements,
    Qrels,
    Values,
    interval,
    latency,
    mean,
    means,
    ranking,
    require,
)
from brain.protocols import Progress, silent
from brain.recalled import Recalled
from brain.reports import Figures
from brain.store.plain_bm25 import FrozenBM25
from brain.types import AddReport, Answer, Episode, Mode, Request, Retrieved


class Measurable(Protocol):
    """An open store with the verbs that are measured.

    A protocol, since only the app may build a `Brain`, and the evaluation must not import the app.
    """

    def add(self, paths: Sequence[Path]) -> AddReport: ...
    def remember(self, episodes: Sequence[Episode]) -> list[Episode]: ...
    def sync(self) -> AddReport: ...
    def search(self, request: Request) -> Retrieved: ...
    def recall(self, request: Request) -> Recalled: ...
    def ask(self, request: Request) -> Answer: ...
    def tries(self, request: Request) -> tuple[Answer, Answer]: ...
    def episodes(self, kind: str) -> list[Episode]: ...
    def plain_bm25(self, kind: str) -> FrozenBM25: ...


OpenStore = Callable[[Path], AbstractContextManager[Measurable]]
Names = dict[str, str]
Fill = Callable[[Measurable, Judged, Path], Names]
"""(store, part of a set, its home) -> what the store calls each document -> its doc_id."""
Scores = dict[str, float]  # document -> score
# A ranking by the names of the store, with the scores of the system.
Found = list[tuple[str, float]]
Named = list[tuple[str | None, float]]  # the same by the names of the set
Search = Callable[[Measurable, Request], tuple[Found, str]]

DEPTH = 60  # passages asked for, so that 20 documents stand among them
RRF_K = 60  # Cormack, Clarke & Buettcher 2009
MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")
BM25 = "bm25"
RRF = "rrf"
UNSAFE = re.compile(r"[^\w-]")  # in the name of a folder
SYSTEMS = (*MODES, BM25, RRF)
MEASURE = "nDCG@10"  # by which systems are compared


@dataclass(slots=True)
class Measured:
    """What the systems answered: system -> query -> ranking; how long each question took (seconds).

    `found` has the rankings of the MODES with their own scores, None for what the set does not know.
    """

    runs: dict[str, dict[str, Scores]] = field(
        default_factory=lambda: {name: {} for name in SYSTEMS}
    )
    found: dict[str, dict[str, Named]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    embedder: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """How the stores of a set are opened: by `filler` for taking in, then by `open_brain` for asking.

    With an Ollama model as embedder the filler has the built-in models alone, so that the vectors are filled by `sync`,
    wholly, and not by a process in the background. `vectors`: a folder that keeps the stores, and so the embeddings,
    between runs.
    """

    open_brain: OpenStore
    filler: OpenStore
    vectors: Path | None = None
    progress: Progress = silent

    def stores(
        self, judged: Judged, fill: Fill
    ) -> Iterator[tuple[Judged, Measurable, Names]]:
        """Each part of a set, a store that holds it, its vectors complete, and what that calls each document."""
        for part in conversations(judged):
            with home_of(self.vectors, judged, part) as home:
                with self.filler(home) as brain:
                    names = fill(brain, part, home)
                with self.open_brain(home) as brain:
                    brain.sync()
                    yield part, brain, names


def retrieval(directory: Path, setup: Setup) -> Figures:
    """The report that docs/RETRIEVAL.md explains."""
    require()
    judged = read_set(directory)
    measured = Measured()
    for part, brain, names in setup.stores(judged, fill):
        ask_all(brain, part, measured, by_name(names), setup.progress)
    return report(judged, measured)


def fill(brain: Measurable, part: Judged, home: Path) -> Names:
    """The documents as files, taken in as a person would; file name -> doc_id."""
    names = write_files(part, home / "corpus")
    brain.add([home / "corpus"])
    return names


def by_name(names: Mapping[str, str]) -> Callable[[str], str | None]:
    """From a source to the doc_id of the file that `write_files` made."""
    return lambda source: names.get(Path(source).name)


def search_notes(brain: Measurable, request: Request) -> tuple[Found, str]:
    """(the sources of the passages with their scores, the name of the embedder)."""
    told = brain.search(request)
    return [(passage.source, passage.score) for passage in told.passages], told.embedder


def ask_all(
    brain: Measurable,
    part: Judged,
    measured: Measured,
    identify: Callable[[str], str | None],
    progress: Progress = silent,
    *,
    kind: str = "knowledge",
    search: Search = search_notes,
) -> None:
    """Every judged question of the part to every system; `identify` turns what is found into what is judged."""
    yardstick = brain.plain_bm25(kind)
    queries = [query for query in part.queries if query["id"] in part.qrels]
    # What is loaded once is no latency of the first question.
    for query in queries[:1]:
        for mode in MODES:
            search(brain, _request(query["text"], mode))
    for number, query in enumerate(queries, 1):
        key = query["id"]
        text = query["text"]
        for mode in MODES:
            began = time.perf_counter()
            found, embedder = search(brain, _request(text, mode))
            measured.times[mode].append(time.perf_counter() - began)
            measured.embedder = embedder or measured.embedder
            named = [(identify(name), score) for name, score in found]
            measured.found[mode][key] = named
            measured.runs[mode][key] = scores(name for name, _score in named)
        began = time.perf_counter()
        names = yardstick.search(text, limit=DEPTH)
        measured.times[BM25].append(time.perf_counter() - began)
        measured.runs[BM25][key] = scores(map(identify, names))
        measured.runs[RRF][key] = rrf(
            measured.runs["lexical"][key], measured.runs["dense"][key]
        )
        progress("questions", number, len(queries))


def _request(text: str, mode: Mode) -> Request:
    return Request(
        text,
        limit=DEPTH,
        mode=mode,
        look=False,
    )


def report(judged: Judged, measured: Measured) -> Figures:
    """Figures of every system, and the interval of hybrid over the best of the others."""
    by_query, told = summary(judged, measured)
    systems = told["systems"]
    others = [name for name in systems if name != "hybrid"]
    best = max(others, key=lambda name: systems[name][MEASURE])
    hybrid = by_query["hybrid"][MEASURE]
    return told | {
        "best_other": best,
        "hybrid_over_best_95": interval(hybrid, by_query[best][MEASURE]),
        "by_lang": by_field(judged.queries, hybrid, "lang"),
        "by_category": by_field(judged.queries, hybrid, "category"),
    }


def summary(
    judged: Judged, measured: Measured
) -> tuple[dict[str, Measurements], Figures]:
    """(system -> metric -> query -> value, what the report of every judged set begins with)."""
    by_query, systems = figures(judged.qrels, measured)
    return by_query, {
        "set": judged.name,
        "queries": len(by_query["hybrid"][MEASURE]),
        "documents": len(judged.documents),
        "embedder": measured.embedder,
        "systems": systems,
    }


def figures(
    qrels: Qrels, measured: Measured
) -> tuple[dict[str, Measurements], dict[str, dict[str, float]]]:
    """(system -> metric -> query -> value, system -> metric -> mean, with the latencies)."""
    by_query = {}
    systems = {}
    for name, run in measured.runs.items():
        by_query[name] = ranking(qrels, run)
        systems[name] = means(by_query[name]) | latency(measured.times[name])
    return by_query, systems


def by_field(queries: Iterable[Line], values: Values, name: str) -> dict[str, float]:
    """The mean for each value of a field of the questions."""
    groups = grouped(queries, values, name)
    return {
        key: round(mean([values[one] for one in ids]), 4) for key, ids in groups.items()
    }


def grouped(queries: Iterable[Line], values: Values, name: str) -> dict[str, list[str]]:
    """The ids of the measured questions for each value of a field, in the order of the values."""
    groups: dict[str, list[str]] = {}
    for query in queries:
        if query.get(name) and query["id"] in values:
            groups.setdefault(str(query[name]), []).append(query["id"])
    return dict(sorted(groups.items()))


def scores(documents: Iterable[str | None]) -> Scores:
    """A ranking of documents as falling scores; a document counts at its first place."""
    ranked = list(
        dict.fromkeys(document for document in documents if document is not None)
    )
    return {
        document: float(len(ranked) - place) for place, document in enumerate(ranked)
    }


def rrf(*rankings: Scores) -> Scores:
    """Reciprocal rank fusion as a strict ranking: equal sums stay in the order of the first ranking that has them."""
    fused: Scores = {}
    for ranked in rankings:
        for place, document in enumerate(ranked_by(ranked), 1):
            fused[document] = fused.get(document, 0.0) + 1 / (RRF_K + place)
    return ranked_by(fused)


def ranked_by(weights: Values) -> Scores:
    """From the heaviest to the lightest as falling scores."""
    order = sorted(weights, key=weights.__getitem__, reverse=True)
    return scores(order)


@contextmanager
def home_of(parent: Path | None, judged: Judged, part: Judged) -> Iterator[Path]:
    """The home folder for one part of a set: temporary, or kept below `parent` for the next run.

    Kept, it is found again by its name and by what it holds.
    """
    if parent is None:
        with tempfile.TemporaryDirectory(prefix="brain-eval-") as folder:
            yield Path(folder)
        return
    home = parent / home_name(judged, part)
    home.mkdir(parents=True, exist_ok=True)
    yield home


def home_name(judged: Judged, part: Judged) -> str:
    """What the folder of a kept home is called."""
    return UNSAFE.sub("_", f"{judged.name}-{part.name}-{part.corpus}")

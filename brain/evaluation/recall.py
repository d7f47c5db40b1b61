"""`brain eval recall`: conversations taken in as dated episodes, ranked as turns and as sessions.

The turns go in as episodes, many at once, and come out by `recall` as a person uses it. Leaves
out how `recall` ranks: sessions are ranked here from its turns, because that is all that a person sees.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brain.errors import UsageError
from brain.evaluation.folder import FORMAT, Judged, conversations, read_qrels, read_set
from brain.evaluation.metrics import means, ranking, require
from brain.evaluation.retrieval import (
    BM25,
    DEPTH,
    MEASURE,
    MODES,
    RRF,
    Home,
    Measurable,
    Measured,
    OpenStore,
    figures,
    rrf,
    scores,
)
from brain.protocols import Progress, silent
from brain.types import Episode, Mode, Request

SESSIONS = "qrels_episodes.tsv"  # the same questions, judged on sessions
HALVED = 0.5  # weight of each further turn of a session against the one before
Runs = Mapping[str, Mapping[str, float]]  # query -> name -> weight
LOG_ODDS: tuple[Mode, ...] = ("lexical", "hybrid")  # systems whose scores are log-odds


def recall(
    directory: Path,
    open_brain: OpenStore,
    *,
    filler: OpenStore | None = None,
    vectors: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The report of RETRIEVAL.md: turns with `by_category`, and the same questions judged on sessions.

    `filler` and `vectors` as for `retrieval`.
    """
    require()
    judged, measured = read_set(directory), Measured()
    odds: dict[str, dict[str, dict[str, float]]] = {mode: {} for mode in LOG_ODDS}
    sessions = read_qrels(directory / SESSIONS) if (directory / SESSIONS).exists() else {}
    for part in conversations(judged):
        with Home.of(vectors, judged, part) as home:
            ids = fill(home, part, open_brain, filler)
            with open_brain(home) as brain:
                brain.sync()
                _ask_all(brain, part, ids, measured, odds, progress)
    return report(judged, measured, sessions, odds)


def report(
    judged: Judged,
    measured: Measured,
    sessions: Mapping[str, Mapping[str, int]],
    odds: Mapping[str, Runs],
) -> dict[str, Any]:
    """Figures of turns and of sessions."""
    by_query, systems = figures(judged.qrels, measured)
    session_of = {
        document["doc_id"]: str(document.get("session", "")) for document in judged.documents
    }
    by_session = {
        name: as_sessions(
            odds.get(name) or {key: halved(found, session_of) for key, found in run.items()},
            session_of,
        )
        for name, run in measured.runs.items()
    }
    return {
        "schema": 1,
        "set": judged.name,
        "queries": len(by_query["hybrid"][MEASURE]),
        "documents": len(judged.documents),
        "embedder": measured.embedder,
        "systems": systems,
        "by_category": _by_category(judged, by_query["hybrid"]),
        "sessions": {name: means(ranking(sessions, run)) for name, run in by_session.items()}
        if sessions
        else {},
    }


def fill(
    home: Path, part: Judged, open_brain: OpenStore, filler: OpenStore | None
) -> dict[str, str]:
    """The turns of one conversation in the store of this home; episode id -> doc_id."""
    with (filler or open_brain)(home) as brain:
        return take_in(brain, part)


def take_in(brain: Measurable, part: Judged) -> dict[str, str]:
    """Every turn as an episode, oldest first as they stand; episode id -> doc_id. A kept store is not filled twice."""
    known = {episode.source: episode.id for episode in brain.episodes("chat")}
    rows = [_episode(document) for document in part.documents if document["doc_id"] not in known]
    known |= {episode.source: episode.id for episode in (brain.remember(rows) if rows else ())}
    return {episode_id: doc_id for doc_id, episode_id in known.items()}


def _episode(document: Mapping[str, Any]) -> Episode:
    """One turn. The words are what was said; who said it and when are fields of their own."""
    speaker, text = str(document.get("speaker", "")), str(document["text"])
    when = str(document.get("date") or datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        raise UsageError(
            f"the date of {document['doc_id']} cannot be read: {when}", FORMAT
        ) from None
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="seconds")
    return Episode(
        "",
        at,
        "chat",
        "",
        text,
        session=str(document.get("session", "")),
        source=str(document["doc_id"]),
        people=(speaker,) if speaker else (),
    )


def _ask_all(
    brain: Measurable,
    part: Judged,
    ids: Mapping[str, str],
    measured: Measured,
    odds: Mapping[str, dict[str, dict[str, float]]],
    progress: Progress,
) -> None:
    """Every question to every system."""
    yardstick = brain.plain_bm25("episodes")
    wanted = [query for query in part.queries if query["id"] in part.qrels]
    for mode in MODES if wanted else ():  # what is loaded once is no latency of the first question
        brain.recall(Request(wanted[0]["text"], limit=DEPTH, mode=mode))
    for number, query in enumerate(wanted, 1):
        key, text = query["id"], query["text"]
        for mode in MODES:
            began = time.perf_counter()
            found = brain.recall(Request(text, limit=DEPTH, mode=mode))
            measured.times[mode].append((time.perf_counter() - began) * 1_000)
            measured.embedder = found.embedder or measured.embedder
            measured.runs[mode][key] = scores(ids.get(item.episode.id) for item in found.episodes)
            if mode in odds:
                odds[mode][key] = shares(
                    [(ids.get(item.episode.id, ""), item.score) for item in found.episodes]
                )
        began = time.perf_counter()
        names = yardstick.search(text, limit=DEPTH)
        measured.times[BM25].append((time.perf_counter() - began) * 1_000)
        measured.runs[BM25][key] = scores(ids.get(name) for name in names)
        measured.runs[RRF][key] = rrf(measured.runs["lexical"][key], measured.runs["dense"][key])
        progress("questions", number, len(wanted))


def as_sessions(run: Runs, session_of: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Sessions ranked by the sum of what their turns weigh; query -> session -> falling score."""
    ranked: dict[str, dict[str, float]] = {}
    for query, found in run.items():
        sums: dict[str, float] = {}
        for turn, weight in found.items():
            session = session_of.get(turn, "")
            sums[session] = sums.get(session, 0.0) + weight
        order = sorted(sums, key=sums.__getitem__, reverse=True)
        ranked[query] = scores(order)
    return ranked


def halved(found: Mapping[str, float], session_of: Mapping[str, str]) -> dict[str, float]:
    """What a turn weighs where a system gives only an order: 1 / (1 + its place), each further one of a session half."""
    weights: dict[str, float] = {}
    seen: dict[str, int] = {}
    for place, turn in enumerate(sorted(found, key=lambda key: -found[key]), 1):
        session = session_of.get(turn, "")
        weights[turn] = HALVED ** seen.get(session, 0) / (1 + place)
        seen[session] = seen.get(session, 0) + 1
    return weights


def shares(found: Sequence[tuple[str, float]]) -> dict[str, float]:
    """What a turn weighs where its score is a log-odds (the fit is a softmax): its odds against the first. The order
    stands: a turn weighs no more than the one before it.
    """
    weights: dict[str, float] = {}
    least = 1.0
    for turn, score in found:
        least = min(least, math.exp(min(score - found[0][1], 0.0)))
        weights.setdefault(turn, least)
    return weights


def _by_category(
    judged: Judged, values: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    categories: dict[str, list[str]] = {}
    for query in judged.queries:
        if query.get("category") and query["id"] in values[MEASURE]:
            categories.setdefault(str(query["category"]), []).append(query["id"])
    return {
        name: means(_only(values, keys)) | {"queries": len(keys)}
        for name, keys in sorted(categories.items())
    }


def _only(
    values: Mapping[str, Mapping[str, float]], keys: Iterable[str]
) -> dict[str, dict[str, float]]:
    wanted = set(keys)
    return {
        name: {key: value for key, value in one.items() if key in wanted}
        for name, one in values.items()
    }

"""`brain eval recall`: conversations taken in as dated episodes, ranked as turns and as sessions.

The turns go in as `remember` takes them, and come out by `Brain.recall`. Leaves out how `recall` ranks: sessions are
ranked here from its turns, because that is all that a person sees.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from brain.errors import UsageError
from brain.evaluation.folder import FORMAT, Judged, Line, read_qrels, read_set
from brain.evaluation.metrics import Qrels, Run, Values, means, ranking, require
from brain.evaluation.retrieval import (
    MEASURE,
    Found,
    Measurable,
    Measured,
    Names,
    Scores,
    Setup,
    ask_all,
    grouped,
    ranked_by,
    summary,
)
from brain.reports import Figures
from brain.types import Episode, Mode, Request

SESSIONS = "qrels_episodes.tsv"  # the same questions, judged on sessions
HALVED = 0.5  # weight of each further turn of a session against the one before
LOG_ODDS: tuple[Mode, ...] = ("lexical", "hybrid")  # systems whose scores are log-odds


def recall(directory: Path, setup: Setup) -> Figures:
    """The report that docs/RETRIEVAL.md explains: turns, and the same questions judged on sessions."""
    require()
    judged = read_set(directory)
    measured = Measured()
    on_sessions = directory / SESSIONS
    sessions = read_qrels(on_sessions) if on_sessions.exists() else {}
    for part, brain, ids in setup.stores(judged, fill):
        ask_all(
            brain,
            part,
            measured,
            ids.get,
            setup.progress,
            kind="episodes",
            search=search_turns,
        )
    return report(judged, measured, sessions)


def search_turns(brain: Measurable, request: Request) -> tuple[Found, str]:
    """(the ids of the episodes with their scores, the name of the embedder)."""
    told = brain.recall(request)
    return [(item.episode.id, item.score) for item in told.episodes], told.embedder


def report(judged: Judged, measured: Measured, sessions: Qrels) -> Figures:
    """Figures of turns and of sessions."""
    by_query, told = summary(judged, measured)
    by_session: dict[str, dict[str, float]] = {}
    if sessions:
        session_of = {
            turn["doc_id"]: str(turn.get("session", "")) for turn in judged.documents
        }
        for name in measured.runs:
            run = as_sessions(_weights(name, measured, session_of), session_of)
            by_session[name] = means(ranking(sessions, run))
    return told | {
        "by_category": _by_category(judged, by_query["hybrid"]),
        "sessions": by_session,
    }


def _weights(
    system: str, measured: Measured, session_of: Mapping[str, str]
) -> dict[str, Scores]:
    """What each turn that a system found weighs for its session."""
    if system in LOG_ODDS and measured.found[system]:
        return {key: shares(found) for key, found in measured.found[system].items()}
    return {
        key: halved(found, session_of) for key, found in measured.runs[system].items()
    }


def fill(brain: Measurable, part: Judged, _home: Path) -> Names:
    """Every turn as an episode, oldest first as they stand; episode id -> doc_id. A kept store is not filled twice."""
    known = brain.episodes("chat")
    taken = {episode.source for episode in known}
    rows = [
        _episode(document)
        for document in part.documents
        if document["doc_id"] not in taken
    ]
    if rows:
        known += brain.remember(rows)
    return {episode.id: episode.source for episode in known}


def _episode(document: Line) -> Episode:
    """One turn. The words are what was said; who said it and when are fields of their own."""
    speaker = str(document.get("speaker", ""))
    when = document.get("date")
    try:
        moment = datetime.now(UTC)
        if when:
            moment = datetime.fromisoformat(str(when))
    except ValueError:
        raise UsageError(
            f"the date of {document['doc_id']} cannot be read: {when}", FORMAT
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Episode(
        "",
        moment.isoformat(timespec="seconds"),
        "chat",
        "",
        str(document["text"]),
        session=str(document.get("session", "")),
        source=str(document["doc_id"]),
        people=(speaker,) if speaker else (),
    )


def as_sessions(run: Run, session_of: Mapping[str, str]) -> dict[str, Scores]:
    """Sessions ranked by the sum of what their turns weigh; query -> session -> falling score."""
    ranked: dict[str, Scores] = {}
    for query, found in run.items():
        sums: Scores = defaultdict(float)
        for turn, weight in found.items():
            sums[session_of.get(turn, "")] += weight
        ranked[query] = ranked_by(sums)
    return ranked


def halved(found: Values, session_of: Mapping[str, str]) -> Scores:
    """What a turn weighs where there is an order alone: 1 / (1 + its place), each further one of a session half."""
    weights: dict[str, float] = {}
    seen: Counter[str] = Counter()
    for place, turn in enumerate(ranked_by(found), 1):
        session = session_of.get(turn, "")
        weights[turn] = HALVED ** seen[session] / (1 + place)
        seen[session] += 1
    return weights


def shares(found: Sequence[tuple[str | None, float]]) -> Scores:
    """What a turn weighs where its score is a log-odds (the fit is a softmax): its odds against the first. The order
    stands: a turn weighs no more than the one before it.
    """
    weights: Scores = {}
    least = 1.0
    for turn, score in found:
        least = min(least, math.exp(min(score - found[0][1], 0.0)))
        weights.setdefault(turn or "", least)
    return weights


def _by_category(judged: Judged, values: Run) -> dict[str, Scores]:
    """The means over the questions of each category, and how many they are."""
    categories = {}
    for name, ids in grouped(judged.queries, values[MEASURE], "category").items():
        chosen = {
            measure: {key: one[key] for key in ids} for measure, one in values.items()
        }
        categories[name] = means(chosen) | {"queries": len(ids)}
    return categories

"""Episodes: what happened, word for word, one row a round; recorded, found by id, session and day, corrected, judged.

Leaves out search (fts_search.py), ranking (`brain.retrieval`) and deciding what is worth recording. Nothing is
deleted by age: a correction supersedes and the old round stays. The order of a session is the order of recording, not
that of its clocks, which jump. Serves `ask`, `remember`, `recall` and imports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from brain.errors import NotFound, UsageError
from brain.store.connection import Connection
from brain.store.row_hash import HASH, listed, renewed, row_hash
from brain.store.sql import episode_scope
from brain.types import Episode, Scope
from ingest.document import digest, new_id
from ingest.terms import index_terms

SHORTEST_PREFIX = 6  # STYLE.md: the shortest id that a person types
CANDIDATES_SHOWN = 5
AROUND_CHARACTERS = 400  # taken of each neighbouring round: more would drown the round itself
NEIGHBOURS = 2  # rounds on each side: one gave .529, two .542 nDCG@10 on locomo_dev by words alone (benchmarks/RETRIEVAL.md)
OUTCOMES = ("good", "wrong", "missing")  # what `brain feedback` may say of an answer
IDS_PER_QUERY = 500  # below the 999 variables of the oldest SQLite that we meet

COLUMNS = (
    "id",
    "at",
    "kind",
    "session",
    "question",
    "answer",
    "citations",
    "state",
    "confidence",
    "route",
    "model",
    "label",
    "compartment",
    "source",
    "people",
    "tags",
    "outcome",
    "supersedes",
    "document_id",
    "topic",
    "terms",
    "around",
    "text_sha",
    HASH,
)
AROUND = COLUMNS.index("around")
_MARKS = ", ".join("?" * len(COLUMNS))
INSERT = f"INSERT INTO episodes ({', '.join(COLUMNS)}) VALUES ({_MARKS})"
READ = (
    "SELECT id, at, kind, question, answer, citations, state, session, source, people, tags, supersedes, label "
    "FROM episodes c"
)
# The moment of a round as a number that sorts; the last hours of the year 9999 in the west are no date to SQLite.
MOMENT = "coalesce(julianday(at), julianday(substr(at, 1, 10)), 0)"
_MACHINE_SESSION = re.compile(
    r"[0-9a-f-]{8,}"
)  # a random id says nothing about what the session was about


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is kept of a round besides its words. `document_id`: the document that carries these words as evidence."""

    confidence: Mapping[str, Any] = field(default_factory=dict)
    route: str | None = None
    model: str | None = None
    compartment: str | None = None
    outcome: str | None = None
    document_id: str | None = None


class EpisodeTable:
    """All SQL of episodes but search. `now` gives the present with its offset."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    # -- writing ------------------------------------------------------------------------------------------------------

    def record(self, episode: Episode, circumstances: Circumstances = Circumstances()) -> Episode:
        """Keep one round. An empty id is drawn, an empty `at` is now. A round whose id is already kept stays as it is.

        Raises `UsageError` when `at` is no ISO 8601 date-time.
        """
        done = self._record_all([(episode, circumstances)])
        return done[0] if done else self.get(episode.id)

    def record_many(
        self, rounds: Iterable[Episode | tuple[Episode, Circumstances]]
    ) -> list[Episode]:
        """Keep many in one transaction, in this order; returns those that were not kept before, as kept."""
        return self._record_all(
            [(item, Circumstances()) if isinstance(item, Episode) else item for item in rounds]
        )

    def _record_all(self, rounds: Sequence[tuple[Episode, Circumstances]]) -> list[Episode]:
        named = [(self._complete(episode), circumstances) for episode, circumstances in rounds]
        with self._connection.write():
            known = self._known([episode.id for episode, _ in named])
            fresh: dict[str, tuple[Episode, Circumstances]] = {}
            for episode, circumstances in named:
                if episode.id not in known:
                    fresh.setdefault(episode.id, (episode, circumstances))
            rows = [row_of(episode, circumstances) for episode, circumstances in fresh.values()]
            self._connection.conn.executemany(INSERT, self._with_neighbours(rows))
        return [episode for episode, _ in fresh.values()]

    def supersede(
        self, reference: str, episode: Episode, circumstances: Circumstances = Circumstances()
    ) -> Episode:
        """Record a correction of an older round, which stays and says so. Raises `NotFound`, `UsageError`."""
        return self.record(replace(episode, supersedes=self.get(reference).id), circumstances)

    def judge(self, reference: str, outcome: str) -> Episode:
        """Keep what a person says of an answer: good, wrong, missing. Raises `NotFound`, `UsageError`."""
        if outcome not in OUTCOMES:
            raise UsageError(f"{outcome!r} is no outcome", f"say one of: {', '.join(OUTCOMES)}")
        episode = self.get(reference)
        self._change(episode.id, outcome=outcome)
        return episode

    def attach(self, episode_id: str, document_id: str) -> None:
        """Note which document carries the words of this round as evidence."""
        self._change(episode_id, document_id=document_id)

    def _change(self, episode_id: str, **changes: str) -> None:
        """Set columns of a round, and its hash with them."""
        with self._connection.write():
            cursor = self._connection.conn.execute(
                f"SELECT {listed('episodes')} FROM episodes WHERE id=?", (episode_id,)
            )
            for row in cursor.fetchall():
                before = dict(zip([item[0] for item in cursor.description], row, strict=True))
                values = {**changes, HASH: renewed("episodes", before, changes)}
                sets = ", ".join(f"{name}=?" for name in values)
                self._connection.conn.execute(
                    f"UPDATE episodes SET {sets} WHERE id=?", (*values.values(), episode_id)
                )

    def _complete(self, episode: Episode) -> Episode:
        at = episode.at or self._now().isoformat(timespec="seconds")
        try:
            moment = datetime.fromisoformat(at)
        except ValueError as error:
            hint = "say it as 2026-05-07T14:30, with an offset if you like"
            raise UsageError(f"{at!r} is no date and time", hint) from error
        if moment.tzinfo is None:
            at = moment.replace(tzinfo=self._now().tzinfo).isoformat(timespec="seconds")
        return replace(episode, id=episode.id or new_id(), at=at)

    def _known(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for page in _pages(ids):
            marks = ", ".join("?" * len(page))
            sql = f"SELECT id FROM episodes WHERE id IN ({marks})"
            found.update(row[0] for row in self._connection.conn.execute(sql, page))
        return found

    def _with_neighbours(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Fill `around` from the rounds beside each in its session; the last one kept learns of the first new one."""
        session, terms = COLUMNS.index("session"), COLUMNS.index("terms")
        sessions: dict[str, list[list[Any]]] = {}
        for row in rows:
            if row[session]:
                sessions.setdefault(row[session], []).append(row)
        for name, turns in sessions.items():
            self._place(name, turns, terms)
        return rows

    def _place(self, session: str, turns: list[list[Any]], terms: int) -> None:
        """What stands around each new round of a session, and around those kept that now have new ones behind them."""
        conn = self._connection.conn
        kept = conn.execute(
            "SELECT pk, terms FROM episodes WHERE session=? ORDER BY pk DESC LIMIT ?",
            (session, 2 * NEIGHBOURS),
        ).fetchall()[::-1]
        line = [row[1] for row in kept] + [turn[terms] for turn in turns]
        for i in range(max(len(kept) - NEIGHBOURS, 0), len(line)):
            around = _around(line[max(i - NEIGHBOURS, 0) : i], line[i + 1 : i + 1 + NEIGHBOURS])
            if i < len(kept):
                conn.execute("UPDATE episodes SET around=? WHERE pk=?", (around, kept[i][0]))
            else:
                turns[i - len(kept)][AROUND] = around

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, reference: str) -> Episode:
        """The round with this id, its beginning (six characters at least), `#` or `episode:` before it allowed.

        Raises `NotFound`, or `UsageError` with the candidates when several fit.
        """
        text = reference.removeprefix("#").removeprefix("episode:").lower()
        if len(text) >= SHORTEST_PREFIX:
            span = (text, text + "\U0010ffff", CANDIDATES_SHOWN)
            found = self._read("WHERE id >= ? AND id < ? ORDER BY id LIMIT ?", span)
            exact = [episode for episode in found if episode.id == text]
            if len(found) == 1 or exact:
                return (exact or found)[0]
            if found:
                names = ", ".join(episode.id for episode in found)
                raise UsageError(f"{reference!r} names several episodes", f"say which: {names}")
        raise NotFound(
            f"no episode has the id {reference!r}", "`brain recall` shows the ids of what happened"
        )

    def many(self, ids: Sequence[str]) -> dict[str, Episode]:
        """The rounds with these ids, by id; those that do not exist are missing."""
        return {
            episode.id: episode
            for page in _pages(ids)
            for episode in self._read(f"WHERE id IN ({', '.join('?' * len(page))})", page)
        }

    def of_source(self, source: str) -> list[Episode]:
        """The rounds that came from there: a note's own, or those of an imported file."""
        return self._read("WHERE source = ? ORDER BY pk", (source,))

    def circumstances(self, episode_id: str) -> Circumstances:
        """What else is kept of a round. Raises `NotFound`."""
        row = self._connection.conn.execute(
            "SELECT confidence, route, model, compartment, outcome, document_id FROM episodes WHERE id=?",
            (episode_id,),
        ).fetchone()
        if row is None:
            raise NotFound(
                f"no episode has the id {episode_id!r}",
                "`brain recall` shows the ids of what happened",
            )
        return Circumstances(json.loads(row[0]), *row[1:])

    def last(self, kind: str = "", *, session: str = "") -> Episode | None:
        """The round recorded last, of this kind and session when given; no clock can mislead it."""
        where = episode_scope(Scope(), kind=kind, session=session)
        found = self._read(f"WHERE {where} ORDER BY pk DESC LIMIT 1", where.values)
        return found[0] if found else None

    def recent(
        self,
        limit: int,
        *,
        kind: str = "",
        person: str = "",
        since: str = "",
        until: str = "",
        session: str = "",
    ) -> list[Episode]:
        """Newest first. `since` and `until` are days, inclusive, compared with the day as it was written down.

        Rounds dated in the future (a clock was wrong) stand where they were recorded, not above everything for ever.
        """
        scope = Scope(since=since, until=until)
        where = episode_scope(scope, kind=kind, person=person, session=session)
        order = f"ORDER BY min({MOMENT}, julianday(?)) DESC, pk DESC LIMIT ?"
        return self._read(f"WHERE {where} {order}", (*where.values, self._now().isoformat(), limit))

    def neighbours(
        self, episode: Episode, *, before: int = 1, after: int = 1
    ) -> tuple[tuple[Episode, ...], tuple[Episode, ...]]:
        """The rounds recorded before and after this one in its session, each oldest first; none without a session."""
        if not episode.session:
            return (), ()
        this = (episode.session, episode.id)
        condition = (
            "WHERE session=? AND pk {} (SELECT pk FROM episodes WHERE id=?) ORDER BY pk {} LIMIT ?"
        )
        earlier = self._read(condition.format("<", "DESC"), (*this, before))
        later = self._read(condition.format(">", "ASC"), (*this, after))
        return tuple(reversed(earlier)), tuple(later)

    def superseded(self, ids: Sequence[str]) -> dict[str, str]:
        """Which of these were corrected, and by which round (the last correction)."""
        found: dict[str, str] = {}
        for page in _pages(ids):
            marks = ", ".join("?" * len(page))
            sql = f"SELECT supersedes, id FROM episodes WHERE supersedes IN ({marks}) ORDER BY pk"
            found.update(self._connection.conn.execute(sql, page).fetchall())
        return found

    def count(self) -> int:
        """How many rounds are kept."""
        return int(self._connection.conn.execute("SELECT count(*) FROM episodes").fetchone()[0])

    def export_rows(self) -> Iterator[dict[str, Any]]:
        """Every round with all its columns, by day as written down, inside a day by moment and order of recording."""
        sql = f"SELECT * FROM episodes ORDER BY substr(at, 1, 10), {MOMENT}, pk"
        cursor = self._connection.conn.execute(sql)
        names = [item[0] for item in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def _read(self, rest: str, values: Sequence[Any]) -> list[Episode]:
        return [
            _episode(row) for row in self._connection.conn.execute(f"{READ} {rest}", tuple(values))
        ]


def topic_of(episode: Episode) -> str:
    """`2026-05-07 · lease talk · Ana, Ben`: what stands above a round in both indexes. Random session ids are not."""
    session = "" if _MACHINE_SESSION.fullmatch(episode.session) else episode.session
    return " · ".join(
        part for part in (episode.at[:10], session, ", ".join(episode.people)) if part
    )


def row_of(episode: Episode, circumstances: Circumstances) -> list[Any]:
    """The row in the order of COLUMNS, without its neighbours. `text_sha`: of the topic, a line end, the words."""
    topic, words = topic_of(episode), episode.text
    row = [
        episode.id,
        episode.at,
        episode.kind,
        episode.session,
        episode.question,
        episode.answer,
        _json(episode.citations),
        episode.state,
        json.dumps(dict(circumstances.confidence), sort_keys=True),
        circumstances.route,
        circumstances.model,
        episode.label,
        circumstances.compartment,
        episode.source,
        _json(episode.people),
        _json(episode.tags),
        circumstances.outcome,
        episode.supersedes,
        circumstances.document_id,
        topic,
        index_terms(words),
        "",
        digest(f"{topic}\n{words}"),
    ]
    return [*row, row_hash("episodes", dict(zip(COLUMNS, row, strict=False)))]


def _around(before: Sequence[str], after: Sequence[str]) -> str:
    """The near ends of what was said before and after, as terms; cut at words."""
    tails = [
        t[-AROUND_CHARACTERS:].partition(" ")[2] if len(t) > AROUND_CHARACTERS else t
        for t in before
    ]
    heads = [
        t[:AROUND_CHARACTERS].rpartition(" ")[0] if len(t) > AROUND_CHARACTERS else t for t in after
    ]
    return "\n".join(part for part in (*tails, *heads) if part)


def _episode(row: Sequence[Any]) -> Episode:
    lists = {
        name: tuple(json.loads(row[i]))
        for name, i in (("citations", 5), ("people", 9), ("tags", 10))
    }
    return Episode(
        id=row[0],
        at=row[1],
        kind=row[2],
        question=row[3],
        answer=row[4],
        state=row[6],
        session=row[7],
        source=row[8],
        supersedes=row[11],
        label=row[12],
        **lists,
    )


def _json(items: Sequence[str]) -> str:
    return json.dumps(list(items), ensure_ascii=False)


def _pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_PER_QUERY] for start in range(0, len(ids), IDS_PER_QUERY))

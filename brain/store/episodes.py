"""Episodes: what happened, word for word, one row a round; recorded, found by id, session and day, corrected, judged.

Leaves out search (fts_search.py), ranking (`brain.retrieval`) and deciding what is worth recording. Nothing is
deleted by age: a correction supersedes and the old round stays. The order of a session is the order of recording, not
that of its clocks, which jump. Serves `ask`, `remember`, `recall` and imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from brain.errors import NotFound, UsageError
from brain.store.connection import Connection
from brain.store.row_hash import COVERED, HASH, Row, hashed, listed
from brain.store.sql import (
    CANDIDATES_SHOWN,
    SHORTEST_PREFIX,
    episode_scope,
    fields_of,
    ids_text,
    insert_into,
    json_text,
)
from brain.store.table import Table
from brain.types import Episode, Scope
from ingest.document import digest, new_id
from ingest.terms import index_terms

AROUND_CHARACTERS = (
    400  # taken of each neighbouring round: more would drown the round itself
)
# rounds on each side: one gave .529, two .542 nDCG@10 on locomo_dev by words alone (benchmarks/RETRIEVAL.md)
NEIGHBOURS = 2

LISTS = ("citations", "people", "tags")  # columns that hold JSON
COLUMNS = (*COVERED["episodes"], "topic", "terms", "around", "text_sha", HASH)
READ = """
    SELECT id, at, kind, question, answer, citations, state, session, source, people, tags,
        supersedes, label
    FROM episodes c
"""
# The moment of a round as a number that sorts; the last hours of the year 9999 in the west are no date to SQLite.
MOMENT = "coalesce(julianday(at), julianday(substr(at, 1, 10)), 0)"
# as a session's name it says nothing about what the session was about
RANDOM_ID = re.compile(r"[0-9a-f-]{8,}")
HINT = "`brain recall` shows the ids of what happened"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is kept of a round besides its words. `document_id`: the document that carries these words as evidence."""

    confidence: Mapping[str, Any] = field(default_factory=dict)
    route: str | None = None
    model: str | None = None
    compartment: str | None = None
    outcome: str | None = None
    document_id: str | None = None


class EpisodeTable(Table):
    """All SQL of episodes but search. `now` gives the present with its offset."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self._now = now

    # -- writing ------------------------------------------------------------------------------------------------------

    def record(
        self, episode: Episode, circumstances: Circumstances = Circumstances()
    ) -> Episode:
        """Keep one round. An empty id is drawn, an empty `at` is now. A round whose id is already kept stays as it is.

        Raises `UsageError` when `at` is no ISO 8601 date-time.
        """
        new = self.record_many([episode], circumstances)
        if new:
            return new[0]
        return self.get(episode.id)

    def record_many(
        self, rounds: Iterable[Episode], circumstances: Circumstances = Circumstances()
    ) -> list[Episode]:
        """Keep many in one transaction, in this order; returns those that were not kept before, as kept."""
        complete = [self._complete(episode) for episode in rounds]
        with self._write():
            known = self.many([episode.id for episode in complete])
            new: dict[str, Episode] = {}
            for episode in complete:
                if episode.id not in known:
                    new.setdefault(episode.id, episode)
            rows = [row_of(episode, circumstances) for episode in new.values()]
            self._fill_around(rows)
            self._conn.executemany(insert_into("episodes", COLUMNS), rows)
        return list(new.values())

    def judge(self, episode_id: str, outcome: str) -> None:
        """Keep what a person says of an answer: good, wrong, missing."""
        select = f"SELECT {listed('episodes')} FROM episodes WHERE id=?"
        with self._write():
            for before in self._named(select, episode_id):
                self._change("episodes", "id", before, {"outcome": outcome})

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

    def _fill_around(self, rows: list[Row]) -> None:
        """Fill `around` of new rounds from those beside each in its session."""
        sessions: dict[str, list[Row]] = {}
        for row in rows:
            if row["session"]:
                sessions.setdefault(row["session"], []).append(row)
        for session, new in sessions.items():
            self._join_session(session, new)

    def _join_session(self, session: str, new: list[Row]) -> None:
        """What stands around each new round of a session, and around those kept that now have new ones behind them."""
        sql = "SELECT pk, terms FROM episodes WHERE session=? ORDER BY pk DESC LIMIT ?"
        kept = self._run(sql, session, 2 * NEIGHBOURS).fetchall()
        kept.reverse()
        terms = [old_terms for _pk, old_terms in kept]
        terms += [row["terms"] for row in new]
        for i, (pk, _terms) in enumerate(kept):
            if i >= len(kept) - NEIGHBOURS:
                values = (around(terms, i), pk)
                self._run("UPDATE episodes SET around=? WHERE pk=?", *values)
        for i, row in enumerate(new, start=len(kept)):
            row["around"] = around(terms, i)

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, reference: str) -> Episode:
        """The round with this id, its beginning (six characters at least), `#` or `episode:` before it allowed.

        Raises `NotFound`, or `UsageError` with the candidates when several fit.
        """
        text = reference.removeprefix("#").removeprefix("episode:").lower()
        found: list[Episode] = []
        if len(text) >= SHORTEST_PREFIX:
            begins = "WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
            found = self._read(begins, text, f"{text}\U0010ffff", CANDIDATES_SHOWN)
        if not found:
            raise NotFound(f"no episode has the id {reference!r}", HINT)
        if (
            len(found) == 1 or found[0].id == text
        ):  # a whole id sorts before those that it begins
            return found[0]
        names = ", ".join(episode.id for episode in found)
        raise UsageError(f"{reference!r} names several episodes", f"say which: {names}")

    def many(self, ids: Sequence[str]) -> dict[str, Episode]:
        """The rounds with these ids, by id; those that do not exist are missing."""
        among = "WHERE id IN (SELECT value FROM json_each(?))"
        return {episode.id: episode for episode in self._read(among, ids_text(ids))}

    def of_source(self, source: str) -> list[Episode]:
        """The rounds that came from there: a note's own, or those of an imported file."""
        return self._read("WHERE source = ? ORDER BY pk", source)

    def circumstances(self, episode_id: str) -> Circumstances:
        """What else is kept of a round. Raises `NotFound`."""
        sql = """
            SELECT confidence, route, model, compartment, outcome, document_id
            FROM episodes
            WHERE id=?
        """
        rows = self._sound("episodes", self._each_named(sql, episode_id))
        row = next(rows, None)
        if row is None:
            raise NotFound(f"no episode has the id {episode_id!r}", HINT)
        return Circumstances(**row)

    def last(self, kind: str) -> Episode | None:
        """The round of this kind that was recorded last; no clock can mislead it."""
        found = self._read("WHERE kind = ? ORDER BY pk DESC LIMIT 1", kind)
        return next(iter(found), None)

    def recent(
        self,
        limit: int,
        *,
        kind: str = "",
        person: str = "",
        since: str = "",
        until: str = "",
        among: Collection[str] | None = None,
    ) -> list[Episode]:
        """Newest first. `since` and `until` are days, inclusive, compared with the day as it was written down. `among`:
        ids, None for all.

        Rounds dated in the future (a clock was wrong) stand where they were recorded, not above everything for ever.
        """
        scope = Scope(since=since, until=until)
        where = episode_scope(scope, kind=kind, person=person)
        if among is not None:
            where.add("c.id IN (SELECT value FROM json_each(?))", ids_text(among))
        order = f"ORDER BY min({MOMENT}, julianday(?)) DESC, pk DESC LIMIT ?"
        now = self._now().isoformat()
        return self._read(f"WHERE {where} {order}", *where.values, now, limit)

    def neighbours(
        self, episode: Episode
    ) -> tuple[tuple[Episode, ...], tuple[Episode, ...]]:
        """The rounds recorded before and after this one in its session, none where there is none."""
        if not episode.session:
            return (), ()
        this = (episode.session, episode.id)
        beside = "WHERE session=? AND pk {} (SELECT pk FROM episodes WHERE id=?) ORDER BY pk {} LIMIT 1"
        earlier = self._read(beside.format("<", "DESC"), *this)
        later = self._read(beside.format(">", "ASC"), *this)
        return tuple(earlier), tuple(later)

    def superseded(self, ids: Sequence[str]) -> dict[str, str]:
        """Which of these were corrected, and by which round (the last correction)."""
        sql = """
            SELECT supersedes, id
            FROM episodes
            WHERE supersedes IN (SELECT value FROM json_each(?))
            ORDER BY pk
        """
        return dict(self._run(sql, ids_text(ids)))

    def count(self) -> int:
        """How many rounds are kept."""
        return self._number("SELECT count(*) FROM episodes")

    def export_rows(self) -> Iterator[Row]:
        """Every sound round with all its columns: by day as written down, in a day by moment and order of recording."""
        sql = f"SELECT * FROM episodes ORDER BY substr(at, 1, 10), {MOMENT}, pk"
        for row in self._each_named(sql):
            if list(self._sound("episodes", [row])):
                yield row

    def _read(self, rest: str, *values: object) -> list[Episode]:
        rows = self._sound("episodes", self._each_named(f"{READ} {rest}", *values))
        return [Episode(**row) for row in rows]


def topic_of(episode: Episode) -> str:
    """`2026-05-07 · lease talk · Ana, Ben`: what stands above a round in both indexes. Random session ids are not."""
    session = episode.session
    if RANDOM_ID.fullmatch(episode.session):
        session = ""
    facts = (episode.at[:10], session, ", ".join(episode.people))
    return " · ".join(filter(None, facts))


def row_of(episode: Episode, circumstances: Circumstances) -> Row:
    """The row without its neighbours. `text_sha`: of the topic, a line end, the words."""
    topic = topic_of(episode)
    words = episode.text
    row = {
        **fields_of(episode),
        **fields_of(circumstances),
        **{name: json_text(getattr(episode, name)) for name in LISTS},
        "confidence": json_text(dict(circumstances.confidence)),
        "topic": topic,
        "terms": index_terms(words),
        "around": "",
        "text_sha": digest(f"{topic}\n{words}"),
    }
    return hashed("episodes", row)


def around(terms: Sequence[str], i: int) -> str:
    """What round `i` of a session keeps of those beside it: the near ends of their terms, cut at words."""
    before = terms[max(i - NEIGHBOURS, 0) : i]
    behind = terms[i + 1 : i + 1 + NEIGHBOURS]
    ends = [_end_of(text) for text in before] + [_start_of(text) for text in behind]
    return "\n".join(filter(None, ends))


def _end_of(text: str) -> str:
    if len(text) <= AROUND_CHARACTERS:
        return text
    return text[-AROUND_CHARACTERS:].partition(" ")[2]


def _start_of(text: str) -> str:
    if len(text) <= AROUND_CHARACTERS:
        return text
    return text[:AROUND_CHARACTERS].rpartition(" ")[0]

"""Episodes and skills in a real database: recorded, found, ordered, corrected; odd clocks, odd texts, thousands of rounds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.errors import NotFound, UsageError
from brain.labels import Label
from brain.retrieval.recall_order import importance, recency, rerank
from brain.store.connection import Connection, connect
from brain.store.episodes import Circumstances, EpisodeTable, topic_of
from brain.store.fts_search import EpisodeSearch
from brain.store.skills import Belongings, SkillTable
from brain.store.vectors import VectorTable
from brain.types import Episode, Passage, Scope, Skill
from ingest.document import digest

NOW = datetime(2026, 5, 20, 10, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    opened = connect(tmp_path / "brain.db")
    yield opened
    opened.close()


@pytest.fixture
def table(connection: Connection) -> EpisodeTable:
    return EpisodeTable(connection, now=lambda: NOW)


def said(text: str, **more: object) -> Episode:
    return replace(Episode("", "", "note", "", text), **more)  # type: ignore[arg-type]


def test_recording_fills_what_is_missing_and_gives_it_back_whole(
    table: EpisodeTable,
) -> None:
    asked = Episode(
        "",
        "",
        "ask",
        "how hot?",
        "95 degrees [1]",
        citations=("tea.md:L3-4",),
        state="supported",
        session="tea talk",
        people=("Ana",),
        tags=("tea",),
        label="public",
        source="cli",
    )
    facts = Circumstances(
        confidence={"found": 0.9}, route="local", model="builtin", document_id="d1"
    )
    kept = table.record(asked, facts)
    assert (len(kept.id), kept.at) == (16, "2026-05-20T10:00:00+02:00")
    assert table.get(kept.id[:6]) == kept == replace(asked, id=kept.id, at=kept.at)
    assert table.circumstances(kept.id) == facts


def test_the_searched_columns_are_what_the_vectors_are_keyed_by(
    table: EpisodeTable, connection: Connection
) -> None:
    kept = table.record(
        Episode(
            "",
            "2026-05-07T09:00:00+02:00",
            "ask",
            "Q?",
            "A.",
            session="lease",
            people=("Ana", "Ben"),
        )
    )
    topic, sha = connection.conn.execute(
        "SELECT topic, text_sha FROM episodes"
    ).fetchone()
    assert topic == topic_of(kept) == "2026-05-07 · lease · Ana, Ben"
    assert sha == digest(f"{topic}\nQ?\nA.")
    stored = VectorTable(connection).of("episodes", "toy@0/4/none/mean")
    (pending,) = stored.pending(limit=10)
    assert (pending.chunk_id, digest(pending.text)) == (kept.id, sha)


def test_a_random_session_id_is_no_topic() -> None:
    assert (
        topic_of(said("x", at="2026-05-07T09:00:00Z", session="0f3c9a7e1b2d4c5f"))
        == "2026-05-07"
    )


def test_neighbours_are_found_and_searched_with_a_round(
    table: EpisodeTable, connection: Connection
) -> None:
    first, second = table.record_many(
        [said("the landlord called", session="s"), said("about what?", session="s")]
    )
    alone = table.record(said("nothing to do with it"))
    third = table.record(said("the broken boiler", session="s"))
    assert table.neighbours(second) == ((first,), (third,))
    assert table.neighbours(alone) == ((), ())
    search = EpisodeSearch(connection.conn)
    found = [key for key, _ in search.match('"boiler"', limit=5, scope=Scope())]
    assert found[0] == third.id
    assert set(found[1:]) == {first.id, second.id}
    assert search.neighbours([second.id, alone.id]) == {second.id: (first.id, third.id)}


def test_references_are_short_and_never_guessed(table: EpisodeTable) -> None:
    table.record_many([said("a", id="abcdef11"), said("b", id="abcdef22")])
    assert table.get("episode:abcdef11").answer == table.get("#ABCDEF11").answer == "a"
    with pytest.raises(UsageError, match="several"):
        table.get("abcdef")
    for nothing in ("abc", "ffffff", "", "%", "abcdef11' OR 1=1"):
        with pytest.raises(NotFound):
            table.get(nothing)


def test_recording_twice_changes_nothing(table: EpisodeTable) -> None:
    kept = table.record(said("once", session="s"))
    assert table.record(replace(kept, answer="changed")) == kept
    assert table.record_many([kept, said("new"), kept])[0].answer == "new"
    assert table.count() == 2


def test_a_correction_supersedes_and_the_old_round_stays(table: EpisodeTable) -> None:
    old = table.record(said("the rent is 900"))
    new = table.record(replace(said("the rent is 950"), supersedes=old.id))
    assert new.supersedes == old.id
    assert table.superseded([old.id, new.id]) == {old.id: new.id}
    assert table.get(old.id) == old


def test_judging(table: EpisodeTable) -> None:
    kept = table.record(said("x"))
    table.judge(kept.id, "wrong")
    assert table.circumstances(kept.id).outcome == "wrong"


def test_the_day_as_written_down_decides_the_window(table: EpisodeTable) -> None:
    late = table.record(said("late", at="2026-05-07T23:30:00-08:00"))
    early = table.record(
        said("early", at="2026-05-08T00:30:00+09:00")
    )  # earlier as a moment
    assert table.recent(9, since="2026-05-08") == [early]
    assert table.recent(9, until="2026-05-07") == [late]
    assert table.recent(9) == [late, early]


def test_recent_filters_by_kind_person_and_session(table: EpisodeTable) -> None:
    table.record_many(
        [said("a", people=("Ana",)), said("b", kind="ask"), said("c", session="s")]
    )
    assert [e.answer for e in table.recent(9, person="ana")] == ["a"]
    assert [e.answer for e in table.recent(9, kind="ask")] == ["b"]
    assert len(table.recent(2)) == 2


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "1970-01-01T00:00:00+00:00",
        "2038-01-19T03:14:08+00:00",
        "9999-12-31T23:59:59-11:00",
    ],
)
def test_f11_a_wrong_clock_orders_nothing(table: EpisodeTable, at: str) -> None:
    wrong = table.record(said("wrong clock", at=at, session="s", kind="ask"))
    right = table.record(
        said("right clock", at="2026-05-20T09:59:00+02:00", session="s", kind="ask")
    )
    assert table.last("ask") == right
    assert table.neighbours(right) == ((wrong,), ())
    assert table.recent(1) == [right] or at > "2026-05-20"
    after = table.record(said("now", at=NOW.isoformat()))
    assert table.recent(1) == [after]
    assert 0.0 <= recency(at, NOW) <= 1.0
    assert [row["id"] for row in table.export_rows()] == [
        e.id for e in sorted((wrong, right, after), key=lambda e: e.at[:10])
    ]


@pytest.mark.parametrize("now_year", [1, 1970, 2038, 9999])
@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "2026-05-07",
        "9999-12-31T23:59:59-11:00",
        "no date",
        "",
    ],
)
def test_f11_no_negative_age(now_year: int, at: str) -> None:
    assert 0.0 <= recency(at, datetime(now_year, 6, 1, tzinfo=UTC)) <= 1.0


def test_an_impossible_time_is_refused(table: EpisodeTable) -> None:
    with pytest.raises(UsageError, match="9999-99-99"):
        table.record(said("x", at="9999-99-99"))
    assert (
        table.record(said("x", at="2026-05-07T14:30")).at == "2026-05-07T14:30:00+02:00"
    )


def test_thousands_at_once_read_back_with_their_neighbours(
    table: EpisodeTable, connection: Connection
) -> None:
    turns = [
        said(
            f"turn {i} about topic{i % 50}",
            session=f"talk {i % 20}",
            at=f"2026-04-{1 + i % 28:02}T10:00:00Z",
        )
        for i in range(5_000)
    ]
    kept = table.record_many(turns)
    assert table.count() == len(kept) == 5_000
    assert table.neighbours(kept[40])[1][0].text == "turn 60 about topic10"
    assert (
        connection.conn.execute(
            "INSERT INTO episodes_fts(episodes_fts, rank) VALUES ('integrity-check', 1)"
        ).fetchall()
        == []
    )


def test_one_bad_round_keeps_the_batch_out(table: EpisodeTable) -> None:
    with pytest.raises(UsageError):
        table.record_many([said("fine"), said("x", at="tomorrowish")])
    assert table.count() == 0


# -- search ---------------------------------------------------------------------------------------------------------------


def test_passages_of_episodes(table: EpisodeTable, connection: Connection) -> None:
    kept = table.record(
        Episode(
            "",
            "2026-05-07T09:00:00+02:00",
            "chat",
            "Q?",
            "A.",
            session="lease",
            label="private",
        )
    )
    (passage,) = EpisodeSearch(connection.conn).passages(
        [kept.id, "gone"], scope=Scope()
    )
    assert (passage.source, passage.locator, passage.title, passage.text) == (
        f"episode:{kept.id}",
        "2026-05-07",
        "lease",
        "Q?\nA.",
    )
    assert (passage.start, passage.end, passage.label, passage.date) == (
        0,
        5,
        "private",
        kept.at,
    )


def test_scope_kind_and_person_hold_at_every_gate(
    table: EpisodeTable, connection: Connection
) -> None:
    rounds = [
        said(
            "tea one",
            at="2026-04-01T10:00:00Z",
            kind="chat",
            people=("Ana",),
            tags=("x",),
            label="public",
        ),
        said(
            "tea two",
            at="2026-05-01T10:00:00Z",
            kind="ask",
            people=("Ben",),
            label="secret",
        ),
    ]
    one, two = table.record_many(rounds)
    cases = [
        (EpisodeSearch(connection.conn), Scope(since="2026-05"), two),
        (EpisodeSearch(connection.conn), Scope(until="2026-04-30"), one),
        (EpisodeSearch(connection.conn), Scope(tags=("X",)), one),
        (EpisodeSearch(connection.conn), Scope(at_most=Label.INTERNAL), one),
        (EpisodeSearch(connection.conn, kind="chat"), Scope(), one),
        (EpisodeSearch(connection.conn, person="ben"), Scope(), two),
    ]
    for search, scope, expected in cases:
        assert [key for key, _ in search.match('"tea"', limit=9, scope=scope)] == [
            expected.id
        ]
        assert search.allowed(scope) == {expected.id}
        assert [p.id for p in search.passages([one.id, two.id], scope=scope)] == [
            expected.id
        ]
    whole = EpisodeSearch(connection.conn)
    assert whole.allowed(Scope()) is None
    assert whole.count() == 2
    assert whole.document_frequencies(["tea", "teas", "one", "nowhere"]) == {
        "tea": 2,
        "teas": 2,
        "one": 1,
        "nowhere": 0,
    }
    assert set(whole.match_scores('"one" OR "tea"', [one.id])) == {one.id}
    assert whole.match("", limit=9, scope=Scope()) == []


def test_vectors_of_episodes(table: EpisodeTable, connection: Connection) -> None:
    kept, bare = table.record_many([said("tea"), said("coffee")])
    sha = connection.conn.execute(
        "SELECT text_sha FROM episodes WHERE id=?", (kept.id,)
    ).fetchone()[0]
    rows = np.eye(4, dtype=np.float32)
    fingerprint = "toy@0/4/none/mean"
    VectorTable(connection).save_vectors(fingerprint, [(sha, rows[0], rows[1:3])])
    search = EpisodeSearch(connection.conn)
    assert {
        key: list(v)
        for key, v in search.vectors([kept.id, bare.id], fingerprint).items()
    } == {kept.id: [1, 0, 0, 0]}
    assert search.sentence_vectors([kept.id], fingerprint)[kept.id].shape == (2, 4)


# -- ranking --------------------------------------------------------------------------------------------------------------


def ranked(
    *rounds: tuple[str, float, str],
    timed: bool = False,
    corrected: tuple[str, ...] = (),
    **more: object,
) -> list[str]:
    """The order of rounds given as (words, score, date)."""
    episodes = {words: said(words, id=words, at=at, **more) for words, _, at in rounds}
    passages = [
        Passage(words, words, "", "", "", (), words, at, 0, 0, 0, score=score)
        for words, score, at in rounds
    ]
    return [
        episode.id
        for episode, _ in rerank(
            passages, episodes, now=NOW, timed=timed, corrected=corrected
        )
    ]


def test_relevance_decides_and_recency_settles_what_is_close() -> None:
    old, new = (
        ("old", 1.0, "2020-01-01T10:00:00Z"),
        ("new", 0.9, "2026-05-19T10:00:00Z"),
    )
    assert ranked(old, new) == ["old", "new"]
    close = ("new", 0.97, new[2])
    assert ranked(old, close) == ["new", "old"]
    assert ranked(old, close, timed=True) == ["old", "new"]


def test_a_corrected_round_stands_below_its_correction() -> None:
    day = "2026-01-01T10:00:00Z"
    assert ranked(("900", 1.0, day), ("950", 0.98, day)) == ["900", "950"]
    assert ranked(("900", 1.0, day), ("950", 0.98, day), corrected=("900",)) == [
        "950",
        "900",
    ]


def test_importance_is_a_rule() -> None:
    assert [
        importance(said(text))
        for text in ("We decided to use SQLite", "I promise to call", "the tea is hot")
    ] == [1, 1, 0]
    assert importance(said("x", tags=("Starred",))) == 1
    assert importance(said("x", supersedes="y")) == 1


def test_ranking_looks_at_fifty_and_keeps_ties_in_order() -> None:
    assert ranked(*((str(i), 1.0, "2026-01-01T10:00:00Z") for i in range(60))) == [
        str(i) for i in range(50)
    ]
    assert ranked() == []


# -- skills ---------------------------------------------------------------------------------------------------------------

TEA = Skill(
    "",
    "brew-tea",
    "Brews black tea. Use when someone asks for tea or how hot the water is.",
    "Boil. Pour. Wait.\n",
)


@pytest.fixture
def skills(connection: Connection) -> SkillTable:
    return SkillTable(connection, now=lambda: NOW)


def test_skills_are_kept_found_and_replaced(skills: SkillTable) -> None:
    kept = skills.add(TEA, Belongings(files={"scripts/boil.py": "print('hot')\n"}))
    skills.add(Skill("", "file-taxes", "Files taxes. Use in spring.", "Tea helps.\n"))
    assert skills.get("brew-tea") == skills.get(kept.id[:6]) == kept
    assert [s.name for s in skills.list()] == ["brew-tea", "file-taxes"]
    assert [s.name for s in skills.find("how hot should tea be?")] == [
        "brew-tea",
        "file-taxes",
    ]
    assert [s.name for s in skills.find("taxes")] == ["file-taxes"]
    again = skills.add(replace(TEA, body="Pour cold water.\n"))
    assert again.id == kept.id
    assert skills.get("brew-tea").body == "Pour cold water.\n"


def test_adding_the_same_skill_again_keeps_its_dates(connection: Connection) -> None:
    clock = iter([NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)])
    skills = SkillTable(connection, now=lambda: next(clock))
    skills.add(TEA)
    first = skills.belongings("brew-tea")
    skills.add(TEA)
    assert skills.belongings("brew-tea") == first
    skills.add(replace(TEA, body="Differently.\n"))
    changed = skills.belongings("brew-tea")
    assert (changed.added_at, changed.version != first.version) == (
        first.added_at,
        True,
    )
    assert changed.updated_at > first.updated_at


@pytest.mark.parametrize(
    "name",
    ["", "Tea", "tea_pot", "-tea", "tea-", "te--a", "t" * 65, "../tea", "tea\n", "thé"],
)
def test_bad_names_are_refused(skills: SkillTable, name: str) -> None:
    with pytest.raises(UsageError):
        skills.add(replace(TEA, name=name))


@pytest.mark.parametrize("description", ["", "  \n", "d" * 1_025])
def test_bad_descriptions_are_refused(skills: SkillTable, description: str) -> None:
    with pytest.raises(UsageError):
        skills.add(replace(TEA, description=description))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_finding_never_raises(skills: SkillTable, text: str) -> None:
    if not skills.count():
        skills.add(TEA)
    assert len(skills.find(text)) <= 1


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "NEAR(",
        "*",
        "^a",
        "topic:x",
        "x OR",
        "-",
        "{a b}:c",
        "\ud800",
        "\x00",
        "'; DROP TABLE skills",
    ],
)
def test_finding_never_takes_text_for_syntax(skills: SkillTable, text: str) -> None:
    skills.add(TEA)
    assert skills.find(text) == []


# -- property: any words come back ----------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=words, answer=words, people=st.lists(words, max_size=3), session=words)
def test_any_words_come_back(
    table: EpisodeTable, question: str, answer: str, people: list[str], session: str
) -> None:
    kept = table.record(
        Episode("", "", "chat", question, answer, session=session, people=tuple(people))
    )
    assert table.get(kept.id) == kept


def test_a_hundred_idle_days_create_nothing(connection: Connection) -> None:
    clock = random.Random(1)
    table = EpisodeTable(
        connection, now=lambda: NOW + timedelta(days=clock.randrange(100))
    )
    table.record(said("one fact"))
    for _ in range(100):
        table.recent(5)
        table.last("ask")
        EpisodeSearch(connection.conn).match('"fact"', limit=5, scope=Scope())
    assert table.count() == 1
    assert connection.conn.execute("SELECT count(*) FROM documents").fetchone() == (0,)

"""Words of other scripts from end to end: found across their endings in texts, titles, skills and counts, kept so by undo."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import Config
from brain.store.connection import Connection, connect
from brain.types import Request
from ingest.terms import index_terms, tokens, written
from migrations import migrate
from tests.end_to_end import Folder, brain
from tests.store.test_upgrade import grown


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("трудовой", "трудового"),
        ("новый", "новая"),
        ("большой", "большого"),
        ("договоры", "договором"),
        ("किताबों।", "किताबें"),
        ("عقود", "العقود"),
    ],
)
def test_forms_of_a_word_have_one_stem(said: str, asked: str) -> None:
    assert tokens(said) == tokens(asked)


def test_the_letter_that_endings_hang_on_is_kept_and_other_accents_go() -> None:
    assert tokens("Йод ёлка ġ ă") == ["йод", "елк", "g", "a"]


def test_a_count_finds_a_word_of_a_title_and_one_before_a_full_stop(
    folder: Folder,
) -> None:
    notes = {
        "a.md": "---\ntitle: Договоры аренды\n---\n\nО доме.\n",
        "b.md": "# क\n\nमालिक ने पुरानी किताबों।\n",
    }
    brain("add", folder(notes))
    for word in ("договоры", "किताबों"):
        counted = brain("ask", f"how many notes mention {word}", "--json").json
        assert counted["answer"].startswith("1 document")


def test_a_skill_is_found_by_its_description(tmp_path: Path) -> None:
    skill = tmp_path / "otchety"
    skill.mkdir()
    text = "---\nname: otchety\ndescription: Подготовить квартальные отчёты для налоговой службы\n---\nОткрыть таблицу.\n"
    (skill / "SKILL.md").write_text(text, "utf-8")
    assert brain("skill", "add", skill).code == 0
    for words in ("отчёты", "квартальный отчёт", "налоговая служба"):
        assert "otchety" in brain("skill", "find", words).stdout


def test_a_title_in_camel_case_is_no_damage(folder: Folder) -> None:
    brain(
        "add",
        folder(
            {
                "a.md": "# PostgreSQL upgrade\n\nOn June 2.\n",
                "b.md": "# Invoice Halden GmbH\n\n## iPhone bill\n\nPaid.\n",
            }
        ),
    )
    assert brain("doctor", "--deep").code == 0


def test_what_was_forgotten_under_older_rules_comes_back_under_those_of_today(
    config: Config,
) -> None:
    with Brain(config) as opened:
        opened.note("Мы подписали договоры с арендаторами.", title="Аренда")
        store = opened.resources.store
        with store.write():
            store.connection.conn.execute(
                "UPDATE knowledge SET terms=?",
                (written("Мы подписали договоры с арендаторами."),),
            )
        (row,) = opened.library.documents()
        opened.library.forget([row.id], dry_run=False)
        opened.library.undo()
        assert (
            opened.search(Request("договором", mode="lexical")).passages[0].title
            == "Аренда"
        )


OLD = "договоры аренды подписаны"


@pytest.fixture
def old(config: Config) -> Path:
    """A database of schema 2 with Cyrillic words, as the program of then wrote them."""
    path = grown(2, config.home)
    with closing(sqlite3.connect(path)) as conn:
        for table, columns in (
            ("knowledge", ("terms", "around")),
            ("episodes", ("terms", "around")),
            ("skills", ("topic", "terms")),
        ):
            for column in columns:
                conn.execute(f"UPDATE {table} SET {column}=?", (OLD,))
        conn.commit()
    return path


def schema_3(path: Path) -> Connection:
    """Opened by the program of schema 3."""
    return connect(
        path, latest=3, upgrade=lambda database: migrate(database, stop_after=3)
    )


def test_schema_3_stems_every_column_that_is_searched(old: Path) -> None:
    connection = schema_3(old)
    for table, columns in (
        ("knowledge", "terms, around"),
        ("episodes", "terms, around"),
        ("skills", "topic, terms"),
    ):
        rows = connection.conn.execute(f"SELECT {columns} FROM {table}").fetchall()
        assert rows
        assert set(rows) == {(index_terms(OLD),) * 2}
        asked = f"SELECT count(*) FROM {table}_fts WHERE {table}_fts MATCH ?"
        assert connection.conn.execute(asked, (tokens("договором")[0],)).fetchone() == (
            len(rows),
        )
        assert connection.conn.execute(asked, ("договоры",)).fetchone() == (0,)
        connection.conn.execute(
            f"INSERT INTO {table}_fts({table}_fts, rank) VALUES ('integrity-check', 1)"
        )
    connection.close()


@pytest.mark.parametrize(
    "cell", ["CAST(terms AS BLOB)", "CAST(X'6FFF6E' AS TEXT)", "7"]
)
def test_schema_3_passes_over_what_is_no_sound_text(old: Path, cell: str) -> None:
    with closing(sqlite3.connect(old)) as conn:
        (broken,) = conn.execute("SELECT min(pk) FROM knowledge").fetchone()
        conn.execute(f"UPDATE knowledge SET terms={cell} WHERE pk=?", (broken,))
        before = conn.execute(
            "SELECT CAST(terms AS BLOB) FROM knowledge WHERE pk=?", (broken,)
        ).fetchone()
        conn.commit()
    connection = schema_3(old)
    assert (
        connection.conn.execute(
            "SELECT CAST(terms AS BLOB) FROM knowledge WHERE pk=?", (broken,)
        ).fetchone()
        == before
    )
    others = connection.conn.execute(
        "SELECT DISTINCT terms FROM knowledge WHERE pk<>?", (broken,)
    ).fetchall()
    assert others == [(index_terms(OLD),)]
    connection.close()


def test_schema_3_mends_a_damaged_full_text_instead_of_locking_the_person_out(
    old: Path,
) -> None:
    with closing(sqlite3.connect(old)) as conn:
        conn.execute(
            "UPDATE knowledge_fts_data SET block=zeroblob(length(block)) WHERE id>10"
        )
        conn.commit()
    connection = schema_3(old)
    asked = "SELECT count(*) FROM knowledge_fts WHERE knowledge_fts MATCH ?"
    assert connection.conn.execute(asked, (tokens("договором")[0],)).fetchone()[0] > 0
    connection.close()

"""Skills: how to do something, in the Agent Skills format; kept whole, found by what their description says.

Leaves out reading and writing SKILL.md folders (`brain.keeping.export.skills`) and counting uses. Serves `brain skill`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from brain.errors import NotFound, UsageError
from brain.labels import UNLABELLED, raised
from brain.store.cells import damaged, leave_out
from brain.store.connection import Connection
from brain.store.row_hash import Row, hashed, listed
from brain.store.sql import CANDIDATES_SHOWN, SHORTEST_PREFIX, fields_of, json_text
from brain.store.table import Table
from brain.types import Skill
from ingest.document import digest, new_id
from ingest.terms import index_terms, tokens
from ingest.words import STOP

NAME = re.compile(
    r"[a-z0-9]+(?:-[a-z0-9]+)*"
)  # Agent Skills: lower case, digits, single hyphens
NAME_CHARACTERS = 64  # Agent Skills
DESCRIPTION_CHARACTERS = 1_024  # Agent Skills
QUERY_WORDS = 32  # of a question that are looked up
# weights of BM25: the description says when a skill fits, the body only how it is done
TOPIC_WEIGHT = 8.0
BODY_WEIGHT = 1.0
COLUMNS = (
    "id, name, description, body, path, status"  # the fields of `Skill`, in their order
)

Skills = list[Skill]  # inside the table the word `list` is its verb


@dataclass(frozen=True, slots=True)
class Belongings:
    """What comes with a skill. `files`: the folder's text files by relative path; "SKILL.md" holds its front matter as
    written. An empty `version` and empty times are filled in.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    label: str = UNLABELLED
    version: str = ""
    added_at: str = ""
    updated_at: str = ""


class SkillTable(Table):
    """All SQL of skills. A skill is known by its name: adding the same name again replaces what it says."""

    def __init__(self, connection: Connection, *, now: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self._now = now

    def add(self, skill: Skill, belongings: Belongings = Belongings()) -> Skill:
        """Keep a skill; the same name again keeps its id and, unless the words changed, its dates.

        Raises `UsageError` when name or description break the format.
        """
        check(skill.name, skill.description)
        now = self._now().isoformat(timespec="seconds")
        version = belongings.version or version_of(skill, belongings.files)
        topic = f"{skill.name.replace('-', ' ')}\n{skill.description}"
        with self._write():
            before = self._before(skill.name)
            identity = skill.id or new_id()
            if before:
                identity = before["id"]
            kept = replace(skill, id=identity)
            record = {
                **fields_of(kept),
                "files": json_text(dict(belongings.files)),
                "label": belongings.label,
                "version": version,
                "added_at": belongings.added_at or now,
                "updated_at": belongings.updated_at or now,
                "topic": index_terms(topic),
                "terms": index_terms(skill.body),
                "around": "",
                "text_sha": digest(topic),
            }
            if not before:
                self._insert_row("skills", hashed("skills", record))
                return kept
            record["added_at"] = before["added_at"]
            record["label"] = raised(before["label"], belongings.label)
            if before["version"] == version:
                record["updated_at"] = before["updated_at"]
            self._change("skills", "pk", before, record)
        return kept

    def _before(self, name: str) -> Row | None:
        """The row of this name, None when there is none."""
        sql = f"SELECT {listed('skills')}, pk FROM skills WHERE name=?"
        return next(iter(self._named(sql, name)), None)

    def list(self) -> Skills:
        """All skills, by name."""
        return self._read("ORDER BY name")

    def get(self, reference: str) -> Skill:
        """By name, by id or by the beginning of an id. Raises `NotFound`, or `UsageError` when several fit."""
        text = reference.removeprefix("#").lower()
        found = self._read("WHERE name=? OR id=?", text, text)
        if not found and len(text) >= SHORTEST_PREFIX:
            begins = "WHERE id >= ? AND id < ? LIMIT ?"
            found = self._read(begins, text, f"{text}\U0010ffff", CANDIDATES_SHOWN)
        if not found:
            hint = "`brain skill list` shows those there are"
            raise NotFound(f"there is no skill {reference!r}", hint)
        if len(found) > 1:
            names = ", ".join(skill.name for skill in found)
            raise UsageError(
                f"{reference!r} names several skills", f"say which: {names}"
            )
        return found[0]

    def belongings(self, reference: str) -> Belongings:
        """What comes with a skill. Raises `NotFound`."""
        skill = self.get(reference)
        sql = (
            "SELECT files, label, version, added_at, updated_at FROM skills WHERE id=?"
        )
        rows = self._sound("skills", self._each_named(sql, skill.id))
        facts = next(rows, None)
        if facts is None:
            raise damaged(f"skill {skill.name}")
        return Belongings(**facts)

    def find(self, query: str, limit: int = 5) -> Skills:
        """Skills whose description, or else body, shares words with the query, best first. Never raises on any text."""
        said = list(dict.fromkeys(tokens(query)))
        telling = [word for word in said if word not in STOP]
        words = (telling or said)[:QUERY_WORDS]
        if not words:
            return []
        quoted = [word.replace('"', '""') for word in words]
        expression = " OR ".join(f'"{word}"' for word in quoted)
        found = """
            JOIN skills_fts ON skills_fts.rowid = skills.pk
            WHERE skills_fts MATCH ?
            ORDER BY bm25(skills_fts, ?, ?, 0.0), name LIMIT ?
        """
        return self._read(found, expression, TOPIC_WEIGHT, BODY_WEIGHT, limit)

    def versions(self) -> dict[str, str]:
        """The version of each skill by its name."""
        return dict(self._run("SELECT name, version FROM skills"))

    def count(self) -> int:
        """How many skills there are."""
        return self._number("SELECT count(*) FROM skills")

    def export_rows(self) -> Iterator[Row]:
        """Every sound skill with all its columns, by name."""
        for row in self._each_named("SELECT * FROM skills ORDER BY name"):
            if not list(self._sound("skills", [row])):
                continue
            if len(row["name"]) <= NAME_CHARACTERS and NAME.fullmatch(row["name"]):
                yield row
            else:
                leave_out(self._conn, "skills", row, "name")

    def _read(self, rest: str, *values: object) -> Skills:
        sql = f"SELECT {COLUMNS} FROM skills {rest}"
        rows = self._sound("skills", self._each_named(sql, *values))
        return [Skill(**row) for row in rows]


def check(name: str, description: str) -> None:
    """Raise `UsageError` when they break the Agent Skills format."""
    if len(name) > NAME_CHARACTERS or not NAME.fullmatch(name):
        hint = f"use lower-case letters, digits and single hyphens, {NAME_CHARACTERS} characters at most"
        raise UsageError(f"{name!r} is no name for a skill", hint)
    if not description.strip() or len(description) > DESCRIPTION_CHARACTERS:
        hint = f"say in 1 to {DESCRIPTION_CHARACTERS:,} characters what it does and when to use it"
        raise UsageError(
            f"the description of {name!r} has {len(description):,} characters", hint
        )


def version_of(skill: Skill, files: Mapping[str, str]) -> str:
    """SHA-256 of everything that the skill says, files included; not of where it came from."""
    words = [skill.name, skill.description, skill.body]
    return digest(json_text([*words, sorted(files.items())]))

"""Whatever a store holds: exported, imported into a new home and exported again, the bytes are the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import ingest
from brain.app import Brain
from brain.app.incoming import source_of
from brain.config import Config, Models
from brain.errors import BrainError
from brain.keeping.export.front_matter import dump
from brain.reports import Judgment
from brain.store.connection import connect
from brain.store.documents import Origin
from brain.store.episodes import Circumstances
from brain.store.row_check import RowCheck
from brain.types import Episode
from ingest.document import Chunk, Document, chunk_ids, digest
from tests.index_support import FakeEmbedder

MARKS = (
    "<!-- end -->",
    "<!-- why -->",
    "-->",
    "---",
    "```",
    "# ",
    "[[x]]",
    "\n\n",
    "\r\n",
    "\t",
    "日本",
    "é",
    "\u2028",
    "\x1b[2J",
    ": ",
    "'",
    '"',
)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.lists(
    st.one_of(st.text(letters, max_size=12), st.sampled_from(MARKS)), max_size=8
).map("".join)
said = texts.filter(str.strip)
words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
tags = st.lists(st.one_of(words, said), max_size=3)
ids = st.text("0123456789abcdef", min_size=16, max_size=16)
moments = st.sampled_from(
    [
        "2026-05-07T10:00:00+02:00",
        "2026-05-07T08:00:00+00:00",
        "2025-12-31T23:59:59-11:00",
        "0001-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59+00:00",
    ]
)
days = st.sampled_from(["2025-03-02", "2026-05-07", "1999-01-01T10:00:00+00:00"])
places = st.sampled_from(
    ["L{}-{}", "p. {}", "slide {}", "¶{}-{}", "Sheet!B{}:F{}", "00:0{}:05", "§{}"]
)
acts = st.one_of(
    st.tuples(st.just("note"), said, st.one_of(st.just(""), said), tags),
    st.tuples(
        st.just("file"),
        ids,
        said,
        st.lists(said, min_size=1, max_size=4),
        places,
        days,
        tags,
        st.sampled_from(["internal", "private"]),
    ),
    st.tuples(st.just("name"), ids, said, tags),
    st.tuples(
        st.just("remember"), said, moments, texts, st.lists(words, max_size=2), tags
    ),
    st.tuples(
        st.just("round"),
        ids,
        moments,
        said,
        texts,
        st.dictionaries(
            words, st.floats(allow_nan=False, allow_infinity=False), max_size=2
        ),
    ),
    st.tuples(
        st.just("skill"),
        st.from_regex(r"[a-z]{1,9}(-[a-z0-9]{1,5})?", fullmatch=True),
        said,
        texts,
        st.dictionaries(
            st.from_regex(r"[a-z]{1,6}\.txt", fullmatch=True), texts, max_size=2
        ),
    ),
    st.tuples(
        st.just("judge"),
        ids,
        moments,
        said,
        texts,
        st.sampled_from([None, True, False]),
        st.dictionaries(words, st.floats(-9, 9), max_size=3),
    ),
    st.tuples(st.just("context"), words, said),
)


def do(brain: Brain, act: tuple[Any, ...], folder: Path) -> None:
    """One thing that a person did. What the program refuses in two lines is not done."""
    kind, *args = act
    parts = brain.resources
    if kind == "note":
        brain.note(args[0], title=args[1], tags=args[2])
    elif kind in ("file", "name"):
        document = file_of(*args[:5]) if kind == "file" else nothing_of(*args[:2])
        origin = Origin(
            source_of(document.uri),
            entry="full" if kind == "file" else "name",
            label=args[6] if kind == "file" else "internal",
            tags=tuple(args[-2 if kind == "file" else -1]),
        )
        parts.store.documents.save(document, origin, now=parts.now())
    elif kind == "remember":
        brain.remember(
            args[0], at=args[1], session=args[2], people=args[3], tags=args[4]
        )
    elif kind == "round":
        rows = brain.library.documents()
        row = rows[0] if rows else None
        round_ = Episode(
            args[0],
            args[1],
            "ask",
            args[2],
            args[3],
            (f"{row.source}:L1-2",) if row else (),
            "supported",
        )
        parts.store.episodes.record(
            round_,
            Circumstances(
                args[4], "local", "llama", document_id=row.id if row else None
            ),
        )
    elif kind == "skill":
        skill = folder / "skills" / args[0]
        skill.mkdir(parents=True, exist_ok=True)
        head = dump({"name": args[0], "description": args[1][:1_000]})
        for path, text in {"SKILL.md": f"{head}{args[2]}", **args[3]}.items():
            (skill / path).write_bytes(text.encode())
        brain.skills.add(skill)
    elif kind == "judge":
        rows = brain.library.documents()
        last = parts.store.episodes.last("ask")
        key = rows[0].id if rows else ""
        judgment = Judgment(
            args[0],
            args[1],
            args[2],
            "wrong",
            args[4],
            (key,) if key else (),
            key,
            rows[0].source if rows else "",
            "L1-1",
            args[2],
            args[3],
            last.id if last else args[0],
            args[5],
        )
        parts.judgments.keep(judgment)
    else:
        brain.library.describe(str(folder / args[0]), args[1])


def file_of(key: str, title: str, pieces: list[str], place: str, day: str) -> Document:
    """A document as a reader makes it: pieces with places."""
    text, chunks, at = "".join(pieces), [], 0
    names = chunk_ids(key, (((title,), piece) for piece in pieces))
    for i, piece in enumerate(pieces):
        locator = place.format(i + 1, i + 2)
        chunks.append(
            Chunk(
                names[i],
                key,
                i,
                (title,),
                piece,
                locator,
                len(piece.split()) + 1,
                at,
                at + len(piece),
            )
        )
        at += len(piece)
    media = (
        "application/pdf"
        if place.startswith("p.")
        else "text/x-python"
        if place[0] == "§"
        else "text/markdown"
    )
    return Document(
        key,
        f"file:///gone/{key}",
        title,
        media,
        digest(text),
        None,
        text,
        tuple(chunks),
        {"author": title},
        (f"of {key}",),
        (title,),
        (title, "Lease"),
        day,
        "front matter",
        ("p. 7: no text layer",),
    )


def nothing_of(key: str, title: str) -> Document:
    return Document(
        key,
        f"file:///gone/{key}.psd",
        title,
        "application/octet-stream",
        digest(key),
        None,
        "",
        (),
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it: making one takes longer than all the rest."""
    path = tmp_path_factory.mktemp("empty") / "brain.db"
    connect(path).close()
    return path


def opened(home: Path, empty: Path) -> Brain:
    home.mkdir(mode=0o700)
    shutil.copy2(empty, home / "brain.db")
    return Brain(
        Config(home=home, models=Models("wordllama", "builtin")),
        embedder=FakeEmbedder(),
    )


def tree(directory: Path) -> Mapping[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example(
    history=[
        ("round", "1" * 16, "2026-05-07T10:00:00+02:00", "the rent?", "900", {}),
        (
            "judge",
            "2" * 16,
            "2026-05-08T10:00:00+02:00",
            "the rent?",
            "no\n<!-- end -->\n",
            True,
            {"bm25": 0.1},
        ),
    ]
)
@given(history=st.lists(acts, min_size=1, max_size=8))
def test_out_and_in_and_out_again_gives_the_same_bytes(
    empty: Path, history: list[tuple[Any, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        place = Path(name)
        one, two = (
            stack.enter_context(opened(place / home, empty)) for home in ("one", "two")
        )
        for act in history:
            try:
                do(one, act, place)
            except (BrainError, ingest.IngestError):
                continue
        one.keep.export(place / "first")
        report = two.keep.import_from(place / "first")
        assert report.taken.skipped == ()
        two.keep.export(place / "second")
        assert tree(place / "second") == tree(place / "first")
        assert RowCheck(two.resources.store.connection).damage() == []
        assert two.keep.import_from(place / "first").taken.updated == 0
        two.keep.export(place / "second")
        assert tree(place / "second") == tree(place / "first"), (
            "a second import changes nothing"
        )


def test_every_kind_of_act_is_really_done(tmp_path: Path, empty: Path) -> None:
    """The property would hold of an empty store as well."""
    acts_of_a_day: list[tuple[Any, ...]] = [
        ("note", "a note", "Note", ["a"]),
        (
            "file",
            "a" * 16,
            "Lease",
            ["one ", "two"],
            "p. {}",
            "2025-03-02",
            ["b"],
            "private",
        ),
        ("name", "b" * 16, "x.psd", ["c"]),
        ("remember", "we met", "2026-05-07T10:00:00+02:00", "talk", ["Ana"], []),
        ("round", "1" * 16, "2026-05-07T10:00:00+02:00", "q", "a", {"found": 0.5}),
        ("skill", "week", "Look", "Open", {"a.txt": "x"}),
        ("judge", "2" * 16, "2026-05-07T10:00:00+02:00", "q", "why", None, {"x": 1.0}),
        ("context", "papers", "what lies there"),
    ]
    with opened(tmp_path / "home", empty) as brain:
        for act in acts_of_a_day:
            do(brain, act, tmp_path)
        brain.keep.export(tmp_path / "out")
        folders = {name.split("/")[0] for name in tree(tmp_path / "out")}
        assert folders == {
            ".brain-export",
            "documents",
            "notes",
            "episodes",
            "skills",
            "feedback",
        }
        with pytest.raises(BrainError):
            do(brain, ("skill", "week", " ", "", {}), tmp_path)

"""Exporting a store and importing it into an empty one: the same bytes, nothing outside, nothing of a person's lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ingest
from brain.app.importing import Import, carried_roots
from brain.app.resources import Resources
from brain.config import Config
from brain.errors import BrainError, NotFound, Refused, UsageError
from brain.keeping.export import reading
from brain.keeping.export.folder import MANIFEST, read_manifest
from brain.keeping.export.rows import StoredDocument
from brain.keeping.export.skills import read_skill
from brain.keeping.export.writing import Source, export
from brain.reports import Judgment
from brain.store.documents import Origin
from brain.store.episodes import Circumstances
from brain.store.skills import Belongings
from brain.store.trash import Trash
from brain.types import Episode, Skill, Skipped
from ingest.document import Chunk, Document, chunk_ids, digest

NOW = datetime(2026, 5, 20, 10, tzinfo=UTC)
STAMP = NOW.isoformat()


class Home:
    """A store with what an export reads and an import writes."""

    def __init__(self, path: Path) -> None:
        self.resources = Resources(Config(home=path), now=lambda: NOW)
        store = self.resources.store
        self.connection = store.connection
        self.documents = store.documents
        self.library = store.library
        self.episodes = store.episodes
        self.skills = store.skills
        self.judgments = self.resources.judgments

    def source(self) -> Source:
        return Source(
            self.library.export_rows,
            self.episodes.export_rows,
            self.skills.export_rows,
            self.judgments.all,
            self.library.contexts(),
            [*self.library.roots(), *carried_roots(self.resources).values()],
        )

    def add(self, document: Document, origin: Origin) -> None:
        self.documents.save(document, origin, now=STAMP)

    def take_in(self, directory: Path) -> list[Skipped]:
        """What the app does on import; returns what it left out."""
        taking = Import(self.resources)
        taking.everything(directory, roots=True)
        return list(taking.tally.skipped)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    opened: list[Home] = []

    def open_home(name: str) -> Home:
        opened.append(Home(tmp_path / name))
        return opened[-1]

    yield open_home
    for one in opened:
        one.resources.close()


def document(
    key: str,
    uri: str,
    title: str,
    pieces: list[tuple[str, str]],
    media: str = "text/markdown",
    **more: object,
) -> Document:
    text = "".join(piece for _, piece in pieces)
    names = chunk_ids(key, (((title,), piece) for _, piece in pieces))
    chunks, at = [], 0
    for i, (locator, piece) in enumerate(pieces):
        chunks.append(
            Chunk(
                names[i],
                key,
                i,
                (title,),
                piece,
                locator,
                len(piece.split()),
                at,
                at + len(piece),
            )
        )
        at += len(piece)
    return replace(
        Document(key, uri, title, media, digest(text), None, text, tuple(chunks)),
        **more,
    )  # type: ignore[arg-type]


JUDGED = (
    Judgment(
        "44" * 8,
        "2026-05-09T08:05:00+02:00",
        "the rent?",
        "wrong",
        True,
        ("a1" * 8,),
        "a1" * 8,
        "/n/lease.md",
        "L6-6",
        "900 a month.",
        "it is 950\nsince May",
        "11" * 8,
        {"bm25": 1.25, "share": 1 / 3},
    ),
    Judgment(
        "55" * 8,
        "2026-04-30T08:05:00+02:00",
        "a --> mark <!-- why --> and\n## a heading",
        "good",
        False,
        episode="66" * 8,
    ),
    Judgment(
        "77" * 8,
        "2026-05-02T08:05:00+02:00",
        "who?",
        "missing",
        why="she said so",
        episode="88" * 8,
    ),
)


def filled(home: Home, skill_folder: Path | None = None) -> Home:
    lease = document(
        "a1" * 8,
        "file:///n/lease.md",
        "Lease",
        [("L5-6", "# Rent\n\n900 a month.\n"), ("L7-9", "Call [[Ana]]")],
        links=("Ana",),
        aliases=("the flat",),
        tags=("home",),
        metadata={"status": "signed", "odd: key": "  multi\nline "},
        dated_at="2025-03-02",
        dated_by="front matter",
        notices=("p. 7: no text layer",),
    )
    home.add(
        lease,
        Origin("/n/lease.md", label="private", compartment="acme", tags=("mine",)),
    )
    home.add(
        document("b2" * 8, "file:///n/ana.md", "Ana", [("L1-1", "Ana Lopez\n")]),
        Origin("/n/ana.md"),
    )
    home.add(
        document(
            "c3" * 8,
            "file:///p/paper.pdf",
            "Attention",
            [("p. 1", "One page. "), ("p. 2", "Two pages.\n")],
            "application/pdf",
        ),
        Origin("/p/paper.pdf"),
    )
    home.add(
        document(
            "d4" * 8,
            "file:///c/x.py",
            "x.py",
            [("L1-2", "def f():\n    '''```'''\n")],
            "text/x-python",
        ),
        Origin("/c/x.py"),
    )
    home.add(
        document(
            "e5" * 8, "note:" + "e5" * 8, "Call", [("L1-1", "Call Ana about the lease")]
        ),
        Origin("note:" + "e5" * 8),
    )
    home.add(
        document(
            "f6" * 8,
            "file:///n/falcon.psd",
            "falcon.psd",
            [],
            "application/octet-stream",
        ),
        Origin("/n/falcon.psd", entry="name"),
    )
    home.library.set_context("/n", "private notes")
    home.library.add_root("file:///n", "/n", {"tags": ["home"]}, STAMP)
    asked = home.episodes.record(
        Episode(
            "11" * 8,
            "2026-05-07T10:00:00+02:00",
            "ask",
            "the rent?",
            "900 a month. [1]",
            ("/n/lease.md:L5-6",),
            "supported",
            "lease",
            people=("Ana",),
            tags=("home",),
        ),
        Circumstances({"found": 0.9, "known": True}, "local", "builtin"),
    )
    home.episodes.record(
        Episode(
            "22" * 8,
            "2026-05-08T10:00:00+02:00",
            "note",
            "",
            "It is 950 now.",
            session="lease",
            supersedes=asked.id,
        )
    )
    home.episodes.judge(asked.id, "wrong")
    for judgment in JUDGED:
        home.judgments.keep(judgment)
    if skill_folder:
        found = read_skill(skill_folder)
        home.skills.add(found.skill, Belongings(found.belongings.files))
    home.skills.add(
        Skill(
            "33" * 8,
            "call-ana",
            "Calls Ana. Use on Mondays.",
            "Dial.\n",
            status="trial",
        ),
        Belongings(label="private"),
    )
    return home


@pytest.fixture
def skill_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "skill-source" / "brew-tea"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text(
        "---\nname: brew-tea\ndescription: Brews.\nlicense: MIT\n---\nBoil.\n", "utf-8"
    )
    (folder / "scripts" / "a.sh").write_text("echo hot\n", "utf-8")
    return folder


def tree(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_out_and_in_again_gives_the_same_bytes(
    home: Callable[[str], Home], tmp_path: Path, skill_folder: Path
) -> None:
    first = filled(home("a"), skill_folder)
    report = export(first.source(), tmp_path / "one")
    assert (report.written, report.unchanged, report.removed, report.conflicts) == (
        len(tree(tmp_path / "one")) - 1,
        0,
        0,
        (),
    )
    assert export(first.source(), tmp_path / "two").written == report.written
    assert tree(tmp_path / "one") == tree(tmp_path / "two")

    second = home("b")
    assert second.take_in(tmp_path / "one") == []
    export(second.source(), tmp_path / "three")
    assert tree(tmp_path / "three") == tree(tmp_path / "one")


def test_every_chunk_citation_and_date_survives(
    home: Callable[[str], Home], tmp_path: Path, skill_folder: Path
) -> None:
    first, second = filled(home("a"), skill_folder), home("b")
    export(first.source(), tmp_path / "out")
    second.take_in(tmp_path / "out")
    for sql in (
        "SELECT id, uri, source, title, text, media_type, content_hash, text_sha, entry, label, compartment, dated_at, dated_by, added_at, updated_at, aliases, metadata, notices FROM documents ORDER BY id",
        'SELECT id, document_id, ordinal, heading, topic, content, source, locator, start, "end", tokens, terms, around, text_sha FROM knowledge ORDER BY document_id, ordinal',
        "SELECT * FROM tags ORDER BY 1, 2",
        "SELECT * FROM links ORDER BY 1, 2",
        "SELECT * FROM contexts",
        "SELECT id, at, kind, session, question, answer, citations, state, confidence, route, model, label, compartment, source, people, tags, outcome, supersedes, document_id, topic, terms, around, text_sha FROM episodes ORDER BY id",
        "SELECT id, name, description, body, files, path, status, label, version, added_at, updated_at, topic, terms FROM skills ORDER BY id",
        "SELECT id, at, question, verdict, answerable, documents, document_id, source, locator, quote, why, episode, signals, row_hash FROM judgments ORDER BY id",
    ):
        rows = first.connection.conn.execute(sql).fetchall()
        assert rows
        assert second.connection.conn.execute(sql).fetchall() == rows


def test_it_opens_as_a_vault(home: Callable[[str], Home], tmp_path: Path) -> None:
    export(filled(home("a")).source(), tmp_path / "out")
    files = {name: data.decode() for name, data in tree(tmp_path / "out").items()}
    lease = files["documents/n/lease.md"]
    assert lease.startswith('---\n"odd: key": ')
    assert "\nstatus: signed\naliases: [the flat]\ntags: [home, mine]\n" in lease
    assert lease.endswith("\n---\n# Rent\n\n900 a month.\nCall [[Ana]]")
    assert files["documents/n/ana.md"] == "Ana Lopez\n"
    assert files["documents/p/paper.pdf.md"].endswith(
        "\n---\n<!-- p. 1 -->\nOne page. \n<!-- p. 2 -->\nTwo pages.\n\n"
    )
    assert "\n---\n````py\ndef f():\n" in files["documents/c/x.py.md"]
    assert "documents/n/falcon.psd.md" not in files
    assert files[f".brain-export/documents/{'f6' * 8}.json"]
    assert "Cites: [[documents/n/lease|Lease]]" in files["episodes/2026/2026-05-07.md"]
    assert files["notes/Call.md"] == "Call Ana about the lease"
    assert "skills/call-ana/SKILL.md" in files


def test_feedback_reads_as_a_person_would_write_it(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    export(filled(home("a")).source(), tmp_path / "out")
    may = (tmp_path / "out/feedback/2026/2026-05.md").read_text("utf-8")
    assert may.startswith(
        '---\nbrain_export: feedback\nmonth: "2026-05"\n---\n\n# 2026-05\n\n## 2026-05-09 08:05 · wrong\n'
    )
    assert (
        "\n\nthe rent?\n\n<!-- why -->\n\nit is 950\nsince May\n\n<!-- end -->\n" in may
    )
    assert (
        "\nThe right place: [[documents/n/lease|Lease]] L6-6: “900 a month.”\n" in may
    )
    assert "\nAsked: [[episodes/2026/2026-05-07|2026-05-07]]\n" in may
    assert may.count("## ") == 2
    assert (tmp_path / "out/feedback/2026/2026-04.md").exists()


def test_feedback_comes_back_word_for_word_once_and_never_over_newer(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, two = filled(home("a")), home("b")
    export(one.source(), tmp_path / "out")
    newer = replace(
        JUDGED[0],
        id="99" * 8,
        at="2026-06-01T00:00:00+00:00",
        verdict="good",
        why="I was wrong",
    )
    two.judgments.keep(newer)
    for _ in range(2):
        assert two.take_in(tmp_path / "out") == []
        assert sorted(two.judgments.all(), key=lambda j: j.at) == [
            JUDGED[1],
            JUDGED[2],
            newer,
        ]


def test_feedback_on_what_is_forgotten_stays_at_home(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one = filled(home("a"))
    Trash(one.connection).forget(["a1" * 8], now=STAMP)
    export(one.source(), tmp_path / "out")
    assert "the rent?" not in (tmp_path / "out/feedback/2026/2026-05.md").read_text(
        "utf-8"
    )


def test_feedback_that_a_person_changed_or_broke(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    export(filled(home("a")).source(), tmp_path / "out")
    path = tmp_path / "out/feedback/2026/2026-05.md"
    whole = path.read_text("utf-8")
    path.write_text(
        whole.replace("it is 950\nsince May", "it is 960 since May"), "utf-8"
    )
    assert "it is 960 since May" in {
        item.why
        for _path, item in reading.read_export(tmp_path / "out")
        if isinstance(item, Judgment)
    }
    for old, new in (
        ('"verdict": "wrong"', '"verdict": "so so"'),
        ("2026-05-09T08:05:00+02:00", "one day"),
        ('"episode": "11', '"episode": "../'),
    ):
        path.write_text(whole.replace(old, new), "utf-8")
        assert whole.count(old) == 1
        assert [
            skip.kind
            for skip in home(new[-3:].strip("./ ") + "x").take_in(tmp_path / "out")
        ] == ["unreadable"]


def test_a_second_export_touches_nothing(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    written = export(one.source(), out).written
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    report = export(one.source(), out)
    assert (report.written, report.unchanged) == (0, written)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.*")} == before


def test_a_file_that_a_person_changed_needs_force(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    export(one.source(), out)
    mine = out / "documents/n/ana.md"
    mine.write_text("my own words", "utf-8")
    one.library.tag("a1" * 8, ["new"], [])
    for _ in range(2):
        report = export(one.source(), out)
        assert report.conflicts == ("documents/n/ana.md",)
        assert mine.read_text("utf-8") == "my own words"
    assert "new" in (out / "documents/n/lease.md").read_text("utf-8")
    assert export(one.source(), out, force=True).conflicts == ()
    assert "Ana Lopez" in mine.read_text("utf-8")


def test_a_foreign_file_in_the_way_is_not_overwritten(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "notes").mkdir(parents=True)
    (out / "notes/Call.md").write_text("a stranger", "utf-8")
    (out / "readme.md").write_text("mine", "utf-8")
    report = export(filled(home("a")).source(), out)
    assert report.conflicts == ("notes/Call.md",)
    assert (out / "readme.md").read_text("utf-8") == "mine"


def test_what_no_longer_exists_is_removed_unless_a_person_changed_it(
    home: Callable[[str], Home], tmp_path: Path, skill_folder: Path
) -> None:
    one, out = filled(home("a"), skill_folder), tmp_path / "out"
    export(one.source(), out)
    (out / "documents/n/lease.md").write_text("mine now", "utf-8")
    Trash(one.connection).forget(["a1" * 8, "b2" * 8], now=STAMP)
    one.connection.conn.execute("DELETE FROM skills WHERE name='brew-tea'")
    report = export(one.source(), out)
    assert (report.removed, report.conflicts) == (5, ("documents/n/lease.md",))
    assert not (out / "documents/n/ana.md").exists()
    assert not (out / "skills/brew-tea").exists()
    assert (out / "documents/n/lease.md").read_text("utf-8") == "mine now"
    assert export(one.source(), out, force=True).removed == 1


def test_a_new_title_moves_a_note_and_no_file(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    export(one.source(), out)
    for uri, words in (("file:///n/ana.md", "Ana\n"), ("note:" + "e5" * 8, "Call her")):
        one.add(document("x", uri, "Ana Lopez", [("L1-1", words)]), Origin(uri))
    assert export(one.source(), out).removed == 1
    assert (out / "documents/n/ana.md").read_text("utf-8") == "Ana\n"
    assert (out / "notes/Ana Lopez.md").read_text("utf-8") == "Call her"
    assert not (out / "notes/Call.md").exists()


def test_only_some_kinds_leave_the_others_alone(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    export(one.source(), out, only=["episodes", "notes", "skills"])
    assert not (out / "documents").exists()
    export(one.source(), out)
    everything = tree(out)
    assert export(one.source(), out, only=["skills"]).removed == 0
    assert tree(out) == everything
    for wrong in (["docs"], []):
        with pytest.raises(UsageError):
            export(one.source(), out, only=wrong)


def test_no_link_is_followed_and_nothing_is_written_outside(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out, outside = filled(home("a")), tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    out.mkdir()
    (out / "documents").symlink_to(outside)
    with pytest.raises(Refused):
        export(one.source(), out)
    assert list(outside.iterdir()) == []
    (out / "documents").unlink()
    (out / "documents/n").mkdir(parents=True)
    target = outside / "precious"
    target.write_text("precious", "utf-8")
    (out / "documents/n/ana.md").symlink_to(target)
    assert export(one.source(), out).conflicts == ("documents/n/ana.md",)
    assert export(one.source(), out, force=True).conflicts == ()
    assert target.read_text("utf-8") == "precious"
    assert not (out / "documents/n/ana.md").is_symlink()


@pytest.mark.parametrize(
    "title",
    [
        "../../.ssh/authorized_keys",
        "/etc/passwd",
        "CON",
        "aux.md",
        "-rf",
        "a\nb",
        "\x1b[31m",
        "\u202egnp.exe",
        "",
        "..",
        "x" * 5_000,
        "a/b\\c:d*e?",
        "nul\x00",
    ],
)
def test_hostile_titles_stay_inside(
    home: Callable[[str], Home], tmp_path: Path, title: str
) -> None:
    one, out = home("a"), tmp_path / "deep" / "out"
    one.add(
        document("a1" * 8, "note:1", title.replace("\x00", ""), [("L1-1", "x")]),
        Origin("note:1"),
    )
    export(one.source(), out)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a",
        "deep",
    ]
    entry, name = [name for name in tree(out) if name != MANIFEST]
    assert name.startswith("notes/")
    assert entry == f".brain-export/notes/{'a1' * 8}.json"
    assert home("b").take_in(out) == []


def test_a_hostile_manifest_removes_nothing_outside(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    out.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("x", "utf-8")
    names = [
        "../victim",
        "documents/../../victim",
        str(victim),
        "readme.md",
        "documents//x",
        "",
    ]
    (out / MANIFEST).parent.mkdir()
    (out / MANIFEST).write_text(
        json.dumps({"format": 2, "files": dict.fromkeys(names, digest("x"))}), "utf-8"
    )
    (out / "readme.md").write_text("x", "utf-8")
    export(one.source(), out)
    assert victim.exists()
    assert (out / "readme.md").exists()
    for name in names:
        assert name not in read_manifest(out).files


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"format": 99}'])
def test_a_damaged_manifest_is_said(
    home: Callable[[str], Home], tmp_path: Path, text: str
) -> None:
    (tmp_path / MANIFEST).parent.mkdir()
    (tmp_path / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(BrainError) as error:
        export(home("a").source(), tmp_path)
    assert error.value.hint


def test_an_export_that_was_killed_is_not_taken_for_a_persons_hand(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    export(one.source(), out)
    whole = tree(out)
    # killed after the first files of a batch: the manifest still says what it was about to write
    manifest = json.loads((out / MANIFEST).read_text("utf-8"))
    name = "documents/n/ana.md"
    new = (out / name).read_bytes() + b" "
    (out / name).write_bytes(new)
    manifest["writing"] = {name: digest(new)}
    (out / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    (out / "documents/n/.brain-export-tmp").write_text("half", "utf-8")
    report = export(one.source(), out)
    assert (report.written, report.conflicts) == (1, ())
    assert tree(out) == whole


def test_a_write_that_fails_is_two_lines_and_the_old_file_is_whole(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    export(one.source(), out)
    before = tree(out)
    one.library.tag("a1" * 8, ["new"], [])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (400, hard)
    )  # bytes: as on a disk that fills up
    try:
        with pytest.raises(BrainError) as error:
            export(one.source(), out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.hint
    assert tree(out) == before
    assert export(one.source(), out).conflicts == ()


def test_a_folder_in_the_way_of_a_file_is_said(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one, out = filled(home("a")), tmp_path / "out"
    (out / "documents/n/ana.md/inside").mkdir(parents=True)
    assert export(one.source(), out).conflicts == ("documents/n/ana.md",)
    with pytest.raises(BrainError) as error:
        export(one.source(), out, force=True)
    assert error.value.hint


def test_an_added_folder_is_never_turned_into_an_export(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one = home("a")
    (tmp_path / "notes").mkdir()
    one.library.add_root(
        (tmp_path / "notes").as_uri(), str(tmp_path / "notes"), {}, STAMP
    )
    for wrong in (tmp_path / "notes", tmp_path):
        with pytest.raises(UsageError):
            export(one.source(), wrong)
        assert not (wrong / MANIFEST).exists()
    export(one.source(), tmp_path / "notes" / "brain")


def test_the_folder_cannot_be_a_file(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(BrainError):
        export(home("a").source(), tmp_path / "file")


def test_import_reads_moved_files_and_says_what_it_cannot_read(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(filled(home("a")).source(), out)
    (out / "people").mkdir()
    (out / "documents/n/ana.md").rename(out / "people" / "Ana.md")
    (out / "mine.md").write_text("# my own note", "utf-8")
    (out / "broken.md").write_bytes(b"---\nbrain_export: document\n---\n\xff")
    (out / "bomb.md").write_text(
        "---\nbrain_export: document\na: &a x\nb: *a\n---\n", "utf-8"
    )
    (out / "loop.md").symlink_to(out / "loop.md")
    os.mkfifo(out / "pipe.md")
    two = home("b")
    skipped = {Path(skip.source).name: skip.kind for skip in two.take_in(out)}
    assert skipped == {
        "mine.md": "ignored",
        "broken.md": "unreadable",
        "pipe.md": "unreadable",
    } | ({"bomb.md": skipped["bomb.md"]})
    assert two.library.count() == 6


def test_a_changed_note_keeps_its_identity_and_is_read_anew(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(filled(home("a")).source(), out)
    path = out / "documents/n/lease.md"
    path.write_text(
        path.read_text("utf-8").replace("900 a month", "950 a month"), "utf-8"
    )
    (found,) = [
        item
        for _path, item in reading.read_export(out)
        if isinstance(item, StoredDocument) and item.id == "a1" * 8
    ]
    assert found.edited
    assert found.text == path.read_text("utf-8")
    two = home("b")
    assert two.take_in(out) == []
    detail = two.library.detail("a1" * 8)
    assert detail.text.endswith("\n---\n# Rent\n\n950 a month.\nCall [[Ana]]")
    assert (detail.metadata["status"], detail.aliases) == ("signed", ("the flat",))


def test_a_folder_without_an_export_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        reading.manifest(tmp_path)


def test_an_exported_folder_is_left_out_by_add(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    out = tmp_path / "notes" / "out"
    export(filled(home("a")).source(), out)
    (tmp_path / "notes" / "own.md").write_text("own", "utf-8")
    found = [
        item.path.name
        for item in ingest.walk(tmp_path / "notes")
        if hasattr(item, "inode")
    ]
    assert found == ["own.md"]


def test_thousands_of_documents_go_out_in_batches(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    one = home("a")
    with one.connection.write():
        for i in range(1_200):
            one.add(
                document(
                    f"{i:016x}", f"note:{i}", f"Note {i % 7}", [("L1-1", f"text {i}")]
                ),
                Origin(f"note:{i}"),
            )
    seen: list[tuple[int, int]] = []
    report = export(
        one.source(),
        tmp_path / "out",
        progress=lambda _what, done, total: seen.append((done, total)),
    )
    assert report.written == 2_400
    assert seen[-1] == (1_200, 1_200)
    files = read_manifest(tmp_path / "out").files
    assert len({name.casefold() for name in files}) == 2_400
    held = (path.read_text("utf-8") for path in (tmp_path / "out/notes").iterdir())
    notes = {text.rpartition("\n")[2] for text in held}
    assert notes == {f"text {i}" for i in range(1_200)}


GOLDEN = Path(__file__).parents[1] / "golden/export_1"


def test_an_export_of_before_comes_in_as_it_was(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    """Written by the version whose documents held their facts in the front matter."""
    two = home("b")
    assert two.take_in(GOLDEN) == []
    export(two.source(), tmp_path / "one")
    export(filled(home("a")).source(), tmp_path / "two")
    one, now = tree(tmp_path / "one"), tree(tmp_path / "two")
    differing = {name for name in {*one, *now} if one.get(name) != now.get(name)}
    assert {name.split("/")[0] for name in differing} <= {"skills", ".brain-export"}


def test_an_export_over_one_of_before_leaves_no_file_of_it_behind(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    shutil.copytree(GOLDEN, tmp_path / "out")
    (tmp_path / "out/documents/ana-b2b2b2b2.md").write_text("my own words", "utf-8")
    report = export(filled(home("a")).source(), tmp_path / "out")
    assert report.conflicts == ("documents/ana-b2b2b2b2.md",)
    found = tree(tmp_path / "out")
    assert {name for name in found if name.endswith("a1a1.md")} == set()
    assert ".brain-export.json" not in found
    assert found["documents/n/ana.md"] == b"Ana Lopez\n"

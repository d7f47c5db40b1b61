"""What an export writes reads back the same: front matter, names, documents, days, skills; and hostile files do no harm."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import Refused, UsageError
from brain.keeping.export import documents, episodes, older, skills
from brain.keeping.export.folder import is_ours
from brain.keeping.export.front_matter import dump
from brain.keeping.export.layout import Layout, title_name
from brain.keeping.export.names import (
    Named,
    Names,
    folder_name,
    is_safe,
    slug,
)
from brain.keeping.export.rows import (
    StoredChunk,
    StoredDocument,
    StoredEpisode,
    StoredSkill,
)
from brain.store.episodes import Circumstances
from brain.store.skills import Belongings
from brain.types import Episode, Skill
from ingest.document import chunk_ids
from ingest.readers.front_matter import BadFrontMatter, read_nested, split

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
lines = st.one_of(
    texts,
    st.lists(
        st.sampled_from(
            [
                "---",
                "<!-- answer -->",
                "<!-- end -->",
                "<!-- brain:document",
                "-->",
                "<!-- p. 3 -->",
                "```",
                "# H",
                "",
                "a\r",
                "\n",
                "<!-- brain:episode {}",
                "[[x]]",
            ]
        ),
        max_size=8,
    ).map("\n".join),
)
ids = st.text("0123456789abcdef", min_size=16, max_size=16)
short = st.lists(texts, max_size=3).map(tuple)
NAMES = Names()


# -- front matter ---------------------------------------------------------------------------------------------------------


@given(
    st.dictionaries(
        texts,
        st.one_of(
            texts.filter(bool),
            st.lists(texts, min_size=1, max_size=4),
            st.dictionaries(texts, texts, min_size=1, max_size=3),
        ),
        max_size=6,
    )
)
def test_front_matter_round_trips(values: dict[str, object]) -> None:
    block, rest = split(dump(values) + "body\n---\nmore")
    assert read_nested(block) == values
    assert rest == "body\n---\nmore"


@given(st.dictionaries(texts, texts.filter(bool), max_size=4))
def test_other_programs_read_the_same(values: dict[str, str]) -> None:
    assert (yaml.safe_load(split(dump(values))[0]) or {}) == values


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "No",
        "null",
        "~",
        "1e3",
        "0x10",
        "2026-05-07",
        "a: b",
        "a #b",
        "- x",
        "[",
        "{",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'",
        '"',
        "x:",
        " x",
        "x ",
        "\t",
        "\u2028",
        "\x85",
        "\ufeff",
        "=",
        "<<",
        ".inf",
        "é",
        "日本",
    ],
)
def test_scalars_that_yaml_would_misread(text: str) -> None:
    assert yaml.safe_load(split(dump({"k": text, "l": [text]}))[0]) == {
        "k": text,
        "l": [text],
    }


@pytest.mark.parametrize(
    "block",
    [
        "a: &x 1\nb: *x\n",
        "a: !!python/object:os.system x\n",
        "a: !t x\n",
        "a: 1\na: 2\n",
        "- a\n",
        "a: [[[[[[[1]]]]]]]\n",
        "[" * 3_000,
        "a: " + "{b: " * 50 + "1" + "}" * 50,
        "a: 'x",
        "? [a]\n: b\n",
        "\x00",
        "a:\n\t- b",
        "x" * 2_000_000,
        "a: &a [x]\nb: &b [*a,*a]\n",
        "just words",
    ],
)
def test_hostile_front_matter_is_refused(block: str) -> None:
    with pytest.raises(BadFrontMatter):
        read_nested(block)


def test_values_come_back_as_the_text_that_stands_there() -> None:
    assert read_nested("n: 0x10\nd: 9999-99-99\nb: yes\nf: 1.0\ne:\n") == {
        "n": "0x10",
        "d": "9999-99-99",
        "b": "yes",
        "f": "1.0",
        "e": "",
    }


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "[",
        " ",
        "\n",
        "---\n",
        "<!-- brain:document\n",
        "<!-- answer -->",
        "<!-- brain:episode ",
        "\n<!-- p. 3 -->\n",
        "`",
    ],
)
def test_readers_are_linear_in_hostile_texts(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    for content in (
        text,
        f"---\n{text}",
        f"---\nbrain_export: document\nid: abcdef\n---\n{text}",
        f"---\nbrain_export: episodes\n---\n{text}",
    ):
        for read in (older.read, entry_of, lambda c: list(episodes.read(c))):
            with suppress(BadFrontMatter):
                read(content)


# -- names ----------------------------------------------------------------------------------------------------------------


@given(texts)
def test_every_name_of_a_title_is_safe(title: str) -> None:
    name = title_name(title)
    assert is_safe(f"{name}.md")
    assert name == title_name(title)
    assert not set(name) & set("[]|#^")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Call Ana about the lease", "Call Ana about the lease"),
        ("../../.ssh/authorized_keys", "ssh authorized_keys"),
        ("CON", "CON note"),
        ("a\nb\x1b[31m", "a b 31m"),
        ("...", "untitled"),
        ("🎉", "🎉"),
        ("What is RAG?", "What is RAG"),
        ("合同", "合同"),
        ("é" * 100, "é" * 50),
    ],
)
def test_names_of_titles(title: str, expected: str) -> None:
    assert title_name(title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("../../.ssh/authorized_keys", "ssh-authorized-keys"),
        ("CON", "con"),
        ("-rf", "rf"),
        ("a\nb\x1b[31m", "a-b-31m"),
        ("\u202eevil", "evil"),
        ("...", "untitled"),
        ("🎉", "untitled"),
        ("Ünïcode", "ünïcode"),
        ("Café", "café"),
        ("Cafe\u0301", "café"),
        ("合同", "合同"),
        ("x" * 300, "x" * 64),
        ("é" * 100, "é" * 32),
    ],
)
def test_slugs(title: str, expected: str) -> None:
    assert slug(title) == expected


def document_row(
    key: str, title: str, path: str = "", uri: str = "", **more: str
) -> Named:
    address = uri or f"file://{quote(path)}"
    return Named(key, address, title, path or uri, **more)  # type: ignore[arg-type]


def placed(*rows: Named, strict: bool = False) -> dict[str, str]:
    return Layout.of(rows, strict=strict).paths


def test_files_keep_their_names_and_their_tree() -> None:
    paths = placed(
        document_row("a" * 16, "x", "/home/me/vault/Journal/2026-03-06.md"),
        document_row("b" * 16, "What?", "/home/me/vault/What is RAG?.md"),
        document_row("c" * 16, "y", "/home/me/code/README.md"),
    )
    assert paths == {
        "a" * 16: "documents/me/vault/Journal/2026-03-06.md",
        "b" * 16: "documents/me/vault/What is RAG?.md",
        "c" * 16: "documents/me/code/README.md",
    }


def test_pictures_joined_of_several_signs_stay_in_names() -> None:
    name = "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} Work.md"
    assert placed(document_row("a" * 16, "x", f"/n/{name}")) == {
        "a" * 16: f"documents/n/{name}"
    }


def test_one_vault_keeps_its_own_name() -> None:
    paths = placed(document_row("a" * 16, "x", "/home/me/vault/a.md"))
    assert paths["a" * 16] == "documents/vault/a.md"


def test_what_is_no_markdown_stands_beside_it_as_markdown() -> None:
    paths = placed(
        document_row("a" * 16, "x", "/n/paper.pdf", media_type="application/pdf"),
        document_row("b" * 16, "x", "/n/paper.pdf.md"),
        document_row("c" * 16, "x", "/n/falcon.psd", entry="name"),
        document_row(
            "d" * 16,
            "Hello: you",
            uri="file:///n/in.mbox#3",
            media_type="message/rfc822",
        ),
    )
    assert paths == {
        "a" * 16: f"documents/n/paper.pdf ({'a' * 8}).md",
        "b" * 16: "documents/n/paper.pdf.md",
        "d" * 16: "documents/n/in.mbox messages/Hello you.md",
    }


def test_notes_of_one_title_get_names_of_their_own_and_the_first_keeps_the_title() -> (
    None
):
    paths = placed(
        document_row("aaaaaaaa00000001", "Tea", uri="note:1", added_at="2026-02"),
        document_row("aaaaaaaa00000002", "TEA", uri="note:2", added_at="2026-01"),
        document_row("aaaaaaaa00000003", "tea", uri="note:3", added_at="2026-03"),
    )
    assert paths == {
        "aaaaaaaa00000002": "notes/TEA.md",
        "aaaaaaaa00000001": "notes/Tea (aaaaaaaa).md",
        "aaaaaaaa00000003": "notes/tea (aaaaaaaa00000003).md",
    }


def test_a_disk_that_is_particular_about_names_gets_others() -> None:
    rows = (
        document_row("a" * 16, "x", "/n/What?.md"),
        document_row("b" * 16, "x", "/n/Tea.md"),
        document_row("c" * 16, "x", "/n/tea.md"),
    )
    paths = placed(*rows, strict=True)
    assert all(is_safe(part) for path in paths.values() for part in path.split("/"))
    assert len({path.casefold() for path in paths.values()}) == 3
    assert paths["b" * 16] == "documents/n/Tea.md"


@given(
    st.lists(
        st.text(
            st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
            min_size=1,
            max_size=80,
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_every_name_of_a_file_gets_a_place_of_its_own_inside(names: list[str]) -> None:
    names = [name for name in names if name not in (".", "..")]
    for strict in (False, True):
        rows = [
            document_row(f"{i:016x}", "x", f"/n/{name}") for i, name in enumerate(names)
        ]
        paths = placed(*rows, strict=strict)
        assert len(set(paths.values())) == len(names)
        for path in paths.values():
            assert is_ours(path)
            assert path.count("/") == 2


def test_links_and_citations_find_their_file() -> None:
    rows = [
        document_row("aaaaaaaa00000001", "The [Lease]", "/n/lease.md"),
        document_row("bbbbbbbb00000002", "Call", uri="note:1"),
    ]
    names = Names.of(rows, placed(*rows))
    lease = "[[documents/n/lease|The Lease]]"
    assert names.cited("/n/lease.md:L3-4") == names.cited("/n/lease.md") == lease
    assert names.wiki_link("bbbbbbbb00000002") == "[[notes/Call|Call]]"
    assert names.cited("gone:L1-2") == names.wiki_link("x") == ""


@pytest.mark.parametrize(
    "part",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "con",
        "CON.txt",
        "a.",
        "a ",
        "a:b",
        "x\n",
        "é" * 90,
        "\u202e",
    ],
)
def test_unsafe_parts(part: str) -> None:
    assert not is_safe(part)


# -- documents ------------------------------------------------------------------------------------------------------------


def tiled(
    text: str, cuts: list[int], locators: list[str], heading: tuple[str, ...]
) -> tuple[StoredChunk, ...]:
    places = (
        sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)}) if text else []
    )
    spans = list(pairwise(places))
    return tuple(
        StoredChunk(a, b, i, locators[i % len(locators)], heading)
        for i, (a, b) in enumerate(spans)
    )


@given(
    text=lines,
    title=texts,
    key=ids,
    cuts=st.lists(st.integers(0, 200), max_size=5),
    heading=short,
    tags=st.lists(
        st.tuples(texts.filter(bool), st.sampled_from(["document", "person"])),
        max_size=3,
        unique_by=lambda t: t[0],
    ),
    locators=st.lists(
        st.sampled_from(["L1-4", "p. 1", "p. 2", "§ --> 3", "Sheet!A1\n", ""]),
        min_size=1,
        max_size=3,
    ),
    media=st.sampled_from(
        ["text/markdown", "application/pdf", "text/html", "text/x-python"]
    ),
    metadata=st.dictionaries(texts, texts, max_size=3),
    aliases=short,
)
def test_documents_round_trip(
    text: str,
    title: str,
    key: str,
    cuts: list[int],
    heading: tuple[str, ...],
    tags: list[tuple[str, str]],
    locators: list[str],
    media: str,
    metadata: dict[str, str],
    aliases: tuple[str, ...],
) -> None:
    item = StoredDocument(
        id=key,
        uri=f"note:{key}",
        source="/n/a.py",
        title=title,
        text=text,
        media_type=media,
        content_hash="c" * 64,
        chunks=tiled(text, cuts, locators, heading),
        tags=tuple(sorted(tags)),
        metadata=metadata,
        aliases=aliases,
        dated_at="2026-05-07",
        added_at="2026-05-08T10:00:00+02:00",
        updated_at="2026-05-08T10:00:00+02:00",
        label="public",
        compartment="acme",
    )
    for original in (None, b"---\nx: 1\n---\n" + text.encode()):
        file = documents.render(item, original)
        entry = documents.entry(item, "notes/a.md", file)
        back = documents.read(entry, lambda _path, _sha, data=file.data: data)
        assert replace(back, source=item.source) == item
        assert documents.render(replace(back, source=item.source), original) == file
    assert [chunk.id for chunk in back.document.chunks] == chunk_ids(
        key, ((c.heading, text[c.start : c.end]) for c in item.chunks)
    )
    assert "".join(chunk.text for chunk in back.document.chunks) == (
        text if item.chunks else ""
    )


PDF = StoredDocument(
    id="abcdef0123456789",
    uri="file:///p/a.pdf",
    source="/p/a.pdf",
    title="A",
    text="one two three\nfour",
    media_type="application/pdf",
    content_hash="c" * 64,
    chunks=(StoredChunk(0, 8, 2, "p. 1"), StoredChunk(8, 18, 2, "p. 2")),
)


def entry_of(content: str) -> StoredDocument:
    return documents.read(content, lambda _path, _sha: b"")


def rendered(item: StoredDocument) -> tuple[str, str]:
    """(file, entry) of a document."""
    file = documents.render(item)
    return file.data.decode(), documents.entry(item, "documents/a.md", file)


def back_from(file: str, entry: str) -> StoredDocument:
    return documents.read(entry, lambda _path, _sha: file.encode())


def test_pages_are_marked_where_they_begin() -> None:
    file, _entry = rendered(PDF)
    assert "<!-- p. 1 -->\none two \n<!-- p. 2 -->\nthree\nfour\n" in file


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.replace("four", "4"),
        lambda c: c + "written behind\n",
        lambda c: c.replace("three", "three\n<!-- p. 9 -->\n"),
    ],
)
def test_a_changed_file_comes_back_as_changed_with_its_new_words(
    change: Callable[[str], str],
) -> None:
    file, entry = rendered(PDF)
    back = back_from(change(file), entry)
    assert back.edited
    assert back.chunks == ()
    assert back.id == PDF.id
    assert "<!--" not in back.text
    assert "title:" not in back.text
    assert "one two" in back.text


NOTE = StoredDocument(
    id="abcdef0123456789",
    uri="note:1",
    title="Lease",
    text="# Lease\n\nThe rent is 900.\n",
    content_hash="c",
    chunks=(StoredChunk(0, 26, 9, "L1-3"),),
)


def test_a_plain_note_is_its_text_and_nothing_else() -> None:
    file, entry = rendered(NOTE)
    assert file == NOTE.text
    assert back_from(file, entry) == NOTE


def test_the_properties_of_a_note_whose_original_is_gone_stand_above_its_text() -> None:
    item = replace(NOTE, metadata={"author": "[[Ana]]"}, tags=(("home", "document"),))
    file, entry = rendered(item)
    assert file == '---\nauthor: "[[Ana]]"\ntags: [home]\n---\n' + NOTE.text
    assert back_from(file, entry) == item


@pytest.mark.parametrize(
    "original",
    [
        b"---\nauthor: Ana # her\n---\n# Lease\n\nThe rent is 900.\n",
        b"\xef\xbb\xbf# Lease\r\n\r\nThe rent is 900.\r\n",
        b"# Lease\n\n%% hidden %%The rent\xa0is 900.\n",
    ],
    ids=["front matter", "Windows", "another text"],
)
def test_a_note_whose_original_is_there_is_the_original(original: bytes) -> None:
    file = documents.render(NOTE, original)
    assert file.data == original
    entry = documents.entry(NOTE, "documents/a.md", file)
    assert documents.read(entry, lambda _path, _sha: original) == NOTE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[0, 8, 2", "[1, 8, 2"),
        ("[8, 18", "[8, 17"),
        ('"text_sha": "', '"text_sha": "0'),
        ("[8,", '["x",'),
        ("[8, 18, 2", "[8, 18, 9999999999999999999999"),
        ("[0, 8, 2", "[-1, 8, 2"),
        ('"p. 2"', "5"),
        ('"title": "A"', '"title": "\\ud800"'),
        ('"chunks": [', '"chunks": [[['),
        ("{", "["),
    ],
)
def test_an_entry_that_does_not_fit_is_an_error_not_a_crash(old: str, new: str) -> None:
    file, entry = rendered(PDF)
    wrong = entry.replace(old, new, 1)
    assert wrong != entry
    with pytest.raises(BadFrontMatter):
        back_from(file, wrong)


def test_what_is_not_ours_is_not_read() -> None:
    for content in ("no JSON at all", '{"title": "mine"}', "[]", "null", "[" * 100_000):
        with pytest.raises(BadFrontMatter):
            entry_of(content)
    for content in ("no front matter at all", "---\ntitle: mine\n---\ntext"):
        with pytest.raises(BadFrontMatter):
            older.read(content)


def test_an_id_that_we_cannot_have_made_is_not_taken() -> None:
    file, entry = rendered(PDF)
    back = back_from(file, entry.replace("abcdef0123456789", "../../etc"))
    assert back.id != "../../etc"
    assert len(back.id) == 16


# -- exports of before ----------------------------------------------------------------------------------------------------

OLD = Path(__file__).parents[1] / "golden/export_1/documents"
OLD_PDF = (OLD / "attention-c3c3c3c3.md").read_text("utf-8")


def test_a_file_of_before_reads_as_it_was_stored() -> None:
    back = older.read(OLD_PDF)
    assert (back.title, back.text, back.edited) == (
        "Attention",
        "One page. Two pages.\n",
        False,
    )
    assert [chunk.locator for chunk in back.chunks] == ["p. 1", "p. 2"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Two pages", "Three pages"),
        ("-->\n", "-->\nwritten behind\n"),
        ("[0, 10, 2", "[1, 10, 2"),
        ('"text_sha": "', '"text_sha": "0'),
    ],
)
def test_a_changed_file_of_before_is_read_anew(old: str, new: str) -> None:
    wrong = new.join(OLD_PDF.rsplit(old, 1))
    assert wrong != OLD_PDF
    back = older.read(wrong)
    assert (back.edited, back.chunks) == (True, ())
    assert "<!-- p." not in back.text


# -- episodes -------------------------------------------------------------------------------------------------------------

rounds = st.builds(
    StoredEpisode,
    st.builds(
        Episode,
        id=ids,
        at=st.sampled_from(["2026-05-07T10:00:00+02:00", "2026-05-07T10:00:00Z"]),
        kind=st.sampled_from(["ask", "note", "chat"]),
        question=lines,
        answer=lines,
        citations=short,
        state=texts,
        session=texts,
        source=texts,
        people=short,
        tags=short,
        supersedes=st.one_of(st.none(), ids),
        label=st.sampled_from(["internal", "private"]),
    ),
    st.builds(
        Circumstances,
        confidence=st.dictionaries(
            texts, st.one_of(st.none(), st.floats(0, 1), st.booleans()), max_size=2
        ),
        route=st.one_of(st.none(), texts.filter(bool)),
        outcome=st.sampled_from([None, "good"]),
        document_id=st.one_of(st.none(), ids),
    ),
)


@given(st.lists(rounds, min_size=1, max_size=4))
def test_days_of_episodes_round_trip(items: list[StoredEpisode]) -> None:
    content = episodes.render("2026-05-07", items, NAMES)
    back = list(episodes.read(content))
    assert back == items
    assert episodes.render("2026-05-07", back, NAMES) == content


def test_a_changed_round_is_told_and_its_neighbours_are_whole() -> None:
    items = [
        StoredEpisode(
            Episode(
                f"{i:016x}",
                "2026-05-07T10:00:00Z",
                "ask",
                f"question {i}",
                f"answer {i}",
            )
        )
        for i in range(3)
    ]
    content = episodes.render("2026-05-07", items, NAMES).replace(
        "answer 1", "a better answer, by hand"
    )
    back = list(episodes.read(content))
    assert [item.edited for item in back] == [False, True, False]
    assert (back[1].episode.question, back[1].episode.answer) == (
        "question 1",
        "a better answer, by hand",
    )
    assert (back[0], back[2]) == (items[0], items[2])


@pytest.mark.parametrize(
    "facts", ["{}", "[]", "{", '{"at": "9999-99-99"}', '{"at": 5}', "[" * 5_000]
)
def test_broken_facts_are_an_error_not_a_crash(facts: str) -> None:
    with pytest.raises(BadFrontMatter):
        list(
            episodes.read(
                f"---\nbrain_export: episodes\n---\n\n<!-- brain:episode {facts} -->\n\nx\n"
            )
        )


def test_days_link_to_what_they_cite_and_correct() -> None:
    rows = [document_row("aaaaaaaa00000001", "Lease", "/n/lease.md")]
    names = Names.of(rows, placed(*rows))
    item = StoredEpisode(
        Episode(
            "1" * 16,
            "2026-05-07T10:00:00Z",
            "ask",
            "q",
            "a",
            citations=("/n/lease.md:L1-2",),
            supersedes="2" * 16,
        ),
        Circumstances(document_id="aaaaaaaa00000001"),
    )
    names.days["2" * 16] = "2026-05-01"
    content = episodes.render("2026-05-07", [item], names)
    assert "Cites: [[documents/n/lease|Lease]]" in content
    assert "Corrects: [[episodes/2026/2026-05-01|2026-05-01]]" in content
    assert "Kept as: [[documents/n/lease|Lease]]" in content


# -- skills ---------------------------------------------------------------------------------------------------------------

SKILL = "---\nname: brew-tea\ndescription: Brews tea. Use when thirsty.\nlicense: MIT # as is\nmetadata:\n  version: 1.0\n---\n# Tea\n\nBoil.\n"


def skill_folder(tmp_path: Path, text: str = SKILL, name: str = "brew-tea") -> Path:
    folder = tmp_path / name
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text(text, "utf-8")
    (folder / "scripts" / "boil.py").write_text("print('hot')\n", "utf-8")
    return folder


def test_a_skill_goes_out_as_it_came_in(tmp_path: Path) -> None:
    found = skills.read_skill(skill_folder(tmp_path))
    assert (found.skill.name, found.skill.body, found.warnings) == (
        "brew-tea",
        "# Tea\n\nBoil.\n",
        (),
    )
    files = dict(skills.render_skill(found))
    assert files["brew-tea/scripts/boil.py"] == "print('hot')\n"
    assert files["brew-tea/SKILL.md"].startswith(
        SKILL.split("---\n")[1].join(["---\n", ""])
    )
    again = skills.parse_skill(files["brew-tea/SKILL.md"])
    assert (again.skill.body, again.belongings.files["SKILL.md"], again.skill.path) == (
        found.skill.body,
        found.belongings.files["SKILL.md"],
        found.skill.path,
    )


@given(description=texts.filter(lambda t: bool(t.strip())), body=lines, key=ids)
def test_skills_round_trip(description: str, body: str, key: str) -> None:
    item = StoredSkill(
        Skill(key, "brew-tea", description, body.replace("\r", ""), "/s", "trial"),
        Belongings({}, "public", "v", "a1", "b2"),
    )
    main = dict(skills.render_skill(item))["brew-tea/SKILL.md"]
    back = skills.parse_skill(main)
    assert back.skill == item.skill
    assert back.belongings == item.belongings
    assert dict(skills.render_skill(back))["brew-tea/SKILL.md"] == main


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("no front matter", "brew-tea"),
        (SKILL, "other"),
        ("---\nname: [x]\n---\n", "brew-tea"),
        ("---\nname: &a x\n---\n", "brew-tea"),
    ],
)
def test_broken_skills_are_refused(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(UsageError):
        skills.read_skill(skill_folder(tmp_path, text, name))
    with pytest.raises(UsageError):
        skills.read_skill(tmp_path / "nowhere")


def test_links_and_binaries_of_a_skill_stay_behind(tmp_path: Path) -> None:
    folder = skill_folder(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("key", "utf-8")
    (folder / "leak").symlink_to(secret)
    (folder / "deep").symlink_to(tmp_path)
    (folder / "image.png").write_bytes(b"\x89PNG\x00")
    (folder / "large.txt").write_text("x" * 300_000, "utf-8")
    found = skills.read_skill(folder / "SKILL.md")
    assert set(found.belongings.files) == {"SKILL.md", "scripts/boil.py"}
    assert len(found.warnings) == 4
    (folder / "SKILL.md").unlink()
    (folder / "SKILL.md").symlink_to(secret)
    with pytest.raises(Refused):
        skills.read_skill(folder)


def test_a_long_body_is_warned_about(tmp_path: Path) -> None:
    assert skills.read_skill(skill_folder(tmp_path, SKILL + "x\n" * 500)).warnings


def test_reserved_folder_names() -> None:
    assert (folder_name("con"), folder_name("tea")) == ("con-skill", "tea")

"""An export is a vault: every link that led somewhere leads there, in the tree and under the names that were there."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from brain.app import Brain
from brain.config import Config, Models

Folder = Callable[..., Path]

WIKI = re.compile(r"\[\[([^\[\]\n]+)\]\]")
RELATIVE = re.compile(r"\]\(<?([^)>\s]+(?: [^)>\s]+)*)>?\)")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

VAULT: dict[str, str | bytes] = {
    "Home.md": "---\nauthor: '[[People/Ngozi Eze]]'\ncover: '[[roof.png]]'\n---\n"
    "# Home\n\n[[Journal/2026-03-06]] and [[2026-03-06|the sixth]], [[Ngozi Eze#Phone]].\n"
    "![[roof.png|300]] ![[Pictures/Roof plan (1).png]] [[moss.pdf#page=2]] ![[Books.base#All]]\n"
    "[the plan](Pictures/Roof%20plan%20(1).png) [a sketch](<Pictures/Roof plan (1).png>)\n"
    '[her](People/Ngozi%20Eze.md) [code](code/dry.py "title") <img src="Pictures/café.png">\n'
    "[flow](.github/flow.yml) [tea][t]\n\n[t]: Notes/What%20is%20tea?.md\n",
    "Journal/2026-03-06.md": "[up](../Home.md) ![[../Pictures/roof.png]] [[What is tea?]] [[HOME]]\n",
    "People/Ngozi Eze.md": "# Ngozi\n\n## Phone\n\n+353 1 496 2210 ![](../Pictures/roof.png)\n",
    "Notes/What is tea?.md": "Leaves. [[Cafe\u0301 notes]]\n",
    "Notes/Café notes.md": "Coffee. [[Home]]\n",
    "Pictures/roof.png": PNG,
    "Pictures/Roof plan (1).png": PNG + b"plan",
    "Pictures/café.png": PNG + b"coffee",
    "Pictures/nobody links to this.png": PNG + b"nobody",
    "Papers/moss.pdf": b"%PDF-1.4 no real one",
    "code/dry.py": "def dry():\n    return 1\n",
    "Templates/Books.base": "views: []\n",
    ".github/flow.yml": "on: push\n",
}


@pytest.fixture
def vault(folder: Folder) -> Path:
    return folder(VAULT, "vault")


def resolved(root: Path) -> dict[tuple[str, str], str]:
    """(note, link) -> the file that it leads to, below `root`, as Obsidian finds it; links that lead nowhere left out."""
    files = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    found = {}
    for name in files:
        if not name.endswith(".md"):
            continue
        text = (root / name).read_text("utf-8")
        for link in WIKI.findall(text):
            target = _folded(link.split("|")[0].split("#")[0]).removeprefix("../")
            for file in files:
                if f"/{_folded(file)}".endswith((f"/{target}", f"/{target}.md")):
                    found[name, link] = file
                    break
        for link in RELATIVE.findall(text):
            path = (root / name).parent / unquote(link.split('"')[0].strip())
            if path.is_file():
                found[name, link] = path.resolve().relative_to(root).as_posix()
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def another(tmp_path: Path, name: str) -> Brain:
    return Brain(Config(home=tmp_path / name, models=Models("wordllama", "builtin")))


def test_every_link_that_led_somewhere_leads_to_the_same_file(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    report = brain.keep.export(tmp_path / "out")
    before, after = resolved(vault), resolved(tmp_path / "out/documents/vault")
    assert len(before) >= 18
    assert {key: after.get(key) for key in before} == before
    assert (report.attachments, report.notices) == (7, ())


def test_notes_are_what_they_were_byte_for_byte(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    windows = (
        b"---\r\ntags: [b, a] # mine\r\n---\r\n\xef\xbb\xbfTea\r\n%% hidden %%\r\n"
    )
    (vault / "Windows.md").write_bytes(windows)
    (vault / "latin.md").write_bytes("Käse für 5 Mark".encode("cp1252"))
    brain.add([vault])
    brain.keep.export(tmp_path / "out")
    for path in vault.rglob("*.md"):
        copy = tmp_path / "out/documents" / path.relative_to(vault.parent)
        assert copy.read_bytes() == path.read_bytes()


def test_only_files_that_notes_link_to_are_copied(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    brain.keep.export(tmp_path / "out")
    found = {name for name in tree(tmp_path / "out") if name.endswith(".png")}
    assert not any("nobody" in name for name in found)
    (vault / "Home.md").write_text("no link any more")
    (vault / "People/Ngozi Eze.md").write_text("nor here")
    (vault / "Journal/2026-03-06.md").write_text("nor here")
    brain.sync()
    brain.keep.export(tmp_path / "out")
    assert not any(name.endswith(".png") for name in tree(tmp_path / "out"))


def test_what_is_for_the_program_lies_in_one_folder(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    brain.note("Call Ana about the lease.", title="Call Ana")
    brain.keep.export(tmp_path / "out")
    found = tree(tmp_path / "out")
    assert found["notes/Call Ana.md"] == b"Call Ana about the lease."
    for name, data in found.items():
        if not name.startswith((".brain-export/", "episodes/", "skills/", "feedback/")):
            assert b"brain_export" not in data
            assert b"content_hash" not in data


@pytest.mark.parametrize("disk", ["there", "away"])
def test_out_and_in_and_out_again_gives_the_same_bytes(
    brain: Brain, vault: Path, tmp_path: Path, disk: str
) -> None:
    brain.add([vault])
    brain.note("Call Ana about the lease.")
    brain.keep.export(tmp_path / "one")
    if disk == "away":
        shutil.rmtree(vault)
    with another(tmp_path, "second") as second:
        assert second.keep.import_from(tmp_path / "one").taken.skipped == ()
        second.keep.export(tmp_path / "two")
        assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_an_export_over_the_last_one_keeps_what_the_disk_no_longer_has(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    brain.keep.export(tmp_path / "out")
    before = tree(tmp_path / "out")
    shutil.move(vault, tmp_path / "away")
    report = brain.keep.export(tmp_path / "out")
    assert (report.written, report.removed) == (0, 0)
    assert tree(tmp_path / "out") == before


def test_without_any_copy_the_text_goes_out_and_what_is_missing_is_said(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    shutil.rmtree(vault)
    report = brain.keep.export(tmp_path / "out")
    home = (tmp_path / "out/documents/vault/Home.md").read_text("utf-8")
    assert 'author: "[[People/Ngozi Eze]]"' in home
    assert "[[2026-03-06|the sixth]]" in home
    assert ("Home.md", "2026-03-06|the sixth") in resolved(
        tmp_path / "out/documents/vault"
    )
    (notice,) = report.notices
    assert "not on this disk" in notice
    assert "roof.png" in notice or "more" in notice


def test_no_link_of_a_note_brings_a_file_from_outside(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    secret = folder({"key": "the secret"}, "ssh") / "key"
    place = folder(
        {
            "README.md": f"[a](../ssh/key) [b]({secret}) [c](link) [d](dir/key) ![[key]]\n"
        },
        "repository",
    )
    (place / "link").symlink_to(secret)
    (place / "dir").symlink_to(secret.parent)
    brain.add([place])
    report = brain.keep.export(tmp_path / "out")
    assert b"the secret" not in b"".join(tree(tmp_path / "out").values())
    assert report.attachments == 0
    assert any("outside the folders" in notice for notice in report.notices)


def test_two_folders_stand_beside_each_other_and_links_between_them_lead_on(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    one = folder({"a.md": "[over](../code/deep/b.md) [x](../code/x.toml)\n"}, "vault")
    two = folder(
        {"deep/b.md": "[back](../../vault/a.md)\n", "x.toml": "a = 1\n"}, "code"
    )
    brain.add([one, two])
    brain.keep.export(tmp_path / "out")
    place = tmp_path / "out/documents" / tmp_path.name
    assert (place / "vault/../code/deep/b.md").is_file()
    assert (place / "code/x.toml").read_text() == "a = 1\n"
    assert len(resolved(place)) == 3


def test_the_messages_of_a_mailbox_are_notes_beside_it(
    brain: Brain, folder: Folder, tmp_path: Path
) -> None:
    box = "".join(
        f"From a@b Mon Jan  1 00:00:00 2026\nFrom: a@b.c\nTo: d@e.f\nSubject: Rent: {n}\n\nIt is {n}.\n\n"
        for n in (900, 950)
    )
    brain.add([folder({"in.mbox": box})])
    brain.keep.export(tmp_path / "out")
    names = [name for name in tree(tmp_path / "out") if name.startswith("documents/")]
    assert names == [
        "documents/notes/in.mbox messages/Rent 900.md",
        "documents/notes/in.mbox messages/Rent 950.md",
        "documents/notes/in.mbox.md",
    ]
    with another(tmp_path, "second") as second:
        assert second.keep.import_from(tmp_path / "out").taken.added == 3


def test_a_note_that_was_edited_and_moved_in_the_export_comes_back(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    brain.keep.export(tmp_path / "out")
    shutil.rmtree(vault)
    place = tmp_path / "out/documents/vault"
    (place / "Notes/Café notes.md").write_text("---\nrating: 5\n---\nBetter coffee.\n")
    (place / "People/Ngozi Eze.md").rename(place / "Ngozi.md")
    with another(tmp_path, "second") as second:
        assert second.keep.import_from(tmp_path / "out").taken.skipped == ()
        row = next(row for row in second.library.documents() if "Caf" in row.source)
        detail = second.library.document(row.id)
        assert detail.text.endswith("Better coffee.\n")
        assert detail.metadata == {"rating": "5"}


def test_what_a_person_wrote_into_the_export_is_told_and_not_taken(
    brain: Brain, vault: Path, tmp_path: Path
) -> None:
    brain.add([vault])
    brain.keep.export(tmp_path / "out")
    (tmp_path / "out/documents/vault/mine.md").write_text("my own")
    (tmp_path / "out/documents/vault/Journal/2026-03-06.md").unlink()
    with another(tmp_path, "second") as second:
        skipped = second.keep.import_from(tmp_path / "out").taken.skipped
    assert [
        (Path(why.source).name, why.kind)
        for why in skipped
        if why.source.endswith(".md")
    ] == [("mine.md", "ignored")]
    assert any("is not there any more" in why.reason for why in skipped)

"""Which files are found, and the reason of every one that is not."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.folders import Found, Skip, walk
from ingest.limits import USUAL, Limits


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def found(root: Path) -> set[str]:
    return {
        os.path.relpath(item.path, root)
        for item in walk(root)
        if isinstance(item, Found)
    }


def skipped(root: Path, limits: Limits = USUAL) -> dict[str, str]:
    items = walk(root, limits=limits)
    return {
        os.path.relpath(item.path, root): item.kind
        for item in items
        if isinstance(item, Skip)
    }


def test_hidden_generated_and_temporary_things_are_skipped_and_said(
    tmp_path: Path,
) -> None:
    make(
        tmp_path,
        "a.md",
        ".git/config",
        ".obsidian/app.json",
        "node_modules/x.js",
        "__pycache__/x.py",
        ".trash/b.md",
    )
    make(
        tmp_path,
        ".env",
        "~$letter.docx",
        "c.md~",
        "poetry.lock",
        "d.swp",
        "photo.psd",
        "sub/e.txt",
        ".f.md.icloud",
    )
    assert found(tmp_path) == {"a.md", "photo.psd", "sub/e.txt"}
    assert skipped(tmp_path) == {
        ".git": "hidden",
        ".obsidian": "hidden",
        ".trash": "hidden",
        ".env": "hidden",
        "node_modules": "generated",
        "__pycache__": "generated",
        "~$letter.docx": "temporary",
        "c.md~": "temporary",
        "poetry.lock": "temporary",
        "d.swp": "temporary",
        ".f.md.icloud": "cloud",
    }


def test_ignore_files_hold_at_every_level_and_the_nearest_decides(
    tmp_path: Path,
) -> None:
    make(
        tmp_path,
        "a.log",
        "keep.log",
        "build/x.md",
        "sub/a.log",
        "sub/deep/b.tmp.md",
        "sub/only.md",
        "sub/deep/only.md",
    )
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n")
    (tmp_path / "sub" / ".gitignore").write_text("!a.log\n/only.md\n")
    (tmp_path / "sub" / ".brainignore").write_text("*.tmp.md\n")
    assert found(tmp_path) == {"keep.log", "sub/a.log", "sub/deep/only.md"}
    assert skipped(tmp_path)["build"] == "ignored"


def test_brainignore_decides_over_gitignore_and_a_bad_file_is_no_obstacle(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a.md", "b/c.md")
    (tmp_path / ".gitignore").write_text("*.md\n")
    (tmp_path / ".brainignore").write_text("!a.md\n")
    (tmp_path / "b" / ".gitignore").write_bytes(b"\xff\xfe[\n!\n")
    assert found(tmp_path) == {"a.md"}


def test_templates_of_a_vault_and_own_exports_are_skipped(tmp_path: Path) -> None:
    make(
        tmp_path,
        "v/Templates/daily.md",
        "v/a.md",
        "w/Forms/x.md",
        "w/Templates/real.md",
        "out/.brain-export.json",
        "out/y.md",
    )
    (tmp_path / "v" / ".obsidian").mkdir()
    make(tmp_path, "w/.obsidian/templates.json")
    (tmp_path / "w" / ".obsidian" / "templates.json").write_text('{"folder": "Forms"}')
    assert found(tmp_path) == {"v/a.md", "w/Templates/real.md"}
    kinds = skipped(tmp_path)
    assert (kinds["v/Templates"], kinds["w/Forms"], kinds["out"]) == (
        "template",
        "template",
        "export",
    )


def test_links_and_special_files_are_not_followed_or_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make(tmp_path, "outside.md", "root/a.md")
    (root / "out.md").symlink_to(tmp_path / "outside.md")
    (root / "in.md").symlink_to(root / "a.md")
    (root / "loop").symlink_to(root)
    (root / "dangling.md").symlink_to(root / "no")
    os.mkfifo(root / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket.md"))
        assert found(root) == {"a.md"}
        assert skipped(root) == {
            "out.md": "link",
            "in.md": "link",
            "loop": "link",
            "dangling.md": "link",
            "pipe.md": "special",
            "socket.md": "special",
        }


def test_large_files_and_placeholders(tmp_path: Path) -> None:
    (tmp_path / "large.md").write_bytes(b"x" * 2_000)
    with (tmp_path / "cloud.md").open("wb") as file:
        file.truncate(100_000)
    if os.stat(tmp_path / "cloud.md").st_blocks:
        pytest.skip("this file system gives blocks to empty space")
    assert skipped(tmp_path, Limits(file_bytes=1_000)) == {
        "large.md": "large",
        "cloud.md": "cloud",
    }


@pytest.mark.parametrize(
    "name",
    [
        "-rf.md",
        "a\nb.md",
        "\x1b[31m.md",
        "\u202egnp.md",
        "a #b.md",
        "🙂.md",
        "é.md",
        "e\u0301.md",
        "\udcff.md",
        "x" * 250 + ".md",
    ],
)
def test_odd_names_are_found_as_they_are(tmp_path: Path, name: str) -> None:
    """Spaces, "#", emoji, a newline, bytes outside UTF-8 and names that differ in case alone: all are found."""
    try:
        (tmp_path / name).write_text("x")
    except (OSError, UnicodeError) as error:
        pytest.skip(f"this file system refuses the name: {error}")
    assert found(tmp_path) == {name}


def test_one_file_and_what_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    (item,) = walk(tmp_path / "a.md")
    assert isinstance(item, Found)
    assert (item.size, item.media_type, item.inode) == (
        4,
        "text/markdown",
        os.stat(item.path).st_ino,
    )
    (tmp_path / "named.md").symlink_to(tmp_path / "a.md")
    (item,) = walk(tmp_path / "named.md")
    assert item.path == (tmp_path / "a.md").resolve()
    (item,) = walk(tmp_path / "none.md")
    assert isinstance(item, Skip)
    assert item.kind == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_without_permission_is_said(tmp_path: Path) -> None:
    make(tmp_path, "closed/a.md")
    (tmp_path / "closed").chmod(0)
    try:
        assert skipped(tmp_path) == {"closed": "unreadable"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_files_that_are_passed_are_asked_for_and_left_out(tmp_path: Path) -> None:
    """Only files that would be found are asked about, those of a folder together, by path and what the system says."""
    make(tmp_path, "a.md", "b.md", ".hidden", "sub/c.md", "large.md")
    (tmp_path / "large.md").write_text("x" * 100)
    asked: list[dict[str, int]] = []

    def passed(files: Mapping[str, os.stat_result]) -> set[str]:
        sizes = {}
        for path, status in files.items():
            sizes[os.path.relpath(path, tmp_path)] = status.st_size
        asked.append(sizes)
        return {path for path in files if path.endswith("b.md")}

    items = list(walk(tmp_path, limits=Limits(file_bytes=50), passed=passed))
    assert asked == [{"a.md": 4, "b.md": 4}, {"sub/c.md": 4}]
    assert {
        os.path.relpath(item.path, tmp_path)
        for item in items
        if isinstance(item, Found)
    } == {
        "a.md",
        "sub/c.md",
    }
    assert {
        os.path.relpath(item.path, tmp_path) for item in items if isinstance(item, Skip)
    } == {
        ".hidden",
        "large.md",
    }

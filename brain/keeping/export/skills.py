"""Skills as folders in the Agent Skills format: read with care, written as they were.

The front matter of a SKILL.md is kept word for word; an export adds our own facts below it. Symbolic links are never
followed, and what is large or no text stays behind with a warning. Leaves out keeping skills (`brain.store.skills`).
Serves `brain skill add`, the export and the import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from brain.errors import Refused, UsageError
from brain.keeping.export.documents import MARKER
from brain.keeping.export.front_matter import dump, lines_of
from brain.keeping.export.names import folder_name, is_safe
from brain.keeping.export.rows import StoredSkill, id_in, said_in
from brain.plain import open_plain
from brain.store.skills import Belongings
from brain.store.sql import fields_of
from brain.types import Skill
from ingest.readers.front_matter import (
    BadFrontMatter,
    map_at,
    read_nested,
    split,
    text_at,
)

KIND = "skill"
MAIN = "SKILL.md"
BODY_LINES = 500  # Agent Skills: a longer body belongs into files beside it
FILE_BYTES = 262_144  # of one file
FOLDER_BYTES = 2_097_152  # of a whole skill
FOLDER_FILES = 200
DEPTH = 5  # folders below the skill's own
_OURS = f"{MARKER}: {KIND}\n"


def read_skill(path: Path) -> StoredSkill:
    """The skill of a folder, or of the SKILL.md in it.

    Raises `UsageError` when it breaks the format, `Refused` when the SKILL.md is no plain file in that folder.
    """
    if path.name == MAIN:
        path = path.parent
    folder = Path(os.path.abspath(path))
    main = _bytes(folder / MAIN)
    if main is None:
        raise UsageError(
            f"{folder} holds no {MAIN}", "name a folder with a SKILL.md in it"
        )
    text = _text(main)
    if text is None:
        raise UsageError(
            f"{folder / MAIN} is too large or no text", "a SKILL.md is a Markdown file"
        )
    found = parse_skill(text, str(folder))
    if folder.name != folder_name(found.skill.name):
        hint = f"rename the folder to {found.skill.name}, or the skill to {folder.name}"
        raise UsageError(f"the skill in {folder} is called {found.skill.name!r}", hint)
    files, warnings = _belongings(folder)
    files |= found.belongings.files
    return replace(
        found,
        belongings=replace(found.belongings, files=files),
        warnings=(*found.warnings, *warnings),
    )


def parse_skill(text: str, path: str = "") -> StoredSkill:
    """The skill of a SKILL.md's text, without the files beside it. Raises `UsageError`."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        block, body = split(text)
        values = read_nested(block)
    except BadFrontMatter as error:
        hint = "it begins with `---`, `name: …`, `description: …`, `---`"
        raise UsageError(
            f"the {MAIN} of {path or 'the skill'}: {error}", hint
        ) from error
    ours = {}
    if text_at(values, MARKER) == KIND:
        ours = map_at(values, "brain")
    own = block
    if ours and _OURS in block:
        own = block[: block.index(_OURS)]
    skill = Skill(
        id=id_in(ours),
        name=text_at(values, "name"),
        description=text_at(values, "description"),
        body=body,
        path=text_at(ours, "path") if ours else path,
        status=text_at(ours, "status", "active"),
    )
    files = {}
    if own != _plain(skill):
        files = {MAIN: own}
    lines = body.count("\n")
    too_long = f"{skill.name}: the body has {lines} lines; move what is needed seldom into files beside it"
    belongings = Belongings(
        files,
        said_in(ours, ["label"]).get("label", "internal"),
        text_at(ours, "version"),
        text_at(ours, "added_at"),
        text_at(ours, "updated_at"),
    )
    warnings = (too_long,) if lines >= BODY_LINES else ()
    return StoredSkill(skill, belongings, warnings)


def render_skill(item: StoredSkill) -> Iterator[tuple[str, str]]:
    """(path below `skills/`, text) of each file: the SKILL.md first, then the others as they came."""
    skill = item.skill
    files = item.belongings.files
    folder = folder_name(skill.name)
    own = files.get(MAIN, "")
    if not _says(own, skill):
        own = _plain(skill)
    facts = {"id": skill.id, "status": skill.status, "path": skill.path}
    facts |= fields_of(item.belongings)
    said = {name: value for name, value in facts.items() if value and name != "files"}
    ours = dump({MARKER: KIND, "brain": said}).removeprefix("---\n")
    yield f"{folder}/{MAIN}", f"---\n{own}{ours}{skill.body}"
    for name, text in sorted(files.items()):
        if name != MAIN and all(map(is_safe, name.split("/"))):
            yield f"{folder}/{name}", text


def _plain(skill: Skill) -> str:
    """The front matter of a skill that says nothing but what it must; such a one is not kept word for word."""
    lines = lines_of({"name": skill.name, "description": skill.description})
    return "".join(f"{line}\n" for line in lines)


def _says(block: str, skill: Skill) -> bool:
    """Whether a front matter as written still says what the skill says."""
    try:
        values = read_nested(block)
    except BadFrontMatter:
        return False
    name = text_at(values, "name")
    description = text_at(values, "description")
    if (name, description) != (skill.name, skill.description):
        return False
    return block.endswith("\n") and values.keys().isdisjoint((MARKER, "brain"))


def _belongings(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The text files beside a SKILL.md, by relative path, and what stayed behind."""
    files: dict[str, str] = {}
    warnings: list[str] = []
    total = 0
    for path in _walk(folder, DEPTH):
        name = path.relative_to(folder).as_posix()
        text = None if path.is_symlink() else _text(_bytes(path))
        if path.is_symlink():
            why = "a symbolic link"
        elif text is None:
            why = f"larger than {FILE_BYTES // 1024} KB or no text"
        elif not all(map(is_safe, name.split("/"))):
            why = "a name that not every file system takes"
        elif len(files) >= FOLDER_FILES or total + len(text) > FOLDER_BYTES:
            why = f"the folder holds more than {FOLDER_FILES} files or 2 MB"
        else:
            files[name] = text
            total += len(text)
            continue
        warnings.append(f"{name!r}: {why}; not taken")
    return files, warnings


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Files and links of a folder, sorted; hidden ones and the SKILL.md at its top left out."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir() and not path.is_symlink():
            if depth > 0:
                yield from _walk(path, depth - 1)
        elif not (depth == DEPTH and path.name == MAIN):
            yield path


def _bytes(path: Path) -> bytes | None:
    """A regular file's bytes, at most one more than the cap; None when there is none. Raises `Refused` for a link."""
    try:
        with open_plain(path) as file:
            return file.read(FILE_BYTES + 1)
    except OSError as error:
        if path.is_symlink():
            raise Refused(
                f"{path} is a symbolic link",
                "copy the file that it points to into the folder",
            ) from error
        return None


def _text(data: bytes | None) -> str | None:
    """UTF-8 text, or None for what is missing, too large or something else."""
    if data is None or len(data) > FILE_BYTES or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None

"""`brain export DIR`: everything, or some kinds of it, as Markdown files. Twice gives the same bytes.

Documents come twice from the source that is handed in: once for their names, so that links between them can be written,
once for their texts; nothing is held but names. Leaves out how one thing reads (documents.py, episodes.py, skills.py,
judgments.py) and the care of the folder (folder.py). Serves `brain export`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from brain.errors import UsageError
from brain.keeping.export import documents, episodes, judgments, skills
from brain.keeping.export.folder import KINDS, Folder
from brain.keeping.export.names import Named, Names, folder_of
from brain.keeping.export.rows import stored_document, stored_episode, stored_skill
from brain.protocols import Progress, silent
from brain.reports import ExportReport, Judgment
from brain.store.row_hash import Row


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported. Rows have the schema's columns; each function may be called several times.

    `documents` gives (row of `documents` with `tags` [(tag, by)] and `links` [target], its rows of `knowledge` in
    order); `episodes` gives rows in the order of days; `judgments` come in the order in which they were first made;
    `roots` are rows of `roots`.
    """

    documents: Callable[[], Iterable[tuple[Row, Sequence[Row]]]]
    episodes: Callable[[], Iterable[Row]]
    skills: Callable[[], Iterable[Row]]
    judgments: Callable[[], Iterable[Judgment]]
    contexts: Mapping[str, str]
    roots: Sequence[Row]


def export(
    source: Source,
    directory: Path,
    *,
    only: Iterable[str] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> ExportReport:
    """Write the files; those that a person changed since are reported and left, unless `force`.

    `only` names kinds (documents, notes, episodes, skills, feedback). Raises `UsageError`, `Refused`, `BrainError`.
    """
    kinds = KINDS if only is None else tuple(only)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(
            f"{', '.join(unknown) or 'nothing'} cannot be exported",
            f"name some of: {', '.join(KINDS)}",
        )
    _beside(directory, source.roots)
    folder = Folder.open(directory, force=force, facts=_facts(source))
    try:
        names = _names(source, kinds)
        _documents(source, folder, names, progress)
        if episodes.KIND in kinds:
            for row in source.episodes():
                names.days[row["id"]] = episodes.day_of(row["at"])
            _episodes(source, folder, names)
        if "skills" in kinds:
            _skills(source, folder)
        if judgments.KIND in kinds:
            _judgments(source, folder, names)
        folder.remove_others(tuple(f"{kind}/" for kind in kinds))
        folder.close()
    finally:
        folder.abandon()
    return ExportReport(
        str(folder.path),
        folder.written,
        folder.unchanged,
        folder.removed,
        tuple(folder.conflicts),
    )


def _beside(directory: Path, roots: Sequence[Row]) -> None:
    """A folder that was added cannot be the export: the mark of an export would hide a person's own notes in it."""
    top = directory.expanduser().resolve()
    for root in roots:
        if Path(root["path"]).resolve().is_relative_to(top):
            raise UsageError(
                f"{root['path']} was added, so it cannot be exported into",
                f"name a folder of its own: {top / 'brain'}",
            )


def _facts(source: Source) -> dict[str, Any]:
    """What the manifest carries besides: no time of a look, which would differ from day to day."""
    roots = [
        {name: root[name] for name in ("uri", "path", "options")}
        for root in source.roots
    ]
    return {
        "contexts": dict(source.contexts),
        "roots": sorted(roots, key=itemgetter("uri")),
    }


def _names(source: Source, kinds: Sequence[str]) -> Names:
    return Names.of(
        Named(
            row["id"],
            row["uri"],
            row["title"],
            row["source"],
            tuple(json.loads(row["aliases"])),
            tuple(chunk["id"] for chunk in chunks),
        )
        for row, chunks in source.documents()
        if folder_of(row["uri"]) in kinds
    )


def _documents(
    source: Source, folder: Folder, names: Names, progress: Progress
) -> None:
    done = 0
    for row, chunks in source.documents() if names.paths else ():
        path = names.paths.get(row["id"])
        if path:
            folder.put(path, documents.render(stored_document(row, chunks), names))
            done += 1
            progress("exporting", done, len(names.paths))


def _episodes(source: Source, folder: Folder, names: Names) -> None:
    rows = map(stored_episode, source.episodes())
    for day, held in itertools.groupby(
        rows, key=lambda item: episodes.day_of(item.episode.at)
    ):
        text = episodes.render(day, list(held), names)
        folder.put(episodes.dated_path(episodes.KIND, day), text)


def _judgments(source: Source, folder: Folder, names: Names) -> None:
    made = sorted(source.judgments(), key=judgments.month_of)
    for month, held in itertools.groupby(made, key=judgments.month_of):
        text = judgments.render(month, held, names)
        folder.put(episodes.dated_path(judgments.KIND, month), text)


def _skills(source: Source, folder: Folder) -> None:
    for row in source.skills():
        for name, text in skills.render_skill(stored_skill(row)):
            folder.put(f"skills/{name}", text)

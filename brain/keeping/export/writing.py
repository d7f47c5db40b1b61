"""`brain export DIR`: everything, or some kinds of it, as Markdown files: a vault. Twice gives the same bytes.

Documents come twice from the source that is handed in: once for their names, so that links between them can be written,
once for their texts; nothing is held but names. Leaves out how one thing reads (documents.py, episodes.py, skills.py,
judgments.py, proposals.py) and the care of the folder (folder.py). Serves `brain export`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from brain.errors import UsageError
from brain.inbox import Proposal
from brain.keeping.export import documents, episodes, judgments, proposals, skills
from brain.keeping.export.attachments import Attachments, Copies, sidecar, uri_of
from brain.keeping.export.folder import KINDS, SIDECAR, Folder
from brain.keeping.export.layout import MARKDOWN, Layout
from brain.keeping.export.names import Named, Names, folder_of
from brain.keeping.export.rows import (
    StoredDocument,
    stored_document,
    stored_episode,
    stored_skill,
)
from brain.protocols import Progress, silent
from brain.reports import ExportReport, Judgment
from brain.store.row_hash import Row
from brain.types import Texts

DOCUMENTS = {"documents", "notes"}
NAMES_SHOWN = 3  # of files that could not be copied


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported. Rows have the schema's columns; each function may be called several times.

    `documents` gives (row of `documents` with `tags` [(tag, by)] and `links` [target], its rows of `knowledge` in
    order); `episodes` gives rows in the order of days; `judgments` and `proposals` come in the order of their making;
    `roots` are rows of `roots`, for the manifest; `looked_at` are the paths of those that are looked at here. `copies`
    are exports in which the original of a file may lie that is not on this disk.
    `left_out`: damaged rows that were left out so far.
    """

    documents: Callable[[], Iterable[tuple[Row, Sequence[Row]]]]
    episodes: Callable[[], Iterable[Row]]
    skills: Callable[[], Iterable[Row]]
    judgments: Callable[[], Iterable[Judgment]]
    contexts: Mapping[str, str]
    roots: Sequence[Row]
    looked_at: Sequence[str] = ()
    copies: Sequence[Path] = ()
    left_out: Callable[[], Mapping[str, str]] = dict
    folder_labels: Mapping[str, str] = field(default_factory=dict)
    proposals: Callable[[], Iterable[Proposal]] = tuple


def export(
    source: Source,
    directory: Path,
    *,
    only: Iterable[str] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> ExportReport:
    """Write the files; those that a person changed since are reported and left, unless `force`.

    `only` names some of `KINDS`. Raises `UsageError`, `Refused`, `BrainError`.
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
        names = Names()
        notices: list[str] = []
        attachments = 0
        if DOCUMENTS & set(kinds):
            written = _Documents.of(source, folder, kinds)
            written.write(source, progress)
            names = written.names
            attachments = written.attach()
            notices = written.notices()
        if episodes.KIND in kinds:
            for row in source.episodes():
                names.days[row["id"]] = episodes.day_of(row["at"])
            _episodes(source, folder, names)
        _others(source, folder, kinds, names)
        # what is damaged here may be whole in the file of an earlier export
        if not source.left_out():
            folder.remove_others(_prefixes(kinds))
        folder.close()
    finally:
        folder.abandon()
    return ExportReport(
        str(folder.path),
        folder.written,
        folder.unchanged,
        folder.removed,
        tuple(folder.conflicts),
        tuple(notices),
        attachments,
    )


def _prefixes(kinds: Sequence[str]) -> Texts:
    """Where files of these kinds lie."""
    places = ("", f"{SIDECAR}/")
    return tuple(f"{place}{kind}/" for kind in kinds for place in places)


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
        "folder_labels": dict(source.folder_labels),
        "roots": sorted(roots, key=itemgetter("uri")),
    }


@dataclass(slots=True)
class _Documents:
    """The documents of one export: where each stands, which originals and attachments there are."""

    folder: Folder
    names: Names
    layout: Layout
    copies: Copies
    attachments: Attachments
    linked: dict[str, tuple[str, Path]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, folder: Folder, kinds: Sequence[str]) -> _Documents:
        """All of these kinds, by their names alone."""
        named = [item for item in _named(source) if folder_of(item.uri) in kinds]
        layout = Layout.of(named, strict=folder.strict)
        copies = Copies([folder.path, *source.copies])
        attachments = Attachments.of(named, copies, source.looked_at)
        return cls(folder, Names.of(named, layout.paths), layout, copies, attachments)

    def write(self, source: Source, progress: Progress) -> None:
        """The file and the entry of each, one after the other."""
        done = 0
        for row, chunks in source.documents():
            if row["id"] in self.names.by_id:
                self._one(stored_document(row, chunks))
                done += 1
                progress("exporting", done, len(self.names.links))

    def _one(self, item: StoredDocument) -> None:
        path = self.layout.paths.get(item.id, "")
        entry = sidecar(item.uri, item.id)
        if not path:
            self.folder.put(entry, documents.entry(item, "", None))
            return
        original = None
        if item.media_type == MARKDOWN:
            original = self.copies.of(item.id, item.uri, item.content_hash)
        name = path.rpartition("/")[2].removesuffix(".md")
        file = documents.render(item, original, name)
        if self.folder.put(path, file.data):
            self.folder.put(entry, documents.entry(item, path, file))
        else:
            # A person changed the file: the entry goes on saying what it was when they did.
            self.folder.leave(entry)
        if item.media_type == MARKDOWN:
            text = item.text
            if file.copied:
                text = documents.as_text(file.data)
            said = "\n".join((text, *item.metadata.values()))
            for target, copy in self.attachments.linked(item.uri, said):
                place = self.layout.tree.place(target)
                if place and place not in self.names.links:
                    self.linked[place] = (uri_of(target), copy)

    def attach(self) -> int:
        """Copy what notes link to; how many files that are."""
        taken = set(self.layout.paths.values())
        copied = {}
        for place, (uri, copy) in sorted(self.linked.items()):
            if place in taken:
                continue
            try:
                self.folder.put_copy(place, copy)
                copied[place] = uri
            except OSError:
                self.attachments.missing.add(str(copy))
        self.folder.facts = {**self.folder.facts, "attachments": copied}
        return len(copied)

    def notices(self) -> list[str]:
        """Which files that notes link to could not be copied, and why."""
        found = self.attachments
        away = "not on this disk, so that links to them lead nowhere"
        outside = "not copied, since they lie outside the folders that were added"
        why = {away: sorted(found.missing), outside: sorted(found.outside)}
        return [f"{reason}: {_first(names)}" for reason, names in why.items() if names]


def _first(names: Sequence[str]) -> str:
    """The first names, and how many there are besides."""
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(names[:NAMES_SHOWN])
    if more <= 0:
        return shown
    return f"{shown} and {more:,} more"


def _named(source: Source) -> Iterator[Named]:
    for row, chunks in source.documents():
        yield Named(
            row["id"],
            row["uri"],
            row["title"],
            row["source"],
            row["media_type"],
            row["entry"],
            row["added_at"],
            tuple(chunk["id"] for chunk in chunks),
        )


def _episodes(source: Source, folder: Folder, names: Names) -> None:
    rows = map(stored_episode, source.episodes())
    for day, held in itertools.groupby(
        rows, key=lambda item: episodes.day_of(item.episode.at)
    ):
        text = episodes.render(day, list(held), names)
        folder.put(episodes.dated_path(episodes.KIND, day), text)


def _others(source: Source, folder: Folder, kinds: Sequence[str], names: Names) -> None:
    """What comes behind documents and episodes."""
    if "skills" in kinds:
        _skills(source, folder)
    if judgments.KIND in kinds:
        _judgments(source, folder, names)
    if proposals.KIND in kinds:
        _proposals(source, folder)


def _judgments(source: Source, folder: Folder, names: Names) -> None:
    made = sorted(source.judgments(), key=judgments.month_of)
    for month, held in itertools.groupby(made, key=judgments.month_of):
        text = judgments.render(month, held, names)
        folder.put(episodes.dated_path(judgments.KIND, month), text)


def _proposals(source: Source, folder: Folder) -> None:
    waiting = list(source.proposals())
    if waiting:
        folder.put(proposals.PLACE, proposals.render(waiting))


def _skills(source: Source, folder: Folder) -> None:
    for row in source.skills():
        for name, text in skills.render_skill(stored_skill(row)):
            folder.put(f"skills/{name}", text)

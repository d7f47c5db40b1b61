"""`.labels`: how confidential things are. Shown, set by a person, and asked once for every folder.

Lowering a label is for a person alone: the door asks, by what `plan` says would be lowered. Leaves what label a text is
found to have to `brain.governance.labels`, and SQL to the store. Every change stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from brain.app.file_facts import NOTE
from brain.app.governed import IDS_IN_LEDGER, ledger_of, policies_of
from brain.app.library import EPISODE, Library, stored_path
from brain.app.resources import Noun
from brain.errors import NotFound, Refused
from brain.governance.facts import Facts, RequestFacts
from brain.governance.policy_cases import recorded
from brain.labels import (
    FolderLabel,
    FolderRow,
    FolderTable,
    Label,
    LabelChange,
    LabelledText,
    LabelledTexts,
    LabelSummary,
    effective,
    highest,
    join,
    lowers,
)
from brain.store.row_hash import Row
from brain.store.sql import WALKED
from brain.types import Request, Texts
from ingest.media import HOLD_MANY

if TYPE_CHECKING:
    from brain.governance.folder_words import Proposal

BY_HAND = "brain label set"
BY_WALK = "brain label folders"
LOWER = "label.lower"  # action of the policy
CONFIDENTIAL = "confidential"
# What is no file, as a folder of its own.
NO_FOLDER = (NOTE, EPISODE)


class Labels(Noun):
    """Labels of documents and of folders."""

    @property
    def walked(self) -> str:
        """When a person was shown every folder, ISO 8601; "" while nobody was."""
        return self._store.library.setting(WALKED) or ""

    # -- showing --------------------------------------------------------------------------------------

    def summary(self) -> LabelSummary:
        """How much there is of each label, and the labels of folders."""
        labels = self._store.labels
        return LabelSummary(labels.counts(), tuple(labels.folders()), self.walked)

    def show(self, reference: str) -> LabelledTexts:
        """One document with the reasons for its label, else what is found for the words. Raises `NotFound`."""
        library = Library(self._resources)
        try:
            found_by_name = self._shown(library.document(reference).row.id)
            return LabelledTexts((found_by_name,))
        except NotFound:
            from brain.app.search import search

            found = search(self._resources, Request(reference, look=False))
            ids = dict.fromkeys(passage.document_id for passage in found.passages)
            if not ids or found.below_floor:
                raise
            return LabelledTexts(tuple(map(self._shown, ids)))

    def _shown(self, document_id: str) -> LabelledText:
        from brain.governance.labels import reasons_of

        detail = self._store.library.detail(document_id)
        row = detail.row
        texts = (row.title, *detail.aliases, *detail.metadata.values(), detail.text)
        folders = self._store.labels.folders()
        found = reasons_of(texts, detail.metadata, row.source, folders)
        why = [f"{reason.label}: {reason.why}" for reason in found]
        said = highest(reason.label for reason in found)
        if row.label != said:
            why.append(f"{row.label}: given by a person, or it had it before")
        counts_as = str(effective(row.label, walked=bool(self.walked)))
        return LabelledText(
            row.id, row.source, row.title, row.label, counts_as, tuple(why)
        )

    # -- setting --------------------------------------------------------------------------------------

    def plan(self, label: str, references: Sequence[str]) -> LabelChange:
        """What would get another label, equal texts as well, and how much of it a lower one. Raises `NotFound`."""
        ids, folders = self._named(references)
        rows = self._store.labels.same_text(ids)
        walked = bool(self.walked)
        changed = []
        lowered = 0
        for row in rows:
            if row["label"] != label:
                changed.append(self._changed(row))
                lowered += lowers(row["label"], label, walked=walked)
        known = {rule.source: rule.label for rule in self._store.labels.folders()}
        for folder in folders:
            lowered += lowers(known.get(folder, "public"), label, walked=walked)
        return LabelChange(label, tuple(changed), folders, lowered)

    def _changed(self, row: Row) -> LabelledText:
        label = row["label"]
        counts_as = effective(label, walked=bool(self.walked))
        return LabelledText(
            row["id"], row["source"], row["title"], label, str(counts_as)
        )

    def may_lower(self, plan: LabelChange) -> None:
        """Raise `Refused` where the policy lets nobody make this less confidential; a person is asked in any case."""
        if not plan.lowered:
            return
        before = join(Label.of(text.counts_as) for text in plan.texts)
        if not plan.texts:
            before = Label.CONFIDENTIAL  # a folder alone, which may hold anything
        facts = Facts(RequestFacts(label=str(before), attended=True))
        decision = policies_of(self._resources).decide(LOWER, facts)
        if decision.outcome != "ask":
            row = recorded(LOWER, facts, decision)
            ledger_of(self._resources).append("deny", **row)
            raise Refused(decision.because, "`brain policy show` reads the rules aloud")

    def set(self, label: str, references: Sequence[str]) -> LabelChange:
        """Do it. Of a folder also what comes into it later gets the label. Raises `Refused` as `may_lower`."""
        plan = self.plan(label, references)
        self.may_lower(plan)
        labels = self._store.labels
        with self._store.write():
            labels.give([row.id for row in plan.texts], label)
            for folder in plan.folders:
                now = self._resources.seconds()
                labels.set_folder(FolderLabel(folder, label, now, BY_HAND))
            self._note(plan)
        ledger_of(self._resources).note_head()
        return replace(plan, done=True)

    def _named(self, references: Sequence[str]) -> tuple[list[str], Texts]:
        """(ids of the documents, paths of the folders and of files of many). Raises `NotFound`, `UsageError`."""
        library = Library(self._resources)
        ids: list[str] = []
        folders: list[str] = []
        for reference in references:
            try:
                row = library.document(reference).row
                ids.append(row.id)
                if row.media_type in HOLD_MANY:
                    # The messages of a mailbox, and those that come later
                    ids += self._store.labels.at(row.source)
                    folders.append(row.source)
            except NotFound:
                place = reference if reference in NO_FOLDER else stored_path(reference)
                inside = self._store.labels.at(place)
                if not inside:
                    raise
                ids += inside
                folders.append(place)
        return ids, tuple(folders)

    def _note(self, change: LabelChange, why: str = BY_HAND) -> None:
        """A row of the ledger, in the transaction of the change: there is neither without the other."""
        if not change.texts and not change.folders:
            return
        ids = tuple(text.id for text in change.texts[:IDS_IN_LEDGER])
        ledger_of(self._resources).append(
            "label",
            label=change.label,
            documents=ids,
            count=len(change.texts),
            lowered=change.lowered,
            why=why,
        )

    # -- walking the folders --------------------------------------------------------------------------

    def folders(self) -> FolderTable:
        """Every added folder, those right below it, and deeper ones that are proposed."""
        from brain.governance.folder_words import every_word, proposal

        labels = self._store.labels
        roots = [root["path"] for root in self._store.library.roots()]
        below = _below(labels.places(), roots)
        holding = labels.holding(every_word())
        known = {rule.source: rule.label for rule in labels.folders()}
        rows: list[FolderRow] = []
        told: set[str] = set()
        # The deepest first: what speaks for a folder does not speak for the one above as well.
        for folder in sorted(below, key=_depth, reverse=True):
            ids = {row["id"] for row in below[folder]}
            proposed = proposal(folder, ids - told, holding)
            if proposed is not None:
                told |= ids
            elif not _is_top(folder, roots):
                continue
            label = known.get(folder) or highest(row["label"] for row in below[folder])
            rows.append(_row(folder, len(ids), label, proposed))
        rows.sort(key=lambda row: row.source)
        return FolderTable(tuple(rows), self.walked)

    def walk(self, confidential: Sequence[str]) -> LabelChange:
        """A person was shown every folder, and said of these that they are confidential."""
        labels = self._store.labels
        now = self._resources.seconds()
        change = LabelChange(CONFIDENTIAL, folders=tuple(confidential), done=True)
        if confidential:
            change = replace(self._raised(confidential), done=True)
        with self._store.write():
            for folder in confidential:
                labels.set_folder(FolderLabel(folder, CONFIDENTIAL, now, BY_WALK))
            labels.raise_to([text.id for text in change.texts], CONFIDENTIAL)
            self._store.library.keep_setting(WALKED, now)
            self._note(change, BY_WALK)
        ledger_of(self._resources).note_head()
        return change

    def _raised(self, folders: Sequence[str]) -> LabelChange:
        """What below these folders becomes confidential."""
        labels = self._store.labels
        ids = [name for folder in folders for name in labels.at(folder)]
        rows = labels.same_text(ids)
        texts = [self._changed(row) for row in rows if row["label"] != CONFIDENTIAL]
        return LabelChange(CONFIDENTIAL, tuple(texts), tuple(folders))


def _below(places: Iterable[Row], roots: Sequence[str]) -> dict[str, list[Row]]:
    """The documents below each folder, whether right in it or deeper."""
    found: dict[str, list[Row]] = {}
    for row in places:
        for folder in _above(row["source"], roots):
            found.setdefault(folder, []).append(row)
    return found


def _above(source: str, roots: Sequence[str]) -> Iterator[str]:
    """The folder that a document lies in, and those above up to the added one. What is no file lies in none."""
    for begins in NO_FOLDER:
        if source.startswith(begins):
            yield begins
            return
    file, _sign, _part = source.partition("#")
    for parent in PurePosixPath(file).parents:
        folder = str(parent)
        yield folder
        if folder in roots or not _is_inside(folder, roots):
            return


def _is_inside(folder: str, roots: Sequence[str]) -> bool:
    return any(FolderLabel(root, "").covers(folder) for root in roots)


def _is_top(folder: str, roots: Sequence[str]) -> bool:
    """Whether it is an added folder, right below one, or in none."""
    if folder in roots or str(PurePosixPath(folder).parent) in roots:
        return True
    return not _is_inside(folder, roots)


def _depth(folder: str) -> int:
    return folder.count("/")


def _row(folder: str, files: int, label: str, proposed: Proposal | None) -> FolderRow:
    """What a person is told of a folder, everything below it included."""
    if proposed is None:
        return FolderRow(folder, files, label)
    return FolderRow(folder, files, label, proposed.matter, proposed.words)

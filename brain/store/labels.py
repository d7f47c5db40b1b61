"""Labels as they are stored: of documents, of what was derived from them, and of whole folders.

A label sticks: what is saved again, or has the text of another document, gets the stricter one, and so do the answers
that were made of it. Only `give` lowers one. Leaves out what label a document is found to have
(`brain.governance.labels`) and whether a person may lower one. Serves saving, and `brain label`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from brain.labels import UNLABELLED, FolderLabel, no_stricter, raised
from brain.store.fts_search import next_to_each_other
from brain.store.moves import is_gone
from brain.store.row_hash import Row, hashed, listed
from brain.store.sql import ids_text, marks
from brain.store.table import Table
from brain.types import Texts

LABELLED = ("documents", "episodes", "skills")
# in `episodes.confidence`: the ids of the documents that an answer was made of
EVIDENCE = "evidence"


class LabelTable(Table):
    """All SQL of labels but the scope of a search."""

    # -- of a document that is saved ------------------------------------------------------------------

    def of(self, row: Row, known: Row | None) -> str:
        """The label of a row that is to be saved: that which it says or had, or a document of equal text has."""
        label: str = row["label"]
        before = [known["label"]] if known else self._forgotten(row["source"])
        for had in before:
            label = raised(had, label)
        for other in self._equal(row):
            label = raised(label, other["label"])
        return label

    def _forgotten(self, source: str) -> list[str]:
        """The labels of what was at that place and lies in the trash: a file may be away for one look."""
        sql = """
            SELECT json_extract(payload, '$.documents[0].label') FROM forgotten
            WHERE source = ? AND kind = 'document' AND json_valid(payload)
        """
        labels = self._column(sql, source)
        return [label for label in labels if isinstance(label, str)]

    def brought_back(self, row: Row) -> None:
        """What comes out of the trash has the label of equal texts from now on, and they have that of it."""
        label = self.of(row, row)
        self.raise_to([row["id"]], label)
        self.spread({**row, "label": label}, None)

    def spread(self, row: Row, known: Row | None) -> None:
        """What was saved hands its label on: to equal texts, and where it is new to what was made of the document."""
        others = [other["id"] for other in self._equal(row)]
        self.raise_to(others, row["label"])
        if known and known["label"] != row["label"]:
            self._raise_derived([row], row["label"])

    def _equal(self, row: Row) -> list[Row]:
        """The other documents of the same text; a text without a letter is that of any empty file."""
        if not row["text"].strip():
            return []
        sql = "SELECT id, label FROM documents WHERE text_sha=? AND id<>?"
        return self._named(sql, row["text_sha"], row["id"])

    # -- changing -------------------------------------------------------------------------------------

    def raise_to(self, document_ids: Sequence[str], label: str) -> None:
        """No document of these is less confidential than that afterwards, nor what was derived from it."""
        if not document_ids or label == UNLABELLED:
            return
        with self._write():
            changed = self.raise_rows("documents", document_ids, label)
            self._raise_derived(changed, label)

    def raise_rows(self, table: str, ids: Sequence[str], label: str) -> list[Row]:
        """The same of the rows of one table alone; those that changed, as they were."""
        changed = []
        with self._write():
            for row in self._rows(table, ids):
                after = raised(row["label"], label)
                if after != row["label"]:
                    self._change(table, "id", row, {"label": after})
                    changed.append(row)
        return changed

    def give(self, document_ids: Sequence[str], label: str) -> None:
        """Give these documents a label, also a lower one; what was derived from them is raised, and not lowered."""
        with self._write():
            rows = self._rows("documents", document_ids)
            for row in rows:
                self._change("documents", "id", row, {"label": label})
            own = [row["uri"].removeprefix("episode:") for row in rows]
            for episode in self._rows("episodes", own):
                self._change("episodes", "id", episode, {"label": label})
            self._raise_derived(rows, label)

    def _rows(self, table: str, ids: Sequence[str]) -> list[Row]:
        sql = f"""
            SELECT {listed(table)} FROM {table}
            WHERE id IN (SELECT value FROM json_each(?))
        """
        return self._named(sql, ids_text(ids))

    def _raise_derived(self, documents: Sequence[Row], label: str) -> None:
        """The rounds that say what these documents say: their own words, and answers that were made of them."""
        if not documents:
            return
        self.raise_rows("episodes", self._derived(documents), label)

    def _derived(self, documents: Sequence[Row]) -> list[str]:
        """Their ids. An answer names the places that it cites, and the documents that it was made of."""
        own = {row["uri"] for row in documents}
        sources = {row["source"] for row in documents}
        ids = {row["id"] for row in documents}
        found = []
        sql = "SELECT id, source, citations, confidence FROM episodes"
        for row in self._sound("episodes", self._each_named(sql)):
            cited = {place.rpartition(":")[0] for place in row["citations"]}
            evidence = row["confidence"].get(EVIDENCE, ())
            said = {row["source"], f"episode:{row['id']}"}
            if said & own or cited & sources or ids.intersection(evidence):
                found.append(row["id"])
        return found

    # -- what there is --------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """How many documents, episodes and skills have each label."""
        found = {}
        for table in LABELLED:
            sql = f"SELECT label, count(*) FROM {table} GROUP BY label"
            found[table] = dict(self._run(sql).fetchall())
        return found

    def with_label(self, table: str, label: str) -> list[str]:
        """The ids of what has this label in one of the tables; of documents also those in the trash."""
        sql = f"SELECT id FROM {table} WHERE label=?1"
        if table == "documents":
            sql += """
                UNION SELECT json_extract(payload, '$.documents[0].id') FROM forgotten
                WHERE kind = 'document' AND json_valid(payload)
                    AND json_extract(payload, '$.documents[0].label') = ?1
            """
        return self._column(sql, label)

    def one(self, document_id: str) -> str:
        """The label of a document."""
        row = self._first("SELECT label FROM documents WHERE id=?", document_id)
        return str(row[0])

    def places(self) -> list[Row]:
        """Source, title and label of every document, in the order of the sources."""
        sql = "SELECT id, source, title, label FROM documents ORDER BY source"
        return self._named(sql)

    def at(self, source: str) -> list[str]:
        """Ids of the document of a place, of those below a folder, and of those in a file of many."""
        sql = """
            SELECT id FROM documents
            WHERE source = ?1 OR substr(source, 1, length(?1) + 1) IN (?1 || '/', ?1 || '#')
        """
        return self._column(sql, source.rstrip("/"))

    def holding(self, phrases: Iterable[str]) -> dict[str, set[str]]:
        """Of each word or phrase the ids of the documents that hold it."""
        sql = """
            SELECT DISTINCT k.document_id
            FROM knowledge_fts f
            JOIN knowledge k ON k.pk = f.rowid
            WHERE knowledge_fts MATCH ?
        """
        found = {}
        for phrase in phrases:
            found[phrase] = set(self._column(sql, next_to_each_other(phrase)))
        return found

    def of_holders(self, word: str, known: str) -> list[str]:
        """The labels of the documents that hold a word, in a text, a title or a name, each label once. Only one where
        it is no stricter than the `known` label: then the others do not matter.
        """
        labels = "SELECT DISTINCT d.label"
        sql = """
            FROM knowledge_fts f
            JOIN knowledge k ON k.pk = f.rowid
            JOIN documents d ON d.id = k.document_id
            WHERE knowledge_fts MATCH ?
        """
        phrase = next_to_each_other(word)
        enough = f"AND d.label IN {marks(no_stricter(known))} LIMIT 1"
        one = self._column(f"{labels} {sql} {enough}", phrase, *no_stricter(known))
        return one or self._column(f"{labels} {sql}", phrase)

    def with_a_part(self, parts: Texts, known: str) -> list[tuple[str, str]]:
        """(label, text with what stands beside it) of each chunk that holds one of these phrases in a document to which
        a label was given that is stricter than the `known` one.
        """
        if not parts:
            return []
        milder = (*no_stricter(known), UNLABELLED)
        sql = f"""
            SELECT d.label, (
                SELECT group_concat(beside.content, '') FROM (
                    SELECT n.content FROM knowledge n
                    WHERE n.document_id = k.document_id
                        AND n.ordinal BETWEEN k.ordinal - 1 AND k.ordinal + 1
                    ORDER BY n.ordinal
                ) beside
            )
            FROM knowledge_fts f
            JOIN knowledge k ON k.pk = f.rowid
            JOIN documents d ON d.id = k.document_id
            WHERE knowledge_fts MATCH ? AND d.label NOT IN {marks(milder)}
        """
        phrases = " OR ".join(f'"{part}"' for part in parts)
        return self._all(sql, f"terms : ({phrases})", *milder)

    def same_text(self, document_ids: Sequence[str]) -> list[Row]:
        """These documents and those of the same text: id, source, title, label."""
        sql = """
            SELECT id, source, title, label FROM documents
            WHERE text_sha IN (
                SELECT text_sha FROM documents
                WHERE id IN (SELECT value FROM json_each(?1)) AND trim(text) <> ''
            ) OR id IN (SELECT value FROM json_each(?1))
            ORDER BY source
        """
        return self._named(sql, ids_text(document_ids))

    # -- folders --------------------------------------------------------------------------------------

    def folders(self) -> list[FolderLabel]:
        """The labels of folders, by path."""
        sql = "SELECT source, label, at, why FROM folder_labels ORDER BY source"
        rows = self._sound("folder_labels", self._each_named(sql))
        return [FolderLabel(**row) for row in rows]

    def set_folder(self, folder: FolderLabel) -> None:
        """Everything below the path gets the label when it is next saved; what is there is for the caller."""
        row = {
            "source": folder.source,
            "label": folder.label,
            "at": folder.at,
            "why": folder.why,
        }
        with self._write():
            self._keep_row("folder_labels", hashed("folder_labels", row), key="source")

    def raise_folder(self, folder: FolderLabel) -> None:
        """The same, where the folder has no stricter one."""
        for known in self.folders():
            if known.source == folder.source:
                label = raised(known.label, folder.label)
                if label == known.label:
                    return
        self.set_folder(folder)

    def move_folders(self, before: str, after: str) -> None:
        """Labels of a folder that was moved, and of those in it, go with it; a stricter one of the new place stays."""
        for folder in self.folders():
            inside = folder.source.removeprefix(before)
            if inside != folder.source and inside[:1] in ("", "/"):
                self.raise_folder(replace(folder, source=f"{after}{inside}"))
                sql = "DELETE FROM folder_labels WHERE source=?"
                with self._write():
                    self._run(sql, folder.source)

    def follow(self, before: str, after: str) -> None:
        """A file was moved: its own label as a file of many goes with it, and so does that of a folder which is gone
        and of whose files alone the new place is made. Other files of the new place get it as well.
        """
        old, _sign, _part = before.partition("#")
        new, _sign, _part = after.partition("#")
        for folder in self.folders():
            place = _place_of(folder.source, old, new)
            if place == new or (place and self._is_made_of(place, folder.label)):
                self.move_folders(folder.source, place)
                self.raise_to(self.at(place), folder.label)

    def _is_made_of(self, place: str, label: str) -> bool:
        """Whether nothing in a place is less confidential than that: what came from a labelled folder has its label."""
        rows = self._rows("documents", self.at(place))
        return all(raised(row["label"], label) == row["label"] for row in rows)


def _place_of(labelled: str, old: str, new: str) -> str:
    """Where a labelled file or folder lies now that a file of it was moved, "" where it did not go with that."""
    inside = old.removeprefix(labelled)
    if inside == old or inside[:1] not in ("", "/") or not is_gone(labelled):
        return ""
    return new.removesuffix(inside) if new.endswith(inside) else ""

"""`.folders`: the added folders, which `sync` and every question look at: list them, let one go, follow one that moved.

Leaves looking and reading to `brain.app.intake`. What was read of a folder stays when it is no longer looked at.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from brain.app.file_facts import path_of, shown, uri_of
from brain.app.intake import Intake
from brain.app.library import stored_path
from brain.app.resources import Noun
from brain.app.vectors import finish
from brain.errors import NotFound, UsageError
from brain.reports import Root
from brain.types import AddReport

HINT = "`brain folder list` shows those there are"


class Folders(Noun):
    """The added folders. A folder is named by its path."""

    def all(self) -> list[Root]:
        """Each with its number of documents and whether it is there."""
        library = self._store.library
        return [self._root(root) for root in library.roots()]

    def places(self) -> list[Path]:
        """Where each of them lies, there or not."""
        roots = self._store.library.roots()
        return [Path(path_of(str(root["uri"]))) for root in roots]

    def look(self, paths: Collection[Path]) -> AddReport:
        """Look at some of them again and take in what changed."""
        from brain.app.sync import look_at

        return look_at(self._resources, paths)

    def remove(self, path: str) -> Root:
        """Look at it no more; its documents stay. Raises `NotFound`."""
        root = self._named(path)
        store = self._store
        now = self._resources.now()
        with store.write():
            store.library.drop_root(root["path"])
            store.skipped.move(root["uri"], "", "", now)
        return self._root(root)

    def rename(self, old: str, new: str) -> AddReport:
        """It was moved: its documents keep their ids, tags and history under the new path.

        Raises `NotFound`, and `UsageError` while the old folder is still there or the new one is not.
        """
        root = self._named(old)
        old_path = root["path"]
        old_uri = root["uri"]
        before = Path(path_of(old_uri))
        after = Path(os.path.abspath(os.path.expanduser(new)))
        new_path = shown(after)
        new_uri = uri_of(after)
        if before.exists():
            hint = "move it first; a copy is added with `brain add`"
            raise UsageError(f"{shown(before)} is still there", hint)
        if not after.is_dir():
            raise UsageError(f"{new_path} is no folder", "check the spelling")
        library = self._store.library
        options = root["options"]
        moved = self._moved(old_uri, new_uri)
        with self._store.write():
            now = self._resources.now()
            library.add_root(new_uri, new_path, options, now)
            library.drop_root(old_path)
            library.move_contexts(old_path, new_path)
            self._store.labels.move_folders(old_path, new_path)
            self._store.skipped.move(old_uri, new_uri, new_path, now)
        intake = replace(Intake.of(self._resources), moved=moved)
        tags = tuple(options.get("tags", ()))
        tally = intake.take_in([after], tags)
        left = len(library.below(old_path))
        if left:
            stay = f"{left:,} documents of {old_path} are not in {new_path} and stay as they are"
            tally.notices.append(stay)
        return finish(self._resources, tally)

    def _moved(self, before: str, after: str) -> dict[str, str]:
        """Where each known file would lie now, and the id of its document."""
        library = self._store.library
        moved = {}
        for uri in library.known_files(before):
            row = library.by_uri(uri)
            if row is not None:
                inside = uri.removeprefix(before)
                moved[after + inside] = row.id
        return moved

    def _named(self, path: str) -> dict[str, Any]:
        wanted = (path, stored_path(path))
        roots = self._store.library.roots()
        for root in roots:
            if root["path"] in wanted:
                return root
        raise NotFound(f"{path} is no added folder", HINT)

    def _root(self, root: dict[str, Any]) -> Root:
        known = self._store.library.known_files(root["uri"])
        path = Path(path_of(root["uri"]))
        state = "ok"
        if not path.exists():
            state = "missing"
        elif known and not any(path.iterdir()):
            state = "unmounted"
        return Root(root["path"], len(known), root["looked_at"], state)

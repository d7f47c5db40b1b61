"""`.skills`: how to do things, in the Agent Skills format (a folder with a SKILL.md).

Leaves reading a folder to `brain.keeping.export.skills`, and keeping and finding to the store's table.
"""

from __future__ import annotations

from pathlib import Path

from brain.app.labelling import told
from brain.app.resources import Noun
from brain.labels import UNLABELLED
from brain.types import Skill

SkillList = list[Skill]  # inside the class `list` is a verb


class Skills(Noun):
    """The skills of this store."""

    def add(self, path: Path) -> Skill:
        """Take in a folder with a SKILL.md, or the file itself; the same again changes nothing."""
        from brain.keeping.export.skills import read_skill
        from brain.store.skills import Belongings

        read = read_skill(path)
        for warning in read.warnings:
            self._resources.progress(f"notice: {warning}", 0, 0)
        files = read.belongings.files
        label = told([read.skill.body, *files.values()], UNLABELLED)
        return self._store.skills.add(read.skill, Belongings(files, label))

    def list(self) -> SkillList:
        """All skills, by name."""
        return self._store.skills.list()

    def get(self, name: str) -> Skill:
        """One skill whole. Raises `NotFound`."""
        return self._store.skills.get(name)

    def find(self, query: str, *, limit: int = 5) -> SkillList:
        """Skills whose description fits, best first."""
        return self._store.skills.find(query, limit=limit)

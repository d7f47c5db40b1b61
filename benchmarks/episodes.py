"""Things that happened, and skills, into the store of BRAIN_HOME: `python -m benchmarks.episodes COUNT`.

Sentences of the corpus, dated over eleven years, with names. Serves verbs.py: `recall` over nothing would measure nothing.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
from pathlib import Path

from benchmarks.corpus import DAYS, FIRST_DAY, Writer

SEED = 7  # not that of the notes
SKILLS = 20
SKILL = """---
name: {name}
description: How to {what}; use when the week ends or the inbox is full.
---

{body}
"""


def main(count: int) -> None:
    """Remember so many, add the skills."""
    from brain.app import Brain
    from brain.app.capture import remember_episodes
    from brain.config import load
    from brain.types import Episode

    writer = Writer(SEED)
    episodes = []
    for number in range(count):
        moment = datetime.datetime.combine(FIRST_DAY, datetime.time(12), datetime.UTC)
        moment += datetime.timedelta(days=number * DAYS / count)
        text = " ".join(writer.sentence() for _ in range(2))
        episodes.append(
            Episode(
                "",
                moment.isoformat(timespec="seconds"),
                "note",
                "",
                text,
                people=(writer.name(),),
            )
        )
    with Brain(load()) as brain, tempfile.TemporaryDirectory() as folder:
        remember_episodes(brain.resources, episodes)
        for number in range(SKILLS):
            name = f"routine-{number}"
            place = Path(folder, name)
            place.mkdir()
            body = "\n".join(f"{step}. {writer.sentence()}" for step in range(1, 8))
            (place / "SKILL.md").write_text(
                SKILL.format(name=name, what=writer.words(4).strip(".,;: "), body=body),
                "utf-8",
            )
            brain.skills.add(place)


if __name__ == "__main__":
    main(int(sys.argv[1]))

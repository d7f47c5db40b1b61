"""Notes that read like a person's, as many as wanted, always the same ones for a seed.

Sentences are walks over word pairs of `sample_corpus/` and of Python's own manual (`pydoc_data`, part of the standard
library), with made-up names of Zipf's frequencies, so that common and rare words stand as in real notes. Sizes are
log-normal with a mean of 4.7 KB: 10,000 notes are about 47 MB and 46,500 chunks. Leaves out meaning. Serves the other
benchmarks: `python -m benchmarks.corpus FOLDER COUNT [SEED]`.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import math
import pydoc_data.topics
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "sample_corpus"
MEAN_BYTES = 4_500  # 10,000 notes make 45 MB (docs/RETRIEVAL.md, "Speed targets")
SPREAD = 0.9  # of the logarithm of the size: most notes are short, a few are ten times the mean
NAMES = 30_000  # made-up words; the rarest come once or twice in 10,000 notes
NAME_SHARE = 0.03  # of the words
SECTION_BYTES = 3_600  # between two headings, about: gives three chunks a note
FOLDER_NOTES = 500
SYLLABLES = "ka lo mi ren tas vo shi el dor an bri que zu fa ner sto pli ga thu mer wex il".split()
FIRST_DAY = datetime.date(2015, 1, 1)
DAYS = 4_000


class Writer:
    """Writes notes; the same seed gives the same notes, in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._next, self._starts = _pairs()
        self._names = [
            "".join(
                self._random.choices(SYLLABLES, k=self._random.randint(2, 4))
            ).title()
            for _ in range(NAMES)
        ]
        self._heights = list(
            itertools.accumulate(1 / (rank + 10) for rank in range(NAMES))
        )

    def note(self, number: int) -> str:
        """One note in Markdown."""
        rng = self._random
        size = rng.lognormvariate(math.log(MEAN_BYTES) - SPREAD**2 / 2, SPREAD)
        day = FIRST_DAY + datetime.timedelta(days=rng.randrange(DAYS))
        title = self.words(rng.randint(3, 6)).strip(".,;: ").capitalize()
        head = (
            f"---\ntitle: '{title}'\ndate: {day}\ntags: [{self.name().lower()}, notes]\n---\n\n"
            if rng.random() < 0.4
            else ""
        )
        parts = [f"{head}# {title} {number}\n"]
        length = 0
        while length < size:
            if length // SECTION_BYTES != (length + len(parts[-1])) // SECTION_BYTES:
                parts.append(
                    f"## {self.words(rng.randint(2, 5)).strip('.,;: ').capitalize()}\n"
                )
            parts.append(self._block())
            length = sum(map(len, parts))
        return "\n".join(parts)

    def _block(self) -> str:
        kind = self._random.random()
        if kind < 0.70:
            return (
                " ".join(self.sentence() for _ in range(self._random.randint(2, 6)))
                + "\n"
            )
        if kind < 0.88:
            return "".join(
                f"- {self.sentence()}\n" for _ in range(self._random.randint(2, 7))
            )
        if kind < 0.92:
            return f"See [[{self.name()} {self.name()}]] and #{self.name().lower()}. {self.sentence()}\n"
        if kind < 0.96:
            rows = "".join(
                f"| {self.name()} | {self._random.randint(1, 5_000)} | {self.words(3)} |\n"
                for _ in range(4)
            )
            return f"| Name | Amount | Remark |\n|---|---|---|\n{rows}"
        body = "".join(
            f"{self.name().lower()}_{n} = load({n}, '{self.name()}')\n"
            for n in range(self._random.randint(3, 8))
        )
        return f"```python\n{body}```\n"

    def sentence(self) -> str:
        """A walk of 8 to 24 words."""
        return (
            self.words(self._random.randint(8, 24)).rstrip(".,;: ").capitalize() + "."
        )

    def words(self, count: int) -> str:
        """So many words that follow one another somewhere."""
        rng = self._random
        word = rng.choice(self._starts)
        found = []
        for _ in range(count):
            found.append(self.name() if rng.random() < NAME_SHARE else word)
            word = rng.choice(self._next.get(word) or self._starts)
        return " ".join(found)

    def name(self) -> str:
        """A made-up name, the n-th as frequent as 1/n."""
        return self._random.choices(self._names, cum_weights=self._heights)[0]


def _pairs() -> tuple[dict[str, list[str]], list[str]]:
    """(word -> the words that follow it, words that begin a sentence)."""
    texts = [path.read_text("utf-8") for path in sorted(SAMPLE.rglob("*.md"))]
    texts += [text for _name, text in sorted(pydoc_data.topics.topics.items())]
    follow: dict[str, list[str]] = defaultdict(list)
    starts: list[str] = []
    for text in texts:
        words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[.,;:]?", text)
        starts += words[:1]
        for word, after in itertools.pairwise(words):
            follow[word].append(after)
            if word.endswith("."):
                starts.append(after)
    return dict(follow), starts


def write(folder: Path, count: int, *, seed: int = 1, first: int = 0) -> int:
    """Write `count` notes in subfolders of 500; returns the bytes. The notes before number `first` are left out."""
    size = 0
    for number, text in notes(count, seed=seed):
        if number < first:
            continue
        place = folder / f"{number // FOLDER_NOTES:03d}"
        place.mkdir(parents=True, exist_ok=True)
        size += (place / f"note-{number:06d}.md").write_text(text, "utf-8")
    return size


def notes(count: int, *, seed: int = 1) -> Iterator[tuple[int, str]]:
    """(number, text) of so many notes."""
    writer = Writer(seed)
    return ((number, writer.note(number)) for number in range(count))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    given = parser.parse_args()
    print(f"{write(given.folder, given.count, seed=given.seed):,} bytes")


if __name__ == "__main__":
    main()

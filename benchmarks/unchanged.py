"""Whether a change of the code changed what it finds and says: every ranking and answer written down, then compared.

    python -m benchmarks.unchanged write SET FILE [--questions N] [--answers N]
    python -m benchmarks.unchanged compare BEFORE AFTER

SET is a folder of judged questions (corpus.jsonl, queries.jsonl) or a folder of notes with a questions.json, such as
sample_corpus. FILE gets one JSON object a line: what `search` ranks, with every part of every score, and what `ask`
answers, with its quotes and probabilities. Run `write` at both commits and `compare` the two files: they are the same to
the bit or the difference is printed. Uses the built-in models, in a home of its own. Leaves out judging (brain eval).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brain.app import Brain
from brain.config import Config, Models
from brain.evaluation.folder import conversations, read_set, write_files
from brain.types import Answer, Passage, Retrieved

DEPTH = 20  # passages written down for each question
SHOWN = 10  # differences printed


def main(words: list[str]) -> int:
    """Write or compare; the exit code of a comparison is 1 when something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write")
    write.add_argument("set", type=Path)
    write.add_argument("file", type=Path)
    write.add_argument("--questions", type=int, default=1_000_000)
    write.add_argument("--answers", type=int, default=1_000_000)
    compare = commands.add_parser("compare")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    options = parser.parse_args(words)
    if options.command == "compare":
        return differences(options.before, options.after)
    with options.file.open("w", encoding="utf-8") as out:
        for row in answered(options.set, options.questions, options.answers):
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
    return 0


def answered(directory: Path, questions: int, answers: int) -> Iterator[dict[str, Any]]:
    """One row a question, over a store made for it."""
    for folder, name, queries in corpora(directory):
        with tempfile.TemporaryDirectory(prefix="brain-unchanged-") as home:
            notes = folder or Path(home) / "corpus"
            if folder is None:
                queries = fill(directory, name, notes)
            config = Config(
                home=Path(home) / "home",
                models=Models(embed="wordllama", ask="builtin"),
            )
            with Brain(config) as brain:
                brain.add([notes])
                for number, text in enumerate(queries[:questions]):
                    row = {
                        "set": name,
                        "question": text,
                        "search": found(search(brain, text), notes),
                    }
                    if number < answers:
                        row["ask"] = said(ask(brain, text), notes)
                    yield row


def corpora(directory: Path) -> Iterator[tuple[Path | None, str, list[str]]]:
    """(a folder of notes or None, a name, its questions): one for each store that the set needs."""
    if (directory / "questions.json").is_file():
        listed = json.loads((directory / "questions.json").read_text("utf-8"))[
            "questions"
        ]
        yield directory, directory.name, [one["question"] for one in listed]
        return
    for part in conversations(read_set(directory)):
        yield None, part.name, []


def fill(directory: Path, name: str, notes: Path) -> list[str]:
    """The documents of one part of a judged set as files; returns its questions."""
    part = next(
        part for part in conversations(read_set(directory)) if part.name == name
    )
    write_files(part, notes)
    return [query["text"] for query in part.queries]


def search(brain: Brain, text: str) -> Retrieved:
    """The first passages by words and meaning."""
    try:
        from brain.types import Request
    except ImportError:  # a commit from before `Request`
        return brain.search(text, limit=DEPTH, look=False)
    return brain.search(Request(text, limit=DEPTH, look=False))


def ask(brain: Brain, text: str) -> Answer:
    """The answer, without an episode of it."""
    try:
        from brain.types import Request
    except ImportError:
        return brain.ask(text, record=False)
    return brain.ask(Request(text, limit=8, look=False, record=False))


def found(result: Retrieved, notes: Path) -> dict[str, Any]:
    """A ranking without what is random in it: ids, and the folder that it was made in."""
    return {
        "passages": [passage_row(passage, notes) for passage in result.passages],
        "signals": {name: repr(value) for name, value in result.signals.items()},
        "found": repr(result.confidence.found),
        "explain": {name: repr(value) for name, value in result.explain.items()},
        "degraded": result.degraded,
        "below_floor": result.below_floor,
    }


def passage_row(passage: Passage, notes: Path) -> dict[str, Any]:
    """One place of a ranking."""
    return {
        "source": shown(passage.source, notes),
        "locator": passage.locator,
        "score": repr(passage.score),
        "ranks": dict(passage.ranks),
        "explain": {name: repr(value) for name, value in passage.explain.items()},
    }


def said(answer: Answer, notes: Path) -> dict[str, Any]:
    """An answer and what it stands on."""
    return {
        "state": answer.state,
        "text": answer.text,
        "supported": repr(answer.confidence.supported),
        "found": repr(answer.confidence.found),
        "citations": [
            [one.number, shown(one.source, notes), one.locator, one.quote, one.verified]
            for one in answer.citations
        ],
    }


def shown(source: str, notes: Path) -> str:
    """A source relative to the folder of the notes."""
    return source.replace(str(notes.resolve()), "").lstrip("/")


def differences(before: Path, after: Path) -> int:
    """Print where two files differ; 1 when they do."""
    old, new = (path.read_text("utf-8").splitlines() for path in (before, after))
    changed = [
        number for number, (a, b) in enumerate(zip(old, new, strict=False)) if a != b
    ]
    for number in changed[:SHOWN]:
        print(f"question {number + 1}: {json.loads(old[number])['question']}")
        explain(json.loads(old[number]), json.loads(new[number]), "")
    print(f"{len(old)} and {len(new)} questions, {len(changed)} differ")
    return 1 if changed or len(old) != len(new) else 0


def explain(old: Any, new: Any, place: str) -> None:
    """Print the innermost values that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            explain(old.get(name), new.get(name), f"{place}.{name}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (a, b) in enumerate(zip(old, new, strict=True)):
            explain(a, b, f"{place}[{number}]")
    elif old != new:
        print(f"  {place}: {old!r} -> {new!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

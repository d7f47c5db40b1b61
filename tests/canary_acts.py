"""What a person does between two questions, with words that must not leave: every command that touches what is kept.

`ACTS`: by name. What only reads for somebody who may see less is checked here, since nothing of it is left behind.
Serves the canary run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brain.errors import BrainError
from brain.labels import Label
from brain.types import Request, Scope
from tests.canaries import TOPICS, Canary

if TYPE_CHECKING:
    from tests.canary_run import Run

Act = Callable[["Run"], object]
SIGNS = ("{}", '"{}"', "path:{}", "tag:{}", "-{}", "tag:{}x", "type:{}", "path:{}s")
TOLD = (
    ("ledger", "--json"),
    ("ledger", "verify"),
    ("ledger", "export"),
    ("spend", "--by", "task"),
    ("quality", "show", "--json"),
    ("quality", "propose"),
    ("policy", "show"),
    ("policy", "diff"),
    ("cloud", "status", "--json"),
)


def fact(run: Run) -> str:
    """What a note says that must not leave."""
    return run.rng.choice(TOPICS).kept


def add(run: Run) -> None:
    """A file more in one of the folders."""
    ways = (
        ("inside", Label.INTERNAL, "internal"),
        ("kept", Label.CONFIDENTIAL, "confidential"),
        ("sealed", Label.CONFIDENTIAL, "public"),
        ("plain", run.home.unlabelled, ""),
    )
    path = run.home.note(*run.rng.choice(ways), fact(run))
    run.command("add", path)


def add_note(run: Run) -> None:
    word = run.home.word(Label.CONFIDENTIAL, "note written here")
    title = run.home.word(Label.CONFIDENTIAL, "title of a note written here")
    text = f"{fact(run)}, noted {word.title()}."
    label = ("--label", "confidential")
    run.command("add", "--note", text, "--title", title.title(), *label)


def today(run: Run) -> None:
    word = run.home.word(run.home.unlabelled, "note of the day")
    run.command("today", f"{fact(run)}, heard {word.title()}.")


def remember(run: Run) -> None:
    word = run.home.word(Label.CONFIDENTIAL, "thing remembered")
    text = f"{fact(run)}, told {word.title()}."
    run.command("remember", text, "--with", word, "--label", "confidential")


def search(run: Run) -> None:
    form = run.rng.choice(("list", "files", "md", "json"))
    run.command("search", "--format", form, wanted(run))


def recall(run: Run) -> None:
    run.command("recall", run.some().word)


def wanted(run: Run) -> str:
    """A search for a canary, by any sign."""
    sign = run.rng.choice(SIGNS)
    return f"{fact(run)} {sign.format(run.some().word)}"


def seen_at_most(run: Run) -> None:
    """What a request sees that may see no more than a label: no canary above it but those that it names itself."""
    most = run.rng.choice((Label.PUBLIC, Label.INTERNAL))
    question = run.rng.choice((wanted(run), run.question(), ""))
    where = run.rng.choice(((), (), ("owner=x",), ("owners=x",)))
    source = run.rng.choice(("", "", "*none*"))
    scope = Scope(at_most=most, where=where, source=source)
    request = Request(question, scope=scope, route="local", record=False)
    verb = run.rng.choice(("search", "ask", "recall"))
    run.said.append(f"{verb} {request}")
    heard: list[object] = []

    def say(*said: object) -> None:
        heard.append(said)

    try:
        if verb == "search":
            heard.append(run.brain.search(request))
        elif verb == "recall":
            person = run.rng.choice(("", "nobody"))
            heard.append(run.brain.recall(request, person=person))
        else:
            heard.append(run.brain.ask(request, say=say))
    except BrainError as error:
        heard.append((error.message, error.hint))
    what = f"what a request at most {most} sees"
    run.holds_none(repr(heard), most, what, question, read=True)


def get(run: Run) -> None:
    run.command("get", f"*{run.some().word}*")


def listed(run: Run) -> None:
    run.command("list", "--json")


def status(run: Run) -> None:
    ran = run.command("status", "--explain", "--json")
    run.holds_none(ran.stdout, Label.PUBLIC, "status")


def told(run: Run) -> None:
    """What is told of what left names no text."""
    ran = run.command(*run.rng.choice(TOLD))
    run.holds_none(ran.stdout + ran.stderr, Label.PUBLIC, ran.stdout[:40])


def feedback(run: Run) -> None:
    """A person corrects the last answer by a note that must not leave, which comes first from then on."""
    kept = sorted((run.home.notes / "kept").iterdir())
    source = f"{run.rng.choice(kept)}:8"
    word = run.home.word(Label.CONFIDENTIAL, "reason of a correction", noted=False)
    run.command("feedback", "wrong", f"it is {word}", "--source", source)


def praise(run: Run) -> None:
    run.command("feedback", "good")


def export(run: Run) -> None:
    run.command("export", run.vault)


def label_show(run: Run) -> None:
    run.command("label", "show", "--json")


def raised(run: Run) -> None:
    """What could leave until now is confidential from now on, and what was answered from it."""
    word = run.home.new_word()
    canary = Canary(word, Label.CONFIDENTIAL, "note that became confidential")
    path = run.home.write(f"raised/{word}.md", f"{fact(run)}, {word}.", "public")
    run.command("add", path)
    run.command("ask", "--local", f"what is {word}?")
    run.home.canaries.append(canary)
    run.command("label", "set", "confidential", path)


def reworded(run: Run) -> None:
    """A file says of itself that it is public now. Its label sticks."""
    path = run.rng.choice(sorted((run.home.notes / "kept").iterdir()))
    path.write_text(path.read_text().replace("label: confidential", "label: public"))
    run.command("sync")


def moved(run: Run) -> None:
    """A file goes to another folder. Its label goes with it."""
    path = run.rng.choice(sorted((run.home.notes / "sealed").iterdir()))
    path.rename(run.home.notes / f"moved-{path.name}")
    run.command("sync")


def tagged(run: Run) -> None:
    word = run.home.word(Label.CONFIDENTIAL, "tag given by hand")
    kept = sorted((run.home.notes / "kept").iterdir())
    run.command("tag", run.rng.choice(kept), f"+{word}")


ACTS: dict[str, Act] = {
    "a file is added": add,
    "a note is added": add_note,
    "the day gets a note": today,
    "something is remembered": remember,
    "a search": search,
    "a recall": recall,
    "one who may see less": seen_at_most,
    "one who may see less, again": seen_at_most,
    "get": get,
    "list": listed,
    "status": status,
    "what is told of what left": told,
    "a correction": feedback,
    "praise": praise,
    "export": export,
    "labels are shown": label_show,
    "a label is raised": raised,
    "a file is reworded": reworded,
    "a file is moved": moved,
    "a tag": tagged,
}

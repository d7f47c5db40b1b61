"""`brain label`: shown, set, and the folders walked; lowering takes a word at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brain.app import Brain
from brain.app.governed import ledger_of, policies_of
from brain.config import Config
from brain.errors import Refused, StoreError
from brain.governance.folder_words import MATTERS, WORDS_TOGETHER, proposal
from brain.governance.in_force import shipped
from brain.governance.ledger import HEAD, Ledger
from brain.labels import FolderLabel, Label
from brain.types import Request, Scope
from tests.at_terminal import at_a_terminal
from tests.end_to_end import brain as command

Folder = Callable[..., Path]
LEASE = (
    "The tenant and the landlord hereby agree. Termination in writing. No liability."
)
PROGRAM = "import sys\nfrom brain.doors.cli import main\nmain(sys.argv[1:])"
REFUSED = 4
LABEL = "confidential"


@pytest.fixture
def notes(folder: Folder) -> Path:
    """Two folders, of which one speaks of contracts, and a note at the top."""
    place = folder(
        {
            "flat/lease.md": LEASE,
            "tea/black.md": "Black tea wants 95 degrees.",
            "tea/old/green.md": "Green tea wants 70 degrees.",
            "top.md": "Milk, bread, and a card for Ana.",
        }
    )
    assert command("add", place).code == 0
    return place


def many(kind: str, *names: str) -> str:
    """A mailbox, or an export of Evernote, with one entry of each name."""
    if kind == "mbox":
        return "".join(
            f"From a@x.org Thu May  7 10:00:00 2026\nFrom: a@x.org\nSubject: {name}\n"
            f"Message-ID: <{name}@x.org>\n\nThe words of {name}.\n\n"
            for name in names
        )
    notes = "".join(
        f"<note><title>{name}</title><content><![CDATA[<en-note>The words of {name}."
        "</en-note>]]></content></note>"
        for name in names
    )
    return f'<?xml version="1.0"?><en-export>{notes}</en-export>'


def label_of(config: Config, name: str) -> str:
    with Brain(config) as brain:
        return brain.library.document(name).row.label


# -- proposals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("matter", MATTERS)
def test_a_folder_is_proposed_by_the_words_of_its_documents(matter: str) -> None:
    words = MATTERS[matter][:WORDS_TOGETHER]
    held = {word: {"a"} for word in words}
    few = {word: {"a"} for word in words[1:]}
    found = proposal("/n/x", ["a", "b"], held)
    assert found is not None
    assert (found.matter, set(found.words)) == (matter, set(words))
    assert proposal("/n/x", ["a", "b"], few) is None
    assert proposal("/n/x", [*"abcdef"], held) is None  # one in six
    assert proposal("/n/x", ["b"], held) is None


@pytest.mark.parametrize("name", ["Grants", "invoices 2026", "Verträge", "Arzt"])
def test_a_folder_is_proposed_by_its_name(name: str) -> None:
    assert proposal(f"/n/{name}", ["a"], {}) is not None
    assert proposal(f"/{name}/tea", ["a"], {}) is None


# -- show ----------------------------------------------------------------------------------------------


def test_show_tells_how_much_there_is_and_why_a_document_has_its_label(
    notes: Path,
) -> None:
    said = command("label", "show")
    assert "4 unlabelled" in said.stdout
    assert "until the folders were walked" in said.stdout
    command("add", notes / "top.md", "--label", "public")
    (one,) = command("label", "show", "black.md", "--json").json["labels"]
    assert (one["label"], one["counts_as"], one["why"]) == (
        "unlabelled",
        "confidential",
        [],
    )
    command("add", "--note", "Paid with 4111 1111 1111 1111", "--title", "Bill")
    (one,) = command("label", "show", "Bill", "--json").json["labels"]
    assert one["why"] == ["confidential: card number in it"]
    found = command("label", "show", "green", "tea", "degrees").stdout
    assert "green.md" in found
    assert command("label", "show", "zebra crossing").code == 3


# -- set -----------------------------------------------------------------------------------------------


def test_set_raises_without_a_question_and_says_what_it_did(
    notes: Path, config: Config
) -> None:
    said = command("label", "set", "confidential", "black.md")
    assert said.code == 0
    assert "black.md" in said.stdout
    assert label_of(config, "black.md") == "confidential"
    assert label_of(config, "top.md") == "unlabelled"


def test_set_of_a_folder_counts_for_what_comes_later(
    notes: Path, config: Config
) -> None:
    assert command("label", "set", "confidential", notes / "tea").code == 0
    (notes / "tea" / "new.md").write_text("White tea wants 80 degrees.")
    command("sync")
    for name in ("black.md", "green.md", "new.md"):
        assert label_of(config, name) == "confidential"
    assert label_of(config, "lease.md") == "unlabelled"


@pytest.mark.parametrize("kind", ["mbox", "enex"])
@pytest.mark.parametrize("by", ["set", "add", "add anew"])
def test_a_label_of_a_file_of_many_counts_for_each_and_for_what_comes_later(
    kind: str, by: str, folder: Folder, config: Config
) -> None:
    place = folder({f"box.{kind}": many(kind, "one", "two"), "other.md": "Tea."})
    box = place / f"box.{kind}"
    command("add", place / "other.md" if by == "add anew" else place)
    command(
        *(("label", "set", LABEL) if by == "set" else ("add", "--label", LABEL)), box
    )
    box.write_text(many(kind, "one", "two", "three"))
    command("add", place)
    with Brain(config) as brain:
        rows = brain.library.documents()
    labels = {row.title: row.label for row in rows}
    assert labels.pop("other") == "unlabelled"
    assert labels == dict.fromkeys(("box", "one", "two", "three"), LABEL)


def rules_of(config: Config) -> dict[str, str]:
    with Brain(config) as brain:
        return {rule.source: rule.label for rule in brain.labels.summary().folders}


@pytest.mark.parametrize("kind", ["mbox", "enex"])
@pytest.mark.parametrize("changed", [False, True], ids=["as it was", "with one more"])
def test_the_label_of_a_file_of_many_goes_with_it_when_it_is_renamed(
    kind: str, changed: bool, folder: Folder, config: Config
) -> None:
    place = folder({f"box.{kind}": many(kind, "one", "two"), "other.md": "Tea."})
    command("add", place)
    command("label", "set", LABEL, place / f"box.{kind}")
    after = (place / f"box.{kind}").rename(place / f"post.{kind}")
    if changed:
        after.write_text(many(kind, "zero", "one", "two"))
    said = command("sync").stderr
    with Brain(config) as brain:
        labels = {row.title: row.label for row in brain.library.documents()}
    assert labels.pop("other") == "unlabelled"
    assert set(labels.values()) == {LABEL}
    after.write_text(many(kind, "zero", "one", "two", "three"))
    command("sync")
    assert rules_of(config) == {str(after): LABEL}
    with Brain(config) as brain:
        labels = {row.title: row.label for row in brain.library.documents()}
    assert labels.pop("other") == "unlabelled"
    assert set(labels.values()) == {LABEL}
    assert {"zero", "one", "two", "three"} <= labels.keys()
    assert "stays with that place" not in said


def test_the_label_of_a_folder_goes_with_it_when_it_is_renamed(
    notes: Path, config: Config
) -> None:
    command("label", "set", LABEL, notes / "tea")
    after = (notes / "tea").rename(notes / "drinks")
    assert "stays with that place" not in command("sync").stderr
    assert rules_of(config) == {str(after): LABEL}
    (after / "white.md").write_text("White tea wants 80 degrees.")
    command("sync")
    for name in ("black.md", "green.md", "white.md"):
        assert label_of(config, name) == LABEL


def test_the_label_of_a_folder_whose_files_went_among_others_stays_and_is_told(
    notes: Path, config: Config
) -> None:
    """What lies there already was never said to be confidential."""
    command("label", "set", LABEL, notes / "tea" / "old")
    (notes / "tea" / "old" / "green.md").rename(notes / "flat" / "green.md")
    (notes / "tea" / "old").rmdir()
    said = command("sync")
    assert f"the label {LABEL} of {notes / 'tea' / 'old'} stays" in said.stderr
    assert rules_of(config) == {str(notes / "tea" / "old"): LABEL}
    assert label_of(config, "green.md") == LABEL
    assert label_of(config, "lease.md") == "unlabelled"


def test_a_folder_that_is_still_there_keeps_its_label(
    notes: Path, config: Config
) -> None:
    command("label", "set", LABEL, notes / "tea")
    (notes / "new").mkdir()
    (notes / "tea" / "black.md").rename(notes / "new" / "black.md")
    command("sync")
    assert rules_of(config) == {str(notes / "tea"): LABEL}


def test_a_label_reaches_a_mailbox_behind_a_link(
    folder: Folder, config: Config, tmp_path: Path
) -> None:
    box = folder({"box.mbox": many("mbox", "one")}) / "box.mbox"
    link = tmp_path / "link.mbox"
    link.symlink_to(box)
    command("add", box)
    command("add", link, "--label", LABEL)
    box.write_text(many("mbox", "one", "two"))
    command("add", box)
    for name in ("box.mbox", "one", "two"):
        assert label_of(config, name) == LABEL


def test_lowering_a_mailbox_counts_its_messages(folder: Folder, config: Config) -> None:
    box = folder({"box.mbox": many("mbox", "one", "two")}) / "box.mbox"
    command("add", box)
    command("label", "set", LABEL, box)
    with Brain(config) as brain:
        plan = brain.labels.plan("public", [str(box)])
        assert (len(plan.texts), plan.folders, plan.lowered) == (3, (str(box),), 4)
        (message,) = [row for row in brain.library.documents() if row.title == "one"]
        assert brain.labels.plan("public", [message.id]).lowered == 1


def test_lowering_takes_a_word_at_a_terminal(notes: Path, config: Config) -> None:
    """A copy of the same text goes with it, else it would raise the label again."""
    (notes / "copy.md").write_text("Black tea wants 95 degrees.")
    command("sync")
    command("label", "set", "confidential", "black.md")
    assert label_of(config, "copy.md") == "confidential"
    refused = command("label", "set", "public", "black.md", stdin="lower\n")
    assert refused.code == REFUSED
    refused.two_lines()
    assert label_of(config, "black.md") == "confidential"
    code, written = at_a_terminal(
        PROGRAM, [("to go on: ", "lower")], "label", "set", "public", "black.md"
    )
    assert code == 0, written
    assert "2 less confidential than now" in written
    assert label_of(config, "black.md") == "public"
    assert label_of(config, "copy.md") == "public"
    with Brain(config) as brain:
        ledger = Ledger(brain.resources.store, config.home)
        entries = ledger.last(5)
        assert [(one.kind, one.facts["label"]) for one in entries] == [
            ("label", "public"),
            ("label", "confidential"),
        ]
        assert entries[0].facts["lowered"] == 2
        assert ledger.verify().faults == ()


@pytest.mark.parametrize("by", ["set", "walk"])
def test_a_label_that_cannot_be_noted_is_not_changed(
    by: str, brain: Brain, folder: Folder
) -> None:
    """The row and the change are one transaction, so that no label is lowered without a row."""
    place = folder({"a.md": "one"})
    brain.add([place], label="internal")
    before = brain.labels.summary()
    conn = brain.resources.store.connection.conn
    conn.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.ledger "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END"
    )
    with pytest.raises(StoreError):
        if by == "set":
            brain.labels.set("public", [str(place)])
        else:
            brain.labels.walk([str(place)])
    assert brain.labels.summary() == before
    conn.execute("DROP TRIGGER full")
    brain.labels.set("public", [str(place)])
    ledger = Ledger(brain.resources.store, brain.config.home)
    noted = (brain.config.home / HEAD).read_text().split()
    assert noted[0] == "1"
    assert ledger.verify().rows == 1


def test_an_agent_may_raise_a_label_and_not_lower_it(
    notes: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    assert command("label", "set", "confidential", "black.md").code == 0
    assert command("label", "set", "internal", "black.md").code == REFUSED
    assert command("label", "folders", terminal=True).code == REFUSED
    assert label_of(config, "black.md") == "confidential"


def test_what_is_not_there_is_said_in_two_lines(notes: Path) -> None:
    said = command("label", "set", "public", "zebra.md")
    assert said.code == 3
    said.two_lines()


# -- folders -------------------------------------------------------------------------------------------


def test_the_table_is_shown_as_json_without_a_question(
    notes: Path, config: Config
) -> None:
    shape = command("label", "folders", "--json").json
    rows = {Path(row["source"]).name: row for row in shape["rows"]}
    assert set(rows) == {"notes", "flat", "tea"}
    assert [rows[name]["files"] for name in ("notes", "flat", "tea")] == [4, 1, 2]
    assert rows["flat"]["matter"] == "contracts"
    assert set(rows["flat"]["words"]) <= set(MATTERS["contracts"])
    assert len(rows["flat"]["words"]) >= WORDS_TOGETHER
    assert not rows["tea"]["words"]
    assert shape["walked"] == ""
    refused = command("label", "folders")
    assert refused.code == REFUSED
    refused.two_lines()


def test_the_folders_are_walked_once_by_a_person(notes: Path, config: Config) -> None:
    notice = "brain label folders"
    assert notice in command("status").stdout + command("status").stderr
    answers = [
        (f"{notes} confidential? [y/N]", "n"),
        ("confidential? [y/N]", "y"),
        (f"{notes / 'tea'} confidential? [y/N]", ""),
        ("to go on: ", "walked"),
    ]
    code, written = at_a_terminal(PROGRAM, answers, "label", "folders")
    assert code == 0, written
    assert "contracts: " in written
    assert label_of(config, "lease.md") == "confidential"
    assert label_of(config, "black.md") == "unlabelled"
    assert notice not in command("status").stdout + command("status").stderr
    with Brain(config) as brain:
        scope = Scope(at_most=Label.INTERNAL)
        found = brain.search(Request("tea degrees tenant", scope)).passages
        assert {Path(one.source).name for one in found} >= {"black.md", "green.md"}
        assert "lease.md" not in {Path(one.source).name for one in found}
        rules = brain.resources.store.labels.folders()
        assert [(one.source, one.label) for one in rules] == [
            (str(notes / "flat"), "confidential")
        ]


def test_without_the_word_nothing_was_walked(notes: Path, config: Config) -> None:
    answers = [
        (f"{notes} confidential? [y/N]", "y"),
        ("to go on: ", "no"),
    ]
    code, _written = at_a_terminal(PROGRAM, answers, "label", "folders")
    assert code == REFUSED
    assert label_of(config, "lease.md") == "unlabelled"
    with Brain(config) as brain:
        assert brain.labels.walked == ""


def test_a_folder_that_moved_keeps_its_label(folder: Folder, config: Config) -> None:
    place = folder({"a.md": "one"}, name="old")
    with Brain(config) as brain:
        brain.add([place], label="confidential")
        new = place.with_name("new")
        place.rename(new)
        brain.folders.rename(str(place), str(new))
        assert brain.resources.store.labels.folders() == [
            FolderLabel(
                str(new),
                "confidential",
                brain.resources.store.labels.folders()[0].at,
                "brain add --label",
            )
        ]


# -- what the policy says of lowering --------------------------------------------------------------------

KEEP = """[[rule]]
id = "contracts-stay-so"
action = "label.lower"
when = 'request.label == "confidential"'
then = "{}"
because = "what is confidential stays so in this house"

[[route]]"""


def with_rule(brain: Brain, outcome: str) -> None:
    text = shipped().replace("[[route]]", KEEP.format(outcome), 1)
    policies_of(brain.resources).publish(text, "publish")


@pytest.mark.parametrize("outcome", ["deny", "halt"])
def test_a_rule_may_keep_a_label_as_it_is(
    notes: Path, config: Config, outcome: str
) -> None:
    """Nobody is asked, nothing is changed, and a new policy is all that it takes to change that."""
    command("label", "set", "confidential", "black.md")
    with Brain(config) as brain:
        with_rule(brain, outcome)
    said = command("label", "set", "public", "black.md")
    assert said.code == REFUSED
    assert (
        "what is confidential stays so in this house (contracts-stay-so)" in said.stderr
    )
    assert label_of(config, "black.md") == "confidential"
    with Brain(config) as brain:
        with pytest.raises(Refused, match="contracts-stay-so"):
            brain.labels.set("public", ["black.md"])
        entry = ledger_of(brain.resources).last(1)[0]
        assert (entry.kind, entry.facts["action"]) == ("deny", "label.lower")
        assert brain.policy.explain(0).rules[0][0] == "contracts-stay-so"
        brain.policy.rollback(0, lambda _question: None)
        brain.labels.set("public", ["black.md"])
    assert label_of(config, "black.md") == "public"


def test_a_rule_that_allows_it_still_asks_a_person(notes: Path, config: Config) -> None:
    command("label", "set", "confidential", "black.md")
    with Brain(config) as brain:
        with_rule(brain, "allow")
    said = command("label", "set", "public", "black.md")
    assert (said.code, label_of(config, "black.md")) == (REFUSED, "confidential")
    assert "only a person may decide this" in said.stderr
    typed = [("to go on: ", "lower")]
    code, _said = at_a_terminal(PROGRAM, typed, "label", "set", "public", "black.md")
    assert (code, label_of(config, "black.md")) == (0, "public")

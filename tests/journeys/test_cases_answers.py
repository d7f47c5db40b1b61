"""Small folders with the answer that each must give: series of one template, whose members are no versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brain.app import Brain
from brain.config import load
from tests.end_to_end import Folder, brain, home

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the folder of that name, added."""
    folder = tmp_path / request.param
    shutil.copytree(
        CASES / request.param, folder, ignore=shutil.ignore_patterns("expected.md")
    )
    assert brain("add", folder).code == 0
    return folder


@pytest.mark.parametrize("case", ["template-bills"], indirect=True)
def test_each_monthly_bill_is_a_document_of_its_own(case: Path) -> None:
    asked = brain("ask", "how many kWh did I use in March")
    assert "| “You used 233 kWh" in asked.stdout
    assert "[1] " + str(case / "bill03.eml") in asked.stdout
    assert "older version" not in asked.stdout + asked.stderr
    shown = brain("search", "electricity bill for February", "-n", "12")
    assert "older version" not in shown.stdout + shown.stderr
    listed = brain(
        "search", "electricity bill for February", "-n", "12", "--format", "files"
    )
    found = [Path(row).name for row in listed.stdout.splitlines()]
    assert found[0] == "bill02.eml"
    assert sorted(found) == [f"bill0{number}.eml" for number in range(1, 7)]


@pytest.mark.parametrize("case", ["template-trips"], indirect=True)
def test_the_trip_of_the_year_that_was_asked_for_answers(case: Path) -> None:
    asked = brain("ask", "where does the summer trip of 2025 go")
    assert asked.stdout.startswith("| “The trip goes to Stavanger.” [1]\n")
    assert f"[1] {case / '2025 itinerary.md'}:5" in asked.stdout
    assert "older version" not in asked.stdout + asked.stderr


@pytest.mark.parametrize("case", ["contact-card"], indirect=True)
def test_a_card_that_is_front_matter_alone_is_quoted_by_its_line(case: Path) -> None:
    asked = brain("ask", "phone number of Mara Quintero")
    assert asked.stdout.startswith("| “phone: +34 600 123 456” [1]\n")
    assert f"[1] {case / 'Mara Quintero.md'}:2" in asked.stdout
    found = brain("search", "Mara Quintero", "--format", "files").stdout
    assert Path(found.splitlines()[0]).name == "Mara Quintero.md"


@pytest.fixture
def costs(tmp_path: Path) -> Path:
    """A folder with what two things cost, in files of which one has a colon in its name."""
    lines = [f"Line {number} says nothing of it." for number in range(1, 21)]
    lines[11] = "The kettle cost 40 euros."
    (tmp_path / "costs.md").write_text("\n\n".join(lines), "utf-8")
    (tmp_path / "shop: list.md").write_text("The toaster was 45 euros.\n", "utf-8")
    assert brain("add", tmp_path).code == 0
    return tmp_path


def test_get_prints_around_a_source_of_the_last_answer(costs: Path) -> None:
    brain("ask", "how much did the kettle cost")
    shown = brain("get", "1").stdout
    assert "The kettle cost 40 euros." in shown
    assert "Line 11 " in shown
    assert "Line 1 " not in shown
    assert "Line 20 " not in shown


def test_open_opens_a_source_of_the_last_answer(costs: Path) -> None:
    brain("ask", "how much did the kettle cost")
    brain("ask", "how much was the toaster")
    toaster = str(costs / "shop: list.md")
    assert brain("open", "1", "--print").stdout.strip() == toaster
    assert brain("get", "1", "--json").json["source"] == toaster


def test_a_number_without_a_source_is_said(costs: Path) -> None:
    brain("ask", "how much did the kettle cost")
    ran = brain("get", "9")
    assert ran.code == 3
    assert "the last answer has no source 9: it has" in ran.stderr
    (costs / "1").write_text("A file may be called 1.\n", "utf-8")
    assert brain("add", costs / "1").code == 0
    assert brain("get", "1", "--json").json["source"] == str(costs / "1")


def test_before_anything_was_asked_a_number_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The kettle cost 40 euros.\n", "utf-8")
    brain("add", tmp_path)
    ran = brain("open", "1", "--print")
    assert ran.code == 3
    assert "nothing was asked yet" in ran.stderr


@pytest.mark.parametrize(
    "question", ["when is the rent due", "how many notes do I have"]
)
def test_an_empty_store_says_that_nothing_is_in_and_remembers_nothing(
    question: str,
) -> None:
    said = "Nothing is in yet: `brain add PATH` takes in a file or a folder."
    asked = brain("ask", question)
    assert (asked.code, asked.stdout.strip()) == (3, said)
    shape = brain("ask", question, "--json").json
    assert (shape["state"], shape["answer"], shape["episode"]) == (
        "not_found",
        said,
        None,
    )
    assert brain("recall", question, "--json").json["episodes"] == []
    found = brain("search", question)
    assert (found.code, found.stdout) == (3, "")
    assert said in found.stderr
    assert "nothing found" not in found.stderr


def test_a_number_is_of_what_was_shown_last(costs: Path) -> None:
    kettle, toaster = str(costs / "costs.md"), str(costs / "shop: list.md")

    def named(number: str) -> str:
        return str(brain("get", number, "--json").json["source"])

    brain("ask", "how much did the kettle cost")
    assert named("1") == kettle
    brain("search", "toaster")
    assert named("1") == toaster
    assert brain("open", "1", "--print").stdout.strip() == toaster
    brain("search", "kettle", "--json")
    assert named("1") == toaster, "what a script read was shown to nobody"
    rows = brain("list").stdout.splitlines()
    second = next(row for row in rows if row.startswith("2 "))
    assert Path(named("2")).name in second
    assert Path(named("2")).name in brain("show", "2").stdout
    assert brain("tag", "2", "+cost").stdout == "#cost\n"
    brain("recall", "kettle")
    assert named("1").startswith("episode:")
    assert "read it with: brain get 1" in brain("show", "1").stderr
    brain("ask", "how much did the kettle cost")
    assert named("1") == kettle, "an answer came later"
    brain("ask", "which football team does Duarte support")
    assert Path(named("1")).parent == costs, "the nearest are numbered too"


def test_a_number_that_the_last_list_does_not_have_is_said(costs: Path) -> None:
    brain("search", "toaster")
    ran = brain("get", "99")
    assert ran.code == 3
    assert "the last search has no number 99: it has " in ran.stderr
    (home() / ".shown.json").write_text("no list at all")
    assert "nothing was asked yet" in brain("get", "1").stderr


def test_what_a_number_meant_is_said(costs: Path) -> None:
    brain("search", "toaster")
    with Brain(load()) as opened:
        assert opened.library.meaning("1") == "1 of the last search"
        assert opened.library.meaning("costs.md") == ""


@pytest.fixture
def nicknames(tmp_path: Path) -> Path:
    """A note with aliases, one without, and pictures of which only the name is known."""
    place = tmp_path / "n"
    place.mkdir()
    trip = "---\naliases: [Norge trip, Fjordlandet]\n---\n# Summer 2024\n\nWe saw whales near Bergen.\n"
    (place / "trip.md").write_text(trip, "utf-8")
    (place / "cats.md").write_text("# Cats\n\nThe cat eats fish.\n", "utf-8")
    for number in range(4):
        (place / f"zebra {number}.jpg").write_bytes(bytes(range(256)))
    assert brain("add", place).code == 0
    return place


@pytest.mark.parametrize(
    "question", ["what happened at Fjordlandet", "price of the NORGE TRIP for students"]
)
def test_a_question_that_names_an_alias_is_never_probably_not_in_the_notes(
    nicknames: Path, question: str
) -> None:
    nearest = brain("ask", question, "--json").json["passages"][0]
    assert nearest["title"] == "Summer 2024"
    assert "probably not in your notes" not in brain("search", question).stdout
    assert "probably not" in brain("search", "price of the opera for students").stdout


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("tell me about Fjordlandet", "We saw whales near Bergen."),
        ("what do I know about the Norge trip?", "We saw whales near Bergen."),
        ("what do my notes say about quorvex?", "The cat eats fish."),
        ("show me everything on the Wimblex", "The boiler hums at night."),
        ("anything known about the Zolfiq?", "Henrik has the key."),
    ],
)
def test_a_note_is_asked_for_by_its_alias_tag_file_name_or_title_alone(
    nicknames: Path, question: str, quote: str
) -> None:
    """The name stands nowhere in the text of the note."""
    notes = {
        "cats.md": "---\ntags: [quorvex]\n---\n# Cats\n\nThe cat eats fish.\n",
        "Wimblex report.md": "# Report\n\nThe boiler hums at night.\n",
        "keys.md": "---\ntitle: Zolfiq\n---\nHenrik has the key.\n",
    }
    for name, text in notes.items():
        (nicknames / name).write_text(text, "utf-8")
    brain("sync")
    asked = brain("ask", question, "--json")
    assert asked.code == 0
    assert quote in {item["quote"] for item in asked.json["citations"]}


def test_a_name_does_not_answer_for_what_no_note_tells_of_it(nicknames: Path) -> None:
    asked = brain("ask", "who painted the ceiling of Fjordlandet with gold?")
    assert asked.code == 3


def test_files_that_are_only_a_name_do_not_crowd_the_nearest(nicknames: Path) -> None:
    asked = brain("ask", "which opera does Duarte sing in Lisbon")
    assert asked.code == 3
    nearest = [row for row in asked.stdout.splitlines() if row[:1].isdigit()]
    assert {"1  Summer 2024", "2  Cats"} >= set(nearest[:1])
    assert "zebra" not in "".join(nearest[:2])


@pytest.mark.parametrize(
    ("sender", "receiver", "theirs"),
    [
        ("Acme Sales <sales@acme.example>", "Ana <ana@example.org>", True),
        ("Ana <ana@example.org>", "Acme Sales <sales@acme.example>", False),
    ],
)
def test_we_in_a_mail_is_its_sender(
    folder: Folder, sender: str, receiver: str, theirs: bool
) -> None:
    mail = (
        f"From: {sender}\nTo: {receiver}\nSubject: Delivery\n"
        "Date: Mon, 4 May 2026 10:00:00 +0000\n\n"
        "Thank you for the order. We deliver the pump on Friday before noon.\n"
    )
    brain("add", folder({"Acme/delivery.eml": mail.encode()}))
    asked = brain("ask", "when does Acme deliver the pump", "--json").json
    quotes = [item["quote"] for item in asked["citations"]]
    assert ("We deliver the pump on Friday before noon." in quotes) is theirs

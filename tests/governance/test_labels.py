"""Labels of what is stored: where each comes from, that it sticks, and that a search sees no more than it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.app import Brain
from brain.config import Config
from brain.labels import (
    UNLABELLED,
    FolderLabel,
    Label,
    effective,
    highest,
    lowers,
    raised,
)
from brain.store.sql import WALKED
from brain.types import Request, Scope

CARD = "4111 1111 1111 1111"
WORDS = ("public", "internal", UNLABELLED, "confidential", "nonsense")
Folder = Callable[..., Path]


def labels(brain: Brain) -> dict[str, str]:
    """Label by the name of the file, or by the title."""
    rows = brain.library.documents()
    return {Path(row.source).name: row.label for row in rows}


# -- the words -----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(WORDS)), st.booleans())
def test_what_is_joined_is_never_less_confidential_than_a_part(
    words: list[str], walked: bool
) -> None:
    """Also where it is not known yet whether the folders were walked."""
    joined = effective(highest(words), walked=walked)
    assert all(effective(word, walked=walked) <= joined for word in words)


@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.booleans())
def test_a_label_that_is_said_again_never_lowers(
    before: str, said: str, walked: bool
) -> None:
    after = raised(before, said)
    assert not lowers(before, after, walked=walked)
    if said != UNLABELLED:
        assert effective(after, walked=walked) >= effective(said, walked=walked)


# -- where a label comes from --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Black tea.", UNLABELLED),
        ("---\nlabel: public\n---\nBlack tea.", "public"),
        ("---\nLabel: Internal\n---\nBlack tea.", "internal"),
        ("---\nprivacy: confidential\n---\nBlack tea.", "confidential"),
        ("---\nprivacy: my family only\n---\nBlack tea.", "confidential"),
        ("---\nlabel: green\n---\nBlack tea.", UNLABELLED),
        ("---\nlabel: [green, public]\n---\nBlack tea.", "public"),
        ("---\nlabel: public\nprivacy: internal\n---\nBlack tea.", "internal"),
        (f"---\nlabel: public\n---\nPaid with {CARD}.", "confidential"),
        (f"---\nlabel: public\ncard: {CARD}\n---\nBlack tea.", "confidential"),
    ],
)
def test_a_file_is_labelled_by_what_it_says_and_holds(
    brain: Brain, folder: Folder, text: str, label: str
) -> None:
    brain.add([folder({"tea.md": text})])
    assert labels(brain) == {"tea.md": label}


def test_a_label_that_is_given_counts_for_all_of_a_folder_and_for_what_comes_later(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"a.md": "one", "b.md": "---\nlabel: confidential\n---\ntwo"})
    brain.add([place], label="public")
    assert labels(brain) == {"a.md": "public", "b.md": "confidential"}
    folder({"c.md": "three", "deep/d.md": "four"})
    folder({"e.md": "five"}, name="notes2")
    brain.sync()
    brain.add([place.with_name("notes2")])
    found = labels(brain)
    assert (found["c.md"], found["d.md"], found["e.md"]) == (
        "public",
        "public",
        UNLABELLED,
    )


def test_a_label_reaches_what_is_there_already(brain: Brain, folder: Folder) -> None:
    """The files are not read again, since they did not change."""
    place = folder({"a.md": "one", "b.md": "two"})
    brain.add([place])
    brain.add([place / "a.md"], label="confidential")
    assert labels(brain) == {"a.md": "confidential", "b.md": UNLABELLED}
    brain.add([place], label="internal")
    assert labels(brain) == {"a.md": "confidential", "b.md": UNLABELLED}
    brain.add([place], label="confidential")
    assert labels(brain) == {"a.md": "confidential", "b.md": "confidential"}


def test_of_the_folders_that_a_file_lies_in_the_strictest_counts(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"blog/a.md": "one", "blogs/b.md": "two"})
    for name, label in (("", "internal"), ("/blog", "confidential")):
        rule = FolderLabel(f"{place}{name}", label, "2026-05-07", "a test")
        brain.resources.store.labels.set_folder(rule)
    brain.add([place])
    assert labels(brain) == {"a.md": "confidential", "b.md": "internal"}


def test_a_note_and_what_is_remembered_are_labelled_with_their_rounds(
    brain: Brain,
) -> None:
    brain.note("Black tea", label="public")
    brain.note(f"Paid with {CARD}", label="public")
    said = brain.remember("Ana chose green tea", label="public")
    secret = brain.remember(f"Ana paid with {CARD}")
    assert (said.label, secret.label) == ("public", "confidential")
    by_title = {row.title: row.label for row in brain.library.documents()}
    assert by_title["Black tea"] == "public"
    assert by_title[f"Paid with {CARD}"] == "confidential"
    rounds = {one.answer: one.label for one in brain.library.episodes()}
    assert rounds == {
        "Black tea": "public",
        f"Paid with {CARD}": "confidential",
        "Ana chose green tea": "public",
        f"Ana paid with {CARD}": "confidential",
    }


# -- a label sticks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "label"),
    [
        ("confidential", "public", "confidential"),
        ("public", "confidential", "confidential"),
        ("public", "", "public"),
        ("", "public", UNLABELLED),
        ("", "confidential", "confidential"),
    ],
)
def test_reading_a_file_again_raises_its_label_and_never_lowers_it(
    brain: Brain, folder: Folder, before: str, after: str, label: str
) -> None:
    for said in (before, after):
        head = f"---\nlabel: {said}\n---\n" if said else ""
        brain.add([folder({"tea.md": f"{head}Black tea, {said or 'nothing'}."})])
    assert labels(brain) == {"tea.md": label}


def test_a_file_that_moved_keeps_its_label(brain: Brain, folder: Folder) -> None:
    place = folder({"grants/a.md": "one", "b.md": "two"})
    rule = FolderLabel(f"{place}/grants", "confidential", "2026-05-07", "a test")
    brain.resources.store.labels.set_folder(rule)
    brain.add([place])
    (place / "grants" / "a.md").rename(place / "a.md")
    brain.sync()
    assert labels(brain) == {"a.md": "confidential", "b.md": UNLABELLED}


@pytest.mark.parametrize(
    ("moved", "there"),
    [("internal", "confidential"), ("confidential", "internal")],
)
def test_a_folder_that_moves_onto_a_labelled_place_has_the_stricter_label(
    brain: Brain, folder: Folder, tmp_path: Path, moved: str, there: str
) -> None:
    place = folder({"a.md": "one"})
    brain.add([place], label=moved)
    new = tmp_path / "new"
    rule = FolderLabel(str(new), there, "2026-05-07", "a test")
    brain.resources.store.labels.set_folder(rule)
    place.rename(new)
    brain.folders.rename(str(place), str(new))
    (kept,) = brain.labels.summary().folders
    assert (kept.source, kept.label) == (str(new), "confidential")
    assert labels(brain) == {"a.md": "confidential"}


@pytest.mark.parametrize("first", ["plain", "secret"])
def test_equal_text_has_the_highest_label_that_it_has_anywhere(
    brain: Brain, folder: Folder, first: str
) -> None:
    """Whichever of the two comes first; a file without a letter has no equal."""
    plain = folder({"a.md": "the same words", "empty.md": ""}, name="plain")
    secret = folder({"b.md": "the same words", "nothing.md": ""}, name="secret")
    rule = FolderLabel(str(secret), "confidential", "2026-05-07", "a test")
    brain.resources.store.labels.set_folder(rule)
    order = [plain, secret] if first == "plain" else [secret, plain]
    for place in order:
        brain.add([place])
    assert labels(brain) == {
        "a.md": "confidential",
        "b.md": "confidential",
        "empty.md": UNLABELLED,
        "nothing.md": "confidential",
    }


def test_a_file_that_was_away_comes_back_with_its_label(
    brain: Brain, folder: Folder
) -> None:
    """Some programs write a file by removing the old one first; a look between the two forgets it."""
    place = folder({"a.md": "one", "b.md": "two"})
    brain.add([place])
    brain.add([place / "a.md"], label="confidential")
    (place / "a.md").unlink()
    brain.sync()
    assert labels(brain) == {"b.md": UNLABELLED}
    folder({"a.md": "one, written anew"})
    brain.sync()
    assert labels(brain) == {"a.md": "confidential", "b.md": UNLABELLED}


def test_what_comes_out_of_the_trash_has_the_label_of_equal_texts(
    brain: Brain, folder: Folder
) -> None:
    brain.add([folder({"a.md": "the same words"}, name="one")], label="public")
    brain.library.forget(["a.md"], dry_run=False)
    rule = FolderLabel(
        str(folder({}, name="two")), "confidential", "2026-05-07", "a test"
    )
    brain.resources.store.labels.set_folder(rule)
    brain.add([folder({"b.md": "the same words"}, name="two")])
    brain.library.undo()
    assert labels(brain) == {"a.md": "confidential", "b.md": "confidential"}


def test_what_was_made_of_a_document_is_raised_with_it(
    brain: Brain, folder: Folder
) -> None:
    place = folder({"lease.md": "The rent of the flat is 1,450 euros a month."})
    brain.add([place], label="public")
    asked = brain.ask(Request("what is the rent of the flat?"))
    assert asked.label == "public"
    (row,) = brain.library.documents()
    brain.resources.store.labels.raise_to([row.id], "confidential")
    (episode,) = brain.library.episodes(kind="ask")
    assert episode.label == "confidential"
    checks = brain.keep.doctor(deep=True)
    assert [check.id for check in checks if check.level == "error"] == []


def test_an_answer_has_the_label_of_what_it_was_made_of(
    brain: Brain, folder: Folder
) -> None:
    text = "The rent of the flat is 1,450 euros a month."
    brain.add([folder({"lease.md": f"---\nlabel: internal\n---\n{text}"})])
    assert brain.ask(Request("what is the rent of the flat?")).label == "internal"
    secret = brain.ask(Request(f"was the rent of the flat paid with {CARD}?"))
    assert secret.label == "confidential"
    after = brain.ask(Request("what is the rent?", follow_up=True))
    assert after.label == "confidential"


# -- what a search may see -----------------------------------------------------------------------------


@pytest.fixture(params=["exact", "chroma"])
def shelf(request: pytest.FixtureRequest, config: Config, folder: Folder) -> Brain:
    """One document of each label, and a question that finds all of them."""
    index = replace(config.index, engine=request.param)
    brain = Brain(replace(config, index=index))
    for label in (UNLABELLED, *map(str, Label)):
        head = f"---\nlabel: {label}\n---\n"
        place = folder({f"{label}.md": f"{head}The rent of flat {label}."}, name=label)
        brain.add([place])
        brain.remember(f"The rent of {label} rose", label=label, session="rents")
    yield brain
    brain.close()


SEEN = [
    (None, False, {"public", "internal", UNLABELLED, "confidential"}),
    (Label.CONFIDENTIAL, False, {"public", "internal", UNLABELLED, "confidential"}),
    (Label.INTERNAL, False, {"public", "internal"}),
    (Label.INTERNAL, True, {"public", "internal", UNLABELLED}),
    (Label.PUBLIC, True, {"public"}),
]


def test_a_search_sees_nothing_more_confidential_than_it_may(shelf: Brain) -> None:
    for most, walked, expected in SEEN:
        value = "2026-05-07" if walked else None
        shelf.resources.store.library.keep_setting(WALKED, value)
        scope = Scope(at_most=most)
        for mode in ("lexical", "dense", "hybrid"):
            found = shelf.search(Request("rent", scope, limit=20, mode=mode))
            assert {one.label for one in found.passages} == expected, (most, mode)
        asked = shelf.ask(Request("what is the rent of flat public?", scope))
        assert {one.label for one in asked.passages} <= expected
        told = shelf.recall(Request("rent rose", scope, limit=20), kind="note")
        shown = {
            episode.label
            for one in told.episodes
            for episode in (one.episode, *one.before, *one.after)
        }
        assert shown == expected, most
        newest = shelf.recall(Request("", scope, limit=20), kind="note")
        assert {one.episode.label for one in newest.episodes} == expected, most


# -- there and back ------------------------------------------------------------------------------------


def test_labels_travel_with_an_export(
    brain: Brain, folder: Folder, config: Config, tmp_path: Path
) -> None:
    place = folder({"a.md": "one", "b.md": "two"})
    brain.add([place], label="internal")
    brain.note("three", label="public")
    brain.note("four")
    brain.keep.export(tmp_path / "out")
    for path in place.iterdir():
        path.unlink()
    with Brain(replace(config, home=tmp_path / "other")) as other:
        other.keep.import_from(tmp_path / "out")
        assert sorted(labels(other).values()) == sorted(labels(brain).values())
        rules = other.resources.store.labels.folders()
        assert [(rule.source, rule.label) for rule in rules] == [
            (str(place), "internal")
        ]


def test_a_skill_with_a_secret_is_confidential(brain: Brain, folder: Folder) -> None:
    head = "---\nname: pay\ndescription: how to pay\n---\n"
    brain.skills.add(folder({"SKILL.md": f"{head}Use {CARD}."}, name="pay"))
    assert brain.resources.store.labels.counts()["skills"] == {"confidential": 1}
    folder({"SKILL.md": f"{head}Ask Ana."}, name="pay")
    brain.skills.add(folder({}, name="pay"))
    assert brain.resources.store.labels.counts()["skills"] == {"confidential": 1}

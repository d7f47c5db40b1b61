"""Small inputs of the kinds that a month of real use brought, each with what a person must be able to find in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.end_to_end import Ran, brain

CASES = Path(__file__).parents[1] / "cases"


def taken_in(name: str, tmp_path: Path) -> Ran:
    """The case copied to a folder of its own and added."""
    place = tmp_path / name
    shutil.copytree(CASES / name, place)
    return brain("add", place)


def found(words: str) -> list[dict[str, Any]]:
    """The passages of a search by words alone."""
    passages: list[dict[str, Any]] = brain("search", "--lexical", words, "--json").json[
        "passages"
    ]
    return passages


def test_legacy_encodings_are_read_as_their_letters_and_the_guess_is_told(
    tmp_path: Path,
) -> None:
    place = tmp_path / "legacy-encoding"
    shutil.copytree(CASES / "legacy-encoding", place)
    ran = brain("add", place, "--verbose")
    assert "lease-cp1251" in found("Договор аренды")[0]["source"]
    assert "tides-sjis" in found("潮汐表")[0]["source"]
    told = ran.stdout + ran.stderr
    assert "Windows-1251" in told
    assert "Shift-JIS" in told
    assert "save the file as UTF-8" in told


def listed(name: str) -> list[dict[str, Any]]:
    """What `list` says of the documents of the case."""
    rows: list[dict[str, Any]] = brain("list", "--json").json["documents"]
    return [row for row in rows if f"/{name}/" in row["source"]]


def text_of(document_id: str) -> str:
    text: str = brain("get", document_id, "--json").json["text"]
    return text


def test_a_picture_in_a_note_is_no_text(tmp_path: Path) -> None:
    taken_in("base64-image", tmp_path)
    (note,) = listed("base64-image")
    assert note["chunks"] == 1
    (passage,) = brain("search", "phone number of Mara", "--json").json["passages"]
    assert "1.5 bar" in passage["text"]
    assert "Bleed the radiators" in passage["text"]
    assert "eUK98" not in passage["text"]


def test_a_canvas_is_found_by_its_cards(tmp_path: Path) -> None:
    taken_in("canvas", tmp_path)
    for word in ("impeller", "zincs"):
        (passage,) = found(word)
        assert '"' not in passage["text"]
        assert "250" not in passage["text"]
    (row,) = listed("canvas")
    shown = brain("show", row["id"], "--json").json
    assert "Yard contacts" in shown["document"]["links"]
    assert "boat" in shown["document"]["tags"]


def test_a_drawing_is_its_words(tmp_path: Path) -> None:
    taken_in("excalidraw", tmp_path)
    (note,) = listed("excalidraw")
    assert note["chunks"] == 1
    text = text_of(note["id"])
    assert "Pump to tank" in text
    assert "compressed-json" not in text
    assert note["title"] == "pump.excalidraw"
    assert text.endswith("Pump to tank ^abc12345\n")


def test_a_mail_of_a_maildir_is_a_mail(tmp_path: Path) -> None:
    taken_in("maildir", tmp_path)
    (passage,) = found("shrouds")
    assert passage["title"] == "Rigging quote"


def test_an_attached_mail_is_read_under_its_subject(tmp_path: Path) -> None:
    taken_in("mail-forwarded", tmp_path)
    passage = found("keel bolts")[0]
    assert passage["source"].endswith("fwd.eml")
    assert passage["locator"].startswith("Hull survey result")
    assert "keel bolts need replacing" in passage["text"]


def test_an_org_file_says_what_it_is(tmp_path: Path) -> None:
    taken_in("org", tmp_path)
    (row,) = listed("org")
    assert (row["title"], row["date"]) == ("Lease of the flat", "2026-03-04")
    assert set(row["tags"]) == {"home", "legal", "money"}


def test_calendars_contacts_notebooks_and_rich_text_are_texts(tmp_path: Path) -> None:
    taken_in("plain-formats", tmp_path)
    for words, name in (
        ("Hansens", "event.ics"),
        ("600 111 222", "ana.vcf"),
        ("Brest", "tides.ipynb"),
        ("boiler", "letter.rtf"),
    ):
        assert found(words)[0]["source"].endswith(name)


def test_a_form_answers_from_what_was_typed_into_it(tmp_path: Path) -> None:
    taken_in("pdf-form", tmp_path)
    ran = brain("ask", "insurance number of the berth application")
    assert "MQ-771-204" in ran.stdout
    assert "p. 1" in ran.stdout


def test_what_a_program_states_for_no_title_is_none(tmp_path: Path) -> None:
    taken_in("pdf-anonymous", tmp_path)
    titles = {row["title"] for row in listed("pdf-anonymous")}
    assert titles == {"invoice-5501", "boarding"}


def test_a_damaged_picture_loses_itself_only(tmp_path: Path) -> None:
    ran = taken_in("damaged-picture", tmp_path)
    assert "The weir holds until 2040." in found("weir")[0]["text"]
    assert "image1.png" in ran.stdout + ran.stderr


def test_a_chapter_without_a_heading_is_called_as_the_contents_say(
    tmp_path: Path,
) -> None:
    taken_in("epub-ncx", tmp_path)
    passage = brain("search", "The Flood chapter", "--json").json["passages"][0]
    assert "The Flood\n\nWater rose to the third step." in passage["text"]

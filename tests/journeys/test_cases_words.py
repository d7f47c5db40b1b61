"""What people wrote and how they ask for it: front matter, a person's own words, spellings, properties, times."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import Folder, brain

CASES = Path(__file__).parents[1] / "cases"


def case(name: str, place: Path) -> Path:
    """A copy of the inputs of a case, taken in."""
    folder = place / name
    shutil.copytree(CASES / name, folder)
    assert brain("add", folder).code == 0
    return folder


def listed(*words: str) -> dict[str, dict[str, Any]]:
    """What `list` shows, by the name of the file."""
    rows = brain("list", "--json", *words).json["documents"]
    return {Path(row["source"]).name: row for row in rows}


def test_one_bad_line_of_front_matter_costs_itself(tmp_path: Path) -> None:
    case("front-matter-colon", tmp_path)
    rows = listed("--tag", "ops")
    assert {name: row["title"] for name, row in rows.items()} == {
        "colon.md": "Governance: Rootkeeper prompt",
        "at.md": "At sign",
        "tab.md": "Tabs",
    }
    assert {row["date"] for row in rows.values()} == {"2026-03-04"}


def test_front_matter_is_found_where_programs_put_it(tmp_path: Path) -> None:
    case("front-matter-place", tmp_path)
    rows = listed()
    assert rows["toml.md"]["title"] == "Toml title"
    assert rows["toml.md"]["tags"] == ["zola"]
    assert rows["blank.md"]["tags"] == ["ops"]
    assert rows["double.md"]["title"] == "Real title"
    assert rows["double.md"]["tags"] == ["real"]
    for name in rows:
        text = brain("get", name).stdout
        assert "---" not in text
        assert "+++" not in text


def test_signs_lists_and_json_of_front_matter_are_read(folder: Folder) -> None:
    place = folder(
        {
            "sign.md": "---\ntags: #ops #home\ntitle: Issue #12\n---\nOne.\n",
            "open.md": "---\ntags: [ops\ntitle: Open list\nrent: a: b\n---\nTwo.\n",
            "hugo.md": '{\n  "title": "Hugo page",\n  "tags": ["ops"]\n}\nThree.\n',
            "behind.md": "<!-- made -->\n---\ntitle: Behind\ntags: [ops]\n---\nFour.\n",
        }
    )
    assert brain("add", place).code == 0
    rows = listed("--tag", "ops")
    assert {name: row["title"] for name, row in rows.items()} == {
        "sign.md": "Issue #12",
        "open.md": "Open list",
        "hugo.md": "Hugo page",
        "behind.md": "Behind",
    }


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("linter.md", "2026-03-05"),
        ("zettel.md", "2026-03-04"),
        ("month.md", "2026-03"),
    ],
)
def test_dates_as_linters_and_people_write_them(
    tmp_path: Path, name: str, date: str
) -> None:
    case("linter-date", tmp_path)
    shown = brain("show", name, "--json").json["document"]
    assert (shown["date"], shown["dated_by"]) == (date, "front matter")


def test_percent_signs_of_a_note_stay_as_they_were_written() -> None:
    said = "Discount 15%% until May, then 10%% only"
    noted = "Margins: 20%% in May and 30%% in June"
    remembered = brain("remember", said, "--json").json["episode"]["id"]
    assert brain("get", f"episode:{remembered}").stdout.strip() == said
    brain("add", "--note", noted)
    (row,) = [
        row
        for row in brain("list", "--json").json["documents"]
        if row["source"].startswith("note:")
    ]
    assert brain("get", row["id"]).stdout.strip() == noted
    assert "20%% in May" in brain("ask", "what are the margins in May").stdout


def test_yaml_at_the_head_of_a_note_stays() -> None:
    noted = "---\nstatus: waiting\ntags: [boats]\n---\nThe mast is at the yard."
    brain("add", "--note", noted)
    (row,) = brain("list", "--json", "--tag", "boats").json["documents"]
    assert row["title"] == "The mast is at the yard."
    assert brain("get", row["id"]).stdout.strip() == noted


def test_a_comment_that_holds_a_fence_is_hidden_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    shutil.copytree(CASES / "comment-fence", folder)
    added = brain("add", folder / "deploy.md")
    assert "a comment of Obsidian left out (line 5)" in added.stderr
    assert brain("search", "--lexical", "hunter2", "--json").json["passages"] == []
    assert "hunter2" not in brain("ask", "what is the TOKEN export").stdout
    shown = brain("get", "deploy.md").stdout
    assert "hidden" not in shown
    assert "Tell Ana afterwards." in shown


# -- words ----------------------------------------------------------------------------------------


def found(*words: str) -> list[str]:
    """The names of the files that `search` finds, best first."""
    passages = brain("search", *words, "--json").json["passages"]
    return [Path(passage["source"]).name for passage in passages]


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("soft-hyphen", "Haftpflichtversicherung", "versicherung.md"),
        ("stroke-letters", "Lodz", "names.md"),
        ("stroke-letters", "Soren", "names.md"),
        ("stroke-letters", "Aesir", "names.md"),
        ("stroke-letters", "Dorde", "names.md"),
        ("numbers", "600123456", "a.md"),
        ("numbers", "12450", "b.md"),
        ("numbers", "15650", "b.md"),
        ("numbers", "1200", "b.md"),
    ],
)
def test_a_word_is_found_however_it_is_written(
    tmp_path: Path, name: str, word: str, expected: str
) -> None:
    case(name, tmp_path)
    assert found("--lexical", word) == [expected]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Call (030) 123 4567 before noon.", "0301234567"),
        ("Tel 06.12.34.56.78 in Brest.", "0612345678"),
        ("The cable is 98\u2009765 m long.", "98765"),
        ("Das Darlehen: 1'250'000 CHF.", "1250000"),
        ("Pay to DE89 3704 0044 0532 0130 00 by May.", "DE89370400440532013000"),
        ("Pay to DE89 3704 0044 0532 0130 00.", "de89 37040044 0532013000"),
        ("Pay to DE89370400440532013000.", "DE89 3704 0044 0532 0130 00"),
        ("Pay to GB82-WEST-1234-5698-7654-32.", "GB82WEST12345698765432"),
        (
            "| FR14 2004 1010 0505 0001 3M02 606 | 2026-03-06 |",
            "FR1420041010050500013M02606",
        ),
        ("No check digits: ES12 3456 7890 1234 5678 9012", "ES1234567890123456789012"),
    ],
)
def test_a_number_is_found_however_its_digits_are_parted(
    folder: Folder, written: str, typed: str
) -> None:
    brain("add", folder({"note.md": f"# Note\n\n{written}\n"}))
    assert found("--lexical", typed) == ["note.md"]


@pytest.mark.parametrize("suffix", ["md", "html"])
def test_words_parted_by_named_letters_are_found(folder: Folder, suffix: str) -> None:
    text = "Die Haft&shy;pflicht&zwnj;versicherung gilt f&uuml;r uns."
    heading = "Haus&shy;rat&nbsp;heute"
    if suffix == "html":
        text, heading = f"<p>{text}</p>", f"<h1>{heading}</h1>"
    else:
        heading = f"# {heading}"
    brain("add", folder({f"note.{suffix}": f"{heading}\n\n{text}\n"}))
    for typed in ("Haftpflichtversicherung", "Hausrat", "heute", "für"):
        assert found("--lexical", typed) == [f"note.{suffix}"]
    assert next(iter(listed().values()))["title"] == "Hausrat heute"


def test_operators_of_a_query_say_where_to_look(folder: Folder) -> None:
    place = folder(
        {
            "letters/rack.md": "The dinghy lies on the north rack.\n",
            "letters/draft.md": "A draft: the rack in the north is for the dinghy.\n",
            "rack.txt": "The north rack needs paint, says the yard.\n",
        }
    )
    brain("add", place)
    assert set(found('"north rack"')) == {"rack.md", "rack.txt"}
    assert found('"north rack" dinghy')[0] == "rack.md"
    assert set(found("rack dinghy -draft")) == {"rack.md", "rack.txt"}
    assert set(found("rack type:txt")) == {"rack.txt"}
    assert set(found("rack -type:txt")) == {"rack.md", "draft.md"}
    assert set(found("rack path:letters")) == {"rack.md", "draft.md"}
    asked = brain("ask", "where is the dinghy type:md -draft", "--json").json
    assert asked["question"] == "where is the dinghy type:md -draft"
    assert {Path(item["source"]).name for item in asked["citations"]} == {"rack.md"}
    assert asked["notices"] == ["left out: what holds “draft”"]


def test_quoted_words_that_stand_nowhere_are_looked_for_apart(folder: Folder) -> None:
    brain("add", folder({"a.md": "The rack in the north.\n"}))
    ran = brain("search", '"north rack"', "--json").json
    assert len(ran["passages"]) == 1
    assert ran["notices"] == ["“north rack” stands nowhere: looked for apart"]


# -- names and properties ---------------------------------------------------------------------------


def test_a_note_that_is_only_front_matter_is_found_and_quoted(tmp_path: Path) -> None:
    case("contact-card", tmp_path)
    assert found("Mara Quintero")[0] == "Mara Quintero.md"
    asked = brain("ask", "phone number of Mara Quintero", "--json").json
    first = asked["citations"][0]
    assert first["quote"] == "phone: +34 600 123 456"
    assert (Path(first["source"]).name, first["locator"]) == ("Mara Quintero.md", "L2")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Moritz Albrecht lease", "Moritz Albrecht lease.md"),
        ("bathroom", "2026-02 bathroom.md"),
        ("contracts tenant", "Moritz Albrecht lease.md"),
    ],
)
def test_names_of_files_and_folders_are_words(
    tmp_path: Path, words: str, expected: str
) -> None:
    case("file-name", tmp_path)
    assert found(words)[0] == expected
    assert "probably not in your notes" not in brain("search", words).stdout


@pytest.mark.parametrize(
    "words", ["Donella Quist", "978-1-60358-055-7", "shelf B4", "borrowed", "systems"]
)
def test_values_and_tags_are_words(tmp_path: Path, words: str) -> None:
    case("property-values", tmp_path)
    assert found("--lexical", words) == ["book.md"]


def test_an_answer_from_a_property_names_its_line(tmp_path: Path) -> None:
    case("property-values", tmp_path)
    asked = brain("ask", "who wrote Slow Flows", "--json").json
    first = asked["citations"][0]
    assert (first["quote"], first["locator"]) == ("author: Donella Quist", "L3")
    assert brain("show", "book.md", "--json").json["document"]["links"] == ["Limits"]
    assert "Stocks change slowly" in brain("get", "book.md:12").stdout


def test_an_empty_note_is_found_by_its_name(folder: Folder) -> None:
    brain("add", folder({"Harbour master.md": "", "tea.md": "Black tea.\n"}))
    assert found("harbour master")[0] == "Harbour master.md"


def test_lists_and_questions_keep_to_properties(folder: Folder) -> None:
    place = folder(
        {
            "a.md": "---\nStatus: Done\nrating: 4.5\ndue: 2026-05-02\n---\nThe mast.\n",
            "b.md": "---\nstatus: open\nrating: 12\ndue: 2026-04-30\n---\nThe mast.\n",
            "c.md": "No property, but a mast.\n",
        }
    )
    brain("add", place)
    assert set(listed("--where", "status=done")) == {"a.md"}
    assert set(listed("--where", "STATUS!=done")) == {"b.md", "c.md"}
    assert set(listed("--where", "rating>=4.5")) == {"a.md", "b.md"}
    assert set(listed("--where", "rating>5")) == {"b.md"}
    assert set(listed("--where", "due<2026-05")) == {"b.md"}
    assert set(listed("--where", "status~one", "--where", "rating")) == {"a.md"}
    assert list(listed("--sort", "rating")) == ["a.md", "b.md", "c.md"]
    assert list(listed("--sort", "-rating")) == ["b.md", "a.md", "c.md"]
    assert found("mast", "--where", "status=open") == ["b.md"]
    assert found("mast", "--sort", "-rating") == ["b.md", "a.md", "c.md"]
    asked = brain("ask", "mast", "--where", "rating<5", "--json").json
    assert {Path(item["source"]).name for item in asked["passages"]} == {"a.md"}
    what, hint = brain("list", "--where", ">=4").two_lines()
    assert what == "'>=4' is no condition on a property"
    assert hint.startswith("for instance: status=done")


def test_a_tag_given_by_hand_is_a_word(folder: Folder) -> None:
    brain("add", folder({"a.md": "The mast.\n", "b.md": "The keel.\n"}))
    assert found("--lexical", "winterwork") == []
    brain("tag", "b.md", "winterwork")
    assert found("--lexical", "winterwork") == ["b.md"]
    brain("tag", "b.md", "-winterwork")
    assert brain("doctor", "--deep").code == 0


# -- times ------------------------------------------------------------------------------------------


def test_what_was_done_on_a_day_is_what_is_dated_so(tmp_path: Path) -> None:
    case("ask-by-day", tmp_path)
    asked = brain("ask", "what did I do on March 6th 2026", "--json").json
    assert asked["state"] == "supported"
    assert [item["quote"] for item in asked["citations"]] == [
        "- bought rope and two shackles",
        "- weather fair",
    ]
    assert asked["notices"] == ["dated “on March 6th 2026” (2026-03-06)"]
    asked = brain("ask", "what did I do in the first week of March 2026", "--json").json
    names = [Path(item["source"]).name for item in asked["citations"]]
    assert names == [f"2026-03-0{day}.md" for day in range(1, 8)]


def test_a_time_beside_words_puts_what_is_dated_so_first(folder: Folder) -> None:
    place = folder(
        {
            "2026-03-02.md": "Met Bo about pricing: ten percent off.\n",
            "2026-04-02.md": "Met Bo about pricing: no discount any more, says Bo.\n",
        }
    )
    brain("add", place)
    words = "what did Bo say about pricing on 2 March 2026"
    assert found(words) == ["2026-03-02.md", "2026-04-02.md"]


def test_a_time_of_which_nothing_is_there_is_set_aside_and_said(folder: Folder) -> None:
    brain("add", folder({"2026-03-02.md": "Met Bo.\n"}))
    asked = brain("ask", "what happened in May 2024", "--json").json
    assert asked["state"] == "not_found"
    assert asked["notices"] == [
        "nothing is dated “in May 2024” (2024-05-01 to 2024-05-31): looked at all times"
    ]


def test_every_option_takes_times_as_people_write_them(folder: Folder) -> None:
    place = folder({"2026-03-02.md": "Met Bo.\n", "2026-03-09.md": "Met Ana.\n"})
    brain("add", place)
    assert set(listed("--since", "March 3rd 2026", "--until", "March 2026")) == {
        "2026-03-09.md"
    }
    assert set(listed("--until", "first week of March 2026")) == {"2026-03-02.md"}
    assert found("met", "--since", "2026-W11") == ["2026-03-09.md"]
    asked = brain("ask", "met", "--until", "2026-03-05", "--json").json
    assert {Path(item["source"]).name for item in asked["passages"]} == {
        "2026-03-02.md"
    }
    for verb in ("list", "search", "ask", "recall"):
        words = () if verb == "list" else ("met",)
        what, _hint = brain(verb, *words, "--since", "soonish").two_lines()
        assert what == "--since 'soonish' is no time that I know"


def test_a_date_with_slashes_is_read_by_the_locale_and_said(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = {"2026-03-06.md": "Met Bo.\n", "2026-06-03.md": "Met Ana.\n"}
    brain("add", folder(notes))
    for locale, day, read_as in (
        ("en_GB.UTF-8", "2026-03-06.md", "6 March 2026"),
        ("en_US.UTF-8", "2026-06-03.md", "3 June 2026"),
    ):
        monkeypatch.setenv("LC_ALL", locale)
        told = f"6/3/2026 is read as {read_as}"
        asked = brain("ask", "what happened on 6/3/2026", "--json").json
        assert asked["notices"][0] == told
        assert [Path(item["source"]).name for item in asked["passages"]] == [day]
        listing = brain("list", "--since", "6/3/2026", "--until", "6/3/2026")
        assert day in listing.stdout
        assert told in listing.stderr
        brain("remember", "We met Bo")
        assert told in brain("recall", "met on 6/3/2026", "--json").json["notices"]


def test_a_note_of_a_month_is_of_each_of_its_days(folder: Folder) -> None:
    brain("add", folder({"m.md": "---\ndate: March 2026\n---\nMet Bo.\n"}))
    assert set(listed("--since", "2026-03-15")) == {"m.md"}
    assert set(listed("--until", "2026-03-15")) == {"m.md"}
    assert set(listed("--since", "2026-04")) == set()


def test_a_window_of_recall_that_was_set_aside_is_said() -> None:
    brain("remember", "We moved the dinghy to the north rack")
    ran = brain("recall", "dinghy yesterday")
    assert ran.stdout.startswith("nothing that fits is from “yesterday” (")
    assert "what follows is from other times" in ran.stdout
    window = brain("recall", "dinghy yesterday", "--json").json["window"]
    assert (window["words"], window["set_aside"]) == ("yesterday", True)
    assert window["since"] == window["until"]
    assert brain("recall", "dinghy", "--json").json["window"] is None
    window = brain("recall", "dinghy today", "--json").json["window"]
    assert window["set_aside"] is False


def test_recall_understands_the_signs_of_search_and_says_what_it_passes_over() -> None:
    brain("remember", "The dinghy lies on the north rack", "--tag", "boats")
    brain("remember", "North of the slipway is a rack for the dinghy's oars")

    def recalled(*words: str) -> list[str]:
        ran = brain("recall", *words, "--json").json
        said.append(ran["notices"])
        return sorted(f"{item['question']}{item['answer']}" for item in ran["episodes"])

    said: list[list[str]] = []
    (rack,) = recalled('dinghy "north rack"')
    (oars,) = recalled("dinghy -lies")
    assert "lies" in rack
    assert "oars" in oars
    assert said == [[], ["left out: what holds “lies”"]]
    said.clear()
    assert recalled("tag:boats") == [rack]
    assert recalled("dinghy -tag:boats") == [oars]
    assert recalled("today -lies") == [oars]
    assert recalled('dinghy "south rack"') == sorted([rack, oars])
    assert said[3] == ["“south rack” stands nowhere: looked for apart"]
    assert recalled("dinghy type:pdf -path:old") == sorted([rack, oars])
    passed = "type:pdf and -path:old passed over: what was asked and said is no file"
    assert said[4] == [passed]
    assert passed in brain("recall", "dinghy type:pdf -path:old").stderr


def test_who_wrote_an_office_file_and_its_keywords_are_words(tmp_path: Path) -> None:
    from docx import Document as Docx

    written = Docx()
    written.add_paragraph("The slipway needs new rails before the autumn.")
    written.core_properties.author = "Wilhelmina Bracegirdle"
    written.core_properties.keywords = "winching, hauling"
    written.save(tmp_path / "slip.docx")
    brain("add", tmp_path / "slip.docx")
    assert found("--lexical", "bracegirdle") == ["slip.docx"]
    assert found("--lexical", "hauling") == ["slip.docx"]
    assert set(listed("--where", "keywords=winching")) == {"slip.docx"}


def test_recall_keeps_to_quoted_words_and_leaves_words_out() -> None:
    brain("remember", "The dinghy lies on the north rack")
    brain("remember", "The rack in the north is for the dinghy of Bo")
    for words in ('"north rack" dinghy', "dinghy rack -bo"):
        (one,) = brain("recall", words, "--json").json["episodes"]
        assert one["answer"] == "The dinghy lies on the north rack"
    assert len(brain("recall", '"rack north" dinghy', "--json").json["episodes"]) == 2

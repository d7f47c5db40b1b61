"""`search`, `ask`, `recall` against a stand-in `Brain`: lists, streams, states, codes, JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brain.doors.lines import cell_width
from brain.errors import Incomplete, Unavailable
from brain.recalled import Recalled, Remembered
from brain.types import (
    Answer,
    Confidence,
    Elsewhere,
    Episode,
    ModelStep,
    Place,
    Request,
    Retrieved,
    Scope,
)
from tests.fake_brain import CITATION, SURE, WINDOW, brain, passage

FOUND = Retrieved(
    (passage(1), passage(2)),
    {},
    embedder="builtin",
    index="exact",
    confidence=Confidence(found=0.97),
)
NOTHING = Retrieved((), {}, embedder="builtin")
ANSWER = Answer(
    question="how hot?",
    state="supported",
    text="Black tea wants about 95 degrees. [1]",
    citations=(CITATION,),
    passages=(passage(1),),
    confidence=SURE,
    provider="ollama",
    model="qwen3:4b",
    embedder="builtin",
    context=WINDOW,
    episode="e1e2e3e4e5e6e7e8",
)


def test_search_lists_number_title_place_text_and_id() -> None:
    ran = brain("search", "how", "hot", "for", "black", "tea", search=FOUND)
    assert ran.stdout.splitlines()[:4] == [
        "1  Tea › Black",
        "   notes/tea1.md:12 (2026-05-07) 01a1b2",
        "   Black tea wants water just off the boil, about 95 degrees, for three to",
        "   five minutes.",
    ]
    assert ran.stderr == "2 passages\n"
    explained = brain("search", "tea", "--explain", search=FOUND)
    assert explained.stderr == "2 passages · embedder builtin · index exact\n"
    assert ran.called("search") == [((Request("how hot for black tea"),), {})]
    assert ran.code == 0


def test_search_shows_the_line_that_matched_and_what_stands_behind_it() -> None:
    text = (
        "Green tea is brewed at eighty.\nBlack tea wants water at ninety six degrees."
    )
    start = text.index("Black")
    item = passage(1, text=text, matched=Place("L13", start, len(text)))
    ran = brain("search", "black", "tea", search=Retrieved((item,), {}))
    assert ran.stdout.splitlines()[1:] == [
        "   notes/tea1.md:13 (2026-05-07) 01a1b2",
        "   Black tea wants water at ninety six degrees.",
    ]
    shape = json.loads(
        brain("search", "tea", "--json", search=Retrieved((item,), {})).stdout
    )
    assert shape["passages"][0]["matched"] == "L13"
    assert shape["passages"][0]["locator"] == "L12-40"


def test_ask_shows_paths_from_where_one_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    source = f"{tmp_path}/notes/tea.md"
    given = dataclasses.replace(
        ANSWER, citations=(dataclasses.replace(CITATION, source=source),)
    )
    ran = brain("ask", "x", ask=talking(given, ("quote", f"“it” {source}:12")))
    assert ran.stdout.startswith("| “it” notes/tea.md:12\n")
    assert "\n[1] notes/tea.md:12\n" in ran.stdout
    monkeypatch.setenv("HOME", f"{tmp_path}/notes")
    monkeypatch.chdir("/")
    assert "\n[1] ~/tea.md:12\n" in brain("ask", "x", ask=given).stdout
    monkeypatch.setenv("HOME", "/nowhere")
    assert f"\n[1] {source}:12\n" in brain("ask", "x", ask=given).stdout


def test_search_passes_what_restricts_it_with_times_as_they_are_written() -> None:
    words = [
        "--lexical",
        "-n",
        "3",
        "--tag",
        "x",
        "--tag",
        "y",
        "--source",
        "j/*",
        "--since",
        "2026-02",
        "--until",
        "2026-02",
    ]
    ran = brain("search", "tea", *words, search=FOUND)
    scope = Scope(tags=("x", "y"), source="j/*", since="2026-02", until="2026-02")
    request = Request("tea", limit=3, mode="lexical", scope=scope)
    assert ran.called("search") == [((request,), {})]
    ran = brain("search", "tea", "--rerank", "--no-expand", search=FOUND)
    assert ran.called("search") == [((Request("tea", rerank=True, expand=False),), {})]
    assert brain("search", "tea", "-n", "0", search=FOUND).code == 2


def test_explain_shows_ranks_and_weights() -> None:
    shown = brain(
        "search",
        "tea",
        "--explain",
        search=Retrieved((passage(1),), {}, explain={"dense_weight": 0.4}),
    ).stdout
    assert "ranking: dense weight 0.4\n" in shown
    assert "score 0.5000: lexical rank 1, dense rank –; dense weight 0.25\n" in shown


def test_search_json_is_schema_2() -> None:
    ran = brain("search", "tea", "--json", search=FOUND)
    shape = json.loads(ran.stdout)
    assert shape["schema"] == 2
    first = [
        "schema",
        "query",
        "embedder",
        "degraded",
        "index_lag",
        "withheld",
        "confidence",
        "passages",
    ]
    assert list(shape) == [*first, "notices", "model_steps"]
    assert shape["confidence"] == {"found": 0.97}
    assert shape["passages"][0] == {
        "id": "01a1b2c3d4e5f607",
        "source": "notes/tea1.md",
        "locator": "L12-40",
        "title": "Tea",
        "heading": ["Tea", "Black"],
        "text": "Black tea wants water just off the boil, about 95 degrees, for three to five minutes.",
        "date": "2026-05-07",
        "label": "unlabelled",
        "client": None,
        "trust": "own",
        "context": "",
        "score": 0.5,
        "matched": None,
        "ranks": {"lexical": 1, "dense": None, "before": None, "reranker": None},
    }
    assert ran.stderr == ""
    assert brain("search", "tea", "--format", "json", search=FOUND).stdout == ran.stdout
    explained = json.loads(
        brain("search", "tea", "--json", "--explain", search=FOUND).stdout
    )
    assert explained["passages"][0]["explain"] == {"dense_weight": 0.25}


RERANKED = ModelStep(
    "rerank",
    "ran",
    "qwen3:4b",
    1.26,
    judged=11,
    of=12,
    reason="11 of 12 passages were judged",
)
EXPANDED = ModelStep(
    "expand",
    "ran",
    "qwen3:4b",
    0.8,
    queries=(("lex", "brew\x1b[2J time"), ("vec", "How long?")),
)
FAILED = ModelStep("rerank", "failed", reason="Ollama does not answer at 127.0.0.1:1")


def test_what_a_model_did_is_said_shortly_and_with_explain_wholly() -> None:
    found = dataclasses.replace(FOUND, steps=(EXPANDED, RERANKED))
    ran = brain("search", "tea", search=found)
    said = "2 passages · expanded by qwen3:4b in 1 s · reranked by qwen3:4b in 1 s\n"
    assert ran.stderr == said
    seen = brain("search", "tea", "--explain", search=found).stdout
    assert "expanded by qwen3:4b in 0.8 s: lex “brew time”, vec “How long?”\n" in seen
    assert "reranked by qwen3:4b in 1.3 s: 11 of 12 passages judged\n" in seen
    steps = json.loads(brain("search", "tea", "--json", search=found).stdout)[
        "model_steps"
    ]
    assert steps[1] == {
        "name": "rerank",
        "state": "ran",
        "model": "qwen3:4b",
        "seconds": 1.26,
        "reason": "11 of 12 passages were judged",
        "judged": 11,
        "of": 12,
        "queries": [],
    }
    assert steps[0]["queries"][1] == {"kind": "vec", "text": "How long?"}


def test_what_a_model_did_not_do_is_said_aloud_in_every_form() -> None:
    notice = "not reranked: Ollama does not answer at 127.0.0.1:1; the order is the search's own"
    found = dataclasses.replace(FOUND, steps=(FAILED,), notices=(notice,))
    for form in ("list", "files", "md", "json"):
        assert notice in brain("search", "tea", "--format", form, search=found).stderr
    assert (
        "not reranked: Ollama does not answer"
        in brain("search", "tea", "--explain", search=found).stdout
    )
    shape = json.loads(brain("search", "tea", "--json", search=found).stdout)
    assert shape["notices"] == [notice]
    assert (shape["model_steps"][0]["state"], shape["model_steps"][0]["model"]) == (
        "failed",
        None,
    )


def test_ask_says_what_a_model_did() -> None:
    given = dataclasses.replace(ANSWER, steps=(RERANKED,))
    assert (
        "reranked by qwen3:4b in 1 s\n"
        in brain("ask", "how hot?", "--rerank", ask=given).stdout
    )
    assert (
        json.loads(brain("ask", "how hot?", "--json", ask=given).stdout)["model_steps"][
            0
        ]["judged"]
        == 11
    )


def test_nothing_found_and_could_not_look_differ() -> None:
    ran = brain("search", "zebra", search=NOTHING)
    assert (ran.code, ran.stdout) == (3, "")
    assert "nothing found for “zebra”" in ran.stderr
    lame = Retrieved((), {}, degraded="the embedder does not answer")
    ran = brain("search", "zebra", search=lame)
    assert ran.code == 6
    assert "not complete: the embedder does not answer" in ran.stderr
    assert "could not look" in ran.stderr
    shape = json.loads(brain("search", "zebra", "--json", search=lame).stdout)
    assert (shape["degraded"], shape["passages"]) == (
        "the embedder does not answer",
        [],
    )
    ran = brain(
        "search", "tea", search=Retrieved((passage(1),), {}, degraded="words only")
    )
    assert ran.code == 0
    assert "not complete: words only" in ran.stderr
    assert (
        brain("search", "zebra", search=Unavailable("no index", "brain doctor")).code
        == 6
    )


def test_below_the_floor_it_still_lists_and_strict_says_3() -> None:
    low = Retrieved((passage(1),), {}, below_floor=True)
    ran = brain("search", "tea", search=low)
    assert ran.code == 0
    assert ran.stdout.startswith(
        "probably not in your notes; the nearest passages:\n1  Tea › Black\n"
    )
    assert brain("search", "tea", "--strict", search=low).code == 3
    assert brain("search", "tea", "--strict", search=FOUND).code == 0


def test_formats_for_other_programs() -> None:
    twice = Retrieved((passage(1), passage(3, source="notes/tea1.md"), passage(2)), {})
    assert (
        brain("search", "tea", "--format", "files", search=twice).stdout
        == "notes/tea1.md\nnotes/tea2.md\n"
    )
    shown = brain("search", "tea", "--format", "md", search=FOUND).stdout
    assert shown.startswith(
        "# tea\n\n## Tea › Black (2026-05-07)\n\n`notes/tea1.md:12`\n\n> Black tea wants"
    )
    assert brain("search", "tea", "--format", "csv", search=FOUND).code == 2


def test_questions_come_from_standard_input_too() -> None:
    ran = brain("search", "-", stdin="black tea\n", search=FOUND)
    assert ran.called("search")[0][0] == (Request("black tea"),)
    ran = brain("ask", "-", stdin="how hot?\n", ask=ANSWER)
    assert ran.called("ask")[0][0] == (Request("how hot?", limit=8),)


def talking(answer: Answer, *said: tuple[str, str]) -> Callable[..., Answer]:
    """An `ask` that says these things on the way."""

    def ask(
        _question: str, *, say: Callable[[str, str], None], **_options: Any
    ) -> Answer:
        for kind, text in said:
            say(kind, text)
        return answer

    return ask


FOOTER = [
    "[1] notes/tea1.md:12",
    "| “about 95 degrees”",
    "",
    "answered · written by qwen3:4b · kept as e1e2e3",
    "the model has not seen all: 3 of 9 passages left out",
]


def test_ask_streams_the_quote_then_sentences_then_the_footer() -> None:
    said = [
        ("quote", "“about 95 degrees” notes/tea1.md:12"),
        ("sentence", "Black tea wants 95 degrees. [1] "),
        ("sentence", "Steep it. [1]"),
        ("sentence", "Not longer. [1]"),
        ("notice", "41 files newer than the index"),
    ]
    answer = dataclasses.replace(
        ANSWER,
        notices=("41 files newer than the index", "2 older versions say the same"),
    )
    ran = brain("ask", "how", "hot?", ask=talking(answer, *said))
    assert ran.stdout.splitlines() == [
        "| “about 95 degrees” notes/tea1.md:12",
        "|",
        "| Black tea wants 95 degrees. [1] Steep it. [1] Not longer. [1]",
        "",
        FOOTER[0],
        *FOOTER[2:],
    ]
    assert (
        ran.stderr == "41 files newer than the index\n2 older versions say the same\n"
    )
    assert ran.code == 0


def test_the_figures_behind_an_answer_are_for_those_who_want_them_explained() -> None:
    rows = brain("ask", "how hot?", "--explain", ask=ANSWER).stdout.splitlines()
    assert rows[-2:] == [
        "answered (found 0.91, supported 0.84, grade A)"
        " · ollama qwen3:4b · embedder builtin · episode e1e2e3",
        "context 6,812 of 8,192 tokens; 3 of 9 passages left out",
    ]


def test_a_grade_never_contradicts_the_state_beside_it() -> None:
    doubted = dataclasses.replace(
        ANSWER,
        state="unsure",
        provider="builtin",
        model="extractive",
        confidence=Confidence(found=0.3, grade="strong"),
    )
    shown = brain("ask", "how hot?", "--explain", ask=doubted).stdout
    assert "check these sources (found 0.30) ·" in shown
    plainly = brain("ask", "how hot?", ask=doubted).stdout
    state = "check these sources · quoted, not written by a model · kept as e1e2e3"
    assert state in plainly.splitlines()


def test_quotes_that_are_the_whole_answer_are_said_once() -> None:
    answer = dataclasses.replace(ANSWER, text="“one” [1]\n“two” [2]")
    ran = brain(
        "ask",
        "how hot?",
        ask=talking(answer, ("quote", "“one” [1]"), ("quote", "“two” [2]")),
    )
    assert ran.stdout.splitlines() == ["| “one” [1]", "| “two” [2]", "", *FOOTER]


def test_of_quotes_that_stand_in_for_a_model_each_is_said_once() -> None:
    second = dataclasses.replace(CITATION, number=2, quote="two")
    quotes = (dataclasses.replace(CITATION, quote="one"), second)
    answer = dataclasses.replace(
        ANSWER, text="“one” [1]\n“two” [2]", citations=quotes, quotes=quotes
    )
    ran = brain(
        "ask",
        "how hot?",
        ask=talking(
            answer, ("quote", "“one” notes/tea1.md:12"), ("quote", "“two” [2]")
        ),
    )
    assert ran.stdout.splitlines()[:4] == [
        "| “one” notes/tea1.md:12",
        "| “two” [2]",
        "",
        "[1] notes/tea1.md:12",
    ]
    shape = json.loads(brain("ask", "how hot?", "--json", ask=answer).stdout)
    assert shape["quotes"] == shape["citations"]


def test_an_answer_that_was_not_streamed_is_printed_whole() -> None:
    ran = brain("ask", "how hot?", ask=ANSWER)
    assert ran.stdout.splitlines() == [
        "| Black tea wants about 95 degrees. [1]",
        "",
        *FOOTER,
    ]


FORGED = (
    "Done.\n\n[1] /home/me/contract.md:12\nsupported by the passages cited\n",
    "Done.\r[1] /home/me/contract.md:12\u2028supported by the passages cited\x85[2] x",
    "x " * 50 + "[1] /home/me/contract.md:12 supported by the passages cited",
    "x" * 200 + "\u00a0[1]\u00a0/home/me/contract.md:12",
)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("text", FORGED)
@pytest.mark.parametrize("kind", ["sentence", "quote"])
def test_only_lines_of_ours_begin_at_the_first_column(
    kind: str, text: str, terminal: bool
) -> None:
    ran = brain("ask", "x", ask=talking(ANSWER, (kind, text)), terminal=terminal)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout)
    theirs = [row for row in shown.splitlines() if row.startswith("|")]
    ours = [row for row in shown.splitlines() if row and not row.startswith("|")]
    assert [row.partition(" · ")[0] for row in ours] == [
        "[1] notes/tea1.md:12",
        "answered",
        FOOTER[-1],
    ]
    assert not terminal or max(map(len, theirs)) <= 80


@pytest.mark.parametrize(
    ("source", "heading"),
    [
        ("notes/tea.md", "Black [9] /home/me/contract.md:12 " * 9),
        ("notes/" + "tea  [9] /home/me/contract.md:12 " * 9, "Black"),
        ("notes/茶.md", "茶" * 90),
    ],
)
def test_in_a_terminal_no_name_of_a_note_begins_a_row(
    source: str, heading: str
) -> None:
    cited = dataclasses.replace(CITATION, source=source, heading=("Tea", heading))
    given = dataclasses.replace(ANSWER, citations=(cited,))
    shown = brain("ask", "x", ask=given, terminal=True).stdout
    rows = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    before = rows[: rows.index("", 2)]
    assert max(map(cell_width, before)) <= 80
    assert [row[:4] for row in before if row and not row.startswith("|")] == ["[1] "]
    assert heading.strip() in brain("ask", "x", ask=given).stdout


def test_a_control_sequence_cut_over_two_sentences_does_not_get_through() -> None:
    ran = brain(
        "ask",
        "x",
        ask=talking(ANSWER, ("sentence", "a\x1b]52;c;ZXZp"), ("sentence", "bA==\x07b")),
    )
    assert "\x1b" not in ran.stdout
    assert "\x07" not in ran.stdout


def test_ask_passes_its_options() -> None:
    ran = brain(
        "ask",
        "-c",
        "and in euros?",
        "--anyway",
        "--no-record",
        "-n",
        "4",
        "--tag",
        "x",
        ask=ANSWER,
    )
    ((args, options),) = ran.called("ask")
    assert set(options) == {"say", "agree"}
    assert options["agree"] is None  # nobody waits at a pipe
    request = Request(
        "and in euros?",
        follow_up=True,
        scope=Scope(tags=("x",)),
        limit=4,
        anyway=True,
        record=False,
    )
    assert args == (request,)


def test_ask_json_is_schema_1_and_never_streams() -> None:
    ran = brain(
        "ask",
        "how hot?",
        "--json",
        ask=talking(ANSWER, ("quote", "q"), ("sentence", "s")),
    )
    shape = json.loads(ran.stdout)
    keys = "schema question state answer_state answer citations confidence label route provider model embedder cost_usd ledger_id"
    assert list(shape)[:18] == [
        *keys.split(),
        "degraded",
        "withheld",
        "context",
        "episode",
    ]
    assert shape["citations"] == [
        {
            "number": 1,
            "source": "notes/tea1.md",
            "locator": "L12-40",
            "quote": "about 95 degrees",
            "verified": True,
            "heading": [],
            "columns": None,
            "answer_span": None,
            "reason": None,
        }
    ]
    assert (shape["also"], shape["differs"]) == ([], [])
    assert shape["confidence"] == {
        "found": 0.91,
        "supported": 0.84,
        "known": True,
        "grade": "A",
    }
    assert shape["context"] == {
        "tokens": 6812,
        "window": 8192,
        "passages_used": 6,
        "passages_left_out": 3,
    }
    assert (shape["label"], shape["route"], shape["cost_usd"], shape["ledger_id"]) == (
        None,
        None,
        None,
        None,
    )


SAYS = "The boiler costs 1,850 €."
ELSEWHERE = Elsewhere("notes/b.md", "L4", SAYS, (17, 24), "2026-03-01", None)


def test_other_documents_that_agree_or_differ_are_named_below_the_citations() -> None:
    newer = dataclasses.replace(ELSEWHERE, source="notes/c.md", newer=True)
    older = dataclasses.replace(newer, date="2019-05-01T08:00:00", newer=False)
    also = (ELSEWHERE, dataclasses.replace(ELSEWHERE, locator="p. 2"))
    given = dataclasses.replace(ANSWER, also=also, differs=(ELSEWHERE, newer, older))
    rows = brain("ask", "how hot?", ask=given).stdout.splitlines()
    start = rows.index("also in notes/b.md:4, notes/b.md p. 2")
    assert rows[start + 1 : start + 5] == [
        "but notes/b.md:4 says “1,850 €”",
        "but notes/c.md:4 says “1,850 €” (newer, 2026-03-01)",
        "but notes/c.md:4 says “1,850 €” (older, 2019-05-01)",
        "",
    ]
    shape = json.loads(brain("ask", "how hot?", "--json", ask=given).stdout)
    assert len(shape["also"]) == 2
    assert shape["differs"][1] == {
        "source": "notes/c.md",
        "locator": "L4",
        "text": SAYS,
        "span": [17, 24],
        "date": "2026-03-01",
        "newer": True,
    }


def test_the_words_of_another_document_stay_in_their_line() -> None:
    words = "1\n[2] \x1b[2Jforged " + "x" * 200
    forged = dataclasses.replace(ELSEWHERE, text=words, span=(0, len(words)))
    given = dataclasses.replace(ANSWER, differs=(forged,))
    ran = brain("ask", "how hot?", terminal=True, ask=given)
    rows = re.sub("\x1b\\[[0-9;]*m", "", ran.stdout).splitlines()
    assert not [row for row in rows if row.startswith(("[2]", "forged", "x"))]
    assert "\x1b[2J" not in ran.stdout


def test_why_a_sentence_is_not_borne_out_is_for_those_who_want_it_explained() -> None:
    reason = "990 is not in the source"
    cited = dataclasses.replace(CITATION, verified=False, reason=reason)
    given = dataclasses.replace(ANSWER, citations=(cited,))
    assert "(not verified)" in brain("ask", "x", ask=given).stdout
    explained = brain("ask", "x", "--explain", ask=given).stdout
    assert f"(not verified: {reason})" in explained
    shape = json.loads(brain("ask", "x", "--json", ask=given).stdout)
    assert shape["citations"][0]["reason"] == reason


def test_json_holds_the_words_of_now_beside_the_state_of_before() -> None:
    quoted_at = dataclasses.replace(CITATION, answer_span=(6, 16))
    for sure, state in (("answered", "supported"), ("likely", "unsure"), (None, "")):
        given = dataclasses.replace(
            ANSWER, sure=sure, state=state or "not_found", citations=(quoted_at,)
        )
        shape = json.loads(brain("ask", "how hot?", "--json", ask=given).stdout)
        assert shape["schema"] == 2
        assert shape["state"] == given.state
        assert shape["answer_state"] == (sure or "not_found")
        (cited,) = shape["citations"]
        start, end = cited["answer_span"]
        assert cited["quote"][start:end] == "95 degrees"


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("supported", 0, "answered"),
        ("unsure", 0, "check these sources"),
        ("unrated", 0, "check these sources"),
        ("not_found", 3, "Not in your notes."),
        ("refused", 4, "refused by policy"),
        ("over_budget", 5, "over budget"),
        ("incomplete", 6, "incomplete: the answer broke off"),
    ],
)
def test_every_state_has_its_words_and_its_code(
    state: Any, code: int, words: str
) -> None:
    ran = brain(
        "ask",
        "x",
        ask=Answer("x", state, "text", passages=tuple(passage(n) for n in range(1, 6))),
    )
    assert ran.code == code
    assert words in ran.stdout
    assert (
        json.loads(brain("ask", "x", "--json", ask=Answer("x", state, "text")).stdout)[
            "state"
        ]
        == state
    )
    assert brain("ask", "x", "--json", ask=Answer("x", state, "text")).code == code


def test_not_in_your_notes_shows_the_nearest_three() -> None:
    ran = brain(
        "ask",
        "x",
        ask=Answer(
            "x", "not_found", "", passages=tuple(passage(n) for n in range(1, 6))
        ),
    )
    assert "3  Tea" in ran.stdout
    assert "4  Tea" not in ran.stdout


def test_with_a_citation_stands_its_heading_path_and_with_a_row_its_columns() -> None:
    row = dataclasses.replace(
        CITATION, quote="kettle | 40", heading=("Tea", "Costs"), columns="a | b"
    )
    given = dataclasses.replace(ANSWER, citations=(row,))
    assert brain("ask", "how hot?", ask=given).stdout.splitlines()[2:4] == [
        "[1] notes/tea1.md:12  Tea › Costs",
        "| (a | b) “kettle | 40”",
    ]
    (cited,) = json.loads(brain("ask", "x", "--json", ask=given).stdout)["citations"]
    assert (cited["heading"], cited["columns"]) == (["Tea", "Costs"], "a | b")


def test_a_quote_that_no_longer_stands_there_is_marked() -> None:
    shown = brain(
        "ask",
        "x",
        ask=dataclasses.replace(
            ANSWER, citations=(dataclasses.replace(CITATION, verified=False),)
        ),
    ).stdout
    assert "(not verified)" in shown


def test_an_answer_that_breaks_off_keeps_what_came() -> None:
    def ask(
        _question: str, *, say: Callable[[str, str], None], **_options: Any
    ) -> Answer:
        say("sentence", "It begins.")
        raise Incomplete("the model stopped answering", "try again, or --json")

    ran = brain("ask", "x", ask=ask)
    assert ran.code == 6
    assert ran.stdout == "| It begins.\n"
    assert ran.stderr == "brain: the model stopped answering\n  try again, or --json\n"


EPISODE = Episode(
    "e1e2e3e4e5e6e7e8",
    "2026-05-07T09:12:00+02:00",
    "chat",
    "What about the lease?",
    "Ana agreed.",
    people=("Ana",),
)


def test_recall_shows_when_who_and_the_words() -> None:
    near = Episode("f1", "2026-05-07T09:11:00+02:00", "chat", "Hello", "")
    result = Recalled(
        "lease",
        (Remembered(EPISODE, 0.8, before=(near,)),),
        since="2026-05-01",
        until="2026-05-31",
    )
    ran = brain(
        "recall",
        "lease",
        "--since",
        "last month",
        "--with",
        "Ana",
        "--kind",
        "chat",
        recall=result,
    )
    assert ran.stdout.splitlines() == [
        "between 2026-05-01 and 2026-05-31",
        "1  2026-05-07 09:12 chat with Ana e1e2e3",
        "   Hello",
        "   What about the lease?",
        "   Ana agreed.",
    ]
    request = Request("lease", scope=Scope(since="last month"))
    assert ran.called("recall") == [((request,), {"kind": "chat", "person": "Ana"})]
    shape = json.loads(brain("recall", "lease", "--json", recall=result).stdout)
    assert shape["episodes"][0]["id"] == "e1e2e3e4e5e6e7e8"
    assert shape["episodes"][0]["before"][0]["question"] == "Hello"


def test_recall_below_its_floor_shows_the_nearest_and_says_3() -> None:
    ran = brain(
        "recall", "zebra", recall=Recalled("zebra", (Remembered(EPISODE),), found=False)
    )
    assert ran.code == 3
    assert "nothing that fits well; the nearest:" in ran.stdout
    assert brain("recall", "zebra", recall=Recalled("zebra", found=False)).code == 3
    assert (
        brain(
            "recall",
            "zebra",
            recall=Recalled("zebra", found=False, degraded="no embedder"),
        ).code
        == 6
    )
    assert brain("recall", recall=Recalled("")).code == 2
    assert (
        brain(
            "recall", "--since", "2026", recall=Recalled("", (Remembered(EPISODE),))
        ).code
        == 0
    )

"""The print gate: what it lets through, whatever the text and however it is cut into pieces."""

from __future__ import annotations

import io
import itertools
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.doors.lines import (
    cell_width,
    columns,
    hanging,
    line,
    plain,
    short_ids,
    snippet,
    title,
)
from brain.doors.margin import Margin
from brain.doors.render import ANNOUNCEMENTS, BAR_AFTER, Out
from brain.doors.text import STRING_CHARS, Sanitiser, one_line, safe_text
from brain.errors import BrainError
from tests.fake_brain import Pipe, Terminal

HOSTILE = {
    "osc 52 clipboard": "a\x1b]52;c;ZXZpbA==\x07b",
    "osc 0 title": "a\x1b]0;owned\x07b",
    "osc 8 link": "a\x1b]8;;http://evil\x1b\\b\x1b]8;;\x1b\\",
    "csi clear": "a\x1b[2Jb",
    "csi colour": "\x1b[31ma\x1b[0mb",
    "csi private": "a\x1b[?1049hb",
    "dcs": "a\x1bPq#0;2;0\x1b\\b",
    "apc": "a\x1b_Gf=24\x1b\\b",
    "8-bit csi": "a\x9b2Jb",
    "8-bit osc": "a\x9d0;owned\x9cb",
    "reset": "a\x1bcb",
    "charset": "a\x1b(0b",
    "device status": "a\x1b[6nb",
    "bell": "a\x07b",
    "carriage return": "a\rb",
    "backspace": "a\x08b",
    "delete": "a\x7fb",
    "bidi override": "a\u202eb",
    "bidi isolate": "a\u2066b\u2069",
    "tag characters": "a\U000e0041\U000e0042b",
    "zero width": "a\u200bb",
    "nul": "a\x00b",
}
PIECES = st.sampled_from(
    [
        *HOSTILE.values(),
        "\x1b",
        "[",
        "]",
        "\\",
        "\x07",
        "\n",
        "\t",
        "m",
        ";",
        "1",
        "é",
        "茶",
        "\ud800",
        "\x9c",
        "P",
        "word ",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join))


def harmless(text: str) -> bool:
    """No control character but newline and tab, no C1, no bidi control, no tag character, no surrogate."""
    kinds = {
        unicodedata.category(char) for char in text if char not in "\n\t\u200c\u200d"
    }
    return not kinds & {"Cc", "Cs"} and not re.search(
        "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", text
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_sequences_go_and_the_words_stay(text: str) -> None:
    assert safe_text(text) == "ab"


def test_newline_tab_emoji_and_scripts_stay() -> None:
    text = "one\n\ttwo naïve 茶道 می‌خواهم 👩‍💻 [red]x[/red] :smile: # *"
    assert safe_text(text) == text


def test_a_surrogate_becomes_the_replacement_character() -> None:
    assert safe_text("a\udce9b") == "a\ufffdb"


def test_an_endless_sequence_cannot_hide_the_rest_of_a_note() -> None:
    assert safe_text("before \x1b]0;title\nafter") == "before ]0;title\nafter"
    assert safe_text("quote \x9dand the rest of it") == "quote and the rest of it"
    long = "x" * (STRING_CHARS + 10)
    assert safe_text(f"\x1b]{long}\x07").endswith(long)
    assert safe_text("\x1b[31\nnext") == "[31\nnext"


def test_an_escape_inside_a_string_starts_anew() -> None:
    assert safe_text("a\x1b]0;x\x1b[2Jb") == "a]0;xb"


@given(TEXTS)
def test_what_comes_out_is_harmless(text: str) -> None:
    safe = safe_text(text)
    assert harmless(safe)
    assert safe_text(safe) == safe


@given(TEXTS, st.lists(st.integers(0, 200)))
def test_any_split_gives_the_same_output(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    sanitiser = Sanitiser()
    pieces = [sanitiser.feed(text[a:b]) for a, b in itertools.pairwise(edges)]
    assert "".join(pieces) + sanitiser.finish() == safe_text(text)


@given(TEXTS)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@given(TEXTS)
def test_json_is_ascii_without_controls_and_round_trips(text: str) -> None:
    stdout = Pipe()
    Out(stdout, Pipe()).json({"text": text})
    assert re.fullmatch(r"[\x20-\x7e\n]*", stdout.getvalue())
    # A surrogate pair written as two lone ones is read back as the one character: JSON cannot tell them apart.
    assert json.loads(stdout.getvalue())["text"] == text.encode(
        "utf-16-le", "surrogatepass"
    ).decode("utf-16-le", "surrogatepass")


@pytest.mark.parametrize("terminal", [True, False])
def test_every_way_out_is_sanitised(terminal: bool) -> None:
    for hostile in HOSTILE.values():
        stdout, stderr = (Terminal(), Terminal()) if terminal else (Pipe(), Pipe())
        out = Out(stdout, stderr, environ={"NO_COLOR": "1"})
        out.print([hostile, ((hostile, "title"), (hostile, ""))])
        out.say(hostile)
        out.stream(hostile)
        out.end_stream()
        out.progress(ANNOUNCEMENTS[0] + hostile, 0, 0)
        assert stdout.getvalue() == "ab\nabab\n| ab\n"
        assert stderr.getvalue() == "ab\nab\n"


@given(st.lists(TEXTS, max_size=5), st.integers(20, 60))
def test_no_row_of_somebody_else_is_without_its_margin_or_wider_than_the_terminal(
    texts: list[str], width: int
) -> None:
    margin = Margin()
    shown = "".join(margin.feed(safe_text(text), width) for text in texts)
    rows = (shown + margin.finish()).split("\n")
    assert rows.pop() == ""
    assert all(row.startswith("|") for row in rows)
    assert max(map(cell_width, rows), default=0) <= width
    words = "".join(row[2:] for row in rows)
    assert "".join(words.split()) == "".join("".join(map(safe_text, texts)).split())


@given(TEXTS, st.lists(st.integers(0, 200)))
def test_the_margin_is_the_same_however_the_text_is_cut(
    text: str, cuts: list[int]
) -> None:
    text = safe_text(text)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    margin, whole = Margin(), Margin()
    shown = "".join(margin.feed(text[a:b], None) for a, b in itertools.pairwise(edges))
    assert shown == whole.feed(text, None)


def streamed(
    text: str, answer: str, *, terminal: bool = True, environ: str = "xterm"
) -> str:
    """What is shown of a text with an answer in it."""
    stdout = Terminal() if terminal else Pipe()
    start = text.index(answer)
    out = Out(stdout, Pipe(), environ={"TERM": environ})
    out.stream(text, (start, start + len(answer)))
    out.end_stream()
    return stdout.getvalue()


def test_an_answer_is_bold_in_a_terminal_and_plain_elsewhere() -> None:
    text = "“It ends on 28 February 2029.” [1]"
    answer = "28 February 2029"
    bold = f"\x1b[1m{answer}\x1b[0m"
    assert streamed(text, answer) == f"| {text.replace(answer, bold)}\n"
    assert streamed(text, answer, terminal=False) == f"| {text}\n"
    assert streamed(text, answer, environ="dumb") == f"| {text}\n"


def test_an_answer_over_two_rows_leaves_the_margin_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "14")
    shown = streamed("It ends on 28 May 2029.", "28 May 2029")
    rows = ["| It ends on ", "| \x1b[1m28 May 2029\x1b[0m.", ""]
    assert shown.split("\n") == rows
    shown = streamed("It is red and blue.", "red and blue")
    rows = ["| It is \x1b[1mred \x1b[0m", "| \x1b[1mand blue\x1b[0m.", ""]
    assert shown.split("\n") == rows


def test_no_text_forges_an_answer() -> None:
    for forged in ("\x02free\x03", "\x1b[1mfree\x1b[0m", "[bold]free[/bold]"):
        shown = streamed(f"It is {forged}, or 5 €.", "5 €")
        assert shown.count("\x1b[1m") == 1
        assert "\x1b[1m5 €\x1b[0m" in shown
        assert not re.search("[\x02\x03]", shown)


@given(TEXTS, st.integers(0, 200), st.integers(0, 200))
def test_an_answer_anywhere_changes_no_word(text: str, one: int, other: int) -> None:
    start, end = sorted((one % (len(text) + 1), other % (len(text) + 1)))
    stdout, plain_out = Terminal(), Pipe()
    for stream, place in ((stdout, (start, end)), (plain_out, None)):
        out = Out(stream, Pipe(), environ={"TERM": "xterm"})
        out.stream(text, place)
        out.end_stream()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", stdout.getvalue())
    assert harmless(shown)
    assert "".join(shown.replace("|", "").split()) == "".join(
        plain_out.getvalue().replace("|", "").split()
    )


def test_a_long_word_and_a_wide_one_are_cut_at_the_edge() -> None:
    margin = Margin()
    assert (
        margin.feed("x" * 12 + "\n茶茶茶茶", 8) == "| xxxxxx\n| xxxxxx\n| 茶茶茶\n| 茶"
    )
    assert margin.feed(" end\n\nof it", 8) == " end\n|\n| of it"


def test_rich_markup_and_emoji_codes_are_text() -> None:
    stdout = Terminal()
    text = "[link=http://evil]x[/link] [/nope] a[red] :smile: 123 'quoted'"
    Out(stdout, Pipe(), environ={"TERM": "xterm"}).print([line(title(text), " ", text)])
    shown = stdout.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == f"{text} {text}\n"
    assert "\x1b]8" not in shown
    assert "\x1b[1m" in shown


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    for stream, environ, coloured in (
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Pipe(), {"TERM": "xterm"}, False),
    ):
        Out(stream, Pipe(), environ=environ).print([title("title")])
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_long_line_is_not_wrapped_by_us() -> None:
    stdout = Terminal()
    Out(stdout, Pipe(), environ={"TERM": "xterm"}).print([title("word " * 100)])
    assert stdout.getvalue().count("\n") == 1


class Clock:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_bar_waits_a_second_and_clears_itself() -> None:
    clock, stderr, stdout = Clock(), Terminal(), Pipe()
    out = Out(stdout, stderr, environ={"TERM": "xterm"}, clock=clock)
    out.progress("embedding\x1b[2J", 1, 8000)
    assert stderr.getvalue() == ""
    clock.now += BAR_AFTER + 0.1
    out.progress("embedding", 1204, 8000)
    shown = stderr.getvalue()
    assert "embedding" in shown
    assert "1,204 of 8,000" in shown
    assert "\x1b[2J" not in shown
    out.print(["done"])
    assert stdout.getvalue() == "done\n"
    assert stderr.getvalue().endswith("\x1b[2K")


def test_no_bar_when_nobody_watches() -> None:
    clock, stderr = Clock(), Pipe()
    out = Out(Pipe(), stderr, clock=clock)
    out.progress("embedding", 1, 2)
    clock.now += 5
    out.progress("embedding", 2, 2)
    out.progress_bytes("pull", 2, 2)
    assert stderr.getvalue() == ""


def test_bytes_of_a_download_are_said_as_a_person_says_them() -> None:
    clock, stderr = Clock(), Terminal()
    out = Out(Pipe(), stderr, environ={"TERM": "xterm"}, clock=clock)
    out.progress_bytes("nomic-embed-text", 0, 274 * 2**20)
    clock.now += 2
    out.progress_bytes("nomic-embed-text", 137 * 2**20, 274 * 2**20)
    out.flush()
    assert "137 MB of 274 MB (50%)" in stderr.getvalue()


class Broken(Pipe):
    """A pipe whose reader went away, or a disk that is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_a_closed_pipe_ends_quietly_and_a_full_disk_is_said() -> None:
    with pytest.raises(SystemExit) as stop:
        Out(Broken(BrokenPipeError()), Pipe()).print(["x"])
    assert stop.value.code == 0
    Out(Pipe(), Broken(BrokenPipeError())).say("nobody listens")
    with pytest.raises(BrainError, match="No space left"):
        Out(Broken(OSError(28, "No space left on device")), Pipe()).print(["x"])


def test_characters_that_the_stream_cannot_write_are_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    out = Out(stream, Pipe())
    out.print(["naïve 茶"])
    out.flush()
    assert raw.getvalue() == b"na?ve ?\n"


def test_the_snippet_is_where_the_words_are() -> None:
    text = (
        "filler words here. " * 30
        + "The landlord promised a new boiler by March. "
        + "more filler. " * 30
    )
    shown = snippet(text, "what did the LANDLORD promise", width=60)
    assert len(shown) == 2
    assert "landlord" in "".join(plain(row) for row in shown)
    assert ("landlord", "match") in [span for row in shown for span in row]
    assert ("promised", "match") in [span for row in shown for span in row]


def test_snippets_fold_accents_and_find_two_character_chinese() -> None:
    assert ("naïve", "match") in snippet("a naïve plan", "naive", width=60)[0]
    assert any(
        style
        for row in snippet("我喜欢喝红茶和咖啡", "红茶", width=60)
        for _text, style in row
    )


def test_short_ids_are_six_characters_or_as_many_as_tell_them_apart() -> None:
    ids = ["a1b2c3d4", "a1b2c3ff", "b0b0b0b0", "abc"]
    assert short_ids(ids) == {
        "a1b2c3d4": "a1b2c3d",
        "a1b2c3ff": "a1b2c3f",
        "b0b0b0b0": "b0b0b0",
        "abc": "abc",
    }


def test_columns_line_up_with_wide_characters() -> None:
    rows = [plain(row) for row in columns([("茶", "x"), ("tea", "y")])]
    assert rows == ["茶   x", "tea  y"]


def test_a_line_that_hangs_never_goes_on_at_the_first_column() -> None:
    stdout = Terminal()
    out = Out(stdout, Terminal(), environ={"TERM": "xterm", "NO_COLOR": "1"})
    long = line(title("1  ", "a title 茶茶 of words " * 9, "x" * 200))
    out.print([hanging(long)])
    first, *others = stdout.getvalue().splitlines()
    assert first.startswith("1  a title")
    assert others
    assert all(row.startswith("   ") and row[3] != " " for row in others)
    assert max(map(cell_width, (first, *others))) <= out.width
    said = stdout.getvalue().replace("\n", "").replace(" ", "")
    assert said == plain(long).replace(" ", ""), "nothing is lost"
    piped = Pipe()
    Out(piped, Pipe(), environ={}).print([hanging(long)])
    assert piped.getvalue() == plain(long) + "\n"

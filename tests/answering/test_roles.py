"""What is quoted, and what is not: headings, fences, greetings, bare keys, names of columns, and another's doing."""

import pytest

from brain.answering import Quote, extract
from brain.answering.subject import elsewhere
from brain.text import Question
from brain.text.roles import roles
from brain.text.sheet import sheet
from brain.types import Passage, Texts

NOTE = """# Flat in Wharf Lane

Dear Mrs Doyle,

The landlord is Mr Brandt.

## What **we** promised

- We paint the kitchen and the landlord pays for it.
- Keep the garden in order.

## What the landlord promised

He repairs the boiler before October.
New windows in spring.

Papers
======

aliases:
- the flat

| thing | price |
|---|---|
| kettle | 40 |
| toaster | 30 |

```md
brew tea
```

**The deposit:**

40 euro.

Best regards,
Ana Wu
"""


def passage(
    text: str, heading: Texts = (), title: str = "Lease", source: str = "lease.md"
) -> Passage:
    return Passage(
        "p1", "d1", source, "L1-40", title, heading, text, None, 0, len(text), 40
    )


def quotes(question: str, *passages: Passage) -> list[Quote]:
    return extract(Question(question), passages)


def kinds(text: str, **more: str) -> dict[str, str]:
    note = passage(text, **more)
    statements = sheet(text).statements
    known = roles(note, statements)
    return {one.text: role.kind for one, role in zip(statements, known, strict=True)}


def test_every_line_of_a_note_has_its_role() -> None:
    found = kinds(NOTE)
    apart = {text: kind for text, kind in found.items() if kind != "said"}
    assert apart == {
        "# Flat in Wharf Lane": "heading",
        "Dear Mrs Doyle,": "greeting",
        "## What **we** promised": "heading",
        "## What the landlord promised": "heading",
        "Papers": "heading",
        "aliases:": "key",
        "| thing | price |": "columns",
        "```md": "fence",
        "**The deposit:**": "heading",
        "Best regards,": "greeting",
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi Ana,", "greeting"),
        ("Hello everyone!", "greeting"),
        ("Dear Dr. Wu,", "greeting"),
        ("Sehr geehrte Damen und Herren,", "greeting"),
        ("Estimada señora Quintero,", "greeting"),
        ("Kind regards, Ana", "greeting"),
        ("Mit freundlichen Grüßen", "greeting"),
        ("Hi Ana, the boiler is fixed: it was the pump.", "said"),
        ("Dear me, what a week that was. It rained.", "said"),
        ("Love is all you need.", "said"),
        ("tags: [a, b]", "said"),
        ("tags: [", "key"),
        ("- **Deposit**:", "key"),
        ("phone: +34 600 123 456", "said"),
        ("It was said at 12:30", "said"),
        ("~~~python", "fence"),
        ("#tag is no heading", "said"),
        ("The sum is 40 | the rest is 50", "said"),
    ],
)
def test_one_line_has_its_role(text: str, kind: str) -> None:
    assert set(kinds(f"{text}\n\nMore is said here.").values()) - {"said"} == (
        {kind} - {"said"}
    )


def test_a_name_that_the_document_gives_as_heading_is_one_without_marks() -> None:
    text = "Costs\n\nThe kettle was 40 euro.\n"
    note = passage(text, heading=("Kitchen", "Costs"))
    assert [role.kind for role in roles(note, sheet(text).statements)] == [
        "heading",
        "said",
    ]
    assert roles(note, sheet(text).statements)[1].path == ("Kitchen", "Costs")


def test_the_rows_of_the_next_sheet_have_its_own_columns() -> None:
    text = "Quarter | Member | Paid\nQ1 | Olsen | 12\n\nWho | Time\nIda | 51:05\n\nBo | 3:30\n"
    whole = passage(text, title="Dues", source="dues.xlsx")
    read = roles(whole, sheet(text).statements)
    found = [(role.kind, role.columns) for role in read]
    assert found == [
        ("columns", ""),
        ("said", "Quarter | Member | Paid"),
        ("columns", ""),
        ("said", "Who | Time"),
        ("said", "Who | Time"),
    ]


@pytest.mark.parametrize(
    ("source", "text", "heading", "columns"),
    [
        ("a.md", "| a | b |\n|---|---|\n| kettle | 40 |", (), "a | b"),
        ("a.html", "a | b\nkettle | 40", (), "a | b"),
        ("a.csv", "a,b\nkettle,40", (), "a,b"),
        ("a.md", "| pot | 30 |\n| kettle | 40 |", ("Kitchen", "a | b"), "a | b"),
        ("a.html", "pot | 30\nkettle | 40", (), ""),
    ],
)
def test_a_row_is_quoted_with_the_names_of_its_columns(
    source: str, text: str, heading: Texts, columns: str
) -> None:
    note = passage(text, heading=heading, source=source)
    (quote,) = quotes("how much was the kettle", note)[:1]
    assert "kettle" in quote.text
    assert quote.columns == columns
    assert quote.heading == heading[:1]


@pytest.mark.parametrize(
    "question",
    [
        "what did the landlord promise",
        "What has the landlord promised?",
        "what are the landlord's promises",
        "what was promised by the landlord",
        "which promises did the landlord make",
    ],
)
def test_the_sentence_after_the_heading_that_matches_answers(question: str) -> None:
    found = quotes(question, passage(NOTE))
    assert found[0].text == "He repairs the boiler before October."
    assert found[0].heading == ("Flat in Wharf Lane", "What the landlord promised")
    assert not any("We paint" in quote.text for quote in found)


def test_what_we_promised_is_not_what_the_landlord_promised() -> None:
    found = quotes("what did we promise the landlord?", passage(NOTE))
    assert found[0].text.startswith("- We paint the kitchen")
    assert not any("boiler" in quote.text for quote in found)
    ours = "## What **we** promised\n\n- The landlord gets the rent on the 3rd.\n"
    assert quotes("what did the landlord promise", passage(ours)) == []
    listed = "We promised:\n\n- The landlord gets the rent on the 3rd.\n"
    assert quotes("what did the landlord promise", passage(listed)) == []
    under = passage("The landlord gets the rent.", heading=("What we promised",))
    assert quotes("what did the landlord promise", under) == []


@pytest.mark.parametrize(
    ("question", "sentence", "headings", "away"),
    [
        ("what did the landlord promise", "Heat.", ["What the tenant promised"], True),
        ("what did the landlord promise", "Heat.", ["Promised by us"], True),
        ("what did the landlord promise", "Heat.", ["Promised by the landlord"], False),
        ("what did the landlord promise", "Heat.", ["Repairs promised"], False),
        ("what did the landlord promise", "Heat.", ["What Mr Brandt promised"], False),
        ("what did the landlord promise", "We promised heat.", [], True),
        ("what did the landlord promise", "He promised heat.", [], False),
        ("what did we promise", "Heat.", ["What the landlord promised"], True),
        ("what did we promise", "Heat.", ["Our promises"], False),
        ("what did we promise the landlord", "The landlord promised heat.", [], True),
        ("what did Ana Wu say", "Ana said it.", ["What we said"], False),
        ("what did Ana say", "Ben leaves with Ana.", ["Things Ben said"], True),
        ("what did Ana say", "We leave at six.", ["Things Ana said"], False),
        ("what did Ana say", "We leave at six.", ["What was said"], False),
        ("what did Ana promise", "Heat.", ["Repairs promised"], False),
        ("how much did Mei's tin cost", "Mei brought me a tin.", [], False),
        ("how hot is the tea", "We drink tea.", ["Our tea"], False),
        ("when does it end", "We end in May.", [], False),
    ],
)
def test_whose_doing_a_sentence_tells_of(
    question: str, sentence: str, headings: list[str], away: bool
) -> None:
    assert elsewhere(question, sentence, headings) is away


LANDLORD = "what did the landlord promise"


@pytest.mark.parametrize(
    ("question", "sentence", "headings", "away"),
    [
        (LANDLORD, "Landlord (10:32): Of course we promise heat.", [], False),
        (LANDLORD, "Ana (10:32): We promise to paint.", [], True),
        (LANDLORD, "[10:32] Tenant: We promise to paint.", [], True),
        (LANDLORD, "[2026-05-07 10:32] <landlord> we promise heat", [], False),
        (LANDLORD, "07/05/2026, 10:32 - Ana Wu: I promise paint.", [], True),
        (LANDLORD, "**Ana**: We promise to paint.", [], True),
        (LANDLORD, "- Landlord: we do promise heat", [], False),
        (LANDLORD, "We do promise heat.", ["Landlord:", "Chat"], False),
        (LANDLORD, "We do promise heat.", ["Ana:", "Chat"], True),
        (LANDLORD, "Ana: we will paint the kitchen.", [], True),
        (LANDLORD, "Landlord: we will mend the boiler.", [], False),
        (LANDLORD, "Celeste: I will mend it.", ["Chat with the landlord"], False),
        (LANDLORD, "Ana: the landlord promised us heat.", [], False),
        (LANDLORD, "Ana: the boiler is cold.", [], False),
        (LANDLORD, "We will paint the kitchen.", [], False),
        ("what did Ben say", "Ana: I think it rains.", [], True),
        ("what did Ben say", "Ana: Ben says I may.", [], False),
        ("what did Ben promise", "Ana (10:32): Thanks.", ["Chat with Ben"], True),
        ("what did Ben promise", "Ana (10:32): Ben brings it.", [], False),
        ("what did Ben promise", "It comes at six.", ["Ana:", "Chat"], True),
        ("what did Ben promise", "It comes at six.", ["Ben:", "Chat"], False),
        ("what did we promise the landlord", "Landlord: we promise heat.", [], True),
        ("what did we promise the landlord", "Landlord: we will heat.", [], True),
        ("what did we promise the landlord", "Landlord: Good.", [], True),
        ("what did we promise the landlord", "Ana: we promise paint.", [], False),
        ("what did we decide about the boiler", "Boiler: we decide in May.", [], False),
        ("what did she promise", "Ana: I will paint.", [], False),
        ("what did Tom promise", "From: Tom Ashby <tom@example.org>", [], True),
        ("who did Tom write to", "To: Ana <ana@example.org>", [], False),
    ],
)
def test_we_in_a_turn_is_who_speaks(
    question: str, sentence: str, headings: list[str], away: bool
) -> None:
    assert elsewhere(question, sentence, headings) is away


CHAT = """[10:31] Tenant: We promise to paint the kitchen. We promise it for May.
[10:32] Landlord: Good. Then we promise a new boiler.
It comes in June.
[10:33] Tenant: Thank you.

The kitchen was painted.
"""


def test_what_goes_on_in_a_turn_is_said_by_who_began_it() -> None:
    whole = passage(CHAT, title="Flat")
    read = roles(whole, sheet(CHAT).statements)
    assert [role.path for role in read] == [
        (),
        ("Tenant:",),
        (),
        ("Landlord:",),
        ("Landlord:",),
        (),
        (),
    ]
    found = {quote.text for quote in quotes("what did the landlord promise", whole)}
    assert "Then we promise a new boiler." in found
    assert not any("May" in text or "kitchen. " in text for text in found)


def test_a_property_and_a_line_of_a_log_begin_no_turn() -> None:
    properties = "Where: Office. Bring cake.\nWhen: Friday.\n"
    text = f"{properties}\n10:31 ERROR: no disk. Stopped.\n"
    assert {role.path for role in roles(passage(text), sheet(text).statements)} == {()}


@pytest.mark.parametrize("word", ["SkyScan", "# SkyScan", "**SkyScan**", "skyscan:"])
def test_the_name_alone_of_what_is_asked_about_is_no_quote(word: str) -> None:
    text = f"{word}\n\nIt is a service that finds cheap flights.\n"
    found = quotes("What is SkyScan?", passage(text, title="Notes"))
    assert [quote.text for quote in found] == [
        "It is a service that finds cheap flights."
    ]


def test_nothing_that_can_be_quoted_gives_no_quote() -> None:
    assert quotes("aliases", passage("aliases:\n\n```md\n```\n# Aliases\n")) == []


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("meter.csv", "said"),
        ("run.txt", "said"),
        ("bin/rotate-keys", "said"),
        ("app/Makefile", "said"),
        ("app/Dockerfile", "said"),
        ("deploy.tf", "said"),
        ("notes.md", "heading"),
        ("notes.org", "heading"),
        ("note:4f2a", "heading"),
    ],
)
def test_a_comment_of_a_table_or_a_script_says_something(
    source: str, kind: str
) -> None:
    text = "day,kWh\n# feed-in 8.03 ct, we pay 31.4 ct\n"
    whole = passage(text, source=source)
    assert roles(whole, sheet(text).statements)[1].kind == kind


def test_a_heading_in_a_plain_text_stays_one() -> None:
    text = "# Kitchen\nThe kettle is new.\n"
    whole = passage(text, source="notes.txt")
    assert roles(whole, sheet(text).statements)[0].kind == "heading"

"""Is a written sentence borne out by what it cites? Swapped citations, changed figures, names, dates and negations."""

import random
import re

import pytest

from brain.answering.claims import checked
from brain.answering.quotation import quoted
from brain.answering.verify import holds, verify
from brain.types import Passage

# Facts of the sample kind: every sentence differs in who, what, when and how much.
PEOPLE = "Ana Ben Carla Dev Elif Femi Greta Hugo Ines Jonas Kira Liam Maya Nils Olga Pavel Quinn Rosa Sven Tara".split()
THINGS = (
    "bicycle|kitchen stove|garden fence|winter coat|piano lesson|train ticket|roof repair|language course|camera lens|"
    "dentist visit|sailing trip|bread oven|window frame|guitar strap|chess club|tent pole|solar panel|wine cellar|"
    "museum pass|water heater"
).split("|")
PLACES = "Lisbon Oslo Prague Vienna Turin Ghent Malmo Porto Basel Leeds".split()
MONTHS = "January February March April May June July August September October".split()


def facts(seed: int) -> list[Passage]:
    """Twenty passages of three sentences, each about its own thing, person, place, month and amount."""
    dice = random.Random(seed)
    made = []
    for number, (person, thing) in enumerate(zip(PEOPLE, THINGS, strict=True)):
        place, month = dice.choice(PLACES), dice.choice(MONTHS)
        text = (
            f"{person} paid {dice.randint(20, 990)} euros for the {thing} in {place}. "
            f"The {thing} was ordered on {dice.randint(2, 28)} {month} 2025 and came {dice.randint(30, 90)} days later. "
            f"Nobody complained about the {thing}, but the invoice number {dice.randint(1000, 9999)} was lost."
        )
        made.append(
            Passage(
                f"p{number}",
                f"d{number}",
                f"{number}.md",
                "L1",
                thing.title(),
                (),
                text,
                None,
                0,
                len(text),
                50,
            )
        )
    return made


def sentences_of(passage: Passage) -> list[str]:
    return re.findall(r"[^.]+\.", passage.text)


def shortened(text: str, dice: random.Random) -> str:
    """The sentence with some of its small words gone, as a model would tighten it."""
    return " ".join(
        w
        for w in text.split()
        if w.lower() not in {"the", "was", "and", "a"} or dice.random() < 0.5
    )


def changed(text: str, dice: random.Random) -> str:
    number = dice.choice(list(re.finditer(r"\d+", text)))
    other = str(int(number.group()) + dice.randint(1, 9))
    return text[: number.start()] + other + text[number.end() :]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_swapped_citations_and_changed_figures_are_caught_and_the_truth_is_not(
    seed: int,
) -> None:
    dice = random.Random(seed)
    passages = facts(seed)
    swapped, figures, true = [], [], []
    for passage in passages:
        other = dice.choice([p for p in passages if p is not passage])
        for claim in (
            shortened(sentence.strip(), dice) for sentence in sentences_of(passage)
        ):
            true.append(bool(_wrong(claim, passage)))
            swapped.append(bool(_wrong(claim, other)))
            figures.extend(
                [bool(_wrong(changed(claim, dice), passage))]
                if re.search(r"\d", claim)
                else []
            )
    assert sum(swapped) / len(swapped) >= 0.95
    assert sum(figures) / len(figures) >= 0.95
    assert sum(true) / len(true) <= 0.05


def _wrong(claim: str, passage: Passage) -> tuple[str, ...]:
    support = verify(claim, passage)
    return support.reasons if support else ("no sentence",)


LEASE = Passage(
    "p1",
    "d1",
    "lease.md",
    "L12-15",
    "Lease",
    (),
    "The rent is 1,250 euros.\nAna Lopez signed the lease in Lisbon.\nThe deposit of 2,500 euros was paid on 2026-03-02.\n"
    "Pets are not allowed in the flat.",
    "2026-03-02",
    0,
    160,
    40,
    before="Earlier: the agent was Ben Hart.",
)


@pytest.mark.parametrize(
    "claim",
    [
        "The rent is 1250 euros.",
        "The rent is €1,250.00.",
        "Ana Lopez signed it in Lisbon.",
        "The deposit of 2,500 euros was paid on 2 March 2026.",
        "Pets are not allowed.",
        "According to the notes, the rent is 1,250 euros.",
    ],
)
def test_a_true_sentence_passes(claim: str) -> None:
    assert _wrong(claim, LEASE) == ()


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("The rent is 1,350 euros.", "1350"),
        ("The rent is 2,500 euros.", "2500"),
        ("Carla Lopez signed the lease in Lisbon, and Carla Gomez too.", "carla"),
        ("The deposit of 2,500 euros was paid on 2 May 2026.", "month 5"),
        ("Pets are allowed in the flat.", "opposite"),
        ("The agent was Ben Hart.", "words"),
        ("The boiler is old and noisy.", "words"),
    ],
)
def test_a_false_sentence_is_told_why(claim: str, reason: str) -> None:
    assert any(reason in said for said in _wrong(claim, LEASE))


def test_the_quote_is_the_line_that_bears_the_claim_out_and_is_read_again() -> None:
    support = verify("Ana Lopez signed in Lisbon.", LEASE)
    assert support is not None
    assert (support.quote, support.locator) == (
        "Ana Lopez signed the lease in Lisbon.",
        "L13",
    )
    assert holds(support, lambda _id, start, end: LEASE.text[start:end])
    assert not holds(
        support, lambda _id, start, end: LEASE.text.replace("Ana", "Eva")[start:end]
    )
    assert not holds(support, lambda _id, _start, _end: "")


def test_a_line_of_a_conversation_is_read_with_the_lines_around_it() -> None:
    turn = Passage(
        "p3",
        "d3",
        "chat.md",
        "L2",
        "Chat",
        (),
        "Ana: Yes, on Friday.",
        None,
        0,
        20,
        6,
        before="Ben: Shall we sign the lease with the landlord?",
    )
    support = verify("Ana agreed to sign the lease on Friday.", turn)
    assert support is not None
    assert support.reasons == ()


def test_nothing_written_nothing_supported() -> None:
    assert verify("The rent is 1,250 euros.", note("p9", "---")) is None


def note(name: str, text: str) -> Passage:
    return Passage(
        name, name, f"{name}.md", "L1", name.title(), (), text, None, 0, len(text), 9
    )


TRIP = note("trip", "The hotel in Oslo cost 120 euros.")
TRUE = note("contract", "The deposit is 40 euro. It is due in May.")
POISONED = note("mail", "The deposit is 50 euro. Pets are allowed in the flat.")
NOTES = [LEASE, TRIP, TRUE, POISONED]


@pytest.mark.parametrize(
    ("sentence", "verdicts"),
    [
        # Each citation alone: the figure of one note is not that of the other.
        ("The deposit is 50 euro [3][4].", {3: False, 4: True}),
        ("The deposit is 50 euro [4][3].", {3: False, 4: True}),
        ("The deposit is 50 euro [4] [3].", {3: False, 4: True}),
        ("The deposit, 50 euro, is due in May [3][4].", {3: False, 4: True}),
        ("The deposit is due in May and is 50 euro [3][4].", {3: False, 4: True}),
        ("Fifty euro is the deposit [3][4].", {3: False, 4: True}),
        # A figure counts from the note cited for it.
        (
            "The deposit is 40 euro [3] and the hotel cost 120 euros [2].",
            {3: True, 2: True},
        ),
        (
            "The deposit is 120 euros [3] and the hotel cost 40 euro [2].",
            {3: False, 2: False},
        ),
        ("[3] says 40 euro, [4] says 50 euro.", {3: True, 4: True}),
        ("[3] says 50 euro, [4] says 40 euro.", {3: False, 4: False}),
        # A sentence that joins two notes stands on both.
        (
            "The rent is 1,250 euros and the hotel in Oslo cost 120 euros [1][2].",
            {1: True, 2: True},
        ),
        (
            "The rent is 1,250 euros and the hotel in Oslo cost 130 euros [1][2].",
            {1: False, 2: False},
        ),
        # Quotation marks are a promise of their own.
        ("The note says: “Pets are allowed in the flat.” [4]", {4: True}),
        ("The note says: “Pets are allowed in the flat.” [3]", {3: False}),
        ("The note says: “Pets are allowed in the flat.” [3][4]", {3: False, 4: True}),
        ('It says "the deposit is due in May" [3].', {3: False}),
        ('It says "the deposit … is due in May" [3].', {3: True}),
        ("It says „Pets are allowed“, the deposit being 50 euro [4].", {4: True}),
        ("The deposit is «40 euro» [3].", {3: True}),
        ("The deposit is “4 euro” or “0 euro” [3].", {3: False}),
    ],
)
def test_each_citation_is_verified_alone(
    sentence: str, verdicts: dict[int, bool]
) -> None:
    found = checked(sentence, NOTES)
    assert {one.number: one.good for one in found} == verdicts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "“one” and ‘two words’ and 'three of them'",
            ["one", "two words", "three of them"],
        ),
        ("the tenants' rent, the owners' house, it's", []),
        ("“It goes on. And", ["It goes on. And"]),
        ("and here it ends.” So", ["and here it ends."]),
        ('5" of rain', []),
    ],
)
def test_what_stands_in_quotation_marks(text: str, words: list[str]) -> None:
    assert quoted(text) == words

"""Folders that are probably confidential, by the words of their documents: applications, accounts, contracts, medicine.

A proposal, which a person answers: nothing is labelled by it. A document speaks of a matter when it holds several of
its words; a folder is proposed when enough of its documents do, or when it is called so. Leaves out looking the words
up (`brain.store.labels`) and asking. Serves `brain label folders`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from brain.types import Texts
from ingest.terms import stem, tokens

# Matter -> words and phrases of its documents, in English, German, French and Spanish. Words that one letter in ten
# holds (party, budget, treatment) count no more than the others: several have to come together.
MATTERS: Mapping[str, Texts] = {
    "grant applications": (
        "grant",
        "grant agreement",
        "funding",
        "applicant",
        "co-applicant",
        "work package",
        "principal investigator",
        "budget justification",
        "call for proposals",
        "Förderantrag",
        "Antragsteller",
        "Drittmittel",
        "Arbeitspaket",
        "Zuwendung",
        "subvention",
        "subvención",
    ),
    "accounts": (
        "invoice",
        "bank account",
        "account number",
        "opening balance",
        "closing balance",
        "tax return",
        "payslip",
        "salary",
        "net pay",
        "VAT",
        "IBAN",
        "Rechnungsnummer",
        "Kontoauszug",
        "Steuererklärung",
        "Gehaltsabrechnung",
        "Mehrwertsteuer",
        "facture",
        "relevé de compte",
        "factura",
        "extracto bancario",
    ),
    "contracts": (
        "hereby agree",
        "contracting party",
        "governing law",
        "termination",
        "liability",
        "indemnify",
        "confidentiality",
        "non-disclosure",
        "tenant",
        "landlord",
        "lessee",
        "Vertragspartner",
        "Kündigungsfrist",
        "Haftung",
        "Mieter",
        "Vermieter",
        "contrat",
        "contrato",
        "résiliation",
    ),
    "medical letters": (
        "diagnosis",
        "patient",
        "medication",
        "symptoms",
        "referral",
        "prescription",
        "blood pressure",
        "follow-up appointment",
        "dear colleague",
        "Diagnose",
        "Befund",
        "Arztbrief",
        "Anamnese",
        "Überweisung",
        "Blutdruck",
        "ordonnance",
        "diagnostic",
        "diagnóstico",
        "receta",
    ),
}
WORDS_TOGETHER = 3  # of one matter in a document: with two, one private letter in ten would speak of something
SHARE = 0.2  # of the documents of a folder that speak of one matter
WORDS_SHOWN = 4
# Names of folders that say it themselves.
NAMES = frozenset(
    map(
        stem,
        """
        grant application funding invoice account bank tax payroll salary contract lease legal medical health doctor
        förderantrag antrag rechnung konto bank steuer gehalt vertrag miete arzt gesundheit befund
        facture impôt contrat santé factura banco contrato salud
        """.split(),
    )
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Why a folder is proposed: the matter, and the words that said so."""

    matter: str
    words: Texts


def every_word() -> list[str]:
    """All words and phrases that have to be looked up."""
    return [word for words in MATTERS.values() for word in words]


def proposal(
    folder: str, documents: Collection[str], holding: Mapping[str, Collection[str]]
) -> Proposal | None:
    """Whether a folder is proposed. `documents`: ids of those in it; `holding`: word -> ids of those that hold it.

    >>> held = {"tenant": {"a"}, "landlord": {"a"}, "liability": {"a"}}
    >>> proposal("/n/flat", {"a", "b"}, held)
    Proposal(matter='contracts', words=('liability', 'tenant', 'landlord'))
    """
    name = PurePosixPath(folder).name
    called = [word for word in tokens(name) if stem(word) in NAMES]
    if called:
        return Proposal("its name", tuple(called))
    for matter, words in MATTERS.items():
        speaking = _speaking(words, documents, holding)
        if speaking and len(speaking) >= SHARE * len(documents):
            return Proposal(matter, _telling(words, speaking, holding))
    return None


def _speaking(
    words: Sequence[str],
    documents: Collection[str],
    holding: Mapping[str, Collection[str]],
) -> set[str]:
    """The documents that hold several of these words."""
    counts: Counter[str] = Counter()
    inside = set(documents)
    for word in words:
        counts.update(inside.intersection(holding.get(word, ())))
    return {name for name, count in counts.items() if count >= WORDS_TOGETHER}


def _telling(
    words: Sequence[str], speaking: set[str], holding: Mapping[str, Collection[str]]
) -> Texts:
    """Those that most of these documents hold."""
    counts = {word: len(speaking.intersection(holding.get(word, ()))) for word in words}
    found = [word for word in words if counts[word]]
    found.sort(key=lambda word: -counts[word])
    return tuple(found[:WORDS_SHOWN])

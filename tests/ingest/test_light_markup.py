"""Org, reStructuredText, AsciiDoc and manual pages: titles, headings, tags and dates, and what looks like one and is none."""

from __future__ import annotations

import pytest

from ingest.reading import Reading
from tests.ingest.reading_support import read, text_of

ORG = """:PROPERTIES:
:ID: 0451-aa
:ROAM_ALIASES: "Flat contract" lease
:END:
#+TITLE: Lease of the flat
#+DATE: [2026-03-04 Wed]
#+FILETAGS: :home:legal:

* Deposit :money:
Three months, see [[file:bank.org][the bank]] and [[id:77][a note]].
** TODO [#A] Return
* DONE Keys
#+BEGIN_SRC sh
* nor this
#+END_SRC
After the block.
| a | b |
"""
RST = """==========
The Manual
==========

:Author: Ana
:Date: 2026-03-04
:Keywords: boiler, heat

Pressure
--------

It is 1.5 bar::

    Not a heading
    =============

End
---
Bye.
"""
ADOC = """= Boat manual
Ana Lopez <ana@example.org>
v1.0, 2026-03-04
:keywords: boat, sails

// hidden remark
== Rigging

----
== not a heading
----

Shrouds
~~~~~~~
6 mm.
"""


def headings(reading: Reading) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(section.heading for section in reading.sections))


def test_an_org_file_states_its_title_date_tags_aliases_and_headings() -> None:
    reading = read("lease.org", ORG)
    assert reading.title == "Lease of the flat"
    assert reading.date == "[2026-03-04 Wed]"
    assert reading.tags == ("home", "legal", "money")
    assert reading.aliases == ("Flat contract", "lease")
    assert reading.links == ("bank",)
    assert headings(reading) == [("Deposit",), ("Deposit", "Return"), ("Keys",)]
    assert "0451-aa" not in text_of(reading)
    assert "* nor this" in text_of(reading)
    assert reading.sections[0].locator.startswith("L9")


def test_an_org_file_may_name_its_own_states_and_leave_blocks_open() -> None:
    reading = read(
        "a.org", "#+TODO: OFFEN ERLEDIGT\n* OFFEN Miete\n#+BEGIN_SRC\n* Next\nwords\n"
    )
    assert headings(reading) == [("Miete",), ("Next",)]


def test_a_restructured_text_has_its_levels_in_the_order_of_its_adornments() -> None:
    reading = read("manual.rst", RST)
    assert (reading.title, reading.date) == ("The Manual", "2026-03-04")
    assert reading.tags == ("boiler", "heat")
    assert headings(reading) == [
        ("The Manual",),
        ("The Manual", "Pressure"),
        ("The Manual", "End"),
    ]


def test_an_asciidoc_states_title_author_date_and_hides_comments() -> None:
    reading = read("boat.adoc", ADOC)
    assert (reading.title, reading.date) == ("Boat manual", "2026-03-04")
    assert reading.tags == ("boat", "sails")
    assert headings(reading) == [
        ("Boat manual",),
        ("Boat manual", "Rigging"),
        ("Boat manual", "Rigging", "Shrouds"),
    ]
    assert "hidden remark" not in text_of(reading)


def test_a_manual_page_is_words_under_its_sections() -> None:
    page = (
        '.TH TIDE 1 "2026-03-04"\n.SH NAME\ntide \\- predict \\fBtides\\fR\n.SH OPTIONS\n.TP\n'
        '.BR \\-n ", " \\-\\-days\nHow many days.\n.if n .nr x 1\n'
    )
    reading = read("tide.man", page)
    assert (reading.title, reading.created) == ("tide(1)", "2026-03-04")
    assert headings(reading)[1:] == [("OPTIONS",)]
    text = text_of(reading)
    assert "tide - predict tides\n" in text
    assert "-n, --days\n" in text
    assert ".TP" not in text


def test_a_page_of_mdoc_names_itself_and_its_options() -> None:
    page = ".Dd March 4, 2026\n.Dt BILGE 8\n.Sh NAME\n.Nm bilge\n.Nd pump\n.Sh SYNOPSIS\n.Nm\n.Op Fl t Ar seconds\n"
    text = text_of(read("bilge.mdoc", page))
    assert "bilge\n-t seconds" in text


@pytest.mark.parametrize("name", ["a.org", "a.rst", "a.adoc", "a.man"])
@pytest.mark.parametrize(
    "hostile",
    [
        "#+BEGIN_SRC\n" * 3_000,
        ":PROPERTIES:\n" * 3_000,
        "----\n....\n" * 2_000,
        ".TH a\n" + ".B \\f(\n" * 3_000,
        "* " * 3_000 + "\n" + "=" * 3_000,
        "",
        "\n\n\n",
    ],
)
def test_odd_markup_is_read_to_its_end(name: str, hostile: str) -> None:
    reading = read(name, hostile)
    assert all(section.locator.startswith("L") for section in reading.sections)

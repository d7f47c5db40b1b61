"""Numbers as a sheet shows them: what Excel shows for the same value and code."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from ingest.readers.number_formats import shown


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (0.475, "0.0%", "47.5%"),
        (0.66, "0%", "66%"),
        (0.07, "0.00\\ %", "7.00 %"),
        (7, "00000", "00007"),
        (680, "000000", "000680"),
        (600123456, "000 000 000", "600 123 456"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (1234567, "#,##0", "1,234,567"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, '_-* #,##0.00 "€"_-', "1,234.50 €"),
        (310.5, "[$€-407] #,##0.00", "€ 310.50"),
        (-5.5, "0.00", "-5.50"),
        (-5.5, "#,##0.00_);[Red](#,##0.00)", "(5.50)"),
        (0, '0;-0;"none"', "none"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (3, 'General" kg"', "3 kg"),
        (12, '"No. "0', "No. 12"),
        (0.5, "#.##", ".5"),
        (5, "0.##", "5"),
        (2.5, "0", "3"),
        (True, "General", "TRUE"),
    ],
)
def test_numbers(value: float, code: str, expected: str) -> None:
    assert shown(value, code) == expected


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (timedelta(days=1, hours=6, minutes=15), "[h]:mm", "30:15"),
        (timedelta(days=1, hours=4, minutes=16), "[h]:mm:ss", "28:16:00"),
        (timedelta(minutes=75, seconds=4), "[mm]:ss", "75:04"),
        (timedelta(days=1, hours=4, minutes=16), "General", "28:16:00"),
        (timedelta(seconds=-90), "[h]:mm:ss", "-0:01:30"),
        (timedelta(seconds=90, microseconds=250_000), "mm:ss.00", "01:30.25"),
        (timedelta(seconds=59, microseconds=600_000), "[h]:mm:ss", "0:01:00"),
        (time(9, 5), "h:mm", "9:05"),
        (time(0, 5), "h:mm AM/PM", "12:05 AM"),
        (time(21, 5), "[$-409]h:mm\\ AM/PM;@", "9:05 PM"),
        (timedelta(hours=30, minutes=15), '[h]"h "mm"m"', "30h 15m"),
        (time(0, 4, 16), "mm:ss", "04:16"),
        (time(9, 5), "General", "09:05:00"),
        (datetime(1900, 1, 1, 6, 15), "h:mm", "6:15"),
        (datetime(2026, 5, 7), "dd.mm.yyyy", "07.05.2026 (2026-05-07)"),
        (
            datetime(2026, 5, 7, 9, 30),
            "dd.mm.yyyy hh:mm",
            "07.05.2026 09:30 (2026-05-07 09:30)",
        ),
        (date(2026, 5, 7), "d mmm yy", "7 May 26 (2026-05-07)"),
        (date(2026, 3, 6), "dddd, d mmmm yyyy", "Friday, 6 March 2026 (2026-03-06)"),
        (date(2026, 3, 6), '"due "m/d/yyyy;@', "due 3/6/2026 (2026-03-06)"),
        (date(2026, 3, 6), "[$-409]mmm\\-yy", "Mar-26 (2026-03-06)"),
        # The machine's own order, and names in another language
        (date(2026, 3, 6), "mm-dd-yy", "2026-03-06"),
        (date(2026, 3, 6), "[$-F800]dddd, mmmm dd, yyyy", "2026-03-06"),
        (date(2026, 3, 6), "[$-407]d. mmmm yyyy", "2026-03-06"),
        (date(2026, 3, 6), "yyyy-mm-dd", "2026-03-06"),
        (
            datetime(2026, 3, 6, 9, 30),
            "yyyy-mm-dd h:mm",
            "2026-03-06 09:30",
        ),
        (datetime(2026, 3, 6), "d.m.yyyy h:mm", "6.3.2026 (2026-03-06)"),
        (date(2026, 3, 6), "General", "2026-03-06"),
    ],
)
def test_times(value: object, code: str, expected: str) -> None:
    assert shown(value, code) == expected


@pytest.mark.parametrize(
    "code", ["# ?/?", "0.00E+00", "@", ";;;", "[>=10]0.0;0", "mm-dd-yy", "", '"']
)
def test_a_code_that_is_passed_over_loses_nothing(code: str) -> None:
    assert "5" in shown(5, code)


def test_a_code_without_end_is_cut() -> None:
    assert len(shown(5, "0" * 100_000)) <= 255


@pytest.mark.parametrize(
    "value", [1e20, 12345678901234567890, float("inf"), float("nan")]
)
def test_numbers_beyond_what_a_sheet_holds_stay_plain(value: float) -> None:
    assert shown(value, "0.00%")

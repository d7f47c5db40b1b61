"""The forms of words that are times, as regular expressions by name: a day, a week, a part of a month, a range.

Leaves out what they mean: `brain.retrieval.time_window` and `day_spans`, which it serves.
"""

from __future__ import annotations

from brain.text.grammar import grammar
from ingest.words import MONTH_NAMES, SHORT_MONTHS

# `sure`: a time whatever stands before it; "the last year of the lease" is none. `bare`: only behind a word that says
# so, since may, march and 2000 are words of their own.
# Months as the other languages write them, where English writes them otherwise.
_ABROAD = (
    "januar|jänner|februar|märz|mai|juni|juli|oktober|dezember",
    "janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre",
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre",
    "gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre",
    "janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro",
    "januari|februari|maart|mei|augustus",
)
FORMS = grammar(
    r"""
weekdays = monday|tuesday|wednesday|thursday|friday|saturday|sunday
count = (?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve
    |a\s+couple\s+of|a\s+few|couple\s+of|few)
unit = (?:days?|weeks?|months?|years?)
day = (?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?!\d)
year = (?:19|20)\d{2}(?![\d-])
month = (?:(?:%(months)s)\b|(?:%(short)s)\b\.?)
year_abroad = \s+(?:de\s+)?%(year)s
abroad = (?:(?<![\w.])%(day)s\.?\s+(?:de\s+)?(?:%(months_abroad)s)\b(?:%(year_abroad)s)?
    |\b(?:%(months_abroad)s)%(year_abroad)s)
to = (?:\s*[-–]\s*|\s+(?:to|and|until|till|through)\s+(?:the\s+)?)
spread = (?<![\w.-])%(day)s%(to)s%(day)s\s+(?:of\s+)?%(month)s(?:,?\s+%(year)s)?
    |%(month)s\s+(?:the\s+)?%(day)s%(to)s%(day)s(?![\w:])(?:,?\s+%(year)s)?
date = (?:(?:%(weekdays)s),?\s+(?:the\s+)?)?(?:
    (?:%(day)s\s+(?:of\s+)?|(?:first|second|third|fourth)\s+of\s+)%(month)s(?:,?\s+%(year)s)?
    |%(month)s\s+(?:the\s+)?%(day)s(?:,?\s+%(year)s)?)
of = \s+(?:of|in)\s+(?:the\s+)?
rolling = (?:(?:the\s+)?(?:last|past|previous)\s+(?P<rolling>%(count)s\s+%(unit)s)\b(?!\s+of\b|%(of)s%(month)s)
    |the\s+(?:last|past)\s+(?P<one>day|week|month|year)\b(?!\s+of\b))
nth = first|second|third|fourth|last|1st|2nd|3rd|4th
part = (?:%(nth)s)\s+week%(of)s%(month)s(?:,?\s+%(year)s)?
    |(?:beginning|start|middle|end)%(of)s%(month)s(?:,?\s+%(year)s)?
    |(?:first|last)\s+%(count)s\s+(?:days|weeks)%(of)s%(month)s(?:,?\s+%(year)s)?
week = (?<![\w-])\d{4}-W\d{2}(?![\w-])|week\s+\d{1,2}(?:(?:%(of)s|\s+)%(year)s|(?!\d|\s+of\b))
quarter = (?:(?:%(nth)s)\s+quarter|q[1-4])(?:(?:%(of)s|,?\s+|[-/])%(year)s)
    |(?<![\w-])(?:19|20)\d{2}[\s/-]?q[1-4](?![\w-])
sure = (?<![\w-])\d{4}-\d{2}(?:-\d{2})?(?![\w-])
    |%(part)s
    |%(week)s
    |%(quarter)s
    |(?<![\w.])\d{1,2}\.\d{1,2}\.\d{4}(?![\w])
    |%(spread)s
    |%(date)s
    |%(abroad)s
    |%(month)s,?\s+(?:of\s+)?%(year)s
    |%(count)s\s+%(unit)s\s+ago
    |(?:the\s+)?day\s+before\s+yesterday|yesterday|today
    |last\s+(?:%(weekdays)s)\b
    |(?:last|this|previous|past)\s+(?:week|month|year|%(months)s)\b(?!\s+of\b)
bare = (?:%(month)s|%(year)s|(?:%(weekdays)s)\b)
any = (?:%(sure)s|%(bare)s)
dated_month = %(month)s(?:,?\s+%(year)s)?
joined = ,?\s+(?:and|or|to|through)\s+
range = \b(?:between\s+(?P<a>%(any)s)\s+and\s+(?P<b>%(any)s)
    |from\s+(?P<c>%(any)s)\s+(?:to|until|till|through)\s+(?P<d>%(any)s)
    |(?:in|during)\s+(?P<e>%(dated_month)s)(?:,\s*%(month)s)*%(joined)s(?P<f>%(dated_month)s)
    |(?:in|during)\s+(?P<g>%(year)s)%(joined)s(?P<h>%(year)s)
    |(?P<i>%(month)s)%(joined)s(?P<j>%(month)s,?\s+%(year)s))
ordinal = (?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)
behind = (?=\s*(?:$|[?.!,;:)])|\s+(?:and|or|at|in|for|with|about|did|do|does|was|were|is|are|had|have|when|what|i|we|he
    |she|they|you|it|my|our)\b)
to_the = \s+(?:and|to|until|till|through)\s+the\s+
nth_day = \b(?:(?:between|from)\s+the\s+(?P<one>%(ordinal)s)%(to_the)s(?P<two>%(ordinal)s)
    |(?P<lead>on|since|after|before|until|till)\s+the\s+(?P<day>%(ordinal)s))%(behind)s
leads = since|after|before|until|till|in|during|on|from
lead = (?<!day )(?P<lead>%(leads)s)\s+(?:the\s+)?(?:early\s+|late\s+|mid[\s-])?
led = \b%(lead)s(?:%(rolling)s|(?P<at>%(any)s))
parts = \b(?:%(lead)s)?(?P<at>%(part)s)
alone = \b(?P<lead>)(?:%(rolling)s|(?P<at>%(sure)s))
""",
    months="|".join(MONTH_NAMES),
    short="|".join(SHORT_MONTHS),
    months_abroad="|".join(_ABROAD),
)

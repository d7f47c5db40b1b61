"""Texts read once: a `Question` and the `Sheet` of a passage, handed from retrieval on to answering.

Leaves out what is made of them: ranking (`brain.retrieval`), confidence and answers (`brain.answering`).
"""

from brain.text.question import Question
from brain.text.sheet import Sheet, Statement, sheet, sheets

__all__ = ["Question", "Sheet", "Statement", "sheet", "sheets"]

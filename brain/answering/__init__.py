"""Passages to cited answers: quotes picked or sentences written, each checked against the stored text.

`answer` is the whole walk; `extract` alone picks the quotes. Leaves out retrieval and storage, which are handed in.
"""

from brain.answering.answer import answer
from brain.answering.asking import Asking, Say, quiet
from brain.answering.extract import Quote, extract

__all__ = ["Asking", "Quote", "Say", "answer", "extract", "quiet"]

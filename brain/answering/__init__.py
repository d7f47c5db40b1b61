"""Passages to cited answers: quotes picked or sentences written, each checked against the stored text.

`answer` is the whole walk; `extract` alone picks the quotes. Leaves out retrieval and storage, which are handed in.
"""

from brain.answering.answer import Asking, Say, answer, quiet
from brain.answering.extract import Quote, extract
from brain.answering.follow_up import widen

__all__ = ["Asking", "Quote", "Say", "answer", "extract", "quiet", "widen"]

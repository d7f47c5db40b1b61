"""A cloud model as a `Generator`: what the answerer asks of it goes through the gate, and comes back piece by piece.

The gate waits for the whole answer while it tells each piece; the answerer takes pieces as it wants them. So the gate
works on a thread of its own, and hands them over. Leaves every decision to the gate. Serves the router's way outside.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from brain.errors import BrainError, Incomplete
from brain.governance.gate import Sent
from brain.governance.outbound import GENERATE, Outbound
from brain.labels import Label, Labeled
from brain.protocols import Messages
from brain.types import Texts

WINDOW = 32_000  # tokens that are handed out at most: what more passages add is not worth its price
SYSTEM = "system"

Send = Callable[[Outbound, Callable[[str], object]], Sent]


@dataclass
class CloudWriter:
    """`label`, `origins`, `folders`, `action`: of all the passages and the question that the prompts are made of, as in
    `Outbound`. `sent`: what the last answer took, None before it ended; `failed`: why none came.
    """

    name: str
    provider: str
    task: str
    label: Label
    origins: Texts
    send: Send
    folders: Texts = ()
    action: str = GENERATE
    window: int = WINDOW
    sent: Sent | None = None
    failed: BaseException | None = None
    _pieces: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def stream(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """The pieces as they come. Raises what the gate raises before the first, `Incomplete` after it."""
        if schema is not None:
            raise TypeError("a cloud model is asked for plain text alone")
        outbound = self._outbound(messages, max_tokens)
        self.sent = self.failed = None
        self._pieces = queue.SimpleQueue()
        work = threading.Thread(target=self._work, args=(outbound,), daemon=True)
        work.start()
        came = False
        try:
            while (piece := self._pieces.get()) is not None:
                came = True
                yield piece
        finally:
            # Also where no more is wanted: what was paid for is settled before anything else writes
            work.join()
        if self.failed is not None:
            raise self._said(came, self.failed)

    def _outbound(self, messages: Messages, max_tokens: int) -> Outbound:
        rules = [one["content"] for one in messages if one["role"] == SYSTEM]
        asked = [one["content"] for one in messages if one["role"] != SYSTEM]
        return Outbound(
            self.task,
            self.provider,
            self.name,
            Labeled("\n\n".join(rules), Label.PUBLIC),
            tuple(Labeled(text, self.label, self.origins) for text in asked),
            max_tokens,
            self.folders,
            self.action,
        )

    def _work(self, outbound: Outbound) -> None:
        try:
            self.sent = self.send(outbound, self._pieces.put)
        except BaseException as error:  # raised again where the pieces are taken
            self.failed = error
        finally:
            self._pieces.put(None)

    def _said(self, came: bool, error: BaseException) -> BaseException:
        """What broke off after some of it had come is incomplete, whatever the reason."""
        if came and isinstance(error, BrainError) and not isinstance(error, Incomplete):
            return Incomplete(error.message, error.hint)
        return error

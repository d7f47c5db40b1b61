"""The way outside for one question: what may leave, who is asked, and what is said where nobody may be.

The prompt is never stripped of what may not leave: the search runs again within that label, and the prompt is made of
what it finds. Every decision is the gate's. Leaves the order of the walk to `brain.governance.router`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from brain.answering.asking import quiet
from brain.app.answers import Evidence, answered, evidence
from brain.app.governed import gate_of, policies_of
from brain.app.labelling import of_copies, of_words
from brain.errors import BrainError
from brain.governance.detect import findings
from brain.governance.facts import ConfidenceFacts, Facts, RequestFacts
from brain.governance.gate import maker_at
from brain.governance.keys import key_of
from brain.governance.outbound import GENERATE, AsksFirst
from brain.governance.router import good_enough
from brain.governance.writer import CloudWriter
from brain.labels import Label, effective, join
from brain.models.cloud_errors import CloudFault
from brain.models.makers import KNOWN
from brain.prompts import NONCE_BYTES
from brain.types import (
    Answer,
    AnswerState,
    Episode,
    Passage,
    Passages,
    Request,
    Span,
    Texts,
)

if TYPE_CHECKING:
    from brain.answering import Say
    from brain.app.resources import Resources
    from brain.governance.gate import Sent
    from brain.governance.in_force import InForce
    from brain.governance.outbound import Outbound
    from brain.governance.outbound import Shown as Shown  # what the doors show

MICRO = 1_000_000  # micro-dollars of a dollar
TASK = "ask"
LOCAL = "local"  # `Route.provider` of a task that never leaves
WALKED = "labels.walked"  # setting: a person was shown every folder once
SECRET = "nonce.secret"  # setting
SECRET_BYTES = 32
NOT_BORNE_OUT = "it gave no answer that a note bears out"

Maker = tuple[str, str]
"""A provider, and its model."""
Yes = Literal["", "once", "hour"]
"""What a person says: no, yes to exactly these bytes, or for an hour to the same task and folders as well."""
Agree = Callable[["Shown", Passages], Yes]
"""Asks a person about exactly these bytes, made of these passages."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One question on its way outside. `agree`: None where nobody may be asked; `attended`: a person waits for it,
    asked or not; `before`: the round that it follows up; `action`: what for, as the policy calls it.
    """

    resources: Resources
    request: Request
    say: Say
    agree: Agree | None = None
    attended: bool = False
    before: Episode | None = None
    action: str = GENERATE


def no_stays(agree: Agree) -> Agree:
    """The same, but whoever said no to these bytes is not asked again; a yes holds once."""
    refused: set[str] = set()

    def asks(shown: Shown, passages: Passages) -> Yes:
        if shown.digest in refused:
            return ""
        said = agree(shown, passages)
        if not said:
            refused.add(shown.digest)
        return said

    return asks


def top_folder(source: str, roots: Collection[str]) -> str:
    """The added folder that a document lies right in, or the folder right below one; "" where it lies in none."""
    file, _sign, _part = source.partition("#")
    for parent in PurePosixPath(file).parents:
        if str(parent) in roots or str(parent.parent) in roots:
            return str(parent)
    return ""


def opened(asker: Asker, first: Answer, complexity: str) -> Outside | None:
    """The way outside, None where no cloud is on or everything is halted. `first`: the local answer."""
    policy = policies_of(asker.resources).in_force()
    if not policy.cloud:
        return None
    return Outside(asker, policy, _facts(asker, first, complexity))


class Outside:
    """The way outside for one question, by one policy."""

    def __init__(self, asker: Asker, policy: InForce, facts: Facts) -> None:
        self._asker = asker
        self._policy = policy
        request = facts.request
        self._route = policy.route(request.task, request.complexity, facts)
        self._facts = facts
        self._labels: dict[tuple[str, str], Label] = {}  # of texts that were looked at
        self.unanswered: Sent | None = None  # what was paid for no answer

    @property
    def digest(self) -> str:
        """Of the policy in force."""
        return self._policy.published.digest

    @property
    def needs(self) -> AnswerState:
        """How sure a local answer must be to stay."""
        return self._route.needs

    @property
    def below(self) -> float:
        """How likely right it must be besides, where *likely* is enough."""
        return self._route.below

    @property
    def model(self) -> str:
        """Who is asked, "" where the task never leaves."""
        if self._route.provider == LOCAL:
            return ""
        return f"{self._route.provider}/{self._route.model}"

    @property
    def shadows(self) -> int:
        """How many shadow runs a day may have."""
        return self._policy.shadows

    def label(self, answer: Answer) -> Label:
        """The highest label of the question, the round before, and the best evidence without regard to any scope: what
        the local answer cites, and the first passage.
        """
        cited = {citation.passage_id for citation in answer.citations}
        best = [one for one in answer.passages if one.id in cited]
        return join([self._of_question, self._of((*answer.passages[:1], *best))])

    def send(self, answer: Answer) -> tuple[Answer | None, str]:
        """(the answer of the cloud over what may leave, None where none came; why)."""
        makers = self._makers(self._route.provider, self._route.model)
        return self.ask(makers, self.label(answer), answer)

    def compare(self, answer: Answer) -> tuple[Answer | None, str]:
        """The answer of the cloud that the route names, over public notes alone; None where none came; why."""
        makers = self._makers(self._route.provider, self._route.model)
        return self.ask(makers[:1], Label.PUBLIC, answer)

    def others(self, stands: Answer, label: Label) -> list[Maker]:
        """Who gives a second opinion: the other maker than the one whose answer stands; where that is of this machine
        whoever answers by the route, and where that never leaves the first that was turned on and takes the label.
        """
        if stands.route == "cloud":
            other = self._policy.other_maker(stands.provider or "")
            return [] if other is None else [other]
        if self._route.provider != LOCAL:
            return self._makers(self._route.provider, self._route.model)
        hosts = self._policy.hosts
        named = (*self._policy.makers(), *self._own())
        fit = [one for one in named if one[0] in hosts and label <= hosts[one[0]].label]
        return self._usable(fit)[:1]

    def ask(
        self, makers: Sequence[Maker], label: Label, answer: Answer
    ) -> tuple[Answer | None, str]:
        """The same of these makers: the next one where one is down. `label`: of the best evidence of `answer`."""
        known = self._allowed(label, makers[0][0])
        if not known.found.passages:
            return None, "nothing that may leave speaks of it"
        why = ""
        for provider, model in makers:
            given, why, down = self._by(provider, model, known, answer)
            if given is not None or not down:
                return given, why
        return None, why

    def _makers(self, provider: str, model: str) -> list[Maker]:
        """Whoever may be asked, in their order: this one, the other maker, and servers of the person's own."""
        other = self._policy.other_maker(provider)
        others = [] if other is None else [other]
        return self._usable([(provider, model), *others, *self._own()])

    def _own(self) -> list[Maker]:
        """Servers of the person's own."""
        parts = [price.partition("/") for price in self._policy.prices]
        return [(name, model) for name, _, model in parts if name not in KNOWN]

    def _usable(self, named: Sequence[Maker]) -> list[Maker]:
        """Those that were turned on; the first alone where none was, so that its reason is told."""
        usable = [one for one in dict.fromkeys(named) if self._has_key(one[0])]
        return usable or list(named[:1])

    def _has_key(self, provider: str) -> bool:
        """Whether a maker can be asked: the policy names its address, and its key is there, or none is needed."""
        host = self._policy.hosts.get(provider)
        if host is None:
            return False
        try:
            key_of(maker_at(provider, host))
        except BrainError:
            return False
        return True

    def _by(
        self, provider: str, model: str, known: Evidence, local: Answer
    ) -> tuple[Answer | None, str, bool]:
        """(the answer of one maker, None where none came; why; whether that maker is down: then another may serve)."""
        passages = known.found.passages
        label = join([self._of_question, self._of(passages)])
        origins = tuple(passage.id for passage in passages)
        if self._asker.before is not None and self._asker.before.id:
            origins = (*origins, self._asker.before.id)
        facts = self._with_grade(local)
        from_web = any(passage.trust == "web" for passage in passages)
        asked = replace(facts.request, untrusted_context=from_web)
        facts = replace(facts, request=asked)
        heard = _Heard(self._asker.say)

        def send(outbound: Outbound, hear: Callable[[str], object]) -> Sent:
            return self._through(outbound, facts, hear, passages)

        folders = self._folders(passages)
        writer = CloudWriter(
            model, provider, TASK, label, origins, send, folders, self._asker.action
        )
        try:
            given = answered(
                self._asker.resources,
                known,
                writer,
                heard,
                nonce=self._nonce(known),
            )
        except AsksFirst as error:
            return None, f"{error.message}; {error.hint}", False
        except BrainError as error:
            return None, error.message, False
        failed = writer.failed
        if failed is not None:
            down = isinstance(failed, CloudFault) and failed.down
            said = failed.message if isinstance(failed, BrainError) else str(failed)
            return None, f"{provider}: {said}", down
        sent = writer.sent
        if given.provider != provider or sent is None:
            self.unanswered = sent
            return None, f"{provider}: {NOT_BORNE_OUT}", False
        told = replace(
            given,
            label=str(label),
            model=sent.model,
            cost_usd=sent.usd_micro / MICRO,
            ledger_id=str(sent.row),
        )
        return told, f"sent to {provider}, row {sent.row} of the ledger", False

    def _through(
        self,
        outbound: Outbound,
        facts: Facts,
        hear: Callable[[str], object],
        passages: Passages,
    ) -> Sent:
        """Through the gate, with a person's yes where a rule asks for one."""
        gate = gate_of(self._asker.resources)
        try:
            return gate.send(outbound, facts, hear=hear)
        except AsksFirst as first:
            agree = self._asker.agree
            said = agree(first.shown, passages) if agree is not None else ""
            if not said:
                raise
            digest, hour = first.shown.digest, said == "hour"
            return gate.send(
                outbound, facts, agreed=digest, for_an_hour=hour, hear=hear
            )

    def _allowed(self, label: Label, provider: str) -> Evidence:
        """What is found within the label of the best evidence, and within that which may go to that host: notes beside
        it must not turn what may go by itself into what asks. Nor is more found than whoever asks may see.
        """
        host = self._policy.hosts.get(provider)
        most = min(label, host.label if host is not None else Label.PUBLIC)
        request = self._asker.request
        if request.scope.at_most is not None:
            most = min(most, request.scope.at_most)
        scope = replace(request.scope, at_most=most)
        request = replace(request, scope=scope, look=False)
        known = evidence(self._asker.resources, request, quiet, self._asker.before)
        kept = tuple(one for one in known.found.passages if self._of([one]) <= most)
        return replace(known, found=replace(known.found, passages=kept))

    def _of(self, passages: Passages) -> Label:
        return join(self._of_text(*_read_of(passage)) for passage in passages)

    def _of_text(self, stored: str, text: str) -> Label:
        """Of a text with that label in the store, which may be a copy out of a stricter note."""
        known = (stored, text)
        if known not in self._labels:
            stricter = of_copies(self._asker.resources, [text], stored)
            self._labels[known] = effective(stricter, walked=self._walked)
        return self._labels[known]

    def _folders(self, passages: Passages) -> Texts:
        """The top folders that the passages lie in, () where one lies in none."""
        rows = self._asker.resources.store.library.roots()
        roots = [row["path"] for row in rows]
        found = {top_folder(passage.source, roots) for passage in passages}
        return () if "" in found else tuple(sorted(found))

    @cached_property
    def _walked(self) -> bool:
        return bool(self._asker.resources.store.library.setting(WALKED))

    @cached_property
    def _of_question(self) -> Label:
        """Of the words of the question, and of the round that it follows."""
        request = self._asker.request
        resources = self._asker.resources
        if findings(request.question):
            return Label.CONFIDENTIAL
        public = str(Label.PUBLIC)
        words = [of_words(resources, request.question, public)]
        before = self._asker.before
        asked = [request.question]
        if before is not None:
            words.append(before.label)
            asked.append(before.question)
        words.append(of_copies(resources, asked, public))
        return join(effective(label, walked=self._walked) for label in words)

    def _with_grade(self, answer: Answer) -> Facts:
        known = self._facts.confidence
        enough = good_enough(answer, self.needs, self.below)
        return replace(
            self._facts,
            confidence=replace(known, grade=answer.sure or "", enough=enough),
        )

    def _nonce(self, known: Evidence) -> str:
        """The code of the fences: the same for the same question over the same passages, so that a yes to its bytes
        holds; and nobody who wrote a note could have known it.
        """
        library = self._asker.resources.store.library
        secret = library.setting(SECRET)
        if secret is None:
            secret = token_hex(SECRET_BYTES)
            library.keep_setting(SECRET, secret)
        read = [known.query.text, *(passage.id for passage in known.found.passages)]
        digest = hmac.new(secret.encode(), "\n".join(read).encode(), "sha256")
        return digest.hexdigest()[: 2 * NONCE_BYTES]


def _read_of(passage: Passage) -> tuple[str, str]:
    """(the label of a passage in the store, all of it that a prompt may hold)."""
    text = (passage.header, passage.before, passage.text, passage.after)
    return passage.label, "\n".join(text)


class _Heard:
    """Passes on what the cloud wrote; the quotes of the notes were said before."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def __call__(self, kind: str, text: str, answer: Span | None = None, /) -> None:
        if kind == "sentence":
            self._say(kind, text, answer)


def _facts(asker: Asker, first: Answer, complexity: str) -> Facts:
    """What the rules may ask about, but for what the gate fills in."""
    request = asker.request
    sure = first.confidence
    return Facts(
        request=RequestFacts(
            task=TASK,
            complexity=request.complexity or complexity,
            stakes=request.stakes or "normal",
            forced=request.route == "cloud",
            attended=asker.attended,
        ),
        confidence=ConfidenceFacts(
            found=sure.found or 0.0,
            supported=sure.supported or 0.0,
            known=sure.found is not None,
        ),
    )

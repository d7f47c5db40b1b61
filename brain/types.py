"""The values that travel between the rooms, all frozen. No behaviour beyond small derived properties.

Times are ISO 8601 strings with an offset; scores are unitless and higher is better; probabilities lie in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from brain.labels import UNLABELLED, Label

Measures = Mapping[str, float]  # by name: features, signals, weights, coefficients
Texts = tuple[str, ...]  # several short ones: names, tags, ids, notices
Span = tuple[int, int]  # where a part of a text begins and ends, in characters
NO_FILE = ("note:", "episode:")  # so begins the address of what was written here
State = Literal[
    "supported",
    "unsure",
    "unrated",
    "incomplete",
    "not_found",
    "refused",
    "over_budget",
]
AnswerState = Literal["answered", "likely", "check"]
"""How sure an answer is, in a word: of 100 called so about 85 are right · about 60 · fewer."""
Outcome = Literal["added", "updated", "unchanged", "renamed"]
Mode = Literal["hybrid", "lexical", "dense"]  # by words and meaning, words, meaning


Way = Literal["", "local", "deep", "cloud"]
"""How a question is routed: as the rules say · nothing leaves and one try · a second local try · past the grade."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question may see. Empty fields do not restrict.

    `tags`: all must be present. `source`: glob over the displayed source. `since`/`until`: compared with the
    document's date, inclusive; every verb takes them as a person wrote them ("last week"), the store as ISO dates.
    `dated`: where the date must come from, one of these ("file name"). `phrases`: words that stand in
    the passage next to each other; `without`: words that stand nowhere in its document. `types`: kinds of files, one of
    which it must be; `paths`: parts of the source, all of which it must hold. A tag, a type or a path behind a minus
    must not be there. `where`: conditions on properties, as `rating>=4`. `at_most`: nothing more confidential.
    """

    tags: Texts = ()
    source: str = ""
    since: str = ""
    until: str = ""
    dated: Texts = ()
    phrases: Texts = ()
    without: Texts = ()
    types: Texts = ()
    paths: Texts = ()
    where: Texts = ()
    at_most: Label | None = None
    compartments: Texts | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: one value from the door to retrieval, so that a new option changes no signature.

    `sort`: a property by which what was found is put in order, behind a minus the largest first; "" by relevance.
    `rerank`, `expand`: whether a local model may help, None as configured. `look`: look at the registered folders for
    changes first. For `ask` alone: `anyway` answers even when the notes seem not to hold it, `record` keeps an episode,
    `follow_up` reads the question after the one before, which is the last that was kept or the one that `previous`
    tells, `route` says which way it goes, `complexity` ("low", "medium",
    "high"; "" as it is counted) and `stakes` ("normal", "high") are told to the rules, `second_opinion` asks another
    maker as well. `client` (who the work is for)
    and `audience` (who receives the output) are not used yet.
    """

    question: str
    scope: Scope = Scope()
    limit: int = 10
    mode: Mode = "hybrid"
    sort: str = ""
    rerank: bool | None = None
    expand: bool | None = None
    anyway: bool = False
    record: bool = True
    follow_up: bool = False
    previous: str = ""
    look: bool = True
    route: Way = ""
    complexity: str = ""
    stakes: str = ""
    second_opinion: bool = False
    client: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence inside a passage: `locator` is its own line where lines are counted, `start` and `end` its offsets."""

    locator: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """What the answer reader says of one passage: the answer stands from character `start` to `end` of its text.

    `margin`: by how many logits that is better than "no answer here"; above about 0 the passage holds it. `relevance`:
    a ranking logit, about -11 to +10, which does not see near misses.
    """

    start: int
    end: int
    margin: float
    relevance: float


@dataclass(frozen=True)
class Passage:
    """A chunk found for a question. `text` is the stored text, word for word, from `start` to `end` of its document.

    `source` is what a person opens (a path, or `note:ID`); `context` the description given to its folder, "" if none;
    `names` its file, folders, tags and properties, line by line.
    `ranks` holds 1-based positions, {"lexical": 3, "dense": None}, and where a model judged also "before" (the place
    that the search gave) and "reranker" (by its judgment alone); `explain` the named parts of the score.
    `before`/`after` are the neighbouring texts shown with a short passage; `versions` what older copies it stands for.
    `matched`: the sentence that holds most of the question, None where none holds a word of it. `span`: where the
    answer reader found the answer in the text, None where it did not read it.
    """

    id: str
    document_id: str
    source: str
    locator: str
    title: str
    heading: Texts
    text: str
    date: str | None
    start: int
    end: int
    tokens: int
    label: str = UNLABELLED
    client: str | None = None
    trust: str = "own"
    context: str = ""
    names: str = ""
    score: float = 0.0
    ranks: Mapping[str, int | None] = field(default_factory=dict)
    explain: Measures = field(default_factory=dict)
    before: str = ""
    after: str = ""
    versions: Texts = ()
    matched: Place | None = None
    span: AnswerSpan | None = None

    @property
    def header(self) -> str:
        """`Title › H1 › H2 (date)`: what was indexed above the text."""
        return header(self.title, self.heading, self.date)


def header(title: str, heading: Texts, date: str | None) -> str:
    """The deterministic line above every chunk in both indexes. A heading that repeats the title is said once."""
    parts = filter(None, map(str.strip, (title, *heading)))
    path = " › ".join(part for part, _repeated in groupby(parts))
    if not date:
        return path
    return f"{path} ({date[:10]})"


def headers(passages: Iterable[Passage]) -> list[str]:
    """The `header` of each passage."""
    return [one.header for one in passages]


Passages = Sequence[Passage]  # best first


@dataclass(frozen=True, slots=True)
class ModelStep:
    """What a model did to a search, beside the search itself: `name` "read" (the answer reader), "rerank" (a model of
    Ollama judged) or "expand".

    `state`: "ran"; "skipped" (not needed, or not worth it here); "failed" (the result stands without it); `reason` says
    why it did not, or not wholly, run. `seconds`: waited. `judged` of `of` passages have a judgment; `queries` are the
    expansion's, as (kind, text), kind "lex", "vec" or "hyde".
    """

    name: Literal["read", "rerank", "expand"]
    state: Literal["ran", "skipped", "failed"]
    model: str = ""
    seconds: float = 0.0
    reason: str = ""
    judged: int = 0
    of: int = 0
    queries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Confidence:
    """`found`: probability that the notes hold it. `supported`: that the answer follows. None where not measured."""

    found: float | None = None
    supported: float | None = None
    known: bool = False
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The ranked passages of one question. `signals` are the features that confidence reads; `degraded` says which part
    could not look, and why ("" when all could); `no_dense` why nothing was looked for by meaning, where it was to be;
    `index` names the vector index that answered.

    `explain` holds the query-level numbers, such as the weight of dense against lexical and its reasons. `below_floor`:
    `confidence.found` lies under the shipped floor, so the notes probably do not hold it. `notices` are shown.
    `steps`: what a local model did to the ranking, where that was wanted. `listed`: the passages are those of a time
    that was asked for, in the order of their dates, and not ranked.
    """

    passages: tuple[Passage, ...]
    signals: Measures
    degraded: str = ""
    no_dense: str = ""
    embedder: str = ""
    index: str = ""
    index_lag: int = 0
    withheld: int = 0
    explain: Measures = field(default_factory=dict)
    confidence: Confidence = Confidence()
    below_floor: bool = False
    notices: Texts = ()
    steps: tuple[ModelStep, ...] = ()
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """[number] tied to a passage. `verified`: the quote was read from the stored text at its locator, and holds.

    `heading`: the headings above the quote, outermost first. `columns`: of a row of a table the names of its columns.
    `answer_span`: from where to where in the quote the answer stands, None where nothing marked it. `reason`: why a
    written sentence is not borne out by it, "" where it is.
    """

    number: int
    passage_id: str
    source: str
    locator: str
    quote: str
    verified: bool
    heading: Texts = ()
    columns: str = ""
    answer_span: Span | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another document that answers: the sentence `text` at its locator, the answer in it from `span[0]` to `span[1]`.
    `date`: of the document; `newer`: than that of the first quote, None where one has none, or both the same.
    """

    source: str
    locator: str
    text: str
    span: Span
    date: str | None = None
    newer: bool | None = None


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How the model's window was used, in tokens; the counts are of passages."""

    tokens: int = 0
    window: int = 0
    passages_used: int = 0
    passages_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Differences:
    """What stands in one of two answers and not in the other: figures, months and names, as they are written there."""

    first: Texts = ()
    second: Texts = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another maker answers to the same question, over what may leave. `differs`: from the answer that stands."""

    provider: str
    model: str
    answer: str
    citations: tuple[Citation, ...]
    cost_usd: float
    ledger_id: str
    differs: Differences


@dataclass(frozen=True, slots=True)
class Answer:
    """What `ask` found out. `provider` is "builtin" or "ollama"; `model` the model's name; `notices` are shown.

    `quotes`: the best sentences of the notes, which stand beside whatever a model wrote; () below the floor.
    `sure`: how sure it is, None where there is no answer. `walk`: the steps by which it was routed, a line each.
    `failed`: a model that should have served did not, so that this stands in.
    `also`, `differs`: other documents that say what the first quote says, and something else.
    """

    question: str
    state: State
    text: str
    citations: tuple[Citation, ...] = ()
    quotes: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    confidence: Confidence = Confidence()
    label: str | None = None
    route: str | None = None
    provider: str | None = None
    model: str | None = None
    embedder: str | None = None
    cost_usd: float | None = None
    ledger_id: str | None = None
    degraded: str = ""
    withheld: int = 0
    context: ContextUse = ContextUse()
    episode: str | None = None
    notices: Texts = ()
    steps: tuple[ModelStep, ...] = ()
    sure: AnswerState | None = None
    also: tuple[Elsewhere, ...] = ()
    differs: tuple[Elsewhere, ...] = ()
    walk: Texts = ()
    failed: bool = False
    second_opinion: Opinion | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that happened, word for word. `kind`: ask, note, chat, import. `at`: ISO 8601 with offset."""

    id: str
    at: str
    kind: str
    question: str
    answer: str
    citations: Texts = ()
    state: str = ""
    session: str = ""
    source: str = ""
    people: Texts = ()
    tags: Texts = ()
    supersedes: str | None = None
    label: str = UNLABELLED

    @property
    def text(self) -> str:
        """The question and the answer, a line end between them, or the one that there is: the text that is indexed."""
        return "\n".join(filter(None, (self.question, self.answer)))


@dataclass(frozen=True, slots=True)
class Skill:
    """A way to do something: the `SKILL.md` format. `path` is where it was taken from."""

    id: str
    name: str
    description: str
    body: str
    path: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that did not go in, and why. `kind`: unsupported, unreadable, refused, cut, forgotten, or the name of the
    rule that leaves it out.

    `new` is False when an earlier run already reported it: then it no longer makes the exit code 1.
    """

    source: str
    kind: str
    reason: str
    hint: str = ""
    new: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one document. `outcome`: added, updated, renamed, removed; `source`: where it stands or stood."""

    outcome: str
    source: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """What one `add` or `sync` did. Counts are of documents; `chunks` and `waiting` of chunks (waiting for vectors;
    None: unknown until the model can be read). `filling`: of those, how many wait for a model of Ollama, which a notice
    tells of. `unread`: files that an interruption left, None: not counted yet. `of_files`: those of the notices that
    are of one file, as its name and what is said of it.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    renamed: int = 0
    removed: int = 0
    skipped: tuple[Skipped, ...] = ()
    notices: Texts = ()
    chunks: int = 0
    waiting: int | None = 0
    filling: int = 0
    interrupted: bool = False
    embedder: str = ""
    documents: Texts = ()
    unread: int | None = 0
    changes: tuple[Change, ...] = ()
    of_files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes two vectors comparable: model, its digest, length, prefix scheme and pooling."""

    model: str
    digest: str
    dimensions: int
    prefixes: str
    pooling: str

    def __str__(self) -> str:
        """One line, used as the key of the embeddings table."""
        return f"{self.model}@{self.digest[:12]}/{self.dimensions}/{self.prefixes}/{self.pooling}"

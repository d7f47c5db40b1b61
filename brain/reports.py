"""What the verbs over the library and its keeping hand back: excerpts, rows, reports, checks. Frozen; no behaviour.

Leaves out what a question touches (`brain.types` holds that): these are a third of the values, and no question needs
them.
Times are ISO 8601 strings with an offset. Serves the doors, which render them, and `Brain`, which builds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from brain.labels import UNLABELLED
from brain.types import AddReport, Texts

Figures = dict[str, Any]
"""What an evaluation measured, as `--json` tells it."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Stored text, word for word, as `get` prints it. `start_line`/`end_line` are 1-based, inclusive; 0 where the text
    has no lines of a file (a page, an episode): then `locator` says where it stands. `total_lines` is the document's.
    """

    reference: str
    document_id: str
    source: str
    title: str
    locator: str
    text: str
    start_line: int = 0
    end_line: int = 0
    total_lines: int = 0
    date: str | None = None
    label: str = UNLABELLED
    context: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One line of `list`. `entry` is "full", or "name" when no reader opened the file; `date` the document's own."""

    id: str
    source: str
    title: str
    media_type: str
    label: str = UNLABELLED
    date: str | None = None
    chunks: int = 0
    tags: Texts = ()
    entry: str = "full"
    added_at: str = ""


@dataclass(frozen=True, slots=True)
class DocumentDetail:
    """One document whole, as `show` prints it. `notices` are what the reader reported; `links` wiki-link targets."""

    row: DocumentRow
    uri: str
    text: str
    content_hash: str = ""
    dated_by: str | None = None
    updated_at: str = ""
    tokens: int = 0
    aliases: Texts = ()
    links: Texts = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notices: Texts = ()
    context: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Something that `forget` hides or hid. `kind`: document, episode, skill. `at`: when, "" while only planned."""

    id: str
    kind: str
    source: str
    title: str
    chunks: int = 0
    at: str = ""


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What would go (`done` False) or went. `undo_until` is the date to which `undo` brings it back."""

    items: tuple[Forgotten, ...] = ()
    done: bool = False
    undo_until: str = ""
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class VectorProgress:
    """One set of vectors. `state`: building, live, spare. Counts are of chunks; `eta_seconds` None when
    nothing is left to do or no speed was measured yet; `error`: why the last try ended early, "" when it did not.
    """

    number: int
    embedder: str
    dimensions: int
    state: str
    done: int
    total: int
    eta_seconds: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or file that `add` registered and `sync` looks at again. `state`: ok, missing, unmounted."""

    path: str
    documents: int = 0
    looked_at: str | None = None
    state: str = "ok"


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file that is not in, or not whole, or a folder that could not be opened, and why. `retried`: `sync` tries it
    again though it did not change. `tries`: how often it was tried since it changed, 0 for what a rule leaves out.
    `older`: what was read of it at an earlier time is still what is found. `seen_at` "" for what a rule leaves out.
    """

    source: str
    kind: str
    reason: str
    hint: str = ""
    retried: bool = False
    tries: int = 0
    older: bool = False
    seen_at: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What is there and what is in use. `*_reason` say why that part serves. `waiting` counts chunks without vectors,
    `index_lag` outbox rows that the vector index has not taken in, `newer` files that are new or changed since they
    were read. `unread`: files that could not be read; `skipped` counts them and those without a reader.
    """

    home: str
    database_bytes: int = 0
    documents: int = 0
    chunks: int = 0
    episodes: int = 0
    skills: int = 0
    embedder: str = ""
    embedder_reason: str = ""
    generator: str = ""
    generator_reason: str = ""
    index: str = ""
    index_reason: str = ""
    index_lag: int = 0
    generations: tuple[VectorProgress, ...] = ()
    ollama: str = ""
    roots: tuple[Root, ...] = ()
    waiting: int = 0
    newer: int = 0
    skipped: int = 0
    unread: tuple[NotRead, ...] = ()
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `doctor`, with the stable id of docs/FAULTS.md. `hint` is the cure, "" when all is well."""

    id: str
    title: str
    level: Literal["ok", "warning", "error"]
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that could serve. `roles` among embed, ask; `use` the roles it serves now. `bytes` 0 when unknown."""

    name: str
    provider: str
    roles: Texts = ()
    use: Texts = ()
    bytes: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The built-in models and those that Ollama has. `ollama` is its state in one line."""

    models: tuple[ModelRow, ...] = ()
    ollama: str = ""
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class AdvisedModel:
    """A model that could serve a role ("ask", "embed") here. `parameters` in billions, 0 when unknown; `fits` this
    machine's memory; speeds as they were measured here, per second, None where they were not: tokens of a prompt and of
    an answer, chunks. `remark`: why it is not advised, "" where it could be. `source` of the facts.
    """

    name: str
    role: str
    family: str
    parameters: float
    quantization: str
    bytes: int
    fits: bool
    installed: bool
    prompt_speed: float | None = None
    answer_speed: float | None = None
    chunk_speed: float | None = None
    remark: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class RoleAdvice:
    """What a role has, what it lacks ("" for nothing) and the one command that gets it ("" for none)."""

    role: str
    serves: str
    has: str
    lacks: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class ModelAdvice:
    """Which models fit this machine. `memory` of it and `most` of that for a model, in bytes; `ollama` its state in one
    line; `advice` in one sentence; `command` the one to run next, "" when all is there.
    """

    memory: int
    most: int
    ollama: str
    roles: tuple[RoleAdvice, ...] = ()
    models: tuple[AdvisedModel, ...] = ()
    advice: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What `export` wrote, in files. `conflicts` were changed by a person since and stay as they are without force;
    `attachments` are files that notes link to, copied as they are.
    """

    directory: str
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    conflicts: Texts = ()
    notices: Texts = ()
    attachments: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or (`done` False) would do. `taken` counts documents as `add` does.

    `replaced`: places of documents whose text here was older and is in the trash now. `kept`: what the export has in
    another form and stays as it is here. `episodes` to `inbox`: how many new ones. `roots`: folders of this machine
    that the export looks at and this home does not; `registered` whether it does now.
    """

    directory: str
    taken: AddReport = field(default_factory=AddReport)
    replaced: Texts = ()
    kept: Texts = ()
    episodes: int = 0
    skills: int = 0
    feedback: int = 0
    contexts: int = 0
    inbox: int = 0
    roots: Texts = ()
    registered: bool = False
    done: bool = False


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was made and proven to hold what the store held. `removed` are older ones that `--keep` let go."""

    path: str
    bytes: int
    digest: str
    made_at: str
    documents: int = 0
    chunks: int = 0
    episodes: int = 0
    encrypted: bool = False
    removed: Texts = ()
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a backup holds, and whether it is the store now (`done`). `kept` is where the store before it went, "" when
    there was none; `verified` says that the backup's own digest was there to compare with.
    """

    path: str
    home: str
    made_at: str = ""
    documents: int = 0
    chunks: int = 0
    episodes: int = 0
    verified: bool = False
    kept: str = ""
    done: bool = False
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was derived anew: rows of full text, vectors put into the index."""

    rows: int = 0
    vectors: int = 0
    waiting: int | None = 0
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """A backup that holds something to be erased. `until`: the day on which `--keep` lets it go, "" for never.

    `state`: "holds", or "unread" when it is encrypted or damaged and nobody could look inside.
    """

    path: str
    made_at: str
    until: str = ""
    state: Literal["holds", "unread"] = "holds"


@dataclass(frozen=True, slots=True)
class NotRewritten:
    """A backup that could not be rewritten, and why."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class RewriteReport:
    """What `brain backup --rewrite` did: of `looked` backups, which were written anew, and which could not be."""

    looked: int = 0
    rewritten: Texts = ()
    failed: tuple[NotRewritten, ...] = ()
    notices: Texts = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that stays and holds words of what is erased. `kind`: document, remembered (a sentence), question,
    round, feedback, skill, description. `words`: some that it shares, none where it only belongs to it.
    """

    kind: str
    id: str
    source: str
    title: str
    words: Texts = ()
    at: str = ""


@dataclass(frozen=True, slots=True)
class EraseReport:
    """What would be erased for good (`done` False) or was. `quoting` are answers that quote it, erased with it;
    `mentions` what stays and holds some of its words; `left` files below the home that do; `pending` why the last step
    has to be done again.
    """

    items: tuple[Forgotten, ...] = ()
    quoting: tuple[Forgotten, ...] = ()
    backups: tuple[Holding, ...] = ()
    done: bool = False
    left: Texts = ()
    pending: str = ""
    notices: Texts = ()
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a person said of one answer. `verdict`: good, wrong, missing. `answerable`: do the notes hold it? None
    when the person did not say. `documents`: ids of those that hold it, as far as it is known.

    `document_id`, `source`, `locator` ("L12-12", "p. 3"), `quote` are the place that the person pointed at, "" when
    none. `signals`: what retrieval measured for that question, empty when nothing was kept.
    """

    id: str
    at: str
    question: str
    verdict: str
    answerable: bool | None = None
    documents: Texts = ()
    document_id: str = ""
    source: str = ""
    locator: str = ""
    quote: str = ""
    why: str = ""
    episode: str = ""
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a document went on the way to the first places. `stage`: not stored, out of scope, no candidate, cut,
    collapsed, found. Ranks count from 1, None where it was not seen; `shared` are the words of the question in it.
    """

    query: str
    document: str
    source: str
    stage: str
    lexical: int | None = None
    dense: int | None = None
    fused: int | None = None
    shared: Texts = ()
    limit: int = 10
    said: str = ""
    hint: str = ""

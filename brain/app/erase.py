"""`forget --erase`: what goes for good, in which order, and what is still left of it somewhere.

The rows, the mark "an erasure is not finished" and a list of all that was left elsewhere change in one transaction; the
steps behind it are done again by the next command when a process dies in between. Leaves the rows to
`brain.store.erasure`, what else holds the words to `brain.store.mentions`, the files to `brain.keeping.erase`. Serves
`.keep.erase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brain.app.derived import begun, finish_erasure
from brain.app.file_facts import uri_of
from brain.app.governed import ledger_of
from brain.app.library import EPISODE, Library, stored_path
from brain.app.resources import Resources
from brain.config.secret import Secret
from brain.errors import NotFound
from brain.faults import reach
from brain.keeping.backup import copies_of
from brain.keeping.erase import (
    backups_with,
    database_files,
    files_with,
    note_erased,
    note_left_out,
)
from brain.reports import EraseReport, Forgotten, Holding, Mention
from brain.store import PENDING
from brain.store.erasure import Eraser, ErasureFindings, ErasureTargets
from brain.store.mentions import Mentions
from brain.types import Texts

SHORTEST_PREFIX = 6  # of an id that is typed
GOES = (
    "question",
    "round",
    "feedback",
    "remembered",
)  # kinds of mentions that can go as well; of the others a person decides one by one
FEEDBACK = "feedback:"  # stands before the id of what a person said of an answer
SEALED = "{} of the backups could not be looked into; delete them, or name their passphrase or key"


def erase(
    resources: Resources,
    references: Sequence[str],
    secret: Secret,
    *,
    dry_run: bool,
    mentions: bool = False,
) -> EraseReport:
    """Documents and episodes, forgotten ones too, leave every file of the home; what else holds their words is listed.

    `mentions`: questions, rounds, feedback and remembered sentences that hold some of the words go as well. Raises
    `NotFound`.
    """
    store = resources.store
    config = resources.config
    items, unknown = _named(resources, references)
    targets = _targets(items, unknown)
    eraser = Eraser(store.connection.conn)
    present, others = _looked_up(eraser, targets, mentions=mentions)
    today = resources.moment().date()
    looked = copies_of(store, config)
    held, ids = backups_with(store, config, targets, secret=secret, today=today)
    _must_be_somewhere(unknown, held)
    if dry_run:
        report = EraseReport(items, _quoting(present, targets), tuple(held))
        notices = _notices(eraser, targets, held)
        return replace(report, notices=notices, mentions=others)
    with store.write():
        present, others = _looked_up(eraser, targets, mentions=mentions)
        store.tombstones.lay(eraser.files(present, targets), today.isoformat())
        origins = eraser.origins(present)
        eraser.erase(present, targets)
        _drop_bodies(resources, origins, targets)
        for reference in references:
            store.library.drop_root(stored_path(reference))
        ids.add(present)
        _note_begun(resources, targets, ids, held)
    reach("erase.after_commit")
    pending = finish_erasure(resources)
    # Another process may have made one since.
    more, ids = backups_with(
        store, config, targets, secret=secret, today=today, looked=looked
    )
    note_erased(store, ids)
    held += more
    left = _files(resources, targets)
    _note_left_out(resources, held, left)
    report = EraseReport(items, _quoting(present, targets), tuple(held), done=True)
    notices = _notices(eraser, targets, held)
    left_over = replace(report, left=tuple(left), pending=pending)
    return replace(left_over, notices=notices, mentions=others)


def _note_begun(
    resources: Resources,
    targets: ErasureTargets,
    ids: ErasureTargets,
    held: Sequence[Holding],
) -> None:
    """Write down, with the first step, that there are more, what was erased, and what was left out."""
    library = resources.store.library
    library.keep_setting(PENDING, begun(resources.now()))
    note_erased(resources.store, ids)
    drafts = _files(resources, targets, database_files(resources.config))
    _note_left_out(resources, held, drafts)


def _files(
    resources: Resources, targets: ErasureTargets, but: Sequence[Path] = ()
) -> list[str]:
    """Files of the home, but the backups and those named, that hold words of it."""
    store = resources.store
    copies = [copy.path for copy in copies_of(store, resources.config)]
    eraser = Eraser(store.connection.conn)
    return files_with(eraser, targets, resources.config, but=[*copies, *but])


def _drop_bodies(
    resources: Resources, origins: set[str], targets: ErasureTargets
) -> None:
    """Remove what the ledger keeps of what left with words of it, before the rows are gone for good: a crash in between
    loses what was kept, and leaves nothing behind.
    """
    files = _files(resources, targets, database_files(resources.config))
    ledger_of(resources).drop_bodies(origins, files)


def _note_left_out(
    resources: Resources, held: Sequence[Holding], files: Sequence[str]
) -> None:
    holding = [item.path for item in held if item.state == "holds"]
    note_left_out(resources.store, [*holding, *files], resources.now())


def _looked_up(
    eraser: Eraser, targets: ErasureTargets, *, mentions: bool
) -> tuple[ErasureFindings, tuple[Mention, ...]]:
    """(what goes, what stays and holds words of it); with `mentions` only what a person has to see to stays."""
    found = eraser.find(targets)
    look = Mentions(eraser.conn)
    others = look.of(targets, found)
    if mentions:
        for mention in others:
            _add(targets, mention)
        found = eraser.find(targets)
        others = [item for item in look.of(targets, found) if item.kind not in GOES]
    return found, tuple(others)


def _add(targets: ErasureTargets, mention: Mention) -> None:
    """A mention that goes as well; a remembered sentence is a round and a document."""
    if mention.kind in ("question", "round"):
        targets.episodes.add(mention.id)
    elif mention.kind == "feedback":
        targets.judgments.add(mention.id)
    elif mention.kind == "remembered":
        targets.documents.add(mention.id)
        targets.episodes.add(_bare(mention.source))


def _named(
    resources: Resources, references: Sequence[str]
) -> tuple[tuple[Forgotten, ...], list[str]]:
    """(what is stored or was forgotten under the references, the references under which nothing is)."""
    items: dict[str, Forgotten] = {}
    unknown = []
    said = {judgment.id: judgment for judgment in resources.judgments.all()}
    library = Library(resources)
    trash = library.forgotten()
    for reference in references:
        judgment = said.get(reference.removeprefix(FEEDBACK))
        if judgment:
            source = f"{FEEDBACK}{judgment.id}"
            question = judgment.question
            items[judgment.id] = Forgotten(judgment.id, "feedback", source, question)
            continue
        meant = [item for item in trash if _fits(item, reference)]
        try:
            meant += library.named([reference])
        except NotFound:
            if not meant:
                unknown.append(reference)
        items.update((item.id, item) for item in meant)
    return tuple(items.values()), unknown


def _targets(items: Sequence[Forgotten], unknown: Sequence[str]) -> ErasureTargets:
    """By what it is known everywhere; of what the store no longer has, a whole id or a path finds it in the backups."""
    bare = {_bare(reference) for reference in unknown}
    documents = {item.id for item in items if item.kind == "document"} | bare
    episodes = {item.id for item in items if item.kind == "episode"} | bare
    judgments = {item.id for item in items if item.kind == "feedback"}
    uris = {uri_of(Path(stored_path(reference))) for reference in unknown}
    return ErasureTargets(documents, episodes, judgments=judgments, uris=uris)


def _must_be_somewhere(unknown: Sequence[str], held: Sequence[Holding]) -> None:
    """Raise `NotFound` for a reference under which neither the store nor any backup has something."""
    if unknown and not any(item.state != "unread" for item in held):
        raise NotFound(
            f"nothing is stored under {unknown[0]!r}",
            "`brain list` and `brain undo --list` show what there is",
        )


def _bare(reference: str) -> str:
    """An id without what may stand before it."""
    return reference.removeprefix("#").removeprefix(EPISODE)


def _fits(item: Forgotten, reference: str) -> bool:
    """Whether a forgotten thing is meant: by the start of its id, its path, or a folder above it."""
    start = _bare(reference)
    path = stored_path(reference)
    if len(start) >= SHORTEST_PREFIX and item.id.startswith(start):
        return True
    if item.source in (reference, path):
        return True
    return item.source.startswith(f"{path}/")


def _quoting(
    present: ErasureFindings, targets: ErasureTargets
) -> tuple[Forgotten, ...]:
    """Rounds that go, or lose their answer, because they quote it."""
    found = []
    for episode_id in present.episodes:
        if episode_id not in targets.episodes:
            found.append(Forgotten(episode_id, "episode", f"{EPISODE}{episode_id}", ""))
    for episode_id, question, at in present.quoting:
        source = f"{EPISODE}{episode_id}"
        found.append(Forgotten(episode_id, "episode", source, question, at=at))
    return tuple(found)


def _notices(eraser: Eraser, targets: ErasureTargets, held: Sequence[Holding]) -> Texts:
    """What a person must know of what is left elsewhere."""
    notices = []
    for source in eraser.copies_of(targets):
        notices.append(f"the same text also stands in {source}, which stays")
    for source in sorted(targets.sources):
        path = Path(source)
        if path.is_absolute() and path.exists():
            notices.append(
                f"{source} is still on the disk; it stays out until you add it by its own path"
            )
    unread = sum(item.state == "unread" for item in held)
    if unread:
        notices.append(SEALED.format(unread))
    return tuple(notices)

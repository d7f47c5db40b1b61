"""The ledger: every decision about what may leave this machine, what left it, and what it cost, as a chain of hashes.

A row's hash covers the hash before it and the row's own record, so that a changed byte or a missing row is seen. Each
hash is noted in a file outside the database as well: a ledger that was cut short no longer agrees with it. It shows
what accidents and other programs did; whoever rewrites both files can rewrite history. Leaves the rows to
`brain.store.ledger` and deciding to the policy. Serves the gate, the policy and the doctor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from brain.errors import NotFound
from brain.faults import reach
from brain.plain import read_plain
from brain.store import Store, local_now
from brain.store.ledger import LedgerRow
from brain.types import Texts

HEAD = "ledger.head"  # a file of the home: the number and the hash of each row
FOLDER = "ledger"  # of the home; below it the bodies
BODY_SHA = "body_sha256"  # fact of a row: the hash of the bytes that left
ORIGINS = (
    "origins"  # fact of a row: ids of chunks, episodes and skills that it was made of
)
KEPT_DAYS = 90
FILE_MODE = 0o600
FOLDER_MODE = 0o700
KINDS = frozenset(
    "intent settle deny ask approve publish label halt resume pull handed".split()
)
Fact = int | str | Texts
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, read. `facts`: everything but the number, the time and the kind."""

    id: int
    at: str
    kind: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows`: how many there are; `faults`: what is wrong, each with the number of its row. None: the chain holds."""

    rows: int
    faults: Texts


class Ledger:
    """The ledger of one store. `home`: where the head and the bodies lie; `now` gives the present with its offset."""

    def __init__(
        self, store: Store, home: Path, *, now: Callable[[], datetime] = local_now
    ) -> None:
        self._store = store
        self._table = store.ledger
        self._home = home
        self._now = now

    # -- writing --------------------------------------------------------------------------------------

    def append(self, kind: str, **facts: Fact) -> int:
        """Add a row and return its number; on the disk when this returns, unless a transaction is open around it.

        Facts are whole numbers, texts and tuples of texts: money in micro-dollars, times as ISO 8601. Raises
        `ValueError` for a kind that is none, `TypeError` for any other value.
        """
        return self.append_if(lambda: None, kind, **facts)

    def append_if(self, check: Callable[[], None], kind: str, **facts: Fact) -> int:
        """The same, unless `check` raises: in the transaction of the row, so that nobody adds another in between."""
        if kind not in KINDS:
            raise ValueError(f"no kind of ledger row: {kind}")
        for name, value in facts.items():
            _must_fit(name, value)
        at = self._now().isoformat(timespec="milliseconds")

        def made(before: LedgerRow) -> LedgerRow:
            check()
            number = before.id + 1
            record = canonical({**facts, "id": number, "at": at, "kind": kind})
            return LedgerRow(number, record, chained(before.hash, record))

        row = self._table.append(made)
        reach("ledger.before_head")
        if not self._store.connection.conn.in_transaction:
            self._note([row])
        return row.id

    def keep_body(self, row_id: int, body: bytes) -> None:
        """Keep the bytes that leave with a row, or that a person is asked about in it, for `KEPT_DAYS`
        days, readable by nobody else; older ones go.
        """
        folder = self._bodies
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        self.drop_expired()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(folder / str(row_id), flags, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())

    def drop_expired(self) -> None:
        """Remove the bodies that are older than `KEPT_DAYS`, where this process may."""
        oldest = self._now() - timedelta(days=KEPT_DAYS)
        limit = oldest.timestamp()
        with suppress(OSError):
            for path in list(self._bodies.iterdir()):
                if path.lstat().st_mtime < limit:
                    path.unlink()

    def drop_bodies(self, origins: Collection[str], files: Iterable[str]) -> set[str]:
        """Remove what is kept of rows that were made of one of the origins, and those of the files that are bodies; the
        rows stay. Returns the paths.
        """
        places = {path for path in map(Path, files) if path.parent == self._bodies}
        for entry in self.entries():
            if not set(entry.facts.get(ORIGINS, ())).isdisjoint(origins):
                places.add(self._bodies / str(entry.id))
        gone = set()
        for place in places:
            if place.is_file():
                place.unlink()
                gone.add(str(place))
        return gone

    def start_anew(self, stamp: str) -> str:
        """After another database took the place of this one: note its rows. A head of other rows, and what is kept of
        what left with them, stay beside it under another name; that end of their names, "" when the head agreed.
        """
        noted = self._noted()
        newest = max(noted, default=0)
        row = self._table.of(newest)
        if newest and row is not None and row.hash == noted[newest]:
            self.note_head()
            return ""
        if not newest:
            self.note_head()
            return ""
        end = f".before-restore-{stamp}"
        for name in (HEAD, FOLDER):
            place = self._home / name
            if place.exists():
                place.rename(self._home / f"{name}{end}")
        self.note_head()
        return end

    # -- reading --------------------------------------------------------------------------------------

    def body(self, row_id: int) -> bytes:
        """Exactly what left, or would have. Raises `NotFound` where nothing is kept."""
        try:
            return read_plain(self._bodies / str(row_id))
        except OSError:
            said = f"no bytes are kept of row {row_id}"
            hint = f"bodies stay {KEPT_DAYS} days, and go with what is erased; `brain ledger` lists the rows"
            raise NotFound(said, hint) from None

    def entry(self, row_id: int) -> Entry:
        """One row. Raises `NotFound`."""
        row = self._table.of(row_id)
        if row is None:
            raise NotFound(
                f"the ledger has no row {row_id}", "`brain ledger` lists its rows"
            )
        return _read(row)

    def left_today(self, action: str) -> int:
        """How often something was about to leave today for this action, whatever came of it. What a clock that was set
        ahead left behind counts as well.
        """
        today = self._now().date().isoformat()
        return self._table.count_since("intent", action, today)

    def last(self, limit: int, *, kinds: Iterable[str] = KINDS) -> list[Entry]:
        """The newest rows of these kinds among the last `limit`, newest first."""
        wanted = frozenset(kinds)
        entries = map(_read, self._table.last(limit))
        return [entry for entry in entries if entry.kind in wanted]

    def entries(self) -> Iterator[Entry]:
        """Every row, oldest first."""
        return map(_read, self._table.rows())

    def verify(self) -> Verified:
        """Walk the whole chain, and compare it with the head and the bodies that are kept.

        What a crash left between the row and its note in the head is noted now, and is no fault. Bodies whose time is
        over go.
        """
        self.drop_expired()
        noted = self._noted()
        faults: list[str] = []
        unnoted: list[LedgerRow] = []
        link = Link()
        for row in self._table.rows():
            found = list(link.faults(row))
            if row.id not in noted:
                unnoted.append(row)
            elif noted[row.id] != row.hash:
                found.append(f"row {row.id} is not the one that was noted in {HEAD}")
            if not found:
                found += self._body_faults(row)
            faults += found
        newest = max(noted, default=0)
        if newest > link.id:
            faults.append(f"the rows from {link.id + 1} to {newest} are missing")
        if link.rows > 1 and not noted:
            faults.append(f"{HEAD}, the copy of its hashes, is missing or empty")
        elif not faults:
            self._note(unnoted)
        return Verified(link.rows, tuple(faults))

    # -- the head -------------------------------------------------------------------------------------

    def note_head(self) -> None:
        """Note the rows that were appended inside a transaction, once it is over."""
        newest = max(self._noted(), default=0)
        self._note(self._table.rows(after=newest))

    def _note(self, rows: Iterable[LedgerRow]) -> None:
        """Add lines to the head: one write each, so that two processes never mix theirs. A line that was cut short by a
        crash is closed by the line end that each begins with.
        """
        lines = [f"\n{row.id} {row.hash}".encode() for row in rows]
        if not lines:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(self._home / HEAD, flags, FILE_MODE)
        try:
            for line in lines:
                os.write(handle, line)
        finally:
            os.close(handle)

    def _noted(self) -> dict[int, str]:
        """The number and the hash of each row in the head."""
        with suppress(OSError):
            return head_lines(read_plain(self._home / HEAD))
        return {}

    # -- bodies ---------------------------------------------------------------------------------------

    @property
    def _bodies(self) -> Path:
        return self._home / FOLDER / "bodies"

    def _body_faults(self, row: LedgerRow) -> Iterator[str]:
        try:
            left = sha256(read_plain(self._bodies / str(row.id))).hexdigest()
        except FileNotFoundError:
            return
        except OSError as error:
            yield f"what is kept of row {row.id} cannot be read: {error.strerror}"
            return
        if _read(row).facts.get(BODY_SHA) != left:
            yield f"the bytes that are kept of row {row.id} are not those that left"


def canonical(facts: Facts) -> str:
    """JSON in one way only: names in order, no blanks, ASCII, whole numbers and texts."""
    return json.dumps(
        facts,
        sort_keys=True,
        separators=(",", ":"),
    )


def chained(before: str, record: str) -> str:
    """The hash of a row behind one with the hash `before`."""
    return sha256(f"{before}{record}".encode("utf-8", "surrogateescape")).hexdigest()


def head_lines(data: bytes) -> dict[int, str]:
    """What the head holds: number -> hash, the first that was noted; what is no such line is left out."""
    found: dict[int, str] = {}
    for line in data.decode("ascii", "replace").splitlines():
        number, _, value = line.partition(" ")
        if number.isdigit() and len(value) == len(sha256().hexdigest()):
            found.setdefault(int(number), value)
    return found


class Link:
    """The walk along the chain: where it stands, and what may be the hash of the row before.

    That is the stored hash, or the one that the row must have had: when only the hash of a row was damaged, the row
    behind it is sound.
    """

    def __init__(self) -> None:
        self.id = 0
        self.rows = 0
        self._before = {""}

    def faults(self, row: LedgerRow) -> Iterator[str]:
        """What is wrong with the next row."""
        fitting = {chained(before, row.record) for before in self._before}
        follows = row.id == self.id + 1
        if not follows:
            yield f"the rows from {self.id + 1} to {row.id - 1} are missing"
        elif row.hash not in fitting:
            yield f"row {row.id} is not what was written"
        elif _read(row).id != row.id:
            yield f"row {row.id} was written under another number"
        self._before = {row.hash}
        if follows:
            self._before |= fitting
        self.id = row.id
        self.rows += 1


def _must_fit(name: str, value: Fact) -> None:
    """Raise `TypeError` for a value that has more than one way of being written."""
    items = value if isinstance(value, tuple) else (value,)
    for item in items:
        whole = isinstance(item, int) and not isinstance(item, bool)
        if not isinstance(item, str) and not whole:
            raise TypeError(f"{name}: a ledger holds whole numbers and texts")


def _read(row: LedgerRow) -> Entry:
    """A row by its parts; a record that cannot be read has the kind "damaged"."""
    try:
        facts = json.loads(row.record)
        return Entry(facts.pop("id"), facts.pop("at"), facts.pop("kind"), facts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Entry(row.id, "", "damaged", {})

"""What the children of the fault tests run, by name (`call:fault_victims:…`), and notes to feed them."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path


def write_notes(place: Path, numbers: range, tag: str = "") -> Path:
    """Small notes `00001.md`, `00002.md` that differ in one word."""
    place.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (place / f"{number:05}.md").write_text(
            f"# Note {number}\n\nThe word of this page is w{number}x{tag}.\n"
        )
    return place


def add_and_acknowledge(folder: str) -> None:
    """Add a folder and print the address of every document as soon as its batch is acknowledged."""
    from brain.app import Brain
    from brain.config import load

    said: set[str] = set()

    def acknowledge(what: str, _done: int, _total: int) -> None:
        if what == "reading":
            there = {
                str(row[0])
                for row in opened.resources.store.connection.conn.execute(
                    "SELECT uri FROM documents"
                )
            }
            sys.stdout.write("".join(f"{uri}\n" for uri in sorted(there - said)))
            sys.stdout.flush()
            said.update(there)

    with Brain(load(), progress=acknowledge) as opened:
        opened.add([Path(folder)])


def ask_all_the_time(seconds: str) -> None:
    """One `Brain` that stays open and searches until the time is up; prints what it saw, or the error that stopped it."""
    from brain.app import Brain
    from brain.config import load
    from brain.types import Request

    until, rounds, most = time.monotonic() + float(seconds), 0, 0
    with Brain(load()) as opened:
        while time.monotonic() < until:
            found = opened.search(Request(f"word of page w{rounds % 50}x", look=False))
            assert not found.degraded, found.degraded
            most = max(most, len(opened.library.documents()))
            rounds += 1
    print(json.dumps({"rounds": rounds, "most": most}))


def wait_for(word: str, seconds: str) -> None:
    """One `Brain`, open before the word was written, that looks for it; prints when it saw it first (`time.time`)."""
    from brain.app import Brain
    from brain.config import load
    from brain.types import Request

    until = time.monotonic() + float(seconds)
    with Brain(load()) as opened:
        opened.search(Request("anything", look=False))
        print("READY", flush=True)
        while time.monotonic() < until:
            for lexical in (True, False):
                if any(
                    word in passage.text
                    for passage in opened.search(
                        Request(
                            word, mode="lexical" if lexical else "hybrid", look=False
                        )
                    ).passages[:3]
                ):
                    print("lexical" if lexical else "dense", time.time(), flush=True)
                    if not lexical:
                        return
            time.sleep(0.02)


def hold_open(seconds: str) -> None:
    """Read from the store, keep it open for a while, and read again: the counts of documents, and until when (`time.time`)."""
    from brain.config import load
    from brain.store import Store

    store = Store.open(load().database)
    print("READY", store.library.count(), flush=True)
    time.sleep(float(seconds))
    print("DONE", store.library.count(), time.time(), flush=True)
    store.close()


def note_when_there_is_room(text: str) -> None:
    """Open the store, add a note and print when it was stored (`time.time`), to be compared with `hold_open`."""
    from brain.app import Brain
    from brain.config import load

    with Brain(load()) as opened:
        opened.note(text)
        print("STORED", time.time(), flush=True)


def add_in_full_batches(folder: str) -> None:
    """`brain add FOLDER` whose batches end when they are full, never by the clock: a busy machine changes nothing."""
    from brain.app import intake
    from brain.doors.cli import main

    intake.BATCH_SECONDS = math.inf
    main(["add", folder])


def check(home: str) -> None:
    """`checked`, where only the child can see the disk; prints how many documents there are."""
    from tests.end_to_end import checked

    print(len(checked(Path(home)).documents))


def fill_the_disk(folder: str, leave: str) -> None:
    """Write one file until nothing is free, then give back `leave` bytes of it."""
    import os

    path = Path(folder) / "ballast"
    number = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        while True:
            os.write(number, bytes(4096))
    except OSError:
        os.ftruncate(number, max(0, os.fstat(number).st_size - int(leave)))
    finally:
        os.close(number)


def leave_names(folder: str, count: str) -> None:
    """Let the disk take so many more files and no more; only in a namespace of its own."""
    import os
    import subprocess

    facts = os.statvfs(folder)
    names = facts.f_files - facts.f_ffree + int(count)
    subprocess.run(["mount", "-o", f"remount,nr_inodes={names}", folder], check=True)


def remount_read_only(folder: str, mode: str = "ro") -> None:
    """Make the disk read-only, or writable again; only in a namespace of its own."""
    import subprocess

    subprocess.run(["mount", "-o", f"remount,{mode}", folder], check=True)

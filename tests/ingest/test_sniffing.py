"""What a file is whose name does not say it, told by how it begins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest import Found, load, walk
from ingest.sniffing import kind_of

MAIL = b"From: a@example.org\nTo: b@example.org\nSubject: Rigging\nDate: Tue, 3 Mar 2026 10:00:00 +0100\n\nNew shrouds.\n"
MAILBOX = b"From a@example.org Tue Mar  3 10:00:00 2026\n" + MAIL
FILES = {
    "backup": (b"#!/usr/bin/env bash\nrsync\n", "text/x-bash"),
    "tool": (b"#!/usr/bin/python3 -u\nprint(1)\n", "text/x-python"),
    "serve": (b"#!/usr/bin/env -S node --flag\n", "text/x-javascript"),
    "count": (b"#!/usr/bin/perl -w\n", "text/x-plain-code"),
    "ls.1": (b'.\\" a page\n.TH LS 1\n', "text/troff"),
    "bilge.8": (b".Dd March 4, 2026\n.Dt BILGE 8\n", "text/troff"),
    "Inbox": (MAILBOX, "application/mbox"),
    "Work.mbox/mbox": (MAILBOX, "application/mbox"),
    "Mail/cur/1772530000.M1P2.host:2,S": (MAIL, "message/rfc822"),
    "Mail/new/1772530000.M1P2.host": (MAIL, "message/rfc822"),
    "inbox/17": (MAIL, "message/rfc822"),
    "card": (b"BEGIN:VCARD\nFN:Ana\nEND:VCARD\n", "text/vcard"),
    "syslog.1": (b"Mar  3 10:00:00 host kernel: words\n", "text/plain"),
    "words": (b"From: here to there, Subject: nothing\n", "text/plain"),
    "ideas": ("Küche grün".encode(), "text/plain"),
    "long": (b"a" + "é".encode() * 4_096, "text/plain"),
    "Meeting with Dr. Smith": (b"He calls on Monday.\n", "text/plain"),
    "notes.2026.05.07": (b"The gate code is 4711.\n", "text/plain"),
    "Procfile": (b"web: python app.py\n", "text/plain"),
    "a.out": (b"words\n", "application/octet-stream"),
    "program": (b"words\0words\n", "application/octet-stream"),
    "packed": (b"\x1f\x8b\x08words", "application/octet-stream"),
    "latin": (b"Jos\xe9\n", "application/octet-stream"),
    "blank": (b"\n \n", "application/octet-stream"),
    "empty": (b"", "application/octet-stream"),
    "photo.raw": (MAIL, "application/octet-stream"),
    "note.md": (b"#!/bin/sh\n", "text/markdown"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_told_by_its_name_and_else_by_its_beginning(
    name: str, tmp_path: Path
) -> None:
    content, kind = FILES[name]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert kind_of(path) == kind
    (found,) = [item for item in walk(tmp_path) if isinstance(item, Found)]
    assert found.media_type == kind


def test_a_mail_of_a_maildir_is_read_as_a_mail(tmp_path: Path) -> None:
    path = tmp_path / "cur" / "1772530000.M1P2.host:2,S"
    path.parent.mkdir()
    path.write_bytes(MAIL)
    (document,) = load(path)
    assert document.title == "Rigging"
    assert "New shrouds." in document.text


def test_folders_of_a_maildir_are_looked_into_and_its_trash_is_not(
    tmp_path: Path,
) -> None:
    for folder in (".Sent", ".Trash", ".cache"):
        (tmp_path / folder / "cur").mkdir(parents=True)
        (tmp_path / folder / "cur" / "1.host:2,S").write_bytes(MAIL)
    for folder in (".Sent", ".Trash"):
        (tmp_path / folder / "new").mkdir()
    found = [item.path for item in walk(tmp_path) if isinstance(item, Found)]
    assert found == [tmp_path / ".Sent" / "cur" / "1.host:2,S"]


def test_a_pipe_without_a_suffix_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert kind_of(tmp_path / "pipe") == "application/octet-stream"

"""Mails, mailboxes and Outlook messages: who and when, what was written, what was quoted, what was attached."""

from __future__ import annotations

import base64
import email.policy
import quopri
from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest import Document, Limits, UnreadableFile, load
from ingest.readers import mail, threads
from ingest.readers.mbox import read as read_mbox
from ingest.reading import Raw

SHARED = Path(__file__).parents[3] / "shared" / "eval" / "ingest"
REPLY = (
    "Good news. I will tell the neighbours.\n\n"
    "On Thu, 7 May 2026 at 10:00, Ana Lopez <ana@example.org> wrote:\n"
    "> The landlord promised a new boiler.\n> It comes in June.\n"
)


def letter(
    subject: str,
    body: str,
    *,
    sender: str = "Ana Lopez <ana@example.org>",
    day: int = 7,
    key: str = "",
) -> EmailMessage:
    made = EmailMessage(policy=email.policy.default)
    made["From"], made["To"], made["Subject"] = sender, "Bob <bob@example.org>", subject
    made["Date"] = f"Thu, {day:02} May 2026 10:00:00 +0200"
    made["Message-ID"] = f"<{key or subject}@example.org>"
    made.set_content(body)
    return made


def loaded(path: Path, data: bytes) -> list[Document]:
    path.write_bytes(data)
    documents = list(load(path))
    assert all(d.text == "".join(chunk.text for chunk in d.chunks) for d in documents)
    return documents


def test_a_mail_is_dated_located_and_titled_by_its_head(tmp_path: Path) -> None:
    made = letter("Boiler für Ana", "The landlord promised a new boiler.")
    made.add_attachment(
        b"12345", maintype="application", subtype="pdf", filename="vertrag größe.pdf"
    )
    (document,) = loaded(tmp_path / "a.eml", bytes(made))
    assert (document.title, document.chunks[0].heading) == (
        "Boiler für Ana",
        ("Boiler für Ana",),
    )
    assert (document.dated_at, document.dated_by) == (
        "2026-05-07T10:00:00+02:00",
        "metadata",
    )
    assert document.chunks[0].locator == "2026-05-07 Ana Lopez"
    assert document.text.startswith(
        "From: Ana Lopez <ana@example.org>\nTo: Bob <bob@example.org>\n"
    )
    assert "Attachments: vertrag größe.pdf (5 bytes)" in document.text
    assert document.notices == (
        "attachment vertrag größe.pdf not read: damaged: no page can be read",
    )
    assert (
        document.metadata["Message-ID"] == "<Boiler für Ana@example.org>"
        or "Message-ID" in document.metadata
    )


def test_the_older_mail_below_is_parted_from_the_answer(tmp_path: Path) -> None:
    (document,) = loaded(
        tmp_path / "a.eml",
        bytes(letter("Re: Boiler", REPLY, sender="Bob <bob@example.org>", day=8)),
    )
    assert (
        "The landlord promised a new boiler.\nIt comes in June.\n" in document.text
    ), "without its marks"
    assert ">  The" not in document.text
    quoted = threads.parts(REPLY)
    assert [part.text for part in quoted] == [
        "Good news. I will tell the neighbours.",
        "The landlord promised a new boiler.\nIt comes in June.",
    ]
    assert (
        quoted[1].intro
        == "On Thu, 7 May 2026 at 10:00, Ana Lopez <ana@example.org> wrote:"
    )


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("just words", ["just words"]),
        ("> all\n> quoted", ["all\nquoted"]),
        (
            "yes\n\n-----Original Message-----\nFrom: Ana\nSent: Monday\nTo: Bob\n\nwill it come?",
            ["yes", "will it come?"],
        ),
        (
            "Am 07.05.2026 um 10:00 schrieb Ana:\n> Kommt er?\nJa.\n> Wann?\nIm Juni.",
            ["> Kommt er?\nJa.\n> Wann?\nIm Juni."],
        ),
        ("mine\n> theirs", ["mine", "theirs"]),
        ("  indented\n    code\n", ["  indented\n    code"]),
        ("", []),
    ],
)
def test_ways_of_quoting(body: str, parts: list[str]) -> None:
    found = [part.text for part in threads.parts(body)]
    assert len(found) == len(parts)
    for text, wanted in zip(found, parts, strict=True):
        assert wanted in text
    assert not [text for text in found if text.startswith("> ") and "\n" not in text]


def test_text_is_taken_where_it_says_as_much_as_the_page(tmp_path: Path) -> None:
    made = letter("Plain", "The plain words of this mail, every one of them.")
    made.add_alternative(
        "<p>The <b>rich</b> words of this mail, every one of them.</p>", subtype="html"
    )
    assert "plain words" in loaded(tmp_path / "a.eml", bytes(made))[0].text
    made = letter("Rich", "open in a browser")
    made.add_alternative(
        "<style>p{}</style>" + "<p>The rich words of this mail.</p>" * 5, subtype="html"
    )
    text = loaded(tmp_path / "b.eml", bytes(made))[0].text
    assert "The rich words" in text
    assert "open in a browser" not in text
    assert "p{}" not in text


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: =?utf-8?q?broken=?=\n\nwords",
        b"Subject: =?no-such-charset?q?a?=\n\nwords",
        b"Subject: \xff\xfe\xe9\n\nwords \xe9",
        b"Date: Thu, 99 Foo 99999 99:99\n\nwords",
        b"From: ((((((((((\nContent-Type: multipart/mixed\n\nwords",
        b'Content-Type: text/plain; charset="\xff"\n\nwords',
        b"Content-Type: text/plain; charset=base64\n\nwords",
        b"Content-Transfer-Encoding: base64\n\nwords!!",
        b"no head at all, but words",
        b"Subject: x\nContent-Disposition: inline; filename*=bad'''%ff\n\nwords",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nwords\n",
    ],
)
def test_a_broken_mail_is_still_words(data: bytes) -> None:
    (reading,) = mail.read(Raw(data, "a.eml", "message/rfc822"))
    text = "".join(section.text for section in reading.sections)
    assert "wor" in text or "base64" in data.decode("latin-1")


def test_a_mailbox_is_many_documents_and_one_about_it(tmp_path: Path) -> None:
    first = letter(
        "Boiler",
        "The landlord promised a new boiler.\nIt comes in June.\n\nFrom here on we wait.",
    )
    second = letter("Re: Boiler", REPLY, sender="Bob <bob@example.org>", day=8)
    box = b"".join(
        b"From x@example.org Thu May  7 10:00:00 2026\n"
        + bytes(one).replace(b"\nFrom ", b"\n>From ")
        + b"\n"
        for one in (first, second)
    )
    about, boiler, answer = loaded(tmp_path / "in.mbox", box)
    assert "Mailbox with 2 messages.\nFrom 2026-05-07 to 2026-05-08." in about.text
    assert (boiler.title, answer.title) == ("Boiler", "Re: Boiler")
    assert "\nFrom here on we wait." in boiler.text, (
        "unescaped, and no message of its own"
    )
    assert "It comes in June" not in answer.text, "the mailbox holds that mail itself"
    assert [d.uri.partition("#")[0] for d in (boiler, answer)] == [about.uri, about.uri]
    assert boiler.content_hash != answer.content_hash
    longer = loaded(
        tmp_path / "in.mbox",
        b"From y Fri May  8 09:00:00 2026\n"
        + bytes(letter("New", "first now"))
        + b"\n"
        + box,
    )
    assert [d.uri for d in longer[2:]] == [boiler.uri, answer.uri], (
        "a message keeps its address when others come"
    )


def test_an_answer_between_known_lines_is_kept() -> None:
    older = "\n".join(f"line {n} of the older mail" for n in range(9))
    known = set(threads.fingerprints(older))
    marked = "\n".join("> " + line for line in older.split("\n"))
    (part,) = threads.without_known(
        [threads.Part(marked + "\nmy answer", "Ana wrote:")], known
    )
    assert part.text == "my answer"
    assert list(threads.without_known([threads.Part(older, "Ana wrote:")], known)) == []
    assert list(threads.without_known([threads.Part(older)], known)) == [
        threads.Part(older)
    ], "her own words stay"


def test_an_empty_mailbox_holds_no_messages(tmp_path: Path) -> None:
    (document,) = loaded(tmp_path / "empty.mbox", b"")
    assert document.text == "Mailbox with 0 messages.\n"


def test_what_is_no_mailbox_is_said() -> None:
    with pytest.raises(UnreadableFile, match="no message begins"):
        list(
            read_mbox(Raw(b"From a distance\nnothing\n", "a.mbox", "application/mbox"))
        )


def test_messages_beyond_the_cap_are_counted() -> None:
    box = b"".join(
        b"From x Thu May  7 10:00:00 2026\n"
        + bytes(letter(f"s{n}", "w", key="same"))
        + b"\n"
        for n in range(5)
    )
    about, *messages = read_mbox(
        Raw(box, "a.mbox", "application/mbox", Limits(parts=3))
    )
    assert len(messages) == 3
    assert about.notices == ("5 messages: cut to the first 3",)
    assert len({message.part for message in messages}) == 3, (
        "even with one Message-ID for all"
    )


@pytest.mark.skipif(not SHARED.exists(), reason="no shared evaluation files here")
def test_mails_that_others_made_are_read() -> None:
    files = [
        path
        for path in (
            *(SHARED / "eml").rglob("*"),
            *(SHARED / "docling" / "email").iterdir(),
        )
        if path.suffix in (".eml", ".msg")
    ]
    assert len(files) > 20
    for path in files:
        (document,) = load(path)
        assert document.chunks, path.name
    outlook = next(load(SHARED / "docling" / "email" / "msg_with_attachment.msg"))
    assert outlook.chunks[0].locator == "2026-05-20 Alice Example-test.txt, L1-3"
    assert "Attachments: test.txt (64 bytes), report.pdf (26 bytes)" in outlook.text
    assert outlook.metadata["To"] == "Bob Example <bob@example.com>"


def test_what_is_no_outlook_message_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.msg").write_bytes(b"Subject: renamed\n\nan .eml")
    with pytest.raises(UnreadableFile, match="Outlook"):
        next(load(tmp_path / "a.msg"))


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (b"=?UTF-8?Q?Ana_L=C3=B3pez?=<a@x>", "Ana López <a@x>"),
        (b"=?UTF-8?B?QW5h?==?UTF-8?B?IEzDs3Bleg==?= <a@x>", "Ana López <a@x>"),
        (b"=?UTF-8?Q?L=C3?= =?utf-8?Q?=B3pez?= <a@x>", "López <a@x>"),
        (b"=?gb2312?B?1qOUVA==?= <a@x>", "郑擳 <a@x>"),
        (b"=?x-sjis?B?jlKTYw==?= <a@x>", "山田 <a@x>"),
        ("Ana López <a@x>".encode("cp1252"), "Ana López <a@x>"),
    ],
)
def test_an_encoded_sender_is_read(stated: bytes, shown: str) -> None:
    assert mail.parsed(b"From: " + stated + b"\nSubject: s\n\nhi\n").sender == shown


# -- what is attached -----------------------------------------------------------------------------------------------------


def test_attached_mails_and_files_are_read_with_their_path_in_the_mail(
    tmp_path: Path,
) -> None:
    survey = letter("Hull survey", "The keel bolts need replacing.", key="s")
    survey.add_attachment("berth,price\nB4,840\n", subtype="csv", filename="prices.csv")
    made = letter("Fwd: survey", "See the attached mail.")
    made.add_attachment(survey)
    made.add_attachment(
        b"\xff\xd8", maintype="image", subtype="jpeg", filename="photo.jpg"
    )
    document = one_mail(tmp_path, bytes(made))
    prices = next(chunk for chunk in document.chunks if "B4,840" in chunk.text)
    assert prices.heading[:2] == ("Fwd: survey", "Hull survey")
    assert "prices.csv" in f"{prices.heading} {prices.locator}"
    assert "The keel bolts need replacing." in document.text
    assert document.notices == ("1 attachment named, not read: photo.jpg",)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_an_attached_mail_is_read_however_it_is_encoded(
    tmp_path: Path, encoding: str
) -> None:
    inner = b"From: s@example.org\nSubject: Hull\n\nThe keel bolts, f\xc3\xbcr Ana.\n"
    coded = {
        "base64": base64.encodebytes(inner),
        "quoted-printable": quopri.encodestring(inner),
        "8bit": inner,
    }[encoding]
    data = (
        b"From: a@example.org\nSubject: Fwd\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n"
        b"Content-Transfer-Encoding: "
        + encoding.encode()
        + b"\n\n"
        + coded
        + b"\n--b--\n"
    )
    document = one_mail(tmp_path, data)
    assert "The keel bolts, für Ana." in document.text
    assert "Attachments: Hull" in document.text


def test_an_invitation_is_words(tmp_path: Path) -> None:
    made = letter("Dinner", "You are invited.")
    made.add_alternative(
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nDTSTART:20260504T180000Z\nSUMMARY:Dinner\n"
        "LOCATION:Pier 4\nEND:VEVENT\nEND:VCALENDAR\n",
        subtype="calendar",
    )
    document = one_mail(tmp_path, bytes(made))
    assert (
        "Dinner: Monday 4 May 2026 (2026-05-04), 18:00 (UTC), at Pier 4"
        in document.text
    )
    assert "BEGIN:VEVENT" not in document.text


def test_mails_in_mails_end_and_a_damaged_one_loses_itself(tmp_path: Path) -> None:
    made = letter("level 0", "innermost")
    for level in range(1, 8):
        outer = letter(f"level {level}", f"words {level}")
        outer.add_attachment(made)
        made = outer
    made.add_attachment(
        b"PK\x03\x04 broken", maintype="application", subtype="zip", filename="a.docx"
    )
    document = one_mail(tmp_path, bytes(made))
    assert "words 7" in document.text
    assert "words 4" in document.text
    assert "innermost" not in document.text
    assert any("too many in this file" in notice for notice in document.notices)
    assert any("a.docx not read: damaged" in notice for notice in document.notices)


def test_what_thunderbird_still_holds_though_it_was_deleted_is_left_out(
    tmp_path: Path,
) -> None:
    kept = b"X-Mozilla-Status: 0001\n" + bytes(letter("Kept", "The rent is 840."))
    gone = b"X-Mozilla-Status: 0009\n" + bytes(letter("Gone", "The rent is 910."))
    start = b"From - Tue Mar  3 10:00:00 2026\n"
    path = tmp_path / "Inbox"
    path.write_bytes(start + kept + b"\n" + start + gone + b"\n")
    about, *messages = load(path)
    assert [message.title for message in messages] == ["Kept"]
    assert "1 deleted messages" in about.text


def one_mail(tmp_path: Path, data: bytes) -> Document:
    (document,) = loaded(tmp_path / "a.eml", data)
    return document

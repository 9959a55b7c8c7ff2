"""Messages out of files: mbox, Maildir, zip, and what is refused in them."""

from __future__ import annotations

import contextlib
import io
import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from bounces.mailfiles import BadArchive, FileKind, Member, open_members, open_zip, sniff, split_mbox, walk

MAIL = b"From: a@b.example\nSubject: one\n\nHello\n"
CAPS = {"mail_cap": 10_000, "archive_cap": 100_000}


def an_mbox(*mails: bytes) -> bytes:
    return b"".join(b"From a@b.example Thu Apr 29 23:34:45 2021\n" + mail + b"\n" for mail in mails)


def a_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    stream.seek(0)
    return stream


def bodies(members: list[Member]) -> list[bytes | None]:
    return [member.body for member in members]


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"", "", FileKind.EMPTY),
        (b" \r\n\r\n", "", FileKind.EMPTY),
        (MAIL, "", FileKind.MAIL),
        (an_mbox(MAIL), "", FileKind.MBOX),
        (an_mbox(MAIL).replace(b"\n", b"\r"), "", FileKind.MBOX),
        (an_mbox(MAIL), "saved.eml", FileKind.MAIL),
        (b"PK\x03\x04rest", "", FileKind.ZIP),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "", FileKind.UNKNOWN),
    ],
)
def test_a_file_is_known_by_its_first_bytes(head: bytes, name: str, kind: FileKind) -> None:
    assert sniff(head, name) is kind


def test_an_mbox_gives_its_mails_as_they_were_stored() -> None:
    other = b"From: c@d.example\n\nTwo\n"
    assert bodies(list(split_mbox(io.BytesIO(an_mbox(MAIL, other)), 10_000))) == [MAIL, other]


def test_an_mbox_with_crlf_keeps_them() -> None:
    mail = MAIL.replace(b"\n", b"\r\n")
    stored = an_mbox(MAIL, MAIL).replace(b"\n", b"\r\n")
    assert bodies(list(split_mbox(io.BytesIO(stored), 10_000))) == [mail, mail]


def test_an_mbox_with_cr_only_is_split_too() -> None:
    stored = an_mbox(MAIL, MAIL).replace(b"\n", b"\r")
    assert len(list(split_mbox(io.BytesIO(stored), 10_000))) == 2


def test_an_escaped_from_line_is_unescaped() -> None:
    stored = an_mbox(b"From: a@b.example\n\n>From here on\n>>From there\n")
    assert bodies(list(split_mbox(io.BytesIO(stored), 10_000))) == [b"From: a@b.example\n\nFrom here on\n>From there\n"]


def test_a_sentence_that_begins_with_from_does_not_split() -> None:
    mail = b"From: a@b.example\n\nHello\n\nFrom now on, all is well.\n"
    assert bodies(list(split_mbox(io.BytesIO(an_mbox(mail)), 10_000))) == [mail]


def test_a_mail_above_the_cap_is_refused_and_the_next_one_read() -> None:
    members = list(split_mbox(io.BytesIO(an_mbox(b"A: b\n\n" + b"x" * 70_000 + b"\n", MAIL)), 1_000))
    assert [member.refused for member in members] == ["It is larger than 1,000 bytes.", ""]
    assert members[1].body == MAIL


def test_a_mail_of_empty_lines_costs_no_more_than_its_bytes() -> None:
    stored = an_mbox(MAIL + b"\n" * 300_000)
    tracemalloc.start()
    (member,) = split_mbox(io.BytesIO(stored), 4_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert member.body == MAIL + b"\n" * 300_000
    assert peak < 4 * len(stored)


def test_empty_lines_are_read_without_a_search_in_each() -> None:
    stored = an_mbox(MAIL + b"\n" * 2_000_000)
    begin = time.process_time()
    list(split_mbox(io.BytesIO(stored), 4_000_000))
    assert time.process_time() - begin < 3.5  # 0.6 s; with two searches a line 6 s


def test_of_a_mail_above_the_cap_not_a_part_is_taken_for_the_whole() -> None:
    stored = an_mbox(b"A: b\n\n" + b"x" * 1_000 + b"\n" + b"\r" * 10 + b"\n", MAIL)
    assert [bool(member.refused) for member in split_mbox(io.BytesIO(stored), 1_000)] == [True, False]


def test_a_zip_gives_its_mails_and_the_messages_of_its_mboxes_in_order() -> None:
    members = list(open_zip(a_zip({"new/1": MAIL, "box.mbox": an_mbox(MAIL, MAIL)}), **CAPS))
    assert [(member.index, member.name) for member in members] == [
        (0, "new/1"),
        (1, "box.mbox, message 1"),
        (2, "box.mbox, message 2"),
    ]
    assert bodies(members) == [MAIL, MAIL, MAIL]


@pytest.mark.parametrize(
    ("name", "body", "refused"),
    [
        ("big.eml", bytes(range(256)) * 50, "It is larger than 10,000 bytes."),
        ("bomb.eml", b"x" * 3_000_000, "It unpacks to more than 200 times its size."),
        ("inner.zip", b"PK\x03\x04", "It is an archive within the archive."),
        ("inner", b"PK\x03\x04 and more", "It is an archive within the archive."),
        ("../../etc/passwd", MAIL, "Its name points outside the archive."),
        ("huge.eml", bytes(range(256)) * 500, "The archive unpacks to more than is allowed."),
    ],
)
def test_a_file_that_may_harm_is_refused_by_name_and_the_next_one_read(name: str, body: bytes, refused: str) -> None:
    members = list(open_zip(a_zip({name: body, "good.eml": MAIL}), **CAPS))
    assert [(member.name, member.refused) for member in members] == [(name, refused), ("good.eml", "")]


def test_an_archive_stops_unpacking_at_its_cap() -> None:
    files = {f"{number}.eml": bytes(range(250)) * 36 for number in range(15)}
    members = list(open_zip(a_zip(files), **CAPS))
    assert [bool(member.refused) for member in members] == [False] * 11 + [True] * 4


def test_a_damaged_file_is_refused_and_the_next_one_read() -> None:
    stored = bytearray(a_zip({"a.eml": MAIL * 20, "b.eml": MAIL}).getvalue())
    stored[40:50] = b"0123456789"
    members = list(open_zip(io.BytesIO(stored), **CAPS))
    assert [member.refused for member in members] == ["It is damaged: it cannot be unpacked.", ""]


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_damage_in_any_compression_stops_at_its_file(method: int) -> None:
    mail = MAIL + bytes(random.Random(1).randbytes(300))
    sound = a_zip({"a.eml": mail, "b.eml": MAIL}, method).getvalue()
    begin, end = sound.index(b"a.eml") + 5, sound.index(b"PK\x03\x04", 4)
    for seed in range(300):
        chance = random.Random(seed)
        stored = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            stored[chance.randrange(begin, end)] = chance.randrange(256)
        members = list(open_zip(io.BytesIO(stored), **CAPS))
        assert members[0].body == mail or members[0].refused, seed
        assert (members[1].name, members[1].body) == ("b.eml", MAIL), seed


def test_a_file_without_a_name_is_read() -> None:
    stored = a_zip({"x.eml": MAIL}).getvalue().replace(b"x.eml", b"\0.eml")  # zipfile cuts names at a NUL
    (member,) = open_zip(io.BytesIO(stored), **CAPS)
    assert (member.name, member.body) == ("", MAIL)


@pytest.mark.parametrize("method", METHODS)
def test_damage_anywhere_in_an_archive_ends_in_members_or_a_bad_archive(method: int) -> None:
    sound = a_zip({"a.eml": MAIL * 5, "b.eml": MAIL}, method).getvalue()
    for seed in range(600):
        chance = random.Random(seed)
        stored = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            stored[chance.randrange(len(stored))] = chance.randrange(256)
        with contextlib.suppress(BadArchive):
            list(open_zip(io.BytesIO(stored), **CAPS))


def test_an_encrypted_file_is_refused() -> None:
    stored = a_zip({"a.eml": MAIL}).getvalue()
    at = stored.index(b"PK\x01\x02") + 8
    members = list(open_zip(io.BytesIO(stored[:at] + b"\x01" + stored[at + 1 :]), **CAPS))
    assert members[0].refused == "It is encrypted."


@pytest.mark.parametrize("body", [b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18, b"PK\x03\x04" + b"\x00" * 500])
def test_what_only_looks_like_a_zip_is_a_bad_archive(body: bytes) -> None:
    with pytest.raises(BadArchive, match=r"damaged|more than"):
        list(open_zip(io.BytesIO(body), **CAPS))


def test_any_cut_of_a_zip_ends_in_members_or_a_bad_archive() -> None:
    stored = a_zip({"a.eml": MAIL, "b.eml": MAIL}).getvalue()
    for end in range(4, len(stored)):
        with pytest.raises(BadArchive):
            list(open_zip(io.BytesIO(stored[:end]), **CAPS))


def test_any_file_opens_as_what_it_is() -> None:
    for body, count in ((MAIL, 1), (an_mbox(MAIL, MAIL), 2), (a_zip({"a": MAIL}).getvalue(), 1), (b"", 1)):
        assert len(list(open_members(io.BytesIO(body), "x", **CAPS))) == count


def test_a_folder_is_walked_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.eml", "a.eml", ".hidden", "c/d.eml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)
    assert [str(path.relative_to(tmp_path)) for path in walk(tmp_path)] == ["a.eml", "b.eml", "c/d.eml"]


def test_a_maildir_gives_its_read_and_its_new_mails_not_its_drafts(tmp_path: Path) -> None:
    for name in ("cur/1:2,S", "new/2", "tmp/3", "dovecot.index"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)
    assert [str(path.relative_to(tmp_path)) for path in walk(tmp_path)] == ["cur/1:2,S", "new/2"]

"""Hostile files: each is read, or refused in plain words; bombs within five seconds and in bounded memory."""

from __future__ import annotations

import io
import time

import pytest

from contacts.importing.headers import word_of
from contacts.importing.reading import Form, Manner, UnreadableFile, read_sheet, read_table
from tests.contacts.hostile import BOMBS, READ, REFUSED, a_workbook, rows_of
from tests.contacts.nastier import NASTIER
from tests.contacts.test_import_columns import LANGUAGES

SECONDS = 5
ENCODINGS = {"Russian": "koi8-r", "Japanese": "shift_jis", "Polish": "cp1250", "German": "cp1252", "French": "utf-16"}
NATIVE = {
    "koi8_r": "Иван,Петров,Мария,Кузнецова",
    "cp1251": "Иван,Петров,Мария,Кузнецова",
    "shift_jis": "山田,太郎,田中,株式会社東京商事",
    "gb18030": "王,小明,李,北京科技有限公司",
    "big5": "陳,大文,王,小明",
    "euc_kr": "김,철수,이,주식회사",
    "cp1253": "Γιώργος,Παπαδόπουλος,Ελένη,Αθήνα",
    "cp1250": "Łukasz,Żółkiewski,Jiří,Dvořák",
}

# Few names, as lists have them. The bytes of è, ø and ñ are č, ř and ń in Central Europe; those of Turkish ı are ý.
NEIGHBOURS = {
    "French": ("cp1252", "François,Lefèvre,Hélène,Loïc,Agnès"),
    "Spanish": ("cp1252", "Muñoz,García,Peña,España"),
    "Danish": ("cp1252", "Søndergård,Kjær,Ødger"),
    "Swedish": ("cp1252", "Åkesson,Håkan,Sjögren"),
    "Portuguese": ("cp1252", "João,Simões,Gonçalves,Antônio"),
    "Italian": ("cp1252", "Nicolò,Forlì,Società"),
    "all of the west": ("cp1252", "Jürgen,Lefèvre,García,Søndergård,Weiß,O’Neill"),
    "one of a long list": ("cp1252", "Weiß"),
    "Czech": ("cp1250", "Jiří,Dvořák,Růžička,Němec,Plzeň"),
    "Hungarian": ("cp1250", "Erdős,Szűcs,Győr,Kovács"),
    "Croatian": ("cp1250", "Đorđević,Kovačić,Božić"),
    "Slovenian": ("cp1250", "Potočnik,Zupančič"),
    "Polish": ("cp1250", "Kamiński,Wójcik"),
    "Romanian": ("cp1250", "Brătianu,Ştefan,Mureşan"),
    "Turkish": ("cp1254", "Yılmaz,Şahin,Doğan,Öztürk"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_five_seconds(name: str):
    make, says = BOMBS[name]
    body = make()
    started = time.monotonic()
    with pytest.raises(UnreadableFile, match=says):
        read_sheet(body)
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_says_why(name: str):
    body, says = REFUSED[name]
    with pytest.raises(UnreadableFile, match=says):
        read_sheet(body)


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_and_says_what_was_assumed(name: str):
    body, rows, says = READ[name]
    sheet = read_sheet(body)
    assert sheet.rows == rows
    assert says in " ".join(sheet.notices)
    assert bool(says) == bool(sheet.notices)


@pytest.mark.parametrize("name", NASTIER)
def test_what_aims_at_the_readers_gets_a_plain_answer_within_five_seconds(name: str):
    make, form, comes = NASTIER[name]
    body = make()
    started = time.monotonic()
    if isinstance(comes, str):
        with pytest.raises(UnreadableFile, match=comes):
            list(read_table(io.BytesIO(body), form).lines)
    else:
        assert [line.cells[:1] for line in read_table(io.BytesIO(body), form).lines if any(line.cells)] == comes
    assert time.monotonic() - started < SECONDS


def test_what_could_not_be_parted_says_what_was_tried():
    (notice,) = read_sheet(b"Ada Lovelace wrote to us.\nBob did not.\n").notices
    assert "comma, semicolon, tab, vertical bar were tried" in notice
    assert read_sheet(b"email\na@x.example\n").notices == []


class Endless(io.RawIOBase):
    """A file of two gigabytes and not one line end. Counts what is taken of it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return (b"email," + b"x" * size)[:size] if self.taken < 2 * 1024**3 else b""


@pytest.mark.parametrize("form", [Form.CSV, Form.VCARD])
def test_a_line_of_two_gigabytes_is_refused_after_a_few_megabytes(form: Form):
    stream = Endless()
    with pytest.raises(UnreadableFile, match=r"a line of more than|columns|empty"):
        list(read_table(stream, form).lines)
    assert stream.taken < 8 * 1024**2


@pytest.mark.parametrize("language", ENCODINGS)
def test_headers_come_in_the_encodings_of_their_countries(language: str):
    header = LANGUAGES[language]
    row = ",".join(["ada@x.example", *["Ada"] * header.count(",")])
    sheet = read_sheet(f"{header}\n{row}\n".encode(ENCODINGS[language]))
    assert [word_of(name) for name in sheet.headers[:3]] == ["email", "first_name", "last_name"]


@pytest.mark.parametrize("encoding", NATIVE)
def test_names_come_in_the_encodings_of_their_countries(encoding: str):
    names = NATIVE[encoding].split(",")
    body = "email,name\n" + "".join(f"p{n}@x.example,{name}\n" for n, name in enumerate(names))
    assert [cells[1] for cells in read_sheet(body.encode(encoding)).rows] == names


@pytest.mark.parametrize("language", NEIGHBOURS)
def test_names_of_one_half_of_europe_are_not_read_as_those_of_the_other(language: str):
    encoding, listed = NEIGHBOURS[language]
    names = listed.split(",")
    body = "email;name;title\n" + "".join(f"p{n}@x.example;{name};Sales Manager\n" for n, name in enumerate(names))
    assert [cells[1] for cells in read_sheet(body.encode(encoding)).rows] == names


def test_a_person_may_say_the_encoding_and_the_separator():
    sheet = read_sheet("email:n\na@x.example:Şükrü\n".encode("cp1254"), manner=Manner("cp1254", ":"))
    assert (sheet.rows, sheet.notices) == ([["a@x.example", "Şükrü"]], [])
    with pytest.raises(UnreadableFile, match="no encoding “klingon”"):
        read_sheet(b"email\na@x.example\n", manner=Manner("klingon"))


def test_a_person_may_say_the_sheet():
    def fill(sheet):
        sheet.append(["nothing"])
        other = sheet.parent.create_sheet("People")
        other.append(["email"])
        other.append(["a@x.example"])

    body = a_workbook(fill)
    assert read_sheet(body, manner=Manner(sheet="People")).rows == [["a@x.example"]]
    with pytest.raises(UnreadableFile, match="“Sheet”, “People”"):
        read_sheet(body, manner=Manner(sheet="Others"))


def test_a_row_in_another_encoding_is_reported_and_the_rest_goes_on():
    body = b"email,n\n" + "".join(f"p{n}@x.example,Zoë\n" for n in range(20)).encode()
    sheet = read_sheet(body + "q@x.example,Zoë\n".encode("latin-1") + "r@x.example,Zoë\n".encode())
    assert (len(sheet.rows), list(sheet.problems), sheet.rows[-1][1]) == (22, [22], "Zoë")
    assert "0xeb" in sheet.problems[22]


def test_accents_that_come_late_decide_the_encoding_late():
    body = b"email,n\n" + b"".join(b"p%d@x.example,plain\n" % n for n in range(40_000))
    sheet = read_sheet(body + "z@x.example,Zoë\n".encode("cp1252"))
    assert sheet.rows[-1] == ["z@x.example", "Zoë"]
    assert "Windows-1252" in sheet.notices[0]


def test_rows_that_are_too_long_or_too_short_keep_their_place():
    sheet = read_sheet(b"email,a,b\na@x.example\nb@x.example,1,2,3\nc@x.example,1,2,,\n")
    assert sheet.rows == [["a@x.example", "", ""], ["b@x.example", "1", "2"], ["c@x.example", "1", "2"]]
    assert list(sheet.problems) == [3]


def test_several_cards_are_read_with_their_parts():
    body = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;Dr;\r\nEMAIL;TYPE=home:b@x.example\r\n"
        "item1.EMAIL;TYPE=INTERNET,pref:a@x.\r\n example\r\nORG:Acme\\, Inc;R&D\r\nTEL:tel:+49 30 901820\r\n"
        "ADR;TYPE=WORK:;;S;T;;1;Germany\r\nCATEGORIES:vip,maths\r\nPHOTO:" + "A" * 90_000 + "\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB =\r\nM\r\n"
        "EMAIL:z@x.example\r\nEND:VCARD\r\n"
    )
    sheet = read_sheet(body.encode())
    ada, zoe = (dict(zip(sheet.headers, cells, strict=True)) for cells in sheet.rows)
    assert (ada["email"], ada["other_emails"], ada["company"]) == ("a@x.example", "b@x.example", "Acme, Inc")
    assert (ada["first_name"], ada["last_name"], ada["country"]) == ("Ada", "Lovelace", "Germany")
    assert (ada["phone"], ada["tags"]) == ("+49 30 901820", "vip, maths")
    assert (zoe["first_name"], zoe["last_name"], zoe["email"]) == ("Zoë", "M", "z@x.example")


def test_a_workbooks_child_ends_with_its_reader():
    table = read_table(io.BytesIO(rows_of(["email"], *[[f"p{n}@x.example"] for n in range(20_000)])))
    assert next(table.lines).cells == ["p0@x.example"]
    del table  # nobody reads on: the child goes, and no warning comes


def test_a_long_row_of_a_file_without_a_header_is_refused():
    with pytest.raises(UnreadableFile, match="at most 200"):
        read_sheet(b"ada@x.example,Ada\n" + b"b@x.example" + b",x" * 5000 + b"\n")

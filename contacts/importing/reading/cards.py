"""vCards (RFC 6350, RFC 2426, vCard 2.1), several in a file. In: a file's pieces. Out: a Table of one row a card.

Only what a contact has is kept; pictures and keys are passed over line by line, whatever their size.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import re2

from contacts.importing.reading.characters import flaw_of, without_halves
from contacts.importing.reading.encodings import UTF8, Text, known_encoding
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.patience import Patience, shown_of
from contacts.importing.reading.records import Dialect, lines_in
from contacts.importing.reading.tables import LONGEST_CELL, Broken, Manner, Record, Table, UnreadableFile, lines_of

HEADERS = [
    "email", "other_emails", "first_name", "last_name", "title", "company", "phone", "country", "tags", "external_id",
    "notes",
]  # fmt: skip
KEPT = frozenset({"BEGIN", "END", "FN", "N", "EMAIL", "TITLE", "ORG", "TEL", "ADR", "CATEGORIES", "UID", "NOTE"})
HEAD = re2.compile(r'^(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;(?:[^:;"]|"[^"]*")*)*):')
PARAMETER = re2.compile(r';([^=;:]+)(?:=((?:"[^"]*"|[^;:"])*))?')
ESCAPED = re.compile(r"\\(.)")  # Python's own engine: it takes half characters too, and a single one is linear
COUNTRY = 6  # of ADR: post box, extension, street, town, region, code, country
LONGEST_KEPT = 2 * LONGEST_CELL  # of a line: what is longer is told as a cell that is too long
MOST_REPEATED = 50  # of one property in a card
MOST_PROPERTIES = 1000  # of those that are kept, in a card or between two
UNREAD = ""  # the name of a line that is none
MOST_SHOWN = 3  # of those
NEVER_CLOSED = "The card is never closed: END:VCARD is missing"
MOST_LINES = 100_000  # between two of those: a picture of seven megabytes


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    parameters: Mapping[str, str]  # names and values in capitals
    value: str

    @property
    def is_preferred(self) -> bool:
        return "PREF" in self.parameters or "PREF" in self.parameters.get("TYPE", "")


def read_cards(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:  # noqa: ARG001 -- one signature for all
    """Raises UnreadableFile."""
    notices = ["The cards are numbered from 1."]
    text = Text(pieces, notices, manner.encoding)
    records = _borne(_records(properties_in(lines_in(text, Dialect()))))
    return Table(list(HEADERS), lines_of(records, len(HEADERS), is_defused=False), notices)


def _borne(records: Iterator[Record]) -> Iterator[Record]:
    """Raises UnreadableFile where too many are broken."""
    patience = Patience("Cards are needed that begin with BEGIN:VCARD and end with END:VCARD.")
    for number, record in records:
        if isinstance(record, Broken):
            patience.bear(number, number, record.problem)
        yield number, record


def _records(properties: Iterable[Property]) -> Iterator[Record]:
    number, card, met = 0, None, 0
    for each in properties:
        met += 1
        if met > MOST_PROPERTIES:
            raise UnreadableFile(f"Card {number} has more than {MOST_PROPERTIES:,} lines about a person.")
        is_card = each.value.strip().upper() == "VCARD"
        if each.name == "BEGIN" and is_card:
            if card is not None:
                yield number, Broken(cells_of(card), f"{NEVER_CLOSED} before the next one begins.")
            number, card = number + 1, dict[str, list[Property]]()
        elif each.name == "END" and is_card and card is not None:
            yield number, _record(card)
            card, met = None, 0
        elif card is not None and len(card.setdefault(each.name, [])) < MOST_REPEATED:
            card[each.name].append(each)
    if card is not None and number == 1:
        raise UnreadableFile(f"{NEVER_CLOSED}. Is the file complete?")
    if card is not None:
        yield number, Broken(cells_of(card), f"{NEVER_CLOSED}. Is the file complete?")
    if not number:
        raise UnreadableFile("The file holds no card. One begins with BEGIN:VCARD and ends with END:VCARD.")


def _record(card: Mapping[str, list[Property]]) -> list[str]:
    cells = cells_of(card)
    if bad := card.get(UNREAD):
        shown = ", ".join(f"“{shown_of(each.value)}”" for each in bad[:MOST_SHOWN])
        return Broken(
            cells, f"What the card says here cannot be read: {shown}. A name, a colon and a value are needed."
        )
    return cells


def cells_of(card: Mapping[str, list[Property]]) -> list[str]:
    emails = [plain(each.value) for each in _preferred(card, "EMAIL")]
    names = _parts(card, "N")
    first, last = names[1:2], names[:1]
    if not any(first + last):
        given, _, family = plain(_value(card, "FN")).rpartition(" ")
        first, last = [given], [family]
    return [
        "".join(emails[:1]),
        ", ".join(dict.fromkeys(emails[1:])),
        "".join(first),
        "".join(last),
        plain(_value(card, "TITLE")),
        "".join(_parts(card, "ORG")[:1]),
        plain(_value(card, "TEL")).removeprefix("tel:"),
        "".join(_parts(card, "ADR")[COUNTRY : COUNTRY + 1]),
        ", ".join(plain(part) for each in card.get("CATEGORIES", []) for part in split(each.value, ",")),
        plain(_value(card, "UID")),
        _unescaped(_value(card, "NOTE")).strip(),
    ]


def _preferred(card: Mapping[str, list[Property]], name: str) -> list[Property]:
    return sorted(card.get(name, []), key=lambda each: not each.is_preferred)


def _value(card: Mapping[str, list[Property]], name: str) -> str:
    return next((each.value for each in _preferred(card, name)), "")


def _parts(card: Mapping[str, list[Property]], name: str) -> list[str]:
    return [plain(part) for part in split(_value(card, name), ";")]


def split(value: str, separator: str) -> list[str]:
    """At each separator that no backslash escapes."""
    parts = [""]
    is_escaped = False
    for character in value:
        if character == separator and not is_escaped:
            parts.append("")
            continue
        parts[-1] += character
        is_escaped = character == "\\" and not is_escaped
    return parts


def plain(value: str) -> str:
    return " ".join(_unescaped(value).split())


def _unescaped(value: str) -> str:
    return str(ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value))


def properties_in(lines: Iterable[str]) -> Iterator[Property]:
    """Unfolded: a line that begins with a blank goes on with the one before (RFC 6350 3.2)."""
    held, passed = "", 0
    is_soft = False  # the line before ends in a soft break of quoted-printable (vCard 2.1)
    for line in lines:
        text = line.rstrip("\r\n")
        passed += 1
        if passed > MOST_LINES:
            raise UnreadableFile(
                f"More than {MOST_LINES:,} lines say nothing that a contact has, one after the other. Leave out "
                "pictures and keys when you export the cards."
            )
        if is_soft and held:
            held = held[:-1] + text if len(held) < LONGEST_KEPT else held
        elif text[:1] in (" ", "\t"):
            held += text[1:] if held and len(held) < LONGEST_KEPT else ""
        else:
            if held:
                yield property_of(held)
            held = text[:LONGEST_KEPT] if _is_kept(text) else ""
            passed = 0 if held else passed
        is_soft = text.endswith("=") and "QUOTED-PRINTABLE" in held[:200].upper()
    if held:
        yield property_of(held)


def _is_kept(text: str) -> bool:
    """Before its value is gathered: a picture is as long as it likes."""
    name = text[:100].partition(":")[0].partition(";")[0].rpartition(".")[2]
    return name.strip().upper() in KEPT


def property_of(line: str) -> Property:
    head = HEAD.match(without_halves(line))
    if head is None:
        return Property(UNREAD, {}, line)
    parameters = {
        found[1].strip().upper(): (found[2] or "").strip('"').upper() for found in PARAMETER.finditer(head[2] or "")
    }
    value = line[head.end() :]
    if "QUOTED-PRINTABLE" in (parameters.get("ENCODING", ""), *parameters):
        value = _unquoted(value, parameters.get("CHARSET", "UTF-8"))
    return Property(head[1].upper(), parameters, value)


def _unquoted(value: str, charset: str) -> str:
    if flaw_of(value):  # which is told of its row
        return value
    raw = quopri.decodestring(value.encode())
    try:
        name = known_encoding(charset)
    except UnreadableFile:
        name = UTF8
    return raw.decode(name, "replace").replace("\x00", "")

"""Many suppressions at once: reading a pasted list or a CSV, looking at what it would do, doing it.

In: text, one address or domain a line, or a CSV with a column `email`, `address` or `domain`: our own export too, of
which what is lifted stays lifted, and what is in force for its reason stays as it is. Out: what is good, what is
suppressed already, what is wrong and why; then Suppression rows, by a few statements however many there are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import StringIO
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q

from bounces.addresses import BadAddress, keep_addresses, normalise, normalise_reachable, suppression_key
from bounces.models import Address, Suppression
from bounces.spreadsheet import restore
from bounces.suppressions import active

LARGEST = 1024 * 1024  # bytes
CHUNK = 5000
COLUMNS = frozenset({"email", "e-mail", "email address", "address", "domain", "address or domain"})
STATE, REASON = "state", "reason"  # columns of our own export
REASONS = {reason.label.lower(): reason.value for reason in Suppression.Reason}
EVERYONE_AT = "*@"  # as other tools write a domain
RENEWED = "It had expired, and was suppressed anew."


class TooLarge(ValueError):
    """More than one request takes."""


@dataclass(frozen=True, slots=True)
class BadLine:
    number: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """What a text names, each once: normalised addresses, domains (A-labels), and the lines that name neither.

    `reasons`: why, of those of which the list tells it. `held`: how many more it named that are in force for theirs.
    """

    emails: list[str]
    domains: list[str]
    bad: list[BadLine]
    reasons: Mapping[str, str] = field(default_factory=dict)
    held: int = 0

    def __len__(self) -> int:
        return len(self.emails) + len(self.domains)

    @property
    def text(self) -> str:
        """The same list, written anew: one a line."""
        return "\n".join([*self.emails, *self.domains])


@dataclass(frozen=True, slots=True)
class Outlook:
    """What adding a list would do."""

    listed: SuppressionList
    by_hand: int  # of the listed, those that are suppressed by hand already
    covered: dict[str, int]  # each domain: how many known addresses it has

    @property
    def new(self) -> int:
        return len(self.listed) - self.by_hand

    @property
    def already(self) -> int:
        return self.by_hand + self.listed.held


def read_target(text: str) -> str:
    """A normalised address, or a domain: `ada@b.example`, `b.example`, `@b.example`, `*@b.example`. Raises BadAddress.

    A `*` elsewhere is refused: as an address it would protect nobody. A word without a dot is no domain, though it
    might be a host: a list's names would each be suppressed as one.
    """
    text = text.strip().removeprefix(EVERYONE_AT)
    local, at, domain = text.rpartition("@")
    if advice := advice_on(text):
        raise BadAddress(advice)
    if at and local:
        return normalise(text)
    try:  # a domain is checked as the domain of an address there
        return normalise_reachable(f"postmaster@{domain}").removeprefix("postmaster@")
    except BadAddress as error:
        raise BadAddress("This is neither an address nor a domain.") from error


def advice_on(pattern: str) -> str:
    """What to write instead of a pattern that names neither an address nor a domain; empty where it is no pattern."""
    if "*" not in pattern:
        return ""
    local, _, domain = pattern.rpartition("@")
    domain = domain.removeprefix("*.")
    if "*" in domain or "." not in domain:
        return "A * is no address and no domain. Write the domain, like b.example, to suppress everyone there."
    if local and local != "*":
        return f"No pattern is kept: write each address, or {domain} to suppress everyone there."
    return f"Subdomains are not suppressed by a pattern: write {domain}, and each of its subdomains that you mean."


def read_targets(texts: Sequence[str]) -> SuppressionList:
    """The same of texts that name one address or domain each; a bad one is numbered by its place, from 0."""
    emails: dict[str, None] = {}
    domains: dict[str, None] = {}
    bad: list[BadLine] = []
    for number, text in enumerate(texts):
        try:
            target = read_target(text)
        except BadAddress as error:
            bad.append(BadLine(number, text[:100], str(error)))
        else:
            (emails if "@" in target else domains)[target] = None
    return SuppressionList(list(emails), list(domains), bad)


def read_list(text: str) -> SuppressionList:
    """Raises TooLarge."""
    if len(text.encode(errors="replace")) > LARGEST:
        raise TooLarge("The list is larger than 1 MB. Nothing was read. Split it.")
    emails: dict[str, None] = {}
    domains: dict[str, None] = {}
    bad: list[BadLine] = []
    reasons: dict[str, str] = {}
    for row in _rows(text.replace("\0", "").lstrip("\ufeff")):
        if row.state not in ("", "in force"):
            bad.append(BadLine(row.number, ", ".join(row.targets)[:100], f"It is {row.state[:20]}: left out."))
            continue
        for cell in row.targets:
            try:
                target = read_target(cell)
            except BadAddress as error:
                bad.append(BadLine(row.number, cell[:100], str(error)))
            else:
                (emails if "@" in target else domains)[target] = None
                reasons[target] = row.reason
    return SuppressionList(list(emails), list(domains), bad, reasons)


@dataclass(frozen=True, slots=True)
class Row:
    """A line, or several that a quoted cell goes on for: whom it names, and what our own export says of them."""

    number: int
    targets: Sequence[str]
    state: str = ""
    reason: str = ""


def _rows(text: str) -> Iterator[Row]:
    lines = text.splitlines()
    header = [cell.lower() for cell in _cells(lines[0])] if lines else []
    columns = [at for at, cell in enumerate(header) if cell in COLUMNS]
    if len(columns) > 1 and "address" in header:  # a street, beside a column of e-mail addresses
        columns.remove(header.index("address"))
    if not columns:
        said = ((number, line) for number, line in enumerate(lines, start=1) if not is_comment(line))
        yield from (Row(number, _targets(_cells(line))) for number, line in said)
        return
    places = {word: header.index(word) for word in (STATE, REASON) if word in header}
    for number, cells in _cells_below(text, lines):
        told = {word: cells[at].lower() for word, at in places.items() if at < len(cells)}
        named = [cells[at] for at in columns if at < len(cells) and cells[at]]
        yield Row(number, named, told.get(STATE, ""), REASONS.get(told.get(REASON, ""), ""))


def is_comment(line: str) -> bool:
    return line.startswith(("# ", "// ")) or (line.startswith("#") and "@" not in line)


def _cells_below(text: str, lines: Sequence[str]) -> Sequence[tuple[int, list[str]]]:
    """Where quotes do not close, each line is a row of its own: none swallows the others."""
    rows = csv.reader(StringIO(text, newline=""), delimiter=_separator(lines[0]), strict=True)
    try:
        return [(rows.line_num, [restore(cell.strip()) for cell in cells]) for cells in rows][1:]
    except csv.Error:
        return [(number, _cells(line)) for number, line in enumerate(lines[1:], start=2)]


def _separator(line: str) -> str:
    return next((sign for sign in "\t;," if sign in line), ",")


def _cells(line: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=_separator(line)), [])
    except csv.Error:
        cells = [line]
    return [restore(cell.strip()) for cell in cells]


def _targets(cells: Sequence[str]) -> list[str]:
    """The cells of a line without a header that name someone: all with an @, else the first."""
    filled = [cell for cell in cells if cell]
    return [cell for cell in filled if "@" in cell] or filled[:1]


def without_held(listed: SuppressionList, now: datetime) -> SuppressionList:
    """Less those that are in force here for the very reason that the list tells: an export changes nothing."""
    told = {suppression_key(email): email for email in listed.emails if listed.reasons.get(email)}
    domains = [domain for domain in listed.domains if listed.reasons.get(domain)]
    if not (told or domains):
        return listed
    found = active(now).filter(Q(address_key__in=list(told)) | Q(domain__in=domains))
    held = {
        target
        for key, domain, reason in found.values_list("address_key", "domain", "reason")
        if listed.reasons.get(target := told[bytes(key)] if key else domain) == reason
    }
    return replace(
        listed,
        emails=[email for email in listed.emails if email not in held],
        domains=[domain for domain in listed.domains if domain not in held],
        held=len(held),
    )


def look_at(listed: SuppressionList, now: datetime) -> Outlook:
    """Reads only. Three queries."""
    by_hand = active(now).filter(reason=Suppression.Reason.MANUAL)
    keys = [suppression_key(email) for email in listed.emails]
    by_address, by_domain = by_hand.filter(address_key__in=keys), by_hand.filter(domain__in=listed.domains)
    already = by_address.count() + by_domain.count()
    known = Address.objects.filter(domain__in=listed.domains).order_by().values_list("domain").annotate(n=Count("pk"))
    return Outlook(listed, already, dict.fromkeys(listed.domains, 0) | dict(known))


def suppress_list(
    listed: SuppressionList, source: str, *, by: Any, note: str, expires_at: datetime | None, now: datetime
) -> int:
    """Suppresses all that is listed, by hand; returns how many were not before. May run twice.

    What is suppressed by hand already keeps its reason and date; of two ends the later one stands.
    """
    given = [Suppression.Reason.MANUAL, source, note, by.pk, expires_at, now]
    new = 0
    with transaction.atomic():
        for start in range(0, len(listed.emails), CHUNK):
            emails = sorted(listed.emails[start : start + CHUNK])
            ids = keep_addresses(emails)
            keys = [suppression_key(email) for email in emails]
            _close_expired("address_key", "bytea", keys, by, now)
            new += _insert(INSERT_ADDRESSES, [*given, [ids[email] for email in emails], keys])
        domains = sorted(listed.domains)
        _close_expired("domain", "text", domains, by, now)
        new += _insert(INSERT_DOMAINS, [*given, domains])
    return new


def _close_expired(column: str, kind: str, values: Sequence[Any], by: Any, now: datetime) -> None:
    """An expired row ends here, so that the new one tells who, when and why."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE bounces_suppression SET lifted_at = %s, lifted_by_id = %s, lift_reason = %s
            WHERE {column} = ANY(%s::{kind}[]) AND reason = 'manual' AND lifted_at IS NULL AND expires_at <= %s
            """,  # noqa: S608  (the column and its type are ours)
            [now, by.pk, RENEWED, list(values), now],
        )


def _insert(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return sum(is_new for (is_new,) in cursor.fetchall())


# xmax is 0 in a row that this statement inserted, and not in one that it changed.
LATER_END = """
DO UPDATE SET expires_at = CASE WHEN bounces_suppression.expires_at IS NULL OR EXCLUDED.expires_at IS NULL THEN NULL
                                ELSE GREATEST(bounces_suppression.expires_at, EXCLUDED.expires_at) END
RETURNING xmax = 0
"""
INSERT_ADDRESSES = f"""
INSERT INTO bounces_suppression
    (scope, domain, lift_reason, reason, source, note, created_by_id, expires_at, created_at, address_id, address_key)
SELECT 'address', '', '', %s, %s, %s, %s, %s::timestamptz, %s::timestamptz, new.id, new.key
FROM unnest(%s::bigint[], %s::bytea[]) AS new(id, key)
ON CONFLICT (address_key, reason) WHERE lifted_at IS NULL AND scope = 'address' {LATER_END}
"""  # noqa: S608  (constants)
INSERT_DOMAINS = f"""
INSERT INTO bounces_suppression
    (scope, lift_reason, reason, source, note, created_by_id, expires_at, created_at, domain)
SELECT 'domain', '', %s, %s, %s, %s, %s::timestamptz, %s::timestamptz, new.domain FROM unnest(%s::text[]) AS new(domain)
ON CONFLICT (domain, reason) WHERE lifted_at IS NULL AND scope = 'domain' {LATER_END}
"""  # noqa: S608  (constants)

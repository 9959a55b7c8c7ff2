"""A population of contacts with duplicates planted in it, and with people who only look like each other.

In: how many contacts, how many pairs. Out: rows, and which pairs are one person. The same numbers give the same rows.
"""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from django.db import connection
from django.db.models.functions import Lower

from bounces.models import Address
from contacts.models import Company, Contact, ContactAddress

FIRST = """
    Robert William Elizabeth Margaret Katharina Alexander Joseph Thomas Michael Christopher Susanne Barbara
    Heinrich Friedrich Wolfgang Giuseppe Francesca Jorge Guadalupe Ingrid Björn Søren Zoë Chloé Agnieszka Tomasz
    Yusuf Ayşe Dmitri Svetlana Priya Arjun Wei Mei Haruto Yuki Fatima Omar Amara Kwame Nikolaus Johannes Matthias
    Benedikt Rebecca Samantha Jennifer Deborah Timothy Gregory Lawrence Anthony Nicholas Theodore Abigail Penelope
    Rosalind Winifred Horatio Lysander
""".split()  # noqa: SIM905 -- a list of as many literals is as many lines
NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Elizabeth": "Lisa", "Margaret": "Peggy", "Katharina": "Käthe",
    "Alexander": "Sasha",
    "Joseph": "Joe", "Thomas": "Tom", "Michael": "Mike", "Christopher": "Chris", "Susanne": "Susi", "Barbara": "Babs",
    "Heinrich": "Heiner", "Friedrich": "Fritz", "Wolfgang": "Wolf", "Giuseppe": "Beppe", "Francesca": "Franzi",
    "Guadalupe": "Lupe", "Agnieszka": "Agnes", "Dmitri": "Dima", "Nikolaus": "Klaus", "Johannes": "Hans",
    "Rebecca": "Becky", "Jennifer": "Jenny", "Deborah": "Debbie", "Timothy": "Tim", "Gregory": "Greg",
    "Anthony": "Tony",
    "Theodore": "Ted", "Abigail": "Gail",
}  # fmt: skip
STARTS = """
    Bar Cal Dor Fen Gar Hol Kin Lam Mor Nor Pel Quin Ros Sav Tol Var Wil Zan Brandt Cress Stein Fitz
""".split()  # noqa: SIM905 -- a list of as many literals is as many lines
MIDDLES = ["a", "e", "i", "o", "u", "ander", "engel", "inger", "ober", "under"]
ENDS = """
    berg mann son sen ski ova etti ard ton ley worth feld bach dorf quist escu
""".split()  # noqa: SIM905 -- a list of as many literals is as many lines
FREE = ["gmail.com", "outlook.com", "gmx.de", "yahoo.com"]
KINDS = (
    "other_address", "accents", "gmail_dots", "plus_tag", "nickname", "typo", "swapped", "phone", "legal_form", "case",
)  # fmt: skip


def ascii_of(text: str) -> str:
    plain = {"ö": "o", "ø": "o", "ë": "e", "é": "e", "ş": "s", "ä": "a"}
    return "".join(plain.get(letter, letter) for letter in text.lower())


def people(number: int) -> list[dict[str, Any]]:
    """Each with a name, company, address and phone of their own; nobody has a name twice at one company."""
    dice = random.Random(14)
    lasts = [f"{a}{b}{c}" for a in STARTS for b in MIDDLES for c in ENDS]
    found, taken, serial = list[dict[str, Any]](), set[tuple[str, str, str]](), count(1)
    while len(found) < number:
        first, last = dice.choice(FIRST), dice.choice(lasts)
        company = f"Works {dice.randrange(max(20, number // 15))}"
        if (first, last, company) in taken:
            continue
        taken.add((first, last, company))
        n = next(serial)
        local = f"{ascii_of(first)}.{ascii_of(last)}{n}"
        domain = dice.choice(FREE) if n % 4 == 0 else f"{company.replace(' ', '').lower()}.example"
        phone = f"+49 30 {5_000_000 + n}" if n % 3 else ""
        found.append(
            {
                "first_name": first,
                "last_name": last,
                "company": company,
                "emails": [f"{local}@{domain}"],
                "phone": phone,
            }
        )
    return found


def twin_of(person: dict[str, Any], kind: str, n: int) -> dict[str, Any]:
    """The same person, entered once more: by another tool, by ear, in a hurry. Changes the first where it has to."""
    first, last, company = person["first_name"], person["last_name"], person["company"]
    twin = {**person, "emails": [f"twin{n}@{company.replace(' ', '').lower()}-{n}.example"], "phone": ""}
    match kind:
        case "gmail_dots":
            person["emails"] = [f"{ascii_of(first)}.{ascii_of(last)}.{n}@gmail.com"]
            return {**twin, "emails": [f"{ascii_of(first)}{ascii_of(last)}{n}@googlemail.com"], "company": ""}
        case "plus_tag":
            local, _, domain = person["emails"][0].partition("@")
            return {**twin, "emails": [f"{local}+fair@{domain}"], "first_name": "", "last_name": ""}
        case "nickname":
            person["first_name"] = sorted(NICKNAMES)[n % len(NICKNAMES)]
            return {**twin, "first_name": NICKNAMES[person["first_name"]]}
        case "typo":
            middle = len(last) // 2
            return {**twin, "last_name": last[:middle] + last[middle + 1] + last[middle] + last[middle + 2 :]}
        case "swapped":
            return {**twin, "first_name": last, "last_name": first}
        case "phone":
            person["phone"] = f"+49 40 {7_000_000 + n}"
            return {**twin, "first_name": f"{first[0]}.", "phone": f"(040) {7_000_000 + n}", "company": ""}
        case "legal_form":
            return {**twin, "company": f"{company} GmbH"}
        case "case":
            return {**twin, "first_name": first.upper(), "last_name": last.upper()}
        case "accents":
            return {**twin, "first_name": ascii_of(first), "last_name": ascii_of(last)}
        case _:
            return twin


def lookalikes(number: int) -> list[dict[str, Any]]:
    """Two people each, who share much: nobody of them may be suggested."""
    found = list[dict[str, Any]]()
    for n in range(number):
        work, other = f"House {n}", f"Mill {n}"
        one = {
            "first_name": "Karl",
            "last_name": f"Ostermeyer{'x' * (n % 3)}",
            "company": work,
            "phone": "",
            "emails": [],
        }
        match n % 7:
            case 0:  # father and son
                pair = [{**one}, {**one, "last_name": f"{one['last_name']} Jr."}]
            case 1:  # a couple with one address
                pair = [
                    {**one, "emails": [f"family{n}@gmx.de"]},
                    {**one, "first_name": "Ruth", "emails": [f"family{n}@gmx.de"]},
                ]
            case 2:  # one switchboard
                pair = [
                    {**one, "phone": f"+1 555 {n:07}"},
                    {**one, "first_name": "Vera", "last_name": "Novak", "phone": f"+1 555 {n:07}"},
                ]
            case 3:  # a shared desk
                pair = [
                    {**one, "emails": [f"info@house{n}.example"]},
                    {**one, "first_name": "", "last_name": "", "emails": [f"info@house{n}.example"]},
                ]
            case 4:  # one tool knows them as two
                pair = [
                    {**one, "source": "tool", "external_id": f"a{n}"},
                    {**one, "source": "tool", "external_id": f"b{n}"},
                ]
            case 5:  # two first names that differ by a letter
                pair = [{**one, "first_name": "Mario"}, {**one, "first_name": "Maria"}]
            case _:  # one name, two companies
                pair = [
                    {**one, "emails": [f"karl{n}@one{n}.example"]},
                    {**one, "company": other, "emails": [f"ko{n}@two{n}.example"]},
                ]
        found += pair
    return found


def plant(number: int, pairs: int) -> set[tuple[int, int]]:
    """Writes them. Returns the pairs that are one person, the smaller id first."""
    everyone = people(number - pairs)
    odd = lookalikes(max(7, pairs // 5))
    twins = [twin_of(everyone[n * 3], KINDS[n % len(KINDS)], n) for n in range(pairs)]
    rows = [*everyone, *odd, *twins]
    contacts = write(rows)
    with connection.cursor() as cursor:  # autovacuum does not see rows of an open transaction
        cursor.execute("ANALYZE contacts_contact, contacts_contactaddress, contacts_company, bounces_address")
    return {(contacts[n * 3].pk, contacts[len(everyone) + len(odd) + n].pk) for n in range(pairs)}


def write(rows: list[dict[str, Any]]) -> list[Contact]:
    names = {row["company"] for row in rows if row["company"]}
    Company.objects.bulk_create([Company(name=name) for name in sorted(names)], batch_size=5_000)
    companies = {name: pk for pk, name in Company.objects.annotate(low=Lower("name")).values_list("pk", "name")}
    contacts = Contact.objects.bulk_create(
        [
            Contact(
                company_id=companies.get(row["company"]),
                **{k: v for k, v in row.items() if k not in ("company", "emails")},
            )
            for row in rows
        ],
        batch_size=5_000,
    )
    emails = {email for row in rows for email in row["emails"]}
    Address.objects.bulk_create(
        [Address(email=email, domain=email.rpartition("@")[2]) for email in sorted(emails)], batch_size=5_000
    )
    ids = dict(Address.objects.filter(email__in=emails).values_list("email", "pk"))
    ContactAddress.objects.bulk_create(
        [
            ContactAddress(contact=contact, address_id=ids[email], is_primary=not place)
            for contact, row in zip(contacts, rows, strict=True)
            for place, email in enumerate(row["emails"])
        ],
        batch_size=5_000,
    )
    return contacts

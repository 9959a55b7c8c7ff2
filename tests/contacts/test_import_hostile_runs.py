"""Hostile files on their whole way: the upload answers soon, others are answered meanwhile, and bad rows are named."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from contacts.importing import runs
from contacts.importing.reading import UnreadableFile
from contacts.importing.rows import HEAD, SAMPLES, first_lines
from contacts.models import Contact, ImportOutcome, ImportRun
from tests.builders import NOW, a_user
from tests.contacts.hostile import BOMBS
from tests.contacts.importing import done
from tests.contacts.nastier import NASTIER

# What may stand in a cell that should hold an address, and a word of what is said to it; or the address that it is.
ODD_ADDRESSES = {
    "a\u202eb@x.example": "ab@x.example",
    "c\u200bd@x.example": "cd@x.example",
    "so\u00adft@x.example": "soft@x.example",
    "mark@x.example\u200e": "mark@x.example",
    "wide＠x.example": "wide@x.example",
    "two@x.example\r\nBcc: b@x.example": "two@x.example",
    "Ada <three@x.example>": "three@x.example",
    "four@x.example;five@x.example": "four@x.example",
    "six@[127.0.0.1]": "IP address",
    "x" * 300 + "@x.example": "longer than",
    "seven@x.example\x1b": "seven@x.example",
    "\ufeffeight@x.example": "eight@x.example",
    "nine@x.example\u00a0": "nine@x.example",
    "ten@ex\u0430mple.org": "ten@xn--exmple-4nf.org",  # a Cyrillic letter: another domain, and shown as one
    "ELEVEN@MÜNCHEN.example": "eleven@xn--mnchen-3ya.example",
}


def taken(body: bytes, name: str = "people.csv") -> ImportRun:
    return runs.take_file([body], name, by=None, via="test", now=NOW)


@pytest.mark.django_db
def test_odd_addresses_are_named_or_read_as_what_they_are():
    cells = [f'"{text}",n{number}' for number, text in enumerate(ODD_ADDRESSES)]
    run = done("\n".join(["email,first_name", *cells]), by=a_user("manager"))
    rows = dict(enumerate(ImportOutcome.objects.filter(run_id=run.pk).order_by("number")))
    for (text, says), row in zip(ODD_ADDRESSES.items(), rows.values(), strict=True):
        if row.verdict == "invalid":
            ((column, value, sentence),) = row.shown_problems
            assert (column, value[:90], says in sentence) == ("email", text[:90], True), sentence
        else:
            assert row.email == says
    assert Contact.objects.count() == 13


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "a\x00b.csv", "\u202evsc.exe", "x" * 5000, "=cmd.csv"])
def test_a_files_name_is_a_text_and_nothing_else(name: str):
    run = taken(b"email\na@x.example\n", name)
    assert run.name.isprintable()
    assert len(run.name) <= 200


@pytest.mark.django_db
def test_the_head_of_a_text_is_looked_at_and_no_more_of_it():
    cards = b"BEGIN:VCARD\nEMAIL:a@x.example\n%sEND:VCARD\n" % (b"PHOTO:" + b"A" * 70 + b"\n" + b" A\n" * 20_000)
    run = taken(cards * 150, "people.vcf")
    assert 10 < len(first_lines(run)[1]) < 150 < SAMPLES
    with pytest.raises(UnreadableFile, match="The first 4 MB of the file hold no row"):
        taken(b"email\n" + b",,,,,,,\n" * (HEAD // 8 + 10) + b"a@x.example\n")


@pytest.mark.django_db
def test_the_columns_of_large_objects_are_the_same_to_the_upload_and_the_worker():
    rows = [{"email": f"p{n}@x.example", f"k{n // 150}": "x" * 15_000} for n in range(600)]
    run = done("\n".join(map(json.dumps, rows)), name="people.jsonl", mapping={"k0": "", "k1": "", "k2": "", "k3": ""})
    assert (run.state, run.written, run.failed_rows) == ("done", {"new": 600}, 0)


@pytest.mark.django_db(transaction=True)
def test_others_are_answered_while_bombs_are_looked_at():
    hostile = [make() for make, _ in BOMBS.values()] + [make() for make, *_ in list(NASTIER.values())[1:6]]
    manager = a_user("manager")
    upload, page = reverse("contacts:import"), reverse("account_login")

    def send(body: bytes) -> int:
        client = Client()
        client.force_login(manager)
        file = BytesIO(body)
        file.name = "people.csv"
        try:
            return client.post(upload, {"file": file}).status_code
        finally:
            connections.close_all()

    waits = []
    with ThreadPoolExecutor(4) as threads:
        sent = [threads.submit(send, body) for body in hostile]
        while not all(each.done() for each in sent):
            started = time.monotonic()
            assert Client().get(page).status_code == 200
            waits.append(time.monotonic() - started)
    assert {each.result() for each in sent} <= {302, 400}
    assert max(waits) < 5
    assert len(waits) > 10

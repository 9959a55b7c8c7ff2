"""What an import says of single cells names nobody who was erased."""

from __future__ import annotations

import pytest

from contacts.erasure import erase_email
from contacts.models import ImportOutcome
from tests.builders import NOW, a_user
from tests.contacts.importing import done, previewed
from tests.contacts.test_erasure import EMAIL, places_that_name

pytestmark = pytest.mark.django_db

# Cells of which something is said: repaired, one of several, beside what is no address, in a row that fails.
CELLS = {
    "dressed up": f"Email,First name\nAda Lee <{EMAIL}>,Ada\n",
    "a further one": f"Email,First name\neve@b.example; {EMAIL},Eve\n",
    "beside what is none": f"Email,Other emails\neve@b.example,{EMAIL} or ask her\n",
    "in another column": f"Email,Owner\neve@b.example,{EMAIL}\n",
    "in a row that fails": f"Email,Owner\nnot one,{EMAIL}\n",
    "mistyped": f"Email\n{EMAIL}\neve@gmial.com\n",
}


@pytest.mark.parametrize("text", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("carry", [done, previewed])
def test_what_is_said_of_a_cell_is_forgotten_with_the_person(carry, text: str):
    carry(text, change_others=True)
    assert places_that_name(EMAIL) or carry is previewed  # its stage is no model: see test_erasure_doors.py
    erase_email(EMAIL, a_user("admin"), "She asked.", NOW)
    assert [place for place in places_that_name(EMAIL) if place != "bounces_suppression.address_key"] == []


def test_what_is_said_of_others_stays():
    run = done(f"Email,Owner\n{EMAIL},\neve@b.example,nobody@b.example\n", change_others=True)
    erase_email(EMAIL, a_user("admin"), "She asked.", NOW)
    (row,) = ImportOutcome.objects.filter(run_id=run.pk, email="eve@b.example")
    assert "nobody@b.example" in str(row.problems)

"""The preview's page: what is wrong first, corrected in place by whoever brought the file."""

from __future__ import annotations

import pytest
from django.test import Client

from contacts.importing.wrong_cells import FAILED, LEFT_EMPTY, MISTYPED, WrongCell, wrong_cells
from contacts.models import ImportRun
from tests.builders import a_user
from tests.contacts.importing import previewed
from tests.contacts.test_import_correcting import MESSY
from tests.contacts.test_import_pages import act, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client):
    user = a_user("manager")
    client.force_login(user)
    return user


def cell(run: ImportRun, *kinds: str) -> WrongCell:
    return wrong_cells(run, kinds, 1).shown[0]


def test_what_is_wrong_comes_first(client: Client, manager):
    text = page(client, previewed(MESSY, by=manager)).content.decode()
    places = [text.index(f'id="{each}"') for each in ("invalid", "left-empty", "mistyped", "new", "notices")]
    assert places == sorted(places)


def test_a_cell_is_corrected_by_a_plain_post(client: Client, manager):
    run = previewed(MESSY, by=manager)
    wrong = cell(run, *FAILED)
    answer = act(client, run, "correct", **{f"cell-{wrong.key}": "ada@b.example"})
    assert answer.url == run.get_absolute_url()
    shown = page(client, run)
    assert shown.context["run"].counts["invalid"] == 1
    assert "1 correction saved" in shown.content.decode()


def test_equal_cells_are_corrected_together_or_alone(client: Client, manager):
    for all_of_them, left in ((True, 0), (False, 1)):
        run = previewed(MESSY, by=manager)
        wrong = cell(run, *LEFT_EMPTY)
        act(
            client,
            run,
            "correct",
            **{f"cell-{wrong.key}": "Austria", **({f"all-{wrong.key}": "on"} if all_of_them else {})},
        )
        assert wrong_cells(run, LEFT_EMPTY, 9).cells == left


def test_the_domain_that_was_meant_is_taken_with_one_click(client: Client, manager):
    run = previewed(MESSY, by=manager)
    assert "Change to gmail.com" in page(client, run).content.decode()
    act(client, run, "correct", meant=cell(run, MISTYPED).key)
    assert "eve@gmail.com" in page(client, run).content.decode().replace("<wbr>", "")


def test_cells_that_stay_as_they_are_are_no_corrections(client: Client, manager):
    run = previewed(MESSY, by=manager)
    wrong = cell(run, *FAILED)
    act(client, run, "correct", **{f"cell-{wrong.key}": wrong.value})
    assert "Nothing was changed" in page(client, run).content.decode()


def test_a_cell_that_the_preview_shows_no_more_is_not_corrected(client: Client, manager):
    run = previewed(MESSY, by=manager)
    act(client, run, "correct", **{"cell-0123": "x"})
    assert "The preview has changed meanwhile" in page(client, run).content.decode()


def test_others_see_what_is_wrong_and_correct_nothing(client: Client, manager):
    run = previewed(MESSY, by=a_user("manager"))
    text = page(client, run).content.decode()
    assert ("ada@" in text, "Save corrections" in text) == (True, False)
    assert act(client, run, "correct", **{f"cell-{cell(run, *FAILED).key}": "x@b.example"}).status_code == 404


def test_rows_that_are_written_tell_of_their_cells(client: Client, manager):
    groups = page(client, previewed(MESSY, by=manager)).context["groups"]
    assert [notice[1] for row in groups[0][1] for notice in row.notices] == ["Atlantis", "Atlantis"]


def test_markup_in_a_cell_stays_text(client: Client, manager):
    text = page(client, previewed('email,country\na@b.example,"<b onclick=x>"\n', by=manager)).content.decode()
    assert "<b onclick" not in text


def test_many_different_wrong_texts_are_shown_by_the_page(client: Client, manager):
    run = previewed("email,country\n" + "".join(f"a{n}@b.example,Nowhere {n}\n" for n in range(40)), by=manager)
    text = page(client, run).content.decode()
    assert "The first 25 of 40 different texts" in " ".join(text.split())

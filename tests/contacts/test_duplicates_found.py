"""Which contacts and companies are suggested as duplicates, and which are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from bounces import lease
from bounces.tasks import TASKS
from contacts.duplicates import finding
from contacts.duplicates.companies import CompanyFacts, judge_companies
from contacts.duplicates.deciding import differences_of, kept_first, merge_pair
from contacts.duplicates.facts import Facts, company_key, mailbox_of
from contacts.duplicates.keys import KINDS, keys_of, kind_of
from contacts.duplicates.names import Relation, distance, is_typo, name_of, relation
from contacts.duplicates.scoring import judge
from contacts.erasure import erase_email
from contacts.merging import undo_merge
from contacts.models import Company, Contact, DuplicateKeys, DuplicatePair, DuplicateSearch
from contacts.people import change_contact, delete_contact
from tests.builders import a_company, a_contact, a_user, an_import_run
from tests.contacts.planted import plant
from tests.contacts.test_undo_merge import state_of_all

# --- names ------------------------------------------------------------------------------------------

RELATIONS = [
    (("ada", "lovelace"), ("ada", "lovelace"), Relation.SAME),
    (("ada", "lovelace"), ("lovelace", "ada"), Relation.SWAPPED),
    (("ada lovelace", ""), ("ada", "lovelace"), Relation.SAME),
    (("dr. ada", "lovelace"), ("ada", "lovelace"), Relation.SAME),
    (("juergen", "mueller"), ("jurgen", "muller"), Relation.SAME),
    (("bob", "smith"), ("robert", "smith"), Relation.NICKNAME),
    (("smith", "bob"), ("robert", "smith"), Relation.NICKNAME),
    (("alex", "smith"), ("alexandra", "smith"), Relation.NICKNAME),
    (("alex", "smith"), ("alexander", "smith"), Relation.NICKNAME),
    (("hans peter", "braun"), ("hans", "braun"), Relation.SAME),
    (("hans peter", "braun"), ("hans georg", "braun"), Relation.OTHER_FIRST),
    (("jon", "smyth"), ("jon", "smith"), Relation.SIMILAR),
    (("ada", "lovelcae"), ("ada", "lovelace"), Relation.SIMILAR),
    (("ada", "byron-lovelace"), ("ada", "lovelace"), Relation.SIMILAR),
    (("a", "lovelace"), ("ada", "lovelace"), Relation.INITIAL),
    (("", "lovelace"), ("ada", "lovelace"), Relation.PART),
    (("ada", "byron"), ("ada", "lovelace"), Relation.OTHER_FAMILY),
    (("mario", "rossi"), ("maria", "rossi"), Relation.OTHER_FIRST),
    (("martin", "rossi"), ("martina", "rossi"), Relation.OTHER_FIRST),
    (("lars", "hansen"), ("lars", "jensen"), Relation.OTHER_FAMILY),
    (("ada", "lovelace"), ("grace", "hopper"), Relation.OTHER),
    (("", ""), ("grace", "hopper"), Relation.UNKNOWN),
]


@pytest.mark.parametrize(("one", "two", "expected"), RELATIONS)
def test_relation_of_two_names(one: Any, two: Any, expected: Relation) -> None:
    assert relation(name_of(*one), name_of(*two)) == expected
    assert relation(name_of(*two), name_of(*one)) == expected


def test_a_typo_is_one_slip_and_never_the_first_letter() -> None:
    assert [is_typo("hopper", other) for other in ("hoper", "hopperr", "hopepr", "hoppar")] == [True] * 4
    assert [is_typo("hopper", other) for other in ("copper", "hopping", "hop")] == [False] * 3
    assert (distance("ca", "ac", 3), distance("abcdef", "uvwxyz", 1)) == (1, 2)


def test_a_mailbox_is_the_same_with_a_plus_tag_and_at_gmail_with_dots() -> None:
    assert mailbox_of("A.da+fair@GoogleMail.com") == mailbox_of("ada@gmail.com") == "ada@gmail.com"
    assert mailbox_of("a.da+x@b.example") == "a.da@b.example"
    assert mailbox_of("+x@b.example") == "+x@b.example"


def test_a_company_is_the_same_in_another_legal_form() -> None:
    assert {company_key(name) for name in ("acme", "acme, inc.", "the acme gmbh", "acme g.m.b.h.")} == {"acme"}
    assert company_key("ag") == "ag"


# --- two contacts -----------------------------------------------------------------------------------


def facts(**given: Any) -> Facts:
    name = given.pop("name", ("ada", "lovelace"))
    emails = frozenset(given.pop("emails", ()))
    boxes = frozenset(mailbox_of(email) for email in emails)
    desks = frozenset(box for box in boxes if box.startswith("info@"))
    return Facts(pk=1, name=name_of(*name), emails=emails, mailboxes=boxes, desks=desks, **given)


ACME: dict[str, Any] = {"company_id": 7, "company": "acme"}
SUGGESTED = [
    (ACME, ACME, "name", True),
    (ACME, {**ACME, "name": ("lovelace", "ada")}, "name", False),
    ({"emails": ["ada.l@gmail.com"]}, {"emails": ["adal+x@gmail.com"], "name": ("", "")}, "address", True),
    ({"emails": ["ada@b.example"]}, {"emails": ["ada@b.example"]}, "address", True),
    ({"phone": "493012345678"}, {"phone": "03012345678", "name": ("a", "lovelace")}, "phone", False),
    ({**ACME, "name": ("bob", "smith")}, {**ACME, "name": ("robert", "smith")}, "similar", False),
    ({**ACME, "title": "cto"}, {**ACME, "title": "ceo"}, "name", False),
    ({**ACME, "owner_id": 1}, {**ACME, "owner_id": 2}, "name", False),
    ({**ACME, "phone": "4930111111"}, {**ACME, "phone": "4930222222"}, "name", False),
    ({**ACME, "custom": {"size": 1}}, {**ACME, "custom": {"size": 2}}, "name", False),
    ({**ACME, "emails": ["ada@acme.example"]}, {**ACME, "emails": ["ada2@acme.example"]}, "name", False),
    (
        {**ACME, "external_ids": frozenset({("a", "1")})},
        {**ACME, "external_ids": frozenset({("b", "1")})},
        "name",
        False,
    ),
]


@pytest.mark.parametrize(("one", "two", "kind", "is_certain"), SUGGESTED)
def test_one_person_is_suggested_and_is_certain_only_without_a_contradiction(
    one: Any, two: Any, kind: str, is_certain: bool
) -> None:
    found = judge(facts(**one), facts(**two))
    assert found is not None
    assert (found.kind, found.is_certain) == (kind, is_certain)
    assert found == judge(facts(**two), facts(**one))


NOT_SUGGESTED: dict[str, tuple[Any, Any]] = {
    "father and son": (ACME, {**ACME, "name": ("ada", "lovelace jr.")}),
    "a couple": ({"emails": ["we@gmx.de"]}, {"emails": ["we@gmx.de"], "name": ("george", "lovelace")}),
    "a switchboard": ({**ACME, "phone": "4930111111"}, {**ACME, "phone": "4930111111", "name": ("grace", "hopper")}),
    "a desk": ({"emails": ["info@b.example"]}, {"emails": ["info@b.example"], "name": ("", "")}),
    "two ids in one tool": (
        {**ACME, "external_ids": frozenset({("hubspot", "1")})},
        {**ACME, "external_ids": frozenset({("hubspot", "2")})},
    ),
    "one name, two companies": (ACME, {"company_id": 8, "company": "mill"}),
    "one name alone": ({}, {}),
    "nobody's name": ({**ACME, "name": ("", "")}, {**ACME, "name": ("", "")}),
}


@pytest.mark.parametrize("who", NOT_SUGGESTED)
def test_two_people_are_not_suggested(who: str) -> None:
    one, two = NOT_SUGGESTED[who]
    assert judge(facts(**one), facts(**two)) is None


def test_a_shared_phone_scores_less() -> None:
    one, two = facts(phone="4930111111"), facts(phone="4930111111", name=("a", "lovelace"))
    assert judge(one, two, 2) is not None
    assert judge(one, two, 3) is None


def test_the_kind_of_a_key_can_be_read_from_it() -> None:
    found = {kind_of(key) for key in keys_of(facts(**ACME, emails=["ada@b.example"], phone="4930111111"))}
    assert found == set(KINDS)


COMPANIES = [
    ({"name": "acme"}, {"name": "acme."}, True),
    ({"name": "acme", "country": "DE"}, {"name": "acme.", "country": "US"}, None),
    ({"name": "acme"}, {"name": "acme inc"}, False),
    ({"name": "acme gmbh"}, {"name": "acme inc"}, None),
    ({"name": "acme", "domain": "a.example"}, {"name": "acme.", "domain": "b.example"}, False),
    ({"name": "acme", "domain": "a.example"}, {"name": "mill", "domain": "a.example"}, False),
    ({"name": "acme", "domain": "gmail.com"}, {"name": "mill", "domain": "gmail.com"}, None),
]


@pytest.mark.parametrize(("one", "two", "is_certain"), COMPANIES)
def test_companies_are_the_same_by_name_or_domain(one: Any, two: Any, is_certain: bool | None) -> None:
    found = judge_companies(CompanyFacts(1, **one), CompanyFacts(2, **two))
    assert (found and found.is_certain) == is_certain


# --- the search -------------------------------------------------------------------------------------


def pairs() -> set[tuple[int, int]]:
    found = DuplicatePair.objects.filter(state="open", first_contact__isnull=False)
    return set(found.values_list("first_contact", "second_contact"))


@pytest.mark.django_db
def test_planted_pairs_are_found_with_few_false_positives(run_all: bool) -> None:
    number, planted = (10_000, 500) if run_all else (1_000, 100)
    expected = plant(number, planted)
    finding.search(timezone.now)
    found = pairs()
    assert len(found & expected) >= 0.95 * planted, sorted(expected - found)[:10]
    assert len(found - expected) <= 0.02 * len(found), sorted(found - expected)[:10]


@pytest.mark.django_db
def test_merging_and_undoing_all_planted_pairs_restores_every_row(run_all: bool) -> None:
    number, planted = (10_000, 500) if run_all else (300, 30)
    plant(number, planted)
    finding.search(timezone.now)
    manager, before = a_user("manager"), state_of_all()
    merges = []
    for pair in DuplicatePair.objects.filter(state="open", first_contact__isnull=False).order_by("pk"):
        kept, other = kept_first(pair)
        if kept.deleted_at is None and other.deleted_at is None:
            chosen = [one.name for one in differences_of(kept, other)][:1]
            merges.append(merge_pair(pair, kept, other, chosen, by=manager, now=timezone.now()))
    assert len(merges) >= 0.95 * planted
    assert state_of_all() != before
    for merge in reversed(merges):
        assert undo_merge(merge, by=manager, now=timezone.now()).stayed == []
    assert state_of_all() == before


@pytest.mark.django_db
def test_a_second_search_compares_only_what_changed_and_finds_the_same_as_one_of_all() -> None:
    plant(300, 30)
    finding.search(timezone.now)
    before = list(DuplicatePair.objects.order_by("pk").values())
    DuplicateSearch.objects.update(compared_until=timezone.now())
    changed = Contact.objects.order_by("pk")[1]
    twin = a_contact("new@elsewhere.example", first_name=changed.first_name, last_name=changed.last_name,
                     company=changed.company)  # fmt: skip
    assert finding.search(timezone.now).startswith("Compared 1 contacts")
    assert (changed.pk, twin.pk) in pairs()
    incremental = pairs()
    finding.search(timezone.now, everything=True)
    assert pairs() == incremental
    assert list(DuplicatePair.objects.exclude(second_contact=twin).order_by("pk").values()) == before


@pytest.mark.django_db
def test_a_pair_that_no_longer_matches_leaves_the_queue() -> None:
    _, two, three = (a_contact(last_name="Lovelace", company="Acme") for _ in range(3))
    finding.search(timezone.now)
    assert len(pairs()) == 3
    manager = a_user("manager")
    change_contact(two, {"last_name": "Hopper"}, by=manager, now=timezone.now())
    delete_contact(three, by=manager, now=timezone.now())
    finding.search(timezone.now)
    assert pairs() == set()
    assert not DuplicateKeys.objects.filter(contact=three).exists()


@pytest.mark.django_db
def test_a_search_keeps_dismissed_pairs_dismissed() -> None:
    a_contact(last_name="Lovelace", company="Acme")
    a_contact(last_name="Lovelace", company="Acme")
    finding.search(timezone.now)
    DuplicatePair.objects.update(state="dismissed")
    for everything in (False, True):
        Contact.objects.update(updated_at=timezone.now(), title="CTO")
        finding.search(timezone.now, everything=everything)
    assert DuplicatePair.objects.get().state == "dismissed"


@pytest.mark.django_db
def test_groups_that_are_too_large_are_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.duplicates.keeping.LARGEST", [2] * len(KINDS))
    for _ in range(3):
        a_contact(last_name="Lovelace", company="Acme")
    finding.search(timezone.now)
    assert pairs() == set()
    assert DuplicateSearch.objects.get().skipped["name_and_company"] == [2, 3]


@pytest.mark.django_db
def test_contacts_of_an_import_under_way_are_compared_again() -> None:
    began = timezone.now() - timedelta(hours=3)
    an_import_run("applying", applied_at=began)
    a_contact()
    finding.search(timezone.now)
    assert DuplicateSearch.objects.get().compared_until == began - finding.OVERLAP


@pytest.mark.django_db
def test_a_killed_search_resumes_after_its_last_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "BATCH", 40)
    expected = plant(200, 20)
    real, calls = finding.candidates_of, []

    def dies(ids: list[int], **given: Any) -> Any:
        calls.append(ids)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return real(ids, **given)

    monkeypatch.setattr(finding, "candidates_of", dies)
    with pytest.raises(RuntimeError):
        finding.search(timezone.now)
    state = DuplicateSearch.objects.get()
    assert (state.stage, state.cursor) == ("pairs", calls[1][-1])
    finding.search(timezone.now)
    assert calls[3] == calls[2]
    assert expected - pairs() == set()


@pytest.mark.django_db
def test_a_second_search_at_the_same_time_is_skipped() -> None:
    assert lease.acquire(finding.LEASE, finding.LEASE_LASTS)
    assert finding.search(timezone.now) == "Skipped: another process is searching."


@pytest.mark.django_db
def test_the_schedule_skips_the_search_if_no_contact_changed(capsys: Any) -> None:
    task = TASKS["find_duplicates"]
    assert task.skipped() == "Skipped: no contact changed since the last search."
    a_contact()
    assert task.skipped() == ""
    assert task.work(timezone.now).startswith("Compared 1 contacts and all companies.")
    later = timezone.now() - timedelta(hours=1)
    Contact.objects.update(updated_at=later)
    assert task.skipped().startswith("Skipped")
    call_command("find_duplicates", "--all")
    assert "Compared 1 contacts" in capsys.readouterr().out


@pytest.mark.django_db
def test_companies_are_paired_too() -> None:
    first, second = a_company("Acme"), a_company("Acme Inc.")
    a_company("Mill")
    finding.search(timezone.now)
    pair = DuplicatePair.objects.get()
    assert (pair.first_company, pair.second_company, pair.kind) == (first, second, "company")
    Company.objects.filter(pk=second.pk).update(name="Else")
    finding.search(timezone.now)
    assert not DuplicatePair.objects.exists()


@pytest.mark.django_db
def test_erasing_an_address_removes_its_keys() -> None:
    contacts = [a_contact("we@b.example", first_name=name, last_name="") for name in ("", "Ruth")]
    finding.search(timezone.now)
    erase_email("we@b.example", None, "Asked.", timezone.now())
    kept = DuplicateKeys.objects.filter(contact__in=contacts).values_list("keys", flat=True)
    assert [kind_of(key) for keys in kept for key in keys if kind_of(key) == "address"] == []

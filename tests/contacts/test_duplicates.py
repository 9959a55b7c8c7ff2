"""The queue of duplicates: who decides, what a decision does, merging all certain pairs and undoing that."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.duplicates import finding, queue, runs
from contacts.duplicates.deciding import AlreadyDecided, dismiss
from contacts.models import Company, Contact, DuplicatePair, Merge, MergeRun
from tests.builders import a_campaign, a_company, a_contact, a_custom_field, a_pair, a_team, a_user, an_address
from tests.contacts.pages.seen import said, text_of
from tests.contacts.test_undo_merge import state_of_all

pytestmark = pytest.mark.django_db

QUEUE = "/duplicates/"


@pytest.fixture
def manager(client: Client) -> Any:
    user = a_user("manager", name="Mia Manager")
    client.force_login(user)
    return user


def two(**fields: Any) -> tuple[Contact, Contact]:
    """Two contacts that the search will pair."""
    number = Contact.objects.count()
    names: dict[str, Any] = {"first_name": "Grace", "last_name": f"Hopper{number}", "company": f"Navy {number}"}
    return a_contact(f"g{number}@one.example", **names, **fields), a_contact(f"g{number}@two.example", **names)


def a_found_pair(**fields: Any) -> DuplicatePair:
    first, second = two(**fields)
    return a_pair(first, second)


def test_an_empty_queue_says_whether_a_search_has_run(client: Client, manager: Any) -> None:
    assert "Not searched yet" in text_of(client.get(QUEUE))
    finding.search(timezone.now)
    assert "No open duplicates" in text_of(client.get(QUEUE))


def test_the_queue_lists_pairs_with_their_reasons_and_counts_them_by_kind(client: Client, manager: Any) -> None:
    pair = a_found_pair()
    a_pair(*two(), kind="phone", score=90)
    page = text_of(client.get(QUEUE))
    assert "Same name, same company" in page
    scores = re.findall(r'data-label="Score">\s*(\d+)', page)
    assert scores == ["90", "70"]
    assert pair.get_absolute_url() in text_of(client.get(QUEUE, {"tab": "name"}))
    assert pair.get_absolute_url() not in text_of(client.get(QUEUE, {"tab": "phone"}))


def test_a_pair_shows_all_facts_of_both(client: Client, manager: Any) -> None:
    a_custom_field("size")
    first, second = two(title="Admiral", phone="+1 555 0100", tags=("navy",), custom={"size": "10"}, owner=manager)
    an_address("g0@one.example", status="invalid")
    a_campaign("Spring", members=(second,))
    page = text_of(client.get(a_pair(first, second).get_absolute_url()))
    for fact in (
        "Admiral",
        "+1 555 0100",
        "navy",
        "Spring",
        "Mia Manager",
        ["g0", "one.example"][0],
        "Last activity",
    ):
        assert fact in page, fact


def test_merging_a_pair_keeps_the_chosen_values_and_goes_to_the_next(client: Client, manager: Any) -> None:
    first, second = two(title="Admiral")
    Contact.objects.filter(pk=second.pk).update(title="Professor")
    pair, following = a_pair(first, second), a_found_pair()
    posted = {"kept": str(second.pk), "title": str(first.pk), "tab": "name"}
    answer = client.post(reverse("contacts:duplicate_merge", args=[pair.pk]), posted)
    assert answer.url == f"{following.get_absolute_url()}?tab=name"
    second.refresh_from_db()
    pair.refresh_from_db()
    assert (second.title, pair.state, pair.decided_by) == ("Admiral", "merged", manager)
    assert Contact.objects.present().filter(pk=first.pk).exists() is False
    assert "You can undo this for 30 days" in said(answer)[0]


def test_merging_needs_the_record_to_keep(client: Client, manager: Any) -> None:
    pair = a_found_pair()
    answer = client.post(reverse("contacts:duplicate_merge", args=[pair.pk]), {"kept": "999"})
    assert said(answer) == ["Choose which one to keep."]
    assert not Merge.objects.exists()


def test_a_dismissed_pair_stays_dismissed_until_it_is_reopened(client: Client, manager: Any) -> None:
    two()
    finding.search(timezone.now)
    pair = DuplicatePair.objects.get(first_contact__isnull=False)
    client.post(reverse("contacts:duplicate_dismiss", args=[pair.pk]))
    finding.search(timezone.now, everything=True)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == ("dismissed", manager)
    assert "Marked as not the same by Mia Manager" in text_of(client.get(pair.get_absolute_url()))
    client.post(reverse("contacts:duplicate_reopen", args=[pair.pk]))
    pair.refresh_from_db()
    assert pair.state == "open"


def test_a_pair_is_decided_once(manager: Any) -> None:
    pair = a_found_pair()
    dismiss(pair, by=manager, now=timezone.now())
    with pytest.raises(AlreadyDecided):
        dismiss(pair, by=manager, now=timezone.now())


def test_skip_leads_to_the_next_pair_and_at_the_end_to_the_queue(client: Client, manager: Any) -> None:
    first, second = a_found_pair(), a_found_pair()
    assert f'href="{second.get_absolute_url()}"' in text_of(client.get(first.get_absolute_url()))
    assert 'href="/duplicates/"' in text_of(client.get(second.get_absolute_url()))


def test_a_contact_page_hints_at_its_duplicate(client: Client, manager: Any) -> None:
    first, second = two()
    pair = a_pair(first, second)
    for contact in (first, second):
        assert pair.get_absolute_url() in text_of(client.get(contact.get_absolute_url()))
    dismiss(pair, by=manager, now=timezone.now())
    assert "Possible duplicate of" not in text_of(client.get(first.get_absolute_url()))


def test_companies_are_merged_from_the_queue(client: Client, manager: Any) -> None:
    first, second = a_company("Acme"), a_company("Acme Inc.", domain="acme.example")
    a_contact(company=second)
    finding.search(timezone.now)
    pair = DuplicatePair.objects.get()
    assert "Are these the same company?" in text_of(client.get(pair.get_absolute_url()))
    client.post(reverse("contacts:duplicate_merge", args=[pair.pk]), {"kept": str(first.pk)})
    assert list(Company.objects.values_list("name", "domain")) == [("Acme", "acme.example")]
    assert Contact.objects.get().company == first


# --- who may ----------------------------------------------------------------------------------------


def test_only_users_who_may_merge_see_the_queue_and_hints(client: Client) -> None:
    pair = a_found_pair()
    client.force_login(a_user("sales"))
    urls = [QUEUE, pair.get_absolute_url(), "/duplicates/certain/", "/merges/"]
    assert [client.get(url).status_code for url in urls] == [403] * 4
    for name in ("merge", "dismiss", "reopen"):
        assert client.post(reverse(f"contacts:duplicate_{name}", args=[pair.pk])).status_code == 403
    assert "Possible duplicate of" not in text_of(client.get(pair.first_contact.get_absolute_url()))
    client.force_login(a_user("manager"))
    assert [client.get(url).status_code for url in urls] == [200] * 4


def test_users_decide_only_pairs_of_contacts_they_may_change(settings: Any) -> None:
    """A role of its own: it merges, and changes what is its own or nobody's."""
    settings.SALES_SEE = "team"
    seller = a_user("sales", team=a_team())
    mine = a_found_pair()
    a_found_pair(owner=a_user("sales"))

    class Merger:
        pk, team_id, is_active = seller.pk, seller.team_id, True

        def has_perm(self, name: str) -> bool:
            return name in {"contacts.view_contact", "contacts.change_contact", "contacts.delete_contact"}

    assert list(queue.open_pairs(Merger())) == [mine]
    assert str(queue.counts(Merger())[""]) == "1"


# --- all certain ones -------------------------------------------------------------------------------


def some_certain(number: int = 3) -> None:
    for _ in range(number):
        two()
    a_company("Acme")
    a_company("Acme.")
    finding.search(timezone.now)
    assert DuplicatePair.objects.filter(is_certain=True).count() == number + 1


def test_all_certain_pairs_are_merged_and_undone_with_the_same_rows(client: Client, manager: Any) -> None:
    some_certain()
    doubtful = a_pair(a_contact(), a_contact())
    before = state_of_all()
    assert "Merge 4 pairs" in text_of(client.get("/duplicates/certain/"))
    run_url = client.post("/duplicates/certain/", {"reason": "Imported twice."}).url
    assert "0 of 4 pairs" in text_of(client.get(run_url))
    assert runs.is_waiting(timezone.now())
    runs.work(timezone.now)
    assert "4 pairs merged" in text_of(client.get(run_url))
    assert (Merge.objects.count(), Contact.objects.present().count(), Company.objects.count()) == (4, 5, 4)
    client.post(f"{run_url}undo/")
    runs.work(timezone.now)
    assert "4 of 4 merges undone" in text_of(client.get(run_url))
    assert state_of_all() == before
    doubtful.refresh_from_db()
    assert doubtful.state == "open"


def test_pairs_that_changed_after_the_preview_are_skipped(manager: Any) -> None:
    some_certain(2)
    run = runs.start_run(manager, "Imported twice.")
    pair = DuplicatePair.objects.filter(kind="name").earliest("pk")
    for side, title in ((pair.first_contact, "Admiral"), (pair.second_contact, "Professor")):
        Contact.objects.filter(pk=side.pk).update(title=title)
    runs.work(timezone.now)
    run.refresh_from_db()
    assert (run.merged, run.skipped) == (2, 1)


def test_companies_that_differ_in_an_accent_alone_are_merged_by_the_run(manager: Any) -> None:
    a_company("Müller")
    a_company("Muller.")
    finding.search(timezone.now)
    run = runs.start_run(manager, "Imported twice.")
    runs.work(timezone.now)
    run.refresh_from_db()
    assert (run.total, run.merged, run.skipped) == (1, 1, 0)


def test_a_killed_run_resumes_and_merges_each_pair_once(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    some_certain()
    run = runs.start_run(manager, "Imported twice.")
    real, calls = runs.merge_pair, []

    def dies(*args: Any, **given: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(*args, **given)

    monkeypatch.setattr(runs, "merge_pair", dies)
    with pytest.raises(RuntimeError):
        runs.work(timezone.now)
    runs.work(timezone.now)
    run.refresh_from_db()
    assert (run.state, run.merged, Merge.objects.count()) == ("done", 4, 4)


def test_a_run_needs_a_reason_and_one_runs_at_a_time(manager: Any) -> None:
    some_certain(1)
    with pytest.raises(runs.RunRefused, match="Say why"):
        runs.start_run(manager, " ")
    runs.start_run(manager, "Sure.")
    with pytest.raises(runs.RunRefused, match="in progress"):
        runs.start_run(manager, "Sure.")
    assert MergeRun.objects.count() == 1


def test_three_certain_duplicates_are_merged_into_one(manager: Any) -> None:
    for n in range(3):
        a_contact(f"g@{n}.example", first_name="Grace", last_name="Hopper", company="Navy")
    finding.search(timezone.now)
    runs.start_run(manager, "Imported three times.")
    runs.work(timezone.now)
    finding.search(timezone.now)
    if queue.count(manager, queue.CERTAIN):
        runs.start_run(manager, "Again.")
        runs.work(timezone.now)
    assert Contact.objects.present().count() == 1

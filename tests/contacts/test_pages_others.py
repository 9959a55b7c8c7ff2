"""Companies, campaigns, segments, bulk actions and the start of a cleaning."""

import pytest
from django.urls import reverse

from bounces.models import CleaningRun
from contacts.models import Campaign, Company, Contact, ImportRow, Segment, Tag
from contacts.segments import contacts_of
from tests.builders import (
    NOW,
    a_campaign,
    a_cleaning_run,
    a_company,
    a_contact,
    a_daily_stat,
    a_segment,
    a_suppression,
    a_tag,
    a_user,
    an_address,
    an_import_run,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales(client):
    user = a_user("sales", name="Sam Sales")
    client.force_login(user)
    return user


@pytest.fixture
def manager(client):
    user = a_user("manager", name="Mia Manager")
    client.force_login(user)
    return user


def text_of(response):
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def said(response):
    """The messages that the next page would show."""
    return [str(message) for message in response.wsgi_request._messages]


# --- bulk actions -----------------------------------------------------------------------------------


def do(client, action, contacts=(), **typed):
    data = {"action": action, "pk": [contact.pk for contact in contacts], **typed}
    return client.post(reverse("contacts:bulk"), data)


def test_a_tag_is_added_to_the_ticked_and_told_in_their_timelines(client, sales):
    ticked, other = a_contact(tags=("old",)), a_contact()
    response = do(client, "add_tag", [ticked], tag_name="VIP")
    assert [tag.name for tag in ticked.tags.all()] == ["VIP", "old"]
    assert not other.tags.exists()
    assert ticked.activities.get().text == "Tag “VIP” added."
    assert said(response) == ["“VIP” added to 1 contact."]


def test_doing_it_again_changes_nothing(client, sales):
    contact = a_contact(tags=("vip",))
    assert said(do(client, "add_tag", [contact], tag_name="VIP")) == ["“vip” added to 0 contacts."]
    assert not contact.activities.exists()


def test_a_tag_is_removed_and_an_unknown_one_is_not_made(client, sales):
    contact = a_contact(tags=("vip",))
    do(client, "remove_tag", [contact], tag_name="VIP")
    do(client, "remove_tag", [contact], tag_name="unheard of")
    assert not contact.tags.exists()
    assert Tag.objects.count() == 1


def test_the_whole_filter_is_changed_and_what_belongs_to_others_stays(client, sales):
    own = [a_contact(owner=sales, country="DE") for _ in range(3)]
    bobs, elsewhere = a_contact(owner=a_user(), country="DE"), a_contact(country="US")
    response = do(client, "add_tag", own[:1], tag_name="vip", whole="on", country="DE")
    assert set(a_tag("vip").contacts.all()) == set(own)
    assert said(response) == ["“vip” added to 3 contacts. 1 belongs to others and stayed as they were."]
    assert response.url == "/contacts/?country=DE"
    assert bobs.updated_at == Contact.objects.get(pk=bobs.pk).updated_at
    assert not elsewhere.tags.exists()


@pytest.mark.parametrize("filtered", [{"segment": "x1"}, {"status": "broken"}])
def test_a_filter_that_cannot_be_read_changes_nobody(client, sales, filtered):
    contact = a_contact()
    (sentence,) = said(do(client, "add_tag", tag_name="vip", whole="1", **filtered))
    assert sentence.startswith("Nothing was done")
    assert not contact.tags.exists()


@pytest.mark.parametrize("stored", [{"status": ["gone"]}, {"stauts": ["valid"]}, {"tag": {"a": 1}}, ["valid"]])
def test_a_segment_that_cannot_be_read_is_about_nobody_and_says_why(client, manager, stored):
    contact = a_contact()
    segment = Segment.objects.create(name="Old", filter=stored)
    campaign = a_campaign()
    said_why = "Segment “Old” cannot be read"
    assert not contacts_of(segment).exists()
    assert said_why in text_of(client.get(reverse("contacts:segments")))
    assert said_why in text_of(client.get(reverse("contacts:list"), {"segment": segment.pk}))
    assert said_why in said(do(client, "add_tag", tag_name="vip", whole="1", segment=segment.pk))[0]
    assert said_why in said(client.get(reverse("contacts:export_new"), {"segment": segment.pk}))[0]
    assert said_why in said(client.get(reverse("contacts:segment_edit", args=[segment.pk])))[0]
    assert (
        said_why in said(client.post(reverse("contacts:campaign_add", args=[campaign.pk]), {"segment": segment.pk}))[0]
    )
    cleaning = client.post(reverse("contacts:cleaning_start"), {"segment": segment.pk, "mode": "preview"})
    assert said_why in text_of(cleaning)
    assert client.get("/api/v1/contacts/", {"segment": segment.pk}).status_code == 400
    assert not contact.tags.exists()


def test_managers_change_everyones(client, manager):
    contact = a_contact(owner=a_user())
    do(client, "set_owner", [contact], new_owner=manager.pk)
    assert Contact.objects.get(pk=contact.pk).owner == manager
    do(client, "set_owner", [contact], new_owner="none")
    assert Contact.objects.get(pk=contact.pk).owner is None


def test_hidden_contacts_cannot_be_reached_by_their_number(client, settings, sales):
    settings.SALES_SEE = "team"
    hidden, campaign = a_contact(owner=a_user()), a_campaign(owner=sales)
    do(client, "add_tag", [hidden], tag_name="x")
    do(client, "add_to_campaign", [hidden], to_campaign=campaign.pk)
    assert not hidden.tags.exists()
    assert not campaign.members.exists()


def test_contacts_are_added_to_own_campaigns_only(client, sales):
    contact, own, bobs = a_contact(owner=a_user()), a_campaign(owner=sales), a_campaign(owner=a_user())
    assert do(client, "add_to_campaign", [contact], to_campaign=own.pk).status_code == 302
    assert list(own.contacts.all()) == [contact]
    assert do(client, "add_to_campaign", [contact], to_campaign=bobs.pk).status_code == 403
    assert not bobs.members.exists()


@pytest.mark.parametrize(
    ("action", "typed", "sentence"),
    [
        ("add_tag", {}, "Write the tag’s name first."),
        ("add_tag", {"tag_name": "a,b"}, "cannot be a tag"),
        ("set_owner", {"new_owner": "999999"}, "Choose an owner first."),
        ("add_to_campaign", {"to_campaign": "x"}, "Choose a campaign first."),
        ("explode", {}, "Choose what to do"),
    ],
)
def test_what_is_missing_is_said(client, sales, action, typed, sentence):
    assert sentence in said(do(client, action, [a_contact()], **typed))[0]


def test_ticking_nobody_is_said(client, sales):
    assert said(do(client, "add_tag", tag_name="x")) == ["Tick some contacts first."]


def test_managers_clean_the_ticked_and_sales_do_not(client, sales):
    contact = a_contact("ada@example.org", others=("ada@home.example",))
    a_contact()
    assert do(client, "clean", [contact]).status_code == 403
    client.force_login(a_user("manager"))
    response = do(client, "clean", [contact])
    run = CleaningRun.objects.get()
    assert (run.scope, run.dry_run, run.total) == ("chosen", True, 2)
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])


# --- companies --------------------------------------------------------------------------------------


def test_companies_show_their_contacts_and_the_share_of_bad_addresses(client, sales):
    for status in ("invalid", "valid", "valid", "valid"):
        a_contact(company="Navy", status=status)
    a_company("Army")
    page = text_of(client.get(reverse("contacts:companies")))
    assert "25 %" in page
    assert "Army" not in text_of(client.get(reverse("contacts:companies"), {"q": "nav"}))


def test_a_company_page_counts_who_may_be_written_to(client, sales):
    company = a_company("Navy")
    a_contact("ok@navy.example", company=company, status="valid")
    a_contact("sup@navy.example", company=company, status="valid")
    a_contact(company=company, email=None)
    a_suppression("sup@navy.example")
    answers = client.get(company.get_absolute_url()).context["answers"]
    assert (answers.yes, answers.caution, answers.no, answers.without) == (1, 0, 1, 1)


def test_a_company_is_made_and_its_new_name_is_found(client, sales):
    client.post(reverse("contacts:company_new"), {"name": " Navy  Inc ", "domain": "WWW.navy.example", "country": "US"})
    company = Company.objects.get()
    assert (company.name, company.domain) == ("Navy Inc", "navy.example")
    contact = a_contact(company=company)
    client.post(reverse("contacts:company_edit", args=[company.pk]), {"name": "Fleet"})
    assert "fleet" in Contact.objects.get(pk=contact.pk).document


@pytest.mark.parametrize("name", ["company", "campaign"])
def test_a_name_that_is_taken_in_any_case_is_said_at_the_field(client, sales, name):
    a_company("Navy")
    a_campaign("Navy")
    form = client.post(reverse(f"contacts:{name}_new"), {"name": " NAVY "}).context["form"]
    assert form.errors == {"name": [f"There is a {name} called “Navy” already. Choose another name."]}


def test_a_row_may_keep_its_own_name(client, sales):
    company = a_company("Navy")
    client.post(reverse("contacts:company_edit", args=[company.pk]), {"name": "NAVY"})
    assert Company.objects.get().name == "NAVY"


def test_a_segments_name_that_is_taken_is_said_at_the_field(client, sales):
    a_segment("Bad")
    form = client.post(reverse("contacts:segment_new") + "?status=invalid", {"name": "bad"}).context["form"]
    assert "There is a segment called “Bad” already" in form.errors["name"][0]


def test_sales_edit_own_and_unowned_companies(client, sales):
    own, bobs = a_company(owner=sales), a_company(owner=a_user())
    urls = [reverse("contacts:company_edit", args=[company.pk]) for company in (own, bobs)]
    assert [client.get(url).status_code for url in urls] == [200, 403]
    client.force_login(a_user("manager"))
    assert client.get(urls[1]).status_code == 200


# --- campaigns --------------------------------------------------------------------------------------


def test_a_campaign_shows_verdicts_and_a_rate_that_is_unknown_without_attempts(client, sales):
    members = (a_contact(status="valid"), a_contact(status="at_risk"), a_contact(status="invalid"))
    campaign = a_campaign(members=members, writes_to="any")
    response = client.get(campaign.get_absolute_url())
    answers = response.context["answers"]
    assert (answers.yes, answers.caution, answers.no) == (1, 1, 1)
    assert "no attempts were reported" in response.content.decode()
    assert "Unknown" in response.content.decode()


@pytest.mark.parametrize(
    ("bounced", "rate", "word"), [(1, "0.50 %", "Healthy"), (3, "1.50 %", "Watch"), (4, "2.00 %", "Stop")]
)
def test_a_campaigns_rate_has_the_word_of_its_line(client, sales, bounced, rate, word):
    campaign = a_campaign()
    a_daily_stat(campaign=campaign, attempted=200, bounced=bounced)
    for url in (campaign.get_absolute_url(), reverse("contacts:campaigns")):
        page = client.get(url).content.decode()
        assert rate in page
        assert word in page


def test_members_are_narrowed_by_their_verdict(client, sales):
    bad = a_contact(status="invalid")
    campaign = a_campaign(members=(bad, a_contact(status="valid")))
    assert client.get(campaign.get_absolute_url(), {"answer": "no"}).context["page"].items == [bad]
    assert len(client.get(campaign.get_absolute_url(), {"answer": "perhaps"}).context["page"].items) == 2


def test_a_new_campaign_gets_a_key_from_its_name(client, sales):
    client.post(reverse("contacts:campaign_new"), {"name": "Spring Sale 2026"})
    campaign = Campaign.objects.get()
    assert (campaign.key, campaign.owner, campaign.state) == ("spring-sale-2026", sales, "draft")


def test_a_campaign_ends_after_it_starts(client, sales):
    typed = {"name": "X", "starts_on": "2026-05-02", "ends_on": "2026-05-01"}
    form = client.post(reverse("contacts:campaign_new"), typed).context["form"]
    assert form.errors["ends_on"] == ["A campaign ends on or after the day it starts."]


def test_a_name_without_letters_asks_for_a_key(client, sales):
    form = client.post(reverse("contacts:campaign_new"), {"name": "!!!"}).context["form"]
    assert "key" in form.errors


def test_states_follow_their_table(client, sales):
    campaign = a_campaign(owner=sales)
    url = reverse("contacts:campaign_state", args=[campaign.pk])
    for state, expected in (("finished", "draft"), ("running", "running"), ("paused", "paused"), ("bogus", "paused")):
        client.post(url, {"state": state})
        assert Campaign.objects.get().state == expected


def test_a_segment_is_added_without_those_that_may_not_be_written_to(client, sales):
    good, bad = a_contact(status="valid", country="DE"), a_contact(status="invalid", country="DE")
    a_contact(country="US")
    campaign, segment = a_campaign(owner=sales), a_segment(country=["DE"])
    url = reverse("contacts:campaign_add", args=[campaign.pk])
    client.post(url, {"segment": segment.pk, "leave_out": "on"})
    assert list(campaign.contacts.all()) == [good]
    client.post(url, {"segment": segment.pk})
    assert set(campaign.contacts.all()) == {good, bad}


def test_members_are_taken_out(client, sales):
    one, two = a_contact(), a_contact()
    campaign = a_campaign(owner=sales, members=(one, two))
    client.post(reverse("contacts:campaign_remove", args=[campaign.pk]), {"pk": [one.pk, "x"]})
    assert list(campaign.contacts.all()) == [two]


@pytest.mark.parametrize("name", ["campaign_edit", "campaign_state", "campaign_add", "campaign_remove"])
def test_only_the_owner_and_managers_change_a_campaign(client, sales, name):
    campaign = a_campaign(owner=a_user())
    url = reverse(f"contacts:{name}", args=[campaign.pk])
    assert client.post(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.post(url).status_code in (200, 302)


def test_the_list_of_campaigns_is_narrowed_by_state(client, sales):
    a_campaign("Running one", state="running")
    a_campaign("Draft one")
    page = text_of(client.get(reverse("contacts:campaigns"), {"state": "running"}))
    assert "Running one" in page
    assert "Draft one" not in page


# --- segments ---------------------------------------------------------------------------------------


def test_a_filter_is_saved_as_a_segment(client, sales):
    a_contact(status="invalid")
    url = reverse("contacts:segment_new") + "?status=invalid&country=DE&sort=name"
    assert "0 contacts fit" in text_of(client.get(url))
    response = client.post(url, {"name": "Bad Germans"})
    segment = Segment.objects.get()
    assert (segment.filter, segment.owner) == ({"status": ["invalid"], "country": ["DE"]}, sales)
    assert response.url == f"/contacts/?segment={segment.pk}"


def test_a_segment_of_a_segment_takes_its_words_over(client, sales):
    first = a_segment(status=["invalid"])
    client.post(reverse("contacts:segment_new") + f"?segment={first.pk}&country=DE", {"name": "Second"})
    assert Segment.objects.get(name="Second").filter == {"status": ["invalid"], "country": ["DE"]}


def test_an_empty_filter_is_no_segment(client, sales):
    assert client.get(reverse("contacts:segment_new")).url == reverse("contacts:list")


def test_the_list_of_segments_counts_whom_each_finds(client, sales):
    a_contact(status="invalid")
    a_segment("Bad", status=["invalid"])
    a_segment("Good", status=["valid"])
    rows = client.get(reverse("contacts:segments")).context["rows"]
    assert [(str(row["segment"]), int(row["size"])) for row in rows] == [("Bad", 1), ("Good", 0)]


def test_segments_are_changed_by_their_owner_and_managers(client, sales):
    segment = a_segment(status=["invalid"])
    edit, delete = (reverse(f"contacts:segment_{verb}", args=[segment.pk]) for verb in ("edit", "delete"))
    assert client.get(edit).status_code == client.post(delete).status_code == 403
    client.force_login(a_user("manager"))
    client.post(edit, {"name": "Renamed"})
    assert Segment.objects.get().name == "Renamed"
    client.post(delete)
    assert not Segment.objects.exists()


# --- cleaning ---------------------------------------------------------------------------------------


def test_a_cleaning_starts_over_all_addresses_or_a_segments(client, manager):
    a_contact(status="valid", country="DE")
    a_contact(country="US")
    url = reverse("contacts:cleaning_start")
    assert "2 addresses" in text_of(client.get(url))
    segment = a_segment("Germans", country=["DE"])
    assert "1 address " in text_of(client.get(url, {"segment": segment.pk}))
    response = client.post(url, {"segment": segment.pk, "mode": "preview"})
    run = CleaningRun.objects.get()
    assert (run.scope_label, run.dry_run, run.total, run.started_by) == ("Segment “Germans”", True, 1, manager)
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])


def test_a_cleaning_starts_over_one_domain(client, manager):
    an_address("ada@example.org")
    an_address("bob@example.com")
    url = reverse("contacts:cleaning_start")
    assert "1 address " in text_of(client.get(reverse("contacts:cleaning_scope"), {"domain": "example.org"}))
    client.post(url, {"domain": "example.org", "mode": "preview"})
    assert CleaningRun.objects.get().scope_label == "Domain example.org"


def test_a_cleaning_starts_over_the_contacts_that_an_import_wrote(client, manager):
    imported = an_import_run(written={"new": 1})
    contact = a_contact("ada@example.org", others=("lovelace@example.org",))
    a_contact("bob@example.com")
    ImportRow.objects.create(run_id=imported.pk, number=2, verdict="new", contact_id=contact.pk)
    url = reverse("contacts:cleaning_start")
    assert "2 addresses" in text_of(client.get(url, {"import": imported.pk}))
    client.post(url, {"imported": imported.pk, "mode": "preview"})
    run = CleaningRun.objects.get()
    assert (run.scope_label, run.total) == (f"Import {imported.pk}: people.csv", 2)
    assert f"?import={imported.pk}" in client.get(imported.get_absolute_url()).content.decode()


def test_a_cleaning_has_one_scope(client, manager):
    segment = a_segment("Germans", country=["DE"])
    answer = client.post(
        reverse("contacts:cleaning_start"), {"segment": segment.pk, "domain": "example.org", "mode": "preview"}
    )
    assert "Choose one of them" in text_of(answer)


@pytest.mark.parametrize(
    ("domain", "refusal"),
    [("nobody.example", "Domain nobody.example has no address"), ("no domain", "is no domain")],
)
def test_a_cleaning_of_nobody_is_refused_plainly(client, manager, domain, refusal):
    page = text_of(client.post(reverse("contacts:cleaning_start"), {"domain": domain, "mode": "preview"}))
    assert refusal in page
    assert not CleaningRun.objects.exists()


def test_a_second_cleaning_leads_to_the_one_that_is_going_on(client, manager):
    run = a_cleaning_run("evaluating")
    response = client.post(reverse("contacts:cleaning_start"), {"mode": "apply"})
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])
    assert "still going on" in said(response)[0]


def test_sales_start_no_cleaning(client, sales):
    assert client.get(reverse("contacts:cleaning_start")).status_code == 403


# --- what it costs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 12])
@pytest.mark.parametrize(
    ("name", "most"), [("companies", 12), ("campaigns", 12), ("segments", 12), ("company", 17), ("campaign", 18)]
)
def test_pages_ask_as_much_for_any_length(client, sales, number, name, most, django_assert_max_num_queries):
    company, campaign = a_company(), a_campaign(owner=sales)
    for position in range(number):
        contact = a_contact(company=company, owner=a_user())
        campaign.members.create(contact=contact)
        a_company(owner=a_user())
        a_daily_stat(NOW.date(), campaign=a_campaign(owner=a_user(), members=(contact,)), attempted=1)
        a_segment(status=["valid"], owner=[str(contact.owner_id)], company=[str(company.pk)], tag=[f"t{position}"])
    row = {"company": company, "campaign": campaign}.get(name)
    url = row.get_absolute_url() if row else reverse(f"contacts:{name}")
    with django_assert_max_num_queries(most):
        client.get(url)


def test_each_empty_list_says_what_to_do_next(client, sales):
    for name, words in (
        ("companies", "No companies yet"),
        ("campaigns", "No campaigns yet"),
        ("segments", "No segments yet"),
    ):
        assert words in text_of(client.get(reverse(f"contacts:{name}")))

"""The rules' pages: written, tried and put in force by admins alone; what a try and a re-judging show."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import cleaning
from bounces.classification import load_rules
from bounces.models import Bounce, CleaningRun, RuleOverride
from bounces.rejudging import starting
from bounces.rejudging.starting import rejudge_history
from bounces.views.bounce import find_rule
from tests.bounces.test_pages_access import signed_in
from tests.bounces.test_rejudging import applied, arrive
from tests.builders import a_bounce, a_rule_override, a_user, an_evidence

pytestmark = pytest.mark.django_db

ADD = "/admin/bounces/ruleoverride/add/"
TRY = {"bounces_ruleoverride_try_it": "1"}
SHIPPED = load_rules().rules[0].name


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(a_user("admin"))
    return client


def typed(**fields: Any) -> dict[str, Any]:
    """The form as somebody fills it in."""
    return {
        "effect": "add",
        "name": "acme-full",
        "table": "phrases",
        "patterns": "acme says no\r\nacme is full",
        "reason": "mailboxfull",
        "example": "550 5.1.1 Acme says no",
        "note": "Their hotline says so.",
        "is_enabled": "on",
        **fields,
    }


def change_url(row: RuleOverride) -> str:
    return reverse("admin:bounces_ruleoverride_change", args=[row.pk])


def faults(response: Any) -> dict[str, Any]:
    return dict(response.context["adminform"].form.errors)


def text_of(client: Client, url: str) -> str:
    response = client.get(url, follow=True)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


# --- writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [("sales", False), ("manager", False), ("admin", True)])
def test_only_admins_write_rules(role: str, may: bool) -> None:
    client = signed_in(role)
    assert (client.get(ADD).status_code == 200) is may
    client.post(ADD, typed())
    assert RuleOverride.objects.exists() is may


@pytest.mark.parametrize(("role", "may"), [("sales", False), ("manager", False), ("admin", True)])
def test_only_admins_try_rules(role: str, may: bool) -> None:
    signed_in(role).post(ADD, typed(**TRY))
    assert CleaningRun.objects.exists() is may


@pytest.mark.parametrize(("role", "may"), [("sales", False), ("manager", False), ("admin", True)])
def test_only_admins_judge_history_again(role: str, may: bool) -> None:
    client = signed_in(role)
    assert (client.get(reverse("bounces:rejudge")).status_code == 200) is may
    client.post(reverse("bounces:rejudge"))
    assert CleaningRun.objects.exists() is may


def test_a_rule_is_saved_with_its_author(boss: Client) -> None:
    assert boss.post(ADD, typed()).status_code == 302
    row = RuleOverride.objects.get()
    assert (row.patterns, row.created_by.role, row.is_enabled) == (["acme says no", "acme is full"], "admin", True)


def test_a_rule_of_words_together_is_saved_and_tried(boss: Client) -> None:
    fields = typed(patterns="acme says\r\nno", together="on")
    page = boss.post(ADD, fields | TRY, follow=True)
    assert page.status_code == 200
    assert not RuleOverride.objects.exists()
    boss.post(ADD, fields)
    row = RuleOverride.objects.get()
    assert (row.patterns, row.together) == (["acme says", "no"], True)
    assert row.as_override().rule.together
    boss.post(change_url(row), typed(patterns="acme says no"))
    assert not RuleOverride.objects.get().together


def test_one_word_does_not_stand_together(boss: Client) -> None:
    assert "two or more" in str(faults(boss.post(ADD, typed(patterns="acme says no", together="on")))["patterns"])


def test_a_try_brings_back_that_words_stand_together(boss: Client) -> None:
    boss.post(ADD, typed(patterns="acme says\r\nno", together="on") | TRY)
    assert boss.get(f"{ADD}?run={CleaningRun.objects.get().pk}").context["adminform"].form.initial["together"] is True


def test_an_example_keeps_no_address(boss: Client) -> None:
    boss.post(ADD, typed(example="550 5.1.1 <ada@b.example>: Acme says no"))
    assert RuleOverride.objects.get().example == "550 5.1.1 <address>: Acme says no"


def test_what_is_wrong_stands_at_its_field(boss: Client) -> None:
    response = boss.post(ADD, typed(patterns="(acme", note=""))
    assert set(faults(response)) == {"patterns", "note"}
    assert "is no pattern of RE2" in str(faults(response)["patterns"])
    assert not RuleOverride.objects.exists()


def test_an_example_that_a_newer_rule_takes_is_refused(boss: Client) -> None:
    older = a_rule_override("acme-full")
    a_rule_override("newer", patterns=["acme"])
    response = boss.post(change_url(older), typed())
    assert "the rule “newer” decides it" in str(faults(response)["example"])


def test_a_name_that_is_taken_by_a_rule_that_is_off_is_refused(boss: Client) -> None:
    a_rule_override("acme-full", is_enabled=False)
    assert "not in force" in str(faults(boss.post(ADD, typed()))["name"])


def test_a_shipped_rule_is_changed_and_its_words_are_left_alone(boss: Client) -> None:
    given = typed(effect="change", name=SHIPPED, reason="blocked", kind="soft", fault="sender")
    assert boss.post(ADD, given).status_code == 302
    row = RuleOverride.objects.get()
    assert (row.table, row.patterns, row.example, row.reason) == ("", [], "", "blocked")


def test_a_shipped_rule_is_switched_off(boss: Client) -> None:
    assert boss.post(ADD, typed(effect="off", name=SHIPPED)).status_code == 302
    assert RuleOverride.objects.get().reason == ""


def test_a_shipped_rule_is_the_draft_of_its_change(boss: Client) -> None:
    initial = boss.get(ADD, {"shipped": SHIPPED}).context["adminform"].form.initial
    assert (initial["effect"], initial["name"], initial["fault"]) == ("change", SHIPPED, "recipient")


def test_all_rules_are_listed_in_their_order_with_what_was_changed(boss: Client) -> None:
    a_rule_override("acme-full")
    a_rule_override(SHIPPED, effect="off", table="", patterns=[], example="", reason="", note="")
    page = text_of(boss, reverse("admin:bounces_ruleoverride_in_force"))
    assert page.index('id="acme-full"') < page.index('id="user-unknown-5.1.1"') < page.index(f'id="{SHIPPED}"')
    assert "ours</span>" in page
    assert "off</span>" in page


def test_a_rule_that_names_what_is_no_more_is_marked(boss: Client) -> None:
    a_rule_override("no-such-rule", effect="off", table="", patterns=[], example="", reason="", note="")
    assert "has no effect" in text_of(boss, reverse("admin:bounces_ruleoverride_changelist"))


# --- from a bounce ----------------------------------------------------------------------------------


def test_a_bounce_is_the_draft_of_a_rule(boss: Client) -> None:
    said = "550 5.1.1 <ada@b.example>: Acme (mail) says no. See https://b.example/why"
    bounce = an_evidence(a_bounce(diagnostic=said, remote_mta="mx.b.example"), command="RCPT").bounce
    initial = boss.get(ADD, {"bounce": bounce.pk}).context["adminform"].form.initial
    assert initial["patterns"] == [r"<address>: acme \(mail\) says no\. see https://b\.example/"]
    assert (initial["table"], initial["example"]) == (
        "phrases",
        "RCPT: 550 5.1.1 <address>: Acme (mail) says no. See https://b.example/why",
    )


@pytest.mark.parametrize(
    ("fields", "table", "code"),
    [
        ({"diagnostic": ""}, "enhanced_codes", "1.1"),
        ({"diagnostic": "", "enhanced_code": ""}, "reply_codes", "550"),
    ],
)
def test_a_bounce_without_words_is_the_draft_of_a_rule_of_codes(
    boss: Client, fields: dict[str, Any], table: str, code: str
) -> None:
    initial = boss.get(ADD, {"bounce": a_bounce(**fields).pk}).context["adminform"].form.initial
    assert (initial["table"], initial["code"]) == (table, code)


@pytest.mark.parametrize("query", [{"bounce": "0"}, {"bounce": "x"}, {"shipped": "x"}, {"run": "9" * 30}, {"run": "1"}])
def test_a_draft_of_nothing_is_an_empty_form(boss: Client, query: dict[str, str]) -> None:
    assert boss.get(ADD, query).status_code == 200


@pytest.mark.parametrize(("role", "may"), [("sales", False), ("manager", False), ("admin", True)])
def test_a_bounce_leads_admins_to_its_rule_and_to_a_new_one(role: str, may: bool) -> None:
    row = a_rule_override("acme-full")
    page = text_of(signed_in(role), reverse("bounces:bounce", args=[a_bounce(rule="acme-full").pk]))
    assert "acme-full" in page
    assert (change_url(row) in page) is may
    assert ("Write a rule for this" in page) is may


def test_a_bounce_by_a_shipped_rule_leads_to_the_list_of_rules(boss: Client) -> None:
    page = text_of(boss, reverse("bounces:bounce", args=[a_bounce(rule=SHIPPED).pk]))
    assert f"{reverse('admin:bounces_ruleoverride_in_force')}#{SHIPPED}" in page


def test_a_rule_is_shown_as_it_is_in_force() -> None:
    own = a_rule_override("acme-full")
    changed = a_rule_override(SHIPPED, effect="change", table="", patterns=[], example="", reason="blocked")
    assert find_rule("acme-full", own).reason == "mailboxfull"
    assert find_rule(SHIPPED, changed).reason == "blocked"
    changed.effect = "off"
    assert find_rule(SHIPPED, changed) is None
    assert find_rule("gone", None) is None


# --- trying -----------------------------------------------------------------------------------------


def test_a_try_says_what_would_change_and_saves_nothing(boss: Client) -> None:
    arrive()
    response = boss.post(ADD, typed(**TRY))
    page = text_of(boss, response.url)
    assert 'Would change <strong class="num">2</strong> of <span class="num">4</span> bounces' in page
    assert 'the status of <strong class="num">2</strong> addresses' in page
    assert reverse("bounces:bounce", args=[Bounce.objects.get(address__email="ada@acme.example").pk]) in page
    assert "Apply these changes" not in page
    assert not RuleOverride.objects.exists()


def test_a_try_leads_back_to_the_form_as_it_was_typed(boss: Client) -> None:
    run_url = boss.post(ADD, typed(**TRY)).url
    run = CleaningRun.objects.get()
    assert f"{ADD}?run={run.pk}" in text_of(boss, run_url)
    initial = boss.get(ADD, {"run": run.pk}).context["adminform"].form.initial
    assert (initial["name"], initial["patterns"]) == ("acme-full", ["acme says no", "acme is full"])


def test_a_saved_rule_is_tried_as_it_stands_in_the_form(boss: Client) -> None:
    row = a_rule_override("acme-full")
    boss.post(change_url(row), typed(reason="suspend", **TRY))
    run = CleaningRun.objects.get()
    row.refresh_from_db()
    assert (run.rejudging.overrides[0]["reason"], row.reason) == ("suspend", "mailboxfull")
    assert f"{change_url(row)}?run={run.pk}" in text_of(boss, reverse("bounces:rejudging", args=[run.pk]))
    initial = boss.get(change_url(row), {"run": run.pk}).context["adminform"].form.initial
    assert initial["reason"] == "suspend"


def test_a_rule_with_faults_is_not_tried(boss: Client) -> None:
    assert set(faults(boss.post(ADD, typed(reason="", **TRY)))) == {"reason"}
    assert not CleaningRun.objects.exists()


def test_a_long_history_waits_for_the_worker(boss: Client, monkeypatch: pytest.MonkeyPatch, run_jobs: Any) -> None:
    monkeypatch.setattr(starting, "AT_ONCE", 1)
    arrive()
    url = boss.post(ADD, typed(**TRY)).url
    assert "Waiting for a worker" in text_of(boss, url)
    progress = reverse("bounces:rejudging_progress", args=[CleaningRun.objects.get().pk])
    assert "HX-Refresh" not in boss.get(progress)

    run_jobs()

    assert boss.get(progress)["HX-Refresh"] == "true"
    assert "Would change" in text_of(boss, url)


# --- judging history again --------------------------------------------------------------------------


def a_preview() -> CleaningRun:
    arrive()
    a_rule_override("acme-full")
    run = rejudge_history(by=a_user("admin"), now=timezone.now())
    cleaning.work(run.pk, timezone.now)
    run.refresh_from_db()
    return run


def test_history_is_previewed_applied_and_taken_back_on_its_page(boss: Client) -> None:
    arrive()
    a_rule_override("acme-full")
    url = boss.post(reverse("bounces:rejudge")).url
    run = CleaningRun.objects.get()
    assert "Apply these changes" in text_of(boss, url)

    boss.post(reverse("bounces:cleaning_apply", args=[run.pk]))
    cleaning.work(run.pk, timezone.now)
    assert "Undo this run" in text_of(boss, url)
    undo = reverse("bounces:cleaning_undo", args=[run.pk])
    assert "2 verdicts to undo" in text_of(boss, undo)
    boss.post(undo, {"reason": "the hotline was wrong"})
    cleaning.work(run.pk, timezone.now)

    assert "2 of 2 verdicts undone" in text_of(boss, url)
    assert set(Bounce.objects.filter(rule="acme-full")) == set()


def test_everyone_sees_what_history_became_and_only_managers_apply_it() -> None:
    url = reverse("bounces:rejudging", args=[a_preview().pk])
    pages = {role: text_of(signed_in(role), url) for role in ("sales", "manager")}
    assert "Would change" in pages["sales"]
    assert ("Apply these changes" in pages["manager"], "Apply these changes" in pages["sales"]) == (True, False)


def test_the_addresses_that_move_have_a_tab_of_their_own(boss: Client) -> None:
    page = text_of(boss, reverse("bounces:rejudging", args=[a_preview().pk]) + "?show=addresses")
    assert "ada@acme.example" in page
    assert "eve@block.example" not in page


def test_a_line_of_the_transitions_shows_its_bounces_alone(boss: Client) -> None:
    url = reverse("bounces:rejudging", args=[a_preview().pk])
    there = "hard.recipient.userunknown.soft.recipient.mailboxfull"
    assert there in text_of(boss, url)
    assert "ada@acme.example" in text_of(boss, f"{url}?change={there}")
    assert "No bounce here" in text_of(boss, f"{url}?change={there.replace('hard', 'deferred')}")


@pytest.mark.parametrize("change", ["x", "a.b.c.d.e.f.g", "%00", "....."])
def test_a_line_that_is_none_is_no_error(boss: Client, change: str) -> None:
    assert boss.get(reverse("bounces:rejudging", args=[a_preview().pk]) + f"?change={change}").status_code == 200


def test_a_preview_by_old_rules_says_so_and_has_no_button(boss: Client) -> None:
    run = a_preview()
    a_rule_override("another")
    page = text_of(boss, reverse("bounces:rejudging", args=[run.pk]))
    assert "The rules have changed since" in page
    assert 'data-dialog="apply-run"' not in page


def test_the_page_of_any_run_leads_to_the_one_of_verdicts(boss: Client) -> None:
    run = a_preview()
    response = boss.get(reverse("bounces:cleaning_run", args=[run.pk]), {"show": "addresses"})
    assert response.url == reverse("bounces:rejudging", args=[run.pk]) + "?show=addresses"


def test_an_ordinary_run_has_no_page_of_verdicts(boss: Client) -> None:
    run = cleaning.start_run(via="page", now=timezone.now())
    assert boss.get(reverse("bounces:rejudging", args=[run.pk])).status_code == 404


def test_the_page_takes_the_same_number_of_queries_whatever_the_run(
    boss: Client, django_assert_max_num_queries: Any
) -> None:
    run = applied(a_preview())
    with django_assert_max_num_queries(11):
        boss.get(reverse("bounces:rejudging", args=[run.pk]))

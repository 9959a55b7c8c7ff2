"""History judged again: what the preview says, what is applied, taken back, and what stays as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from bounces import cleaning, process
from bounces.classification.overrides import Effect, Override
from bounces.cleaning import working
from bounces.intake.events import keep_events
from bounces.models import (
    Address,
    Bounce,
    CleaningRun,
    DailyStat,
    Dirty,
    Evidence,
    RejudgedBounce,
    RuleOverride,
    StatusChange,
)
from bounces.rejudging import working as rejudging
from bounces.rejudging.starting import rejudge_history, try_rule
from tests.bounces.arriving import a_blocked_mail, a_bounce_mail
from tests.bounces.flowing import event
from tests.builders import NOW, a_bounce, a_rule_override, a_user, an_address, an_inbound_item
from tests.conformance.scoring import CORPUS, is_there

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
ACME = "smtp; 550 5.1.1 User unknown, acme says no"
FULL = Override(
    "acme-full",
    Effect.ADD,
    table="phrases",
    patterns=("acme says no",),
    reason="mailboxfull",
    example="550 Acme says no",
    note="a test",
)


def an_acme_mail(name: str, message: str) -> bytes:
    return a_bounce_mail(f"{name}@acme.example", message_id=f"{message}@rebound.example", Diagnostic_Code=ACME)


def arrive() -> None:
    """Two failures that an own rule judges otherwise, one of them told by two channels; a block, and a dead mailbox."""
    for name in ("ada", "bob"):
        an_inbound_item(an_acme_mail(name, name))
    an_inbound_item(a_blocked_mail("eve@block.example"))
    an_inbound_item(a_bounce_mail("dead@example.org", message_id="dead@rebound.example"))
    smtp = {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 acme says no"}
    told = event("e1", recipient="ada@acme.example", message_id="ada@rebound.example", smtp=smtp)
    keep_events([told], "api:1", None, NOW)
    process.run_flow(lambda: NOW)


def finished(run: CleaningRun, at: Any = LATER) -> CleaningRun:
    assert cleaning.work(run.pk, lambda: at)
    return CleaningRun.objects.select_related("rejudging").get(pk=run.pk)


def previewed() -> CleaningRun:
    return finished(rejudge_history(by=a_user("admin"), now=LATER))


def applied(run: CleaningRun) -> CleaningRun:
    cleaning.apply_run(run, a_user("manager"))
    return finished(run)


def taken_back(run: CleaningRun) -> CleaningRun:
    cleaning.undo_run(run, a_user("manager"), "the rule was wrong", LATER)
    return finished(run)


def facts() -> dict[str, Any]:
    """Everything that judging writes."""
    verdict = ("kind", "fault", "reason", "rule", "smtp_code", "enhanced_code", "diagnostic", "remote_mta", "provider")
    judged = ("source", "kind", "fault", "reason", "rule", "rank")
    return {
        "bounces": sorted(Bounce.objects.values_list("address__email", "evidence_rank", "standing", *verdict)),
        "evidence": sorted(Evidence.objects.values_list("bounce__address__email", *judged)),
        "statuses": sorted(Address.objects.values_list("email", "status", "status_rule")),
        "counts": sorted(
            DailyStat.objects.exclude(**dict.fromkeys(DailyStat.COUNTS, 0)).values_list(
                "dimension", "key", "day", *DailyStat.COUNTS
            )
        ),
    }


def test_by_the_same_rules_nothing_changes() -> None:
    arrive()
    run = previewed()
    assert (run.state, run.rejudging.total, run.rejudging.written, run.changes) == ("ready", 4, 0, 0)


@pytest.mark.skipif(not is_there(), reason="THE CORPUS OF REAL BOUNCES IS NOT HERE: it is expected in ../shared/corpus")
def test_the_whole_corpus_judged_again_is_what_it_was() -> None:
    for mail in sorted((CORPUS / "mails").iterdir()):
        an_inbound_item(mail.read_bytes(), name=mail.name)
    process.run_flow(lambda: NOW)

    run = previewed()

    assert run.rejudging.judged > 300
    assert list(RejudgedBounce.objects.values("bounce__diagnostic", "from_rule", "to_rule")) == []


def test_a_preview_says_what_would_change_and_changes_nothing() -> None:
    arrive()
    a_rule_override("acme-full")
    before = facts()

    run = previewed()

    assert facts() == before
    assert (run.rejudging.found, run.rejudging.total, run.changes) == (2, 4, 2)
    row = run.rejudged.get(bounce__address__email="ada@acme.example")
    assert (row.from_reason, row.to_reason, row.to_rule, len(row.evidence)) == (
        "userunknown",
        "mailboxfull",
        "acme-full",
        2,
    )
    assert set(run.rows.values_list("address__email", "from_status", "to_status")) == {
        ("ada@acme.example", "invalid", "unverified"),
        ("bob@acme.example", "invalid", "unverified"),
    }


def test_applied_history_is_as_if_the_rules_had_always_been_in_force() -> None:
    with transaction.atomic():
        a_rule_override("acme-full")
        arrive()
        as_always = facts()
        transaction.set_rollback(True)
    arrive()
    a_rule_override("acme-full")

    run = applied(previewed())

    assert facts() == as_always
    assert (run.state, run.rejudging.applied, run.applied, run.left_out) == ("done", 2, 2, 0)
    assert not Dirty.objects.exists()
    assert set(StatusChange.objects.filter(run=run).values_list("from_status", "to_status")) == {
        ("invalid", "unverified")
    }


def test_judging_twice_changes_nothing_the_second_time() -> None:
    arrive()
    a_rule_override("acme-full")
    applied(previewed())
    assert previewed().rejudging.written == 0


def test_taken_back_everything_is_as_it_was() -> None:
    arrive()
    before = facts()
    a_rule_override("acme-full")
    run = applied(previewed())
    assert facts() != before

    run = taken_back(run)

    assert facts() == before
    assert (run.state, run.rejudging.undone, run.rejudging.kept) == ("done", 2, 0)
    assert (run.undone, run.kept, run.can_undo) == (2, 0, False)


def test_killed_after_each_step_it_ends_as_if_undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudging, "JUDGE_CHUNK", 1)
    monkeypatch.setattr(rejudging, "APPLY_CHUNK", 1)
    arrive()
    before = facts()
    a_rule_override("acme-full")

    def step_by_step(run: CleaningRun) -> CleaningRun:
        while run.is_running:
            held = working.lease.acquire(cleaning.LEASE, timedelta(seconds=30))
            assert held is not None
            with transaction.atomic():
                cleaning.step(run.pk, held, LATER)
                transaction.set_rollback(True)  # killed before its commit
            run = cleaning.step(run.pk, held, LATER)
            working.lease.release(held)
        return run

    run = step_by_step(rejudge_history(by=a_user("admin"), now=LATER))
    assert (run.rejudging.judged, run.rejudging.found, run.changes) == (4, 2, 2)
    cleaning.apply_run(run, a_user("manager"))
    run = step_by_step(run)
    assert (run.rejudging.applied, run.applied) == (2, 2)
    cleaning.undo_run(run, a_user("manager"), "wrong", LATER)
    step_by_step(run)
    assert facts() == before


def test_better_evidence_that_came_since_the_preview_is_left_out() -> None:
    arrive()
    a_rule_override("acme-full")
    run = previewed()
    smtp = {"code": 552, "enhanced": "5.2.2", "text": "552 5.2.2 mailbox over quota since today"}
    told = event("e2", recipient="bob@acme.example", message_id="bob@rebound.example", smtp=smtp)
    keep_events([told], "api:1", None, NOW)
    process.run_flow(lambda: NOW)
    Evidence.objects.filter(bounce__address__email="bob@acme.example", source="api:1").update(rank="99")

    run = applied(run)

    assert (run.rejudging.applied, run.rejudging.left_out) == (1, 1)
    assert run.rejudged.get(outcome="left_out").bounce.address.email == "bob@acme.example"


def test_an_address_with_news_of_its_own_is_judged_by_its_news() -> None:
    arrive()
    a_rule_override("acme-full")
    run = previewed()
    a_bounce("bob@acme.example", occurred_at=NOW + timedelta(minutes=1))

    run = applied(run)
    process.run_flow(lambda: LATER)

    assert (run.rejudging.applied, run.applied, run.left_out) == (2, 1, 1)
    assert Address.objects.get(email="bob@acme.example").status == "invalid"
    assert Address.objects.get(email="ada@acme.example").status == "unverified"


def test_what_was_judged_anew_since_is_kept_when_a_run_is_taken_back() -> None:
    arrive()
    row = a_rule_override("acme-full")
    first = applied(previewed())
    RuleOverride.objects.filter(pk=row.pk).update(reason="suspend")
    applied(previewed())

    run = taken_back(first)

    assert (run.rejudging.undone, run.rejudging.kept) == (0, 2)
    assert set(Bounce.objects.filter(rule="acme-full").values_list("reason", flat=True)) == {"suspend"}


def test_chosen_addresses_alone_are_taken_back() -> None:
    arrive()
    a_rule_override("acme-full")
    run = applied(previewed())
    row = run.rows.get(address__email="bob@acme.example")

    assert cleaning.undo_rows(run, [row.pk], a_user("manager"), "bob is gone indeed", LATER) == (1, 0)

    reasons = dict(Bounce.objects.values_list("address__email", "reason"))
    assert (reasons["bob@acme.example"], reasons["ada@acme.example"]) == ("userunknown", "mailboxfull")
    assert Address.objects.get(email="bob@acme.example").status == "invalid"


def test_a_preview_by_rules_that_are_no_more_in_force_is_not_applied() -> None:
    arrive()
    a_rule_override("acme-full")
    run = previewed()
    a_rule_override("another")
    with pytest.raises(cleaning.NotReady, match="The rules have changed"):
        cleaning.apply_run(run, a_user("manager"))


def test_a_rule_is_tried_before_it_is_saved_and_never_applied() -> None:
    arrive()
    before = facts()

    run = finished(try_rule(FULL, by=a_user("admin"), now=LATER))

    assert (run.rejudging.found, run.rejudging.total, run.changes, run.state) == (2, 4, 2, "ready")
    assert (run.rejudging.tried, run.what_if) == ("acme-full", True)
    with pytest.raises(cleaning.NotReady, match="never applied"):
        cleaning.apply_run(run, a_user("admin"))
    assert facts() == before


def test_a_saved_rule_is_tried_in_its_place_among_the_others() -> None:
    arrive()
    row = a_rule_override("acme-full", is_enabled=False)
    a_rule_override("newer", reason="suspend")

    run = finished(try_rule(row.as_override(), by=a_user("admin"), now=LATER, row=row))

    assert [each["name"] for each in run.rejudging.overrides] == ["newer", "acme-full"]
    assert set(run.rejudged.values_list("to_rule", flat=True)) == {"newer"}


def test_a_try_takes_the_place_of_the_same_persons_one() -> None:
    boss = a_user("admin")
    older, newer = try_rule(FULL, by=boss, now=NOW), try_rule(FULL, by=boss, now=NOW)
    older.refresh_from_db()
    assert (older.state, newer.state) == ("cancelled", "queued")


def test_history_is_judged_by_one_run_at_a_time() -> None:
    rejudge_history(by=a_user("admin"), now=NOW)
    with pytest.raises(cleaning.AlreadyRunning):
        rejudge_history(by=a_user("admin"), now=NOW)


def test_a_bounce_of_which_no_evidence_is_kept_stays_as_it_is() -> None:
    a_bounce(diagnostic="550 acme says no")
    a_rule_override("acme-full")
    run = previewed()
    assert (run.rejudging.judged, run.rejudging.written) == (1, 0)


def test_what_only_another_rule_explains_moves_nobody() -> None:
    arrive()
    a_rule_override("acme-gone", reason="userunknown")

    run = applied(previewed())

    assert (run.rejudging.found, run.rejudging.renamed, run.changes) == (0, 2, 0)
    assert run.rejudging.applied == 2
    assert Bounce.objects.filter(rule="acme-gone").count() == 2
    process.run_flow(lambda: LATER)
    assert Address.objects.get(email="ada@acme.example").status == "invalid"


def test_a_discarded_bounce_is_judged_again_and_counts_for_nobody() -> None:
    arrive()
    Bounce.objects.filter(address__email="bob@acme.example").update(standing="discarded")
    a_rule_override("acme-full")
    run = previewed()
    assert run.rejudging.found == 2
    assert list(run.targets.values_list("address__email", flat=True)) == ["ada@acme.example"]


def test_all_bounces_of_an_address_are_of_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudging, "APPLY_CHUNK", 2)
    for number in range(3):
        an_inbound_item(an_acme_mail("ada", str(number)))
    an_inbound_item(an_acme_mail("bob", "bob"))
    process.run_flow(lambda: NOW)
    a_rule_override("acme-full")
    run = previewed()

    assert [row.address_id for row in rejudging.next_rows(run.rejudged.all(), 10)] == [
        Address.objects.get(email="ada@acme.example").pk
    ] * 3
    assert applied(run).rejudging.applied == 4


def test_an_address_that_is_erased_takes_its_rows_with_it() -> None:
    arrive()
    a_rule_override("acme-full")
    run = previewed()
    Address.objects.get(email="bob@acme.example").delete()
    assert applied(run).rejudging.applied == 1
    assert an_address("ada@acme.example").bounces.get().reason == "mailboxfull"


def test_old_tries_are_forgotten_and_what_was_applied_is_kept() -> None:
    arrive()
    finished(try_rule(FULL, by=a_user("admin"), now=NOW))
    a_rule_override("acme-full")
    kept = applied(finished(rejudge_history(by=a_user("admin"), now=NOW)))

    assert cleaning.forget_old(NOW + timedelta(days=8)) == 1

    assert list(CleaningRun.objects.all()) == [kept]
    assert set(RejudgedBounce.objects.values_list("run", flat=True)) == {kept.pk}

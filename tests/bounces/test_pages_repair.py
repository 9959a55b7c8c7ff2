"""The page that takes back what one provider's error made invalid."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bounces.models import Address, Repair, Ruling
from bounces.repair import Scope, outlook, preview, work
from tests.bounces.happening import delivery, refusal
from tests.bounces.reviewing import signed_in, tell
from tests.builders import NOW, a_user, an_address, days_ago

pytestmark = pytest.mark.django_db


def test_a_repair_is_looked_at_done_and_taken_back_on_its_page() -> None:
    tell(refusal("ada@gmail.com", days_ago(10)), refusal("bob@gmail.com", days_ago(10)))
    manager = signed_in("manager")
    scope = {"provider": "google", "since": "2026-10-22T00:00", "until": "2026-10-24T00:00", "reason": ""}

    looked = manager.get(reverse("bounces:repair"), scope).content.decode()
    before = set(Address.objects.values_list("status", flat=True))
    page = manager.post(reverse("bounces:repair"), {**scope, "why": "Gmail was wrong."}, follow=True).content.decode()
    done = Repair.objects.get()
    work(done.pk, lambda: NOW)
    after = set(Address.objects.values_list("status", flat=True))
    progress = manager.get(reverse("bounces:repair_progress", args=[done.pk]))
    manager.post(reverse("bounces:repair_undo", args=[done.pk]))
    work(done.pk, lambda: NOW)

    assert "2 addresses would be judged again" in looked
    assert ("0 of 2 addresses re-evaluated" in page, progress["HX-Refresh"]) == (True, "true")
    assert (before, after) == ({"invalid"}, {"unverified"})
    assert set(Address.objects.values_list("status", flat=True)) == {"invalid"}


def test_a_repair_without_a_reason_or_with_a_wrong_span_is_refused() -> None:
    tell(refusal("ada@gmail.com", days_ago(10)))
    manager = signed_in("manager")
    scope = {"provider": "google", "since": "2026-10-22T00:00", "until": "2026-10-24T00:00"}

    bare = manager.post(reverse("bounces:repair"), scope).content.decode()
    wrong = manager.get(reverse("bounces:repair"), {**scope, "until": "2026-10-01T00:00"}).content.decode()

    assert ("Say why" in bare, "lies before the beginning" in wrong) == (True, True)
    assert an_address("ada@gmail.com").status == "invalid"


def test_a_repair_says_what_each_would_become_and_changes_nothing_by_looking() -> None:
    tell(delivery("ada@gmail.com", days_ago(30)), refusal("ada@gmail.com", days_ago(10)))
    tell(refusal("bob@gmail.com", days_ago(10)))
    scope = Scope("google", days_ago(11), days_ago(9))
    found = preview(scope)

    becomes = outlook(found, a_user("manager"), NOW)

    assert {each.email: becomes[each.address_id] for each in found} == {
        "ada@gmail.com": "valid",
        "bob@gmail.com": "unverified",
    }
    assert (Ruling.objects.count(), set(Address.objects.values_list("status", flat=True))) == (0, {"invalid"})

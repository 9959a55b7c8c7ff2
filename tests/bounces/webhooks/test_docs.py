"""docs/intake.md says what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from bounces.intake import docs
from bounces.intake.kinds import KINDS, WEBHOOKS
from bounces.intake.webhooks.providers import PROOFS, PROVIDERS
from bounces.models import InboundItem

PAGE = (Path(settings.BASE_DIR) / docs.PAGE).read_text(encoding="utf-8")


def test_the_page_is_what_the_tables_say() -> None:
    again = 'write it anew: ./rebound manage shell -c "from bounces.intake import docs; docs.write()"'
    assert docs.render() == PAGE, again


@pytest.mark.parametrize("kind", WEBHOOKS, ids=lambda kind: kind.slug)
def test_each_provider_has_five_steps_and_says_what_it_is_told(kind) -> None:
    assert len(kind.steps) == 5
    assert all(step.endswith(".") and f". {step}" in PAGE for step in kind.steps)
    assert kind.fields
    assert all(field.help_text in PAGE for field in kind.fields)


def test_each_row_of_the_overview_leads_to_its_section() -> None:
    headings = {docs.anchor(line.removeprefix("### ")) for line in PAGE.splitlines() if line.startswith("### ")}
    assert headings == {docs.anchor(kind.name) for kind in WEBHOOKS}
    assert all(f"(#{heading})" in PAGE for heading in headings)


def test_every_state_of_the_inbox_is_explained() -> None:
    assert [label for label in InboundItem.State.labels if f"| {label} |" not in PAGE] == []


def test_every_provider_is_a_kind_and_every_proof_a_providers() -> None:
    assert set(PROVIDERS) <= set(KINDS)
    assert set(PROOFS) <= set(PROVIDERS)

"""Signing in with a real browser."""

import pytest

from crm.models import User


@pytest.fixture
def manager(site):
    return User.objects.create_user("mia@example.org", "a long password", name="Mia", role="manager")


def test_it_signs_in_through_the_form(manager, sign_in):
    page = sign_in(manager.email, "a long password")
    assert "/accounts/login" not in page.url


def test_it_meets_no_error_of_the_content_policy(page):
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto("/accounts/login/")
    assert errors == []


def test_it_still_finds_the_rows_that_migrations_made(site):
    from bounces.models import Policy

    assert Policy.objects.filter(is_active=True).count() == 1

"""What every browser test stands on."""

from bounces.models import Policy


def test_no_page_offends_the_content_policy(page):
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto("/accounts/login/")
    assert errors == []


def test_each_test_finds_the_rows_that_migrations_made(site):
    assert Policy.objects.filter(is_active=True).count() == 1

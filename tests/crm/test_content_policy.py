"""The content policy: no page allows an inline script that we did not name by its hash."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from django.test import Client
from django.urls import reverse

from crm.content_policy import RELAXED_BELOW, STRICT
from tests.crm.signin.test_doors import filled, views

pytestmark = pytest.mark.django_db
INLINE = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.DOTALL)
HANDLER = re.compile(r"<[a-z][^<>]*\son(click|load|error|submit|change|input|focus)=", re.IGNORECASE)


def test_no_policy_allows_inline_scripts():
    for policy in (STRICT, *RELAXED_BELOW.values()):
        assert "'unsafe-inline'" not in policy.get("script-src", policy["default-src"])
        assert not any(source.startswith(("http:", "https:", "*")) for each in policy.values() for source in each)


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/contacts/", "/adminx/", "/bounces/"])
def test_only_the_admin_and_the_api_documentation_are_relaxed(client, path):
    assert "unsafe" not in client.get(path).headers["Content-Security-Policy"]


def inline_scripts(html: str) -> list[str]:
    """Those that a browser would run: data (JSON) is none."""
    return [text for attributes, text in INLINE.findall(html) if "json" not in attributes and text.strip()]


def test_every_inline_script_of_every_page_is_named_by_its_hash(signed_in):
    paths = {filled(view.path) for view in views() if not view.path.startswith("in/")}
    signed_in.raise_request_exception = False  # an error's page has scripts, too
    seen = 0
    for path in sorted(paths):
        page = signed_in.get(path)
        if page.streaming or "html" not in page.headers.get("Content-Type", ""):
            continue
        policy = page.headers["Content-Security-Policy"]
        for text in inline_scripts(page.content.decode()):
            seen += 1
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, (path, text)
    assert seen > 0


def test_no_page_of_ours_has_an_inline_handler(signed_in):
    for path in ("/", "/contacts/", "/bounces/", "/admin/", "/admin/crm/user/", "/admin/contacts/contact/"):
        assert HANDLER.search(signed_in.get(path).content.decode()) is None, path


def test_the_api_documentation_needs_no_inline_script():
    page = Client().get(reverse("api:docs"))
    assert inline_scripts(page.content.decode()) == []
    script = Client().get(reverse("api:docs"), {"script": ""})
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()

"""How hard a secret is to guess."""

from __future__ import annotations

import secrets

import pytest
from django.core.management.utils import get_random_secret_key

from crm.checks import is_weak_key
from crm.strength import ENOUGH_TO_SIGN, bits_of

WEAK = [
    "a" * 60, "ab" * 30, "0123456789" * 6, "abcdefghijklmnopqrstuvwxyz" * 3, "changeme" * 8, "secret-key-" * 6,
    "a" * 55 + "bcdef", "django-insecure-6w1r=y0k@v!q8z#m3^t_b5xe7u(j2p)h4n-c9s%g*da1f", "x" * 500, "", "short",
]  # fmt: skip


@pytest.mark.parametrize("key", WEAK)
def test_a_key_that_is_easy_to_guess_is_weak(key):
    assert is_weak_key(key)


@pytest.mark.parametrize(
    "make", [lambda: secrets.token_urlsafe(50), lambda: secrets.token_hex(32), get_random_secret_key]
)
def test_a_random_key_is_never_weak(make):
    assert [key for key in (make() for _ in range(2000)) if is_weak_key(key)] == []


@pytest.mark.parametrize("make", [lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(24)])
def test_a_random_secret_of_a_return_path_is_never_weak(make):
    assert min(bits_of(make()) for _ in range(2000)) > ENOUGH_TO_SIGN

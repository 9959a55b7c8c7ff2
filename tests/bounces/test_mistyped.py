"""Domains that look like slips of the finger."""

from __future__ import annotations

import pytest

from bounces.address_kinds import FREE_DOMAINS
from bounces.mistyped import OTHERS, PROVIDERS, meant_by

OF_PROVIDERS = [f"{name}.{ending}" for name, endings in PROVIDERS.items() for ending in endings.split()]


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),  # two letters swapped
        ("gmal.com", "gmail.com"),  # one too few
        ("gmaill.com", "gmail.com"),  # one too many
        ("gnail.com", "gmail.com"),  # one wrong
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yaho.co", "yahoo.com"),
        ("gmail.cm", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("t-onlin.de", "t-online.de"),
        ("gmx.ed", "gmx.de"),
        ("web.ed", "web.de"),
        ("acme.con", "acme.com"),
        ("acme.cmo", "acme.com"),
        ("acme.ocm", "acme.com"),
        ("mail.acme.con", "mail.acme.com"),
        ("acme.co.ku", "acme.co.uk"),
    ],
)
def test_a_slip_suggests_what_was_meant(domain: str, meant: str):
    assert meant_by(domain) == meant


@pytest.mark.parametrize(
    "domain",
    [
        "aon.com",
        "acme.co",
        "email.com",
        "gmail.de",
        "hotmail.nl",
        "me.co",
        "web.com",
        "gmail",
        "",
        "b.example",
        "x.y.z",
    ],
)
def test_what_may_well_exist_is_no_slip(domain: str):
    assert meant_by(domain) == ""


def test_no_large_provider_is_a_slip_of_another():
    assert [domain for domain in (*OF_PROVIDERS, *FREE_DOMAINS, *OTHERS) if meant_by(domain)] == []


def test_a_suggestion_needs_no_suggestion():
    slips = ("gmial.con", "hotmal.com", "yahooo.co.ku", "a.b.con", "iclod.com", "gmx.ent")
    assert [meant_by(meant_by(slip)) for slip in slips] == [""] * len(slips)


def test_any_text_is_answered():
    for text in ("." * 1000, "a" * 100_000, "ä.con", "\x00.com", "a..con"):
        meant_by(text)

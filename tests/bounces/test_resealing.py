"""Replacing the key of stored secrets: afterwards the old one can go, and nothing is lost on the way."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from bounces.models import IntakeSource
from bounces.resealing import Resealed, reseal_all, reseal_row, sealed_columns
from bounces.sealing import CannotOpen, fault_in
from tests.builders import a_source

pytestmark = pytest.mark.django_db

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
PASSWORD = {"password": "correct horse"}


def test_afterwards_the_new_key_alone_opens_all(settings: LazySettings) -> None:
    settings.SECRETS_KEYS = [OLD]
    a_source("one", secrets=PASSWORD)
    a_source("two", secrets=PASSWORD)

    settings.SECRETS_KEYS = [NEW, OLD]
    assert reseal_all().sealed == 2

    settings.SECRETS_KEYS = [NEW]
    assert [source.secrets for source in IntakeSource.objects.all()] == [PASSWORD, PASSWORD]


def test_before_it_the_new_key_alone_opens_nothing(settings: LazySettings) -> None:
    settings.SECRETS_KEYS = [OLD]
    source = a_source(secrets=PASSWORD)

    settings.SECRETS_KEYS = [NEW]

    with pytest.raises(CannotOpen):
        _ = source.secrets


def test_it_may_run_twice(settings: LazySettings) -> None:
    settings.SECRETS_KEYS = [NEW, OLD]
    a_source(secrets=PASSWORD)

    assert [reseal_all().sealed, reseal_all().sealed] == [1, 1]
    assert IntakeSource.objects.get().secrets == PASSWORD


def test_one_that_stays_closed_is_named_untouched_and_holds_up_no_other(settings: LazySettings) -> None:
    settings.SECRETS_KEYS = [OTHER]
    lost = a_source("lost", secrets=PASSWORD)
    settings.SECRETS_KEYS = [OLD]
    a_source("kept", secrets=PASSWORD)

    settings.SECRETS_KEYS = [NEW, OLD]
    out = StringIO()
    with pytest.raises(CommandError, match="intake source lost"):
        call_command("reseal", stdout=out)

    assert "1 secret sealed" in out.getvalue()
    assert IntakeSource.objects.get(name="lost").sealed_secrets == lost.sealed_secrets
    settings.SECRETS_KEYS = [NEW]
    assert IntakeSource.objects.get(name="kept").secrets == PASSWORD


def test_what_was_typed_in_meanwhile_stays(settings: LazySettings) -> None:
    settings.SECRETS_KEYS = [NEW]
    read_before = a_source(secrets=PASSWORD)
    newer = IntakeSource.objects.get()
    newer.secrets = {"password": "newer"}
    newer.save()

    found = Resealed()
    reseal_row(read_before, "sealed_secrets", found)

    assert found.sealed == 0
    assert IntakeSource.objects.get().secrets == {"password": "newer"}


def test_a_source_without_secrets_is_left_alone() -> None:
    a_source()

    assert reseal_all().sealed == 0


def test_the_columns_are_found_by_their_names() -> None:
    assert (IntakeSource, "sealed_secrets") in list(sealed_columns())


@pytest.mark.parametrize(("keys", "fault"), [([], "There is no key"), (["abc"], "Key 1"), ([NEW, "abc"], "Key 2")])
def test_a_fault_says_which_key_and_never_the_key(keys: list[str], fault: str) -> None:
    assert fault in fault_in(keys)
    assert "abc" not in fault_in(keys)


def test_good_keys_have_no_fault() -> None:
    assert fault_in([NEW, OLD]) == ""

"""Sources: their secrets are sealed, their names plain, their URLs not to be guessed."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.db import IntegrityError, connection

from bounces.models import IntakeSource
from bounces.sealing import CannotOpen
from tests.builders import a_source

pytestmark = pytest.mark.django_db


def sealed_in_the_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_secrets FROM bounces_intakesource")
        return str(cursor.fetchone()[0])


def test_a_secret_is_not_to_be_read_in_the_database() -> None:
    a_source(secrets={"password": "correct horse"})

    assert "correct horse" not in sealed_in_the_database()
    assert IntakeSource.objects.get().secrets == {"password": "correct horse"}


def test_a_new_key_opens_what_an_old_one_sealed(settings: LazySettings) -> None:
    source = a_source(secrets={"password": "correct horse"})

    settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *settings.SECRETS_KEYS]

    assert source.secrets == {"password": "correct horse"}


def test_without_its_key_a_secret_stays_closed(settings: LazySettings) -> None:
    source = a_source(secrets={"password": "correct horse"})

    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CannotOpen, match="REBOUND_SECRETS_KEY"):
        _ = source.secrets


@pytest.mark.parametrize("values", [{"name": "a b"}, {"name": ""}, {"kind": ""}, {"trust": "unproved"}])
def test_the_database_refuses_nonsense(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        a_source(**values)


def test_two_sources_have_two_urls() -> None:
    assert len({a_source(name=name).token for name in ("one", "two")}) == 2

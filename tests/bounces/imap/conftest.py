"""One Dovecot for all tests of mailboxes; each test is a user of its own there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bounces import dovecot
from tests.bounces.dovecot import Dovecot
from tests.bounces.imap.mailbox import a_user_name, serve_tokens


@pytest.fixture(scope="session")
def server() -> Iterator[Dovecot]:
    tokens = serve_tokens()
    with dovecot.a_folder() as folder, dovecot.serving(folder, tokens.server_port) as running:
        yield running
    tokens.shutdown()
    tokens.server_close()


@pytest.fixture(autouse=True)
def network(settings, server: Dovecot) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.CA_FILE = str(server.authority)


@pytest.fixture
def user() -> str:
    return a_user_name()

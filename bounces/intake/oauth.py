"""Access tokens for mailboxes of Google and Microsoft 365, in exchange for what an admin pasted into the source.

In: a provider, client id and secret, a refresh token (for Microsoft: or none, then the application signs in as itself).
Out: an access token for XOAUTH2, and the refresh token that replaces the old one, should there be a new one; or
`SignInRefused` with a sentence. Sources: RFC 6749 4.4, 6; developers.google.com/gmail/imap/xoauth2-protocol;
learn.microsoft.com "Authenticate an IMAP, POP or SMTP connection using OAuth".
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bounces import network

MOST_BYTES = 64 * 1024
GOOGLE = "https://oauth2.googleapis.com/token"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
AS_USER = "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
AS_APPLICATION = "https://outlook.office365.com/.default"
REFUSALS = {
    "invalid_grant": "the refresh token has expired or was revoked: get a new one and paste it into the source",
    "invalid_client": "the client id or its secret is wrong, or the secret has expired",
    "unauthorized_client": "the application may not do this: an admin there has to consent to it",
    "invalid_scope": "the application lacks the permission for IMAP",
}


class SignInRefused(Exception):
    """The provider gave no token. The message says why, for people."""


@dataclass(frozen=True, slots=True)
class Client:
    """What an admin got from the provider's console. `token_url` stands for the provider's own where it is set."""

    provider: str  # google or microsoft
    client_id: str
    client_secret: str
    refresh_token: str
    tenant: str = "common"
    token_url: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    access_token: str
    refresh_token: str  # empty: the old one stays


def grant(client: Client) -> Granted:
    """Raises SignInRefused, or Unreachable."""
    url = client.token_url or (GOOGLE if client.provider == "google" else MICROSOFT.format(tenant=quote(client.tenant)))
    answer = _post(url, form_of(client))
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        return Granted(token, str(answer.get("refresh_token") or ""))
    code = str(answer.get("error") or "")[:60]
    name = "Google" if client.provider == "google" else "Microsoft"
    raise SignInRefused(f"{name} gave no access token: {REFUSALS.get(code, f'it answered “{code or answer!s:.100}”')}.")


def form_of(client: Client) -> dict[str, str]:
    """What is asked. Pure."""
    form = {"client_id": client.client_id, "client_secret": client.client_secret}
    if client.provider == "microsoft" and not client.refresh_token:
        return {**form, "grant_type": "client_credentials", "scope": AS_APPLICATION}
    form |= {"grant_type": "refresh_token", "refresh_token": client.refresh_token}
    return {**form, "scope": AS_USER} if client.provider == "microsoft" else form


def _post(url: str, form: dict[str, str]) -> dict[str, Any]:
    """No redirects, a bounded answer, to a vetted address alone."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https" or not host:
        raise SignInRefused(f"The token's address “{url[:100]}” does not begin with https://.")
    connection = http.client.HTTPSConnection(host, port, timeout=network.SECONDS)
    connection.sock = network.secure(network.connect(host, port), host, port, network.tls_context())
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        connection.request("POST", parts.path or "/", urlencode(form), headers)
        body = connection.getresponse().read(MOST_BYTES)
        answer = json.loads(body)
    except (OSError, http.client.HTTPException) as error:
        raise network.Unreachable(f"{host} broke off while it was asked for an access token.") from error
    except (ValueError, RecursionError) as error:
        raise SignInRefused(f"{host} gave no answer of OAuth2.") from error
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}

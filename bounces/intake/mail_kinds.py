"""What a mailbox and the recipients of the mail server have to be told, and how they are connected.

In: nothing. Out: fields and steps, for the admin's forms and for people (docs/mailboxes.md has each provider's own).
What reads them: `mailboxes.py`, `envelopes.py`.
"""

from __future__ import annotations

from bounces.intake.webhooks.providers import Field


def _line(
    name: str, label: str, help_text: str, *, needed: bool = False, choices: tuple[tuple[str, str], ...] = ()
) -> Field:
    return Field(name, label, help_text, is_secret=False, is_line=True, is_required=needed, choices=choices)


def _secret(name: str, label: str, help_text: str) -> Field:
    return Field(name, label, help_text, is_line=True, is_required=False)


MAILBOX_FIELDS = (
    _line(
        "sign_in",
        "Signs in by",
        "Gmail takes an app password or OAuth2, Microsoft 365 OAuth2 alone, others a password.",
        choices=(("password", "Password"), ("google", "OAuth2 of Google"), ("microsoft", "OAuth2 of Microsoft 365")),
    ),
    _line("host", "Server", "Like imap.example.com. Empty with OAuth2: the provider's own."),
    _line("user", "User", "Mostly the mailbox's address.", needed=True),
    _secret("password", "Password", "Of Gmail: an app password."),
    _line("client_id", "Client id", "OAuth2: of the application that you registered at the provider."),
    _secret("client_secret", "Client secret", "OAuth2: of the same application."),
    _secret(
        "refresh_token",
        "Refresh token",
        "OAuth2: of Google it is needed; of Microsoft 365 without it the application signs in as itself.",
    ),
    _line("tenant", "Tenant", "OAuth2 of Microsoft 365: the directory (tenant) id."),
    _line(
        "security",
        "Security",
        "TLS belongs to port 993, STARTTLS to port 143.",
        choices=(("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "None: the password travels in the clear")),
    ),
    _line("port", "Port", "Empty: 993 with TLS, else 143."),
    _line("folder", "Folder", "Empty: INBOX."),
    _line(
        "done",
        "What was kept is then",
        "Only after it is stored. A change counts for what was read before, too.",
        choices=(("leave", "left where it is"), ("move", "moved into the folder below"), ("delete", "deleted")),
    ),
    _line("done_folder", "Folder for what is done", "Empty: Rebound. It is made where it is missing."),
)
MAILBOX_STEPS = (
    "Let the bounces of your mail arrive in a mailbox of their own: its address, or all addresses of your return-path "
    "domain, delivered there.",
    "Tell this source the server, the user, and a password or OAuth2 (docs/mailboxes.md says where each provider has "
    "them).",
    "Choose what becomes of a mail once it is stored: nothing is moved or deleted unless you say so.",
    "Save, and press “Test this source”: it signs in, looks into the folder, and touches nothing.",
    "Send a mail to an address that does not exist, wait a minute, and look at what was seen of the source.",
)
SERVER_FIELDS = (
    Field(
        "recipients",
        "Recipients",
        "Addresses, one a line, or @example.com for all of a domain. Return paths that Rebound gave out need none.",
        is_secret=False,
    ),
)
SERVER_STEPS = (
    "Set REBOUND_SMTP_LISTEN (or REBOUND_LMTP_LISTEN, behind a mail server of yours), and start Rebound anew.",
    "Name the recipients here whose mail this source takes.",
    "Let their mail arrive: an MX record that names this machine, or a transport of your mail server.",
    "Save, and press “Test this source”: it asks Rebound's mail server whether it takes the first recipient.",
    "Send a mail to an address that does not exist, and look at what was seen of the source.",
)

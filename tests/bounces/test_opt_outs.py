"""What lists of other tools say about whom not to write to, by header, cell and label."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bounces.opt_outs import REASONS, at_in, column_of, is_understood, reason_in, reason_of_label
from bounces.refusals import GRAVITY

# A header, a cell below it, and why nobody writes to that person; "" where nothing is said.
OF_TOOLS = {
    "Mailchimp": [
        ("UNSUB_TIME", "2023-05-05 11:11:11", "unsubscribe"),
        ("UNSUB_REASON", "NORMAL", "unsubscribe"),
        ("CLEAN_TIME", "2023-05-05 11:11:11", "bounce"),
        ("UNSUB_TIME", "", ""),
        ("UNSUB_CAMPAIGN_TITLE", "Spring", ""),
        ("OPTIN_TIME", "2022-01-01 10:00:00", ""),
        ("Status", "cleaned", "bounce"),
        ("Email Marketing Status", "Non-subscribed", ""),
        ("Status", "Subscribed", ""),
        ("Status", "Transactional", ""),
    ],
    "HubSpot": [
        ("Unsubscribed from all email", "true", "unsubscribe"),
        ("Unsubscribed from all email", "false", ""),
        ("Unsubscribed from all email", "Yes", "unsubscribe"),
        ("Email hard bounce reason", "Recipient unknown", "bounce"),
        ("Email hard bounce reason", "UNKNOWN_USER", "bounce"),
        ("Email hard bounce reason", "", ""),
        ("Opted out of email: Marketing Information", "Yes", "unsubscribe"),
        ("Opted out of email: One to One", "No", ""),
        ("Invalid email address", "true", "bounce"),
        ("Marketing contact status", "Non-marketing contact", ""),
        ("Marketing emails bounced", "1", ""),
        ("Lead Status", "Open", ""),
    ],
    "Salesforce": [
        ("Email Opt Out", "1", "unsubscribe"),
        ("HasOptedOutOfEmail", "TRUE", "unsubscribe"),
        ("HasOptedOutOfEmail", "0", ""),
        ("Email Bounced Reason", "550 5.1.1 user unknown", "bounce"),
        ("Email Bounced Date", "2024-05-01T10:00:00.000+0000", "bounce"),
        ("Email Bounced Date", "6/1/2024", "bounce"),
        ("IsEmailBounced", "false", ""),
        ("Do Not Call", "1", ""),
    ],
    "ActiveCampaign": [
        ("Subscriber Status", "Unsubscribed", "unsubscribe"),
        ("Subscriber Status", "Bounced", "bounce"),
        ("Status", "Active", ""),
        ("Status", "Unconfirmed", ""),
    ],
    "listmonk": [("status", "blocklisted", "manual"), ("status", "enabled", ""), ("status", "disabled", "")],
    "Klaviyo": [
        ("Email Marketing Consent", "UNSUBSCRIBED", "unsubscribe"),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED", ""),
        ("Email Marketing Consent", "SUBSCRIBED", ""),
        ("Email Marketing Consent", "SUPPRESSED", "manual"),
        ("Suppression Reason", "HARD_BOUNCE", "bounce"),
    ],
    "Brevo": [
        ("EMAIL_BLACKLISTED", "true", "manual"),
        ("emailBlacklisted", "0", ""),
        ("Status", "Blocklisted", "manual"),
        ("Reason", "", ""),
        ("Suppression reason", "unsubscribedViaEmail", "unsubscribe"),
        ("Suppression reason", "contactFlaggedAsSpam", "complaint"),
        ("Suppression reason", "adminBlocked", "manual"),
    ],
    "Pipedrive": [
        ("Marketing status", "unsubscribed", "unsubscribe"),
        ("Person - Marketing status", "bounced", "bounce"),
        ("marketing_status", "no_consent", ""),
        ("marketing_status", "archived", ""),
        ("marketing_status", "subscribed", ""),
    ],
    "Mailjet": [("IsExcludedFromCampaigns", "true", "manual"), ("Status", "spam", "complaint")],
    "MailerLite": [
        ("Status", "unsubscribed", "unsubscribe"),
        ("Status", "bounced", "bounce"),
        ("Status", "junk", "complaint"),
        ("Unsubscribed", "2023-05-05 11:11:11", "unsubscribe"),
        ("Unsubscribed", "0000-00-00 00:00:00", ""),
    ],
    "Constant Contact": [
        ("Email status", "Unsubscribed", "unsubscribe"),
        ("Email permission status", "Implicit", ""),
        ("Email Opt-out Date", "05/31/2024", "unsubscribe"),
        ("Email status", "Awaiting Confirmation", ""),
    ],
    "Campaign Monitor": [("State", "", ""), ("Status", "Unsubscribed", "unsubscribe"), ("Status", "Deleted", "")],
    "SendGrid": [("Status", "global unsubscribe", "unsubscribe"), ("Status", "spam report", "complaint")],
    "Postmark": [
        ("SuppressionReason", "HardBounce", "bounce"),
        ("SuppressionReason", "SpamComplaint", "complaint"),
        ("SuppressionReason", "ManualSuppression", "manual"),
    ],
    "Dynamics": [("Do not allow Emails", "Do Not Allow", "unsubscribe"), ("Do not allow Emails", "Allow", "")],
    "Shopify": [("Accepts Email Marketing", "no", ""), ("Accepts Email Marketing", "yes", "")],
    "plain words": [
        ("Do Not Contact", "x", "unsubscribe"),
        ("DNC", "✓", "unsubscribe"),
        ("Opt-out", "opted in", ""),
        ("Opted Out At", "1700000000", "unsubscribe"),
        ("Bounced", "soft", ""),
        ("Unsubscribed", "#N/A", ""),
        ("Unsubscribed", "1.0", "unsubscribe"),
        ("Marked as spam", "2024-05-01", "complaint"),
        ("Has unsubscribed? (yes/no)", "y", "unsubscribe"),
        ("Unsubscribe link", "https://x.example/u/1", ""),
        ("SMS opt out", "yes", ""),
        ("Bounce count", "1", ""),
        ("Order status", "bounced", ""),
        ("Status", "Unsubscribed (2023-05-05)", "unsubscribe"),
        ("Status", "Active; Bounced", "bounce"),
        ("Status", "Customer", ""),
        ("Consent", "withdrawn", "unsubscribe"),
    ],
}
OF_LANGUAGES = {
    "de": [("Abgemeldet", "ja", "nein"), ("Kein Newsletter", "x", ""), ("Status", "abgemeldet", "aktiv")],
    "fr": [("Désabonné", "oui", "non"), ("Ne pas contacter", "vrai", "faux"), ("Statut", "désinscrit", "abonné")],
    "es": [("Dado de baja", "sí", "no"), ("No contactar", "x", ""), ("Estado", "dado de baja", "activo")],
    "it": [("Disiscritto", "sì", "no"), ("Non contattare", "vero", "falso"), ("Stato", "disiscritto", "iscritto")],
    "pt": [("Descadastrado", "sim", "não"), ("Situação", "descadastrado", "ativo")],
    "nl": [("Afgemeld op", "31-12-2024", ""), ("Niet mailen", "ja", "nee"), ("Status", "uitgeschreven", "actief")],
    "pl": [("Wypisany", "tak", "nie"), ("Status subskrypcji", "wypisany", "aktywny")],
    "ru": [("Отписан", "да", "нет"), ("Статус", "отписался", "подписан")],
    "ja": [("配信停止", "はい", "いいえ"), ("ステータス", "購読解除", "有効")],
    "zh": [("退订时间", "2024-05-01", ""), ("状态", "已退订", "已订阅")],
}


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [each for rows in OF_TOOLS.values() for each in rows],
    ids=lambda value: value[:30] or "nothing",
)
def test_a_tools_own_columns_say_who_opted_out(header: str, cell: str, reason: str) -> None:
    assert reason_in(column_of(header), cell) == reason


@pytest.mark.parametrize(
    ("header", "is_out", "is_none"), [each for rows in OF_LANGUAGES.values() for each in rows], ids=str
)
def test_ten_languages_say_it_in_their_words(header: str, is_out: str, is_none: str) -> None:
    column = column_of(header)
    assert (reason_in(column, is_out), reason_in(column, is_none)) == ("unsubscribe", "")
    assert is_understood(column, is_out)
    assert is_understood(column, is_none)


@pytest.mark.parametrize(
    "header",
    ["Email", "Name", "Company", "Title", "Notes", "Country", "State", "Owner", "Tags", "Phone", "Fax", "Data", "No.",
     "Contact No", "Email Type", "Do Not Call", "Do Not Mail", "Subscription plan", "Lead source", "", "  ", "🙂"],
)  # fmt: skip
def test_an_ordinary_column_says_nothing(header: str) -> None:
    assert column_of(header) == ""


@pytest.mark.parametrize("header", ["Subscribed", "Accepts Marketing", "Opt-in", "Newsletter", "Einwilligung", "Zgoda"])
@pytest.mark.parametrize("no", ["no", "false", "0", "nein", "FALSE"])
def test_a_plain_no_of_consent_is_no_opt_out_and_is_pointed_out(header: str, no: str) -> None:
    column = column_of(header)
    assert (column, reason_in(column, no), is_understood(column, no)) == ("consent", "", False)


@pytest.mark.parametrize(
    ("column", "cell"), [("status", "Customer"), ("status", "disabled"), ("unsubscribe", "3"), ("bounce", "2")]
)
def test_what_is_not_known_says_nothing_and_is_not_understood(column: str, cell: str) -> None:
    assert (reason_in(column, cell), is_understood(column, cell)) == ("", False)


@pytest.mark.parametrize(
    ("label", "reason"),
    [("Unsubscribed", "unsubscribe"), ("Do not contact", "manual"), ("DNC", "manual"), ("#opt-out", "unsubscribe"),
     ("* Abgemeldet", "unsubscribe"), ("Bounced", "bounce"), ("Blacklist", "manual"), ("Ne pas contacter", "manual"),
     ("VIP", ""), ("Spam", ""), ("Customer", ""), ("Active", ""), ("Newsletter", ""), ("yes", ""), ("", "")],
)  # fmt: skip
def test_a_label_may_be_an_opt_out(label: str, reason: str) -> None:
    assert reason_of_label(label) == reason


@pytest.mark.parametrize(
    ("cell", "at"),
    [("2023-05-05 11:11:11", datetime(2023, 5, 5, 11, 11, 11, tzinfo=UTC)),
     ("Fri, 21 Oct 2023 11:02:55 GMT", datetime(2023, 10, 21, 11, 2, 55, tzinfo=UTC)),
     ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
     ("31.12.2024", datetime(2024, 12, 31, tzinfo=UTC)),
     ("12/31/2024 10:00 AM", datetime(2024, 12, 31, 10, tzinfo=UTC)),
     ("May 5, 2023 10:15 AM", datetime(2023, 5, 5, 10, 15, tzinfo=UTC)),
     ("31-Dec-24", datetime(2024, 12, 31, tzinfo=UTC)),
     ("1/5/2026", None), ("0000-00-00 00:00:00", None), ("true", None), ("Recipient unknown", None), ("", None),
     ("9" * 5000, None)],
)  # fmt: skip
def test_a_date_is_read_where_it_can_be_read_in_one_way(cell: str, at: datetime | None) -> None:
    assert at_in(cell) == at


def test_the_gravest_reason_is_told_as_everywhere() -> None:
    assert tuple(reason for reason in GRAVITY if reason in REASONS) == REASONS


@pytest.mark.parametrize("column", ["status", "unsubscribe", "consent", "bounce"])
@pytest.mark.parametrize("cell", ["(" * 5000, "\0", "a" * 100_000, ";" * 3000, "1" * 4000, "💥"])
def test_hostile_cells_are_read_at_once(column: str, cell: str) -> None:
    assert reason_in(column, cell) in ("", column)

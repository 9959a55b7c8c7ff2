"""`docs/intake.md`, rendered from the kinds of sources and the lists that are known.

In: `kinds.py`, `exported/lists.toml`. Out: Markdown. A test holds the file in step, and says how it is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bounces.intake.exported.layout import known
from bounces.intake.kinds import WEBHOOKS, Kind
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.samples import SIGNERS
from bounces.values import Trust

PAGE = Path("docs") / "intake.md"
BELIEVED = {
    Trust.TRUSTED: "what it tells counts",
    Trust.MATCH: "what it tells counts where Rebound knows of a message to that address in the last 14 days",
    Trust.TOKEN: "what it tells counts where it came to a return path of Rebound's",
}
INTRODUCTION = """\
# How bounces come in

Generated from `bounces/intake/`: change the tables there; the test of this page says how it is written anew.

Everything that arrives is stored in the **inbox** before anything else happens to it, and answered only once it is
stored. A **source** is one door, made by an admin under *Sources*: a provider's webhook, a mailbox, recipients of
Rebound's mail server. Beside them managers upload files on the page, tools use the [API](api.md), and `manage.py
ingest` takes what lies on a disk ([commands](commands.md)).

## What becomes of it

| state | means | what to do |
|---|---|---|
| Waiting | stored, and read within a second while a worker runs | nothing |
| Recorded | it told something new; its page says what | nothing |
| Ignored | nothing in it is recorded, or all of it was known | nothing; its page says why |
| Unverified | not proved to be about your mail: it changes no status | release it if you know better, or discard it |
| Quarantined | it could not be read, and says why | “Read it again” after an update, or discard it |

The numbers add up: what arrived is the sum of these. A request with many events, an mbox and an archive count as
what is in them. A broken event spoils none of its neighbours, and keeps its own bytes. The same event twice,
through whichever door, changes nothing the second time.

What is recorded or ignored loses its raw bytes after 90 days and its row after 400 ([settings](settings.md)), and
stays counted. What is behind a bounce or a complaint stays as long as that does; what waits for somebody stays. Erasing
a person deletes the raw bytes that name them.

## How far a source is believed

| level | |
|---|---|
| Trusted | what it tells counts |
| Match | it counts where Rebound knows of a message to that address, sent in the last 14 days |
| Token | it counts where it came to a return path of Rebound's |

The default suits the kind: whoever signs what it tells is trusted. Choose *Trusted* for the others only where
nobody else can see the URL. What does not reach its level is kept as unverified, and counts as soon as its proof
comes.

## Mailboxes, the mail server, a pipe, return paths

[Mailboxes](mailboxes.md) has the steps for Gmail, Microsoft 365, any IMAP server, Postfix, and an MX record.

## Lists that providers export

There are three ways to import a list: *Bounces → Upload* or *Suppressions → Suppress* for managers, `manage.py ingest`
for operators ([commands](commands.md)), and `suppressions/lists/` for tools ([API](api.md)). Each previews which tool
the list comes from, what each column means, which columns are ignored, what the first rows become, and each line that
cannot be read, with its number and the reason. Nothing is recorded until you confirm it with “Record”, `--yes` or
`confirm`.

- Rows of bounces become bounces, judged by what the server said, as from every other door; a provider's own word
  (“hard”) makes none hard. Complaints and unsubscribes suppress the address for that reason.
- Addresses that bounced or were cleaned in another tool, without the server's text, are suppressed as *bounced in
  another tool*; blocklisted and manually added ones as *set by hand*. The file and the tool are stored.
- Columns such as *Unsubscribed*, *Email Opt Out*, *Subscriber Status* and *Do not contact*, in ten languages, decide
  row by row. Rows that are active, subscribed, unconfirmed or marked “no” suppress nobody and are counted. A plain
  “no” to consent is not an opt-out.
- A list of only addresses and dates does not say what it is: choose the type on the page, with `--as`, or with
  `tells`. The file name may say it (“unsubscribes.csv”).
- The address column is found by its name and its cells. A street under *Address* is never read as an email address.
- The same row of a later export changes nothing. What a person lifted after the date of a row stays lifted.
- A row makes no message: rates are counted of what was sent. Where it names one that Rebound knows, it is about that.
- Dates may be ISO 8601, as in mails, in seconds since 1970, or in common written forms; without a time zone they are
  UTC. Ambiguous dates such as 1/5/2026 are not guessed. A row without a date counts from the day of the upload, and so
  does an opt-out whose date cannot be read.
- Formats: CSV with commas, semicolons, tabs or bars, in UTF-8, UTF-16, Windows-1252 or another encoding in which the
  header can be read; JSON; plain text with one or several addresses per line and `#` before comments. The size limit is
  `REBOUND_MAIL_CAP`; put larger files in a zip. Save workbooks as CSV.

Known by their columns are {lists}. Of any other list the columns
are found by their names: one has to be called `email`, or the like, or hold addresses alone.

## Providers' webhooks

An admin makes a source, tells it what the table says, and pastes its URL at the provider. “Test this source” sends
what the provider would, through that very URL, says what came of it, and takes it back. What it cannot see is whether
the provider was told the same: the last step shows that.

- The URL holds 192 random bits. Whoever has seen it still needs the signature, or the user and password. “New
  address” replaces it.
- Secrets are stored sealed and never shown again. Several may be given, one a line, while an old one is replaced.
- A request that is not believed is answered 4xx and counted, and the source's page says why. Our own fault (no
  secret yet, a database that is away) is answered 5xx, so that the provider tries again.
- At most `REBOUND_WEBHOOK_CAP` bytes are read of one request ([settings](settings.md)).
- What a remote server said is judged by Rebound's own rules ([classification](classification.md)); a provider's own
  word (“hard”, “blocked”) counts only where it gives no other.
- Replies: let the provider post the mails that it receives for you to the same URL (Amazon SES, Brevo, MailerSend,
  Mailgun's routes, Mailjet, Mandrill, Postal, Postmark, Resend, SendGrid's Inbound Parse with a signature, SparkPost).
  A reply counts where it answers a message that Rebound knows, to that very address; an automatic one does not; a
  report among them counts by its return path. Resend posts no text: a report from there is told by its subject alone.
- Who signs a moment is believed for five minutes, Amazon for 65 and Mailgun for nine hours, for as long as they try
  again.

| provider | proves itself by | it is told | believed by default | the test signs |
|---|---|---|---|---|
"""


def render() -> str:
    introduction = INTRODUCTION.replace("{lists}", ", ".join(dict.fromkeys(row["name"] for row in known()["lists"])))
    return "\n".join([introduction + "\n".join(rows()), "", *sections()]).rstrip() + "\n"


def rows() -> Iterator[str]:
    for kind in by_name():
        provider = PROVIDERS[kind.slug]
        told = ", ".join(field.label for field in kind.fields)
        signs = "yes" if kind.slug in SIGNERS else "no: only the provider can"
        yield f"| [{kind.name}](#{anchor(kind.name)}) | {provider.proof} | {told} | {kind.trust.value} | {signs} |"


def sections() -> Iterator[str]:
    for kind in by_name():
        yield f"### {kind.name}\n"
        yield from (f"{number}. {step}" for number, step in enumerate(kind.steps, 1))
        yield ""
        yield from (f"- **{field.label}**: {field.help_text}" for field in kind.fields)
        yield f"- Believed by default: *{kind.trust.value}*, {BELIEVED[kind.trust]}.\n"


def by_name() -> list[Kind]:
    return sorted(WEBHOOKS, key=lambda kind: kind.name.lower())


def anchor(name: str) -> str:
    """As GitHub makes it of a heading."""
    return "".join(c for c in name.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def write() -> None:
    PAGE.write_text(render(), encoding="utf-8")

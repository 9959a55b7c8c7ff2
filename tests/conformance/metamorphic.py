"""Changes to a mail that change nothing of what it says: the engine's answer must be the same before and after.

In: the bytes of a report. Out: the bytes of one that says the same, or None where the change does not apply. Each is
what some system on the way does to mails: refolding, recoding, forwarding, adding a disclaimer.
"""

from __future__ import annotations

import base64
import html
import quopri
import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

Change = Callable[[bytes], bytes | None]
DISCLAIMER = "\n\n-- \nThis e-mail and its files are meant for the person named above only. Think before you print.\n"
# At most 64 characters (RFC 5321 4.5.3.1.1).
LOCAL_PARTS = ("maximiliane.von-und-zu-hohenstein.einkauf.und.vertrieb.sued", "b", "bob.o-neil+offers_2024", "12345")
PARAGRAPH = re.compile(r"(?m)^(<[^<>\s]+@[^<>\s]+>: .*(?:\n[ \t]+\S.*)+)")
SUBJECT = re.compile(rb"(?mi)^subject:.*\n(?:[ \t].*\n)*")
FOLDED = re.compile(r"(?mi)^((?:diagnostic-code|status|final-recipient): .*(?:\n[ \t]+\S.*)*)")


def parsed(raw: bytes) -> Message | None:
    """None where the library would write it otherwise than it read it: what it changes is no change of ours."""
    message = message_from_bytes(raw, policy=compat32)
    try:
        return message if message.as_bytes() == raw and not message.defects else None
    except (KeyError, ValueError, LookupError, UnicodeError, AttributeError):
        return None


def notice_of(message: Message) -> Message | None:
    """The first text for people, outside what came back."""
    while message.is_multipart() and message.get_content_maintype() == "multipart":
        parts = message.get_payload()
        if not parts:
            return None
        message = parts[0]  # type: ignore[index,assignment]
    return message if message.get_content_type() == "text/plain" and not message.is_multipart() else None


def text_of(part: Message) -> str | None:
    body = part.get_payload(decode=True)
    try:
        return body.decode(part.get_content_charset() or "ascii") if isinstance(body, bytes) else None
    except (UnicodeDecodeError, LookupError):
        return None


def with_text(raw: bytes, change: Callable[[str], str | None], encoding: str = "8bit") -> bytes | None:
    message = parsed(raw)
    part = notice_of(message) if message else None
    text = text_of(part) if part else None
    changed = change(text) if text is not None else None
    if message is None or part is None or changed is None:
        return None
    body = changed.encode("utf-8")
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = encoding
    if part.get("Content-Type"):
        part.set_param("charset", "utf-8")
    else:
        part["Content-Type"] = "text/plain; charset=utf-8"
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    part.set_payload(body.decode("utf-8", "surrogateescape"))
    return str(message.as_string()).encode("utf-8", "surrogateescape")


def refolded(width: int) -> Callable[[str], str | None]:
    """Postfix's paragraphs at another width."""

    def fold(text: str) -> str | None:
        changed = PARAGRAPH.sub(lambda found: wrapped(found.group(1), width, "    "), text)
        return changed if changed != text else None

    return fold


def wrapped(text: str, width: int, margin: str) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > width:
            lines.append(margin)
        lines[-1] += word if not lines[-1].strip() else f" {word}"
    return "\n".join(lines)


def refolded_fields(width: int) -> Change:
    """The fields of the delivery report at another width."""

    def change(raw: bytes) -> bytes | None:
        text = raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        changed = FOLDED.sub(lambda found: wrapped(found.group(1), width, " "), text)
        return changed.encode("utf-8", "surrogateescape") if changed != text else None

    return change


def with_crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def with_lf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n")


def as_html(raw: bytes, line_end: str = "") -> bytes | None:
    """Set as it stands, or with a mark at the end of each line."""

    def mark_up(text: str) -> str:
        words = html.escape(text)
        words = words.replace("\n", line_end) if line_end else f"<pre>{words}</pre>"
        return f"<html><body>{words}</body></html>"

    changed = with_text(raw, mark_up)
    message = message_from_bytes(changed, policy=compat32) if changed else None
    part = notice_of(message) if message else None
    if message is None or part is None:
        return None
    part.set_type("text/html")
    return str(message.as_string()).encode("utf-8", "surrogateescape")


def as_html_of_lines(raw: bytes) -> bytes | None:
    """Without a margin, a line for each: no use where the margin says what belongs together."""
    text = raw.decode("utf-8", "replace")
    return None if PARAGRAPH.search(text.replace("\r\n", "\n")) else as_html(raw, "<br>\n")


def status_first(raw: bytes) -> bytes | None:
    """The fields of the delivery report before the notice."""
    message = parsed(raw)
    if message is None or message.get_content_type() != "multipart/report":
        return None
    parts = message.get_payload()
    if not isinstance(parts, list) or len(parts) < 2:
        return None
    message.set_payload([parts[1], parts[0], *parts[2:]])
    return bytes(message.as_bytes())


def forwarded(raw: bytes) -> bytes | None:
    """As an attachment of a colleague's mail."""
    if not re.search(rb"(?mi)^content-type:\s*multipart/report", raw) or b"message/delivery-status" not in raw.lower():
        return None
    head = (
        b"From: Ann Lee <ann@colleague.example>\nTo: bounces@colleague.example\nSubject: Fwd: please look at this\n"
        b"Message-ID: <fwd-1@colleague.example>\nDate: Mon, 2 Jun 2025 10:00:00 +0000\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="=_forward_"\n\n--=_forward_\n'
        b"Content-Type: text/plain\n\nSee below.\n"
        b"--=_forward_\nContent-Type: message/rfc822\n\n"
    )
    return head + raw.replace(b"\r\n", b"\n") + b"\n--=_forward_--\n"


def with_subject(raw: bytes) -> bytes | None:
    """As Outlook names it. Only where a machine's part says what it is."""
    if b"message/delivery-status" not in raw.lower():
        return None
    changed = SUBJECT.sub(b"Subject: Undeliverable: Offer\n", raw, count=1)
    return changed if changed != raw else None


def with_other_address(address: str, other_local: str) -> tuple[Change, str]:
    """The recipient by another local part, wherever it stands in the clear."""
    local, _, domain = address.partition("@")
    other = f"{other_local}@{domain}"

    def change(raw: bytes) -> bytes | None:
        text = raw.decode("utf-8", "surrogateescape")
        pattern = re.compile(rf"(?i)(?<![\w.+-]){re.escape(local)}@{re.escape(domain)}(?![\w.-])")
        changed = pattern.sub(other, text)
        hides = "base64" in text.lower() or "quoted-printable" in text.lower() or address in changed.lower()
        return None if changed == text or hides else changed.encode("utf-8", "surrogateescape")

    return change, other


def head_and_rest(raw: bytes) -> tuple[bytes, bytes]:
    head, blank, rest = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    return head, blank + rest


def with_headers(*lines: bytes) -> Change:
    """More headers before the mail's own, as each system on the way adds them."""

    def change(raw: bytes) -> bytes:
        envelope, rest = (b"", with_lf(raw))
        if rest.startswith((b"From ", b">From ")):
            envelope, _, rest = rest.partition(b"\n")
            envelope += b"\n"
        return envelope + b"".join(line + b"\n" for line in lines) + rest

    return change


def with_small_names(raw: bytes) -> bytes:
    head, rest = head_and_rest(raw)
    return re.sub(rb"(?m)^[!-9;-~]+(?=:)", lambda name: name.group().lower(), head) + rest


def with_other_header(name: bytes, value: bytes) -> Change:
    def change(raw: bytes) -> bytes | None:
        head, rest = head_and_rest(raw)
        changed = re.sub(rb"(?mi)^" + name + rb":.*(?:\n[ \t].*)*", name + b": " + value, head, count=1)
        return None if changed == head else changed + rest

    return change


def with_tabs(raw: bytes) -> bytes | None:
    """A field goes on behind a tab instead of a blank."""
    text = raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    changed = FOLDED.sub(lambda found: re.sub(r"\n[ \t]+", "\n\t", found.group(1)), text)
    return None if changed == text else changed.encode("utf-8", "surrogateescape")


def with_large_fields(raw: bytes) -> bytes | None:
    """RFC 5322 1.2.2: the names of fields have no case."""
    changed = re.sub(
        rb"(?mi)^(?:final-recipient|original-recipient|action|status|remote-mta|diagnostic-code|reporting-mta)(?=:)",
        lambda name: name.group().upper(),
        raw,
    )
    return None if changed == raw else changed


def fields_changed(pattern: bytes, by: bytes) -> Change:
    """In the fields of the delivery report, wherever they stand."""
    names = rb"(?mi)^(final-recipient|original-recipient|action|status|remote-mta|diagnostic-code|reporting-mta):"

    def change(raw: bytes) -> bytes | None:
        changed = re.sub(names + pattern, rb"\1:" + by, raw)
        return None if changed == raw else changed

    return change


def kept(text: str) -> str:
    return text


CHANGES: dict[str, Change] = {
    "CRLF": with_crlf,
    "LF": with_lf,
    "quoted-printable": lambda raw: with_text(raw, kept, "quoted-printable"),
    "base64": lambda raw: with_text(raw, kept, "base64"),
    "a disclaimer": lambda raw: with_text(raw, lambda text: text + DISCLAIMER),
    "folded at 40": lambda raw: with_text(raw, refolded(40)),
    "folded at 60": lambda raw: with_text(raw, refolded(60)),
    "folded at 72": lambda raw: with_text(raw, refolded(72)),
    "folded at 100": lambda raw: with_text(raw, refolded(100)),
    "unfolded": lambda raw: with_text(raw, refolded(1_000)),
    "fields folded at 40": refolded_fields(40),
    "fields folded at 60": refolded_fields(60),
    "fields unfolded": refolded_fields(900),
    "HTML, set as it stands": as_html,
    "HTML, a line for each": as_html_of_lines,
    "fields first": status_first,
    "forwarded": forwarded,
    "Outlook's subject": with_subject,
    "received once more": with_headers(
        b"Received: from mx.a.example (mx.a.example [192.0.2.9])\n\tby mx.b.example (Postfix) with ESMTPS id 4b2hCm4;",
        b"Received: by mx.b.example; Wed, 21 May 2025 21:23:18 +0200 (CEST)",
    ),
    "looked at for spam": with_headers(b"X-Spam-Status: No, score=-1.9 required=5.0", b"X-Virus-Scanned: clean"),
    "signed": with_headers(b"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s1;\n\tbh=abc=; b=def="),
    "judged by a gateway": with_headers(
        b"Authentication-Results: mx.b.example; spf=none smtp.helo=mx.a.example; dkim=none",
        b"X-MS-Exchange-Organization-SCL: -1",
    ),
    "sorted by a filter": with_headers(b"X-Sieve: CMU Sieve 3.0", b"X-Folder: INBOX", b"X-UID: 4711"),
    "kept in an archive": with_headers(b"X-Archived-At: 2025-05-21", b"X-Original-Size: 4711"),
    "sealed on the way": with_headers(b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=s1;\n b=abc="),
    "two blanks behind a field's name": fields_changed(rb"[ \t]*(?=\S)", b"  "),
    "no blank behind a field's name": fields_changed(rb"[ \t]+(?=\S)", b""),
    "types in capitals": fields_changed(rb"([ \t]*)rfc822;", rb"\2RFC822;"),
    "small names": with_small_names,
    "another date": with_other_header(b"Date", b"Tue, 3 Jun 2025 08:00:00 +0000"),
    "another Message-ID": with_other_header(b"Message-ID", b"<another-0123456789@mx.another.example>"),
    "fields behind tabs": with_tabs,
    "fields in capitals": with_large_fields,
    "blanks at line ends": lambda raw: with_text(raw, lambda text: text.replace("\n", "  \n")),
    "an empty line first": lambda raw: with_text(raw, lambda text: f"\n{text}"),
}

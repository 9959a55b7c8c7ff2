"""What stands in a line: addresses, enhanced codes, reply codes, hosts, dates.

In: text of a mail. Out: the values that `Report` holds, cleaned. Stage: parse. Sources: RFC 5321, RFC 3463, RFC 5322.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bounces.patterns import Pattern, PatternSet
from bounces.plain_text import INVISIBLE, LINE_BREAKS, ODD_BREAKS

MAX_DIAGNOSTIC = 2_000
MAX_LOCAL, MAX_DOMAIN = 64, 255  # RFC 5321 4.5.3.1

# A quoted local part, or a dotted atom; a domain, or an address literal. Ranges instead of Unicode classes, and `+`
# instead of counts: RE2's automaton for `[^\pC]{1,64}` needs more memory than it has, and then finds nothing.
_LETTER = r"A-Za-z0-9\x{a1}-\x{1fff}\x{2c00}-\x{ffef}\x{10000}-\x{10ffff}"
ADDRESS_PATTERN = (
    r"(?:\"[!#-\[\]-~]+\"|[^\s@<>()\[\],;:\"\\|\x00-\x20\x7f-\xa0\x{2000}-\x{206f}\x{feff}]+)@"
    rf"(?:[{_LETTER}](?:[{_LETTER}_-]*[{_LETTER}])?(?:\.+[{_LETTER}_-]+)*|\[[0-9a-fA-F:.]+\])"
)
ADDRESS = Pattern(ADDRESS_PATTERN)
# Chinese, Japanese and Korean stand against an address without a blank. An address of their own letters (RFC 6531) has
# none of ASCII at its ends.
_CJK = r"\x{2e80}-\x{9fff}\x{a960}-\x{a97f}\x{ac00}-\x{d7ff}\x{f900}-\x{faff}\x{fe30}-\x{fe4f}\x{ff00}-\x{ffef}"
BEHIND_CJK = Pattern(rf"([{_CJK}])([A-Za-z0-9._%+=&'-]+@[A-Za-z0-9])")
BEFORE_CJK = Pattern(rf"(@[A-Za-z0-9.-]*[A-Za-z0-9])([{_CJK}])")
# Full-width forms of ASCII, and the quotation marks and stops that are no letters.
NARROW = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(
    map(ord, "「」『』【】〔〕《》〈〉、。\u3000"), " "
)
# Who refused, as the mail systems put it: `host mx.b.example [192.0.2.1]`, `mx.b.example said:`, `while talking to`.
HOST = Pattern(
    r"(?i)(?:\bhost[: ]\s*|while talking to\s+|remote (?:server|host|system)[:\s]+(?:dns;\s*)?|smtp server\s+<?)"
    r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)+)\b"
)
# Not inside a longer number or an IP address; "x.y.z" per RFC 3463 2.
STATUS = Pattern(r"(?:^|[^\d.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^\d.]|\.(?:$|\D))")
REPLYCODE = Pattern(r"(?m)(?:^|[^\d.\w-])([245][0-5][0-9])(?:[ \-]|$|:)")
# The SMTP command that was refused, in the words of Exim, Postfix, Sendmail, qmail, DragonFly, Yahoo and Gmail.
COMMAND_WORDS = {
    "DATA": r"after end of data|in reply to end of data|>>> data|\ndata$|after i sent the message|our final data|"
    r"accept your message \(data\)|\(state 1[78]\)",
    "RCPT": r"after rcpt to|in reply to rcpt to|(?:>>>|<<<) rcpt to|does not like recipient|our rcpt to|\[rcpt_to\]|"
    r"\(state 14\)|smtp:rcpt|\nrcpt to$|(?:for|progress was) rcpt to response|smtp error,? rcpt to|rcpt to:? host",
    "MAIL": r"after mail from|in reply to mail from|>>> mail from|does not like sender|our mail from|\[mail_from\]|"
    r"\(state 13\)|\nmail from$|smtp error,? mail from|mail from:? host",
    "HELO": r"after (?:helo|ehlo)|in reply to (?:helo|ehlo)|>>> (?:helo|ehlo)|my name was rejected",
    "CONNECT": r"after initial connection|refused to talk to me|while receiving the initial server greeting",
}
COMMANDS = tuple(COMMAND_WORDS)
REFUSED_IN_DIALOGUE = Pattern(r"(?im)^>>> (helo|ehlo|mail|rcpt|data)\b[^\n]*\n<<< [45]\d\d\b")
# Between two words may stand a line break: Postfix wraps its notice at 79 columns, so a longer address moves it.
ANY_COMMAND = PatternSet(f"(?m){words}".replace(" ", r"\s+") for words in COMMAND_WORDS.values())
CONTROL = dict.fromkeys([0x00, *LINE_BREAKS, *ODD_BREAKS, *INVISIBLE], " ")


def set_apart(line: str) -> str:
    """The line with blanks between its addresses and the Chinese, Japanese or Korean around them."""
    if line.isascii() or ("@" not in line and "\uff20" not in line):
        return line
    line = BEHIND_CJK.sub(lambda found: f"{found.group(1)} {found.group(2)}", line.translate(NARROW))
    return BEFORE_CJK.sub(lambda found: f"{found.group(1)} {found.group(2)}", line)


def find_addresses(text: str) -> list[str]:
    """The addresses of a text, lower-cased, each once, in order."""
    if "@" not in text:
        return []
    addresses = (clean_address(found.group()) for found in ADDRESS.each(text[:100_000]))
    return list(dict.fromkeys(address for address in addresses if address))


def find_address(text: str) -> str:
    """The first address of a text, or ""."""
    found = ADDRESS.first(text[:100_000], 0) if "@" in text else ""
    return found and (clean_address(found) or next(iter(find_addresses(text)), ""))


def clean_address(text: str) -> str:
    """Lower-cased, without brackets and the punctuation of the sentence around it; "" where it is too long for one."""
    address = text.strip().strip("<>'`").rstrip(".").lower()
    address = address.removeprefix("mailto:").removeprefix("rfc822;")
    local, at, domain = address.rpartition("@")
    return address if at and 0 < len(local) <= MAX_LOCAL and len(domain) <= MAX_DOMAIN else ""


def find_status(text: str) -> str:
    return STATUS.first(text) if "." in text else ""


def find_replycode(text: str) -> str:
    return REPLYCODE.first(text)


def find_command(text: str) -> str:
    """The refused one in a repeated dialogue; else the last that the words name; "" where they name none."""
    dialogue = REFUSED_IN_DIALOGUE.search(text) if "<<<" in text else None
    if dialogue:
        return dialogue.group(1).upper().replace("EHLO", "HELO")
    named = ANY_COMMAND.find(text)
    return COMMANDS[min(named)] if named else ""


def clean_host(text: str) -> str:
    """A host's name as a report gives it, at most as long as one may be (RFC 1035 2.3.4)."""
    return clean_line(text).lower()[:255]


def find_host(text: str) -> str:
    return HOST.first(text).lower()


def clean_line(text: str) -> str:
    """One line without control characters, at most 2,000 characters: fit for a page and a column."""
    if not text:
        return ""
    text = " ".join(text[: MAX_DIAGNOSTIC * 4].split())
    if not text.isprintable():  # none of CONTROL is; most lines are
        text = " ".join(text.translate(CONTROL).split())
    return text[:MAX_DIAGNOSTIC].rstrip()


def find_date(text: str) -> datetime | None:
    """An RFC 5322 date as an aware datetime; one without a zone is taken as UTC."""
    try:
        date = parsedate_to_datetime(text[:100].strip())
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

"""What the codes of a refusal mean, in words.

In: an SMTP reply code (RFC 5321 4.2) or an enhanced status code (RFC 3463). Out: a sentence for a page.
Only explains: which reason a code leads to is the classification's business (`bounces/classification/rules/`).
"""

from __future__ import annotations

REPLY_CODES: dict[int, str] = {
    421: "The service is not available now and closes the connection",
    422: "The mailbox has no room left",
    432: "The queue of the recipient's server is stopped",
    441: "The recipient's server does not respond",
    450: "The mailbox is not available now: busy, or held back on purpose",
    451: "The server had an error of its own, or asks to come back later",
    452: "The server has no room now",
    454: "A temporary failure of authentication",
    455: "The server cannot accommodate the parameters now",
    500: "The command was not understood",
    501: "The parameters were not understood",
    502: "The command is not implemented",
    503: "The commands came in the wrong order",
    510: "The address is not right",
    511: "The address is not right",
    512: "The host of the address is not known",
    521: "The host takes no mail",
    530: "Authentication is required",
    535: "The authentication failed",
    541: "The message was rejected by the recipient's filter",
    550: "The mailbox is not available, or the mail is refused by policy",
    551: "The recipient is not local; another path is to be tried",
    552: "The storage of the mailbox is exceeded",
    553: "The name of the mailbox is not allowed",
    554: "The transaction failed; often a refusal by policy",
    555: "The parameters are not recognised",
    556: "The domain takes no mail",
}
CLASSES = {"2": "success", "4": "passing failure", "5": "permanent failure"}
SUBJECTS = {
    "0": "undefined",
    "1": "the address",
    "2": "the mailbox",
    "3": "the mail system",
    "4": "the network and routing",
    "5": "the mail protocol",
    "6": "the content",
    "7": "security or policy",
}
DETAILS: dict[str, str] = {
    "1.0": "something about the address",
    "1.1": "the mailbox does not exist",
    "1.2": "the domain does not exist",
    "1.3": "the address has the wrong form",
    "1.4": "the address is ambiguous",
    "1.5": "the address is valid",
    "1.6": "the mailbox has moved, without a new address",
    "1.7": "the sender's address has the wrong form",
    "1.8": "the sender's domain is not right",
    "1.9": "relayed to a system that does not understand",
    "1.10": "the domain takes no mail at all",
    "2.0": "something about the mailbox",
    "2.1": "the mailbox is disabled and takes no mail",
    "2.2": "the mailbox is full",
    "2.3": "the message is longer than the mailbox allows",
    "2.4": "the mailing list could not be expanded",
    "3.0": "something about the mail system",
    "3.1": "the mail system is full",
    "3.2": "the system takes no mail now",
    "3.3": "the system lacks what was asked for",
    "3.4": "the message is too big for the system",
    "3.5": "the system is not configured correctly",
    "4.0": "something about the network",
    "4.1": "no answer from the host",
    "4.2": "the connection was bad",
    "4.3": "the directory server failed",
    "4.4": "no route to the host",
    "4.5": "the mail system is congested",
    "4.6": "a routing loop",
    "4.7": "not delivered within the time allowed",
    "5.0": "something about the protocol",
    "5.1": "an invalid command",
    "5.2": "a syntax error",
    "5.3": "too many recipients",
    "5.4": "invalid arguments",
    "5.5": "the wrong protocol version",
    "6.0": "something about the content",
    "6.1": "the kind of content is not supported",
    "7.0": "something about security or policy",
    "7.1": "not authorised: the message is refused",
    "7.2": "not allowed to write to this mailing list",
    "7.3": "the security of the message could not be converted",
    "7.4": "security features are missing",
    "7.5": "a cryptographic failure",
    "7.7": "the message was altered",
    "7.8": "the credentials are not right",
    "7.20": "no DKIM signature that passes",
    "7.23": "SPF failed",
    "7.25": "the sending host has no matching reverse DNS",
    "7.26": "several checks of the sender failed",
    "7.27": "the sender's domain takes no mail",
    "7.28": "mail flood: too many messages",
}


def explain_reply_code(code: int | None) -> str:
    """The meaning of a reply code; empty where there is none."""
    if code is None:
        return ""
    if code in REPLY_CODES:
        return REPLY_CODES[code] + "."
    return {2: "A success.", 4: "A passing failure.", 5: "A permanent failure."}.get(code // 100, "Not a code of SMTP.")


def explain_enhanced_code(code: str) -> str:
    """The meaning of an enhanced code: `5.1.1` is a permanent failure: the mailbox does not exist."""
    lasting, _, about = code.partition(".")
    if lasting not in CLASSES or not about:
        return "Not a code of RFC 3463." if code else ""
    detail = DETAILS.get(about) or f"about {SUBJECTS.get(about.partition('.')[0], 'an unknown subject')}"
    return f"A {CLASSES[lasting]}: {detail}."

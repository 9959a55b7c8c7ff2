"""A judgement as a salesperson reads it: one sentence that says what, since when, and why.

In: a status with the rule and the evidence that decided (counts and dates, as `bounces/evaluation.py` gives them).
Out: text. Pure but for the classes of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from bounces.classification import load_reasons
from bounces.models import Bounce, CleaningRow, StatusChange
from bounces.values import Answer, Fault, Shortcoming, Status

STATUS_WORDS = {
    Status.INVALID: "Invalid",
    Status.AT_RISK: "At risk",
    Status.VALID: "Valid",
    Status.UNVERIFIED: "Unverified",
}
# The question that every verdict answers, and its answers, as every page, list, filter and export names them.
QUESTION = "Can we email them?"
ANSWER_WORDS = {Answer.YES: "Yes", Answer.CAUTION: "With caution", Answer.NO: "No"}
# The reasons of a verdict that are not reasons of a bounce, in a few words.
VERDICT_WORDS = {
    "complaint": "reported as spam",
    "unsubscribe": "unsubscribed",
    "bounce": "bounced in another tool",
    "manual": "suppressed by hand",
    "cleaning": "suppressed by cleaning",
    "held": "on hold",
    "campaign": "left out by the campaign",
    "syntax": "not an email address",
    "silent": "no reply or click for a long time",
    "role_account": "shared mailbox",
    "disposable": "disposable address",
    "undeliverable": "verification found it undeliverable",
    "alive": "accepts email",
    "not_verified": "no result yet",
}
FAULT_WORDS = {
    Fault.RECIPIENT: "on the recipient’s side",
    Fault.SENDER: "on the sender’s side",
    Fault.INFRASTRUCTURE: "with the network or a mail server",
    Fault.UNKNOWN: "not known",
}

SHORTCOMING_WORDS = {
    Shortcoming.NO_TOKEN: "it did not come to a return path of ours",
    Shortcoming.FORGED_TOKEN: "the token in its return path is not one of ours",
    Shortcoming.EXPIRED_TOKEN: "the token in its return path has expired",
    Shortcoming.OTHER_RECIPIENT: "the token in its return path was given to a message to somebody else",
    Shortcoming.NO_ATTEMPT: "no message to this address in the 14 days before is known to which it belongs",
    Shortcoming.NOT_BELIEVED: "its source is not believed without a token",
}


def shortcoming_words(shortcoming: str) -> str:
    """The proof that a report lacks, as part of a sentence."""
    return SHORTCOMING_WORDS[Shortcoming(shortcoming)]


# Where the rule that knew the remote system's words says more than the reason it stands for.
RULE_WORDS = {
    "greylisted": "the server asks every new sender to come back later",
    "mailbox-busy": "the mailbox cannot take mail just now",
}


@cache
def reason_words(reason: str, rule: str = "") -> str:
    """The reason as part of a sentence: "the mailbox is full". `rule` is the bounce's, where it is known."""
    if rule in RULE_WORDS:
        return RULE_WORDS[rule]
    known = load_reasons().get(reason)
    definition = known.definition if known else (reason or "no reason given")
    return definition[0].lower() + definition[1:].rstrip(".")


def explain_shortly(status: str, reason: str) -> str:
    """Return status and reason of a verdict in one line: "Valid · reported as spam". It stands below the answer."""
    return f"{STATUS_WORDS[Status(status)]} · {VERDICT_WORDS.get(reason) or reason_words(reason)}"


def explain(status: str, rule: str, evidence: Mapping[str, Any], since: datetime | None) -> str:
    """ "Invalid since 3 May 2026: the mailbox does not exist (550 5.1.1), said by mx.example on 2 May 2026." """
    start = STATUS_WORDS[Status(status)]
    if since is not None:
        start += f" since {long_date(since)}"
    return f"{start}: {_because(rule, evidence)}."


def _because(rule: str, evidence: Mapping[str, Any]) -> str:
    explainer = EXPLAINERS.get(rule, _no_fact)
    text = explainer(evidence)
    return f"{text}; a person kept it so on {_day(evidence['upheld_at'])}" if evidence.get("upheld_at") else text


def _hard(evidence: Mapping[str, Any]) -> str:
    text = reason_words(evidence.get("reason", ""))
    codes = " ".join(str(evidence[key]) for key in ("smtp_code", "enhanced_code") if evidence.get(key))
    if codes:
        text += f" ({codes})"
    text += f", said by {evidence['remote_mta']}" if evidence.get("remote_mta") else ", bounced"
    text += _forwarded(evidence.get("forwarded_to"))
    text += f" on {_day(evidence.get('last_at'))}"
    bounces = evidence.get("bounces", 1)
    return text + (f"; {bounces} hard bounces in all" if bounces > 1 else "")


def _forwarded(email: str | None) -> str:
    """The address is right and its mail was forwarded; what it was forwarded to failed."""
    return f" of {email} (its mail is forwarded there)" if email else ""


def _hard_after_reply(evidence: Mapping[str, Any]) -> str:
    return f"{_hard(evidence)}, yet it replied on {_day(evidence.get('replied_at'))}; held until somebody has looked"


def _soft_in_a_row(evidence: Mapping[str, Any]) -> str:
    span = (_as_date(evidence["last_on"]) - _as_date(evidence["first_on"])).days
    return f"{_days(evidence)} over {span} days ({reason_words(evidence['reason'])}), {_none_delivered(evidence)}"


def _soft_in_window(evidence: Mapping[str, Any]) -> str:
    return (
        f"{_days(evidence)} from {_day(evidence['first_on'])} to {_day(evidence['last_on'])} "
        f"({reason_words(evidence['reason'])}), {_none_delivered(evidence)}"
    )


def _soft_recent(evidence: Mapping[str, Any]) -> str:
    return (
        f"{_days(evidence)} since {_day(evidence['first_on'])} "
        f"({reason_words(evidence['reason'])}); passes on {_day(evidence['ends_at'])} if nothing more comes"
    )


def _days(evidence: Mapping[str, Any]) -> str:
    return f"{evidence['days']} day{'s' if evidence['days'] > 1 else ''} with soft bounces"


def _none_delivered(evidence: Mapping[str, Any]) -> str:
    if evidence.get("alive_at"):
        return f"none delivered since {_day(evidence['alive_at'])}"
    return "none ever delivered"


def _undeliverable(evidence: Mapping[str, Any]) -> str:
    return f"verification on {_day(evidence.get('verified_at'))} found it undeliverable"


def _alive(evidence: Mapping[str, Any]) -> str:
    for key, words in (
        ("replied_at", "replied on"),
        ("clicked_at", "clicked a link on"),
        ("delivered_at", "mail was delivered on"),
        ("verified_at", "verified as deliverable on"),
    ):
        if evidence.get(key):
            return f"{words} {_day(evidence[key])}"
    return "mail reaches it"


def _no_fact(evidence: Mapping[str, Any]) -> str:
    if evidence.get("restored_at"):
        return f"restored on {_day(evidence['restored_at'])}, nothing delivered since"
    return "nothing that decides is known about it yet"


EXPLAINERS = {
    "hard_bounce": _hard,
    "hard_bounce_after_reply": _hard_after_reply,
    "soft_in_a_row": _soft_in_a_row,
    "soft_in_window": _soft_in_window,
    "soft_recent": _soft_recent,
    "undeliverable": _undeliverable,
    "alive": _alive,
}


def explain_change(change: StatusChange | CleaningRow) -> str:
    """The sentence of one transition, as of its own moment."""
    since = change.at if isinstance(change, StatusChange) else None
    return explain(change.to_status, change.rule, change.evidence, since)


def explain_bounce(bounce: Bounce) -> str:
    """ "Hard bounce: the mailbox does not exist (550 5.1.1). The fault is on the recipient’s side." """
    codes = " ".join(str(code) for code in (bounce.smtp_code, bounce.enhanced_code) if code)
    text = f"{str(bounce.kind).capitalize()} bounce" if bounce.kind != "deferred" else "Deferred, still being retried"
    text += f": {reason_words(bounce.reason, bounce.rule)}"
    text += f" ({codes})" if codes else ""
    text += f", said by {bounce.remote_mta}" if bounce.remote_mta else ""
    text += _forwarded(bounce.forwarded_to)
    return f"{text}. The fault is {FAULT_WORDS[Fault(bounce.fault)]}."


def explain_claimed(at: datetime) -> str:
    """ "It gives its date as 3 May 2031, which cannot be; what counts is when it arrived." """
    return f"It gives its date as {long_date(at)}, which cannot be; what counts is when it arrived."


def long_date(at: datetime | date) -> str:
    day = at.astimezone(UTC).date() if isinstance(at, datetime) else at
    return f"{day.day} {day:%B %Y}"


def _as_date(text: str) -> date:
    return datetime.fromisoformat(text).date()


def _day(text: str | None) -> str:
    return long_date(datetime.fromisoformat(text)) if text else "an unknown day"

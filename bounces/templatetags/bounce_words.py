"""Template filters that say a bounce's words in full. In: slugs and codes of a bounce. Out: plain text."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template

from bounces.classification import load_reasons
from bounces.codes import explain_enhanced_code, explain_reply_code
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Bounce, Evidence, Suppression
from bounces.reason_examples import EXAMPLES
from bounces.reason_examples import reason_help as help_of
from bounces.sentences import RULE_WORDS, explain_claimed, explain_shortly
from bounces.verdict import Verdict

register = template.Library()


@register.filter
def reason_words(slug: str) -> str:
    """`userunknown` -> `The mailbox does not exist`. A slug that is no longer defined is shown as it is."""
    reason = load_reasons().get(slug)
    return reason.definition if reason else slug


@register.filter
def reason_example(action: str) -> str:
    """The example of an action that asks for a reason, as a field's placeholder."""
    return f"Why? For example: {EXAMPLES[action]}"


@register.filter
def reason_help(action: str) -> str:
    return help_of(action)


@register.filter
def bounce_words(bounce: Bounce | Evidence) -> str:
    """Its reason, or what the rule that judged it knows better: greylisting is not a blocked host."""
    words = RULE_WORDS.get(bounce.rule)
    return words[0].upper() + words[1:] if words else reason_words(bounce.reason)


@register.filter
def suppression_reason(reason: str) -> str:
    return str(Suppression.Reason(reason).label)


@register.filter
def reply_code_words(code: int | None) -> str:
    return explain_reply_code(code)


@register.filter
def enhanced_code_words(code: str) -> str:
    return explain_enhanced_code(code)


@register.filter
def door(source: str) -> str:
    """Where a thing came in, as people say it: `upload` -> `Upload`, `mailgun:main` -> `Mailgun main`."""
    name, _, rest = source.partition(":")
    if name in NAMED_DOORS and rest:
        return f"{NAMED_DOORS[name]} {rest}"
    return DOORS.get(source, source)


@register.filter
def verdict_line(verdict: Verdict) -> str:
    """What stands below the answer: `Invalid · the mailbox does not exist`."""
    return explain_shortly(verdict.status, verdict.reason)


NAMED_DOORS = {
    "api": "API key",
    "imap": "Mailbox",
    "smtp": "Mail server, recipients of",
    **{slug: provider.name for slug, provider in PROVIDERS.items()},
}
DOORS = {
    "upload": "Upload",
    "command": "Command line",
    "api": "API",
    "smtp": "Mail server, return paths",
    "pipe": "Pipe of a mail system",
}


RULE_TABLES = {
    "providers": "The words of one provider’s systems",
    "phrases": "The words of the remote system",
    "words": "Words of another language",
    "enhanced_codes": "The enhanced status code",
    "reply_codes": "The reply code",
    "commands": "The SMTP command that was refused",
}


@register.filter
def rule_table_words(table: str) -> str:
    """What a classification rule went by."""
    return RULE_TABLES.get(str(table), str(table))


POLICY_RULES = {
    "": "No fact is known",
    "alive": "Delivered, replied or verified",
    "hard_bounce": "Hard bounce, the recipient’s fault",
    "hard_bounce_after_reply": "Hard bounce, though it replied not long before",
    "soft_in_a_row": "Soft bounces on days in a row",
    "soft_in_window": "Soft bounces on many days",
    "soft_recent": "Recent soft bounces",
    "undeliverable": "Verification says undeliverable",
}


@register.filter
def policy_rule_words(rule: str) -> str:
    """What a rule of the policy looks at."""
    return POLICY_RULES.get(rule, rule.replace("_", " ").capitalize())


@register.filter
def claimed_words(at: datetime) -> str:
    """Of a fact that gives a date which cannot be."""
    return explain_claimed(at)


@register.filter
def time_left(left: timedelta) -> str:
    """`0:00:42` -> `42 s`, `about 3 min`, `about 2 h`."""
    seconds = round(left.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {round(seconds / 3600)} h"

"""How the pages name and mark the field's words: one table, so that a status looks the same everywhere.

In: a vocabulary (status, verdict, kind, …) and one of its words (`bounces/values.py`). Out: a Badge: the label, the
icon and the tone. Every badge has icon and label, so that nothing is told by colour alone.
The tones are classes of `crm/static/crm/components.css`: good, watch, bad, calm, info.
"""

from __future__ import annotations

from dataclasses import dataclass

from bounces.reputation import BOUNCE_LINES, word_of
from bounces.sentences import ANSWER_WORDS
from bounces.values import Answer


@dataclass(frozen=True, slots=True)
class Badge:
    label: str
    icon: str  # a name of Lucide's
    tone: str
    meaning: str = ""  # one sentence, shown when pointed at


BADGES: dict[str, dict[str, Badge]] = {
    "status": {
        "unverified": Badge("Unverified", "circle-dashed", "calm", "Nothing is known about this address yet."),
        "valid": Badge("Valid", "circle-check", "good", "Mail was delivered or answered."),
        "at_risk": Badge("At risk", "triangle-alert", "watch", "Recent failures: email with care."),
        "invalid": Badge("Invalid", "circle-x", "bad", "The address does not work."),
    },
    "verdict": {
        "yes": Badge(ANSWER_WORDS[Answer.YES], "circle-check", "good", "You can email this address."),
        "caution": Badge(
            ANSWER_WORDS[Answer.CAUTION], "triangle-alert", "watch", "Email with care: read the reason first."
        ),
        "no": Badge(ANSWER_WORDS[Answer.NO], "ban", "bad", "Do not email this address."),
    },
    "kind": {
        "hard": Badge("Hard", "octagon-x", "bad", "A permanent failure."),
        "soft": Badge("Soft", "rotate-ccw", "watch", "A passing failure."),
        "deferred": Badge("Deferred", "hourglass", "calm", "Still being retried: not a bounce yet."),
    },
    "fault": {
        "recipient": Badge("Recipient", "user-x", "calm", "The mailbox or its domain."),
        "sender": Badge("Sender", "send", "info", "Our reputation, authentication, content or pace."),
        "infrastructure": Badge("Infrastructure", "server", "calm", "The network or the remote system."),
        "unknown": Badge("Unknown", "circle-question-mark", "calm", "The report does not say."),
    },
    "standing": {
        "counted": Badge("Counted", "circle-check", "calm", "Counts against its address."),
        "unverified": Badge("Unverified", "circle-dashed", "watch", "Not proved to be about our mail: does not count."),
        "held": Badge("Held", "hourglass", "watch", "Held by a review: does not count until decided."),
        "discarded": Badge("Discarded", "circle-x", "calm", "Taken out by a person: does not count."),
    },
    "inbox": {
        "pending": Badge("Waiting", "hourglass", "info", "Stored, not read yet."),
        "done": Badge("Recorded", "circle-check", "good", "Read, and its facts recorded."),
        "ignored": Badge("Ignored", "circle-dashed", "calm", "Read, and there was nothing to record."),
        "unverified": Badge("Unverified", "circle-question-mark", "watch", "Not proved to be about our mail."),
        "quarantined": Badge("Quarantined", "shield-alert", "bad", "Could not be read: set aside, with the reason."),
    },
    "export": {
        "waiting": Badge("Waiting", "hourglass", "info", "A worker makes it soon."),
        "running": Badge("Being made", "refresh-cw", "info"),
        "done": Badge("Ready", "circle-check", "good", "Can be downloaded."),
        "failed": Badge("Failed", "circle-x", "bad"),
        "expired": Badge("Expired", "circle-dashed", "calm", "Its file is gone. Export again."),
    },
    "run": {
        "queued": Badge("Waiting", "hourglass", "info"),
        "evaluating": Badge("Evaluating", "refresh-cw", "info"),
        "ready": Badge("Preview ready", "eye", "watch"),
        "applying": Badge("Applying", "refresh-cw", "info"),
        "paused": Badge("Paused", "hourglass", "watch"),
        "undoing": Badge("Taking back", "rotate-ccw", "info"),
        "done": Badge("Done", "circle-check", "good"),
        "failed": Badge("Failed", "circle-x", "bad"),
        "cancelled": Badge("Cancelled", "ban", "calm"),
    },
    "import": {
        "uploaded": Badge("Waits for its columns", "list-checks", "watch"),
        "staging": Badge("Reading", "refresh-cw", "info"),
        "judging": Badge("Comparing", "refresh-cw", "info"),
        "ready": Badge("Preview ready", "eye", "watch"),
        "applying": Badge("Importing", "refresh-cw", "info"),
        "held": Badge("Held after a batch", "shield-alert", "watch"),
        "done": Badge("Done", "circle-check", "good"),
        "failed": Badge("Failed", "circle-x", "bad"),
        "cancelled": Badge("Cancelled", "ban", "calm"),
        "undoing": Badge("Taking back", "rotate-ccw", "info"),
        "undone": Badge("Taken back", "rotate-ccw", "calm"),
    },
    "import_row": {
        "new": Badge("New", "user-plus", "good"),
        "update": Badge("Updated", "refresh-cw", "info"),
        "unchanged": Badge("Unchanged", "circle-check", "calm"),
        "skipped": Badge("Left as it is", "circle-dashed", "calm"),
        "duplicate": Badge("Repeats another row", "copy", "calm"),
        "invalid": Badge("Invalid", "circle-x", "bad"),
        "conflict": Badge("Conflict", "triangle-alert", "watch"),
        "not_yours": Badge("Owned by someone else", "user-x", "watch"),
    },
    "confidence": {
        "sure": Badge("Sure", "circle-check", "good", "Its name says so."),
        "likely": Badge("Likely", "circle-question-mark", "watch", "Its cells look like it."),
        "none": Badge("Not known", "circle-dashed", "calm", "No field is named so."),
    },
    "suppression": {
        "complaint": Badge("Complaint", "shield-alert", "bad", "The recipient reported a mail as spam."),
        "unsubscribe": Badge("Unsubscribed", "user-x", "watch", "The recipient asked for no more mail."),
        "bounce": Badge(
            "Bounced elsewhere", "mail-x", "watch", "The list of another tool says that mail to it bounced."
        ),
        "manual": Badge("Set by hand", "user", "calm", "A person said: never write here."),
        "cleaning": Badge("Set by cleaning", "brush-cleaning", "calm", "Follows from its status."),
    },
    "suppression_state": {
        "in_force": Badge("In force", "ban", "bad", "Nothing is sent there."),
        "expired": Badge("Expired", "hourglass", "calm", "Its last day has passed."),
        "lifted": Badge("Lifted", "circle-check", "good", "A person ended it, with a reason."),
    },
    "incident": {
        "open": Badge("Waits for a decision", "siren", "bad", "Its bounces are held until somebody decides."),
        "confirmed": Badge("Confirmed, going on", "shield-alert", "watch", "Its bounces are held until it is over."),
        "passed": Badge("Confirmed and over", "circle-check", "good", "Its bounces were discarded."),
        "dismissed": Badge("Dismissed", "circle-x", "calm", "Its bounces count as any other."),
    },
    "repair": {
        "restoring": Badge("Bringing back", "refresh-cw", "info"),
        "done": Badge("Done", "circle-check", "good"),
        "undoing": Badge("Taking back", "rotate-ccw", "info"),
        "undone": Badge("Taken back", "undo-2", "calm"),
        "failed": Badge("Failed", "circle-x", "bad"),
    },
    "merge_run": {
        "running": Badge("Merging", "refresh-cw", "info"),
        "done": Badge("Merged", "merge", "good"),
        "undoing": Badge("Undoing", "rotate-ccw", "info"),
        "undone": Badge("Undone", "undo-2", "calm"),
    },
    "merge": {
        "done": Badge("Merged", "merge", "good"),
        "undone": Badge("Undone", "undo-2", "calm"),
        "expired": Badge("Undo expired", "merge", "calm", "Older than 30 days. It can no longer be undone."),
    },
    "campaign": {
        "draft": Badge("Draft", "pencil", "calm"),
        "running": Badge("Running", "send", "info"),
        "paused_by_guard": Badge(
            "Paused by guard", "shield-alert", "bad", "Too many emails bounced. Fix the cause, then resume sending."
        ),
        "paused": Badge("Paused", "circle-pause", "watch"),
        "finished": Badge("Finished", "circle-check", "calm"),
    },
    "rate": {
        "healthy": Badge("Healthy", "circle-check", "good", "Below 1 %."),
        "watch": Badge("Watch", "triangle-alert", "watch", "Between 1 % and 2 %: find out why before you send more."),
        "stop": Badge("Stop", "octagon-x", "bad", "2 % or more: stop sending and clean the list."),
        "unknown": Badge("Unknown", "circle-question-mark", "calm", "No attempts were reported, so there is no rate."),
    },
}


def badge(vocabulary: str, word: object) -> Badge:
    """The badge of a word. A word that the table does not have is shown as it is, calmly: data may be newer than us."""
    text = str(word)
    label = text.replace("_", " ").capitalize() or "Not known"
    return BADGES[vocabulary].get(text, Badge(label, "circle-question-mark", "calm"))


WATCH_RATE, STOP_RATE = BOUNCE_LINES


def rate_word(rate: float | None) -> str:
    """healthy, watch, stop, or unknown where there is no rate."""
    return word_of(rate, BOUNCE_LINES)

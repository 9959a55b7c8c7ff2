"""One example of a good reason for each action that asks for one. Pure.

In: the name of an action. Out: its example, and the help text of its field. Pages, dialogs of the admin and templates
take both from here, so no two actions show the same example.
"""

from __future__ import annotations

EXAMPLES = {
    "restore": "She called and confirmed the address.",
    "ask_restore": "He wrote to me from this address yesterday.",
    "hold": "Their mail server is being moved: wait until next week.",
    "suppress": "He asked by phone not to get any more email.",
    "lift": "He asked in writing to get our newsletter again.",
    "lift_many": "The old tool exported the wrong list.",
    "erase": "She asked on 3 May to be forgotten.",
    "undo_import": "It was last year’s list.",
    "merge_certain": "The same list was imported twice in October.",
    "import_quarantined": "All of them signed up at our stand; the forms are on file.",
    "undo_cleaning": "The provider had an outage that day.",
    "undo_rows": "Their IT team says that these mailboxes work.",
    "review_asked": "The colleague who asks has just phoned them.",
    "review_conflict": "They replied to us this week, after the bounce.",
    "review_unknown": "Our own gateway wrote these texts.",
    "review_unproved": "They quote our subject, but our tool never reported them.",
    "repair": "The provider confirmed the outage on its status page.",
    "confirm_incident": "Their postmaster says that the rejections are a fault of theirs.",
    "dismiss_incident": "The company closed these mailboxes.",
    "resume": "The DKIM record is repaired, and test emails arrive.",
    "release_item": "It quotes an email that we sent on 4 May.",
    "discard_item": "A private email that was forwarded by mistake.",
    "rule": "Their postmaster says that this text means a full mailbox.",
    "put_in_force": "One full mailbox a month is normal for our clinics.",
}


def reason_help(action: str) -> str:
    """The help text below the field of an action's reason."""
    return f"One sentence for the history. Example: “{EXAMPLES[action]}”"

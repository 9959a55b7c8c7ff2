"""What providers call things: their words for events, and where in an event each thing stands.

In: nothing. Out: tables. django-anymail's words for all providers, and for each provider what anymail does not know,
means otherwise, or leaves out. Sources: the providers' documentation of their webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping

from anymail.signals import EventType, RejectReason

from bounces.values import Event

EVENTS: Mapping[str, Event] = {
    EventType.QUEUED: Event.SENT,
    EventType.SENT: Event.SENT,
    EventType.DELIVERED: Event.DELIVERED,
    EventType.DEFERRED: Event.DEFERRED,
    EventType.BOUNCED: Event.BOUNCED,
    EventType.REJECTED: Event.BOUNCED,
    EventType.OPENED: Event.OPENED,
    EventType.CLICKED: Event.CLICKED,
    EventType.COMPLAINED: Event.COMPLAINED,
    EventType.UNSUBSCRIBED: Event.UNSUBSCRIBED,
}
# Where a provider's own word decides, and not what anymail makes of it.
OWN_EVENTS: Mapping[str, Mapping[str, Event | None]] = {
    "brevo": {"unsubscribed": Event.UNSUBSCRIBED},
    "mailersend": {"activity.deferred": Event.DEFERRED},
    "mandrill": {"delivered": Event.DELIVERED},
    # HardFail: a server said no for good. Held: nothing was sent yet. MessageLoaded: its pixel.
    "postal": {"HardFail": Event.BOUNCED, "Held": None, "MessageLoaded": Event.OPENED},
    # "Blocked by the user, or classified as spam, bulk mail, or had rejected content": no complaint of anybody's.
    "postmark": {"SpamNotification": Event.BOUNCED},
    "resend": {"email.suppressed": Event.BOUNCED},
}
# Where a provider's event holds it, the first that is filled: its own word for the event; the Message-ID; its own id of
# the message; the host that said no; the sender; what that host said, its codes; what the provider says of it.
PATHS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "amazon_ses": {
        "word": ("eventType", "notificationType"),
        "message_id": ("mail.commonHeaders.messageId",),
        "provider_id": ("mail.messageId",),
        "remote_mta": ("bounce.remoteMtaIp",),
        "sender": ("mail.source",),
        "feedback_type": ("complaint.complaintFeedbackType",),
    },
    "brevo": {"word": ("event",)},
    "mailersend": {"word": ("type",), "sender": ("data.email.from",), "text": ("data.morph.reason",)},
    "mailgun": {
        "word": ("event-data.event",),
        "remote_mta": ("event-data.delivery-status.mx-host",),
        "sender": ("event-data.envelope.sender",),
        "code": ("event-data.delivery-status.code",),
        "status": ("event-data.delivery-status.enhanced-code",),
    },
    "mailjet": {"word": ("event",), "provider_id": ("MessageID",), "text": ("comment",)},
    "mailtrap": {"word": ("event",), "code": ("response_code",)},
    "mandrill": {"word": ("event", "type"), "sender": ("msg.sender",)},
    "postal": {
        "word": ("payload.status", "event"),
        "message_id": ("payload.message.message_id", "payload.original_message.message_id"),
        "sender": ("payload.message.from", "payload.original_message.from"),
    },
    "postmark": {"word": ("Type", "RecordType"), "sender": ("From",)},
    "resend": {
        "word": ("type",),
        "sender": ("data.from",),
        "text": ("data.bounce.diagnosticCode",),
        "words": ("data.bounce.subType", "data.suppressed.message"),
    },
    "sendgrid": {
        "word": ("event",),
        "message_id": ("smtp-id",),
        "provider_id": ("sg_message_id",),
        "status": ("status",),
        "words": ("reason",),
    },
    "sparkpost": {
        "word": ("msys.message_event.type", "msys.track_event.type", "msys.unsubscribe_event.type"),
        "sender": ("msys.message_event.friendly_from",),
        "remote_mta": ("msys.message_event.ip_address",),
        "code": ("msys.message_event.error_code",),
    },
    "unisender_go": {"word": ("status",)},
}
# Where an event is told once for each recipient and names them all, so that nobody knows whom it is about: the lists
# of them, and the events that are told so.
SHARED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "amazon_ses": (("mail.destination",), (Event.OPENED, Event.CLICKED)),
    "resend": (("data.to", "data.cc", "data.bcc"), tuple(Event)),
}
# A provider's reason for not sending, where it says nothing else, as words that our rules know.
LABELS: Mapping[str, str] = {
    RejectReason.INVALID: "Not sent: the provider calls the address invalid.",
    RejectReason.BOUNCED: "",
    RejectReason.TIMED_OUT: "delivery time expired",
    RejectReason.BLOCKED: "Not sent: on the provider's suppression list.",
    RejectReason.SPAM: "Not sent: on the provider's suppression list, for a complaint.",
    RejectReason.UNSUBSCRIBED: "Not sent: on the provider's suppression list, as unsubscribed.",
}
NOT_SENT = "Not sent: on the provider's suppression list."

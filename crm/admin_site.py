"""How the admin looks and where its links lead, as data for Unfold. In: nothing. Out: UNFOLD, for the settings.

Imported by the settings: no models up here. Icons are names of Material Symbols, which Unfold ships.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

# Our accent (tokens.css) as Unfold's scale; 600 is what carries text and buttons.
ACCENT = {
    "50": "#f1f7f9", "100": "#e0edf1", "200": "#c0dbe3", "300": "#93c1ce", "400": "#66b9ce", "500": "#4a9cb4",
    "600": "#0d5c75", "700": "#094658", "800": "#15313a", "900": "#0f262d", "950": "#07181d",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the first page. `tone` is a variant of Unfold's labels; empty: nothing to look at."""

    label: str
    value: str
    url: str
    note: str
    tone: str = ""


def _models(group: str, *entries: tuple[str, str, str]) -> dict[str, Any]:
    """A group of the sidebar: (title, icon, app_model)."""
    items = [
        {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
        for title, icon, model in entries
    ]
    return {"title": group, "separator": True, "collapsible": True, "items": items}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 -- Unfold's signature
    return [
        {
            "items": [
                {"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")},
                {
                    "title": "Back to Rebound",
                    "icon": "arrow_back",
                    "link": reverse_lazy("dashboard"),
                    "active": _never,
                },
            ]
        },
        _models(
            "People we write to",
            ("Contacts", "group", "contacts_contact"),
            ("Companies", "apartment", "contacts_company"),
            ("Tags", "sell", "contacts_tag"),
            ("Custom fields", "tune", "contacts_customfield"),
            ("Segments", "filter_list", "contacts_segment"),
            ("Campaigns", "campaign", "contacts_campaign"),
            ("Campaign members", "group_add", "contacts_campaignmember"),
            ("Tasks", "task_alt", "contacts_task"),
            ("What happens by itself", "bolt", "contacts_statusaction"),
            ("Contact addresses", "contact_mail", "contacts_contactaddress"),
            ("External ids", "tag", "contacts_contactexternalid"),
            ("Activities", "history", "contacts_activity"),
            ("Imports", "upload", "contacts_importrun"),
            ("Pieces of imports", "data_object", "contacts_importchunk"),
            ("Saved mappings", "conversion_path", "contacts_savedmapping"),
            ("Possible duplicates", "content_copy", "contacts_duplicatepair"),
            ("Merges", "merge", "contacts_merge"),
            ("Merge runs", "call_merge", "contacts_mergerun"),
            ("Searches for duplicates", "manage_search", "contacts_duplicatesearch"),
            ("Exports", "download", "contacts_export"),
            ("Pieces of exports", "data_object", "contacts_exportpiece"),
        ),
        _models(
            "What came back",
            ("Addresses", "alternate_email", "bounces_address"),
            ("Bounces", "undo", "bounces_bounce"),
            ("Evidence", "fact_check", "bounces_evidence"),
            ("Complaints", "report", "bounces_complaint"),
            ("Attempts", "outgoing_mail", "bounces_attempt"),
            ("Status changes", "swap_horiz", "bounces_statuschange"),
            ("Sources", "door_open", "bounces_intakesource"),
            ("Inbox", "inbox", "bounces_inbounditem"),
            ("Review", "rule", "bounces_reviewitem"),
            ("Waiting for proof", "verified_user", "bounces_unproved"),
            ("Raw pieces", "data_object", "bounces_rawchunk"),
            ("Event keys", "fingerprint", "bounces_eventkey"),
            ("Daily statistics", "bar_chart", "bounces_dailystat"),
            ("Silent addresses", "volume_off", "bounces_silence"),
            ("Recipient domains", "dns", "bounces_domain"),
            ("Incidents", "crisis_alert", "bounces_incident"),
            ("Repairs", "build", "bounces_repair"),
            ("Guards", "shield", "bounces_guard"),
        ),
        _models(
            "Rules",
            ("Policies", "policy", "bounces_policy"),
            ("Classification rules", "rule", "bounces_ruleoverride"),
            ("Suppressions", "block", "bounces_suppression"),
            ("Rulings", "gavel", "bounces_ruling"),
        ),
        _running(),
        _models(
            "Access",
            ("Users", "person", "crm_user"),
            ("Teams", "groups", "crm_team"),
            ("API keys", "key", "crm_apikey"),
            ("Webhooks", "webhook", "crm_webhookendpoint"),
            ("Webhook deliveries", "outbound", "crm_webhookdelivery"),
            ("Emails to users", "outgoing_mail", "crm_outgoingemail"),
            ("Second factors", "security_key", "mfa_authenticator"),
            ("Failed sign-ins", "lock_person", "axes_accessattempt"),
            ("Sign-ins", "login", "axes_accesslog"),
            ("Done in the admin", "receipt_long", "admin_logentry"),
        ),
    ]


def _running() -> dict[str, Any]:
    group = _models(
        "Running",
        ("Schedules", "schedule", "bounces_schedule"),
        ("Runs of schedules", "history", "bounces_schedulerun"),
        ("Cleaning runs", "cleaning_services", "bounces_cleaningrun"),
        ("Rows of runs", "list", "bounces_cleaningrow"),
        ("Targets of runs", "target", "bounces_cleaningtarget"),
        ("Bounces judged again", "published_with_changes", "bounces_rejudging"),
        ("Verdicts of those", "compare_arrows", "bounces_rejudgedbounce"),
        ("Waiting for judgement", "pending", "bounces_dirty"),
        ("Leases", "lock_clock", "bounces_lease"),
        ("Outbox", "outbox", "bounces_outbox"),
    )
    group["items"].insert(0, {"title": "Queue", "icon": "layers", "link": reverse_lazy("django_rq:home")})
    return group


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 -- Unfold's signature
    """Adds the figures of the first page. Each count stops at 10,000."""
    context["title"] = "Overview"
    context["figures"] = [asdict(figure) for figure in _figures()]
    return context


def _figures() -> list[Figure]:
    from django.utils import timezone

    from bounces import suppressions
    from bounces.models import CleaningRun, Dirty, InboundItem, Outbox
    from contacts.models import Contact
    from crm.models import User

    inbox, outbox, runs = "bounces_inbounditem", "bounces_outbox", "bounces_cleaningrun"
    items = InboundItem.objects
    failed = CleaningRun.objects.filter(state="failed")
    stuck = Outbox.objects.filter(done_at__isnull=True, tries__gt=0)
    return [
        _figure("Contacts", Contact.objects.present(), "contacts_contact", "whom we write to"),
        _figure("Users", User.objects.filter(is_active=True), "crm_user", "who can sign in", "?is_active__exact=1"),
        _figure(
            "Suppressions", suppressions.active(timezone.now()), "bounces_suppression", "in force", "?in_force=yes"
        ),
        _figure("To be judged", Dirty.objects.all(), "bounces_dirty", "addresses with news"),
        _figure("Inbox", items.filter(state="pending"), inbox, "waiting to be read", "?state__exact=pending", "info"),
        _figure(
            "Quarantine",
            items.filter(state="quarantined"),
            inbox,
            "could not be read",
            "?state__exact=quarantined",
            "warning",
        ),
        _figure("Announcements", stuck, outbox, "told in vain so far", "?done_at__isempty=1", "danger"),
        _figure("Cleaning runs", failed, runs, "failed", "?state__exact=failed", "danger"),
    ]


def _figure(label: str, rows: Any, model: str, note: str, query: str = "", tone: str = "") -> Figure:
    """Toned only where there is something to look at."""
    from bounces.paging import capped_count

    count = capped_count(rows)
    url = reverse(f"admin:{model}_changelist") + query
    return Figure(label, str(count), url, note, tone if count else "")


def _mark(request: HttpRequest) -> str:  # noqa: ARG001 -- Unfold's signature
    return static("crm/mark.svg")


def _never(request: HttpRequest) -> bool:  # noqa: ARG001 -- Unfold's signature
    return False


def _styles(request: HttpRequest) -> str:  # noqa: ARG001 -- Unfold's signature
    return static("crm/admin.css")


def _scripts(request: HttpRequest) -> str:  # noqa: ARG001 -- likewise
    return static("crm/admin.js")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Rebound",
    "SITE_HEADER": "Rebound",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SITE_ICON": _mark,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
    "STYLES": [_styles],
    "SCRIPTS": [_scripts],
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": ACCENT},
    "DASHBOARD_CALLBACK": "crm.admin_site.overview",
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": navigation},
    "ACCOUNT": {"navigation": [{"title": "Back to Rebound", "link": reverse_lazy("dashboard")}]},
}

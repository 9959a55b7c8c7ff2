"""The entries of the navigation, as data.

In: the user and the path of the present page. Out: groups of links for `templates/_sidebar.html` and `_tabbar.html`.
An entry with a permission is shown to those who have it (`crm/roles.py`); the page itself checks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    url_name: str
    permission: str = ""  # empty: everyone
    staff: bool = False
    count_url: str = ""  # answers with how many wait there, to those who may see it
    count_permission: str = ""
    in_tabs: bool = False  # also in the bar at the bottom of a phone


ENTRIES: dict[str, tuple[Entry, ...]] = {
    "": (Entry("Dashboard", "gauge", "dashboard", in_tabs=True),),
    "People": (
        Entry("Contacts", "users", "contacts:list", in_tabs=True),
        Entry("Tasks", "list-checks", "contacts:tasks"),
        Entry("Companies", "building-2", "contacts:companies"),
        Entry("Duplicates", "merge", "contacts:duplicates", permission="contacts.delete_contact"),
        Entry("Segments", "list-filter", "contacts:segments"),
        Entry("Campaigns", "megaphone", "contacts:campaigns"),
    ),
    "Deliverability": (
        Entry("Bounces", "mail-x", "bounces:list", in_tabs=True),
        Entry("Upload", "upload", "bounces:upload", permission="bounces.upload_bounces"),
        Entry("Cleaning", "brush-cleaning", "bounces:cleaning", in_tabs=True),
        Entry(
            "Review",
            "clipboard-check",
            "bounces:review",
            permission="bounces.ask_restore",
            count_url="bounces:review_count",
            count_permission="bounces.restore_address",
        ),
        Entry("Suppressions", "ban", "bounces:suppressions", permission="bounces.change_suppression"),
        Entry("Reputation", "activity", "bounces:reputation"),
        Entry("Incidents", "siren", "bounces:incidents"),
        Entry("Inbox", "inbox", "bounces:inbox", permission="bounces.view_inbounditem"),
    ),
    "System": (
        Entry("Admin", "settings", "admin:index", staff=True),
        Entry("Queue", "layers", "django_rq:home", staff=True),
    ),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    icon: str
    url: str
    is_current: bool
    in_tabs: bool
    count_url: str = ""


def allowed(entry: Entry, user: Any) -> bool:
    if entry.staff:
        return bool(user.is_staff)
    return not entry.permission or user.has_perm(entry.permission)


def groups(user: Any, path: str) -> list[tuple[str, list[Link]]]:
    """The groups this user sees. The current link is the one whose URL is the longest beginning of `path`."""
    shown = {title: [e for e in entries if allowed(e, user)] for title, entries in ENTRIES.items()}
    urls = {entry: reverse(entry.url_name) for entries in shown.values() for entry in entries}
    home = reverse("dashboard")
    matching = [url for url in urls.values() if path == url or (url != home and path.startswith(url))]
    current = max(matching, key=len, default="")
    return [
        (title, [Link(e.label, e.icon, urls[e], urls[e] == current, e.in_tabs, _count(e, user)) for e in entries])
        for title, entries in shown.items()
        if entries
    ]


def _count(entry: Entry, user: Any) -> str:
    return reverse(entry.count_url) if entry.count_url and user.has_perm(entry.count_permission) else ""

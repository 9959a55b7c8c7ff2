"""Whose rows a person sees and may change: one scoped queryset a model, used by pages, API, export and jobs alike.

In: a user. Out: querysets and yes-or-no answers. Asks for permissions only (`crm/roles.py` gives them to roles), and
for the user's `team_id`. REBOUND_SALES_SEE decides how far those see who may not change everyone's contacts: `all`,
or their own `team`'s and what nobody owns.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet

from bounces.demands import Demand
from contacts.models import Campaign, Company, Contact, ContactAddress, Segment
from contacts.models.people import ContactQuerySet

Row = TypeVar("Row", bound=Model)
User = Any  # the project's own user model, which `contacts` may not import


def contacts_for(user: User) -> ContactQuerySet:
    contacts = Contact.objects.present()
    if not user.has_perm("contacts.view_contact"):
        return contacts.none()
    return contacts if _sees_everything(user) else contacts.filter(_of_team(user))


def changeable_contacts(user: User) -> ContactQuerySet:
    """The set for which `can_change_contact` says yes."""
    contacts = contacts_for(user)
    if user.has_perm("contacts.change_everyones_contact"):
        return contacts
    if not user.has_perm("contacts.change_contact"):
        return contacts.none()
    return contacts.filter(_own_or_unowned(user))


def addresses_seen_by(user: User) -> QuerySet[ContactAddress, Any] | None:
    """The ids of the addresses of contacts that they see; None: of all, also of those that no contact has."""
    if _sees_everything(user):
        return None
    return ContactAddress.objects.filter(contact__in=contacts_for(user)).values("address")


def companies_for(user: User) -> QuerySet[Company]:
    return _scoped(Company.objects.all(), user, "contacts.view_company")


def changeable_companies(user: User) -> QuerySet[Company]:
    """The set for which `can_change_company` says yes."""
    companies = companies_for(user)
    if user.has_perm("contacts.change_everyones_contact"):
        return companies
    return companies.filter(_own_or_unowned(user)) if user.has_perm("contacts.change_company") else companies.none()


def campaigns_for(user: User | None) -> QuerySet[Campaign]:
    """`None` is the system: it works for segments that nobody owns."""
    if user is None:
        return Campaign.objects.all()
    return _scoped(Campaign.objects.all(), user, "contacts.view_campaign")


def campaigns_hidden_from(user: User) -> set[str]:
    """The keys of campaigns that they do not see. A key without a campaign belongs to nobody, and is shown."""
    if _sees_everything(user):
        return set()
    return set(Campaign.objects.exclude(pk__in=campaigns_for(user).values("pk")).values_list("key", flat=True))


def demand_of(campaign_key: str, user: User | None) -> Demand | None:
    """What a campaign that this user sees asks of an address; None where there is none of that key."""
    campaign = campaigns_for(user).filter(key=campaign_key).first()
    return campaign.demand if campaign else None


def segments_for(user: User) -> QuerySet[Segment]:
    """Segments are shared: each finds, for whoever uses it, only contacts that they see."""
    return Segment.objects.all() if user.has_perm("contacts.view_segment") else Segment.objects.none()


def can_change_contact(user: User, contact: Contact) -> bool:
    if user.has_perm("contacts.change_everyones_contact"):
        return True
    return bool(user.has_perm("contacts.change_contact")) and contact.owner_id in (None, user.pk)


def name_for(user: User | None, contact: Contact) -> str:
    """How a sentence may name a contact to someone: by name only where they see it. `None` is the system."""
    if user is None or contacts_for(user).filter(pk=contact.pk).exists():
        return str(contact)
    return "a contact that you do not see"


def can_change_company(user: User, company: Company) -> bool:
    if user.has_perm("contacts.change_everyones_contact"):
        return True
    return bool(user.has_perm("contacts.change_company")) and company.owner_id in (None, user.pk)


def can_change_campaign(user: User, campaign: Campaign) -> bool:
    if user.has_perm("contacts.change_everyones_campaign"):
        return True
    return bool(user.has_perm("contacts.change_campaign")) and campaign.owner_id == user.pk


def can_change_segment(user: User, segment: Segment) -> bool:
    if user.has_perm("contacts.change_segment"):
        return True
    return bool(user.has_perm("contacts.add_segment")) and segment.owner_id == user.pk


def _scoped(rows: QuerySet[Row], user: User, permission: str) -> QuerySet[Row]:
    if not user.has_perm(permission):
        return rows.none()
    return rows if _sees_everything(user) else rows.filter(_of_team(user))


def _sees_everything(user: User) -> bool:
    return settings.SALES_SEE == "all" or bool(user.has_perm("contacts.change_everyones_contact"))


def _of_team(user: User) -> Q:
    mine = _own_or_unowned(user)
    return mine | Q(owner__team=user.team_id) if user.team_id else mine


def _own_or_unowned(user: User) -> Q:
    return Q(owner__isnull=True) | Q(owner=user.pk)

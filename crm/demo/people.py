"""The cast as rows: users and teams, custom fields, companies, contacts by the import, campaigns, segments.

In: what `cast.py` and `plans.py` made up. Out: rows. Inside the caller's transaction.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import tablib

from bounces.models import Address
from contacts.importing.columns import FIELD_WORDS
from contacts.importing.options import Options
from contacts.importing.resources import ContactResource
from contacts.models import Campaign, CampaignMember, Company, Contact, ContactAddress, CustomField, Segment
from contacts.stored_filters import store
from crm.demo.cast import COLLEAGUES, OVERSEAS, Colleague, Firm, Person
from crm.demo.plans import PLANS, Plan
from crm.demo.words import INDUSTRIES
from crm.models import Team, User

Owner = TypeVar("Owner")
TAGS = (("customer", 0.35), ("partner", 0.06), ("press", 0.03), ("decision maker", 0.18), ("trial", 0.12))
SEGMENTS: tuple[tuple[str, dict[str, list[str]]], ...] = (
    ("Customers in Germany", {"tag": ["customer"], "country": ["DE"]}),
    ("Decision makers we can email", {"tag": ["decision maker"], "verdict": ["yes"]}),
    ("At risk or invalid customers", {"tag": ["customer"], "status": ["at_risk", "invalid"]}),
    ("Nobody's contacts", {"owner": ["none"]}),
)


def hire_colleagues() -> list[User]:
    """Our users. Without a password nobody signs in as them."""
    users = []
    for colleague in COLLEAGUES:
        team, _ = Team.objects.get_or_create(name=colleague.team)
        known = User.objects.filter(email=colleague.email).first()
        users.append(
            known or User.objects.create_user(colleague.email, name=colleague.name, role=colleague.role, team=team)
        )
    return users


def declare_fields() -> None:
    kinds = CustomField.Type
    wanted: tuple[tuple[str, str, CustomField.Type, list[str]], ...] = (
        ("industry", "Industry", kinds.CHOICE, list(INDUSTRIES)),
        ("employees", "Employees", kinds.NUMBER, []),
        ("renews_on", "Renews on", kinds.DATE, []),
    )
    for position, (key, label, kind, options) in enumerate(wanted):
        CustomField.objects.get_or_create(
            key=key, defaults={"label": label, "type": kind, "options": options, "position": position}
        )


def choose_owners(firms: Sequence[Firm], dice: random.Random) -> list[Colleague | None]:
    return [owner_of(firm.culture.country, COLLEAGUES, dice) for firm in firms]


def found_companies(
    firms: Sequence[Firm], owners: Sequence[Colleague | None], users: Sequence[User], at: datetime
) -> None:
    user_of = dict(zip(COLLEAGUES, users, strict=True))
    Company.objects.bulk_create(
        [
            Company(
                name=firm.name,
                domain=firm.domain,
                country=firm.culture.country,
                owner=user_of[owner] if owner else None,
                created_at=at,
            )
            for firm, owner in zip(firms, owners, strict=True)
        ],
        ignore_conflicts=True,
    )


def owner_of(country: str, owners: Sequence[Owner], dice: random.Random) -> Owner | None:
    """Of the colleagues, in their order: someone of the team for that part of the world; some have nobody yet."""
    team = [
        user
        for user, colleague in zip(owners, COLLEAGUES, strict=True)
        if (colleague.team == "Overseas") == (country in OVERSEAS)
    ]
    return dice.choice(team) if dice.random() < 0.93 else None


def import_people(
    people: Sequence[Person], file: str, owners: Sequence[User], at: datetime, dice: random.Random
) -> None:
    """One list, as if the first manager had imported its file on that day."""
    dataset = tablib.Dataset(headers=[*FIELD_WORDS, "industry", "employees", "renews_on"])
    for person in people:
        dataset.append(_row(person, owner_of(person.country, owners, dice), file, at.date(), dice))
    resource = ContactResource(by=owners[0], options=Options(source=file), origin=file, now=at)
    result = resource.import_data(dataset, raise_errors=True)
    report = resource.report(result)
    if report.problems:
        raise ValueError(f"The demo's own list has a bad row: {report.problems[0]}")
    emails = [person.email for person in people]
    reached = ContactAddress.objects.filter(address__email__in=emails, is_primary=True)
    Contact.objects.filter(pk__in=reached.values("contact")).update(created_at=at, updated_at=at)
    Address.objects.filter(email__in=emails).update(created_at=at)


def _row(person: Person, owner: User | None, file: str, on: date, dice: random.Random) -> list[str]:
    firm = person.firm
    tags = [name for name, share in TAGS if dice.random() < share]
    renews = on + timedelta(days=dice.randrange(30, 400)) if firm and "customer" in tags else None
    cells = {
        "email": person.email,
        "other_emails": ", ".join(person.emails[1:]),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "title": person.title,
        "company": firm.name if firm else "",
        "owner": owner.email if owner else "",
        "phone": person.phone,
        "country": person.country,
        "tags": ", ".join(tags),
        "source": file,
        "external_id": "",
    }
    return [
        *(cells[column] for column in FIELD_WORDS),
        firm.industry if firm else "",
        str(firm.employees) if firm else "",
        renews.isoformat() if renews else "",
    ]


def make_campaigns(
    members: Mapping[str, Sequence[Person]], owners: Sequence[User], days: Sequence[date], at: datetime
) -> None:
    for plan in PLANS:
        starts, ends = _dates(plan, days)
        campaign = Campaign.objects.create(
            name=plan.name,
            key=plan.key,
            description=plan.description,
            owner=owners[plan.owner],
            state=plan.state,
            starts_on=starts,
            ends_on=ends if plan.state in ("finished", "paused") else None,
            created_at=at,
        )
        _add_members(campaign, [person.email for person in members[plan.key]], at)


def _dates(plan: Plan, days: Sequence[date]) -> tuple[date | None, date | None]:
    if not plan.waves:
        return None, None
    return days[int(plan.waves[0][0] * len(days))], days[min(int(plan.waves[-1][1] * len(days)), len(days) - 1)]


def _add_members(campaign: Campaign, emails: Sequence[str], at: datetime) -> None:
    reached = ContactAddress.objects.filter(address__email__in=emails, is_primary=True)
    CampaignMember.objects.bulk_create(
        [
            CampaignMember(campaign=campaign, contact_id=contact_id, added_at=at)
            for contact_id in reached.order_by("contact_id").values_list("contact_id", flat=True)
        ]
    )


def make_segments(owner: User, at: datetime) -> None:
    for name, words in SEGMENTS:
        kept = {"filter": store(words, None), "owner": owner, "created_at": at}
        Segment.objects.get_or_create(name=name, defaults=kept)

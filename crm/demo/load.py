"""Loading the demo: the verbs in order, in one transaction.

In: how many contacts and days, a seed, the moment. Out: the whole demo, or nothing: one that is killed leaves no row,
and no worker sees half of it and judges it by today's clock. The same seed and moment give the same demo.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.db.models import Q

from bounces import cleaning, rulings, suppressions
from bounces.intake.keep import Door, Piece, keep_pieces
from bounces.models import Address, InboundItem
from bounces.values import Status, Trust
from contacts import bulk
from contacts.models import Campaign, Contact, Tag
from contacts.people import add_note
from crm.demo import letters, people
from crm.demo.cast import COLLEAGUES, PEOPLE_A_COMPANY, Person, found_firms, meet_people
from crm.demo.fates import Story, tell_fates
from crm.demo.history import Diary, drain_inbox, tell_announcements, tell_days
from crm.demo.plans import LISTS, PLANS, List, choose_members, plan_days, split_lists, working_days
from crm.demo.words import NOTES
from crm.models import User

LOAD_LOCK = 9_114_007  # any number that no other advisory lock of ours has
BLOCKED = 0.60  # the day on which a provider refuses our server, as a share of the days
IDLE_DAYS = 4  # no worker ran, and a manager's cleaning run finds what they left
TAGGED_LATELY = 14
ANALYSED_AFTER = (1, 5, 15, 40)
GROWN = (
    "bounces_address", "bounces_attempt", "bounces_bounce", "bounces_eventkey", "bounces_inbounditem",
    "bounces_rawchunk", "bounces_statuschange", "contacts_contact", "contacts_contactaddress",
)  # fmt: skip


class CannotLoad(Exception):
    """What stands in the way and what to do about it, in one plain sentence."""


@dataclass(frozen=True, slots=True)
class Size:
    contacts: int = 2000
    days: int = 120


Watch = Callable[[str, int, int], None]  # the phase, how far it is, out of how many


def load(size: Size, seed: int, now: datetime, watch: Watch = lambda *_: None, *, force: bool = False) -> None:
    """Raises CannotLoad where the demo, or (without `force`) any contact, is there already."""
    with transaction.atomic():
        refuse_unless_it_fits(force=force)
        Loading(size, seed, now, watch).run()


def refuse_unless_it_fits(*, force: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOAD_LOCK])
        if not cursor.fetchone()[0]:
            raise CannotLoad("Another process is loading the demo at this moment.")
    if User.objects.filter(email=COLLEAGUES[0].email).exists():
        raise CannotLoad("The demo is in this database already. To start afresh, give Rebound an empty database.")
    taken = Campaign.objects.filter(Q(key__in=[p.key for p in PLANS]) | Q(name__in=[p.name for p in PLANS])).first()
    if taken:
        raise CannotLoad(f"There is a campaign “{taken}” already, and the demo brings one of that name.")
    if not force and Contact.objects.exists():
        raise CannotLoad("There are contacts in this database. Use an empty one, or --force to mix the demo with them.")


class Loading:
    """One load: what the steps share."""

    def __init__(self, size: Size, seed: int, now: datetime, watch: Watch) -> None:
        self.dice = random.Random(seed)  # noqa: S311  (a demo, not a secret)
        self.now, self.seed, self.watch = now, seed, watch
        today = now.astimezone(UTC).date()
        self.days: list[date] = [today - timedelta(days=n) for n in reversed(range(size.days))]
        self.firms = found_firms(max(6, size.contacts // PEOPLE_A_COMPANY), self.dice)
        self.people = meet_people(size.contacts, self.firms, self.dice)
        self.lists = split_lists(self.people)
        self.members = choose_members(self.people, self.dice)
        self.mornings: defaultdict[int, list[Callable[[datetime], None]]] = defaultdict(list)
        self.evenings: defaultdict[int, list[Callable[[datetime], None]]] = defaultdict(list)

    def run(self) -> None:
        self.watch("People", 0, 1)
        self.colleagues = people.hire_colleagues()
        people.declare_fields()
        people.found_companies(self.firms, self.colleagues, self._day_start(0), self.dice)
        story = self._tell_fates()
        diary = Diary(self.days, story, self.colleagues[0], self.now, self.seed, self.dice)
        self._plan_imports()
        self._plan_cleaning()
        self._plan_interventions(story)
        self._plan_notes()
        self.watch("People", 1, 1)
        by_day = plan_days(self.members, self._joined(), self.days, self.dice)
        tell_days(diary, by_day, self.mornings, self.evenings, self.idle, self._day_done)
        people.make_campaigns(self.members, self.colleagues, self.days, self._day_start(0))
        people.make_segments(self.colleagues[0], self._day_start(0))
        self.watch("Announcements", 0, 1)
        tell_announcements(self._database_time())  # the outbox goes by the database's clock
        self.watch("Announcements", 1, 1)

    # --- when what happens --------------------------------------------------------------------------

    def _number(self, share: float) -> int:
        """A weekday near that share of the story."""
        return working_days(self.days, share, 1.0)[0]

    def _day_start(self, number: int) -> datetime:
        return min(datetime.combine(self.days[number], datetime.min.time(), UTC), self.now)

    def _joined(self) -> dict[str, int]:
        return {person.email: self._number(each.day) for each, some in self.lists.items() for person in some}

    def _tell_fates(self) -> Story:
        wrong: set[str] = set()
        for each, some in self.lists.items():
            wrong.update(person.email for person in self.dice.sample(list(some), round(each.wrong * len(some))))
        newsletter = {person.email for person in self.members["newsletter"]}
        often = {person.email for person in self.members["renewals"]} & newsletter
        return tell_fates(self.people, wrong, often, len(self.days), self._number(BLOCKED), self.dice)

    def _plan_imports(self) -> None:
        for each in LISTS:
            self.mornings[self._number(each.day)].append(partial(self._import, each))

    def _import(self, which: List, at: datetime) -> None:
        people.import_people(self.lists[which], which.file, self.colleagues, at, self.dice)

    def _plan_cleaning(self) -> None:
        manager = self.colleagues[0]
        self.evenings[self._number(0.04)].append(partial(clean, manager, via="page", dry_run=True))
        after_a_pause = self._number(0.37)
        self.idle = range(after_a_pause - IDLE_DAYS, after_a_pause)
        self.evenings[after_a_pause].append(partial(clean, manager, via="page"))
        for number in {max(0, len(self.days) - 2), len(self.days) - 1}:
            self.mornings[number].append(partial(clean, None, via="schedule"))

    def _plan_interventions(self, story: Story) -> None:
        """What people did: uploads by mistake, a restore, a competitor that nobody may write to."""
        manager, other = self.colleagues[0], self.colleagues[4]
        self.evenings[self._number(0.20)].append(partial(upload_junk, manager))
        self.evenings[self._number(0.60)].append(partial(restore_one, other, story))
        self.evenings[self._number(0.50)].append(partial(suppress_competitor, manager))
        emails = [person.email for person in self.dice.sample(self.members["renewals"], TAGGED_LATELY)]
        self.evenings[len(self.days) - 7].append(partial(tag_lately, other, emails))

    def _plan_notes(self) -> None:
        joined = self._joined()
        for person in self.dice.sample(self.people, max(2, len(self.people) // 20)):
            number = int(self.dice.triangular(joined[person.email], len(self.days) - 1, len(self.days) - 1))
            self.evenings[number].append(partial(self._note, person, self.dice.choice(NOTES)))

    def _note(self, person: Person, text: str, at: datetime) -> None:
        contact = Contact.objects.get(
            contact_addresses__address__email=person.email, contact_addresses__is_primary=True, deleted_at=None
        )
        earlier = at - timedelta(minutes=self.dice.randrange(5, 540))
        add_note(contact, text, by=contact.owner or self.colleagues[0], now=earlier)

    def _day_done(self, number: int) -> None:
        """Within one transaction nobody else counts the rows for the planner."""
        self.watch("Days", number, len(self.days))
        if number in ANALYSED_AFTER:
            with connection.cursor() as cursor:
                cursor.execute(f"ANALYZE {', '.join(GROWN)}")

    def _database_time(self) -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
        return moment


def clean(by: User | None, now: datetime, *, via: str, dry_run: bool = False) -> None:
    """A run that judges what has just come in, before the flow does."""
    drain_inbox(now)
    run = cleaning.start_run(via=via, now=now, by=by, dry_run=dry_run)
    cleaning.work(run.pk, lambda: now)


def upload_junk(by: User, now: datetime) -> None:
    """A picture, and a report that a gateway has emptied: kept, and set aside with a reason."""
    door = Door(source="upload", trust=Trust.TRUSTED, now=now, by_id=by.pk)
    picture, report = letters.picture(), letters.nameless_report(now)
    pieces = [
        Piece(picture, "badge-scan.jpg", InboundItem.Form.UNKNOWN, picture),
        Piece(report, "gateway-notice.eml", InboundItem.Form.MAIL, report),
    ]
    keep_pieces(pieces, door)


def restore_one(by: User, story: Story, now: datetime) -> None:
    """Somebody called, and the mailbox works again: its fate is lifted too."""
    address = Address.objects.filter(status=Status.INVALID).order_by("-last_delivered_at", "pk").first()
    if address is not None:
        story.fates.pop(address.email, None)
        rulings.restore(address, by, "Called them: their server was moved, the mailbox works again.", now)


def tag_lately(by: User, emails: list[str], now: datetime) -> None:
    tag, _ = Tag.objects.get_or_create(name="renewal due")
    chosen = Contact.objects.present().filter(
        contact_addresses__address__email__in=emails, contact_addresses__is_primary=True
    )
    bulk.add_tag(bulk.ids_of(chosen), tag, by=by, now=now)


def suppress_competitor(by: User, now: datetime) -> None:
    suppressions.suppress_domain(
        "rivermark.example", "manual", "page", by=by, now=now, note="A competitor: nobody there is to be written to."
    )

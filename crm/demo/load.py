"""Loading the demo: the verbs in order, a day or a few in each transaction (`slices.py`).

In: how many contacts and days, a seed, the moment. Out: the demo. One that is stopped, or killed anywhere, goes on
after its last committed day: what was decided before the first day is decided anew by the same seed, and what the days
have changed since is kept with the row `DemoLoad`. The same seed and moment give the same demo, stopped or not.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, connection
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
from crm.demo.history import Diary, Happening, drain_inbox, tell_announcements, tell_day
from crm.demo.models import DemoLoad
from crm.demo.plans import LISTS, PLANS, List, choose_members, plan_days, split_lists, working_days
from crm.demo.slices import tell_slice
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
    """Goes on with a load that was stopped, by its own size, seed and moment.

    Raises CannotLoad where the demo, or (without `force`) any contact, is there already.
    """
    with one_at_a_time():
        row = DemoLoad.objects.filter(finished_at=None).first()
        if row is None:
            refuse_unless_it_fits(force=force)
            row = DemoLoad(contacts=size.contacts, days=size.days, seed=seed, told_at=now)
        Loading(row, watch).run()


def is_begun() -> bool:
    """Whether a load waits to be gone on with."""
    return DemoLoad.objects.filter(finished_at=None).exists()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """PostgreSQL lets go of the lock with the session, so a killed load holds nobody up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOAD_LOCK])
        if not cursor.fetchone()[0]:
            raise CannotLoad("Another process is loading the demo at this moment.")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOAD_LOCK])


def refuse_unless_it_fits(*, force: bool) -> None:
    if User.objects.filter(email=COLLEAGUES[0].email).exists():
        raise CannotLoad("The demo is in this database already. To start afresh, give Rebound an empty database.")
    taken = Campaign.objects.filter(Q(key__in=[p.key for p in PLANS]) | Q(name__in=[p.name for p in PLANS])).first()
    if taken:
        raise CannotLoad(f"There is a campaign “{taken}” already, and the demo brings one of that name.")
    if not force and Contact.objects.exists():
        raise CannotLoad("There are contacts in this database. Use an empty one, or --force to mix the demo with them.")


class Loading:
    """One load: what the steps share. It is the `Memory` of its slices."""

    def __init__(self, row: DemoLoad, watch: Watch) -> None:
        self.dice = random.Random(row.seed)  # noqa: S311  (a demo, not a secret)
        self.row, self.now, self.seed, self.watch = row, row.told_at, row.seed, watch
        today = self.now.astimezone(UTC).date()
        self.days: list[date] = [today - timedelta(days=n) for n in reversed(range(row.days))]
        self.firms = found_firms(max(6, row.contacts // PEOPLE_A_COMPANY), self.dice)
        self.people = meet_people(row.contacts, self.firms, self.dice)
        self.lists = split_lists(self.people)
        self.members = choose_members(self.people, self.dice)
        self.owners = people.choose_owners(self.firms, self.dice)
        self.story = self._tell_fates()
        self.mornings: defaultdict[int, list[Happening]] = defaultdict(list)
        self.evenings: defaultdict[int, list[Happening]] = defaultdict(list)
        self._plan_imports()
        self._plan_cleaning()
        self._plan_interventions()
        self._plan_notes()
        self.by_day = plan_days(self.members, self._joined(), self.days, self.dice)
        self.diary = Diary(self.days, self.story, self.now, self.seed, self.dice)

    def run(self) -> None:
        if self.row.days_done == 0:
            self.watch("Days", 0, len(self.days))
            self._commit(0, self._settle_in)
        self.colleagues = people.hire_colleagues()
        self.diary.uploader = self.colleagues[0]
        for first, end in self._parts():
            if end > self.row.days_done:
                self._commit(end, partial(self._tell_days, first, end))
                self._day_done(end)
        if self.row.finished_at is None:
            self._commit(len(self.days), self._end, is_last=True)

    def _commit(self, days_done: int, work: Callable[[], None], *, is_last: bool = False) -> None:
        tell_slice(self.row, self, days_done, work, is_last=is_last)

    def _settle_in(self) -> None:
        colleagues = people.hire_colleagues()
        people.declare_fields()
        people.found_companies(self.firms, self.owners, colleagues, self._day_start(0))

    def _parts(self) -> Iterator[tuple[int, int]]:
        """The days from `first` up to `end` that are committed together: idle days with the one that ends the pause.

        What waits in the inbox overnight would be read by the real flow.
        """
        first = 0
        for number in range(len(self.days)):
            if number not in self.idle:
                yield first, number + 1
                first = number + 1

    def _tell_days(self, first: int, end: int) -> None:
        for number in range(first, end):
            tell_day(self.diary, number, self.by_day, self.mornings, self.evenings, is_idle=number in self.idle)

    def _end(self) -> None:
        people.make_campaigns(self.members, self.colleagues, self.days, self._day_start(0))
        people.make_segments(self.colleagues[0], self._day_start(0))
        tell_announcements(self._database_time())  # the outbox goes by the database's clock

    # --- what the next day builds on ---------------------------------------------------------------

    def keep(self) -> dict[str, Any]:
        version, numbers, gauss = self.dice.getstate()
        return {"dice": [version, list(numbers), gauss], "diary": self.diary.keep()}

    def recall(self, state: dict[str, Any]) -> None:
        """Before the first day there is nothing to recall: what was planned stands."""
        if "dice" in state:
            version, numbers, gauss = state["dice"]
            self.dice.setstate((version, tuple(numbers), gauss))
            self.diary.recall(state["diary"])

    # --- when what happens --------------------------------------------------------------------------

    def _number(self, share: float) -> int:
        """A weekday near that share of the story."""
        return working_days(self.days, share, 1.0)[0]

    def _done_by(self, number: int, deed: Callable[..., None], *given: Any, **more: Any) -> Happening:
        """A colleague's deed: the row of whoever does it is there once they are hired."""
        return lambda at: deed(self.colleagues[number], *given, at, **more)

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
        self.evenings[self._number(0.04)].append(self._done_by(0, clean, via="page", dry_run=True))
        after_a_pause = self._number(0.37)
        self.idle = range(after_a_pause - IDLE_DAYS, after_a_pause)
        self.evenings[after_a_pause].append(self._done_by(0, clean, via="page"))
        for number in {max(0, len(self.days) - 2), len(self.days) - 1}:
            self.mornings[number].append(partial(clean, None, via="schedule"))

    def _plan_interventions(self) -> None:
        """What people did: uploads by mistake, a restore, a competitor that nobody may write to."""
        self.evenings[self._number(0.20)].append(self._done_by(0, upload_junk))
        self.evenings[self._number(0.60)].append(self._done_by(4, restore_one, self.story))
        self.evenings[self._number(0.50)].append(self._done_by(0, suppress_competitor))
        emails = [person.email for person in self.dice.sample(self.members["renewals"], TAGGED_LATELY)]
        self.evenings[len(self.days) - 7].append(self._done_by(4, tag_lately, emails))

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
        """Rows come faster than PostgreSQL counts them for the planner by itself."""
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

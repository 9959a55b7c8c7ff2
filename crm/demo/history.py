"""The days of the story, one after the other: what is sent, what becomes of it, and what the flow makes of that.

In: the plan of each day, and the truth about each mailbox. Out: events and mails through the doors, then the flow with
that day's evening as its clock. Whom the verdict refuses is not written to, so the cleaning shows in the rates.
"""

from __future__ import annotations

import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bounces import lease, outbox, process
from bounces.addresses import keep_addresses
from bounces.intake.events import keep_events
from bounces.intake.keep import Door, Piece, keep_pieces, keep_stream
from bounces.lease import Lease
from bounces.models import InboundItem
from bounces.values import Answer, Trust
from bounces.verdict import verdicts_of
from crm.demo.fates import Story, Trouble
from crm.demo.letters import Failure, Sent, auto_reply, bounce_mail, complaint_mail
from crm.demo.plans import Sending
from crm.demo.replies import reply_to
from crm.demo.words import OUR_DOMAIN, SUBJECTS
from crm.models import User

TOOL = "api:outreach"
MORNING, EVENING = time(2, 0), time(18, 5)
BUSY = "Another process took the flow amid a day of the demo's story. Load it again: it goes on."
# Of the messages that are delivered: how many are opened, and so on.
OPENED, CLICKED, REPLIED, AWAY = 0.34, 0.05, 0.03, 0.012
UNSUBSCRIBED, COMPLAINED, DELAYED, SPAM = 0.002, 0.0005, 0.006, 0.0008

Happening = Callable[[datetime], None]
Happenings = Mapping[int, Sequence[Happening]]


@dataclass(slots=True)
class Day:
    """What arrives on one day: events of the outreach tool, and mails that a manager uploads."""

    events: list[dict[str, Any]] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)


class Diary:
    """What is known of the days that are told, and of the answers that are still to come."""

    uploader: User  # a row that is there once the story has begun

    def __init__(self, days: Sequence[date], story: Story, now: datetime, seed: int, dice: random.Random) -> None:
        self.days, self.story, self.now, self.seed, self.dice = days, story, now, seed, dice
        self.arriving: dict[int, Day] = defaultdict(Day)
        self.messages = 0
        self.events = 0

    # --- what it remembers, as JSON ----------------------------------------------------------------

    def keep(self) -> dict[str, Any]:
        arriving = {
            str(number): {"events": day.events, "mails": [mail.decode("latin-1") for mail in day.mails]}
            for number, day in self.arriving.items()
        }
        healed = sorted(self.story.at_first.keys() - self.story.fates.keys())
        return {"arriving": arriving, "messages": self.messages, "events": self.events, "healed": healed}

    def recall(self, state: dict[str, Any]) -> None:
        self.messages, self.events = state["messages"], state["events"]
        self.arriving = defaultdict(Day)
        for number, day in state["arriving"].items():
            self.arriving[int(number)] = Day(day["events"], [mail.encode("latin-1") for mail in day["mails"]])
        self.story.fates = {email: fate for email, fate in self.story.at_first.items() if email not in state["healed"]}

    # --- a day ------------------------------------------------------------------------------------

    def clock(self, number: int) -> datetime:
        """The evening of a day, as late as it is today."""
        return min(datetime.combine(self.days[number], EVENING, UTC), self.now)

    def morning(self, number: int) -> datetime:
        return min(datetime.combine(self.days[number], MORNING, UTC), self.now)

    def send(self, number: int, sendings: Sequence[Sending]) -> None:
        """Writes to those whom the verdict allows; decides what becomes of each message."""
        ids = keep_addresses(sending.person.email for sending in sendings)
        verdicts = verdicts_of(list(ids.values()), self.clock(number))
        for sending in sendings:
            at = self._moment(number)
            if verdicts[ids[sending.person.email]].answer != Answer.NO and at < self.now:
                self._send_one(number, sending, at)

    def keep_arrivals(self, number: int) -> None:
        """Puts what arrives today into the inbox, by the doors."""
        day, now = self.arriving.pop(number, Day()), self.clock(number)
        keep_events(sorted(day.events, key=lambda event: event["occurred_at"]), TOOL, self.uploader, now)
        door = Door(source="upload", trust=Trust.TRUSTED, now=now, by_id=self.uploader.pk)
        if self.days[number].weekday() == 4 and len(day.mails) > 1:
            body = b"".join(b"From MAILER-DAEMON Fri Jan  2 12:00:00 2026\n" + mail + b"\n" for mail in day.mails)
            keep_stream(io.BytesIO(body), len(body), f"bounces-{self.days[number]:%Y-%m-%d}.mbox", door)
        else:
            keep_pieces([self._piece(number, place, mail) for place, mail in enumerate(day.mails, 1)], door)

    def _piece(self, number: int, place: int, mail: bytes) -> Piece:
        name = f"bounce-{self.days[number]:%Y-%m-%d}-{place:02d}.eml"
        return Piece(body=mail, name=name, form=InboundItem.Form.MAIL, identity=mail)

    # --- one message ------------------------------------------------------------------------------

    def _send_one(self, number: int, sending: Sending, at: datetime) -> None:
        self.messages += 1
        subject = SUBJECTS[sending.plan.key][sending.wave % len(SUBJECTS[sending.plan.key])]
        message_id = f"{sending.plan.key}.{self.seed}.{self.messages:06d}@{OUR_DOMAIN}"
        sent = Sent(sending.person.email, sending.sender, subject, message_id, at)
        trouble = self.story.trouble_of(sent.recipient, number)
        if trouble is None and self.dice.random() < SPAM:
            trouble = Trouble.SPAM
        if trouble is None:
            self._deliver(sending, sent)
        else:
            self._fail(sending, sent, trouble)

    def _fail(self, sending: Sending, sent: Sent, trouble: Trouble) -> None:
        """Told by the mail that comes back, by the tool, or by both."""
        answer = reply_to(trouble, self.dice)
        at = sent.sent_at + timedelta(seconds=self.dice.randrange(2, 900))
        said = answer.said_to(sent.recipient)
        self._tell("sent", sending, sent, sent.sent_at)
        channels = self.dice.choices(["mail", "both", "tool"], [60, 25, 15])[0]
        if channels != "tool":
            failure = Failure(sent, answer.code, answer.status, said, at)
            self._mail(at, bounce_mail(failure, self.dice, with_fields=channels == "both"))
        if channels != "mail":
            smtp = {"code": answer.code, "enhanced": answer.status, "text": said, "remote_mta": f"mx.{sent.domain}"}
            self._tell("bounced", sending, sent, at, smtp=smtp)

    def _deliver(self, sending: Sending, sent: Sent) -> None:
        at = sent.sent_at + timedelta(seconds=self.dice.randrange(2, 60))
        if self.dice.random() < DELAYED:
            self._delay(sent)
            at += timedelta(hours=5)
        self._tell("delivered", sending, sent, at)
        opened = at + timedelta(minutes=self.dice.expovariate(1 / 500) + 1)
        luck = self.dice.random
        if luck() < OPENED:
            self._tell("opened", sending, sent, opened)
        if luck() < CLICKED:
            self._tell("clicked", sending, sent, opened + timedelta(minutes=1))
        fate = self.story.fates.get(sent.recipient)
        if luck() < REPLIED or (fate and fate.replies_before):
            self._tell("replied", sending, sent, opened + timedelta(hours=2))
        if luck() < AWAY:
            self._mail(at, auto_reply(sent, f"{sending.person.first_name} {sending.person.last_name}", at))
        if luck() < UNSUBSCRIBED:
            self._tell("unsubscribed", sending, sent, opened + timedelta(minutes=2))
        if luck() < COMPLAINED:
            self._mail(opened, complaint_mail(sent, opened))

    def _delay(self, sent: Sent) -> None:
        answer = reply_to(Trouble.DELAYED, self.dice)
        at = sent.sent_at + timedelta(minutes=4)
        said = answer.said_to(sent.recipient)
        self._mail(at, bounce_mail(Failure(sent, answer.code, answer.status, said, at, "delayed"), self.dice))

    # --- what arrives when ------------------------------------------------------------------------

    def _tell(self, event: str, sending: Sending, sent: Sent, at: datetime, **more: Any) -> None:
        self.events += 1
        told = {
            "event_id": f"fernhill-{self.seed}-{self.events:07d}",
            "event": event,
            "recipient": sent.recipient,
            "occurred_at": at.isoformat(timespec="seconds"),
            "message_id": sent.message_id,
            "provider_id": sent.message_id.partition("@")[0],
            "campaign": sending.plan.key,
            "sender": sent.sender,
            **more,
        }
        number = self._number_of(at)
        if number is not None:
            self.arriving[number].events.append(told)

    def _mail(self, at: datetime, body: bytes) -> None:
        number = self._number_of(at)
        if number is not None:
            self.arriving[number].mails.append(body)

    def _number_of(self, at: datetime) -> int | None:
        """The day on which something arrives: what happens after its evening is told the next; None: not yet."""
        number = (at.date() - self.days[0]).days
        if number < len(self.days) and at > self.clock(number):
            number += 1
        return number if number < len(self.days) and at <= self.clock(number) else None

    def _moment(self, number: int) -> datetime:
        """Some time in the office hours of a day, most before noon."""
        minutes = self.dice.triangular(6 * 60, 16 * 60, 8 * 60)
        return datetime.combine(self.days[number], time(0), UTC) + timedelta(minutes=minutes)


def tell_day(
    diary: Diary,
    number: int,
    by_day: Mapping[int, Sequence[Sending]],
    mornings: Happenings,
    evenings: Happenings,
    *,
    is_idle: bool,
) -> None:
    """Its plan goes out, what arrives goes in, the flow runs (but on an idle day, when no worker did)."""
    morning, evening = diary.morning(number), diary.clock(number)
    for happening in mornings.get(number, ()):
        happening(morning)
    if by_day.get(number):
        diary.send(number, by_day[number])
    if number in diary.arriving:
        diary.keep_arrivals(number)
    for happening in evenings.get(number, ()):
        happening(evening)
    if not is_idle:
        run_flow(evening)


def run_flow(now: datetime) -> None:
    """The whole flow, where it has anything to do. Its lease is the slice's, so it is free here."""
    if process.has_work(now) and not process.run_flow(lambda: now):
        raise TimeoutError(BUSY)


def drain_inbox(now: datetime) -> None:
    """Takes in what arrived and judges nothing yet: as after a stop between two steps of the flow."""
    with holding_the_flow() as held:
        while process.drain_batch(held, now):
            pass


def tell_announcements(now: datetime) -> None:
    with holding_the_flow() as held:
        while outbox.tell_due(now, held):
            pass


@contextmanager
def holding_the_flow() -> Iterator[Lease]:
    """As in `run_flow`: free here."""
    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    if held is None:
        raise TimeoutError(BUSY)
    try:
        yield held
    finally:
        lease.release(held)

"""What waits for a person, by cause: it follows from the facts in any order, and closes when newer ones answer.

In: the facts, and what people asked or have looked at (ReviewItem). Out: querysets and groups for `bounces/review.py`
and its pages. Reads only.

    asked      somebody asked to restore an address that is invalid or at risk still
    conflict   an address bounced for good, and seems to live: by what came afterwards, or a reply shortly before
    unknown    counted bounces that no rule understood, grouped by what was said
    unproved   reports without proof, grouped by source, event and what they lack

What was left as it is names the newest fact that was looked at (`seen_at`): only a newer one asks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db.models import Count, Exists, F, Func, Max, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Greatest, Left, Lower

from bounces.classification.judge import DEFAULT
from bounces.conditions import CAME_BACK, COUNTED_HARD
from bounces.models import Address, Bounce, InboundItem, ReviewItem, Unproved
from bounces.values import Status

Cause, Decision = ReviewItem.Cause, ReviewItem.Decision

MOST_GROUPS = 50
LOOKED_AT = 300  # characters of what was said
BAD = (Status.INVALID, Status.AT_RISK)


class Replaced(Func):
    function = "regexp_replace"
    output_field = TextField()


# What was said, without what differs from one mail to the next: addresses, hosts, and words with a digit that are no
# code.
ADDRESS = r"<?[^ <>]+@[^ <>]+>?"
NUMBERED = (
    r"(?<![^ ])(?![245][0-9]{2}([ :;,-]|$)|[245]\.[0-9]{1,3}\.[0-9]{1,3}([ :;,]|$))[^ ]*[0-9][^ ]*"  # 550, 5.1.1 stay
)
HOST = r"(?<![^ ])[^ a-z0-9]*[a-z_-]+(\.[a-z_-]+)*\.[a-z]{2,}[^ a-z0-9/]*(?![^ ])"
ANY, WORDS = Value("g"), Lower(Left("diagnostic", LOOKED_AT))
SAID = Replaced(
    Replaced(Replaced(WORDS, Value(ADDRESS), Value("<address>"), ANY), Value(NUMBERED), Value("#"), ANY),
    Value(HOST),
    Value("<host>"),
    ANY,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Alike questions, decided together. `key` names the group, `parts` says it in its columns."""

    key: str
    number: int
    newest_at: datetime
    parts: tuple[str, ...]
    example: int = 0  # of bounces: the id of the newest


def asked() -> QuerySet[ReviewItem]:
    """What was asked and is a question still: an address that was restored, or recovered, answers by itself."""
    waiting = ReviewItem.objects.filter(cause=Cause.ASKED, decision=Decision.OPEN)
    return waiting.filter(address__status__in=BAD)


def newest_asks(address_ids: Iterable[int]) -> dict[int, ReviewItem]:
    """What was asked last of each address: open while the address needs it, or decided and not taken back."""
    found = ReviewItem.objects.filter(cause=Cause.ASKED, address__in=list(address_ids), undone_at__isnull=True)
    found = found.filter(~Q(decision=Decision.OPEN) | Q(address__status__in=BAD))
    newest = found.order_by("address_id", "-id").distinct("address_id")
    return {item.address_id or 0: item for item in newest.select_related("address", "asked_by", "decided_by")}


def conflicts() -> QuerySet[Address]:
    """Addresses whose facts speak against each other, as long as nobody has looked at the newest of them."""
    hard = Bounce.objects.filter(COUNTED_HARD, address=OuterRef("pk")).order_by("-occurred_at")
    found = Address.objects.filter(status__in=BAD, status_rule__in=["hard_bounce", "hard_bounce_after_reply"])
    found = found.annotate(
        alive_at=Greatest("last_delivered_at", "last_reply_at", "last_click_at"),
        hard_at=Subquery(hard.values("occurred_at")[:1]),
    ).annotate(newest_at=Greatest("alive_at", "hard_at"))
    lives = Q(status_rule="hard_bounce_after_reply") | Q(alive_at__gt=F("hard_at"))
    looked = ReviewItem.objects.filter(
        cause=Cause.CONFLICT, address=OuterRef("pk"), decision=Decision.KEEP, undone_at__isnull=True
    )
    return found.filter(lives).filter(~Exists(looked.filter(seen_at__gte=OuterRef("newest_at"))))


def unknown(key: str | None = None) -> QuerySet[Bounce]:
    """Bounces that no rule understood, of one group or of all, as long as nobody has looked at them."""
    found = Bounce.objects.filter(CAME_BACK, rule=DEFAULT)
    if key is not None:
        found = found.alias(group=SAID).filter(group=key.replace("\0", ""))  # PostgreSQL takes no NUL
    looked = ReviewItem.objects.filter(cause=Cause.UNKNOWN, decision=Decision.KEEP, undone_at__isnull=True)
    seen = Exists(looked.filter(key=OuterRef("said"), seen_at__gte=OuterRef("recorded_at")))
    rows: QuerySet[Bounce] = found.annotate(said=SAID)
    return rows.exclude(seen)


def unknown_groups() -> list[Group]:
    everything: Any = unknown()  # the types do not know what it was annotated with
    rows = everything.order_by().values("said")
    rows = rows.annotate(n=Count("pk"), newest=Max("recorded_at"), example=Max("pk"))
    return [
        Group(row["said"], row["n"], row["newest"], (row["said"],), row["example"])
        for row in rows.order_by("-n", "said")[:MOST_GROUPS]
    ]


def unproved(key: str | None = None) -> QuerySet[Unproved]:
    """Reports that lack proof, of one group or of all, as long as nobody has decided about their item."""
    items = InboundItem.objects.filter(pk=OuterRef("item_id"), state=InboundItem.State.UNVERIFIED)
    found = Unproved.objects.all()
    if key is not None:
        event, _, rest = key.partition("|")
        shortcoming, _, source = rest.partition("|")
        if "\0" in key:
            return found.none()
        found, items = found.filter(event=event, shortcoming=shortcoming), items.filter(source=source)
    return found.filter(Exists(items))


def unproved_groups() -> list[Group]:
    source = InboundItem.objects.filter(pk=OuterRef("item_id")).values("source")
    rows = unproved().annotate(source=Subquery(source)).order_by().values("source", "event", "shortcoming")
    rows = rows.annotate(n=Count("pk"), newest=Max("occurred_at")).order_by("-n", "source", "event", "shortcoming")
    return [
        Group(
            "|".join((row["event"], row["shortcoming"], row["source"])),
            row["n"],
            row["newest"],
            (row["source"], row["event"], row["shortcoming"]),
        )
        for row in rows[:MOST_GROUPS]
    ]


def count_open() -> dict[str, int]:
    """By cause: groups of what is grouped, addresses of the others; at most MOST_GROUPS of each."""
    return {
        str(Cause.ASKED): asked().order_by()[:MOST_GROUPS].count(),
        str(Cause.CONFLICT): conflicts().order_by()[:MOST_GROUPS].count(),
        str(Cause.UNKNOWN): len(unknown_groups()),
        str(Cause.UNPROVED): len(unproved_groups()),
    }


COUNT_KEY = "review-open"  # in the cache
COUNTED_FOR = 30  # seconds that the numbers may lag behind


def count_open_lately() -> dict[str, int]:
    """The same for pages that everybody opens: counted at most twice a minute, and after a decision."""
    known: dict[str, int] | None = caches["process"].get(COUNT_KEY)
    if known is None:
        known = count_open()
        caches["process"].set(COUNT_KEY, known, timeout=COUNTED_FOR)
    return known


def forget_count() -> None:
    caches["process"].delete(COUNT_KEY)

"""What the lists show: filter forms that own their filtering, and the counts beside them.

In: the parameters of a page's URL. Out: querysets for `bounces/paging.py`, and counts of bounded cost.
A filter with a value that makes no sense is left out, and the form says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db import connection
from django.db.models import Count, Q, QuerySet

from bounces.addresses import BadAddress, normalise, suppression_key
from bounces.classification import load_reasons
from bounces.conditions import COUNTS
from bounces.models import (
    Address,
    Bounce,
    CleaningRow,
    CleaningRun,
    Complaint,
    InboundItem,
    PrunedCount,
    Suppression,
)
from bounces.paging import COUNT_CAP
from bounces.suppressions import in_state
from bounces.values import Fault, Kind, Standing, Status

SEARCH_LENGTH = 254


def options(everything: str, words: Any) -> list[tuple[str, str]]:
    """The choices of a filter: nothing chosen, then the words."""
    return [("", everything), *[(str(word), str(word).replace("_", " ").capitalize()) for word in words]]


def reason_options() -> list[tuple[str, str]]:
    return [("", "Any reason"), *[(name, reason.definition) for name, reason in load_reasons().items()]]


class ListFilter(forms.Form):
    """A GET form whose valid fields narrow a list."""

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}


class Day(forms.DateInput):
    input_type = "date"


def find_addresses(text: str) -> QuerySet[Address]:
    """Addresses that begin with the text, or whose domain does: both are read from an index.

    `@b.example` looks at domains alone.
    """
    text = text.strip().lower()
    begins = Q(domain__startswith=text.removeprefix("@"))
    return Address.objects.filter(begins if text.startswith("@") else begins | Q(email__startswith=text))


class BounceFilter(ListFilter):
    """Days are UTC days, as the policy's are."""

    q = forms.CharField(label="Address", required=False, max_length=SEARCH_LENGTH)
    domain = forms.CharField(label="Domain", required=False, max_length=SEARCH_LENGTH)
    kind = forms.ChoiceField(label="Kind", required=False, choices=options("Any kind", Kind))
    fault = forms.ChoiceField(label="Fault", required=False, choices=options("Anyone’s fault", Fault))
    reason = forms.ChoiceField(label="Reason", required=False, choices=reason_options)
    standing = forms.ChoiceField(label="Standing", required=False, choices=options("Any standing", Standing))
    since = forms.DateField(label="From", required=False, widget=Day())
    until = forms.DateField(label="To", required=False, widget=Day())

    @property
    def has_more(self) -> bool:
        """Whether a filter is set that the page keeps behind “More filters”."""
        return bool({"domain", "standing", "since", "until"} & set(self.changed_data))

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        since, until = chosen.get("since"), chosen.get("until")
        if since and until and since > until:
            self.add_error("until", f"“To” lies before “From” ({since:%Y-%m-%d}): choose a later day.")
        return chosen

    def rows(self) -> QuerySet[Bounce]:
        chosen = self.chosen()
        bounces = Bounce.objects.select_related("address")
        for name in ("kind", "fault", "reason", "standing"):
            if name in chosen:
                bounces = bounces.filter(**{name: chosen[name]})
        if "domain" in chosen:
            domain = chosen["domain"].strip().lower().removeprefix("@")
            bounces = bounces.filter(address__in=Address.objects.filter(domain=domain).values("pk"))
        if "q" in chosen:
            bounces = bounces.filter(address__in=find_addresses(chosen["q"]).values("pk"))
        if "since" in chosen:
            bounces = bounces.filter(occurred_at__gte=datetime.combine(chosen["since"], time.min, tzinfo=UTC))
        if "until" in chosen:
            bounces = bounces.filter(occurred_at__lte=datetime.combine(chosen["until"], time.max, tzinfo=UTC))
        return bounces

    def failures(self) -> QuerySet[Bounce]:
        """What the strip of faults counts. Left out unless they are asked for: deferrals, which are no failure yet, and
        what counts against nobody.
        """
        rows, chosen = self.rows(), self.chosen()
        rows = rows if "kind" in chosen else rows.exclude(kind=Kind.DEFERRED)
        return rows if "standing" in chosen else rows.filter(COUNTS)


@dataclass(frozen=True, slots=True)
class FaultCounts:
    """How many of the newest bounces of a list are whose fault."""

    total: int
    is_capped: bool
    by_fault: dict[str, int]


def count_faults(bounces: QuerySet[Bounce], cap: int = COUNT_CAP) -> FaultCounts:
    """Looks at the newest `cap` bounces, so that it costs the same however many there are. One query."""
    newest = bounces.select_related(None).order_by("-occurred_at", "-id").values("fault")[: cap + 1]
    sql, params = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT fault, count(*) FROM ({sql}) AS newest(fault) GROUP BY fault", params)  # noqa: S608  (the text is Django's own, its values are parameters)
        found = dict(cursor.fetchall())
    total = sum(found.values())
    return FaultCounts(min(total, cap), total > cap, {str(fault): found.get(fault, 0) for fault in Fault})


class ComplaintFilter(ListFilter):
    q = forms.CharField(label="Address", required=False, max_length=SEARCH_LENGTH)

    def rows(self) -> QuerySet[Complaint]:
        chosen = self.chosen()
        complaints = Complaint.objects.select_related("address")
        if "q" in chosen:
            complaints = complaints.filter(address__in=find_addresses(chosen["q"]).values("pk"))
        return complaints


STATES = [("in_force", "In force"), ("", "All"), ("expired", "Expired"), ("lifted", "Lifted")]


class SuppressionFilter(ListFilter):
    q = forms.CharField(label="Address or domain", required=False, max_length=SEARCH_LENGTH)
    scope = forms.ChoiceField(label="Scope", required=False, choices=[("", "Any scope"), *Suppression.Scope.choices])
    reason = forms.ChoiceField(
        label="Reason", required=False, choices=[("", "Any reason"), *Suppression.Reason.choices]
    )
    state = forms.ChoiceField(label="State", required=False, choices=STATES, initial="in_force")

    def rows(self, now: datetime) -> QuerySet[Suppression]:
        chosen = self.chosen()
        rows = Suppression.objects.select_related("address", "created_by", "lifted_by")
        for name in ("scope", "reason"):
            if name in chosen:
                rows = rows.filter(**{name: chosen[name]})
        if "q" in chosen:
            rows = rows.filter(named(chosen["q"]))
        return in_state(rows, chosen["state"], now) if "state" in chosen else rows


def named(text: str) -> Q:
    """By the beginning of an address or domain; an erased address is found by its whole text."""
    found = Q(address__in=find_addresses(text)) | Q(
        domain__startswith=text.strip().lower().removeprefix("@"), scope="domain"
    )
    try:
        return found | Q(address_key=suppression_key(normalise(text)))
    except BadAddress:
        return found


# A container that was taken apart counts as its children (invariant I3).
TAKEN_APART = Q(form__in=InboundItem.CONTAINERS, state=InboundItem.State.DONE)
DOORS: dict[str, tuple[str, Callable[[], Q]]] = {
    "upload": ("Upload", lambda: Q(source="upload")),
    "command": ("Command line", lambda: Q(source="command")),
    "api": ("API", lambda: Q(source__startswith="api")),
    "mailbox": ("Mailboxes", lambda: Q(source__startswith="imap:")),
    "server": ("Mail server and pipe", lambda: Q(source__in=["smtp", "pipe"]) | Q(source__startswith="smtp:")),
    "webhook": ("Providers’ webhooks", lambda: is_webhook()),
}
OTHER_DOORS = ("api", "imap", "smtp")


def is_webhook() -> Q:
    """A source of any kind but ours."""
    ours = Q()
    for name in OTHER_DOORS:
        ours |= Q(source__startswith=f"{name}:")
    return Q(source__contains=":") & ~ours


class InboxFilter(ListFilter):
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *InboundItem.State.choices])
    door = forms.ChoiceField(
        label="Door", required=False, choices=[("", "Any door"), *[(name, label) for name, (label, _) in DOORS.items()]]
    )
    form = forms.ChoiceField(label="Form", required=False, choices=[("", "Any form"), *InboundItem.Form.choices])

    def rows(self) -> QuerySet[InboundItem]:
        chosen = self.chosen()
        items = InboundItem.objects.all()
        for name in ("state", "form"):
            if name in chosen:
                items = items.filter(**{name: chosen[name]})
        if "door" in chosen:
            items = items.filter(DOORS[chosen["door"]][1]())
        return items


def count_states(items: QuerySet[InboundItem]) -> dict[str, int]:
    """How many items are in each state. One query."""
    found = dict(items.order_by().values_list("state").annotate(n=Count("pk")))
    return {str(state): found.get(state, 0) for state in InboundItem.State.values}


def count_inbox() -> dict[str, int]:
    """Everything that ever arrived, by what became of it: the numbers add up (invariant I3).

    Those are in it that retention has taken away since.
    """
    here = InboundItem.objects.exclude(TAKEN_APART).order_by().values_list("state").annotate(n=Count("pk"))
    found = dict.fromkeys(map(str, InboundItem.State.values), 0)
    for state, number in here.union(PrunedCount.objects.values_list("state", "items"), all=True):
        found[str(state)] += number
    return found


def count_children(items: list[InboundItem]) -> dict[int, dict[str, int]]:
    """What became of the messages of each container, by its id. One query."""
    rows = (
        InboundItem.objects.filter(parent_id__in=[item.pk for item in items])
        .order_by()
        .values_list("parent_id", "state")
        .annotate(n=Count("pk"))
    )
    found: dict[int, dict[str, int]] = {}
    for parent_id, state, number in rows:
        found.setdefault(parent_id or 0, {})[state] = number
    return found


class RunRowFilter(ListFilter):
    """The rows of a run's report. `move` is "from-to", such as `valid-invalid`."""

    move = forms.ChoiceField(
        label="Change",
        required=False,
        choices=[("", "Any change"), *[(f"{a}-{b}", f"{a} → {b}".replace("_", " ")) for a in Status for b in Status]],
        widget=forms.HiddenInput(),
    )
    rule = forms.CharField(label="Rule", required=False, max_length=100, widget=forms.HiddenInput())
    outcome = forms.ChoiceField(
        label="Outcome",
        required=False,
        choices=[("", "Any outcome"), *CleaningRow.Outcome.choices],
        widget=forms.HiddenInput(),
    )

    def rows(self, run: CleaningRun) -> QuerySet[CleaningRow]:
        chosen = self.chosen()
        rows = run.rows.select_related("address")
        if "move" in chosen:
            before, after = chosen["move"].split("-")
            rows = rows.filter(from_status=before, to_status=after)
        for name in ("rule", "outcome"):
            if name in chosen:
                rows = rows.filter(**{name: chosen[name]})
        return rows.order_by(*self.order())

    def order(self) -> list[str]:
        """The order that an index gives: (run, address) is unique, (run, rule, id) serves one rule."""
        return ["pk"] if self.chosen().get("rule") else ["address_id"]

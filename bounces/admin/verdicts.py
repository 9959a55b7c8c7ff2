"""The answer to "Can we email them?" in the admin: one cell and one filter for every list that shows addresses.

In: rows and where their address stands. Out: the answer as a label with status and reason below it, as on the pages.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from unfold.decorators import display

from bounces.models import Address
from bounces.sentences import ANSWER_WORDS, QUESTION, explain_shortly
from bounces.values import Answer
from bounces.verdict import Verdict, answered, verdicts_of

TONES = {Answer.YES: "success", Answer.CAUTION: "warning", Answer.NO: "danger"}


def verdict_cell(verdict: Verdict | None, *, in_full: bool = False) -> str:
    """The answer with the line below it; `in_full`: the whole sentence, on the page of one row."""
    if verdict is None:
        return "No address"
    line = verdict.sentence if in_full else explain_shortly(verdict.status, verdict.reason)
    context = {"text": ANSWER_WORDS[verdict.answer], "type": TONES[verdict.answer], "line": line}
    return render_to_string("admin/verdict.html", {**context, "sentence": verdict.sentence})


class VerdictFilter(admin.SimpleListFilter):
    """By the answer about the row's address. Subclasses say which rows belong to a set of addresses."""

    title = QUESTION
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(answer), words) for answer, words in ANSWER_WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        answer = self.value() or ""
        return self.of(queryset, answered(Answer(answer), timezone.now())) if answer in [*Answer] else queryset

    def of(self, rows: QuerySet[Any], addresses: QuerySet[Address]) -> QuerySet[Any]:
        return rows.filter(address__in=addresses)


class ShowsVerdict:
    """A list with the column `verdict`. The page's verdicts are read at once, whatever the number of its rows."""

    def address_id_of(self, row: Any) -> int | None:
        found: int | None = row.address_id
        return found

    def prepare_rows(self, rows: Iterable[Any]) -> None:
        listed = list(rows)
        ids = {pk for row in listed if (pk := self.address_id_of(row)) is not None}
        verdicts = verdicts_of(sorted(ids), timezone.now())
        for row in listed:
            row.shown_verdict = verdicts.get(self.address_id_of(row) or 0)

    @display(description=QUESTION)
    def verdict(self, row: Any) -> str:
        if not hasattr(row, "shown_verdict"):  # the page of one row
            self.prepare_rows([row])
            return verdict_cell(row.shown_verdict, in_full=True)
        return verdict_cell(row.shown_verdict)

"""Classification rules of our own, and changes to those that ship with Rebound: written, tried, put in force.

Trying is a run that judges the stored bounces by the rule as it stands in the form, saved or not; its page leads back
to the form. `bounces/classification/overrides.py` says what is wrong with a rule.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bounces.admin.bases import FAULT_LABEL, KIND_LABEL, FormAdmin, ReadOnlyAdmin, label_of
from bounces.admin.rule_pages import draft_of_bounce, draft_of_shipped, mask, table_of_rules
from bounces.classification import load_reasons, load_rules
from bounces.classification.overrides import Effect, Override, find_problems, is_known
from bounces.classification.ruleset import WRITABLE
from bounces.models import Bounce, RejudgedBounce, Rejudging, RuleOverride
from bounces.reason_examples import reason_help
from bounces.rejudging.starting import try_rule, work_at_once
from bounces.rules_in_force import as_overrides, rules_in_force
from bounces.templatetags.bounce_words import rule_table_words

OWN = ("table", "patterns", "together", "code", "host", "commands", "statuses", "example", "example_host")
VERDICT = ("reason", "kind", "fault")
TRY = "bounces_ruleoverride_try_it"


class ListField(forms.CharField):
    """Several texts, by lines or by commas."""

    def __init__(self, separator: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.separator = separator

    def prepare_value(self, value: Any) -> Any:
        return self.separator.join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        parts = (part.strip() for part in (value or "").split(self.separator.strip() or "\n"))
        return [part for part in parts if part]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or ()) != self.to_python(data)


class RuleOverrideForm(forms.ModelForm):
    """A rule as its author writes it."""

    draft: dict[str, Any] = {}  # what a try has brought back, instead of what is saved
    patterns = ListField(
        "\n",
        required=False,
        label="Words",
        help_text="RE2 patterns, one a line, of which one occurs in what the remote system said; case does not matter.",
        widget=UnfoldAdminTextareaWidget({"rows": 4}),
    )
    commands = ListField(
        ", ",
        required=False,
        label="Only where refused",
        help_text="SMTP commands, such as DATA, RCPT. Empty: any.",
        widget=UnfoldAdminTextInputWidget,
    )
    statuses = ListField(
        ", ",
        required=False,
        label="Only with enhanced codes",
        help_text="Their beginnings, such as 5.1., 4.2.2. Empty: any.",
        widget=UnfoldAdminTextInputWidget,
    )
    reason = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "Choose"), *((name, f"{name}: {r.definition}") for name, r in load_reasons().items())],
        widget=UnfoldAdminSelectWidget,
    )

    table = forms.ChoiceField(
        required=False,
        label="Looks at",
        choices=[("", "Choose"), *((table.value, rule_table_words(table)) for table in WRITABLE)],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = RuleOverride
        widgets = {
            "example": UnfoldAdminTextareaWidget({"rows": 3}),
            "note": UnfoldAdminTextareaWidget({"rows": 3}),
        }
        fields = ("effect", "name", *OWN, *VERDICT, "note", "is_enabled")
        help_texts = {
            "together": "Two words or more, a line each, in any order, and no full stop, colon, bracket, dash or "
            "address between them: account, closed|blocked.",
            "code": "For a rule of codes: 2.2 stands for 5.2.2 and 4.2.2; 55 for all reply codes that begin so; DATA.",
            "host": r"A pattern over the host that refused and the recipient’s domain: \bacme\.example$",
            "example": "What the remote system said, such as 550 5.1.1 No mailbox here. DATA: 550 … names the command. "
            "Addresses are taken out.",
            "example_host": "Who said it, where the rule is for one provider.",
            "kind": "Empty: the reason’s.",
            "fault": "Empty: the reason’s.",
            "note": reason_help("rule"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(self.draft)
        if self.instance.pk:  # the bounces that it decided name it
            self.fields["name"].disabled = True

    def clean_example(self) -> str:
        return mask(self.cleaned_data["example"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        effect = given.get("effect")
        for name in OWN if effect != Effect.ADD else ():
            given[name] = [] if name in RuleOverride.ARRAYS else False if name == "together" else ""
        for name in VERDICT if effect == Effect.OFF else ():
            given[name] = ""
        if effect:
            for field, words in self._problems(given).items():
                if field not in self.errors:
                    self.add_error(field, ValidationError(words))
        return given

    def _problems(self, given: dict[str, Any]) -> dict[str, str]:
        others = RuleOverride.objects.exclude(pk=self.instance.pk).order_by("-pk")
        newer = others.filter(is_enabled=True, pk__gt=self.instance.pk) if self.instance.pk else others.none()
        override = self.as_override(given)
        taken = others.filter(name=override.name).values_list("name", flat=True)
        problems = find_problems(
            override, list(as_overrides(others.filter(is_enabled=True))), load_rules(), list(as_overrides(newer))
        )
        if taken and "name" not in problems:
            problems["name"] = f"There is an override of the name “{override.name}” already, which is not in force."
        return problems

    def as_override(self, given: dict[str, Any] | None = None) -> Override:
        values = self.cleaned_data if given is None else given
        texts = {name: str(values.get(name) or "") for name in RuleOverride.TEXTS}
        arrays = {name: tuple(values.get(name) or ()) for name in RuleOverride.ARRAYS}
        together = bool(values.get("together"))
        return Override(effect=Effect(values["effect"]), together=together, **texts, **arrays)  # type: ignore[arg-type]  # names of fields

    def validate_constraints(self) -> None:
        """What the database forbids is said above, by field."""


@admin.register(RuleOverride)
class RuleOverrideAdmin(FormAdmin):
    form = RuleOverrideForm
    list_display = ("name", "effect", "looks_at", "verdict", "note", "state", "created_by", "created_at")
    list_select_related = ("created_by",)
    list_filter = ("effect", "is_enabled")
    list_filter_submit = False
    search_fields = ("name", "note", "example")
    long_fields = ("patterns", "example", "note")
    actions_list = ("in_force",)
    actions_submit_line = ("try_it",)
    fieldsets = (
        (None, {"fields": (("effect", "name"),)}),
        (
            "What it looks at (a rule of our own)",
            {"fields": ("table", "patterns", "together", "host", "code", ("commands", "statuses"))},
        ),
        ("What it decides", {"fields": ("reason", ("kind", "fault"))}),
        ("An example, which it must decide", {"fields": ("example", "example_host")}),
        ("Why", {"fields": ("note", "is_enabled")}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        base = super().get_form(request, obj, change, **kwargs)
        draft = self._tried(request) if request.method == "GET" else {}
        return type(base.__name__, (base,), {"draft": draft})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """From a bounce, or a rule of Rebound's: what its author would type first."""
        number, shipped = request.GET.get("bounce", ""), request.GET.get("shipped", "")
        if number.isdecimal() and len(number) < 19:
            bounce = Bounce.objects.filter(pk=number).first()
            return draft_of_bounce(bounce) if bounce else {}
        return draft_of_shipped(shipped) if shipped else {}

    def _tried(self, request: HttpRequest) -> dict[str, Any]:
        number = request.GET.get("run", "")
        part = Rejudging.objects.filter(run_id=int(number)).first() if number.isdecimal() and len(number) < 19 else None
        return next((rule for rule in part.overrides if rule["name"] == part.tried), {}) if part else {}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        extra_context = {"actions_submit_line": self.get_actions_submit_line(request, 0), **(extra_context or {})}
        tried = self._try(request, object_id) if request.method == "POST" and TRY in request.POST else None
        return tried or super().changeform_view(request, object_id, form_url, extra_context)

    def _try(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """Starts the run; None where the form has faults, which the page then shows: it is not saved then either."""
        row = self.get_object(request, object_id) if object_id else None
        may = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        form = self.get_form(request, row, change=row is not None)(request.POST, instance=row)
        if not may or not form.is_valid():
            return None
        saved = RuleOverride.objects.get(pk=row.pk) if row else None
        run = try_rule(form.as_override(), by=request.user, now=timezone.now(), row=saved)
        work_at_once(run, timezone.now)
        return redirect("bounces:rejudging", run.pk)

    @action(description="Try it on the stored bounces", icon="science")
    def try_it(self, request: HttpRequest, obj: RuleOverride) -> None:
        """Its button; `changeform_view` does it, before anything is saved."""

    @action(description="All rules in force", icon="rule", url_path="in-force")
    def in_force(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Rules in force",
            "opts": self.opts,
            "table": table_of_rules(load_rules(), rules_in_force(), RuleOverride.objects.all()),
            "own_url": reverse("admin:bounces_ruleoverride_changelist"),
        }
        return TemplateResponse(request, "admin/bounces/ruleoverride/in_force.html", context)

    def save_model(self, request: HttpRequest, obj: RuleOverride, form: forms.ModelForm, change: bool) -> None:
        if change:
            obj.changed_at = timezone.now()
        else:
            obj.created_by = request.user  # type: ignore[assignment]  # nobody else gets into the admin
        super().save_model(request, obj, form, change)
        self._say_what_follows(request)

    def delete_model(self, request: HttpRequest, obj: RuleOverride) -> None:
        super().delete_model(request, obj)
        self._say_what_follows(request)

    def _say_what_follows(self, request: HttpRequest) -> None:
        link = format_html('<a class="underline" href="{}">Re-classify past bounces</a>', reverse("bounces:rejudge"))
        messages.info(request, format_html("It holds for what arrives from now on. {} for what is recorded.", link))

    @display(description="Looks at")
    def looks_at(self, row: RuleOverride) -> str:
        return row.get_table_display() if row.table else "as the rule of that name"

    @display(description="Decides")
    def verdict(self, row: RuleOverride) -> str:
        return " · ".join(filter(None, (row.reason, row.kind, row.fault and f"{row.fault}’s fault")))

    @display(description="State", label={"in force": "success", "off": "info", "has no effect": "warning"})
    def state(self, row: RuleOverride) -> str:
        if not row.is_enabled:
            return "off"
        return "in force" if is_known(row.as_override(), load_rules()) else "has no effect"


@admin.register(Rejudging)
class RejudgingAdmin(ReadOnlyAdmin):
    list_display = ("run", "tried", "total", "judged", "found", "renamed", "applied", "left_out", "undone")
    list_select_related = ("run",)
    ordering = ("-run",)


@admin.register(RejudgedBounce)
class RejudgedBounceAdmin(ReadOnlyAdmin):
    list_display = ("run", "bounce", "before", "to_kind_label", "to_fault_label", "to_reason", "to_rule", "outcome")
    list_select_related = ("run", "bounce")
    list_filter = ("outcome", "moves")

    @display(description="Before")
    def before(self, row: RejudgedBounce) -> str:
        return f"{row.from_kind}, {row.from_fault}, {row.from_reason}"

    @display(description="Kind", label=KIND_LABEL)
    def to_kind_label(self, row: RejudgedBounce) -> tuple[str, str]:
        return label_of(row.to_kind, row.get_to_kind_display())

    @display(description="Fault", label=FAULT_LABEL)
    def to_fault_label(self, row: RejudgedBounce) -> tuple[str, str]:
        return label_of(row.to_fault, row.get_to_fault_display())

"""Tasks: the list of what is to be done, giving one to a contact, marking one done. In: ids, forms. Out: pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.lists import Day
from bounces.views.access import needs
from contacts.access import can_change_contact, contacts_for
from contacts.tasks import LONGEST, can_change_task, finish, give_task, reopen, tasks_for
from contacts.views.answers import allow, find, page_for

LISTS = {"mine": "Mine", "nobody": "Nobody’s", "all": "Everyone’s", "done": "Done"}


class TaskForm(forms.Form):
    text = forms.CharField(
        label="What is to be done",
        max_length=LONGEST,
        error_messages={"required": "Say what is to be done."},
    )
    due_on = forms.DateField(label="By", required=False, widget=Day())


@needs("contacts.view_contact")
def show_list(request: HttpRequest) -> HttpResponse:
    shown = request.GET.get("list", "mine")
    shown = shown if shown in LISTS else "mine"
    tasks = tasks_for(request.user).filter(done_at__isnull=shown != "done")
    if shown in ("mine", "done"):
        tasks = tasks.filter(owner=request.user.pk)
    elif shown == "nobody":
        tasks = tasks.filter(owner__isnull=True)
    page = page_for(request, tasks, ["-done_at", "-id"] if shown == "done" else ["due_on", "id"])
    context = {"page": page, "rows": rows_of(request, page.items), "tabs": tabs(shown), "shown": shown}
    return render(request, "contacts/tasks.html", context)


def rows_of(request: HttpRequest, tasks: Any) -> list[dict[str, Any]]:
    today = timezone.now().date()
    return [
        {
            "task": task,
            "can_change": can_change_task(request.user, task),
            "is_late": task.due_on is not None and task.due_on < today and task.done_at is None,
        }
        for task in tasks
    ]


def tabs(shown: str) -> list[dict[str, Any]]:
    url = reverse("contacts:tasks")
    return [{"label": label, "url": f"{url}?list={name}", "is_current": name == shown} for name, label in LISTS.items()]


@require_POST
@needs("contacts.change_contact")
def add(request: HttpRequest, pk: int) -> HttpResponse:
    contact = find(contacts_for(request.user), pk)
    allow(can_change_contact(request.user, contact))
    form = TaskForm(request.POST)
    if form.is_valid():
        give_task(contact, form.cleaned_data["text"], owner=request.user, due_on=form.cleaned_data["due_on"])
        messages.success(request, "The task is yours.")
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect(contact)


@require_POST
@needs("contacts.change_contact")
def done(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks it done, or with `reopen` not done. Answers with its row alone where htmx asks."""
    task = find(tasks_for(request.user), pk)
    allow(can_change_task(request.user, task))
    if "reopen" in request.POST:
        reopen(task)
    else:
        finish(task, request.user, timezone.now())
    if request.headers.get("HX-Request"):
        return render(request, "contacts/_task.html", {"row": rows_of(request, [task])[0]})
    return redirect("contacts:tasks")

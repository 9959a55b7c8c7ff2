"""One file through each of the four doors, and everything that came of it, in words that no id is part of.

In: a Brought (a file, and what is said of it). Out: an Outcome, the same for each door.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.models import Address, Suppression
from contacts.importing import working
from contacts.importing.outcomes import failed_headers, failed_rows
from contacts.models import Company, Contact, ContactAddress, CustomField, ImportOutcome, ImportRow, ImportRun, Tag
from tests.tools import a_tool, errors_of


@dataclass(frozen=True)
class Brought:
    """`manner`: as the forms and the API name it. `given`: the import's options, by the API's names."""

    name: str
    body: bytes
    manner: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


Door = Callable[[Any, Brought], dict[str, Any]]  # by whom, what -> what its preview says


def work() -> ImportRun:
    run = ImportRun.objects.exclude(via="waiting").latest("pk")
    working.work(run.pk, timezone.now)
    run.refresh_from_db()
    return run


# --- the doors ------------------------------------------------------------------------------------


def by_the_page(user: Any, brought: Brought) -> dict[str, Any]:
    client = Client()
    client.force_login(user)
    header = {True: "yes", False: "no", None: ""}[brought.manner.get("has_header")]
    manner = {**brought.manner, "header": header}
    manner.pop("has_header", None)
    file = SimpleUploadedFile(brought.name, brought.body)
    columns = client.get(client.post(reverse("contacts:import"), {"file": file, **manner}).url)
    form = columns.context["form"]
    chosen = {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False, "")}
    preview = client.post(columns.request["PATH_INFO"], {**chosen, **as_form(brought)})
    run = work()
    page = client.get(preview.url)
    told = {str(verdict.value): number for verdict, _, number in page.context["groups"]}
    told |= {each: page.context["run"].counts.get(each, 0) for each in ImportRow.FAILED}  # shown cell by cell
    client.post(reverse("contacts:import_confirm", args=[run.pk]))
    work()
    return counted(told)


def by_the_admin(user: Any, brought: Brought) -> dict[str, Any]:
    client = Client()
    client.force_login(user)
    file = BytesIO(brought.body)
    file.name = brought.name
    header = {True: "yes", False: "no", None: ""}[brought.manner.get("has_header")]
    manner = {**brought.manner, "header": header}
    manner.pop("has_header", None)
    given = {"format": "0", "resource": "0", "import_file": file, "update": "overwrite", **manner, **as_form(brought)}
    page = client.post(reverse("admin:contacts_contact_import"), given)
    report = page.context["report"]
    if report.new or report.updated:  # else there is nothing to confirm
        client.post(reverse("admin:contacts_contact_process_import"), page.context["confirm_form"].initial)
    return {"new": report.new, "updated": report.updated, "unchanged": report.unchanged, "failed": report.failed,
            "dead": report.dead_count, "suppressed": report.suppressed_count}  # fmt: skip


def by_the_command(user: Any, brought: Brought) -> dict[str, Any]:
    path, given, out = brought.given["path"], brought.given, StringIO()
    path.write_bytes(brought.body)
    said = {
        "by": user.email,
        "owner": given.get("owner"),
        "tag": given.get("tags", []),
        "source": given.get("source"),
        "update": given.get("update", "overwrite"),
        "empties": given.get("empties", False),
        "change_others": given.get("change_others", False),
        "header": brought.manner.get("has_header"),
        **{name: brought.manner.get(name, "") for name in ("encoding", "separator", "sheet")},
    }
    with suppress(CommandError):  # where rows failed; what it printed is compared
        call_command("import_contacts", path, stdout=out, **said)
    found = re.findall(r"^ *([\d,]+)  (new|updated|unchanged|failed|of them (?:at|suppressed))", out.getvalue(), re.M)
    told = {what: int(number.replace(",", "")) for number, what in found}
    told["dead"], told["suppressed"] = told.pop("of them at", 0), told.pop("of them suppressed", 0)
    return told


def by_the_api(user: Any, brought: Brought) -> dict[str, Any]:
    tool = a_tool(user=user)
    file = SimpleUploadedFile(brought.name, brought.body)
    given = {name: value for name, value in brought.given.items() if name != "path"}
    asked = tool.client.post("/api/v1/imports/", {"file": file, **brought.manner, **given})
    assert asked.status_code == 202, asked.content
    run = work()
    told = tool.get(f"imports/{run.pk}/").json()
    tool.post(f"imports/{run.pk}/confirm/", {})
    work()
    return counted({**told["counts"], **told["known"]})


DOORS: dict[str, Door] = {
    "page": by_the_page, "admin": by_the_admin, "command": by_the_command, "api": by_the_api,
}  # fmt: skip


def as_form(brought: Brought) -> dict[str, Any]:
    from django.contrib.auth import get_user_model

    given = {name: value for name, value in brought.given.items() if name != "path" and value is not False}
    if "owner" in given:
        given["owner"] = get_user_model()._default_manager.get(email=given["owner"]).pk
    if "tags" in given:
        given["tags"] = ", ".join(given["tags"])
    return given


def counted(told: Mapping[str, int]) -> dict[str, int]:
    def of(*words: str) -> int:
        return sum(told.get(word, 0) for word in words)

    return {
        "new": of("new"),
        "updated": of("update"),
        "unchanged": of("unchanged", "duplicate", "skipped"),
        "failed": of("invalid", "conflict", "not_yours"),
        "dead": of("dead"),
        "suppressed": of("suppressed"),
    }


# --- what came of it ------------------------------------------------------------------------------


def outcome() -> dict[str, Any]:
    """All contacts, addresses, companies, tags, and all of the run, but for ids, moments and the door."""
    run = ImportRun.objects.exclude(via="waiting").latest("pk")
    primary = ContactAddress.objects.filter(is_primary=True)
    names = dict(primary.values_list("contact_id", "address__email"))
    return {
        "contacts": sorted((_contact(contact, run) for contact in Contact.objects.all()), key=json.dumps),
        "addresses": sorted(Address.objects.values_list("email", "status", "status_rule")),
        "suppressions": Suppression.objects.filter(lifted_at=None).count(),
        "companies": sorted(Company.objects.values_list("name", "domain", "country")),
        "tags": sorted(Tag.objects.values_list("name", flat=True)),
        "fields": sorted(CustomField.objects.values_list("key", "type")),
        "run": {name: getattr(run, name) for name in RUN},
        "options": {
            **run.options,
            "owner_id": bool(run.options["owner_id"]),
            "tag_ids": sorted(run.options["tag_ids"]),
        },
        "rows": [_row(row, names) for row in ImportOutcome.objects.filter(run_id=run.pk).order_by("number")],
        "failed": [failed_headers(run), *failed_rows(run)],
    }


RUN = (
    "name", "digest", "size", "state", "headers", "mapping", "notices", "total", "counts", "known", "health",
    "quarantine", "written", "error", "manner",
)  # fmt: skip


def _contact(contact: Contact, run: ImportRun) -> list[Any]:
    reached = contact.contact_addresses.order_by("address__email")
    return [
        contact.first_name, contact.last_name, contact.title, contact.phone, contact.country, contact.source,
        contact.external_id, contact.custom, contact.document, contact.company and contact.company.name,
        contact.owner and contact.owner.email, sorted(tag.name for tag in contact.tags.all()),
        [[each.address.email, each.is_primary] for each in reached], contact.updated_at == run.applied_at,
        [[each.kind, each.text, each.by and each.by.email] for each in contact.activities.order_by("pk")],
    ]  # fmt: skip


def _row(row: ImportOutcome, names: Mapping[int, str]) -> list[Any]:
    about = names.get(row.contact_id or 0, "")
    changes = {word: values[:2] for word, values in (row.changes or {}).items()}  # without ids
    return [row.number, row.verdict, row.email, row.known, about, changes, row.problems, row.cells]


# --- what is refused ------------------------------------------------------------------------------


def refused_by_the_page(user: Any, name: str, body: bytes) -> str:
    client = Client()
    client.force_login(user)
    answer = client.post(reverse("contacts:import"), {"file": SimpleUploadedFile(name, body)})
    if answer.status_code == 400:
        return str(answer.context["error"])
    form = client.get(answer.url).context["form"]
    client.post(answer.url, {bound.html_name: bound.value() for bound in form if bound.value() not in (None, False)})
    return work().error


def refused_by_the_admin(user: Any, name: str, body: bytes) -> str:
    client = Client()
    client.force_login(user)
    file = BytesIO(body)
    file.name = name
    given = {"format": "0", "resource": "0", "import_file": file, "update": "overwrite"}
    page = client.post(reverse("admin:contacts_contact_import"), given)
    return " ".join(page.context["form"].errors.get("import_file", []))


def refused_by_the_command(user: Any, path: Path, body: bytes) -> str:
    path.write_bytes(body)
    try:
        call_command("import_contacts", path, by=user.email, stdout=StringIO())
    except CommandError as error:
        return str(error).removeprefix(f"{path.name}: ").removeprefix("The import failed: ")
    return ""


def refused_by_the_api(user: Any, name: str, body: bytes) -> str:
    tool = a_tool(user=user)
    asked = tool.client.post("/api/v1/imports/", {"file": SimpleUploadedFile(name, body)})
    return errors_of(asked)["file"] if asked.status_code == 400 else work().error

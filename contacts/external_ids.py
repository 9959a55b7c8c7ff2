"""The ids by which tools know a contact: several a contact, each one's own.

`Contact.external_id` is its id in the tool that nobody named: a file of unknown origin, a form, an API call that gives
`external_id` alone. The ids of tools that have a name (`hubspot`, `salesforce`) are ContactExternalId rows. An id is
compared with ids of the same tool only.
In: what people, tools and files wrote. Out: pairs (tool, id); the contacts that have them; their rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from bounces.plain_names import plain_name
from contacts.importing.headers import export_of, exports
from contacts.models import Contact, ContactExternalId

Pair = tuple[str, str]  # tool, id
UNNAMED = ""
LONGEST_TOOL = 60


def tool_named(text: str) -> str:
    """The plain name of a tool, however it is written: “HubSpot” is hubspot. Raises ValueError."""
    name = plain_name(text)
    if not name or max(len(name), len(text)) > LONGEST_TOOL:
        raise ValueError(f"Name the tool in at most {LONGEST_TOOL} letters and digits, like hubspot.")
    return name


def label_of(tool: str) -> str:
    """As people know it."""
    return next((each.name for each in exports() if plain_name(each.name) == tool), tool)


def tool_of_export(headers: Sequence[str], mapping: Mapping[str, str]) -> str:
    """The tool whose ids a file brings: that of a recognised export whose own column holds them."""
    column = next((header for header, word in mapping.items() if word == "external_id"), "")
    export = export_of(headers) if column else None
    is_its_own = export is not None and export.columns.get(plain_name(column)) == "external_id"
    return plain_name(export.name) if export is not None and is_its_own else UNNAMED


def read_lines(text: str) -> list[dict[str, str]]:
    """“hubspot: 1815”, one a line, as forms have them. What has no colon has no tool."""
    parts = [line.partition(":") for line in text.split("\n") if line.strip()]
    return [
        {"tool": tool.strip() if colon else "", "id": (rest if colon else tool).strip()} for tool, colon, rest in parts
    ]


def as_lines(pairs: Iterable[Pair]) -> str:
    return "\n".join(f"{tool}: {external_id}" for tool, external_id in pairs)


def pairs_of(contact: Contact) -> list[Pair]:
    """Those of tools with a name."""
    return sorted((row.tool, row.external_id) for row in contact.external_ids.all())


def ids_of(contact: Contact) -> list[Pair]:
    """All of them, the unnamed tool's first."""
    return [*([(UNNAMED, contact.external_id)] if contact.external_id else []), *pairs_of(contact)]


def having(pairs: Iterable[Pair]) -> Q:
    """Contacts that have one of these ids, in the unnamed tool or in a named one."""
    pairs = list(pairs)
    named = Q(pk__in=[])
    for tool, external_id in pairs:
        named |= Q(tool=tool, external_id=external_id)
    # Looked up first: an OR with a subquery would read the whole table of contacts.
    ids = list(ContactExternalId.objects.filter(named).values_list("contact", flat=True))
    return Q(pk__in=ids) | Q(external_id__in=[external_id for tool, external_id in pairs if tool == UNNAMED])


def set_pairs(contact: Contact, pairs: Iterable[Pair]) -> bool:
    """Makes exactly these the contact's ids in named tools. Returns whether that changed anything.

    Ids that deleted contacts have are taken from them; the caller has refused those of others.
    """
    wanted, known = set(pairs), set(pairs_of(contact))
    if wanted == known:
        return False
    for tool, external_id in known - wanted:
        contact.external_ids.filter(tool=tool, external_id=external_id).delete()
    added = sorted(wanted - known)
    for tool, external_id in added:
        taken = ContactExternalId.objects.filter(tool=tool, external_id=external_id)
        taken.filter(contact__deleted_at__isnull=False).delete()
    rows = [ContactExternalId(contact=contact, tool=tool, external_id=external_id) for tool, external_id in added]
    ContactExternalId.objects.bulk_create(rows)
    return True


def clean_pairs(value: Any, clean_id: Any) -> list[Pair]:
    """Of `[{"tool": "hubspot", "id": "1815"}]`, each once. `clean_id` judges the id. Raises ValueError."""
    pairs: dict[Pair, None] = {}
    for each in value or []:
        if not isinstance(each, Mapping):
            raise ValueError("An external id is an object with a tool and an id.")
        external_id = clean_id("external_id", each.get("id"))
        if not external_id:
            raise ValueError("The id is missing.")
        pairs[tool_named(str(each.get("tool") or "")), external_id] = None
    return list(pairs)

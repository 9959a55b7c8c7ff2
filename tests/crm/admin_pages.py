"""Where the pages of a model are, and what their dialogs do."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def act(client: Client, model: Any, action: str, pk: int, **fields: str) -> Any:
    return client.post(url(model, action, pk), {"_form_submitted": "on", **fields})

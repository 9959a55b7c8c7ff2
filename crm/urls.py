"""All URLs. Pages of an application stand in its own `urls.py`, the API in `crm/api/urls.py`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from crm.views.dashboard import show_dashboard

urlpatterns = [
    path("", show_dashboard, name="dashboard"),
    path("admin/queue/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("bounces.urls")),
    path("", include("contacts.urls")),
]

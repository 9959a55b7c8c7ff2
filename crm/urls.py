"""All URLs. Pages of an application stand in its own `urls.py`, the API in `crm/api/urls.py`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from crm import queue_pages
from crm.signin import admin_doors
from crm.views.api_keys import revoke_key, show_keys
from crm.views.dashboard import show_dashboard
from crm.views.demo import show_progress

api_keys = [
    path("", show_keys, name="api_keys"),
    path("<int:pk>/revoke/", revoke_key, name="revoke_api_key"),
]
admin_doors.close(admin.site)
urlpatterns = [
    path("", show_dashboard, name="dashboard"),
    path("demo/progress/", show_progress, name="demo_progress"),
    path("admin/queue/", include((queue_pages.patterns(), "django_rq"))),
    path("admin/", admin.site.urls),
    path("accounts/keys/", include((api_keys, "crm"))),
    path("accounts/", include("crm.signin.urls")),
    path("api/v1/", include("crm.api.urls")),
    path("", include("bounces.urls")),
    path("", include("contacts.urls")),
]
handler500 = "crm.views.away.answer_error"

"""/api/v1/: the API of `contacts` and `bounces`, its schema, and the page to read and try it."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from crm.api import schema  # noqa: F401 -- importing registers our security scheme
from crm.api.errors import NowhereView

app_name = "api"
urlpatterns = [
    path("", include("contacts.api.urls")),
    path("", include("bounces.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    re_path("", NowhereView.as_view()),
]

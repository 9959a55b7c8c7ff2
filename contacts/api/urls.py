"""The API about contacts. `crm/api/urls.py` includes it below /api/v1/, in the namespace `api`."""

from __future__ import annotations

from django.urls import path

from contacts.api.exports import ExportFileView, ExportsView, ExportView
from contacts.api.views import ContactsView, ContactView

urlpatterns = [
    path("contacts/", ContactsView.as_view(), name="contacts"),
    path("contacts/<int:pk>/", ContactView.as_view(), name="contact"),
    path("exports/", ExportsView.as_view(), name="exports"),
    path("exports/<int:pk>/", ExportView.as_view(), name="export"),
    path("exports/<int:pk>/file/", ExportFileView.as_view(), name="export_file"),
]

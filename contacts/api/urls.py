"""The API about contacts. `crm/api/urls.py` includes it below /api/v1/, in the namespace `api`."""

from __future__ import annotations

from django.urls import path

from contacts.api.bulk import ContactsBulkView
from contacts.api.campaigns import CampaignsView, CampaignView
from contacts.api.duplicates import DismissPairView, DuplicatesView, MergePairView, UndoMergeView
from contacts.api.exports import ExportFileView, ExportsView, ExportView
from contacts.api.import_corrections import CorrectionsView
from contacts.api.import_rows import FailedRowsView, ImportRowsView, UndoRowsView
from contacts.api.imports import (
    CancelView,
    ConfirmView,
    ImportsView,
    ImportView,
    NextBatchView,
    UndoView,
)
from contacts.api.views import ContactsView, ContactView

urlpatterns = [
    path("campaigns/", CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<slug:key>/", CampaignView.as_view(), name="campaign"),
    path("contacts/", ContactsView.as_view(), name="contacts"),
    path("contacts/bulk/", ContactsBulkView.as_view(), name="contacts_bulk"),
    path("contacts/<int:pk>/", ContactView.as_view(), name="contact"),
    path("duplicates/", DuplicatesView.as_view(), name="duplicates"),
    path("duplicates/<int:pk>/dismiss/", DismissPairView.as_view(), name="duplicate_dismiss"),
    path("duplicates/<int:pk>/merge/", MergePairView.as_view(), name="duplicate_merge"),
    path("merges/<int:pk>/undo/", UndoMergeView.as_view(), name="merge_undo"),
    path("exports/", ExportsView.as_view(), name="exports"),
    path("exports/<int:pk>/", ExportView.as_view(), name="export"),
    path("exports/<int:pk>/file/", ExportFileView.as_view(), name="export_file"),
    path("imports/", ImportsView.as_view(), name="imports"),
    path("imports/<int:pk>/", ImportView.as_view(), name="import"),
    path("imports/<int:pk>/confirm/", ConfirmView.as_view(), name="import_confirm"),
    path("imports/<int:pk>/corrections/", CorrectionsView.as_view(), name="import_corrections"),
    path("imports/<int:pk>/cancel/", CancelView.as_view(), name="import_cancel"),
    path("imports/<int:pk>/next-batch/", NextBatchView.as_view(), name="import_next_batch"),
    path("imports/<int:pk>/rows/", ImportRowsView.as_view(), name="import_rows"),
    path("imports/<int:pk>/failed/", FailedRowsView.as_view(), name="import_failed"),
    path("imports/<int:pk>/undo/rows/", UndoRowsView.as_view(), name="import_undo_rows"),
    path("imports/<int:pk>/undo/", UndoView.as_view(), name="import_undo"),
]

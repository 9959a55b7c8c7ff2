"""The pages about bounces."""

from __future__ import annotations

from django.urls import path

from bounces.views import (
    address,
    bounce,
    cleaning,
    cleaning_undo,
    inbox,
    incidents,
    raw,
    reputation,
    suppressions,
    upload,
    webhooks,
)

app_name = "bounces"
urlpatterns = [
    path("in/<str:token>/", webhooks.take_in, name="webhook"),
    path("bounces/", bounce.show_list, name="list"),
    path("bounces/complaints/", bounce.show_complaints, name="complaints"),
    path("bounces/upload/", upload.upload, name="upload"),
    path("bounces/upload/progress/", upload.show_progress, name="upload_progress"),
    path("bounces/<int:pk>/", bounce.show_bounce, name="bounce"),
    path("addresses/<int:pk>/", address.show_address, name="address"),
    path("addresses/<int:pk>/restore/", address.restore, name="restore"),
    path("addresses/<int:pk>/hold/", address.hold, name="hold"),
    path("addresses/<int:pk>/release/", address.release, name="release"),
    path("suppressions/", suppressions.show_list, name="suppressions"),
    path("suppressions/add/", suppressions.add, name="suppressions_add"),
    path("suppressions/lift/", suppressions.lift_chosen, name="suppressions_lift"),
    path("suppressions/export.csv", suppressions.export, name="suppressions_csv"),
    path("suppressions/<int:pk>/lift/", address.lift, name="lift"),
    path("reputation/", reputation.show_reputation, name="reputation"),
    path("guards/<int:pk>/resume/", reputation.resume, name="guard_resume"),
    path("incidents/", incidents.show_list, name="incidents"),
    path("incidents/<int:pk>/", incidents.show_incident, name="incident"),
    path("incidents/<int:pk>/confirm/", incidents.confirm, name="incident_confirm"),
    path("incidents/<int:pk>/dismiss/", incidents.dismiss, name="incident_dismiss"),
    path("incidents/<int:pk>/addresses.csv", incidents.export_addresses, name="incident_csv"),
    path("inbox/", inbox.show_list, name="inbox"),
    path("inbox/<int:pk>/", inbox.show_item, name="item"),
    path("inbox/<int:pk>/raw/", raw.show_raw, name="raw"),
    path("inbox/<int:pk>/retry/", inbox.retry, name="retry"),
    path("inbox/<int:pk>/release/", inbox.release, name="release_item"),
    path("inbox/<int:pk>/discard/", inbox.discard, name="discard"),
    path("cleaning/", cleaning.show_list, name="cleaning"),
    path("cleaning/<int:pk>/", cleaning.show_run, name="cleaning_run"),
    path("cleaning/<int:pk>/progress/", cleaning.show_progress, name="cleaning_progress"),
    path("cleaning/<int:pk>/apply/", cleaning.apply, name="cleaning_apply"),
    path("cleaning/<int:pk>/cancel/", cleaning.cancel, name="cleaning_cancel"),
    path("cleaning/<int:pk>/pause/", cleaning.pause, name="cleaning_pause"),
    path("cleaning/<int:pk>/resume/", cleaning.resume, name="cleaning_resume"),
    path("cleaning/<int:pk>/undo/", cleaning_undo.undo, name="cleaning_undo"),
    path("cleaning/<int:pk>/undo/rows/", cleaning_undo.undo_chosen, name="cleaning_undo_rows"),
    path("cleaning/<int:pk>/rows.csv", cleaning.export_rows, name="cleaning_csv"),
]

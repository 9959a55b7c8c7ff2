"""The pages about contacts, companies, segments, campaigns and tasks, and the start of a cleaning run."""

from __future__ import annotations

from django.urls import path

from contacts.views import (
    bulk_actions,
    campaign,
    cleaning_start,
    company,
    contact,
    contact_list,
    erasing,
    exporting,
    importing,
    merging,
    segment,
    task,
    what_if,
)

app_name = "contacts"
urlpatterns = [
    path("contacts/", contact_list.show_list, name="list"),
    path("contacts/bulk/", bulk_actions.do_bulk, name="bulk"),
    path("contacts/import/", importing.import_contacts, name="import"),
    path("contacts/export.csv", exporting.export_contacts, name="export"),
    path("contacts/new/", contact.create, name="new"),
    path("contacts/new/address/", contact.add_address_row, name="address_row"),
    path("contacts/<int:pk>/", contact.show_contact, name="contact"),
    path("contacts/<int:pk>/timeline/", contact.show_timeline, name="timeline"),
    path("contacts/<int:pk>/edit/", contact.edit, name="edit"),
    path("contacts/<int:pk>/note/", contact.note, name="note"),
    path("contacts/<int:pk>/delete/", contact.delete, name="delete"),
    path("contacts/<int:pk>/merge/", merging.choose, name="merge"),
    path("contacts/<int:pk>/merge/<int:other_pk>/", merging.confirm, name="merge_confirm"),
    path("contacts/<int:pk>/erase/", erasing.erase, name="erase"),
    path("contacts/<int:pk>/task/", task.add, name="task_add"),
    path("tasks/", task.show_list, name="tasks"),
    path("tasks/<int:pk>/done/", task.done, name="task_done"),
    path("companies/", company.show_list, name="companies"),
    path("companies/names/", contact_list.show_company_names, name="company_names"),
    path("companies/new/", company.create, name="company_new"),
    path("companies/<int:pk>/", company.show_company, name="company"),
    path("companies/<int:pk>/edit/", company.edit, name="company_edit"),
    path("campaigns/", campaign.show_list, name="campaigns"),
    path("campaigns/new/", campaign.create, name="campaign_new"),
    path("campaigns/<int:pk>/", campaign.show_campaign, name="campaign"),
    path("campaigns/<int:pk>/edit/", campaign.edit, name="campaign_edit"),
    path("campaigns/<int:pk>/state/", campaign.set_state, name="campaign_state"),
    path("campaigns/<int:pk>/add/", campaign.add_members, name="campaign_add"),
    path("campaigns/<int:pk>/remove/", campaign.remove_members, name="campaign_remove"),
    path("segments/", segment.show_list, name="segments"),
    path("segments/new/", segment.create, name="segment_new"),
    path("segments/<int:pk>/edit/", segment.edit, name="segment_edit"),
    path("segments/<int:pk>/delete/", segment.delete, name="segment_delete"),
    path("cleaning/new/", cleaning_start.start, name="cleaning_start"),
    path("cleaning/what-if/", what_if.show, name="what_if"),
    path("cleaning/new/scope/", cleaning_start.count_scope, name="cleaning_scope"),
]

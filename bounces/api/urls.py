"""The API about bounces. `crm/api/urls.py` includes it below /api/v1/, in the namespace `api`."""

from __future__ import annotations

from django.urls import path

from bounces.api.bounces import BouncesView, BounceView
from bounces.api.check import CheckView
from bounces.api.events import EventsView
from bounces.api.inbox import ItemView, MailView
from bounces.api.return_paths import ReturnPathsView
from bounces.api.suppression_lists import ConfirmListView, SuppressionListsView, SuppressionListView
from bounces.api.suppressions import LiftView, SuppressionsView, SuppressionView

urlpatterns = [
    path("bounces/", BouncesView.as_view(), name="bounces"),
    path("bounces/mail/", MailView.as_view(), name="mail"),
    path("bounces/<int:pk>/", BounceView.as_view(), name="bounce"),
    path("events/", EventsView.as_view(), name="events"),
    path("return-paths/", ReturnPathsView.as_view(), name="return-paths"),
    path("inbox/<int:pk>/", ItemView.as_view(), name="item"),
    path("suppressions/", SuppressionsView.as_view(), name="suppressions"),
    path("suppressions/lift/", LiftView.as_view(), name="suppressions_lift"),
    path("suppressions/lists/", SuppressionListsView.as_view(), name="suppression_lists"),
    path("suppressions/lists/<int:pk>/", SuppressionListView.as_view(), name="suppression_list"),
    path("suppressions/lists/<int:pk>/confirm/", ConfirmListView.as_view(), name="suppression_list_confirm"),
    path("suppressions/<int:pk>/", SuppressionView.as_view(), name="suppression"),
    path("check/", CheckView.as_view(), name="check"),
]

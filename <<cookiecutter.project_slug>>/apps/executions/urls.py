"""Addresses of the executions' pages, under /executions/."""

from django.urls import path

from apps.executions import stream, views
from apps.executions.dashboard_views import dashboard

app_name = "executions"
urlpatterns = [
    path("", views.listed, name="list"),
    path("dashboard/", dashboard, name="dashboard"),
    path("<uuid:execution_id>/", views.detail, name="detail"),
    path("stream", stream.stream_rows, name="stream-rows"),
    path("<uuid:execution_id>/stream", stream.stream_detail, name="stream"),
    path("<uuid:execution_id>/live", views.live_detail, name="live"),
]

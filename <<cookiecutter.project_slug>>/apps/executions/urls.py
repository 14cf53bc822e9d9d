"""Addresses of the executions' pages, under /executions/."""

from django.urls import path

from apps.executions import stream, views
from apps.executions.actions import ACTIONS
from apps.executions.dashboard_views import dashboard

app_name = "executions"
urlpatterns = [
    path("", views.listed, name="list"),
    path("dashboard/", dashboard, name="dashboard"),
    path("new/", views.new, name="new"),
    path("<uuid:execution_id>/", views.detail, name="detail"),
    path("stream", stream.stream_rows, name="stream-rows"),
    path("<uuid:execution_id>/stream", stream.stream_detail, name="stream"),
    path("<uuid:execution_id>/live", views.live_detail, name="live"),
    path("<uuid:execution_id>/tasks/<int:task_id>/", views.task, name="task"),
    *(path(f"<uuid:execution_id>/{name}/", views.act, {"action": name}, name=name) for name in ACTIONS),
]

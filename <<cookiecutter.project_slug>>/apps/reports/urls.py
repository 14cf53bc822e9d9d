"""Addresses of the reports' pages, under /reports/."""

from django.urls import path

from apps.reports import views

app_name = "reports"
urlpatterns = [
    path("", views.listed, name="list"),
    path("executions/<uuid:execution_id>/", views.requested, name="request"),
    path("<uuid:report_id>/", views.content, name="content"),
]

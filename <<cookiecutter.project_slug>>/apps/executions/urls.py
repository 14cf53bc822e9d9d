"""Addresses of the executions' pages, under /executions/."""

from django.urls import path

from apps.executions import views

app_name = "executions"
urlpatterns = [
    path("", views.listed, name="list"),
    path("<uuid:execution_id>/", views.detail, name="detail"),
    path("<uuid:execution_id>/live", views.live_detail, name="live"),
]

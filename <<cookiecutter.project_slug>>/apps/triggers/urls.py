"""Addresses of the triggers' pages, of public forms, and where mail services deliver."""

from django.urls import path

from apps.triggers import public_views, views

app_name = "triggers"
urlpatterns = [
    path("workflows/<uuid:workflow_id>/triggers/", views.listed, name="workflow"),
    path("workflows/<uuid:workflow_id>/triggers/new/<slug:kind>/", views.new, name="new"),
    path("triggers/<uuid:trigger_id>/", views.detail, name="detail"),
    path("triggers/<uuid:trigger_id>/edit/", views.edit, name="edit"),
    path("triggers/<uuid:trigger_id>/fire/", views.fire, name="fire"),
    path("triggers/<uuid:trigger_id>/delete/", views.delete, name="delete"),
    path("triggers/<uuid:trigger_id>/<slug:action>/", views.act, name="act"),
    path("forms/<str:token>/", public_views.form, name="form"),
    path("forms/<str:token>/thanks/", public_views.thanks, name="thanks"),
    path("webhooks/mail/<slug:service>/", public_views.inbound, name="inbound"),
]

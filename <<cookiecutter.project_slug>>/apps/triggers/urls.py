"""Addresses of the triggers' pages, of public forms, and where mail services deliver."""

from django.urls import path

from apps.triggers import views

app_name = "triggers"
urlpatterns = [
    path("forms/<str:token>/", views.form, name="form"),
    path("forms/<str:token>/thanks/", views.thanks, name="thanks"),
    path("webhooks/mail/<slug:service>/", views.inbound, name="inbound"),
]

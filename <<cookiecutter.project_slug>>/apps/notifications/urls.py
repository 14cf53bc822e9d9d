"""Addresses of the inbox, under /inbox/."""

from django.urls import path

from apps.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<int:pk>/", views.opened, name="opened"),
    path("read/", views.read, name="read"),
    path("settings/", views.choices, name="choices"),
    path("settings/contact/", views.contact, name="contact"),
    path("settings/secret/", views.secret, name="secret"),
]

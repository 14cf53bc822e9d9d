"""Addresses of what people are asked, under /approvals/."""

from django.urls import path

from apps.approvals import views

app_name = "approvals"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("link/<str:token>/", views.link, name="link"),
    path("link/<str:token>/documents/<int:pk>/", views.link_document, name="link-document"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/documents/<int:document>/", views.document, name="document"),
]

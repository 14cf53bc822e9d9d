"""Addresses of the pages of documents and their templates, under /documents/."""

from django.urls import path

from apps.workflows import document_views

app_name = "documents"
urlpatterns = [
    path("", document_views.listed, name="list"),
    path("<uuid:document_id>/", document_views.content, name="content"),
    path("templates/", document_views.templates, name="templates"),
    path("templates/<uuid:template_id>/", document_views.template_content, name="template"),
    path("templates/<uuid:template_id>/delete/", document_views.delete_template, name="delete-template"),
]

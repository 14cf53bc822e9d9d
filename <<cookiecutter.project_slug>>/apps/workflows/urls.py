"""Addresses of the pages of workflows, under /workflows/."""

from django.urls import path

from apps.workflows import editor_views, project_views, run_views, views

app_name = "workflows"
urlpatterns = [
    path("", views.listed, name="list"),
    path("new/", views.new, name="new"),
    path("projects/", project_views.listed, name="projects"),
    path("projects/new/", project_views.new, name="new-project"),
    path("projects/<uuid:project_id>/", project_views.project, name="project"),
    path("projects/<uuid:project_id>/delete/", project_views.delete, name="delete-project"),
    path("projects/<uuid:project_id>/members/", project_views.set_member, name="set-member"),
    path("projects/<uuid:project_id>/members/<int:user_id>/remove/", project_views.remove_member, name="remove-member"),
    path("<uuid:workflow_id>/", views.workflow, name="workflow"),
    path("<uuid:workflow_id>/rename/", views.rename, name="rename"),
    path("<uuid:workflow_id>/status/", views.set_status, name="status"),
    path("<uuid:workflow_id>/duplicate/", views.duplicate, name="duplicate"),
    path("<uuid:workflow_id>/delete/", views.delete, name="delete"),
    path("<uuid:workflow_id>/export/<str:form>", views.export, name="export"),
    path("<uuid:workflow_id>/versions/<int:number>/", views.version, name="version"),
    path("<uuid:workflow_id>/compare/", views.compare, name="compare"),
    path("<uuid:workflow_id>/run/", run_views.run, name="run"),
    path("<uuid:workflow_id>/test/", run_views.run, {"is_test": True}, name="test"),
    path("<uuid:workflow_id>/edit/", editor_views.edit, name="edit"),
    path("<uuid:workflow_id>/edit/publish/", editor_views.publish, name="publish"),
    path("<uuid:workflow_id>/edit/input/", editor_views.edit_input, name="input"),
    path("<uuid:workflow_id>/edit/steps/new/", editor_views.new_step, name="new-step"),
    path("<uuid:workflow_id>/edit/steps/<slug:key>/", editor_views.edit_step, name="step"),
    path("<uuid:workflow_id>/edit/steps/<slug:key>/move/<str:way>/", editor_views.move_step, name="move-step"),
    path("<uuid:workflow_id>/edit/steps/<slug:key>/delete/", editor_views.delete_step, name="delete-step"),
    path("runs/<uuid:execution_id>/steps/<int:step_id>/", run_views.step_run, name="step-run"),
]

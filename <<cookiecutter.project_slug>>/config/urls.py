"""Routes. /health/live and /health/ready are answered before any of these, by config/health.py."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from apps.temporal.views import codec
from config import views
from config.api import api

# The admin's own sign-in has no rate limit; the site's has.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way
admin.site.site_header = admin.site.site_title = views.SITE_NAME
admin.site.index_title = "Administration"

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    # % if cookiecutter.workflow_builder
    path("approvals/", include("apps.approvals.urls")),
    path("documents/", include("apps.workflows.document_urls")),
    path("", include("apps.triggers.urls")),
    # % endif
    path("executions/", include("apps.executions.urls")),
    path("inbox/", include("apps.notifications.urls")),
    path("reports/", include("apps.reports.urls")),
    # % if cookiecutter.workflow_builder
    path("workflows/", include("apps.workflows.urls")),
    # % endif
    path("temporal/codec/<str:action>", codec, name="codec"),
]

handler403 = "config.views.forbidden"
handler404 = "config.views.not_found"
handler500 = "config.views.server_error"

"""A report as an answer to a browser or a program."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from apps.reports.models import Report


def answer(report: Report, *, as_file: bool) -> HttpResponse:
    """What the report says. All but HTML are always files: programs that show them keep no policy of ours."""
    response = HttpResponse(bytes(report.content), content_type=report.content_type)
    attached = as_file or report.format != Report.Format.HTML
    response["Content-Disposition"] = content_disposition_header(attached, report.filename) or "inline"
    return response

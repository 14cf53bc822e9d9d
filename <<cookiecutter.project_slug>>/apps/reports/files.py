"""A report as an answer to a browser or a program."""

from django.http import HttpResponse

from apps.reports.models import Report
from config.files import file_answer


def answer(report: Report, *, as_file: bool) -> HttpResponse:
    """What the report says. All but HTML are always files: programs that show them keep no policy of ours."""
    shown = not as_file and report.format == Report.Format.HTML
    return file_answer(bytes(report.content), report.filename, report.content_type, shown=shown)

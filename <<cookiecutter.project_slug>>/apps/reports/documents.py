"""What a report says, in each format. Nothing is fetched from anywhere: a report is whole as it is stored."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any, NoReturn

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from apps.executions import catalog, charts, dashboard, states
from apps.executions.charts import Stretch
from apps.executions.models import Execution, TaskExecution
from apps.reports.models import Report

# Tasks in the picture: more cannot be told apart. The table has them all.
PICTURED = 40
TONES = {"success": "good", "failed": "bad", "running": "busy"}
TASK_COLUMNS = ("Task", "Status", "Scheduled", "Started", "Completed", "Seconds", "Tries", "Error")
WORKFLOW_COLUMNS = (
    "Workflow",
    "Executions",
    "Completed",
    "Failed",
    "Canceled",
    "Unfinished",
    "Failure rate",
    "p50 seconds",
    "p95 seconds",
)
NO_PDF = (
    "PDF needs WeasyPrint: install the project with its extra, `uv sync --extra pdf`, and the libraries that WeasyPrint asks for."
)
# What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class NoPdf(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """WeasyPrint is not installed, or not the libraries that it needs. The message says what to do."""


def can_write(format: str) -> bool:  # noqa: A002  what the model calls it
    """Whether this installation has what the format needs."""
    return format != Report.Format.PDF or find_spec("weasyprint") is not None


def compose(report: Report) -> bytes:
    """What the report says. Raises NoPdf."""
    facts = _of_execution(report.execution, report.attempt or 1) if report.execution else _of_day(report)
    match report.format:
        case Report.Format.CSV:
            return _csv(facts["columns"], facts["rows"])
        case Report.Format.HTML:
            return _html(report, facts).encode()
        case _:
            return _pdf(_html(report, facts))


def _of_execution(execution: Execution, attempt: int) -> dict[str, Any]:
    tasks = list(execution.tasks.filter(attempt=attempt).defer("log", "output"))
    # A later attempt may run by now, so what became of this one is in the audit trail.
    end = execution.events.filter(attempt=attempt, after__in=states.CLOSED).last()
    status = states.shown(end.after if end else execution.status)
    return {
        "title": f"{catalog.title(execution.workflow)}: {status}",
        "execution": execution,
        "attempt": attempt,
        "status": status,
        "end": end,
        "result": json.dumps(execution.result, indent=2, ensure_ascii=False) if execution.result is not None else "",
        "took": charts.duration(_seconds(_began(execution, attempt, tasks), end and end.at)),
        "chart": charts.timeline(
            "tasks", "When each task ran", [stretch for task in tasks if (stretch := _stretch(task))][:PICTURED]
        ),
        "events": execution.events.filter(attempt=attempt).select_related("user"),
        "columns": TASK_COLUMNS,
        "rows": [
            (
                task.name,
                task.status,
                _moment(task.scheduled_at),
                _moment(task.started_at),
                _moment(task.completed_at),
                _seconds(task.started_at, task.completed_at),
                len(task.tries) + 1,
                task.error,
            )
            for task in tasks
        ],
    }


def _began(execution: Execution, attempt: int, tasks: Iterable[TaskExecution]) -> datetime | None:
    """When an attempt began: the row knows that of its latest only."""
    if attempt == execution.attempt:
        return execution.started_at
    # A reset is the last line of the attempt that it ends.
    reset = execution.events.filter(attempt=attempt - 1, action="reset").last()
    known = [reset.at] if reset else [task.scheduled_at for task in tasks if task.scheduled_at]
    return min(known, default=None)


def _of_day(report: Report) -> dict[str, Any]:
    assert report.day is not None, "a report is of an execution or of a day"
    days = [report.day - timedelta(days=back) for back in reversed(range(dashboard.DAYS))]
    figures = dashboard.figures(Execution.objects.all(), [report.day])
    return {
        "title": f"Executions of {report.day}",
        "day": report.day,
        "figures": figures,
        "chart": dashboard.figures(Execution.objects.all(), days).per_day,
        "durations": figures.durations,
        "columns": WORKFLOW_COLUMNS,
        "rows": [
            (
                each.title,
                each.counts.total,
                each.counts.completed,
                each.counts.failed,
                each.counts.canceled,
                each.counts.unfinished,
                each.counts.failure_rate,
                _rounded(each.p50),
                _rounded(each.p95),
            )
            for each in figures.workflows
        ],
    }


def _html(report: Report, facts: dict[str, Any]) -> str:
    context = {**facts, "site_name": settings.SITE_NAME, "written_at": timezone.now()}
    return render_to_string(f"reports/documents/{report.kind}.html", context)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    # The mark tells spreadsheets that it is UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _pdf(html: str) -> bytes:
    try:
        import weasyprint  # noqa: PLC0415  an extra
    except (ImportError, OSError) as error:
        raise NoPdf(NO_PDF) from error
    document: bytes = weasyprint.HTML(string=html, url_fetcher=_refuse).write_pdf()
    return document


def _refuse(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"A report fetches nothing, so not {url} either.")


def _stretch(task: TaskExecution) -> Stretch | None:
    if task.started_at is None or task.carried:
        return None
    ended = task.completed_at or task.started_at
    return Stretch(task.name, TONES.get(task.status, "quiet"), task.scheduled_at or task.started_at, task.started_at, ended)


def _seconds(start: Any, end: Any) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _moment(at: Any) -> str:
    return timezone.localtime(at).isoformat(sep=" ", timespec="milliseconds") if at else ""

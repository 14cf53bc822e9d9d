"""`/api/v1/reports`: what was written about one's executions. With the permission reports.view_report, about everybody's."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import FilterSchema, Query, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field, WithJsonSchema

from apps.executions.models import Execution
from apps.reports import services
from apps.reports.files import answer
from apps.reports.models import TYPES, Report

router = Router(tags=["reports"])
# Written out: the API's document has one name for each component, and Status is another's.
ReportStatus = Annotated[Report.Status, WithJsonSchema({"type": "string", "enum": list(Report.Status.values)})]
FILE: dict[str, Any] = {
    "responses": {200: {"description": "The file", "content": {name.partition(";")[0]: {} for name in TYPES.values()}}}
}


class ReportIn(Schema):
    """Which execution to write up, and how. It must have ended. `recipients` get it by mail, once each.

    They are addresses: one's own, or with the permission reports.add_report any.
    """

    execution: UUID
    format: Report.Format
    recipients: Annotated[list[str], Field(max_length=services.MAX_RECIPIENTS)] = []


class ReportOut(Schema):
    """A report: of an attempt of an execution, or of a day. It can be read once it is `ready`."""

    id: UUID
    kind: str
    execution_id: UUID | None
    attempt: int | None
    day: date | None
    format: Report.Format
    status: ReportStatus
    error: str
    size: int
    created_at: datetime
    generated_at: datetime | None


class ReportFilters(FilterSchema):
    """Which reports."""

    execution_id: UUID | None = None
    day: date | None = None
    status: ReportStatus | None = None


@router.get("", response=list[ReportOut], summary="Reports, newest first")
@paginate
def reports(request: HttpRequest, filters: Query[ReportFilters]) -> QuerySet[Report]:
    """Of one's own executions; with the permission, all of them and the summaries of days."""
    return filters.filter(Report.objects.visible_to(request.user).listed())


@router.post("", response={202: ReportOut, 404: None}, summary="Have an execution written up")
def request_report(request: HttpRequest, wanted: ReportIn) -> Status[Report]:
    """Accepted at once, also while Temporal is away. The same request gives the same report; one that failed is tried again."""
    execution = get_object_or_404(Execution.objects.visible_to(request.user), pk=wanted.execution)
    services.require_may_request(request.user, execution)
    services.require_may_mail(request.user, wanted.recipients)
    report = services.request_report(execution=execution, format=wanted.format, recipients=wanted.recipients)
    return Status(202, report)


@router.get("/{uuid:report_id}", response=ReportOut, summary="A report, without what it says")
def report(request: HttpRequest, report_id: UUID) -> Report:
    """Whether it is ready, and how long it is."""
    return get_object_or_404(Report.objects.visible_to(request.user).listed(), pk=report_id)


@router.get("/{uuid:report_id}/content", summary="What a report says", openapi_extra=FILE)
def content(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """The file. 404 until it is ready."""
    return answer(get_object_or_404(Report.objects.visible_to(request.user).ready(), pk=report_id), as_file=True)

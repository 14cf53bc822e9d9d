"""Pages of the reports: which there are, and what each says."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_POST, require_safe

from apps.executions.models import Execution
from apps.reports import services
from apps.reports.documents import can_write
from apps.reports.files import answer
from apps.reports.models import Report

PER_PAGE = 25
# A report was written from what executions say: shown, it may do nothing but look like something.
SEALED: dict[str, Any] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.NONE],
    "sandbox": True,
}


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The newest reports that the account may read, or those of one execution, which can be written here."""
    reports, execution = Report.objects.visible_to(request.user).listed(), None
    if wanted := request.GET.get("execution"):
        execution = _execution(request, wanted)
        reports = reports.filter(execution=execution)
    page = Paginator(reports, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "execution": execution,
        "formats": [each for each in Report.Format if can_write(each)] if execution and not execution.is_open else [],
        "waits": any(report.status == Report.Status.QUEUED for report in page),
    }
    return render(request, "reports/list.html", context)


@require_POST
@login_required
def requested(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Have an execution written up."""
    execution = _execution(request, str(execution_id))
    recipients = [address for each in request.POST.get("recipients", "").split(",") if (address := each.strip())]
    services.require_may_mail(request.user, recipients)
    try:
        services.request_report(execution=execution, format=request.POST.get("format", ""), recipients=recipients)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        if recipients:
            messages.success(request, "It is mailed once to each address.")
    return redirect(f"{reverse('reports:list')}?execution={execution.pk}")


@require_safe
@login_required
@never_cache
@csp_override(SEALED)
def content(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """What a report says: HTML is shown, unless `?download` asks for the file, the others are files."""
    report = get_object_or_404(Report.objects.visible_to(request.user).ready(), pk=report_id)
    return answer(report, as_file="download" in request.GET)


def _execution(request: HttpRequest, key: str) -> Execution:
    try:
        execution = get_object_or_404(Execution.objects.visible_to(request.user), pk=UUID(key))
    except ValueError as error:
        raise Http404 from error
    services.require_may_request(request.user, execution)
    return execution

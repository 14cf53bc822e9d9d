"""Run a workflow by hand, or try its draft; and what one of its steps gave."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.executions import live
from apps.executions.forms import InputForm, sent_key
from apps.executions.models import Execution
from apps.users.auth import account
from apps.workflows import access, exchange, services, starting
from apps.workflows.definitions import document_of
from apps.workflows.models import ItemFailure, StepRun
from apps.workflows.steps_shown import TONES
from apps.workflows.validation import problems

FAILURES_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def run(request: HttpRequest, workflow_id: UUID, *, is_test: bool = False) -> HttpResponse:
    """Ask for the input and start: the version that is published, or as a test what is edited. The key stops a second click."""
    found = access.changeable_workflow(request.user, workflow_id)
    version = exchange.edited_version(found) if is_test else found.current
    if version is None or (is_test and problems(document_of(version))):
        messages.error(request, "It cannot run yet: mend what is listed here, and publish it.")
        return redirect("workflows:edit", found.pk)
    startable = starting.startable(version, is_test=is_test)
    form = InputForm(startable, request.POST if request.method == "POST" else None)
    key = sent_key(request.POST)
    if form.is_valid():
        try:
            started = services.start(version, values=form.values, user=account(request), key=key, is_test=is_test)
            return redirect("executions:detail", started.pk)
        except ValidationError as error:
            form.refuse(error)
    context = {"workflow": found, "version": version, "form": form, "key": key, "is_test": is_test}
    return render(request, "workflows/run.html", context)


@require_safe
@login_required
@never_cache
def step_run(request: HttpRequest, execution_id: UUID, step_id: int) -> HttpResponse:
    """What a step gave, why it failed, and the items that it could not do."""
    execution = get_object_or_404(Execution.objects.visible_to(request.user), pk=execution_id)
    step = get_object_or_404(StepRun, pk=step_id, execution=execution)
    failures = ItemFailure.objects.filter(part__execution=execution, part__key=step.key).order_by("index")
    context = {
        "execution": execution,
        "step": step,
        "tone": TONES[StepRun.Status(step.status)],
        "output": live.pretty(step.output),
        "failures": Paginator(failures, FAILURES_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "workflows/step_run.html", context)

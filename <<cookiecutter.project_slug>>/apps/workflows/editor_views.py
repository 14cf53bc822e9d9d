"""The editor: what a workflow asks for, its steps and where they lead. Each save is a new revision of the draft.

What somebody else has saved meanwhile is never overwritten: the revision that a page was made of comes back with its form.
"""

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.users.auth import account
from apps.workflows import access, editing, exchange, graph, hints, services
from apps.workflows.definitions import MAX_STEPS, DefinitionDoc, StepDoc
from apps.workflows.fields import advice, inside, shown_first
from apps.workflows.forms import PublishForm, StepForm, edges_in, errors_of, told, ways_of
from apps.workflows.input_forms import StrictForm, fields_of, schema_in
from apps.workflows.inputs import schema_problems
from apps.workflows.kinds import base
from apps.workflows.models import Workflow
from apps.workflows.validation import problems
from config.parsing import whole

MORE = 3


@require_safe
@login_required
@never_cache
def edit(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """The steps in their order, their picture, and what still keeps them from being published."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    wrong = problems(document)
    looks = {problem.step: graph.Look(tone="bad") for problem in wrong if problem.step}
    names = {step.key: step.name for step in document.steps}
    context = {
        "steps": [_row(step, names, {problem.step for problem in wrong}) for step in document.steps],
        # Pairs: in a template `fields.items` is the field of that name.
        "fields": list(document.input_schema.get("properties", {}).items()),
        "graph": graph.drawn(document, looks),
        "problems": [(problem, names.get(problem.step, "")) for problem in wrong],
        "publish": PublishForm(),
        "has_draft": found.versions.filter(number=None).exists(),
    }
    return render(request, "workflows/edit.html", _facts(found, document) | context)


@require_POST
@login_required
def publish(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Make the draft what starts from now on."""
    found = access.changeable_workflow(request.user, workflow_id)
    form = PublishForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    try:
        made = services.publish(found, user=account(request), note=note)
    except services.NotPublishable as error:
        messages.error(request, f"It cannot be published yet: {len(error.problems)} things are to be mended, as listed below.")
        return redirect("workflows:edit", found.pk)
    messages.success(request, f"Version {made.number} is published: it is what starts from now on.")
    return redirect("workflows:workflow", found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_input(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """What it asks for, as a table. The button "more" only adds rows."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    schema = document.input_schema
    wants_more = "more" in request.POST
    rows = fields_of(schema, _with_more(request, "fields") if wants_more else request.POST or None)
    strict = StrictForm(request.POST or None, initial=StrictForm.initial_of(schema))
    wrong: list[str] = []
    if request.method == "POST" and not wants_more and rows.is_valid() and strict.is_valid():
        try:
            changed = schema_in(rows, schema, is_strict=strict.cleaned_data["is_strict"])
            wrong = list(schema_problems(changed))
            if not wrong and _save(request, found, editing.with_input(document, changed)):
                return redirect("workflows:edit", found.pk)
        except ValidationError as error:
            wrong = error.messages
    context = {"rows": rows, "strict": strict, "wrong": wrong}
    return render(request, "workflows/input.html", _facts(found, document) | context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_step(request: HttpRequest, workflow_id: UUID) -> HttpResponse:
    """Choose a kind, then say what it is told and what it follows."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    keys = [step.key for step in document.steps]
    after = request.GET.get("after", keys[-1] if keys else "")
    kind = base.kinds().get(request.GET.get("kind", ""))
    if len(keys) >= MAX_STEPS:
        messages.error(request, f"A workflow has at most {MAX_STEPS} steps: put some of them into one of their own.")
        return redirect("workflows:edit", found.pk)
    if kind is None:
        return render(request, "workflows/kinds.html", _facts(found, document) | {"families": _families(after), "after": after})
    form = StepForm(kind, document, data=_sent(request, kind))
    form.initial["after"] = after
    is_good = request.method == "POST" and form.is_valid()
    if is_checking(request):
        return _checked(request, form)
    if "more" in request.POST:
        _forget_errors(form)
    elif is_good:
        given = form.cleaned_data
        step = StepDoc(key=editing.free_key(document, given["name"]), kind=kind.name, name=given["name"], config=form.config)
        changed = editing.with_step(document, step, after=given["after"], condition=given["condition"])
        if _save(request, found, changed):
            return redirect("workflows:edit", found.pk)
    context = {"form": form, "hints": hints.of(document, after=form["after"].value(), with_item=kind.flow == "each")}
    return render(request, "workflows/step_new.html", _facts(found, document) | _about(kind, found, request) | context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_step(request: HttpRequest, workflow_id: UUID, key: str) -> HttpResponse:
    """What a step is told, and what follows it."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    step = _step(document, key)
    kind = base.kinds().get(step.kind)
    if kind is None:
        return render(request, "workflows/step_unknown.html", _facts(found, document) | {"step": step})
    wants_more = "more" in request.POST
    form = StepForm(kind, document, step, _sent(request, kind))
    ways = ways_of(step, document, _with_more(request, "ways") if request.POST.get("more") == "ways" else request.POST or None)
    is_good = request.method == "POST" and all([form.is_valid(), ways.is_valid()])
    if is_checking(request):
        return _checked(request, form, *ways)
    if wants_more:
        _forget_errors(form, *ways)
    elif is_good:
        changed = form.changed(edges_in(ways))
        if changed.key != key and any(each.key == changed.key for each in document.steps):
            form.add_error("key", "Another step has this name.")
        elif _save(request, found, editing.replaced(document, key, changed)):
            return redirect("workflows:edit", found.pk)
    wrong = [problem for problem in problems(document) if problem.step == key] if request.method != "POST" else []
    context = {
        "form": form,
        "ways": ways,
        "step": step,
        "wrong": wrong,
        "hints": hints.of(document, before=key, with_item=kind.flow == "each"),
    }
    return render(request, "workflows/step.html", _facts(found, document) | _about(kind, found, request) | context)


@require_POST
@login_required
def move_step(request: HttpRequest, workflow_id: UUID, key: str, way: str) -> HttpResponse:
    """Up or down."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    _step(document, key)
    _save(request, found, editing.moved(document, key, -1 if way == "up" else 1), done="")
    return redirect("workflows:edit", found.pk)


@require_POST
@login_required
def delete_step(request: HttpRequest, workflow_id: UUID, key: str) -> HttpResponse:
    """Take it away: what led to it leads to what followed it."""
    found = access.changeable_workflow(request.user, workflow_id)
    document = exchange.edited_document(found)
    step = _step(document, key)
    _save(request, found, editing.without_step(document, key), done=f"{step.name} is deleted.")
    return redirect("workflows:edit", found.pk)


def is_checking(request: HttpRequest) -> bool:
    """Whether a page only asks what is wrong with what stands in its form."""
    return request.method == "POST" and request.headers.get("HX-Request") == "true"


def _checked(request: HttpRequest, *forms: Any) -> HttpResponse:
    return render(request, "workflows/_checked.html", {"errors": errors_of(*forms), "is_checked": True})


def _save(request: HttpRequest, found: Workflow, document: DefinitionDoc, *, done: str = "Saved.") -> bool:
    """Whether the draft is what the document says now. What keeps it from that is said to the account."""
    try:
        services.change_draft(found, document, revision=whole(request.POST.get("revision")))
    except services.DraftChanged as error:
        messages.error(request, str(error))
        return False
    except ValidationError as error:
        messages.error(request, told(error))
        return False
    if done:
        messages.success(request, done)
    return True


def _facts(found: Workflow, document: DefinitionDoc) -> dict[str, Any]:
    return {"workflow": found, "document": document}


def _about(kind: base.Kind, found: Workflow, request: HttpRequest) -> dict[str, Any]:
    suggested = hints.suggestions(found.project, account(request))
    inner = [f"config_{name}" for name in inside(kind, {}, "")]
    return {"kind": kind, "advice": advice(kind), "inner": inner, "suggested": suggested}


def _row(step: StepDoc, names: dict[str, str], wrong: set[str]) -> dict[str, Any]:
    ways = [(edge.condition, names.get(edge.to, edge.to)) for edge in step.next]
    return {"step": step, "kind": base.kinds().get(step.kind), "ways": ways, "is_wrong": step.key in wrong}


def _step(document: DefinitionDoc, key: str) -> StepDoc:
    for step in document.steps:
        if step.key == key:
            return step
    raise Http404


def _families(after: str) -> list[tuple[str, list[base.Kind]]]:
    """The kinds by family. What takes in how a workflow starts can only be its first step."""
    offered = sorted(
        (kind for kind in base.kinds().values() if not (after and kind.is_trigger)),
        key=lambda kind: (not kind.is_trigger, kind.family, kind.shown),
    )
    by_family = sorted(offered, key=lambda kind: kind.family)
    return [(family, list(kinds)) for family, kinds in groupby(by_family, key=lambda kind: kind.family)]


def _forget_errors(*forms: Any) -> None:
    """What is only asked for more fields is not finished."""
    for form in forms:
        form.errors.clear()


def _sent(request: HttpRequest, kind: base.Kind) -> Any:
    """What was sent; what was just chosen has its own defaults."""
    if "more" not in request.POST:
        return request.POST or None
    data = request.POST.copy()
    data.update(shown_first(kind, request.POST, "config_"))
    return data


def _with_more(request: HttpRequest, prefix: str) -> Any:
    """What was sent, with more empty rows."""
    data = request.POST.copy()
    data[f"{prefix}-TOTAL_FORMS"] = str(min(whole(data.get(f"{prefix}-TOTAL_FORMS"), 0), 200) + MORE)
    return data

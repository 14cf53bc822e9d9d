"""Pages of documents that steps have made, and of the templates that they are made from."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.executions.models import Execution
from apps.users.auth import account
from apps.workflows import access, documents, office
from apps.workflows.document_models import DocumentTemplate, GeneratedDocument
from apps.workflows.models import Project
from config.files import file_answer

PER_PAGE = 50


class UploadForm(forms.Form):
    """A file that becomes a template of a project."""

    project = forms.ModelChoiceField(Project.objects.none(), empty_label=None)
    file = forms.FileField(
        label="Word or PowerPoint file",
        widget=forms.ClearableFileInput({"accept": ",".join(office.ENDINGS)}),
        help_text="With places to fill, such as {{ input.name }}.",
    )
    name = forms.CharField(max_length=80, required=False, help_text="By which steps choose it. Empty for the name of the file.")

    def __init__(self, *arguments: Any, user: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*arguments, **options)
        self.fields["project"].queryset = Project.objects.changeable_by(user)  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """One that is too long is not even read."""
        file = self.cleaned_data["file"]
        if file.size > office.MAX_SIZE:
            raise ValidationError(f"A template has at most {office.MAX_SIZE // 2**20} MiB.")
        return file


@require_safe
@login_required
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """The newest documents that the account may see, or those of one execution."""
    found, execution = GeneratedDocument.objects.visible_to(request.user).listed(), None
    if wanted := request.GET.get("execution"):
        execution = Execution.objects.visible_to(request.user).filter(pk__in=filter(None, [_uuid(wanted)])).first()
        found = found.filter(execution=execution) if execution else found.none()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "workflows/documents.html", {"page": page, "execution": execution, "is_filtered": bool(wanted)})


@require_safe
@login_required
@never_cache
def content(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """A document as a file."""
    document = get_object_or_404(GeneratedDocument.objects.visible_to(request.user).filter(size__gt=0), pk=document_id)
    return file_answer(bytes(document.content), document.filename, document.media_type)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def templates(request: HttpRequest) -> HttpResponse:
    """The templates of the account's projects, and a way to add one."""
    posted = request.method == "POST"
    initial = {"project": _uuid(request.GET.get("project", ""))}
    form = UploadForm(request.POST if posted else None, request.FILES if posted else None, user=request.user, initial=initial)
    if form.is_valid() and (stored := _stored(request, form)):
        messages.success(request, f"Steps can choose {stored.name} now.")
        return redirect("documents:templates")
    found = DocumentTemplate.objects.visible_to(request.user).listed().order_by("project__name", "name")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    changeable = set(Project.objects.changeable_by(request.user).values_list("pk", flat=True))
    return render(request, "workflows/document_templates.html", {"page": page, "form": form, "changeable": changeable})


@require_safe
@login_required
@never_cache
def template_content(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """A template as it was uploaded."""
    template = get_object_or_404(DocumentTemplate.objects.visible_to(request.user), pk=template_id)
    return file_answer(bytes(template.content), template.filename, office.MEDIA_TYPES[template.kind])


@require_POST
@login_required
def delete_template(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """Delete a template that nothing was made with."""
    template = get_object_or_404(DocumentTemplate.objects.visible_to(request.user).listed(), pk=template_id)
    access.changeable_project(request.user, template.project_id)
    try:
        documents.delete_template(template)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{template.name} is deleted.")
    return redirect("documents:templates")


def _stored(request: HttpRequest, form: UploadForm) -> DocumentTemplate | None:
    given = form.cleaned_data
    file = given["file"]
    try:
        return documents.store_template(
            given["project"], user=account(request), filename=file.name, content=file.read(), name=given["name"]
        )
    except ValidationError as error:
        for field, texts in error.message_dict.items():
            form.add_error(field if field in form.fields else None, texts)
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

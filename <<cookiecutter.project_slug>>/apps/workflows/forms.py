"""Forms of the pages: projects, their members, workflows, steps, what follows a step, what a workflow asks for."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from apps.executions.forms import help_of, messages_of
from apps.users.models import User
from apps.workflows import exchange, expressions
from apps.workflows.definitions import DefinitionDoc, EdgeDoc, StepDoc
from apps.workflows.expressions import ExpressionError
from apps.workflows.fields import config_fields, config_of, initial_of, inside
from apps.workflows.kinds.base import Kind
from apps.workflows.models import Membership, Project

NOWHERE: Final = ""
MAX_FILE: Final = 4 * exchange.MAX_SIZE
TIMES: Final = ("timeout_seconds", "attempts", "first_retry_seconds")
# The flows whose steps are tried again and have a limit of time.
TIMED: Final = frozenset({"activity", "each", "workflow"})


class PlainForm(forms.Form):
    """A form whose labels end as they are written."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*arguments, **options)


class ProjectForm(PlainForm):
    """What a project is called."""

    name = forms.CharField(max_length=100)


class MemberForm(PlainForm):
    """An account, by its address, and what it may do."""

    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(
        choices=Membership.Role.choices, help_text="A viewer sees; an editor also changes, publishes and runs."
    )

    def clean_email(self) -> User:
        """The account of that address."""
        found = User.objects.filter(email=self.cleaned_data["email"].lower()).first()
        if found is None:
            raise ValidationError("There is no account with this address: ask them to sign up first.")
        return found


class NewWorkflowForm(PlainForm):
    """A workflow in a project: empty, one that comes with the site, or one from a file."""

    project = forms.ModelChoiceField(Project.objects.none(), empty_label=None)
    name = forms.CharField(max_length=100, required=False, help_text="Empty for the name that stands in the file.")
    ready = forms.ChoiceField(label="Begin with", required=False)
    file = forms.FileField(label="Or a file", required=False, help_text="YAML or JSON, as a workflow is exported.")

    def __init__(self, *arguments: Any, projects: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        ready = [(name, document.name) for name, document in exchange.ready().items()]
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        self.fields["ready"].choices = [("", "No steps"), *ready]  # type: ignore[attr-defined]

    def clean_file(self) -> DefinitionDoc | None:
        """The definition in it."""
        file = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size > MAX_FILE:
            raise ValidationError(f"A definition has at most {exchange.MAX_SIZE:,} characters.")
        try:
            return exchange.read(file.read().decode())
        except UnicodeDecodeError as error:
            raise ValidationError("This is no text in UTF-8.") from error
        except ValidationError as error:
            raise ValidationError([f"{place}: {' '.join(texts)}" for place, texts in error.message_dict.items()]) from error

    def clean(self) -> None:
        """It has a name, its own or that of what it begins with."""
        given = self.cleaned_data
        document = given.get("file") or (exchange.ready_definition(given["ready"]) if given.get("ready") else None)
        given["document"] = document
        if not given.get("name") and document is None and not self.errors:
            self.add_error("name", "Give it a name.")


class WorkflowForm(PlainForm):
    """What a workflow is called and what it is for."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(max_length=2_000, required=False, widget=forms.Textarea({"rows": 3}))


class PublishForm(PlainForm):
    """What is new."""

    note = forms.CharField(label="What is new", max_length=500, required=False)


class StepForm(PlainForm):
    """A step: its name, what its kind is told, and where it goes when no condition holds."""

    name = forms.CharField(max_length=100)

    def __init__(self, kind: Kind, document: DefinitionDoc, step: StepDoc | None = None, data: Any = None) -> None:
        super().__init__(data, initial=_initial(kind, step))
        self.kind, self.step = kind, step
        config = inside(kind, data, "config_") if data else step.config if step else {}
        for name, field in config_fields(kind, config).items():
            self.fields[f"config_{name}"] = field
        others = [(each.key, each.name) for each in document.steps if step is None or each.key != step.key]
        if step is None:
            self._ask_place(others)
            return
        self.fields["key"] = forms.RegexField(
            r"^[a-z][a-z0-9_]{0,49}$",
            label="Name in expressions",
            help_text=help_of(
                f"Later steps find what this one gives as steps.{step.key}.output.", "Small letters, digits and _."
            ),
        )
        self.fields["then"] = forms.ChoiceField(choices=[(NOWHERE, "The end"), *others], required=False, label="Otherwise go to")
        if kind.flow in TIMED:
            self._ask_times(kind)

    def _ask_place(self, others: list[tuple[str, str]]) -> None:
        self.fields["after"] = forms.ChoiceField(
            choices=[(NOWHERE, "The beginning"), *others], required=False, label="It follows"
        )
        self.fields["condition"] = forms.CharField(
            required=False,
            max_length=expressions.MAX_LENGTH,
            label="Only if",
            widget=forms.TextInput({"spellcheck": "false", "class": "json"}),
            help_text="Empty for always. An expression that is true or false, such as input.amount > 100",
        )

    def _ask_times(self, kind: Kind) -> None:
        usual = {
            "timeout_seconds": ("Seconds that it may take", kind.timeout.total_seconds(), 30 * 24 * 3600),
            "attempts": ("Attempts", kind.attempts, 1_000),
            "first_retry_seconds": ("Seconds until the first retry", kind.first_retry.total_seconds(), 24 * 3600),
        }
        for name, (label, value, most) in usual.items():
            self.fields[name] = forms.IntegerField(
                required=False, min_value=1, max_value=most, label=label, help_text=f"Empty for {value:g}."
            )

    @property
    def config(self) -> dict[str, Any]:
        """What its kind is told."""
        given = {name.removeprefix("config_"): value for name, value in self.cleaned_data.items() if name.startswith("config_")}
        return config_of(self.kind, given)

    def clean_condition(self) -> str:
        """An expression, if there is one."""
        return _checked(self.cleaned_data["condition"])

    def clean(self) -> None:
        """The kind says what is wrong with its configuration, field by field."""
        if self.errors:
            return
        try:
            self.kind.read(self.config)
        except ValidationError as error:
            for place, texts in error.message_dict.items():
                names = [f"config_{place}", f"config_{place.rpartition('.')[0]}", f"config_{place.partition('.')[0]}"]
                self.add_error(next((name for name in names if name in self.fields), None), texts)

    def changed(self, conditional: list[EdgeDoc]) -> StepDoc:
        """The step as it is now, with those ways before the one that is always gone."""
        assert self.step is not None
        given = self.cleaned_data
        always = [EdgeDoc(to=given["then"])] if given["then"] else []
        return StepDoc(
            key=given["key"],
            kind=self.kind.name,
            name=given["name"],
            config=self.config,
            next=[*conditional, *always],
            **{name: given.get(name) if name in self.fields else getattr(self.step, name) for name in TIMES},
        )

    @property
    def told(self) -> list[forms.BoundField]:
        """The fields of the configuration."""
        return [field for field in self if field.name.startswith("config_")]

    @property
    def times(self) -> list[forms.BoundField]:
        """The fields about time and attempts."""
        return [self[name] for name in TIMES if name in self.fields]


class WayForm(PlainForm):
    """If this holds, go there."""

    condition = forms.CharField(
        label="If",
        required=False,
        max_length=expressions.MAX_LENGTH,
        widget=forms.TextInput({"spellcheck": "false", "class": "json"}),
    )
    to = forms.ChoiceField(label="Go to", required=False)

    def __init__(self, *arguments: Any, targets: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["to"].choices = [(NOWHERE, "–"), *targets]  # type: ignore[attr-defined]

    def clean_condition(self) -> str:
        """An expression, if there is one."""
        return _checked(self.cleaned_data["condition"])

    def clean(self) -> None:
        """Both or none."""
        condition, to = (self.cleaned_data.get(name) for name in ("condition", "to"))
        if condition and not to:
            self.add_error("to", "Say where to go.")
        if to and not condition and "condition" not in self.errors:
            self.add_error("condition", "Say when, or leave both empty.")


def ways_of(step: StepDoc, document: DefinitionDoc, data: Any = None, extra: int = 1) -> Any:
    """A form for each condition of a step, and empty ones. Give the edges by `edges_in`."""
    targets = [(each.key, each.name) for each in document.steps if each.key != step.key]
    formset = forms.formset_factory(WayForm, extra=extra, max_num=200)
    initial = [{"condition": edge.condition, "to": edge.to} for edge in step.next if edge.condition]
    return formset(data, prefix="ways", initial=initial, form_kwargs={"targets": targets})


def edges_in(ways: Any) -> list[EdgeDoc]:
    """What valid forms say."""
    given = (form.cleaned_data for form in ways if form.cleaned_data.get("condition"))
    return [EdgeDoc(to=each["to"], condition=each["condition"]) for each in given]


def errors_of(*forms_given: forms.BaseForm) -> list[tuple[str, str, str]]:
    """What is wrong, as id of the field, label and sentence."""
    found = []
    for form in forms_given:
        for name, texts in form.errors.items():
            field = form[name] if name in form.fields else None
            found += [(field.id_for_label if field else "", str(field.label) if field else "", str(text)) for text in texts]
    return found


def told(error: ValidationError) -> str:
    """What is wrong, in one line."""
    return " ".join(messages_of(error)) if hasattr(error, "error_dict") else " ".join(error.messages)


def _checked(expression: str) -> str:
    if expression:
        try:
            expressions.check(expression)
        except ExpressionError as error:
            raise ValidationError(str(error)) from error
    return expression


def _initial(kind: Kind, step: StepDoc | None) -> dict[str, Any]:
    config = initial_of(kind, step.config if step else {})
    initial = {f"config_{name}": value for name, value in config.items()}
    if step is None:
        return initial | {"name": kind.shown}
    then = next((edge.to for edge in step.next if not edge.condition), NOWHERE)
    times = {name: getattr(step, name) for name in TIMES}
    return initial | times | {"name": step.name, "key": step.key, "then": then}

"""`manage.py workflows`: definitions as files, and their executions, as the operator of this installation."""

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.executions.models import Execution
from apps.users.models import User
from apps.workflows import exchange, services, starting
from apps.workflows.definitions import DefinitionDoc, Problem, document_of
from apps.workflows.importing import import_definition
from apps.workflows.models import Project, Workflow
from apps.workflows.ready_templates import provide_templates
from apps.workflows.validation import problems
from config.parsing import read_json

STANDARD = "-"


class Command(BaseCommand):
    """Definitions, from the command line."""

    help = "Import, export and check definitions of workflows, or run one. WORKFLOW is PROJECT/WORKFLOW, by their slugs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to do and with which."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="import|export|validate|run")
        taken = verbs.add_parser("import", help="make a workflow of a file, or change the draft of the one that it was before")
        taken.add_argument("files", nargs="*", metavar="FILE", help=f"YAML or JSON, {STANDARD} for the standard input")
        taken.add_argument(
            "--ready", action="append", default=[], choices=sorted(exchange.ready()), help="one of the project's own"
        )
        taken.add_argument("--project", required=True, metavar="SLUG", help="made if there is none and --user says whose it is")
        taken.add_argument("--user", metavar="EMAIL", help="who imports (default: the owner of the project)")
        taken.add_argument("--publish", action="store_true", help="publish it, too")
        given = verbs.add_parser("export", help="print a workflow as a file")
        given.add_argument("workflow", metavar="WORKFLOW")
        given.add_argument("--format", choices=["yaml", "json"], default="yaml")
        given.add_argument("--number", type=int, metavar="VERSION", help="a published version (default: what is edited)")
        verbs.add_parser("validate", help="say what is wrong with files").add_argument("files", nargs="+", metavar="FILE")
        run = verbs.add_parser("run", help="start a workflow")
        run.add_argument("workflow", metavar="WORKFLOW")
        run.add_argument("--input", default="{}", metavar="JSON", help="what it asks for")
        run.add_argument("--user", metavar="EMAIL", help="whose execution it is")
        run.add_argument("--key", default="", help="the same key and user start one execution, however often")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Do it and print what came of it. Raises CommandError."""
        try:
            self.stdout.write(getattr(self, f"_{verb}")(options).rstrip("\n"))
        except services.NotPublishable as error:
            raise CommandError(_listed(error.problems)) from error
        except ValidationError as error:
            raise CommandError(_sentence(error)) from error

    @transaction.atomic
    def _import(self, options: dict[str, Any]) -> str:
        ready = [*map(exchange.ready_definition, options["ready"])]
        documents = [*map(_read, options["files"]), *ready]
        if not documents:
            raise CommandError("Say what to import: a FILE, or --ready NAME.")
        project = _project(options["project"], options["user"])
        user = _user(options["user"]) or project.owner
        for document in ready:
            provide_templates(project, document, user=user)
        made = [import_definition(project, each, user=user, is_published=options["publish"]) for each in documents]
        return "\n".join(self.style.SUCCESS(f"{workflow.full_name} is {_stands(workflow)}") for workflow in made)

    def _export(self, options: dict[str, Any]) -> str:
        workflow, number = _workflow(options["workflow"]), options["number"]
        if number is None:
            return exchange.write(exchange.edited_document(workflow), options["format"])
        version = workflow.versions.filter(number=number).first()
        if version is None:
            raise CommandError(f"{workflow.full_name} has no version {number}.")
        return exchange.write(document_of(version), options["format"])

    def _validate(self, options: dict[str, Any]) -> str:
        wrong = {file: found for file in options["files"] if (found := _wrong(file))}
        if wrong:
            raise CommandError("\n".join(f"{file}\n{found}" for file, found in wrong.items()))
        return self.style.SUCCESS(f"Nothing is wrong with {', '.join(options['files'])}.")

    def _run(self, options: dict[str, Any]) -> str:
        workflow = starting.find_active(options["workflow"])
        assert workflow.current is not None
        try:
            values = read_json(options["input"].encode())
        except ValueError as error:
            raise CommandError(f"--input is not JSON: {error}.") from error
        execution = services.start(
            workflow.current,
            values=values,
            user=_user(options["user"]),
            trigger=Execution.Trigger.COMMAND,
            key=options["key"],
            trigger_payload=values,
        )
        return self.style.SUCCESS(f"Accepted: execution {execution.pk}; a running worker or the next one starts it.")


def _read(file: str) -> DefinitionDoc:
    try:
        content = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    return exchange.read_bytes(content)


def _wrong(file: str) -> str:
    try:
        return _listed(problems(_read(file)))
    except ValidationError as error:
        return f"  {_sentence(error)}"


def _project(slug: str, owner: str | None) -> Project:
    project = Project.objects.select_related("owner").filter(slug=slug).first()
    if project is None:
        user = _user(owner)
        if user is None:
            raise CommandError(f"There is no project {slug!r}: with --user EMAIL it is made, as that account's.")
        return services.create_project(name=slug, slug=slug, owner=user)
    return project


def _workflow(full_name: str) -> Workflow:
    project, _, slug = full_name.partition("/")
    found = Workflow.objects.select_related("project", "current__workflow").filter(project__slug=project, slug=slug).first()
    if found is None:
        raise CommandError(f"There is no workflow {full_name!r}: give it as PROJECT/WORKFLOW, by their slugs.")
    return found


def _user(email: str | None) -> User | None:
    if email is None:
        return None
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise CommandError(f"There is no account with the address {email}.")
    return user


def _stands(workflow: Workflow) -> str:
    return f"version {workflow.current.number}" if workflow.current and workflow.status == "active" else "a draft"


def _listed(found: list[Problem]) -> str:
    return "\n".join(f"  {': '.join(filter(None, (each.step, each.field, each.message)))}" for each in found)


def _sentence(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())

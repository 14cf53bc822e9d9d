"""Kinds that wait for people: approvals and signatures. What is asked, answered and told is in apps.approvals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic import Field

from apps.approvals import asking
from apps.approvals.asking import CannotAsk, Document, Question
from apps.approvals.models import BUILT_IN
from apps.approvals.shared import Asked
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.kinds.base import Kind, KindConfig, LongText, StepContext, StepError, Text, Texts, register
from apps.workflows.kinds.reading import texts_in, wrong_addresses
from apps.workflows.shared import Flow

Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Quorum = Annotated[str, Field(pattern=r"^(any|all|[1-9]\d?)$", coerce_numbers_to_str=True)]


class AskConfig(KindConfig):
    """`people` are addresses; an expression may give one or a list of them. `quorum` is any, all or a number.

    `documents` are ids that steps before gave, such as {{ steps.contract.output.document_id }}.
    """

    people: Texts
    title: Text = ""
    message: LongText = ""
    documents: Texts = []
    quorum: Quorum = "any"
    timeout_hours: Hours = 48
    on_timeout: Literal["fail", "approve"] = "fail"
    remind_after_hours: list[Hours] = []
    may_delegate: bool = True


class AskKind(Kind):
    """What approvals and signatures have in common."""

    family = "People"
    flow: ClassVar[Flow] = "people"
    timeout = timedelta(seconds=30)
    asks: ClassVar[Literal["approval", "signature"]]

    def check(self, config: AskConfig) -> Iterator[str]:
        """Addresses that stand there must be some, and a reminder comes before the end."""
        if not config.people:
            yield "Say who is asked."
        yield from wrong_addresses(config.people)
        if late := [hours for hours in config.remind_after_hours if hours >= config.timeout_hours]:
            yield f"A reminder after {late[0]:g} hours comes too late: the time is over after {config.timeout_hours:g}."

    def run(self, config: AskConfig, step: StepContext) -> Asked:
        """Ask. Raises StepError for what cannot be asked."""
        files, links = _documents(step.execution_id, list(texts_in(config.documents, "document_id")))
        question = replace(self.question(config), documents=files)
        question = replace(question, message="\n\n".join(filter(None, [question.message, *links])))
        try:
            return asking.open_request(execution_id=step.execution_id, step=step.step, question=question)
        except CannotAsk as error:
            raise StepError(str(error)) from error

    def question(self, config: Any) -> Question:
        """What is asked of whom."""
        return Question(
            kind=self.asks,
            people=list(texts_in(config.people, "email")),
            title=str(config.title),
            message=str(config.message),
            quorum=config.quorum,
            timeout=timedelta(hours=config.timeout_hours),
            on_timeout=config.on_timeout,
            remind_after=[timedelta(hours=hours) for hours in config.remind_after_hours],
            may_delegate=config.may_delegate,
        )

    def output(self, asked_id: str) -> Any:
        """Id, kind, status, and what each person said."""
        return asking.output_of(asked_id)


@register
class ApprovalKind(AskKind):
    """Ask people to approve, and go on only when enough of them have."""

    name = "approval"
    asks = "approval"

    class Config(AskConfig):
        """As every question to people."""


@register
class ReviewDocumentsKind(ApprovalKind):
    """Ask people to look at documents, and go on only when enough of them have approved."""

    name = "review-documents"


@register
class HumanInLoopKind(ApprovalKind):
    """Ask a person whether to go on."""

    name = "human-in-loop"
    title = "Human in the loop"


@register
class SignatureKind(AskKind):
    """Ask people for their signatures, and go on only when all of them have signed."""

    name = "signature"
    asks = "signature"
    timeout = timedelta(minutes=2)
    attempts = 3
    default_provider: ClassVar[str] = BUILT_IN

    class Config(AskConfig):
        """As every question to people, and who takes the signatures: the site itself or a service."""

        quorum: Quorum = "all"
        timeout_hours: Hours = 168
        may_delegate: bool = False
        provider: Literal["", "built-in", "clicksign", "zapsign"] = ""

    def check(self, config: AskConfig) -> Iterator[str]:
        """As every question; and nobody signs by silence."""
        yield from super().check(config)
        if config.on_timeout == "approve":
            yield "No answer is no signature: on_timeout must be fail."
        provider = getattr(config, "provider", "") or self.default_provider
        if provider != BUILT_IN and config.quorum != "all":
            yield f"{provider} takes the signatures of all: quorum must be all."

    def question(self, config: Any) -> Question:
        """What is to be signed by whom, and where."""
        return replace(super().question(config), provider=config.provider or self.default_provider)


@register
class RequestSignaturesKind(SignatureKind):
    """Ask people for their signatures, as the kind signature does."""

    name = "request-signatures"


@register
class ClickSignKind(SignatureKind):
    """Ask people for their signatures through ClickSign."""

    name = "clicksign"
    title = "ClickSign"
    default_provider = "clicksign"


@register
class ZapSignKind(SignatureKind):
    """Ask people for their signatures through ZapSign."""

    name = "zapsign"
    title = "ZapSign"
    default_provider = "zapsign"


def _documents(execution_id: str, ids: list[str]) -> tuple[list[Document], list[str]]:
    """The files of those ids that the project has made, and a line for each that is kept elsewhere. Raises StepError."""
    files, links = [], []
    made = GeneratedDocument.objects.filter(
        execution__run__version__workflow__project__workflows__versions__runs=UUID(execution_id)
    )
    for each in ids:
        try:
            found = made.filter(pk=each).first()
        except ValidationError:
            found = None
        if found is None:
            raise StepError(f"the project has made no document {each!r}")
        if found.size:
            files.append(Document(name=found.filename, media_type=found.media_type, content=bytes(found.content)))
        else:
            links.append(f"{found.filename}: {found.url}")
    return files, links

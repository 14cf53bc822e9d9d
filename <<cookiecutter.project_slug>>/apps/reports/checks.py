"""System checks of the settings of reports: https://docs.djangoproject.com/en/6.1/topics/checks/"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import BaseModel, Field, TypeAdapter
from pydantic import ValidationError as InvalidSetting

from apps.reports.documents import NO_PDF, can_write
from apps.reports.models import Report
from apps.reports.receivers import OWNER
from apps.temporal import registry


class AtTheEnd(BaseModel, extra="forbid"):
    """What is written at the end of a workflow's executions, and who gets it by mail."""

    formats: list[Report.Format] = Field(min_length=1)
    recipients: list[str] = []


REPORTS = TypeAdapter(dict[str, AtTheEnd])


@register
def check_reports(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """REPORTS names workflows, formats and addresses that there are."""
    try:
        wanted = REPORTS.validate_python(settings.REPORTS)
    except InvalidSetting as error:
        return [Error(f"REPORTS cannot be used: {_said(error)}.", id="reports.E001")]
    wrong: list[str] = []
    for workflow, at_the_end in wanted.items():
        # Those that people define are rows, which a check does not look at: their names have a slash.
        if "/" not in workflow and workflow not in registry.workflows():
            wrong.append(f"REPORTS[{workflow!r}]: there is no such workflow.")
        wrong += [f"REPORTS[{workflow!r}]: {NO_PDF}" for format_ in at_the_end.formats if not can_write(format_)]
        wrong += [
            f"REPORTS[{workflow!r}]: {address!r} is neither an e-mail address nor {OWNER!r}."
            for address in at_the_end.recipients
            if not (address == OWNER or _is_address(address))
        ]
    return [Error(sentence, id="reports.E002") for sentence in wrong]


def _is_address(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def _said(error: InvalidSetting) -> str:
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())

"""Asking services that the settings name. Those that people name are asked by http.py, which trusts no address."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import urllib3

from apps.notifications.webhooks import may_pass
from apps.workflows.kinds.base import StepError

TIMEOUT = urllib3.Timeout(connect=10, read=30)


class NoAnswer(Exception):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """The other side could not answer this time."""


def ask(
    method: str, url: str, *, token: str = "", json: Any = None, form: Mapping[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """Send JSON or a form, and give the answer. Raises StepError for a refusal, NoAnswer for what may pass."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content: dict[str, Any] = {"json": json}
    if form is not None:
        content = {"body": urlencode(form)}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    place = f"{method} {url.partition('?')[0]}"
    try:
        answer = urllib3.request(method, url, headers=headers, timeout=TIMEOUT, retries=False, redirect=False, **content)
    except urllib3.exceptions.HTTPError as error:
        raise NoAnswer(f"{place}: {type(error).__name__}") from error
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    said = f"{place} was answered with {answer.status}: {answer.data[:500].decode(errors='replace')}"
    if may_pass(answer.status):
        raise NoAnswer(said)
    raise StepError(said)

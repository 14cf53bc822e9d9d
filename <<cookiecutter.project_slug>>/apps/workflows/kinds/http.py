"""A kind that asks other services over HTTP: at public addresses alone, signed, with a key for those who drop repetitions."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from http.client import InvalidURL
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from pydantic import Field

from apps.notifications import webhooks
from apps.notifications.webhooks import Answer, WebhookRefused, may_pass
from apps.workflows.kinds.base import TEMPLATE, Kind, KindConfig, StepContext, StepError, Text, Value, register
from apps.workflows.kinds.outside import NoAnswer
from apps.workflows.models import Project
from apps.workflows.signing import signing_key
from config.parsing import read_json

JSON = "application/json"
# In bytes, of an answer: it becomes the step's output.
MAX_ANSWER = 90_000
# Ours to say.
OURS = frozenset({"host", "user-agent", "content-length", "transfer-encoding", "connection", "idempotency-key"})
Headers = Annotated[dict[str, str], Field(json_schema_extra={"format": TEMPLATE})]
Status = Annotated[int, Field(ge=100, le=599)]


@register
class HttpRequestKind(Kind):
    """Ask another service over HTTP, and take its answer."""

    name = "http-request"
    title = "HTTP request"
    family = "Connections"
    timeout = timedelta(minutes=1)

    class Config(KindConfig):
        """`body` is sent as JSON. `expected` are the statuses that are no failure: every 2xx where it is empty."""

        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
        url: Text
        headers: Headers = {}
        body: Value = None
        expected: list[Status] = []

    def check(self, config: Config) -> Iterator[str]:
        """An address that stands there must be one, and headers that this writes itself are not to be said."""
        if "{{" not in config.url:
            try:
                webhooks.read_address(config.url)
            except WebhookRefused as error:
                yield str(error)
        for name in config.headers:
            if name.lower() in OURS or name.lower().startswith("webhook-"):
                yield f"The header {name} is written by the step itself: leave it out."

    def run(self, config: Config, step: StepContext) -> dict[str, Any]:
        """Ask. Raises StepError for what will be answered alike again, NoAnswer and OSError for what may pass."""
        try:
            answer = self._ask(config, step)
        except (WebhookRefused, ValueError, InvalidURL) as error:
            raise StepError(str(error)) from error
        expected = config.expected or range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
        if answer.status in expected:
            return {"status": answer.status, "body": _read(answer)}
        if may_pass(answer.status):
            raise NoAnswer(f"{config.method} was answered with {answer.status}")
        raise StepError(f"{config.method} was answered with {answer.status}: {answer.body[:500].decode(errors='replace')}")

    def _ask(self, config: Config, step: StepContext) -> Answer:
        body = b"" if config.body is None else json.dumps(config.body, ensure_ascii=False, default=str).encode()
        return webhooks.call(
            config.method,
            str(config.url),
            key=step.key,
            secret=signing_key(Project.objects.get(workflows__versions__runs=UUID(step.execution_id))),
            body=body,
            headers={**_headers(config), "Idempotency-Key": step.key},
            longest=MAX_ANSWER + 1,
        )


def _headers(config: HttpRequestKind.Config) -> Mapping[str, str]:
    headers = {"Accept": JSON} | ({"Content-Type": JSON} if config.body is not None else {})
    token = settings.WORKFLOW_HTTP_TOKENS.get(webhooks.read_address(str(config.url)).host or "")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers | {name: str(value) for name, value in config.headers.items()}


def _read(answer: Answer) -> Any:
    if len(answer.body) > MAX_ANSWER:
        raise StepError(f"the answer has more than {MAX_ANSWER:,} bytes")
    text = answer.body.decode(errors="replace")
    if answer.media_type != JSON and not answer.media_type.endswith("+json"):
        return text
    try:
        return read_json(answer.body) if answer.body else None
    except (ValueError, RecursionError) as error:
        raise StepError("the answer says that it is JSON, and is not") from error

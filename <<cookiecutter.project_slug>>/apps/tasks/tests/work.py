"""Tasks for the tests of the backend, and its options."""

from threading import Event
from typing import Any

from django.tasks import TaskContext, task
from pytest_django import Settings

from apps.development.testing import PATIENCE
from apps.users.models import User

begun, may_go_on = Event(), Event()
runs: list[str] = []


def set_options(settings: Settings, **options: Any) -> None:
    """Have the backend made anew, with these options."""
    settings.TASKS = {"default": settings.TASKS["default"] | {"OPTIONS": options}}


@task
def echo(*args: Any, **kwargs: Any) -> list[Any]:
    return [list(args), kwargs]


@task
async def echo_async(word: str) -> str:
    return word


@task
def add(first: int, second: int) -> int:
    return first + second


@task
def fail(message: str) -> None:
    raise ValueError(ValueError(message))


@task
def leave() -> None:
    raise SystemExit("leaving")


@task
def give_an_object() -> object:
    return object()


@task(takes_context=True)
def who(context: "TaskContext[..., Any]", word: str) -> list[Any]:
    return [context.task_result.id, context.attempt, context.task_result.worker_ids, word]


@task(takes_context=True)
def fail_before_attempt(context: "TaskContext[..., Any]", attempt: int) -> int:
    if context.attempt < attempt:
        raise ValueError(f"at attempt {context.attempt}")
    return context.attempt


@task
def note(word: str) -> int:
    runs.append(word)
    return User.objects.count()


@task
def wait() -> str:
    begun.set()
    if not may_go_on.wait(2 * PATIENCE):
        raise TimeoutError
    return "gone on"

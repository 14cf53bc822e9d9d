"""Tasks for the tests of the backend."""

import os
from typing import Any

from django.tasks import TaskContext, task

from apps.users.models import User


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
    raise ValueError(message)


@task
def leave() -> None:
    raise SystemExit("leaving")


@task
def give_an_object() -> object:
    return object()


@task(takes_context=True)
def who(context: "TaskContext[..., Any]") -> list[Any]:
    return [context.task_result.id, context.attempt, context.task_result.worker_ids == [f"{os.getpid()}@{os.uname().nodename}"]]


@task(takes_context=True)
def fail_at_first(context: "TaskContext[..., Any]") -> int:
    if context.attempt == 1:
        raise ValueError("at first")
    return context.attempt


@task
def count_users() -> int:
    return User.objects.count()

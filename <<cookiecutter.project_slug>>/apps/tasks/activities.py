"""Where tasks of django.tasks run."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from django.tasks import TaskContext, TaskResultStatus
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError

from apps.tasks.runs import error_of, result_of
from apps.tasks.shared import TaskCall, TaskRun

WORKER_ID = f"{os.getpid()}@{socket.gethostname()}"


@activity.defn
def run_django_task(call: TaskCall) -> TaskRun:
    """Run a task. Raises ApplicationError for what it raises, final after `max_attempts`; ImportError where it is not known."""
    run = TaskRun(attempt=activity.info().attempt, worker_id=WORKER_ID, started_at=activity.info().started_time)
    result = result_of(call, TaskResultStatus.RUNNING, run)
    task = result.task
    sender = type(task.get_backend())
    context: list[TaskContext[..., Any]] = [TaskContext(task_result=result)] if task.takes_context else []
    task_started.send(sender, task_result=result)
    try:
        with _heartbeats(call.heartbeat.total_seconds() / 3):
            run = replace(run, value=normalize_json(task.call(*context, *call.args, **call.kwargs)))
    except CancelledError:
        # The worker stops, or somebody cancelled the task: it did not fail.
        raise
    except BaseException as error:
        told, final = error_of(error), run.attempt >= call.max_attempts
        if final:
            failed = result_of(call, TaskResultStatus.FAILED, run, told, at=timezone.now())
            task_finished.send(sender, task_result=failed)
        run = replace(run, traceback=told.traceback)
        raise ApplicationError(str(error), run, type=told.exception_class_path, non_retryable=final) from None
    task_finished.send(sender, task_result=result_of(call, TaskResultStatus.SUCCESSFUL, run, at=timezone.now()))
    return run


@contextmanager
def _heartbeats(every: float) -> Iterator[None]:
    """Tell the server that this worker lives, so that another takes over soon when it does not."""
    done, context = threading.Event(), copy_context()

    def beat() -> None:
        while not done.wait(every):
            context.run(activity.heartbeat)

    thread = threading.Thread(target=beat, name="heartbeats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

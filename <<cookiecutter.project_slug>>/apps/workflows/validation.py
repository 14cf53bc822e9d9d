"""What is wrong with a definition. A step by itself is checked when it is saved, the whole when it is published."""

from collections.abc import Iterator

from django.core.exceptions import ValidationError

from apps.workflows import inputs
from apps.workflows.definitions import DefinitionDoc, Problem, StepDoc, ancestors, in_order
from apps.workflows.expressions import ExpressionError, check, expressions, inputs_in, steps_in, texts_of
from apps.workflows.kinds import base

# In bytes of JSON. The whole definition is the input of each execution, and Temporal takes 2 MiB.
MAX_SIZE = 2**20


def problems(document: DefinitionDoc) -> list[Problem]:
    """Everything that keeps a definition from being published, each with the step that it is about."""
    found = [*_input_problems(document), *_key_problems(document)]
    if not document.steps:
        found.append(Problem(message="There is no step: add one."))
    for step in document.steps:
        found += step_problems(step)
    return found or [*_graph_problems(document), *_size_problems(document)]


def step_problems(step: StepDoc) -> Iterator[Problem]:
    """What is wrong with one step by itself."""
    try:
        kind = base.find(step.kind)
        kind.read(step.config)
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            yield Problem(step=step.key, field=field, message=" ".join(messages))
        return
    for edge in step.next:
        if edge.condition:
            try:
                check(edge.condition)
            except ExpressionError as error:
                yield Problem(step=step.key, field="next", message=str(error))
    always = [edge.to for edge in step.next if not edge.condition]
    if len(always) > 1:
        yield Problem(step=step.key, field="next", message=f"{' and '.join(always)} both follow always: give one a condition.")
    if step.next and not always:
        yield Problem(step=step.key, field="next", message="Say what follows when no condition holds.")
    if kind.flow == "route" and not step.next:
        yield Problem(step=step.key, field="next", message="Say what follows: this step does nothing else.")


def _input_problems(document: DefinitionDoc) -> Iterator[Problem]:
    for message in inputs.schema_problems(document.input_schema):
        yield Problem(field="input_schema", message=message)


def _key_problems(document: DefinitionDoc) -> Iterator[Problem]:
    keys = [step.key for step in document.steps]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Problem(step=key, field="key", message=f"Two steps have the key {key}: rename one.")
    for step in document.steps:
        for edge in step.next:
            if edge.to not in keys:
                yield Problem(step=step.key, field="next", message=f"There is no step {edge.to}.")


def _graph_problems(document: DefinitionDoc) -> Iterator[Problem]:
    steps = {step.key: step for step in document.steps}
    ordered = set(in_order(steps))
    if looping := [key for key in steps if key not in ordered and _reaches_itself(steps, key)]:
        yield from (
            Problem(step=key, field="next", message="It leads back to itself: a workflow has no loops.") for key in looping
        )
        return
    before, first = ancestors(steps), document.steps[0].key
    if before[first]:
        yield Problem(step=first, message=f"It is the first step, and {min(before[first])} leads to it: put another step first.")
    for key, step in steps.items():
        if key != first and first not in before[key]:
            yield Problem(step=key, message="Nothing leads to it: connect it to a step before it, or delete it.")
        if base.find(step.kind).is_trigger and key != first:
            yield Problem(step=key, field="kind", message="It takes what starts the workflow, so it can only be the first step.")
        yield from _reference_problems(document, step, before[key])


def _reference_problems(document: DefinitionDoc, step: StepDoc, before: set[str]) -> Iterator[Problem]:
    """What a step speaks of must be able to exist when it runs."""
    fields = document.input_schema.get("properties", {})
    closed = bool(fields) and document.input_schema.get("additionalProperties", True) is False
    for field, expression, own in _expressions_of(step):
        for key in sorted(steps_in(expression) - before - own):
            yield Problem(step=step.key, field=field, message=f"It speaks of steps.{key}, which never runs before it.")
        for name in sorted(inputs_in(expression) - fields.keys() if closed else ()):
            yield Problem(step=step.key, field=field, message=f"It speaks of input.{name}, which the input does not have.")


def _expressions_of(step: StepDoc) -> Iterator[tuple[str, str, set[str]]]:
    """Field, expression, and the steps that it may speak of beside those before it: a condition knows its own step."""
    kind = base.find(step.kind)
    config = kind.Config.model_validate(step.config)
    inner = [(each, each.Config.model_validate(given)) for each, given in kind.inner(config)]
    for each, given in [(kind, config), *inner]:
        for field, form, value in each.filled_fields(given):
            for text in texts_of(value):
                for expression in [text] if form == base.EXPRESSION else expressions(text):
                    yield field, expression, set()
    for edge in step.next:
        yield "next", edge.condition, {step.key}


def _size_problems(document: DefinitionDoc) -> Iterator[Problem]:
    if (size := len(document.model_dump_json().encode())) > MAX_SIZE:
        message = (
            f"It has {size / 2**20:.1f} MiB and may have 1: store long texts elsewhere, such as in a template of a document."
        )
        yield Problem(message=message)


def _reaches_itself(steps: dict[str, StepDoc], start: str) -> bool:
    seen: set[str] = set()
    ahead = [edge.to for edge in steps[start].next]
    while ahead:
        key = ahead.pop()
        if key == start:
            return True
        if key not in seen and key in steps:
            seen.add(key)
            ahead += [edge.to for edge in steps[key].next]
    return False

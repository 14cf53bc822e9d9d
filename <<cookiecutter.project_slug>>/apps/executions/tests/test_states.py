"""Which changes there are, and that every other is refused by name."""

from itertools import product

import pytest

from apps.executions import states
from apps.executions.models import Execution

STATUSES = [str(status) for status in Execution.Status]
ALLOWED = {
    ("pending", "running"),
    *(("pending", end) for end in states.CLOSED),
    ("running", "paused"),
    *(("running", end) for end in states.CLOSED),
    ("paused", "running"),
    *(("paused", end) for end in states.CLOSED),
}
PAIRS = list(product(STATUSES, STATUSES))


def test_every_status_is_open_or_closed() -> None:
    assert sorted(STATUSES) == sorted(states.OPEN | states.CLOSED) == sorted(states.TRANSITIONS)


@pytest.mark.parametrize("pair", sorted(ALLOWED))
def test_a_change_that_there_is(pair: tuple[str, str]) -> None:
    states.check(*pair)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in ALLOWED])
def test_a_change_that_there_is_not_is_refused_by_name(pair: tuple[str, str]) -> None:
    with pytest.raises(states.IllegalTransition) as caught:
        states.check(*pair)

    before, after = map(states.shown, pair)
    assert str(caught.value).startswith(f"This execution is {before} and cannot become {after}. ")


def test_each_refusal_says_something_else() -> None:
    refused = [pair for pair in PAIRS if pair not in ALLOWED]
    said = set()
    for pair in refused:
        with pytest.raises(states.IllegalTransition) as caught:
            states.check(*pair)
        said.add(str(caught.value))

    assert len(said) == len(refused)


@pytest.mark.parametrize("before", STATUSES)
def test_only_a_reset_sends_a_closed_execution_back_to_work(before: str) -> None:
    if before in states.CLOSED:
        states.check(before, "running", by_reset=True)
    for after in set(STATUSES) - {"running"}:
        if (before, after) not in ALLOWED:
            with pytest.raises(states.IllegalTransition):
                states.check(before, after, by_reset=True)


@pytest.mark.parametrize("before", STATUSES)
def test_people_reset_what_did_not_do_its_work(before: str) -> None:
    if before in {"failed", "canceled", "terminated", "timed_out"}:
        states.check_reset(before)
    else:
        with pytest.raises(states.IllegalTransition, match=f"is {before} and cannot be reset"):
            states.check_reset(before)

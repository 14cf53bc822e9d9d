"""What a step gives is stored, or refused with a sentence: no database may choke on it later."""

from typing import Any

import pytest

from apps.workflows import activities
from apps.workflows.kinds.base import StepError


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"a": float("nan")}, "JSON does not have"),
        ({"a": "\ud800"}, "JSON does not have"),
        (["a\0b"], "NUL character"),
        ("x" * 100_001, "100,000 are kept"),
    ],
)
def test_what_cannot_be_kept_fails_the_step(given: Any, reason: str) -> None:
    with pytest.raises(StepError, match=reason):
        activities._output(given)

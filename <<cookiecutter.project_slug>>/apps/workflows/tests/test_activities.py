"""What a step gives is stored, or refused with a sentence: no database may choke on it later."""

from typing import Any

import pytest

from apps.workflows import activities
from apps.workflows.kinds.base import StepError


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"a": float("nan")}, "cannot be stored: Out of range"),
        ({"a": "\ud800"}, "half of a character"),
        (["a\0b"], "NUL character"),
        ("x" * 100_001, "100,000 are kept"),
    ],
)
def test_what_cannot_be_kept_fails_the_step(given: Any, reason: str) -> None:
    with pytest.raises(StepError, match=reason):
        activities._output(given)

"""What the tests of tasks need."""

from apps.temporal.tests.conftest import server  # noqa: F401  a fixture

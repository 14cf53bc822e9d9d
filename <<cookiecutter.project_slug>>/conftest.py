"""Fixtures for every test of the project."""

import pytest
from django.core.cache import cache

pytest_plugins = ["apps.development.testing", "tests.installation", "tests.postgresql", "tests.web", "tests.browsing"]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rate limits and remembered states would reach from one test into the next."""
    cache.clear()

"""Finds each app's workflows and activities: whatever is defined in its workflows.py and activities.py."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule


@cache
def workflows() -> dict[str, type]:
    """Every workflow class by its registered name. Raises ImproperlyConfigured when two share a name."""
    return _collect("workflows", "__temporal_workflow_definition", type)


@cache
def activities() -> dict[str, Callable[..., Any]]:
    """Every activity by its registered name. Raises ImproperlyConfigured when two share a name."""
    return _collect("activities", "__temporal_activity_definition", object)


def _collect(submodule: str, mark: str, kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in modules(submodule):
        for item in vars(module).values():
            # An imported name belongs to the module that defines it, an inherited mark to the parent. A type alias has no dict.
            own = getattr(item, "__dict__", {})
            if isinstance(item, kind) and mark in own and item.__module__ == module.__name__:
                name = getattr(item, mark).name
                if name in found:
                    both = f"{found[name].__module__} and {module.__name__}"
                    raise ImproperlyConfigured(f"{name!r} is registered twice, in {both}.")
                found[name] = item
    return found


def modules(submodule: str) -> list[ModuleType]:
    """That module of every app that has one."""
    return [
        import_module(f"{config.name}.{submodule}")
        for config in apps.get_app_configs()
        if config.module and module_has_submodule(config.module, submodule)
    ]

"""The suite's own steps and fixtures become plugins of pytest."""

from __future__ import annotations

import importlib
import pkgutil

import pytest


def register_suite(config: pytest.Config) -> None:
    """Register the fixtures and the modules of steps, unless they are."""
    for name in ("pytest_flexprice.run.fixtures", *_step_modules()):
        module = importlib.import_module(name)
        if not config.pluginmanager.has_plugin(name):
            config.pluginmanager.register(module, name)


def _step_modules() -> list[str]:
    package = importlib.import_module("pytest_flexprice.steps")
    return [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]

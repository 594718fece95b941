"""The plan, for a task that needs no run."""

from __future__ import annotations

import pytest

from pytest_flexprice.model.bounded import Unreadable
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.plan_file import PlanError, load
from pytest_flexprice.model.profile import ProfileError
from pytest_flexprice.run.early import refusal
from pytest_flexprice.run.profile import find_plan


def plan_of(config: pytest.Config, name: str) -> GoLivePlan:
    """The plan.

    Raises:
        pytest.UsageError: there is none, or it cannot be read.
    """
    try:
        return _loaded(config, name)
    except ProfileError as error:
        raise refusal(config.rootpath, name, error) from None


def plan_if_any(config: pytest.Config) -> GoLivePlan | None:
    """The plan, or None where there is no file of it.

    Raises:
        pytest.UsageError: it cannot be read.
    """
    try:
        return _loaded(config, "")
    except ProfileError:
        return None


def _loaded(config: pytest.Config, name: str) -> GoLivePlan:
    try:
        return load(find_plan(config, name)[0])
    except (PlanError, Unreadable) as error:
        raise refusal(config.rootpath, name, error) from None

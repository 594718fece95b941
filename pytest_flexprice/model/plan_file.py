"""The plan as a file: read into its types, or refused in one sentence with file, key, value and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_flexprice.model import spoken
from pytest_flexprice.model.bounded import LARGEST_PLAN, Unreadable, parse_toml, read_text
from pytest_flexprice.model.golive_plan import GoLivePlan


class PlanError(Exception):
    """The plan cannot be used; the message is one sentence with file, key, value, what is expected and how to fix it."""


def load(path: Path) -> GoLivePlan:
    """Read a plan.

    Raises:
        PlanError: the file is missing, is not TOML, or holds a value that is not as expected.
    """
    try:
        data = parse_toml(read_text(path, "the plan", LARGEST_PLAN), path, "the plan")
    except FileNotFoundError:
        raise PlanError(
            f"{path}: there is no such plan file; name it with --flexprice-plan or write a first one with --flexprice-init."
        ) from None
    except Unreadable as error:
        raise PlanError(str(error)) from None
    return parse(data, path)


def parse(data: dict[str, Any], path: Path) -> GoLivePlan:
    """A plan from the parsed TOML of ``path``.

    Raises:
        PlanError: values are not as expected; the sentence names the file, and key and value of each such place.
    """
    try:
        return GoLivePlan.model_validate({**data, "path": path})
    except ValidationError as error:
        problems = spoken.sentences(error, GoLivePlan, "the plan")
        raise PlanError(f"{path}: {spoken.several(problems, 'places of the plan cannot be used')}.") from None


def json_schema() -> str:
    """The plan's JSON Schema, for editors."""
    return json.dumps(GoLivePlan.model_json_schema(), indent=2, sort_keys=True)

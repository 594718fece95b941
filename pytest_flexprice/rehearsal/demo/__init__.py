"""The demo company: a plan and what it names, as a company would have them in its repository."""

from pathlib import Path

from pytest_flexprice.model.golive_plan import PLAN_NAME

PLAN = Path(__file__).parent / PLAN_NAME

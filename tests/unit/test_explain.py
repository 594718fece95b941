"""Every item of the checklist is explained, by keys that the plan has and scenarios that there are."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_flexprice.evidence.written import features_folder
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.checklist import BY_ID, ITEMS
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from pytest_flexprice.tasks.explain import explained, scenarios
from pytest_flexprice.tasks.explanations import EXPLANATIONS


@pytest.fixture(scope="module")
def demo() -> plans.GoLivePlan:
    return plan_file.load(DEMO_PLAN)


def test_every_item_is_explained() -> None:
    assert list(EXPLANATIONS) == [item.id for item in ITEMS]


def field(model: Any, name: str) -> Any:
    kind = model.model_fields[name].annotation
    inner = [kind, *getattr(kind, "__args__", ())]
    return next((one for one in inner if isinstance(one, type) and issubclass(one, plans.PlanTable)), kind)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_its_keys_are_keys_of_the_plan(item: Any) -> None:
    for key in EXPLANATIONS[item.id].keys:
        kind: Any = plans.GoLivePlan
        for part in key.replace("environments.ENV", "ENV").split("."):
            kind = plans.Environment if part == "ENV" else field(kind, part)
        assert kind is not None


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_it_shows_scenarios_what_the_plan_says_and_what_to_do(item: Any, demo: plans.GoLivePlan) -> None:
    text = "\n".join(explained(item, scenarios(features_folder()), demo))
    assert item.title in text
    assert "(@" in text
    assert "When it is red: " in text


def test_what_the_plan_says_is_quoted(demo: plans.GoLivePlan) -> None:
    text = "\n".join(explained(BY_ID["5.1"], [], demo))
    assert "invoicing.grace_period_days = 14" in text
    assert "invoicing.due_date_days = not decided" in text
    text = "\n".join(explained(BY_ID["8.1"], [], demo))
    assert "attested by Jonas Weber" in text

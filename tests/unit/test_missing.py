"""What only people can say: told when nobody said it, when it ran out, and shortly before it does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model import plan_file
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from pytest_flexprice.tasks.missing import missing
from tests import suite

TODAY = date(2026, 11, 20)


@pytest.fixture
def plan() -> plans.GoLivePlan:
    made = plan_file.load(DEMO_PLAN)
    spoken = tuple(one.model_copy(update={"on": TODAY, "valid_days": 90}) for one in made.attestations)
    return made.model_copy(update={"attestations": spoken, "waivers": ()})


def test_nothing_is_missing_where_everything_was_said(plan: plans.GoLivePlan) -> None:
    assert missing(plan, "prod", TODAY) == []


def test_a_statement_that_nobody_made_is_asked_for(plan: plans.GoLivePlan) -> None:
    others = tuple(one for one in plan.attestations if one.item != "8.2")
    (line,) = missing(plan.model_copy(update={"attestations": others}), "prod", TODAY)
    assert line.startswith("8.2 ")
    assert "[[attestations]]" in line


@pytest.mark.parametrize(
    ("days", "words"), [(75, ""), (76, "to be asked again before"), (91, "nobody's statement counts today")]
)
def test_a_statement_is_asked_for_again_before_it_ends(plan: plans.GoLivePlan, days: int, words: str) -> None:
    lines = [line for line in missing(plan, "prod", TODAY + timedelta(days=days)) if line.startswith("8.1")]
    assert [words in line for line in lines] == ([True] if words else [])


def test_a_waiver_is_told_before_and_after_its_end(plan: plans.GoLivePlan) -> None:
    waiver = plans.Waiver(
        item="1.4", reason="late", owner="Ann Lee", approved_by="Bo Berg", until=TODAY + timedelta(days=20)
    )
    waived = plan.model_copy(update={"waivers": (waiver,)})
    told = {
        days: [line for line in missing(waived, "prod", TODAY + timedelta(days=days)) if "waiver" in line]
        for days in (5, 6, 21)
    }
    assert told[5] == []
    assert "ends on 2026-12-10; ask Ann Lee" in told[6][0]
    assert "ended on 2026-12-10" in told[21][0]


def test_the_command_lists_and_ends(tmp_path: Path) -> None:
    done = suite.run(tmp_path, "--flexprice-env=local", "--flexprice-missing")
    assert done.code == 0
    assert "asked" in done.output or "to ask for" in done.output
    assert not list(done.reports.glob("*/*"))

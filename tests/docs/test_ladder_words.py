"""The ladder has one vocabulary: what the code calls a rung is what the documentation calls it."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_flexprice.testbed.ladder import Rung
from pytest_flexprice.testbed.smoke import Smoke

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "verdict.md"


def test_the_documentation_names_every_rung_in_its_order() -> None:
    told = re.findall(r"[a-z]+", PAGE.read_text(encoding="utf-8").split("The smoke test is a ladder:")[1])
    names = [rung.name.lower() for rung in Rung]
    assert [word for word in dict.fromkeys(told) if word in names] == names


def test_every_rung_is_a_method_of_the_ladder() -> None:
    assert all(callable(getattr(Smoke, rung.name.lower())) for rung in Rung)

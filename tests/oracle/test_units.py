"""Units that names spell, and features that are sold in another one than their meter counts."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from pytest_flexprice.model.units import factor, units_in
from pytest_flexprice.oracle.catalog.objects import Feature
from pytest_flexprice.oracle.catalog.units import other_units

from .catalog_strategies import catalog, tokens, usage


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        ("duration_seconds", "Build minutes", "60"),
        ("durationMs", "seconds", "1000"),
        ("gb_hours", "gigabyte-second", "0.0002777"),
        ("GBHours", "GB hours", "1"),
        ("duration", "minutes", None),
        ("seconds", "gigabytes", None),
        ("gb", "GB hours", None),
        ("s", "minutes", None),
        ("duration_s", "minutes", "60"),
        ("dauer_sekunden", "Sprachminuten Minute", "60"),
    ],
)
def test_how_many_of_one_unit_are_another(one: str, other: str, times: str | None) -> None:
    found = factor(units_in(other), units_in(one))
    assert found == times if times is None or found is None else abs(found - Decimal(times)) < Decimal("1e-6")


def told(field: str = "seconds", unit: str = "minute", divide_by: int = 1, **changes: object) -> list[str]:
    meter = tokens(field=field, **changes)
    feature = Feature("Builds", "metered", meter, unit_singular=unit, unit_plural=f"{unit}s")
    price = dataclasses.replace(usage(), divide_by=Decimal(divide_by))
    return [one.sentence for one in other_units(catalog(price, features={"tokens": feature}))]


def test_a_meter_that_counts_another_unit_than_is_sold_is_told_with_its_factor() -> None:
    (found,) = told()
    assert "is in 'minute'" in found
    assert "60 times too much" in found
    assert "multiply by 0.016666667" in found
    (found,) = told("minutes", "second")
    assert "60 times too little" in found


def test_nothing_is_told_where_something_converts_or_no_name_spells_a_unit() -> None:
    assert told(aggregation="SUM_WITH_MULTIPLIER", multiplier=Decimal("0.0167")) == []
    assert (
        told(divide_by=60) == told(field="", expression="seconds / 60.0") == told("tokens") == told(unit="build") == []
    )
    assert told("bytes", "kilobyte", aggregation="SUM_WITH_MULTIPLIER", multiplier=Decimal(1) / 1024) == []

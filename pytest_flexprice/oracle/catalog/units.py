"""Features that are sold in one unit and counted in another, such as minutes whose meter adds up seconds (checklist 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.units import Unit, factor, units_in
from pytest_flexprice.oracle.catalog.objects import Catalog, Feature

_SAME = Decimal("0.15")
"""How far apart two factors may be: a gigabyte of 1024³ bytes is one of 10⁹."""
_ADDS_UP = ("SUM", "SUM_WITH_MULTIPLIER", "MAX", "AVG", "LATEST")


def other_units(catalog: Catalog) -> Iterator[Finding]:
    """Warnings; nothing is said where a multiplier, an expression or a package converts, nor of units that no name spells."""
    for key, feature, meter in catalog.metered():
        spec = meter.aggregation
        if spec.type not in _ADDS_UP or spec.expression or not spec.field:
            continue
        sold, counted = _sold_in(feature), units_in(spec.field)
        apart = factor(counted, sold)
        times = apart and apart / (spec.multiplier or 1)
        if apart is None or times is None or _alike(times) or _packaged(catalog, meter, times):
            continue
        yield _finding(key, feature, meter, (sold, counted), apart)


def _sold_in(feature: Feature) -> tuple[Unit, ...]:
    return next(filter(None, map(units_in, (feature.unit_singular, feature.unit_plural, feature.name))), ())


def _packaged(catalog: Catalog, meter: Meter, times: Decimal) -> bool:
    """Whether a price on the meter counts packages of as many as make the unit that is sold."""
    sizes = [
        price.divide_by
        for _, plan in catalog.every_plan()
        for price in plan.prices
        if price.event_name == meter.event_name
    ]
    return any(_alike(times * size) for size in sizes)


def _alike(times: Decimal) -> bool:
    return abs(times - 1) <= _SAME


def _finding(
    key: str, feature: Feature, meter: Meter, units: tuple[tuple[Unit, ...], tuple[Unit, ...]], apart: Decimal
) -> Finding:
    sold, counted = ("-".join(unit.word for unit in each) for each in units)
    multiplier = meter.aggregation.multiplier
    times = apart if multiplier is None else apart / multiplier
    by, much = (1 / times, "much") if times < 1 else (times, "little")
    converted = "" if multiplier is None else f" times {words(multiplier)}"
    return Finding(
        "2.1",
        f"features.{key}.unit",
        f"feature '{feature.name}' is in '{sold}', and its meter '{meter.name}' takes the {meter.aggregation.type} of "
        f"'{meter.aggregation.field}'{converted}, which is in '{counted}'",
        consequence=f"if the price is for one {sold}, {words(round(by, 3))} times too {much} is billed",
        remedy=f"let the meter multiply by {words(round(apart, 9))}, or name the unit that the price is for",
        severity=Severity.WARNING,
    )

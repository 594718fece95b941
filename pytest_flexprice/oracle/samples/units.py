"""Quantities that arrive in another unit than the samples show, such as bytes where gigabytes are billed (checklist 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import NamedTuple

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.units import measured
from pytest_flexprice.oracle.samples.counting import Samples
from pytest_flexprice.oracle.samples.rules import Reading

_APART = 500
"""Between the largest of one and the smallest of the other: below the thousand that separates units, above what usage does by itself."""
_FACTORS = (60, 1000, 1024, 3600, 1e6, 1e9)
"""Between units of time and of data; half as many again is still one of them, where no values of one are among the other's."""
_FEWEST = 3


class Span(NamedTuple):
    """From the smallest to the largest value, and the one in the middle."""

    least: float
    most: float
    middle: float

    def __str__(self) -> str:
        return f"{_spelled(self.least)} to {_spelled(self.most)}"


Spans = Mapping[tuple[str, str], Span]
"""The values above 0 that meters read, by event name and property."""


def spans(samples: Samples, readings: Iterable[Reading]) -> Spans:
    """What the meters' properties hold."""
    asked = {(one.event, field) for one in readings if one.aggregation != "COUNT_UNIQUE" for field in one.fields}
    found = {key: samples.numbers(*key) for key in sorted(asked)}
    return {key: Span(min(one), max(one), median(one)) for key, one in found.items() if len(one) >= _FEWEST}


def other_units(sampled: Spans, arrived: Spans) -> list[Finding]:
    """Properties whose values all lie far above, or far below, all of the samples'."""
    return [
        Finding(
            "3.1",
            f"recent events.{event}.{name}",
            f"'{name}' of the recent events '{event}' is {arrived[event, name]}, and of the samples {span}",
            consequence="if it is another unit, such as bytes for gigabytes, it is billed as many times too much or too little",
            remedy="send the unit that the price is for, or record the samples again",
            severity=Severity.WARNING,
        )
        for (event, name), span in sampled.items()
        if (event, name) in arrived and _apart(name, *sorted((span, arrived[event, name])))
    ]


def _apart(name: str, low: Span, high: Span) -> bool:
    if high.least > low.most * _APART:
        return True
    times = high.middle / low.middle
    return high.least > low.most and measured(name) and any(one / 1.5 < times < one * 1.5 for one in _FACTORS)


def _spelled(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"

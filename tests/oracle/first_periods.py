"""The period in which a new subscription starts, for tests that make one up."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.pricing.periods import later, next_boundary


def first_period(
    start: datetime,
    billing_period: str,
    count: int = 1,
    *,
    calendar_cycle: bool = False,
    anchor: datetime | None = None,
) -> Window:
    """A subscription's first period: from its start (cut to milliseconds) to the anniversary, the anchor or the boundary.

    An ``anchor`` (anniversary billing only) shortens the first period to the next day and time that it names.
    """
    begin = start.astimezone(UTC)
    begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
    if calendar_cycle:
        return Window(begin, next_boundary(begin, billing_period))
    if anchor is None:
        return Window(begin, second(later(begin, billing_period, count)))
    end, steps = anchor.astimezone(UTC), 0
    while end <= begin:
        steps += count
        end = later(anchor.astimezone(UTC), billing_period, steps)
    return Window(begin, second(end))

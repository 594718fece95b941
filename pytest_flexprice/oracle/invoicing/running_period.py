"""Whether a subscription's running period is one that its terms give (checklist 5.3; contract 4.2, recording billing_periods).

Every invoice takes its times from it: a period that ends on another day bills the wrong usage, and moves all that follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.suspicion import as_if
from pytest_flexprice.model.times import Window, days, second
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.pricing.periods import MONTHS, later, next_boundary, next_period


def period_findings(subscription: BilledSubscription, item: str) -> list[Finding]:
    """A running period that begins or ends elsewhere than its terms say; nothing where its end is agreed, or not known."""
    period, wanted = subscription.period, ends(subscription)
    begun = begins(subscription)
    if begun is not None and second(period.start) != second(begun):
        return [_begins_wrongly(subscription, begun, item)]
    if wanted is None or second(period.end) == wanted or subscription.ends is not None:
        return []
    hint = as_if(words for words, wrong in _wrongly(subscription) if wrong == second(period.end))
    number = f"{subscription.billing_period_count} × " if subscription.billing_period_count > 1 else ""
    return [
        Finding(
            item,
            "subscription.current_period_end",
            f"the running period began at {_told(period.start)} and ends at {_told(period.end)},"
            f" where {number}{subscription.billing_period} ends at {_told(wanted)}{hint}",
            expected=_told(wanted),
            observed=_told(period.end),
            consequence="its invoice bills the usage of another time, and every later period begins on a wrong day",
            remedy="compare the subscription's start, anchor, billing period and time zone with what was agreed",
        )
    ]


def _begins_wrongly(subscription: BilledSubscription, begun: datetime, item: str) -> Finding:
    late = second(subscription.period.start) - second(begun)
    hint = f"it begins {_long(late)} too {'late' if late > timedelta() else 'early'}" if abs(late) <= days(1) else ""
    return Finding(
        item,
        "subscription.current_period_start",
        f"the running period begins at {_told(subscription.period.start)}, where one of {subscription.billing_period} since"
        f" {_told(subscription.start)} begins at {_told(begun)}{as_if([hint] if hint else [])}",
        expected=_told(begun),
        observed=_told(subscription.period.start),
        consequence="its invoice leaves out usage, or bills it once more",
        remedy="compare the subscription's start, anchor, billing period and time zone with what was agreed",
    )


def begins(subscription: BilledSubscription) -> datetime | None:
    """Which of the periods since a subscription's start begins nearest to the running one; nothing where no recording tells.

    It tells nothing of those whose anchor is another day than their start, of calendar cycles, and of those billed early. Periods may
    have gone by UTC before their customer's clock was known.
    """
    start, shown = subscription.start, subscription.period.start
    period, count = subscription.billing_period, subscription.billing_period_count
    known = period in ("DAILY", "WEEKLY", *MONTHS) and second(subscription.anchor) == second(start)
    if not known or subscription.calendar_cycle or subscription.billed_early:
        return None
    found: list[datetime] = []
    for zone in (subscription.zone, UTC):
        before = Window(start, start)
        while before.end < shown:
            before = next_period(before, period, subscription.anchor, count, zone)
        found += before
    return min(found, key=lambda moment: abs(moment - shown))


def ends(subscription: BilledSubscription) -> datetime | None:
    """When the running period must end, in whole seconds; nothing where no recording tells.

    A first period that an anchor shortens ends where the anchor's day comes first, which was recorded of months.
    """
    start, first = subscription.period.start, subscription.period.start == subscription.start
    count, zone = subscription.billing_period_count, subscription.zone
    if subscription.billing_period not in ("DAILY", "WEEKLY", *MONTHS):
        return None
    if subscription.calendar_cycle:
        return None if first and count > 1 else next_boundary(start, subscription.billing_period, count, zone)
    if not first or second(subscription.anchor) == second(start):
        return _later(subscription, zone)
    return None


def _later(subscription: BilledSubscription, zone: tzinfo) -> datetime:
    day = subscription.anchor.astimezone(zone).day
    start = subscription.period.start.astimezone(zone)
    end = later(start, subscription.billing_period, subscription.billing_period_count, day=day)
    return second(end.astimezone(UTC))


def _wrongly(subscription: BilledSubscription) -> Iterator[tuple[str, datetime]]:
    """Wrong rules of periods in words, each with the end that it comes to."""
    start, count = subscription.period.start, subscription.billing_period_count
    wanted = ends(subscription)
    if wanted is not None:
        yield "it is a day too long", wanted + days(1)
        yield "it is a day too short", wanted - days(1)
        yield "its last second is left out", wanted - timedelta(seconds=1)
    if subscription.calendar_cycle:
        yield "it goes by UTC and not by its customer's clock", next_boundary(start, subscription.billing_period, count)
    else:
        yield "it goes by UTC and not by its customer's clock", _later(subscription, UTC)
        boundary = next_boundary(start, subscription.billing_period, count, subscription.zone)
        yield "it goes by the calendar and not by its anniversary", boundary
    months = MONTHS.get(subscription.billing_period, 0) * count
    if months:
        first = later(start.replace(day=1), subscription.billing_period, count)
        yield "a month's end runs over into the next month", second(first + days(start.day - 1))
        yield "every month has 30 days", second(start + days(30 * months))
        yield "every month has 31 days", second(start + days(31 * months))
        yield "every year has 365 days", second(start + days(365 * months // 12))
    short = wanted - second(subscription.period.end) if wanted is not None else timedelta()
    if wanted is not None and timedelta(minutes=1) <= abs(short) < days(1):
        yield f"it is {_long(short)} too {'short' if short > timedelta() else 'long'}", wanted - short


def _long(span: timedelta) -> str:
    """A day or less, in words."""
    minutes = abs(span) // timedelta(minutes=1)
    return "a day" if abs(span) == days(1) else f"{minutes // 60} h {minutes % 60} min"


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

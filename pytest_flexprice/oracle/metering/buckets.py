"""The windows in which bucketed meters and daily or monthly allowances count, in UTC (contract 2.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from pytest_flexprice.model.times import days

_MINUTES = {"MINUTE": 1, "15MIN": 15, "30MIN": 30, "HOUR": 60, "3HOUR": 180, "6HOUR": 360, "12HOUR": 720, "DAY": 1440}
SIZES = (*_MINUTES, "WEEK", "MONTH")


def bucket_start(moment: datetime, size: str, anchor: datetime | None = None) -> datetime:
    """The start of the bucket that a moment lies in.

    Weeks start on Sunday (recording reconcile_totals). Months start on the day of the month of the ``anchor`` (the subscription's
    billing anchor), at midnight; without one on the first.

    Raises:
        ValueError: Flexprice has no such bucket size.
    """
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if size in _MINUTES:
        passed = (moment - midnight) // timedelta(minutes=_MINUTES[size])
        return midnight + passed * timedelta(minutes=_MINUTES[size])
    if size == "WEEK":
        return midnight - days(midnight.isoweekday() % 7)
    if size == "MONTH":
        shift = days((anchor.day if anchor else 1) - 1)
        return (midnight - shift).replace(day=1) + shift
    raise ValueError(f"'{size}' is no bucket size; Flexprice knows {', '.join(SIZES)}")
